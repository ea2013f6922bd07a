"""Receive coils about a limb: sensitivities by the law of Biot and Savart, and the noise that neighbouring coils share.

World axes as in `frustum` (x to the left, y forwards, z upwards along the main field, mm). What a coil sees is the part of its
field across the main one, B1- = Bx - i By (Roemer 1990, Magn Reson Med 16: 192).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from osteon.simulate.voxels import Lattice

Real = Any
SEGMENTS = 24  # of a loop
KNOT_MM = 5.0  # between the points at which fields are worked out
SHARED = 0.35  # of the noise, from the same body; the rest is each coil's own


@dataclass(frozen=True, eq=False)
class Array:
    """Loops about a limb: centres (coils, 3) and unit normals (coils, 3) in the world, radius (mm)."""

    centres: np.ndarray
    normals: np.ndarray
    radius: float


def knee_array(coils: int, middle: np.ndarray, rng: np.random.Generator, *, radius: float = 92.0) -> Array:
    """Two rings of loops on a cylinder about the knee (one ring below four coils), each a little out of place."""
    rings = 1 if coils < 4 else 2
    ring = np.arange(coils) % rings
    angle = 2 * np.pi * (np.arange(coils) // rings + 0.5 * ring) / -(-coils // rings) + rng.normal(0, 0.06, coils) + rng.uniform(0, 2 * np.pi)
    out = np.column_stack([np.cos(angle), np.sin(angle), rng.normal(0, 0.05, coils)])
    height = 46.0 * (2 * ring - (rings - 1)) + rng.normal(0, 3, coils)
    centres = middle + np.column_stack([radius * out[:, 0], radius * out[:, 1], height])
    size = np.pi * radius / max(3, -(-coils // rings))
    return Array(centres, out / np.linalg.norm(out, axis=1, keepdims=True), float(size))


def sensitivities(array: Array, points: np.ndarray) -> np.ndarray:
    """Bx - i By of unit currents at points (n, 3), as (coils, n) complex64, scaled so that the root of the sum of squares is 1 in the mean."""
    angle = 2 * np.pi * (np.arange(SEGMENTS) + 0.5) / SEGMENTS
    along = np.cross(array.normals, [0.0, 0.0, 1.0])
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    up = np.cross(along, array.normals)
    ring = np.cos(angle)[:, None, None] * along + np.sin(angle)[:, None, None] * up
    step = np.cos(angle)[:, None, None] * up - np.sin(angle)[:, None, None] * along
    out = _fields(array.centres + array.radius * ring, step, np.asarray(points, float))
    return np.asarray(out / np.sqrt((np.abs(out) ** 2).sum(axis=0)).mean(), np.complex64)


@njit(cache=True, fastmath=True)
def _fields(wire: np.ndarray, step: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The sum over the segments (segments, coils, 3) of step x apart / apart**3, its parts across the main field."""
    out = np.zeros((wire.shape[1], points.shape[0]), np.complex128)
    for n in range(wire.shape[1]):
        for k in range(points.shape[0]):
            bx, by = 0.0, 0.0
            for s in range(wire.shape[0]):
                x, y, z = points[k, 0] - wire[s, n, 0], points[k, 1] - wire[s, n, 1], points[k, 2] - wire[s, n, 2]
                cubed = max(x * x + y * y + z * z, 100.0) ** 1.5
                bx += (step[s, n, 1] * z - step[s, n, 2] * y) / cubed
                by += (step[s, n, 2] * x - step[s, n, 0] * z) / cubed
            out[n, k] = bx - 1j * by
    return out


def knots(lattice: Lattice) -> tuple[np.ndarray, tuple[int, int], tuple[float, float]]:
    """Coarse points (n, 3) over the plane of a lattice of one slice, their rows and cols, and how many points of the lattice lie between two of them."""
    count = [max(2, int(np.ceil((n - 1) * step / KNOT_MM)) + 1) for n, step in zip(lattice.shape[1:], lattice.step[1:], strict=True)]
    every = [(n - 1) / (c - 1) for n, c in zip(lattice.shape[1:], count, strict=True)]
    down, across = (np.outer(np.arange(c) * e * step, axis) for c, e, step, axis in zip(count, every, lattice.step[1:], lattice.axes[1:], strict=True))
    return (lattice.first + down[:, None] + across[None]).reshape(-1, 3), (count[0], count[1]), (every[0], every[1])


def seen(picture: np.ndarray, coils: np.ndarray, every: tuple[float, float]) -> np.ndarray:
    """A complex picture (rows, cols) as each coil sees it (coils, rows, cols), from sensitivities at the knots (coils, rows, cols)."""
    return _seen(np.ascontiguousarray(picture, np.complex64), np.ascontiguousarray(coils, np.complex64), float(every[0]), float(every[1]))  # type: ignore[no-any-return]


@njit(cache=True, fastmath=True)
def _seen(picture: np.ndarray, coils: np.ndarray, tall: Real, wide: Real) -> np.ndarray:
    rows, cols = picture.shape
    out = np.zeros((coils.shape[0], rows, cols), np.complex64)
    line = np.empty(coils.shape[2], np.complex64)
    for n in range(coils.shape[0]):
        for r in range(rows):
            i = min(int(r / tall), coils.shape[1] - 2)
            f = np.float32(r / tall - i)
            for c in range(coils.shape[2]):
                line[c] = (np.float32(1) - f) * coils[n, i, c] + f * coils[n, i + 1, c]
            for c in range(cols):
                if picture[r, c] != 0:
                    j = min(int(c / wide), coils.shape[2] - 2)
                    g = np.float32(c / wide - j)
                    out[n, r, c] = picture[r, c] * ((np.float32(1) - g) * line[j] + g * line[j + 1])
    return out


def mixing(coils: np.ndarray) -> np.ndarray:
    """The matrix (coils, coils) complex64 that turns white noise into noise of which neighbours share a part: the Cholesky factor of (1 - s) I + s R,
    R the correlation of the sensitivities (coils, ...) over the plane."""
    flat = coils.reshape(len(coils), -1).astype(np.complex128)
    gram = flat @ flat.conj().T
    size = np.sqrt(np.real(np.diag(gram)))
    covariance = (1 - SHARED) * np.eye(len(coils)) + SHARED * gram / np.outer(size, size)
    return np.asarray(np.linalg.cholesky(covariance), np.complex64)
