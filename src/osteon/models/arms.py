"""Arms: one model for each combination of factors, or for each share of the training cases; every arm keeps its factors, so that its rows do."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from osteon.cohort import Cohort
from osteon.errors import StudyError, message
from osteon.models.protocol import Desk, Model
from osteon.targets import Target
from osteon.value import Value


@dataclass(frozen=True)
class Arm:
    """A model with the factors that tell it from the others, fitted on a `share` of the patients of the train part.

    Smaller shares are parts of larger ones: patients are taken in the order of a hash of their id, which no seed changes.
    """

    model: Model
    factors: Mapping[str, str] = field(default_factory=dict, hash=False)
    share: float = field(default=1.0, kw_only=True)

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise StudyError(message("arm", "the share of training cases is impossible", expected="above 0, at most 1", found=f"Found {self.share}"))
        object.__setattr__(self, "factors", MappingProxyType(dict(self.factors)))

    @property
    def reads(self) -> tuple[str, ...]:
        """What its model reads."""
        return self.model.reads

    @property
    def writes(self) -> tuple[str, ...]:
        """What its model answers."""
        return self.model.writes

    @property
    def steps(self) -> tuple[Model, ...]:
        """Its model, as a chain of one."""
        return (self.model,)

    def fit(self, train: Cohort, tune: Cohort, targets: Mapping[str, Target], desk: Desk) -> Self:
        """Fit the model on the share of the train part; the number of cases is noted."""
        part = train if self.share == 1 else train.take(_first(train.column("patient"), self.share))
        desk.notes.update({"train_cases": len(part), "train_patients": len(set(part.column("patient").tolist()))})
        return replace(self, model=self.model.fit(part, tune, targets, desk))

    def predict(self, cohort: Cohort) -> Iterator[dict[str, Value]]:
        """The answers of its model."""
        return self.model.predict(cohort)

    def save(self, folder: Path) -> None:
        """Save its model."""
        self.model.save(folder)

    def load(self, folder: Path, targets: Mapping[str, Target]) -> Self:
        """The arm with its model loaded."""
        return replace(self, model=self.model.load(folder, targets))


def arms(make: Callable[..., Model], **grid: Sequence[Any] | Mapping[str, Any]) -> dict[str, Model]:
    """An arm for each combination of the levels of a grid, by a label such as `lstm, feet + shanks`; `make` is called with one level of each factor by name.

    A factor is a sequence of levels, or a mapping of their names to what `make` is given. Raises StudyError for an empty factor or two arms of one name.
    """
    if not grid or any(not len(levels) for levels in grid.values()):
        raise StudyError(message("arms", "a factor has no level", expected="one factor or more, each with one level or more", found=f"Found {', '.join(grid) or 'no factor'}"))
    named = [tuple(levels.items()) if isinstance(levels, Mapping) else tuple((_name(level), level) for level in levels) for levels in grid.values()]
    out: dict[str, Model] = {}
    for combination in product(*named):
        label = ", ".join(name for name, _ in combination)
        if label in out:
            raise StudyError(message("arms", f"two arms are called {label!r}", do="Give the levels names: {name: level}"))
        given = dict(zip(grid, combination, strict=True))
        out[label] = Arm(make(**{k: level for k, (_, level) in given.items()}), {k: name for k, (name, _) in given.items()})
    return out


def sizes(name: str, model: Model, shares: Sequence[float]) -> dict[str, Model]:
    """One model fitted on growing shares of the patients of the train part: the arms of a learning curve, the whole part first (it is the model of the study).

    The label of the whole is `name`, of the others `name, 25 % of the train part`.
    """
    smaller = sorted({float(s) for s in shares if s != 1}, reverse=True)
    return {name if s == 1 else f"{name}, {100 * s:g} % of the train part": Arm(model, {"model": name, "train share": f"{s:g}"}, share=s) for s in (1.0, *smaller)}


def factors(model: Model) -> Mapping[str, str]:
    """The factors of an arm; none of any other model."""
    return model.factors if isinstance(model, Arm) else {}


def bare(model: Any) -> Any:
    """The model of an arm; any other model as it is."""
    return model.model if isinstance(model, Arm) else model


def affordable(models: Mapping[str, Model], most: int, cost: Mapping[str, float] | None = None) -> dict[str, Model]:
    """The models with at most so many arms: the cheapest where `cost` knows every arm, else the first ones and, so that a grid keeps its span, the last."""
    named = [label for label, model in models.items() if isinstance(model, Arm)]
    if cost and all(label in cost for label in named):
        kept = set(sorted(named, key=lambda label: cost[label])[: max(1, most)])
    else:
        kept = set(named if len(named) <= most else [*named[: max(1, most - 1)], *named[-1:]][: max(1, most)])
    return {label: model for label, model in models.items() if not isinstance(model, Arm) or label in kept}


def _name(level: Any) -> str:
    """A level in words: `feet + shanks` of a tuple."""
    return " + ".join(map(str, level)) if isinstance(level, (tuple, list)) else str(level)


def _first(patients: np.ndarray, share: float) -> np.ndarray:
    """Row numbers of the first patients, in the order of a hash of their id, that make up the share; one patient or more."""
    ordered = sorted(set(patients.tolist()), key=lambda p: hashlib.sha256(str(p).encode()).digest())
    kept = set(ordered[: max(1, round(share * len(ordered)))])
    return np.array([i for i, p in enumerate(patients.tolist()) if p in kept], int)
