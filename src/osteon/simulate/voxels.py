"""Solids on a regular grid of points: signed distance near their surface, for slices and volumes.

Only blocks of 8 x 8 points that a surface comes near are worked out point by point; elsewhere the sign is all that counts.
World axes and solids as in `frustum`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from osteon.simulate.frustum import ACTION, FAR, KIND, LANES, TILE, Placed, _distances, _field, _work
from osteon.simulate.sdf import HALF_SPACE, JOIN, KEEP

Real = Any
Window = tuple[slice, slice, slice]
SQUARES = 5  # small squares along the side of a large one
SLACK = np.float32(1.5)  # mm, and a tenth: the distances of ellipsoids are exact to first order only


@dataclass(frozen=True, eq=False)
class Lattice:
    """A grid of (slices, rows, cols) points, `step` mm apart along each axis; `first` is the first point, `axes` (3, 3) the unit vector of each axis, both in the world."""

    shape: tuple[int, int, int]
    step: tuple[float, float, float]
    first: np.ndarray
    axes: np.ndarray

    def along(self, direction: np.ndarray, origin: np.ndarray, window: Window | None = None) -> np.ndarray:
        """How far (mm, float32) each point of the window (of the whole grid where none is named) lies from `origin` in a direction."""
        parts = window or (slice(0, self.shape[0]), slice(0, self.shape[1]), slice(0, self.shape[2]))
        s, r, c = ((float(axis @ direction) * step * np.arange(part.start, part.stop)).astype(np.float32)
                   for axis, step, part in zip(self.axes, self.step, parts, strict=True))
        base = np.float32((self.first - np.asarray(origin, float)) @ direction)
        return np.asarray((s + base)[:, None, None] + r[:, None] + c)

    def index(self, points: np.ndarray) -> np.ndarray:
        """World points (..., 3) as (slice, row, col), not rounded."""
        return (np.asarray(points, float) - self.first) @ self.axes.T / np.asarray(self.step)


@dataclass(frozen=True, eq=False)
class Near:
    """Signed distance (mm, float32, within the reach it was asked for) over the window of a lattice that a solid can touch."""

    window: Window
    mm: np.ndarray


def distance(lattice: Lattice, placed: Placed, *, reach: float = 2.0, inside: float | None = None) -> Near | None:
    """The signed distance of a placed solid, exact up to `reach` mm outside and `inside` mm (the same, where it is not named) within; None where no point lies so near."""
    view = lattice.axes[[2, 0, 1]]  # the kernels' x, y, z are columns, slices and rows
    here = Placed(placed.solid, view @ placed.turn, view @ (placed.shift - lattice.first))
    boxes = _extents(here)
    step = np.array(lattice.step)[[2, 0, 1]]
    adds = placed.solid.adds
    size = np.array(lattice.shape)[[2, 0, 1]]
    low = np.clip(np.ceil((boxes[adds, 0].min(axis=0) - reach) / step), 0, size).astype(np.int64)
    high = np.clip(np.floor((boxes[adds, 1].max(axis=0) + reach) / step) + 1, 0, size).astype(np.int64)
    if (high <= low).any():
        return None
    low[[0, 2]] = low[[0, 2]] // TILE * TILE  # blocks keep their place on the grid, however far a solid reaches
    out = np.full((high - low)[[1, 2, 0]], reach, np.float32)
    _fill(out, low, step, boxes, placed.solid.margins, _work(here), placed.solid.tables.astype(np.float32), np.float32(reach),
          np.float32(reach if inside is None else inside))
    return Near(tuple(slice(int(low[k]), int(high[k])) for k in (1, 2, 0)), out)  # type: ignore[arg-type]


def _extents(placed: Placed) -> np.ndarray:
    """Each primitive's box (n, 2, 3) along the axes of the world of `placed`."""
    boxes, frames = placed.solid.boxes, placed.solid.frames
    half, middle = 0.5 * (boxes[:, 1] - boxes[:, 0]), 0.5 * (boxes[:, 1] + boxes[:, 0])
    turn = frames[:, :, :3].transpose(0, 2, 1)  # from the primitive to the solid
    centre = placed.world(np.einsum("nij,nj->ni", turn, middle - frames[:, :, 3]))
    reach = np.einsum("nij,nj->ni", np.abs(placed.turn @ turn), half)
    endless = boxes[:, 1, 0] >= FAR
    centre[endless], reach[endless] = 0.0, FAR
    return np.stack([centre - reach, centre + reach], axis=1)


@njit(cache=True, fastmath=True)
def _close(chosen: np.ndarray, x: Real, y: Real, z: Real, radius: Real, boxes: np.ndarray, margins: np.ndarray, w: np.ndarray, tables: np.ndarray,
           room: np.ndarray) -> int:
    """The primitives that matter within `radius` of a point; none where no substance does."""
    count, adding = 0, 0
    room[4, 0], room[5, 0] = x, z
    for m in range(w.shape[0]):
        act = int(w[m, ACTION])
        if act < KEEP and w[m, KIND] != HALF_SPACE:
            if (boxes[m, 0, 0] > x + radius or boxes[m, 1, 0] < x - radius or boxes[m, 0, 1] > y + radius or boxes[m, 1, 1] < y - radius
                    or boxes[m, 0, 2] > z + radius or boxes[m, 1, 2] < z - radius):
                continue
            _distances(room[0], 1, m, w, tables, room[4], y, room[5], room[1:4])
            if room[0, 0] > radius + np.float32(margins[m]):
                continue
        chosen[count] = m
        count += 1
        adding += act == JOIN
    return count if adding else 0


@njit(cache=True, fastmath=True)
def _middle(d: np.ndarray, span: int, corner: tuple[Real, Real, Real], step: np.ndarray, limits: tuple[Real, Real], chosen: np.ndarray, boxes: np.ndarray, margins: np.ndarray,
            w: np.ndarray, tables: np.ndarray, room: np.ndarray) -> int:
    """How many primitives matter to a square of `span` points a side (0: no substance is near); -1 where its middle lies so far from the surface that d[0] stands for all."""
    radius = np.float32(0.55 * (span - 1) * np.sqrt(step[0] ** 2 + step[2] ** 2)) + SLACK
    wide, deep = radius + np.float32(1.1) * limits[0], radius + np.float32(1.1) * limits[1]
    x, y, z = np.float32(corner[0] + 0.5 * (span - 1) * step[0]), np.float32(corner[1]), np.float32(corner[2] + 0.5 * (span - 1) * step[2])
    count = _close(chosen, x, y, z, wide, boxes, margins, w, tables, room)
    if count == 0:
        return 0
    room[8, 0], room[9, 0] = x, z
    _field(d, 1, chosen, count, w, tables, room[8], y, room[9], room)
    return -1 if d[0] > wide or d[0] < -deep else count


@njit(cache=True, fastmath=True)
def _fill(out: np.ndarray, low: np.ndarray, step: np.ndarray, boxes: np.ndarray, margins: np.ndarray, w: np.ndarray, tables: np.ndarray, reach: Real,
          inside: Real) -> None:
    """Fill out (slices, rows, cols) square by square, large ones first: a square whose middle is far from the surface takes one value."""
    chosen, room, d = np.empty(w.shape[0], np.int64), np.empty((12, LANES), np.float32), np.empty(LANES, np.float32)
    px, pz, limits, big = np.empty(LANES, np.float32), np.empty(LANES, np.float32), (reach, inside), TILE * SQUARES
    for s in range(out.shape[0]):
        y = np.float32((low[1] + s) * step[1])
        for r in range(0, out.shape[1], big):
            for c in range(0, out.shape[2], big):
                count = _middle(d, big, ((low[0] + c) * step[0], y, (low[2] + r) * step[2]), step, limits, chosen, boxes, margins, w, tables, room)
                if count <= 0:
                    if count < 0 and d[0] < 0:
                        out[s, r: r + big, c: c + big] = -inside
                    continue
                for r0 in range(r, min(r + big, out.shape[1]), TILE):
                    for c0 in range(c, min(c + big, out.shape[2]), TILE):
                        count = _middle(d, TILE, ((low[0] + c0) * step[0], y, (low[2] + r0) * step[2]), step, limits, chosen, boxes, margins, w, tables, room)
                        if count < 0 and d[0] < 0:
                            out[s, r0: r0 + TILE, c0: c0 + TILE] = -inside
                        elif count > 0:
                            _points(out, s, r0, c0, (px, pz, d), y, low, step, limits, chosen[:count], w, tables, room)


@njit(cache=True, fastmath=True)
def _points(out: np.ndarray, s: int, r0: int, c0: int, lanes: tuple[np.ndarray, np.ndarray, np.ndarray], y: Real, low: np.ndarray, step: np.ndarray,
            limits: tuple[Real, Real], chosen: np.ndarray, w: np.ndarray, tables: np.ndarray, room: np.ndarray) -> None:
    """Work out one small square point by point."""
    px, pz, d = lanes
    for k in range(LANES):
        px[k], pz[k] = np.float32((low[0] + c0 + k % TILE) * step[0]), np.float32((low[2] + r0 + k // TILE) * step[2])
    _field(d, LANES, chosen, len(chosen), w, tables, px, y, pz, room)
    for k in range(LANES):
        r, c = r0 + k // TILE, c0 + k % TILE
        if r < out.shape[1] and c < out.shape[2]:
            out[s, r, c] = min(max(d[k], -limits[1]), limits[0])


def shares(mm: np.ndarray, pixel: float, soft: float, thick: float) -> np.ndarray:
    """How much (0-1, float32) of each point of (slices, rows, cols) lies where the distance `mm` is below 0: an edge that stands upright in the slice is `soft` mm
    wide, one that runs along it as wide as the slice is thick, told by the slope of the distance within the plane (`pixel` mm apart)."""
    return _shares(np.ascontiguousarray(mm, np.float32), np.float32(0.5 / pixel), np.float32(soft), np.float32(thick))  # type: ignore[no-any-return]


@njit(cache=True, fastmath=True)
def _shares(mm: np.ndarray, per: Real, soft: Real, thick: Real) -> np.ndarray:
    out = np.zeros(mm.shape, np.float32)
    rows, cols = mm.shape[1], mm.shape[2]
    widest = np.float32(0.5) * (soft + thick)
    for s in range(mm.shape[0]):
        for r in range(rows):
            for c in range(cols):
                d = mm[s, r, c]
                if d >= widest:
                    continue
                if d <= -widest:
                    out[s, r, c] = 1
                    continue
                down = (mm[s, min(r + 1, rows - 1), c] - mm[s, max(r - 1, 0), c]) * per
                across = (mm[s, r, min(c + 1, cols - 1)] - mm[s, r, max(c - 1, 0)]) * per
                width = soft + thick * np.sqrt(max(np.float32(1) - down * down - across * across, np.float32(0)))
                out[s, r, c] = min(max(np.float32(0.5) - d / width, np.float32(0)), np.float32(1))
    return out
