"""How a knee MRI is asked for, and the random streams that answer."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from osteon.simulate.asking import refuse, unspawned
from osteon.simulate.knee_menisci import CLASSES
from osteon.simulate.mri import PROTOCOLS

SITES, PLANES = ("A", "B"), ("sagittal", "coronal")
FOV_MM = 160.0
Seed = int | tuple[int, ...] | np.random.SeedSequence


@dataclass(frozen=True)
class Asking:
    """How a knee is asked for: site, difficulty (0-1), plane, protocol, pixels a side, class of the worse meniscus (empty: drawn), whether a shortcut betrays it."""

    site: str = "A"
    difficulty: float = 0.5
    plane: str = field(default="sagittal", kw_only=True)
    protocol: str = field(default="PD", kw_only=True)
    matrix: int = field(default=256, kw_only=True)
    state: str = field(default="", kw_only=True)
    confounded: bool = field(default=False, kw_only=True)
    neutral: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        checks = (("the site is unknown", "A or B", self.site, self.site in SITES), ("the difficulty is impossible", "0-1", self.difficulty, 0 <= self.difficulty <= 1),
                  ("the plane is unknown", " or ".join(PLANES), self.plane, self.plane in PLANES), ("the protocol is unknown", ", ".join(PROTOCOLS), self.protocol, self.protocol in PROTOCOLS),
                  ("the matrix is impossible", "an even number of pixels from 32 to 512", self.matrix, 32 <= self.matrix <= 512 and self.matrix % 2 == 0),
                  ("there is no such class", ", ".join(CLASSES), self.state, self.state in ("", *CLASSES)))
        refuse("knee MRI", checks)


def streams(seed: Seed, patient: Seed | None) -> tuple[tuple[np.random.Generator, ...], tuple[np.random.Generator, ...]]:
    """(anatomy, label, nuisance of the patient), (nuisance, physics of the slice or examination): the same whoever asks first."""
    own, shared = unspawned(seed).spawn(2), unspawned(seed if patient is None else patient).spawn(5)[2:]
    return tuple(map(np.random.default_rng, shared)), tuple(map(np.random.default_rng, own))

