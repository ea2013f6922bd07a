"""The ROC curve as points, the partial area under it, a confidence band, and the choice of a cut.

McClish DK. Med Decis Making 1989; 9: 190 (partial area); Youden WJ. Cancer 1950; 3: 32; Perkins NJ, Schisterman EF.
Am J Epidemiol 2006; 163: 670 (choice of a cut). A case is called positive where its score is at or above the cut.
"""
from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from osteon.stats.arguments import Bools, Floats, codes, fraction, same_length
from osteon.stats.arguments import weights as weights_of
from osteon.stats.clusters import bootstrap, times_drawn
from osteon.stats.intervals import Interval, undefined
from osteon.stats.roc import checked, one_class


class RocPoints(NamedTuple):
    """Corners of the ROC curve from (0, 0) to (1, 1): rates at or above each cut, cuts falling from +inf."""

    false_positive_rate: Floats
    true_positive_rate: Floats
    cuts: Floats


@dataclass(frozen=True)
class Cut:
    """A chosen cut with the rates it gives on the cases it was chosen on; ``reason`` where the aim was out of reach."""

    value: float
    sensitivity: float
    _: KW_ONLY
    specificity: float
    rule: str
    reason: str = ""


def roc_points(truth: ArrayLike, scores: ArrayLike, *, weights: ArrayLike | None = None) -> RocPoints:
    """ROC corners, one a distinct score; ValueError where only one class is present."""
    marked, values = checked(truth, scores)
    if reason := one_class(marked):
        raise ValueError(f"truth: {reason} (expected both classes)")
    return _points(marked, values, weights)


def _points(truth: Bools, scores: Floats, weight: ArrayLike | None) -> RocPoints:
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))
    w = weights_of(weight, len(scores))[order]
    hits, alarms = (np.concatenate(([0.0], np.cumsum(w * side)[last])) for side in (truth[order], ~truth[order]))
    return RocPoints(alarms / alarms[-1], hits / hits[-1], np.concatenate(([np.inf], ranked[last])))


def partial_auc(truth: ArrayLike, scores: ArrayLike, *, max_fpr: float = 0.2,
                weights: ArrayLike | None = None) -> float:
    """Area under the curve for false-positive rates up to ``max_fpr``, not scaled."""
    curve = roc_points(truth, scores, weights=weights)
    end = fraction(max_fpr, "max_fpr")
    x, y = curve.false_positive_rate, curve.true_positive_rate
    inside = x <= end
    height = np.interp(end, x, y)
    return float(np.trapezoid(np.append(y[inside], height), np.append(x[inside], end)))


def mcclish(area: float, max_fpr: float) -> float:
    """Partial area scaled so that chance is 0.5 and perfection 1 (McClish 1989)."""
    chance = max_fpr**2 / 2
    return 0.5 * (1 + (area - chance) / (max_fpr - chance))


def sensitivity_at(curve: RocPoints, fpr: ArrayLike) -> Floats:
    """Sensitivity (k,) on the line between corners at given false-positive rates; vertical steps at their top."""
    grid, x, y = np.asarray(fpr, np.float64), curve.false_positive_rate, curve.true_positive_rate
    right = np.searchsorted(x, grid, side="right")
    left, right = right - 1, np.minimum(right, len(x) - 1)
    gap = x[right] - x[left]
    share = np.divide(grid - x[left], gap, out=np.zeros_like(grid), where=gap > 0)
    return y[left] + share * (y[right] - y[left])


def between(cuts: Floats) -> Floats:
    """Cuts half way to the next lower score, so that a new score near a seen one falls on its side.

    The first (nobody positive) and any cut at -inf are left out by the callers.
    """
    lower = np.append(cuts[1:], -np.inf)
    return np.where(np.isfinite(lower) & np.isfinite(cuts), (cuts + lower) / 2, cuts)


def youden_cut(truth: ArrayLike, scores: ArrayLike, *, weights: ArrayLike | None = None) -> Cut:
    """Cut with the largest sensitivity + specificity; of equal ones the lowest (a missed finding costs more)."""
    return _best(roc_points(truth, scores, weights=weights), 1.0, "Youden")


def cost_cut(truth: ArrayLike, scores: ArrayLike, *, cost_ratio: float, prevalence: float,
             weights: ArrayLike | None = None) -> Cut:
    """Cut of least expected cost at ``prevalence``.

    ``cost_ratio`` is the cost of a false positive over that of a miss. With cost_ratio = pt / (1 - pt) the cut has
    the largest net benefit at the threshold probability pt.
    """
    odds = (1 - fraction(prevalence, "prevalence")) / prevalence
    if not cost_ratio > 0:
        raise ValueError(f"cost_ratio: {cost_ratio} (expected more than 0)")
    return _best(roc_points(truth, scores, weights=weights), cost_ratio * odds, f"least cost, ratio {cost_ratio:g}")


def _best(curve: RocPoints, slope: float, rule: str) -> Cut:
    finite = np.flatnonzero(np.isfinite(curve.cuts))
    gain = curve.true_positive_rate[finite] - slope * curve.false_positive_rate[finite]
    best = finite[np.flatnonzero(gain >= gain.max() - 1e-12)[-1]]
    return _cut(curve, int(best), rule)


def _cut(curve: RocPoints, index: int, rule: str, reason: str = "") -> Cut:
    return Cut(float(between(curve.cuts)[index]), float(curve.true_positive_rate[index]),
               specificity=float(1 - curve.false_positive_rate[index]), rule=rule, reason=reason)


def sensitivity_cut(truth: ArrayLike, scores: ArrayLike, sensitivity: float, *,
                    weights: ArrayLike | None = None) -> Cut:
    """Highest cut that reaches ``sensitivity``; where lesions without a mark forbid it, the lowest cut and why."""
    curve, rule = roc_points(truth, scores, weights=weights), f"sensitivity {sensitivity:g}"
    finite = np.flatnonzero(np.isfinite(curve.cuts))
    enough = finite[curve.true_positive_rate[finite] >= fraction(sensitivity, "sensitivity") - 1e-12]
    if len(enough):
        return _cut(curve, int(enough[0]), rule)
    reached = curve.true_positive_rate[finite[-1]] if len(finite) else 0.0
    reason = f"no cut reaches a sensitivity of {sensitivity:g}; the lowest reaches {reached:.3f}"
    if not len(finite):
        return Cut(math.inf, 0.0, specificity=1.0, rule=rule, reason=reason)
    return _cut(curve, int(finite[-1]), rule, reason)


def specificity_cut(truth: ArrayLike, scores: ArrayLike, specificity: float, *,
                    weights: ArrayLike | None = None) -> Cut:
    """Lowest cut that keeps ``specificity``; where the highest score is a false alarm, that cut and why."""
    curve, rule = roc_points(truth, scores, weights=weights), f"specificity {specificity:g}"
    finite = np.flatnonzero(np.isfinite(curve.cuts))
    enough = finite[1 - curve.false_positive_rate[finite] >= fraction(specificity, "specificity") - 1e-12]
    if len(enough):
        return _cut(curve, int(enough[-1]), rule)
    first = finite[0]
    reason = f"no cut reaches a specificity of {specificity:g}; the highest reaches " \
             f"{1 - curve.false_positive_rate[first]:.3f}"
    return _cut(curve, int(first), rule, reason)


class RocBand(NamedTuple):
    """Sensitivity (k,) at false-positive rates (k,) with pointwise limits."""

    false_positive_rate: Floats
    sensitivity: Floats
    lower: Floats
    upper: Floats


def roc_band(truth: ArrayLike, scores: ArrayLike, *, patients: ArrayLike | None = None, points: int = 101,
             resamples: int = 1000, level: float = 0.95, seed: int = 0) -> RocBand:
    """Pointwise patient-bootstrap band of the sensitivity at fixed false-positive rates; ValueError for one class."""
    curve = roc_points(truth, scores)
    marked, values = checked(truth, scores)
    of, groups = codes(np.arange(len(marked)) if patients is None else patients, "patients")
    same_length(truth=marked, patients=of)
    grid = np.linspace(0, 1, points)
    rows = [sensitivity_at(_points(marked, values, row[of]), grid)
            for row in times_drawn(groups, resamples=resamples, seed=seed)
            if row[of][marked].any() and row[of][~marked].any()]
    lower, upper = np.quantile(rows, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return RocBand(grid, sensitivity_at(curve, grid), lower, upper)


def partial_auc_interval(truth: ArrayLike, scores: ArrayLike, *, max_fpr: float = 0.2, scaled: bool = True,
                         patients: ArrayLike | None = None, resamples: int = 2000, level: float = 0.95,
                         seed: int = 0) -> Interval:
    """Partial area (McClish-scaled or plain) with a BCa patient-bootstrap interval; undefined for one class."""
    marked, values = checked(truth, scores)
    if reason := one_class(marked):
        return undefined(reason, level=level, method="patient bootstrap")

    def area(weight: Floats) -> float:
        if not (weight[marked].any() and weight[~marked].any()):
            return math.nan
        plain = partial_auc(marked, values, max_fpr=max_fpr, weights=weight)
        return mcclish(plain, max_fpr) if scaled else plain

    units = np.arange(len(marked)) if patients is None else patients
    return bootstrap(area, units, resamples=resamples, seed=seed, level=level, method="BCa")
