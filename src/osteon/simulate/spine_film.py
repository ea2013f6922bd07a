"""What a simulated film of the spine is: stored values, points, readings of the projection and of the design."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from osteon.errors import DataError, message
from osteon.geometry.spine import Curve

SITES = ("A", "B")


@dataclass(frozen=True, eq=False)
class SpineFilm:
    """One simulated film and its truth.

    `stored` (rows, cols) uint16 with bone bright; `spacing` mm in the plane of the vertebral bodies; `points` level -> (k, 2: row, col);
    `readings` with "projected" (measured on the points) and "design" (asked for); `curves` measured on the points, from above.
    """

    stored: np.ndarray
    spacing: tuple[float, float]
    points: Mapping[str, np.ndarray]
    readings: Mapping[str, Mapping[str, float]]
    attributes: Mapping[str, Any]
    curves: tuple[Curve, ...] = ()

    @property
    def projected(self) -> Mapping[str, float]:
        """The truth: what the points on the film measure."""
        return self.readings["projected"]

    @property
    def design(self) -> Mapping[str, float]:
        """What the bones were built with."""
        return self.readings["design"]


def check(where: str, site: str, difficulty: float, pixel_mm: float) -> None:
    """Raises DataError for an unknown site, a difficulty outside 0-1 or a pixel outside 0.1-8 mm."""
    if site not in SITES:
        raise DataError(message(where, "the site is unknown", expected="A or B", found=f"Found {site!r}"))
    if not 0 <= difficulty <= 1:
        raise DataError(message(where, "the difficulty is impossible", expected="0-1", found=f"Found {difficulty}"))
    if not 0.1 <= pixel_mm <= 8:
        raise DataError(message(where, "the pixel size is impossible", expected="0.1-8 mm", found=f"Found {pixel_mm}"))


def streams(seed: int | np.random.SeedSequence | tuple[int, int]) -> tuple[np.random.Generator, ...]:
    """Four generators: anatomy, label, nuisance, physics."""
    sequence = seed if isinstance(seed, np.random.SeedSequence) else np.random.SeedSequence(seed)
    return tuple(np.random.default_rng(s) for s in sequence.spawn(4))
