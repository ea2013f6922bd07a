"""Coronal spine: Cobb angles, end vertebrae and apex from corners, and their inverse."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.errors import DataError
from osteon.geometry.spine import (
    LEVELS,
    REGIONS,
    construct_spine,
    curves,
    eased,
    endplate_tilts,
    main_curve,
    measure_spine,
    severity,
    tilts_of_curves,
)

TILTS = st.lists(st.floats(-55, 55), min_size=17, max_size=17)
SPACING = st.tuples(st.floats(0.1, 3), st.floats(0.1, 3))
SIGN = st.sampled_from([1, -1])
ONE = [("T5", "T12", 48.0)]


def _spine(planned: list[tuple[str, str, float]], spacing: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    return construct_spine(*tilts_of_curves(planned), spacing=spacing)


@given(TILTS, TILTS, SPACING)
def test_tilts_undo_construction(upper: list[float], lower: list[float], spacing: tuple[float, float]) -> None:
    corners = construct_spine(np.array(upper), np.array(lower), spacing=spacing, bottom=(500.0, 120.0))
    for found, wanted in zip(endplate_tilts(corners, spacing), (upper, lower), strict=True):
        assert np.allclose(found, wanted, atol=1e-9)


@given(SIGN, st.floats(15, 70), st.floats(0.35, 0.8), st.floats(0.35, 0.8), SPACING)
def test_planned_curves_are_found_with_their_ends(sign: int, angle: float, above: float, below: float, spacing: tuple[float, float]) -> None:
    planned = [("T2", "T5", -sign * angle * above), ("T5", "T12", sign * angle), ("T12", "L4", -sign * angle * below)]
    found = curves(_spine(planned, spacing), spacing, least=0.25 * angle)
    assert [(c.upper, c.lower) for c in found] == [(a, b) for a, b, _ in planned]
    assert [c.signed for c in found] == pytest.approx([a for _, _, a in planned], abs=1e-9)
    assert [c.region for c in found] == list(REGIONS)
    readings = measure_spine(_spine(planned, spacing), spacing)
    assert readings["main"] == readings["MT"] == pytest.approx(angle, abs=1e-9)
    assert readings["PT"] == pytest.approx(angle * above, abs=1e-9)
    assert readings["TL"] == pytest.approx(angle * below, abs=1e-9)


@given(SIGN, st.floats(12, 80))
def test_the_side_is_that_to_which_the_apex_stands_out(sign: int, angle: float) -> None:
    corners = _spine([("T5", "T12", sign * angle)])
    curve = main_curve(curves(corners, (1, 1)))
    assert curve is not None
    assert curve.side == ("R" if sign > 0 else "L")
    assert curve.apex in ("T8", "T8/T9", "T9")
    middle = corners.mean(axis=1)
    aside = middle[8, 1] - 0.5 * (middle[4, 1] + middle[11, 1])
    assert aside * sign < 0, "convex to the patient's right is to the left on the film"


@given(st.floats(-20, 20), st.floats(0.3, 4), st.floats(-500, 500))
def test_mirror_scale_shift_and_rotation(degrees: float, factor: float, shift: float) -> None:
    corners = _spine([("T5", "T12", 48.0), ("T12", "L4", -31.0)])
    plain = curves(corners, (1, 1))
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turned = curves(corners @ np.array([[c, s], [-s, c]]) + shift, (1, 1))
    scaled = curves(corners * factor, (1 / factor, 1 / factor))
    mirrored = curves((corners * (1, -1) + (0, 400))[:, [1, 0, 3, 2]], (1, 1))
    for other, sign in ((turned, 1), (scaled, 1), (mirrored, -1)):
        assert [o.signed for o in other] == pytest.approx([sign * p.signed for p in plain], abs=1e-7)
        assert [(o.upper, o.lower) for o in other] == [(p.upper, p.lower) for p in plain]
    assert [o.apex for o in mirrored] == [p.apex for p in plain]


def test_endplates_and_mid_lines_differ_where_end_vertebrae_are_wedged() -> None:
    upper, lower = tilts_of_curves(ONE)
    upper[4], lower[4] = upper[4] + 3, lower[4] - 3
    corners = construct_spine(upper, lower)
    by_plate, by_line = (measure_spine(corners, (1, 1), method=m)["main"] for m in ("endplate", "midline"))
    assert by_plate == pytest.approx(51, abs=1e-9)
    assert by_line == pytest.approx(48, abs=0.3)


def test_no_curve_is_nothing_and_never_zero() -> None:
    straight = construct_spine(np.zeros(17), np.zeros(17))
    assert curves(straight, (1, 1)) == ()
    readings = measure_spine(straight, (1, 1))
    assert all(math.isnan(readings[name]) for name in ("main", "PT", "MT", "TL"))
    assert readings["shift"] == 0
    assert main_curve(()) is None
    small = _spine([("T5", "T12", 8.0)])
    assert curves(small, (1, 1)) == ()
    assert curves(small, (1, 1), least=5)[0].angle == pytest.approx(8, abs=1e-9)


def test_an_absent_vertebra_takes_no_part() -> None:
    corners = _spine(ONE)
    corners[4] = np.nan
    curve = main_curve(curves(corners, (1, 1)))
    assert curve is not None
    assert curve.upper != "T5"
    assert 40 < curve.angle < 48


def test_severity_is_cut_at_10_25_and_45() -> None:
    assert [severity(a) for a in (0, 9.99, 10, 24.9, 25, 44.9, 45, 90)] == ["none", "none", "mild", "mild", "moderate", "moderate", "severe", "severe"]
    assert severity(math.nan) == "none"


@given(st.lists(st.floats(-50, 50), min_size=3, max_size=6))
def test_an_eased_line_has_its_extremes_on_its_knots(values: list[float]) -> None:
    knots = [(3.0 * i, v) for i, v in enumerate(values)]
    line = eased(knots, np.linspace(0, knots[-1][0], 200))
    assert min(values) - 1e-9 <= line.min()
    assert line.max() <= max(values) + 1e-9
    assert np.allclose(eased(knots, np.array([p for p, _ in knots])), values)


@pytest.mark.parametrize("call", [
    lambda: measure_spine(np.zeros((16, 4, 2)), (1, 1)), lambda: measure_spine(np.zeros((17, 4, 2)), (0, 1)),
    lambda: endplate_tilts(_spine(ONE), (1, 1), method="chord"), lambda: tilts_of_curves([]), lambda: tilts_of_curves([("T12", "T5", 30.0)]),
    lambda: tilts_of_curves([("T5", "T12", 30.0), ("L1", "L4", -20.0)]), lambda: tilts_of_curves([("T5", "T12", 30.0), ("T12", "L4", 20.0)]),
    lambda: tilts_of_curves([("C7", "T12", 30.0)]), lambda: construct_spine(np.zeros(3), np.zeros(3)), lambda: construct_spine(np.zeros(17), np.zeros(17), width_mm=0)])
def test_impossible_input_is_refused(call: object) -> None:
    with pytest.raises(DataError):
        call()  # type: ignore[operator]
    assert len(LEVELS) == 17
