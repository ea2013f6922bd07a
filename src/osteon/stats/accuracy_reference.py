"""An imperfect reference standard: what the test's accuracy would be if the reference misses and falsely calls at known rates.

Latent class model with a known sensitivity and specificity of the reference and independence given the disease (Walter SD,
Irwig LM. J Clin Epidemiol 1988; 41: 923; Chu H et al. Stat Med 2009; 28: 2384). The prevalence of a study is the one that gives
its observed share of positive references.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import optimize
from scipy.special import expit

from osteon.stats.accuracy_glmm import binomial_constant, fit_exact
from osteon.stats.accuracy_table import Tables
from osteon.stats.arguments import Floats

POINTS = 33


@dataclass(frozen=True)
class Reference:
    """Sensitivity and specificity of the reference standard, both above a half."""

    sensitivity: float
    specificity: float

    def __post_init__(self) -> None:
        for name in ("sensitivity", "specificity"):
            if not 0.5 < getattr(self, name) <= 1:
                raise ValueError(f"{name} of the reference: {getattr(self, name)} (expected more than 0.5, at most 1)")


class Imperfect:
    """Log-likelihood of (mu1, mu2, l11, l21, l22) under an imperfect reference, by a trapezoid grid where each study has its mass."""

    def __init__(self, tables: Tables, reference: Reference) -> None:
        self.x, self.n = tables.events, tables.totals
        self.constant = binomial_constant(tables)
        observed = self.n[:, 0] / self.n.sum(1)
        spread = reference.sensitivity + reference.specificity - 1
        share = np.clip((observed - 1 + reference.specificity) / spread, 1e-6, 1 - 1e-6)
        positive = share * reference.sensitivity + (1 - share) * (1 - reference.specificity)
        self.true_positive = share * reference.sensitivity / positive
        self.true_negative = (1 - share) * reference.specificity / (1 - positive)

    def _log_joint(self, theta: Floats, v: Floats) -> Floats:
        """Log density (k, points) at standard normal pairs v (k, 2, points)."""
        se = expit(theta[0] + theta[2] * v[:, 0])
        sp = expit(theta[1] + theta[3] * v[:, 0] + theta[4] * v[:, 1])
        a, b = self.true_positive[:, None], self.true_negative[:, None]
        rates = np.clip(np.stack([a * se + (1 - a) * (1 - sp), b * sp + (1 - b) * (1 - se)], 1), 1e-300, 1 - 1e-16)
        x, n = self.x[:, :, None], self.n[:, :, None]
        return (x * np.log(rates) + (n - x) * np.log1p(-rates)).sum(1) - 0.5 * (v**2).sum(1)

    def __call__(self, theta: Floats) -> float:
        """Log-likelihood; two passes, the second where the first found the mass."""
        grid = np.array(np.meshgrid(np.linspace(-1, 1, POINTS), np.linspace(-1, 1, POINTS))).reshape(2, -1)
        center, width = np.zeros((len(self.x), 2)), np.full((len(self.x), 2), 6.0)
        for last in (False, False, True):
            v = center[:, :, None] + width[:, :, None] * grid
            log = self._log_joint(theta, v)
            top = log.max(1)
            mass = np.exp(log - top[:, None])
            total = mass.sum(1)
            if last:
                cell = width.prod(1) * (2 / (POINTS - 1)) ** 2
                return float((top + np.log(total * cell / (2 * np.pi))).sum() + self.constant)
            center = np.einsum("kjp,kp->kj", v, mass) / total[:, None]
            width = np.clip(6.5 * np.sqrt(np.einsum("kjp,kp->kj", (v - center[:, :, None]) ** 2, mass) / total[:, None]), 0.02, 7.0)
        raise AssertionError("unreachable")


class Corrected(NamedTuple):
    """Mean logits (2,), between-study covariance (2, 2), log-likelihood, covariance of the means (2, 2), and whether it converged."""

    mu: Floats
    psi: Floats
    log_likelihood: float
    covariance: Floats
    converged: bool


def fit_imperfect(tables: Tables, reference: Reference) -> Corrected:
    """Maximum likelihood under the imperfect reference; only studies with both margins count."""
    both = tables.take((tables.totals > 0).all(1))
    likelihood = Imperfect(both, reference)
    start = fit_exact(both, nodes=7).optimum.theta
    start = np.concatenate([start[:2], [max(start[2], 0.2), start[3], max(start[4], 0.2)]])
    found = optimize.minimize(lambda t: -likelihood(t), start, method="BFGS", options={"gtol": 1e-3, "maxiter": 80})
    factor = np.array([[found.x[2], 0], [found.x[3], found.x[4]]])
    gradient = np.abs(found.jac).max()
    return Corrected(found.x[:2], factor @ factor.T, -float(found.fun), found.hess_inv[:2, :2], bool(found.success or gradient < 0.02))
