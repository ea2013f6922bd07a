"""Pelvis, sacrum and the lowest lumbar vertebra as tapes.

Frame: origin midway between the hip centres, x to the patient's left, y anterior, z up, millimetres; the pelvis stands with
the front of the symphysis and the anterior iliac spines in one frontal plane. `half` bones are written for x > 0 and mirrored.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osteon.simulate.sdf import Solid, Step, cone, cut, ellipsoid, group, half_space, join, keep, loft, puck, rotation, solid, sphere

CARTILAGE = 3.6


def innominate(hip: float, head: float) -> Solid:
    """The left hip bone; `hip` is half the distance of the hip centres, `head` the radius of the femoral head."""
    steps = [*_ilium(hip), *_ischium(hip), *_pubis(hip), *group(_socket(hip, head), 7),
             cut(sphere((hip, 0, 0), head + CARTILAGE), 1.0)]
    return solid(steps, shell=((-120, -60, 0, 40, 80, 170), (1.8, 1.8, 2.2, 2.0, 1.3, 1.4)), marrow=((-120, 170), (0.15, 0.15)))


def _chain(points: Sequence[tuple[float, float, float]], radii: Sequence[float], blend: float) -> list[Step]:
    return [join(cone(points[i], points[i + 1], radii[i], radii[i + 1]), blend) for i in range(len(radii) - 1)]


def _ilium(hip: float) -> list[Step]:
    """The wing (a dished plate seen obliquely), its crest, and the stout bar from the socket to the sacroiliac joint."""
    wing = puck((hip + 8, -4, 84), (66, 60), 6.0, 5.0, rotation(0, 0, 50) @ rotation(0, 0, 0) @ rotation(90, 0, 0) @ rotation(0, 8, 0))
    crest = [(hip + 34, 44, 92), (hip + 46, 30, 118), (hip + 38, -2, 142), (hip + 6, -38, 146), (hip - 30, -66, 118), (hip - 38, -72, 92)]
    return [join(wing), *_chain(crest, [6.0, 6.5, 6.5, 6.0, 6.5, 8.0], 8),
            cut(ellipsoid((hip - 4, 13, 92), (36, 17, 44), rotation(0, 0, 50)), 6),
            *_chain([(hip + 34, 44, 92), (hip + 22, 34, 62), (hip + 16, 28, 44)], [6.0, 6.0, 8.5], 8),
            *_chain([(hip + 2, -4, 34), (hip - 16, -28, 52), (hip - 32, -52, 76)], [20, 14, 13], 12)]


def _ischium(hip: float) -> list[Step]:
    column = _chain([(hip - 10, -22, 30), (hip - 12, -28, 0), (hip - 20, -32, -36), (hip - 26, -30, -66)], [14, 13, 11, 12], 8)
    return [*column, join(ellipsoid((hip - 27, -30, -76), (14, 16, 24)), 8), join(cone((hip - 22, -38, -6), (hip - 34, -42, -14), 7, 2.5), 5)]


def _pubis(hip: float) -> list[Step]:
    """Pubic rami and the body beside the symphysis."""
    upper = _chain([(hip - 4, 14, 24), (hip - 18, 24, 8), (0.45 * hip, 38, -10), (16, 44, -20)], [15, 11, 8.0, 9.0], 7)
    lower = _chain([(13, 42, -46), (24, 32, -64), (0.5 * hip, 4, -84), (hip - 29, -24, -86)], [7.5, 6.2, 6.6, 11.0], 9)
    return [*upper, join(ellipsoid((12, 44, -34), (9, 9, 20)), 6), *lower]


def _socket(hip: float, head: float) -> list[Step]:
    """The acetabulum: a cup that opens outwards, downwards and forwards, with a stout roof and a thin floor."""
    opening = np.array([0.64, 0.36, -0.68])
    cup = [join(ellipsoid((hip - 1, 0, 1), (head + 10.5, head + 7.0, head + 11.5))), keep(half_space(np.array([hip, 0, 0]) + 4.0 * opening, opening), 3)]
    return [*cup, join(ellipsoid((hip - 2, -3, 34), (23, 19, 18)), 12), join(ellipsoid((hip - 30, 2, -8), (6, 14, 24)), 10)]


def sacrum() -> Solid:
    """Sacrum with its foramina, and the coccyx."""
    z = [-30, -8, 8, 35, 62, 85, 104, 114]
    steps = [join(loft(z, [0] * 8, [-46, -62, -72, -80, -80, -74, -64, -58], [5, 9, 17, 29, 40, 50, 56, 50], [5, 7, 9, 13, 17, 20, 22, 20], rounding=8)),
             cut(ellipsoid((0, -104, 70), (26, 22, 60)), 6)]
    for sign in (1, -1):
        for level, x in ((90, 21), (68, 18.5), (47, 16), (28, 13.5)):
            steps.append(cut(cone((sign * x, -86 + 0.1 * level, level - 4), (sign * (x + 2), -40, level + 4), 3.4, 4.8), 4))
    return solid(steps, shell=((-40, 120), (1.5, 1.7)), marrow=((-40, 120), (0.25, 0.25)))


def lumbar(level: float = 132.0) -> Solid:
    """The fifth lumbar vertebra: body, pedicles, transverse and spinous processes."""
    tilt = rotation(14, 0, 0)
    at = np.array([0.0, -46.0, level])
    steps = [join(puck(at, (26, 18), 13.5, 3, tilt)), cut(ellipsoid(at + (27, 2, 0), (5, 18, 9)), 5), cut(ellipsoid(at - (27, -2, 0), (5, 18, 9)), 5)]
    for sign in (1, -1):
        steps += [join(cone(at + (sign * 17, -14, 4), at + (sign * 17, -26, 3), 7, 6.5), 3),
                  join(cone(at + (sign * 20, -22, 4), at + (sign * 43, -26, 9), 6, 4.5), 4),
                  join(cone(at + (sign * 15, -30, 2), at + (sign * 18, -34, -18), 7, 5), 4)]
    steps += [join(cone(at + (0, -34, 0), at + (0, -56, -7), 5, 5.5), 5)]
    return solid(steps, shell=((60, 200), (1.5, 1.5)), marrow=((60, 200), (0.15, 0.15)))
