"""The contract of a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, Self, runtime_checkable

from osteon.budget import Budget
from osteon.cohort import Cohort
from osteon.targets import Target
from osteon.value import Value


@dataclass(frozen=True)
class Desk:
    """Where a fit works: its budget, its seed, a folder for checkpoints and arrays (None: nothing is kept), and what it notes of itself."""

    budget: Budget
    seed: int
    folder: Path | None = field(default=None, kw_only=True)
    notes: dict[str, Any] = field(default_factory=dict, kw_only=True)

    def drawer(self, name: str) -> Desk:
        """A desk for one step: a folder below, a seed of its own, notes under its name."""
        from osteon.seeds import derive

        notes = self.notes.setdefault(name, {})
        folder = self.folder / name if self.folder else None
        return replace(self, seed=derive(self.seed, name), folder=folder, notes=notes)


@runtime_checkable
class Model(Protocol):
    """Reads inputs and answers targets. A spec is never changed: `fit` returns a fitted copy.

    `predict` yields one mapping of target to value a case, in order. An unfitted model raises NotFitted.
    """

    @property
    def reads(self) -> tuple[str, ...]: ...
    @property
    def writes(self) -> tuple[str, ...]: ...
    def fit(self, train: Cohort, tune: Cohort, targets: Mapping[str, Target], desk: Desk) -> Self: ...
    def predict(self, cohort: Cohort) -> Iterator[dict[str, Value]]: ...
    def save(self, folder: Path) -> None: ...
    def load(self, folder: Path, targets: Mapping[str, Target]) -> Self: ...


def missing_input(inputs: Mapping[str, Any], reads: tuple[str, ...]) -> str:
    """The reason to withhold an answer: the name of an input that is not there, or nothing."""
    absent = [name for name in reads if name not in inputs]
    return f"no {absent[0]}" if absent else ""


def names_of(names: str | tuple[str, ...]) -> tuple[str, ...]:
    """One name or several, as a tuple."""
    return (names,) if isinstance(names, str) else tuple(names)
