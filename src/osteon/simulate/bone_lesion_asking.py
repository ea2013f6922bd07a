"""How an MRI of a bone lesion is asked for: institutions with their scanners, and the random streams that answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from osteon.simulate.asking import refuse, unspawned
from osteon.simulate.mri import Weighting

FIELD_MM = 180.0
FINE = 448  # painted points along the field and its oversampling, shared by both sequences
OVERSAMPLED = 1.125
SITES: Mapping[str, tuple[str, ...]] = MappingProxyType({"A": ("A1", "A2", "A3", "A4"), "B": ("B",)})  # of a call: where its cases come from
SHARES = (0.34, 0.28, 0.22, 0.16)  # of the cases of A
MISSING = {"t1": 0.10, "t2": 0.07}  # of examinations, never both
Seed = int | tuple[int, ...] | np.random.SeedSequence


@dataclass(frozen=True)
class Scanner:
    """What an institution measures with: protocols of T1 and T2, pixels a side of each, slice thickness (mm), gain, swing of the shading, noise beside that of A1, share of k-space that is measured."""

    t1: Weighting
    t2: Weighting
    matrix: tuple[int, int]
    thickness: float = field(default=4.0, kw_only=True)
    gain: float = field(default=2200.0, kw_only=True)
    shade: float = field(default=0.16, kw_only=True)
    noise: float = field(default=1.0, kw_only=True)
    sharp: float = field(default=1.0, kw_only=True)


SCANNERS: Mapping[str, Scanner] = MappingProxyType({
    "A1": Scanner(Weighting("T1", 620.0, 11.0), Weighting("T2", 4200.0, 72.0, True), (256, 208)),
    "A2": Scanner(Weighting("T1", 540.0, 13.0, tesla=1.5, bandwidth=150.0), Weighting("T2", 3800.0, 84.0, True, tesla=1.5, bandwidth=150.0, escape=0.18), (224, 192), gain=1700.0, shade=0.22, noise=1.3),
    "A3": Scanner(Weighting("T1", 680.0, 12.0), Weighting("T2", 3600.0, 66.0, True), (240, 224), thickness=3.5, gain=2700.0),
    "A4": Scanner(Weighting("T1", 500.0, 14.0, tesla=1.5, bandwidth=140.0), Weighting("T2", 4600.0, 92.0, True, tesla=1.5, bandwidth=140.0, escape=0.2), (208, 176), gain=1500.0, shade=0.24, noise=1.4),
    "B": Scanner(Weighting("T1", 430.0, 18.0, tesla=1.5, bandwidth=120.0), Weighting("T2", 3300.0, 58.0, True, tesla=1.5, bandwidth=120.0, escape=0.42), (192, 160), thickness=5.0, gain=1150.0,
                 shade=0.34, noise=1.7, sharp=0.82),
})


@dataclass(frozen=True)
class Asking:
    """How a case is asked for: site (A: one of four institutions, B: the fifth), difficulty (0-1), institution (empty: drawn), bone (empty: drawn), whether a shortcut betrays what is malignant."""

    site: str = "A"
    difficulty: float = 0.5
    institution: str = field(default="", kw_only=True)
    bone: str = field(default="", kw_only=True)
    confounded: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        from osteon.simulate.bone_lesion_patient import BONES

        checks = (("the site is unknown", "A or B", self.site, self.site in SITES), ("the difficulty is impossible", "0-1", self.difficulty, 0 <= self.difficulty <= 1),
                  ("the institution is none of the site", ", ".join(SITES.get(self.site, ())), self.institution, self.institution in ("", *SITES.get(self.site, ()))),
                  ("the bone is unknown", ", ".join(BONES), self.bone, self.bone in ("", *BONES)))
        refuse("bone lesion MRI", checks)


@dataclass(frozen=True, eq=False)
class Streams:
    """One random stream each for the person, the build of the limb, what the lesion looks like, the histology, the nuisance, and the physics of either sequence."""

    person: np.random.Generator
    build: np.random.Generator
    look: np.random.Generator
    histology: np.random.Generator
    nuisance: np.random.Generator
    t1: np.random.Generator
    t2: np.random.Generator


def streams(seed: Seed) -> Streams:
    """The streams of a case: the same whoever asks first."""
    root = unspawned(seed)
    return Streams(*map(np.random.default_rng, root.spawn(7)))
