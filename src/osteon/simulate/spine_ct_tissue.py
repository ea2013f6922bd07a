"""What lies about the lumbar spine on CT: muscles, great vessels, kidneys, bowel, discs, the canal, as tapes in the world of the column (spine_pose)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osteon.simulate.sdf import Solid, Step, cone, cut, ellipsoid, join, loft, puck, solid
from osteon.simulate.spine_bones import DISC
from osteon.simulate.spine_pose import Vertebra


def _down(column: Sequence[Vertebra], levels: Sequence[int], offset: Sequence[tuple[float, float]]) -> np.ndarray:
    """Points (n, 3) beside the bodies of some levels: to the left and in front of their middles (mm)."""
    return np.array([column[i].middle + np.array([x, y, 0.0]) for i, (x, y) in zip(levels, offset, strict=True)])


def _strip(column: Sequence[Vertebra], levels: Sequence[int], offset: Sequence[tuple[float, float]], radii: Sequence[tuple[float, float]]) -> Step:
    """A muscle or vessel of elliptic section along the column: offsets from the middles and radii (mm; across, from front to back) by level."""
    at, r = _down(column, levels, offset), np.array(radii)
    return join(loft(at[:, 2], at[:, 0], at[:, 1], r[:, 0], r[:, 1], rounding=4), 2)


def muscles(column: Sequence[Vertebra], size: float, bulk: float) -> Solid:
    """Psoas, quadratus lumborum, multifidus, erector spinae of both sides, crura of the diaphragm; `bulk` around 1."""
    steps = []
    for s in (-1, 1):
        def beside(*points: tuple[float, float], side: float = s * size) -> list[tuple[float, float]]:
            return [(side * x, y * size) for x, y in points]

        def wide(*radii: tuple[float, float]) -> list[tuple[float, float]]:
            return [(x * bulk * size, y * bulk * size) for x, y in radii]

        steps += [_strip(column, (12, 13, 14, 15, 16), beside((24, -7), (29, -7), (34, -5), (39, 0), (44, 6)), wide((5, 7), (9, 12), (12, 15), (15, 17), (17, 19))),
                  _strip(column, (6, 9, 12, 14, 16), beside((8, -42), (9, -44), (11.5, -45), (12.5, -47), (14, -49)), wide((7.5, 10), (8.5, 12), (11, 17), (12.5, 18), (14, 17))),
                  _strip(column, (6, 9, 12, 14, 16), beside((24, -40), (27, -41), (31, -42), (34, -44), (33, -47)), wide((15, 10), (18, 12.5), (22, 17), (22, 17.5), (19, 14))),
                  _strip(column, (11, 12, 14, 16), beside((44, -20), (48, -20), (53, -20), (60, -20)), wide((5, 4), (9, 6), (13, 8), (14, 9)))]
        crus = _down(column, (9, 12, 13), [(s * x * size, y) for x, y in ((13, 16), (12, 18), (9, 17))])
        steps += [join(cone(a, b, 4.0, 3.0), 2) for a, b in zip(crus, crus[1:], strict=False)]
    return solid(steps)


def aorta(column: Sequence[Vertebra], size: float, width: float) -> Solid:
    """The aorta of a radius (mm), on the left front of the bodies."""
    line = _down(column, (5, 7, 10, 12, 14, 16), [(x * size, y * size) for x, y in ((20, 6), (18, 12), (13, 20), (10, 25), (7, 27), (3, 28))])
    return solid([join(cone(a, b, width, width * 0.96), 4) for a, b in zip(line, line[1:], strict=False)])


def cava(column: Sequence[Vertebra], size: float) -> Solid:
    """The inferior vena cava, oval, on the right front of the bodies."""
    return solid([_strip(column, (9, 11, 13, 16), [(x * size, y * size) for x, y in ((-22, 36), (-20, 31), (-17, 27), (-14, 27))], [(11, 9)] * 4)])


def organs(column: Sequence[Vertebra], size: float, rng: np.random.Generator) -> tuple[Solid, Solid, Solid]:
    """Kidneys without their sinus, bowel and the edge of the liver, gas in the bowel."""
    kidneys, bowel, gas = [], [], []
    for s in (-1, 1):
        at = column[12].middle + np.array([s * 60 * size, -2, 4 if s > 0 else -9]) + rng.normal(0, 3, 3)
        kidneys += [join(ellipsoid(at, (25, 23, 54))), cut(ellipsoid(at - (s * 12, -5, 0), (13, 9, 24)), 3)]
    for _ in range(14):
        at = column[13].middle + np.array([rng.uniform(-62, 62), rng.uniform(46, 76), rng.uniform(-80, 80)])
        radius = rng.uniform(9, 17)
        bowel.append(join(ellipsoid(at, radius * np.array([1.25, 0.9, 1.0])), 4))
        if rng.random() < 0.45:
            gas.append(join(ellipsoid(at + (0, 0.35 * radius, 0), radius * np.array([0.8, 0.45, 0.65])), 2))
    liver = column[11].middle + np.array([-78 * size, 30, 6])
    bowel.append(join(ellipsoid(liver, np.array([44, 52, 62]) * size)))
    return solid(kidneys), solid(bowel), solid(gas or [join(ellipsoid(column[13].middle + (0.0, 400.0, 0.0), (1, 1, 1)))])


def discs(column: Sequence[Vertebra], levels: Sequence[int], size: float) -> Solid:
    """The discs below some levels, as wide as the bodies, with what sinks into hollow endplates."""
    steps = []
    for i in levels:
        low = column[i].shape.plate(False)
        turn = column[i].turn @ low[1]
        tall = 0.5 * DISC[i] * size
        steps.append(join(puck(column[i].world(low[0]) - turn[:, 2] * tall, (0.50 * column[i].shape.width, 0.50 * column[i].shape.depth), tall + 2.0, 2.5, turn)))
        high, dish = column[i].shape.plate(True), column[i].shape.dishes[0]
        steps.append(join(ellipsoid(column[i].world(high[0]), (0.40 * column[i].shape.width, 0.40 * column[i].shape.depth, 1.5 + dish), column[i].turn @ high[1])))
    return solid(steps)


def sac(column: Sequence[Vertebra], levels: Sequence[int], size: float, cord: bool) -> Solid:
    """The dural sac, or the cord and the cauda within it."""
    points = [column[i].world((0, -0.5 * column[i].shape.depth - 8.0, 0)) for i in levels]
    radii = [7.2 * size if not cord else (4.3 if i < 13 else 3.0) * size for i in levels]
    return solid([join(cone(a, b, ra, rb), 2) for a, b, ra, rb in zip(points, points[1:], radii, radii[1:], strict=False)])
