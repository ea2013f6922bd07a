"""Ankle measurements: what is constructed is read back, on both sides, turned and scaled; the rules follow the words that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from osteon.geometry.ankle import ANKLE_UNITS, SYNDESMOSIS_MM, construct_calcaneus, construct_mortise, malleolar, measure_ankle, weber, wide_mortise

MADE = {"talocrural": 82.0, "talar_tilt": 3.5, "clear_space": 4.4, "overlap": 6.8, "medial_clear_space": 3.3, "superior_clear_space": 3.1}


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize("turn", [0.0, 9.0, -14.0])
def test_a_constructed_mortise_measures_as_it_was_made_turned_and_scaled(side: float, turn: float) -> None:
    points = construct_mortise(talocrural_deg=82.0, tilt_deg=3.5, clear_mm=4.4, overlap_mm=6.8, medial_mm=3.3, superior_mm=3.1, lateral=side)
    a = np.radians(turn)
    matrix = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    found = measure_ankle({name: (matrix @ p + 40) / 0.72 for name, p in points.items()}, (0.72, 0.72))
    assert set(found) == set(ANKLE_UNITS) and np.isnan(found["boehler"])
    assert {name: found[name] for name in MADE} == pytest.approx(MADE, abs=1e-9)


@pytest.mark.parametrize("anterior", [1.0, -1.0])
@pytest.mark.parametrize("boehler", [12.0, 31.5])
def test_boehlers_angle_is_read_back_and_nothing_else_of_a_lateral_film(boehler: float, anterior: float) -> None:
    found = measure_ankle(construct_calcaneus(boehler, anterior=anterior), (1, 1))
    assert found["boehler"] == pytest.approx(boehler, abs=1e-9) and sum(np.isfinite(v) for v in found.values()) == 1


def test_a_gap_that_turns_over_is_negative() -> None:
    points = construct_mortise(talocrural_deg=83, tilt_deg=-2, clear_mm=5, overlap_mm=-1.5, medial_mm=3, superior_mm=3)
    found = measure_ankle(points, (1, 1))
    assert found["overlap"] == pytest.approx(-1.5) and found["talar_tilt"] == pytest.approx(-2)


def test_the_classes_of_danis_and_weber() -> None:
    assert [weber(-14, -8), weber(-4, 22), weber(2, 40), weber(SYNDESMOSIS_MM, 60), weber(-9, 0)] == ["A", "B", "B", "C", "A"]
    with pytest.raises(ValueError, match="low"):
        weber(3, 1)


def test_malleoli_are_counted_and_a_talus_that_has_gone_is_called() -> None:
    assert [malleolar([]), malleolar(["posterior"]), malleolar(["lateral", "medial"]), malleolar(["lateral", "medial", "posterior"])] == ["none", "unimalleolar", "bimalleolar", "trimalleolar"]
    for bad in (["anterior"], ["medial", "medial"]):
        with pytest.raises(ValueError, match="broken"):
            malleolar(bad)
    assert wide_mortise(6.0, 3.2) and not wide_mortise(6.0, 5.5) and not wide_mortise(4.4, 3.0)
