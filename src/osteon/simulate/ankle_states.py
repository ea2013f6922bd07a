"""What is broken about an ankle: from a pattern and a continuous severity to planes, gaps and displacement.

Nothing is drawn by class centres: heights, slopes and displacement are continuous, and Weber class, displacement and whether a fracture is occult are called by rule from
what stands on the films. Shares of the patterns are ours.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.ankle_bones import AnkleShape
from osteon.simulate.ankle_pose import Injury
from osteon.simulate.bone_cuts import Crack

# pattern -> share, and the chances that medial and posterior malleolus break with the fibula
PATTERNS: Mapping[str, tuple[float, float, float]] = {"A": (0.20, 0.22, 0.0), "B": (0.50, 0.34, 0.30), "C": (0.18, 0.55, 0.40), "medial": (0.08, 1.0, 0.0), "posterior": (0.04, 0.0, 1.0)}
SPRAINED = 0.06  # of the ankles without a fracture: a syndesmosis that is torn alone


def hurt(severity: float, shape: AnkleShape, rng: np.random.Generator, difficulty: float) -> Injury:
    """A fracture of a severity (0: a line, 1: apart); the harder, the finer the line of one that is not displaced."""
    u, z = rng.random(8), rng.normal(0, 1, 16)
    pattern = str(np.array(list(PATTERNS))[np.searchsorted(np.cumsum([p[0] for p in PATTERNS.values()]), u[0])])
    _, medial, posterior = PATTERNS[pattern]
    gap = float(np.clip(1.25 - 0.75 * difficulty + 0.22 * z[0], 0.35, 1.8))
    apart = float(np.clip((severity - 0.05) / 0.95, 0, 1) ** 1.1)
    cracks = {}
    if pattern in "ABC":
        cracks["lateral"] = _fibula(pattern, shape, apart, gap, z[1:8])
    if u[1] < medial:
        cracks["medial"] = _medial(pattern, shape, apart * (0.35 + 0.6 * u[2]), gap, z[8:12])
    if u[3] < posterior:
        cracks["posterior"] = _posterior(shape, apart * (0.3 + 0.5 * u[4]), gap, z[12:16])
    if apart > 0.45 and u[5] < 0.4 and "lateral" in cracks:
        cracks["lateral"] = _comminuted(cracks["lateral"], u[6:8])
    follow = apart * (1.0 if pattern in "BC" else 0.25 if pattern == "A" else 0.3)
    torn = follow * {"C": 1.0, "B": 0.45}.get(pattern, 0.0)
    shift = (5.5 if "medial" in cracks or u[7] < 0.5 else 1.8) * follow
    return Injury(cracks, 4.6 * torn * float(np.exp(0.25 * z[2])), 9.0 * torn, shift * float(np.exp(0.2 * z[3])), float((3.5 * z[4] - 2.0) * follow))


def sprained(rng: np.random.Generator) -> Injury:
    """An ankle without a fracture: seldom a torn syndesmosis or a talus that tilts."""
    torn, z = rng.random() < SPRAINED, rng.normal(0, 1, 3)
    wide = float(np.clip(2.6 + 1.1 * z[0], 0.5, 6)) if torn else 0.0
    return Injury({}, wide, 2.0 * wide, float(max(0.0, 0.5 * wide + 0.3 * z[1])) if torn else 0.0, float(0.6 * z[2]))


def _fibula(pattern: str, shape: AnkleShape, apart: float, gap: float, z: np.ndarray) -> Crack:
    """Weber A: across, below the joint. B: from low in front to high behind, through the syndesmosis. C: short and oblique, above it."""
    x = 27.0 * shape.width + shape.clear - 3.0
    if pattern == "A":
        point, normal, shift = (x, -5.0, -10.0 + 2.6 * z[0]), (0.10 + 0.12 * z[1], 0.12 * z[2], -1.0), (1.5, -0.5, -5.0)
    elif pattern == "B":
        point, normal, shift = (x, -5.5, 9.0 + 4.0 * z[0]), (0.10 + 0.11 * z[1], -0.95 - 0.10 * z[2], -0.62 + 0.10 * z[3]), (5.0, -6.0, 4.0)
    else:
        point, normal, shift = (x - 1.5, -8.5, float(np.clip(44.0 + 12 * z[0], 28, 75))), (0.55 + 0.2 * z[1], -0.25 + 0.2 * z[2], -0.95), (5.0, -2.5, 3.5)
    moved = tuple(float(v) for v in apart * np.asarray(shift) * np.exp(0.25 * z[4]))
    turn = tuple(float(v) for v in apart * np.array([5.0 * z[5], (-9.0 if pattern == "A" else 6.0) + 3 * z[6], -14.0]))
    return Crack(_point(point), _point(normal), gap, _point(moved), _point(turn))


def _medial(pattern: str, shape: AnkleShape, apart: float, gap: float, z: np.ndarray) -> Crack:
    """Torn off across at the height of the joint, or sheared off steeply where the foot was turned in."""
    w = shape.width
    point, normal = ((-16.5 * w, 1.0, 2.0), (-1.0, 0.05 * z[0], -0.42 + 0.1 * z[1])) if pattern == "A" else ((-19.0 * w, 2.0, -0.5 + 1.8 * z[0]), (-0.50 + 0.12 * z[1], 0.22 * z[2], -0.86))
    shift = apart * np.exp(0.3 * z[3]) * np.array([-0.6, 2.0, -4.2])
    return Crack(_point(point), _point(normal), gap, _point(shift), _point((apart * 4 * z[2], 12 * apart, 0.0)))


def _posterior(shape: AnkleShape, apart: float, gap: float, z: np.ndarray) -> Crack:
    """The posterolateral rim of the plafond: a fifth to a third of it."""
    at = (6.0 * shape.width, float(np.clip(-7.5 + 2.6 * z[0], -12.5, -1.5)), 0.0)
    return Crack(_point(at), _point((0.26 + 0.12 * z[1], -0.88, -0.34 + 0.06 * z[2])), gap, _point(apart * np.array([1.0, -2.0, 4.5])), _point((-7 * apart, 0.0, 0.0)))


def _comminuted(crack: Crack, u: np.ndarray) -> Crack:
    at = np.asarray(crack.point)
    lost = ((at + (4.5, 3.0, 2.0 + 3 * u[0]), (3.0, 3.0, 1.0)), (at + (3.5, -5.0, -1.0 + 3 * u[1]), (3.5, -2.5, 2.0)), (at + (-3.0, 5.0, 4.0), (-1.0, 3.5, 1.5)))
    return Crack(crack.point, crack.normal, crack.gap, crack.shift, crack.turn, tuple((_point(p), g) for p, g in lost))


def _point(values: object) -> tuple[float, float, float]:
    x, y, z = (float(v) for v in np.asarray(values, float))
    return x, y, z
