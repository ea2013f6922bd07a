"""The hip bone as a lateral film shows it: wing with both iliac spines, sciatic notches, ischium, pubis and socket.

Frame as in `pelvis_bones`: origin midway between the hip centres, x to the left, y anterior, z up, written for the left side.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osteon.simulate.sdf import Solid, Step, cone, cut, ellipsoid, group, half_space, join, keep, puck, rotation, solid, sphere

CARTILAGE = 3.6


def hip_bone(hip: float, head: float) -> Solid:
    """The left hip bone; `hip` is half the distance of the hip centres, `head` the radius of the femoral head."""
    steps = [*_wing(hip), *_chain([(hip - 4, -8, 30), (hip - 16, -30, 50), (hip - 32, -54, 74)], [19, 13, 12], 12), *_lower(hip), *group(_socket(hip, head), 8),
             cut(sphere((hip, 0, 0), head + CARTILAGE), 1.0)]
    return solid(steps, shell=((-120, -60, 0, 40, 80, 170), (1.7, 1.7, 2.0, 1.7, 0.9, 1.1)), marrow=((-120, 170), (0.2, 0.2)))


def _chain(points: Sequence[tuple[float, float, float]], radii: Sequence[float], blend: float) -> list[Step]:
    return [join(cone(points[i], points[i + 1], radii[i], radii[i + 1]), blend) for i in range(len(radii) - 1)]


def _wing(hip: float) -> list[Step]:
    """A thin dished plate, cut off below its two borders, with a thicker crest."""
    turn = rotation(0, 0, 50) @ rotation(90, 0, 0) @ rotation(0, 8, 0)
    plate = puck((hip + 8, -6, 84), (74, 60), 3.6, 4.0, turn)
    cuts = [keep(half_space((hip, 46, 78), (0.0, 0.84, -0.54)), 8), keep(half_space((hip, -60, 62), (0.0, -0.42, -0.91)), 8)]
    crest = [(hip + 34, 46, 88), (hip + 46, 30, 118), (hip + 38, -4, 142), (hip + 6, -42, 144), (hip - 30, -70, 114), (hip - 38, -78, 84)]
    front = [(hip + 34, 46, 88), (hip + 22, 36, 64), (hip + 14, 31, 42), (hip + 4, 15, 26)]
    rear = [(hip - 38, -78, 84), (hip - 34, -68, 62), (hip - 22, -42, 46)]
    return [*group([join(plate), *cuts], 4), *_chain(crest, [5.0, 5.4, 5.4, 5.0, 6.0, 7.0], 6),
            *_chain(front, [4.6, 4.6, 6.6, 11.0], 7), *_chain(rear, [6.0, 5.0, 9.0], 7)]


def _lower(hip: float) -> list[Step]:
    """Ischium with its spine and tuberosity, both rami of the pubis."""
    ischium = [*_chain([(hip - 8, -20, 24), (hip - 12, -28, 0), (hip - 18, -34, -34), (hip - 24, -34, -62)], [14, 12, 10, 12], 8),
               join(ellipsoid((hip - 26, -34, -72), (13, 15, 21)), 8), join(cone((hip - 20, -38, -8), (hip - 34, -46, -14), 6, 2.2), 4)]
    pubis = [*_chain([(hip - 4, 14, 22), (hip - 22, 28, 6), (0.42 * hip, 42, -10), (14, 50, -20)], [13, 8, 7, 8.5], 7),
             join(ellipsoid((11, 50, -32), (8, 8, 18)), 6),
             *_chain([(12, 48, -44), (26, 34, -62), (0.5 * hip, 4, -80), (hip - 28, -24, -82)], [7, 5.6, 6, 10], 9)]
    return ischium + pubis


def _socket(hip: float, head: float) -> list[Step]:
    """The cup, opening outwards, downwards and forwards, with its roof."""
    opening = np.array([0.64, 0.36, -0.68])
    cup = [join(ellipsoid((hip - 1, 0, 1), (head + 10, head + 6.5, head + 10.5))), keep(half_space(np.array([hip, 0, 0]) + 4.0 * opening, opening), 3)]
    return [*cup, join(ellipsoid((hip - 2, -2, 32), (20, 17, 15)), 10)]
