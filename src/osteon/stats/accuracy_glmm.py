"""Exact bivariate model: binomial within studies, bivariate normal logits between them, by adaptive Gauss-Hermite quadrature.

TP ~ Bin(n1, expit a), TN ~ Bin(n0, expit b), (a, b) ~ N(mu, Psi). Chu H, Cole SR. J Clin Epidemiol 2006; 59: 1331;
Pinheiro JC, Bates DM. J Comput Graph Stat 1995; 4: 12 (adaptive quadrature). No continuity correction is needed.
"""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, gammaln

from osteon.stats.accuracy_kernels import exact_likelihood
from osteon.stats.accuracy_model import MARGINS, Bivariate, Design, Optimum, boundaries, canonical, inverse, moment_start, simple, to_psi
from osteon.stats.accuracy_optimise import Minimum, information, minimise
from osteon.stats.accuracy_table import Tables, logits
from osteon.stats.arguments import Floats

NODES = (1, 7, 15, 21)
RESTARTS = ((1.0, 0.0, 1.0), (0.5, -0.4, 0.5), (0.5, 0.4, 0.5), (1.5, -1.0, 0.7), (0.1, 0.0, 0.1))


@lru_cache(maxsize=8)
def grid(nodes: int) -> tuple[Floats, Floats]:
    """Scaled nodes (sqrt(2) x) and log weights (log w + x^2) of one dimension."""
    if nodes < 1:
        raise ValueError(f"nodes: {nodes} (expected 1 or more; 1 is the Laplace approximation)")
    x, w = np.polynomial.hermite.hermgauss(nodes)
    return np.sqrt(2.0) * x, np.log(w) + x * x


def binomial_constant(tables: Tables) -> float:
    """Sum of the log binomial coefficients of both margins."""
    x, n = tables.events, tables.totals
    return float((gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)).sum())


class Exact:
    """The negative log-likelihood of the tables with its gradient, at theta = (coefficients, Cholesky factor of each group).

    ``penalty`` adds half a success and half a failure of weight to the mean of each margin (Firth's correction of an
    intercept), which keeps a margin without a single error finite.
    """

    def __init__(self, tables: Tables, design: Design, *, nodes: int = 15, penalty: bool = False) -> None:
        x, n = tables.events, tables.totals
        self.studies = np.column_stack([x[:, 0], n[:, 0], x[:, 1], n[:, 1]])
        self.design, self.penalty, self.constant = design, penalty, binomial_constant(tables)
        self.modes = np.zeros((len(tables), 2))
        self.grid = grid(nodes)

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        """Minus log-likelihood and gradient."""
        design, _split, width = self.design, self.design.sensitivity.shape[1], self.design.width
        mean = design.means(theta[:width])
        local = np.column_stack([mean, theta[width:].reshape(-1, 3)[design.group]])
        values, slopes = exact_likelihood(self.studies, local, self.modes, *self.grid)
        value, chol = values.sum() + self.constant, np.zeros((design.groups, 3))
        np.add.at(chol, design.group, slopes[:, 2:])
        if self.penalty:
            p = expit(mean)
            value += 0.5 * np.log(p * (1 - p)).mean(0).sum()
            slopes = slopes.copy()
            slopes[:, :2] += 0.5 * (1 - 2 * p) / len(p)
        gradient = np.concatenate([design.sensitivity.T @ slopes[:, 0], design.specificity.T @ slopes[:, 1], chol.ravel()])
        return (-value, -gradient) if np.isfinite(value) else (np.inf, np.zeros_like(theta))


def first_guess(tables: Tables, design: Design, chol: ArrayLike | None = None) -> Floats:
    """Least-squares coefficients of the corrected logits and a moment estimate (or ``chol``) of the Cholesky factor."""
    y = logits(tables, "all" if (tables.cells == 0).any() else "none")
    parts = []
    for j, x in enumerate((design.sensitivity, design.specificity)):
        seen = np.isfinite(y.variance[:, j])
        parts.append(np.linalg.lstsq(x[seen], y.value[seen, j], rcond=None)[0])
    start = moment_start(y) if chol is None else np.asarray(chol, float)
    return np.concatenate([*parts, np.tile(start, design.groups)])


def free_positions(design: Design, *, independent: bool = False, fixed: Sequence[str] = ()) -> list[int]:
    """Positions of theta that move: ``independent`` holds the covariance at zero, ``fixed`` margins have no variance."""
    width, out = design.width, list(range(design.width))
    for g in range(design.groups):
        base = width + 3 * g
        first, second = "sensitivity" not in fixed, "specificity" not in fixed
        out += [base] * first + [base + 1] * (first and second and not independent) + [base + 2] * second
    return out


def fit_exact(tables: Tables, design: Design | None = None, *, nodes: int = 15, start: Floats | None = None,
              free: Sequence[int] | None = None, penalty: bool = False) -> Bivariate:
    """Maximum likelihood fit with ``nodes`` quadrature points a dimension (15 default, 1 is Laplace).

    A Laplace fit gives the start and the curvature, the fit itself then needs few evaluations. ``free`` limits the
    parameters that move (see ``free_positions``). The covariance is that of the observed information.
    """
    design = simple(len(tables)) if design is None else design
    best = climb(tables, design, nodes=nodes, start=start, free=free, penalty=penalty)
    return summarise(tables, design, best, nodes=nodes, free=free, penalty=penalty)


def climb(tables: Tables, design: Design, *, nodes: int = 15, start: Floats | None = None,
          free: Sequence[int] | None = None, penalty: bool = False) -> Minimum:
    """The optimum without its information matrix (what a bootstrap repeats)."""
    theta = first_guess(tables, design) if start is None else np.array(start, float)
    moving = np.arange(theta.size) if free is None else np.asarray(free)
    still = np.setdiff1d(np.arange(design.width, theta.size), moving)
    theta[still] = 0.0
    rough = minimise(Exact(tables, design, nodes=1, penalty=penalty), theta, free=moving, tolerance=1e-4)
    if nodes == 1:
        return minimise(Exact(tables, design, nodes=1, penalty=penalty), rough.theta, free=moving, inverse=rough.inverse)
    return minimise(Exact(tables, design, nodes=nodes, penalty=penalty), rough.theta, free=moving, inverse=rough.inverse)


def summarise(tables: Tables, design: Design, best: Minimum, *, nodes: int, free: Sequence[int] | None = None,
              penalty: bool = False) -> Bivariate:
    """The fitted model at an optimum: coefficients, covariance from the observed information, boundaries named."""
    width = design.width
    moving = list(range(best.theta.size)) if free is None else list(free)
    theta = np.concatenate([best.theta[:width], canonical(best.theta[width:])])
    info = information(Exact(tables, design, nodes=nodes, penalty=penalty), theta, free=moving)
    optimum = Optimum(theta, info, gradient_norm=float(np.linalg.norm(best.gradient[moving])), iterations=best.iterations,
                      converged=best.converged, boundary=boundaries(theta[width:]))
    covariance = np.full((width, width), np.nan)
    estimated = [i for i in moving if i < width]
    covariance[np.ix_(estimated, estimated)] = inverse(info)[:len(estimated), :len(estimated)]
    return Bivariate(theta[:width], covariance, psi=to_psi(theta[width:]), log_likelihood=-best.value,
                     k=len(tables), method=f"exact binomial, {nodes} nodes" if nodes > 1 else "exact binomial, Laplace",
                     optimum=optimum)


def fit_margin(tables: Tables, margin: str, *, nodes: int = 15) -> Bivariate:
    """Univariate exact model of one margin: the other margin's subjects are left out, its mean and covariance are nan."""
    position = MARGINS.index(margin)
    seen = tables.take(tables.totals[:, position] > 0)
    zero = np.zeros(len(seen))
    alone = (Tables(seen.tp, zero, fn=seen.fn, tn=zero) if position == 0 else Tables(zero, seen.fp, fn=zero, tn=seen.tn))
    fit = fit_exact(alone, nodes=nodes, free=[position, 2 if position == 0 else 4])
    return replace(fit, mu=np.where(np.arange(2) == position, fit.mu, np.nan))


def refit_exact(fits: Sequence[Tables], start: Floats, *, nodes: int = 15) -> Floats:
    """Parameters (B, 5) of many simulated or resampled sets of tables, each started at ``start`` (the fit to the data)."""
    return np.array([climb(t, simple(len(t)), nodes=nodes, start=start).theta for t in fits])
