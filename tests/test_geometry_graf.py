"""Graf's angles: what is built is read back, what a point lacks is nan, types at their cuts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from osteon.geometry.graf import GRAF_UNITS, TYPES, construct_graf, cover, graf_type, measure_graf


@pytest.mark.parametrize("seed", range(5))
def test_what_is_built_is_read_back(seed: int) -> None:
    alpha, beta, tilt = np.random.default_rng(seed).uniform((30, 25, -20), (80, 95, 20))
    read = measure_graf(construct_graf(alpha, beta, tilt=tilt), (1.0, 1.0))
    assert read["alpha"] == pytest.approx(alpha, abs=1e-9) and read["beta"] == pytest.approx(beta, abs=1e-9)


def test_mirror_scale_and_turn_leave_the_angles() -> None:
    points = construct_graf(58, 52) | {"head": np.array([1.0, 9.0]), "cup": np.array([9.0, 9.0])}
    plain = measure_graf(points, (1, 1))
    mirrored = measure_graf({k: p * (1, -1) for k, p in points.items()}, (1, 1))
    scaled = measure_graf({k: p / (0.2, 0.1) for k, p in points.items()}, (0.2, 0.1))
    turn = np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    turned = measure_graf({k: turn @ p for k, p in points.items()}, (1, 1))
    for other in (mirrored, scaled, turned):
        assert other == pytest.approx(plain, abs=1e-9)
    assert plain["cover"] == pytest.approx(50 * (1 + 1 / 8))


def test_a_missing_point_is_nan_and_one_point_twice_is_refused() -> None:
    points = construct_graf(60, 50)
    read = measure_graf({k: p for k, p in points.items() if k != "lower_limb"}, (1, 1))
    assert math.isnan(read["alpha"]) and read["beta"] == pytest.approx(50) and math.isnan(read["cover"]) and set(read) == set(GRAF_UNITS)
    with pytest.raises(ValueError, match="one point"):
        measure_graf(points | {"ilium_low": points["ilium_top"]}, (1, 1))


def test_the_cover_runs_from_none_to_all() -> None:
    base = np.array([0.0, 1.0])
    assert [cover(np.array([v, 3.0]), 8.0, base) for v in (-8.0, 0.0, 8.0)] == [0, 50, 100]


@pytest.mark.parametrize(("alpha", "beta", "weeks", "called"), [(60, 50, 3, "I"), (59.9, 50, 12, "IIa"), (59.9, 50, 12.1, "IIb"), (50, 70, 2, "IIa"), (49.9, 77, 2, "IIc"), (43, 77.1, 2, "D"),
                                                                 (42.9, 80, 2, "III")])
def test_types_at_their_cuts(alpha: float, beta: float, weeks: float, called: str) -> None:
    assert graf_type(alpha, beta, weeks) == called and called in TYPES
    assert graf_type(40, 80, weeks, labrum_below=True) == "IV"


def test_what_was_not_measured_has_no_type() -> None:
    with pytest.raises(ValueError, match="not measured"):
        graf_type(math.nan, 50, 3)
