"""Discs and the tissues of one spine: where a disc fills the gap between two endplates, and what water it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from osteon.simulate.knee_mri_scene import Brush
from osteon.simulate.lumbar_mri_patient import Disc, Spine
from osteon.simulate.mri import PALETTE, Tissue
from osteon.simulate.mri_paint import Layer
from osteon.simulate.spine_bones import S1_DEPTH
from osteon.simulate.spine_pose import Vertebra
from osteon.simulate.voxels import Lattice, Window

DEEP = 2.6  # mm: how far a disc reaches into the hollow of an endplate, over which the bone is painted
MARGIN = 9.0  # mm about the rims


@dataclass(frozen=True, eq=False)
class Plate:
    """An endplate: its middle, the directions forwards and upwards (normal) in the world, half its depth and width (mm)."""

    middle: np.ndarray
    forward: np.ndarray
    up: np.ndarray
    half: float
    wide: float


def plate_of(vertebra: Vertebra, top: bool) -> Plate:
    """An endplate of a vertebra in the world."""
    middle, frame = vertebra.shape.plate(top)
    turn = vertebra.turn @ frame
    return Plate(vertebra.world(middle), turn[:, 1], turn[:, 2], 0.5 * vertebra.shape.depth, 0.5 * vertebra.shape.width)


def sacral_plate(turn: np.ndarray, size: float) -> Plate:
    """The endplate of S1."""
    return Plate(np.zeros(3), turn[:, 1], turn[:, 2], 0.5 * S1_DEPTH, 25.0 * size)


@dataclass(frozen=True, eq=False)
class Gap:
    """Points of a window between two endplates: below the upper and above the lower one (mm), beside the outline of the disc (mm, negative within),
    and as shares of the half depth and of the half height about the middle of the disc."""

    window: Window
    under: np.ndarray
    over: np.ndarray
    edge: np.ndarray
    along: np.ndarray
    level: np.ndarray


def gap(lattice: Lattice, upper: Plate, lower: Plate, disc: Disc) -> Gap | None:
    """The room of a disc where the plane meets it."""
    rims = np.array([p.middle + s * p.half * p.forward for p in (upper, lower) for s in (-1, 1)])
    window = _about(lattice, rims)
    if window is None:
        return None
    under, over = -lattice.along(upper.up, upper.middle, window), lattice.along(lower.up, lower.middle, window)
    tall = np.maximum(under + over, np.float32(0.5))
    s = np.clip((under - over) / tall, -1.6, 1.6)
    forward, middle = upper.forward + lower.forward, 0.5 * (upper.middle + lower.middle)
    forward = forward / np.linalg.norm(forward)
    y, x = lattice.along(forward, middle, window), lattice.along(np.array([1.0, 0, 0]), middle, window)
    shift = 0.5 * float((lower.middle - upper.middle) @ forward)
    y = y - np.float32(shift) * s
    half = np.float32(0.5 * (upper.half + lower.half) - 0.5)
    round_ = np.sqrt(np.maximum(1 - s * s, 0))
    reach = half + round_ * np.where(y < 0, np.float32(disc.bulge[0]), np.float32(disc.bulge[1]))
    rho = np.hypot(y / reach, x / np.float32(0.5 * (upper.wide + lower.wide)))
    return Gap(window, under, over, (rho - 1) * reach, y / half, s)


def _about(lattice: Lattice, points: np.ndarray) -> Window | None:
    at = lattice.index(points)[:, 1:]
    margin = MARGIN / np.array(lattice.step[1:])
    low, high = np.floor(at.min(axis=0) - margin).astype(int), np.ceil(at.max(axis=0) + margin).astype(int)
    low, high = np.clip(low, 0, lattice.shape[1:]), np.clip(high, 0, lattice.shape[1:])
    return None if (high <= low).any() else (slice(0, 1), slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1])))


def _ramp(value: np.ndarray, low: float, high: float) -> np.ndarray:
    t = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def layers(brush: Brush, upper: Plate, lower: Plate, disc: Disc, name: str) -> Iterator[Layer]:
    """Outer fibres with the ligaments before and behind, annulus, nucleus, the dark cleft within it; the bones are painted afterwards."""
    room = gap(brush.lattice, upper, lower, disc)
    if room is None:
        return
    deep = DEEP * _ramp(room.edge, -0.5, -4.0)
    body = np.maximum(room.edge, np.maximum(-room.under - deep, -room.over - deep))
    yield brush.layer("ligament", "tendon", room.window, np.maximum(room.edge - 1.3, np.maximum(-room.under, -room.over) - 0.5), 0.85)
    yield brush.layer(name, "outer annulus", room.window, body)
    yield brush.layer(name, "annulus", room.window, body + 1.3, 0.9)
    width = 0.10 + 0.42 * disc.latent
    flat = np.sqrt(np.sqrt(((room.along + 0.06) / 0.64) ** 4 + (room.level / 1.02) ** 4))
    inside = brush.cover(body + 1.0)[0]
    yield Layer(name, f"nucleus {name}", room.window[1:], (inside * _ramp(flat, 1 + width, 1 - width)[0]).astype(np.float32))
    cleft = float(np.clip(1.6 * disc.latent, 0.0, 0.42) * np.clip((0.75 - disc.latent) / 0.3, 0, 1))
    thin = np.exp(-((0.5 * (room.under - room.over) / 1.1) ** 2)) * _ramp(np.abs(room.along), 0.55, 0.3)
    yield Layer(name, "annulus", room.window[1:], (cleft * inside * thin[0]).astype(np.float32))


def palette(spine: Spine, names: Mapping[int, str]) -> Mapping[str, Tissue]:
    """The tissues of one patient: marrow that turns to fat with age, discs of their own water."""
    fat = float(np.clip(0.42 + 0.0042 * (spine.person.age - 30), 0.32, 0.72))
    own = {"vertebral marrow": Tissue(0.83, fat, (900.0, 1050.0), (48.0, 44.0), ("trabeculae", 0.09)), "modic fat": Tissue(0.92, min(fat + 0.32, 0.95), (900.0, 1050.0), (48.0, 44.0), ("trabeculae", 0.06)),
           "annulus": Tissue(0.68, 0.0, (820.0, 950.0), (50.0, 45.0), ("grain", 0.06)), "outer annulus": Tissue(0.56, 0.0, (650.0, 750.0), (14.0, 13.0), ("grain", 0.08)),
           "csf": Tissue(1.0, 0.0, (2850.0, 3620.0), (1210.0, 767.0), ("strands", 0.03)), "cord": Tissue(0.80, 0.0, (850.0, 1000.0), (78.0, 72.0), ("grain", 0.03)),
           "root": Tissue(0.72, 0.05, (900.0, 1050.0), (46.0, 42.0)), "epidural fat": Tissue(0.98, 0.90, (900.0, 1050.0), (45.0, 42.0), ("septa", 0.05)),
           "interspinous": Tissue(0.82, 0.58, (800.0, 900.0), (34.0, 31.0), ("strands", 0.2)), "flavum": Tissue(0.62, 0.05, (800.0, 900.0), (24.0, 22.0), ("grain", 0.08)),
           "back muscle": Tissue(0.72, float(np.clip(0.06 + 0.004 * (spine.person.age - 30), 0.04, 0.34)), (1130.0, 1420.0), (36.0, 33.0), ("strands", 0.14)),
           "vein": Tissue(0.85, 0.30, (1450.0, 1800.0), (120.0, 100.0)), "bowel": Tissue(0.75, 0.02, (1300.0, 1500.0), (70.0, 62.0), ("strands", 0.2))}
    nuclei = {f"nucleus {name}": Tissue(0.93 - 0.20 * spine.discs[level].latent, 0.0, (1500.0 - 500 * spine.discs[level].latent, 1700.0 - 550 * spine.discs[level].latent),
                                        (spine.discs[level].t2, 0.9 * spine.discs[level].t2), ("grain", 0.05)) for level, name in names.items()}
    return {**PALETTE, **own, **nuclei}
