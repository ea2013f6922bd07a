"""HSROC parameters, curves, areas, regions, ratios and I2 against R, and direct HSROC fits."""

from __future__ import annotations

import math
import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit

from osteon.stats import accuracy_sroc as sroc
from osteon.stats.accuracy_glmm import fit_exact
from osteon.stats.accuracy_hsroc import fit_hsroc
from osteon.stats.accuracy_model import Bivariate, Optimum
from osteon.stats.accuracy_reitsma import fit_normal

facts = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("accuracy_facts.py"))))
BOUNDARY, SETS, far, reference, tables = facts.BOUNDARY, facts.SETS, facts.far, facts.reference, facts.tables


def made(mu: list[float], v: list[list[float]], psi: list[list[float]], k: int = 12) -> Bivariate:
    """A fit written by hand."""
    optimum = Optimum(np.zeros(3), np.eye(3), gradient_norm=0.0, iterations=0, converged=True)
    return Bivariate(np.array(mu), np.array(v), psi=np.array([psi]), log_likelihood=0.0, k=k, method="by hand", optimum=optimum)


@pytest.mark.parametrize("name", SETS)
def test_derived_quantities_equal_the_reference(name: str) -> None:
    answer, data = reference(name)["reitsma"]["reml_all"], tables(name)
    fit = fit_normal(data, correction="all")
    h = sroc.hsroc(fit.mu, fit.between)
    assert far(h, [answer["hsroc"][k] for k in ("Lambda", "Theta", "beta", "sigma2_alpha", "sigma2_theta")]) < 1e-6
    assert far(sroc.curve(h, answer["sroc"]["fpr"]), answer["sroc"]["sens"]) < 1e-6
    assert far(sroc.auc(h), answer["auc_0_1"]) < 1e-6
    assert far(sroc.auc_many(fit.mu[None], fit.psi), answer["auc_0_1"]) < 1e-6
    for kind, key in (("chi2", "chi2_95"), ("F", "F_95")):
        assert far(sroc.confidence_region(fit, kind=kind, points=8), answer["conf_region"][key]) < 1e-6
        assert far(sroc.prediction_region(fit, kind=kind, points=8), answer["pred_region"][key]) < 1e-6
    for ours, key in (("lr_positive", "lr_pos"), ("lr_negative", "lr_neg"), ("dor", "dor")):
        i = sroc.ratio(fit, ours, kind="z")
        assert far([i.estimate, i.lower, i.upper], [answer[key]["est"], *answer[key]["ci"]]) < 1e-6
    for i, p, key in zip(sroc.rates(fit, kind="z"), sroc.rates(fit, prediction=True), ("sens", "spec"), strict=True):
        assert far([i.estimate, i.lower, i.upper, p.lower, p.upper], [answer[key]["est"], *answer[key]["ci"], *answer[key]["pi"]]) < 1e-6
    share = answer["I2_zhou_dendukuri"]
    assert far(sroc.i2(fit, data.totals), [share["bivariate"], share["sens"], share["spec"]]) < 1e-6


@pytest.mark.parametrize("name", SETS)
def test_direct_hsroc_equals_the_derived_one(name: str) -> None:
    data = tables(name)
    fit, direct = fit_exact(data), fit_hsroc(data)
    assert far(direct.parameters, sroc.hsroc(fit.mu, fit.between)) < 1e-4
    assert abs(direct.log_likelihood - fit.log_likelihood) < 1e-5
    assert bool(direct.optimum.boundary) == (name in BOUNDARY)


def test_hsroc_finds_the_same_optimum_from_elsewhere_and_with_a_useless_covariate() -> None:
    data = tables("Dementia")
    ones = np.ones((len(data), 1))
    noise = np.column_stack([ones, np.random.default_rng(0).normal(size=len(data))])
    plain, wide = fit_hsroc(data), fit_hsroc(data, accuracy=noise)
    assert wide.log_likelihood > plain.log_likelihood - 1e-8
    assert len(wide.lambda_) == 2
    shaped = fit_hsroc(data, shape=noise, threshold=noise)
    assert shaped.log_likelihood > plain.log_likelihood - 1e-8
    assert shaped.optimum.converged


def test_hsroc_covariates_on_accuracy_and_threshold_equal_bivariate_ones_when_shape_is_symmetric() -> None:
    from osteon.stats.accuracy_regression import Columns, build

    data = tables("IAQ")
    x = (np.arange(len(data)) % 2).astype(float)
    design = np.column_stack([np.ones(len(data)), x])
    direct = fit_hsroc(data, accuracy=design, threshold=design)
    both = fit_exact(data, build(Columns(x[:, None], ("x",))))
    assert abs(direct.log_likelihood - both.log_likelihood) < 1e-5


def test_a_useless_test_has_area_one_half_and_a_perfect_one_nearly_one() -> None:
    psi = np.array([[0.5, -0.2], [-0.2, 0.5]])
    assert abs(sroc.auc(sroc.hsroc(np.array([0.8, -0.8]), psi)) - 0.5) < 1e-9
    assert sroc.auc(sroc.hsroc(np.array([9.0, 9.0]), psi)) > 0.999
    h = sroc.hsroc(np.array([1.5, 1.0]), psi)
    parts = sroc.auc(h, 0, 0.3) * 0.3 + sroc.auc(h, 0.3, 1) * 0.7
    assert abs(parts - sroc.auc(h)) < 1e-9


def test_no_variance_means_no_curve_and_a_reason() -> None:
    h = sroc.hsroc(np.array([1.0, 1.0]), np.array([[0.0, 0.0], [0.0, 0.3]]))
    assert not h.defined
    assert math.isnan(sroc.auc(h))
    assert np.isnan(sroc.auc_many(np.ones((1, 2)), np.array([[[0.0, 0.0], [0.0, 0.3]]]))).all()


def test_predictive_values_follow_bayes() -> None:
    fit = made([1.5, 2.0], [[0.04, 0.01], [0.01, 0.05]], [[0.3, -0.1], [-0.1, 0.3]])
    se, sp = expit([1.5, 2.0])
    ppv, npv = sroc.predictive_values(fit, 0.2)
    assert abs(ppv.estimate - se * 0.2 / (se * 0.2 + (1 - sp) * 0.8)) < 1e-12
    assert abs(npv.estimate - sp * 0.8 / (sp * 0.8 + (1 - se) * 0.2)) < 1e-12
    assert ppv.lower < ppv.estimate < ppv.upper
    assert npv.lower < npv.estimate < npv.upper
    with pytest.raises(ValueError, match="prevalence: 0"):
        sroc.predictive_values(fit, 0)


def test_t_limits_are_wider_than_z_limits_and_infinite_without_freedom() -> None:
    assert sroc.quantile(8) > sroc.quantile(8, kind="z")
    assert math.isinf(sroc.quantile(2))
    assert sroc.region_quantile(8) > sroc.region_quantile(8, kind="chi2")


def test_median_odds_ratio() -> None:
    assert sroc.median_odds_ratio(0.0) == 1.0
    assert abs(sroc.median_odds_ratio(1.0) - 2.5963) < 1e-3
