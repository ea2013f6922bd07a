"""What is pooled: two-by-two tables from CSV files, evidence tables and run folders, checked row by row."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path

import numpy as np

from osteon.errors import DataError, Refused, message
from osteon.row import EvidenceRow
from osteon.stats.accuracy_table import CELLS, Tables

Record = dict[str, str]
THOUSANDS = re.compile(r"^\d{1,3}([.,]\d{3})+$")
EXAMPLE = Path(__file__).with_name("example.csv")


@dataclass(frozen=True)
class PoolTable:
    """One two-by-two table a row, with every other column of the source as text; ``where`` names the origin of each row.

    ``excluded`` keeps the names of what was left out.
    """

    study: tuple[str, ...]
    counts: tuple[tuple[int, int, int, int], ...]
    _: KW_ONLY
    columns: Mapping[str, tuple[str, ...]]
    where: tuple[str, ...]
    excluded: tuple[str, ...] = ()

    @property
    def tables(self) -> Tables:
        """The counts as arrays; repeated study names get their row's place added."""
        tp, fp, fn, tn = np.array(self.counts, float).reshape(-1, 4).T
        seen = {s for s in self.study if self.study.count(s) > 1} if len(set(self.study)) < len(self.study) else set()
        names = tuple(f"{s} ({w})" if s in seen else s for s, w in zip(self.study, self.where, strict=True))
        return Tables(tp, fp, fn=fn, tn=tn, study=names)

    def column(self, name: str) -> tuple[str, ...]:
        """A further column by name. Raises DataError naming the columns there are."""
        if name not in self.columns:
            known = ", ".join(self.columns) or "none besides study, tp, fp, fn, tn"
            raise DataError(message("pool", f"there is no column {name!r}", found=f"Columns: {known}"))
        return self.columns[name]

    def take(self, rows: Sequence[int]) -> PoolTable:
        """The rows at the given positions."""
        return PoolTable(tuple(self.study[i] for i in rows), tuple(self.counts[i] for i in rows),
                         columns={n: tuple(c[i] for i in rows) for n, c in self.columns.items()},
                         where=tuple(self.where[i] for i in rows), excluded=self.excluded)

    def only(self, column: str, value: str) -> PoolTable:
        """The rows with this value in a column. Raises DataError where there is none."""
        found = [i for i, v in enumerate(self.column(column)) if v == value]
        if not found:
            known = ", ".join(sorted(set(self.column(column)))[:10])
            raise DataError(message("pool", f"no row has {column} = {value!r}", found=f"Values: {known}"))
        return self.take(found)

    def without(self, names: Iterable[str]) -> PoolTable:
        """The table without the named studies. Raises DataError for a name that is not there."""
        names = tuple(names)
        _need_known(names, self.study)
        return replace(self.take([i for i, s in enumerate(self.study) if s not in names]), excluded=(*self.excluded, *names))


def read(sources: Sequence[str | Path], *, several: bool = False, exclude: Sequence[str] = ()) -> PoolTable:
    """The rows of CSV files, evidence tables (CSV or JSON) and run folders, one after the other.

    The source ``example`` is the table that comes with the package. ``exclude`` names studies, or single rows by their place
    ("table.csv, line 7"), that are left out before anything is checked. Raises DataError for bad counts, missing columns, repeated studies and several rows of one cohort (unless ``several``), and
    Refused for simulated rows.
    """
    records = [pair for source in sources for pair in _records(Path(source))]
    return from_records(records, several=several, exclude=exclude)


def from_records(records: Iterable[tuple[str, Mapping[str, object]]], *, several: bool = False, exclude: Sequence[str] = ()) -> PoolTable:
    """A table from (place, columns) pairs; the same checks as ``read``."""
    folded = [(place, _fold(record)) for place, record in records]
    _need_known(exclude, [name for place, record in folded for name in (place, record.get("study", ""))])
    kept = _choose([(p, r) for p, r in folded if p not in exclude and r.get("study") not in exclude], several)
    if not kept:
        raise DataError(message("pool", "there are no rows to pool", expected="columns study, tp, fp, fn, tn and a row a study"))
    counts = tuple(_four(place, record) for place, record in kept)
    study = tuple(_name(place, record) for place, record in kept)
    if not several:
        _refuse_repeats(study, kept)
    others = [n for n in kept[0][1] if n not in ("study", *CELLS) and all(n in r for _, r in kept)]
    return PoolTable(study, counts, columns={n: tuple(r[n] for _, r in kept) for n in others}, where=tuple(p for p, _ in kept),
                     excluded=tuple(exclude))


def _need_known(exclude: Iterable[str], known: Sequence[str]) -> None:
    missing = sorted(set(exclude) - set(known))
    if missing:
        raise DataError(message("pool", f"there is no study {missing[0]!r} to exclude", found=f"{len(set(known))} names",
                                do="Write the study as it stands in the table, or the place of the row as messages print it"))


def from_evidence(rows: Iterable[EvidenceRow], *, several: bool = False) -> PoolTable:
    """A table from evidence rows in memory."""
    return from_records(((f"row {i + 1}", row.flat()) for i, row in enumerate(rows)), several=several)


def _records(path: Path) -> list[tuple[str, Mapping[str, object]]]:
    name = path.name
    if name == "example" and not path.exists():
        path = EXAMPLE
    if path.is_dir():
        path = path / "rows.json"
    if not path.is_file():
        raise DataError(message(str(path), "not found", expected="a CSV file, an evidence table or a run folder"))
    if path.suffix == ".json":
        return _read_json(path, name)
    return read_csv(path)


def _read_json(path: Path, name: str) -> list[tuple[str, Mapping[str, object]]]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
        rows = rows.get("rows", []) if isinstance(rows, dict) else rows
        return [(f"{name}, row {i + 1}", EvidenceRow.from_plain(r).flat()) for i, r in enumerate(rows)]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(message(str(path), "this is no evidence table", expected="rows.json of a run", found=f"{type(error).__name__}: {error}")) from None


def read_csv(path: Path, needed: Sequence[str] = ("study", *CELLS)) -> list[tuple[str, Mapping[str, object]]]:
    """The rows of a CSV file with the place of each: comma, semicolon or tab, a byte-order mark and blank rows make no difference.

    Raises DataError for a missing column of those ``needed`` and for a row with too many cells.
    """
    text = _text(path)
    header = next((line for line in text.splitlines() if line.strip(" ,;\t")), "")
    delimiter = max(";\t,", key=header.count)
    reader = csv.reader(io.StringIO(text), delimiter=delimiter)
    names: list[str] | None = None
    out: list[tuple[str, Mapping[str, object]]] = []
    for cells in _lines(reader, path.name):
        if not any(c.strip() for c in cells):
            continue
        if names is None:
            names = [c.strip() for c in cells]
            _need_columns(path.name, names, needed)
            continue
        place = f"{path.name}, line {reader.line_num}"
        if len(cells) > len(names):
            raise DataError(message(place, f"{len(cells)} cells", expected=f"{len(names)} as in the header",
                                    do="Put quotes around text that holds the separator"))
        out.append((place, dict(zip(names, [*cells, *[""] * (len(names) - len(cells))], strict=True))))
    return out


def _text(path: Path) -> str:
    """The text of a file in UTF-8, UTF-16 with its mark, or Windows-1252."""
    raw = path.read_bytes()
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", errors="replace")
    if b"\x00" in raw:
        raise DataError(message(path.name, "this is no text", expected="a CSV file", do="Save the spreadsheet as CSV"))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _lines(reader: Iterable[list[str]], name: str) -> Iterable[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(message(name, "this is no CSV file", found=str(error))) from None


def _need_columns(where: str, names: Sequence[str], needed: Sequence[str]) -> None:
    lower = [n.lower() for n in names]
    missing = [n for n in needed if n not in lower]
    if missing:
        raise DataError(message(where, f"the column {missing[0]!r} is missing", expected=", ".join(needed),
                                found=f"Columns: {', '.join(names) or 'none'}"))
    twice = [n for n in lower if n and lower.count(n) > 1]
    if twice:
        raise DataError(message(where, f"the column {twice[0]!r} stands twice", expected="every column once"))


def _fold(record: Mapping[str, object]) -> Record:
    return {str(k).strip().lower() if str(k).strip().lower() in ("study", *CELLS) else str(k).strip():
            "" if v is None else str(v).strip() for k, v in record.items()}


def _choose(records: list[tuple[str, Record]], several: bool) -> list[tuple[str, Record]]:
    """Simulated rows are refused; of evidence rows the primary ones stay, and one cohort may have one."""
    for place, record in records:
        if record.get("origin", "").lower() == "simulated":
            raise Refused(message(place, "a simulated row is never pooled as evidence", found=f"Study {record.get('study', '')!r}",
                                  do="Leave the run out, or validate the model on a cohort of patients"))
    kept = [(p, r) for p, r in records if r.get("primary", "true").lower() in ("true", "1", "yes", "")]
    seen: dict[str, str] = {}
    for place, record in kept:
        cohort = record.get("cohort", "")
        if cohort and cohort in seen and not several:
            raise DataError(message(place, f"the cohort {cohort!r} has a second row", expected="one primary row a cohort",
                                    found=f"The first is {seen[cohort]}",
                                    do=f"Leave one out (--exclude \"{place}\"), or allow several rows a study (--rows-of cohort)"))
        seen[cohort] = place
    return kept


def _four(place: str, record: Record) -> tuple[int, int, int, int]:
    tp, fp, fn, tn = (_count(place, name, record.get(name, "")) for name in CELLS)
    if tp + fp + fn + tn == 0:
        raise DataError(message(place, "all four counts are 0", expected="at least one subject"))
    return tp, fp, fn, tn


def _count(place: str, name: str, text: str) -> int:
    where = f"{place}, column {name}"
    if THOUSANDS.match(text):
        raise DataError(message(where, f"{text!r} may be one or a thousand", expected="a whole number without separators"))
    try:
        value = float(text.replace(" ", "").replace(",", "."))
    except ValueError:
        wrong = "empty" if not text else f"{text!r} is not a number"
        raise DataError(message(where, wrong, expected="a whole number of 0 or more")) from None
    if not np.isfinite(value) or value < 0 or value != int(value):
        raise DataError(message(where, f"{text} is not a count", expected="a whole number of 0 or more"))
    return int(value)


def _name(place: str, record: Record) -> str:
    if not record.get("study"):
        raise DataError(message(f"{place}, column study", "empty", expected="the name of the study"))
    return record["study"]


def _refuse_repeats(study: Sequence[str], kept: Sequence[tuple[str, Record]]) -> None:
    first: dict[str, str] = {}
    for name, (place, _) in zip(study, kept, strict=True):
        if name in first:
            raise DataError(message(place, f"the study {name!r} stands twice", expected="one row a study",
                                    found=f"The first is {first[name]}",
                                    do=f"Rename one, leave one out (--exclude \"{place}\"), or allow several rows a study (--rows-of study)"))
        first[name] = place
