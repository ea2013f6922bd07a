"""Cervical vertebrae C1 to C7 as tapes, with osteophytes, and what ossifies behind their bodies.

Frame of a vertebra: origin in the middle of the body (of C1: of the dens behind its arch), x to the patient's left, y anterior, z up along the walls;
millimetres. Proportions are those of textbook anatomy; dimensions are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from osteon.simulate.sdf import Solid, Step, cone, cut, ellipsoid, group, half_space, join, keep, loft, rotation, solid

WIDTH = (17.0, 17.2, 17.8, 18.6, 20.0, 22.4)  # mm of the bodies C2 to C7
SPINOUS = ((17.0, 22.0), (12.0, 30.0), (11.5, 30.0), (13.0, 28.0), (20.0, 22.0), (29.0, 20.0))  # length (mm) behind the lamina and fall (degrees), C2 to C7
FACET_GAP, FACET_DEG, BEHIND = 0.75, 42.0, 6.5  # half the joint space (mm), slope of the joints, how far behind the walls they lie
LEAST_MM = 0.3  # a smaller osteophyte is none
CORNERS = ("superior_anterior", "superior_posterior", "inferior_anterior", "inferior_posterior")
Plane = tuple[np.ndarray, np.ndarray]  # point and outward normal


@dataclass(frozen=True, eq=False)
class CervicalShape:
    """One vertebra C2 to C7 (`number`): size (mm), frames of its endplates in its own, width of the canal (mm), the planes of the facet joints above and below
    in its own frame, osteophytes (mm of reach by CORNERS), uncinate overgrowth (0-1), and constitution (size, cortex; 1 as usual)."""

    number: int
    body: tuple[float, float]
    plates: tuple[np.ndarray, np.ndarray]
    canal: float
    facets: tuple[Plane | None, Plane | None]
    spurs: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    hooks: float = 0.0
    build: tuple[float, float] = (1.0, 1.0)

    @property
    def width(self) -> float:
        """Width of the body (mm)."""
        return WIDTH[self.number - 2] * self.build[0]

    @property
    def wall(self) -> float:
        """How far the walls stand before and behind the middle (mm)."""
        return 0.5 * self.body[0] * float(self.plates[1][1, 1])

    def corner(self, k: int) -> np.ndarray:
        """A corner (3,) of the body, in the order of CORNERS."""
        sign, ahead = (1.0 if k < 2 else -1.0), (1.0 if k % 2 == 0 else -1.0)
        frame = self.plates[0 if k < 2 else 1]
        return np.array([0, 0, 0.5 * sign * self.body[1]]) + 0.5 * self.body[0] * ahead * frame[:, 1]

    def tip(self, k: int) -> tuple[np.ndarray, float]:
        """Centre (3,) and radius (mm) of the tip of an osteophyte; it grows along the endplate and a little over the disc."""
        frame, reach = self.plates[0 if k < 2 else 1], self.spurs[k]
        radius = 0.7 + 0.06 * reach
        way = (1.0 if k % 2 == 0 else -1.0) * frame[:, 1] * (reach - radius) + (1.0 if k < 2 else -1.0) * frame[:, 2] * 0.22 * reach
        return self.corner(k) + way, radius


def vertebra(shape: CervicalShape) -> Solid:
    """A vertebra C2 to C7."""
    return _bone([*group(_body(shape), 1.5), *_arch(shape), *(_dens(shape) if shape.number == 2 else _uncinate(shape))], shape)


def body_alone(shape: CervicalShape) -> Solid:
    """The body without arch and hooks: the outline that defines corners and osteophytes on a film."""
    return _bone(_body(shape), shape)


def _bone(steps: Sequence[Step], shape: CervicalShape) -> Solid:
    h, c = shape.body[1], shape.build[1]
    high = 1.5 if shape.number == 2 else 0.9  # the dens has the thickest cortex
    return solid(steps, shell=([-40, -0.5 * h, 0, 0.5 * h, 0.5 * h + 5, 60], [0.9 * c, 0.75 * c, 0.42 * c, 0.75 * c, high * c, high * c]), marrow=([-40, 60], [0.0, 0.0]))


def _body(shape: CervicalShape) -> list[Step]:
    d, h, w = shape.wall, shape.body[1], 0.5 * shape.width
    z, waist = h * np.array([-0.85, -0.5, -0.25, 0, 0.25, 0.5, 0.85]), np.array([1, 1, 0.95, 0.93, 0.95, 1, 1])
    shift = -0.5 * d * (1 - waist)  # the anterior wall is hollow, the posterior one is not
    steps = [join(loft(z, np.zeros(7), shift, w * waist, d + shift, rounding=0.8))]
    for k, up in ((0, 1.0), (1, -1.0)):
        frame, middle = shape.plates[k], np.array([0, 0, 0.5 * up * h])
        if not (shape.number == 2 and k == 0):
            steps += [keep(half_space(middle, up * frame[:, 2]), 0.9), cut(ellipsoid(middle + frame @ (0, -0.04 * d, up * 1.2), (0.78 * w, 0.74 * d, 1.9), frame), 0.8)]
        else:
            steps.append(keep(half_space(middle, frame[:, 2]), 3))
        for side in (2 * k, 2 * k + 1):
            steps += _spur(shape, side)
    return steps


def _spur(shape: CervicalShape, k: int) -> list[Step]:
    """An osteophyte: a lip along the margin with its beak in the middle."""
    reach = shape.spurs[k]
    if reach < LEAST_MM:
        return []
    frame, corner, (tip, radius) = shape.plates[0 if k < 2 else 1], shape.corner(k), shape.tip(k)
    ahead, up = (1.0 if k % 2 == 0 else -1.0) * frame[:, 1], (1.0 if k < 2 else -1.0) * frame[:, 2]
    root, side, broad = corner - 3.0 * ahead - (1.6 + 0.2 * reach) * up, 0.3 * shape.width * frame[:, 0], 1.4 + 0.2 * reach
    return [join(cone(root, tip, broad, radius), 2.0), *(join(cone(root + s * side, corner + s * side + 0.45 * (tip - corner), broad, 0.8), 2.0) for s in (-1, 1))]


def _uncinate(shape: CervicalShape) -> list[Step]:
    """The hooks on both sides of the upper endplate, which overgrow where a disc is worn."""
    w, h, more = 0.5 * shape.width, 0.5 * shape.body[1], shape.hooks
    return [join(cone((s * 0.84 * w, -0.8, h - 2.5), (s * (w + 0.3), -1.6 - 1.5 * more, h + 2.6 + 0.8 * more), 2.0, 0.9 + 0.8 * more), 1.5) for s in (-1, 1)]


def _dens(shape: CervicalShape) -> list[Step]:
    """The dens on the body of C2, with the shoulders on which the atlas turns."""
    h, k = 0.5 * shape.body[1], shape.build[0]
    steps = [join(cone((0, 0.6, h - 5), (0, -1.2, h + 9 * k), 6.0 * k, 4.9 * k), 4), join(cone((0, -1.2, h + 9 * k), (0, -2.2, h + 14.5 * k), 4.9 * k, 4.3 * k), 1)]
    return steps + [join(ellipsoid((s * 13 * k, -2, h - 3.5), (8.0, 8.0, 5.2), rotation(0, s * 20, 0)), 4) for s in (-1, 1)]


def _arch(shape: CervicalShape) -> list[Step]:
    """Pedicles, articular pillars cut by the planes of their joints, transverse processes, laminae, spinous process."""
    n, w, d, k = shape.number, 0.5 * shape.width, shape.wall, shape.build[0]
    x, y, back = w + 4.6 * k, -d - BEHIND * k, -d - shape.canal - 2.4
    steps: list[Step] = []
    for s in (-1, 1):
        steps += [join(cone((s * 0.7 * w, -d + 2.2, 1.6), (s * x, y + 2, 1.0), 3.1 * k, 3.2 * k), 2), *group(_pillar(shape, s * x, y), 1.5),
                  join(cone((s * (w + 1), 0.5, -1), (s * (w + (9 if n < 7 else 17) * k), -d + 2, -2.5), 2.6, 2.0 if n < 7 else 3.0), 2)]
        for z in (1.5, -3.0, -6.5) if n > 2 else (3.0, -2.0, -7.0):
            steps.append(join(cone((s * (x - 1.5), y - 3.5, z + 1.0), (s * 1.6, back - 0.3 * abs(z + 2), z - 2.0), 2.3 * k, 2.4 * k), 2.5))
    length, fall = SPINOUS[n - 2]
    way, root = np.array([0, -np.cos(np.radians(fall)), -np.sin(np.radians(fall))]), np.array([0, back - 0.5, -4.0])
    tall, tip = {2: 4.8, 7: 3.6}.get(n, 3.2), root + (length - 3.0) * k * way
    steps += [join(cone(root + (0, 0, 1.5), tip, tall, 2.6), 3), join(cone(root - (0, 0, 3.0), tip, tall, 2.6), 3)]
    if n == 7:
        return [*steps, join(ellipsoid(tip, (4.5, 4.2, 4.6)), 3)]
    spread = 4.6 if n == 2 else 3.4
    return steps + [join(cone(tip + (0, 2, 0), tip + (s * spread, -2.0, -1.6), 2.8, 2.4 if n < 6 else 2.8), 2) for s in (-1, 1)]


def _pillar(shape: CervicalShape, x: float, y: float) -> list[Step]:
    """An articular pillar, cut off by the planes of the joints above and below; that of C2 runs forwards to its shoulder."""
    k, tall = shape.build[0], 26.0 * shape.build[0]
    above = shape.facets[0]
    whole = loft([-tall, 0, tall], [x] * 3, [y + 0.1 * tall, y, y - 0.1 * tall], [5.4 * k] * 3, [6.0 * k] * 3, rounding=2)
    shaft = whole if above else cone((x, y, -20), (0.85 * x, y + 7, 3), 5.4 * k, 6.0 * k)
    return [join(shaft), *(keep(half_space(*plane), 1.2) for plane in shape.facets if plane)]


def atlas(size: float, cortex: float, interval: float) -> Solid:
    """C1; origin in the middle of the dens behind its anterior arch, `interval` mm behind the arch."""
    k, front = size, 5.2 * size + interval
    steps = [join(ellipsoid((0, front + 3.0 * k, 0), (8.0 * k, 3.0 * k, 5.2 * k)))]
    for s in (-1, 1):
        steps += [join(cone((s * 6 * k, front + 2.6 * k, 0), (s * 16 * k, 5 * k, 0), 3.0 * k, 4.0 * k), 2),
                  join(ellipsoid((s * 18 * k, 0, 0), (5.0 * k, 7.6 * k, 6.2 * k), rotation(0, s * 14, 0)), 3), join(cone((s * 24 * k, -1, -1), (s * 35 * k, -3, -3), 3.4 * k, 2.8 * k), 3),
                  join(cone((s * 19 * k, -7 * k, 0.5), (s * 13 * k, -17 * k, 1), 2.7 * k, 2.5 * k), 3), join(cone((s * 13 * k, -17 * k, 1), (0, -25.5 * k, 0.5), 2.5 * k, 3.0 * k), 1)]
    steps.append(join(ellipsoid((0, -27 * k, 0), (4 * k, 3.4 * k, 4.6 * k)), 2))
    return solid(steps, shell=((-30, 30), (0.75 * cortex, 0.75 * cortex)), marrow=((-30, 30), (0.0, 0.0)))


LAMINA = -23.0  # mm: the front of the posterior arch of C1, behind the middle of the dens


def mass(walls: np.ndarray, backs: np.ndarray) -> Solid:
    """Ossified ligament between the backs of the bodies (n, 3) and its own back (n, 3), in the world's frame; broad, thinner at the sides."""
    steps = []
    for aside, share in ((0.0, 1.0), (-5.0, 0.8), (5.0, 0.8)):
        at = walls + 0.5 * share * (backs - walls) + np.array([aside, 0, 0])
        thick = 0.5 * share * np.linalg.norm(backs - walls, axis=1)
        steps += [join(cone(a, b, ra, rb), 1.5) for a, b, ra, rb in zip(at, at[1:], thick, thick[1:], strict=False) if max(ra, rb) > LEAST_MM]
    return solid(steps, shell=((-300, 300), (1.8, 1.8)))
