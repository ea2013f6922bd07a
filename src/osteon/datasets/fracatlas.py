"""FracAtlas (Abedeen 2023, Sci Data 10: 521): 4,083 radiographs of hand, leg, hip and shoulder, 717 of them broken, with outlines of the fractures."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from osteon.case import Case, Deferred, Lazy
from osteon.cohort import Cohort, Excluded
from osteon.cohort.folder import strings
from osteon.errors import DataError, listed, message
from osteon.readers import read_coco, read_input
from osteon.readers.coco import drawn, read_polygons
from osteon.readers.picture import read_picture
from osteon.value import Label, Objects

NAME = "FracAtlas"
TABLE, OUTLINES = "dataset.csv", Path("Annotations") / "COCO JSON" / "COCO_fracture_masks.json"
FOLDERS = {"1": Path("images") / "Fractured", "0": Path("images") / "Non_fractured"}
REGIONS, VIEWS = ("hand", "leg", "hip", "shoulder"), ("frontal", "lateral", "oblique")
COLUMNS = ("image_id", *REGIONS, "mixed", "hardware", "multiscan", "fractured", *VIEWS)
LICENCE = "CC BY 4.0 (figshare 10.6084/m9.figshare.22363012)"
NOTES = {"source": "Abedeen 2023, 10.1038/s41597-023-02432-4", "patients": "no patient is named: films of one patient can fall into different parts", "spacing": "unknown"}


def fracatlas(root: Path) -> Cohort:
    """Films with `fractures` (boxes and outlines) and whether one is there (`fractured`: yes or no); attributes region, view, hardware, multiscan.

    A film that is not there, whose mark in the table is none, or that the table calls broken and nobody outlined (or the reverse) is listed and left out. Raises DataError where the table,
    a column or the outlines are missing, a film stands twice, or none is left.
    """
    folder = Path(root)
    path = folder / TABLE
    if not path.exists():
        raise DataError(message(folder, f"the file {TABLE} is not there", expected=f"{TABLE}, images/Fractured, images/Non_fractured and {OUTLINES.as_posix()}"))
    table = strings(path)
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise DataError(message(path, f"the column {missing[0]!r} is missing", expected=", ".join(COLUMNS), found=f"Found {listed(list(table.columns))}"))
    twice = table["image_id"][table["image_id"].duplicated()]
    if len(twice):
        raise DataError(message(path, f"the film {twice.iloc[0]!r} is there twice", expected="one row a film"))
    boxes, polygons = read_coco(folder / OUTLINES), read_polygons(folder / OUTLINES)
    rows = table.to_dict("records")
    faults = {row["image_id"]: fault for row in rows if (fault := _fault(folder, row, boxes, polygons))}
    if len(faults) == len(rows):
        raise DataError(message(folder, "no film can be used", found=f"The first: {next(iter(faults.values()), 'there is none')}"))
    cases = [_case(folder, row, boxes.get(row["image_id"]), polygons.get(row["image_id"], [])) for row in rows if row["image_id"] not in faults]
    return Cohort(NAME, "public", cases=cases, licence=LICENCE, notes=NOTES, excluded=tuple(Excluded(Path(film).stem, "data set", fault) for film, fault in faults.items()))


def _fault(folder: Path, row: Mapping[str, str], boxes: Mapping[str, Objects], polygons: Mapping[str, list[list[np.ndarray]]]) -> str:
    if row["fractured"] not in FOLDERS:
        return f"the mark {row['fractured']!r} of a fracture is neither 0 nor 1"
    if not (folder / FOLDERS[row["fractured"]] / row["image_id"]).is_file():
        return f"the film is not there, in {FOLDERS[row['fractured']].as_posix()}"
    outlined = row["image_id"] in boxes and bool(boxes[row["image_id"]].labels)
    if outlined != (row["fractured"] == "1"):
        return "a fracture is outlined, and the table knows none" if outlined else "the table calls it broken, and nothing is outlined"
    return "" if all(polygons.get(row["image_id"], ())) else "a fracture has a box and no polygon"


def _case(folder: Path, row: Mapping[str, str], boxes: Objects | None, polygons: list[list[np.ndarray]]) -> Case:
    path, name = folder / FOLDERS[row["fractured"]] / row["image_id"], Path(row["image_id"]).stem
    regions = [region for region in REGIONS if row[region] == "1"]
    attributes: dict[str, Any] = {"region": "mixed" if row["mixed"] == "1" or len(regions) > 1 else regions[0] if regions else "", "view": ", ".join(view for view in VIEWS if row[view] == "1")}
    attributes |= {mark: "yes" if row[mark] == "1" else "no" for mark in ("hardware", "multiscan")}
    truth = {"fractures": Deferred(partial(_outlined, path, boxes, polygons)), "fractured": Label("yes" if row["fractured"] == "1" else "no")}
    return Case(name, name, inputs=Lazy({"xray": Deferred(partial(read_input, path, "picture"))}), truth=Lazy(truth), attributes=attributes)


def _outlined(path: Path, boxes: Objects | None, polygons: list[list[np.ndarray]]) -> Objects:
    """The fractures with their outlines on the grid of the film, none of a film without."""
    if boxes is None or boxes.grid is None:
        grid = read_picture(path).grid
        return Objects(np.zeros((0, 4)), (), grid=grid, masks=np.zeros((0, *grid.shape), bool))
    return Objects(boxes.boxes, ("fracture",) * len(boxes.labels), boxes.scores, boxes.grid, drawn(polygons, boxes.grid.shape))
