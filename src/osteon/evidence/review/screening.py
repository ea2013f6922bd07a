"""Two people decide on each record without seeing one another's decision; where they differ, a third word settles it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, and_, case, delete, func, insert, or_, select
from sqlalchemy.sql.elements import ColumnElement

from osteon.errors import DataError, listed, message
from osteon.evidence.review.plan import FULLTEXT, STAGES, TITLE, Plan, plan_of
from osteon.evidence.review.store import Event, Store, Writing
from osteon.evidence.review.tables import events, leases, places, state

INCLUDE, EXCLUDE, UNSURE = "include", "exclude", "unsure"
VERDICTS = (INCLUDE, EXCLUDE, UNSURE)
WAITING, SECOND, CONFLICT = "waiting", "second", "conflict"
RETRIEVED, NOT_RETRIEVED = "retrieved", "not retrieved"


@dataclass(frozen=True)
class Standing:
    """How a record stands at a stage: waiting, awaiting the second reviewer, in conflict, included or excluded; the reason; who decided what."""

    status: str
    reason: str = ""
    _: KW_ONLY
    decisions: Mapping[str, str]


def stage_named(name: str) -> str:
    """A stage by name; raises DataError."""
    if name not in STAGES:
        raise DataError(message("--stage", f"there is no stage {name!r}", expected=", ".join(STAGES)))
    return name


def _is(kind: str, stage: str = "") -> Any:
    """The state of one kind under a name of its own, and what selects it."""
    table = state.alias()
    return table, and_(table.c.kind == kind, table.c.stage == stage)


def live(record: Any) -> ColumnElement[bool]:
    """Whether a record is none that was merged into another."""
    merge, of_kind = _is("merge")
    return ~select(merge.c.event).where(of_kind, merge.c.record == record).exists()


def passed(record: Any, stage: str, per_record: int) -> ColumnElement[bool]:
    """Whether a record was included at a stage: settled so, or by as many as decide, and nobody against."""
    settled, is_settled = _is("adjudication", stage)
    word, is_word = _is("decision", stage)
    mine = and_(is_word, word.c.record == record)
    against = select(word.c.event).where(mine, word.c.value != INCLUDE).exists()
    count = select(func.count()).select_from(word).where(mine).scalar_subquery()
    any_settled = select(settled.c.event).where(is_settled, settled.c.record == record)
    return or_(any_settled.where(settled.c.value == INCLUDE).exists(), and_(~any_settled.exists(), ~against, count >= per_record))


def eligible(record: Any, stage: str, per_record: int) -> ColumnElement[bool]:
    """Whether a record is to be decided at a stage: at full text it was included before and its report was retrieved."""
    if stage == TITLE:
        return live(record)
    got, is_got = _is("retrieval")
    return and_(live(record), passed(record, TITLE, per_record), select(got.c.event).where(is_got, got.c.record == record, got.c.value == RETRIEVED).exists())


def queue(store: Store, who: str, *, stage: str = TITLE, count: int = 1, minutes: int = 60, awaiting: bool = False) -> list[dict[str, Any]]:
    """The next records for a reviewer, held for a while so that no third person gets them; ``awaiting`` serves only those that another one has decided.

    Each has record, fields, and ``place`` in the order; the decisions of others are not in it. Raises DataError for an unknown reviewer or stage.
    """
    plan = plan_of(store)
    plan.reviewer(who)
    stage_named(stage)
    until = store.clock() + timedelta(minutes=minutes)
    with store.write(who) as writing:
        connection = writing.connection
        rows = connection.execute(_next(who, stage, plan.people.per_record, now=writing.at, awaiting=awaiting).limit(count)).all()
        numbers = [r.record for r in rows]
        connection.execute(delete(leases).where(leases.c.stage == stage, or_(leases.c.until <= writing.at, and_(leases.c.who == who, leases.c.record.in_(numbers)))))
        if numbers:
            connection.execute(insert(leases), [{"stage": stage, "record": n, "who": who, "until": until.isoformat(timespec="seconds")} for n in numbers])
    return [{"record": r.record, "source": r.stage, **r.payload} for r in rows]


def _next(who: str, stage: str, per_record: int, *, now: str, awaiting: bool) -> Any:
    record = state.alias("record")
    mine, is_mine = _is("decision", stage)
    seen = select(func.count()).select_from(mine).where(is_mine, mine.c.record == record.c.record, mine.c.who != who).scalar_subquery()
    done = select(mine.c.event).where(is_mine, mine.c.record == record.c.record, mine.c.who == who).exists()
    other = state.alias("other")
    decided = select(other.c.event).where(other.c.kind == "decision", other.c.stage == stage, other.c.record == leases.c.record, other.c.who == leases.c.who).exists()
    held = select(func.count()).select_from(leases).where(leases.c.stage == stage, leases.c.record == record.c.record, leases.c.who != who, leases.c.until > now, ~decided).scalar_subquery()
    settled, is_settled = _is("adjudication", stage)
    held_by_me = leases.alias("held_by_me")
    my_lease = select(held_by_me.c.record).where(held_by_me.c.stage == stage, held_by_me.c.record == record.c.record, held_by_me.c.who == who, held_by_me.c.until > now).exists()
    wanted = (select(record.c.record, record.c.stage, events.c.payload).join(events, events.c.id == record.c.event)
              .outerjoin(places, and_(places.c.stage == stage, places.c.record == record.c.record))
              .where(record.c.kind == "record", eligible(record.c.record, stage, per_record), ~done, seen + held < per_record,
                     ~select(settled.c.event).where(is_settled, settled.c.record == record.c.record).exists()))
    if awaiting:
        wanted = wanted.where(seen > 0)
    return wanted.order_by(case((my_lease, 0), else_=1), func.coalesce(places.c.place, 2_000_000_000), record.c.record)


def decide(store: Store, who: str, *, record: int, verdict: str, stage: str = TITLE, reason: str = "", note: str = "") -> int:
    """Write a reviewer's decision, or its change, and return the number of its event. Raises DataError for everything that cannot be decided."""
    plan = plan_of(store)
    with store.write(who) as writing:
        return _decide(writing, plan, who, record=record, verdict=verdict, stage=stage, reason=reason, note=note)


def _decide(writing: Writing, plan: Plan, who: str, *, record: int, verdict: str, stage: str, reason: str, note: str) -> int:
    plan.reviewer(who)
    stage_named(stage)
    if verdict not in VERDICTS:
        raise DataError(message(f"record {record}", f"{verdict!r} is no decision", expected=", ".join(VERDICTS)))
    said = plan.reason(stage, reason)
    if stage == FULLTEXT and verdict == EXCLUDE and not said:
        raise DataError(message(f"record {record}", "an exclusion at full text needs its reason", expected=listed(plan.reasons.get(FULLTEXT, ())) or "--reason WORDS"))
    open_for(writing.connection, record, stage, plan)
    others = [r.who for r in writing.connection.execute(select(state.c.who).where(state.c.kind == "decision", state.c.stage == stage, state.c.record == record)) if r.who != who]
    if len(others) >= plan.people.per_record:
        raise DataError(message(f"record {record}", f"{plan.people.per_record} reviewers have decided on it already", do="`osteon review screen` serves what is yours"))
    if writing.connection.execute(select(state.c.event).where(state.c.subject == f"adjudication:{stage}:{record}")).first():
        raise DataError(message(f"record {record}", "its conflict is settled: the decisions stand as they were", do="Take the settlement back first (`osteon review log`, `undo`)"))
    payload = {k: v for k, v in (("reason", said), ("note", note)) if v}
    return writing.append_as(who, [Event("decision", f"decision:{stage}:{record}:{who}", record=record, stage=stage, value=verdict, payload=payload)])[0]


def open_for(connection: Connection, record: int, stage: str, plan: Plan) -> None:
    """Raise DataError where a record is not there, is merged, was not passed on to the stage, or the stage is closed for it."""
    if not connection.execute(select(state.c.event).where(state.c.kind == "record", state.c.record == record)).first():
        raise DataError(message(f"record {record}", "there is no such record"))
    merged = connection.execute(select(state.c.value).where(state.c.subject == f"merge:{record}")).scalar()
    if merged is not None:
        raise DataError(message(f"record {record}", f"it is a duplicate of record {merged}", do=f"Decide on {merged}"))
    closed = connection.execute(select(state.c.value, state.c.event).where(state.c.subject == f"close:{stage}")).first()
    if closed and record <= int(closed.value):
        raise DataError(message(f"record {record}", f"the stage {stage!r} is closed", do=f"Open it again with `osteon review undo PROJECT {closed.event}`"))
    if not connection.execute(select(1).where(eligible(record, stage, plan.people.per_record))).first():
        raise DataError(message(f"record {record}", f"it is not at the stage {stage!r}", expected="included on title and abstract, and its report retrieved"))


def standings(store: Store, stage: str) -> dict[int, Standing]:
    """Every record of a stage and how it stands."""
    plan = plan_of(store)
    with store.read() as connection:
        record = state.alias("record")
        numbers = connection.execute(select(record.c.record).where(record.c.kind == "record", eligible(record.c.record, stage, plan.people.per_record)).order_by(record.c.record)).scalars().all()
        words = _words(connection, "decision", stage)
        settled = {r.record: r for r in _words(connection, "adjudication", stage)}
    said: dict[int, list[Any]] = defaultdict(list)
    for word in words:
        said[word.record].append(word)
    return {n: _standing(said.get(n, []), settled.get(n), plan, stage) for n in numbers}


def _words(connection: Connection, kind: str, stage: str) -> Sequence[Any]:
    wanted = select(state.c.record, state.c.who, state.c.value, events.c.payload).join(events, events.c.id == state.c.event).where(state.c.kind == kind, state.c.stage == stage)
    return connection.execute(wanted.order_by(state.c.event)).all()


def _standing(said: Sequence[Any], settled: Any, plan: Plan, stage: str) -> Standing:
    decisions = {w.who: w.value for w in said}
    if settled is not None:
        return Standing(settled.value, (settled.payload or {}).get("reason", ""), decisions=decisions)
    if len(said) < plan.people.per_record:
        return Standing(SECOND if said else WAITING, decisions=decisions)
    verdicts = set(decisions.values())
    if len(verdicts) > 1 or verdicts == {UNSURE}:
        return Standing(CONFLICT, decisions=decisions)
    return Standing(verdicts.pop(), one_reason([(w.payload or {}).get("reason", "") for w in said], plan.reasons.get(stage, ())), decisions=decisions)


def one_reason(given: Iterable[str], order: Sequence[str]) -> str:
    """The reason that is reported where several are given: the first in the order of the plan."""
    known = [g for g in given if g]
    return min(known, key=lambda g: (order.index(g) if g in order else len(order), g)) if known else ""


def conflicts(store: Store, stage: str = TITLE) -> list[dict[str, Any]]:
    """Records on which the decisions differ, with both sides: for whoever settles them."""
    found = [n for n, s in standings(store, stage_named(stage)).items() if s.status == CONFLICT]
    if not found:
        return []
    records = {r["record"]: r["payload"] for r in store.payloads("record") if r["record"] in set(found)}
    reasons = {(d["record"], d["who"]): d for d in store.payloads("decision", stage=stage)}
    return [{"record": n, "title": records[n]["title"], "decisions": [{"reviewer": w, "verdict": d["value"], **(d["payload"] or {})} for (r, w), d in reasons.items() if r == n]} for n in found]


def adjudicate(store: Store, who: str, *, record: int, verdict: str, stage: str = TITLE, reason: str = "") -> int:
    """Settle a conflict; returns the number of the event. Raises DataError where there is none."""
    plan = plan_of(store)
    plan.adjudicator(who)
    stage_named(stage)
    if verdict not in (INCLUDE, EXCLUDE):
        raise DataError(message(f"record {record}", f"{verdict!r} settles nothing", expected=f"{INCLUDE}, {EXCLUDE}"))
    said = plan.reason(stage, reason)
    if stage == FULLTEXT and verdict == EXCLUDE and not said:
        raise DataError(message(f"record {record}", "an exclusion at full text needs its reason", expected=listed(plan.reasons.get(FULLTEXT, ())) or "--reason WORDS"))
    with store.write(who) as writing:
        open_for(writing.connection, record, stage, plan)
        words = [w for w in _words(writing.connection, "decision", stage) if w.record == record]
        if _standing(words, None, plan, stage).status != CONFLICT:
            found = "; ".join(f"{w.who}: {w.value}" for w in words) or "nobody has decided"
            raise DataError(message(f"record {record}", "there is no conflict to settle", expected=f"{plan.people.per_record} decisions that differ", found=f"Found {found}"))
        return writing.append(Event("adjudication", f"adjudication:{stage}:{record}", record=record, stage=stage, value=verdict, payload={"reason": said} if said else {}))[0]


def progress(store: Store, stage: str) -> dict[str, Any]:
    """How many records of a stage wait, await the second reviewer, are in conflict, included and excluded; and how many each reviewer has decided."""
    found = standings(store, stage_named(stage))
    counts = Counter(s.status for s in found.values())
    by = Counter(w for s in found.values() for w in s.decisions)
    return {"stage": stage, "records": len(found), **{k: counts[k] for k in (WAITING, SECOND, CONFLICT, INCLUDE, EXCLUDE)}, "by": dict(sorted(by.items()))}


def close(store: Store, who: str, *, stage: str) -> int:
    """Close a stage for the records that are in it now. Raises DataError while one is undecided or in conflict."""
    found = standings(store, stage_named(stage))
    left = {status: [n for n, s in found.items() if s.status == status] for status in (WAITING, SECOND, CONFLICT)}
    if any(left.values()):
        words = {WAITING: "without a decision", SECOND: "awaiting the second reviewer", CONFLICT: "in conflict"}
        told = "; ".join(f"{len(n)} {words[k]} (records {listed(n, 5)})" for k, n in left.items() if n)
        raise DataError(message(f"stage {stage!r}", "it cannot be closed", expected="every record decided", found=told[:1].upper() + told[1:]))
    with store.write(who) as writing:
        return writing.append(Event("close", f"close:{stage}", stage=stage, value=str(max(found, default=0))))[0]


def for_ranking(store: Store, stage: str = TITLE) -> list[tuple[int, str, int | None]]:
    """Each record of a stage with its text (title, abstract, keywords) and its label: 1 included, 0 excluded, None undecided. An order made from it goes to `Store.order`."""
    found = standings(store, stage_named(stage))
    label = {INCLUDE: 1, EXCLUDE: 0}
    texts = {r["record"]: " ".join(filter(None, (r["payload"].get(k, "") for k in ("title", "abstract", "keywords")))) for r in store.payloads("record") if r["record"] in found}
    return [(n, texts[n], label.get(s.status)) for n, s in found.items()]
