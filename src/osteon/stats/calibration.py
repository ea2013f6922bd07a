"""Calibration of predicted probabilities, and overall accuracy.

Cox DR. Biometrika 1958; 45: 562 (intercept and slope); Van Calster B et al. BMC Med 2019; 17: 230; Austin PC,
Steyerberg EW. Stat Med 2019; 38: 4051 (ICI, E50, E90, Emax on loess of degree 2); Spiegelhalter DJ. Stat Med 1986;
5: 421; Steyerberg EW et al. Epidemiology 2010; 21: 128 (scaled Brier). Probabilities of exactly 0 or 1 are moved to
1e-7 and 1 - 1e-7 where a logit is needed.
"""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from osteon.stats.arguments import Bools, Floats, binary, probabilities, same_length
from osteon.stats.arguments import weights as weights_of
from osteon.stats.intervals import HypothesisTest, Interval, around, normal_quantile, on_log, undefined
from osteon.stats.regression import LogisticFit, fit_logistic, log_likelihood, log_odds
from osteon.stats.roc import one_class
from osteon.stats.smoothing import loess

DIRECT = 600


class CalibrationCurve(NamedTuple):
    """Observed frequency (k,) with pointwise limits at predicted probabilities (k,)."""

    predicted: Floats
    observed: Floats
    lower: Floats
    upper: Floats


def _checked(truth: ArrayLike, predicted: ArrayLike, weights: ArrayLike | None) -> tuple[Bools, Floats, Floats]:
    y, p = binary(truth, "truth"), probabilities(predicted, "predicted")
    same_length(truth=y, predicted=p)
    return y, p, weights_of(weights, len(y))


def calibration(truth: ArrayLike, predicted: ArrayLike, *, weights: ArrayLike | None = None,
                level: float = 0.95) -> dict[str, Interval]:
    """Slope, intercept, in-the-large and O:E with intervals; undefined for one class, ValueError for bad input."""
    y, p, w = _checked(truth, predicted, weights)
    names = ("calibration_slope", "calibration_intercept", "calibration_in_the_large", "observed_expected")
    if reason := one_class(y):
        return {name: undefined(reason, level=level) for name in names}
    line = _line(y, p, w)
    flat = fit_logistic(np.ones((len(y), 1)), y, weights=w, offset=log_odds(p))
    ratio = observed_expected(y, p, weights=w, level=level)
    return dict(zip(names, (line.interval(1, level=level), line.interval(0, level=level),
                            flat.interval(0, level=level), ratio), strict=True))


def _line(y: Bools, p: Floats, w: Floats) -> LogisticFit:
    if np.ptp(p) == 0:
        return LogisticFit(np.full(2, np.nan), np.full((2, 2), np.nan), log_likelihood=math.nan,
                           reason="all predicted probabilities are equal")
    return fit_logistic(np.column_stack([np.ones(len(y)), log_odds(p)]), y, weights=w)


def observed_expected(truth: ArrayLike, predicted: ArrayLike, *, weights: ArrayLike | None = None,
                      level: float = 0.95) -> Interval:
    """Observed events over expected, on the log scale.

    The variance is that of a ratio of means: (1 - prevalence) / events, often given, takes every case to have the same
    risk and is too large.
    """
    y, p, w = _checked(truth, predicted, weights)
    events, expected = float(w @ y), float(w @ p)
    if events == 0 or expected == 0:
        return undefined("no events observed" if events == 0 else "no events expected", level=level, method="log")
    ratio = events / expected
    error = _error_of_mean(y - ratio * p, w) / (events / float(w.sum()))
    return on_log(ratio, error, level=level, method="log, ratio of means")


def brier(truth: ArrayLike, predicted: ArrayLike, *, weights: ArrayLike | None = None,
          level: float = 0.95) -> Interval:
    """Mean squared error of the probabilities."""
    y, p, w = _checked(truth, predicted, weights)
    if not len(y):
        return undefined("no cases", level=level, method="Wald")
    return _mean((p - y) ** 2, w, level)


def log_loss(truth: ArrayLike, predicted: ArrayLike, *, weights: ArrayLike | None = None,
             level: float = 0.95) -> Interval:
    """Mean negative log-likelihood."""
    y, p, w = _checked(truth, predicted, weights)
    if not len(y):
        return undefined("no cases", level=level, method="Wald")
    clipped = np.clip(p, 1e-15, 1 - 1e-15)
    return _mean(-np.log(np.where(y, clipped, 1 - clipped)), w, level)


def _mean(values: Floats, weight: Floats, level: float) -> Interval:
    estimate = float(weight @ values / weight.sum())
    if len(values) < 2:
        return undefined("one case", estimate=estimate, level=level, method="Wald")
    return around(estimate, _error_of_mean(values - estimate, weight), level=level, method="Wald")


def _error_of_mean(centered: Floats, weight: Floats) -> float:
    """Standard error of a weighted mean from centred values."""
    size = len(weight)
    return float(np.sqrt(((weight * centered) ** 2).sum() * size / max(size - 1, 1)) / weight.sum())


def scaled_brier(truth: ArrayLike, predicted: ArrayLike, *, weights: ArrayLike | None = None,
                 level: float = 0.95) -> Interval:
    """1 - Brier / Brier of the prevalence (also called IPA), with a delta-method interval."""
    y, p, w = _checked(truth, predicted, weights)
    if reason := one_class(y):
        return undefined(reason, level=level, method="delta")
    errors, share = (p - y) ** 2, float(w @ y / w.sum())
    score, null = float(w @ errors / w.sum()), share * (1 - share)
    influence = -(errors - score) / null + score / null**2 * (1 - 2 * share) * (y - share)
    return around(1 - score / null, _error_of_mean(influence, w), level=level, method="delta")


def spiegelhalter(truth: ArrayLike, predicted: ArrayLike) -> HypothesisTest:
    """Test that the Brier score is what calibrated probabilities give."""
    y, p, _ = _checked(truth, predicted, None)
    spread = math.sqrt(float(((1 - 2 * p) ** 2 * p * (1 - p)).sum()))
    if spread == 0:
        return HypothesisTest(math.nan, math.nan, method="Spiegelhalter", reason="all probabilities are 0, 0.5 or 1")
    z = float(((y - p) * (1 - 2 * p)).sum()) / spread
    return HypothesisTest(z, 2 * float(stats.norm.sf(abs(z))), method="Spiegelhalter")


def unreliability(truth: ArrayLike, predicted: ArrayLike) -> HypothesisTest:
    """Likelihood-ratio test of intercept 0 and slope 1 (Miller ME et al. Stat Med 1991; 10: 1213)."""
    y, p, w = _checked(truth, predicted, None)
    line = _line(y, p, w)
    if line.reason:
        return HypothesisTest(math.nan, math.nan, df=(2,), method="unreliability", reason=line.reason)
    chi2 = 2 * (line.log_likelihood - log_likelihood(y.astype(float), log_odds(p), w))
    return HypothesisTest(chi2, float(stats.chi2.sf(chi2, 2)), df=(2,), method="unreliability")


def nagelkerke_r2(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Explained variation of the probabilities as they stand (rms::val.prob's R2); nan for one class."""
    y, p, w = _checked(truth, predicted, None)
    share, size = y.mean(), len(y)
    if share in (0.0, 1.0):
        return math.nan
    null = size * (share * math.log(share) + (1 - share) * math.log(1 - share))
    gain = log_likelihood(y.astype(float), log_odds(p), w) - null
    return (1 - math.exp(-2 * gain / size)) / (1 - math.exp(2 * null / size))


def hosmer_lemeshow(truth: ArrayLike, predicted: ArrayLike, *, groups: int = 10) -> HypothesisTest:
    """Chi-square over groups by quantile of risk, groups - 2 degrees of freedom: for comparison with old papers."""
    y, p, _ = _checked(truth, predicted, None)
    group = quantile_bins(p, groups)
    size, seen, due = (np.bincount(group, weights=v, minlength=groups) for v in (np.ones(len(y)), y, p))
    size, seen, due = (v[size > 0] for v in (size, seen, due))
    spread = due * (1 - due / size)
    sure = np.where(seen == due, 0.0, np.inf)  # a group whose risk is 0 or 1 allows no deviation
    chi2 = float(np.divide((seen - due) ** 2, spread, out=sure, where=spread > 0).sum())
    return HypothesisTest(chi2, float(stats.chi2.sf(chi2, groups - 2)), df=(groups - 2,), method="Hosmer-Lemeshow")


def quantile_bins(predicted: Floats, bins: int) -> Floats:
    """Bin index (n,) by quantiles of the probabilities, right ends included."""
    edges = np.quantile(predicted, np.linspace(0, 1, bins + 1))
    return np.clip(np.searchsorted(edges, predicted, side="left") - 1, 0, bins - 1)


def expected_calibration_error(truth: ArrayLike, predicted: ArrayLike, *, bins: int = 10,
                               by: str = "width") -> float:
    """Mean gap between observed and predicted over bins of equal ``width`` or equal ``count`` (right-closed)."""
    y, p, _ = _checked(truth, predicted, None)
    if by not in ("width", "count"):
        raise ValueError(f"by: {by!r} (expected 'width' or 'count')")
    edges = np.linspace(0, 1, bins + 1)
    index = quantile_bins(p, bins) if by == "count" else np.clip(np.searchsorted(edges, p) - 1, 0, bins - 1)
    return float(np.abs(np.bincount(index, weights=y - p, minlength=bins)).sum() / len(y))


def calibration_curve(truth: ArrayLike, predicted: ArrayLike, *, weights: ArrayLike | None = None, points: int = 100,
                      level: float = 0.95) -> CalibrationCurve:
    """Flexible calibration curve (loess, degree 2, span 0.75) over the range seen, with pointwise limits."""
    y, p, w = _checked(truth, predicted, weights)
    grid = np.linspace(p.min(), p.max(), points)
    kept = _thinned(p, w, y)
    smooth, operator = loess(kept[0], kept[2], grid, weights=kept[1])
    own = np.clip(np.interp(kept[0], grid, smooth), 1e-6, 1 - 1e-6)
    error = np.sqrt(np.clip(operator**2 @ (own * (1 - own) / kept[1]), 0, None))
    half, observed = normal_quantile(level) * error, np.clip(smooth, 0, 1)
    return CalibrationCurve(grid, observed, np.clip(smooth - half, 0, 1), np.clip(smooth + half, 0, 1))


def _thinned(p: Floats, w: Floats, y: Bools) -> tuple[Floats, Floats, Floats]:
    """(p, w, y) sorted by p; above DIRECT cases, means of equal-count groups, which a smooth curve does not feel."""
    order = np.argsort(p, kind="stable")
    order = order[w[order] > 0]
    p, w, seen = p[order], w[order], y[order].astype(float)
    if len(p) <= DIRECT:
        return p, w, seen
    starts = np.unique(np.linspace(0, len(p), DIRECT + 1).astype(int)[:-1])
    total = np.add.reduceat(w, starts)
    return np.add.reduceat(w * p, starts) / total, total, np.add.reduceat(w * seen, starts) / total


def calibration_errors(truth: ArrayLike, predicted: ArrayLike, *, weights: ArrayLike | None = None, span: float = 0.75,
                       degree: int = 2) -> dict[str, float]:
    """ICI, E50, E90 and Emax: mean, median, 90th percentile and largest gap between curve and diagonal.

    Up to 600 cases the curve is computed at each case; above, on 600 equal-count groups.
    """
    y, p, w = _checked(truth, predicted, weights)
    kept_p, kept_w, kept_y = _thinned(p, w, y)
    smooth, _ = loess(kept_p, kept_y, kept_p, weights=kept_w, span=span, degree=degree)
    gap = np.abs(smooth - kept_p)
    return {"ici": float(kept_w @ gap / kept_w.sum()), "e50": _quantile(gap, kept_w, 0.5),
            "e90": _quantile(gap, kept_w, 0.9), "emax": float(gap.max())}


def _quantile(values: Floats, weight: Floats, q: float) -> float:
    """Quantile of R's type 7, a case of weight w counting like w equal cases."""
    order = np.argsort(values)
    ends = np.cumsum(weight[order])
    position = q * (ends[-1] - 1)
    low, high = (values[order][np.searchsorted(ends, k, side="right").clip(0, len(ends) - 1)]
                 for k in (math.floor(position), math.floor(position) + 1))
    return float(low + (position - math.floor(position)) * (high - low))
