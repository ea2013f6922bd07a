"""Several rows a study: a three-level normal model with row-in-study and study effects, also for networks of tests.

logit rates of row r in study s = X beta + u_s + w_sr + e_sr, u ~ N(0, Psi_study), w ~ N(0, Psi_row). With one indicator
column a test it is the arm-based network model (Nyaga VN et al. Stat Methods Med Res 2018; 27: 2554).
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.special import expit

from osteon.stats.accuracy_model import Design, boundaries, canonical, moment_start, simple, to_psi
from osteon.stats.accuracy_optimise import minimise, polish
from osteon.stats.accuracy_table import Logits, Tables, logits
from osteon.stats.arguments import Floats
from osteon.stats.intervals import Interval


@dataclass(frozen=True, eq=False)
class ThreeLevel:
    """Coefficients (p,) with covariance, and the two between covariances (2, 2): of studies and of rows within a study."""

    mu: Floats
    covariance: Floats
    _: KW_ONLY
    psi_study: Floats
    psi_row: Floats
    log_likelihood: float
    counts: tuple[int, int]
    gradient_norm: float
    boundary: tuple[str, ...]


class _Study(NamedTuple):
    """One study stacked: sensitivities of its rows, then specificities; missing margins are left out."""

    y: Floats
    within: Floats
    x: Floats
    margin: np.ndarray
    row: np.ndarray


def fit_levels(tables: Tables, study: Sequence[object], *, design: Design | None = None,
               correction: str = "single") -> ThreeLevel:
    """REML fit. ``study`` (k,) groups the rows. Raises ValueError where no study has two rows (the levels are then one)."""
    groups = [str(s) for s in study]
    if len(groups) != len(tables) or len(set(groups)) in (len(groups), 1):
        raise ValueError(f"study: {len(set(groups))} studies for {len(tables)} rows (expected at least two studies, "
                         "one of them with two rows)")
    design = simple(len(tables)) if design is None else design
    y = logits(tables, correction)
    blocks = _stack(y, design, groups)
    start = moment_start(y) * np.sqrt(0.5)
    fits = [minimise(lambda t: _objective(t, blocks)[:2], np.concatenate([start * a, start * b]), tolerance=1e-4)
            for a, b in ((1.0, 1.0), (1.2, 0.3), (0.3, 1.2))]
    best = polish(lambda t: _objective(t, blocks)[:2], min(fits, key=lambda f: f.value))
    value, _, beta, covariance = _objective(best.theta, blocks)
    chol = canonical(best.theta)
    names = [f"{n} (studies)" for n in boundaries(chol[:3])] + [f"{n} (rows)" for n in boundaries(chol[3:])]
    seen = sum(len(b.y) for b in blocks) - design.width
    psi = to_psi(chol)
    return ThreeLevel(beta, covariance, psi_study=psi[0], psi_row=psi[1], boundary=tuple(names),
                      log_likelihood=-value - 0.5 * seen * np.log(2 * np.pi), counts=(len(set(groups)), len(tables)),
                      gradient_norm=float(np.linalg.norm(best.gradient)))


def _stack(y: Logits, design: Design, groups: list[str]) -> list[_Study]:
    out, split = [], design.sensitivity.shape[1]
    for name in sorted(set(groups)):
        rows = np.array([i for i, g in enumerate(groups) if g == name])
        margin, row = np.repeat([0, 1], len(rows)), np.tile(rows, 2)
        kept = np.isfinite(y.variance[row, margin])
        margin, row = margin[kept], row[kept]
        x = np.zeros((len(row), design.width))
        x[margin == 0, :split] = design.sensitivity[row[margin == 0]]
        x[margin == 1, split:] = design.specificity[row[margin == 1]]
        out.append(_Study(y.value[row, margin], y.variance[row, margin], x, margin, row))
    return out


def _objective(theta: Floats, blocks: list[_Study]) -> tuple[float, Floats, Floats, Floats]:
    """Minus the restricted log-likelihood without constant, gradient in both Cholesky factors, coefficients, covariance."""
    psi = to_psi(theta)
    inverse, logdet = [], 0.0
    for b in blocks:
        pair = np.ix_(b.margin, b.margin)
        total = psi[0][pair] + psi[1][pair] * (b.row[:, None] == b.row) + np.diag(b.within)
        inverse.append(np.linalg.inv(total))
        logdet += np.linalg.slogdet(total)[1]
    cross = sum(b.x.T @ w @ b.x for b, w in zip(blocks, inverse, strict=True))
    covariance = np.linalg.inv(cross)
    beta = covariance @ sum(b.x.T @ w @ b.y for b, w in zip(blocks, inverse, strict=True))
    value, slopes = 0.5 * (logdet + np.linalg.slogdet(cross)[1]), np.zeros((2, 2, 2))
    for b, w in zip(blocks, inverse, strict=True):
        r = w @ (b.y - b.x @ beta)
        value += 0.5 * (b.y - b.x @ beta) @ r
        wx = w @ b.x
        g = w - np.outer(r, r) - wx @ covariance @ wx.T
        pick = np.eye(2)[b.margin]
        slopes[0] += pick.T @ g @ pick
        slopes[1] += pick.T @ (g * (b.row[:, None] == b.row)) @ pick
    gradient = []
    for part, chol in zip(slopes, theta.reshape(2, 3), strict=True):
        product = part @ np.array([[chol[0], 0.0], [chol[1], chol[2]]])
        gradient += [product[0, 0], product[1, 0], product[1, 1]]
    return float(value), np.array(gradient), beta, covariance


def level_rates(fit: ThreeLevel, rows: Floats, *, level: float = 0.95) -> list[tuple[Interval, Interval]]:
    """Sensitivity and specificity of each design row (m, p / 2), t with studies minus coefficients of a margin df."""
    half = len(fit.mu) // 2
    quantile = stats.t.ppf(0.5 + level / 2, max(fit.counts[0] - half, 1))
    out = []
    for row in np.atleast_2d(rows):
        pair = []
        for part in (slice(0, half), slice(half, None)):
            m, e = row @ fit.mu[part], quantile * np.sqrt(row @ fit.covariance[part, part] @ row)
            pair.append(Interval(*(float(expit(v)) for v in (m, m - e, m + e)), level=level, method="three-level, REML"))
        out.append((pair[0], pair[1]))
    return out


def ranks(fit: ThreeLevel, rows: Floats, *, count: int = 10000, seed: int = 0) -> Floats:
    """Probability (tests, tests) that a test has each rank (best first) by diagnostic odds ratio, from the normal approximation."""
    rng, half = np.random.default_rng(seed), len(fit.mu) // 2
    drawn = rng.multivariate_normal(fit.mu, fit.covariance, count, method="eigh")
    dor = drawn[:, :half] @ np.atleast_2d(rows).T + drawn[:, half:] @ np.atleast_2d(rows).T
    order = (-dor).argsort(1).argsort(1)
    return np.array([[(order[:, t] == r).mean() for r in range(dor.shape[1])] for t in range(dor.shape[1])])
