"""The hip on the anteroposterior film: angles, lengths, zones, and the rules by which arthritis, fractures and loosening are called.

Points are (row, col) in pixels, spacing (row_mm, col_mm). Lateral is away from the midline, so that both sides read alike. Cup angles are the radiographic ones
(Murray DW. J Bone Joint Surg Br 1993; 75: 228). Zones of the stem after Gruen TA et al. Clin Orthop 1979; 141: 17, of the cup after DeLee JG, Charnley J. Clin Orthop
1976; 121: 20. The rules put numbers to the words of Tonnis and Garden and of the usual definitions of loosening; the numbers are ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

HIP_UNITS: Mapping[str, str] = MappingProxyType({"neck_shaft": "deg", "offset": "mm", "centre_edge": "deg", "lesser_trochanter": "mm", "cup_inclination": "deg", "cup_anteversion": "deg",
                                                 "stem_tilt": "deg"})
HEAD_MM, EXPECTED_MM = 23.5, 4.2  # radius of a head of ordinary size, and the joint space over it
GRUEN, DELEE = ("1", "2", "3", "4", "5", "6", "7"), ("I", "II", "III")
LOSS = (0.20, 0.40, 0.70)  # share of the expected joint space: slight, moderate, severe
SCLEROSIS, OSTEOPHYTE_MM, CYST_MM = 0.25, 2.0, (4.0, 10.0)  # some sclerosis (0-1), an osteophyte, a small and a large cyst (diameter)
DEFORMITY_MM = 3.0  # flattening of the head
GARDEN_MM, GARDEN_DEG, GARDEN_SHARE = 3.0, 10.0, 0.5  # displacement that counts, valgus that counts as impacted, share of the neck's width that is full displacement
WIDE_MM, LINE_MM = 2.0, 1.0  # a lucent line that speaks of loosening; one that counts as demarcation
SUBSIDENCE_MM, TILT_DEG, MIGRATION_MM, TURN_DEG = 5.0, 3.0, 4.0, 6.0


def angle(first: Sequence[float] | np.ndarray, second: Sequence[float] | np.ndarray) -> float:
    """The angle (degrees, 0-180) between two directions."""
    a, b = np.asarray(first, float), np.asarray(second, float)
    return math.degrees(math.atan2(abs(a[0] * b[1] - a[1] * b[0]), float(a @ b)))


def measure_hip(points: Mapping[str, Sequence[float] | np.ndarray], spacing: Sequence[float]) -> dict[str, float]:
    """Every reading of one hip (`HIP_UNITS`), nan where a point that it needs is absent.

    Points: head, neck (where the axes meet), shaft; teardrop and teardrop_other (the horizontal line); lesser_trochanter; sourcil; rim_superior, rim_inferior (ends
    of the long axis of the cup's rim), rim_front, rim_back (of its short axis); stem_top, stem_tip.
    """
    at = {name: np.asarray(p, float) * np.asarray(spacing, float) for name, p in points.items()}
    asked: Mapping[str, tuple[tuple[str, ...], Callable[..., float]]] = {"neck_shaft": (("head", "neck", "shaft"), neck_shaft), "offset": (("head", "neck", "shaft"), offset), "centre_edge": (("head", "sourcil", "teardrop", "teardrop_other"), centre_edge),
             "lesser_trochanter": (("lesser_trochanter", "teardrop", "teardrop_other"), below), "cup_inclination": (("rim_superior", "rim_inferior", "teardrop", "teardrop_other"), inclination),
             "cup_anteversion": (("rim_superior", "rim_inferior", "rim_front", "rim_back"), anteversion), "stem_tilt": (("stem_top", "stem_tip", "neck", "shaft", "head"), stem_tilt)}
    return {name: rule(*(at[n] for n in needs)) if all(n in at for n in needs) else math.nan for name, (needs, rule) in asked.items()}


def neck_shaft(head: np.ndarray, neck: np.ndarray, shaft: np.ndarray) -> float:
    """The angle at the neck between the neck axis and the shaft axis (degrees)."""
    return angle(head - neck, shaft - neck)


def offset(head: np.ndarray, neck: np.ndarray, shaft: np.ndarray) -> float:
    """The distance of the centre of the head from the shaft axis (mm)."""
    way = (shaft - neck) / np.linalg.norm(shaft - neck)
    return float(abs(way[0] * (head - neck)[1] - way[1] * (head - neck)[0]))


def centre_edge(head: np.ndarray, edge: np.ndarray, teardrop: np.ndarray, other: np.ndarray) -> float:
    """Wiberg's angle (degrees): square to the line of the teardrops, from the centre of the head to the lateral edge of the roof; positive laterally."""
    along = (teardrop - other) / np.linalg.norm(teardrop - other)
    up = np.array([-abs(along[1]), along[0] * np.sign(along[1])])
    return math.degrees(math.atan2(float((edge - head) @ along), float((edge - head) @ up)))


def below(point: np.ndarray, teardrop: np.ndarray, other: np.ndarray) -> float:
    """How far (mm) a point lies below the line of the teardrops; the difference of both sides (R - L) is the difference of leg length."""
    along = (teardrop - other) / np.linalg.norm(teardrop - other)
    return float((point - teardrop) @ np.array([abs(along[1]), -along[0] * np.sign(along[1])]))


def inclination(superior: np.ndarray, inferior: np.ndarray, teardrop: np.ndarray, other: np.ndarray) -> float:
    """The radiographic inclination (degrees): the long axis of the rim to the line of the teardrops."""
    return angle(superior - inferior, teardrop - other)


def anteversion(superior: np.ndarray, inferior: np.ndarray, front: np.ndarray, back: np.ndarray) -> float:
    """The radiographic anteversion (degrees) from the axes of the rim's ellipse, without its sign, which a frontal film does not show."""
    return math.degrees(math.asin(min(1.0, float(np.linalg.norm(front - back) / np.linalg.norm(superior - inferior)))))


def stem_tilt(top: np.ndarray, tip: np.ndarray, neck: np.ndarray, shaft: np.ndarray, head: np.ndarray) -> float:
    """The angle (degrees) of the stem to the shaft axis; positive in varus, where the tip points laterally."""
    axis, lies = shaft - neck, tip - top
    turned = math.degrees(math.atan2(axis[0] * lies[1] - axis[1] * lies[0], float(axis @ lies)))
    return turned * (1.0 if (head - neck)[1] < 0 else -1.0)


def cup_axis(radiographic_inclination: float, radiographic_anteversion: float) -> np.ndarray:
    """The axis of a cup (lateral, anterior, inferior) of unit length from its radiographic angles (degrees)."""
    turn, forward = math.radians(radiographic_inclination), math.radians(radiographic_anteversion)
    return np.array([math.sin(turn) * math.cos(forward), math.sin(forward), math.cos(turn) * math.cos(forward)])


def murray(axis: Sequence[float]) -> dict[str, float]:
    """Radiographic, operative and anatomical inclination and anteversion (degrees) of a cup axis (lateral, anterior, inferior)."""
    lateral, front, low = (float(v) for v in np.asarray(axis, float) / np.linalg.norm(axis))
    found = {"radiographic_inclination": math.atan2(lateral, low), "radiographic_anteversion": math.asin(front), "operative_inclination": math.asin(lateral),
             "operative_anteversion": math.atan2(front, low), "anatomical_inclination": math.acos(low), "anatomical_anteversion": math.atan2(front, lateral)}
    return {name: math.degrees(value) for name, value in found.items()}


def construct_femur(angle_deg: float, offset_mm: float, *, lateral: float = 1.0) -> dict[str, np.ndarray]:
    """Points (row, col; mm) of a femur of a neck-shaft angle and an offset: what `neck_shaft` and `offset` read back; lateral to the right, or with -1 to the left."""
    rise = offset_mm * math.tan(math.radians(angle_deg - 90))
    return {"head": np.array([-rise, -lateral * offset_mm]), "neck": np.zeros(2), "shaft": np.array([100.0, 0.0])}


@dataclass(frozen=True)
class Worn:
    """What grades an arthritic hip: least joint space and what is expected there (mm), sclerosis (0-1), longest osteophyte, largest cyst and flattening of the head (mm)."""

    space: float
    expected: float = EXPECTED_MM
    sclerosis: float = 0.0
    osteophyte: float = 0.0
    cyst: float = 0.0
    flat: float = 0.0

    def __post_init__(self) -> None:
        if not all(value >= 0 for value in (self.space, self.sclerosis, self.osteophyte, self.cyst, self.flat)) or not self.expected > 0:
            raise ValueError(f"features: impossible (expected lengths of 0 mm or more). Found {self}")

    @property
    def loss(self) -> float:
        """The share of the expected joint space that is gone."""
        return 1 - self.space / self.expected


def tonnis(worn: Worn) -> int:
    """The grade 0 to 3: 1 sclerosis, an osteophyte or slight narrowing; 2 small cysts or moderate narrowing; 3 large cysts with it, severe narrowing, or a deformed head."""
    if worn.loss >= LOSS[2] or (worn.loss >= LOSS[1] and (worn.cyst >= CYST_MM[1] or worn.flat >= DEFORMITY_MM)):
        return 3
    if worn.loss >= LOSS[1] or worn.cyst >= CYST_MM[0]:
        return 2
    return int(worn.loss >= LOSS[0] or worn.sclerosis >= SCLEROSIS or worn.osteophyte >= OSTEOPHYTE_MM)


def garden(shift: float, valgus: float, width: float) -> int:
    """The type 1 to 4 of a fracture of the neck: displacement (mm), tilt of the head (degrees, valgus positive), width of the neck (mm)."""
    if valgus >= GARDEN_DEG and shift < GARDEN_SHARE * width:
        return 1
    if shift < GARDEN_MM and abs(valgus) < GARDEN_DEG:
        return 2
    return 4 if shift >= GARDEN_SHARE * width else 3


@dataclass(frozen=True)
class Signs:
    """What calls an implant loose: lucent lines (mm) by zone (Gruen, DeLee and Charnley), subsidence (mm) and tilt (degrees) of the stem, migration (mm) and turn (degrees) of
    the cup since operation, and whether the mantle is broken."""

    lines: Mapping[str, float] = field(default_factory=dict, hash=False)
    subsidence: float = 0.0
    tilt: float = 0.0
    migration: float = 0.0
    turn: float = 0.0
    broken: bool = False

    def __post_init__(self) -> None:
        if set(self.lines) - {*GRUEN, *DELEE} or not all(v >= 0 for v in (*self.lines.values(), self.subsidence, self.migration)):
            raise ValueError(f"signs: impossible (expected lines of 0 mm or more in the zones {', '.join((*GRUEN, *DELEE))}). Found {dict(self.lines)}")

    def wide(self, zones: Sequence[str], least: float) -> int:
        """How many of the zones hold a line of `least` mm or more."""
        return sum(self.lines.get(zone, 0.0) >= least for zone in zones)


def stem_loose(signs: Signs) -> bool:
    """Subsided, tilted, its mantle broken, or a wide line in four zones of seven or more."""
    return signs.subsidence >= SUBSIDENCE_MM or abs(signs.tilt) >= TILT_DEG or signs.broken or signs.wide(GRUEN, WIDE_MM) >= 4


def cup_loose(signs: Signs) -> bool:
    """Migrated, turned, or demarcated in all three zones with a wide line in two or more."""
    return signs.migration >= MIGRATION_MM or abs(signs.turn) >= TURN_DEG or (signs.wide(DELEE, LINE_MM) == 3 and signs.wide(DELEE, WIDE_MM) >= 2)
