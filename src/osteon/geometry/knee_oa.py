"""Osteoarthritis of the knee on the anteroposterior film: features in steps, and the grade of Kellgren and Lawrence.

Kellgren JH, Lawrence JS. Ann Rheum Dis 1957; 16: 494. Two readings of its grade 2 are in use (Schiphof D et al. Ann Rheum Dis 2008; 67: 1034):
`osteophyte`, a definite osteophyte with possible narrowing, and `narrowing`, which asks for definite narrowing as well. The rule speaks of possible,
definite and marked; the millimetres and shares that stand for these words are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

OSTEOPHYTE_SITES = ("femur_medial", "femur_lateral", "tibia_medial", "tibia_lateral")
COMPARTMENTS = ("medial", "lateral")
RULES = ("osteophyte", "narrowing")
NONE, POSSIBLE, DEFINITE, MODERATE, LARGE = range(5)
OSTEOPHYTE_MM = (1.0, 2.0, 4.0, 6.0)  # reach beyond the margin: possible, definite, moderate, large
LOSS = (0.26, 0.40, 0.40, 0.70)  # share of the expected joint space: possible, definite, (no word of its own), marked
SOME_SCLEROSIS, SEVERE_SCLEROSIS = 0.25, 0.60  # of the densest subchondral zone
DEFORMITY_MM = 1.5  # of bone worn away
EXPECTED_MM: Mapping[str, float] = {"medial": 4.8, "lateral": 5.6}  # joint space of a plateau 80 mm wide


@dataclass(frozen=True)
class Features:
    """What a reader grades: osteophytes (mm of reach, by site), joint space (mm, by compartment) of a plateau `width` mm wide, sclerosis (0-1), bone worn away (mm)."""

    osteophytes: Mapping[str, float]
    space: Mapping[str, float]
    width: float = 80.0
    sclerosis: float = 0.0
    attrition: float = 0.0

    def __post_init__(self) -> None:
        lengths = {**self.osteophytes, **self.space, "width": self.width, "attrition": self.attrition, "sclerosis": self.sclerosis}
        wrong = [f"{name} {value}" for name, value in lengths.items() if not value >= 0]
        if wrong or self.width == 0 or set(self.osteophytes) - set(OSTEOPHYTE_SITES) or set(self.space) - set(COMPARTMENTS) or not self.space:
            raise ValueError(f"features: impossible (expected lengths of 0 or more at known places, and a joint space). Found {', '.join(wrong) or sorted({*self.osteophytes, *self.space})}")

    @property
    def osteophyte(self) -> int:
        """The step of the largest osteophyte."""
        return _step(max(self.osteophytes.values(), default=0.0), OSTEOPHYTE_MM)

    @property
    def loss(self) -> float:
        """The largest share of the expected joint space that is gone, over the compartments."""
        scale = self.width / 80.0
        return max(1 - space / (EXPECTED_MM[side] * scale) for side, space in self.space.items())

    @property
    def narrowing(self) -> int:
        """The step of the narrower compartment: none, possible, definite (moderate) or marked (large)."""
        return _step(self.loss, LOSS)


def kellgren_lawrence(features: Features, *, rule: str = "osteophyte") -> int:
    """The grade 0 to 4; raises ValueError for an unknown rule. More of any feature never gives less of a grade."""
    if rule not in RULES:
        raise ValueError(f"rule: {rule!r} (expected one of {', '.join(RULES)})")
    spur, space = features.osteophyte, features.narrowing
    deformed = features.sclerosis >= SEVERE_SCLEROSIS or features.attrition >= DEFORMITY_MM
    if space >= LARGE and spur >= DEFINITE and (spur >= LARGE or deformed):
        return 4
    if space >= DEFINITE and (spur >= MODERATE or spur >= DEFINITE and features.sclerosis >= SOME_SCLEROSIS):
        return 3
    if spur >= DEFINITE and (rule == "osteophyte" or space >= DEFINITE):
        return 2
    return int(spur >= POSSIBLE or space >= POSSIBLE)


def _step(value: float, cuts: tuple[float, ...]) -> int:
    return sum(value >= cut for cut in cuts)
