"""The part of a film about a structure: where it lies, and the film with what is far from it made even, so that what is learnt rests on it and its surroundings."""

from __future__ import annotations

import numpy as np

from osteon.value import Grid, Mask, Objects, Picture

LEAST_PIXELS = 24  # a structure of fewer is none


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
