"""How often each column was chosen over the folds, and how stable a selection is.

Nogueira S, Sechidis K, Brown G. J Mach Learn Res 2018; 18(174): 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from osteon.errors import DataError, message
from osteon.run import Run
from osteon.study import Study
from osteon.validation.analyses.asked import Asked, asked, first_label
from osteon.validation.results import SHARE, Result, point

STABLE, OFTEN, PLANTED = "stability", "kept in folds", "planted markers kept"
KEPT = "kept by the rule"


@dataclass(frozen=True)
class Stability:
    """Of a model that selects its columns (the first that does, unless named): the stability of each selector and of what the rule keeps, and the columns that were chosen most often.

    Folds share most of their cases, so that the limits of the index are too narrow; the index itself is what it is.
    """

    model: str = ""
    target: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """No attribute of a case is read."""
        return ()

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """A line for each selector, one for each column, and on simulated cases how many planted markers the model for new cases keeps. Raises DataError where no model selects."""
        from osteon.stats.selection import stability

        label = self.label(run, study)
        folds, last = self.selections(run, label)
        every = list(dict.fromkeys(column for fold in folds for found in fold.values() for column in found))
        tables = {name: np.array([[column in fold[name] for column in every] for fold in folds]).reshape(len(folds), len(every)) for name in folds[0]}
        of = self._of(run, label)
        for name, table in tables.items():
            whole = np.hstack([table, np.zeros((len(table), max(0, of - len(every))), bool)])
            yield Result(STABLE, name, value=stability(whole), n=len(folds), note=f"{table.sum(1).mean():.1f} of {of} columns on average")
        yield from _often(every, tables, len(folds))
        yield from _planted(run, last[KEPT])

    def label(self, run: Run, study: Study) -> str:
        """The model that is asked about; raises DataError where none selects."""
        question: Asked = asked(study, self.target)
        if self.model:
            return first_label(run, question, self.model)
        found = [label for label in question.labels(run) if any(_sets(note) for note in run.notes(label))]
        if not found:
            raise DataError(message(f"analysis {type(self).__name__}", "no model selects its columns", expected="a Tabular model with select=Selection(...)"))
        return found[0]

    def selections(self, run: Run, label: str) -> tuple[list[dict[str, tuple[str, ...]]], dict[str, tuple[str, ...]]]:
        """The set of each selector and of the rule: in every fit of a fold, and in the model for new cases (its first fit)."""
        notes = [(note["fold"], found) for note in run.notes(label) for found in _sets(note)]
        folds = [found for fold, found in notes if fold != "final"] or [found for _, found in notes]
        last = next((found for fold, found in notes if fold == "final"), folds[0] if folds else {})
        if not folds:
            raise DataError(message(f"analysis {type(self).__name__}", f"{label} does not select its columns", expected="a Tabular model with select=Selection(...)"))
        return folds, last

    def _of(self, run: Run, label: str) -> int:
        """How many columns there were to choose from."""
        return max(fit["selection"]["of"] for note in run.notes(label) for fit in _fits(note))


def _fits(note: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The notes of the fits of a fold that selected by at least one selector."""
    return [fit for key, fit in note.items() if key.startswith("fit ") and isinstance(fit, dict) and fit.get("selection", {}).get("sets")]


def _sets(note: Mapping[str, Any]) -> list[dict[str, tuple[str, ...]]]:
    return [{**{name: tuple(found) for name, found in fit["selection"]["sets"].items()}, KEPT: tuple(fit["selection"]["chosen"])} for fit in _fits(note)]


def _often(every: list[str], tables: Mapping[str, np.ndarray], folds: int) -> Iterator[Result]:
    """For each column the share of the folds in which it was kept, and in which each selector chose it; the most kept first."""
    shares = {name: table.mean(0) for name, table in tables.items()}
    total = sum(shares.values())
    for k in sorted(range(len(every)), key=lambda k: (-shares[KEPT][k], -float(np.asarray(total)[k]), every[k])):
        for name in (KEPT, *(n for n in tables if n != KEPT)):
            yield Result(OFTEN if name == KEPT else name, every[k], value=point(float(shares[name][k])), n=folds, unit=SHARE)


def _planted(run: Run, kept: tuple[str, ...]) -> Iterator[Result]:
    """How many of the markers that a simulator planted the model for new cases keeps."""
    markers = [str(m) for m in run.about["cohort"]["notes"].get("markers", ())]
    if markers:
        found = [m for m in markers if m in kept]
        note = f"{len(found)} of {len(markers)} planted; {len(kept) - len(found)} kept that are none"
        yield Result(PLANTED, "the model for new cases", value=point(float(len(found))), n=len(markers), note=note)
