"""Shoulder measurements: what is constructed is read back, on both sides, turned and scaled; codes follow the planes."""

from __future__ import annotations

import numpy as np
import pytest

from osteon.geometry.shoulder import PROXIMAL, SHOULDER_UNITS, clavicle_code, construct_shoulder, humerus_code, measure_shoulder, neer_parts

MADE = {"neck_shaft": 131.0, "acromiohumeral": 9.2, "coracoclavicular": 11.5, "critical_angle": 34.0, "head_shift": 6.0}


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("turn", [0.0, 11.0, -17.0])
def test_a_constructed_shoulder_measures_as_it_was_made_turned_and_scaled(side: float, turn: float) -> None:
    points = construct_shoulder(neck_shaft_deg=131.0, acromion_mm=9.2, coracoid_mm=11.5, critical_deg=34.0, shift_mm=6.0, lateral=side)
    a = np.radians(turn)
    matrix = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    found = measure_shoulder({name: (matrix @ p + 90) / 0.9 for name, p in points.items()}, (0.9, 0.9))
    assert set(found) == set(SHOULDER_UNITS) and found == pytest.approx(MADE, abs=1e-9)


def test_what_a_film_does_not_show_is_undefined() -> None:
    points = construct_shoulder(neck_shaft_deg=135, acromion_mm=9, coracoid_mm=11, critical_deg=33, shift_mm=0)
    found = measure_shoulder({k: v for k, v in points.items() if k != "coracoid"}, (1, 1))
    assert np.isnan(found["coracoclavicular"]) and sum(np.isfinite(v) for v in found.values()) == 4


def test_the_code_follows_from_the_set_of_planes() -> None:
    assert [humerus_code([name]) for name in ("greater", "lesser", "anatomical")] == ["11A1.1", "11A1.2", "11C1.3"]
    assert [humerus_code(["surgical"], wedges=k) for k in (0, 1, 2, 5)] == ["11A2.1", "11A2.2", "11A2.3", "11A2.3"]
    assert humerus_code(["surgical", "greater"]) == humerus_code(["greater", "surgical"]) == "11B1.1" and humerus_code(["greater", "anatomical"]) == "11C1.1"
    assert humerus_code(["greater", "lesser", "anatomical", "surgical"]) == "11C3.1" and humerus_code([]) == ""
    assert [humerus_code(["shaft"], slope=10), humerus_code(["shaft"], slope=44), humerus_code(["shaft"], wedges=1, slope=44), humerus_code(["shaft"], wedges=3)] == ["12A3", "12A2", "12B2", "12C3"]
    assert humerus_code(["surgical", "shaft"]) == "11A2.1" and len(set(PROXIMAL.values())) == 8
    for bad in (["trochlea"], ["greater", "lesser"]):
        with pytest.raises(ValueError, match="no code"):
            humerus_code(bad)


def test_the_clavicle_by_segment_and_splinters() -> None:
    assert [clavicle_code("medial"), clavicle_code("middle", 1), clavicle_code("lateral", 4)] == ["15.1A", "15.2B", "15.3C"]
    for bad in (("upper", 0), ("middle", -1)):
        with pytest.raises(ValueError, match="segment"):
            clavicle_code(*bad)


def test_a_part_is_ten_millimetres_or_forty_five_degrees_away() -> None:
    assert neer_parts({"surgical": (9.9, 44.0)}) == 1 and neer_parts({"surgical": (10.0, 0.0), "greater": (2.0, -50.0), "lesser": (3.0, 3.0)}) == 3
