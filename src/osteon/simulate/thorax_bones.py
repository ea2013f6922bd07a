"""Ribs that follow a bent spine, clavicles, shoulder blades and humeral heads as tapes in the patient's world (see spine_pose)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osteon.simulate.sdf import Solid, Step, cone, ellipsoid, join, puck, rotation, solid
from osteon.simulate.spine_pose import Vertebra, chest_lean

_RIBS = np.arange(12)
HALF_WIDTH = np.array([54, 80, 99, 112, 120, 126, 130, 132, 132, 127, 114, 98.0])
HALF_DEPTH = np.array([47, 62, 76, 84, 90, 94, 96, 98, 98, 96, 90, 84.0])
BACK = 46.0  # mm: how far the ribs bulge behind the middles of the bodies
FALL = np.array([26, 50, 72, 90, 105, 118, 128, 130, 120, 102, 66, 40.0])
REACH = np.array([148, 150, 150, 148, 145, 142, 138, 130, 120, 108, 74, 46.0])  # degrees around the chest, from behind


def rib(vertebra: Vertebra, number: int, side: int, size: float, lean: float) -> Solid:
    """Rib `number` (0-11) of a side (1 left, -1 right): flat, from its vertebra round the chest; `lean` is where the chest stands (x, mm)."""
    path = _path(vertebra, number, side, size, lean)
    centre = np.array([lean, (HALF_DEPTH[number] - BACK) * size, path[0, 2]])
    tall, thick = float(np.interp(number, [0, 3, 9, 11], [6.0, 6.6, 6.4, 4.2])) * size, 3.2 * size
    steps = [_segment(a, b, centre, (thick, tall)) for a, b in zip(path[1:], path[2:], strict=False)]
    neck = cone(path[0], path[1], 4.4 * size, 4.2 * size)
    return solid([join(neck), *(join(s, 2.0) for s in steps)], shell=((-500, 800), (0.85, 0.85)), marrow=((-500, 800), (0.45, 0.45)))


def chest_wall(column: Sequence[Vertebra], size: float) -> np.ndarray:
    """Where the outermost points of the ribs lie on the right and on the left: (2, n, 2) of (z from below upwards, x) in mm."""
    out = []
    for side in (-1, 1):
        paths = [_path(column[i], i, side, size, chest_lean(column)) for i in range(11)]
        points = np.array([p[np.argmax(side * p[:, 0])][[2, 0]] for p in paths])
        out.append(points[np.argsort(points[:, 0])])
    return np.array(out)


def _path(vertebra: Vertebra, number: int, side: int, size: float, lean: float) -> np.ndarray:
    """Points (n, 3) along a rib: head, tubercle, then round an ellipse; what is near the spine turns and tilts with it."""
    shape = vertebra.shape
    w, d, h = 0.5 * shape.width, 0.5 * shape.depth, shape.height
    head = vertebra.world((side * 0.92 * w, -0.75 * d, 0.40 * h))
    tubercle = vertebra.world((side * (w + 17 * size), -d - 15 * size, 0.30 * h))
    a, b = HALF_WIDTH[number] * size, HALF_DEPTH[number] * size
    start = np.degrees(np.arcsin((w + 27 * size) / a))
    angle = np.radians(np.linspace(start, REACH[number], 4 + int(REACH[number] / 13)))
    along = (angle - angle[0]) / np.radians(150 - start)
    near = np.clip(1 - along, 0, 1) ** 1.4
    x, y = side * a * np.sin(angle), (b - BACK * size) - b * np.cos(angle)
    x, y = x * (1 - 0.08 * np.clip(along - 0.6, 0, 1)), y
    axial, tilt = np.arctan2(vertebra.turn[1, 0], vertebra.turn[0, 0]), np.arctan2(vertebra.turn[0, 2], vertebra.turn[2, 2])
    turn, lower = axial * (0.05 + 0.6 * near), np.minimum(y, 30.0)
    x, y = x * np.cos(turn) - lower * np.sin(turn), y - lower + x * np.sin(turn) + lower * np.cos(turn)
    z = tubercle[2] - 2 - FALL[number] * size * along**1.25 - 0.7 * np.sin(tilt) * (x * near**2 - side * w)
    points = np.column_stack([x + vertebra.middle[0] * near + lean * (1 - near), y + vertebra.middle[1] * (0.4 + 0.6 * near), z])
    return np.vstack([head, tubercle, points])


def _segment(start: np.ndarray, end: np.ndarray, centre: np.ndarray, radii: tuple[float, float]) -> Step:
    """A flat bar between two points, its flat face turned to the middle of the chest."""
    along = end - start
    length = float(np.sqrt(along @ along))
    z = along / length
    x = np.array([start[0] - centre[0], start[1] - centre[1], 0.0])
    x -= (x @ z) * z
    x /= max(float(np.sqrt(x @ x)), 1e-6)
    y = np.array([z[1] * x[2] - z[2] * x[1], z[2] * x[0] - z[0] * x[2], z[0] * x[1] - z[1] * x[0]])
    return puck(0.5 * (start + end), radii, 0.5 * length + 1.2, 2.0, np.array([x, y, z]).T)


def shoulder_girdle(column: Sequence[Vertebra], side: int, size: float, drop: float) -> Solid:
    """Clavicle, shoulder blade and humeral head of a side; `drop` lowers the whole (mm)."""
    top, low = column[1].middle[2] - drop, column[7].middle[2] - drop
    k = size * side

    def at(x: float, y: float, z: float) -> np.ndarray:
        return np.array([column[2].middle[0] * 0.6 + k * x, y * size, z])

    clavicle = [at(20, 68, top - 34), at(54, 72, top - 26), at(95, 48, top - 8), at(128, 16, top + 4), at(154, -8, top + 4)]
    thick = np.array([7.5, 5.6, 5.2, 5.6, 6.4]) * size
    steps = [join(cone(p, q, r0, r1), 3) for p, q, r0, r1 in zip(clavicle, clavicle[1:], thick, thick[1:], strict=False)]
    spine = [at(90, -84, top - 26), at(118, -84, top - 16), at(148, -58, top + 2), at(160, -30, top + 6)]
    steps += [join(cone(p, q, 4.6 * size, 5.2 * size), 4) for p, q in zip(spine, spine[1:], strict=False)]
    border = [at(103, -80, low - 4), at(118, -68, 0.5 * (low + top) - 4), at(143, -38, top - 26)]
    steps += [join(cone(p, q, r * size, (r + 1) * size), 4) for p, q, r in zip(border, border[1:], (4.2, 5.4), strict=False)]
    lie = rotation(0, 0, side * 28) @ rotation(90, 0, 0) @ rotation(0, 0, side * 6)
    blade = puck(at(110, -76, 0.55 * top + 0.45 * low), (22 * size, 0.46 * (top - low)), 1.6, 1.5, lie)
    steps += [join(blade, 3), join(ellipsoid(at(147, -34, top - 22), (7, 12, 17), rotation(0, 0, side * -30)), 6),
              join(cone(at(136, -26, top - 2), at(143, 2, top - 8), 6 * size, 5 * size), 5)]
    return solid(steps, shell=((-500, 900), (1.1, 1.1)), marrow=((-500, 900), (0.5, 0.5)))


def humerus(column: Sequence[Vertebra], side: int, size: float, drop: float) -> Solid:
    """Head and shaft of the humerus, the arm held away from the trunk."""
    centre = np.array([column[2].middle[0] * 0.6 + side * 170 * size, -20 * size, column[1].middle[2] - drop - 20])
    steps = [join(ellipsoid(centre, np.array([23, 23, 23]) * size)), join(ellipsoid(centre + (side * 15, 4, 2), np.array([12, 14, 17]) * size), 6),
             join(cone(centre + (side * 8, 2, -12), centre + (side * 48, 12, -110), 15 * size, 11.5 * size), 12)]
    return solid(steps, shell=((-500, 900), (2.2, 2.2)), marrow=((-500, 900), (0.5, 0.5)))


def sternum(column: Sequence[Vertebra], size: float) -> Solid:
    """The breast bone: handle and body, faint behind the spine."""
    top, x = column[2].middle[2], column[4].middle[0] * 0.3
    front = (2 * HALF_DEPTH[4] - BACK) * size
    handle = puck((x, front - 34, top - 16), (26 * size, 20 * size), 4.0, 3.0, rotation(108, 0, 0))
    body = puck((x, front - 8, top - 84), (14.5 * size, 50 * size), 3.6, 3.0, rotation(102, 0, 0))
    return solid([join(handle), join(body, 4)], shell=((-500, 900), (0.6, 0.6)), marrow=((-500, 900), (0.5, 0.5)))
