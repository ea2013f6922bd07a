"""Risk of bias and applicability of each study, by the instruments that the report of a run uses as well: two people, domain by domain."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cache
from typing import Any

from sqlalchemy import select

from osteon.errors import DataError, listed, message, near
from osteon.evidence.review.plan import FULLTEXT, plan_of
from osteon.evidence.review.screening import passed
from osteon.evidence.review.store import Event, Store
from osteon.evidence.review.tables import state
from osteon.report.checklists import Item, instrument

TOOLS = ("quadas_2", "quadas_3", "quadas_c", "probast_ai_2025")
ANSWERS: Mapping[str, tuple[str, ...]] = {"quadas_2": ("yes", "no", "unclear"), "quadas_c": ("yes", "no", "unclear"), "quadas_3": ("yes", "probably yes", "probably no", "no", "no information"),
                                          "probast_ai_2025": ("yes", "probably yes", "probably no", "no", "no information")}
SHORT = {"y": "yes", "n": "no", "py": "probably yes", "pn": "probably no", "ni": "no information", "u": "unclear"}
JUDGED = ("low", "high", "unclear")
OVERALL = "overall"


@dataclass(frozen=True)
class Domain:
    """A domain of an instrument: its name, its questions, and whether applicability is judged."""

    name: str
    items: tuple[Item, ...]
    _: KW_ONLY
    applicability: bool


@cache
def domains(tool: str) -> tuple[Domain, ...]:
    """The domains of an instrument, from the file that the report of a run reads; raises DataError for an unknown one.

    Applicability is judged in every domain but flow and timing or analysis, and not in QUADAS-C.
    """
    if tool not in TOOLS:
        raise DataError(message("--tool", f"there is no instrument {tool!r}", do=near(tool, TOOLS)))
    sections: dict[str, list[Item]] = {}
    for item in instrument(tool).items:
        sections.setdefault(item.section, []).append(item)
    plain = [(re.sub(r"^\d+ ", "", name), tuple(items)) for name, items in sections.items()]
    return tuple(Domain(name, items, applicability=tool != "quadas_c" and not name.endswith(("nalysis", "timing"))) for name, items in plain)


def keys(tool: str) -> dict[str, tuple[str, ...]]:
    """Everything that can be answered, with what may be said: questions by number, domains by name for bias, with ``applicability:`` before, and overall."""
    out: dict[str, tuple[str, ...]] = {}
    for domain in domains(tool):
        out |= {item.id: ANSWERS[tool] for item in domain.items}
        out[domain.name] = JUDGED
        if domain.applicability:
            out[f"applicability:{domain.name}"] = JUDGED
    return out | {OVERALL: JUDGED}


def checked(tool: str, answers: Mapping[str, str], where: str) -> dict[str, str]:
    """Answers under their full names; a domain may be given by its number. Raises DataError for an unknown question or answer, and a domain left out."""
    known = keys(tool)
    numbered = {str(i): d.name for i, d in enumerate(domains(tool), 1)}
    out = {}
    for key, said in answers.items():
        left, _, right = key.rpartition(":")
        name = f"applicability:{numbered.get(right, right)}" if left.lower() in ("applicability", "a") else numbered.get(key, key)
        found = next((k for k in known if k.lower() == name.lower()), None)
        if found is None:
            raise DataError(message(where, f"there is no question or domain {key!r}", do=near(name, known)))
        value = SHORT.get(said.strip().lower(), said.strip().lower())
        if value not in known[found]:
            raise DataError(message(f"{where}, {found}", f"{said!r} is no answer", expected=", ".join(known[found])))
        out[found] = value
    missing = [d.name for d in domains(tool) if d.name not in out] + [f"applicability:{d.name}" for d in domains(tool) if d.applicability and f"applicability:{d.name}" not in out]
    if missing:
        raise DataError(message(where, f"{listed(missing)} not judged", expected="each domain: low, high or unclear"))
    return out


def appraise(store: Store, who: str, *, record: int, tool: str, answers: Mapping[str, str], support: str = "") -> int:
    """One reviewer's judgement of an included report; returns the number of its event. Raises DataError."""
    plan = plan_of(store)
    plan.reviewer(who)
    kept = checked(tool, answers, f"record {record}")
    with store.write(who) as writing:
        if not writing.connection.execute(select(1).where(passed(record, FULLTEXT, plan.people.per_record))).first():
            raise DataError(message(f"record {record}", "it is not appraised", expected="a report that was included at full text"))
        others = set(writing.connection.execute(select(state.c.who).where(state.c.kind == "appraisal", state.c.stage == tool, state.c.record == record)).scalars()) - {who}
        if len(others) > 1:
            raise DataError(message(f"record {record}", f"{listed(sorted(others))} have appraised it already", expected="two people"))
        return writing.append(Event("appraisal", f"appraisal:{tool}:{record}:{who}", record=record, stage=tool, value=overall(tool, kept), payload={"answers": kept, **({"note": support} if support else {})}))[0]


def overall(tool: str, answers: Mapping[str, str]) -> str:
    """The overall risk: as given, or else the worst of the domains."""
    if OVERALL in answers:
        return answers[OVERALL]
    said = {answers[d.name] for d in domains(tool)}
    return next(v for v in ("high", "unclear", "low") if v in said)


@dataclass(frozen=True)
class Appraised:
    """One study by one instrument: who said what, where they differ, and what holds (empty until it is agreed or settled)."""

    record: int
    tool: str
    _: KW_ONLY
    by: Mapping[str, Mapping[str, str]]
    differ: tuple[str, ...]
    final: Mapping[str, str]


def appraised(store: Store, tool: str) -> list[Appraised]:
    """Every study that somebody appraised. Differing answers to single questions need no settlement where the judgements of the domains agree."""
    alone = plan_of(store).people.per_record == 1
    by: dict[int, dict[str, Mapping[str, str]]] = {}
    for item in store.payloads("appraisal", stage=tool):
        by.setdefault(item["record"], {})[item["who"]] = item["payload"]["answers"]
    settled = {s["record"]: s["payload"]["answers"] for s in store.payloads("appraised", stage=tool)}
    return [_appraised(n, tool, said, settled=settled.get(n), alone=alone) for n, said in sorted(by.items())]


def _appraised(record: int, tool: str, said: Mapping[str, Mapping[str, str]], *, settled: Mapping[str, str] | None, alone: bool) -> Appraised:
    judged = [k for k in keys(tool) if not re.match(r"^[A-Z]?\d", k)]
    differ = tuple(k for k in judged if len({a.get(k, "") for a in said.values()}) > 1)
    agreed = (len(said) > 1 or alone) and not differ
    final = settled if settled is not None else next(iter(said.values())) if agreed else {}
    return Appraised(record, tool, by=said, differ=differ, final=final)


def settle(store: Store, who: str, *, record: int, tool: str, answers: Mapping[str, str]) -> int:
    """Settle judgements that differ: give those; the others stay as agreed. Raises DataError where there is nothing to settle or one stays open."""
    plan_of(store).adjudicator(who)
    found = next((a for a in appraised(store, tool) if a.record == record), None)
    if found is None or not found.differ:
        raise DataError(message(f"record {record}", "there is nothing to settle", expected="two appraisals that differ"))
    first = next(iter(found.by.values()))
    given = checked(tool, {**{k: v for k, v in first.items() if k not in found.differ}, **answers}, f"record {record}")
    with store.write(who) as writing:
        return writing.append(Event("appraised", f"appraised:{tool}:{record}", record=record, stage=tool, value=overall(tool, given), payload={"answers": given}))[0]


def risk_of_bias(store: Store) -> dict[int, dict[str, str]]:
    """What holds for each study: the judgement of each domain, by instrument, as columns of the evidence row."""
    out: dict[int, dict[str, str]] = {}
    for tool in TOOLS:
        for item in appraised(store, tool):
            if item.final:
                out.setdefault(item.record, {}).update({f"{tool}.{d.name}": item.final[d.name] for d in domains(tool)} | {f"{tool}.overall": overall(tool, item.final)})
    return out


def table_of(store: Store, tool: str) -> list[tuple[int, dict[str, Any]]]:
    """Studies with judgements that hold, for the plots: bias by domain, applicability by domain, overall."""
    return [(a.record, {"bias": [a.final[d.name] for d in domains(tool)], "applicability": [a.final.get(f"applicability:{d.name}", "") for d in domains(tool)], "overall": overall(tool, a.final)})
            for a in appraised(store, tool) if a.final]
