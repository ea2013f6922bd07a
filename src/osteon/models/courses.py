"""The course of a chain of vertebrae as a network learns it: models before, models found afterwards, and what is known of the patient, as one row of numbers.

Curves that are convex to the left are mirrored, so that one rule serves both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from osteon.cohort import Cohort
from osteon.errors import DataError
from osteon.geometry.spine import LEVELS
from osteon.geometry.spine_shape import MONTHS, bodies, chain, convex_left, placed, seen_as_right, told
from osteon.models.augment import Recipe
from osteon.models.columns import Coding
from osteon.models.protocol import missing_input
from osteon.value import Surface, Value, Withheld

BODIES, TWIST = len(LEVELS), 6
YEAR = 12.0  # months
MOST = 12  # models before, and after, that are looked at; of more the last ones


@dataclass(frozen=True)
class CourseView:
    """What is seen of a case: models by name, the coded record beside them, and how many models before (`visits`) and after (`asked`) a row has room for."""

    spine: str
    coding: Coding | None
    visits: int = field(default=MOST, kw_only=True)
    asked: int = field(default=MOST, kw_only=True)

    @property
    def reads(self) -> tuple[str, ...]:
        """The names of the inputs."""
        return (self.spine, *(self.coding.records if self.coding else ()))

    @property
    def features(self) -> int:
        """Numbers that stand beside each body: its place, the record, and where it lies from each level that the record names."""
        return 1 + (self.coding.width + 2 * len(self._levels()) if self.coding else 0)

    def _levels(self) -> tuple[str, ...]:
        """The columns of the record whose words are levels of the spine."""
        return tuple(column for column, seen in self.coding.words if seen and set(seen) <= set(LEVELS)) if self.coding else ()

    def see(self, inputs: Mapping[str, Any]) -> CourseSeen | Withheld:
        """The course of a case until now; withheld where models or the record are missing or can not be read."""
        reason = missing_input(inputs, self.reads)
        try:
            spine = Withheld(reason) if reason else inputs[self.spine]
            if isinstance(spine, Withheld):
                return spine
            points = np.stack([bodies(surface) for _, surface in spine[-self.visits:]])
        except DataError as fault:
            return Withheld(str(fault))
        left = convex_left(points[-1])
        return CourseSeen(np.array([at for at, _ in spine[-self.visits:]]), seen_as_right(chain(points), left), left=left, like=points[-1], features=self._features(inputs))

    def _features(self, inputs: Mapping[str, Any]) -> np.ndarray:
        place = np.arange(BODIES)
        columns = [place / (BODIES - 1) - 0.5]
        if self.coding:
            cells = {column: str(value) for name in self.coding.records for column, value in inputs[name].items()}
            columns += [np.full(BODIES, number) for number in self.coding.code(inputs)]
            away = [place - LEVELS.index(cells[c]) if cells.get(c) in LEVELS else np.zeros(BODIES) for c in self._levels()]
            columns += [part for off in away for part in (off / 8, (off >= 0).astype(float))]
        return np.stack(columns, axis=1)

    def plain(self) -> dict[str, Any]:
        """Plain data; `view_from` is the inverse."""
        coding = {"records": self.coding.records, "numbers": self.coding.numbers, "words": self.coding.words} if self.coding else None
        return {"spine": self.spine, "coding": coding, "visits": self.visits, "asked": self.asked}


@dataclass(frozen=True, eq=False)
class CourseSeen:
    """Months (k,) and chains (k, 17, 6) of the models of a case as if convex to the right, whether that took a mirror, the last bodies as they are, and features (17, F)."""

    months: np.ndarray
    chains: np.ndarray
    left: bool = field(kw_only=True)
    like: np.ndarray = field(kw_only=True)
    features: np.ndarray = field(kw_only=True)

    def row(self, view: CourseView, months: np.ndarray, found: np.ndarray | None = None) -> np.ndarray:
        """One row of numbers: months and chains before (the last ones last), months asked and what was found then (k, 17, 6; nan where unknown), features."""
        found = np.full((len(months), BODIES, TWIST), np.nan) if found is None else seen_as_right(found, self.left)
        before = _filled(self.months, self.chains, view.visits, first=False)
        after = _filled(months[:view.asked], found[:view.asked], view.asked, first=True)
        return np.concatenate([*before, *after, self.features.ravel()]).astype(np.float32)

    def answered(self, chains: np.ndarray) -> Surface:
        """The forecast of chains (months, 17, 6), with the bodies of the last model."""
        return told(placed(seen_as_right(chains, self.left), self.like))


Gathered = list[tuple["CourseSeen", np.ndarray, np.ndarray]]


def gathered(cohort: Cohort, view: CourseView, target: str) -> tuple[Gathered, dict[str, str]]:
    """What is seen of each case with a truth, the months of its follow-up and the chains (k, 17, 6) found then; and why others could not be used."""
    out, skipped = [], {}
    for case in cohort:
        seen, truth = view.see(case.inputs), case.truth.get(target)
        if isinstance(seen, Withheld) or not isinstance(truth, Surface):
            skipped[case.id] = seen.reason if isinstance(seen, Withheld) else f"no {target}"
            continue
        out.append((seen, truth.moments[:MOST], chain(bodies(truth)[:MOST])))
    return out, skipped


def roomy(view: CourseView, parts: list[Gathered]) -> CourseView:
    """The view with room for what was gathered."""
    every = [one for part in parts for one in part]
    return replace(view, visits=max((len(seen.months) for seen, _, _ in every), default=1), asked=max((len(months) for _, months, _ in every), default=1))


def view_from(plain: Mapping[str, Any]) -> CourseView:
    """The view that `plain` gave."""
    coding = Coding.of(plain["coding"]) if plain["coding"] else None
    return CourseView(str(plain["spine"]), coding, visits=int(plain["visits"]), asked=int(plain["asked"]))


@dataclass(frozen=True)
class CoursesFamily:
    """How rows become a batch for the network: twists about the mean of the train part in units of their spread."""

    visits: int
    asked: int
    mean: tuple[float, ...] = field(default=(), kw_only=True)
    scale: tuple[float, ...] = field(default=(), kw_only=True)
    planes: int = field(default=0, kw_only=True)
    outputs: int = field(default=BODIES, kw_only=True)
    rate: float = field(default=1e-2, kw_only=True)

    def recipe(self, crops: bool) -> Recipe:
        """Nothing is moved: there is no picture."""
        return Recipe()

    def studied(self, numbers: np.ndarray) -> Self:
        """With mean (17, 6) and spread (6) of the last models of a part."""
        last = self._parts(torch.from_numpy(numbers))["visits"][:, -1].double().numpy()
        mean = last.mean(axis=0)
        spread = np.sqrt(((last - mean)[:, :-1] ** 2).mean(axis=(0, 1)))
        return replace(self, mean=tuple(mean.ravel().tolist()), scale=tuple(np.maximum(spread, 1e-3).tolist()))

    def loss(self, network: nn.Module, images: Tensor, masks: Tensor, numbers: Tensor) -> Tensor:
        """The sum of the losses that the network itself defines."""
        return torch.stack(list(network.losses(self.batch(numbers)).values())).sum()  # type: ignore[operator]

    def batch(self, numbers: Tensor) -> dict[str, Tensor]:
        """What the network is given: visits, when, asked (years), found, known, features, mean, scale."""
        parts, mean, scale = self._parts(numbers), numbers.new_tensor(self.mean).view(BODIES, TWIST), numbers.new_tensor(self.scale)
        parts |= {name: ((parts[name] - mean) / scale).nan_to_num() for name in ("visits", "found")}
        return parts | {"mean": mean, "scale": scale}

    def chains(self, standardised: Tensor) -> np.ndarray:
        """Twists (..., 17, 6) of the network's answers."""
        return standardised.double().cpu().numpy() * np.array(self.scale) + np.array(self.mean).reshape(BODIES, TWIST)

    def _parts(self, numbers: Tensor) -> dict[str, Tensor]:
        sizes = [self.visits, self.visits * BODIES * TWIST, self.asked, self.asked * BODIES * TWIST]
        when, visits, asked, found, rest = numbers.split([*sizes, numbers.shape[1] - sum(sizes)], dim=1)
        return {"when": when / YEAR, "visits": visits.unflatten(1, (self.visits, BODIES, TWIST)), "asked": asked.nan_to_num() / YEAR, "known": ~asked.isnan(),
                "found": found.unflatten(1, (self.asked, BODIES, TWIST)), "features": rest.unflatten(1, (BODIES, -1))}


def asked_at(seen: list[CourseSeen], view: CourseView) -> np.ndarray:
    """Rows that ask for the months that are told."""
    wider = replace(view, asked=len(MONTHS))
    return np.stack([s.row(wider, MONTHS) for s in seen])


def answers(network: nn.Module, family: CoursesFamily, seen: list[CourseSeen], view: CourseView) -> list[Value]:
    """The forecast of each course."""
    asking = replace(family, asked=len(MONTHS))
    batch = asking.batch(torch.from_numpy(asked_at(seen, view)))
    return [s.answered(chains) for s, chains in zip(seen, asking.chains(network(batch)[0]), strict=True)]


def _filled(months: np.ndarray, chains: np.ndarray, room: int, *, first: bool) -> list[np.ndarray]:
    """Months (room,) and chains (room * 102,) filled up with nan behind (`first`) or before."""
    out = np.full((room, 1 + BODIES * TWIST), np.nan)
    rows = np.column_stack([months, chains.reshape(len(months), -1)])
    out[slice(0, len(rows)) if first else slice(room - len(rows), None)] = rows
    return [out[:, 0], out[:, 1:].ravel()]
