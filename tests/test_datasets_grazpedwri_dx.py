"""GRAZPEDWRI-DX: three films of two children in its published layout, and what is refused or listed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osteon.datasets.grazpedwri_dx import LABELS, grazpedwri_dx
from osteon.engine.reading import unreadable
from osteon.errors import DataError
from osteon.readers.inputs import Radiograph
from osteon.targets import Classes, Objects

HEADER = "filestem,patient_id,study_number,timehash,gender,age,laterality,projection,initial_exam,ao_classification,cast,diagnosis_uncertain,osteopenia,fracture_visible,metal,pixel_spacing,device_manufacturer"
ROWS = ("0001_1297860395_01_WRI-L1_M014,1,1,30,M,14.1,L,1,1.0,23r-M/3.1,,,,1.0,,0.144,Siemens", "0001_1297860435_01_WRI-L2_M014,1,1,30,M,14.1,L,2,1.0,23r-M/3.1,1.0,,,1.0,,0.144,Siemens",
        "0002_0354485735_01_WRI-R1_F012,2,1,31,F,12.0,R,1,,,,,,,,,Siemens")
BOXES = ("3 0.5 0.25 0.2 0.1\n8 0.1 0.1 0.1 0.1\n", "3 0.25 0.5 0.1 0.2\n", "")
TARGETS = {"boxes": Objects(LABELS), "fracture": Classes(("no", "yes"))}
INPUTS = {"xray": Radiograph("wrist", spacing=False)}


def folder(root: Path, *rows: str, header: str = HEADER, boxes: tuple[str, ...] = BOXES, images: str = "images", labels: str = "labels") -> Path:
    """Films as PNG of 16 bits, a label file each (YOLO), dataset.csv."""
    (root / images).mkdir(parents=True)
    (root / labels).mkdir(parents=True)
    for row, text in zip(ROWS, boxes, strict=True):
        stem = row.split(",")[0]
        Image.fromarray((np.arange(100 * 50, dtype=np.uint16) * 12).reshape(100, 50)).save(root / images / f"{stem}.png")
        (root / labels / f"{stem}.txt").write_text(text, encoding="utf-8")
    (root / "dataset.csv").write_text("\n".join([header, *(rows or ROWS)]) + "\n", encoding="utf-8")
    return root


@pytest.mark.parametrize(("images", "labels"), [("images", "labels"), ("images_part2", "folder_structure/yolov5/labels")])
def test_three_films_of_two_children(images: str, labels: str, tmp_path: Path) -> None:
    cohort = grazpedwri_dx(folder(tmp_path / "set", images=images, labels=labels))
    assert (cohort.origin, len(cohort), cohort.excluded) == ("public", 3, ()) and cohort.licence.startswith("CC BY 4.0")
    assert cohort.column("patient").tolist() == ["p1", "p1", "p2"]
    cases = list(cohort.conform(INPUTS, TARGETS))
    first = cases[0].truth["boxes"]
    assert first.labels == ("fracture", "text") and first.boxes[0] == pytest.approx([19.5, 19.5, 29.5, 29.5]), "shares of 100 rows and 50 columns, from the centre of the first pixel"
    assert cases[2].truth["boxes"].labels == () and [case.truth["fracture"].name for case in cases] == ["yes", "yes", "no"]
    assert cases[0].inputs["xray"].grid.spacing == (0.144, 0.144) and cases[0].inputs["xray"].grid.spacing_kind == "detector" and cases[2].inputs["xray"].grid.spacing is None
    assert cases[0].inputs["xray"].array.dtype == np.uint16
    told = cases[1].attributes
    assert (told["age"], told["sex"], told["side"], told["view"], told["ao"], told["cast"], told["metal"]) == (14.1, "male", "L", "lateral", "23r-M/3.1", "yes", "no") and cases[2].attributes["ao"] is None


def test_what_can_not_be_used_is_listed(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", *ROWS, "0003_x,3,1,1,M,9,L,1,,,,,,,,,Siemens")
    (root / "labels" / f"{ROWS[1].split(',')[0]}.txt").unlink()
    cohort = grazpedwri_dx(root)
    assert len(cohort) == 2 and {e.id: e.reason for e in cohort.excluded} == {"0003_x": "there is no picture of this film", ROWS[1].split(",")[0]: "there is no file of labels of this film"}


@pytest.mark.parametrize("line", ["9 0.5 0.5 0.1 0.1", "3 0.5 1.5 0.1 0.1", "3 0.5 0.5 0 0.1", "3 0.5 0.5 0.1", "fracture 0.5 0.5 0.1 0.1"])
def test_a_line_that_is_no_box_leaves_its_film_out_and_is_named(line: str, tmp_path: Path) -> None:
    cohort = grazpedwri_dx(folder(tmp_path / "set", boxes=(BOXES[0], f"3 0.5 0.5 0.1 0.1\n{line}\n", ""))).conform(INPUTS, TARGETS)
    (left,) = unreadable(cohort, INPUTS, TARGETS)
    assert left.id == ROWS[1].split(",")[0] and "truth of boxes" in left.reason and "line 2" in left.detail


@pytest.mark.parametrize(("rows", "header", "said"), [((), HEADER.replace("patient_id", "child"), "column 'patient_id'"), ((ROWS[0], ROWS[0]), HEADER, "twice"), (("x,1,1,1,M,9,L,1,,,,,,,,,S",), HEADER, "no film can be used")])
def test_a_wrong_table_is_refused(rows: tuple[str, ...], header: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        grazpedwri_dx(folder(tmp_path / "set", *rows, header=header))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"dataset.csv is not there"):
        grazpedwri_dx(tmp_path)
