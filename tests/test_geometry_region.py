"""The region about a structure: it keeps the structure, evens out what is far, and fits masks of another size."""

from __future__ import annotations

import numpy as np
import pytest

from osteon.geometry.region import evened, framed, near, outlined
from osteon.value import Grid, Mask, Picture

SHAPE = (120, 90)
FILM = np.random.default_rng(4).integers(200, 4000, SHAPE).astype(np.uint16)
GRID = Grid(SHAPE, (0.5, 0.5))


def mask(rows: slice, cols: slice, shape: tuple[int, int] = SHAPE) -> Mask:
    array = np.zeros((2, *shape), bool)
    array[1, rows, cols] = True
    return Mask(array, ("cup", "stem"), Grid(shape))


STEM = mask(slice(40, 70), slice(30, 40))


def test_what_is_near_stays_as_it_is_and_what_is_far_is_one_grey() -> None:
    kept = near(STEM, GRID, margin=5.0)
    found = evened(Picture(FILM, GRID, {"view": "AP"}), kept)
    assert found.grid == GRID and dict(found.notes) == {"view": "AP"} and found.array.dtype == FILM.dtype
    assert np.array_equal(found.array[40:70, 20:50], FILM[40:70, 20:50])
    far = found.array[~kept]
    assert (far == far[0]).all() and far[0] == pytest.approx(FILM[kept].mean(), abs=1)


def test_the_margin_is_in_millimetres_or_in_pixels_where_none_are_known() -> None:
    box = {spacing: framed(near(STEM, Grid(SHAPE, spacing), margin=5.0), GRID, label="stem").boxes.tolist() for spacing in ((0.5, 0.5), None, (1.0, 0.5))}
    assert box == {(0.5, 0.5): [[30, 20, 79, 49]], None: [[35, 25, 74, 44]], (1.0, 0.5): [[35, 20, 74, 49]]}


def test_a_mask_of_half_the_size_means_the_same_place() -> None:
    assert np.array_equal(outlined(STEM, SHAPE), outlined(mask(slice(20, 35), slice(15, 20), (60, 45)), SHAPE))


def test_colour_stays_and_a_few_pixels_are_nothing() -> None:
    colour = Picture(np.stack([FILM] * 3, axis=-1), GRID)
    assert evened(colour, near(STEM, GRID, margin=5.0)).array.shape == (*SHAPE, 3)
    nothing = near(mask(slice(0, 4), slice(0, 4)), GRID, margin=5.0)
    assert not nothing.any() and len(framed(nothing, GRID, label="stem").labels) == 0 and not evened(colour, nothing).array.any()
