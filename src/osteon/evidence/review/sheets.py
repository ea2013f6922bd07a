"""The work as a spreadsheet: a queue out, decisions and extractions in. Good rows are kept, the others are listed with their lines."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from osteon.errors import DataError, listed, message
from osteon.evidence.pool_table import read_csv
from osteon.evidence.review.extraction import extract, form
from osteon.evidence.review.imports import Bad
from osteon.evidence.review.plan import TITLE, Plan, plan_of
from osteon.evidence.review.screening import decide, queue
from osteon.evidence.review.store import Store

SHOWN = ("record", "title", "authors", "year", "journal", "abstract", "doi")
ASKED = ("decision", "reason", "note")
YES: Mapping[str, str] = {"include": "include", "included": "include", "yes": "include", "y": "include", "1": "include", "s\u00ed": "include", "incluir": "include", "exclude": "exclude", "excluded": "exclude", "no": "exclude",
                          "n": "exclude", "0": "exclude", "excluir": "exclude", "unsure": "unsure", "maybe": "unsure", "?": "unsure", "duda": "unsure"}


def queue_sheet(store: Store, who: str, *, stage: str = TITLE, count: int = 100, minutes: int = 60 * 24 * 7) -> str:
    """The next records of a reviewer as CSV with empty columns for the decision; they are held for a week."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [*SHOWN, *ASKED], extrasaction="ignore", lineterminator="\n", restval="")
    writer.writeheader()
    for row in queue(store, who, stage=stage, count=count, minutes=minutes):
        writer.writerow({k: f"'{v}" if isinstance(v, str) and v.startswith(("=", "+", "@", "-")) else v for k, v in row.items()})
    return out.getvalue()


def decisions(store: Store, who: str, path: Path, *, stage: str = TITLE) -> tuple[int, list[Bad]]:
    """Write the decisions of a table (record, decision, reason, note) one by one; rows without a decision are passed over. Raises DataError for a missing column or an unknown reviewer."""
    plan_of(store).reviewer(who)
    done, bad = 0, []
    for line, row in _rows(path, ("record", "decision")):
        if not row["decision"]:
            continue
        try:
            verdict = YES.get(row["decision"].lower(), row["decision"])
            decide(store, who, record=_number(row["record"]), verdict=verdict, stage=stage, reason=row.get("reason", ""), note=row.get("note", ""))
            done += 1
        except DataError as error:
            bad.append(Bad(line, str(error), ", ".join(row.values())[:200]))
    return done, bad


def extractions(store: Store, who: str, path: Path) -> tuple[int, list[Bad]]:
    """Write the rows of a table (record, row, and fields of the form) one by one. Raises DataError for a column that is no field."""
    known = {f.name for f in form()} | {"record", "row"}
    done, bad = 0, []
    for line, row in _rows(path, ("record", "study")):
        strange = sorted(set(row) - known)
        if strange:
            raise DataError(message(path, f"{listed(strange)} is no field of the form", do="`osteon review extract PROJECT --form` shows the fields"))
        try:
            extract(store, who, record=_number(row["record"]), row=row.get("row") or "1", values={k: v for k, v in row.items() if k not in ("record", "row")})
            done += 1
        except DataError as error:
            bad.append(Bad(line, str(error), ", ".join(row.values())[:200]))
    return done, bad


def _rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    if not path.is_file():
        raise DataError(message(path, "there is no such file"))
    for place, row in read_csv(path, needed=needed):
        yield int(place.rpartition(" ")[2]), {str(k).strip().lower(): str(v or "").strip().removeprefix("'") for k, v in row.items()}


def _number(text: str) -> int:
    if not text.removesuffix(".0").isdecimal():
        raise DataError(message("record", f"{text!r} is no number of a record"))
    return int(text.removesuffix(".0"))


def criteria(plan: Plan, stage: str) -> dict[str, Any]:
    """What is kept in view while records are decided: the question, the criteria and the reasons of the stage."""
    return {"question": {k: v for k, v in plan.question.items() if v}, "include": list(plan.include), "exclude": list(plan.exclude), "reasons": list(plan.reasons.get(stage, ()))}
