"""How an examination of a shoulder is asked for, and the random streams that answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from osteon.simulate.asking import refuse, unspawned
from osteon.simulate.mri import PROTOCOLS, Weighting
from osteon.simulate.shoulder_mri_tendon import DEGREES

SITES = ("A", "B")
FOV_MM = 140.0
WEIGHTINGS: Mapping[str, Weighting] = {"PDFS": PROTOCOLS["PDFS"], "T2FS": Weighting("T2FS", 3800.0, 62.0, True), "PD": PROTOCOLS["PD"]}
Seed = int | tuple[int, ...] | np.random.SeedSequence


@dataclass(frozen=True)
class Asking:
    """How an examination is asked for: site, difficulty (0-1), protocol, pixels a side, degree of the tear (empty: drawn), tesla (0: drawn), whether a shortcut betrays a tear, and whether it
    lies straight with nothing but the tendon to be seen."""

    site: str = "A"
    difficulty: float = 0.5
    protocol: str = field(default="PDFS", kw_only=True)
    matrix: int = field(default=224, kw_only=True)
    degree: str = field(default="", kw_only=True)
    tesla: float = field(default=0.0, kw_only=True)
    confounded: bool = field(default=False, kw_only=True)
    neutral: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        checks = (("the site is unknown", "A or B", self.site, self.site in SITES), ("the difficulty is impossible", "0-1", self.difficulty, 0 <= self.difficulty <= 1),
                  ("the protocol is unknown", ", ".join(WEIGHTINGS), self.protocol, self.protocol in WEIGHTINGS), ("the field strength is unknown", "1.5 or 3.0 T", self.tesla, self.tesla in (0.0, 1.5, 3.0)),
                  ("the matrix is impossible", "an even number of pixels from 32 to 512", self.matrix, 32 <= self.matrix <= 512 and self.matrix % 2 == 0),
                  ("there is no such degree", ", ".join(DEGREES), self.degree, self.degree in ("", *DEGREES)))
        refuse("shoulder MRI", checks)


def streams(seed: Seed) -> tuple[np.random.Generator, ...]:
    """Anatomy, label, nuisance, physics, in this order: the same whoever asks first."""
    root = unspawned(seed)
    return tuple(map(np.random.default_rng, root.spawn(4)))
