"""What a paper reports, read twice. The form is the evidence row itself; what the printed figures imply is worked out, never typed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, fields
from functools import lru_cache
from typing import Any, get_type_hints

from sqlalchemy import select

from osteon.errors import DataError, listed, message, near
from osteon.evidence.review.plan import FULLTEXT, Plan, plan_of
from osteon.evidence.review.screening import passed
from osteon.evidence.review.store import Event, Store, Writing
from osteon.evidence.review.tables import state
from osteon.evidence.review.terms import GROUPS
from osteon.evidence.solve import MEASURES, count, figure, reported, solve
from osteon.row import ORIGINS, EvidenceRow, Question, Source, TwoByTwo
from osteon.stats.accuracy_table import CELLS

READERS = 2
COUNTS = ("n", "indeterminate", "withheld", "diseased", "healthy")
TEXT, COUNT, NUMBER, YES, MANY, FIGURE = "text", "whole number", "number", "yes or no", "several, separated by ;", "as printed, such as 94.7 % (90.1-97.3)"
Values = Mapping[str, str]


@dataclass(frozen=True)
class FormField:
    """A field of the form: its name, what may be written in it, and the part of the evidence row that it belongs to."""

    name: str
    kind: str
    _: KW_ONLY
    part: str


def form() -> tuple[FormField, ...]:
    """The form, made from the fields of the evidence row, with the printed measures and the words of the vocabulary."""
    kinds = {str: TEXT, int: COUNT, float: NUMBER, float | None: NUMBER, int | None: COUNT, bool: YES, tuple[str, ...]: MANY}
    own = [FormField(f.name, kinds[hint], part=part) for part, noun in (("source", Source), ("question", Question), ("table", TwoByTwo)) for f in fields(noun)
           if (hint := get_type_hints(noun)[f.name]) in kinds]
    return (*own, *(FormField(n, COUNT, part="counts") for n in COUNTS), FormField("seconds_per_case", NUMBER, part="row"), *(FormField(n, FIGURE, part="figures") for n in MEASURES),
            FormField("rounding", TEXT, part="figures"), FormField("interval", TEXT, part="figures"), *(FormField(n, MANY, part="words") for n in GROUPS), FormField("note", TEXT, part="words"))


def checked(values: Mapping[str, object], where: str) -> dict[str, str]:
    """Values as they are kept: known fields, empty ones left out, each in its form. Raises DataError naming the field."""
    known = {f.name: f for f in form()}
    out: dict[str, str] = {}
    for name, value in values.items():
        if name not in known:
            raise DataError(message(where, f"there is no field {name!r}", do=near(name, known)))
        text = " ".join(str(value if value is not None else "").split())
        if text:
            out[name] = _in_form(known[name], text, where)
    if out.get("origin", ORIGINS[-1]) not in ORIGINS:
        raise DataError(message(f"{where}, origin", f"there is no origin {out['origin']!r}", expected=", ".join(ORIGINS)))
    return out


def _in_form(field: FormField, text: str, where: str) -> str:
    try:
        if field.kind == COUNT:
            return str(count(field.name, text.replace(",", "") if text.count(",") == 1 and len(text.split(",")[1]) == 3 else text))
        if field.kind == NUMBER:
            return repr(float(text))
        if field.kind == FIGURE:
            figure(text, field.name)
        if field.kind == MANY:
            return "; ".join(p.strip() for p in text.split(";") if p.strip())
        if field.kind == YES:
            if text.lower() not in ("yes", "no", "true", "false", "1", "0", "s\u00ed", "si"):
                raise ValueError
            return "yes" if text.lower() in ("yes", "true", "1", "s\u00ed", "si") else "no"
    except ValueError:
        raise DataError(message(f"{where}, {field.name}", f"{text!r} is not understood", expected=field.kind)) from None
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
    return text


def extract(store: Store, who: str, *, record: int, values: Mapping[str, object], row: str = "1") -> int:
    """One reviewer's reading of a row of an included report; returns the number of its event. Raises DataError."""
    plan = plan_of(store)
    plan.reviewer(who)
    kept = checked(values, f"record {record}, row {row}")
    if not kept.get("study"):
        raise DataError(message(f"record {record}, row {row}", "the study has no name", expected="study=FIRST AUTHOR YEAR"))
    with store.write(who) as writing:
        _included(writing, plan, record)
        others = [s for s in _readings(writing, record, row) if s != who]
        if len(others) >= READERS:
            raise DataError(message(f"record {record}, row {row}", f"{listed(others)} have read it already", expected="two readings"))
        return writing.append(Event("extraction", f"extraction:{record}:{row}:{who}", record=record, value=row, payload=kept))[0]


def _included(writing: Writing, plan: Plan, record: int) -> None:
    if not writing.connection.execute(select(1).where(passed(record, FULLTEXT, plan.people.per_record))).first():
        raise DataError(message(f"record {record}", "nothing is extracted from it", expected="a report that was included at full text"))


def _readings(writing: Writing, record: int, row: str) -> list[str]:
    return list(writing.connection.execute(select(state.c.who).where(state.c.kind == "extraction", state.c.record == record, state.c.value == row)).scalars())


@dataclass(frozen=True)
class Reading:
    """One row of one report: who read what, the fields that differ, and what holds (empty until it is agreed or settled)."""

    record: int
    row: str
    _: KW_ONLY
    by: Mapping[str, Values]
    differ: tuple[str, ...]
    final: Values
    status: str


def readings(store: Store) -> list[Reading]:
    """Every row that somebody extracted: ``status`` is single, agreed, differs or settled. Where one reviewer decides, one reading holds."""
    alone = plan_of(store).people.per_record == 1
    by: dict[tuple[int, str], dict[str, Values]] = {}
    for item in store.payloads("extraction"):
        by.setdefault((item["record"], item["value"]), {})[item["who"]] = item["payload"]
    settled = {(s["record"], s["value"]): s["payload"] for s in store.payloads("extracted")}
    return [_reading(key, said, settled.get(key), alone) for key, said in sorted(by.items())]


def _reading(key: tuple[int, str], said: Mapping[str, Values], settled: Values | None, alone: bool) -> Reading:
    differ = tuple(n for n in dict.fromkeys(n for v in said.values() for n in v) if len({v.get(n, "") for v in said.values()}) > 1)
    if settled is not None:
        return Reading(*key, by=said, differ=differ, final=settled, status="settled")
    if len(said) < READERS and not alone:
        return Reading(*key, by=said, differ=(), final={}, status="single")
    if differ:
        return Reading(*key, by=said, differ=differ, final={}, status="differs")
    return Reading(*key, by=said, differ=(), final=next(iter(said.values())), status="agreed")


def settle(store: Store, who: str, *, record: int, row: str = "1", take: str = "", values: Mapping[str, object] | None = None) -> int:
    """Settle a row on which two readings differ: ``take`` one of them, or give the fields that differ. Raises DataError where a field stays open."""
    plan_of(store).adjudicator(who)
    found = next((r for r in readings(store) if (r.record, r.row) == (record, row)), None)
    if found is None or found.status not in ("differs", "settled"):
        raise DataError(message(f"record {record}, row {row}", "there is nothing to settle", expected="two readings that differ", found=f"Found {found.status if found else 'no reading'}"))
    if take and take not in found.by:
        raise DataError(message("--take", f"{take!r} has not read this row", expected=listed(found.by)))
    base = dict(found.by[take]) if take else {k: v for k, v in next(iter(found.by.values())).items() if k not in found.differ}
    given = checked(values or {}, f"record {record}, row {row}")
    empty = {k for k in values or {} if k not in given}  # given as empty: the paper does not say
    left = [n for n in found.differ if n not in base and n not in given and n not in empty] if not take else []
    if left:
        raise DataError(message(f"record {record}, row {row}", f"{listed(left)} differ and are not settled", do="Give each as NAME=VALUE, or --take a reader"))
    final = {k: v for k, v in (base | given).items() if k not in empty}
    with store.write(who) as writing:
        return writing.append(Event("extracted", f"extracted:{record}:{row}", record=record, value=row, payload=final))[0]


@dataclass(frozen=True)
class Completed:
    """A row with its table: ``table`` is read, implied (one table fits the figures), several, none (the report contradicts itself) or unknown; and why."""

    record: int
    values: Values
    _: KW_ONLY
    table: str
    cells: tuple[int, int, int, int] | None
    why: str = ""


def complete(record: int, values: Values) -> Completed:
    """What the figures of a row imply: the two-by-two as read, or the one that is the only one to fit."""
    return Completed(record, values, **_implied(tuple(sorted(values.items()))))


@lru_cache(maxsize=4096)
def _implied(items: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """The table of a row, where it comes from, and why there is none."""
    values = dict(items)
    if all(c in values for c in CELLS):
        return {"table": "read", "cells": tuple(int(values[c]) for c in CELLS)}
    figures = {m: values[m] for m in MEASURES if m in values}
    sizes = {k: int(values[k]) for k in ("n", "diseased", "healthy") if k in values}
    if not figures and not sizes:
        return {"table": "unknown", "cells": None, "why": "no figure and no size is reported"}
    cells = {c: int(values[c]) for c in CELLS if c in values}
    try:
        found = solve(reported(sizes.get("n"), sizes.get("diseased"), healthy=sizes.get("healthy"), cells=cells, rounding=values.get("rounding", "either"), interval=values.get("interval", "any"), **figures))
    except DataError as error:
        return {"table": "unknown", "cells": None, "why": str(error)}
    named = {"unique": "implied", "several": "several", "none": "none"}.get(found.status, "unknown")
    return {"table": named, "cells": found.tables[0] if named == "implied" else None, "why": found.reason}


def completed(store: Store) -> list[Completed]:
    """Every row that is agreed or settled, with what its figures imply."""
    return [complete(r.record, r.final) for r in readings(store) if r.final]


def evidence_row(row: Completed, risk_of_bias: Mapping[str, str] | None = None) -> EvidenceRow:
    """The row as evidence; a metric keeps what the paper printed."""
    v = row.values
    source = Source(v["study"], v.get("model", ""), reference=int(v.get("reference", 0)), areas=tuple(p for p in v.get("areas", "").split("; ") if p), cohort=v.get("cohort", ""), site=v.get("site", ""),
                    origin=v.get("origin", "published"), part=v.get("part", "internal test"))
    asked = Question(v.get("target", ""), v.get("finding", ""), primary=v.get("primary", "yes") == "yes", unit=v.get("unit", "case"))
    table = TwoByTwo(*row.cells, cut=float(v["cut"]) if "cut" in v else None, cut_chosen_on=v.get("cut_chosen_on", "")) if row.cells else None
    metrics = {m: _metric(v[m], m) for m in MEASURES if m in v}
    return EvidenceRow(source, asked, table=table, counts={c: int(v[c]) for c in ("n", "indeterminate", "withheld") if c in v}, metrics=metrics,
                       seconds_per_case=float(v["seconds_per_case"]) if "seconds_per_case" in v else None, risk_of_bias=dict(risk_of_bias or {}))


def _metric(text: str, measure: str) -> dict[str, Any]:
    printed = figure(text, measure)
    low, high = (printed.limits[0][0], printed.limits[1][0]) if printed.limits else (None, None)
    return {"estimate": printed.value, "lower": low, "upper": high, "method": f"as printed: {text}"}


