"""Posterior of the bivariate model, and the correction for an imperfect reference standard."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit, logit

from osteon.stats.accuracy_bayes import Priors, prior_sensitivity, sample, summary, to_theta
from osteon.stats.accuracy_glmm import Exact, fit_exact
from osteon.stats.accuracy_model import simple
from osteon.stats.accuracy_nuts import nuts
from osteon.stats.accuracy_reference import Imperfect, Reference, fit_imperfect
from osteon.stats.accuracy_table import Tables

facts = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("accuracy_facts.py"))))
far, tables = facts.far, facts.tables


def test_posterior_is_near_the_likelihood_where_data_are_many() -> None:
    data = tables("smoking")
    fit = fit_exact(data)
    found = summary(sample(data, Priors(mean=10, tau=5, fisher_z=2), count=1500))
    assert abs(found["sensitivity"].estimate - expit(fit.mu[0])) < 0.01
    assert abs(found["specificity"].estimate - expit(fit.mu[1])) < 0.01
    assert abs(found["rho"].estimate - fit.rho) < 0.08


# Median and equal-tailed 95 % limits by NumPyro 0.22.0 (jax 0.10.2): NUTS with the study effects sampled, one chain, 20,000 draws after 1,000 of
# warm-up, seed 1, effective sizes above 4,600; the same priors.
NUTS = {
    "dl_ortho": {"sensitivity": (0.9322, 0.8846, 0.9622), "specificity": (0.9091, 0.8511, 0.9476), "tau_sensitivity": (0.8677, 0.5155, 1.512), "tau_specificity": (0.8493, 0.4909, 1.5309), "rho": (0.1105, -0.4508, 0.6189)},
    "Telomerase": {"sensitivity": (0.7678, 0.6948, 0.8328), "specificity": (0.889, 0.7375, 0.9602), "tau_sensitivity": (0.4353, 0.1665, 0.8771), "tau_specificity": (1.5682, 1.0132, 2.4496), "rho": (-0.5376, -0.8832, 0.1127)},
    "Scheidler_CT": {"sensitivity": (0.4657, 0.3165, 0.6088), "specificity": (0.9325, 0.9018, 0.9554), "tau_sensitivity": (1.0135, 0.5905, 1.6925), "tau_specificity": (0.5192, 0.0671, 1.0881), "rho": (-0.5723, -0.8904, 0.2015)},
}


@pytest.mark.parametrize("name", NUTS)
def test_importance_sampling_equals_nuts(name: str) -> None:
    posterior = sample(tables(name), count=6000, seed=3)
    found = summary(posterior)
    assert posterior.effective > 1500
    for quantity, given in NUTS[name].items():
        ours = np.array([found[quantity].estimate, found[quantity].lower, found[quantity].upper])
        width = given[2] - given[1]
        assert np.abs(ours - given)[0] < 0.03 * width, quantity
        assert np.abs(ours - given).max() < 0.08 * width, quantity


@pytest.mark.verify
@pytest.mark.parametrize("name", NUTS)
def test_our_own_chains_by_numpyro_give_the_same_posterior(name: str) -> None:
    pytest.importorskip("numpyro", reason="the extra 'bayes' is not installed")
    found = nuts(tables(name), count=8000, seed=2)
    told = summary(found.posterior)
    assert found.r_hat < 1.01
    assert found.divergent < 10
    assert found.posterior.drawn == 8000
    for quantity, given in NUTS[name].items():
        ours = np.array([told[quantity].estimate, told[quantity].lower, told[quantity].upper])
        assert np.abs(ours - given).max() < 0.08 * (given[2] - given[1]), quantity


def test_a_new_study_varies_more_than_the_mean() -> None:
    found = summary(sample(tables("dl_ortho"), count=2000))
    assert found["new_sensitivity"].lower < found["sensitivity"].lower - 0.05
    assert abs(found["new_sensitivity"].estimate - found["sensitivity"].estimate) < 0.02


def test_importance_sampling_equals_a_long_random_walk() -> None:
    data = tables("skin_tests")
    priors = Priors()
    objective = Exact(data, simple(len(data)), nodes=7)

    def target(par: np.ndarray) -> float:
        return -objective(to_theta(par))[0] + priors.log_density(par)

    rng = np.random.default_rng(1)
    here, kept = np.array([-1.0, 3.5, 0.2, 0.2, -0.2]), []
    value, scale = target(here), np.array([0.45, 0.4, 0.25, 0.25, 0.4]) * 0.9
    for step in range(14000):
        there = here + scale * rng.standard_normal(5)
        new = target(there)
        if np.log(rng.random()) < new - value:
            here, value = there, new
        if step > 1000:
            kept.append(here)
    walk = np.array(kept)
    found = sample(data, priors, count=4000, seed=2)
    assert found.effective > 1500
    assert np.abs(found.draws.mu.mean(0) - walk[:, :2].mean(0)).max() < 0.08
    assert np.abs(found.draws.mu.std(0) / walk[:, :2].std(0) - 1).max() < 0.15
    assert abs(found.draws.rho.mean() - np.tanh(walk[:, 4]).mean()) < 0.05


def test_correlation_leaves_the_boundary() -> None:
    found = summary(sample(tables("Scheidler_CT"), count=1500), prevalence=0.2)
    assert -0.98 < found["rho"].estimate < 0
    assert found["ppv"].lower < found["ppv"].estimate < found["ppv"].upper


def test_sensitivity_to_the_priors_is_a_table_of_nine() -> None:
    rows = prior_sensitivity(tables("Telomerase"), count=300)
    assert len(rows) == 9
    small, large = (s["tau_specificity"].estimate for p, s in rows if p.fisher_z == 0.5 and p.tau != 1.0)
    assert small < large


def test_a_perfect_reference_changes_nothing() -> None:
    data = tables("dl_ortho")
    fit = fit_exact(data, nodes=21)
    assert abs(Imperfect(data, Reference(1.0, 1.0))(fit.optimum.theta) - fit.log_likelihood) < 1e-3
    found = fit_imperfect(data, Reference(1.0, 1.0))
    assert far(found.mu, fit.mu) < 1e-2


def test_an_imperfect_reference_is_undone() -> None:
    rng = np.random.default_rng(4)
    k, n = 25, 600
    mu, reference = np.array([logit(0.9), logit(0.85)]), Reference(0.92, 0.95)
    sick = rng.binomial(n, rng.uniform(0.25, 0.5, k))
    se, sp = expit(mu + rng.standard_normal((k, 2)) * 0.25).T
    hit, miss = rng.binomial(sick, reference.sensitivity), rng.binomial(n - sick, 1 - reference.specificity)
    tp = rng.binomial(hit, se) + rng.binomial(miss, 1 - sp)
    fn = hit + miss - tp
    fp = rng.binomial(sick - hit, se) + rng.binomial(n - sick - miss, 1 - sp)
    data = Tables(tp, fp, fn=fn, tn=n - tp - fn - fp)
    naive, found = fit_exact(data), fit_imperfect(data, reference)
    assert np.abs(expit(naive.mu) - expit(mu)).max() > 0.03
    assert np.abs(expit(found.mu) - expit(mu)).max() < 0.025
    assert found.converged


def test_a_worthless_reference_is_refused() -> None:
    with pytest.raises(ValueError, match="sensitivity of the reference: 0.5"):
        Reference(0.5, 0.9)
