"""Tables: dialects, types and errors that name row and column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from osteon.errors import DataError
from osteon.readers import read_table, read_text, write_table


def table(tmp_path: Path, text: str | bytes, name: str = "a.csv") -> pd.DataFrame:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_dialects(tmp_path: Path, mark: str, encoding: str, end: str) -> None:
    rows = [["case_id", "Größe", "note"], ["007", "1.5", f'"a{mark} b"'], ["8", "2", "für"]]
    frame = table(tmp_path, end.join(mark.join(row) for row in rows).encode(encoding))
    assert frame.columns.tolist() == ["case_id", "Größe", "note"]
    assert frame["case_id"].tolist() == ["007", "8"]
    assert frame["Größe"].tolist() == [1.5, 2.0]
    assert frame["note"].tolist() == [f"a{mark} b", "für"]


def test_types(tmp_path: Path) -> None:
    frame = table(tmp_path, "patient,zip,age,score,phone,done,sample,exponent,grade,stage\n"
                            "12,01234,71,0.5,+4912,true,1E3,1.5e3,NA,None\n13,99999,,1e-5,+4913,False,2E4,2e+3,II,IIa\n")
    kinds = {name: frame[name].dtype.kind for name in frame}
    assert [name for name in frame if kinds[name] in "if"] == ["age", "score", "exponent"]
    assert kinds["done"] == "b"
    assert frame["done"].tolist() == [True, False]
    assert frame["patient"].tolist() == ["12", "13"]
    assert frame["zip"].tolist() == ["01234", "99999"]
    assert frame["sample"].tolist() == ["1E3", "2E4"]
    assert np.isnan(frame["age"][1])
    assert frame["score"][1] == 1e-5
    assert frame["exponent"].tolist() == [1500, 2000]
    assert frame["grade"].isna().tolist() == [True, False]
    assert frame["stage"].tolist() == ["None", "IIa"]


def test_decimal_commas(tmp_path: Path) -> None:
    frame = table(tmp_path, "name;a;b;c\nx;1,5;1,234;1\ny;-2,25;2;2,5e-3\n")
    assert frame["a"].tolist() == [1.5, -2.25]
    assert frame["b"].tolist() == [1.234, 2]
    assert frame["c"].tolist() == [1, 0.0025]
    assert table(tmp_path, "name\ta\nx\t1,5\ny\t1,234\n")["a"].tolist() == [1.5, 1.234]
    with pytest.raises(DataError, match=r"column 'a', row 3: a number can be read in two ways.*'1,234'"):
        table(tmp_path, "name\ta\nx\t15\ny\t1,234\n")


def test_what_spreadsheets_leave_behind_is_dropped(tmp_path: Path) -> None:
    frame = table(tmp_path, "a,b,\n1,2,\n,,\n\n3,,\n")
    assert frame.columns.tolist() == ["a", "b"]
    assert frame["a"].tolist() == [1, 3]
    assert frame["b"].isna().tolist() == [False, True]
    assert table(tmp_path, ",a\n0,5\n1,6\n").columns.tolist() == ["column 1", "a"]


@pytest.mark.parametrize(("text", "words"), [
    ("a,b\n1,2\n3,4,5\n", "row 3 has 3 cells.*2, one a column"), ('a,b\n"x\ny",2\n3\n', "row 3 has 1 cells"), ("a,b,a\n1,2,3\n", "two columns are named 'a'.*1 and 3"),
    ("a,b\n", "no rows"), ("\n\n", "row 1 is empty"), ("", "empty")])
def test_errors_name_the_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        table(tmp_path, text)


def test_other_content_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no table.*PDF"):
        table(tmp_path, b"%PDF-1.4 something")
    with pytest.raises(DataError, match="a.xlsx"):
        table(tmp_path, b"PK\x03\x04 not a workbook", "a.xlsx")
    with pytest.raises(DataError, match="no such file"):
        read_table(tmp_path / "absent.csv")


def test_spreadsheets(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["case_id", "age", "code", "mixed", "when", None], [17, 71, "007", "a", pd.Timestamp("2024-03-05"), None], [18.0, None, "8", 3, None, None], [None] * 6):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")
    frame = read_table(tmp_path / "a.xlsx")
    assert frame.columns.tolist() == ["case_id", "age", "code", "mixed", "when"]
    assert frame["case_id"].tolist() == ["17", "18"]
    assert frame["code"].tolist() == ["007", "8"]
    assert frame["mixed"].tolist() == ["a", "3"]
    assert frame["age"].dtype.kind == "f"
    assert frame["when"][0] == "2024-03-05"
    assert frame["when"].isna()[1]
    book.active["B3"] = "#REF!"
    book.save(tmp_path / "b.xlsx")
    with pytest.raises(DataError, match=r"column 'age', row 3: the cell is an error.*#REF!"):
        read_table(tmp_path / "b.xlsx")


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_what_is_written_comes_back(tmp_path: Path, suffix: str) -> None:
    frame = pd.DataFrame({"case_id": ["007", "8"], "x": [0.1 + 0.2, np.nan], "n": [1, -2], "text": ["a, b", "ü"], "yes": [True, False]})
    back = read_table(write_table(tmp_path / f"a{suffix}", frame))
    pd.testing.assert_frame_equal(back, frame, check_dtype=False)
    assert (suffix == ".xlsx" or back["x"][0] == 0.1 + 0.2)
    assert [p.name for p in tmp_path.iterdir()] == [f"a{suffix}"]


@pytest.mark.parametrize("suffix", [".csv", ".xlsx"])
def test_no_formula_leaves(tmp_path: Path, suffix: str) -> None:
    text = ["=1+1", "+cmd", "@SUM(A1)", "-2.5", "-x", "plain", "\tx"]
    path = write_table(tmp_path / f"a{suffix}", pd.DataFrame({"=head": text, "n": [-1.5] * 7}))
    if suffix == ".csv":
        lines = path.read_text().splitlines()
        assert [line.rsplit(",", 1)[0] for line in lines] == ["'=head", "'=1+1", "'+cmd", "'@SUM(A1)", "-2.5", "'-x", "plain", "'\tx"]
        assert lines[1].endswith(",-1.5")
    else:
        cells = [row[0] for row in openpyxl.load_workbook(path).active.iter_rows()]
        assert all(cell.data_type != "f" for cell in cells)
        assert cells[1].value == "'=1+1"


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = write_table(tmp_path / "a.parquet", pd.DataFrame({"a": [1]}))
    before = path.read_bytes()
    with pytest.raises(Exception, match="."):
        write_table(path, pd.DataFrame({"a": [object()]}))
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]
    with pytest.raises(DataError, match="suffix"):
        write_table(tmp_path / "a.ods", pd.DataFrame())


def test_a_large_table_is_read(tmp_path: Path) -> None:
    n = 20_000
    pd.DataFrame({"case_id": [f"{k:06d}" for k in range(n)], "x": np.arange(n) / 7, "path": [f"files/{k}.png" for k in range(n)]}).to_csv(tmp_path / "a.csv", index=False)
    frame = read_table(tmp_path / "a.csv")
    assert len(frame) == n
    assert frame["case_id"].iloc[-1] == "019999"
    assert frame["x"].iloc[7] == 1


def test_texts(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("Überblick".encode("cp1252"))
    (tmp_path / "b.txt").write_bytes(b"\x00\x01\x02" * 50)
    assert read_text(tmp_path / "a.txt") == "Überblick"
    with pytest.raises(DataError, match="no text"):
        read_text(tmp_path / "b.txt")
