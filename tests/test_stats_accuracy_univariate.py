"""Univariate pooling against metafor 3.8-1 (R) and mada 0.5.12."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from osteon.stats.accuracy_univariate import METHODS, cochran_q, effects, mantel_haenszel, pool_effects, tau2_interval, transformed_rates

facts = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("accuracy_facts.py"))))
SETS, far, reference, tables = facts.SETS, facts.far, facts.reference, facts.tables

# Paule-Mandel and Q-profile in metafor stop at a relative change of 1e-4 of the root.
TOLERANCE = {"FE": 1e-6, "DL": 1e-6, "REML": 1e-6, "ML": 1e-6, "PM": 1e-4}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("key", ["lnDOR", "logit_sens", "logit_spec"])
def test_five_estimators_equal_metafor(name: str, key: str) -> None:
    data, answer = tables(name), reference(name)[key]
    y, v = effects(data, "dor") if key == "lnDOR" else transformed_rates(data, {"logit_sens": "sensitivity", "logit_spec": "specificity"}[key])
    for method in METHODS:
        ours, theirs = pool_effects(y, v, method=method), answer[method]
        numbers = [ours.estimate, ours.error, ours.pooled.lower, ours.pooled.upper, ours.tau2, 100 * ours.i2, ours.q, ours.log_likelihood]
        given = [theirs["est"], theirs["se"], *theirs["ci"], theirs["tau2"], theirs["I2"], theirs["Q"], theirs["logLik"]]
        assert far(numbers, given) < TOLERANCE[method], method
        if theirs.get("pi"):
            assert far(ours.prediction, theirs["pi"]) < TOLERANCE[method]
    adjusted = pool_effects(y, v, hartung_knapp=True, safeguard=False)
    assert far([adjusted.error, adjusted.pooled.lower, adjusted.pooled.upper], [answer["REML_knha"]["se"], *answer["REML_knha"]["ci"]]) < 1e-6


@pytest.mark.parametrize("name", SETS)
def test_q_profile_equals_metafor(name: str) -> None:
    assert far(tau2_interval(*effects(tables(name), "dor")), reference(name)["lnDOR"]["Qprofile"][1:]) < 1e-4


@pytest.mark.parametrize("name", SETS)
def test_other_scales_equal_metafor(name: str) -> None:
    for margin, key in (("sensitivity", "logit_sens"), ("specificity", "logit_spec")):
        for scale, method in (("freeman-tukey", "REML_PFT"), ("arcsine", "REML_PAS")):
            ours, theirs = pool_effects(*transformed_rates(tables(name), margin, scale)), reference(name)[key][method]
            assert far([ours.estimate, ours.error, ours.tau2], [theirs["est"], theirs["se"], theirs["tau2"]]) < 1e-4


@pytest.mark.parametrize("name", SETS)
def test_mantel_haenszel_and_ratios_equal_the_reference(name: str) -> None:
    data, answer = tables(name), reference(name)
    interval, error = mantel_haenszel(data)
    assert far([interval.estimate, error, interval.lower, interval.upper], [answer["MH"]["est"], answer["MH"]["se"], *answer["MH"]["ci"]]) < 1e-6
    for measure, key in (("dor", "DOR"), ("lr_positive", "posLR"), ("lr_negative", "negLR")):
        ours, theirs = pool_effects(*effects(data, measure), method="DL"), answer["madauni_DSL"][key]
        assert far([ours.estimate, ours.error, ours.tau2], [theirs["ln_est"], theirs["se"], theirs["tau2"]]) < 1e-6


def test_safeguard_never_shortens_the_interval() -> None:
    y, v = np.array([0.1, 0.11, 0.09, 0.1]), np.full(4, 0.2)
    assert pool_effects(y, v, hartung_knapp=True).error >= pool_effects(y, v).error
    assert pool_effects(y, v, hartung_knapp=True, safeguard=False).error < pool_effects(y, v).error


def test_identical_values_have_no_variance_between_them() -> None:
    y, v = np.full(5, 0.7), np.linspace(0.1, 0.5, 5)
    for method in METHODS:
        assert pool_effects(y, v, method=method).tau2 == 0
    assert cochran_q(y, v) < 1e-12


def test_one_value_is_its_own_pool_and_none_is_refused() -> None:
    assert pool_effects(np.array([0.3]), np.array([0.2])).estimate == 0.3
    with pytest.raises(ValueError, match="a value"):
        pool_effects(np.array([]), np.array([]))
    with pytest.raises(ValueError, match="measure"):
        effects(tables("AuditC"), "rr")
