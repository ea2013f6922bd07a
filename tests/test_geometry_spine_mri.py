"""Explicit measures of vertebrae and discs: shapes of known size, turned and coarser; levels counted from the sacrum; what is missing says so."""

from __future__ import annotations

import numpy as np
import pytest

from osteon.geometry.spine_mri import DISC_UNITS, LEVELS, PARTS, SPINE_UNITS, disc_signal, measure_spine
from osteon.value import Grid, Mask, Picture

TALL, DEEP, DISC = 26.0, 34.0, 9.0  # mm
STEP = TALL + DISC


def column(pixel: float = 0.5, *, tilt: float = 0.0, above: int = 0, bulge: float = 0.0, gone: tuple[str, ...] = ()) -> Mask:
    """L1 to L5 on S1 as rectangles, `above` further bodies on top, the whole turned by `tilt` degrees; discs stand `bulge` mm behind the bodies; the sac runs behind."""
    rows, cols = round((STEP * (7 + above) + 30) / pixel), round(120 / pixel)
    r, c = np.mgrid[:rows, :cols] * pixel
    turn = np.radians(tilt)
    r, c = r - rows * pixel / 2, c - 60
    y, x = r * np.cos(turn) + c * np.sin(turn) + rows * pixel / 2, -r * np.sin(turn) + c * np.cos(turn)
    array = np.zeros((len(PARTS), rows, cols), bool)
    names = [*(f"T{12 - k}" for k in reversed(range(above))), *LEVELS, "S1"]
    for k, name in enumerate(names):
        top = 12 + STEP * k
        if name not in gone:
            array[1 if name == "S1" else 0] |= (y >= top) & (y < top + TALL) & (np.abs(x) < DEEP / 2)
        if name != "S1":
            array[2] |= (y >= top + TALL) & (y < top + STEP) & (x >= -DEEP / 2) & (x < DEEP / 2 + bulge)
    array[3] = (x > DEEP / 2 + 5) & (x < DEEP / 2 + 17)
    return Mask(array, PARTS, Grid((rows, cols), (pixel, pixel)))


def picture(parts: Mask, disc: float = 40.0, fluid: float = 200.0) -> Picture:
    grey = np.full(parts.grid.shape, 90.0)
    grey[parts.of("disc")], grey[parts.of("csf")] = disc, fluid
    return Picture(grey, parts.grid)


@pytest.mark.parametrize(("pixel", "tilt"), [(0.5, 0.0), (1.0, 0.0), (0.5, 20.0), (0.8, -15.0)])
def test_rectangles_have_their_sizes(pixel: float, tilt: float) -> None:
    parts = column(pixel, tilt=tilt)
    values = measure_spine(parts, picture(parts)).values
    for level in LEVELS:
        assert values[f"vertebra_height.{level}"] == pytest.approx(TALL, abs=0.9)
        assert values[f"vertebra_width.{level}"] == pytest.approx(DEEP, abs=1.8), "corners are rounded by the smoothing and by the pixels"
        assert values[f"vertebra_area.{level}"] == pytest.approx(TALL * DEEP, rel=0.05)
        assert values[f"disc_height.{level}"] == pytest.approx(DISC, abs=0.6)
        assert values[f"disc_width.{level}"] == pytest.approx(DEEP, abs=1.1)
        assert values[f"disc_area.{level}"] == pytest.approx(DISC * DEEP, rel=0.08)
        assert values[f"disc_signal.{level}"] == pytest.approx(0.2, abs=0.01)


def test_a_disc_that_stands_behind_the_bodies_has_that_area_of_bulge() -> None:
    flat, bulging = (measure_spine(column(bulge=mm), None).values for mm in (0.0, 3.0))
    for level in LEVELS:
        assert bulging[f"disc_bulge.{level}"] - flat[f"disc_bulge.{level}"] == pytest.approx(3.0 * DISC, rel=0.15)


def test_levels_are_counted_from_the_sacrum_and_not_from_the_top() -> None:
    """The distinctive piece: with two thoracic bodies in the picture, names from the top of the picture are wrong by two levels."""
    parts = column(above=2)
    with_, without = (measure_spine(parts, None, labelled=labelled).landmarks for labelled in (True, False))
    assert with_["L5.inferior_posterior"][0] * 0.5 == pytest.approx(12 + STEP * 6 + TALL, abs=1.0)
    assert (with_["L1.superior_anterior"][0] - without["L1.superior_anterior"][0]) * 0.5 == pytest.approx(2 * STEP, abs=0.5)


def test_a_body_that_was_missed_leaves_its_level_out_and_the_others_keep_their_names() -> None:
    whole, holed = (measure_spine(column(gone=gone), None) for gone in ((), ("L3",)))
    assert np.isnan(holed.values["vertebra_height.L3"]) and "not found" in holed.reasons["vertebra_height.L3"]
    assert np.isnan(holed.values["disc_height.L2"]) and np.isnan(holed.values["disc_height.L3"]), "a disc is measured between two bodies"
    for level in ("L1", "L2", "L4", "L5"):
        assert holed.landmarks[f"{level}.superior_anterior"] == pytest.approx(whole.landmarks[f"{level}.superior_anterior"], abs=1.5)


def test_without_a_sacrum_the_lowest_body_is_l5_and_its_disc_is_not_measured() -> None:
    found = measure_spine(column(gone=("S1",)), None)
    assert found.values["vertebra_height.L5"] == pytest.approx(TALL, abs=0.9) and np.isnan(found.values["disc_height.L5"])
    assert "vertebra beside it" in found.reasons["disc_height.L5"] and found.values["disc_height.L4"] == pytest.approx(DISC, abs=0.6)


def test_a_sacrum_far_below_the_lowest_body_withholds_everything() -> None:
    found = measure_spine(column(gone=("L5", "L4")), None)
    assert all(np.isnan(v) for v in found.values.values()) and "is not L5" in found.reasons["vertebra_height.L1"]


def test_what_is_not_there_is_withheld_with_a_reason() -> None:
    parts = column()
    blank = measure_spine(Mask(np.zeros_like(parts.array), PARTS, parts.grid), picture(parts))
    assert set(blank.values) == {f"{name}.{level}" for name in SPINE_UNITS for level in LEVELS}
    assert set(blank.reasons.values()) == {"no vertebral body was found"}
    bare = measure_spine(Mask(parts.array, PARTS, Grid(parts.grid.shape)), picture(parts))
    assert set(bare.reasons.values()) == {"no pixel spacing"}
    dry = measure_spine(Mask(parts.array * np.array([1, 1, 1, 0], bool)[:, None, None], PARTS, parts.grid), picture(parts))
    assert np.isnan(dry.values["disc_signal.L3"]) and "fluid" in dry.reasons["disc_signal.L3"] and dry.values["disc_height.L3"] > 0


def test_signal_is_that_of_the_fluid_beside_the_disc() -> None:
    """The distinctive piece of the signal: a gain and a coil that falls off along the spine leave the ratio, and change the grey."""
    parts = column()
    even, lit = picture(parts), picture(parts)
    rows = np.linspace(0.5, 2.0, parts.grid.shape[0])[:, None]
    shaded = Picture(lit.array * rows * 3.0, parts.grid)
    plain, other = (measure_spine(parts, each).values for each in (even, shaded))
    for level in LEVELS:
        assert other[f"disc_signal.{level}"] == pytest.approx(plain[f"disc_signal.{level}"], rel=0.25)
    disc = parts.of("disc") & (np.arange(parts.grid.shape[0]) < 120)[:, None]
    assert shaded.array[disc].mean() != pytest.approx(even.array[disc].mean(), rel=0.5)
    assert np.isnan(disc_signal(even.array, disc, np.zeros(disc.shape, bool), (0.5, 0.5)))


def test_a_cut_off_body_is_not_measured() -> None:
    parts = column()
    top = Mask(parts.array[:, 40:], PARTS, Grid((parts.grid.shape[0] - 40, parts.grid.shape[1]), parts.grid.spacing))
    found = measure_spine(top, None)
    assert np.isnan(found.values["vertebra_height.L1"]) and found.values["vertebra_height.L2"] == pytest.approx(TALL, abs=0.9)
    assert set(DISC_UNITS) < set(SPINE_UNITS)
