"""Bone tissue as a function of place: trabeculae from random waves, cortical bone with osteons, and cracks.

A random field of many plane waves of one length is bone where it is near zero, which leaves a network of plates of the wanted share (after Cahn JW. J Chem Phys 1965; 42: 93, not re-read). It can be asked at any point: the deformed
bone is the same bone, asked at the points where its material came from, so that displacement and strain are exact and nothing is interpolated. Lengths are micrometres.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

from osteon.simulate.bone_microct_load import Load

Real = Any


@dataclass(frozen=True, eq=False)
class Waves:
    """A random field: wave vectors (n, 3: x, y, z; radians a micrometre) and phases (n,), of mean 0 and deviation 1."""

    vectors: np.ndarray
    phases: np.ndarray

    def at(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """The field (float32) at points of one shape."""
        flat = [np.ascontiguousarray(np.broadcast_to(a, np.broadcast_shapes(np.shape(x), np.shape(y), np.shape(z))), np.float32) for a in (x, y, z)]
        return np.asarray(_sum(flat[0].ravel(), flat[1].ravel(), flat[2].ravel(), self.vectors.astype(np.float32), self.phases.astype(np.float32)).reshape(flat[0].shape))


@njit(cache=True, fastmath=True)
def _sum(x: np.ndarray, y: np.ndarray, z: np.ndarray, q: np.ndarray, phase: np.ndarray) -> np.ndarray:
    out = np.empty(len(x), np.float32)
    scale = np.float32(np.sqrt(2.0 / len(q)))
    for k in range(len(x)):
        total = np.float32(0)
        for n in range(len(q)):
            total += np.cos(q[n, 0] * x[k] + q[n, 1] * y[k] + q[n, 2] * z[k] + phase[n])
        out[k] = scale * total
    return out


def waves(rng: np.random.Generator, length: float, *, count: int = 40, upright: float = 1.0, spread: float = 0.12) -> Waves:
    """Waves of a length; `upright` below 1 stretches the structure along z."""
    way = rng.normal(0, 1, (count, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    way[:, 2] *= upright
    return Waves(way * (2 * np.pi / length * np.exp(spread * rng.normal(0, 1, count)))[:, None], rng.uniform(0, 2 * np.pi, count))


@dataclass(frozen=True, eq=False)
class Specimen:
    """A piece of bone: tissue, its field and the level within which, on both sides of zero, it is bone, osteons (n, 4: x, y, radius of the osteon, of its canal), fields of lacunae and of mineral."""

    tissue: str
    field: Waves
    level: float
    osteons: np.ndarray
    lacunae: Waves
    mineral: Waves
    length: float

    def bone(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Signed distance to the surface (micrometres, to first order; negative within bone) and mineral (about 1) at points."""
        spots = self.lacunae.at(x, y, z)
        mineral = 1 + 0.06 * self.mineral.at(x, y, z)
        if self.tissue == "trabecular":
            inside = (np.abs(self.field.at(x, y, z)) - np.float32(self.level)) * np.float32(self.length / (2 * np.pi * 0.75))
            return np.maximum(inside, (spots - np.float32(2.75)) * np.float32(5.0)), mineral
        wander = 14 * self.field.at(x * 0, y * 0, z)
        void, around = np.full(np.shape(spots), np.float32(60.0)), np.ones(np.shape(spots), np.float32)
        for cx, cy, wide, canal in self.osteons:
            reach = np.hypot(x - np.float32(cx) - wander, y - np.float32(cy) + 0.6 * wander).astype(np.float32)
            void = np.minimum(void, reach - np.float32(canal))
            within = reach < wide
            ring = np.where(np.abs(reach - wide) < 3.5, np.float32(1.10), np.where(within, np.float32(0.93) + np.float32(0.015) * np.sin(reach * np.float32(0.9)), np.float32(1.0)))
            around = np.where(within | (np.abs(reach - wide) < 3.5), ring, around)
        return np.maximum(-void, (spots - np.float32(2.45)) * np.float32(4.5)), mineral * around


def specimen(rng: np.random.Generator, tissue: str) -> Specimen:
    """A specimen: share of bone 0.17-0.36 and trabeculae a tenth to a fifth of a millimetre thick, or cortical bone with osteons of about 200 micrometres (sizes are ours)."""
    from scipy.special import ndtri

    length = float(rng.uniform(700, 1000)) if tissue == "trabecular" else 400.0
    share = float(rng.uniform(0.17, 0.36))
    osteons = np.array([[*at, rng.uniform(70, 120), rng.uniform(16, 34)] for at in _spread(rng, 2000.0, 165.0)]) if tissue == "cortical" else np.zeros((0, 4))
    return Specimen(tissue, waves(rng, length, upright=0.62), float(ndtri(0.5 + 0.5 * share)), osteons, waves(rng, 34.0 if tissue == "cortical" else 70.0, count=48, spread=0.2), waves(rng, 190.0, count=24, spread=0.4), length)


def _spread(rng: np.random.Generator, side: float, apart: float) -> list[tuple[float, float]]:
    """Points over a square, none nearer to another than `apart`."""
    out: list[tuple[float, float]] = []
    for x, y in rng.uniform(-0.5 * side, 0.5 * side, (900, 2)):
        if all((x - a) ** 2 + (y - b) ** 2 > apart**2 for a, b in out):
            out.append((float(x), float(y)))
    return out


@dataclass(frozen=True, eq=False)
class Crack:
    """A crack: middle, frame (rows: normal, along, across), half length along and across, half opening (micrometres), how it waves."""

    middle: np.ndarray
    frame: np.ndarray
    size: tuple[float, float]
    opening: float
    wave: tuple[float, float]

    def distance(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Signed distance (to first order) to the opened gap."""
        d = [x - np.float32(self.middle[0]), y - np.float32(self.middle[1]), z - np.float32(self.middle[2])]
        n, a, b = (sum(np.float32(row[k]) * d[k] for k in range(3)) for row in self.frame)
        n = n + np.float32(self.wave[0]) * np.sin(a / np.float32(self.wave[1])) + np.float32(0.5 * self.wave[0]) * np.sin(a / np.float32(0.37 * self.wave[1]) + 1) + np.float32(0.4 * self.wave[0]) * np.sin(b / np.float32(self.wave[1]))
        edge = np.sqrt((a / np.float32(self.size[0])) ** 2 + (b / np.float32(self.size[1])) ** 2)
        return np.asarray(np.maximum(np.abs(n) - np.float32(self.opening) * np.sqrt(np.maximum(1 - edge**2, 0)), (edge - 1) * np.float32(min(self.size))), np.float32)


def cracks(rng: np.random.Generator, bone: Specimen, load: Load, count: int, reach: float) -> list[Crack]:
    """Cracks in bone near the crushed band: oblique to the load in trabeculae, along and across the osteons in cortical bone; `reach` is half the field."""
    tissue, out = bone.tissue, []
    for at in _in_bone(rng, bone, load, count, reach):
        tip = np.radians(rng.uniform(20, 65)) if tissue == "trabecular" else np.radians(rng.uniform(55, 90))
        turn = rng.uniform(0, 2 * np.pi)
        normal = np.array([np.sin(tip) * np.cos(turn), np.sin(tip) * np.sin(turn), np.cos(tip)])
        along = np.cross(normal, (0, 0, 1.0))
        along /= np.linalg.norm(along)
        long = float(rng.uniform(140, 420)) if tissue == "trabecular" else float(rng.uniform(60, 190))
        out.append(Crack(at, np.stack([normal, along, np.cross(normal, along)]), (long, long * float(rng.uniform(0.7, 1.3))), float(rng.uniform(0.55, 1.3)) * (9.0 if tissue == "trabecular" else 1.8),
                         (float(rng.uniform(3, 9)) * (2.0 if tissue == "trabecular" else 1.0), float(rng.uniform(20, 45)))))
    return out


def _in_bone(rng: np.random.Generator, bone: Specimen, load: Load, count: int, reach: float) -> np.ndarray:
    """Places (count, 3) that hold bone; where too few do, other ones."""
    at = rng.uniform(-reach, reach, (12 * count, 3))
    if bone.tissue == "trabecular":
        at[:, 2] = load.middle[2] + load.lean * (at[:, 0] - load.middle[0]) + 0.9 * load.width * rng.standard_normal(len(at))
    away, _ = bone.bone(*at.T.astype(np.float32)) if len(at) else (np.zeros(0), None)
    return at[np.argsort(away > 0, kind="stable")[:count]]
