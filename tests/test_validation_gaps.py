"""Gaps between groups: what is planted is found, what is chance is not called more."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from osteon.budget import SMOKE
from osteon.cohort import Cohort
from osteon.cohort.rows import Rows
from osteon.design import HoldOut
from osteon.engine import run as make
from osteon.report import article
from osteon.report.content import Cell, Table, blocks_of
from osteon.simulate.registry import registry
from osteon.stats.groups import difference_of
from osteon.stats.intervals import undefined, wilson
from osteon.stats.multiplicity import adjust
from osteon.studies import study
from osteon.validation.gaps import Measured, gaps


def group(attribute: str, value: str, right: int, cases: int) -> Measured:
    return Measured(attribute, value, cases=cases, figures={"sensitivity": wilson(right, cases)})


def test_a_gap_is_the_difference_to_the_largest_group_with_newcombes_limits() -> None:
    (found,) = gaps([group("sex", "women", 56, 70), group("sex", "men", 38, 80)], ("sensitivity",))
    assert (found.group, found.reference) == ("women", "men")
    expected = difference_of(wilson(56, 70), wilson(38, 80))
    assert (found.difference.estimate, found.difference.lower, found.difference.upper) == (expected.estimate, expected.lower, expected.upper)
    # Newcombe RG. Stat Med 1998; 17: 873, table II (a): 56/70 - 48/80, method 10: 0.0524 to 0.3339
    (published,) = gaps([group("x", "a", 56, 70), group("x", "b", 48, 80)], ("sensitivity",))
    assert (published.difference.lower, published.difference.upper) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))


def test_p_agrees_with_the_interval_and_holm_counts_every_gap() -> None:
    many = [group("site", name, right, 100 + (name == "A")) for name, right in (("A", 80), ("B", 60), ("C", 78), ("D", 79))]
    found = gaps([*many, group("sex", "m", 70, 90), group("sex", "f", 69, 91)], ("sensitivity",))
    assert len(found) == 4
    assert [g.adjusted for g in found] == pytest.approx(adjust([g.p for g in found]).tolist())
    assert found[0].adjusted < 0.05
    assert all(g.adjusted > 0.5 for g in found[1:])
    assert all((g.p < 0.05) == (g.difference.lower > 0 or g.difference.upper < 0) for g in found)


def test_what_is_not_defined_has_no_p_and_does_not_count() -> None:
    empty = Measured("site", "B", cases=30, figures={"sensitivity": undefined("no positive case")})
    found = gaps([group("site", "A", 40, 60), empty, group("site", "C", 20, 50)], ("sensitivity",))
    assert math.isnan(found[0].p)
    assert found[1].adjusted == pytest.approx(found[1].p)
    assert gaps([group("site", "A", 40, 60)], ("sensitivity",)) == ()


def test_false_alarms_are_few_over_many_equal_groups() -> None:
    rng, alarms = np.random.default_rng(1), 0
    for _ in range(300):
        found = gaps([group("site", str(k), int(rng.binomial(80, 0.8)), 80) for k in range(6)], ("sensitivity",))
        alarms += any(g.adjusted < 0.05 for g in found)
    assert alarms / 300 < 0.08


def test_a_planted_gap_is_told_in_the_report(tmp_path: Path) -> None:
    declared = replace(study("etzel_2022"), models={"logistic regression": study("etzel_2022").models["logistic regression"]}, subgroups=("sex",), design=HoldOut(train=0.3, tune=0.1, test=0.6))
    ids, rng = [f"r{i}" for i in range(2600)], np.random.default_rng(2)
    rows = registry(2600, 3).astype(object).assign(case_id=ids, patient_id=ids)
    women = (rows["sex"] == "female").to_numpy()
    rows.loc[women, "stay"] = rng.permutation(rows.loc[women, "stay"].to_numpy())
    made = article(make(declared, Cohort("own", "own", cases=Rows(rows, None)), budget=SMOKE, out=tmp_path / "run"), study=declared)
    part = next(s for s in made.sections if s.name == "gaps")
    assert "more than chance after correction: sex" in part.blocks[0].sentences[0]  # type: ignore[union-attr]
    table = next(b for b in blocks_of(part) if isinstance(b, Table))
    auc = next(row for row in table.rows if row[3] == "AUC")
    assert isinstance(auc[4], Cell)
    assert (auc[1] == "female") == (auc[4].value < 0)  # type: ignore[operator]
