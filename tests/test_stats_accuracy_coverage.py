"""Coverage of the default pooled intervals and regions in simulated reviews (second tier; docs/evidence/coverage.md is written from it)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from scipy.special import expit

from osteon.stats.accuracy_glmm import fit_exact
from osteon.stats.accuracy_sroc import quantile, region_quantile
from osteon.stats.accuracy_table import Tables


class Truth(NamedTuple):
    """What reviews are drawn from: mean logits, between-study covariance, smallest and largest number of subjects a margin."""

    mu: tuple[float, float]
    psi: tuple[tuple[float, float], tuple[float, float]]
    sizes: tuple[int, int]


USUAL = Truth((1.7, 2.0), ((0.5, -0.2), (-0.2, 0.6)), (20, 150))
SPARSE = Truth((2.9, 2.2), ((0.4, -0.1), (-0.1, 0.4)), (10, 50))
NAMES = ("sensitivity t", "specificity t", "sensitivity z", "specificity z", "region F", "region chi2", "prediction F", "prediction chi2")


def coverage(k: int, reviews: int, seed: int, truth: Truth = USUAL) -> dict[str, float]:
    """Share of simulated reviews whose interval or region holds the truth (prediction: a new study), and how many could be fitted."""
    mu, psi, rng = np.array(truth.mu), np.array(truth.psi), np.random.default_rng(seed)
    hits, done = np.zeros(len(NAMES)), 0
    for _ in range(reviews):
        n = rng.integers(*truth.sizes, (k, 2))
        x = rng.binomial(n, expit(rng.multivariate_normal(mu, psi, k)))
        new = rng.multivariate_normal(mu, psi)
        fit = fit_exact(Tables(x[:, 0], n[:, 1] - x[:, 1], fn=n[:, 0] - x[:, 0], tn=x[:, 1]))
        off, ahead, spread = fit.mu - mu, fit.mu - new, np.diag(fit.covariance)
        if not (np.isfinite(spread).all() and (spread > 0).all()):
            continue
        done += 1
        wald = np.abs(off) / np.sqrt(spread)
        inside, wide = off @ np.linalg.pinv(fit.covariance) @ off, ahead @ np.linalg.pinv(fit.covariance + fit.between) @ ahead
        limits = (region_quantile(k), region_quantile(k, kind="chi2"))
        hits += [*(wald < quantile(k)), *(wald < quantile(k, kind="z")), *(inside < q for q in limits), *(wide < q for q in limits)]
    return {"fitted": done, **dict(zip(NAMES, hits / done, strict=True))}


@pytest.mark.verify
@pytest.mark.parametrize("k", [5, 10, 30])
def test_default_intervals_cover(k: int) -> None:
    found = coverage(k, 1000, seed=k)
    assert found["fitted"] > 980
    chance = 2 * (0.95 * 0.05 / 1000) ** 0.5  # with 5 studies the coverage is 96.3 to 97.1 % in runs of 5,000
    for name in ("sensitivity t", "specificity t", "region F"):
        assert 0.92 <= found[name] <= 0.97 + (chance if k == 5 else 0), (k, found)


def test_z_covers_less_than_t() -> None:
    found = coverage(6, 60, seed=1)
    assert found["sensitivity t"] >= found["sensitivity z"]
    assert found["region F"] >= found["region chi2"]
