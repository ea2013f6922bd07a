"""Bivariate normal approximation on the logits: REML, ML and fixed effect.

Reitsma JB et al. J Clin Epidemiol 2005; 58: 982. The coefficients are profiled out (generalised least squares), the three
elements of the Cholesky factor of the between-study covariance are found by BFGS.
"""
from __future__ import annotations

import numpy as np

from osteon.stats.accuracy_kernels import LOG_2PI, normal_batch, normal_fit, normal_likelihood
from osteon.stats.accuracy_model import Bivariate, Design, Optimum, boundaries, canonical, moment_start, simple, to_psi
from osteon.stats.accuracy_optimise import Objective, information
from osteon.stats.accuracy_table import Logits, Tables, logits
from osteon.stats.arguments import Floats

ESTIMATORS = ("reml", "ml", "fixed")
RESTARTS = ((1.0, 0.6, 1.0), (1.0, -0.6, 1.0), (0.3, 0.0, 0.3))


def fit_normal(tables: Tables, design: Design | None = None, *, estimator: str = "reml",
               correction: str = "single") -> Bivariate:
    """Fit to the corrected logits of the tables; ``correction`` as in ``accuracy_table.corrected``."""
    return fit_logits(logits(tables, correction), design, estimator=estimator)


def fit_logits(y: Logits, design: Design | None = None, *, estimator: str = "reml") -> Bivariate:
    """Fit to logits with known within-study variances. Raises ValueError for an unknown estimator."""
    if estimator not in ESTIMATORS:
        raise ValueError(f"estimator: {estimator!r} (expected one of {', '.join(ESTIMATORS)})")
    design = simple(len(y.value)) if design is None else design
    zero = np.zeros(3 * design.groups)
    if estimator == "fixed":
        return _describe(y, design, zero, estimator=estimator, gradient=zero, iterations=0)
    theta, gradient, iterations = best_theta(y, design, restricted=estimator == "reml")
    return _describe(y, design, canonical(theta), estimator=estimator, gradient=gradient, iterations=iterations)


def best_theta(y: Logits, design: Design, *, restricted: bool) -> tuple[Floats, Floats, int]:
    """Cholesky factor at the optimum from a moment start; further starts where that one ends on a boundary or unconverged."""
    start = np.tile(moment_start(y), design.groups)
    best = _climb(y, design, start, restricted)
    if boundaries(best[1]) or np.abs(best[2]).max() > tolerance(len(y.value)):
        tries = [_climb(y, design, np.tile(np.multiply(start[:3].max(), r), design.groups), restricted) for r in RESTARTS]
        best = min([best, *tries], key=lambda found: found[0])
    return best[1], best[2], best[3]


def tolerance(k: int) -> float:
    """Largest gradient norm of a converged fit: rounding of a sum over k studies sets its scale."""
    return max(1e-5, 1e-7 * k)


def _climb(y: Logits, design: Design, start: Floats, restricted: bool) -> tuple[float, Floats, Floats, int]:
    data = y.value, y.variance, design.sensitivity, design.specificity, design.group
    theta, gradient, iterations = normal_fit(*data, start, restricted)
    return normal_likelihood(*data, theta, restricted)[0], theta, gradient, iterations


def restricted_objective(y: Logits, design: Design, *, restricted: bool = True) -> Objective:
    """Minus the profiled (restricted) log-likelihood of the Cholesky factor, without constants, and its gradient."""
    data = y.value, y.variance, design.sensitivity, design.specificity, design.group
    return lambda theta: normal_likelihood(*data, np.asarray(theta, float), restricted)[:2]


def _describe(y: Logits, design: Design, theta: Floats, *, estimator: str, gradient: Floats, iterations: int) -> Bivariate:
    restricted = estimator == "reml"
    value, _, beta, covariance = normal_likelihood(
        y.value, y.variance, design.sensitivity, design.specificity, design.group, theta, restricted)
    seen = int(np.isfinite(y.variance).sum()) - (design.width if restricted else 0)
    info: Floats = np.empty((0, 0))
    if estimator != "fixed":
        info = information(restricted_objective(y, design, restricted=restricted), theta)
    norm = float(np.linalg.norm(gradient))
    optimum = Optimum(theta, info, gradient_norm=norm, iterations=iterations, converged=norm < tolerance(len(y.value)),
                      boundary=boundaries(theta) if estimator != "fixed" else ())
    return Bivariate(beta, covariance, psi=to_psi(theta), log_likelihood=-value - 0.5 * seen * LOG_2PI, k=len(y.value),
                     method=f"normal approximation, {estimator.upper() if estimator != 'fixed' else 'fixed effect'}",
                     optimum=optimum)


def refit_normal(values: Floats, variances: Floats, start: Floats, *, estimator: str = "reml") -> tuple[Floats, Floats]:
    """Refits of B data sets of logits (B, k, 2) from one start: mu (B, 2) and Cholesky factors (B, 3)."""
    return normal_batch(np.ascontiguousarray(values), np.ascontiguousarray(variances), np.asarray(start, float),
                        estimator == "reml")
