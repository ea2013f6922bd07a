"""Humerus, scapula and clavicle at close range, the ribs behind, and what is dense in them.

Frames: x lateral, y anterior, z up, millimetres, origin the centre of the humeral head in its place; the humerus stands with its head axis in the plane y = 0, the scapula in the frame of its own
plane, the clavicle and the ribs in that of the trunk. Shapes follow textbook proportions (head of 23 mm radius, neck-shaft angle of 135 degrees); dimensions are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from osteon.simulate.sdf import Solid, Step, cone, cut, ellipsoid, group, half_space, join, keep, loft, moved, puck, rotation, solid, sphere
from osteon.simulate.thorax_bones import FALL, HALF_DEPTH, HALF_WIDTH

HEAD, SPACE = 23.0, 4.2
PLANE = 34.0  # degrees by which the scapula stands before the frontal plane
MIDLINE = -166.0  # of the trunk
ACROMION_Z = 37.6
CLAVICLE = np.array([(-143.0, 42, 4), (-116, 53, 12), (-82, 47, 25), (-48, 24, 34), (-22, 5, 38), (-10, -1, 38.5)])
CLAVICLE_RADII = (10.5, 7.4, 6.4, 6.3, 7.0, 6.6)


@dataclass(frozen=True)
class ShoulderShape:
    """Constitution: `size` (by which the film is scaled, so that all else is of one size) and `cortex` around 1, neck-shaft angle (degrees), how high the acromion stands (mm above usual) and how far it reaches out (mm)."""

    size: float = 1.0
    cortex: float = 1.0
    neck_shaft: float = 135.0
    rise: float = 0.0
    reach: float = 0.0

    @property
    def axis(self) -> np.ndarray:
        """The way (unit length) from the shaft into the head, in the humerus' frame."""
        lean = np.radians(self.neck_shaft - 90)
        return np.array([-np.cos(lean), 0.0, np.sin(lean)])

    @property
    def neck(self) -> np.ndarray:
        """Where the axis of the head meets that of the shaft."""
        return -8.6 / abs(self.axis[0]) * self.axis


def humerus_steps(shape: ShoulderShape) -> list[Step]:
    """The tape of the upper half of the humerus."""
    z = np.array([-260, -190, -140, -100, -76, -56, -40, -26, -13, -2, 8])
    x = np.array([8.0, 8.4, 8.6, 8.6, 8.6, 8.6, 8.6, 8.4, 8.2, 8.4, 8.8])
    rx = np.array([11.6, 11.2, 11.0, 11.2, 12.0, 13.6, 16.2, 19.4, 20.6, 17.5, 10.5])
    ry = np.array([11.6, 11.2, 11.2, 11.4, 12.0, 13.4, 15.6, 18.2, 19.0, 17.0, 10.5])
    neck = shape.axis
    return [join(loft(z, x, np.zeros(11), rx, ry, rounding=8)), join(sphere((0, 0, 0), HEAD), 3), join(cone(0.1 * HEAD * neck, -0.55 * HEAD * neck, 19.5, 19.0), 6),
            join(ellipsoid((21.0, -4, -1.5), (10.2, 13.5, 13.5)), 5), join(ellipsoid((14.0, 16.5, -6), (8.0, 6.6, 11)), 5), cut(cone((21.5, 16.5, 14), (17.5, 16.5, -46), 3.2, 2.2), 3),
            cut(ellipsoid((20.5, -2, 17.5), (4.2, 18, 5.4), rotation(0, 34, 0)), 3)]


def humerus(steps: Sequence[Step], shape: ShoulderShape) -> Solid:
    """A humerus, or a fragment of it, with its cortex and canal."""
    levels = [-260, -150, -100, -70, -50, -34, -15, 5, 30]
    return solid(steps, shell=(levels, shape.cortex * np.array([4.6, 4.6, 4.2, 3.2, 2.3, 1.7, 1.2, 1.0, 0.95])), marrow=([-260, -80, -55, -35, -15, 5, 30], [1, 1, 0.8, 0.55, 0.3, 0.12, 0.04]))


def scapula_steps(shape: ShoulderShape) -> list[Step]:
    """The tape of the scapula: glenoid, neck, borders, thin blade, spine, acromion, coracoid."""
    steps = [join(ellipsoid((-33.0, 0, -2), (10.0, 13.5, 19.5))), join(ellipsoid((-42, 0, -3), (13, 7.2, 14.5)), 6), *_chain([(-36, -0.5, -17), (-48, -1, -44), (-66, -3, -84), (-86, -5, -120)], (6.2, 5.4, 4.6, 5.0), 4),
             *_chain([(-104, -6, 37), (-115, -9, 8), (-112, -9, -52), (-90, -6, -118)], (2.8, 2.6, 2.6, 3.6), 2), *_chain([(-104, -6, 37), (-74, -2, 26), (-60, 0, 17)], (2.6, 2.2, 3.0), 2)]
    blade = [join(puck((-82, -5, -38), (36, 80), 0.9, 0.8, rotation(90 + 4, 0, 6))), keep(half_space((-40, 0, -22), (0.90, 0, -0.44)), 2), keep(half_space((-104, 0, 38), (0.36, 0, 0.93)), 2)]
    return [*steps, *group(blade, 2), *_spine(shape), *_coracoid(), cut(sphere((0, 0, -1), HEAD + SPACE), 1.0)]


def _chain(points: Sequence[Sequence[float]] | np.ndarray, radii: Sequence[float], blend: float) -> list[Step]:
    return [join(cone(a, b, p, q), blend) for a, b, p, q in zip(points, points[1:], radii, radii[1:], strict=False)]


def _spine(shape: ShoulderShape) -> list[Step]:
    z, out = ACROMION_Z + shape.rise, shape.reach
    ridge = _chain([(-112, -11, 4), (-84, -24, 14), (-52, -38, 26), (-24, -42, z - 4.0), (-4 + 0.5 * out, -34, z)], (3.6, 4.4, 5.0, 5.8, 5.4), 4)
    roof = ellipsoid((2.0 + 0.6 * out, -15, z), (14.5 + 0.4 * out, 25.0, 4.6), rotation(6, 9, -8))
    return [*ridge, *_chain([(-104, -8, 10), (-74, -12, 13), (-52, -14, 15)], (2.6, 3.4, 4.6), 4), join(roof, 5)]


def _coracoid() -> list[Step]:
    return _chain([(-42, 4, 9), (-41, 14, 14.5), (-34, 26, 13.5), (-22, 33, 3.5)], (8.0, 7.0, 6.0, 5.0), 4)


def scapula(steps: Sequence[Step], shape: ShoulderShape) -> Solid:
    """A scapula, or a fragment of it."""
    levels = (-130, -30, -5, 25, 50)
    return solid(steps, shell=(levels, shape.cortex * np.array([1.3, 1.3, 1.0, 0.75, 0.65])), marrow=((-130, 50), (0.3, 0.3)))


def clavicle_steps(shape: ShoulderShape) -> list[Step]:
    """The tape of the clavicle: an S from breast bone to acromion, flat at its outer end."""
    points = CLAVICLE + np.array([0.0, 0.0, 1.0]) * shape.rise * np.linspace(0, 1, 6)[:, None]
    return [*_chain(points, CLAVICLE_RADII, 5), join(ellipsoid(points[-1] + (-6, 1, 0), (12, 8.5, 5.4)), 4)]


def clavicle(steps: Sequence[Step], shape: ShoulderShape) -> Solid:
    """A clavicle, or a fragment of it."""
    return solid(steps, shell=((-20, 60), (1.9 * shape.cortex,) * 2), marrow=((-20, 60), (0.5, 0.5)))


def ribs() -> Solid:
    """The first seven ribs of the side, from the tubercle round the chest."""
    steps: list[Step] = []
    for k in range(7):
        a, b = 0.98 * HALF_WIDTH[k], 0.98 * HALF_DEPTH[k]
        turn = np.radians(np.linspace(24, 150, 17))
        along = np.linspace(0, 1, 17)
        path = np.column_stack([MIDLINE + a * np.sin(turn), -8 - b * np.cos(turn), 52 - 25.0 * k - FALL[k] * along**1.25])
        steps += [join(cone(p, q, 3.9, 3.9), 0.4) for p, q in zip(path, path[1:], strict=False)]
    return solid(steps, shell=((-500, 500), (0.9, 0.9)), marrow=((-500, 500), (0.6, 0.6)))


def trabeculae(shape: ShoulderShape) -> list[Step]:
    """Struts of the head: from the medial cortex and the neck into the dome, and along the greater tuberosity."""
    n, side = shape.axis, np.array([shape.axis[2], 0.0, -shape.axis[0]])
    out = []
    for k, s in enumerate(np.linspace(-15, 15, 8)):
        y = (-8.0, 5.0, -2.0, 9.0)[k % 4]
        start = shape.neck + 0.9 * s * side + np.array([0, 0.6 * y, 0]) - 4 * n
        end = 0.86 * np.sqrt(HEAD**2 - s**2 - y**2) * n + 1.0 * s * side + (0, y, 0)
        out.append(join(cone(start, end, 0.45, 0.5)))
    return [*out, *(join(cone((24.0 - 2.4 * k, -5.0 + 3 * k, -24), (23.5 - 2.6 * k, -6.0 + 3 * k, 9.0), 0.42, 0.4)) for k in range(4))]


def head_plate(shape: ShoulderShape) -> list[Step]:
    """The dense bone under the cartilage of the head."""
    return [join(sphere((0, 0, 0), HEAD - 0.6)), cut(sphere((0, 0, 0), HEAD - 1.5)), keep(half_space(0.25 * HEAD * shape.axis, -shape.axis), 1)]


def glenoid_plate() -> Solid:
    """The dense bone under the cartilage of the glenoid, in the scapula's frame."""
    return solid([join(ellipsoid((-33.0, 0, -2), (9.6, 12.5, 18.5))), keep(sphere((0, 0, -1), HEAD + SPACE + 2.0)), cut(sphere((0, 0, -1), HEAD + SPACE + 0.4))])


def in_plane(steps: Sequence[Step]) -> list[Step]:
    """Steps of the scapula's frame in that of the trunk."""
    return moved(steps, rotation(0, 0, PLANE))
