"""The infant hip in the plane of a probe: contours of bone, cartilage and soft tissue, and the points that Graf's method needs.

Frame of a hip: origin at the bony rim's corner, u along the base line to the foot, v square to it into the body (mm). The bony roof is a straight tangent of
exactly alpha, rounded at the rim and hollowed between the rim and the lower limb of the ilium.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from osteon.geometry.graf import CRITICAL, EVERTED

PLANES = ("standard", "oblique ilium", "no lower limb", "no labrum", "no chondro-osseous border", "no capsule")
MISSING: Mapping[str, tuple[str, ...]] = {"oblique ilium": ("alpha", "beta", "cover"), "no lower limb": ("alpha",), "no labrum": ("beta",)}  # what such a plane does not let one measure


@dataclass(frozen=True)
class Roof:
    """The bony roof: alpha (degrees), its length, radius of the rim, hollow (mm)."""

    alpha: float
    length: float
    rounding: float
    hollow: float


@dataclass(frozen=True, eq=False)
class InfantHip:
    """One hip: roof, radius and centre (u, v) of the femoral head, middle (u, v) of the labrum, radius of the ossification nucleus (0: none), where the rim lies in the picture (x, z; mm) and
    how its base line is tipped (degrees), and the plane."""

    roof: Roof
    head: float
    centre: np.ndarray
    labrum: np.ndarray
    nucleus: float
    rim: tuple[float, float]
    tilt: float
    plane: str = "standard"

    def world(self, u: np.ndarray | float, v: np.ndarray | float) -> np.ndarray:
        """Points of the hip's frame as (x, z)."""
        c, s = np.cos(np.radians(self.tilt)), np.sin(np.radians(self.tilt))
        return np.stack([self.rim[0] + np.asarray(u) * c - np.asarray(v) * s, self.rim[1] + np.asarray(u) * s + np.asarray(v) * c], axis=-1)

    def local(self, x: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points of the picture in the frame of the hip."""
        c, s = np.float32(np.cos(np.radians(self.tilt))), np.float32(np.sin(np.radians(self.tilt)))
        x, z = x - np.float32(self.rim[0]), z - np.float32(self.rim[1])
        return x * c + z * s, z * c - x * s

    @property
    def ends(self) -> np.ndarray:
        """The bony rim, where the rounding ends, and the lower limb (2, 2: u, v)."""
        a = np.radians(self.roof.alpha)
        start = self.roof.rounding * np.tan(0.5 * a)
        return np.outer([start, start + self.roof.length], [np.cos(a), np.sin(a)])

    def bone(self) -> np.ndarray:
        """The border of the ilium and the roof (k, 2: u, v) from far above to the lower limb."""
        a, rim, limb = np.radians(self.roof.alpha), *self.ends
        start = float(np.linalg.norm(rim))
        turn = np.linspace(0, a, 9)
        arc = np.stack([-start + self.roof.rounding * np.sin(turn), self.roof.rounding * (1 - np.cos(turn))], axis=1)
        share = np.linspace(0, 1, 15)[1:, None]
        seen = 0.42 if self.plane == "no lower limb" else 1.0
        hollow = rim + share * seen * (limb - rim) + self.roof.hollow * np.sin(np.pi * share * seen) * np.array([-np.sin(a), np.cos(a)])
        above = np.linspace(-45, -start, 24)[:-1]
        bent = -0.016 * (above + start) ** 2 if self.plane == "oblique ilium" else np.zeros_like(above)  # the ilium flares out of an oblique plane
        return np.concatenate([np.stack([above, -bent * 0.6], axis=1), arc, hollow])

    def metaphysis(self) -> tuple[np.ndarray, np.ndarray]:
        """Middle and radii (u, v) of the ossified end of the femur."""
        return self.centre + self.head * np.array([2.30, 0.62]), self.head * np.array([1.52, 1.22])

    def points(self) -> dict[str, np.ndarray]:
        """What can be pointed at in the plane (x, z; mm), by the names of `geometry.graf`."""
        rim, limb = self.ends
        start = float(np.linalg.norm(rim))
        named = {"ilium_top": (-start - 9.0, 0.0), "ilium_low": (-start - 0.5, 0.0), "rim": rim, "lower_limb": limb, "labrum": self.labrum, "head": self.centre, "cup": self.centre + (0.0, self.head)}
        gone = {"no lower limb": ("lower_limb",), "no labrum": ("labrum",), "oblique ilium": ("ilium_top", "ilium_low")}.get(self.plane, ())
        return {name: self.world(*at) for name, at in named.items() if name not in gone}


def built(alpha: float, beta: float, cover: float, head: float, *, below: bool = False) -> tuple[Roof, np.ndarray, np.ndarray]:
    """Roof, centre of the head and labrum for a wanted alpha and beta (degrees) and cover (percent), `head` its radius (mm).

    The head touches the cartilage of the roof; the labrum rides on the head, on the line of beta where that meets it, else where it comes nearest. Below alpha 43 the head has
    slid along the false socket, and the cartilage roof with the labrum stands up, or lies pressed down (`below`).
    """
    roof = Roof(alpha, float(np.clip(0.98 * head, 6.0, 9.5)), float(np.interp(alpha, [35, 45, 60, 70], [3.2, 2.6, 1.4, 0.8])), float(np.interp(alpha, [40, 60, 72], [0.2, 0.5, 0.8])))
    a, gap = np.radians(alpha), 1.7 + (1.2 if alpha < CRITICAL else 0.0)
    deep = (0.02 * cover - 1) * head
    centre = np.array([(head + gap + deep * np.cos(a)) / np.sin(a), deep])
    if alpha < CRITICAL:
        centre[0] -= 0.12 * head
    rim = roof.rounding * np.tan(0.5 * a) * np.array([np.cos(a), np.sin(a)])
    return roof, centre, _labrum(rim, centre, head + 1.5, beta, below)


def _labrum(rim: np.ndarray, centre: np.ndarray, ring: float, beta: float, below: bool) -> np.ndarray:
    """Where the line of beta from the bony rim leaves a ring about the head; pressed down, between head and ilium."""
    if below:
        return np.asarray(centre + ring * np.array([-0.80, 0.60]))
    turn = np.radians(beta)
    way, off = np.array([np.cos(turn), -np.sin(turn)]), rim - centre
    half = float(off @ way)
    at = rim + max(-half + np.sqrt(max(half**2 - float(off @ off) + ring**2, 0.0)), 4.0) * way
    return np.asarray(centre + (at - centre) * ring / float(np.linalg.norm(at - centre)))


def expected_beta(alpha: float) -> float:
    """The beta (degrees) that goes with an alpha: the flatter the bony roof, the further the cartilage roof is pushed out. The slope is ours; it passes 77 between types IIc and D."""
    return float(52 + 0.95 * (64 - alpha) + max(CRITICAL + 3.5 - alpha, 0) * 0.8) if alpha > 0 else EVERTED
