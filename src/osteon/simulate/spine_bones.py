"""Vertebrae and sacrum as tapes, from the lower cervical spine to the coccyx.

Frame of a vertebra: origin in the middle of the body, x to the patient's left, y anterior, z upwards, millimetres. Sizes by
level follow the proportions of textbook anatomy; they are ours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osteon.simulate.sdf import Solid, Step, cone, cut, ellipsoid, group, half_space, join, keep, loft, moved, rotation, solid

COUNT, LUMBAR = 17, 12  # T1 to L5; the first lumbar one
_AT = np.arange(COUNT)
WIDTH = np.interp(_AT, [0, 3, 8, 11, 12, 16], [29, 26, 31, 39, 42, 51])
DEPTH = np.interp(_AT, [0, 5, 11, 12, 16], [17, 23, 29, 31, 35])
HEIGHT = np.interp(_AT, [0, 6, 11, 12, 16], [16, 19.5, 24.5, 26, 27.5])
DISC = np.interp(_AT, [0, 4, 10, 12, 15, 16], [3.6, 3.8, 5.5, 8.0, 11, 10.5])  # below each level
PEDICLE = np.interp(_AT, [0, 4, 9, 11, 12, 16], [4.4, 3.3, 4.2, 5.2, 5.4, 7.6])
DISH = 1.0  # mm: how deep an endplate is hollowed


@dataclass(frozen=True, eq=False)
class VertebraShape:
    """Size (mm) of one vertebra, its level (0 = T1), frames of its two endplates in the vertebra's own, loss of height (fractions:
    anterior, middle, posterior, taken from above), osteophytes (0-1) and cortex (around 1)."""

    level: int
    width: float
    depth: float
    height: float
    plates: tuple[np.ndarray, np.ndarray] = (np.eye(3), np.eye(3))
    loss: tuple[float, float, float] = (0.0, 0.0, 0.0)
    spurs: float = 0.0
    cortex: float = 1.0

    @property
    def lumbar(self) -> bool:
        """Whether it carries no rib."""
        return self.level >= LUMBAR

    @property
    def dishes(self) -> tuple[float, float]:
        """How deep (mm) the superior and the inferior endplate are hollowed in their middle, below the line of their ends."""
        ends = 0.5 * (self.loss[0] + self.loss[2])
        return DISH + max(self.loss[1] - ends, 0.0) * self.height, DISH

    @property
    def tip(self) -> float:
        """How far (degrees) the loss of height tips the superior endplate forwards."""
        return float(np.degrees(np.arctan2((self.loss[0] - self.loss[2]) * self.height, self.depth)))

    def plate(self, top: bool) -> tuple[np.ndarray, np.ndarray]:
        """Middle (3,) and frame (3, 3) of an endplate's plane, after loss of height."""
        if not top:
            return np.array([0, 0, -0.5 * self.height]), self.plates[1]
        lost = 0.5 * (self.loss[0] + self.loss[2])
        return np.array([0, 0, (0.5 - lost) * self.height]), self.plates[0] @ rotation(-self.tip, 0, 0)

    def rim(self, top: bool) -> np.ndarray:
        """Right, left, anterior and posterior end and the hollowed middle (5, 3) of an endplate."""
        middle, frame = self.plate(top)
        w, d = 0.5 * self.width / frame[0, 0], 0.5 * self.depth / frame[1, 1]  # along a plane that leans, the wall is further away
        hollow = self.dishes[0 if top else 1] * (-1 if top else 1)
        return middle + np.array([[-w, 0, 0], [w, 0, 0], [0, d, 0], [0, -d, 0], [0, 0, hollow]]) @ frame.T


def vertebra(shape: VertebraShape) -> Solid:
    """A thoracic or lumbar vertebra."""
    return _bone([*group(_body(shape), 2), *_arch(shape)], shape)


def body_alone(shape: VertebraShape) -> Solid:
    """The body without its arch: the outline that defines the corners on a film."""
    return _bone(_body(shape), shape)


def _bone(steps: list[Step], shape: VertebraShape) -> Solid:
    h = shape.height
    cortex = shape.cortex * (1.0 if shape.lumbar else 0.85)
    return solid(steps, shell=([-60, -0.5 * h, 0, 0.5 * h, 60], [1.5 * cortex, 1.15 * cortex, 0.75 * cortex, 1.15 * cortex, 1.5 * cortex]),
                 marrow=([-60, 60], [0.25, 0.25]))


def _body(shape: VertebraShape) -> list[Step]:
    w, d, h = 0.5 * shape.width, 0.5 * shape.depth, shape.height
    left = h * (1 - max(shape.loss[0], shape.loss[2]))  # above what is left of the lowest end the wall is as wide as the rim
    z = -0.5 * h + np.array([-0.35 * h, 0, 0.2 * left, 0.5 * left, 0.8 * left, left, 1.35 * h])
    waist = np.array([1, 1, 0.94, 0.89, 0.94, 1, 1])
    steps = [join(loft(z, [0.0] * 7, [0.0] * 7, w * waist, d * waist, rounding=1))]
    for top in (True, False):
        middle, frame = shape.plate(top)
        up = 1.0 if top else -1.0
        steps.append(keep(half_space(middle, up * frame[:, 2]), 1.6))
        dish = shape.dishes[0 if top else 1]
        steps.append(cut(ellipsoid(middle + frame @ (0, -0.06 * d, up * 1.2), (0.80 * w, 0.80 * d, 1.2 + dish), frame), 1.0))
        if shape.spurs > 0.05:
            steps += _spurs(shape, middle, frame, up)
    return [*steps, cut(ellipsoid((0, -d - 6.2, 0), (0.42 * shape.width, 7.6, 0.8 * h)), 2)]


def _spurs(shape: VertebraShape, middle: np.ndarray, frame: np.ndarray, up: float) -> list[Step]:
    """Osteophytes in front and on both sides of an endplate."""
    w, d, size = 0.5 * shape.width, 0.5 * shape.depth, shape.spurs
    out = []
    for x, y in ((0.0, 1.0), (0.75, 0.72), (-0.75, 0.72), (1.0, 0.1), (-1.0, 0.1)):
        root, tip = np.array([x * (w - 4), y * (d - 4), -up * 3.2]), np.array([x * (w + 3.6 * size), y * (d + 3.6 * size), up * 0.2])
        out.append(join(cone(middle + frame @ root, middle + frame @ tip, 2.8, 1.0 + 0.5 * size), 3))
    return out


def _arch(shape: VertebraShape) -> list[Step]:
    """Pedicles, laminae, transverse, articular and spinous processes."""
    w, d, h = 0.5 * shape.width, 0.5 * shape.depth, shape.height
    r, k = float(PEDICLE[min(max(shape.level, 0), COUNT - 1)]), shape.width / WIDTH[min(max(shape.level, 0), COUNT - 1)]
    zc, x = 0.17 * h, 0.63 * w
    steps: list[Step] = []
    for s in (-1, 1):
        steps += [join(cone((s * x, -d + 3, zc), (s * (x + 0.8), -d - 9, zc - 0.5), r, 0.95 * r), 1.5),
                  join(cone((s * (x - 1.0), -d - 10, zc - 3), (s * 2.0, -d - 21, -3), 3.3, 3.6), 4),
                  *_processes(shape, s, x, zc, k)]
    return steps + _spinous(shape)


def _processes(shape: VertebraShape, s: int, x: float, zc: float, k: float) -> list[Step]:
    w, d, h = 0.5 * shape.width, 0.5 * shape.depth, shape.height
    if shape.lumbar:
        reach = float(np.interp(shape.level, [12, 14, 16], [13, 21, 17])) * k
        return [join(cone((s * (x + 3), -d - 8, zc), (s * (w + reach), -d - 11, zc + 2), 4.4, 2.8), 4),
                join(cone((s * (x + 1), -d - 12, zc + 2), (s * (x + 1.5), -d - 15, 0.5 * h + 6), 4.6, 3.8), 5),
                join(cone((s * (x - 2), -d - 14, -1), (s * (x - 3), -d - 19, -0.5 * h - 8), 4.4, 3.9), 5)]
    reach = float(np.interp(shape.level, [0, 1, 8, 11], [19, 19, 16, 7])) * k
    return [join(cone((s * (x + 2), -d - 9, zc), (s * (w + reach), -d - 20, zc + 4), 4.2, 3.9), 4),
            join(cone((s * (x - 1), -d - 11, zc + 1), (s * (x - 1.5), -d - 12, 0.5 * h + 5), 3.4, 2.6), 4),
            join(cone((s * (x - 1), -d - 13, -1), (s * (x - 2), -d - 14, -0.5 * h - 6), 3.4, 2.6), 4)]


def _spinous(shape: VertebraShape) -> list[Step]:
    d, h = 0.5 * shape.depth, shape.height
    if shape.lumbar:
        return [join(ellipsoid((0, -d - 31, -4 - 0.05 * h), (3.0, 14, 0.36 * h)), 4), join(ellipsoid((0, -d - 43, -5 - 0.1 * h), (3.9, 4.2, 0.33 * h)), 4)]
    steep = np.radians(np.interp(shape.level, [-3, 0, 2, 6, 9, 11], [15, 30, 42, 58, 40, 18]))
    length = float(np.interp(shape.level, [-3, 0, 6, 11], [20, 30, 33, 24]))
    tip = np.array([0, -d - 20 - length * np.cos(steep), -3 - length * np.sin(steep)])
    return [join(cone((0, -d - 19, -3), tip, 3.4, 3.0), 4), join(ellipsoid(tip, (3.9, 4, 5.0)), 3)]


def cervical(number: int, scale: float) -> Solid:
    """C5 to C7 (`number` 5-7): body with uncinate edges, articular pillars, transverse processes and a short spinous process."""
    w, d, h = scale * (12.0 + 0.9 * (number - 5)), scale * 8.0, scale * 13.0
    z = 0.5 * h * np.array([-1, -0.5, 0, 0.5, 1])
    steps = [join(loft(z, [0.0] * 5, [0.0] * 5, w * np.array([1, 0.94, 0.9, 0.95, 1.04]), d * np.array([1, 0.96, 0.94, 0.96, 1]), rounding=2))]
    for s in (-1, 1):
        steps += [join(cone((s * 0.9 * w, 0, 0.4 * h), (s * (w + 1), -1, 0.5 * h + 3), 2.2, 1.4), 2),
                  join(cone((s * (w + 4), -d - 5, 0.5 * h), (s * (w + 4), -d - 7, -0.5 * h), 4.6, 4.6), 4),
                  join(cone((s * (w + 4), -4, -1), (s * (w + (20 if number == 7 else 11)), -8, 1), 3.6, 2.8), 4),
                  join(cone((s * (w + 1), -d - 8, 0), (s * 2, -d - 18, -2), 2.8, 3.0), 4)]
    steps += [join(cone((0, -d - 17, -2), (0, -d - (38 if number == 7 else 26), -6), 3.0, 3.2), 4)]
    return solid(steps, shell=((-30, 30), (0.9, 0.9)), marrow=((-30, 30), (0.2, 0.2)))


S1_DEPTH = 34.0


def sacrum() -> Solid:
    """Sacrum and coccyx; origin in the middle of the endplate of S1, whose plane is z = 0."""
    blocks: list[Step] = []
    places = ((0, -13.5, 0), (0.9, -40, 4), (4.5, -63, 14), (11.7, -82, 28), (21.6, -96.5, 42))
    for (y, z, bend), w, d, h in zip(places, (25, 21, 17, 14, 11), (0.5 * S1_DEPTH, 11.5, 8.5, 6.5, 5.2), (13.5, 12.5, 11, 9.5, 8), strict=True):
        turn = rotation(bend, 0, 0)
        levels = h * np.array([-1, -0.5, 0.5, 1.3 if z > -20 else 1])  # S1 is cut off by the plane of its endplate
        radii = np.array([0.85, 0.88, 0.96, 1.02]) if z > -20 else np.array([0.95, 0.88, 0.88, 1.0])
        blocks += moved([join(loft(levels, [0.0] * 4, [0.0] * 4, w * radii, d * radii, rounding=2.5), 1.2)], turn, (0, y, z))
    wings = loft([-3, -13, -27, -46, -64, -82, -96], [0.0] * 7, [-8, -10, -11, -9, -3, 6, 17],
                 [26, 42, 52, 48, 39, 27, 17], [8, 10, 11, 10.5, 9, 7, 5.5], rounding=9)
    steps = [*blocks, join(wings, 4), keep(half_space((0, 0, 0), (0, 0, 1)), 1.5), cut(ellipsoid((0, -1, 1.2), (19, 12.5, 2.2)), 1.0)]
    for s in (-1, 1):
        steps += [cut(cone((s * x, y + 26, z + 17), (s * (x + 2), y - 26, z - 17), 5.4, 4.6), 3)
                  for x, y, z in ((22, -7, -27), (19.5, -5, -51), (17, 1, -72), (14, 11, -89))]
        steps += [join(cone((s * 20, -15, -4), (s * 21, -23, 9), 4.4, 3.4), 4)]
    tail = [((0, 30, -106), 5.0), ((0, 37, -112), 4.4), ((0, 45, -116), 3.6), ((0, 52, -118), 2.4)]
    steps += [join(cone(a, b, ra, rb), 1.5) for (a, ra), (b, rb) in zip(tail, tail[1:], strict=False)]
    crest = [(0, -26, -8), (0, -27, -34), (0, -21, -56), (0, -11, -76)]
    steps += [join(cone(a, b, 4.6, 4.0), 5) for a, b in zip(crest, crest[1:], strict=False)]
    return solid(steps, shell=((-140, 10), (1.3, 1.2)), marrow=((-140, 10), (0.25, 0.25)))
