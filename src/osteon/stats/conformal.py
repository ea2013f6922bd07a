"""Prediction sets and intervals with a stated coverage, whatever the model (split conformal).

Vovk V et al. Algorithmic Learning in a Random World, 2005 (split, Mondrian); Angelopoulos AN, Bates S. Found Trends
Mach Learn 2023; 16: 494; Romano Y et al. NeurIPS 2019 (quantile regression) and 2020 (adaptive sets).
"""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from osteon.stats.arguments import Bools, Floats, classes, fraction, numbers, probabilities, same_length


def conformal_quantile(scores: ArrayLike, *, alpha: float = 0.1) -> float:
    """The k-th smallest calibration score, k = ceil((n + 1)(1 - alpha)); infinite where n is too small for alpha."""
    s = np.sort(numbers(scores, "scores"))
    k = math.ceil((len(s) + 1) * (1 - fraction(alpha, "alpha")) - 1e-9)
    return float(s[k - 1]) if k <= len(s) else math.inf


def coverage_law(size: int, *, alpha: float = 0.1) -> tuple[int, int]:
    """Beta parameters of the coverage that a calibration set of ``size`` gives: (k, n + 1 - k)."""
    k = min(math.ceil((size + 1) * (1 - fraction(alpha, "alpha")) - 1e-9), size + 1)
    return k, size + 1 - k


def class_scores(truth: ArrayLike, predicted: ArrayLike) -> Floats:
    """Nonconformity (n,): 1 - probability of the true class; predicted (n, k)."""
    p = probabilities(predicted, "predicted", ndim=2)
    y = classes(truth, "truth", p.shape[1])
    same_length(truth=y, predicted=p)
    return 1 - p[np.arange(len(y)), y]


def prediction_sets(predicted: ArrayLike, quantile: float | ArrayLike) -> Bools:
    """Classes kept (n, k): those with 1 - probability at or below the quantile (one, or one a case)."""
    p = probabilities(predicted, "predicted", ndim=2)
    return 1 - p <= np.asarray(quantile, np.float64).reshape(-1, 1) + 1e-12


def mondrian_quantiles(scores: ArrayLike, groups: ArrayLike, *, alpha: float = 0.1) -> dict[object, float]:
    """One quantile a group, so that each group is covered; infinite for a group too small for alpha."""
    s, g = numbers(scores, "scores"), np.asarray(groups)
    same_length(scores=s, groups=g)
    return {label: conformal_quantile(s[g == label], alpha=alpha) for label in np.unique(g).tolist()}


def residual_scores(truth: ArrayLike, lower: ArrayLike, upper: ArrayLike) -> Floats:
    """Nonconformity (n,) of intervals: how far the truth lies outside (negative inside); lower = upper for a point."""
    y, low, high = numbers(truth, "truth"), numbers(lower, "lower"), numbers(upper, "upper")
    same_length(truth=y, lower=low, upper=high)
    return np.maximum(low - y, y - high)


def adaptive_scores(truth: ArrayLike, predicted: ArrayLike, *, seed: int = 0) -> Floats:
    """Nonconformity (n,) of adaptive sets: probability mass down to the true class, randomised within it."""
    p = probabilities(predicted, "predicted", ndim=2)
    y = classes(truth, "truth", p.shape[1])
    same_length(truth=y, predicted=p)
    own = p[np.arange(len(y)), y]
    above = np.where(p > own[:, None], p, 0.0).sum(1)
    return above + np.random.default_rng(seed).random(len(y)) * own


def adaptive_sets(predicted: ArrayLike, quantile: float, *, seed: int = 0) -> Bools:
    """Classes kept (n, k) by the same randomised mass; a set may be empty where one class is near certain."""
    p = probabilities(predicted, "predicted", ndim=2)
    above = np.where(p[:, None, :] > p[:, :, None], p[:, None, :], 0.0).sum(2)
    return above + np.random.default_rng(seed).random((len(p), 1)) * p <= quantile
