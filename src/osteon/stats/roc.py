"""Area under the ROC curve with the fast form of DeLong's variance, and tests between areas.

DeLong ER, DeLong DM, Clarke-Pearson DL. Biometrics 1988; 44: 837; Sun X, Xu W. IEEE Signal Process Lett 2014; 21: 1389
(rank form); Newcombe RG. Stat Med 2006; 25: 559 (score interval, used where DeLong's variance is 0).
A score of -inf is a lesion that was never marked: it is below every cut. Higher scores speak for the finding.
"""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from osteon.stats.arguments import Bools, Floats, binary, numbers, same_length
from osteon.stats.arguments import weights as weights_of
from osteon.stats.intervals import HypothesisTest, Interval, around, on_logit, undefined


class Placements(NamedTuple):
    """AUC and each case's share in it: for a positive the share of negatives below it (ties half), and reverse."""

    auc: float
    positives: Floats
    negatives: Floats


def one_class(truth: Bools) -> str:
    """The reason why no ROC curve exists, or nothing."""
    if truth.all() or not truth.any():
        return f"all {len(truth)} cases are {'positive' if truth.all() and len(truth) else 'negative'}"
    return ""


def checked(truth: ArrayLike, scores: ArrayLike) -> tuple[Bools, Floats]:
    """Truth as booleans and scores as floats (-inf allowed), of one length; ValueError otherwise."""
    marked, values = binary(truth, "truth"), numbers(scores, "scores", minus_infinity=True)
    same_length(truth=marked, scores=values)
    return marked, values


def auc(truth: ArrayLike, scores: ArrayLike, *, weights: ArrayLike | None = None) -> float:
    """Weighted Mann-Whitney area of one score (n,); ties count half. ValueError where only one class is present."""
    marked, values = checked(truth, scores)
    if reason := one_class(marked):
        raise ValueError(f"truth: {reason} (expected both classes)")
    array = weights_of(weights, len(marked))
    for side, word in ((marked, "positive"), (~marked, "negative")):
        if array[side].sum() == 0:
            raise ValueError(f"weights: all {word} cases weigh 0 (expected at least one above 0)")
    return placements(marked, values, weights=array).auc


def placements(truth: Bools, scores: Floats, *, weights: Floats | None = None) -> Placements:
    """Structural components of DeLong 1988 by two sorts instead of all pairs; both classes must be present."""
    weight = np.ones(len(scores)) if weights is None else weights
    order_p, order_n = np.argsort(scores[truth]), np.argsort(scores[~truth])
    high, low, w_high, w_low = scores[truth][order_p], scores[~truth][order_n], weight[truth], weight[~truth]
    positives, negatives = np.empty(len(high)), np.empty(len(low))
    positives[order_p] = _share_below(low, high, w_low[order_n])
    negatives[order_n] = 1 - _share_below(high, low, w_high[order_p])
    return Placements(float(w_high @ positives / w_high.sum()), positives, negatives)


def _share_below(ranked: Floats, at: Floats, weight: Floats) -> Floats:
    """Weighted share of ``ranked`` values below each of the rising values ``at``, equal ones half."""
    total = np.concatenate(([0.0], np.cumsum(weight)))
    below, upto = (total[np.searchsorted(ranked, at, side)] for side in ("left", "right"))
    return (below + upto) / (2 * total[-1])


def delong(truth: ArrayLike, scores: ArrayLike) -> tuple[Floats, Floats]:
    """AUCs (k,) of k scores (k, n) on the same cases and their covariance (k, k); nan where a class has one case."""
    marked = binary(truth, "truth")
    rows = numbers(np.atleast_2d(np.asarray(scores, np.float64)), "scores", ndim=2, minus_infinity=True)
    same_length(truth=marked, scores=rows.T)
    if reason := one_class(marked):
        raise ValueError(f"truth: {reason} (expected both classes)")
    parts = [placements(marked, row) for row in rows]
    areas = np.array([part.auc for part in parts])
    return areas, covariance([p.positives for p in parts]) + covariance([p.negatives for p in parts])


def covariance(rows: list[Floats]) -> Floats:
    """Covariance (k, k) of the means of k rows of equal length; nan for a length of 1."""
    stacked = np.vstack(rows)
    size = stacked.shape[1]
    if size < 2:
        return np.full((len(rows), len(rows)), np.nan)
    return np.atleast_2d(np.cov(stacked)) / size


def auc_interval(truth: ArrayLike, scores: ArrayLike, *, level: float = 0.95, scale: str = "logit") -> Interval:
    """AUC with DeLong limits on the logit scale (``scale="linear"`` gives those of pROC).

    Where DeLong's variance is 0 (complete separation) the limits are Newcombe's; undefined for one class.
    """
    if scale not in ("logit", "linear"):
        raise ValueError(f"scale: {scale!r} (expected 'logit' or 'linear')")
    marked, values = checked(truth, scores)
    method = f"DeLong, {scale}"
    if reason := one_class(marked):
        return undefined(reason, level=level, method=method)
    areas, cov = delong(marked, values)
    area, variance = float(areas[0]), float(cov[0, 0])
    if not variance > 1e-15:
        return newcombe_auc(area, int(marked.sum()), negatives=int((~marked).sum()), level=level)
    error = math.sqrt(variance)
    if scale == "linear" or area in (0.0, 1.0):
        return around(area, error, level=level, method=method)
    return on_logit(area, error, level=level, method=method)


def hanley_mcneil_variance(area: float, positives: float, *, negatives: float) -> float:
    """Variance of an AUC under exponential scores. Hanley JA, McNeil BJ. Radiology 1982; 143: 29."""
    q1, q2 = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (positives - 1) * (q1 - area**2) + (negatives - 1) * (q2 - area**2)
    return spread / (positives * negatives)


def newcombe_auc(area: float, positives: int, *, negatives: int, level: float = 0.95) -> Interval:
    """Score interval of an AUC known only by its size (Newcombe 2006, method 5); holds at an area of 0 and 1."""
    z, middle = stats.norm.ppf(0.5 + level / 2), (positives + negatives) / 2 - 1

    def variance(a: float) -> float:
        spread = 1 + middle * (1 - a) / (2 - a) + middle * a / (1 + a)
        return a * (1 - a) * spread / (positives * negatives)

    def limit(low: float, high: float) -> float:
        gap = lambda a: (a - area) ** 2 - z**2 * variance(a)  # noqa: E731
        return float(optimize.brentq(gap, low, high)) if gap(low) * gap(high) < 0 else (low if low == 0 else high)

    tiny = 1e-12
    lower = 0.0 if area < tiny else limit(tiny, area - tiny)
    upper = 1.0 if area > 1 - tiny else limit(area + tiny, 1 - tiny)
    return Interval(area, lower, upper, level=level, method="Newcombe score")


def compare_aucs(truth: ArrayLike, first: ArrayLike, second: ArrayLike, *,
                 level: float = 0.95) -> tuple[Interval, HypothesisTest]:
    """Difference of two AUCs on the same cases (first - second) and DeLong's paired test."""
    marked, method = binary(truth, "truth"), "DeLong, paired"
    if reason := one_class(marked):
        return undefined(reason, level=level, method=method), HypothesisTest(
            math.nan, math.nan, method=method, reason=reason)
    areas, cov = delong(marked, np.vstack([checked(truth, first)[1], checked(truth, second)[1]]))
    return compare_estimates(areas, cov, level=level, method=method)


def compare_estimates(estimates: Floats, cov: Floats, *, level: float = 0.95,
                      method: str = "") -> tuple[Interval, HypothesisTest]:
    """Difference of two estimates (2,) with covariance (2, 2), and its normal test."""
    difference, variance = float(estimates[0] - estimates[1]), float(cov[0, 0] + cov[1, 1] - 2 * cov[0, 1])
    if not variance > 1e-15:
        reason = "the difference has no estimated variance"
        return undefined(reason, estimate=difference, level=level, method=method), HypothesisTest(
            math.nan, math.nan, method=method, reason=reason)
    z = difference / math.sqrt(variance)
    return (around(difference, math.sqrt(variance), level=level, method=method),
            HypothesisTest(z, 2 * float(stats.norm.sf(abs(z))), method=method))


def compare_independent_aucs(first: tuple[ArrayLike, ArrayLike], second: tuple[ArrayLike, ArrayLike], *,
                             level: float = 0.95) -> tuple[Interval, HypothesisTest]:
    """Difference of two AUCs on different cases, each given as (truth, scores); t with Satterthwaite df as pROC."""
    method, parts = "DeLong, unpaired", [checked(*first), checked(*second)]
    if reason := one_class(parts[0][0]) or one_class(parts[1][0]):
        return undefined(reason, level=level, method=method), HypothesisTest(
            math.nan, math.nan, method=method, reason=reason)
    (area_1, var_1), (area_2, var_2) = ((float(a[0]), float(v[0, 0])) for a, v in (delong(*p) for p in parts))
    error = math.sqrt(var_1 + var_2)
    df = error**4 / (var_1**2 / (len(parts[0][0]) - 1) + var_2**2 / (len(parts[1][0]) - 1))
    t = (area_1 - area_2) / error
    return (around(area_1 - area_2, error, level=level, df=df, method=method),
            HypothesisTest(t, 2 * float(stats.t.sf(abs(t), df)), df=(df,), method=method))
