"""Bayesian bivariate model: the random effects are integrated out exactly, so that five parameters remain to be sampled.

With so few parameters independent draws by importance sampling from a multivariate t at the posterior mode need no Markov
chain and no convergence diagnosis; the effective sample size says how good they are. Priors as in Harbord RM, in Stan form:
normal logits, half-normal standard deviations, normal Fisher z of the correlation (which keeps it off the boundary).
"""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import numpy as np
from scipy import optimize
from scipy.special import expit

from osteon.stats.accuracy_bootstrap import Draws
from osteon.stats.accuracy_glmm import Exact, fit_exact
from osteon.stats.accuracy_model import simple
from osteon.stats.accuracy_sroc import auc_many
from osteon.stats.accuracy_table import Tables
from osteon.stats.arguments import Floats
from osteon.stats.intervals import Interval

LogLikelihood = Callable[[Floats], float]
DEGREES = 6.0


@dataclass(frozen=True)
class Priors:
    """Standard deviations of the priors: mean logits (around 0), half-normal of both tau, Fisher z of rho (around 0)."""

    mean: float = 2.0
    tau: float = 1.0
    _: KW_ONLY
    fisher_z: float = 0.5

    def log_density(self, par: Floats) -> float:
        """Log prior of (mu1, mu2, log tau1, log tau2, z), without constants; the Jacobian of log tau is in it."""
        tau = np.exp(par[2:4])
        return float(-0.5 * ((par[:2] / self.mean) ** 2).sum() - 0.5 * ((tau / self.tau) ** 2).sum() + par[2:4].sum()
                     - 0.5 * (par[4] / self.fisher_z) ** 2)


class Posterior(NamedTuple):
    """Equally weighted posterior draws, the effective sample size of the importance weights, and the number drawn."""

    draws: Draws
    effective: float
    drawn: int


def to_theta(par: Floats) -> Floats:
    """(mu1, mu2, log tau1, log tau2, z) to (mu1, mu2, l11, l21, l22)."""
    tau, rho = np.exp(par[2:4]), np.tanh(par[4])
    return np.array([par[0], par[1], tau[0], rho * tau[1], np.sqrt(1 - rho * rho) * tau[1]])


def sample(tables: Tables, priors: Priors | None = None, *, count: int = 4000, seed: int = 0, nodes: int = 7,
           log_likelihood: LogLikelihood | None = None) -> Posterior:
    """``count`` draws from the posterior; ``log_likelihood`` of (mu, Cholesky factor) replaces the exact model's."""
    priors = Priors() if priors is None else priors
    if log_likelihood is None:
        objective = Exact(tables, simple(len(tables)), nodes=nodes)
        log_likelihood = lambda theta: -objective(theta)[0]  # noqa: E731

    def target(par: Floats) -> float:
        value = log_likelihood(to_theta(par)) + priors.log_density(par)
        return value if np.isfinite(value) else -np.inf

    rng = np.random.default_rng(seed)
    # A pilot moves the proposal from the curvature at the mode to the spread of the posterior, which is skewed for small tau.
    points, weight = _weighted(target, *_mode(target, tables), count=max(count // 4, 250), rng=rng)
    center = weight @ points
    spread = np.linalg.cholesky((weight[:, None] * (points - center)).T @ (points - center) + 1e-6 * np.eye(5))
    points, weight = _weighted(target, center, spread, count=count, rng=rng)
    kept = points[_systematic(weight, rng)]
    theta = np.array([to_theta(p) for p in kept])
    psi = np.array([[theta[:, 2] ** 2, theta[:, 2] * theta[:, 3]], [theta[:, 2] * theta[:, 3], theta[:, 3] ** 2 + theta[:, 4] ** 2]])
    return Posterior(Draws(theta[:, :2], psi.transpose(2, 0, 1)), float(1 / (weight**2).sum()), count)


def _weighted(target: Callable[[Floats], float], center: Floats, root: Floats, *, count: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Draws (count, 5) from a multivariate t around ``center`` and their importance weights (sum 1)."""
    z, spread = rng.standard_normal((count, 5)), np.sqrt(DEGREES / rng.chisquare(DEGREES, count))[:, None]
    points = center + spread * (z @ root.T)
    proposal = -0.5 * (DEGREES + 5) * np.log1p(((spread * z) ** 2).sum(1) / DEGREES)
    log_weight = np.array([target(p) for p in points]) - proposal
    weight = np.exp(log_weight - log_weight.max())
    return points, weight / weight.sum()


def _mode(target: Callable[[Floats], float], tables: Tables) -> tuple[Floats, Floats]:
    """Posterior mode and a root of the inverse curvature there."""
    fit = fit_exact(tables, nodes=1)
    tau = np.maximum(fit.tau, 0.1)
    rho = np.clip(fit.rho if np.isfinite(fit.rho) else 0.0, -0.7, 0.7)
    start = np.array([*np.clip(fit.mu, -6, 6), *np.log(tau), np.arctanh(rho)])
    found = optimize.minimize(lambda p: -target(p), start, method="BFGS", options={"gtol": 1e-3})
    step, n = 1e-3, len(start)
    curvature = np.empty((n, n))
    for i in range(n):
        for j in range(i + 1):
            a, b = step * np.eye(n)[i], step * np.eye(n)[j]
            four = target(found.x + a + b) - target(found.x + a - b) - target(found.x - a + b) + target(found.x - a - b)
            curvature[i, j] = curvature[j, i] = -four / (4 * step * step)
    values, vectors = np.linalg.eigh(curvature)
    return found.x, vectors / np.sqrt(np.maximum(values, 0.05))


def _systematic(weight: Floats, rng: np.random.Generator) -> np.ndarray:
    """Systematic resampling: as many positions as weights, proportional to them."""
    n = len(weight)
    return np.searchsorted(np.cumsum(weight), (rng.random() + np.arange(n)) / n).clip(max=n - 1)


def credible(values: Floats, *, level: float = 0.95) -> Interval:
    """Median and equal-tailed credible interval."""
    tail = (1 - level) / 2
    lower, middle, upper = np.quantile(values, [tail, 0.5, 1 - tail])
    return Interval(float(middle), float(lower), float(upper), level=level, method="posterior median, equal tails")


def predictive(posterior: Posterior, *, seed: int = 0) -> Floats:
    """Sensitivity and specificity (draws, 2) of a new study, one for each draw of the posterior."""
    root = np.array([_root(psi) for psi in posterior.draws.psi])
    z = np.random.default_rng(seed).standard_normal((len(root), 2))
    return expit(posterior.draws.mu + np.einsum("dij,dj->di", root, z))


def _root(psi: Floats) -> Floats:
    values, vectors = np.linalg.eigh(psi)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def summary(posterior: Posterior, *, prevalence: float | None = None, level: float = 0.95) -> dict[str, Interval]:
    """Sensitivity and specificity, those of a new study (posterior predictive), AUC, tau, rho, and predictive values at a prevalence."""
    mu, psi = posterior.draws.mu, posterior.draws.psi
    (se, sp), new = expit(mu).T, predictive(posterior)
    values = {"sensitivity": se, "specificity": sp, "new_sensitivity": new[:, 0], "new_specificity": new[:, 1], "auc": auc_many(mu, psi), "tau_sensitivity": np.sqrt(psi[:, 0, 0]),
              "tau_specificity": np.sqrt(psi[:, 1, 1]), "rho": posterior.draws.rho}
    if prevalence is not None:
        p = prevalence
        values["ppv"] = p * se / (p * se + (1 - p) * (1 - sp))
        values["npv"] = (1 - p) * sp / ((1 - p) * sp + p * (1 - se))
    return {name: credible(v[np.isfinite(v)], level=level) for name, v in values.items()}


def prior_sensitivity(tables: Tables, *, count: int = 2000, seed: int = 0, level: float = 0.95) -> list[tuple[Priors, dict[str, Interval]]]:
    """The summary under nine priors: half and double scales of tau, narrow and wide correlation."""
    grid = [Priors(tau=tau, fisher_z=z) for tau in (0.5, 1.0, 2.0) for z in (0.25, 0.5, 1.0)]
    return [(p, summary(sample(tables, p, count=count, seed=seed), level=level)) for p in grid]
