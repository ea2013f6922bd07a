"""GRAZPEDWRI-DX (Nagy 2022, Sci Data 9: 222): 20,327 wrist radiographs of 6,091 children with boxes of nine classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from osteon.case import Case, Deferred, Lazy
from osteon.cohort import Cohort, Excluded
from osteon.cohort.folder import strings
from osteon.errors import DataError, listed, message
from osteon.readers.files import refusing
from osteon.readers.picture import read_picture
from osteon.value import Grid, Label, Objects, Picture

NAME = "GRAZPEDWRI-DX"
TABLE = "dataset.csv"
COLUMNS = ("filestem", "patient_id", "gender", "age", "laterality", "projection", "fracture_visible", "pixel_spacing")
LABELS = ("boneanomaly", "bonelesion", "foreignbody", "fracture", "metal", "periostealreaction", "pronatorsign", "softtissue", "text")  # by their number in a label file
SEX, VIEWS = {"M": "male", "F": "female"}, {"1": "posteroanterior", "2": "lateral", "3": "oblique"}
MARKS = ("initial_exam", "cast", "diagnosis_uncertain", "osteopenia", "metal")
FILMS = ("images", *(f"images_part{k}" for k in range(1, 5)), "yolov5/images", "folder_structure/yolov5/images")
BOXES = ("labels", "yolov5/labels", "folder_structure/yolov5/labels")
LICENCE = "CC BY 4.0 (figshare 10.6084/m9.figshare.14825193)"
NOTES = {"source": "Nagy 2022, 10.1038/s41597-022-01328-z", "traps": "the letters of side (class text) and casts tell of hospital and follow-up; `diagnosis_uncertain` marks films that the radiologists were not sure of"}


def grazpedwri_dx(root: Path) -> Cohort:
    """Films with `boxes` of nine classes and whether a fracture is visible (`fracture`: yes or no); several films a child; attributes age, sex, side, view, AO codes and the marks of the table.

    A film that is not there, or without a file of labels, is listed and left out. Raises DataError where the table, a column or both folders are missing, a film stands twice, or none is left.
    """
    folder = Path(root)
    path = folder / TABLE
    if not path.exists():
        raise DataError(message(folder, f"the file {TABLE} is not there", expected=f"{TABLE}, images/*.png and labels/*.txt (YOLO)"))
    table = strings(path)
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise DataError(message(path, f"the column {missing[0]!r} is missing", expected=", ".join(COLUMNS), found=f"Found {listed(list(table.columns))}"))
    twice = table["filestem"][table["filestem"].duplicated()]
    if len(twice):
        raise DataError(message(path, f"the film {twice.iloc[0]!r} is there twice", expected="one row a film"))
    films, boxes = (_files(folder, names, ending) for names, ending in ((FILMS, ".png"), (BOXES, ".txt")))
    rows = table.astype(object).where(table.notna(), "").to_dict("records")
    faults = {row["filestem"]: f"there is no {what} of this film" for row in rows for what, known in (("file of labels", boxes), ("picture", films)) if row["filestem"] not in known}
    if len(faults) == len(rows):
        raise DataError(message(folder, "no film can be used", expected="images/*.png and labels/*.txt", found=f"The first: {next(iter(faults.values()), 'there is none')}"))
    cases = [_case(row, films[row["filestem"]], boxes[row["filestem"]]) for row in rows if row["filestem"] not in faults]
    return Cohort(NAME, "public", cases=cases, licence=LICENCE, notes=NOTES, excluded=tuple(Excluded(film, "data set", fault) for film, fault in faults.items()))


def _files(folder: Path, names: tuple[str, ...], ending: str) -> dict[str, Path]:
    """Files of an ending by their name without it, from the folders that are there."""
    return {path.stem: path for name in names if (folder / name).is_dir() for path in sorted((folder / name).glob(f"*{ending}"))}


def _case(row: Mapping[str, str], film: Path, boxes: Path) -> Case:
    spacing = _number(row["pixel_spacing"])
    attributes: dict[str, Any] = {"age": _number(row["age"]), "sex": SEX.get(row["gender"]), "side": row["laterality"] or None, "view": VIEWS.get(_whole(row["projection"])), "ao": row.get("ao_classification") or None}
    attributes |= {mark: "yes" if _whole(row.get(mark, "")) == "1" else "no" for mark in MARKS}
    truth = {"boxes": Deferred(partial(read_yolo, boxes, film)), "fracture": Label("yes" if _whole(row["fracture_visible"]) == "1" else "no")}
    return Case(row["filestem"], f"p{row['patient_id']}", inputs=Lazy({"xray": Deferred(partial(_film, film, spacing))}), truth=Lazy(truth), attributes=attributes)


def _film(path: Path, spacing: float | None) -> Picture:
    """The film, with the pixel spacing (mm) of the table at the detector."""
    picture = read_picture(path)
    return replace(picture, grid=replace(picture.grid, spacing=(spacing, spacing), spacing_kind="detector")) if spacing else picture


def read_yolo(path: Path, film: Path) -> Objects:
    """The boxes of a label file, a line each: class, column and row of the middle, width and height in shares of the film. Raises DataError naming the line that is none."""
    grid = Grid(read_picture(film).grid.shape)
    if path.exists() and not path.stat().st_size:  # so YOLO says that there is none
        return Objects(np.zeros((0, 4)), (), grid=grid)
    with refusing(path, "labels (YOLO)") as path:
        lines = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    rows = np.array([_checked(path, number, line) for number, line in enumerate(lines, 1)]).reshape(-1, 5)
    middle, half = rows[:, [2, 1]] * grid.shape, rows[:, [4, 3]] * grid.shape / 2
    return Objects(np.hstack([middle - half, middle + half]) - 0.5, tuple(LABELS[int(k)] for k in rows[:, 0]), grid=grid)


def _checked(path: Path, number: int, line: list[str]) -> list[float]:
    try:
        found = [float(cell) for cell in line]
    except ValueError:
        found = []
    shares = np.array(found[1:])
    if len(found) != 5 or found[0] not in range(len(LABELS)) or (shares < 0).any() or (shares > 1).any() or min(found[3:]) <= 0:
        raise DataError(message(f"{path}, line {number}", "this is no box", expected=f"a class from 0 to {len(LABELS) - 1} and four shares from 0 to 1", found=f"Found {' '.join(line)!r}"))
    return found


def _number(cell: str) -> float | None:
    """A cell as a number above 0, None where it is none."""
    try:
        return found if (found := float(cell)) > 0 else None
    except ValueError:
        return None


def _whole(cell: str) -> str:
    """A cell such as 1.0 as 1."""
    return cell.removesuffix(".0")
