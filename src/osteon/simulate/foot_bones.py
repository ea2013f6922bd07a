"""Talus and the rest of the foot as tapes.

The talus stands in the frame of the mortise (origin the middle of the plafond, x lateral, y anterior, z up); the rest of
the foot stands flat on the floor in a frame of its own with the same origin. Millimetres.
"""

from __future__ import annotations

import numpy as np

from osteon.simulate.sdf import Solid, Step, cone, ellipsoid, half_space, join, keep, puck, rotation, solid

JOINT_SPACE = 3.0
DOME_X, DOME_RADIUS = 15.0, 20.0


def talus(width: float) -> Solid:
    """The talus: trochlea (a drum about the axis of the ankle), body, neck and head; the top of the dome is 3 mm below the plafond."""
    top = -JOINT_SPACE
    drum = [join(puck((0, 0, top - DOME_RADIUS), (DOME_RADIUS, DOME_RADIUS), DOME_X * width, 3.0, rotation(0, 90, 0))), keep(half_space((0, 0, top - 14), (0, 0, -1)), 3)]
    body = [join(ellipsoid((0, 0, top - 15), (16.0 * width, 19, 8.5)), 5), join(cone((8 * width, -3, top - 14), (16 * width, -4, top - 18), 7, 3), 4)]
    head = [join(cone((-2, 14, top - 14), (-8, 36, top - 17), 10, 11.5), 6)]
    return solid(drum + body + head, shell=((-50, 10), (1.3, 1.5)), marrow=((-50, 10), (0.1, 0.1)))


def foot(width: float) -> Solid:
    """Calcaneus, midfoot, metatarsals and toes."""
    heel = [join(cone((1, -42, -58), (4, -8, -46), 17, 12)), join(cone((4, -8, -46), (9, 32, -46), 12, 11), 6),
            join(ellipsoid((-9, 2, -34), (9, 9, 5)), 4)]
    middle = [join(ellipsoid((-10, 50, -36), (13 * width, 8, 13)), 1), join(ellipsoid((13, 54, -48), (12 * width, 16, 12)), 1),
              join(ellipsoid((-9, 70, -44), (19 * width, 12, 12)), 1)]
    return solid(heel + middle + rays(width), shell=((-90, 0), (0.9, 0.9)), marrow=((-90, 0), (0.55, 0.55)))


def rays(width: float) -> list[Step]:
    """The tape of the metatarsals and toes."""
    return [step for i in range(5) for step in _ray(i, width)]


def _ray(i: int, width: float) -> list[Step]:
    """One metatarsal and its toe, 0 the great toe."""
    spread = np.array([-24.0, -11.0, 1.0, 13.0, 25.0])[i] * width
    base = np.array([0.72 * spread - 2, 78 - 3.0 * i, -46 - 2.5 * i])
    head = np.array([1.05 * spread, 132 - 5.0 * i, -72 - 0.5 * i])
    thick = (8.0, 5.2, 5.0, 5.0, 5.4)[i]
    tip = head + np.array([0.06 * spread, 34 - 2.5 * i, -3])
    return [join(cone(base, head, thick, 0.75 * thick), 1), join(cone(head, head + (0, 2, 0), 1.15 * thick, thick), 3),
            join(cone(head + (0, 12, -1), tip, 0.75 * thick, 0.55 * thick), 0.5)]
