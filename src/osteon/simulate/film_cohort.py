"""Simulated films, or other cases with files of their own, as a cohort folder, made by several processes and resumed where they stopped.

A case is complete when its row stands in `.rows/`, which is written last; the tables and cohort.yaml are written when all are there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from osteon.cohort import Cohort
from osteon.cohort.folder import finish, whole
from osteon.errors import DataError, message
from osteon.progress import track
from osteon.simulate import folder as begun
from osteon.simulate.card import Card
from osteon.simulate.folder import CALL

SIDE = ("files", "readings")  # rows that a case carries for a table beside cases.csv
FEW = 8  # below this a second process costs more than it brings
Row = dict[str, Any]


@dataclass(frozen=True)
class Films:
    """What one simulator of films brings: its card, the address (`module:name`) where another process finds it, how a case is written
    (folder, call, index, id) -> paths and cells of its row, and the units of its columns.

    A call holds at least cases, seed, site and difficulty. A row may carry, as `files` and `readings`, rows of those tables without their case_id.
    """

    card: Card
    address: str
    write: Callable[[Path, Mapping[str, Any], int, str], Row]
    units: Mapping[str, str] = field(default_factory=dict, hash=False)
    folders: tuple[str, ...] = ("xray", "truth")
    ceilings: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = None  # of a call: target -> finding -> metric -> the best that can be reached


def make(films: Films, folder: Path, call: Mapping[str, Any], workers: int) -> Cohort:
    """The cohort of a call: opened where it is complete, else made or completed; raises DataError before any file is written."""
    call = dict(call)
    if call["cases"] < 1 or call["seed"] < 0 or workers < 1:
        raise DataError(message(films.card.name, "the call is impossible", expected="cases and workers 1 or more, seed 0 or more",
                                found=f"Found cases {call['cases']}, seed {call['seed']}, workers {workers}"))
    if (made := begun.opened(folder, call)) is not None:
        return made
    rows = folder / ".rows"
    begin(films, folder, call)
    _all_cases(films, folder, call, workers)
    content = [json.loads((rows / f"{case_id(i)}.json").read_text(encoding="utf-8")) for i in range(call["cases"])]
    _beside(folder, content)
    notes = {"simulator": f"{films.card.name} {films.card.version}", "sentence": films.card.sentence(call["cases"], call["seed"]), "call": call}
    notes |= {"ceilings": dict(films.ceilings(call))} if films.ceilings else {}
    made = finish(folder, content, name=f"simulated {films.card.name}, site {call['site']}", origin="simulated", licence="made by osteon; no restriction",
                  columns={name: {"unit": unit} for name, unit in films.units.items()}, notes=notes)
    shutil.rmtree(rows)
    return made


def case_id(index: int) -> str:
    """The id of a case by its place in the cohort."""
    return f"f{index + 1:05d}"


def sequence(call: Mapping[str, Any], index: int) -> np.random.SeedSequence:
    """The random numbers of one case: they depend on nothing but seed, site and place."""
    return np.random.SeedSequence([call["seed"], ord(call["site"]), index])


def pseudonym(call: Mapping[str, Any], index: int) -> str:
    """A patient for each film."""
    return f"s{call['site']}{call['seed']}x{index + 1:05d}"


def begin(films: Films, folder: Path, call: Mapping[str, Any]) -> None:
    """Make the folder, or check that what lies in it was begun by the same call; raises DataError before any file is written."""
    begun.begin(folder, call, films.folders)


def make_case(films: Films, folder: Path, call: Mapping[str, Any], index: int) -> None:
    """Draw one film and write its files, its row last."""
    name = case_id(index)
    row = {"case_id": name, "patient_id": pseudonym(call, index), "site": call["site"]} | films.write(folder, call, index, name)
    whole(folder / ".rows" / f"{name}.json", json.dumps(row))


def work(address: str, folder: str, part: int, workers: int) -> None:
    """Make the incomplete cases whose number leaves `part` when divided by `workers`."""
    module, name = address.split(":")
    films = getattr(import_module(module), name)
    call = json.loads((Path(folder) / ".rows" / CALL).read_text(encoding="utf-8"))
    for i in _missing(Path(folder), call["cases"]):
        if i % workers == part:
            make_case(films, Path(folder), call, i)


def relative(folder: Path, files: Mapping[str, Path]) -> Row:
    """Column -> path as the table holds it."""
    return {column: path.relative_to(folder).as_posix() for column, path in files.items()}


def _beside(folder: Path, content: list[Row]) -> None:
    """Write what the rows carry for the tables beside cases.csv, and take it out of them."""
    import pandas as pd

    for name in SIDE:
        rows = [{"case_id": row["case_id"]} | cells for row in content for cells in row.pop(name, ())]
        if rows:
            whole(folder / f"{name}.csv", pd.DataFrame(rows).to_csv(index=False, lineterminator="\n"))


def _all_cases(films: Films, folder: Path, call: Mapping[str, Any], workers: int) -> None:
    """Every case that is not complete, shared with further processes; what such a process leaves undone is done here."""
    todo = _missing(folder, call["cases"])
    others = [_start(films, folder, part, workers) for part in range(1, workers)] if workers > 1 and len(todo) > FEW else []
    try:
        own = [i for i in todo if i % workers == 0] if others else todo
        for i in track(own, len(own), what=films.card.name):
            make_case(films, folder, call, i)
        for process in others:
            process.wait()
    finally:
        for process in others:
            process.terminate()
    for i in _missing(folder, call["cases"]):
        make_case(films, folder, call, i)


def _missing(folder: Path, cases: int) -> list[int]:
    return [i for i in range(cases) if not (folder / ".rows" / f"{case_id(i)}.json").exists()]


def _start(films: Films, folder: Path, part: int, workers: int) -> subprocess.Popen[bytes]:
    """A process of its own interpreter (a fork would copy locked threads) that makes every `workers`-th case."""
    code = f"from osteon.simulate.film_cohort import work; work({films.address!r}, {str(folder.resolve())!r}, {part}, {workers})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdin=subprocess.DEVNULL)
