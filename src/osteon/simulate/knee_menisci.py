"""The two menisci and what is wrong with them: C-shaped wedges between the cartilage of femur and tibia, with signal that reaches their surface or not.

Every point of a meniscus has three coordinates: its bearing on the ring, its depth from the free edge (mm) and its height over
the tibial cartilage (mm). A lesion is a line in depth and height over an arc of bearings, so that it looks as it must in
every slice: reaching a surface it is a tear, within the substance degeneration (grading of Crues 1987 and Stoller 1987).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from osteon.simulate.knee_bones import SIGN

CLASSES = ("healthy", "degenerated", "torn")
KINDS = ("oblique", "horizontal", "vertical", "flap", "bucket handle")
RIM_MM, EDGE_MM = 6.6, 0.5  # height at the periphery and at the free edge
CENTRE: Mapping[str, tuple[float, float]] = MappingProxyType({"medial": (21.5, -5.0), "lateral": (22.0, -6.5)})  # of the ring (mm, x away from the middle, y)
RADII: Mapping[str, tuple[float, float]] = MappingProxyType({"medial": (17.5, 20.6), "lateral": (16.5, 17.5)})
WIDTH: Mapping[str, tuple[float, float, float]] = MappingProxyType({"medial": (9.5, 10.0, 14.0), "lateral": (10.5, 10.5, 12.0)})  # mm at the anterior horn, body, posterior horn
OPEN_DEGREES: Mapping[str, float] = MappingProxyType({"medial": 122.0, "lateral": 140.0})  # bearing at which the ring ends on both sides


@dataclass(frozen=True)
class Lesion:
    """What is wrong with one meniscus: class, kind of a tear, arc (bearing of its middle and half width, degrees; 0 = body, -90 = posterior horn),
    ends of the line ((depth, height) as shares of width and height), half thickness (mm), signal (0-1)."""

    state: str = "healthy"
    kind: str = ""
    arc: tuple[float, float] = (-80.0, 45.0)
    line: tuple[tuple[float, float], tuple[float, float]] = ((0.3, 0.0), (0.8, 0.5))
    half: float = 0.55
    strength: float = 0.9

    @property
    def truncated(self) -> bool:
        """Whether part of the free edge is gone."""
        return self.kind in ("flap", "bucket handle")


def drawn(state: str, rng: np.random.Generator, difficulty: float) -> Lesion:
    """A lesion of a class: the harder, the fainter its line, the shorter a tear and the longer a degeneration."""
    u = rng.random(8).tolist()
    posterior = u[0] < 0.72
    arc = (float(-85 + 30 * (u[1] - 0.5)) if posterior else float(75 + 40 * (u[1] - 0.5)), float(38 + 22 * u[2]))
    strength, half = float(1.0 - 0.42 * difficulty * u[3]), float(0.42 + 0.22 * u[4] - 0.06 * difficulty)
    if state == "torn":
        kind = KINDS[int(np.searchsorted(np.cumsum((0.42, 0.20, 0.20, 0.10)), u[5]))]
        return Lesion(state, kind, arc, _tear(kind, u[6], u[7], difficulty), half, strength)
    if state == "degenerated":
        reach = 0.24 + 0.18 * u[6] + 0.06 * difficulty
        middle, rise = 0.62 + 0.08 * (u[7] - 0.5), 0.16 * (u[5] - 0.5)
        return Lesion(state, "", arc, ((middle - reach, 0.5 - rise), (middle + 0.8 * reach, 0.5 + rise)), half, strength * 0.92)
    return Lesion(arc=arc)


def _tear(kind: str, u: float, v: float, difficulty: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """The two ends of a tear: the first lies on a surface."""
    if kind == "horizontal":
        return (0.0, 0.5), (0.62 + 0.25 * u, 0.42 + 0.2 * v)
    if kind == "vertical":
        at = 0.55 + 0.25 * u
        return (at, -0.02), (at + 0.12 * (v - 0.5), 1.02 - 0.35 * difficulty * v)
    side = 0.0 if v < 0.7 else 1.0
    return (0.24 + 0.2 * u, side), (0.66 + 0.22 * u, 0.52 + 0.12 * (side - 0.5))


@dataclass(frozen=True, eq=False)
class Ring:
    """Points of one compartment in the coordinates of its meniscus: bearing (degrees), depth from the free edge and width there (mm), signed distance to the ring in plan (mm)."""

    bearing: np.ndarray
    depth: np.ndarray
    width: np.ndarray
    plan: np.ndarray


def ring(side: str, x: np.ndarray, y: np.ndarray, above: np.ndarray, size: float) -> Ring:
    """Plan coordinates of points (x, y in the tibia's frame and height over its cartilage, mm) for a plateau `size` times 80 mm wide; the outer wall bulges a little."""
    (cx, cy), (rx, ry) = CENTRE[side], RADII[side]
    u, v = (SIGN[side] * x / size - cx) / rx, (y / size - cy) / ry
    r = np.sqrt(u * u + v * v)
    bearing = np.degrees(np.arctan2(v, u))
    mean = np.sqrt((rx * rx * u * u + ry * ry * v * v) / np.maximum(r * r, 1e-6)) * size
    width = np.interp(bearing, (-180, -95, -60, 0, 60, 95, 180), np.array(WIDTH[side])[[2, 2, 2, 1, 0, 0, 0]]).astype(np.float32) * size
    outside = (r - 1) * mean + np.clip(0.07 * (above - 2.8) ** 2, 0, 3) - 0.8
    ends = (np.abs(bearing) - OPEN_DEGREES[side]) * np.pi / 180 * r * mean
    return Ring(bearing.astype(np.float32), (width + outside).astype(np.float32), width, np.maximum(np.maximum(outside, -outside - width), ends).astype(np.float32))


def height(depth: np.ndarray, width: np.ndarray, size: float) -> np.ndarray:
    """The most that a meniscus rises (mm) over the tibial cartilage at a depth from its free edge."""
    return np.asarray(EDGE_MM + (RIM_MM * size - EDGE_MM) * np.clip(depth / width, 0, 1.2) ** 0.68, np.float32)


def line_distance(lesion: Lesion, around: Ring, above: np.ndarray, top: np.ndarray) -> np.ndarray:
    """How far (mm) points lie from the line of a lesion in the section across the ring; large beyond the ends of its arc."""
    (a0, b0), (a1, b1) = lesion.line
    w, h = around.width, np.maximum(top, 0.4)
    px, py = around.depth - a0 * w, above - b0 * h
    qx, qy = (a1 - a0) * w, (b1 - b0) * h
    t = np.clip((px * qx + py * qy) / np.maximum(qx * qx + qy * qy, 1e-6), 0, 1)
    across = np.hypot(px - t * qx, py - t * qy)
    beyond = np.maximum(np.abs(around.bearing - lesion.arc[0]) - lesion.arc[1], 0) * np.float32(0.35)
    return np.asarray(across + beyond, np.float32)


def lost_edge(lesion: Lesion, around: Ring) -> np.ndarray:
    """Below 0 where the free edge is gone (mm)."""
    gone = 0.42 if lesion.kind == "flap" else 0.5
    beyond = np.maximum(np.abs(around.bearing - lesion.arc[0]) - lesion.arc[1], 0) * np.float32(0.35)
    return np.asarray(around.depth - gone * around.width + beyond, np.float32)


def as_state(lesion: Lesion, state: str, rng: np.random.Generator, difficulty: float) -> Lesion:
    """The counterfactual of a lesion: another class in the same arc."""
    return replace(drawn(state, rng, difficulty), arc=lesion.arc)
