"""What single studies do to the pooled result, and small-study effects.

Cook's distance and covratio as in mixed models (Viechtbauer W, Cheung MWL. Res Synth Methods 2010; 1: 112); GOSH plot
(Olkin I et al. Res Synth Methods 2012; 3: 214); Deeks JJ et al. J Clin Epidemiol 2005; 58: 882 (funnel asymmetry).
"""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import stats

from osteon.stats.accuracy_model import Bivariate, interior, to_psi
from osteon.stats.accuracy_reitsma import fit_logits, refit_normal
from osteon.stats.accuracy_table import Tables, logits
from osteon.stats.arguments import Floats

Refit = Callable[[Tables], Bivariate]


class LeftOut(NamedTuple):
    """The model without one study: mean, between-study variances, correlation, Cook's distance, covratio."""

    study: str
    mu: Floats
    tau2: Floats
    rho: float
    cook: float
    covratio: float


def leave_one_out(tables: Tables, fit: Bivariate, refit: Refit) -> list[LeftOut]:
    """Refit without each study in turn. Cook's distance is (mu - mu_i)' V^-1 (mu - mu_i), not divided by two."""
    inverse, determinant = np.linalg.inv(fit.covariance), np.linalg.det(fit.covariance)
    rows = []
    for i, name in enumerate(tables.study):
        other = refit(tables.take(np.arange(len(tables)) != i))
        move = fit.mu - other.mu
        rows.append(LeftOut(name, other.mu, np.diag(other.between), other.rho, float(move @ inverse @ move),
                            float(np.linalg.det(other.covariance) / determinant)))
    return rows


class Residuals(NamedTuple):
    """Studentised residuals (k, 2) of the two logits, the joint squared distance (k,), and its chi-square p-value (k,)."""

    margins: Floats
    distance: Floats
    p: Floats
    predicted: Floats


def residuals(tables: Tables, fit: Bivariate, correction: str = "single") -> Residuals:
    """Residuals of the corrected logits against the fitted marginal distribution, and the empirical Bayes predictions (k, 2).

    A study without one margin has nan there and is judged on the other.
    """
    y = logits(tables, correction)
    margins, predicted = np.full((len(tables), 2), np.nan), np.empty((len(tables), 2))
    distance, p = np.empty(len(tables)), np.empty(len(tables))
    for i in range(len(tables)):
        seen = np.isfinite(y.variance[i])
        total = (fit.between + np.diag(np.where(seen, y.variance[i], 0.0)))[np.ix_(seen, seen)]
        off = (y.value[i] - fit.mu)[seen]
        spread = total - fit.covariance[np.ix_(seen, seen)]
        spread = spread if (np.diag(spread) > 0).all() else total
        margins[i, seen] = off / np.sqrt(np.diag(spread))
        distance[i] = off @ np.linalg.solve(total, off)
        p[i] = stats.chi2.sf(distance[i], seen.sum())
        predicted[i] = fit.mu + fit.between[:, seen] @ np.linalg.solve(total, off)
    return Residuals(margins, distance, p, predicted)


class Gosh(NamedTuple):
    """Fits of random subsets of studies: membership (B, k), means (B, 2) and between-study covariances (B, 2, 2)."""

    members: np.ndarray
    mu: Floats
    psi: Floats


def gosh(tables: Tables, *, count: int = 2000, seed: int = 0, correction: str = "single", smallest: int = 4) -> Gosh:
    """REML fits of ``count`` random subsets of at least ``smallest`` studies (sizes uniform, members uniform)."""
    k, rng = len(tables), np.random.default_rng(seed)
    if k <= smallest:
        raise ValueError(f"tables: {k} studies (expected more than {smallest} for subsets)")
    sizes = rng.integers(smallest, k, count)
    members = np.argsort(rng.random((count, k)), axis=1).argsort(axis=1) < sizes[:, None]
    y = logits(tables, correction)
    variances = np.where(members[:, :, None], y.variance, np.inf)
    mu, chol = refit_normal(np.broadcast_to(y.value, variances.shape), variances, interior(fit_logits(y).optimum.theta))
    return Gosh(members, mu, to_psi(chol))


class Deeks(NamedTuple):
    """Weighted regression of the log diagnostic odds ratio on 1 / sqrt(effective sample size); two-sided p of the slope."""

    intercept: float
    slope: float
    error: float
    t: float
    p: float
    df: int
    log_dor: Floats
    root: Floats


def deeks(tables: Tables, *, added: float = 0.5) -> Deeks:
    """Deeks' funnel asymmetry test; ``added`` goes into every cell. nan p where fewer than three studies have both margins."""
    both = tables.take((tables.totals > 0).all(1))
    tp, fp, fn, tn = (both.cells + added).T
    n1, n0 = both.totals.T
    weight = 4 * n1 * n0 / (n1 + n0)
    y, x, df = np.log(tp * tn / (fp * fn)), 1 / np.sqrt(weight), len(both) - 2
    if df < 1 or np.ptp(x) == 0:
        return Deeks(math.nan, math.nan, math.nan, math.nan, math.nan, df, y, x)
    design = np.column_stack([np.ones(len(both)), x])
    cross = np.linalg.inv(design.T @ (design * weight[:, None]))
    beta = cross @ (design.T @ (weight * y))
    scale = float(weight @ (y - design @ beta) ** 2) / df
    error = math.sqrt(scale * cross[1, 1])
    t = beta[1] / error if error > 0 else math.nan
    return Deeks(float(beta[0]), float(beta[1]), error, float(t), float(2 * stats.t.sf(abs(t), df)), df, y, x)
