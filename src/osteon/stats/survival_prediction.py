"""Accuracy of predicted survival: concordance, time-dependent AUC, Brier score, calibration at a time.

Harrell FE et al. JAMA 1982; 247: 2543; Uno H et al. Stat Med 2011; 30: 1105; Blanche P et al. Stat Med 2013; 32: 5381
(cumulative/dynamic AUC, inverse probability of censoring weights); Graf E et al. Stat Med 1999; 18: 2529 (Brier);
Kattan MW, Gerds TA. Diagn Progn Res 2018; 2: 7 (IPA); Haider H et al. J Mach Learn Res 2020; 21: 85 (D-calibration).
Censoring is estimated by one Kaplan-Meier curve, as survival, riskRegression and timeROC do. Risk scores grow with
hazard.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from osteon.stats.arguments import Bools, Floats, numbers, probabilities, refuse, same_length
from osteon.stats.calibration import quantile_bins
from osteon.stats.intervals import HypothesisTest, Interval, around, on_log, on_logit, undefined
from osteon.stats.roc import placements
from osteon.stats.smoothing import loess
from osteon.stats.survival import KaplanMeier, censoring, checked, kaplan_meier

BLOCK = 512


class RiskGroup(NamedTuple):
    """One group of like predicted risk at a time: size, mean predicted risk, observed risk by Kaplan-Meier."""

    size: int
    predicted: float
    observed: Interval


def _risk(scores: ArrayLike, time: Floats) -> Floats:
    values = numbers(scores, "risk")
    same_length(risk=values, time=time)
    return values


def harrell_c(time: ArrayLike, event: ArrayLike, risk: ArrayLike, *, level: float = 0.95) -> Interval:
    """Harrell's C with the infinitesimal-jackknife variance; undefined without comparable pairs."""
    t, d = checked(time, event)
    return _concordance(t, d, _risk(risk, t), d.astype(float), level=level, method="Harrell C, logit")


def uno_c(time: ArrayLike, event: ArrayLike, risk: ArrayLike, *, horizon: float = math.inf,
          level: float = 0.95) -> Interval:
    """Uno's C for events up to ``horizon``: each pair weighs 1 / G(t-)^2; its limits take G as known."""
    t, d = checked(time, event)
    g = censoring(t, d).at(t, before=True)
    used = d & (t <= horizon)
    weight = np.divide(1.0, g**2, out=np.zeros(len(t)), where=used)
    return _concordance(t, d, _risk(risk, t), weight, level=level, method="Uno C, logit")


def _concordance(t: Floats, d: Bools, r: Floats, weight: Floats, *, level: float, method: str) -> Interval:
    """Weighted share of ordered pairs; ``weight`` (n,) of a pair is that of its earlier event."""
    right, pairs = np.zeros(len(t)), np.zeros(len(t))
    events = np.flatnonzero(weight > 0)
    for first in range(0, len(events), BLOCK):
        i = events[first:first + BLOCK]
        later = (t[None, :] > t[i, None]) | ((t[None, :] == t[i, None]) & ~d[None, :])
        w = weight[i, None] * later
        score = w * ((r[i, None] > r[None, :]) + 0.5 * (r[i, None] == r[None, :]))
        right += score.sum(0)
        pairs += w.sum(0)
        right[i] += score.sum(1)
        pairs[i] += w.sum(1)
    if pairs.sum() == 0:
        return undefined("no pair of cases can be compared", level=level, method=method)
    c = right.sum() / pairs.sum()
    error = math.sqrt((((right - c * pairs) / (pairs.sum() / 2)) ** 2).sum())
    if c in (0.0, 1.0) or error == 0:
        return undefined("every pair is ordered alike", estimate=c, level=level, method=method)
    return on_logit(c, error, level=level, method=method)


def _case_weights(t: Floats, d: Bools, at: float) -> tuple[Floats, Floats, KaplanMeier]:
    """Weights of cases (event by ``at``) and of controls (still free), and the censoring curve."""
    g = censoring(t, d)
    before = g.at(t, before=True)
    cases = np.divide(1.0, before, out=np.zeros(len(t)), where=d & (t <= at) & (before > 0))
    free = float(g.at([at])[0])
    return cases, (t > at) / free if free > 0 else np.zeros(len(t)), g


def _censoring_influence(t: Floats, d: Bools, g: KaplanMeier, load: Floats) -> Floats:
    """Influence (n,) through the censoring curve of a mean whose terms are divided by G.

    ``load`` (m,) is, at each time of the curve, the mean over cases of the terms whose G is taken later than it.
    """
    place = np.searchsorted(g.times, t)
    share = g.at_risk / len(t)
    own = np.divide(load, share, out=np.zeros_like(load), where=share > 0)
    hazard = np.divide(g.events, g.at_risk, out=np.zeros_like(load), where=g.at_risk > 0)
    return np.where(~d, own[place], 0.0) - np.cumsum(own * hazard)[place]


def _later(values: Floats, t: Floats, g: KaplanMeier) -> Floats:
    """Sum (m,) of the values of cases whose time lies after each time of the curve."""
    sums = np.bincount(np.searchsorted(g.times, t), weights=values, minlength=len(g.times))
    return sums.sum() - np.cumsum(sums)


def time_auc(time: ArrayLike, event: ArrayLike, risk: ArrayLike, *, at: float, level: float = 0.95) -> Interval:
    """Cumulative/dynamic AUC at a time: events by then against those still free; undefined without either."""
    t, d = checked(time, event)
    r = _risk(risk, t)
    cases, controls, g = _case_weights(t, d, at)
    method = f"IPCW AUC at {at:g}, logit"
    if not cases.any() or not controls.any():
        reason = f"no events by {at:g}" if not cases.any() else f"nobody is followed beyond {at:g}"
        return undefined(reason, level=level, method=method)
    case, control = cases > 0, controls > 0
    kept = case | control
    found = placements(case[kept], r[kept], weights=(cases + controls)[kept])
    order, area, total = np.zeros(len(t)), found.auc, cases.sum()
    order[case], order[control] = found.positives, found.negatives
    terms = np.where(case, cases * (order - area) * len(t) / total, 0.0)
    free = np.where(control, (order - area) * len(t) / control.sum(), 0.0)
    influence = terms + free + _censoring_influence(t, d, g, _later(terms, t, g) / len(t))
    error = float(influence.std(ddof=1)) / math.sqrt(len(t))
    if area in (0.0, 1.0) or error == 0:
        return undefined("every case is ordered alike", estimate=area, level=level, method=method)
    return on_logit(area, error, level=level, method=method)


def brier_at(time: ArrayLike, event: ArrayLike, survival: ArrayLike, *, at: float, level: float = 0.95) -> Interval:
    """Brier score of predicted survival (n,) at a time, weighted for censoring; undefined beyond follow-up."""
    t, d = checked(time, event)
    s = probabilities(survival, "survival")
    same_length(time=t, survival=s)
    cases, controls, g = _case_weights(t, d, at)
    method = f"IPCW Brier at {at:g}"
    if not controls.any():
        return undefined(f"nobody is followed beyond {at:g}", level=level, method=method)
    terms = cases * s**2 + controls * (1 - s) ** 2
    score = float(terms.mean())
    later = _later(np.where(cases > 0, terms, 0.0), t, g) + (g.times <= at) * terms[controls > 0].sum()
    influence = terms - score + _censoring_influence(t, d, g, later / len(t))
    if len(t) < 2:
        return undefined("one case", estimate=score, level=level, method=method)
    return around(score, float(influence.std(ddof=1)) / math.sqrt(len(t)), level=level, method=method)


def null_brier_at(time: ArrayLike, event: ArrayLike, *, at: float) -> float:
    """Brier score of the Kaplan-Meier curve itself; 1 - brier / this is the IPA."""
    t, d = checked(time, event)
    return brier_at(t, d, np.full(len(t), float(kaplan_meier(t, d).at([at])[0])), at=at).estimate


def integrated_brier(times: Sequence[float], scores: Sequence[float], *, rule: str = "trapezoid") -> float:
    """Mean Brier score from 0 to the last time: by trapezoids from a score of 0, or "left" steps (riskRegression)."""
    x, y = np.concatenate(([0.0], times)), np.concatenate(([0.0], scores))
    if not (np.diff(x) > 0).all():
        raise ValueError("times: not rising from above 0 (expected distinct times in order)")
    if rule not in ("trapezoid", "left"):
        raise ValueError(f"rule: {rule!r} (expected 'trapezoid' or 'left')")
    return float(np.trapezoid(y, x) if rule == "trapezoid" else (y[:-1] * np.diff(x)).sum()) / x[-1]


def observed_expected_at(time: ArrayLike, event: ArrayLike, predicted: ArrayLike, *, at: float,
                         level: float = 0.95) -> Interval:
    """Observed risk by Kaplan-Meier over mean predicted risk (n,) at a time, limits on the log scale.

    The variance is that of a ratio of means over pseudo-observations: the predictions vary with the cases.
    """
    t, d = checked(time, event)
    p = probabilities(predicted, "predicted")
    same_length(time=t, predicted=p)
    observed = kaplan_meier(t, d).interval(at, level=level)
    risk, method = 1 - observed.estimate, f"O:E at {at:g}, log"
    if not observed.defined or risk == 0 or p.mean() == 0:
        return undefined(observed.reason or f"no events by {at:g}, observed or expected", level=level, method=method)
    ratio = risk / float(p.mean())
    gap = pseudo_values(t, d, at=at) - ratio * p
    return on_log(ratio, float(gap.std(ddof=1)) / math.sqrt(len(t)) / risk, level=level, method=method)


def risk_groups(time: ArrayLike, event: ArrayLike, predicted: ArrayLike, *, at: float, groups: int = 5,
                level: float = 0.95) -> list[RiskGroup]:
    """Predicted against observed risk at a time in groups of equal size."""
    t, d = checked(time, event)
    p = probabilities(predicted, "predicted")
    same_length(time=t, predicted=p)
    group = quantile_bins(p, groups)
    found = []
    for g in np.unique(group):
        inside = group == g
        s = kaplan_meier(t[inside], d[inside]).interval(at, level=level)
        observed = Interval(1 - s.estimate, 1 - s.upper, 1 - s.lower, level=level, method=s.method, reason=s.reason)
        found.append(RiskGroup(int(inside.sum()), float(p[inside].mean()), observed))
    return found


def pseudo_values(time: ArrayLike, event: ArrayLike, *, at: float) -> Floats:
    """Jackknife pseudo-observations (n,) of the risk at a time (Andersen PK et al. Biometrika 2003; 90: 15)."""
    t, d = checked(time, event)
    curve = kaplan_meier(t, d)
    inside = curve.times <= at
    times, risk, events = curve.times[inside], curve.at_risk[inside], curve.events[inside]

    def survived(dead: Floats, left: Floats) -> Floats:
        return 1 - np.divide(dead, left, out=np.zeros_like(left), where=left > 0)

    until = np.concatenate(([1.0], np.cumprod(survived(events, risk - 1))))
    after = np.append(np.cumprod(survived(events, risk)[::-1])[::-1], 1.0)
    place = np.searchsorted(times, t, side="right")
    left_out = until[place] * after[place]
    own = np.flatnonzero(d & (t <= at))
    k = place[own] - 1
    left_out[own] = until[k] * survived(events[k] - 1, risk[k] - 1) * after[k + 1]
    return 1 - (len(t) * after[0] - (len(t) - 1) * left_out)


def calibration_errors_at(time: ArrayLike, event: ArrayLike, predicted: ArrayLike, *, at: float) -> dict[str, float]:
    """ICI, E50, E90 and Emax at a time, on a loess curve through pseudo-observations (Austin 2020)."""
    p = probabilities(predicted, "predicted")
    pseudo = pseudo_values(time, event, at=at)
    same_length(predicted=p, time=pseudo)
    grid = np.quantile(p, np.linspace(0, 1, min(len(p), 400)))
    smooth, _ = loess(p, pseudo, grid, weights=np.ones(len(p)))
    gap = np.abs(np.interp(p, grid, smooth) - p)
    return {"ici": float(gap.mean()), "e50": float(np.median(gap)), "e90": float(np.quantile(gap, 0.9)),
            "emax": float(gap.max())}


def d_calibration(event: ArrayLike, survival: ArrayLike, *, bins: int = 10) -> HypothesisTest:
    """Chi-square test that predicted survival at each case's own time (n,) is uniform.

    A censored case is spread evenly over the bins below its value. At least 5 cases a bin are expected.
    """
    s = probabilities(survival, "survival")
    d = checked(np.ones(len(s)), event)[1]
    edges = np.linspace(0, 1, bins + 1)
    counts = np.bincount(np.clip(np.searchsorted(edges, s[d], side="right") - 1, 0, bins - 1), minlength=bins) * 1.0
    open_ = s[~d][:, None]
    refuse("survival", s, (s == 0) & ~d, "above 0 for a censored case")
    counts += (np.clip(open_ - edges[:-1], 0, 1 / bins) / open_).sum(0)
    chi2 = float(((counts - len(s) / bins) ** 2).sum() / (len(s) / bins))
    return HypothesisTest(chi2, float(stats.chi2.sf(chi2, bins - 1)), df=(bins - 1,), method="D-calibration")
