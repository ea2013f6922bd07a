"""The ankle on three films: mortise, syndesmosis, tilt of the talus, Boehler's angle, and the rules by which malleolar fractures are called.

Points are (row, col) in pixels, spacing (row_mm, col_mm). Lateral is away from the midline, given by the malleoli themselves, so that both sides read alike. Clear space and
overlap of tibia and fibula stand 10 mm above the plafond (Harper MC, Keller TS. Foot Ankle 1989; 10: 156). The classes follow the words of Danis and Weber; numbers
put to these words, and the limits of an unstable mortise, are ours where no source is named.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from osteon.geometry.hip import angle

ANKLE_UNITS: Mapping[str, str] = MappingProxyType({"talocrural": "deg", "talar_tilt": "deg", "clear_space": "mm", "overlap": "mm", "medial_clear_space": "mm", "superior_clear_space": "mm",
                                                   "boehler": "deg"})
MALLEOLI = ("lateral", "medial", "posterior")
WEBER = ("A", "B", "C")
LEVEL_MM = 10.0  # above the plafond, where the syndesmosis is measured
SYNDESMOSIS_MM = 16.0  # above the plafond: a fracture that lies wholly higher is suprasyndesmotic
DISPLACED_MM = 2.0
WIDE_CLEAR_MM, WIDE_MEDIAL_MM, MEDIAL_EXCESS_MM = 6.0, 5.0, 1.0  # clear space of the syndesmosis; of the mortise medially, and its excess over that above the talus


def measure_ankle(points: Mapping[str, Sequence[float] | np.ndarray], spacing: Sequence[float]) -> dict[str, float]:
    """Every reading of one film (`ANKLE_UNITS`), nan where a point that it needs is absent: a lateral film shows no mortise, the others no Boehler's angle.

    Points: tip_medial, tip_lateral; plafond_medial, plafond_lateral; dome_medial, dome_lateral; notch, tubercle (lateral edge of the tibia) and fibula_medial 10 mm above the plafond;
    gutter_tibia, gutter_talus; tuberosity, facet, anterior_process of the calcaneus.
    """
    at = {name: np.asarray(p, float) * np.asarray(spacing, float) for name, p in points.items()}
    plafond, dome = ("plafond_medial", "plafond_lateral"), ("dome_medial", "dome_lateral")
    asked: Mapping[str, tuple[tuple[str, ...], Callable[..., float]]] = {
        "talocrural": ((*plafond, "tip_medial", "tip_lateral"), talocrural), "talar_tilt": ((*plafond, *dome), talar_tilt), "clear_space": ((*plafond, "notch", "fibula_medial"), along),
        "overlap": ((*plafond, "fibula_medial", "tubercle"), along), "medial_clear_space": (("gutter_tibia", "gutter_talus"), apart), "superior_clear_space": ((*plafond, *dome), above),
        "boehler": (("tuberosity", "facet", "anterior_process"), boehler)}
    return {name: rule(*(at[n] for n in needs)) if all(n in at for n in needs) else math.nan for name, (needs, rule) in asked.items()}


def talocrural(medial: np.ndarray, lateral: np.ndarray, tip_medial: np.ndarray, tip_lateral: np.ndarray) -> float:
    """The angle (degrees) between the normal of the plafond and the line of the malleolar tips; below 90 where the fibula reaches lower."""
    return 90.0 - _turned(lateral - medial, tip_lateral - tip_medial)


def talar_tilt(medial: np.ndarray, lateral: np.ndarray, dome_medial: np.ndarray, dome_lateral: np.ndarray) -> float:
    """The angle (degrees) from the plafond to the dome of the talus; positive where the joint opens laterally."""
    return _turned(lateral - medial, dome_lateral - dome_medial)


def along(medial: np.ndarray, lateral: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    """How far (mm) the second point lies lateral to the first, along the plafond."""
    return float((second - first) @ (lateral - medial) / np.linalg.norm(lateral - medial))


def apart(first: np.ndarray, second: np.ndarray) -> float:
    """The distance of two points (mm)."""
    return float(np.linalg.norm(second - first))


def above(medial: np.ndarray, lateral: np.ndarray, dome_medial: np.ndarray, dome_lateral: np.ndarray) -> float:
    """The distance (mm) of the middle of the dome from the line of the plafond."""
    way = (lateral - medial) / np.linalg.norm(lateral - medial)
    gone = 0.5 * (dome_medial + dome_lateral) - medial
    return float(abs(way[0] * gone[1] - way[1] * gone[0]))


def boehler(tuberosity: np.ndarray, facet: np.ndarray, process: np.ndarray) -> float:
    """Boehler's angle (degrees): between the lines from the top of the posterior facet to the tuberosity and to the anterior process."""
    return 180.0 - angle(tuberosity - facet, process - facet)


def _turned(first: np.ndarray, second: np.ndarray) -> float:
    """The angle (degrees) from a lateral direction to another, positive where the second falls more steeply."""
    out = math.copysign(1.0, first[1])
    return math.degrees(math.atan2(out * (first[1] * second[0] - first[0] * second[1]), float(first @ second)))


def weber(low: float, high: float) -> str:
    """The class of a fracture of the fibula between two heights (mm above the plafond): A wholly below the joint, C wholly above the syndesmosis, else B; ValueError where low > high."""
    if not low <= high:
        raise ValueError(f"low: above high (expected heights in order). Found {low} and {high}")
    return "A" if high <= 0 else "C" if low >= SYNDESMOSIS_MM else "B"


def malleolar(broken: Sequence[str]) -> str:
    """none, unimalleolar, bimalleolar or trimalleolar; ValueError for a malleolus that is none."""
    if set(broken) - set(MALLEOLI) or len(set(broken)) < len(broken):
        raise ValueError(f"broken: unknown or twice (expected some of {', '.join(MALLEOLI)}). Found {list(broken)}")
    return ("none", "unimalleolar", "bimalleolar", "trimalleolar")[len(broken)]


def wide_mortise(medial_clear_space: float, superior_clear_space: float) -> bool:
    """Whether the talus has gone laterally: a medial clear space of 5 mm or more, wider than that above the talus by more than 1 mm."""
    return medial_clear_space >= WIDE_MEDIAL_MM and medial_clear_space > superior_clear_space + MEDIAL_EXCESS_MM


def construct_mortise(*, talocrural_deg: float, tilt_deg: float, clear_mm: float, overlap_mm: float, medial_mm: float, superior_mm: float, lateral: float = 1.0) -> dict[str, np.ndarray]:
    """Points (row, col; mm) of a mortise with these readings: what `measure_ankle` reads back; lateral to the right, or with -1 to the left."""
    fall, tilt = math.tan(math.radians(90 - talocrural_deg)), math.radians(tilt_deg)
    half = 14.0 * np.array([math.sin(tilt), math.cos(tilt)])
    fibula = np.array([-LEVEL_MM, 19.0])
    points = {"plafond_medial": np.array([0.0, -14]), "plafond_lateral": np.array([0.0, 14]), "tip_medial": np.array([14.0, -25]), "tip_lateral": np.array([14.0 + 52 * fall, 27]),
              "dome_medial": np.array([superior_mm, 0.0]) - half, "dome_lateral": np.array([superior_mm, 0.0]) + half, "fibula_medial": fibula, "notch": fibula - (0.0, clear_mm),
              "tubercle": fibula + (0.0, overlap_mm), "gutter_tibia": np.array([8.0, -15 - medial_mm]), "gutter_talus": np.array([8.0, -15.0])}
    return {name: p * (1.0, lateral) for name, p in points.items()}


def construct_calcaneus(boehler_deg: float, *, anterior: float = 1.0) -> dict[str, np.ndarray]:
    """Points (row, col; mm) of a calcaneus of a Boehler's angle; anterior to the right, or with -1 to the left."""
    half = math.radians(0.5 * boehler_deg)
    return {"tuberosity": 40 * np.array([math.sin(half), -anterior * math.cos(half)]), "facet": np.zeros(2), "anterior_process": 34 * np.array([math.sin(half), anterior * math.cos(half)])}
