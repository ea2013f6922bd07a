"""Stopping rules: closed forms of the hypergeometric test, hand-made orders, and what nonsense gets."""

from __future__ import annotations

from fractions import Fraction
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from osteon.evidence.review.stopping import Consecutive, Hypergeometric, Safe, at_least, missing_below


def test_the_upper_tail_has_its_closed_forms() -> None:
    assert at_least(1, urn=200, relevant=1, drawn=30)[0] == pytest.approx(30 / 200, abs=1e-12)
    assert at_least(3, urn=50, relevant=3, drawn=20)[0] == pytest.approx(comb(20, 3) / comb(50, 3), abs=1e-12)
    assert at_least(1, urn=100, relevant=2, drawn=50)[0] == pytest.approx(1 - 50 * 49 / (100 * 99), abs=1e-12)
    assert at_least(3, urn=50, relevant=3, drawn=2)[0] == 0
    assert at_least(2, urn=5, relevant=6, drawn=4)[0] == 0


@given(st.integers(1, 4000), st.data())
def test_the_upper_tail_is_that_of_scipy(urn: int, data: st.DataObject) -> None:
    relevant, drawn, count = data.draw(st.integers(0, urn)), data.draw(st.integers(0, urn)), data.draw(st.integers(1, 12))
    assert at_least(count, urn=urn, relevant=relevant, drawn=drawn)[0] == pytest.approx(stats.hypergeom.sf(count - 1, urn, relevant, drawn), abs=1e-9)


@given(st.integers(0, 500), st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99]))
def test_the_missing_records_are_the_fewest_that_miss_the_target(found: int, target: float) -> None:
    missing = missing_below(found, target)
    assert Fraction(found, found + missing) < Fraction(str(target))
    assert found + missing == 1 or Fraction(found, found + missing - 1) >= Fraction(str(target))


def test_nineteen_of_twenty_is_no_miss_of_95_percent() -> None:
    assert (missing_below(19, 0.95), missing_below(18, 0.95), missing_below(0, 0.95)) == (2, 1, 1)


def test_the_test_by_hand() -> None:
    # one relevant record, then only irrelevant ones, of 101: one missing record halves the recall, and of the 100 after the first it is among the 4 left with a chance of 4 / 100
    rule = Hypergeometric(0.95, 0.95)
    found = rule.check([1] + [0] * 96, 101)
    assert found.stop and found.numbers["p"] == pytest.approx(0.04, abs=1e-12)
    assert (found.numbers["missing_below_target"], found.numbers["sample"], found.numbers["found_in_sample"]) == (1, 96, 0)
    assert found.statement == ("Stop: 97 of 101 records are screened, relevant among them: 1. Were the recall below 0.95, the 4 records left would hold 1 relevant or more; the last 96 records (served by rank and taken as a "
                               "random sample; relevant among them: 0) speak against that with p = 0.040, below 0.05 (hypergeometric test, confidence 0.95).")
    before = rule.check([1] + [0] * 94, 101)
    assert not before.stop and before.numbers["p"] == pytest.approx(0.06, abs=1e-12) and before.statement.startswith("Go on") and "not below 0.05" in before.statement


def test_the_smallest_p_over_all_samples_is_taken() -> None:
    labels, total = np.array([1, 1, 0, 1, 0, 1, 0, 0, 0, 0, 1, *[0] * 40]), 70
    numbers = Hypergeometric(0.8, 0.9).check(labels, total).numbers
    by_hand = []
    for start in range(len(labels)):
        inside = int(labels[start:].sum())
        missing = missing_below(int(labels.sum()), 0.8)
        by_hand.append(float(stats.hypergeom.cdf(inside, total - start, inside + missing, len(labels) - start)))
    assert numbers["p"] == pytest.approx(min(by_hand), abs=1e-9)


def test_a_sample_drawn_at_random_counts_from_where_it_began() -> None:
    labels = [1] * 20 + [0] * 60
    drawn = Hypergeometric(0.95, 0.95, drawn_from=30).check(labels, 100)
    assert drawn.numbers["p"] == pytest.approx(comb(20, 2) / comb(70, 2), abs=1e-12) and "drawn at random" in drawn.statement
    assert drawn.numbers["p"] > Hypergeometric(0.95, 0.95).check(labels, 100).numbers["p"]
    with pytest.raises(ValueError, match="drawn_from: 90"):
        Hypergeometric(drawn_from=90).check(labels, 100)


@given(st.lists(st.integers(0, 1), min_size=1, max_size=60), st.integers(1, 60))
def test_more_irrelevant_records_never_speak_for_going_on(labels: list[int], left: int) -> None:
    total = len(labels) + left
    p = [Hypergeometric().check(labels + [0] * more, total).numbers["p"] for more in range(left)]
    assert all(b <= a + 1e-12 for a, b in zip(p, p[1:], strict=False))
    assert Hypergeometric(0.99).check(labels, total).numbers["p"] >= Hypergeometric(0.8).check(labels, total).numbers["p"] - 1e-12
    assert Hypergeometric().check(labels + [0] * left, total).stop


def test_records_drawn_at_random_miss_the_target_in_5_percent_at_most() -> None:
    # one look at a random sample, 300 records, 30 relevant: the test is exact, so false stops are at most 5 %
    rng, wrong = np.random.default_rng(1), 0
    for _ in range(2000):
        labels = rng.permutation(np.repeat([1, 0], [30, 270]))[:280]
        wrong += Hypergeometric(drawn_from=0).check(labels, 300).stop and labels.sum() / 30 < 0.95
    assert wrong / 2000 <= 0.05 + 3 * (0.05 * 0.95 / 2000) ** 0.5


def test_safe_asks_for_everything() -> None:
    labels = [0, 1, *[0] * 18, *[1] * 10, *[0] * 50]
    first = Safe(20).check(labels, 100)
    assert not first.stop and "change to another model" in first.statement and first.numbers["expected"] == 5
    assert Safe(20, second_model=False).check(labels, 100).stop
    assert Safe(20, switched=80).check(labels + [0] * 10, 100).stop is False
    assert Safe(20, switched=30).check(labels, 100).stop
    for rule in (Safe(20, 1, switched=30), Safe(20, switched=30, run=51), Safe(2, switched=30, run=20)):  # a paper is missing; one record short; the sample lets expect 50 in 100
        assert not rule.check(labels, 100 if rule.sample > 2 else 200).stop
    with pytest.raises(ValueError, match="sample: 0"):
        Safe(0).check(labels, 100)


def test_a_run_of_irrelevant_records_stops_and_promises_nothing() -> None:
    assert Consecutive(3).check([1, 0, 0, 0], 10).stop
    assert not Consecutive(3).check([0, 0, 1, 0, 0], 10).stop
    assert Consecutive(50).check([0] * 10, 10).stop
    assert "without a promise of recall" in Consecutive(3).check([1], 10).statement


@pytest.mark.parametrize(("labels", "total", "words"), [([0, 2], 5, "labels: other values"), ([0, 1, 0], 2, "total: 2"), ([], 0, "total: 0"), ([float("nan")], 3, "labels: other values")])
def test_nonsense_is_refused(labels: list[float], total: int, words: str) -> None:
    for rule in (Hypergeometric(), Consecutive(), Safe(1)):
        with pytest.raises(ValueError, match=words):
            rule.check(labels, total)  # type: ignore[arg-type]
    for bad in (0, 1, -0.5):
        with pytest.raises(ValueError, match="expected a number between 0 and 1"):
            Hypergeometric(bad)
    with pytest.raises(ValueError, match="run: 0"):
        Consecutive(0)


def test_nothing_screened_yet_is_no_reason_to_stop() -> None:
    assert not Hypergeometric().check([], 40).stop and Hypergeometric().check([], 40).numbers["p"] == 1
