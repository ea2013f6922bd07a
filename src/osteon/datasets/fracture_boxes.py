"""Limb radiographs with boxes about fractures, lines and angles (Roboflow universe, science-research-2022, version 7; a selection with groups of like images).

Most images are augmented copies, some carry arrows that point at the fracture, and nearly all are broken: good for the machinery of detectors, and for no claim about patients.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from osteon.case import Case, Deferred, Lazy
from osteon.cohort import Cohort, Excluded
from osteon.cohort.folder import strings
from osteon.errors import DataError, listed, message
from osteon.readers import read_coco, read_input
from osteon.value import Objects

if TYPE_CHECKING:
    import pandas as pd

NAME = "fracture_boxes"
TABLE, BOXES = "cases.csv", "annotations_coco.json"
COLUMNS = ("case_id", "group", "unaugmented", "image")
LABELS = ("fracture", "line", "messed_up_angle", "angle")
LICENCE = "CC BY 4.0 by its export; the films were gathered from the web, so that their rights are not verified: for local use only"
NOTES = {"source": "Roboflow universe, science-research-2022, version 7", "groups": "like images are one group, which is never split; no patient is named",
         "traps": "two of three images are augmented copies; arrows and circles point at some fractures; the classes of boxes overlap in meaning; nearly every film is broken"}


def fracture_boxes(root: Path, *, merged: bool = False) -> Cohort:
    """Films with `boxes` of four labels, or of the one label `fracture` where they are `merged`; a group of like images is one patient.

    A film whose file or list of boxes is missing is listed and left out. Raises DataError where a table, a column or a label is not as published, a film stands twice, or no film is left.
    """
    folder = Path(root)
    table, boxes = _table(folder / TABLE), read_coco(folder / BOXES)
    strangers = sorted({label for found in boxes.values() for label in found.labels} - set(LABELS))
    if strangers:
        raise DataError(message(folder / BOXES, f"{strangers[0]!r} is no label of this set", expected=listed(LABELS)))
    rows = table.to_dict("records")
    faults = {row["case_id"]: fault for row in rows if (fault := _fault(folder, row, boxes))}
    if len(faults) == len(rows):
        raise DataError(message(folder, "no film can be used", found=f"The first: {next(iter(faults.values()), 'there is none')}"))
    cases = [_case(folder, row, boxes[row["image"]], merged) for row in rows if row["case_id"] not in faults]
    return Cohort(NAME, "public", cases=cases, licence=LICENCE, notes=NOTES, excluded=tuple(Excluded(case, "data set", fault) for case, fault in faults.items()))


def _table(path: Path) -> pd.DataFrame:
    if not path.exists():
        raise DataError(message(path.parent, f"the file {path.name} is not there", expected=f"{TABLE} with {', '.join(COLUMNS)}, {BOXES}, and the folder images"))
    table = strings(path)
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise DataError(message(path, f"the column {missing[0]!r} is missing", expected=", ".join(COLUMNS), found=f"Found {listed(list(table.columns))}"))
    twice = table["case_id"][table["case_id"].duplicated()]
    if len(twice):
        raise DataError(message(path, f"the case {twice.iloc[0]!r} is there twice", expected="one row a film"))
    return table


def _fault(folder: Path, row: dict[str, str], boxes: dict[str, Objects]) -> str:
    if not isinstance(row["image"], str) or not (folder / row["image"]).is_file():
        return f"the picture {row['image']!r} is not there"
    return "" if row["image"] in boxes else "the picture has no entry among the boxes"


def _case(folder: Path, row: dict[str, str], found: Objects, merged: bool) -> Case:
    labels = ("fracture",) * len(found.labels) if merged else found.labels
    truth = Objects(found.boxes, labels, found.scores, found.grid)
    return Case(row["case_id"], f"g{row['group']}", inputs=Lazy({"xray": Deferred(partial(read_input, folder / row["image"], "picture"))}), truth=Lazy({"boxes": truth}),
                attributes={"group": row["group"], "augmented": "no" if row["unaugmented"] == "1" else "yes"})
