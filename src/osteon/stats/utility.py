"""Net benefit of acting on predicted probabilities (decision curves).

Vickers AJ, Elkin EB. Med Decis Making 2006; 26: 565; Vickers AJ et al. BMC Med Inform Decis Mak 2008; 8: 53 (survival).
A case is treated where its probability is at or above the threshold. Multiply by 100 for net true positives per 100.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from osteon.stats.arguments import Bools, Floats, binary, codes, positives, probabilities, refuse, same_length
from osteon.stats.arguments import weights as weights_of
from osteon.stats.clusters import times_drawn
from osteon.stats.survival import kaplan_meier

THRESHOLDS = tuple(np.round(np.arange(0.01, 1.0, 0.01), 2).tolist())


class DecisionCurve(NamedTuple):
    """Net benefit (k,) at each threshold: of the model with its band, and of treating all (none is 0)."""

    thresholds: Floats
    model: Floats
    lower: Floats
    upper: Floats
    treat_all: Floats


def decision_curve(truth: ArrayLike, predicted: ArrayLike, *, thresholds: Sequence[float] = THRESHOLDS,
                   patients: ArrayLike | None = None, weights: ArrayLike | None = None, resamples: int = 1000,
                   level: float = 0.95, seed: int = 0) -> DecisionCurve:
    """Net benefit with a pointwise patient-bootstrap band; ValueError for malformed input or no cases."""
    y, p = binary(truth, "truth"), probabilities(predicted, "predicted")
    same_length(truth=y, predicted=p)
    w, cuts = weights_of(weights, len(y)), _cuts(thresholds)
    of, groups = codes(np.arange(len(y)) if patients is None else patients, "patients")
    same_length(truth=y, patients=of)
    gain = w[:, None] * (p[:, None] >= cuts) * np.where(y[:, None], 1.0, -cuts / (1 - cuts))
    sums = np.zeros((groups, len(cuts) + 1))
    np.add.at(sums, of, np.column_stack([gain, w]))
    drawn = times_drawn(groups, resamples=resamples, seed=seed) @ sums
    with np.errstate(invalid="ignore", divide="ignore"):
        low, high = np.nanquantile(drawn[:, :-1] / drawn[:, -1:], [(1 - level) / 2, (1 + level) / 2], axis=0)
    share = w @ y / w.sum()
    return DecisionCurve(cuts, sums[:, :-1].sum(0) / w.sum(), low, high, share - (1 - share) * cuts / (1 - cuts))


def net_benefit(truth: ArrayLike, positive: ArrayLike, *, threshold: float,
                weights: ArrayLike | None = None) -> float:
    """Net benefit of 0/1 calls (n,) at one threshold probability."""
    y, called = binary(truth, "truth"), binary(positive, "positive")
    same_length(truth=y, positive=called)
    w, (cut,) = weights_of(weights, len(y)), _cuts([threshold])
    return float((w @ (called & y) - w @ (called & ~y) * cut / (1 - cut)) / w.sum())


def survival_decision_curve(time: ArrayLike, event: ArrayLike, predicted: ArrayLike, *, horizon: float,
                            thresholds: Sequence[float] = THRESHOLDS, resamples: int = 200, level: float = 0.95,
                            seed: int = 0) -> DecisionCurve:
    """Net benefit for an event by ``horizon``, its risk among the treated by Kaplan-Meier; bootstrap band.

    ``predicted`` (n,) is the probability of the event by the horizon.
    """
    t, d, p = positives(time, "time", zero=True), binary(event, "event"), probabilities(predicted, "predicted")
    same_length(time=t, event=d, predicted=p)
    cuts = _cuts(thresholds)
    weight = np.ones(len(t))
    found = _survival_gain(t, d, p, cuts, horizon=horizon, weight=weight)
    rows = times_drawn(len(t), resamples=resamples, seed=seed)
    drawn = np.array([_survival_gain(t, d, p, cuts, horizon=horizon, weight=row) for row in rows])
    low, high = np.nanquantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=0)
    risk = 1 - float(kaplan_meier(t, d).at([horizon])[0])
    return DecisionCurve(cuts, found, low, high, risk - (1 - risk) * cuts / (1 - cuts))


def _survival_gain(t: Floats, d: Bools, p: Floats, cuts: Floats, *, horizon: float, weight: Floats) -> Floats:
    gain = np.zeros(len(cuts))
    for k, cut in enumerate(cuts):
        treated = (p >= cut) & (weight > 0)
        if treated.any():
            risk = 1 - float(kaplan_meier(t[treated], d[treated], weights=weight[treated]).at([horizon])[0])
            gain[k] = weight[treated].sum() / weight.sum() * (risk - (1 - risk) * cut / (1 - cut))
    return gain


def _cuts(thresholds: Sequence[float]) -> Floats:
    cuts = probabilities(np.asarray(thresholds), "thresholds")
    refuse("thresholds", cuts, cuts == 1, "a threshold probability below 1")
    return cuts
