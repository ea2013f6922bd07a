"""Sagittal spine and pelvis: readings from points, and their inverse."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.errors import DataError
from osteon.geometry.spine_sagittal import (
    LATERAL_UNITS,
    LUMBAR,
    construct_lumbar,
    construct_pelvis,
    disc_index,
    genant,
    genant_grade,
    heights_of,
    measure_lateral,
    measure_pelvis,
    meyerding,
    slip,
)

SPACING = st.tuples(st.floats(0.1, 3), st.floats(0.1, 3))
FACING = st.sampled_from(["right", "left"])
POINT = st.tuples(st.floats(0, 900), st.floats(0, 900))


def _five(low: float, high: float) -> Any:
    return st.lists(st.floats(low, high), min_size=5, max_size=5)


NORMAL = {"lordosis": [1.2, 5.9, 9.1, 12.7, 21.6], "slip": [0.0] * 5, "disc": [8.0, 9.0, 10.0, 11.0, 10.0], "wedge": [0.0] * 5}


@given(st.floats(20, 95), st.floats(-15, 45), SPACING, POINT, FACING)
def test_the_pelvis_is_measured_as_it_was_built(incidence: float, tilt: float, spacing: tuple[float, float], hip: tuple[float, float], facing: str) -> None:
    s1, axis = construct_pelvis(incidence, tilt, spacing=spacing, hip=hip, facing=facing)
    found = measure_pelvis(s1, axis, spacing, facing=facing)
    assert found["PI"] == pytest.approx(incidence, abs=1e-9)
    assert found["PT"] == pytest.approx(tilt, abs=1e-9)
    assert found["SS"] == pytest.approx(incidence - tilt, abs=1e-9)


@given(POINT, POINT, POINT, SPACING, FACING)
def test_incidence_is_tilt_plus_slope_for_any_points(front: tuple[float, float], rear: tuple[float, float], hip: tuple[float, float], spacing: tuple[float, float],
                                                     facing: str) -> None:
    found = measure_pelvis(np.array([front, rear]), hip, spacing, facing=facing)
    gap = found["PI"] - found["PT"] - found["SS"]
    if math.isfinite(gap) and front != rear:
        assert abs((gap + 180) % 360 - 180) < 1e-9


@given(_five(-5, 30), _five(-15, 60), _five(2, 15), _five(-8, 12), SPACING, FACING)
def test_the_lumbar_spine_is_measured_as_it_was_built(lordosis: list[float], slips: list[float], discs: list[float], wedges: list[float],
                                                      spacing: tuple[float, float], facing: str) -> None:
    s1, hip = construct_pelvis(55, 14, spacing=spacing, hip=(400, 300), facing=facing)
    bodies = construct_lumbar(s1, {"lordosis": lordosis, "slip": slips, "disc": discs, "wedge": wedges}, spacing=spacing, facing=facing)
    found = measure_lateral(bodies, s1, hip, spacing, facing=facing)
    assert set(found) == set(LATERAL_UNITS)
    assert found["LL"] == pytest.approx(sum(lordosis), abs=1e-7)
    for i, level in enumerate(LUMBAR):
        assert found[f"lordosis.{level}"] == pytest.approx(lordosis[i], abs=1e-7)
        assert found[f"slip.{level}"] == pytest.approx(slips[i], abs=1e-7)


def test_signs_are_those_of_the_clinic() -> None:
    s1, hip = construct_pelvis(53, 13.5, hip=(400.0, 300.0))
    assert s1[0, 1] > s1[1, 1], "the front lies to the right"
    assert s1[0, 0] > s1[1, 0], "the endplate slopes down forwards"
    assert s1.mean(axis=0)[1] < 300, "the sacrum stands behind the hips"
    forward = construct_lumbar(s1, NORMAL | {"slip": [0, 0, 0, 30.0, 0]})
    plain = construct_lumbar(s1, NORMAL)
    assert forward["L4"][5, 1] > plain["L4"][5, 1] + 8
    assert plain["L1"][0, 0] < plain["L5"][0, 0]


def test_meyerding_and_genant_grades() -> None:
    assert [meyerding(p) for p in (math.nan, -10, 3, 12, 25, 26, 51, 76, 120)] == [0, 0, 0, 1, 1, 2, 3, 4, 5]
    assert [genant_grade(p) for p in (0, 19.9, 20, 25, 40)] == [0, 0, 1, 2, 3]
    assert slip(np.array([12.0, 8.0]), np.array([[40.0, 0.0], [0.0, 0.0]])) == pytest.approx(30)
    assert genant(15, 20, 25) == (pytest.approx(40), "wedge")
    assert genant(25, 15, 25) == (pytest.approx(40), "biconcave")
    assert genant(15, 15, 15, reference=25) == (pytest.approx(40), "crush")
    assert genant(25, 24, 25, reference=26) == (pytest.approx(4), "none")
    assert math.isnan(genant(math.nan, math.nan, math.nan)[0])


def test_a_wedged_body_loses_height_in_front() -> None:
    s1, hip = construct_pelvis(53, 13.5)
    wedged = construct_lumbar(s1, NORMAL | {"wedge": [0, -18.0, 0, 0, 0]})
    found = measure_lateral(wedged, s1, hip, (1, 1))
    assert found["loss.L2"] > 25
    assert found["loss.L3"] == pytest.approx(0, abs=1e-9)
    front, middle, rear = heights_of(wedged["L2"])
    assert front < middle < rear


def test_two_definitions_of_the_disc_height_index() -> None:
    above, below = np.array([[40.0, 10.0], [20.0, 10.0], [0.0, 10.0]]), np.array([[40.0, 0.0], [0.0, 0.0]])
    assert disc_index(above, below) == pytest.approx(0.25)
    assert disc_index(above, below, per="height", height=25) == pytest.approx(0.4)
    with pytest.raises(DataError):
        disc_index(above, below, per="area")


def test_an_absent_body_is_nan_and_the_rest_is_measured() -> None:
    s1, hip = construct_pelvis(53, 13.5)
    bodies = construct_lumbar(s1, NORMAL)
    del bodies["L1"]
    found = measure_lateral(bodies, s1, hip, (1, 1))
    assert all(math.isnan(found[name]) for name in ("LL", "lordosis.L1", "slip.L1", "disc.L1", "loss.L1"))
    assert found["PI"] == pytest.approx(53)
    assert found["loss.L2"] == pytest.approx(0, abs=1e-9)


def test_impossible_input_is_refused() -> None:
    s1, hip = construct_pelvis(53, 13.5)
    for call in (lambda: measure_pelvis(s1, hip, (0, 1)), lambda: measure_pelvis(s1, hip, (1, 1), facing="up"), lambda: construct_lumbar(s1, {"lordosis": [1.0] * 5}),
                 lambda: construct_lumbar(s1, NORMAL, depth_mm=0)):
        with pytest.raises(DataError):
            call()
