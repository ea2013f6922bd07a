"""Skin, fat and muscle of the trunk, lungs with heart and vessels, airway and bowel gas around a column, as tapes in its world."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osteon.simulate.sdf import Solid, Step, cone, cut, ellipsoid, join, loft, rotation, solid
from osteon.simulate.spine_pose import Vertebra, chest_lean
from osteon.simulate.thorax_bones import chest_wall

T1, T4, T8, T10, T11, L1, L3 = 0, 3, 7, 9, 10, 12, 14


def trunk(column: Sequence[Vertebra], bmi: float, *, female: bool, size: float, arms: bool = True) -> Solid:
    """The trunk from the hips to the chin in one skin; its shell is the fat (mm), its core the muscle; `arms` hang, or are out of the way."""
    top, girth = column[T1].middle[2], size * np.sqrt(bmi / 21.0)
    z = np.array([-190, -130, -70, -10, 0.14 * top, 0.27 * top, 0.42 * top, 0.62 * top, 0.78 * top, top - 48, top - 14, top + 12, top + 45, top + 130])
    rx = size * (0.55 + 0.45 * girth / size) * np.array([172, 174, 171, 162, 148, 144, 152, 155, 156, 150, 118, 74, 61, 62])
    ry = girth * np.array([106, 106, 100, 92, 85, 84, 89, 93, 91, 83, 72, 62, 58, 62])
    heights = [v.middle[2] for v in column][::-1]
    own, sag = (np.interp(z, heights, [v.middle[k] for v in column][::-1]) for k in (0, 1))
    x = 0.3 * own + 0.7 * chest_lean(column) * np.interp(z / top, [0.1, 0.45, 0.8, 1.0], [0, 1, 1, 0.2])
    wall = [np.interp(z, *points.T) for points in chest_wall(column, size)]
    rx = np.where((z > wall_low(column)) & (z < top - 60), np.maximum(rx, 0.5 * (wall[1] - wall[0]) + 11), rx)
    x = np.where((z > wall_low(column)) & (z < top - 60), 0.5 * (wall[0] + wall[1]), x)
    y = 0.75 * sag + np.array([0, -4, 0, 8, 14, 18, 28, 34, 30, 22, 14, 8, 8, 12]) * size
    steps = [join(loft(z, x, y, rx, ry, rounding=25))]
    for s in (-1, 1):
        shoulder = np.array([0.6 * column[2].middle[0] + s * 140 * size, -14 * size, top - 48])
        steps.append(join(ellipsoid(shoulder, np.array([58, 56, 52]) * size), 34))
        if arms:
            steps.append(join(cone(shoulder + (s * 36, 2, -2), shoulder + (s * 120, 14, -230), 44 * girth, 38 * girth), 10))
        if female:
            steps.append(join(ellipsoid((x[7] + s * 72 * size, y[7] + 0.82 * ry[7], column[T8].middle[2] - 34), np.array([46, 30, 42]) * girth), 26))
    depth = np.array([24, 24, 21, 16, 13, 12, 11, 10, 9, 8, 8, 7, 6, 6]) * (1.2 if female else 0.8) * (bmi / 21.0) ** 1.6
    return solid(steps, shell=(z, depth))


def wall_low(column: Sequence[Vertebra]) -> float:
    """The height (z) down to which the ribs make the outline of the trunk."""
    return float(column[L1].middle[2]) - 10


def lungs(column: Sequence[Vertebra], size: float, rng: np.random.Generator) -> Solid:
    """Both lungs with their domes; heart, great vessels and spine are cut out of them."""
    top, base = column[T1].middle[2], column[T10].middle[2] - 16 + rng.normal(0, 6)
    lean = chest_lean(column)
    steps: list[Step] = []
    z = np.concatenate([base + size * np.array([-80, -30, 25, 85]), top + size * np.array([-88, -40, -4, 14])])
    spine = np.interp(z, [v.middle[2] for v in column][::-1], [v.middle[0] for v in column][::-1])
    for s, wall in zip((-1, 1), chest_wall(column, size), strict=True):
        limit = np.array([124, 126, 125, 124, 116, 90, 54, 34]) * size
        outer = s * np.minimum(s * np.interp(z, *wall.T) - 5, s * lean + limit)
        inner = 0.8 * spine + 0.2 * lean + s * size * np.array([14, 14, 14, 14, 16, 17, 18, 20])
        depth, y = size * np.array([74, 77, 78, 76, 69, 55, 36, 22]), size * np.array([40, 42, 44, 42, 34, 20, 4, -4])
        steps.append(join(loft(z, 0.5 * (outer + inner), y, np.maximum(0.5 * s * (outer - inner), 6), depth, rounding=16)))
    for s, dome in ((-1, base + 14 * size), (1, base - 2 * size)):
        steps.append(cut(ellipsoid((lean * 0.6 + s * 66 * size, 48 * size, dome - 88), np.array([74, 104, 88]) * size), 4))
        steps.append(cut(ellipsoid((lean * 0.6 + s * 40 * size, 40 * size, dome - 112), np.array([80, 110, 84]) * size), 8))
    return solid([*steps, *_mediastinum(column, lean, base, size)])


def _mediastinum(column: Sequence[Vertebra], lean: float, base: float, size: float) -> list[Step]:
    """What the lungs leave free: heart with right atrium, great vessels, aortic knob, descending aorta, upper veins, spine."""
    top = column[T1].middle[2]
    heart = np.array([lean * 0.7 + 24 * size, 72 * size, base + 36 * size])
    atrium = np.array([lean - 26 * size, 60 * size, base + 46 * size])
    roots = np.array([[lean * 0.8 + 12 * size, 46 * size, base + 60], [lean * 0.9 + 12 * size, 20 * size, top - 62]])
    veins = np.array([[lean - 14 * size, 24, top - 80], [lean - 16 * size, 18, top + 10]])
    spine = [cut(ellipsoid(v.middle, (0.62 * v.shape.width, 0.9 * v.shape.depth, 17)), 6) for v in column[:T11 + 2]]
    return [cut(ellipsoid(heart, np.array([64, 46, 50]) * size, rotation(0, 24, 0)), 8), cut(ellipsoid(atrium, np.array([25, 40, 42]) * size), 8),
            cut(cone(roots[0], roots[1], 28 * size, 22 * size), 8), cut(ellipsoid((lean + 22 * size, 4, top - 74 * size), np.array([20, 22, 19]) * size), 5),
            *_aorta(column, lean, size), cut(cone(veins[0], veins[1], 16 * size, 14 * size), 6), *spine]


def _aorta(column: Sequence[Vertebra], lean: float, size: float) -> list[Step]:
    """The descending aorta, to the left of the spine and half following it."""
    at = [np.array([0.65 * v.middle[0] + 0.35 * lean + x * size, v.middle[1] - 2, v.middle[2]]) for v, x in ((column[4], 29), (column[7], 25), (column[11], 19))]
    return [cut(cone(a, b, 12 * size, 12 * size), 4) for a, b in zip(at, at[1:], strict=False)]


def vessels(column: Sequence[Vertebra], size: float, rng: np.random.Generator) -> Solid:
    """Vessels that branch from both hila."""
    lean = chest_lean(column)
    z = column[6].middle[2]
    steps: list[Step] = []
    for s in (-1, 1):
        root = np.array([lean + s * 36 * size, 28, z + (4 if s > 0 else -2)])
        steps.append(join(ellipsoid(root, np.array([12, 12, 20]) * size), 4))
        for turn in np.radians(np.linspace(-68, 74, 8)) + rng.normal(0, 0.12, 8):
            reach = size * rng.uniform(48, 72)
            mid = root + np.array([s * np.cos(turn) * 0.5 * reach, rng.uniform(-30, 30), np.sin(turn) * 0.62 * reach])
            on = turn + rng.normal(0, 0.3)
            end = mid + np.array([s * np.cos(on) * 0.55 * reach, rng.uniform(-16, 16), np.sin(on) * 0.55 * reach])
            steps += [join(cone(root, mid, 4.6, 2.8), 2), join(cone(mid, end, 2.8, 1.1), 1)]
    return solid(steps)


def airway(column: Sequence[Vertebra], size: float) -> Solid:
    """Trachea and main bronchi."""
    top, lean = column[T1].middle[2], 0.4 * column[T4].middle[0]
    fork = np.array([lean + 2, 12, column[4].middle[2] + 4])
    high, middle, r = np.array([0.5 * lean, 26, top + 110]), np.array([lean * 0.7, 18, top - 10]), 8.5 * size
    steps = [join(cone(high, middle, r, r)), join(cone(middle, fork, r, r), 2)]
    steps += [join(cone(fork, fork + np.array([s * 30, 0, -22 if s > 0 else -30]) * size, 6.5 * size, 5 * size), 4) for s in (-1, 1)]
    return solid(steps)


def abdominal_gas(column: Sequence[Vertebra], size: float, rng: np.random.Generator) -> Solid:
    """The bubble of the stomach under the left dome, and gas in the colon and the small bowel."""
    top = column[T11].middle[2]
    steps: list[Step] = []
    if rng.random() < 0.8:
        bubble = (62 * size + rng.normal(0, 8), 62, top - 26 + rng.normal(0, 6))
        steps.append(join(ellipsoid(bubble, np.array([rng.uniform(18, 34), 22, rng.uniform(9, 17)]) * size, rotation(0, rng.normal(12, 10), 0))))
    route = size * np.array([[-92, 40, -50], [-94, 45, 0], [-92, 50, 60], [-84, 70, 104], [-40, 86, 92], [10, 88, 84], [52, 84, 100], [88, 60, 128],
                             [96, 40, 80], [98, 35, 20], [88, 40, -44]])
    at = np.linspace(0, 10, 44)
    full = rng.random(11) < 0.55
    for t in at[full[np.round(at).astype(int)]]:
        place = np.array([np.interp(t, np.arange(11), route[:, k]) for k in range(3)]) + rng.normal(0, 3.5, 3)
        steps.append(join(ellipsoid(place, rng.uniform(9, 15, 3) * size), 7))
    for _ in range(int(rng.integers(2, 7))):
        steps.append(join(ellipsoid((rng.normal(0, 44), rng.uniform(50, 85), rng.uniform(-60, 0.42 * top)), rng.uniform(5, 12, 3)), 5))
    return solid(steps)


def psoas_fat(column: Sequence[Vertebra], rng: np.random.Generator) -> Solid:
    """The thin sheets of fat that show the borders of the psoas muscles, and fat around the kidneys."""
    steps = []
    for s in (-1, 1):
        high, low = column[L1].world((s * 0.5 * column[L1].shape.width, -6, 0)), column[L3].middle + np.array([s * 66, 14, -78])
        axis = high - low
        lean = rotation(0, float(np.degrees(np.arctan2(axis[0], axis[2]))), 0)
        steps.append(join(ellipsoid(0.5 * (high + low), (2.0, 21, 0.52 * float(np.linalg.norm(axis))), lean)))
        kidney = column[L1].middle + np.array([s * 62, -18, 2 if s > 0 else -12]) + rng.normal(0, 4, 3)
        turn = rotation(0, -s * 14, 0)
        steps += [join(ellipsoid(kidney, (32, 30, 60), turn)), cut(ellipsoid(kidney, (27, 27, 54), turn))]
    return solid(steps)
