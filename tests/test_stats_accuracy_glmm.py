"""The exact bivariate model against R quadrature, against a slow likelihood written here, and its invariances."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, gammaln

from osteon.evidence.pool_ladder import climb_ladder
from osteon.stats.accuracy_glmm import Exact, fit_exact, fit_margin
from osteon.stats.accuracy_model import simple
from osteon.stats.accuracy_reitsma import fit_normal
from osteon.stats.accuracy_table import Tables

facts = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("accuracy_facts.py"))))
BOUNDARY, SETS, drawn, far, reference, tables = facts.BOUNDARY, facts.SETS, facts.drawn, facts.far, facts.reference, facts.tables

MARGINS = ("sensitivity", "specificity")


def slow_log_likelihood(data: Tables, mu: np.ndarray, psi: np.ndarray, *, points: int = 161) -> float:
    """Trapezoid rule on a fixed fine grid of standard normal pairs, symmetric root of Psi, one study after the other.

    No mode, no curvature, no quadrature rule and no Cholesky factor: nothing is shared with the package.
    """
    values, vectors = np.linalg.eigh(psi)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    total = 0.0
    for x, n in zip(data.events, data.totals, strict=True):
        center, width = np.zeros(2), 9.0
        for _ in range(2):  # the second pass looks where the first found mass
            g = np.linspace(-width, width, points)
            v = np.array(np.meshgrid(center[0] + g, center[1] + g, indexing="ij")).reshape(2, -1)
            eta = mu[:, None] + root @ v
            f = (x[:, None] * eta - n[:, None] * np.logaddexp(0, eta)).sum(0) - 0.5 * (v**2).sum(0)
            mass = np.exp(f - f.max())
            log = f.max() + np.log(mass.sum() * (g[1] - g[0]) ** 2 / (2 * np.pi))
            center = v @ mass / mass.sum()
            width = min(9.0, 9 * np.sqrt(((v - center[:, None]) ** 2 @ mass / mass.sum()).max()))
        total += log + (gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)).sum()
    return float(total)


@pytest.mark.parametrize("name", SETS)
def test_fifteen_nodes_equal_the_reference(name: str) -> None:
    answer, fit = reference(name)["agq"]["15"], fit_exact(tables(name))
    assert far(fit.mu, answer["mu"]) < 1e-5
    assert far(fit.between, answer["Psi"]) < 1e-4
    assert fit.log_likelihood > answer["logLik"] - 1e-5
    assert fit.optimum.converged
    assert fit.optimum.gradient_norm < 1e-4
    assert fit.optimum.boundary == (("rho = -1",) if name in BOUNDARY else ())


@pytest.mark.parametrize("nodes", [7, 21])
@pytest.mark.parametrize("name", ["AuditC", "Catheter", "skin_tests"])
def test_other_numbers_of_nodes(name: str, nodes: int) -> None:
    answer, fit = reference(name)["agq"][str(nodes)], fit_exact(tables(name), nodes=nodes)
    assert far(fit.mu, answer["mu"]) < 1e-5
    assert far(fit.between, answer["Psi"]) < 1e-4
    assert abs(fit.log_likelihood - answer["logLik"]) < 1e-5


@pytest.mark.parametrize("nodes", [1, 7, 15, 21])
def test_gradient_is_that_of_the_approximation(nodes: int) -> None:
    data = tables("Telomerase")
    objective = Exact(data, simple(len(data)), nodes=nodes)
    for theta in (np.array([1.0, 2.0, 0.7, -0.4, 0.9]), np.array([0.5, 1.0, 0.3, 0.0, 0.0])):
        _, gradient = objective(theta)
        steps = 1e-5 * np.eye(5)
        numeric = [(objective(theta + h)[0] - objective(theta - h)[0]) / 2e-5 for h in steps]
        assert far(gradient, numeric) < 1e-6


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("margin", [0, 1])
def test_univariate_model_equals_lme4(name: str, margin: int) -> None:
    answer = reference(name)[("logit_sens", "logit_spec")[margin]]["agq15"]
    fit = fit_margin(tables(name), MARGINS[margin])
    ours = fit.mu[margin], np.sqrt(fit.covariance[margin, margin]), fit.between[margin, margin]
    assert far(ours, [answer["est"], answer["se"], answer["tau2"]]) < 1e-5


def test_five_hundred_random_tables_end_in_a_named_step() -> None:
    for data in drawn(5, 500):
        found = climb_ladder(data)
        assert found.ladder
        assert (found.fit is not None or "refused" in found.ladder[-1])
        if found.fit is None:
            assert len(data) < 4
            continue
        kept = [MARGINS.index(m) for m in found.margins]
        assert np.isfinite(found.fit.mu[kept]).all()
        assert np.isfinite(found.fit.log_likelihood)
        assert (np.diag(found.fit.covariance)[kept] > 0).all()
        assert found.fit.optimum.converged
        assert found.fit.optimum.gradient_norm < 1e-4 or found.fit.optimum.boundary


def test_random_tables_have_the_likelihood_of_the_slow_sum() -> None:
    seen = 0
    for data in drawn(5, 500):
        if len(data) > 15 or len(data) < 4:
            continue
        found = climb_ladder(data)
        if found.fit is None or len(found.margins) < 2 or "penalised" in found.ladder[-1]:
            continue
        slow = slow_log_likelihood(data, found.fit.mu, found.fit.between)
        fine = -Exact(data, simple(len(data)), nodes=61)(found.fit.optimum.theta)[0]
        assert abs(slow - fine) < 1e-5 * len(data)
        assert abs(slow - found.fit.log_likelihood) < 5e-3  # fifteen nodes, nearly separated tables included
        seen += 1
    assert seen > 20


def test_random_tables_have_no_better_point_by_the_slow_sum() -> None:
    checked = 0
    for data in drawn(17, 120):
        found = climb_ladder(data)
        if found.fit is None or len(data) > 9 or len(found.margins) < 2 or "penalised" in found.ladder[-1]:
            continue
        root = np.linalg.cholesky(found.fit.between + 1e-4 * np.eye(2))

        def worse(p: np.ndarray, data: Tables = data) -> float:
            factor = np.array([[p[2], 0], [p[3], p[4]]])
            return -slow_log_likelihood(data, p[:2], factor @ factor.T, points=51)

        start = [*found.fit.mu, root[0, 0], root[1, 0], root[1, 1]]
        best = minimize(worse, start, method="Nelder-Mead", options={"maxfev": 220, "initial_simplex": np.vstack(
            [start, np.array(start) + 0.3 * np.eye(5)])})
        assert -best.fun < found.fit.log_likelihood + 1e-3
        checked += 1
    assert checked >= 4


def test_swapping_the_margins_swaps_the_answer() -> None:
    data = tables("IAQ")
    a, b = fit_exact(data), fit_exact(data.swapped())
    assert far(a.mu, b.mu[::-1]) < 1e-6
    assert far(a.between, b.between[::-1, ::-1]) < 1e-5


def test_exact_and_normal_meet_for_large_studies() -> None:
    rng = np.random.default_rng(1)
    logit = rng.multivariate_normal([1.2, 1.5], [[0.3, -0.1], [-0.1, 0.2]], 12)
    n = np.full((12, 2), 200_000)
    x = rng.binomial(n, expit(logit))
    data = Tables(x[:, 0], n[:, 1] - x[:, 1], fn=n[:, 0] - x[:, 0], tn=x[:, 1])
    a, b = fit_exact(data), fit_normal(data, estimator="ml")
    assert far(a.mu, b.mu) < 1e-4
    assert far(a.between, b.between) < 1e-4


def test_a_study_without_diseased_speaks_for_specificity_only() -> None:
    data = tables("dl_ortho")
    extra = Tables(np.append(data.tp, 0), np.append(data.fp, 5), fn=np.append(data.fn, 0), tn=np.append(data.tn, 95))
    a, b = fit_exact(data), fit_exact(extra)
    assert abs(a.mu[1] - b.mu[1]) > 1e-3
    assert abs(a.mu[0] - b.mu[0]) < 0.02


def test_margin_without_errors_is_penalised_and_finite() -> None:
    data = Tables([10, 20, 15, 30, 12], [1, 2, 0, 3, 1], fn=[0] * 5, tn=[30, 40, 22, 51, 19])
    found = climb_ladder(data)
    assert "penalised" in found.ladder[-1]
    assert found.fit is not None
    assert abs(found.fit.mu[0] - np.log(87.5 / 0.5)) < 1e-4  # half a success and half a failure on 87 of 87


@pytest.mark.parametrize("seed", [1, 2])
def test_simulated_truth_is_recovered(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mu, psi = np.array([1.6, 2.1]), np.array([[0.5, -0.25], [-0.25, 0.4]])
    n = rng.integers(30, 200, (300, 2))
    x = rng.binomial(n, expit(rng.multivariate_normal(mu, psi, 300)))
    fit = fit_exact(Tables(x[:, 0], n[:, 1] - x[:, 1], fn=n[:, 0] - x[:, 0], tn=x[:, 1]))
    assert (np.abs(fit.mu - mu) < 4 * np.sqrt(np.diag(fit.covariance))).all()
    assert np.abs(fit.between - psi).max() < 0.12
