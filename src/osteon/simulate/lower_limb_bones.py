"""Femur, tibia, fibula and patella as tapes, shaped by clinical parameters.

Frames: x lateral, y anterior, z upwards, millimetres. The femur's origin is the middle of the distal tangent of its
condyles and its hip centre lies straight above; the tibia's origin is the middle of its plateau line and the ankle centre
lies straight below: so the angles of the joint lines to these axes ARE mLDFA, MPTA and LDTA. Shapes follow the
proportions of textbook anatomy; radii and depths are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from osteon.simulate.sdf import Solid, Step, cone, cut, ellipsoid, group, half_space, join, keep, loft, moved, puck, rotation, solid, sphere

CONDYLE_X, CONDYLE_Z, CONDYLE_RX = 23.5, 23.0, 18.3
PLATEAU_X = 40.0


@dataclass(frozen=True)
class LegAngles:
    """The angles of one leg (degrees): joint lines, neck to shaft, shaft to mechanical axis, anteversion, torsion, posterior slope."""

    mldfa: float = 87.5
    mpta: float = 87.0
    ldta: float = 89.0
    neck_shaft: float = 127.0
    shaft: float = 5.6
    anteversion: float = 12.0
    torsion: float = 13.0
    slope: float = 5.0


@dataclass(frozen=True)
class LegShape:
    """Size (mm) and angles of the bones of one leg; `width` and `cortex` are factors around 1, `spurs` (osteophytes) is 0-1.

    `beside` is how far (mm) the condyles and the plateau lie lateral to the axes, so that both axes meet in the shared knee centre.
    """

    angles: LegAngles = LegAngles()
    femur: float = 430.0
    tibia: float = 365.0
    head: float = 23.5
    width: float = 1.0
    cortex: float = 1.0
    spurs: float = 0.0
    beside: tuple[float, float] = (0.0, 0.0)

    @property
    def hip(self) -> np.ndarray:
        """The centre of the head in the femur's frame."""
        return np.array([0.0, 42.0 * np.tan(np.radians(self.angles.anteversion)), self.femur])

    @property
    def joint_femur(self) -> np.ndarray:
        """The frame of the condyles."""
        return rotation(0, self.angles.mldfa - 90, 0)

    @property
    def joint_tibia(self) -> np.ndarray:
        """The frame of the plateau, sloping down backwards."""
        return rotation(0, self.angles.mpta - 90, 0) @ rotation(self.angles.slope, 0, 0)

    @property
    def joint_ankle(self) -> np.ndarray:
        """The frame of the mortise, turned outwards by the torsion of the tibia."""
        return rotation(0, self.angles.ldta - 90, 0) @ rotation(0, 0, -self.angles.torsion)


def shaft_x(shape: LegShape, z: float) -> float:
    """Where the femoral shaft axis stands at a height."""
    return float(z * np.tan(np.radians(shape.angles.shaft)))


def _neck_root(shape: LegShape) -> np.ndarray:
    """Where the neck axis meets the shaft axis."""
    offset = shaft_x(shape, shape.femur)
    z = shape.femur - offset * np.tan(np.radians(shape.angles.neck_shaft - 90))
    return np.array([shaft_x(shape, z), 0.0, z])


def femur(shape: LegShape, condyles: Sequence[Step] | None = None) -> Solid:
    """The femur; `condyles` are the steps of its lower end where a view needs finer ones."""
    root = _neck_root(shape)
    top = root[2]
    steps = [*_femoral_shaft(shape, top), *group(_femoral_condyles(shape) if condyles is None else condyles, 14), *group(_proximal_femur(shape, root), 12)]
    levels = [-5, 12, 34, 60, 100, 160, 0.55 * top, 0.75 * top, top - 60, top - 15, top + 20, shape.femur + 30]
    cortex = shape.cortex * np.array([1.5, 1.1, 1.3, 1.7, 3.2, 5.6, 6.8, 6.6, 5.2, 2.2, 1.3, 1.3])
    return solid(steps, shell=(levels, cortex), marrow=([-5, 60, 110, 160, top - 70, top - 25, top + 5, shape.femur + 30],
                                                        [0, 0.05, 0.6, 1, 1, 0.45, 0.12, 0]))


def _femoral_shaft(shape: LegShape, top: float) -> list[Step]:
    w, spread = shape.width, np.array([0, 0.04, 0.1, 0.18, 0.33, 0.53, 0.76, 0.9, 1.0])
    z = np.concatenate([[44, 56], 66 + spread * (top - 22 - 66), [top + 8]])
    rx = w * np.array([37, 33.5, 29.5, 26, 22.5, 19, 15.6, 14, 14.2, 15.8, 18.5, 17])
    ry = w * np.array([25, 23.5, 22, 20.5, 19, 17.2, 15.2, 14.2, 14.4, 15.5, 17.5, 16])
    bow = np.array([-3, -2, -1, 0, 1.5, 4.5, 8, 10, 8, 4.5, 2, 0])
    x = [shaft_x(shape, v) * np.clip((v - 45) / 110, 0, 1) for v in z]  # the metaphysis stands over the condyles, the shaft beside the axis
    return [join(loft(z, x, bow, rx, ry))]


def _femoral_condyles(shape: LegShape) -> list[Step]:
    w, x, z = shape.width, CONDYLE_X * shape.width, CONDYLE_Z
    steps = [join(ellipsoid((-x, -9, z), (CONDYLE_RX * w, 30, z))), join(ellipsoid((x, -7, z), (CONDYLE_RX * w, 31, z)), 5),
             join(ellipsoid((0, 2, 36), (41 * w, 24, 21)), 9),
             join(ellipsoid((-38 * w, -6, 37), (6.5, 13, 15)), 8), join(ellipsoid((38 * w, -6, 33), (6.5, 12, 12)), 6),
             cut(ellipsoid((0, -24, 8), (8.8 * w, 27, 20)), 4), cut(ellipsoid((2, 34, 20), (12 * w, 10, 26)), 6)]
    return moved(steps + _spurs(shape, 4.0, 38.0), shape.joint_femur, (shape.beside[0], 0, 0))


def _spurs(shape: LegShape, z: float, x: float) -> list[Step]:
    """Marginal osteophytes at one joint line."""
    if shape.spurs < 0.08:
        return []
    size = shape.spurs
    return [join(cone((-(x - 3) * shape.width, -6, z + np.sign(z) * 3), (-(x + 2 + 4 * size) * shape.width, -6, z), 4.5, 1.2 + 1.8 * size), 4),
            join(cone(((x - 3) * shape.width, -6, z + np.sign(z) * 3), ((x + 1 + 3.5 * size) * shape.width, -6, z), 4.5, 1.0 + 1.6 * size), 4)]


def _proximal_femur(shape: LegShape, root: np.ndarray) -> list[Step]:
    w, hip, head = shape.width, shape.hip, shape.head
    middle = 0.5 * (hip + root)
    x, z = root[0], root[2]
    return [join(cone(hip, middle, 14.0 * w, 14.2 * w)), join(cone(middle, root, 14.2 * w, 18.5 * w), 6),
            join(ellipsoid((x + 2, -1, z - 8), (21 * w, 18, 26)), 10),
            join(ellipsoid((x + 13 * w, -7, z + 3), (12.5 * w, 17, 24)), 8), join(ellipsoid((x + 10 * w, -11, z + 21), (8.5, 13, 13)), 7),
            cut(ellipsoid((x - 2 * w, -14, z + 27), (7.5, 9, 12)), 6),
            join(cone((x - 8, -7, z - 27), (x - 19.5 * w, -16, z - 44), 12, 8.0), 11),
            join(sphere(hip, head), 4), cut(sphere(hip + head * np.array([-0.93, 0.0, -0.36]), 4.0), 1.5)]


def tibia(shape: LegShape, plateau: Sequence[Step] | None = None, cuts: Sequence[Step] = ()) -> Solid:
    """The tibia; `plateau` are the steps of its upper end where a view needs finer ones, `cuts` what is taken away of it at last."""
    length, w = shape.tibia, shape.width
    steps = [*_tibial_shaft(shape), *group(_plateau(shape) if plateau is None else plateau, 10),
             join(ellipsoid((3, 21, -46), (9, 9, 18)), 8), join(cone((3, 19, -52), (1, 7 * w, -0.6 * length), 6, 3), 10),
             *_plafond(shape), *cuts]
    levels = [-length - 20, -length + 8, -length + 30, -length + 60, -0.68 * length, -0.45 * length, -0.28 * length, -60, -22, -8, 10]
    cortex = shape.cortex * np.array([1.2, 1.4, 1.6, 2.8, 4.8, 5.8, 4.8, 2.4, 1.2, 1.1, 1.1])
    return solid(steps, shell=(levels, cortex),
                 marrow=([-length - 20, -length + 25, -length + 75, -0.6 * length, -0.3 * length, -55, -25, 10], [0, 0.08, 0.85, 1, 1, 0.5, 0.05, 0]))


def _tibial_shaft(shape: LegShape) -> list[Step]:
    """The metaphysis, square to the plateau, and the shaft along the mechanical axis."""
    w, length, side = shape.width, shape.tibia, shape.beside[1]
    flare = moved([join(loft([-9, -20, -33, -52], [0] * 4, [-3, -3, -2, 0], w * np.array([36.5, 33.5, 28.5, 22.5]), w * np.array([23.5, 23, 21.5, 19.5]), rounding=6))],
                  rotation(0, shape.angles.mpta - 90, 0), (side, 0, 0))
    z = np.array([-38, -50, -72, -105, -0.4 * length, -0.58 * length, -0.75 * length, -length + 48, -length + 24, -length - 6])
    lean = side + np.tan(np.radians(90 - shape.angles.mpta)) * np.array([34, 38, 34, 15, 0, 0, 0, 0, 0, 0])
    x = lean + np.array([0, 0.3, 0.8, 1.4, 1.6, 1.2, 0.6, 0, 0, 0])
    rx = w * np.array([26, 22.8, 18.6, 15.6, 13.4, 12, 11.8, 14.2, 19, 21])
    ry = w * np.array([20.5, 19.5, 17.5, 15.5, 13.4, 11.8, 11.6, 14, 17.5, 18.5])
    return [*flare, join(loft(z, x, np.array([-1.5, 0, 1, 1, 0, -1, -1, 0, 0, 0]), rx, ry), 8)]


def _plateau(shape: LegShape) -> list[Step]:
    spines = [join(cone((-7, -2, -8), (-4.8, -2, 8.0), 8, 1.6), 4), join(cone((7.5, -5, -8), (5.2, -5, 6.4), 8, 1.6), 4)]
    return moved(_trays(shape.width) + spines + _spurs(shape, -4.0, 38.0), shape.joint_tibia, (shape.beside[1], 0, 0))


def _trays(w: float) -> list[Step]:
    """The plateau, its upper face z = 0, with a shallow dish on each side."""
    return [join(puck((0, -3, -7), (PLATEAU_X * w, 24), 7, 13)),
            cut(ellipsoid((-21 * w, -7, 5.6), (16 * w, 15, 8.0)), 2), cut(ellipsoid((21 * w, -7, 5.6), (16 * w, 15, 8.0)), 2)]


def plateau_rim(shape: LegShape) -> Solid:
    """The tibia without spines and spurs: the outline that defines the plateau line on a film."""
    return solid([*moved(_trays(shape.width), shape.joint_tibia, (shape.beside[1], 0, 0)), *group(_tibial_shaft(shape), 10)])


def _plafond(shape: LegShape) -> list[Step]:
    length, w, turn = shape.tibia, shape.width, shape.joint_ankle
    at = np.array([0.0, 0.0, -length])
    roof = [keep(half_space(at + turn @ (0, 0, -1.6), turn @ (0, 0, -1)), 2.5),
            cut(puck(at + turn @ (0, 0, -60), (60, 60), 40, 1, turn @ rotation(0, 90, 0)), 1.5)]
    malleolus = [join(cone((-15 * w, 3, 18), (-20 * w, 3, 4), 9.5, 8.0), 8), join(cone((-20 * w, 3, 4), (-22.5 * w, 2, -9), 8.0, 5.0), 6),
                 cut(ellipsoid((0, 0, -14), (16.8 * w, 24, 14)), 2)]
    return roof + moved(malleolus, turn, at)


def fibula(shape: LegShape) -> Solid:
    """The fibula, in the tibia's frame."""
    length, w = shape.tibia, shape.width
    ankle = shape.joint_ankle
    low = [np.array([0, 0, -length]) + ankle @ (np.array([x, y, z]) * [w, w, 1]) for x, y, z in ((27.5, -4, 14), (28.5, -4, -7), (28, -6, -26))]
    z = np.array([-12, -24, -40, -70, -0.45 * length, -0.72 * length, -length + 48, *(p[2] for p in low)])
    x = np.array([*(w * np.array([35, 35.5, 35.5, 34.5, 33.5, 30, 28])), *(p[0] for p in low)])
    y = np.array([-22, -22, -22, -21, -17, -14, -11, *(p[1] for p in low)])
    rx = w * np.array([6, 10, 7.5, 6, 6.4, 6.2, 6.6, 8.6, 9.2, 4.2])
    ry = w * np.array([7, 11, 8, 6.6, 7, 6.8, 7, 9.5, 11, 6])
    steps = [join(loft(z, x, y, rx, ry, rounding=4)), join(cone((35 * w, -23, -20), (36 * w, -25, -9), 6, 2.5), 5)]
    cortex = shape.cortex * np.array([1.0, 1.1, 1.5, 2.6, 3.1, 2.6, 1.2, 1.0])
    levels = [-length - 28, -length - 8, -length + 28, -length + 65, -0.5 * length, -70, -32, -8]
    return solid(steps, shell=(levels, cortex), marrow=([-length - 28, -length + 10, -length + 60, -70, -35, -8], [0, 0.1, 1, 1, 0.3, 0]))


def patella(shape: LegShape) -> Solid:
    """The patella, in the femur's frame."""
    w = shape.width
    steps = [join(ellipsoid((2, 39, 43), (21.5 * w, 9.5, 17))), join(cone((2, 38, 36), (1, 37, 23), 10, 5), 10)]
    return solid(steps, shell=((20, 60), (1.1, 1.1)))


def nail(shape: LegShape) -> Solid:
    """An intramedullary nail of the femur with two locking screws."""
    top = _neck_root(shape)[2]
    points = [(shaft_x(shape, z), 8 * np.sin(np.pi * np.clip((z - 60) / (top - 60), 0, 1)), z) for z in (95, 180, 280, top + 18)]
    rods = [join(cone(a, b, 5.2, 5.2)) for a, b in zip(points, points[1:], strict=False)]
    screws = [join(cone((shaft_x(shape, z) - 25, 2, z), (shaft_x(shape, z) + 26, 2, z), 2.4, 2.4)) for z in (105, 122)]
    return solid(rods + screws)


def plate(shape: LegShape) -> Solid:
    """A medial plate of the proximal tibia with six screws."""
    w = shape.width
    spine = [(-33 * w, 4, -16), (-27 * w, 4, -42), (-19 * w, 3, -80), (-17 * w, 3, -120)]
    bars = [join(cone(a, b, 2.6, 2.6)) for a, b in zip(spine, spine[1:], strict=False)]
    screws = [join(cone((x * w, 4, z), (end * w, 0, z + 2), 2.4, 1.8))
              for x, z, end in ((-33, -16, 24), (-31, -26, 22), (-22, -66, 13), (-19, -80, 13), (-18, -98, 12), (-17, -116, 11))]
    return solid(bars + screws)
