"""Paired and unpaired comparisons, several tests, overlap of reviews."""
from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from osteon.stats import groups, multiplicity, overlap, paired
from osteon.stats.intervals import Interval, undefined

RNG = np.random.default_rng(4)


def test_the_table_of_two_results() -> None:
    table = paired.paired_table([1, 1, 0, 0, 1], [1, 0, 1, 0, 0])
    assert table == (1, 2, 1, 1)
    assert table.total == 5


@pytest.mark.parametrize("method", paired.DIFFERENCE_METHODS)
def test_a_paired_difference_turns_with_its_tests(method: str) -> None:
    one = paired.paired_difference(paired.PairedTable(40, 9, 3, 20), method=method)
    two = paired.paired_difference(paired.PairedTable(40, 3, 9, 20), method=method)
    assert (one.lower, one.upper) == pytest.approx((-two.upper, -two.lower))
    assert one.lower < one.estimate < one.upper


def test_tango_limits_are_where_the_score_test_turns() -> None:
    found = paired.paired_difference(paired.PairedTable(0, 20, 0, 0))
    assert found.estimate == found.upper == 1
    assert found.lower == pytest.approx((20 - 1.959964**2) / (20 + 1.959964**2), abs=1e-6)
    same = paired.paired_difference(paired.PairedTable(10, 0, 0, 10))
    assert same.estimate == 0
    assert same.lower == pytest.approx(-same.upper)
    assert same.upper == pytest.approx(1.959964**2 / (20 + 1.959964**2), abs=1e-6)


def test_mcnemar_without_discordant_pairs() -> None:
    same = paired.PairedTable(10, 0, 0, 10)
    assert paired.mcnemar(same, method="exact").p == 1
    assert paired.mcnemar(same).p == 1
    assert paired.mcnemar(same, method="asymptotic").reason == "no discordant pairs"
    assert not paired.paired_difference(paired.PairedTable(0, 0, 0, 0)).defined


def test_mid_p_is_below_exact_and_exact_is_binomial() -> None:
    table = paired.PairedTable(5, 9, 2, 5)
    exact = paired.mcnemar(table, method="exact").p
    assert exact == pytest.approx(stats.binomtest(2, 11).pvalue)
    assert paired.mcnemar(table).p < exact
    with pytest.raises(ValueError, match="expected a whole number"):
        paired.mcnemar(paired.PairedTable(5, 1.5, 2, 5))
    with pytest.raises(ValueError, match="second: -1"):
        paired.mcnemar(paired.PairedTable(5, 1, -1, 5))


@pytest.mark.parametrize(("lower", "upper", "verdict"), [
    (0.01, 0.05, "superior"), (-0.04, 0.05, "non-inferior"), (-0.06, 0.05, "inconclusive"), (-0.2, -0.06, "inferior")])
def test_verdicts_on_a_margin(lower: float, upper: float, verdict: str) -> None:
    found = paired.non_inferiority(Interval((lower + upper) / 2, lower, upper), 0.05)
    assert found.verdict == verdict
    assert paired.equivalence(found.difference, 0.3) is True


def test_a_margin_must_be_stated_and_an_undefined_difference_has_no_verdict() -> None:
    with pytest.raises(ValueError, match="margin: 0"):
        paired.non_inferiority(Interval(0, -1, 1), 0)
    lost = undefined("no pairs")
    assert paired.non_inferiority(lost, 0.05).verdict == "undefined"
    assert paired.equivalence(lost, 0.05) is None


def test_a_clustered_difference_of_single_cases_is_near_wald() -> None:
    a, b = RNG.random((2, 200)) < [[0.8], [0.7]]
    found = paired.clustered_difference(a, b, np.arange(200))
    plain = paired.paired_difference(paired.paired_table(a, b), method="Wald")
    assert (found.lower, found.upper) == pytest.approx((plain.lower, plain.upper), abs=2e-3)


def test_two_means_as_scipy_does() -> None:
    x, y = RNG.normal(1, 1, 25), RNG.normal(0, 2, 40)
    found, theirs = groups.compare_means(x, y), stats.ttest_ind(x, y, equal_var=False)
    ends = theirs.confidence_interval()
    assert (found.test.statistic, found.test.p) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert (found.difference.lower, found.difference.upper) == pytest.approx((ends.low, ends.high))
    assert found.superiority.estimate == pytest.approx(found.rank_test.statistic / (25 * 40))
    assert found.hedges_g.lower < found.hedges_g.estimate < found.hedges_g.upper


def test_hedges_g_mirrors_and_shrinks() -> None:
    x, y = RNG.normal(1, 1, 12), RNG.normal(0, 1, 9)
    one, two = groups.hedges_g(x, y), groups.hedges_g(y, x)
    assert (one.lower, one.upper) == pytest.approx((-two.upper, -two.lower))
    pooled = math.sqrt((11 * x.var(ddof=1) + 8 * y.var(ddof=1)) / 19)
    assert one.estimate == pytest.approx((1 - 3 / (4 * 19 - 1)) * (x.mean() - y.mean()) / pooled, rel=1e-3)


def test_groups_without_variation_or_cases_are_undefined() -> None:
    assert "no variation" in groups.compare_means([1, 1], [2, 2]).difference.reason
    assert "2 a group" in groups.compare_means([1], [2, 3]).hedges_g.reason
    assert not groups.compare_rates((0, 0), (1, 5)).difference.defined
    assert "no events" in groups.compare_rates((0, 9), (0, 5)).risk_ratio.reason
    assert groups.compare_rates((0, 9), (0, 5)).difference.defined
    assert math.isnan(groups.standardised_difference([1, 1], [1, 1]))


def test_two_rates_as_scipy_does() -> None:
    found = groups.compare_rates((12, 40), (5, 38))
    theirs = stats.contingency.odds_ratio([[12, 28], [5, 33]], kind="sample")
    ends = theirs.confidence_interval()
    assert found.odds_ratio.estimate == pytest.approx(theirs.statistic)
    assert (found.odds_ratio.lower, found.odds_ratio.upper) == pytest.approx((ends.low, ends.high))
    risk = stats.contingency.relative_risk(12, 40, 5, 38).confidence_interval()
    assert (found.risk_ratio.lower, found.risk_ratio.upper) == pytest.approx((risk.low, risk.high))
    assert found.test.p == pytest.approx(stats.fisher_exact([[12, 28], [5, 33]]).pvalue)


def test_several_groups_and_tables() -> None:
    values = [RNG.normal(k, 1, 15) for k in range(3)]
    assert groups.several_groups(values).p == pytest.approx(stats.kruskal(*values).pvalue)
    assert groups.several_groups([[1, 1], [1, 1]]).reason
    assert groups.association([[10, 20, 0], [20, 10, 0]]).df == (1,)
    assert groups.association([[10, 0]]).reason


def test_adjusted_values_grow_and_skip_what_was_not_tested() -> None:
    p = [0.01, math.nan, 0.04, 0.03]
    for method in multiplicity.METHODS:
        found = multiplicity.adjust(p, method=method)
        assert math.isnan(found[1])
        assert (found[[0, 2, 3]] >= np.array(p)[[0, 2, 3]]).all()
    assert multiplicity.adjust(p)[[0, 2, 3]].tolist() == pytest.approx([0.03, 0.06, 0.06])
    with pytest.raises(ValueError, match="p: position 0 is 1.2"):
        multiplicity.adjust([1.2])


def test_covered_area() -> None:
    assert overlap.corrected_covered_area([[1, 1], [1, 1]]) == 1
    assert overlap.corrected_covered_area([[1, 0], [0, 1]]) == 0
    assert overlap.corrected_covered_area([[1, 1], [1, 0], [0, 1], [0, 0]]) == pytest.approx(1 / 3)
    assert math.isnan(overlap.corrected_covered_area([[1], [1]]))
