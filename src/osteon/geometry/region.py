"""The part of a film about a structure: where it lies, and the film with what is far from it made even, so that what is learnt rests on it and its surroundings."""

from __future__ import annotations

import numpy as np

from osteon.value import Grid, Mask, Objects, Picture, Withheld

LEAST_PIXELS = 24  # a structure of fewer is none
SAME_PLANE = 10.0  # mm and degrees by which two slices may differ and show the same


def outlined(outlines: Mask, shape: tuple[int, ...]) -> np.ndarray:
    """Where any structure of a mask lies on a film of so many pixels (rows, cols; bool), whatever size the mask has; nowhere where it is but a few pixels."""
    whole = np.asarray(outlines.array.any(axis=0))
    rows, cols = (((np.arange(n) + 0.5) * m / n).astype(int) for n, m in zip(shape, whole.shape, strict=True))
    inside = whole[np.ix_(rows, cols)]
    return inside if inside.sum() >= LEAST_PIXELS else np.zeros_like(inside)


def near(outlines: Mask, grid: Grid, *, margin: float) -> np.ndarray:
    """What of a film lies within `margin` (mm; pixels where the spacing is unknown) of any structure of a mask (rows, cols; bool)."""
    from scipy.ndimage import distance_transform_edt

    inside = outlined(outlines, grid.shape)
    return np.asarray(distance_transform_edt(~inside, sampling=grid.spacing or 1.0) <= margin) if inside.any() else inside


def evened(film: Picture, kept: np.ndarray) -> Picture:
    """The film where `kept` (rows, cols; bool) holds, and elsewhere the mean grey of what is kept."""
    grey = film.array[kept].mean(axis=0) if kept.any() else 0
    return Picture(np.where(kept if film.array.ndim == 2 else kept[..., None], film.array, grey).astype(film.array.dtype), film.grid, film.notes)


def framed(kept: np.ndarray, grid: Grid, *, label: str) -> Objects:
    """The box about what is kept (rows, cols; bool); no box where nothing is."""
    if not kept.any():
        return Objects(np.zeros((0, 4)), (), grid=grid)
    (top, bottom), (left, right) = (np.flatnonzero(kept.any(axis=axis))[[0, -1]] for axis in (1, 0))
    return Objects(np.array([[top, left, bottom, right]], float), (label,), grid=grid)


def framed_on(outline: Picture, grid: Grid, *, label: str) -> Objects | Withheld:
    """The box about what a mask outlines, on another picture of the same place with pixels, axes and an origin of its own; withheld, with the reason, where the two do not lie in one plane.

    Where one of them does not say where it lies, both must show the same field of view.
    """
    at = np.argwhere(outline.array > 0).astype(float)
    if not len(at):
        return Withheld("nothing is outlined")
    moved = _same_field(at, outline.grid, grid) if None in (outline.grid.direction, grid.direction, outline.grid.origin, grid.origin) else _same_place(at, outline.grid, grid)
    if isinstance(moved, Withheld):
        return moved
    low, high = np.maximum(moved.min(axis=0), -0.5), np.minimum(moved.max(axis=0), np.array(grid.shape) - 0.5)
    return Objects(np.array([[*low, *high]]), (label,), grid=grid) if (high > low).all() else Withheld("the outline lies outside of the picture")


def _same_field(at: np.ndarray, own: Grid, other: Grid) -> np.ndarray | Withheld:
    """Pixels (n, 2) of one picture on another that shows the same field of view."""
    sides = [np.array(grid.shape) * (grid.spacing or (1.0, 1.0)) for grid in (own, other)]
    known = own.spacing is not None and other.spacing is not None
    if np.ptp(sides[0] / sides[1]) > 0.05 or (known and np.abs(sides[0] / sides[1] - 1).max() > 0.05):
        return Withheld("the outline has another field of view and does not say where it lies")
    return (at + 0.5) * (np.array(other.shape) / np.array(own.shape)) - 0.5


def _same_place(at: np.ndarray, own: Grid, other: Grid) -> np.ndarray | Withheld:
    """Pixels (n, 2) of one slice on another, by their places in the patient (mm)."""
    axes, aim = (np.array(grid.direction, float).reshape(2, 3) for grid in (own, other))
    away = np.array(own.origin, float) + own.in_mm(at) @ axes - np.array(other.origin, float)
    normal = np.cross(*aim)
    if abs(float(np.cross(*axes) @ normal)) < np.cos(np.radians(SAME_PLANE)) or np.abs(away @ normal).max() > SAME_PLANE:
        return Withheld("the outline lies in another plane")
    return np.asarray(away @ aim.T / np.array(other.spacing))
