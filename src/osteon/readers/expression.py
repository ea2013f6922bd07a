"""A matrix of gene expression: genes in rows as the archives of microarrays and sequencing give it, or samples in rows; one column of names, then numbers."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from osteon.errors import DataError, listed, message, near
from osteon.readers.files import refusing
from osteon.readers.table import read_table

if TYPE_CHECKING:
    import pandas as pd

GENES = ("gene", "genes", "symbol", "gene_symbol", "gene symbol", "gene_id", "gene name", "genename", "probe", "probe_id", "probeset", "probe set id", "id_ref", "ensembl_id", "feature")
SAMPLES = ("sample", "samples", "sample_id", "sample id", "case_id", "case", "patient_id", "patient", "subject", "subject_id", "geo_accession", "accession")
TWICE = ("refuse", "mean")
WHOLE = 2000  # genes above which a matrix holds more than one pathway


def read_expression(path: Path | str, *, genes: Collection[str] = (), samples: Collection[str] = (), twice: str = "refuse") -> pd.DataFrame:
    """Samples (rows, by name) by genes (columns) of float64; an empty cell is NaN. Reads what `read_table` reads, and a compressed CSV (.csv.gz).

    Which way the file lies is told by the head of its first column, or by names of genes or samples that are expected in it. A gene that stands there more than
    once is refused, or its rows are averaged (`twice="mean"`, as for the probes of one gene). Raises DataError that names the row, column and cell.
    """
    if twice not in TWICE:
        raise ValueError(f"twice: {twice!r} (expected {' or '.join(TWICE)})")
    table = _compressed(Path(path)) if str(path).endswith(".gz") else read_table(path)
    head, names = str(table.columns[0]), table[table.columns[0]].astype("str").str.strip()
    if table.shape[1] < 2:
        raise DataError(message(path, "the table has one column", expected="a column of names, then one column of numbers for each sample or gene"))
    if names.isna().any() or (names == "").any():
        raise DataError(message(path, f"row {int((names.isna() | (names == '')).to_numpy().argmax()) + 2} has no name", expected=f"a name in column {head!r}"))
    values = _numbers(path, table.iloc[:, 1:].set_axis(names, axis=0))
    matrix = values.T if _genes_in_rows(path, head, values, genes, samples) else values
    return _once(path, matrix, twice)


def with_samples(matrix: Path, sheet: Path, *, genes: Collection[str] = ()) -> pd.DataFrame:
    """The sheet of the samples (a row a sample, the first column their names) with the genes of a matrix beside it.

    Of a whole array only `genes` are kept. Raises DataError where a sample of the sheet is not in the matrix, none of its genes is asked for, or a gene is
    called as a column of the sheet is.
    """
    about = read_table(sheet)
    key = str(about.columns[0])
    names = about[key].astype("str").str.strip()
    if names.duplicated().any():
        raise DataError(message(sheet, f"the sample {names[names.duplicated()].iloc[0]!r} stands there twice", expected="one row a sample"))
    found = read_expression(matrix, genes=genes, samples=set(names))
    lost = [name for name in names if name not in found.index]
    if lost:
        raise DataError(message(matrix, f"{len(lost)} of {len(names)} samples of {sheet.name} are not there", expected=f"the names in column {key!r}",
                                found=f"Not there: {listed(lost, 3)}. There: {listed(found.index, 3)}", do=near(lost[0], found.index[:200])))
    found = _asked(matrix, found, genes)
    both = [c for c in found.columns if c in about.columns]
    if both:
        raise DataError(message(matrix, f"{both[0]!r} is a gene here and a column of {sheet.name}", do=f"Rename the column in {sheet.name}"))
    return about.join(found.loc[names].reset_index(drop=True))


def _asked(path: Path, matrix: pd.DataFrame, genes: Collection[str]) -> pd.DataFrame:
    """A matrix of a whole array or transcriptome without the genes that nobody asks for; raises DataError where it has none that somebody does."""
    if not genes or matrix.shape[1] <= WHOLE:
        return matrix
    kept = [c for c in matrix.columns if c in genes]
    if not kept:
        raise DataError(message(path, f"none of its {matrix.shape[1]:,} genes is asked for", expected=listed(sorted(genes), 6), found=f"Found {listed(matrix.columns, 6)}",
                                do="Name the rows of the file as the study does"))
    return matrix[kept]


def _compressed(path: Path) -> pd.DataFrame:
    import pandas as pd

    with refusing(path, "a compressed table with commas"):
        return pd.read_csv(path, compression="gzip", low_memory=False)


def _numbers(path: Path | str, cells: pd.DataFrame) -> pd.DataFrame:
    """Every cell as a float; raises DataError for the first that is none."""
    import pandas as pd

    for place, name in enumerate(cells.columns, 2):
        if cells[name].dtype.kind in "if":
            continue
        numbers = pd.to_numeric(cells[name], errors="coerce")
        bad = (numbers.isna() & cells[name].notna()).to_numpy() if cells[name].dtype.kind != "b" else [True] * len(cells)
        if any(bad):
            row = list(bad).index(True)
            raise DataError(message(path, f"column {name!r} (place {place}), row {row + 2} is no number", expected="expression, or an empty cell", found=f"Found {cells[name].iloc[row]!r} at {cells.index[row]!r}",
                                    do="Put what is known of the samples into a table of its own"))
    return cells.astype(float)


def _genes_in_rows(path: Path | str, head: str, values: pd.DataFrame, genes: Collection[str], samples: Collection[str]) -> bool:
    """Whether a row is a gene: by the expected names first, then by the head of the first column; raises DataError where neither tells."""
    rows, columns = set(map(str, values.index)), set(map(str, values.columns))
    votes = (len(rows & set(genes)) + len(columns & set(samples))) - (len(columns & set(genes)) + len(rows & set(samples)))
    if votes:
        return votes > 0
    word = head.strip().lower()
    if word not in (*GENES, *SAMPLES):
        raise DataError(message(path, "it can not be told whether its rows are genes or samples", expected=f"a first column called {GENES[0]} or {SAMPLES[0]}, or a known gene",
                                found=f"Found {head!r}, rows {listed(values.index, 3)}, columns {listed(values.columns, 3)}", do="Rename the first column"))
    return word in GENES


def _once(path: Path | str, matrix: pd.DataFrame, twice: str) -> pd.DataFrame:
    """The matrix with each sample and gene once."""
    again = matrix.index[matrix.index.duplicated()]
    if len(again):
        raise DataError(message(path, f"the sample {again[0]!r} stands there twice", expected="each sample once"))
    more = matrix.columns[matrix.columns.duplicated()].unique()
    if len(more) and twice == "refuse":
        raise DataError(message(path, f"{len(more)} genes stand there more than once", expected="each gene once", found=f"Found {listed(more, 3)}",
                                do="Average the probes of a gene before, or keep the names of the probes"))
    if len(more):
        matrix = matrix.T.groupby(level=0, sort=False).mean().T
    matrix.index.name, matrix.columns.name = "sample", None
    return matrix
