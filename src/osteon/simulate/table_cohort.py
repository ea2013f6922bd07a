"""Simulated rows as a cohort folder: made block by block so that memory does not grow, and resumed where it stopped.

A block is complete when its part stands in `.rows/`; cases.csv is their concatenation, and cohort.yaml is written last. The numbers
of a block depend on nothing but the call and its place.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from osteon.cohort import Cohort
from osteon.cohort.folder import describe, read
from osteon.errors import DataError, message
from osteon.progress import track
from osteon.readers.files import replacing
from osteon.simulate import folder as begun
from osteon.simulate.card import Card

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

BLOCK = 250_000


class Words(NamedTuple):
    """A column of words: codes (n,) into names; a code below 0 is an empty cell."""

    codes: np.ndarray
    names: tuple[str, ...]


Columns = Mapping[str, np.ndarray | Words]


@dataclass(frozen=True)
class Table:
    """What one simulator of rows brings: its card, how a block is drawn (call, block, rows) -> columns, what the notes say of a call (`ceilings` among
    it: target -> finding -> metric -> the best that can be reached), units, rows a block.

    Columns of numbers are arrays in which nan is an empty cell; a call holds at least cases, seed, site and difficulty.
    """

    card: Card
    draw: Callable[[Mapping[str, Any], int, int], Columns]
    notes: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    units: Mapping[str, str] = field(default_factory=dict, hash=False)
    block: int = BLOCK


def asked(cases: int, seed: int, site: str, difficulty: float, confounded: bool) -> dict[str, Any]:
    """The call of a simulator of rows, as its folder keeps it."""
    return {"cases": cases, "seed": seed, "site": site, "difficulty": difficulty, **({"confounded": True} if confounded else {})}


def make(table: Table, folder: Path, call: Mapping[str, Any]) -> Cohort:
    """The cohort of a call: opened where it is complete, else made or completed; raises DataError before any file is written."""
    call = begun.check(table.card.name, call)
    if (made := begun.opened(folder, call)) is not None:
        return made
    rows = begun.begin(folder, call)
    parts = [rows / f"{block:05d}.csv" for block, _ in _blocks(table, call)]
    todo = [(part, block, n) for part, (block, n) in zip(parts, _blocks(table, call), strict=True) if not part.exists()]
    for part, block, n in track(todo, len(todo), what=table.card.name):
        with replacing(part) as temporary, open(temporary, "wb") as out:
            _write_csv(out, block_of(table, call, block, n), header=block == 0)
    with replacing(folder / "cases.csv") as whole, open(whole, "wb") as out:
        for part in parts:
            with open(part, "rb") as content:
                shutil.copyfileobj(content, out, 1 << 22)
    describe(folder, name=f"simulated {table.card.name}, site {call['site']}", origin="simulated", licence="made by osteon; no restriction",
             columns={name: {"unit": unit} for name, unit in table.units.items()},
             notes={"simulator": f"{table.card.name} {table.card.version}", "sentence": table.card.sentence(call["cases"], call["seed"]), "call": call,
                    **table.notes(call)})
    shutil.rmtree(rows)
    return read(folder)


def stream(table: Table, path: Path, call: Mapping[str, Any]) -> Path:
    """The rows of a call as one file, .csv or .parquet, a block at a time; whole or not at all. Raises DataError for another suffix."""
    import pyarrow.parquet as pq

    call = begun.check(table.card.name, call)
    if path.suffix not in (".csv", ".parquet"):
        raise DataError(message(path, "the suffix is no table's", expected=".csv or .parquet"))
    with replacing(path) as temporary:
        if path.suffix == ".csv":
            with open(temporary, "wb") as out:
                for block, n in _blocks(table, call):
                    _write_csv(out, block_of(table, call, block, n), header=block == 0)
        else:
            first = block_of(table, call, 0, 1)
            with pq.ParquetWriter(temporary, first.schema) as writer:
                for block, n in _blocks(table, call):
                    writer.write_table(block_of(table, call, block, n))
    return path


def frame(table: Table, call: Mapping[str, Any]) -> pd.DataFrame:
    """The rows of a call as one table in memory, words as text, without ids."""
    import pandas as pd

    call = begun.check(table.card.name, call)
    parts = [pd.DataFrame({k: worded(v) for k, v in table.draw(call, block, n).items()}) for block, n in _blocks(table, call)]
    return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]


def pick(rng: np.random.Generator, n: int, names: tuple[str, ...], shares: tuple[float, ...]) -> Words:
    """Words (n,) drawn with shares that need not sum to 1."""
    edges = np.cumsum(shares) / np.sum(shares)
    return Words(edges.searchsorted(rng.random(n), side="right").astype(np.int8), names)


def worded(column: np.ndarray | Words) -> np.ndarray:
    """A column (n,) with words and ids as text objects, None where the cell is empty."""
    if isinstance(column, Words):
        return np.array([*column.names, None], object)[column.codes]
    return column.astype(str).astype(object) if column.dtype.kind == "S" else column


def block_of(table: Table, call: Mapping[str, Any], block: int, rows: int) -> pa.Table:
    """One block with ids and site in front; cells that are nan or coded below 0 are empty. A simulator that draws ids itself keeps them."""
    import pyarrow as pa

    drawn, first = table.draw(call, block, rows), block * table.block + 1
    front: dict[str, np.ndarray | Words] = {"case_id": ids("r", first, rows), "patient_id": ids("s", first, rows), "site": Words(np.zeros(rows, np.int8), (call["site"],))}
    return pa.table({name: _arrow(column) for name, column in (front | dict(drawn)).items()})


def _blocks(table: Table, call: Mapping[str, Any]) -> Iterator[tuple[int, int]]:
    """Number and rows of each block."""
    cases = call["cases"]
    return ((b, min(table.block, cases - b * table.block)) for b in range(-(-cases // table.block)))


def ids(letter: str, first: int, rows: int) -> np.ndarray:
    """Ids such as r0000001 as bytes (rows,): seven digits, more where the number needs them."""
    last = first + rows - 1
    digits = max(7, len(str(last)))
    numbers, out = np.arange(first, last + 1), np.empty((rows, digits + 1), np.uint8)
    out[:, 0] = ord(letter)
    for place in range(digits, 0, -1):
        numbers, out[:, place] = numbers // 10, numbers % 10 + ord("0")
    return out.view(f"S{digits + 1}").ravel()


def _arrow(column: np.ndarray | Words) -> pa.Array:
    import pyarrow as pa

    if isinstance(column, Words):
        codes = np.asarray(column.codes)
        return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32), mask=codes < 0), pa.array(column.names, pa.string()))
    if column.dtype.kind == "S":
        return pa.array(column, pa.binary()).cast(pa.string())
    return pa.array(column, from_pandas=True)


def _write_csv(out: Any, block: pa.Table, *, header: bool) -> None:
    import pyarrow as pa
    import pyarrow.csv as csv

    if header:
        out.write((",".join(block.column_names) + "\n").encode())
    plain = [c.cast(pa.string()) if pa.types.is_dictionary(c.type) else c for c in block.columns]
    csv.write_csv(pa.table(plain, names=block.column_names), out, csv.WriteOptions(include_header=False, batch_size=65_536))
