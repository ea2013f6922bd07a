"""Reporting checklists, filled from a run: what each asks for, whether the run answers it, and where in the report that stands. Never a score."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from osteon.report.checklists.answer import AUTHOR, DRAFTED, FILLED, NOT_APPLICABLE, Answer
from osteon.report.checklists.from_cases import CASES
from osteon.report.checklists.from_models import MODELS
from osteon.report.checklists.from_plan import PLAN
from osteon.report.checklists.from_results import RESULTS
from osteon.report.facts import Facts

FILLERS: Mapping[str, Callable[[Facts], Answer | None]] = {**CASES, **MODELS, **RESULTS, **PLAN}
NAMES = ("claim_2024", "tripod_ai_2024", "stard_ai_2025", "quadas_3", "probast_ai_2025", "model_card")


@dataclass(frozen=True)
class Item:
    """One item: its number, topic in our own words, the answer that fills it (empty: only an author can) and whether it is about patients."""

    id: str
    topic: str
    section: str = field(kw_only=True)
    by: str = field(default="", kw_only=True)
    patients: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class Instrument:
    """One checklist: name, version, reference, a note on its use, and its items."""

    name: str
    version: str
    reference: str = field(kw_only=True)
    note: str = field(kw_only=True)
    items: tuple[Item, ...] = field(kw_only=True)


@cache
def instrument(name: str) -> Instrument:
    """The checklist of a file name in this folder."""
    data = json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))
    items = tuple(Item(i["id"], i["topic"], section=i["section"], by=i.get("by", ""), patients=i.get("patients", False)) for i in data["items"])
    return Instrument(data["name"], data["version"], reference=data["reference"], note=data["note"], items=items)


def applying(facts: Facts) -> tuple[str, ...]:
    """The checklists of a study: CLAIM where it reads images, TRIPOD+AI and PROBAST+AI where it reads a record, STARD-AI and QUADAS-3 where it has a two-by-two."""
    kinds = {spec.kind for spec in facts.study.inputs.values()}
    out = ["claim_2024"] if kinds & {"picture", "volume", "kspace", "video"} else []
    out += ["tripod_ai_2024"] if "table" in kinds else []
    out += ["stard_ai_2025", "quadas_3"] if facts.primary.table is not None else []
    out += ["probast_ai_2025"] if "table" in kinds else []
    return (*out, "model_card")


def fill(checklist: Instrument, facts: Facts) -> tuple[tuple[Item, Answer], ...]:
    """Every item with its answer."""
    return tuple((item, _answer(item, facts)) for item in checklist.items)


def _answer(item: Item, facts: Facts) -> Answer:
    if item.patients and facts.simulated:
        return Answer(NOT_APPLICABLE, "Simulated cases: there is no patient, and no care, of whom this could be told.")
    found = FILLERS[item.by](facts) if item.by else None
    return found or Answer(AUTHOR, "For you to write: the run does not know it.")


__all__ = ["AUTHOR", "DRAFTED", "FILLED", "NAMES", "NOT_APPLICABLE", "Answer", "Instrument", "Item", "applying", "fill", "instrument"]
