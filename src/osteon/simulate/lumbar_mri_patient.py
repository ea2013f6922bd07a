"""Whose lumbar spine is examined, and what each of its discs is like: one latent degeneration a disc, from which grade, water, height, bulge and endplates follow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from osteon.geometry.spine_mri import LEVELS
from osteon.simulate.lateral_lumbar import Findings, Person, column_of, person_of
from osteon.simulate.spine_bones import LUMBAR
from osteon.simulate.spine_pose import Vertebra

PFIRRMANN = (0.16, 0.38, 0.60, 0.82)  # of the latent degeneration: from here on grade II, III, IV, V
ONSET = np.array([-0.08, -0.05, 0.0, 0.09, 0.10])  # the lowest two discs degenerate first
ABOVE = (10, 11)  # T11 and T12: their discs are drawn too
MODIC = ("none", "oedema", "fat")
UNLIKE = 0.10  # standard deviation of what height, water and bulge have beyond the latent degeneration, at difficulty 0.5


@dataclass(frozen=True)
class Disc:
    """One disc: latent degeneration (0-1), T2 of the nucleus (ms at 1.5 T), share of its height that is lost, bulge (mm) behind and in front, changes of the marrow beside it."""

    latent: float
    t2: float
    lost: float
    bulge: tuple[float, float]
    modic: str = "none"

    @property
    def grade(self) -> int:
        """Pfirrmann's grade, 1 to 5."""
        return 1 + sum(self.latent >= bound for bound in PFIRRMANN)


@dataclass(frozen=True, eq=False)
class Spine:
    """One spine as it lies in the scanner: person, column T1 to L5, discs by the level above them (0 = T1), end of the cord (z, mm), turn of the slice (degrees)."""

    person: Person
    column: tuple[Vertebra, ...]
    discs: Mapping[int, Disc]
    conus: float
    middle: np.ndarray
    turn: float = 0.0

    @property
    def worst(self) -> int:
        """The highest grade of L1/2 to L5/S1."""
        return max(self.discs[LUMBAR + k].grade for k in range(len(LEVELS)))

    @property
    def attributes(self) -> dict[str, Any]:
        """What is known of the patient, and the grade of each disc by the vertebra above it."""
        person = self.person
        grades = {f"pfirrmann_{level}": self.discs[LUMBAR + k].grade for k, level in enumerate(LEVELS)}
        modic = {f"modic_{level}": self.discs[LUMBAR + k].modic for k, level in enumerate(LEVELS)}
        return {"age": person.age, "sex": person.sex, "bmi": person.bmi} | grades | modic


def spine_of(rngs: tuple[np.random.Generator, ...], difficulty: float, *, neutral: bool = False, degenerated: Mapping[str, float] | None = None) -> Spine:
    """One spine from its streams of anatomy, label and nuisance; `degenerated` fixes the latent degeneration of discs by the vertebra above them."""
    anatomy, label, nuisance = rngs
    person = person_of(anatomy, None)
    person = replace(person, segments=tuple(0.88 * s for s in person.segments))  # type: ignore[arg-type]  # lying on the back flattens
    fixed = {LUMBAR + LEVELS.index(name): latent for name, latent in (degenerated or {}).items()}
    discs = {level: _disc(person.age, level, label, difficulty, fixed.get(level)) for level in (*ABOVE, *range(LUMBAR, LUMBAR + len(LEVELS)))}
    found = _findings(label, discs)
    conus = float(np.clip(anatomy.normal(0, 13), -28, 28))  # about the disc of L1/2 (Saifuddin 1998, not re-read)
    drift = np.zeros(3) if neutral else nuisance.normal(0, (1.0, 6.0, 9.0))
    turn = 0.0 if neutral else float(np.clip(nuisance.normal(0, 1.5), -4, 4))
    column = column_of(person, found)
    middle = np.array([0.0, float(np.mean([v.middle[1] for v in column[LUMBAR:]])) + 2.0, 78.0 * person.size]) + drift
    return Spine(person, column, MappingProxyType(discs), column[12].middle[2] - 16 + conus, middle, turn)


def _disc(age: float, level: int, rng: np.random.Generator, difficulty: float, fixed: float | None) -> Disc:
    """A disc by age and level, or as degenerated as is asked for: the same patient's discs differ."""
    onset = ONSET[max(level - LUMBAR, 0)]
    latent = float(np.clip(0.10 + 0.0085 * (age - 25) + onset + rng.normal(0, 0.16), 0, 1))
    return _as_degenerated(latent if fixed is None else fixed, rng.normal(0, 1, 4), rng.random(2), difficulty)


def redrawn(disc: Disc, latent: float) -> Disc:
    """The same disc with another degeneration, and nothing of its own beyond it."""
    return _as_degenerated(latent, np.zeros(4), np.ones(2), 0.0)


def _as_degenerated(latent: float, own: np.ndarray, u: np.ndarray, difficulty: float) -> Disc:
    """Water falls all the way, height from the middle on, the bulge is largest before the disc collapses."""
    spread = UNLIKE * (0.4 + 1.2 * difficulty)
    t2 = 235.0 * (40.0 / 235.0) ** (np.clip(latent + spread * own[0], 0, 1.1) ** 0.85)
    lost = float(np.clip(0.66 * np.clip((latent - 0.42) / 0.58, 0, 1) ** 1.2 + 0.5 * spread * own[1], -0.08, 0.72))
    behind, front = (float(np.clip(size * latent * (1.45 - latent) + 6 * spread * each, 0.0, most)) for size, each, most in ((5.6, own[2], 5.5), (4.2, own[3], 4.0)))
    changed = u[0] < np.clip(1.4 * (latent - 0.52), 0, 0.6)
    return Disc(latent, float(t2), lost, (behind, front), MODIC[0] if not changed else MODIC[1] if u[1] < 0.38 else MODIC[2])


def _findings(rng: np.random.Generator, discs: Mapping[int, Disc]) -> Findings:
    """Lost heights of the discs; a few spines have a slip or a wedged body."""
    u = rng.random(5)
    thin = [0.0] * 17
    for level, disc in discs.items():
        thin[level] = disc.lost
    slips = {15 if u[1] < 0.6 else 16: float(0.05 + 0.22 * u[2])} if u[0] < 0.10 else {}
    size = float(0.08 + 0.25 * u[4])
    losses = {int(12 + 3 * u[2]): (size, 0.6 * size, 0.08 * size)} if u[3] < 0.07 else {}
    return Findings(slips, losses, tuple(thin))


def with_disc(spine: Spine, level: str, latent: float) -> Spine:
    """The counterfactual: the same spine in which one disc is degenerated otherwise, its height and all other discs left as they are."""
    place = LUMBAR + LEVELS.index(level)
    before = spine.discs[place]
    after = replace(redrawn(before, latent), lost=before.lost)
    return replace(spine, discs=MappingProxyType(dict(spine.discs) | {place: after}))
