"""Standing-leg films as a cohort folder: DICOM, masks, boxes and one row a case, made by several processes and resumed where they stopped.

A case is complete when its row stands in `.rows/`, which is written last; cases.csv and cohort.yaml are written when all are there.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from osteon.cohort import Cohort
from osteon.cohort.folder import finish, whole
from osteon.errors import DataError, message
from osteon.geometry.lower_limb import FILM_UNITS
from osteon.progress import track
from osteon.simulate.standing_legs import CARD, STRUCTURES, StandingFilm, standing_film
from osteon.value import Grid, Mask, Objects

CALL = "call.json"
FEW = 8  # below this a second process costs more than it brings


def make(folder: Path, call: Mapping[str, Any], workers: int) -> Cohort:
    """The cohort of a call (cases, seed, site, difficulty, pixel_mm): opened where it is complete, else made or completed."""
    call = dict(call)
    if (folder / "cohort.yaml").exists():
        made = Cohort.from_folder(folder)
        _same(folder, made.notes.get("call"), call)
        return made
    rows = folder / ".rows"
    _begin(folder, rows, call)
    _all_cases(folder, call, workers)
    content = [json.loads((rows / f"{case_id(i)}.json").read_text(encoding="utf-8")) for i in range(call["cases"])]
    notes = {"simulator": f"{CARD.name} {CARD.version}", "sentence": CARD.sentence(call["cases"], call["seed"]), "call": call}
    made = finish(folder, content, name=f"simulated standing legs, site {call['site']}", origin="simulated", licence="made by osteon; no restriction",
                  columns={f"alignment.{name}": {"unit": unit} for name, unit in FILM_UNITS.items()}, notes=notes)
    shutil.rmtree(rows)
    return made


def case_id(index: int) -> str:
    """The id of a case by its place in the cohort."""
    return f"f{index + 1:05d}"


def _begin(folder: Path, rows: Path, call: Mapping[str, Any]) -> None:
    """Make the folder, or check that what lies in it was begun by the same call; raises DataError before any file is written."""
    begun = rows / CALL
    if begun.exists():
        _same(folder, json.loads(begun.read_text(encoding="utf-8")), call)
    elif folder.exists() and any(p.name != ".rows" for p in folder.iterdir()):
        raise DataError(message(folder, "the folder holds other things", expected="an empty or a new folder", do="Name another folder"))
    for part in (rows, folder / "xray", folder / "truth"):
        part.mkdir(parents=True, exist_ok=True)
    whole(begun, json.dumps(call))


def _same(folder: Path, found: Any, call: Mapping[str, Any]) -> None:
    if found != call:
        raise DataError(message(folder, "the folder holds the films of another call", expected=str(dict(call)), found=f"Found {found}", do="Name another folder"))


def _all_cases(folder: Path, call: Mapping[str, Any], workers: int) -> None:
    """Every case that is not complete, shared with further processes; what such a process leaves undone is done here."""
    todo = _missing(folder, call["cases"])
    others = [_start(folder, part, workers) for part in range(1, workers)] if workers > 1 and len(todo) > FEW else []
    try:
        own = [i for i in todo if i % workers == 0] if others else todo
        for i in track(own, len(own), what="standing films"):
            make_case(folder, call, i)
        for process in others:
            process.wait()
    finally:
        for process in others:
            process.terminate()
    for i in _missing(folder, call["cases"]):
        make_case(folder, call, i)


def _missing(folder: Path, cases: int) -> list[int]:
    return [i for i in range(cases) if not (folder / ".rows" / f"{case_id(i)}.json").exists()]


def _start(folder: Path, part: int, workers: int) -> subprocess.Popen[bytes]:
    """A process of its own interpreter (a fork would copy locked threads) that makes every `workers`-th case."""
    code = f"from osteon.simulate.standing_cohort import work; work({str(folder.resolve())!r}, {part}, {workers})"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdin=subprocess.DEVNULL)


def work(folder: str, part: int, workers: int) -> None:
    """Make the incomplete cases whose number leaves `part` when divided by `workers`."""
    call = json.loads((Path(folder) / ".rows" / CALL).read_text(encoding="utf-8"))
    for i in _missing(Path(folder), call["cases"]):
        if i % workers == part:
            make_case(Path(folder), call, i)


def make_case(folder: Path, call: Mapping[str, Any], index: int) -> None:
    """Draw one film and write its files, its row last."""
    from osteon.readers import write_value
    from osteon.readers.dicom import write_radiograph

    name = case_id(index)
    sequence = np.random.SeedSequence([call["seed"], ord(call["site"]), index])
    film = standing_film(sequence, site=call["site"], difficulty=call["difficulty"], pixel_mm=call["pixel_mm"])
    patient = f"s{call['site']}{call['seed']}x{index + 1:05d}"
    notes = {"spacing_kind": "calibrated", "magnification": film.attributes["magnification"], "view_position": "AP", "body_part": "LEG", "laterality": "B",
             "model": f"{CARD.name} {CARD.version}", "patient_id": patient}
    xray = write_radiograph(folder / "xray" / f"{name}.dcm", film.stored, spacing=film.spacing, notes=notes, simulated=True)
    grid = Grid(film.stored.shape, film.spacing, spacing_kind="calibrated")
    bones = write_value(folder / "truth" / f"{name}_bones", Mask(film.masks, STRUCTURES, grid, annotated(film)))
    joints = write_value(folder / "truth" / f"{name}_joints", _joints(film, grid))
    files = {column: path.relative_to(folder).as_posix() for column, path in (("xray", xray), ("joints", joints), ("bones", bones))}
    row = {"case_id": name, "patient_id": patient, "site": call["site"]} | files | _cells(film)
    whole(folder / ".rows" / f"{name}.json", json.dumps(row))


def annotated(film: StandingFilm) -> np.ndarray:
    """Where the bones of a film are judged (rows, cols): inside the joint boxes, as an annotator outlines joints and not shafts."""
    known = np.zeros(film.stored.shape, bool)
    for row0, col0, row1, col1 in film.boxes.values():
        known[max(0, round(row0)): round(row1) + 1, max(0, round(col0)): round(col1) + 1] = True
    return known


def _joints(film: StandingFilm, grid: Grid) -> Objects:
    """The boxes of all joints on the film, right before left."""
    boxes = np.array(list(film.boxes.values()), float).reshape(-1, 4)
    return Objects(boxes, tuple(joint for joint, _ in film.boxes), grid=grid)


def _cells(film: StandingFilm) -> dict[str, Any]:
    """The row's readings (what can not be measured stays empty), attributes and the design beside them."""
    readings = {f"alignment.{k}": round(film.projected[k], 4) if np.isfinite(film.projected[k]) else None for k in FILM_UNITS}
    attributes = {k: ("yes" if v else "no") if isinstance(v, bool) else v for k, v in film.attributes.items() if k != "site"}
    return readings | attributes | {f"design_{k.replace('.', '_')}": round(v, 4) for k, v in film.design.items()}
