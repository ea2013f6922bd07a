"""Intervals, the two-by-two panel, and what is undefined."""
from __future__ import annotations

import math

import numpy as np
import pytest

from osteon.stats import intervals
from osteon.stats.intervals import HypothesisTest, Interval, undefined
from osteon.stats.two_by_two import predictive_values, two_by_two


def test_an_interval_holds_plain_floats_and_prints_them() -> None:
    found = Interval(np.float64(0.5), np.float64(0.25), 0.75, method="Wilson")
    assert type(found.estimate) is float
    assert found.defined
    assert str(found) == "0.500 (0.250 to 0.750)"


def test_nan_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="nan without a reason"):
        Interval(math.nan, 0.1, 0.2)
    lost = undefined("no cases")
    assert not lost.defined
    assert str(lost) == "undefined: no cases"
    assert str(undefined("one patient", estimate=0.4)) == "0.400 (no interval: one patient)"


def test_level_must_lie_within_0_and_1() -> None:
    with pytest.raises(ValueError, match="level: 95"):
        intervals.wilson(1, 2, level=95)


@pytest.mark.parametrize("method", intervals.PROPORTION_METHODS)
def test_no_cases_is_undefined_and_not_0(method: str) -> None:
    found = intervals.proportion(0, 0, method=method)
    assert math.isnan(found.estimate)
    assert "no cases" in found.reason


def test_logit_has_no_limits_at_the_ends() -> None:
    for x in (0, 5):
        found = intervals.logit(x, 5)
        assert found.estimate == x / 5
        assert math.isnan(found.upper)
        assert "logit limits do not exist" in found.reason


@pytest.mark.parametrize("method", ["Wilson", "Clopper-Pearson", "Jeffreys"])
def test_limits_mirror_and_stay_within_0_and_1(method: str) -> None:
    x, n = np.arange(21), 20
    lower, upper = intervals.proportion_limits(x, n, method=method)
    np.testing.assert_allclose(lower, 1 - upper[::-1], atol=1e-12)
    assert (lower >= 0).all()
    assert (upper <= 1).all()
    assert ((lower <= x / n) & (x / n <= upper)).all()
    assert lower[0] == 0
    assert upper[-1] == 1


def test_a_count_above_the_total_is_refused_with_its_position() -> None:
    with pytest.raises(ValueError, match=r"successes: position 1 is 7.0 \(expected a count from 0 to total\)"):
        intervals.proportion_limits([1, 7], [5, 5])
    with pytest.raises(ValueError, match="method: 'wald'"):
        intervals.proportion(1, 5, method="wald")


def test_the_panel_of_one_class_only_leaves_the_other_undefined() -> None:
    panel = two_by_two(0, 3, 0, 37, prevalence=0.2)
    for name in ("sensitivity", "lr_positive", "dor", "youden", "balanced_accuracy", "f1", "mcc",
                 "ppv_at_prevalence"):
        assert math.isnan(panel[name].estimate), name
        assert panel[name].reason, name
    assert panel["specificity"].estimate == pytest.approx(37 / 40)
    assert all(not i.defined for i in two_by_two(0, 0, 0, 0).values())


def test_an_empty_cell_is_said_in_the_method() -> None:
    panel = two_by_two(18, 0, 2, 37, prevalence=0.1)
    assert "0.5 added" in panel["dor"].method
    assert math.isfinite(panel["lr_positive"].estimate)
    assert panel["ppv_at_prevalence"].estimate == pytest.approx(1)
    assert 0 < panel["ppv_at_prevalence"].lower < 1


def test_no_number_is_needed_where_the_youden_index_may_be_0() -> None:
    panel = two_by_two(6, 5, 4, 5)
    assert panel["youden"].lower < 0
    needed = panel["number_needed_to_diagnose"]
    assert not needed.defined
    assert "holds 0" in needed.reason


def test_predictive_values_at_the_sample_prevalence_are_those_of_the_sample() -> None:
    panel = two_by_two(40, 20, 10, 130)
    shifted = predictive_values(40, 20, 10, 130, prevalence=0.25)
    assert shifted["ppv_at_prevalence"].estimate == pytest.approx(panel["ppv"].estimate)
    assert shifted["npv_at_prevalence"].estimate == pytest.approx(panel["npv"].estimate)
    assert not predictive_values(40, 20, 10, 130, prevalence=0)["ppv_at_prevalence"].defined


def test_mcc_interval_has_the_delta_error() -> None:
    rng = np.random.default_rng(0)
    p = np.array([0.35, 0.1, 0.08, 0.47])
    found = two_by_two(*(300 * p))["mcc"]
    draws = [two_by_two(*rng.multinomial(300, p))["mcc"].estimate for _ in range(2000)]
    assert (found.upper - found.lower) / (2 * 1.96) == pytest.approx(np.std(draws), rel=0.08)


@pytest.mark.parametrize(("cells", "name"), [((-1, 2, 3, 4), "tp"), ((1, math.nan, 3, 4), "fp"), ((1, 2, math.inf, 4), "fn")])
def test_counts_must_be_finite_and_not_negative(cells: tuple[float, ...], name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: .*expected a count of 0 or more"):
        two_by_two(*cells)


def test_prevalence_must_be_a_share() -> None:
    with pytest.raises(ValueError, match="prevalence: 1.5"):
        two_by_two(1, 2, 3, 4, prevalence=1.5)


def test_a_test_result_is_plain_floats() -> None:
    found = HypothesisTest(np.float64(1), 1, df=(np.int64(3),))
    assert found == HypothesisTest(1.0, 1.0, df=(3.0,))
