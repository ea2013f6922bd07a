"""One model for each kind of case, told apart by an attribute: what training all kinds together is compared with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from osteon.cohort import Cohort
from osteon.cohort.folder import whole
from osteon.errors import DataError, NotFitted, RunError, listed, message
from osteon.models.protocol import Desk, Model
from osteon.targets import Target
from osteon.value import Value, Withheld

KINDS = "kinds.json"


@dataclass(frozen=True)
class Apart:
    """A model fitted once for each value of the attribute `by`, on the cases that have it, and asked about cases of the same value; each fit has its share of the seconds."""

    model: Model
    by: str
    fitted: Mapping[str, Model] = field(default_factory=dict, kw_only=True, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fitted", MappingProxyType(dict(self.fitted)))

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
        """Fit the model for each value that train and tune part share, in drawers 1, 2, ... of the desk. Raises DataError where there is none."""
        kinds = {kind: (_of(train, self.by, kind), _of(tune, self.by, kind)) for kind in _kinds(train, self.by)}
        there = {kind: parts for kind, parts in kinds.items() if len(parts[0]) and len(parts[1])}
        if not there:
            raise DataError(message(f"cohort {train.name}", f"no value of {self.by!r} lies in both train and tune part", expected="a column of the cohort", found=f"Found {listed(kinds) or 'none'}"))
        share = replace(desk, budget=desk.budget.with_(seconds=desk.budget.seconds / len(there)))
        desk.notes.update({"kinds": {kind: [len(a), len(b)] for kind, (a, b) in there.items()}})
        return replace(self, fitted={kind: self.model.fit(*parts, targets, share.drawer(str(k))) for k, (kind, parts) in enumerate(there.items(), 1)})

    def predict(self, cohort: Cohort) -> Iterator[dict[str, Value]]:
        """The answer of the model of each case's kind; withheld for a kind that no model was fitted for."""
        if not self.fitted:
            raise NotFitted(message("Apart", "it was asked before it learned", do="Call fit or load first"))
        kinds = [str(kind) for kind in cohort.column(self.by)]
        waiting = {kind: model.predict(_of(cohort, self.by, kind)) for kind, model in self.fitted.items()}
        for kind in kinds:
            yield next(waiting[kind]) if kind in waiting else dict.fromkeys(self.writes, Withheld(f"no model was fitted for {self.by} {kind}"))

    def save(self, folder: Path) -> None:
        """Each model in a folder of its number, and the kinds in their order."""
        for k, model in enumerate(self.fitted.values(), 1):
            (folder / str(k)).mkdir(parents=True, exist_ok=True)
            model.save(folder / str(k))
        whole(folder / KINDS, json.dumps({"by": self.by, "kinds": list(self.fitted)}))

    def load(self, folder: Path, targets: Mapping[str, Target]) -> Self:
        """With every model loaded; raises RunError where the folder holds something else."""
        if not (folder / KINDS).exists():
            raise RunError(message(folder, "there are no models of several kinds", expected=KINDS))
        noted: dict[str, Any] = json.loads((folder / KINDS).read_text(encoding="utf-8"))
        if noted["by"] != self.by:
            raise RunError(message(folder, "the models are told apart by another attribute", expected=self.by, found=f"Found {noted['by']}"))
        return replace(self, fitted={kind: self.model.load(folder / str(k), targets) for k, kind in enumerate(noted["kinds"], 1)})


def _kinds(cohort: Cohort, by: str) -> list[str]:
    return list(dict.fromkeys(str(kind) for kind in cohort.column(by) if kind is not None))


def _of(cohort: Cohort, by: str, kind: str) -> Cohort:
    return cohort.take(np.flatnonzero([str(found) == kind for found in cohort.column(by)]))
