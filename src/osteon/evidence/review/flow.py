"""The flow of a review after PRISMA 2020: every number is counted from the records, and the numbers must add up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Any

from sqlalchemy import func, select

from osteon.errors import DataError, message
from osteon.evidence.review.extraction import completed
from osteon.evidence.review.fulltext import sought
from osteon.evidence.review.plan import FULLTEXT, TITLE, plan_of
from osteon.evidence.review.screening import CONFLICT, EXCLUDE, INCLUDE, NOT_RETRIEVED, RETRIEVED, SECOND, WAITING, Standing, standings
from osteon.evidence.review.store import Store
from osteon.evidence.review.tables import state

OPEN = (WAITING, SECOND, CONFLICT)


@dataclass(frozen=True)
class Column:
    """One column of the diagram (databases and registers, or other methods): counts by step, reasons of both stages."""

    sources: Mapping[str, int]
    duplicates: int
    _: KW_ONLY
    screened: Mapping[str, int]
    sought: Mapping[str, int]
    assessed: Mapping[str, int]
    reasons: Mapping[str, Mapping[str, int]]

    @property
    def identified(self) -> int:
        """Records of all sources."""
        return sum(self.sources.values())

    def faults(self, name: str) -> Iterator[str]:
        """Each step that does not follow from the one before it."""
        steps = ((f"{self.identified} identified - {self.duplicates} duplicates", self.identified - self.duplicates, "screened", self.screened["all"]),
                 ("excluded + undecided + included on title and abstract", sum(self.screened[k] for k in (EXCLUDE, "open", INCLUDE)), "screened", self.screened["all"]),
                 ("included on title and abstract", self.screened[INCLUDE], "reports sought", self.sought["all"]),
                 ("retrieved + not retrieved + open", sum(self.sought[k] for k in (RETRIEVED, NOT_RETRIEVED, "open")), "reports sought", self.sought["all"]),
                 ("reports retrieved", self.sought[RETRIEVED], "reports assessed", self.assessed["all"]),
                 ("excluded + undecided + included at full text", sum(self.assessed[k] for k in (EXCLUDE, "open", INCLUDE)), "reports assessed", self.assessed["all"]),
                 ("reasons at full text", sum(self.reasons[FULLTEXT].values()), "excluded at full text", self.assessed[EXCLUDE]))
        yield from (f"{name}: {left} = {a}, but {right} = {b}" for left, a, right, b in steps if a != b)


@dataclass(frozen=True)
class Flow:
    """The two columns, reports and studies included now and in an earlier version, and records that could not be read."""

    databases: Column
    other: Column
    _: KW_ONLY
    reports: int
    studies: int
    pooled: int
    earlier: int
    unreadable: int

    @property
    def complete(self) -> bool:
        """Whether nothing waits for a decision."""
        return not any(c.screened["open"] + c.sought["open"] + c.assessed["open"] for c in (self.databases, self.other))

    def plain(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"databases": _plain(self.databases), "other": _plain(self.other), "reports": self.reports, "studies": self.studies, "pooled": self.pooled, "earlier": self.earlier,
                "unreadable": self.unreadable, "complete": self.complete}


def _plain(column: Column) -> dict[str, Any]:
    return {"sources": dict(column.sources), "identified": column.identified, "duplicates": column.duplicates, "screened": dict(column.screened), "sought": dict(column.sought),
            "assessed": dict(column.assessed), "reasons": {k: dict(v) for k, v in column.reasons.items()}}


def flow(store: Store, *, since: int = 0) -> Flow:
    """Count the flow of the records after number ``since`` (those before it are the earlier version of the review). Raises DataError where the numbers do not add up."""
    plan = plan_of(store)
    kinds = {s.name: s.kind for s in plan.sources}
    with store.read() as connection:
        source = {r.record: r.stage for r in connection.execute(select(state.c.record, state.c.stage).where(state.c.kind == "record"))}
        into = {r.record: int(r.value) for r in connection.execute(select(state.c.record, state.c.value).where(state.c.kind == "merge"))}
        merged = connection.execute(select(func.count()).select_from(state).where(state.c.kind == "merge")).scalar_one()
    left = {_kept(n, into) for n, s in source.items() if kinds.get(s, "database") != "other"}
    title, full, got = standings(store, TITLE), standings(store, FULLTEXT), sought(store)
    parts = {}
    for name, mine in (("databases", True), ("other", False)):
        records = [n for n, s in source.items() if n > since and (kinds.get(s, "database") != "other") is mine]
        groups = {n for n in title if n > since and (n in left) is mine}
        parts[name] = Column(_sources(plan.sources, source, records, mine=mine), len(records) - len(groups), screened=_counts(title, groups), sought=_sought(got, groups), assessed=_counts(full, groups),
                             reasons={TITLE: _reasons(title, groups), FULLTEXT: _reasons(full, groups)})
    if not since and parts["databases"].duplicates + parts["other"].duplicates != merged:
        raise DataError(message("flow", "the duplicates do not add up", found=f"{merged} merges, {parts['databases'].duplicates} + {parts['other'].duplicates} records less"))
    faults = [f for name, column in parts.items() for f in column.faults(name)]
    if faults:
        raise DataError(message("flow", "the numbers do not add up", found="; ".join(faults), do="Run `osteon review rebuild PROJECT`; if that does not help, the project is damaged"))
    included = {n for n, s in full.items() if s.status == INCLUDE}
    rows = completed(store)
    names = {r.record: r.values["study"] for r in rows}  # several reports may be of one study
    tables = {r.values["study"] for r in rows if r.cells is not None and r.record in included}
    return Flow(parts["databases"], parts["other"], reports=sum(n > since for n in included), studies=len({names.get(n, n) for n in included if n > since}),
                pooled=len(tables), earlier=sum(n <= since for n in included), unreadable=_unreadable(store))


def _kept(record: int, into: Mapping[int, int]) -> int:
    while record in into:
        record = into[record]
    return record


def _sources(named: Any, source: Mapping[int, str], records: list[int], *, mine: bool) -> dict[str, int]:
    """Records by source in the order of the plan, those that brought none too."""
    counts = Counter(source[n] for n in records)
    return {s.name: counts[s.name] for s in named if (s.kind != "other") is mine}


def _counts(found: Mapping[int, Standing], groups: set[int]) -> dict[str, int]:
    counts = Counter(s.status for n, s in found.items() if n in groups)
    return {"all": sum(counts.values()), EXCLUDE: counts[EXCLUDE], INCLUDE: counts[INCLUDE], "open": sum(counts[k] for k in OPEN)}


def _sought(got: Mapping[int, str], groups: set[int]) -> dict[str, int]:
    counts = Counter(v for n, v in got.items() if n in groups)
    return {"all": sum(counts.values()), RETRIEVED: counts[RETRIEVED], NOT_RETRIEVED: counts[NOT_RETRIEVED], "open": counts[""]}


def _reasons(found: Mapping[int, Standing], groups: set[int]) -> dict[str, int]:
    """Exclusions by reason, the most frequent first; those without a reason under an empty name."""
    counts = Counter(s.reason for n, s in found.items() if n in groups and s.status == EXCLUDE)
    return dict(sorted(counts.items(), key=lambda c: (-c[1], c[0])))


def _unreadable(store: Store) -> int:
    return sum(len(r["payload"]["bad"]) for r in store.payloads("import"))
