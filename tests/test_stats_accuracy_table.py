"""Validation, corrections and per-study accuracy."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from osteon.stats.accuracy_table import Tables, corrected, equality, logits, per_study, threshold_effect

facts = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("accuracy_facts.py"))))
SETS, far, reference, tables = facts.SETS, facts.far, facts.reference, facts.tables


@pytest.mark.parametrize("name", SETS)
def test_each_study_equals_the_reference(name: str) -> None:
    answer, data = reference(name)["per_study"], tables(name)
    ours = per_study(data)
    assert far(ours.dor, answer["dor"]) < 1e-6
    assert far(ours.log_dor_error, answer["se_ln_dor"]) < 1e-6
    assert far(ours.lr_positive, answer["lr_pos"]) < 1e-6
    assert far(ours.lr_negative, answer["lr_neg"]) < 1e-6
    assert far(np.column_stack(ours.sensitivity_limits), answer["sens_wilson"]) < 1e-6
    exact = per_study(data, method="Clopper-Pearson").specificity_limits
    assert far(np.column_stack(exact), answer["spec_clopper"]) < 1e-6


@pytest.mark.parametrize("name", SETS)
def test_equality_and_threshold_effect_equal_the_reference(name: str) -> None:
    answer, data = reference(name), tables(name)
    for ours, key in zip(equality(data, "all"), ("sens", "spec"), strict=True):  # mada corrects the counts first
        assert far([ours.statistic, ours.p], [answer["equality"][key]["X2"], answer["equality"][key]["p"]]) < 1e-6
    rank, line = threshold_effect(data)
    assert far([rank.statistic, rank.p], [answer["threshold"]["spearman"][k] for k in ("rho", "p")]) < 1e-6
    assert far([line.statistic, line.p], [answer["threshold"]["pearson"][k] for k in ("r", "p")]) < 1e-6


def test_corrections() -> None:
    data = Tables([5, 8], [0, 2], fn=[1, 2], tn=[9, 7])
    assert corrected(data, "none").tolist() == [[5, 0, 1, 9], [8, 2, 2, 7]]
    assert corrected(data, "single").tolist() == [[5.5, 0.5, 1.5, 9.5], [8, 2, 2, 7]]
    assert corrected(data, "all").tolist() == [[5.5, 0.5, 1.5, 9.5], [8.5, 2.5, 2.5, 7.5]]
    with pytest.raises(ValueError, match="expected one of none, single, all"):
        corrected(data, "half")


@pytest.mark.parametrize(("counts", "what"), [
    ({"tp": [1.5, 2]}, "tp: position 0 is 1.5"), ({"fp": [1, -2]}, "fp: position 1 is -2"),
    ({"fn": [1, np.nan]}, "fn: position 1 is nan"), ({"tn": ["a", 2]}, "tn: not an array of numbers"),
    ({"tn": [1, 2, 3]}, "unequal lengths"), ({"study": ("one",)}, "study: 1 names")])
def test_bad_counts_are_refused_by_name_and_place(counts: dict[str, object], what: str) -> None:
    good = {"tp": [1, 2], "fp": [3, 4], "fn": [5, 6], "tn": [7, 8]}
    with pytest.raises(ValueError, match=what):
        Tables(**(good | counts))


def test_an_empty_study_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one subject"):
        Tables([0, 1], [0, 1], fn=[0, 1], tn=[0, 1])


def test_a_missing_margin_has_no_weight() -> None:
    y = logits(Tables([0, 4], [3, 4], fn=[0, 4], tn=[9, 4]))
    assert np.isinf(y.variance[0, 0])
    assert np.isfinite(y.variance[0, 1])
    assert np.isnan(per_study(Tables([0], [3], fn=[0], tn=[9])).sensitivity).all()
