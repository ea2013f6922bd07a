"""The result of a bivariate accuracy model, its design, and the between-study covariance as a Cholesky factor.

The factor (l11, l21, l22) is free of logarithms, so that the boundary (no between-study variance, correlation of plus or
minus one) is an ordinary stationary point which the optimiser can reach and which is then named.
"""
from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from osteon.stats.accuracy_table import Logits
from osteon.stats.arguments import Floats

MARGINS = ("sensitivity", "specificity")
FLAT = 1e-10  # share of the largest eigenvalue below which a direction holds no information


@dataclass(frozen=True, eq=False)
class Design:
    """Covariates of logit sensitivity (k, p1) and of logit specificity (k, p2), and the group (k,) whose Psi a study has."""

    sensitivity: Floats
    specificity: Floats
    _: KW_ONLY
    group: np.ndarray

    @property
    def groups(self) -> int:
        """Number of between-study covariance matrices."""
        return int(self.group.max()) + 1

    @property
    def width(self) -> int:
        """Number of regression coefficients."""
        return self.sensitivity.shape[1] + self.specificity.shape[1]

    def means(self, beta: Floats) -> Floats:
        """Linear predictors (k, 2)."""
        split = self.sensitivity.shape[1]
        return np.column_stack([self.sensitivity @ beta[:split], self.specificity @ beta[split:]])


@dataclass(frozen=True, eq=False)
class Optimum:
    """Where the optimiser stopped: parameters, observed information, gradient norm, and the boundaries that were reached."""

    theta: Floats
    information: Floats
    _: KW_ONLY
    gradient_norm: float
    iterations: int
    converged: bool
    boundary: tuple[str, ...] = ()

    @property
    def condition(self) -> float:
        """Condition number of the observed information."""
        return float(np.linalg.cond(self.information)) if self.information.size else np.nan


@dataclass(frozen=True, eq=False)
class Bivariate:
    """A fitted model: mean (logit sensitivity, logit specificity) or regression coefficients, and their covariance."""

    mu: Floats
    covariance: Floats
    _: KW_ONLY
    psi: Floats
    log_likelihood: float
    k: int
    method: str
    optimum: Optimum

    @property
    def between(self) -> Floats:
        """Between-study covariance (2, 2) of the first (or only) group."""
        return self.psi[0]

    @property
    def tau(self) -> Floats:
        """Between-study standard deviations of logit sensitivity and logit specificity."""
        return np.sqrt(np.diag(self.between))

    @property
    def rho(self) -> float:
        """Between-study correlation; nan where a between-study variance is zero."""
        scale = float(np.prod(self.tau))
        return float(self.between[0, 1] / scale) if scale > 0 else np.nan


def simple(k: int) -> Design:
    """The design without covariates."""
    return Design(np.ones((k, 1)), np.ones((k, 1)), group=np.zeros(k, np.int64))


def to_psi(chol: Floats) -> Floats:
    """Covariance matrices (G, 2, 2) from Cholesky factors (3 G,)."""
    l11, l21, l22 = np.asarray(chol, float).reshape(-1, 3).T
    return np.array([[l11 * l11, l11 * l21], [l11 * l21, l21 * l21 + l22 * l22]]).transpose(2, 0, 1)


def to_chol(psi: Floats) -> Floats:
    """Cholesky factor (l11, l21, l22) of one covariance matrix (2, 2), singular ones included."""
    l11 = np.sqrt(max(psi[0, 0], 0.0))
    l21 = psi[0, 1] / l11 if l11 > 0 else 0.0
    return np.array([l11, l21, np.sqrt(max(psi[1, 1] - l21 * l21, 0.0))])


def moment_start(y: Logits) -> Floats:
    """Cholesky factor of a moment estimate of Psi, kept away from the boundary."""
    seen = np.isfinite(y.variance)
    within = np.array([np.median(y.variance[m, j]) if m.any() else 1.0 for j, m in enumerate(seen.T)])
    spread = np.array([np.var(y.value[m, j], ddof=1) if m.sum() > 1 else 1.0 for j, m in enumerate(seen.T)])
    tau = np.sqrt(np.maximum(spread - within, 0.1 * spread + 1e-3))
    both = seen.all(1)
    rho = float(np.corrcoef(y.value[both, 0], y.value[both, 1])[0, 1]) if both.sum() > 2 and (np.ptp(y.value[both], axis=0) > 0).all() else 0.0
    rho = min(max(rho, -0.8), 0.8)
    return np.array([tau[0], rho * tau[1], np.sqrt(1 - rho * rho) * tau[1]])


def boundaries(chol: Floats) -> tuple[str, ...]:
    """Names of the boundaries of the parameter space on which a fit lies (empty in the interior)."""
    found = []
    for g, (l11, l21, l22) in enumerate(np.asarray(chol).reshape(-1, 3)):
        where = f" in group {g + 1}" if len(chol) > 3 else ""
        tau = abs(l11), np.hypot(l21, l22)
        zero = [f"tau_{name} = 0{where}" for name, t in zip(MARGINS, tau, strict=True) if t < 1e-3]
        if not zero and abs(l22) < 1e-3 * tau[1]:
            zero = [f"rho = {int(np.sign(l11 * l21))}{where}"]
        found += zero
    return tuple(found)


def canonical(chol: Floats) -> Floats:
    """The same covariance with the signs of the factor's diagonal made positive."""
    blocks = np.array(chol, float).reshape(-1, 3)
    flip = np.where(blocks[:, 0] < 0, -1.0, 1.0)
    blocks[:, 0] *= flip
    blocks[:, 1] *= flip
    blocks[:, 2] = np.abs(blocks[:, 2])
    return blocks.ravel()


def interior(chol: Floats) -> Floats:
    """A start off the boundary, on which the gradient vanishes in the direction that leads inside."""
    l11, l21, l22 = chol
    floor = 0.1 * max(abs(l11), float(np.hypot(l21, l22)), 0.3)
    return np.array([max(abs(l11), floor), l21, max(abs(l22), floor)])


def inverse(information: Floats) -> Floats:
    """Inverse of an information matrix, directions without information left out (generalised inverse)."""
    values, vectors = np.linalg.eigh((information + information.T) / 2)
    kept = values > FLAT * max(values.max(), 0.0)
    return (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
