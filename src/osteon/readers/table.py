"""Tables: CSV of any common dialect, XLSX and Parquet; identifiers stay text, numbers become numbers."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osteon.errors import DataError, message
from osteon.readers.files import refusing, replacing
from osteon.readers.kinds import kind_of
from osteon.readers.text import read_text

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "#N/A")
_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]\d+)?\s*$|^\s*[+-]?\d*\.\d+[eE]\d+\s*$"
_COMMA_NUMBER = r"^\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*$"
_THOUSANDS = r"^\s*[+-]?[1-9]\d{0,2},\d{3}\s*$"
_CODE = r"^\s*(\+|[+-]?0\d)"  # 007 and +49 are names of things, not amounts
_IDENTIFIER = re.compile(r"(^|[_ .-])(id|ids|uid|code|accession)$|^(case|patient|mrn|pid)$", re.IGNORECASE)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def read_table(path: Path | str) -> pd.DataFrame:
    """A table whose columns are text, numbers or Booleans; empty cells are missing.

    The delimiter (comma, semicolon, tab), UTF-8 or Latin-1, a byte order mark and decimal commas are recognised. Columns named
    as identifiers, and codes with leading zeros, stay text. Raises DataError that names row and column; rows are counted as a
    spreadsheet does, the header being row 1.
    """
    with refusing(path, "a table (CSV, XLSX or Parquet)") as path:
        kind = kind_of(path)
        if kind == "Parquet":
            frame = _parquet(path)
        elif kind == "ZIP or Office":
            frame = _sheet(path)
        elif kind == "text":
            frame = _text(path)
        else:
            raise DataError(message(path, "this is no table", expected="CSV, XLSX or Parquet", found=f"Found {kind or 'unknown bytes'}",
                                    do="Save the table as CSV or XLSX"))
    return _named(path, frame)


def write_table(path: Path | str, frame: pd.DataFrame) -> Path:
    """Writes .csv, .xlsx or .parquet by the suffix, without the index; text that a spreadsheet would run as a formula gets a leading quote."""
    path = Path(path)
    writers = {".csv": "to_csv", ".xlsx": "to_excel", ".parquet": "to_parquet"}
    if path.suffix.lower() not in writers:
        raise DataError(message(path, "the suffix is no table's", expected=".csv, .xlsx or .parquet"))
    with replacing(path) as temporary:
        getattr(frame if path.suffix == ".parquet" else harmless(frame), writers[path.suffix.lower()])(temporary, index=False)
    return path


def harmless(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with a quote before every text, headers included, that a spreadsheet would run as a formula; numbers are left alone."""
    def guarded(cell: Any) -> Any:
        return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) and not re.match(_NUMBER, cell) else cell

    text = [name for name in frame.columns if frame[name].dtype.kind not in "biufcmM"]
    return frame.assign(**{name: frame[name].map(guarded) for name in text}).rename(columns=guarded)


def is_identifier(name: str) -> bool:
    """Whether a column of this name holds names of things, which stay text even where they look like numbers."""
    return bool(_IDENTIFIER.search(str(name).strip()))


def _text(path: Path) -> pd.DataFrame:
    import pyarrow.csv as reader

    content = read_text(path)
    delimiter = _delimiter(content)
    header = next(csv.reader(io.StringIO(content), delimiter=delimiter), [])
    _check_header(path, header)
    bad: list[Any] = []

    def keep(row: Any) -> str:
        bad.append(row)
        return "skip"

    table = reader.read_csv(
        io.BytesIO(content.encode()), read_options=reader.ReadOptions(column_names=_columns(header), skip_rows_after_names=1, use_threads=False),
        parse_options=reader.ParseOptions(delimiter=delimiter, newlines_in_values='"' in content, invalid_row_handler=keep),
        convert_options=reader.ConvertOptions(column_types=dict.fromkeys(_columns(header), "string"), strings_can_be_null=False))
    if bad:
        raise DataError(message(path, f"row {_row_number(content, delimiter, len(header))} has {bad[0].actual_columns} cells",
                                expected=f"{len(header)}, one a column", found=f"Found {bad[0].text[:80]!r}",
                                do="Put cells that hold the delimiter in quotes"))
    return _typed(path, _without_empty(table), delimiter)


def _delimiter(content: str) -> str:
    """The delimiter that cuts the first lines into the most, and the same, number of cells."""
    lines = content.splitlines()[:20]

    def evenness(mark: str) -> tuple[float, int]:
        widths = [len(row) for row in csv.reader(lines, delimiter=mark) if row]
        return (sum(width == widths[0] for width in widths) / len(widths), widths[0]) if widths and widths[0] > 1 else (0.0, 0)

    return max(",;\t", key=evenness)


def _columns(header: list[str]) -> list[str]:
    """Names without blanks around them; a column without a name is called by its place."""
    return [name.strip() or f"column {place}" for place, name in enumerate(header, 1)]


def _check_header(path: Path, header: list[str]) -> None:
    """Raises DataError for an empty header or a name used twice."""
    names = _columns(header)
    if not any(name.strip() for name in header):
        raise DataError(message(path, "row 1 is empty", expected="the names of the columns"))
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        places = [str(k) for k, name in enumerate(names, 1) if name == twice]
        raise DataError(message(path, f"two columns are named {twice!r}", found=f"Found them at places {' and '.join(places)}", do="Rename one of them"))


def _row_number(content: str, delimiter: str, width: int) -> int:
    """The first row whose number of cells differs."""
    rows = csv.reader(io.StringIO(content), delimiter=delimiter)
    return next((k for k, row in enumerate(rows, 1) if row and len(row) != width), 0)


def _without_empty(table: pa.Table) -> pa.Table:
    """Without the rows and unnamed columns that hold nothing, as spreadsheets leave them behind."""
    import pyarrow.compute as pc

    filled = {name: pc.not_equal(pc.utf8_trim_whitespace(table[name]), "") for name in table.column_names}
    keep = [name for name in table.column_names if not name.startswith("column ") or pc.any(filled[name]).as_py()]
    some = None
    for name in keep:
        some = filled[name] if some is None else pc.or_(some, filled[name])
    return table.select(keep).filter(some) if some is not None else table


def _typed(path: Path, table: pa.Table, delimiter: str) -> pd.DataFrame:
    """Columns of text as numbers, Booleans or text."""
    import pandas as pd
    import pyarrow.compute as pc

    def share(name: str, pattern: str) -> bool:
        found = pc.match_substring_regex(cells[name], pattern)
        return bool(pc.all(pc.or_(found, empty[name]), min_count=0).as_py())

    cells = {name: pc.utf8_trim_whitespace(table[name].combine_chunks()) for name in table.column_names}
    empty = {name: pc.is_in(cells[name], value_set=_strings(MISSING)) for name in cells}
    open_names = [name for name in cells if not is_identifier(name) and not pc.all(empty[name], min_count=0).as_py()
                  and not pc.any(pc.match_substring_regex(cells[name], _CODE)).as_py()]
    numeric = [name for name in open_names if share(name, _NUMBER)]
    commas = [name for name in open_names if name not in numeric and delimiter != "," and share(name, f"{_NUMBER}|{_COMMA_NUMBER}")]
    _check_commas(path, {name: cells[name] for name in commas}, delimiter)
    columns: dict[str, Any] = {}
    for name, column in cells.items():
        present = pc.if_else(empty[name], None, column)
        if name in commas:
            present = pc.replace_substring(present, ",", ".")
        if name in numeric or name in commas:
            columns[name] = _numbers(present)
        elif name in open_names and share(name, "^(?i:true|false)$") and not pc.any(empty[name]).as_py():
            columns[name] = pc.equal(pc.utf8_lower(present), "true").to_pandas()
        else:
            columns[name] = pd.Series(present.to_pandas(), dtype="str")
    return pd.DataFrame(columns)


def _numbers(column: pa.Array) -> pd.Series:
    """Text as whole numbers where every cell is one, else as float64."""
    import pandas as pd
    import pyarrow as pa

    for kind in (pa.float64(),) if column.null_count else (pa.int64(), pa.float64()):
        try:
            return column.cast(kind).to_pandas()
        except pa.ArrowInvalid:  # not whole, or a form that Arrow does not know, as +1.5
            continue
    return pd.to_numeric(column.to_pandas()).astype(float)


def _check_commas(path: Path, columns: dict[str, pa.Array], delimiter: str) -> None:
    """A tab-delimited 1,234 may be either number: raises DataError where nothing in the file decides."""
    import pyarrow.compute as pc

    if delimiter == ";":
        return
    for name, column in columns.items():
        doubtful = pc.match_substring_regex(column, _THOUSANDS)
        commas = pc.match_substring(column, ",")
        if pc.all(pc.or_(doubtful, pc.invert(commas))).as_py():
            row = pc.index(doubtful, True).as_py() + 2
            raise DataError(message(path, f"column {name!r}, row {row}: a number can be read in two ways", expected="a point, or a comma with other than 3 digits",
                                    found=f"Found {column[row - 2].as_py()!r}", do="Save with a decimal point and without thousands separators"))


def _strings(words: Iterable[str]) -> pa.Array:
    import pyarrow as pa

    return pa.array(list(words), pa.string())


def _parquet(path: Path) -> pd.DataFrame:
    import pandas as pd

    return pd.read_parquet(path)


def _sheet(path: Path) -> pd.DataFrame:
    """The first sheet; raises DataError for an error value, named by row and column."""
    import openpyxl
    import pandas as pd

    with open(path, "rb") as file:
        book = openpyxl.load_workbook(file, read_only=True, data_only=True)
        rows = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
        book.close()
    width = max((k + 1 for row in rows for k, cell in enumerate(row) if cell is not None), default=0)
    header = [str(cell if cell is not None else "") for cell in (rows[0][:width] if rows else [])]
    _check_header(path, header)
    names, body = _columns(header), [row[:width] + [None] * (width - len(row)) for row in rows[1:]]
    for number, row in enumerate(body, 2):
        for name, cell in zip(names, row, strict=True):
            if isinstance(cell, str) and re.match(r"^#(REF|DIV/0|VALUE|NAME|NUM|NULL)[!?]", cell):
                raise DataError(message(path, f"column {name!r}, row {number}: the cell is an error", found=f"Found {cell}", do="Correct the formula"))
    body = [row for row in body if any(cell not in (None, "") for cell in row)]
    frame = pd.DataFrame({name: pd.Series([row[k] for row in body], dtype=object) for k, name in enumerate(names)})
    return frame.apply(_sheet_column)


def _sheet_column(column: pd.Series) -> pd.Series:
    """Numbers where every cell is one; text cells stay text, whatever they look like."""
    import pandas as pd

    present = column[column.notna() & ~column.isin(MISSING)]
    if len(present) and all(isinstance(cell, bool) for cell in present) and len(present) == len(column):
        return column.astype(bool)
    if len(present) and all(isinstance(cell, (int, float)) and not isinstance(cell, bool) for cell in present):
        return pd.to_numeric(column.where(column.index.isin(present.index)))
    return column.where(column.index.isin(present.index)).map(_cell_text, na_action="ignore").astype("str")


def _cell_text(cell: Any) -> str:
    """A cell as text: a whole number without a point, a date as ISO 8601."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return cell.isoformat().removesuffix("T00:00:00") if hasattr(cell, "isoformat") else str(cell).strip()


def _named(path: Path, frame: pd.DataFrame) -> pd.DataFrame:
    """Identifiers as text; raises DataError for a table without rows."""
    if not len(frame):
        raise DataError(message(path, "the table has no rows", expected="a header and at least one row"))
    for name in frame.columns:
        if is_identifier(name) and frame[name].dtype.kind in "iuf":
            frame[name] = frame[name].map(_cell_text, na_action="ignore").astype("str")
    return frame.rename(columns=str)
