"""Accuracy of landmarks and angles: radial error, success rates, angular difference."""
from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from osteon.stats.arguments import Floats, numbers
from osteon.stats.clusters import clustered_mean, clustered_proportion
from osteon.stats.intervals import Interval, undefined

SUCCESS_MM = (2.0, 2.5, 3.0, 4.0)


def radial_errors(truth: ArrayLike, found: ArrayLike, *, spacing: Sequence[float] | ArrayLike) -> Floats:
    """Distance in mm (...,) between points (..., d); a point with nan in truth or found has error nan.

    ``spacing`` in mm an index step: (d,) or broadcast against the points (one a case).
    """
    a, b, step = (np.asarray(v, np.float64) for v in (truth, found, spacing))
    if a.shape != b.shape or a.ndim < 1:
        raise ValueError(f"found: shape {b.shape} (expected that of truth, {a.shape})")
    if not (step > 0).all():
        raise ValueError("spacing: a value is not above 0 (expected mm an index step)")
    return np.sqrt((((a - b) * step) ** 2).sum(-1))


def mean_radial_error(errors: ArrayLike, *, patients: ArrayLike | None = None, level: float = 0.95) -> Interval:
    """Mean error in mm of errors (n, k) or (n,), patients (n,) as units; landmarks with nan are left out."""
    values, units = _flat(errors, patients)
    return clustered_mean(values, units, level=level)


def success_rates(errors: ArrayLike, *, thresholds: Sequence[float] = SUCCESS_MM, patients: ArrayLike | None = None,
                  level: float = 0.95) -> dict[float, Interval]:
    """Share of landmarks within each threshold (mm), patients as units; landmarks with nan are left out."""
    values, units = _flat(errors, patients)
    if not len(values):
        return {t: undefined("no landmark is present in both", level=level) for t in thresholds}
    return {t: clustered_proportion(values <= t, units, level=level) for t in thresholds}


def _flat(errors: ArrayLike, patients: ArrayLike | None) -> tuple[Floats, np.ndarray]:
    table = np.asarray(errors, np.float64)
    table = table[:, None] if table.ndim == 1 else table
    units = np.arange(len(table)) if patients is None else np.asarray(patients)
    if table.ndim != 2 or len(units) != len(table):
        raise ValueError(f"errors: shape {table.shape} for {len(units)} patients (expected cases by landmarks)")
    known = ~np.isnan(table)
    return numbers(table[known], "errors"), np.repeat(units, known.sum(1))


def angle_differences(truth: ArrayLike, found: ArrayLike, *, period: float = 360.0) -> Floats:
    """found - truth in degrees on the circle: within half a period of 0 (180 for axes without direction)."""
    gap = np.asarray(found, np.float64) - np.asarray(truth, np.float64)
    return (gap + period / 2) % period - period / 2
