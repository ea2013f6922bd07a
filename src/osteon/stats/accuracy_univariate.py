"""Pooling of one quantity a study (logit rate, log odds ratio, log likelihood ratio): inverse variance and Mantel-Haenszel.

DerSimonian R, Laird N. Control Clin Trials 1986; 7: 177 (DL); Paule RC, Mandel J. J Res NBS 1982; 87: 377 (PM);
Viechtbauer W. J Educ Behav Stat 2005; 30: 261 (ML, REML), Stat Med 2007; 26: 37 (Q-profile); Knapp G, Hartung J.
Stat Med 2003; 22: 2693; Robins J, Breslow N, Greenland S. Biometrics 1986; 42: 311 (Mantel-Haenszel).
"""
from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import numpy as np
from scipy import optimize, stats

from osteon.stats.accuracy_table import Tables, corrected
from osteon.stats.arguments import Floats, numbers, positives, same_length
from osteon.stats.intervals import Interval, around

METHODS = ("FE", "DL", "REML", "ML", "PM")


@dataclass(frozen=True)
class Univariate:
    """A pooled value with its interval, between-study variance, heterogeneity and prediction interval."""

    pooled: Interval
    error: float
    _: KW_ONLY
    tau2: float
    q: float
    i2: float
    log_likelihood: float
    prediction: tuple[float, float]

    @property
    def estimate(self) -> float:
        """The pooled value on the scale of the input."""
        return self.pooled.estimate


class Effects(NamedTuple):
    """Values (k,) and their within-study variances (k,)."""

    value: Floats
    variance: Floats


def pool_effects(values: Floats, variances: Floats, *, method: str = "REML", hartung_knapp: bool = False,
                 safeguard: bool = True, level: float = 0.95) -> Univariate:
    """Inverse-variance pooling. ``hartung_knapp`` uses the t-distribution with k - 1 degrees of freedom and the observed
    spread; ``safeguard`` never lets it make the interval shorter. Raises ValueError for fewer than one value."""
    y, v = numbers(values, "values"), positives(variances, "variances")
    k = same_length(values=y, variances=v)
    if k < 1 or method not in METHODS:
        raise ValueError(f"method: {method!r} with {k} values (expected one of {', '.join(METHODS)} and a value)")
    tau2 = between_variance(y, v, method)
    w = 1 / (v + tau2)
    mean = float(w @ y / w.sum())
    error, df = 1 / math.sqrt(w.sum()), math.inf
    if hartung_knapp and k > 1:
        spread = float(w @ (y - mean) ** 2) / (k - 1)
        error, df = error * math.sqrt(max(spread, 1.0) if safeguard else spread), k - 1
    reach = float(stats.t.ppf(0.5 + level / 2, df)) * math.sqrt(error**2 + tau2)
    label = f"{method}{', Hartung-Knapp' if hartung_knapp else ''}"
    return Univariate(around(mean, error, level=level, df=df, method=label), error, tau2=tau2, q=cochran_q(y, v),
                      i2=_i2(y, v, tau2, method), log_likelihood=_log_likelihood(y, v, tau2, method == "REML"),
                      prediction=(mean - reach, mean + reach))


def cochran_q(y: Floats, v: Floats, tau2: float = 0.0) -> float:
    """Generalised Q statistic at a between-study variance."""
    w = 1 / (v + tau2)
    return float(w @ (y - w @ y / w.sum()) ** 2)


def between_variance(y: Floats, v: Floats, method: str) -> float:
    """Between-study variance by the named estimator, never below zero."""
    if method == "FE" or len(y) < 2:
        return 0.0
    if method == "DL":
        w = 1 / v
        return max(0.0, (cochran_q(y, v) - (len(y) - 1)) / (w.sum() - (w**2).sum() / w.sum()))
    if method == "PM":
        return _q_root(y, v, len(y) - 1)
    return _likelihood_variance(y, v, method == "REML")


def _q_root(y: Floats, v: Floats, target: float) -> float:
    """The between-study variance at which the generalised Q equals ``target``."""
    if cochran_q(y, v) <= target:
        return 0.0
    high = float(np.var(y) + v.max())
    while cochran_q(y, v, high) > target:
        high *= 2
    return float(optimize.brentq(lambda t: cochran_q(y, v, t) - target, 0.0, high, xtol=1e-14, rtol=1e-14))


def _log_likelihood(y: Floats, v: Floats, tau2: float, restricted: bool) -> float:
    k, w = len(y), 1 / (v + tau2)
    value = 0.5 * np.log(w).sum() - 0.5 * cochran_q(y, v, tau2)
    if restricted:
        return float(value - 0.5 * (k - 1) * math.log(2 * math.pi) + 0.5 * math.log(k) - 0.5 * math.log(w.sum()))
    return float(value - 0.5 * k * math.log(2 * math.pi))


def _score(y: Floats, v: Floats, tau2: float, restricted: bool) -> float:
    w = 1 / (v + tau2)
    mean = w @ y / w.sum()
    trace = w.sum() - ((w**2).sum() / w.sum() if restricted else 0.0)
    return float((w**2) @ (y - mean) ** 2 - trace)


def _likelihood_variance(y: Floats, v: Floats, restricted: bool) -> float:
    """Best of the boundary and every sign change of the score on a logarithmic grid (the likelihood may have two peaks)."""
    top = float(np.ptp(y) ** 2 + v.max()) * 2
    edges = np.concatenate([[0.0], np.geomspace(1e-8 * top, top, 60)])
    slope = np.array([_score(y, v, t, restricted) for t in edges])
    roots = [0.0]
    for a, b, left, right in zip(edges[:-1], edges[1:], slope[:-1], slope[1:], strict=True):
        if left > 0 >= right:
            roots.append(float(optimize.brentq(lambda t: _score(y, v, t, restricted), a, b, xtol=1e-15, rtol=1e-13)))
    return max(roots, key=lambda t: _log_likelihood(y, v, t, restricted))


def _i2(y: Floats, v: Floats, tau2: float, method: str) -> float:
    """Share of variation beyond sampling error: from Q for the fixed effect, else from tau2 and the typical variance."""
    k, w = len(y), 1 / v
    if k < 2:
        return math.nan
    if method == "FE":
        q = cochran_q(y, v)
        return max(0.0, (q - (k - 1)) / q) if q > 0 else 0.0
    typical = (k - 1) * w.sum() / (w.sum() ** 2 - (w**2).sum())
    return tau2 / (tau2 + typical)


def tau2_interval(values: Floats, variances: Floats, *, level: float = 0.95) -> tuple[float, float]:
    """Q-profile limits of the between-study variance (Viechtbauer 2007)."""
    y, v = numbers(values, "values"), positives(variances, "variances")
    df, tail = len(y) - 1, (1 - level) / 2
    return _q_root(y, v, stats.chi2.ppf(1 - tail, df)), _q_root(y, v, stats.chi2.ppf(tail, df))


def effects(tables: Tables, measure: str, correction: str = "all") -> Effects:
    """Log diagnostic odds ratio (dor) or log likelihood ratio (lr_positive, lr_negative) of each study with both margins."""
    tp, fp, fn, tn = corrected(tables.take((tables.totals > 0).all(1)), correction).T
    n1, n0 = tp + fn, fp + tn
    if measure == "dor":
        return Effects(np.log(tp * tn / (fp * fn)), 1 / tp + 1 / fp + 1 / fn + 1 / tn)
    if measure == "lr_positive":
        return Effects(np.log((tp / n1) / (fp / n0)), 1 / tp - 1 / n1 + 1 / fp - 1 / n0)
    if measure == "lr_negative":
        return Effects(np.log((fn / n1) / (tn / n0)), 1 / fn - 1 / n1 + 1 / tn - 1 / n0)
    raise ValueError(f"measure: {measure!r} (expected dor, lr_positive or lr_negative)")


def transformed_rates(tables: Tables, margin: str, scale: str = "logit") -> Effects:
    """Rates of one margin on the logit, Freeman-Tukey or arcsine scale; 0.5 is added to studies with 0 or n events (logit only)."""
    column = ("sensitivity", "specificity").index(margin)
    x, n = tables.events[:, column], tables.totals[:, column]
    x, n = x[n > 0], n[n > 0]
    if scale == "freeman-tukey":
        return Effects(0.5 * (np.arcsin(np.sqrt(x / (n + 1))) + np.arcsin(np.sqrt((x + 1) / (n + 1)))), 1 / (4 * n + 2))
    if scale == "arcsine":
        return Effects(np.arcsin(np.sqrt(x / n)), 1 / (4 * n))
    half = 0.5 * ((x == 0) | (x == n))
    hit, miss = x + half, n - x + half
    return Effects(np.log(hit / miss), 1 / hit + 1 / miss)


def mantel_haenszel(tables: Tables, measure: str = "dor", *, cells: Floats | None = None,
                    level: float = 0.95) -> tuple[Interval, float]:
    """Log of the Mantel-Haenszel odds ratio or likelihood ratio, and its standard error; ``cells`` replaces the raw cells."""
    tp, fp, fn, tn = (tables.cells if cells is None else cells).T
    n1, n0 = tp + fn, fp + tn
    total = n1 + n0
    if measure == "dor":
        value, error = _mh_odds(tp, fp, fn, tn)
    else:
        a, b = (tp, fp) if measure == "lr_positive" else (fn, tn)
        top, bottom = (a * n0 / total).sum(), (b * n1 / total).sum()
        variance = ((n1 * n0 * (a + b) - a * b * total) / total**2).sum() / (top * bottom)
        value, error = math.log(top / bottom), math.sqrt(variance)
    return around(value, error, level=level, method="Mantel-Haenszel"), error


def _mh_odds(tp: Floats, fp: Floats, fn: Floats, tn: Floats) -> tuple[float, float]:
    total = tp + fp + fn + tn
    agree, differ = (tp + tn) / total, (fp + fn) / total
    top, bottom = tp * tn / total, fp * fn / total
    r, s = top.sum(), bottom.sum()
    variance = (agree @ top) / (2 * r * r) + (agree @ bottom + differ @ top) / (2 * r * s) + (differ @ bottom) / (2 * s * s)
    return math.log(r / s), math.sqrt(variance)
