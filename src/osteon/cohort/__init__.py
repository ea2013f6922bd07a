"""Cases, what was left out, and what readers said: the only door for data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.case import Case
from osteon.cohort.rows import Rows
from osteon.design import Design, Fold, Units, final, together
from osteon.errors import DataError, message
from osteon.row import COHORT_ORIGINS

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Excluded:
    """A case that was left out: its id, the step, and the reason; `detail` may quote the cell and never enters a run."""

    id: str
    step: str
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Reading:
    """What a reader said of a case: a reader's name, with or without aid, and a value in the target's own words."""

    case: str
    reader: str
    target: str
    value: Any
    aided: bool = False


class Mapped(Sequence[Case]):
    """Cases changed by a function when they are looked at; nothing is kept."""

    def __init__(self, cases: Sequence[Case], change: Callable[[Case], Case]) -> None:
        self._cases, self._change = cases, change

    def __len__(self) -> int:
        return len(self._cases)

    def __getitem__(self, index: Any) -> Any:
        return self._change(self._cases[index])


class Taken(Sequence[Case]):
    """Some of the cases, by row number."""

    def __init__(self, cases: Sequence[Case], rows: np.ndarray) -> None:
        self._cases, self._rows = cases, np.asarray(rows, int)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: Any) -> Any:
        return self._cases[int(self._rows[index])]


@dataclass(frozen=True, eq=False)
class Cohort:
    """Cases with their name and origin (simulated, public, own); origin and exclusions are never lost."""

    name: str
    origin: str
    cases: Sequence[Case] = field(kw_only=True)
    excluded: tuple[Excluded, ...] = field(default=(), kw_only=True)
    readings: tuple[Reading, ...] = field(default=(), kw_only=True)
    licence: str = field(default="", kw_only=True)
    folder: Path | None = field(default=None, kw_only=True)
    notes: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        if self.origin not in COHORT_ORIGINS:
            raise DataError(message(f"cohort {self.name}", f"there is no origin {self.origin!r}", expected=", ".join(COHORT_ORIGINS)))

    def __len__(self) -> int:
        return len(self.cases)

    def __iter__(self) -> Iterator[Case]:
        return iter(self.cases[i] for i in range(len(self.cases)))

    @staticmethod
    def from_folder(folder: str | Path) -> Cohort:
        """Open a cohort folder (cohort.yaml, cases.csv); no file of a case is read yet. Raises DataError."""
        from osteon.cohort.folder import read

        return read(Path(folder))

    def to_folder(self, folder: str | Path) -> Cohort:
        """Write every case as files and a table, and open what was written."""
        from osteon.cohort.folder import write

        return write(self, Path(folder))

    def conform(self, inputs: Mapping[str, Any], targets: Mapping[str, Any], *, eligible: Sequence[Any] = (), answered: Sequence[str] = ()) -> Cohort:
        """Bind the columns to a study's inputs and targets and check them once; see osteon.cohort.conform."""
        from osteon.cohort.conform import conform

        return conform(self, inputs, targets, eligible=eligible, answered=answered)

    def take(self, rows: np.ndarray) -> Cohort:
        """The cases at some row numbers, in that order."""
        cases = self.cases.take(rows) if isinstance(self.cases, Rows) else Taken(self.cases, rows)
        return replace(self, cases=cases)

    def map(self, change: Callable[[Case], Case]) -> Cohort:
        """The same cohort, each case changed when it is looked at."""
        return replace(self, cases=Mapped(self.cases, change))

    def leave_out(self, excluded: Sequence[Excluded]) -> Cohort:
        """The cohort without some cases, which stand in `excluded` from now on."""
        if not excluded:
            return self
        gone = {e.id for e in excluded}
        keep = np.array([i for i, case_id in enumerate(self.ids()) if case_id not in gone], int)
        return replace(self.take(keep), excluded=self.excluded + tuple(excluded))

    def ids(self) -> list[str]:
        """The id of each case."""
        return self.cases.column("case_id").tolist() if isinstance(self.cases, Rows) else [case.id for case in self]

    def column(self, name: str) -> np.ndarray:
        """One attribute (or patient, site) over the cases (n,), dtype object; None where a case lacks it."""
        if isinstance(self.cases, Rows):
            return self.cases.attribute(name)
        direct = {"patient": "patient", "site": "site", "case_id": "id"}
        values = [getattr(c, direct[name]) if name in direct else c.attributes.get(name) for c in self]
        return np.array(values + [None], dtype=object)[:-1]

    def table(self, name: str) -> pd.DataFrame:
        """The record input of a name as a table, one row a case; numbers as float, categories as text."""
        import pandas as pd

        if isinstance(self.cases, Rows):
            return self.cases.records(name)
        return pd.DataFrame([dict(case.inputs[name]) for case in self])

    def units(self, *, keep: Sequence[str] = (), strata: np.ndarray | None = None) -> Units:
        """What a design looks at: groups by patient and by every attribute of `keep`."""
        groups = together(self.column("patient"), *(self.column(name) for name in keep))
        names = self.cases.names() if isinstance(self.cases, Rows) else sorted({k for c in self for k in c.attributes} | {"site"})
        columns = {name: self.column(name) for name in names}
        return Units(groups, np.zeros(len(self), int) if strata is None else strata, columns)

    def folds(self, design: Design, seed: int, *, keep: Sequence[str] = (), strata: np.ndarray | None = None) -> tuple[tuple[Fold, ...], Fold]:
        """The folds of a design and the fold of the model for new cases."""
        units = self.units(keep=keep, strata=strata)
        folds = design.divide(units, seed)
        return folds, final(folds, units, seed)
