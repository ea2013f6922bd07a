"""The committee of experts is a majority of those who read a case, and nothing where they are split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from osteon.targets.lines import FALSE, TRUE
from osteon.validation.analyses import Committee
from osteon.validation.analyses.committee import FIGURES, NAME, _apart, _gap, _judged, called, majority_of

READ = pd.DataFrame(
    [("c1", "a", 1.0, False), ("c1", "b", 1.0, False), ("c1", "c", 0.0, False), ("c2", "a", 0.0, False), ("c2", "b", 0.0, False), ("c3", "a", 1.0, False), ("c3", "b", 0.0, False), ("c4", "a", 1.0, False),
     ("c2", "c", 1.0, True), ("c5", "a", float("nan"), False), ("c9", "a", 1.0, False), ("c9", "b", 1.0, False)], columns=["case", "reader", "positive", "aided"])
CASES = pd.Index(["c1", "c2", "c3", "c4", "c5"])


def test_the_majority_counts_those_who_read_a_case_without_aid() -> None:
    """Two against one; two alike; one each (split); one reader alone (no committee); an open reading and a case that was not tested count for nothing."""
    wide = called(READ, CASES)
    assert wide.loc["c2"].isna()["c"] and set(wide.index) == {"c1", "c2", "c3", "c4"}
    majority, split = majority_of(wide)
    assert majority.to_dict() == {"c1": 1.0, "c2": 0.0} and split == 1


def test_a_majority_of_independent_readers_is_better_than_each_of_them() -> None:
    """Three who are right in 80 of 100: the majority is right in 0.8**3 + 3 0.8**2 0.2 = 0.896 (Condorcet)."""
    rng = np.random.default_rng(1)
    truth = rng.random(20_000) < 0.5
    wide = pd.DataFrame({name: np.where(rng.random(len(truth)) < 0.8, truth, ~truth).astype(float) for name in "abc"})
    assert float((majority_of(wide)[0] == truth).mean()) == pytest.approx(0.896, abs=0.006)


def test_figures_and_differences_are_those_of_the_same_cases() -> None:
    known = pd.DataFrame({"state": [TRUE, TRUE, FALSE, FALSE], "patient": ["p1", "p2", "p3", "p4"]}, index=list("wxyz"))
    calls = {"a": pd.Series([1.0, np.nan, 0.0, 0.0], known.index), NAME: pd.Series([1.0, 0.0, 0.0, 0.0], known.index), "vote": pd.Series([1.0, 1.0, 1.0, 0.0], known.index)}
    one = {r.what: r for r in _judged("a", calls["a"], known, "")}
    assert [one[f].value.estimate for f in FIGURES] == [1.0, 1.0, 1.0] and [one[f].n for f in FIGURES] == [3, 1, 2]
    gaps = {r.what: r for r in _apart("vote", calls, known)}
    assert [gaps[f"difference in {f}"].value.estimate for f in FIGURES] == [0.0, 0.5, -0.5]
    assert all(-1 <= g.value.lower <= g.value.upper <= 1 for g in gaps.values())
    assert gaps["difference in accuracy"].p == pytest.approx(0.75), "one case against one: mid-p is 1 less half of the chance of just that"


def test_a_difference_of_patients_with_several_cases_has_limits_over_patients() -> None:
    own, other, patients = np.array([1, 1, 0, 1], bool), np.array([1, 0, 0, 0], bool), np.array(["p", "p", "q", "r"])
    assert "Tango" not in _gap(own, other, patients).method and "Tango" in _gap(own, other, np.array(list("abcd"))).method
    assert not _gap(own[:1], other[:1], patients[:1]).defined


def test_a_committee_is_declared_like_any_analysis() -> None:
    assert Committee() == Committee("", "") and Committee().columns == () and replace(Committee(), target="x").target == "x"
