"""From a record to its report: what was sought, what was retrieved, and which file it is."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import select

from osteon.errors import DataError, message
from osteon.evidence.review.plan import TITLE, plan_of
from osteon.evidence.review.screening import INCLUDE, NOT_RETRIEVED, RETRIEVED, live, passed, standings
from osteon.evidence.review.store import Event, Store


def retrieve(store: Store, who: str, *, record: int, file: Path | None = None, note: str = "", found: bool = True) -> int:
    """Note that a report was retrieved (with its file, whose hash is kept), or that it could not be; returns the number of the event.

    Raises DataError for a record that was not included on title and abstract, and for a file that is not there.
    """
    plan = plan_of(store)
    if file is not None and not file.is_file():
        raise DataError(message(file, "there is no such file", expected="the report of the study"))
    payload: dict[str, Any] = {"note": note} if note else {}
    if file is not None:
        payload |= {"file": str(file), "sha256": hashlib.sha256(file.read_bytes()).hexdigest()}
    with store.write(who) as writing:
        if not writing.connection.execute(select(1).where(live(record), passed(record, TITLE, plan.people.per_record))).first():
            raise DataError(message(f"record {record}", "its report is not sought", expected="a record that was included on title and abstract"))
        return writing.append(Event("retrieval", f"retrieval:{record}", record=record, value=RETRIEVED if found else NOT_RETRIEVED, payload=payload))[0]


def sought(store: Store) -> dict[int, str]:
    """Every record whose report is sought, and whether it was retrieved (empty: not yet)."""
    got = {r["record"]: r["value"] for r in store.payloads("retrieval")}
    return {n: got.get(n, "") for n, s in standings(store, TITLE).items() if s.status == INCLUDE}


def retrieval_counts(store: Store) -> dict[str, int]:
    """Reports sought, retrieved, not retrieved and still to be looked for."""
    found = Counter(sought(store).values())
    return {"sought": sum(found.values()), "retrieved": found[RETRIEVED], "not retrieved": found[NOT_RETRIEVED], "open": found[""]}
