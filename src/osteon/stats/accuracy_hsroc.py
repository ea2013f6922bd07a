"""Direct fit of the hierarchical summary ROC model, with covariates on accuracy, threshold and shape separately.

Rutter CM, Gatsonis CA. Stat Med 2001; 20: 2865: logit sensitivity = (theta_i + alpha_i / 2) exp(-beta / 2), logit false
positive rate = (theta_i - alpha_i / 2) exp(beta / 2). Without covariates it is the bivariate model in other parameters.
"""
from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from osteon.stats.accuracy_glmm import binomial_constant, fit_exact, grid
from osteon.stats.accuracy_kernels import exact_likelihood
from osteon.stats.accuracy_model import Optimum, inverse
from osteon.stats.accuracy_optimise import information, minimise
from osteon.stats.accuracy_sroc import Hsroc, hsroc
from osteon.stats.accuracy_table import Tables
from osteon.stats.arguments import Floats


@dataclass(frozen=True, eq=False)
class HsrocFit:
    """Coefficients of accuracy (lambda_), threshold (theta) and shape (beta), their joint covariance in that order, and variances."""

    lambda_: Floats
    theta: Floats
    _: KW_ONLY
    beta: Floats
    covariance: Floats
    sigma2: tuple[float, float]
    log_likelihood: float
    optimum: Optimum

    @property
    def parameters(self) -> Hsroc:
        """The five parameters at the intercepts."""
        return Hsroc(float(self.lambda_[0]), float(self.theta[0]), float(self.beta[0]), *self.sigma2)


class _Objective:
    """Minus log-likelihood at (lambda, theta, beta, log sigma_alpha, log sigma_theta)."""

    def __init__(self, tables: Tables, designs: tuple[Floats, Floats, Floats], *, nodes: int) -> None:
        x, n = tables.events, tables.totals
        self.studies = np.column_stack([x[:, 0], n[:, 0], x[:, 1], n[:, 1]])
        self.designs, self.grid = designs, grid(nodes)
        self.constant, self.modes = binomial_constant(tables), np.zeros((len(tables), 2))
        self.cuts = np.cumsum([d.shape[1] for d in designs])

    def __call__(self, par: Floats) -> tuple[float, Floats]:
        accuracy, threshold, shape = (d @ b for d, b in zip(self.designs, np.split(par[:-2], self.cuts[:2]), strict=True))
        sa, st = np.exp(par[-2:])
        local, jacobian = _local(accuracy, threshold, shape, sa, st)
        values, slopes = exact_likelihood(self.studies, local, self.modes, *self.grid)
        chained = np.einsum("kq,kqr->kr", slopes, jacobian)
        gradient = [d.T @ chained[:, r] for r, d in enumerate(self.designs)] + [chained[:, 3:].sum(0)]
        return -(values.sum() + self.constant), -np.concatenate(gradient)


def _local(accuracy: Floats, threshold: Floats, shape: Floats, sa: float, st: float) -> tuple[Floats, Floats]:
    """(mu1, mu2, l11, l21, l22) (k, 5) of each study and the derivative (k, 5, 5) in (lambda, theta, beta, log sa, log st)."""
    down, up = np.exp(-shape / 2), np.exp(shape / 2)
    total, odd = st * st + sa * sa / 4, sa * sa / 4 - st * st
    s = np.sqrt(total)
    local = np.column_stack([down * (threshold + accuracy / 2), up * (accuracy / 2 - threshold), down * s, up * odd / s,
                             up * st * sa / s])
    jac = np.zeros((len(shape), 5, 5))
    jac[:, 0, 0], jac[:, 0, 1], jac[:, 1, 0], jac[:, 1, 1] = down / 2, down, up / 2, -up
    jac[:, :, 2] = local * np.array([-0.5, 0.5, -0.5, 0.5, 0.5])
    ds = np.array([sa * sa / 4, st * st]) / s
    dodd = np.array([sa * sa / 2, -2 * st * st])
    jac[:, 2, 3:] = down[:, None] * ds
    jac[:, 3, 3:] = up[:, None] * (dodd / s - odd * ds / total)
    jac[:, 4, 3:] = up[:, None] * (st * sa / s - st * sa * ds / total)
    return local, jac


def fit_hsroc(tables: Tables, *, accuracy: Floats | None = None, threshold: Floats | None = None,
              shape: Floats | None = None, nodes: int = 15) -> HsrocFit:
    """Maximum likelihood with a design (k, p) for each of accuracy, threshold and shape (first column: ones; None: only that).

    Raises ValueError where the bivariate fit has a between-study variance of zero, so that no curve is defined.
    """
    ones = np.ones((len(tables), 1))
    designs = _design(accuracy, ones), _design(threshold, ones), _design(shape, ones)
    plain = fit_exact(tables, nodes=nodes)
    h = hsroc(plain.mu, plain.between)
    if not h.defined:
        raise ValueError("tables: a between-study variance is zero (expected variation in both margins; "
                         "the HSROC parameters do not exist)")
    widths = [d.shape[1] for d in designs]
    start = [np.eye(1, w).ravel() * v for w, v in zip(widths, h[:3], strict=True)]
    spread = 0.5 * np.log(np.maximum([h.sigma2_alpha, h.sigma2_theta], 1e-4))
    objective = _Objective(tables, designs, nodes=nodes)
    best = minimise(objective, np.concatenate([*start, spread]))
    info = information(objective, best.theta)
    parts = np.split(best.theta[:-2], np.cumsum(widths)[:2])
    optimum = Optimum(best.theta, info, gradient_norm=float(np.linalg.norm(best.gradient)), iterations=best.iterations,
                      converged=best.converged, boundary=_boundary(best.theta[-2:]))
    return HsrocFit(parts[0], parts[1], beta=parts[2], covariance=inverse(info)[:-2, :-2],
                    sigma2=tuple(np.exp(2 * best.theta[-2:]).tolist()), log_likelihood=-best.value, optimum=optimum)


def _design(given: Floats | None, ones: Floats) -> Floats:
    return ones if given is None else np.asarray(given, float)


def _boundary(log_sigma: Floats) -> tuple[str, ...]:
    names = ("sigma_alpha = 0 (rho = -1)", "sigma_theta = 0 (rho = 1)")
    return tuple(n for n, v in zip(names, log_sigma, strict=True) if v < np.log(1e-3))
