"""Sagittal knee MRI of one hospital to learn from and three levels to be tested on: its own knees, those of eight others, and knees whose menisci were seen in arthroscopy.

The classes of the menisci are those that a radiologist read, who errs; in arthroscopy they are as they are. The other hospitals have 1.5 or 3 tesla, and gain, shading and
grey scale of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, message
from osteon.simulate.knee_menisci import CLASSES
from osteon.simulate.knee_mri import CARD, KneeSlice
from osteon.simulate.knee_mri_asking import Asking
from osteon.value import Objects

if TYPE_CHECKING:
    from osteon.cohort import Cohort

READ_ERROR = 0.08  # of menisci that a radiologist reads one class off
ARTHROSCOPY, ELSEWHERE = "arthroscopy", "hospitals"
# Parts of twenty knees, in an order that gives every part a knee as soon as there are five.
PARTS = ("train", "tune", "test", ELSEWHERE, ARTHROSCOPY, "train", "train", ELSEWHERE, "test", "train", "tune", "train", ELSEWHERE, "train", ARTHROSCOPY, "train", "test", "train", ELSEWHERE, "tune")
FIRST = ("torn", "degenerated")  # the first knees of each part, so that a small one teaches and tests them; all others are drawn


@dataclass(frozen=True)
class Hospital:
    """A scanner: that of which site it resembles ("A" 3 T, "B" 1.5 T), its gain, how much brighter one corner is than the other, and the exponent of its grey scale."""

    like: str
    gain: float = 1.0
    swing: float = 0.0
    bend: float = 1.0


HOSPITALS: Mapping[str, Hospital] = MappingProxyType({
    "A": Hospital("A"), "B": Hospital("B"), "C": Hospital("A", 0.55, 0.25, 0.85), "D": Hospital("B", 1.7, -0.30, 1.15), "E": Hospital("A", 1.4, -0.35, 1.0), "F": Hospital("B", 0.8, 0.40, 0.8),
    "G": Hospital("A", 0.8, 0.15, 1.25), "H": Hospital("B", 1.2, -0.15, 0.9), "I": Hospital("A", 1.9, 0.30, 1.1)})


@dataclass(frozen=True)
class Place:
    """Where a knee stands: its part, its hospital, and the class of its worse meniscus where that is not drawn."""

    part: str
    hospital: str
    state: str


def place(site: str, knee: int) -> Place:
    """The place of a knee by its number: of the home hospital, site A, one of five parts; of another site always the test part."""
    if site != "A":
        return Place("test", site, FIRST[knee] if knee < len(FIRST) else "")
    turn, at = divmod(knee, len(PARTS))
    part = PARTS[at]
    among = turn * PARTS.count(part) + PARTS[:at].count(part)
    others = tuple(HOSPITALS)[1:]
    return Place(part, others[among % len(others)] if part == ELSEWHERE else site, FIRST[among] if among < len(FIRST) else "")


def pictured_at(made: KneeSlice, hospital: Hospital) -> KneeSlice:
    """A slice as another scanner of the same field strength stores it."""
    rows, cols = (np.linspace(-1, 1, n) for n in made.stored.shape)
    top = max(float(np.quantile(made.stored, 0.999)), 1.0)
    shade = np.exp(hospital.swing * 0.5 * (rows[:, None] + cols))
    grey = hospital.gain * top * (made.stored / top) ** hospital.bend * shade
    return replace(made, stored=np.clip(np.round(grey), 0, 65535).astype(np.uint16))


def read_as(true: str, share: float, rng: np.random.Generator) -> str:
    """The class that a radiologist reads: the true one or, with a chance of `share`, a neighbour."""
    errs, up = rng.random() < share, rng.random() < 0.5
    return true if not errs else CLASSES[1] if true != CLASSES[1] else CLASSES[2 if up else 0]


def as_read(parts: Objects, true: str, read: str) -> Objects:
    """The parts of one meniscus with the class that was read: those that show its lesion, or all of them where a healthy one was taken for an ill one."""
    return replace(parts, labels=tuple(read if label == true else label for label in parts.labels))


def worst(labels: Any) -> str:
    """The worst of some classes, healthy of none."""
    return CLASSES[max((CLASSES.index(label) for label in labels), default=0)]


def knee_mri_hospitals(folder: Path, cases: int, seed: int, *, site: str = "A", difficulty: float = 0.5, matrix: int = 256, read_error: float = READ_ERROR, workers: int = 2) -> Cohort:
    """A cohort folder of `cases` sagittal slices, four a knee: NIfTI `mri`, `menisci` with outlines and `meniscus` as the reference has them, `part` (train, tune, test, hospitals,
    arthroscopy), and of the last part the step of the knee (0 healthy, 1 degenerated, 2 torn) as it was read (`knee_read`) and as arthroscopy saw it (`knee_proved`); of another site than A every
    knee is a test.

    `read_error` is the share of menisci that are read one class off. Raises DataError before any file is written for impossible arguments, a folder with other content, or one that was
    made by another call.
    """
    from osteon.simulate.film_cohort import make
    from osteon.simulate.knee_mri_levels import LEVELS

    if site not in HOSPITALS:
        raise DataError(message(CARD.name, "the site is unknown", expected=f"one of {', '.join(HOSPITALS)}", found=f"Found {site!r}"))
    if not 0 <= read_error < 1:
        raise DataError(message(CARD.name, "the reading error is impossible", expected="0 or more, below 1", found=f"Found {read_error}"))
    Asking(HOSPITALS[site].like, difficulty, protocol="PDFS", matrix=matrix)
    call = {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, "matrix": matrix, "read_error": read_error}
    return make(LEVELS, Path(folder), call, workers)
