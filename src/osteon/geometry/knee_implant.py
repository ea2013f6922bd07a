"""A knee replacement on the anteroposterior film: component angles, lucent lines by zone with their score, and what calls a tray loose.

Ewald FC. Clin Orthop 1989; 248: 9 (angles alpha and beta, seven zones of the tibial component, score in millimetres). Which number a zone has is ours
where the publication leaves it open: 1 to 4 below the tray from medial to lateral, 5 and 7 beside the stem (medial, lateral), 6 below its tip.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from osteon.errors import DataError, message

ZONES = ("1", "2", "3", "4", "5", "6", "7")
FOLLOWED_MM, FAILING_MM = 5.0, 10.0  # sum of the lines that is followed closely, and that stands for failure (Ewald)
SUNK_MM, TILTED_DEG = 3.0, 4.0  # migration since operation that calls a tray loose; ours
LANDMARKS = ("femoral_medial", "femoral_lateral", "femur_low", "femur_high", "tray_medial", "tray_lateral", "tibia_high", "tibia_low")
KNEE_UNITS: Mapping[str, str] = MappingProxyType({"alpha": "deg", "beta": "deg", "score": "mm", **{f"line_{zone}": "mm" for zone in ZONES}})
DEFINITIONS: Mapping[str, str] = MappingProxyType({
    "alpha": "medial angle of the femoral component's distal line to the axis of the femoral shaft", "beta": "medial angle of the tray to the axis of the tibial shaft",
    "score": "sum of the lucent lines over the seven zones", "line": "width of the lucent line of a zone, square to the component"})


@dataclass(frozen=True)
class Signs:
    """What calls a tray loose: lucent lines (mm) by zone, subsidence (mm) and tilt (degrees) since operation."""

    lines: Mapping[str, float] = field(default_factory=dict, hash=False)
    sunk: float = 0.0
    tilted: float = 0.0

    def __post_init__(self) -> None:
        if set(self.lines) - set(ZONES) or not all(v >= 0 for v in (*self.lines.values(), self.sunk)):
            raise ValueError(f"signs: impossible (expected lines of 0 mm or more in the zones {', '.join(ZONES)}). Found {dict(self.lines)}, {self.sunk}")

    @property
    def score(self) -> float:
        """The sum of the lines (mm)."""
        return float(sum(self.lines.values()))

    @property
    def loose(self) -> bool:
        """A score of failure, or a migration."""
        return self.score >= FAILING_MM or self.sunk >= SUNK_MM or abs(self.tilted) >= TILTED_DEG


def measure_replacement(points: Mapping[str, np.ndarray], spacing: Sequence[float]) -> dict[str, float]:
    """alpha and beta (degrees; definitions above) of LANDMARKS as (row, col) in pixels; raises DataError for an absent point or an impossible spacing."""
    absent = [name for name in LANDMARKS if name not in points]
    if absent or not all(0 < v < math.inf for v in spacing):
        raise DataError(message("knee replacement", "it can not be measured", expected=f"the points {', '.join(LANDMARKS)} and a spacing above 0 mm", found=f"Absent: {absent}, spacing {tuple(spacing)}"))
    at = {name: np.asarray(points[name], float) * np.asarray(spacing, float) for name in LANDMARKS}
    return {"alpha": _between(at["femoral_medial"] - at["femoral_lateral"], at["femur_high"] - at["femur_low"]),
            "beta": _between(at["tray_medial"] - at["tray_lateral"], at["tibia_low"] - at["tibia_high"])}


def construct_replacement(alpha: float, beta: float, *, spacing: Sequence[float] = (1.0, 1.0), medial: float = 1.0, width_mm: float = 66.0) -> dict[str, np.ndarray]:
    """LANDMARKS with wanted angles and vertical shafts; `medial` is 1 where that side lies to the right of the film. The inverse of `measure_replacement`."""
    up, down = np.array([-1.0, 0.0]), np.array([1.0, 0.0])
    out = {"femur_low": np.array([-30.0, 0]), "femur_high": np.array([-80.0, 0]), "tibia_high": np.array([30.0, 0]), "tibia_low": np.array([80.0, 0])}
    for name, axis, angle, middle in (("femoral", up, alpha, np.array([-6.0, 0])), ("tray", down, beta, np.array([6.0, 0]))):
        way = np.cos(np.radians(angle)) * axis + np.sin(np.radians(angle)) * np.array([0.0, medial])
        out |= {f"{name}_medial": middle + 0.5 * width_mm * way, f"{name}_lateral": middle - 0.5 * width_mm * way}
    return {name: out[name] / np.asarray(spacing, float) for name in LANDMARKS}


def _between(a: np.ndarray, b: np.ndarray) -> float:
    return math.degrees(math.atan2(abs(float(a[0] * b[1] - a[1] * b[0])), float(a @ b)))
