"""Divisions of cases: nobody straddles, the same seed gives the same folds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.design import CrossValidation, Design, Given, HoldOut, LeaveOut, Nested, Units, final, together
from osteon.errors import DataError, StudyError


def units(n: int = 120, per: int = 2, seed: int = 0) -> Units:
    rng = np.random.default_rng(seed)
    groups = np.arange(n) // per
    return Units(groups, rng.integers(0, 2, groups.max() + 1)[groups], {"site": np.array(["A", "B", "C"], object)[groups % 3]})


DESIGNS: tuple[Design, ...] = (HoldOut(), CrossValidation(4), CrossValidation(3, repeats=2), Nested(3, 2), LeaveOut("site"))


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_no_group_straddles_and_every_part_is_there(design: Design) -> None:
    u = units()
    for fold in design.divide(u, seed=3):
        for train, tune in fold.fits:
            parts = [set(u.groups[rows].tolist()) for rows in (train, tune, fold.test)]
            assert all(parts)
            assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])


@pytest.mark.parametrize("design", DESIGNS, ids=repr)
def test_the_same_seed_gives_the_same_folds(design: Design) -> None:
    first, again, other = (design.divide(units(), seed) for seed in (5, 5, 6))
    assert all(np.array_equal(a.test, b.test) for a, b in zip(first, again, strict=True))
    same = [np.array_equal(a.fits[0][0], b.fits[0][0]) for a, b in zip(first, other, strict=True)]
    assert not all(same)


def test_cross_validation_tests_everybody_once_a_repeat() -> None:
    folds = CrossValidation(5, repeats=2).divide(units(), 0)
    assert len(folds) == 10
    assert sorted(np.concatenate([f.test for f in folds]).tolist()) == sorted([*range(120)] * 2)


def test_shares_and_strata_are_kept() -> None:
    u = units(3000)
    (fold,) = HoldOut(0.6, 0.2, 0.2).divide(u, 1)
    (train, tune), test = fold.fits[0], fold.test
    assert [round(len(rows) / 3000, 2) for rows in (train, tune, test)] == [0.6, 0.2, 0.2]
    rates = [u.strata[rows].mean() for rows in (train, tune, test)]
    assert max(rates) - min(rates) < 0.01


def test_given_parts_a_further_part_is_only_analysed() -> None:
    u = units(40)
    part = np.array(["train", "train", "test", "trial"], object)[u.groups % 4]
    (fold,) = Given().divide(Units(u.groups, u.strata, {"part": part}), 0)
    assert set(fold.others) == {"trial"}
    assert set(part[fold.test]) == {"test"}
    assert set(part[np.concatenate(fold.fits[0])]) == {"train"}


def test_given_parts_refuse_a_patient_in_two() -> None:
    u = units(8)
    part = np.array(["train", "test"] * 4, object)
    with pytest.raises(DataError, match="lie in two parts"):
        Given().divide(Units(u.groups, u.strata, {"part": part}), 0)


def test_leave_out_needs_two_values_and_the_column() -> None:
    u = units(8)
    with pytest.raises(DataError, match="one value"):
        LeaveOut("x").divide(Units(u.groups, u.strata, {"x": np.array(["a"] * 8, object)}), 0)
    with pytest.raises(DataError, match="no column 'device'"):
        LeaveOut("device").divide(u, 0)


def test_impossible_shares_are_refused() -> None:
    with pytest.raises(StudyError):
        HoldOut(0.8, 0.2, 0.2)


def test_an_empty_part_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(DataError, match="Give more patients"):
        HoldOut().divide(units(2, per=2), 0)


def test_the_model_for_new_cases_sees_everybody() -> None:
    u = units()
    folds = Nested(3, 2).divide(u, 0)
    last = final(folds, u, 0)
    assert len(last.fits) == 2 and not len(last.test)
    for train, tune in last.fits:
        assert sorted([*train, *tune]) == list(range(120))
        assert not set(u.groups[train]) & set(u.groups[tune])
    one = HoldOut().divide(u, 0)
    assert final(one, u, 0) is one[0]


@given(st.lists(st.tuples(st.integers(0, 8), st.one_of(st.none(), st.integers(0, 5))), min_size=1, max_size=30))
def test_together_is_the_transitive_closure(keys: list[tuple[int, int | None]]) -> None:
    patients, pairs = zip(*keys, strict=True)
    groups = together(patients, pairs)
    reach = {i: {j for j in range(len(keys)) if patients[i] == patients[j] or (pairs[i] is not None and pairs[i] == pairs[j])} for i in range(len(keys))}
    changed = True
    while changed:
        wider = {i: set().union(*(reach[j] for j in reach[i])) for i in reach}
        changed, reach = wider != reach, wider
    for i in reach:
        assert {j for j in range(len(keys)) if groups[j] == groups[i]} == reach[i]
