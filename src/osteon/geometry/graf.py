"""The infant hip in Graf's standard plane: alpha, beta, cover of the head, and the type.

Points are (row, col) in pixels, spacing (row_mm, col_mm): ilium_top and ilium_low on the straight border of the ilium (the base line, from proximal to distal), rim (the bony
rim, where the concave roof turns convex), lower_limb (of the ilium), labrum (its middle), head (the centre), cup (the deepest point of the head). Angles and types after Graf R.
Arch Orthop Trauma Surg 1984; 102: 248; the cover after Terjesen T et al. Acta Orthop Scand 1989; 60: 525 (neither re-read). Sources differ at exactly 60 degrees, which is type I here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

GRAF_UNITS: Mapping[str, str] = MappingProxyType({"alpha": "deg", "beta": "deg", "cover": "%"})
TYPES = ("I", "IIa", "IIb", "IIc", "D", "III", "IV")
MATURE, BORDERLINE, CRITICAL, EVERTED, WEEKS = 60.0, 50.0, 43.0, 77.0, 12.0  # alpha of types I, II and IIc; beta of a hip about to leave; age that parts IIa from IIb


def measure_graf(points: Mapping[str, Sequence[float] | np.ndarray], spacing: Sequence[float]) -> dict[str, float]:
    """Every reading (`GRAF_UNITS`), nan where a point that it needs is absent; raises ValueError where two points of the base line are one."""
    at = {name: np.asarray(p, float) * np.asarray(spacing, float) for name, p in points.items()}
    out = dict.fromkeys(GRAF_UNITS, math.nan)
    if {"ilium_top", "ilium_low"} <= set(at):
        base = at["ilium_low"] - at["ilium_top"]
        if not np.linalg.norm(base) > 0:
            raise ValueError("points: ilium_top and ilium_low are one point (expected two points of the base line)")
        if {"rim", "lower_limb"} <= set(at):
            out["alpha"] = _between(base, at["lower_limb"] - at["rim"])
        if {"rim", "labrum"} <= set(at):
            out["beta"] = _between(base, at["labrum"] - at["rim"])
        if {"head", "cup"} <= set(at):
            out["cover"] = cover(at["head"] - at["ilium_top"], float(np.linalg.norm(at["cup"] - at["head"])), base)
    return out


def cover(head: np.ndarray, radius: float, base: np.ndarray) -> float:
    """The share (percent) of the diameter of the head that lies deep to the base line; `head` is its centre seen from a point of that line."""
    deep = np.array([abs(base[1]), -base[0] * np.sign(base[1])]) / np.linalg.norm(base)
    return float(np.clip(50 * (1 + float(head @ deep) / radius), 0, 100))


def graf_type(alpha: float, beta: float, weeks: float, *, labrum_below: bool = False) -> str:
    """The type by alpha and beta (degrees) and age (weeks); of a dislocated hip IV where the roof of cartilage is pressed down (`labrum_below`), else III. Raises ValueError for nan."""
    if not (math.isfinite(alpha) and math.isfinite(beta) and weeks >= 0):
        raise ValueError(f"alpha, beta, weeks: not measured (expected finite angles and an age of 0 weeks or more). Found {alpha}, {beta}, {weeks}")
    if alpha >= MATURE:
        return "I"
    if alpha >= BORDERLINE:
        return "IIa" if weeks <= WEEKS else "IIb"
    if alpha >= CRITICAL:
        return "IIc" if beta <= EVERTED else "D"
    return "IV" if labrum_below else "III"


def construct_graf(alpha: float, beta: float, *, roof_mm: float = 9.0, labrum_mm: float = 7.0, tilt: float = 0.0) -> dict[str, np.ndarray]:
    """Points (row, col; mm) that `measure_graf` reads as these angles (degrees): the ilium to the left, its line tipped by `tilt` degrees, distal end lower where that is positive."""
    def along(turn: float, length: float) -> np.ndarray:
        return length * np.array([math.sin(math.radians(turn)), math.cos(math.radians(turn))])

    return {"ilium_top": -along(tilt, 12.0), "ilium_low": -along(tilt, 2.0), "rim": np.zeros(2), "lower_limb": along(tilt + alpha, roof_mm), "labrum": along(tilt - beta, labrum_mm)}


def _between(first: np.ndarray, second: np.ndarray) -> float:
    return math.degrees(math.atan2(abs(float(first[0] * second[1] - first[1] * second[0])), float(first @ second)))
