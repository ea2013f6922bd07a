"""Coverage of the default pooled intervals and regions in simulated reviews (second tier)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from osteon.stats.accuracy_glmm import fit_exact
from osteon.stats.accuracy_sroc import quantile, region_quantile
from osteon.stats.accuracy_table import Tables

MU, PSI = np.array([1.7, 2.0]), np.array([[0.5, -0.2], [-0.2, 0.6]])


def coverage(k: int, reviews: int, seed: int) -> dict[str, float]:
    """Share of simulated reviews whose interval or region holds the truth: t and z intervals, F and chi-square regions."""
    rng, hits, done = np.random.default_rng(seed), np.zeros(6), 0
    for _ in range(reviews):
        n = rng.integers(20, 150, (k, 2))
        x = rng.binomial(n, expit(rng.multivariate_normal(MU, PSI, k)))
        fit = fit_exact(Tables(x[:, 0], n[:, 1] - x[:, 1], fn=n[:, 0] - x[:, 0], tn=x[:, 1]))
        off, spread = fit.mu - MU, np.diag(fit.covariance)
        if not (np.isfinite(spread).all() and (spread > 0).all()):
            continue
        done += 1
        wald = np.abs(off) / np.sqrt(spread)
        distance = off @ np.linalg.pinv(fit.covariance) @ off
        hits += [*(wald < quantile(k)), *(wald < quantile(k, kind="z")), distance < region_quantile(k), distance < region_quantile(k, kind="chi2")]
    names = ("sensitivity t", "specificity t", "sensitivity z", "specificity z", "region F", "region chi2")
    return {"fitted": done, **dict(zip(names, hits / done, strict=True))}


@pytest.mark.verify
@pytest.mark.parametrize("k", [5, 10, 30])
def test_default_intervals_cover(k: int) -> None:
    found = coverage(k, 1000, seed=k)
    assert found["fitted"] > 980
    for name in ("sensitivity t", "specificity t", "region F"):
        assert 0.92 <= found[name] <= 0.97, (k, found)


def test_z_covers_less_than_t() -> None:
    found = coverage(6, 60, seed=1)
    assert found["sensitivity t"] >= found["sensitivity z"]
    assert found["region F"] >= found["region chi2"]
