"""Hip measurements: what is constructed is read back, axes convert, rules follow the words that they stand for."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from osteon.geometry import hip
from osteon.geometry.hip import DELEE, GRUEN, HIP_UNITS, Signs, Worn, construct_femur, cup_axis, garden, measure_hip, murray, tonnis


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize(("angle", "offset"), [(118.0, 51.0), (127.5, 43.0), (141.0, 33.0)])
def test_a_constructed_femur_measures_as_it_was_made_turned_and_scaled(angle: float, offset: float, side: float) -> None:
    points = construct_femur(angle, offset, lateral=side)
    turn = np.radians(7.0)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = {name: (matrix @ p + 30.0) / 0.86 for name, p in points.items()}
    found = measure_hip(moved, (0.86, 0.86))
    assert found["neck_shaft"] == pytest.approx(angle, abs=1e-9) and found["offset"] == pytest.approx(offset, abs=1e-9)
    assert set(found) == set(HIP_UNITS) and np.isnan(found["cup_inclination"]) and np.isnan(found["centre_edge"])


@pytest.mark.parametrize(("lean", "forward"), [(42.0, 16.0), (30.0, 0.0), (58.0, 33.0)])
def test_cup_axes_convert_and_the_rim_gives_them_back(lean: float, forward: float) -> None:
    axis = cup_axis(lean, forward)
    found = murray(axis)
    assert np.linalg.norm(axis) == pytest.approx(1) and found["radiographic_inclination"] == pytest.approx(lean) and found["radiographic_anteversion"] == pytest.approx(forward)
    ri, ra, oi, oa, ai, aa = (np.radians(found[f"{kind}_{name}"]) for kind in ("radiographic", "operative", "anatomical") for name in ("inclination", "anteversion"))
    # Murray 1993: the conversions between the three pairs
    assert np.sin(ra) == pytest.approx(np.sin(ai) * np.sin(aa)) and np.tan(ri) == pytest.approx(np.tan(ai) * np.cos(aa))
    assert np.tan(oa) == pytest.approx(np.tan(ra) / np.cos(ri)) and np.sin(oi) == pytest.approx(np.sin(ri) * np.cos(ra))
    long, short = 27 * np.array([-np.sin(np.radians(lean)), np.cos(np.radians(lean))]), 27 * np.sin(np.radians(forward)) * np.array([np.cos(np.radians(lean)), np.sin(np.radians(lean))])
    rim = {"rim_superior": long, "rim_inferior": -long, "rim_front": short, "rim_back": -short, "teardrop": np.array([20.0, -30.0]), "teardrop_other": np.array([20.0, -150.0])}
    seen = measure_hip(rim, (1, 1))
    assert seen["cup_inclination"] == pytest.approx(lean) and seen["cup_anteversion"] == pytest.approx(forward, abs=1e-6)


def test_centre_edge_and_height_follow_the_line_of_the_teardrops() -> None:
    head, line = np.array([0.0, 88.0]), (np.array([22.0, 55.0]), np.array([22.0, -55.0]))
    edge = head + 28 * np.array([-np.cos(np.radians(33)), np.sin(np.radians(33))])
    points = {"head": head, "sourcil": edge, "teardrop": line[0], "teardrop_other": line[1], "lesser_trochanter": np.array([60.0, 110.0])}
    found = measure_hip(points, (1, 1))
    assert found["centre_edge"] == pytest.approx(33) and found["lesser_trochanter"] == pytest.approx(38)
    mirrored = measure_hip({name: p * (1, -1) for name, p in points.items()}, (1, 1))
    assert mirrored["centre_edge"] == pytest.approx(33) and mirrored["lesser_trochanter"] == pytest.approx(38)


def test_varus_of_a_stem_is_positive_on_both_sides() -> None:
    for side in (1.0, -1.0):
        points = construct_femur(128.0, 43.0, lateral=side) | {"stem_top": np.zeros(2), "stem_tip": 110 * np.array([np.cos(np.radians(4)), side * np.sin(np.radians(4))])}
        assert measure_hip(points, (1, 1))["stem_tilt"] == pytest.approx(4)


def test_more_of_any_sign_is_never_less_of_a_grade() -> None:
    steps = {"space": (4.2, 3.2, 2.3, 1.0), "sclerosis": (0.0, 0.3, 0.9), "osteophyte": (0.0, 3.0), "cyst": (0.0, 5.0, 12.0), "flat": (0.0, 4.0)}
    for values in itertools.product(*steps.values()):
        here = tonnis(Worn(**dict(zip(steps, values, strict=True))))  # type: ignore[arg-type]
        for name, ladder in steps.items():
            place = ladder.index(dict(zip(steps, values, strict=True))[name])
            if place + 1 < len(ladder):
                worse = dict(zip(steps, values, strict=True)) | {name: ladder[place + 1]}
                assert tonnis(Worn(**worse)) >= here  # type: ignore[arg-type]
    assert [tonnis(Worn(4.2)), tonnis(Worn(4.2, osteophyte=2.5)), tonnis(Worn(2.4)), tonnis(Worn(0.8)), tonnis(Worn(2.4, cyst=11))] == [0, 1, 2, 3, 3]


def test_the_types_of_garden() -> None:
    assert [garden(1.0, 15, 30), garden(0.5, 0, 30), garden(8, -14, 30), garden(19, -20, 30), garden(20, 15, 30)] == [1, 2, 3, 4, 4]


def test_what_calls_an_implant_loose() -> None:
    wide = dict.fromkeys(GRUEN[:4], 2.0)
    assert hip.stem_loose(Signs(wide)) and not hip.stem_loose(Signs(dict.fromkeys(GRUEN[:3], 5.0)))
    assert not hip.stem_loose(Signs(dict.fromkeys(GRUEN, 1.9))), "demarcated all around, but thinly"
    assert hip.stem_loose(Signs(subsidence=5)) and hip.stem_loose(Signs(tilt=-3)) and hip.stem_loose(Signs(broken=True))
    assert hip.cup_loose(Signs({"I": 2.0, "II": 2.5, "III": 1.0})) and not hip.cup_loose(Signs({"I": 3.0, "II": 3.0}))
    assert hip.cup_loose(Signs(migration=4)) and hip.cup_loose(Signs(turn=-6)) and not hip.cup_loose(Signs(dict.fromkeys(DELEE, 1.5)))


@pytest.mark.parametrize("bad", [lambda: Worn(-1.0), lambda: Worn(3.0, expected=0.0), lambda: Signs({"8": 1.0}), lambda: Signs({"1": -0.1}), lambda: Signs(subsidence=-1)])
def test_impossible_signs_are_refused(bad: object) -> None:
    with pytest.raises(ValueError, match="impossible"):
        bad()  # type: ignore[operator]
