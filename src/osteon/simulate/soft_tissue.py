"""Skin, fat and muscle of the lower body, bowel gas, and fat between muscles, as tapes in the world's frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osteon.simulate.lower_limb_pose import Leg
from osteon.simulate.sdf import Solid, Step, cone, ellipsoid, join, loft, rotation, solid


def body(legs: Sequence[Leg], bmi: float, fat: float) -> Solid:
    """Both legs and the trunk in one skin; its shell is the fat (mm), its core the muscle. `fat` is a factor around 1."""
    size = np.sqrt(bmi / 24.0)
    steps: list[Step] = []
    for leg in legs:
        steps += [_limb(leg, size), *_foot(leg)]
    hip = float(np.mean([leg.hip[2] for leg in legs]))
    z = hip + np.array([-95, -72, -45, 0, 45, 95, 150, 230])
    rx = size * np.array([40, 105, 150, 174, 178, 168, 158, 156])
    ry = size * np.array([40, 75, 95, 112, 115, 108, 104, 104])
    steps.append(join(loft(z, np.zeros(8), np.array([-20, -22, -24, -25, -22, -12, -8, -6]), rx, ry, rounding=30), 26))
    knee, ankle = (float(np.mean([getattr(leg, name)[2] for leg in legs])) for name in ("knee", "ankle"))
    levels = [ankle - 80, ankle, ankle + 60, knee - 120, knee, knee + 90, 0.5 * (knee + hip), hip - 60, hip + 30, hip + 150]
    depth = fat * size**3 * np.array([6, 4.5, 5, 7, 6.5, 9, 12, 17, 24, 22])
    return solid(steps, shell=(levels, depth))


def _limb(leg: Leg, size: float) -> Step:
    hip, knee, ankle, out = leg.hip, leg.knee, leg.ankle, np.sign(leg.hip[0])
    thigh, calf = hip - knee, knee - ankle

    def at(point: np.ndarray, x: float, y: float) -> np.ndarray:
        return point + np.array([out * x, y, 0.0])

    points = np.array([at(hip + (0, 0, 85), 20, -10), at(hip, 18, -12), at(hip - 0.17 * thigh, 14, -10), at(hip - 0.45 * thigh, 11, -2), at(hip - 0.75 * thigh, 4, 1),
                       at(knee + 0.09 * thigh, 0, 4), at(knee, 0, 0), at(knee - 0.1 * calf, 0, -8), at(knee - 0.3 * calf, 1, -18),
                       at(knee - 0.55 * calf, 2, -14), at(knee - 0.8 * calf, 2, -8), at(ankle, 2, -8), at(ankle - (0, 0, 62), 3, -4)])
    rx = np.array([86, 87, 83, 74, 62, 56, 55, 54, 58, 47, 37, 36, 37]) * np.array([*[size] * 5, *[size**0.6] * 8])
    ry = np.array([92, 94, 88, 78, 68, 62, 58, 60, 66, 52, 42, 44, 46]) * np.array([*[size] * 5, *[size**0.6] * 8])
    return join(loft(points[:, 2], points[:, 0], points[:, 1], rx, ry, rounding=18), 6)


def _foot(leg: Leg) -> list[Step]:
    points = [leg.foot.world(np.array(p)) for p in ((0, -34, -44), (4, 10, -42), (4, 80, -52), (2, 158, -70))]
    radii = (34, 34, 28, 18)
    toes = ellipsoid(leg.foot.world(np.array([2.0, 128.0, -66.0])), (40, 50, 16), leg.foot.turn)
    return [*(join(cone(points[i], points[i + 1], radii[i], radii[i + 1]), 10) for i in range(3)), join(toes, 12)]


def fat_planes(legs: Sequence[Leg], rng: np.random.Generator) -> Solid:
    """Thin sheets of fat between the muscles of thigh and calf, and the fat pads about the knee."""
    steps = []
    for leg in legs:
        out = np.sign(leg.hip[0])
        thigh, calf = leg.hip - leg.knee, leg.ankle - leg.knee
        for start, axis, x, reach in ((leg.knee, thigh, -34, 0.24), (leg.knee, thigh, 26, 0.3), (leg.knee, calf, -20, 0.22), (leg.knee, calf, 24, 0.2)):
            centre = start + axis * rng.uniform(0.38, 0.55) + np.array([out * (x + rng.normal(0, 5)), rng.uniform(-25, 20), 0])
            lean = rotation(0, np.degrees(np.arctan2(axis[0], axis[2])) + out * rng.normal(3, 3), rng.normal(0, 25))
            steps.append(join(ellipsoid(centre, (rng.uniform(1.6, 3.2), rng.uniform(16, 26), reach * float(np.linalg.norm(axis))), lean)))
        steps += [join(ellipsoid(leg.knee + (0, 30, -10), (17, 11, 13)), 4), join(ellipsoid(leg.knee + (0, -40, 22), (16, 10, 30)), 4)]
    return solid(steps)


def gas(hip_z: float, rng: np.random.Generator) -> Solid:
    """Gas in the bowel before the pelvis."""
    steps = []
    for _ in range(int(rng.integers(3, 8))):
        centre = np.array([rng.normal(0, 52), rng.uniform(10, 50), hip_z + rng.uniform(35, 150)])
        for _ in range(int(rng.integers(1, 5))):
            steps.append(join(ellipsoid(centre + rng.normal(0, 11, 3), rng.uniform(6, 15, 3)), 5))
    return solid(steps)
