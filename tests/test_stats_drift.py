"""Distance between data, and answering only where sure."""
from __future__ import annotations

import numpy as np
import pytest

from osteon.stats import drift, groups, selective

RNG = np.random.default_rng(3)


def test_stability_is_0_for_the_same_values_and_grows_with_a_shift() -> None:
    x = RNG.normal(size=2000)
    assert drift.population_stability(x, x) == pytest.approx(0)
    values = [drift.population_stability(x, RNG.normal(shift, 1, 2000)) for shift in (0, 0.5, 1.5)]
    assert values[0] < 0.05
    assert values == sorted(values)
    assert drift.population_stability([0, 1] * 50, [1] * 100) > 0.25


def test_stability_by_hand() -> None:
    before, after = np.repeat([1.0, 2.0], [60, 40]), np.repeat([1.0, 2.0], [30, 70])
    expected = (0.3 - 0.6) * np.log(0.3 / 0.6) + (0.7 - 0.4) * np.log(0.7 / 0.4)
    assert drift.population_stability(before, after, bins=2) == pytest.approx(expected)


def test_discrepancy_finds_a_shift_in_features_and_not_its_absence() -> None:
    x = RNG.normal(size=(60, 5))
    same, moved = (drift.mean_discrepancy(x, RNG.normal(shift, 1, (50, 5)), permutations=200) for shift in (0, 0.8))
    assert same.p > 0.05
    assert moved.p < 0.02
    assert moved.statistic > same.statistic
    with pytest.raises(ValueError, match="after: shape"):
        drift.mean_discrepancy(x, x[:, :3])


def test_one_measurement() -> None:
    assert drift.same_distribution(RNG.normal(size=100), RNG.normal(2, 1, 100)).p < 1e-6


def test_risk_falls_with_a_good_ranking_and_ends_at_the_error() -> None:
    errors = np.repeat([0.0, 1.0], [70, 30])
    good, none = (selective.risk_coverage(errors, c) for c in (np.arange(100)[::-1], np.zeros(100)))
    assert good.risk[-1] == pytest.approx(0.3)
    assert good.coverage[-1] == 1
    assert good.risk[:70].max() == 0
    assert selective.area_under_risk_coverage(none) == pytest.approx(0.3)
    assert selective.area_under_risk_coverage(good) < 0.1
    with pytest.raises(ValueError, match="errors: no cases"):
        selective.risk_coverage([], [])


def test_weights_of_risk_are_repeated_cases() -> None:
    errors, sure, w = RNG.random(30), RNG.integers(0, 9, 30), RNG.integers(0, 3, 30)
    one = selective.risk_coverage(errors, sure, weights=w)
    two = selective.risk_coverage(np.repeat(errors, w), np.repeat(sure, w))
    assert selective.area_under_risk_coverage(one) == pytest.approx(selective.area_under_risk_coverage(two))


def test_groups_that_differ_are_told() -> None:
    assert groups.heterogeneity([0.8, 0.81], [0.05, 0.05]).p > 0.5
    assert groups.heterogeneity([0.8, 0.5], [0.05, 0.05]).p < 0.001
    assert groups.heterogeneity([0.8], [0.05]).reason
