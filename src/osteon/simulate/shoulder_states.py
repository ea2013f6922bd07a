"""What is broken about a shoulder: from a pattern and a continuous severity to planes, gaps and displacement; and heads that have left the socket.

Which planes there are decides the code; slopes, places, gaps and displacement are continuous. Shares of the patterns are ours.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.bone_cuts import Crack
from osteon.simulate.shoulder_bones import CLAVICLE, ShoulderShape
from osteon.simulate.shoulder_pose import Injury

PATTERNS: Mapping[str, tuple[float, tuple[str, ...]]] = {
    "greater": (0.10, ("greater",)), "lesser": (0.02, ("lesser",)), "surgical": (0.18, ("surgical",)), "three part": (0.10, ("greater", "surgical")), "three part, lesser": (0.03, ("lesser", "surgical")),
    "head": (0.03, ("anatomical",)), "valgus": (0.07, ("greater", "anatomical")), "four part": (0.07, ("greater", "lesser", "anatomical", "surgical")), "shaft": (0.08, ("shaft",)),
    "clavicle": (0.20, ("clavicular",)), "acromion": (0.03, ("acromion",)), "coracoid": (0.02, ("coracoid",)), "glenoid": (0.04, ("glenoid",)), "body": (0.03, ("body",))}
SEGMENTS: Mapping[str, float] = {"middle": 0.68, "lateral": 0.26, "medial": 0.06}
DISLOCATED = 0.12  # of the shoulders without a fracture: a head out of its socket, which is no fracture
Point = tuple[float, float, float]


def hurt(severity: float, shape: ShoulderShape, rng: np.random.Generator, difficulty: float) -> Injury:
    """A fracture of a severity (0: a line, 1: apart); the harder, the finer the line of one that is not displaced."""
    u, z = rng.random(8), rng.normal(0, 1, 24)
    pattern = str(np.array(list(PATTERNS))[np.searchsorted(np.cumsum([share for share, _ in PATTERNS.values()]), u[0])])
    gap = float(np.clip(1.6 - 0.8 * difficulty + 0.25 * z[0], 0.5, 2.4))
    apart = float(np.clip((severity - 0.05) / 0.95, 0, 1) ** 1.1)
    cracks, segment = {}, ""
    for k, name in enumerate(PATTERNS[pattern][1]):
        made = _humeral(name, shape, apart, z[4 * k + 1: 4 * k + 5]) if name in HUMERAL else _scapular(name, apart, z[1:5])
        if name == "clavicular":
            segment = str(np.array(list(SEGMENTS))[np.searchsorted(np.cumsum(list(SEGMENTS.values())), u[1])])
            made = _clavicle(segment, apart, z[1:7])
        point, normal, shift, turn = made
        pieces = int(apart > 0.3 and u[2] < 0.5) + int(apart > 0.5 and u[2] < 0.2) if name in ("surgical", "shaft", "clavicular") else 0
        cracks[name] = Crack(_point(point), _point(normal), gap, _point(shift), _point(turn), _splinters(np.asarray(point), name, pieces, u[3:7]))
    out = u[7] < 0.06 and not {"shaft", "clavicular"} & set(cracks)
    return Injury(cracks, segment, *(dislocated(rng) if out else ((0.0, 0.0, 0.0), 0.0)))


def unhurt(rng: np.random.Generator) -> Injury:
    """A shoulder without a fracture, seldom dislocated."""
    out = rng.random() < DISLOCATED
    return Injury({}, "", *(dislocated(rng) if out else ((0.0, 0.0, 0.0), 0.0)))


def dislocated(rng: np.random.Generator) -> tuple[Point, float]:
    """Where a head goes: mostly forwards, inwards and down below the coracoid, seldom backwards and turned inwards."""
    z = rng.normal(0, 1, 4)
    if rng.random() < 0.88:
        return _point((-27 + 3 * z[0], 22 + 4 * z[1], -27 + 5 * z[2])), float(-25 + 6 * z[3])
    return _point((-4 + 2 * z[0], -24 + 3 * z[1], -3 + 2 * z[2])), float(55 + 8 * z[3])


HUMERAL = ("greater", "lesser", "surgical", "anatomical", "shaft")
Made = tuple[object, object, object, object]


def _humeral(name: str, shape: ShoulderShape, apart: float, z: np.ndarray) -> Made:
    big = apart * np.exp(0.25 * z[0])
    if name == "greater":
        return (15.0, -3.0, 6.0), (0.86 + 0.08 * z[1], -0.22 + 0.1 * z[2], 0.42 + 0.12 * z[3]), big * np.array([3.0, -6.0, 9.0]), (0, 16 * big, 10 * big)
    if name == "lesser":
        return (11.0, 12.5, -6.0), (-0.15 + 0.1 * z[1], 0.98, 0.05 * z[2]), big * np.array([-7.0, 5.0, 0.0]), (0, 0, 14 * big)
    if name == "surgical":
        return (8.6, 0.0, -33.0 + 5 * z[1]), (0.22 * z[2], 0.15 * z[3], 1.0), big * np.array([13.0, -8.0, -6.0]) * (1 if z[2] < 0.8 else -0.7), (8 * z[3] * apart, -26 * big * np.sign(z[1] + 0.6), 0)
    if name == "anatomical":
        return 2.0 * shape.axis, shape.axis + 0.12 * np.array([z[1], z[2], z[3]]), big * np.array([2.0, 0.0, -3.0]), (0, 34 * big, 6 * z[2] * apart)
    return (8.6, 0.0, -98.0 + 16 * z[1]), (0.75 + 0.3 * z[2], 0.45 * z[3], -1.0), big * np.array([11.0, 6.0, 6.0]), (6 * z[2] * apart, -14 * big, 0)


def _scapular(name: str, apart: float, z: np.ndarray) -> Made:
    big = apart * np.exp(0.25 * z[0])
    if name == "acromion":
        return (-2.0 + 3 * z[1], -14.0, 37.0), (0.9, 0.5 + 0.15 * z[2], 0.0), big * np.array([3.0, 1.0, -6.0]), (0, 14 * big, 0)
    if name == "coracoid":
        return (-39.0, 17.0, 14.0), (0.40 + 0.1 * z[1], 0.88, -0.10), big * np.array([4.0, 3.0, -8.0]), (-12 * big, 0, 0)
    if name == "glenoid":
        return (-32.0, 1.0, -7.0 + 3 * z[1]), (0.30 + 0.1 * z[2], 0.35 + 0.2 * z[3], -0.85), big * np.array([-2.0, 4.0, -7.0]), (0, 10 * big, 0)
    return (-74.0, -5.0, -44.0 + 9 * z[1]), (0.30 + 0.2 * z[2], 0.05 * z[3], -1.0), big * np.array([6.0, 4.0, 7.0]), (0, 7 * big, 0)


def _clavicle(segment: str, apart: float, z: np.ndarray) -> Made:
    """The outer piece sinks with the arm, the inner one is pulled up; at the outer end it is the other way round."""
    along = {"middle": 2.35 + 0.35 * z[0], "lateral": 4.2 + 0.18 * z[0], "medial": 0.75 + 0.12 * z[0]}[segment]
    i = int(np.clip(along, 0, 4))
    point = CLAVICLE[i] + (along - i) * (CLAVICLE[i + 1] - CLAVICLE[i])
    way = (CLAVICLE[i + 1] - CLAVICLE[i]) / np.linalg.norm(CLAVICLE[i + 1] - CLAVICLE[i])
    big = apart * np.exp(0.25 * z[4])
    return point, way + np.array([0.0, 0.4 * z[1], 0.55 * z[2]]), big * (np.array([-9.0, -3.0, -14.0]) if segment != "lateral" else np.array([-1.0, 0.0, -11.0])), (0, 9 * big, 5 * z[3] * apart)


def _splinters(at: np.ndarray, name: str, pieces: int, u: np.ndarray) -> tuple[tuple[Point, Point], ...]:
    reach = {"surgical": 13.0, "shaft": 9.0, "clavicular": 4.0}.get(name, 0.0)
    ways = ((1.0, 0.3, 0.2), (-0.7, 0.6, -0.3))
    return tuple((_point(at + reach * np.asarray(ways[k]) * (0.8 + 0.3 * u[k])), _point((2 + 3 * u[2]) * np.asarray(ways[k]) + (0, 0, 3 * u[3] - 1))) for k in range(pieces))


def _point(values: object) -> Point:
    x, y, z = (float(v) for v in np.asarray(values, float))
    return x, y, z
