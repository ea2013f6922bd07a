"""Nearest neighbours: controls of like score, and how far a point lies from the data.

Rosenbaum PR, Rubin DB. Am Stat 1985; 39: 33 (controls within a caliper); Aha DW, Kibler D, Albert MK. Mach Learn 1991;
6: 37 (distance of mixed columns).
"""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.stats.arguments import Floats, numbers

BLOCK = 4_000_000


def nearest_controls(scores: ArrayLike, candidates: ArrayLike, *, controls: int = 1,
                     caliper: float = math.inf) -> NDArray[np.intp]:
    """Row numbers (n, controls) of the candidates (m,) nearest to each score (n,), the nearest first, with replacement.

    -1 where no further candidate lies within the caliper. Of equally near ones the first is taken.
    """
    x, y = numbers(scores, "scores"), numbers(candidates, "candidates")
    if controls < 1:
        raise ValueError(f"controls: {controls} (expected 1 or more)")
    if not caliper > 0:
        raise ValueError(f"caliper: {caliper} (expected more than 0)")
    found = np.full((len(x), controls), -1, np.intp)
    for row, score in enumerate(x):
        distance = np.abs(y - score)
        near = np.argsort(distance, kind="stable")[:controls]
        near = near[distance[near] <= caliper]
        found[row, :len(near)] = near
    return found


def nearest_distance(points: ArrayLike, data: ArrayLike) -> Floats:
    """Euclidean distance (m,) of each point (m, p) to the nearest row of data (n, p); scale the columns beforehand."""
    x, y = numbers(points, "points", ndim=2), numbers(data, "data", ndim=2)
    if not len(y) or x.shape[1] != y.shape[1]:
        raise ValueError(f"data: shape {y.shape} for points of {x.shape} (expected rows of the same columns)")
    step = max(1, BLOCK // max(1, y.size))
    parts = [np.sqrt(((x[first:first + step, None, :] - y[None, :, :]) ** 2).sum(-1)).min(1)
             for first in range(0, len(x), step)]
    return np.concatenate([np.zeros(0), *parts])


def own_distance(data: ArrayLike) -> Floats:
    """Distance (n,) of each row of data (n, p) to the nearest other row; ValueError for fewer than 2 rows."""
    y = numbers(data, "data", ndim=2)
    if len(y) < 2:
        raise ValueError(f"data: {len(y)} rows (expected at least 2)")
    out, step = np.empty(len(y)), max(1, BLOCK // max(1, y.size))
    for first in range(0, len(y), step):
        part = y[first:first + step]
        distance = ((part[:, None, :] - y[None, :, :]) ** 2).sum(-1)
        distance[np.arange(len(part)), np.arange(first, first + len(part))] = math.inf
        out[first:first + step] = np.sqrt(distance.min(1))
    return out
