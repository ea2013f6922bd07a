"""The cervical spine: every reading is the inverse of its construction, and turns, mirrors and scales as it should."""

from __future__ import annotations

import math

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.geometry.cervical import CERVICAL_UNITS, DEFINITIONS, DISCS, LEVELS, Signs, construct_cervical, measure_cervical, narrowest

SPACING = (0.7, 0.9)
INDICES, SLIPS = (0.35, 0.33, 0.2, 0.3, 0.24, 0.31), (0.0, 1.5, -2.0, 3.0, 0.0, 0.5)


@pytest.mark.parametrize(("lordosis", "slope", "sva"), [(12.7, 25.0, 18.0), (-20.0, 10.0, 14.0), (35.0, 38.0, 22.0), (0.0, 18.0, 30.0), (10.0, 22.0, None)])
def test_what_is_constructed_is_measured(lordosis: float, slope: float, sva: float | None) -> None:
    found = measure_cervical(construct_cervical(lordosis, slope, sva, discs=INDICES, slips=SLIPS, spacing=SPACING), SPACING)
    assert (found["lordosis"], found["slope"], found["mismatch"]) == pytest.approx((lordosis, slope, slope - lordosis), abs=1e-9)
    assert sva is None or found["sva"] == pytest.approx(sva, abs=1e-9)
    assert [found[f"disc.{d}"] for d in DISCS] == pytest.approx(INDICES, abs=1e-9)
    assert [found[f"slip.{d}"] for d in DISCS] == pytest.approx(SLIPS, abs=1e-9)
    assert sum(found[f"angle.{d}"] for d in DISCS[:5]) == pytest.approx(lordosis, abs=1e-9)
    assert set(found) == set(CERVICAL_UNITS) and {name.split(".")[0] for name in found} == set(DEFINITIONS)


def test_a_canal_has_its_width() -> None:
    found = measure_cervical(construct_cervical(10, 22, canal=14.0), (1, 1))
    assert found["torg"] == pytest.approx(14.0 / 17.2, abs=0.01), "the deepest of the bodies above T1"


def test_a_turned_patient_keeps_angles_between_bones_and_adds_to_those_against_the_horizontal() -> None:
    points, turn = construct_cervical(14, 24, 17, spacing=(1, 1)), math.radians(9)
    matrix = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    plain, turned = measure_cervical(points, (1, 1)), measure_cervical({k: v @ matrix.T for k, v in points.items()}, (1, 1))
    same = [name for name in plain if name not in ("slope", "mismatch", "sva", "adi", "kline")]
    assert [turned[n] for n in same] == pytest.approx([plain[n] for n in same], abs=1e-9)
    assert abs(turned["slope"] - plain["slope"]) == pytest.approx(9, abs=1e-9)


def test_a_mirrored_film_and_other_pixels_measure_the_same() -> None:
    points = construct_cervical(14, 24, 17, discs=INDICES, slips=SLIPS, spacing=(1, 1))
    plain = measure_cervical(points, (1, 1))
    mirrored = measure_cervical({k: v * (1, -1) for k, v in points.items()}, (1, 1), facing="left")
    finer = measure_cervical({k: v * 4 for k, v in points.items()}, (0.25, 0.25))
    assert mirrored == pytest.approx(plain, abs=1e-9, nan_ok=True) and finer == pytest.approx(plain, abs=1e-9, nan_ok=True)


def test_a_mass_takes_its_share_of_the_canal_and_crosses_the_line() -> None:
    points = construct_cervical(0, 0, discs=(0.33,) * 6, canal=16.0)
    wall, lamina = 0.5 * (points["C4"][1] + points["C4"][3]), points["C4"][4]
    small, large = (measure_cervical(points, (1, 1), mass=np.array([[wall, wall + share * (lamina - wall), lamina]])) for share in (0.25, 0.75))
    assert (small["occupied"], large["occupied"]) == pytest.approx((25, 75))
    assert small["kline"] > 0 > large["kline"]
    none = measure_cervical(points, (1, 1))
    assert none["occupied"] == 0 and math.isnan(none["kline"]) and math.isnan(none["adi"])


def test_an_absent_level_leaves_what_rests_on_it_open() -> None:
    points = construct_cervical(10, 22)
    found = measure_cervical({k: v for k, v in points.items() if k != "T1"}, (1, 1))
    assert math.isnan(found["slope"]) and math.isnan(found["disc.C7-1"]) and found["lordosis"] == pytest.approx(10)


def test_degeneration_is_called_by_any_of_three_signs() -> None:
    assert Signs(0.9, 0.5, 15.0).found == {"narrowing": False, "osteophytes": False, "straight": False, "degenerative": False}
    assert Signs(0.6, 0.5, 15.0).found["narrowing"] and Signs(0.9, 2.0, 15.0).found["osteophytes"] and Signs(0.9, 0.5, 3.9).found["straight"]
    assert all(Signs(*signs).found["degenerative"] for signs in ((0.6, 0.5, 15.0), (0.9, 2.5, 15.0), (0.9, 0.5, -3.0)))
    assert narrowest({f"disc.{d}": v for d, v in zip(DISCS, (0.3, 0.3, 0.15, 0.3, 0.3, 0.1), strict=True)}) == pytest.approx(0.5)


@pytest.mark.parametrize("wrong", [{"discs": (0.3,)}, {"slips": (0.0,) * 5}, {"discs": (0.3, 0.3, 0.0, 0.3, 0.3, 0.3)}, {"canal": 0.0}, {"size": -1.0}, {"spacing": (0, 1)}, {"sva": 300.0}])
def test_an_impossible_spine_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(DataError):
        construct_cervical(10, 22, **wrong)  # type: ignore[arg-type]
    with pytest.raises(DataError):
        measure_cervical({name: np.zeros((5, 2)) for name in LEVELS}, (1, 1), facing="up")
    with pytest.raises(ValueError, match="signs"):
        Signs(-0.1, 0.0, 0.0)
