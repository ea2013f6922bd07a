"""Who did what when, and taking it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import select

from osteon.errors import DataError, listed, message
from osteon.evidence.review.store import Event, Store, Writing
from osteon.evidence.review.tables import events, state

# Steps on one record in their order: what a later one rests on cannot be taken back before it.
STEPS: Mapping[str, int] = MappingProxyType({"record": 0, "merge": 1, "link": 1, "apart": 1, "label": 2, "decision:title": 2, "adjudication:title": 3, "retrieval": 4, "decision:fulltext": 5,
                                             "adjudication:fulltext": 6, "extraction": 7, "appraisal": 7, "extracted": 8, "appraised": 8})


def log(store: Store, *, record: int | None = None, who: str = "", kind: str = "", last: int = 0, parts: bool = False) -> list[dict[str, Any]]:
    """Events, oldest first: number, time, person, kind, record, stage, value, reason or note, and whether it was taken back.

    The single records of an import and the single merges of a de-duplication are left out unless ``parts``, ``record`` or ``kind`` asks for them.
    """
    wanted = select(events)
    for column, value in ((events.c.record, record), (events.c.who, who or None), (events.c.kind, kind or None)):
        if value is not None:
            wanted = wanted.where(column == value)
    if not (parts or record is not None or kind):
        wanted = wanted.where((events.c.batch.is_(None)) | (events.c.batch == events.c.id))
    with store.read() as connection:
        rows = connection.execute(wanted.order_by(events.c.id.desc()).limit(last) if last else wanted.order_by(events.c.id)).all()
        undone = set(connection.execute(select(events.c.undoes).where(events.c.undoes.is_not(None))).scalars())
    return [_told(r, r.id in undone) for r in (reversed(rows) if last else rows)]


def _told(row: Any, undone: bool) -> dict[str, Any]:
    payload = row.payload or {}
    more = "; ".join(str(payload[k]) for k in ("reason", "note", "by", "file") if k in payload and not isinstance(payload[k], dict))
    return {"event": row.id, "at": row.at, "who": row.who, "kind": row.kind, "record": row.record, "stage": row.stage, "value": row.value, "more": more, "taken back": undone}


def undo(store: Store, who: str, event: int) -> list[int]:
    """Take an event back, or all of an import or a de-duplication by the number of its first event; returns the numbers of what was taken back.

    A single merge that is taken back stays apart: the next de-duplication leaves it. Raises DataError for an event that is not there, was taken back, or that later ones rest on.
    """
    with store.write(who) as writing:
        found = writing.connection.execute(select(events).where(events.c.id == event)).first()
        if found is None:
            raise DataError(message("undo", f"there is no event {event}", do="`osteon review log PROJECT` lists them"))
        if found.kind == "undo":
            raise DataError(message(f"event {event}", "it took event " + found.value + " back already", do="Do the action again instead"))
        if writing.connection.execute(select(events.c.id).where(events.c.undoes == event)).first():
            raise DataError(message(f"event {event}", "it was taken back before"))
        if found.batch not in (None, event) and found.kind == "record":
            raise DataError(message(f"event {event}", "a single record of an import cannot be taken back", do=f"Take back the whole import: event {found.batch}"))
        whole = found.batch == event
        taken = _members(writing, event) if whole else [found]
        _nothing_rests_on(writing, taken)
        writing.undo([r.id for r in taken])
        if found.kind == "merge" and not whole:
            a, b = sorted((found.record, int(found.value)))
            writing.append(Event("apart", f"apart:{a}:{b}", record=a, value=str(b), payload={"note": f"merge {event} was taken back"}))
    return [r.id for r in taken]


def _members(writing: Writing, batch: int) -> list[Any]:
    """The events of an action that nobody took back yet, the newest first."""
    back = events.alias()
    live = ~select(back.c.id).where(back.c.undoes == events.c.id).exists()
    return list(writing.connection.execute(select(events).where(events.c.batch == batch, live).order_by(events.c.id.desc())).all())


def _nothing_rests_on(writing: Writing, taken: Sequence[Any]) -> None:
    """Raise DataError where the state of a record holds a later step than what is taken back."""
    if any(r.kind == "plan" for r in taken):
        plans = writing.connection.execute(select(events.c.id).where(events.c.kind == "plan")).all()
        if len(plans) < 2:
            raise DataError(message("undo", "the first plan of a review cannot be taken back", do="Change it with `osteon review plan`"))
    own = {r.id for r in taken}
    steps = {r.record: _step(r.kind, r.stage) for r in taken if r.record is not None}
    held = writing.connection.execute(select(state.c.event, state.c.kind, state.c.stage, state.c.record, state.c.value).where(state.c.record.is_not(None), state.c.kind != "record")).all()
    removed = {r.record for r in taken if r.kind == "record"}
    later = [h for h in held if h.event not in own and ((h.record in steps and _step(h.kind, h.stage) > steps[h.record]) or (h.kind in ("merge", "link") and removed and int(h.value) in removed))]
    if later:
        told = listed((f"{h.kind} of record {h.record} (event {h.event})" for h in later), 4)
        raise DataError(message("undo", "later steps rest on it", found=f"Found {told}", do="Take those back first"))


def _step(kind: str, stage: str) -> int:
    return STEPS.get(f"{kind}:{stage}", STEPS.get(kind, -1))
