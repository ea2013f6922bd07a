"""Points as squares of one side about them, and how far points lie from each other: boxes hold points where only their middles count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from osteon.errors import DataError, message
from osteon.value import Objects


def squares(boxes: Objects, side: float) -> Objects:
    """Boxes as squares of one side (a share of the rows of their image) about the same middles. Raises DataError where the size of the image is not known."""
    if not boxes.labels:
        return boxes
    if boxes.grid is None:
        raise DataError(message("objects", "the side of a square is a share of the rows of the image, and its size is not known", expected="boxes with their grid"))
    at, half = middles(boxes.boxes), side * boxes.grid.shape[0] / 2
    return replace(boxes, boxes=np.concatenate([at - half, at + half], axis=1))


def middles(boxes: np.ndarray) -> np.ndarray:
    """The middles (n, axes) of boxes (n, 2 axes)."""
    axes = boxes.shape[1] // 2
    return np.asarray(boxes[:, :axes] + boxes[:, axes:]) / 2


def nearest(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """For the middle of each box (n, 2 axes) of the first the distance (n,) to the nearest middle of the second; nan where there is none."""
    if not len(first) or not len(second):
        return np.full(len(first), np.nan)
    gaps = np.linalg.norm(middles(first)[:, None] - middles(second)[None], axis=-1)
    return np.asarray(gaps.min(axis=1))
