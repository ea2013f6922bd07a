"""Matrices of expression: which way they lie, what stands there twice, what is no number, and the sheet of the samples."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.readers.expression import read_expression, with_samples

ROWS = "gene,s1,s2,s3\nALOX5,1.5,2,3\nEPHX2,4,,6\nPTGS2,7,8,9\n"


def written(folder: Path, text: str, name: str = "matrix.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(("text", "name"), [
    (ROWS, "a.csv"), ("sample,ALOX5,EPHX2,PTGS2\ns1,1.5,4,7\ns2,2,,8\ns3,3,6,9\n", "b.csv"), (ROWS.replace(",", "\t"), "c.tsv"), (ROWS.replace("gene", "ID_REF"), "d.csv")])
def test_genes_in_rows_or_in_columns_give_the_same(tmp_path: Path, text: str, name: str) -> None:
    found = read_expression(written(tmp_path, text, name))
    assert list(found.index) == ["s1", "s2", "s3"] and list(found.columns) == ["ALOX5", "EPHX2", "PTGS2"]
    assert found.loc["s1"].tolist() == [1.5, 4, 7] and np.isnan(found.loc["s2", "EPHX2"])


def test_a_compressed_matrix_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "matrix.csv.gz"
    path.write_bytes(gzip.compress(ROWS.encode()))
    assert read_expression(path).loc["s3", "PTGS2"] == 9
    path.write_bytes(ROWS.encode())
    with pytest.raises(DataError, match="matrix.csv.gz"):
        read_expression(path)


def test_a_head_that_says_nothing_is_decided_by_known_names_or_refused(tmp_path: Path) -> None:
    path = written(tmp_path, ROWS.replace("gene", "X"))
    assert list(read_expression(path, genes=("PTGS2", "NOT")).index) == ["s1", "s2", "s3"]
    assert list(read_expression(path, samples=("s2",)).index) == ["s1", "s2", "s3"]
    with pytest.raises(DataError, match="can not be told whether its rows are genes or samples.*'X'"):
        read_expression(path)


def test_a_gene_twice_is_refused_or_averaged(tmp_path: Path) -> None:
    path = written(tmp_path, ROWS + "ALOX5,3.5,4,5\n")
    with pytest.raises(DataError, match="1 genes stand there more than once.*ALOX5"):
        read_expression(path)
    assert read_expression(path, twice="mean")["ALOX5"].tolist() == [2.5, 3, 4]
    with pytest.raises(ValueError, match="twice"):
        read_expression(path, twice="first")
    with pytest.raises(DataError, match="sample 's1' stands there twice"):
        read_expression(written(tmp_path, "sample,A\ns1,1\ns1,2\n"))


@pytest.mark.parametrize(("text", "said"), [
    (ROWS.replace("8", "high"), "column 's2' .*row 4 is no number.*'high' at 'PTGS2'"), (ROWS.replace("EPHX2", ""), "row 3 has no name"), ("gene\nALOX5\n", "one column"),
    ("gene,s1,s1\nA,1,2\n", "two columns are named 's1'"), (ROWS.replace("7,8,9", "true,false,true"), "is no number")])
def test_bad_cells_are_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_expression(written(tmp_path, text))


def test_a_sheet_of_samples_stands_beside_its_genes(tmp_path: Path) -> None:
    sheet = written(tmp_path, "sample_id,group\ns3,OA\ns1,normal\n", "samples.csv")
    found = with_samples(written(tmp_path, ROWS), sheet)
    assert found.columns.tolist() == ["sample_id", "group", "ALOX5", "EPHX2", "PTGS2"]
    assert found["PTGS2"].tolist() == [9, 7] and found["group"].tolist() == ["OA", "normal"]
    with pytest.raises(DataError, match=r"1 of 2 samples of samples.csv are not there.*s9"):
        with_samples(written(tmp_path, ROWS), written(tmp_path, "sample_id,group\ns9,OA\ns1,normal\n", "samples.csv"))
    with pytest.raises(DataError, match="'ALOX5' is a gene here and a column of samples.csv"):
        with_samples(written(tmp_path, ROWS), written(tmp_path, "sample_id,ALOX5\ns1,1\n", "samples.csv"))
    with pytest.raises(DataError, match="the sample 's1' stands there twice"):
        with_samples(written(tmp_path, ROWS), written(tmp_path, "sample_id,group\ns1,OA\ns1,normal\n", "samples.csv"))


def test_of_a_whole_array_only_what_is_asked_for_is_kept(tmp_path: Path) -> None:
    path = written(tmp_path, "probe_id,s1,s2\n" + "".join(f"P{i},1,{i}\n" for i in range(2100)))
    sheet = written(tmp_path, "sample_id,group\ns1,a\ns2,b\n", "samples.csv")
    assert with_samples(path, sheet, genes=("P7", "P9", "Q1")).columns.tolist() == ["sample_id", "group", "P7", "P9"]
    with pytest.raises(DataError, match="none of its 2,100 genes is asked for"):
        with_samples(path, sheet, genes=("ALOX5",))
