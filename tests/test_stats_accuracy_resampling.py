"""Parametric bootstrap, profile likelihood and three-level fits."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import chi2

from osteon.stats import accuracy_bootstrap as boot
from osteon.stats.accuracy_glmm import Exact, fit_exact
from osteon.stats.accuracy_levels import fit_levels, level_rates, ranks
from osteon.stats.accuracy_model import Design, simple
from osteon.stats.accuracy_profile import profile_exact, profile_reml
from osteon.stats.accuracy_reitsma import fit_normal
from osteon.stats.accuracy_table import Tables, logits

facts = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("accuracy_facts.py"))))
far, tables = facts.far, facts.tables


def test_bootstrap_is_repeatable_and_centred() -> None:
    data = tables("Dementia")
    fit = fit_normal(data)
    a, b = (boot.bootstrap(data, fit, model="normal", count=400, seed=4) for _ in range(2))
    assert (a.mu == b.mu).all()
    assert np.isfinite(a.auc).all()
    sensitivity, specificity = boot.rates(fit, a)
    assert sensitivity.lower < sensitivity.estimate < sensitivity.upper
    assert far(a.mu.std(0), np.sqrt(np.diag(fit.covariance))) < 0.05


def test_exact_bootstrap_spreads_as_the_standard_error_says() -> None:
    data = tables("IQCODE")
    fit = fit_exact(data)
    draws = boot.bootstrap(data, fit, count=150, seed=1)
    assert np.abs(draws.mu.std(0) / np.sqrt(np.diag(fit.covariance)) - 1).max() < 0.35
    assert np.abs(draws.mu.mean(0) - fit.mu).max() < 0.2


def test_auc_difference_of_a_fit_with_itself_is_zero() -> None:
    data = tables("SAQ")
    fit = fit_normal(data)
    draws = [boot.bootstrap(data, fit, model="normal", count=200, seed=s) for s in (1, 2)]
    interval, p = boot.auc_difference((fit, draws[0]), (fit, draws[1]))
    assert interval.estimate == 0
    assert interval.lower < 0 < interval.upper
    assert p > 0.3


def test_profile_ends_lose_half_the_chi_square() -> None:
    data = tables("AuditC")
    fit = fit_exact(data)
    found = profile_exact(data, fit)
    objective, best = Exact(data, simple(len(data))), -fit.log_likelihood
    drop = 0.5 * chi2.ppf(0.95, 1)
    for end in (found.sensitivity.lower, found.sensitivity.upper):
        fixed = np.log(end / (1 - end))
        inner = minimize(lambda p, m=fixed: objective(np.array([m, *p]))[0], fit.optimum.theta[1:], method="Nelder-Mead",
                         options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 2000})
        assert abs(inner.fun - best - drop) < 1e-3
    assert found.tau_sensitivity.lower < fit.tau[0] < found.tau_sensitivity.upper
    assert found.rho.lower < fit.rho < found.rho.upper


def test_profile_at_the_boundary_stays_inside_it() -> None:
    data = tables("Scheidler_CT")
    found = profile_reml(data, fit_normal(data))
    assert found.rho.lower == -1.0
    assert found.rho.upper <= 1.0
    assert np.isnan(found.sensitivity.estimate)
    assert 0 <= found.tau_specificity.lower < found.tau_specificity.upper


def test_profile_leaves_the_boundary_where_the_interior_is_better() -> None:
    data = tables("Scheidler_CT")
    fit, objective = fit_exact(data), Exact(tables("Scheidler_CT"), simple(len(data)))
    found = profile_exact(data, fit)
    drop = 0.5 * chi2.ppf(0.95, 1)
    for end in (found.specificity.lower, found.specificity.upper):
        fixed = np.log(end / (1 - end))
        inner = min(minimize(lambda p, m=fixed: objective(np.array([p[0], m, *p[1:]]))[0], [-0.2, *start], method="Nelder-Mead",
                             options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 3000}).fun for start in ([1, -0.5, 0.3], [1, 0.3, 0.5]))
        assert abs(inner + fit.log_likelihood - drop) < 2e-3


def dense_levels(data: Tables, study: list[str], chol: np.ndarray) -> float:
    """Minus the restricted log-likelihood of the three-level model with one full matrix."""
    y = logits(data, "single")
    same = np.array([[a == b for b in study] for a in study], float)
    parts = [np.array([[c[0], 0], [c[1], c[2]]]) for c in chol.reshape(2, 3)]
    total = np.kron(same, parts[0] @ parts[0].T) + np.kron(np.eye(len(study)), parts[1] @ parts[1].T) + np.diag(y.variance.ravel())
    x, inverse = np.tile(np.eye(2), (len(study), 1)), np.linalg.inv(total)
    cross = x.T @ inverse @ x
    r = y.value.ravel() - x @ np.linalg.solve(cross, x.T @ inverse @ y.value.ravel())
    return 0.5 * float(np.linalg.slogdet(total)[1] + np.linalg.slogdet(cross)[1] + r @ inverse @ r)


def test_three_levels_against_one_full_matrix() -> None:
    data = tables("dl_ortho")
    study = [f"s{i // 2}" for i in range(len(data))]
    fit = fit_levels(data, study)
    constant = 0.5 * (2 * len(data) - 2) * np.log(2 * np.pi)
    best = min(minimize(lambda c: dense_levels(data, study, c), x0, method="Nelder-Mead", options={"maxiter": 6000, "maxfev": 6000}).fun
               for x0 in ([0.5, 0.0, 0.5, 0.5, 0.0, 0.5], [0.2, 0.1, 0.2, 0.8, -0.1, 0.6]))
    assert -fit.log_likelihood - constant < best + 1e-5
    assert fit.gradient_norm < 1e-4


def test_one_row_a_study_is_refused_and_levels_widen_the_interval() -> None:
    data = tables("dl_ortho")
    with pytest.raises(ValueError, match="at least two studies"):
        fit_levels(data, [str(i) for i in range(len(data))])
    doubled = data.take(np.repeat(np.arange(len(data)), 2))
    study = list(np.repeat([f"s{i}" for i in range(len(data))], 2))
    aware, blind = fit_levels(doubled, study), fit_normal(doubled)
    assert aware.covariance[0, 0] > 1.5 * blind.covariance[0, 0]


def test_network_of_tests_ranks_them() -> None:
    data = tables("Scheidler")
    columns = np.eye(3)[np.arange(44) % 3]
    study = [f"s{i // 3}" for i in range(44)]
    fit = fit_levels(data, study, design=Design(columns, columns, group=np.zeros(44, int)))
    order = ranks(fit, np.eye(3))
    assert far(order.sum(1), np.ones(3)) < 1e-9
    assert far(order.sum(0), np.ones(3)) < 1e-9
    assert len(level_rates(fit, np.eye(3))) == 3
