"""REML, ML and fixed-effect bivariate fits against mada and metafor (R), and their invariances."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize

from osteon.stats.accuracy_mada import printed_auc, printed_heterogeneity, printed_log_likelihood
from osteon.stats.accuracy_reitsma import fit_logits, fit_normal, refit_normal
from osteon.stats.accuracy_table import Logits, Tables, logits
from osteon.stats.accuracy_univariate import effects

facts = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("accuracy_facts.py"))))
BOUNDARY, SETS, drawn, far, reference, tables = facts.BOUNDARY, facts.SETS, facts.drawn, facts.far, facts.reference, facts.tables


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("estimator", ["reml", "ml", "fixed"])
@pytest.mark.parametrize("correction", ["all", "single"])
def test_mu_covariance_and_psi_equal_the_reference(name: str, estimator: str, correction: str) -> None:
    answer = reference(name)["reitsma"][f"{estimator}_{correction}"]
    fit = fit_normal(tables(name), estimator=estimator, correction=correction)
    assert far(fit.mu, answer["mu"]) < 1e-6
    assert far(fit.covariance, answer["V"]) < 1e-6
    if estimator != "fixed":
        assert far(fit.between, answer["Psi"]) < 1e-6
        assert fit.log_likelihood > answer["logLik_normal"] - 1e-5
        assert fit.optimum.converged
        assert fit.optimum.gradient_norm < 1e-5
        assert bool(fit.optimum.boundary) == (name in BOUNDARY)


@pytest.mark.parametrize("name", BOUNDARY)
def test_boundary_is_named(name: str) -> None:
    assert fit_normal(tables(name), correction="all").optimum.boundary == ("rho = -1",)


@pytest.mark.parametrize("name", SETS)
def test_what_mada_prints_can_be_reproduced(name: str) -> None:
    answer, data = reference(name), tables(name)
    fit = fit_normal(data, correction="all")
    assert far(printed_auc(fit), answer["reitsma"]["reml_all"]["mada_auc"]) < 1e-6
    assert far(printed_log_likelihood(data, fit), answer["reitsma"]["reml_all"]["logLik_mada"]) < 1e-6
    for measure, key in (("dor", "DOR"), ("lr_positive", "posLR"), ("lr_negative", "negLR")):
        q, i2 = printed_heterogeneity(effects(data, measure))
        assert far([q, 100 * i2], [answer["madauni_DSL"][key]["Q"], answer["madauni_DSL"][key]["I2"]]) < 1e-6


def slow_criterion(y: np.ndarray, s: np.ndarray, chol: np.ndarray) -> float:
    """Minus twice the restricted log-likelihood without constants, with full matrices and nothing shared with the package."""
    k, factor = len(y), np.array([[chol[0], 0], [chol[1], chol[2]]])
    total = np.kron(np.eye(k), factor @ factor.T) + np.diag(s.ravel())
    design, seen = np.tile(np.eye(2), (k, 1)), np.isfinite(s.ravel())
    total, design, z = total[np.ix_(seen, seen)], design[seen], y.ravel()[seen]
    inverse = np.linalg.inv(total)
    cross = design.T @ inverse @ design
    r = z - design @ np.linalg.solve(cross, design.T @ inverse @ z)
    return float(np.linalg.slogdet(total)[1] + np.linalg.slogdet(cross)[1] + r @ inverse @ r)


@pytest.mark.parametrize("seed", range(20))
def test_random_reviews_against_dense_matrices(seed: int) -> None:
    rng = np.random.default_rng(seed)
    k = int(rng.integers(4, 15))
    y, s = rng.normal(1.5, 1.0, (k, 2)), rng.uniform(0.05, 1.0, (k, 2))
    if seed % 3 == 0:
        y[0, 0], s[0, 0] = 0.0, np.inf
    fit = fit_logits(Logits(y, s))
    ours = slow_criterion(y, s, fit.optimum.theta)
    starts = [(1, 0.5, 1), (1, -0.5, 1), (0.2, 0, 0.2)]
    best = min(minimize(lambda c: slow_criterion(y, s, c), x0, method="BFGS").fun for x0 in starts)
    assert ours < best + 1e-6


def test_swapping_the_margins_swaps_the_answer() -> None:
    data = tables("Dementia")
    a, b = fit_normal(data), fit_normal(data.swapped())
    assert far(a.mu, b.mu[::-1]) < 1e-8
    assert far(a.between, b.between[::-1, ::-1]) < 1e-7


def test_order_of_studies_does_not_matter() -> None:
    data = tables("AuditC")
    a, b = fit_normal(data), fit_normal(data.take(np.arange(len(data))[::-1]))
    assert far(a.mu, b.mu) < 1e-8


def test_identical_studies_have_no_variance_between_them() -> None:
    fit = fit_normal(Tables([40] * 6, [8] * 6, fn=[10] * 6, tn=[72] * 6))
    assert np.trace(fit.between) < 1e-6
    assert far(fit.mu, [np.log(4), np.log(9)]) < 1e-8


def test_a_missing_margin_is_left_out() -> None:
    whole = Tables([40, 30, 50, 20, 33], [8, 5, 9, 3, 6], fn=[10, 12, 6, 9, 4], tn=[72, 60, 50, 44, 61])
    half = Tables([40, 30, 50, 20, 0], [8, 5, 9, 3, 6], fn=[10, 12, 6, 9, 0], tn=[72, 60, 50, 44, 61])
    a, b = fit_normal(whole), fit_normal(half)
    assert np.isfinite(b.mu).all()
    assert abs(a.mu[1] - b.mu[1]) < 0.05
    assert b.covariance[0, 0] > 0


def test_batch_refits_equal_single_fits() -> None:
    reviews = [t for t in drawn(3, 12) if (t.totals > 0).all() and len(t) > 8]
    for data in reviews[:4]:
        y = logits(data, "single")
        fit = fit_logits(y)
        mu, _ = refit_normal(y.value[None], y.variance[None], np.array([0.7, -0.1, 0.7]))
        assert far(mu[0], fit.mu) < 1e-4 or fit.optimum.boundary


def test_unknown_estimator_is_refused() -> None:
    with pytest.raises(ValueError, match="estimator: 'REML'"):
        fit_normal(tables("AuditC"), estimator="REML")


def test_no_correction_with_a_zero_cell_names_the_study() -> None:
    with pytest.raises(ValueError, match="has a zero cell"):
        fit_normal(tables("AuditC"), correction="none")
