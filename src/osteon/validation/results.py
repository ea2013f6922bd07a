"""What an analysis found: figures with intervals, as flat lines of results.csv."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from osteon.errors import DataError, OsteonError, message
from osteon.progress import log
from osteon.run import Run
from osteon.study import Study

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval

COLUMNS = ("analysis", "what", "group", "estimate", "lower", "upper", "level", "method", "reason", "n", "p", "unit", "note")
FAILED = "not made"
SHARE = "share"  # the unit of a figure that is printed in per cent


@dataclass(frozen=True)
class Result:
    """One figure of an analysis: what it is, of which group, its value, on how many cases, p where a test was made, its unit ("share": printed in per cent), a note.

    `analysis` is filled in where results are collected.
    """

    what: str
    group: str
    value: Interval = field(kw_only=True)
    n: int = field(kw_only=True)
    p: float = field(default=math.nan, kw_only=True)
    unit: str = field(default="", kw_only=True)
    note: str = field(default="", kw_only=True)
    analysis: str = field(default="", kw_only=True)

    def flat(self) -> dict[str, Any]:
        """The columns of results.csv; `from_flat` is the inverse."""
        v = self.value
        numbers = {"estimate": v.estimate, "lower": v.lower, "upper": v.upper, "level": v.level, "method": v.method, "reason": v.reason}
        return {"analysis": self.analysis, "what": self.what, "group": self.group, **numbers, "n": self.n, "p": self.p, "unit": self.unit, "note": self.note}

    @staticmethod
    def from_flat(row: Mapping[str, Any]) -> Result:
        """The result of a line of results.csv."""
        from osteon.stats.intervals import Interval

        value = Interval(*(float(row[k]) for k in ("estimate", "lower", "upper")), level=float(row["level"]), method=row["method"], reason=row["reason"])
        words = {k: row[k] for k in ("unit", "note", "analysis")}
        return Result(row["what"], row["group"], value=value, n=int(row["n"]), p=float(row["p"]), **words)


class Analysis(Protocol):
    """A question to a finished run that trains nothing: a frozen dataclass, called with the run and its study. `columns` are the attributes of cases that it reads."""

    @property
    def columns(self) -> tuple[str, ...]: ...
    def __call__(self, run: Run, study: Study) -> Iterator[Result]: ...


def point(estimate: float, *, method: str = "") -> Interval:
    """A figure that is described and not estimated: a count, a distance, a declared margin."""
    from osteon.stats.intervals import undefined

    return undefined("a description, not an estimate" if not math.isnan(estimate) else "not defined", estimate=estimate, method=method)


def titles(analyses: Sequence[Analysis]) -> tuple[str, ...]:
    """A name for each analysis: that of its kind, numbered where a kind is asked more than once."""
    kinds = [type(a).__name__ for a in analyses]
    return tuple(f"{kind} {kinds[:i].count(kind) + 1}" if kinds.count(kind) > 1 else kind for i, kind in enumerate(kinds))


def analyse(run: Run, study: Study) -> tuple[Result, ...]:
    """Every analysis of the study, in its order, written to results.csv; one that can not be made is a line that says why, and loses no other."""
    import pandas as pd

    found = tuple(r for title, analysis in zip(titles(study.analyses), study.analyses, strict=True) for r in _made(title, analysis, run, study))
    if study.analyses:
        run.write_table("results.csv", pd.DataFrame([r.flat() for r in found], columns=list(COLUMNS)))
    return found


def _made(title: str, analysis: Analysis, run: Run, study: Study) -> list[Result]:
    from osteon.stats.intervals import undefined

    try:
        found = [replace(r, analysis=title) for r in analysis(run, study)]
        reason = "" if found else "it gave no result"
    except Exception as fault:  # a study file is a stranger's code: whatever it raises, the run is kept
        reason = str(fault) if isinstance(fault, (OsteonError, ValueError)) else f"{type(fault).__name__}: {fault}"
    if not reason:
        return found
    log.warning("analysis %s: %s", title, reason)
    return [Result(FAILED, "", value=undefined(reason), n=0, analysis=title)]


def results_of(run: Run) -> tuple[Result, ...]:
    """The results of a run; none where its study asks for no analysis."""
    if not (run.folder / "results.csv").exists():
        return ()
    table, numbers = run.table("results"), ("estimate", "lower", "upper", "level", "n", "p")
    words = {c: table[c].map(lambda cell: "" if cell != cell else str(cell)) for c in COLUMNS if c not in numbers}
    return tuple(Result.from_flat(row) for row in table.assign(**words).to_dict("records"))


def attribute(run: Run, name: str, where: str) -> pd.Series:
    """An attribute of the cases of a run, by their code; raises DataError where the run has none of that name."""
    table = run.table("cases").set_index("case")
    if name not in table:
        raise DataError(message(where, f"no case of the run has {name!r}", expected="a column of the cohort, declared by the analysis", found=f"Found {', '.join(map(str, table.columns))}"))
    column: pd.Series = table[name]
    return column
