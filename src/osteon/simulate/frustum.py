"""The cone beam: rays from a point source through the pixels of a film, points projected and solids traversed along them.

World axes: x to the right of the film (the patient's left), y towards the source (anterior in an anteroposterior view),
z upwards; millimetres. The film's pixels are measured in the reference plane y = `plane` (the plane for which the
spacing is calibrated), so a length in that plane is true and everything nearer the source is magnified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from osteon.simulate.sdf import CLOSE, CONE, CUT, ELLIPSOID, FAR, HALF_SPACE, JOIN, KEEP, LOFT, OPEN, PUCK, Solid

Real = Any  # float32 inside the kernels, which mypy takes for no float
TILE = 8
LANES = TILE * TILE
ACTION, BLEND, KIND, PARAMS, FRAME, SPAN, WIDTH = 0, 1, 2, 3, 7, 19, 21  # columns of the kernels' working table, one row a primitive
FINE, COARSE, CAUTION = 1.6, np.float32(3.75), np.float32(0.9)  # shortest step (mm), the longest as its multiple, part of the free way
ZERO, QUARTER, HALF, ONE, TINY = (np.float32(v) for v in (0, 0.25, 0.5, 1, 1e-6))


@dataclass(frozen=True, eq=False)
class Frustum:
    """A film of (rows, cols) pixels of `pixel` mm in the plane y = `plane`; `left_top` is (x, z) of the first pixel's centre."""

    shape: tuple[int, int]
    pixel: float
    left_top: tuple[float, float]
    source: tuple[float, float, float]
    plane: float
    detector: float

    @property
    def magnification(self) -> float:
        """Size at the detector over size in the reference plane."""
        return (self.source[1] - self.detector) / (self.source[1] - self.plane)

    def project(self, points: np.ndarray) -> np.ndarray:
        """World points (..., 3) as (row, col) in pixels."""
        p = np.asarray(points, float)
        k = (self.source[1] - p[..., 1]) / (self.source[1] - self.plane)
        u, v = self.source[0] + (p[..., 0] - self.source[0]) / k, self.source[2] + (p[..., 2] - self.source[2]) / k
        return np.stack([(self.left_top[1] - v) / self.pixel, (u - self.left_top[0]) / self.pixel], axis=-1)

    def rays(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For (row, col) points (n, 2): (a, b), each (n, 3), so that the ray at depth y is a + y b."""
        source = np.asarray(self.source)
        through = np.column_stack([self.left_top[0] + at[:, 1] * self.pixel, np.full(len(at), self.plane), self.left_top[1] - at[:, 0] * self.pixel])
        b = (source - through) / (self.source[1] - self.plane)
        return source - b * self.source[1], b


@dataclass(frozen=True, eq=False)
class Placed:
    """A solid in the world: world = turn @ local + shift, `turn` orthogonal (a mirror for a right limb)."""

    solid: Solid
    turn: np.ndarray
    shift: np.ndarray

    def world(self, point: np.ndarray) -> np.ndarray:
        """Local points (..., 3) in the world."""
        return np.asarray(point, float) @ self.turn.T + self.shift


@dataclass(frozen=True, eq=False)
class Chords:
    """Path lengths (mm, float32) of the rays in shell, spongy core and marrow over the window rows `top:`, cols `left:` of a film."""

    top: int
    left: int
    shell: np.ndarray
    sponge: np.ndarray
    marrow: np.ndarray

    @property
    def window(self) -> tuple[slice, slice]:
        """The part of the film that the solid can touch."""
        return slice(self.top, self.top + self.shell.shape[0]), slice(self.left, self.left + self.shell.shape[1])

    @property
    def total(self) -> np.ndarray:
        """The whole path inside the solid."""
        return self.shell + self.sponge + self.marrow


def traverse(frustum: Frustum, placed: Placed, *, fine: float = FINE) -> Chords | None:
    """Path lengths of every ray in a placed solid, by steps of at least `fine` mm; None where it lies outside the film."""
    boxes, depths = _boxes(frustum, placed)
    solid = placed.solid
    real = solid.adds
    size = np.array(frustum.shape)
    low = np.clip(np.floor(boxes[real, 0].min(axis=0)), 0, size).astype(int)
    high = np.clip(np.ceil(boxes[real, 1].max(axis=0)) + 1, 0, size).astype(int)
    if (high <= low).any():
        return None
    low = low // TILE * TILE  # tiles keep their place on the film, however far a solid reaches
    out = np.zeros((3, *(high - low)), np.float32)
    film, source = np.array([*frustum.left_top, frustum.pixel, frustum.plane]), np.array(frustum.source, float)
    _traverse(out, low, film, source, boxes, depths, solid.margins, _work(placed), solid.tables.astype(np.float32), solid.shell,
              np.array(solid.ends), _axis(placed), np.float32(fine))
    return Chords(int(low[0]), int(low[1]), *out)


def clearance(frustum: Frustum, placed: Placed, at: np.ndarray, step: float = 0.8, *, within: tuple[float, float] | None = None) -> np.ndarray:
    """The least signed distance (mm) from the solid along the rays through (row, col) points (n, 2): below 0 where a ray enters.

    `within` is the range of depth (world y) to look at, where it is known.
    """
    if within is None:
        depths = _boxes(frustum, placed)[1][placed.solid.adds]
        within = float(depths[:, 0].min()), float(depths[:, 1].max())
    a, b = frustum.rays(np.asarray(at, float))
    return _clearance(a, b, *within, step, _work(placed), placed.solid.tables.astype(np.float32))


def _work(placed: Placed) -> np.ndarray:
    """The kernels' working table (n, WIDTH) float32: what each primitive is, the world in its frame, the span where it matters."""
    solid = placed.solid
    inverse, shift = placed.turn.T, -placed.turn.T @ placed.shift
    frames = np.concatenate([solid.frames[:, :, :3] @ inverse, (solid.frames[:, :, :3] @ shift + solid.frames[:, :, 3])[..., None]], axis=2)
    n = len(solid.steps)
    steps = solid.steps.copy()
    steps[:, BLEND] = np.maximum(steps[:, BLEND], 1e-3)
    return np.column_stack([steps, frames.reshape(n, 12), np.tile([-FAR, FAR], (n, 1))]).astype(np.float32)


def _axis(placed: Placed) -> np.ndarray:
    """Local z of a world point as (x, y, z, 1) times this vector."""
    return np.append(placed.turn[:, 2], -placed.turn[:, 2] @ placed.shift)


def _boxes(frustum: Frustum, placed: Placed) -> tuple[np.ndarray, np.ndarray]:
    """Each primitive's box on the film (n, 2, 2: row, col) and its range of depth (n, 2), both in world terms."""
    lower, upper = placed.solid.boxes[:, 0], placed.solid.boxes[:, 1]
    pick = np.array([[(i >> k) & 1 for k in range(3)] for i in range(8)], bool)
    corners = np.where(pick, upper[:, None], lower[:, None])
    turn = placed.solid.frames[:, :, :3]
    local = (corners - placed.solid.frames[:, None, :, 3]) @ turn
    world = placed.world(local)
    endless = upper[:, 0] >= FAR
    on_film = frustum.project(np.where(endless[:, None, None], 0.0, world))
    boxes = np.stack([on_film.min(axis=1), on_film.max(axis=1)], axis=1)
    boxes[endless] = [[-FAR, -FAR], [FAR, FAR]]
    return boxes, np.stack([world[..., 1].min(axis=1), world[..., 1].max(axis=1)], axis=1)


@njit(cache=True, fastmath=True)
def _ellipsoids(part: np.ndarray, n: int, w: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> None:
    """Distance to first order, from the reciprocal radii."""
    p0, p1, p2 = w[PARAMS], w[PARAMS + 1], w[PARAMS + 2]
    for k in range(n):
        u, v, t = x[k] * p0, y[k] * p1, z[k] * p2
        k0 = u * u + v * v + t * t
        u, v, t = u * p0, v * p1, t * p2
        part[k] = (k0 - np.sqrt(k0)) / np.sqrt(u * u + v * v + t * t + TINY * TINY)


@njit(cache=True, fastmath=True)
def _cones(part: np.ndarray, n: int, w: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> None:
    p0, taper, length = w[PARAMS], w[PARAMS + 1] - w[PARAMS], w[PARAMS + 2]
    per = ONE / length
    for k in range(n):
        t = min(max(z[k] * per, ZERO), ONE)
        rest = z[k] - t * length
        part[k] = np.sqrt(x[k] * x[k] + y[k] * y[k] + rest * rest) - p0 - taper * t


@njit(cache=True, fastmath=True)
def _ring(x: Real, y: Real, per_rx: Real, per_ry: Real) -> Real:
    """Distance to an ellipse in the plane, to first order, from the reciprocal radii."""
    x, y = x * per_rx, y * per_ry
    k0 = x * x + y * y
    x, y = x * per_rx, y * per_ry
    return (k0 - np.sqrt(k0)) / np.sqrt(x * x + y * y + TINY * TINY)


@njit(cache=True, fastmath=True)
def _round_max(a: Real, b: Real, k: Real) -> Real:
    h = max(k - abs(a - b), ZERO)
    return max(a, b) + h * h * QUARTER / k


@njit(cache=True, fastmath=True)
def _pucks(part: np.ndarray, n: int, w: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> None:
    p0, p1, p2, p3 = w[PARAMS], w[PARAMS + 1], w[PARAMS + 2], w[PARAMS + 3]
    for k in range(n):
        part[k] = _round_max(_ring(x[k], y[k], p0, p1), abs(z[k]) - p2, p3)


@njit(cache=True, fastmath=True)
def _lofts(part: np.ndarray, n: int, w: np.ndarray, table: np.ndarray, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> None:
    """Distance to a shaft whose table (KNOTS, 4) holds centre and reciprocal radii from its low to its high end."""
    low, high, rounding = w[PARAMS], w[PARAMS + 1], w[PARAMS + 2]
    last = np.float32(table.shape[0] - 1)
    scale = last / (high - low)
    for k in range(n):
        t = min(max((z[k] - low) * scale, ZERO), last - np.float32(1e-3))
        i = int(t)
        f = t - np.float32(i)
        g = ONE - f
        d = _ring(x[k] - g * table[i, 0] - f * table[i + 1, 0], y[k] - g * table[i, 1] - f * table[i + 1, 1],
                  g * table[i, 2] + f * table[i + 1, 2], g * table[i, 3] + f * table[i + 1, 3])
        part[k] = _round_max(d, max(low - z[k], z[k] - high), rounding)


@njit(cache=True, fastmath=True)
def _distances(part: np.ndarray, n: int, m: int, w: np.ndarray, tables: np.ndarray, px: np.ndarray, y: Real, pz: np.ndarray,
               local: np.ndarray) -> None:
    """Signed distance of primitive m at n world points (px, y, pz)."""
    r = w[m]
    for c in range(3):
        fx, fz, rest = r[FRAME + 4 * c], r[FRAME + 4 * c + 2], r[FRAME + 4 * c + 1] * y + r[FRAME + 4 * c + 3]
        for k in range(n):
            local[c, k] = fx * px[k] + fz * pz[k] + rest
    kind = int(r[KIND])
    if kind == ELLIPSOID:
        _ellipsoids(part, n, r, local[0], local[1], local[2])
    elif kind == CONE:
        _cones(part, n, r, local[0], local[1], local[2])
    elif kind == LOFT:
        _lofts(part, n, r, tables[int(r[PARAMS + 3])], local[0], local[1], local[2])
    elif kind == PUCK:
        _pucks(part, n, r, local[0], local[1], local[2])
    else:
        for k in range(n):
            part[k] = local[2, k]


@njit(cache=True, fastmath=True)
def _merge(d: np.ndarray, part: np.ndarray, n: int, action: int, blend: Real) -> None:
    """Join, cut or keep with the quadratic smooth minimum."""
    q = QUARTER / blend
    if action in (JOIN, CLOSE):
        for k in range(n):
            h = max(blend - abs(d[k] - part[k]), ZERO)
            d[k] = min(d[k], part[k]) - h * h * q
    elif action == CUT:
        for k in range(n):
            h = max(blend - abs(d[k] + part[k]), ZERO)
            d[k] = max(d[k], -part[k]) + h * h * q
    else:
        for k in range(n):
            h = max(blend - abs(d[k] - part[k]), ZERO)
            d[k] = max(d[k], part[k]) + h * h * q


@njit(cache=True, fastmath=True)
def _field(d: np.ndarray, n: int, chosen: np.ndarray, count: int, w: np.ndarray, tables: np.ndarray, px: np.ndarray, y: Real,
           pz: np.ndarray, room: np.ndarray) -> None:
    """Signed distance of the solid at n world points of one depth, looking only at the primitives whose span holds it."""
    level = 0
    part, local = room[0], room[1:4]
    d[:n] = FAR
    for i in range(count):
        m = chosen[i]
        action = int(w[m, ACTION])
        if action == OPEN:
            room[4 + level, :n] = d[:n]
            level += 1
            d[:n] = FAR
        elif action == CLOSE:
            level -= 1
            _merge(d, room[4 + level], n, CLOSE, w[m, BLEND])
        elif w[m, SPAN] <= y <= w[m, SPAN + 1]:
            _distances(part, n, m, w, tables, px, y, pz, local)
            _merge(d, part, n, action, w[m, BLEND])


@njit(cache=True, fastmath=True)
def _look(shell: np.ndarray, ends: np.ndarray, z: Real, column: int) -> Real:
    t = min(max((z - ends[0]) / (ends[1] - ends[0]), 0.0), 1.0) * (shell.shape[0] - 1)
    i = min(int(t), shell.shape[0] - 2)
    return shell[i, column] + (t - i) * (shell[i + 1, column] - shell[i, column])


@njit(cache=True, fastmath=True)
def _spread(px: np.ndarray, pz: np.ndarray, rays: np.ndarray, y: Real, n: int) -> None:
    """World x and z of the rays (4, n: x = r0 + y r1, z = r2 + y r3) at depth y."""
    for k in range(n):
        px[k] = rays[0, k] + y * rays[1, k]
        pz[k] = rays[2, k] + y * rays[3, k]


@njit(cache=True, fastmath=True)
def _span(w: np.ndarray, m: int, near: Real, far: Real, radius: Real, tables: np.ndarray, ray: np.ndarray, room: np.ndarray) -> None:
    """Write the first and last depth where primitive m is nearer to a ray than `radius` (first above last: nowhere)."""
    first, last, y = np.float32(FAR), np.float32(-FAR), np.float32(near)
    px, pz = room[4], room[5]
    while y <= far:
        _spread(px, pz, ray, y, 1)
        _distances(room[0], 1, m, w, tables, px, y, pz, room[1:4])
        d = room[0, 0] - np.float32(radius)
        step = max(np.float32(2.0), np.float32(0.6) * abs(d))
        if d < ZERO:
            first, last = min(first, y - np.float32(2.0)), y + step
        y += step
    w[m, SPAN], w[m, SPAN + 1] = first, last


@njit(cache=True, fastmath=True)
def _near(chosen: np.ndarray, tile: np.ndarray, radius: Real, boxes: np.ndarray, depths: np.ndarray, margins: np.ndarray, w: np.ndarray,
          tables: np.ndarray, ray: np.ndarray, reach: np.ndarray, room: np.ndarray) -> int:
    """The primitives that come near a tile (first by box, then along its middle ray), and the range of depth of those that add substance."""
    count = 0
    reach[0], reach[1] = FAR, -FAR
    for m in range(w.shape[0]):
        if boxes[m, 0, 0] > tile[2] or boxes[m, 1, 0] < tile[0] or boxes[m, 0, 1] > tile[3] or boxes[m, 1, 1] < tile[1]:
            continue
        chosen[count] = m
        count += 1
        if w[m, ACTION] > KEEP or w[m, KIND] == HALF_SPACE:
            continue
        _span(w, m, depths[m, 0], depths[m, 1], radius + margins[m], tables, ray, room)
        if w[m, SPAN + 1] < w[m, SPAN]:
            count -= 1
        elif w[m, ACTION] == JOIN:
            reach[0], reach[1] = min(reach[0], w[m, SPAN]), max(reach[1], w[m, SPAN + 1])
    return count if reach[1] > reach[0] else 0


@njit(cache=True, fastmath=True)
def _advance(sums: np.ndarray, n: int, d: np.ndarray, before: np.ndarray, step: Real, thick: np.ndarray, fat: Real) -> Real:
    """Add one step to the path lengths of each ray, and say how far the next may go (the distance to the nearest surface of all)."""
    t0, t1, safe = thick[0], thick[1], np.float32(FAR)
    for k in range(n):
        d0, d1 = before[k], d[k]
        e0, e1 = d0 + t0, d1 + t1
        whole = step * (max(-d0, ZERO) + max(-d1, ZERO)) / (abs(d0) + abs(d1) + TINY)
        core = step * (max(-e0, ZERO) + max(-e1, ZERO)) / (abs(e0) + abs(e1) + TINY)
        sums[0, k] += whole - core
        sums[1, k] += core * (ONE - fat)
        sums[2, k] += core * fat
        safe = min(safe, min(abs(d1), abs(e1)))
        before[k] = d1
    return safe


@njit(cache=True, fastmath=True)
def _march(sums: np.ndarray, n: int, reach: np.ndarray, chosen: np.ndarray, count: int, w: np.ndarray, tables: np.ndarray, rays: np.ndarray,
           level: np.ndarray, shell: np.ndarray, ends: np.ndarray, room: np.ndarray, d: np.ndarray, fine: Real) -> None:
    """Integrate n neighbouring rays in step, from behind to the front."""
    px, pz, thick = room[8], room[9], room[11]
    y = np.float32(reach[0])
    _spread(px, pz, rays, y, n)
    _field(room[10], n, chosen, count, w, tables, px, y, pz, room)
    z = level[0] + y * level[1]
    thick[1] = _look(shell, ends, z, 0)
    step = fine
    while y < reach[1]:
        y += step
        _spread(px, pz, rays, y, n)
        _field(d, n, chosen, count, w, tables, px, y, pz, room)
        z = level[0] + y * level[1]
        thick[0], thick[1] = thick[1], _look(shell, ends, z, 0)
        safe = _advance(sums, n, d, room[10], step, thick, np.float32(_look(shell, ends, z, 1)))
        step = min(max(CAUTION * safe, fine), COARSE * fine)


@njit(cache=True, fastmath=True)
def _cast(rays: np.ndarray, k: int, film: np.ndarray, source: np.ndarray, row: Real, col: Real) -> None:
    """Ray k through a point of the film: x = r0 + y r1, z = r2 + y r3."""
    bx = (source[0] - film[0] - col * film[2]) / (source[1] - film[3])
    bz = (source[2] - film[1] + row * film[2]) / (source[1] - film[3])
    rays[0, k], rays[1, k], rays[2, k], rays[3, k] = source[0] - bx * source[1], bx, source[2] - bz * source[1], bz


@njit(cache=True, fastmath=True)
def _tile(out: np.ndarray, r0: int, c0: int, rays: np.ndarray, sums: np.ndarray) -> None:
    """Write the sums of a tile's rays, lengthened by their slant."""
    for k in range(rays.shape[1]):
        r, c = r0 + k // TILE, c0 + k % TILE
        if r < out.shape[1] and c < out.shape[2]:
            slant = np.sqrt(ONE + rays[1, k] * rays[1, k] + rays[3, k] * rays[3, k])
            for i in range(3):
                out[i, r, c] = sums[i, k] * slant


@njit(cache=True, fastmath=True)
def _traverse(out: np.ndarray, low: np.ndarray, film: np.ndarray, source: np.ndarray, boxes: np.ndarray, depths: np.ndarray, margins: np.ndarray,
              w: np.ndarray, tables: np.ndarray, shell: np.ndarray, ends: np.ndarray, axis: np.ndarray, fine: Real) -> None:
    """Fill out (3, rows, cols) tile by tile: only the primitives that come near a tile are looked at on its rays."""
    chosen, tile, reach, level = np.empty(w.shape[0], np.int64), np.empty(4), np.empty(2), np.empty(2)
    room, d, sums, rays = (np.empty((12, LANES), np.float32), np.empty(LANES, np.float32), np.empty((3, LANES), np.float32),
                           np.empty((4, LANES), np.float32))
    middle = np.empty((4, 1), np.float32)
    radius = 1.0 + 0.74 * TILE * film[2]
    for r0 in range(0, out.shape[1], TILE):
        for c0 in range(0, out.shape[2], TILE):
            top, left = low[0] + r0, low[1] + c0
            tile[0], tile[1], tile[2], tile[3] = top - 1, left - 1, top + TILE, left + TILE
            _cast(middle, 0, film, source, top + 0.5 * (TILE - 1), left + 0.5 * (TILE - 1))
            count = _near(chosen, tile, radius, boxes, depths, margins, w, tables, middle, reach, room)
            if count == 0:
                continue
            for k in range(LANES):
                _cast(rays, k, film, source, top + k // TILE, left + k % TILE)
            level[0] = axis[0] * middle[0, 0] + axis[2] * middle[2, 0] + axis[3]
            level[1] = axis[0] * middle[1, 0] + axis[1] + axis[2] * middle[3, 0]
            sums[:] = ZERO
            _march(sums, LANES, reach, chosen, count, w, tables, rays, level, shell, ends, room, d, fine)
            _tile(out, r0, c0, rays, sums)


@njit(cache=True, fastmath=True)
def _clearance(a: np.ndarray, b: np.ndarray, near: Real, far: Real, step: Real, w: np.ndarray, tables: np.ndarray) -> np.ndarray:
    """Least distance of the solid along each ray, by small steps."""
    n, chosen = a.shape[0], np.arange(w.shape[0])
    room, d, rays = np.empty((12, n), np.float32), np.empty(n, np.float32), np.empty((4, n), np.float32)
    rays[0], rays[1], rays[2], rays[3] = a[:, 0], b[:, 0], a[:, 2], b[:, 2]
    out = np.full(n, np.float32(FAR))
    y = np.float32(near)
    while y < far:
        _spread(room[8], room[9], rays, y, n)
        _field(d, n, chosen, w.shape[0], w, tables, room[8], y, room[9], room)
        out = np.minimum(out, d)
        y += np.float32(step)
    return out
