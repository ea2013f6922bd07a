"""Solids as signed distance: a bone is a tape of primitives joined, cut and blended in order, evaluated along rays.

All lengths are millimetres in the frame of the solid; a distance is negative inside. `solid` lays the steps out as
structure of arrays with one bounding box a primitive, so that the kernels in `rays` touch only what is near.
The smooth minimum is the quadratic one: two parts influence each other only where their distances differ by less
than the blending radius, which is what makes leaving far parts out exact. Quilez, "smooth minimum" (iquilezles.org).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.interpolate import PchipInterpolator

ELLIPSOID, CONE, PUCK, LOFT, HALF_SPACE, MARK = range(6)
JOIN, CUT, KEEP, OPEN, CLOSE = range(5)
KNOTS = 128
FAR = 1e4

Vector = Sequence[float] | np.ndarray


@dataclass(frozen=True, eq=False)
class Step:
    """One step of a tape: a primitive in its own frame (`turn`, `origin`), how it acts, its parameters and its box."""

    kind: int
    params: tuple[float, float, float, float]
    turn: np.ndarray
    origin: np.ndarray
    lower: Vector = (0.0, 0.0, 0.0)
    upper: Vector = (0.0, 0.0, 0.0)
    action: tuple[int, float] = (JOIN, 0.0)
    table: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Solid:
    """A tape as arrays: steps (n, 7: action, blend, kind, four parameters), margins (n: how far each reaches), frames (n, 3, 4),
    boxes (n, 2, 3), tables (m, KNOTS, 4).

    `shell` (KNOTS, 2) holds cortical thickness (mm) and marrow fraction of the core along the z axis between `ends`.
    """

    steps: np.ndarray
    margins: np.ndarray
    frames: np.ndarray
    boxes: np.ndarray
    tables: np.ndarray
    shell: np.ndarray
    ends: tuple[float, float]

    @property
    def adds(self) -> np.ndarray:
        """Which steps add substance (n, bool)."""
        return self.steps[:, 0] == JOIN


def ellipsoid(centre: Vector, radii: Vector, turn: np.ndarray | None = None) -> Step:
    """An ellipsoid with three radii (mm) along the axes of `turn`."""
    r = np.asarray(radii, float)
    return Step(ELLIPSOID, (float(1 / r[0]), float(1 / r[1]), float(1 / r[2]), 0.0), _frame(turn), np.asarray(centre, float), -r, r)


def sphere(centre: Vector, radius: float) -> Step:
    """A sphere (mm)."""
    return ellipsoid(centre, (radius, radius, radius))


def cone(start: Vector, end: Vector, start_radius: float, end_radius: float) -> Step:
    """A round cone from one centre to another, with a radius (mm) at each."""
    start, axis = np.asarray(start, float), np.asarray(end, float) - np.asarray(start, float)
    length, widest = float(np.linalg.norm(axis)), max(start_radius, end_radius)
    return Step(CONE, (float(start_radius), float(end_radius), length, 0.0), _along(axis / length), start,
                (-widest, -widest, -start_radius), (widest, widest, length + end_radius))


def puck(centre: Vector, radii: tuple[float, float], half_height: float, rounding: float, turn: np.ndarray | None = None) -> Step:
    """A flat elliptic cylinder about its z axis with rounded edges (mm)."""
    size = np.array([*radii, half_height], float)
    return Step(PUCK, (1 / radii[0], 1 / radii[1], float(half_height), float(rounding)), _frame(turn), np.asarray(centre, float), -size, size)


def loft(levels: Vector, x: Vector, y: Vector, rx: Vector, ry: Vector, *, rounding: float = 3.0) -> Step:
    """A shaft: ellipses with centre (x, y) and radii (rx, ry) at each level of z, joined by monotone cubic (PCHIP) profiles."""
    low, high, values = _profile(levels, (x, y, rx, ry))
    reach = np.abs(values[:, :2]) + values[:, 2:]
    side = reach.max(axis=0)
    values[:, 2:] = 1 / values[:, 2:]
    return Step(LOFT, (low, high, float(rounding), 0.0), np.eye(3), np.zeros(3), (-side[0], -side[1], low), (side[0], side[1], high), table=values)


def half_space(point: Vector, outward: Vector) -> Step:
    """All that lies behind a plane; `outward` is its normal."""
    normal = np.asarray(outward, float)
    return Step(HALF_SPACE, (0.0, 0.0, 0.0, 0.0), _along(normal / np.linalg.norm(normal)), np.asarray(point, float), (-FAR,) * 3, (FAR,) * 3)


def join(step: Step, blend: float = 0.0) -> Step:
    """Add a primitive, flowing into what is there over `blend` mm."""
    return replace(step, action=(JOIN, blend))


def cut(step: Step, blend: float = 0.0) -> Step:
    """Take a primitive away."""
    return replace(step, action=(CUT, blend))


def keep(step: Step, blend: float = 0.0) -> Step:
    """Keep only what lies inside a primitive."""
    return replace(step, action=(KEEP, blend))


def group(steps: Sequence[Step], blend: float = 0.0) -> list[Step]:
    """Steps that are worked out among themselves first and then joined to the rest over `blend` mm."""
    mark = Step(MARK, (0.0, 0.0, 0.0, 0.0), np.eye(3), np.zeros(3), (-FAR,) * 3, (FAR,) * 3)
    return [replace(mark, action=(OPEN, 0.0)), *steps, replace(mark, action=(CLOSE, blend))]


def moved(steps: Sequence[Step], turn: np.ndarray, shift: Vector = (0.0, 0.0, 0.0)) -> list[Step]:
    """The same steps turned (3 x 3) and then shifted (mm)."""
    return [replace(s, turn=turn @ s.turn, origin=turn @ s.origin + np.asarray(shift, float)) for s in steps]


def solid(steps: Sequence[Step], *, shell: tuple[Vector, Vector] = ((0.0, 1.0), (1.0, 1.0)),
          marrow: tuple[Vector, Vector] = ((0.0, 1.0), (0.0, 0.0))) -> Solid:
    """Lay steps out for the kernels; `shell` = (levels z, cortical thickness mm), `marrow` = (levels z, fraction of the core)."""
    low, high = min(*shell[0], *marrow[0]), max(*shell[0], *marrow[0])
    grid = np.linspace(low, high, KNOTS)
    tables = [step.table for step in steps if step.table is not None]
    rows = [(*step.action, step.kind, *step.params) for step in steps]
    lofts = [i for i, step in enumerate(steps) if step.table is not None]
    for n, i in enumerate(lofts):
        rows[i] = (*rows[i][:6], float(n))
    margins = _margins(steps)
    boxes = np.array([[s.lower, s.upper] for s in steps], float) + np.array([[-1.0], [1.0]]) * margins[:, None, None]
    frames = np.array([np.column_stack([s.turn.T, -s.turn.T @ s.origin]) for s in steps])
    along = [_pchip(*profile)(np.clip(grid, min(profile[0]), max(profile[0]))) for profile in (shell, marrow)]
    return Solid(np.array(rows, float), margins, frames, boxes, np.array(tables) if tables else np.zeros((1, KNOTS, 4)),
                 np.column_stack(along), (float(low), float(high)))


def rotation(about_x: float = 0.0, about_y: float = 0.0, about_z: float = 0.0) -> np.ndarray:
    """The matrix Rz Ry Rx for three angles in degrees."""
    (cx, sx), (cy, sy), (cz, sz) = ((np.cos(a), np.sin(a)) for a in np.radians([about_x, about_y, about_z]))
    return (np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1.0]]) @ np.array([[cy, 0, sy], [0, 1.0, 0], [-sy, 0, cy]])
            @ np.array([[1.0, 0, 0], [0, cx, -sx], [0, sx, cx]]))


def _margins(steps: Sequence[Step]) -> np.ndarray:
    """How far (mm) each step reaches: its own blend and every later one that it can meet (not those inside later groups)."""
    saved: list[float] = []
    out, widest = np.zeros(len(steps)), 1.0
    for i in range(len(steps) - 1, -1, -1):
        action, blend = steps[i].action
        widest = saved.pop() if action == OPEN else max(widest, blend)
        if action == CLOSE:
            saved.append(widest)
        out[i] = widest
    return out


def _frame(turn: np.ndarray | None) -> np.ndarray:
    return np.eye(3) if turn is None else np.asarray(turn, float)


def _along(axis: np.ndarray) -> np.ndarray:
    """A rotation whose z axis is `axis` (unit length)."""
    ax, ay, az = (float(v) for v in axis)
    if abs(az) < 0.9:  # x = z cross axis, else y cross axis
        n = (ax * ax + ay * ay) ** 0.5
        x = (-ay / n, ax / n, 0.0)
    else:
        n = (ax * ax + az * az) ** 0.5
        x = (az / n, 0.0, -ax / n)
    y = (ay * x[2] - az * x[1], az * x[0] - ax * x[2], ax * x[1] - ay * x[0])
    return np.array([x, y, (ax, ay, az)]).T


def _pchip(levels: Vector, values: Vector) -> PchipInterpolator:
    from scipy.interpolate import PchipInterpolator

    order = np.argsort(levels)
    return PchipInterpolator(np.asarray(levels, float)[order], np.asarray(values, float)[order], axis=0)


def _profile(levels: Vector, columns: Sequence[Vector]) -> tuple[float, float, np.ndarray]:
    low, high = float(min(levels)), float(max(levels))
    grid = np.linspace(low, high, KNOTS)
    stacked = np.column_stack([np.broadcast_to(np.asarray(c, float), len(levels)) for c in columns])
    return low, high, _pchip(levels, stacked)(grid)
