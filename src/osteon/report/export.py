"""The one exporter: an article as HTML, DOCX or JSON, and beside a report a CSV of every table and two files of every figure (picture and data)."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
from dataclasses import fields, is_dataclass
from typing import Any

from osteon.cohort.folder import whole
from osteon.report.content import Article, Cell, Drawing, Table, blocks_of, drawings_of
from osteon.run import Run, slug

KINDS = ("html", "docx", "json")
FORMULA = ("=", "+", "@", "\t", "\r")  # how a cell begins that a spreadsheet would run


def exported(article: Article, kind: str) -> bytes:
    """An article as the bytes of a file: html, docx or json; ValueError for another kind."""
    if kind == "html":
        from osteon.report.html import page

        return page(article).encode()
    if kind == "docx":
        from osteon.report.docx import document

        return document(article)
    if kind == "json":
        return (dumps(article) + "\n").encode()
    raise ValueError(f"kind: {kind!r} (expected {', '.join(KINDS)})")


def write_files(article: Article, run: Run) -> None:
    """report.json, tables/<name>.csv, and figures/<name>.svg (films as JPEG) with <name>.json beside it, each whole; files of an earlier report are replaced."""
    for folder in ("figures", "tables"):
        shutil.rmtree(run.folder / folder, ignore_errors=True)
        (run.folder / folder).mkdir()
    for block in (b for section in article.sections for b in blocks_of(section) if isinstance(b, Table)):
        whole(run.folder / "tables" / f"{slug(block.name)}.csv", table_csv(block, simulated=article.simulated))
    origin = origin_of(run)
    for figure in drawings_of(article):
        _figure(run, figure, origin)
    run.write("report.json", plain(article))


def origin_of(run: Run) -> dict[str, Any]:
    """What a figure came from: run, study, cases and software; whether they are simulated stands first."""
    about = run.about
    cohort = {key: about["cohort"][key] for key in ("name", "cases", "patients")}
    return {"kind": about["cohort"]["origin"], "run": about["identity"], "study": about["study"], "cohort": cohort, "seed": about["seed"], "software": f"osteon {about['versions']['osteon']}"}


def _figure(run: Run, block: Drawing, origin: dict[str, Any]) -> None:
    path = run.folder / file_of(block)
    if isinstance(block.data, str):
        whole(path, '<?xml version="1.0" encoding="utf-8"?>\n' + block.data)
    else:
        path.write_bytes(block.data)
    words = {"name": block.name, "title": block.title, "caption": block.caption, "alt": block.alt}
    run.write(file_of(block, "json"), {**words, "origin": origin, "picture": path.name, **block.source})


def file_of(block: Drawing, kind: str = "") -> str:
    """The place of a figure in its run folder: the picture, or with `json` its data."""
    return f"figures/{slug(block.name)}.{kind or ('svg' if block.vector else 'jpg')}"


def plain(item: Any) -> Any:
    """Content as JSON holds it: dataclasses by field (blocks with their kind), undefined numbers as null, figures by their file."""
    if isinstance(item, Drawing):
        return {"kind": item.kind, "name": item.name, "title": item.title, "caption": item.caption, "alt": item.alt, "file": file_of(item), "data": file_of(item, "json")}
    if is_dataclass(item):
        kind = {"kind": item.kind} if hasattr(item, "kind") else {}
        return kind | {f.name: plain(getattr(item, f.name)) for f in fields(item)}
    if isinstance(item, (list, tuple)):
        return [plain(part) for part in item]
    return None if isinstance(item, float) and not math.isfinite(item) else item


def dumps(article: Article) -> str:
    """The content as JSON text."""
    return json.dumps(plain(article), indent=1, ensure_ascii=False)


def table_csv(table: Table, *, simulated: bool) -> str:
    """A table for a spreadsheet: numbers unrounded with their limits in columns of their own, headings as a first column, and the origin where it is simulated."""
    spans = [_parts(table, k) for k in range(len(table.columns))]
    headed = any(len(row) == 1 for row in table.rows)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [name or "item" for name in table.columns]
    writer.writerow([*(["group"] if headed else []), *(f"{name}{part}" for name, parts in zip(names, spans, strict=True) for part in parts), *(["origin"] if simulated else [])])
    group = ""
    for row in table.rows:
        if len(row) == 1:
            group = _text(row[0])
            continue
        cells = [c for cell, parts in zip(row, spans, strict=True) for c in _cells(cell, parts)]
        writer.writerow([*([_safe(group)] if headed else []), *map(_safe, cells), *(["simulated"] if simulated else [])])
    return out.getvalue()


def _parts(table: Table, column: int) -> tuple[str, ...]:
    """Columns of a CSV that a column of the page becomes: the value, its limits, and words where some cell has only words."""
    cells = [row[column] for row in table.rows if len(row) > 1]
    numbers = [c for c in cells if isinstance(c, Cell) and c.value is not None]
    if not numbers:
        return ("",)
    limits = (".lower", ".upper") if any(c.lower is not None for c in numbers) else ()
    worded = any(_text(c) not in ("", "–") for c in cells if not (isinstance(c, Cell) and c.value is not None))
    return ("", *limits, *((".note",) if worded else ()))


def _cells(cell: Cell | str, parts: tuple[str, ...]) -> list[Any]:
    if parts == ("",) and not (isinstance(cell, Cell) and cell.value is not None):
        return [_text(cell).removeprefix("– ")]
    known = {"": cell.value, ".lower": cell.lower, ".upper": cell.upper, ".note": "" if cell.value is not None else _text(cell)} if isinstance(cell, Cell) else {".note": cell}
    return ["" if known.get(p) is None else known[p] for p in parts]


def _text(cell: Cell | str) -> str:
    return cell if isinstance(cell, str) else " ".join(filter(None, (cell.text, f"({cell.under})" if cell.under else "")))


def _safe(cell: Any) -> Any:
    """Text that a spreadsheet takes as text."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
