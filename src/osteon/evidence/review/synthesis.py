"""From extracted rows to the pooled estimate, and what a new search changes in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from osteon.errors import DataError, message
from osteon.evidence.pool import Settings, pool
from osteon.evidence.pool_table import PoolTable, from_evidence
from osteon.evidence.review.appraisal import risk_of_bias
from osteon.evidence.review.extraction import Completed, completed, evidence_row
from osteon.evidence.review.flow import flow
from osteon.evidence.review.imports import records_of
from osteon.evidence.review.screening import FULLTEXT, INCLUDE, TITLE, standings
from osteon.evidence.review.store import Store
from osteon.row import EvidenceRow

RATES = ("sensitivity", "specificity")


def evidence(store: Store, *, upto: int | None = None) -> list[tuple[int, EvidenceRow]]:
    """Every agreed row as evidence, with the number of its record; ``upto`` leaves out later records."""
    bias = risk_of_bias(store)
    return [(r.record, evidence_row(r, bias.get(r.record))) for r in completed(store) if upto is None or r.record <= upto]


def pool_table(store: Store, *, upto: int | None = None, several: bool = False) -> PoolTable:
    """The rows that have a table; raises DataError where there is none, or where one cohort or study has two."""
    rows = [r for _, r in evidence(store, upto=upto) if r.table is not None]
    if not rows:
        raise DataError(message("pool", "no row has a two-by-two table yet", expected="rows that two people extracted alike, or that were settled", do="`osteon review extract PROJECT` shows what is open"))
    return from_evidence(rows, several=several)


def left_out(rows: Sequence[Completed]) -> list[dict[str, Any]]:
    """Rows without a table, and why: the report contradicts itself, several tables fit, or nothing can be told."""
    return [{"record": r.record, "study": r.values["study"], "table": r.table, "why": r.why} for r in rows if r.cells is None]


def pooled(store: Store, settings: Settings | None = None, *, upto: int | None = None) -> dict[str, Any]:
    """The pooled result of the review as plain data."""
    return pool(pool_table(store, upto=upto), settings or Settings()).plain()


def update(store: Store, since: int, settings: Settings | None = None) -> dict[str, Any]:
    """What the records after number ``since`` change: new records by stage, the pooled rates before and after, the area of the region, and the Cook's distance of each newcomer."""
    known = records_of(store)
    if since not in known and since != 0:
        raise DataError(message("--since", f"there is no record {since}", expected=f"a number up to {max(known, default=0)}"))
    new = {n for n in known if n > since}
    title, full = standings(store, TITLE), standings(store, FULLTEXT)
    out: dict[str, Any] = {"since": since, "records": len(new), "after duplicates": sum(n in new for n in title), "included": sorted(n for n, s in full.items() if n in new and s.status == INCLUDE),
                           "waiting": sum(s.status not in (INCLUDE, "exclude") for n, s in title.items() if n in new), "flow": flow(store, since=since).plain()}
    before, after = (_tried(store, settings, upto) for upto in (since, None))
    out["before"], out["after"] = _rates(before), _rates(after)
    names = {r.source.study for n, r in evidence(store) if n in new}
    influence = after.get("influence")
    out["newcomers"] = [{k: i[k] for k in ("study", "cook", *RATES)} for i in influence if i["study"] in names] if isinstance(influence, list) else []
    return out


def _tried(store: Store, settings: Settings | None, upto: int | None) -> dict[str, Any]:
    """The pooled result, or why there is none."""
    try:
        return pooled(store, settings, upto=upto)
    except DataError as error:
        return {"reason": str(error)}


def _rates(facts: Mapping[str, Any]) -> dict[str, Any]:
    if "reason" in facts and len(facts) == 1:
        return dict(facts)
    out: dict[str, Any] = {"k": facts["k"], **{r: facts[r] for r in RATES}}
    region = (facts.get("regions") or {}).get(str((facts.get("regions") or {}).get("default")))
    out["region"] = {name: _area(points) for name, points in region.items() if isinstance(points, list)} if region else {"reason": "no region could be computed"}
    return out


def _area(points: Sequence[Sequence[float]]) -> float:
    """The area of a polygon in the ROC plane (shoelace formula)."""
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, [*points[1:], points[0]], strict=True))) / 2
