"""Ways to repair probabilities on new data, from one parameter to a free monotone curve.

Steyerberg EW et al. Stat Med 2004; 23: 2567 (in the large, logistic); Guo C et al. ICML 2017 (temperature); Zadrozny B,
Elkan C. KDD 2002 (isotonic).
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from osteon.stats.arguments import Floats, binary, probabilities, same_length
from osteon.stats.regression import expit, fit_logistic, log_odds
from osteon.stats.roc import one_class

METHODS = ("in the large", "temperature", "logistic", "isotonic")


@dataclass(frozen=True)
class Recalibration:
    """A fitted map of probabilities: knots on the log-odds scale for a line, on the probability scale for isotonic."""

    method: str
    parameters: tuple[tuple[float, ...], tuple[float, ...]]

    def __call__(self, predicted: ArrayLike) -> Floats:
        """Repaired probabilities (n,)."""
        p = probabilities(predicted, "predicted")
        first, second = self.parameters
        if self.method == "isotonic":
            return np.interp(p, first, second)
        return expit(first[0] + second[0] * log_odds(p))


def recalibrate(truth: ArrayLike, predicted: ArrayLike, *, method: str = "logistic") -> Recalibration:
    """Fit one of METHODS on cases with known truth; ValueError for one class or where no finite fit exists."""
    y, p = binary(truth, "truth"), probabilities(predicted, "predicted")
    same_length(truth=y, predicted=p)
    if reason := one_class(y):
        raise ValueError(f"truth: {reason} (expected both classes)")
    if method not in METHODS:
        raise ValueError(f"method: {method!r} (expected one of {', '.join(METHODS)})")
    if method == "isotonic":
        return Recalibration(method, _isotonic(y.astype(float), p))
    intercept, slope = _line(y.astype(float), log_odds(p), method)
    return Recalibration(method, ((intercept,), (slope,)))


def _line(y: Floats, z: Floats, method: str) -> tuple[float, float]:
    ones = np.ones(len(y))
    if method == "in the large":
        fit = fit_logistic(ones[:, None], y, offset=z)
    elif method == "temperature":
        fit = fit_logistic(z[:, None], y)
    else:
        fit = fit_logistic(np.column_stack([ones, z]), y)
    if fit.reason:
        raise ValueError(f"predicted: no {method} recalibration exists ({fit.reason})")
    values = [float(v) for v in fit.coefficients]
    return {"in the large": (values[0], 1.0), "temperature": (0.0, values[0])}.get(method) or (values[0], values[1])


def _isotonic(y: Floats, p: Floats) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Pool adjacent violators; the knots are the ends of the pools."""
    from scipy.optimize import isotonic_regression
    levels, inverse, counts = np.unique(p, return_inverse=True, return_counts=True)
    means = np.bincount(inverse, weights=y) / counts
    fitted = isotonic_regression(means, weights=counts.astype(float)).x
    change = np.flatnonzero(np.diff(fitted) != 0)
    keep = np.unique(np.concatenate(([0, len(levels) - 1], change, change + 1)))
    return tuple(levels[keep].tolist()), tuple(fitted[keep].tolist())
