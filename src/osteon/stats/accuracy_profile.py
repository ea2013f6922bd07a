"""Profile-likelihood intervals of pooled rates, between-study standard deviations and correlation."""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import optimize, stats
from scipy.special import expit

from osteon.stats.accuracy_glmm import Exact
from osteon.stats.accuracy_model import Bivariate, interior, simple, to_chol
from osteon.stats.accuracy_optimise import Minimum, Objective, minimise, profile
from osteon.stats.accuracy_reitsma import restricted_objective
from osteon.stats.accuracy_table import Tables, logits
from osteon.stats.arguments import Floats
from osteon.stats.intervals import Interval, undefined

METHOD = "profile likelihood"


class Profiles(NamedTuple):
    """Intervals by profile likelihood; rates are absent (undefined) for REML, whose likelihood does not hold the means."""

    sensitivity: Interval
    specificity: Interval
    tau_sensitivity: Interval
    tau_specificity: Interval
    rho: Interval


def profile_exact(tables: Tables, fit: Bivariate, *, nodes: int = 15, level: float = 0.95) -> Profiles:
    """Profiles of the exact likelihood at its maximum ``fit``."""
    drop = 0.5 * float(stats.chi2.ppf(level, 1))
    direct = Exact(tables, simple(len(tables)), nodes=nodes)
    mirror = Exact(tables.swapped(), simple(len(tables)), nodes=nodes)
    theta = np.concatenate([fit.mu, to_chol(fit.between)])
    turned = np.concatenate([fit.mu[::-1], to_chol(fit.between[::-1, ::-1])])
    errors = np.sqrt(np.diag(fit.covariance))
    rates = [_rate(direct, theta, j, drop=drop, error=errors[j], level=level) for j in (0, 1)]
    taus = [_tau(o, t, 2, drop=drop, level=level) for o, t in ((direct, theta), (mirror, turned))]
    return Profiles(rates[0], rates[1], taus[0], taus[1], _rho(direct, theta, fit.rho, drop=drop, level=level))


def profile_reml(tables: Tables, fit: Bivariate, *, correction: str = "single", level: float = 0.95) -> Profiles:
    """Profiles of the restricted likelihood: between-study standard deviations and correlation only."""
    drop = 0.5 * float(stats.chi2.ppf(level, 1))
    design = simple(len(tables))
    direct = restricted_objective(logits(tables, correction), design)
    mirror = restricted_objective(logits(tables.swapped(), correction), design)
    theta, turned = to_chol(fit.between), to_chol(fit.between[::-1, ::-1])
    taus = [_tau(o, t, 0, drop=drop, level=level) for o, t in ((direct, theta), (mirror, turned))]
    none = undefined("the restricted likelihood does not hold the means", level=level, method=METHOD)
    return Profiles(none, none, taus[0], taus[1], _rho(direct, theta, fit.rho, drop=drop, level=level))


def _minimum(objective: Objective, theta: Floats) -> Minimum:
    value, gradient = objective(theta)
    return Minimum(theta, value, gradient, np.eye(theta.size), 0, True)


def _lift(theta: Floats) -> Floats:
    return np.concatenate([theta[:-3], interior(theta[-3:])])


def _rate(objective: Objective, theta: Floats, position: int, *, drop: float, error: float, level: float) -> Interval:
    ends = profile(objective, _minimum(objective, theta), position, drop=drop, error=float(error), lift=_lift)
    return Interval(float(expit(theta[position])), float(expit(ends[0])), float(expit(ends[1])), level=level, method=METHOD)


def _tau(objective: Objective, theta: Floats, position: int, *, drop: float, level: float) -> Interval:
    error = 0.25 * theta[position] + 0.05
    lower, upper = profile(objective, _minimum(objective, theta), position, drop=drop, error=error, lower=0.0, lift=_lift)
    return Interval(float(theta[position]), max(lower, 0.0), upper, level=level, method=METHOD)


def _rho(objective: Objective, theta: Floats, rho: float, *, drop: float, level: float) -> Interval:
    """The correlation is held and the two standard deviations (and the means, where there) are optimised."""
    if not math.isfinite(rho):
        return undefined("a between-study variance is zero", level=level, method=METHOD)
    base, best = len(theta) - 3, objective(theta)[0]
    start = np.concatenate([theta[:base], [theta[base], math.hypot(*theta[base + 1:])]])

    def excess(value: float) -> float:
        slope = math.sqrt(max(1 - value * value, 0.0))

        def held(par: Floats) -> tuple[float, Floats]:
            full = np.concatenate([par[:-1], [value * par[-1], slope * par[-1]]])
            out, gradient = objective(full)
            return out, np.append(gradient[:-2], value * gradient[-2] + slope * gradient[-1])

        return minimise(held, start, tolerance=1e-5).value - best - drop

    rho = float(np.clip(rho, -1, 1))
    ends = [end if excess(end) <= 0 else float(optimize.brentq(excess, *sorted((rho, end)), xtol=1e-6)) for end in (-1.0, 1.0)]
    return Interval(rho, *ends, level=level, method=METHOD)
