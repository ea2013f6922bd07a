"""The two-by-two panel of a diagnostic test.

Simel DL, Samsa GP, Matchar DB. J Clin Epidemiol 1991; 44: 763 (likelihood ratios); Mercaldo ND, Lau KF, Zhou XH.
Stat Med 2007; 26: 2170 (predictive values at a given prevalence); Newcombe RG. Stat Med 1998; 17: 873 (differences).
"""
from __future__ import annotations

import math

import numpy as np

from osteon.stats.intervals import Interval, normal_quantile, on_log, on_logit, proportion, undefined

NO_DISEASED, NO_HEALTHY = "no case is truly positive", "no case is truly negative"


def two_by_two(tp: float, fp: float, fn: float, tn: float, *, prevalence: float | None = None,
               level: float = 0.95, method: str = "Wilson") -> dict[str, Interval]:
    """Every accuracy measure of one table with its interval.

    Counts may be weighted sums. ``prevalence`` adds ``ppv_at_prevalence`` and ``npv_at_prevalence``. ``method`` names
    the interval of the plain proportions. Raises ValueError for a negative count or a prevalence outside 0 and 1.
    """
    cells = {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
    for name, count in cells.items():
        if not (count >= 0 and math.isfinite(count)):
            raise ValueError(f"{name}: {count} (expected a count of 0 or more)")
    panel = _proportions(tp, fp, fn, tn, level=level, method=method)
    panel |= _ratios(tp, fp, fn, tn, level=level)
    panel["youden"] = _youden(panel["sensitivity"], panel["specificity"], level=level)
    panel["balanced_accuracy"] = _balanced(panel["youden"])
    panel["number_needed_to_diagnose"] = _reciprocal(panel["youden"])
    panel["f1"] = _f1(tp, fp, fn, level=level)
    panel["mcc"] = _mcc(tp, fp, fn, tn, level=level)
    if prevalence is not None:
        panel |= predictive_values(tp, fp, fn, tn, prevalence=prevalence, level=level)
    return panel


def _proportions(tp: float, fp: float, fn: float, tn: float, *, level: float, method: str) -> dict[str, Interval]:
    total = tp + fp + fn + tn
    pairs = {"sensitivity": (tp, tp + fn, NO_DISEASED), "specificity": (tn, tn + fp, NO_HEALTHY),
             "ppv": (tp, tp + fp, "no case was called positive"), "npv": (tn, tn + fn, "no case was called negative"),
             "accuracy": (tp + tn, total, "no cases"), "prevalence": (tp + fn, total, "no cases"),
             "apparent_prevalence": (tp + fp, total, "no cases")}
    return {name: proportion(x, n, level=level, method=method) if n else undefined(why, level=level, method=method)
            for name, (x, n, why) in pairs.items()}


def _ratios(tp: float, fp: float, fn: float, tn: float, *, level: float) -> dict[str, Interval]:
    names = ("lr_positive", "lr_negative", "dor")
    if tp + fn == 0 or fp + tn == 0:
        reason = NO_DISEASED if tp + fn == 0 else NO_HEALTHY
        return {name: undefined(reason, level=level, method="log") for name in names}
    method = "log"
    if min(tp, fp, fn, tn) == 0:
        tp, fp, fn, tn = (count + 0.5 for count in (tp, fp, fn, tn))
        method = "log, 0.5 added to each cell because one is 0"
    diseased, healthy = tp + fn, fp + tn
    positive = (tp / diseased) / (fp / healthy), 1 / tp - 1 / diseased + 1 / fp - 1 / healthy
    negative = (fn / diseased) / (tn / healthy), 1 / fn - 1 / diseased + 1 / tn - 1 / healthy
    odds = tp * tn / (fp * fn), 1 / tp + 1 / fp + 1 / fn + 1 / tn
    return {name: on_log(value, math.sqrt(variance), level=level, method=method)
            for name, (value, variance) in zip(names, (positive, negative, odds), strict=True)}


def _youden(sensitivity: Interval, specificity: Interval, *, level: float) -> Interval:
    """Sensitivity + specificity - 1 with the square-and-add limits of Newcombe 1998."""
    if not (sensitivity.defined and specificity.defined):
        return undefined(sensitivity.reason or specificity.reason, level=level, method="Newcombe")
    index = sensitivity.estimate + specificity.estimate - 1
    below = math.hypot(sensitivity.estimate - sensitivity.lower, specificity.estimate - specificity.lower)
    above = math.hypot(sensitivity.upper - sensitivity.estimate, specificity.upper - specificity.estimate)
    return Interval(index, index - below, index + above, level=level, method="Newcombe")


def _balanced(youden: Interval) -> Interval:
    """Mean of sensitivity and specificity: (1 + Youden) / 2."""
    estimate, lower, upper = ((1 + v) / 2 for v in (youden.estimate, youden.lower, youden.upper))
    return Interval(estimate, lower, upper, level=youden.level, method=youden.method, reason=youden.reason)


def _reciprocal(youden: Interval) -> Interval:
    """Number needed to diagnose: 1 / Youden index; it has no interval where that of the index holds 0."""
    if not youden.defined or youden.estimate == 0:
        return undefined(youden.reason or "the Youden index is 0", level=youden.level, method=youden.method)
    if youden.lower <= 0 <= youden.upper:
        return undefined("the interval of the Youden index holds 0", estimate=1 / youden.estimate,
                         level=youden.level, method=youden.method)
    return Interval(1 / youden.estimate, 1 / youden.upper, 1 / youden.lower, level=youden.level, method=youden.method)


def _f1(tp: float, fp: float, fn: float, *, level: float) -> Interval:
    """F1 = 2 tp / (2 tp + fp + fn): a function of p = tp / (tp + fp + fn), whose Wilson limits are carried over."""
    if tp + fn == 0:
        return undefined(NO_DISEASED, level=level, method="Wilson")
    inner = proportion(tp, tp + fp + fn, level=level)
    estimate, lower, upper = (2 * p / (1 + p) for p in (inner.estimate, inner.lower, inner.upper))
    return Interval(estimate, lower, upper, level=level, method="Wilson")


def _mcc(tp: float, fp: float, fn: float, tn: float, *, level: float) -> Interval:
    """Matthews correlation (phi) with a delta interval on Fisher's z (multinomial sampling)."""
    method = "delta, Fisher z"
    margins = np.array([tp + fp, tp + fn, tn + fp, tn + fn])
    if (margins == 0).any():
        return undefined("a row or column of the table is empty", level=level, method=method)
    total = tp + fp + fn + tn
    phi = (tp * tn - fp * fn) / math.sqrt(np.prod(margins))
    if abs(phi) == 1:
        return undefined("every case is on one diagonal", estimate=phi, level=level, method=method)
    p = np.array([tp, fp, fn, tn]) / total
    called, healthy_called, diseased, healthy = margins[0], margins[3], margins[1], margins[2]
    other = np.array([tn, -fn, -fp, tp]) / math.sqrt(np.prod(margins))
    shrink = np.array([1 / called + 1 / diseased, 1 / called + 1 / healthy,
                       1 / healthy_called + 1 / diseased, 1 / healthy_called + 1 / healthy])
    gradient = total * (other - phi * shrink / 2)
    variance = ((p * gradient**2).sum() - (p * gradient).sum() ** 2) / total
    half = normal_quantile(level) * math.sqrt(variance) / (1 - phi**2)
    return Interval(phi, math.tanh(math.atanh(phi) - half), math.tanh(math.atanh(phi) + half), level=level,
                    method=method)


def predictive_values(tp: float, fp: float, fn: float, tn: float, *, prevalence: float,
                      level: float = 0.95) -> dict[str, Interval]:
    """PPV and NPV that this sensitivity and specificity give at ``prevalence`` (Mercaldo 2007, logit limits)."""
    if not 0 <= prevalence <= 1:
        raise ValueError(f"prevalence: {prevalence} (expected a number from 0 to 1)")
    names = ("ppv_at_prevalence", "npv_at_prevalence")
    if tp + fn == 0 or fp + tn == 0:
        reason = NO_DISEASED if tp + fn == 0 else NO_HEALTHY
        return {name: undefined(reason, level=level) for name in names}
    if prevalence in (0, 1):
        return {name: undefined(f"prevalence is {prevalence}", level=level) for name in names}
    odds = prevalence / (1 - prevalence)
    forward = _odds_of(tp, fn, fp, tn, odds, level)
    backward = _odds_of(tn, fp, fn, tp, 1 / odds, level)
    return dict(zip(names, (forward, backward), strict=True))


def _odds_of(right: float, wrong: float, other_wrong: float, other_right: float, odds: float,
             level: float) -> Interval:
    """Predictive value with odds = prior odds x rate(right) / rate(other_wrong); 0.5 cells where a rate is 0 or 1."""
    if right + other_wrong == 0:
        return undefined("no case was called so", level=level)
    plain = odds * (right / (right + wrong)) / max(other_wrong / (other_wrong + other_right), 1e-300)
    method = "logit"
    if min(right, other_wrong) == 0:
        right, wrong, other_wrong, other_right = (c + 0.5 for c in (right, wrong, other_wrong, other_right))
        method = "logit, limits with 0.5 added to each cell because one is 0"
    rate, other = right / (right + wrong), other_wrong / (other_wrong + other_right)
    value = odds * rate / other
    variance = (1 - rate) / right + (1 - other) / other_wrong
    middle = value / (1 + value)
    limits = on_logit(middle, middle * (1 - middle) * math.sqrt(variance), level=level, method=method)
    estimate = plain / (1 + plain)
    return Interval(estimate, min(limits.lower, estimate), max(limits.upper, estimate), level=level, method=method)
