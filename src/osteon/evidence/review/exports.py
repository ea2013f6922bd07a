"""What leaves a review: records with their decisions as RIS, CSV or an ASReview project, rows with a table for RevMan."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from osteon.errors import DataError, message, near
from osteon.evidence.review.fields import FIELDS
from osteon.evidence.review.imports import records_of
from osteon.evidence.review.plan import FULLTEXT, TITLE
from osteon.evidence.review.screening import EXCLUDE, INCLUDE, Standing, standings
from osteon.evidence.review.store import Store
from osteon.evidence.review.synthesis import evidence

WHICH: Mapping[str, str] = {"all": "every record that is no duplicate", "included": "included at full text", "passed": "included on title and abstract", "excluded": "excluded at either stage",
                            "open": "not decided yet"}
RIS_KINDS: Mapping[str, str] = {"conference": "CONF", "book": "BOOK", "chapter": "CHAP", "thesis": "THES", "preprint": "UNPB"}
FORMULA = ("=", "+", "@", "\t", "\r", "-")


def chosen(store: Store, which: str = "all") -> list[dict[str, Any]]:
    """Records with their fields, number, source, and status and reason at both stages; raises DataError for an unknown choice."""
    if which not in WHICH:
        raise DataError(message("--which", f"there is no choice {which!r}", do=near(which, WHICH)))
    title, full, records = standings(store, TITLE), standings(store, FULLTEXT), records_of(store)
    rows = [{"record": n, **records[n], **_status(TITLE, s), **_status(FULLTEXT, full.get(n))} for n, s in title.items()]
    keep: dict[str, Callable[[dict[str, Any]], bool]] = {
        "all": lambda r: True, "included": lambda r: r["fulltext"] == INCLUDE, "passed": lambda r: r["title_stage"] == INCLUDE, "excluded": lambda r: EXCLUDE in (r["title_stage"], r["fulltext"]),
        "open": lambda r: not {r["title_stage"], r["fulltext"]} & {EXCLUDE} and r["fulltext"] != INCLUDE}
    return [r for r in rows if keep[which](r)]


def _status(stage: str, found: Standing | None) -> dict[str, str]:
    name = "title_stage" if stage == TITLE else stage
    return {name: found.status if found else "", f"{name}_reason": found.reason if found else ""}


def as_csv(store: Store, which: str = "all") -> str:
    """Records as CSV that a spreadsheet takes as text."""
    names = ["record", "source", *FIELDS, "title_stage", "title_stage_reason", "fulltext", "fulltext_reason"]
    return _csv([{k: r.get(k, "") for k in names} for r in chosen(store, which)], names)


def _csv(rows: list[dict[str, Any]], names: list[str]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows({k: f"'{v}" if isinstance(v, str) and v.startswith(FORMULA) else v for k, v in row.items()} for row in rows)
    return out.getvalue()


def as_ris(store: Store, which: str = "all") -> str:
    """Records as RIS; number, source and decisions stand in notes."""
    return "".join(map(_ris, chosen(store, which)))


def _ris(r: Mapping[str, Any]) -> str:
    first, _, last = r.get("pages", "").partition("-")
    kind = next((code for word, code in RIS_KINDS.items() if word in r.get("kind", "").lower()), "JOUR")
    lines = [("TY", kind), ("TI", r["title"]), *(("AU", a) for a in r.get("authors", "").split("; ")), ("PY", r.get("year")), ("T2", r.get("journal")), ("VL", r.get("volume")), ("IS", r.get("issue")), ("SP", first), ("EP", last),
             ("DO", r.get("doi")), ("AN", r.get("pmid") or r.get("accession")), ("M3", r.get("kind")), ("AB", r.get("abstract")), *(("KW", k) for k in r.get("keywords", "").split("; ")), ("LA", r.get("language")),
             ("UR", r.get("url")), ("DB", r["source"]), ("ID", r["record"]), ("N1", _decision(r))]
    return "\n".join([*(f"{tag}  - {value}" for tag, value in lines if value), "ER  - ", "", ""])


def _decision(r: Mapping[str, Any]) -> str:
    parts = [f"{name}: {r[key]}{f' ({reason})' if (reason := r[f'{key}_reason']) else ''}" for name, key in (("title and abstract", "title_stage"), ("full text", "fulltext")) if r[key]]
    return "osteon: " + "; ".join(parts)


def as_revman(store: Store) -> str:
    """Rows with a table as CSV with the columns that RevMan asks for in a test accuracy review: test, study, year, TP, FP, FN, TN."""
    rows = []
    for _, row in evidence(store):
        if row.table is not None:
            words = row.source.study.split()
            year = words[-1] if words and words[-1][:4].isdigit() else ""
            rows.append({"Test": row.source.model or row.question.target or "index test", "Study ID": row.source.study, "Year": year[:4], "TP": row.table.tp, "FP": row.table.fp, "FN": row.table.fn, "TN": row.table.tn,
                         "Unit": row.question.unit, "Target condition": row.question.finding})
    return _csv(rows, ["Test", "Study ID", "Year", "TP", "FP", "FN", "TN", "Unit", "Target condition"])


def as_rows(store: Store) -> str:
    """Every row as the flat columns of the evidence table, which `osteon pool` reads."""
    rows = [row.flat() for _, row in evidence(store)]
    return _csv([{k: "" if v is None else v for k, v in row.items()} for row in rows], list(dict.fromkeys(k for row in rows for k in row)) or ["study"])


def as_asreview_csv(store: Store) -> str:
    """The records as ASReview reads them: title, abstract, authors, keywords, year, doi, url, and ``included`` (1, 0, or empty where undecided)."""
    labels = {INCLUDE: "1", EXCLUDE: "0"}
    names = ["record_id", "title", "abstract", "authors", "keywords", "year", "doi", "url", "included"]
    return _csv([{**{k: r.get(k, "") for k in names}, "record_id": r["record"], "included": labels.get(r["title_stage"], "")} for r in chosen(store)], names)


def write(store: Store, form: str, path: Path, *, which: str = "all") -> int:
    """Write a file and return how many rows it has; raises DataError for an unknown form."""
    makers: dict[str, Callable[[], str]] = {"ris": lambda: as_ris(store, which), "csv": lambda: as_csv(store, which), "revman": lambda: as_revman(store), "rows": lambda: as_rows(store), "asreview": lambda: as_asreview_csv(store)}
    if form not in makers:
        raise DataError(message("--form", f"there is no form {form!r}", do=near(form, makers)))
    text = makers[form]()
    if form == "asreview" and path.suffix == ".asreview":
        from osteon.evidence.review.asreview import project

        project(store, path, text)
    else:
        path.write_text(text, encoding="utf-8")
    return text.count("\nER  - ") if form == "ris" else max(sum(1 for _ in csv.reader(io.StringIO(text))) - 1, 0)
