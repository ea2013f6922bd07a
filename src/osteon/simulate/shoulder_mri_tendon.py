"""The tendon of supraspinatus: where it lies on head and footprint, and what is torn in it.

A point near the head is told by three numbers: the bearing in the slice (degrees about the middle of the head, 0 = lateral, 90 = up), the depth in the tendon
(0 on the side of the joint, 1 on that of the bursa) and the place across the slices (mm forwards). Tears are cut in these coordinates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

DEGREES = ("normal", "tendinosis", "partial, articular side", "partial, bursal side", "full thickness")
TORN = DEGREES[2:]
EDGE, MARGIN = 33.0, 58.0  # bearing of the lateral edge of the footprint, and of its medial edge where cartilage begins
FRONT_MM, BACK_MM = 14.0, -26.0  # of the cuff about the footprint; behind -9 it is the infraspinatus tendon
BEARINGS = np.array([EDGE, 39.0, 47.0, 58.0, 70.0, 84.0, 98.0, 112.0, 126.0, 138.0])
THICK = np.array([0.6, 2.4, 4.1, 5.2, 5.5, 5.3, 4.4, 3.2, 2.2, 1.0])  # mm, of a head of 24 mm; 5 to 6 mm over the head by ultrasound and MRI (textbook; ours)
LIFTED = np.array([0.0, 0.0, 0.1, 0.5, 1.5, 1.6, 1.8, 3.2, 6.6, 11.5])  # mm above the bone: cartilage, then a straight way into the belly
MAGIC = 54.7  # degrees of the tendon to the main field, where its signal is highest
WORN: Mapping[str, tuple[float, float]] = MappingProxyType({"normal": (0.05, 0.5), "tendinosis": (0.55, 0.95)})  # how degenerate, least and most; about a tear between
ELLMAN = (3.0, 6.0)  # mm that part the three grades of depth (Ellman H. Clin Orthop 1990; 254: 64)


@dataclass(frozen=True)
class Tear:
    """What is wrong with the tendon: its degree, the share of the thickness that is gone, mm medial of the footprint's lateral edge and mm forwards of its middle, half its length along and its
    width across the tendon (mm), how far the end is drawn back (full thickness, mm), how like fluid the gap is (0-1; else scar fills it), and how degenerate the fibres about it are (0-1)."""

    degree: str = "normal"
    depth: float = 0.0
    place: float = field(default=9.0, kw_only=True)
    ahead: float = field(default=3.0, kw_only=True)
    half: tuple[float, float] = field(default=(5.0, 7.0), kw_only=True)
    retraction: float = field(default=0.0, kw_only=True)
    wet: float = field(default=0.9, kw_only=True)
    worn: float = field(default=0.15, kw_only=True)

    @property
    def torn(self) -> bool:
        """Whether fibres are torn: tendinosis is none."""
        return self.degree in TORN


@dataclass(frozen=True, eq=False)
class Course:
    """The tendon over some points: bearing (degrees), mm medial of the footprint's edge, depth (0-1), thickness (mm), mm forwards, the signed distance (mm) to its surface, and the radius (mm) of the arc in which lengths along it are counted."""

    bearing: np.ndarray
    along: np.ndarray
    depth: np.ndarray
    thick: np.ndarray
    ahead: np.ndarray
    mm: np.ndarray
    radius: float


def drawn(degree: str, rng: np.random.Generator, difficulty: float) -> Tear:
    """A tear of a degree; every degree takes the same numbers from the stream, so that its place does not depend on it."""
    u = rng.random(8)
    least, most = 0.45 - 0.36 * difficulty, 0.95 - 0.2 * difficulty
    depth = {"normal": 0.0, "tendinosis": 0.0, "full thickness": 1.0}.get(degree, least + (most - least) * float(u[0]))
    place = 4.0 + 8.0 * float(u[1])
    low, high = WORN.get(degree, (0.25, 0.65))
    return Tear(degree, depth, place=place, ahead=-2.0 + 9.0 * float(u[2]), half=(2.5 + 3.0 * float(u[3]), 4.5 + 4.5 * float(u[4])),
                retraction=5.0 + 18.0 * float(u[5]) ** 2 if degree == "full thickness" else 0.0, wet=float(np.clip(1.0 - 2.4 * difficulty * u[6], 0.0, 1.0)), worn=low + (high - low) * float(u[7]))


def course(x: np.ndarray, y: np.ndarray, z: np.ndarray, bone: np.ndarray, *, head: float, swollen: float = 1.0) -> Course:
    """Where the tendon lies over points (x, y, z; mm) that are `bone` mm from the humerus; `swollen` thickens it."""
    size = head / 24.0
    bearing = np.degrees(np.arctan2(z, x)).astype(np.float32)
    thick = np.interp(bearing, BEARINGS, swollen * size * THICK).astype(np.float32)
    low = np.interp(bearing, BEARINGS, size * LIFTED).astype(np.float32)
    depth = (bone - low) / thick
    radius = head + 3.0
    arc = np.float32(np.pi / 180 * radius)
    inside = np.maximum(np.abs(bone - low - 0.5 * thick) - 0.5 * thick, (EDGE - bearing) * arc)
    inside = np.maximum(inside, (bearing - BEARINGS[-1]) * arc)
    inside = np.maximum(inside, np.maximum(y - FRONT_MM * size, BACK_MM * size - y))
    return Course(bearing, (bearing - np.float32(EDGE)) * arc, depth, thick, np.broadcast_to(y, bearing.shape), inside.astype(np.float32), radius)


def gap(tear: Tear, way: Course) -> np.ndarray | None:
    """The signed distance (mm) to what is gone from the tendon; None where nothing is."""
    if not tear.torn:
        return None
    across = np.clip(1 - ((way.ahead - tear.ahead) / tear.half[1]) ** 2, 0, 1)
    if tear.degree == "full thickness":
        stub = np.float32(max(0.0, tear.place - 8.5))
        half = 0.5 * tear.retraction * np.sqrt(across)
        ragged = 0.7 * np.sin(9.0 * way.depth + 2.0)
        return np.asarray(np.where(across > 0, np.maximum(np.abs(way.along - stub - half - ragged) - half, way.mm - 0.3), 9.0), np.float32)
    dome = np.sqrt(np.clip(across - ((way.along - tear.place) / tear.half[0]) ** 2, 0, 1))
    height = way.depth if tear.degree == "partial, articular side" else 1 - way.depth
    return np.asarray(np.where(dome > 0, np.maximum((height - tear.depth * dome) * way.thick, way.mm - 0.4), 9.0), np.float32)


def swelling(tear: Tear) -> float:
    """How much thicker the tendon is."""
    return 1.18 if tear.degree == "tendinosis" else 1.0


def degenerate(tear: Tear, way: Course) -> np.ndarray:
    """How much (0-1) of each point is degenerate tissue: most in tendinosis, some about a tear, a little in everyone."""
    off = ((way.along - tear.place) / (1.5 * tear.half[0])) ** 2 + ((way.ahead - tear.ahead) / (1.4 * tear.half[1])) ** 2 + ((way.depth - 0.5) / 0.62) ** 2
    return np.asarray(tear.worn * np.exp(-np.float32(1.1) * off), np.float32)


def magic(way: Course) -> np.ndarray:
    """How near (0-1) the fibres come to the magic angle: they run at right angles to the bearing, so that they stand at it to the field."""
    return np.asarray(np.exp(-(((way.bearing - MAGIC) / 11.0) ** 2)), np.float32)


def grade(depth_mm: float) -> int:
    """Ellman's grade of a partial tear by its depth, 1 to 3; 0 where there is none."""
    return 0 if depth_mm <= 0 else 1 + int(np.searchsorted(ELLMAN, depth_mm, side="right"))


SHARES: Mapping[str, tuple[str, ...]] = MappingProxyType({  # ten examinations of a set of each kind: the case mix is ours
    "read": (*("normal",) * 3, *("tendinosis",) * 2, *("partial, articular side",) * 2, "partial, bursal side", *("full thickness",) * 2),
    "operated": (*("normal",) * 2, *("tendinosis",) * 2, *("partial, articular side",) * 2, "partial, bursal side", *("full thickness",) * 3)})
