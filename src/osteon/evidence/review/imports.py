"""From a file of a search to records: each counted at its source, none twice, the unreadable ones listed with their lines."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from osteon.errors import DataError, message, near
from osteon.evidence.review import fields
from osteon.evidence.review.formats import FORMATS, Found, format_of
from osteon.evidence.review.plan import plan_of
from osteon.evidence.review.store import Event, Store, Writing
from osteon.evidence.review.tables import state

MUST = "a record needs a title"


@dataclass(frozen=True)
class Bad:
    """A record that could not be read: the line where it begins (in XML its number), why, and how it looks."""

    line: int
    why: str
    seen: str = ""


@dataclass(frozen=True)
class Imported:
    """What one file brought: records in it, new ones, known ones, unreadable ones, and the number of the event."""

    source: str
    file: str
    _: KW_ONLY
    new: int
    known: int
    bad: tuple[Bad, ...] = field(default=(), repr=False)
    event: int = 0

    @property
    def line(self) -> str:
        """The counts in a sentence."""
        bad = f", {len(self.bad)} could not be read" if self.bad else ""
        return f"{self.file}: {self.new + self.known + len(self.bad)} records of {self.source}: {self.new} new, {self.known} known from before{bad}"


def import_file(store: Store, who: str, *, path: Path, source: str, form: str = "", mapping: Mapping[str, str] | None = None) -> Imported:
    """Read a file into the records of a source, in one transaction: a killed import leaves nothing behind, and the same file twice changes nothing.

    Raises DataError for a source that is not in the plan, an unknown format, and a file in which no record can be read.
    """
    named = plan_of(store).source(source).name
    good, bad = read_file(path, form, mapping=mapping)
    if not good:
        first = f"First: line {bad[0].line}, {bad[0].why}" if bad else ""
        raise DataError(message(path, "no record could be read", expected="RIS, nbib, BibTeX, XML or CSV of a search", found=first))
    with store.write(who) as writing:
        return _write(writing, good, bad, source=named, file=path.name)


def read_file(path: Path, form: str = "", *, mapping: Mapping[str, str] | None = None) -> tuple[list[dict[str, str]], list[Bad]]:
    """The readable records of a file in our fields, and the others; raises DataError for an unknown format."""
    if form and form not in FORMATS:
        raise DataError(message("--format", f"there is no format {form!r}", do=near(form, FORMATS)))
    good, bad = [], []
    for found in FORMATS[form or format_of(path)](path, mapping or {}):
        made = fields.record(found.raw) if not found.wrong else {}
        if not found.wrong and "title" in made:
            good.append(made)
        else:
            bad.append(Bad(found.line, found.wrong or _untitled(found), found.seen.replace("\n", " ")))
    return good, bad


def _untitled(found: Found) -> str:
    return MUST if any(found.raw.values()) else "the record is empty"


def keys_of(records: list[dict[str, str]], source: str) -> Iterator[str]:
    """A name for each record: its source, its content, and its place among equal ones in the file (an export may hold a record twice)."""
    seen: Counter[str] = Counter()
    for made in records:
        content = fields.digest(made)
        seen[content] += 1
        yield f"record:{source}:{content}:{seen[content]}"


def _write(writing: Writing, good: list[dict[str, str]], bad: list[Bad], *, source: str, file: str) -> Imported:
    connection = writing.connection
    known = set(connection.execute(select(state.c.subject).where(state.c.kind == "record", state.c.stage == source)).scalars())
    number = connection.execute(select(func.coalesce(func.max(state.c.record), 0)).where(state.c.kind == "record")).scalar_one()
    new = [(key, made) for key, made in zip(keys_of(good, source), good, strict=True) if key not in known]
    head = writing.following
    counts = {"source": source, "file": file, "read": len(good), "new": len(new), "known": len(good) - len(new), "bad": [[b.line, b.why] for b in bad]}
    if not new:
        return Imported(source, file, new=0, known=len(good), bad=tuple(bad))
    writing.append(Event("import", f"import:{head}", stage=source, value=str(len(new)), payload=counts, batch=head),
                   *(Event("record", key, record=number + i, stage=source, value=made["title"][:300], payload=made, batch=head) for i, (key, made) in enumerate(new, 1)))
    return Imported(source, file, new=len(new), known=len(good) - len(new), bad=tuple(bad), event=head)


def bad_csv(bad: tuple[Bad, ...]) -> str:
    """The unreadable records as CSV: line, why, how it looks."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["line", "why", "text"])
    writer.writerows([b.line, b.why, f"'{b.seen}" if b.seen.startswith(("=", "+", "@", "-")) else b.seen] for b in bad)
    return out.getvalue()


def counts_of(store: Store) -> dict[str, dict[str, int]]:
    """Records by source: how many were identified, and how many could not be read."""
    out: dict[str, dict[str, int]] = {s.name: {"identified": 0, "unreadable": 0} for s in plan_of(store).sources}
    with store.read() as connection:
        for name, n in connection.execute(select(state.c.stage, func.count()).where(state.c.kind == "record").group_by(state.c.stage)):
            out[name]["identified"] = n
    for item in store.payloads("import"):
        out[item["stage"]]["unreadable"] += len(item["payload"]["bad"])
    return out


def records_of(store: Store) -> dict[int, dict[str, Any]]:
    """Every record by number, with its fields and its source."""
    return {r["record"]: {**r["payload"], "source": r["stage"]} for r in store.payloads("record")}
