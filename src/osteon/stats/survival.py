"""Time to event: Kaplan-Meier, restricted mean, log-rank test, Cox regression.

Kaplan EL, Meier P. J Am Stat Assoc 1958; 53: 457 (Greenwood variance, limits on the log scale as R's survfit); Cox DR.
J R Stat Soc B 1972; 34: 187; Efron B. J Am Stat Assoc 1977; 72: 557 (ties).
"""
from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from osteon.stats.arguments import Bools, Floats, binary, codes, numbers, positives, same_length
from osteon.stats.arguments import weights as weights_of
from osteon.stats.intervals import HypothesisTest, Interval, around, normal_quantile, undefined


@dataclass(frozen=True)
class KaplanMeier:
    """Survival (m,) just after each distinct time (m,), with those at risk and events; ``hazard_variance`` is the
    running Greenwood sum, so that the variance of S is S squared times it."""

    times: Floats
    survival: Floats
    _: KW_ONLY
    at_risk: Floats
    events: Floats
    hazard_variance: Floats

    def at(self, times: ArrayLike, *, before: bool = False) -> Floats:
        """Survival (k,) at given times, or just ``before`` them."""
        return _step(self.times, self.survival, times, before=before, start=1.0)

    def interval(self, time: float, *, level: float = 0.95) -> Interval:
        """Survival at a time with log-scale limits; undefined after the last time or where S is 0."""
        value = float(self.at([time])[0])
        variance = float(_step(self.times, self.hazard_variance, [time], before=False, start=0.0)[0])
        if time > self.times[-1] or value == 0:
            reason = "nobody is observed that long" if time > self.times[-1] else "nobody survives"
            return undefined(reason, estimate=math.nan if time > self.times[-1] else value, level=level,
                             method="Kaplan-Meier, log")
        half = normal_quantile(level) * math.sqrt(variance)
        return Interval(value, value * math.exp(-half), min(1.0, value * math.exp(half)), level=level,
                        method="Kaplan-Meier, log")


def _step(times: Floats, values: Floats, at: ArrayLike, *, before: bool, start: float) -> Floats:
    place = np.searchsorted(times, np.asarray(at, np.float64), side="left" if before else "right")
    return np.concatenate(([start], values))[place]


def checked(time: ArrayLike, event: ArrayLike) -> tuple[Floats, Bools]:
    """Times of 0 or more (n,) and events 0 or 1 (n,); ValueError otherwise, or for no cases."""
    t, d = positives(time, "time", zero=True), binary(event, "event")
    if same_length(time=t, event=d) == 0:
        raise ValueError("time: no cases (expected at least one)")
    return t, d


def kaplan_meier(time: ArrayLike, event: ArrayLike, *, weights: ArrayLike | None = None) -> KaplanMeier:
    """Product-limit estimate; at equal times events come before censorings."""
    t, d = checked(time, event)
    w = weights_of(weights, len(t))
    times, place = np.unique(t, return_inverse=True)
    leaving, events = (np.bincount(place, weights=v).astype(float) for v in (w, w * d))
    return _product(times, leaving, events)


def censoring(time: ArrayLike, event: ArrayLike) -> KaplanMeier:
    """Kaplan-Meier estimate of staying uncensored: at equal times events have left before."""
    t, d = checked(time, event)
    times, place = np.unique(t, return_inverse=True)
    leaving, events = (np.bincount(place, weights=v).astype(float) for v in (np.ones(len(t)), d))
    return _product(times, leaving, leaving - events, gone_before=events)


def _product(times: Floats, leaving: Floats, events: Floats, *, gone_before: Floats | float = 0.0) -> KaplanMeier:
    at_risk = leaving[::-1].cumsum()[::-1] - gone_before
    share = np.divide(events, at_risk, out=np.zeros_like(events), where=at_risk > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.where(events > 0, events / (at_risk * (at_risk - events)), 0.0)
    return KaplanMeier(times, np.cumprod(1 - share), at_risk=at_risk, events=events,
                       hazard_variance=np.cumsum(variance))


def restricted_mean(time: ArrayLike, event: ArrayLike, *, horizon: float, level: float = 0.95) -> Interval:
    """Mean time free of the event up to ``horizon``; undefined where nobody is observed that long and S is not 0."""
    curve = kaplan_meier(time, event)
    if horizon > curve.times[-1] and curve.survival[-1] > 0:
        return undefined(f"the last time is {curve.times[-1]:g}", level=level, method="restricted mean")
    inside = curve.times < horizon
    edges = np.concatenate(([0.0], curve.times[inside], [horizon]))
    heights = np.concatenate(([1.0], curve.survival[inside]))
    pieces = heights * np.diff(edges)
    after = pieces.sum() - np.cumsum(pieces)[:-1]
    n, d = curve.at_risk[inside], curve.events[inside]
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where((d > 0) & (after > 0), after**2 * d / (n * (n - d)), 0.0)
    return around(float(pieces.sum()), math.sqrt(terms.sum()), level=level, method="restricted mean")


def log_rank(time: ArrayLike, event: ArrayLike, group: ArrayLike) -> HypothesisTest:
    """Log-rank test of equal hazards in k groups (k - 1 degrees of freedom)."""
    t, d = checked(time, event)
    of, groups = codes(group, "group")
    same_length(time=t, group=of)
    if groups < 2 or not d.any():
        reason = "one group" if groups < 2 else "no events"
        return HypothesisTest(math.nan, math.nan, method="log-rank", reason=reason)
    times = np.unique(t[d])
    risk = np.array([(t[of == g][None, :] >= times[:, None]).sum(1) for g in range(groups)], float)
    dead = np.array([(t[(of == g) & d][None, :] == times[:, None]).sum(1) for g in range(groups)], float)
    total, deaths = risk.sum(0), dead.sum(0)
    share = risk / total
    excess = (dead - share * deaths).sum(1)[:-1]
    factor = deaths * np.divide(total - deaths, total - 1, out=np.zeros_like(total), where=total > 1)
    cov = np.einsum("gt,t->g", share, factor) * np.eye(groups) - np.einsum("gt,ht,t->gh", share, share, factor)
    chi2 = float(excess @ np.linalg.pinv(cov[:-1, :-1]) @ excess)
    return HypothesisTest(chi2, float(stats.chi2.sf(chi2, groups - 1)), df=(groups - 1,), method="log-rank")


@dataclass(frozen=True)
class CoxFit:
    """Log hazard ratios (p,) with covariance (p, p), baseline hazard steps, and the reason where no fit exists."""

    coefficients: Floats
    covariance: Floats
    _: KW_ONLY
    times: Floats
    hazard: Floats
    reason: str = ""

    def interval(self, index: int, *, level: float = 0.95) -> Interval:
        """Wald interval of one log hazard ratio."""
        if self.reason:
            return undefined(self.reason, level=level, method="Cox, Wald")
        return around(float(self.coefficients[index]), math.sqrt(self.covariance[index, index]), level=level,
                      method="Cox, Wald")

    def survival(self, design: ArrayLike, times: ArrayLike) -> Floats:
        """Predicted survival (n, k) of design (n, p) at times (k,)."""
        risk = np.exp(numbers(design, "design", ndim=2) @ self.coefficients)
        return np.exp(-np.outer(risk, _step(self.times, self.hazard, times, before=False, start=0.0)))


def fit_cox(design: ArrayLike, time: ArrayLike, event: ArrayLike, *, ridge: float = 0.0) -> CoxFit:
    """Cox regression with Efron ties; no events, separation or collinearity give a fit with a reason.

    ``ridge`` times half the sum of squared coefficients is taken from the log likelihood (Verweij PJ, Van Houwelingen HC. Stat Med
    1994; 13: 2427): then a fit exists wherever there is an event; the covariance is that of the penalised likelihood.
    """
    if not ridge >= 0:
        raise ValueError(f"ridge: {ridge} (expected 0 or more)")
    x, (t, d) = numbers(design, "design", ndim=2), checked(time, event)
    same_length(design=x, time=t)
    order = np.argsort(t, kind="stable")
    x, t, d = x[order], t[order], d[order]
    beta, size = np.zeros(x.shape[1]), x.shape[1]
    if not d.any():
        return _no_cox(size, "no events")
    groups = _tied_events(t, d)
    for _ in range(40):
        gradient, information = _cox_step(x, beta, groups)
        gradient, information = gradient - ridge * beta, information + ridge * np.eye(size)
        if np.linalg.cond(information) > 1e13:
            return _no_cox(size, "a predictor is collinear or separates early from late events")
        step = np.linalg.solve(information, gradient)
        step *= min(1.0, 2 / max(float(np.abs(x @ step).max()), 1e-300))
        beta = beta + step
        if np.abs(step).max() < 1e-10 * (1 + np.abs(beta).max()):
            _, information = _cox_step(x, beta, groups)
            times, hazard = _efron_hazard(np.exp(x @ beta), t, groups)
            return CoxFit(beta, np.linalg.inv(information + ridge * np.eye(size)), times=times, hazard=hazard)
    return _no_cox(size, "no single best fit exists: a predictor separates early from late events")


def _no_cox(size: int, reason: str) -> CoxFit:
    return CoxFit(np.full(size, np.nan), np.full((size, size), np.nan), times=np.zeros(0), hazard=np.zeros(0),
                  reason=reason)


def _tied_events(t: Floats, d: Bools) -> list[tuple[int, NDArray[np.intp]]]:
    """For each event time: first index at risk and the indices of its events, in sorted order."""
    at = np.flatnonzero(d)
    times, starts = np.unique(t[at], return_index=True)
    return list(zip(np.searchsorted(t, times).tolist(), np.split(at, starts[1:]), strict=True))


def _cox_step(x: Floats, beta: Floats, groups: list[tuple[int, NDArray[np.intp]]]) -> tuple[Floats, Floats]:
    """Score and information of the Efron likelihood."""
    linear = x @ beta
    risk = np.exp(linear - linear.max())
    outer = risk[:, None, None] * x[:, :, None] * x[:, None, :]
    zero, one, two = (v[::-1].cumsum(0)[::-1] for v in (risk, risk[:, None] * x, outer))
    gradient, information = np.zeros(len(beta)), np.zeros((len(beta), len(beta)))
    for start, dead in groups:
        gradient += x[dead].sum(0)
        tied = risk[dead].sum(), (risk[dead, None] * x[dead]).sum(0), outer[dead].sum(0)
        for share in np.arange(len(dead)) / len(dead):
            s0, s1, s2 = (v[start] - share * u for v, u in zip((zero, one, two), tied, strict=True))
            gradient -= s1 / s0
            information += s2 / s0 - np.outer(s1, s1) / s0**2
    return gradient, information


def _efron_hazard(risk: Floats, t: Floats, groups: list[tuple[int, NDArray[np.intp]]]) -> tuple[Floats, Floats]:
    """Event times and cumulated baseline hazard at covariates of 0."""
    total = risk[::-1].cumsum()[::-1]
    steps = [sum(1 / (total[start] - share * risk[dead].sum()) for share in np.arange(len(dead)) / len(dead))
             for start, dead in groups]
    return t[[start for start, _ in groups]], np.cumsum(steps)
