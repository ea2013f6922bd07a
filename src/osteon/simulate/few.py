"""A simulator of a study of few cases, whose number is part of what it shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from osteon.cohort import Cohort


@dataclass(frozen=True)
class Few:
    """Makes what `make` makes. `most` cases are enough for any budget; another number has to be asked for (`osteon simulate STUDY DIR --cases N`)."""

    make: Callable[..., Cohort]
    most: int

    def __call__(self, folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5) -> Cohort:
        """The cohort of a call, of as many cases as it says."""
        return self.make(folder, cases, seed, site=site, difficulty=difficulty)
