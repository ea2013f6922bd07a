"""Overlap and surface distance of two masks on one grid, in millimetres, conventions named.

Maier-Hein L, Reinke A et al. Nat Methods 2024; 21: 195 (Metrics Reloaded); Nikolov S et al. J Med Internet Res 2021;
23: e26151 (surface Dice). The surface of a mask is its elements that touch the outside across a face (beyond the image
is outside); distances run between centres of surface elements. HD95 is the larger of the two directed
95th percentiles (MONAI, Metrics Reloaded) unless "pooled" (MedPy); ASSD and NSD pool both surfaces (an element counts
once, whatever its area).
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial import cKDTree

from osteon.stats.arguments import Bools, Floats


@dataclass(frozen=True)
class MaskScores:
    """Scores of one predicted mask; distances in mm, true and predicted volume in mm^d; nan for ``reason``."""

    dice: float
    iou: float
    _: KW_ONLY
    hd: float
    hd95: float
    assd: float
    nsd: float
    volumes: tuple[float, float]
    reason: str = ""


def mask_scores(truth: ArrayLike, predicted: ArrayLike, *, spacing: Sequence[float],
                tolerance: float = 1.0) -> MaskScores:
    """All scores of one structure; masks of equal shape (2 or 3 axes), ``spacing`` in mm in axis order.

    Both masks empty: nothing is defined. One empty: overlap is 0, distances are undefined. ValueError for unequal
    shapes, a spacing of 0 or less, or a mask of other values than 0 and 1.
    """
    a, b, step = _checked(truth, predicted, spacing)
    element = float(np.prod(step))
    size_a, size_b = int(a.sum()), int(b.sum())
    nothing = MaskScores(math.nan, math.nan, hd=math.nan, hd95=math.nan, assd=math.nan, nsd=math.nan,
                         volumes=(size_a * element, size_b * element), reason="both masks are empty")
    if size_a + size_b == 0:
        return nothing
    both = int((a & b).sum())
    overlap = replace(nothing, dice=2 * both / (size_a + size_b), iou=both / (size_a + size_b - both))
    if size_a == 0 or size_b == 0:
        which = "true" if size_a == 0 else "predicted"
        return replace(overlap, reason=f"the {which} mask is empty: no distance exists")
    forth, back = surface_distances(a, b, spacing=spacing)
    return replace(overlap, hd=hausdorff(forth, back), hd95=hausdorff(forth, back, percentile=95),
                   assd=average_distance(forth, back), nsd=surface_dice(forth, back, tolerance=tolerance), reason="")


def dice(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Dice coefficient of two masks; nan where both are empty."""
    a, b, _ = _checked(truth, predicted, np.ones(np.ndim(truth)))
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else math.nan


def surface_distances(truth: ArrayLike, predicted: ArrayLike, *, spacing: Sequence[float]) -> tuple[Floats, Floats]:
    """Distances in mm from each surface element of one mask to the other surface, both ways.

    ValueError where a mask is empty.
    """
    a, b, step = _checked(truth, predicted, spacing)
    for name, mask in (("truth", a), ("predicted", b)):
        if not mask.any():
            raise ValueError(f"{name}: the mask is empty (expected at least one element)")
    return _directed(a, b, step)


def hausdorff(forth: Floats, back: Floats, *, percentile: float = 100, pooled: bool = False) -> float:
    """Hausdorff distance at a percentile: the larger directed one, or that of both surfaces together."""
    if pooled:
        return float(np.percentile(np.concatenate([forth, back]), percentile))
    return float(max(np.percentile(forth, percentile), np.percentile(back, percentile)))


def average_distance(forth: Floats, back: Floats, *, pooled: bool = True) -> float:
    """Average symmetric surface distance: mean over both surfaces, or mean of the two means."""
    return float(np.concatenate([forth, back]).mean() if pooled else (forth.mean() + back.mean()) / 2)


def surface_dice(forth: Floats, back: Floats, *, tolerance: float) -> float:
    """Normalised surface distance: share of both surfaces within ``tolerance`` mm of the other."""
    if tolerance < 0:
        raise ValueError(f"tolerance: {tolerance} (expected 0 mm or more)")
    return float((np.concatenate([forth, back]) <= tolerance).mean())


def _checked(truth: ArrayLike, predicted: ArrayLike, spacing: ArrayLike) -> tuple[Bools, Bools, Floats]:
    a, b, step = _mask(truth, "truth"), _mask(predicted, "predicted"), np.asarray(spacing, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"predicted: shape {b.shape} (expected that of truth, {a.shape})")
    if step.shape != (a.ndim,) or not (step > 0).all():
        raise ValueError(f"spacing: {step.tolist()} (expected {a.ndim} numbers above 0, in axis order)")
    return a, b, step


def _mask(values: ArrayLike, name: str) -> Bools:
    array = np.asarray(values)
    if array.dtype == bool:
        return array
    if not ((array == 0) | (array == 1)).all():
        raise ValueError(f"{name}: holds other values than 0 and 1 (expected one structure a mask)")
    return array == 1


def _directed(a: Bools, b: Bools, step: Floats) -> tuple[Floats, Floats]:
    edge_a, edge_b = surface(a) * step, surface(b) * step
    return cKDTree(edge_b).query(edge_a)[0], cKDTree(edge_a).query(edge_b)[0]


def surface(mask: Bools) -> Floats:
    """Indices (m, d) of the elements of a mask that have a neighbour outside across a face."""
    spans = [np.flatnonzero(mask.any(axis=tuple(i for i in range(mask.ndim) if i != axis))) for axis in
             range(mask.ndim)]
    box = tuple(slice(s[0], s[-1] + 1) for s in spans)
    padded = np.pad(mask[box], 1)
    inner = tuple(slice(1, -1) for _ in range(mask.ndim))
    near = [np.roll(padded, shift, axis)[inner] for axis in range(mask.ndim) for shift in (1, -1)]
    edge = mask[box] & ~reduce(np.logical_and, near)
    return np.argwhere(edge) + np.array([s[0] for s in spans])
