"""Logistic regression by Newton's method, unpenalised, for calibration, interactions and matched tests."""
from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.stats.arguments import Bools, Floats, binary, codes, numbers, probabilities, refuse, same_length
from osteon.stats.arguments import weights as weights_of
from osteon.stats.intervals import Interval, around, undefined

SEPARATED = 1e-7  # share of the information at no effect below which an estimate runs to infinity


@dataclass(frozen=True)
class LogisticFit:
    """Coefficients (p,), their covariance (p, p), and the log-likelihood; ``reason`` where no maximum exists."""

    coefficients: Floats
    covariance: Floats
    _: KW_ONLY
    log_likelihood: float
    reason: str = ""

    def interval(self, index: int, *, level: float = 0.95) -> Interval:
        """Wald interval of one coefficient."""
        if self.reason:
            return undefined(self.reason, level=level, method="Wald")
        error = math.sqrt(self.covariance[index, index])
        return around(float(self.coefficients[index]), error, level=level, method="Wald")


def expit(values: Floats) -> Floats:
    """Inverse logit without overflow."""
    return np.exp(-np.logaddexp(0, -values))


def log_odds(values: Floats, *, edge: float = 1e-7) -> Floats:
    """Logit of probabilities, those within ``edge`` of 0 or 1 moved to it."""
    clipped = np.clip(values, edge, 1 - edge)
    return np.log(clipped) - np.log1p(-clipped)


def log_likelihood(outcome: Floats, linear: Floats, weight: Floats) -> float:
    """Weighted Bernoulli log-likelihood of outcomes (n,) within 0 and 1 at log-odds (n,)."""
    return float(-weight @ (outcome * np.logaddexp(0, -linear) + (1 - outcome) * np.logaddexp(0, linear)))


def fit_logistic(design: ArrayLike, outcome: ArrayLike, *, weights: ArrayLike | None = None,
                 offset: ArrayLike | None = None) -> LogisticFit:
    """Maximum likelihood for design (n, p) and outcome (n,) within 0 and 1; ValueError for malformed input.

    Separation (no finite maximum) or a singular design gives a fit with a reason.
    """
    x = numbers(design, "design", ndim=2)
    y = probabilities(outcome, "outcome")
    w = weights_of(weights, len(y))
    shift = np.zeros(len(y)) if offset is None else numbers(offset, "offset")
    same_length(design=x, outcome=y, offset=shift)
    beta: Floats = np.zeros(x.shape[1])
    for _ in range(50):
        linear = x @ beta + shift
        p = expit(linear)
        information = (x * (w * p * (1 - p))[:, None]).T @ x
        if np.linalg.cond(information) > 1e14:
            break
        step = np.linalg.solve(information, x.T @ (w * (y - p)))
        beta, value = _halved(x, y, w, shift, beta=beta, step=step, start=log_likelihood(y, linear, w))
        if np.abs(step).max() < 1e-9 * (1 + np.abs(beta).max()):
            return LogisticFit(beta, np.linalg.inv(information), log_likelihood=value)
    return _failed(len(beta), "the classes are separated or the predictors collinear: no single best fit exists")


def _halved(x: Floats, y: Floats, w: Floats, shift: Floats, *, beta: Floats, step: Floats,
            start: float) -> tuple[Floats, float]:
    """The longest of step, step / 2, ... that does not lose likelihood."""
    for _ in range(20):
        value = log_likelihood(y, x @ (beta + step) + shift, w)
        if value >= start - 1e-13 * abs(start):
            return beta + step, value
        step = step / 2
    return beta, start


def _failed(size: int, reason: str) -> LogisticFit:
    return LogisticFit(np.full(size, np.nan), np.full((size, size), np.nan), log_likelihood=math.nan, reason=reason)


def fit_conditional_logistic(design: ArrayLike, chosen: ArrayLike, strata: ArrayLike) -> LogisticFit:
    """Conditional logistic regression for matched sets with one case each (McFadden 1974; Breslow & Day 1980).

    ``design`` (n, p) without intercept, ``chosen`` (n,) 0 or 1, ``strata`` (n,) set names. Sets without exactly one
    case are refused with ValueError. Odds ratios are exp(coefficients).
    """
    x, y = numbers(design, "design", ndim=2), binary(chosen, "chosen")
    sets, count = codes(strata, "strata")
    same_length(design=x, chosen=y, strata=sets)
    cases = np.bincount(sets, weights=y, minlength=count)
    refuse("strata", np.asarray(strata), (cases != 1)[sets], "a set with exactly one case")
    order = np.argsort(sets, kind="stable")
    x, y, starts = x[order], y[order], np.searchsorted(sets[order], np.arange(count))
    beta = np.zeros(x.shape[1])
    prior = _conditional_step(x, y, starts, beta)[2]
    for _ in range(50):
        value, gradient, information = _conditional_step(x, y, starts, beta)
        if np.linalg.cond(information) > 1e12:
            return _failed(len(beta), "a predictor does not vary within sets or separates cases from controls")
        step = np.linalg.solve(information, gradient)
        step *= min(1.0, 5 / max(np.abs(x @ step).max(), 1e-300))
        beta = beta + step
        if np.abs(step).max() < 1e-11:
            break
    value, _, information = _conditional_step(x, y, starts, beta)
    if np.linalg.eigvals(np.linalg.solve(prior, information)).real.min() < SEPARATED:
        return _failed(len(beta), "a predictor separates cases from controls: no single best fit exists")
    return LogisticFit(beta, np.linalg.inv(information), log_likelihood=value)


def _conditional_step(x: Floats, y: Bools, starts: NDArray[np.intp], beta: Floats) -> tuple[float, Floats, Floats]:
    sizes = np.diff(np.append(starts, len(y)))
    linear = x @ beta
    linear = linear - np.repeat(np.maximum.reduceat(linear, starts), sizes)
    risk = np.exp(linear)
    total = np.add.reduceat(risk, starts)
    share = risk / np.repeat(total, sizes)
    mean = np.add.reduceat(x * share[:, None], starts)
    centered = x - np.repeat(mean, sizes, axis=0)
    return (float(linear[y].sum() - np.log(total).sum()), x[y].sum(0) - mean.sum(0),
            (centered * share[:, None]).T @ centered)
