"""The shoulder on a film: head and shaft of the humerus, spaces about acromion and coracoid, and the classes of its fractures.

Points are (row, col) in pixels, spacing (row_mm, col_mm). The code of a fracture follows from the planes that part the bone, in the words of the AO/OTA compendium of 2018 (J Orthop Trauma
2018; 32 Suppl 1), whose codes may be used for research and education, commercially only with permission; of the scapula and the clavicle only segment and type are called.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from osteon.geometry.hip import angle, neck_shaft

SHOULDER_UNITS: Mapping[str, str] = MappingProxyType({"neck_shaft": "deg", "acromiohumeral": "mm", "coracoclavicular": "mm", "critical_angle": "deg", "head_shift": "mm"})
HUMERUS = ("greater", "lesser", "surgical", "anatomical", "shaft")  # planes by which the humerus breaks
OBLIQUE_DEG = 30.0  # a shaft broken more steeply is oblique
PART_MM, PART_DEG = 10.0, 45.0  # what makes a fragment a part (Neer CS. J Bone Joint Surg Am 1970; 52: 1077)
DISLOCATED_MM = 14.0  # of the head from its place before the glenoid
PROXIMAL: Mapping[frozenset[str], str] = MappingProxyType({
    frozenset({"greater"}): "11A1.1", frozenset({"lesser"}): "11A1.2", frozenset({"surgical"}): "11A2", frozenset({"surgical", "greater"}): "11B1.1", frozenset({"surgical", "lesser"}): "11B1.2",
    frozenset({"anatomical"}): "11C1.3", frozenset({"anatomical", "greater"}): "11C1.1", frozenset({"anatomical", "greater", "lesser"}): "11C3.1",
    frozenset({"surgical", "greater", "lesser"}): "11C3.1", frozenset({"surgical", "anatomical", "greater", "lesser"}): "11C3.1"})
CLAVICLE: Mapping[str, str] = MappingProxyType({"medial": "15.1", "middle": "15.2", "lateral": "15.3"})
SCAPULA: Mapping[str, str] = MappingProxyType({"acromion": "14A", "coracoid": "14A", "body": "14B", "glenoid": "14F"})


def measure_shoulder(points: Mapping[str, Sequence[float] | np.ndarray], spacing: Sequence[float]) -> dict[str, float]:
    """Every reading of one frontal film (`SHOULDER_UNITS`), nan where a point that it needs is absent.

    Points: head, neck (where the axis of the head meets the shaft axis), shaft; head_top, acromion_under; coracoid, clavicle_under; glenoid_upper, glenoid_lower, acromion_edge; socket (where
    the centre of the head belongs).
    """
    at = {name: np.asarray(p, float) * np.asarray(spacing, float) for name, p in points.items()}
    asked: Mapping[str, tuple[tuple[str, ...], Callable[..., float]]] = {
        "neck_shaft": (("head", "neck", "shaft"), neck_shaft), "acromiohumeral": (("head_top", "acromion_under"), apart), "coracoclavicular": (("coracoid", "clavicle_under"), apart),
        "critical_angle": (("glenoid_lower", "glenoid_upper", "acromion_edge"), critical_angle), "head_shift": (("head", "socket"), apart)}
    return {name: rule(*(at[n] for n in needs)) if all(n in at for n in needs) else math.nan for name, (needs, rule) in asked.items()}


def apart(first: np.ndarray, second: np.ndarray) -> float:
    """The distance of two points (mm)."""
    return float(np.linalg.norm(second - first))


def critical_angle(lower: np.ndarray, upper: np.ndarray, edge: np.ndarray) -> float:
    """The critical shoulder angle (degrees): at the lower rim of the glenoid, between the upper rim and the lateral edge of the acromion (Moor BK et al. Bone Joint J 2013; 95-B: 935)."""
    return angle(upper - lower, edge - lower)


def humerus_code(planes: Sequence[str], *, wedges: int = 0, slope: float = 0.0) -> str:
    """The code of a broken humerus: its planes (some of `HUMERUS`), splinters, and the slope (degrees) of a shaft's plane to the transverse; empty where it is whole, ValueError where no code fits.

    A shaft that is broken beside the head is called by the head.
    """
    proximal = frozenset(planes) - {"shaft"}
    if set(planes) - set(HUMERUS) or (proximal and proximal not in PROXIMAL) or wedges < 0:
        raise ValueError(f"planes: no code fits (expected a combination of {', '.join(HUMERUS)}). Found {sorted(planes)}, {wedges} splinters")
    if proximal:
        code = PROXIMAL[proximal]
        return f"{code}.{min(wedges, 2) + 1}" if code == "11A2" else code
    if not planes:
        return ""
    return f"12{'A' if wedges == 0 else 'B' if wedges == 1 else 'C'}{2 if slope >= OBLIQUE_DEG else 3}"


def clavicle_code(segment: str, wedges: int = 0) -> str:
    """Segment and type of a broken clavicle (medial, middle, lateral): A simple, B with a wedge, C in many pieces; ValueError for another segment."""
    if segment not in CLAVICLE or wedges < 0:
        raise ValueError(f"segment: unknown (expected {', '.join(CLAVICLE)}). Found {segment!r}, {wedges} splinters")
    return CLAVICLE[segment] + "ABC"[min(wedges, 2)]


def neer_parts(moved: Mapping[str, tuple[float, float]]) -> int:
    """How many parts a broken humeral head has: one, and one more for each fragment 10 mm or 45 degrees away (name -> mm, degrees)."""
    return 1 + sum(mm >= PART_MM or abs(turn) >= PART_DEG for mm, turn in moved.values())


def construct_shoulder(*, neck_shaft_deg: float, acromion_mm: float, coracoid_mm: float, critical_deg: float, shift_mm: float, lateral: float = 1.0) -> dict[str, np.ndarray]:
    """Points (row, col; mm) of a shoulder with these readings: what `measure_shoulder` reads back; lateral to the right, or with -1 to the left."""
    lean, csa = math.radians(neck_shaft_deg - 90), math.radians(critical_deg)
    points = {"head": np.zeros(2), "neck": 18 * np.array([math.sin(lean), math.cos(lean)]), "head_top": np.array([-23.0, 2.0]), "acromion_under": np.array([-23.0 - acromion_mm, 2.0]),
              "coracoid": np.array([-20.0, -40.0]), "clavicle_under": np.array([-20.0 - coracoid_mm, -40.0]), "glenoid_lower": np.array([18.0, -27.0]), "glenoid_upper": np.array([-18.0, -27.0]),
              "acromion_edge": np.array([18.0, -27.0]) + 60 * np.array([-math.cos(csa), math.sin(csa)]), "socket": np.array([-shift_mm, 0.0])}
    points["shaft"] = points["neck"] + (90.0, 0.0)
    return {name: p * (1.0, lateral) for name, p in points.items()}
