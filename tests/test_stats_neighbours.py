"""Nearest neighbours, learning curves, ranks, value of care and interactions: closed forms, and refusals by argument."""

from __future__ import annotations

import math

import numpy as np
import pytest

from osteon.stats.care import value_of_care
from osteon.stats.factorial import interaction
from osteon.stats.groups import hedges_g
from osteon.stats.learning import PowerLaw, fit_power_law
from osteon.stats.neighbours import nearest_controls, nearest_distance, own_distance
from osteon.stats.ranks import mean_ranks

RNG = np.random.default_rng(8)


def test_controls_are_the_nearest_within_the_caliper() -> None:
    found = nearest_controls([0.5, 0.9], [0.1, 0.45, 0.6, 0.52], controls=2, caliper=0.09)
    assert found.tolist() == [[3, 1], [-1, -1]]
    assert nearest_controls([0.5], [0.4, 0.6]).tolist() == [[0]]  # of equally near ones the first
    assert nearest_controls([0.5], [], controls=3).tolist() == [[-1, -1, -1]]
    with pytest.raises(ValueError, match="controls: 0"):
        nearest_controls([0.5], [0.4], controls=0)
    with pytest.raises(ValueError, match="caliper: 0"):
        nearest_controls([0.5], [0.4], caliper=0)


def test_distances_are_those_of_a_search_through_all() -> None:
    data, points = RNG.normal(size=(40, 3)), RNG.normal(size=(25, 3))
    every = np.linalg.norm(points[:, None] - data[None], axis=-1)
    assert nearest_distance(points, data) == pytest.approx(every.min(1))
    own = np.linalg.norm(data[:, None] - data[None], axis=-1) + np.diag(np.full(40, np.inf))
    assert own_distance(data) == pytest.approx(own.min(1))
    with pytest.raises(ValueError, match="data: shape"):
        nearest_distance([[0.0]], [[0.0, 1.0]])
    with pytest.raises(ValueError, match="data: 1 rows"):
        own_distance([[0.0]])


def test_distances_in_blocks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    data, points = RNG.normal(size=(30, 2)), RNG.normal(size=(17, 2))
    whole = nearest_distance(points, data), own_distance(data)
    monkeypatch.setattr("osteon.stats.neighbours.BLOCK", 100)
    assert nearest_distance(points, data) == pytest.approx(whole[0])
    assert own_distance(data) == pytest.approx(whole[1])


def test_a_power_law_is_found_again() -> None:
    law = PowerLaw(0.9, -1.2, 0.5)
    cases = np.array([25, 50, 100, 200, 400, 800])
    found = fit_power_law(cases, law.at(cases))
    assert (found.ceiling, found.change, found.rate) == pytest.approx((0.9, -1.2, 0.5), rel=1e-5)
    assert found.cases_within(0.01) == pytest.approx((1.2 / 0.01) ** 2, rel=1e-4)
    errors = fit_power_law(cases, PowerLaw(2.0, 30.0, 0.8).at(cases), weights=cases)
    assert errors.ceiling == pytest.approx(2.0, rel=1e-4)
    with pytest.raises(ValueError, match="cases: 3 different sizes"):
        fit_power_law([10, 20, 30], [0.6, 0.7, 0.8])
    with pytest.raises(ValueError, match="tolerance: 0"):
        law.cases_within(0)


def test_ranks_share_ties_and_leave_out_undefined_tasks() -> None:
    losses = np.array([[0.1, 0.2, np.nan], [0.3, 0.2, 1.0], [0.2, 0.9, 2.0]])
    assert mean_ranks(losses) == pytest.approx([(1 + 1.5) / 2, (3 + 1.5) / 2, (2 + 3) / 2])
    assert mean_ranks(np.stack([losses, losses[::-1]]))[1] == pytest.approx(mean_ranks(losses)[::-1])
    assert np.isnan(mean_ranks([[np.nan], [1.0]])).all()
    with pytest.raises(ValueError, match="losses: shape"):
        mean_ranks([1.0, 2.0])


def test_value_of_care_is_expected_over_observed_over_relative_cost() -> None:
    seen, expected, cost = np.array([1.0] * 10 + [0.0] * 40), np.full(50, 0.3), np.full(50, 20.0)
    found = value_of_care(seen, expected, cost, patients=np.arange(50), standard_cost=10.0, resamples=300)
    assert found.estimate == pytest.approx((15 / 10) / 2)
    assert found.lower < found.estimate < found.upper
    assert value_of_care(np.zeros(5), np.full(5, 0.3), np.ones(5), patients=np.arange(5), standard_cost=1).reason == "no event was observed"
    assert value_of_care([], [], [], patients=[], standard_cost=1).reason == "no case"
    with pytest.raises(ValueError, match="standard_cost: 0"):
        value_of_care(seen, expected, cost, patients=np.arange(50), standard_cost=0)


def test_an_interaction_is_what_is_left_of_the_sum() -> None:
    a, b = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert interaction(3 + 2 * a + 5 * b, a, b) == 0
    assert interaction(3 + 2 * a + 5 * b + 4 * a * b, a, b) == 4
    assert math.isnan(interaction([1.0, 2.0], [0, 1], [0, 0]))


def test_the_effect_size_survives_where_the_library_has_no_value() -> None:
    """scipy gives nan for the noncentral t at t = -4.2 or so and c = 5.5 with 78 degrees of freedom."""
    rng = np.random.default_rng(2)
    old, new = rng.normal(4, 1, 40), rng.normal(3, 1, 40)
    found = hedges_g(new, old)
    mirrored = hedges_g(old, new)
    assert (found.lower, found.upper) == pytest.approx((-mirrored.upper, -mirrored.lower), rel=1e-8)
