"""A knee replacement: angles are the inverse of their construction, and the tray is loose by rule."""

from __future__ import annotations

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.geometry.knee_implant import ZONES, Signs, construct_replacement, measure_replacement


@pytest.mark.parametrize(("alpha", "beta", "medial"), [(95.0, 90.0, 1.0), (98.5, 84.0, -1.0), (90.0, 93.2, 1.0)])
def test_what_is_constructed_is_measured(alpha: float, beta: float, medial: float) -> None:
    spacing = (0.5, 0.8)
    points = construct_replacement(alpha, beta, spacing=spacing, medial=medial)
    assert measure_replacement(points, spacing) == pytest.approx({"alpha": alpha, "beta": beta}, abs=1e-9)
    mirrored = {name: p * (1, -1) for name, p in points.items()}
    assert measure_replacement(mirrored, spacing) == pytest.approx({"alpha": alpha, "beta": beta}, abs=1e-9)


def test_a_turned_film_keeps_its_angles_and_a_varus_tray_measures_less_than_ninety() -> None:
    turn = np.radians(8)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    points = construct_replacement(96, 86)
    assert measure_replacement({k: v @ matrix.T for k, v in points.items()}, (1, 1)) == pytest.approx({"alpha": 96, "beta": 86}, abs=1e-9)
    assert points["tray_medial"][0] > points["tray_lateral"][0], "its medial end is the lower one"


def test_loose_is_a_score_of_ten_or_a_migration() -> None:
    assert not Signs(dict.fromkeys(ZONES, 1.4)).loose and Signs(dict.fromkeys(ZONES, 1.45)).loose
    assert Signs({"1": 3.0, "5": 2.0}).score == 5.0
    assert Signs(sunk=3.0).loose and Signs(tilted=-4.0).loose and not Signs(sunk=2.9, tilted=3.9).loose


def test_what_can_not_be_is_refused() -> None:
    with pytest.raises(ValueError, match="signs"):
        Signs({"8": 1.0})
    with pytest.raises(ValueError, match="signs"):
        Signs({"1": -1.0})
    with pytest.raises(DataError, match="tray_medial"):
        measure_replacement({k: v for k, v in construct_replacement(95, 90).items() if k != "tray_medial"}, (1, 1))
    with pytest.raises(DataError):
        measure_replacement(construct_replacement(95, 90), (0, 1))
