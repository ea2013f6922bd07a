"""FracAtlas: three films in its published layout, and what is refused or listed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osteon.datasets.fracatlas import fracatlas
from osteon.errors import DataError
from osteon.readers.inputs import Radiograph
from osteon.targets import Classes, Objects

HEADER = "image_id,hand,leg,hip,shoulder,mixed,hardware,multiscan,fractured,fracture_count,frontal,lateral,oblique"
ROWS = ("IMG0000019.jpg,0,1,0,0,0,0,0,1,1,1,0,0", "IMG0000025.jpg,0,1,0,0,0,1,1,1,2,1,1,0", "IMG0000000.jpg,1,0,0,0,0,0,0,0,0,0,0,1")
TARGETS = {"fractures": Objects(("fracture",), masks=True), "fractured": Classes(("no", "yes"))}


def folder(root: Path, *rows: str, header: str = HEADER) -> Path:
    """images/Fractured, images/Non_fractured, Annotations/COCO JSON with polygons, dataset.csv."""
    for place, names in (("Fractured", ("IMG0000019", "IMG0000025")), ("Non_fractured", ("IMG0000000",))):
        (root / "images" / place).mkdir(parents=True)
        for name in names:
            Image.fromarray(np.full((50, 80), 90, np.uint8)).save(root / "images" / place / f"{name}.jpg")
    (root / "Annotations" / "COCO JSON").mkdir(parents=True)
    square = [20, 10, 40, 10, 40, 30, 20, 30]
    found = [(1, 0, square), (2, 1, [5, 5, 15, 5, 5, 25]), (3, 1, [60, 20, 70, 20, 70, 40, 60, 40])]
    boxes = [{"id": k, "image_id": image, "category_id": 0, "segmentation": [ring], "bbox": [min(ring[::2]), min(ring[1::2]), max(ring[::2]) - min(ring[::2]), max(ring[1::2]) - min(ring[1::2])]} for k, image, ring in found]
    images = [{"id": k, "file_name": name, "width": 80, "height": 50} for k, name in enumerate(("IMG0000019.jpg", "IMG0000025.jpg"))]
    (root / "Annotations" / "COCO JSON" / "COCO_fracture_masks.json").write_text(json.dumps({"images": images, "annotations": boxes, "categories": [{"id": 0, "name": "fractured"}]}))
    (root / "dataset.csv").write_text("\n".join([header, *(rows or ROWS)]) + "\n", encoding="utf-8")
    return root


def test_three_films_two_of_them_broken(tmp_path: Path) -> None:
    cohort = fracatlas(folder(tmp_path / "FracAtlas"))
    assert (cohort.origin, len(cohort), cohort.excluded) == ("public", 3, ()) and cohort.licence.startswith("CC BY 4.0") and "no patient is named" in cohort.notes["patients"]
    cases = list(cohort.conform({"xray": Radiograph("limb")}, TARGETS))
    one, two, whole = (case.truth["fractures"] for case in cases)
    assert one.boxes.tolist() == [[9.5, 19.5, 29.5, 39.5]] and one.labels == ("fracture",)
    assert one.masks.shape == (1, 50, 80) and one.masks[0].sum() == 400 and one.masks[0, 10:30, 20:40].all(), "a square of 20 x 20 pixels"
    assert len(two.labels) == 2 and 80 < two.masks[0].sum() < 120 and two.masks[1].sum() == 200, "a triangle and a bar"
    assert whole.labels == () and whole.masks.shape == (0, 50, 80) and whole.grid.shape == (50, 80)
    assert [case.truth["fractured"].name for case in cases] == ["yes", "yes", "no"]
    assert [case.attributes["region"] for case in cases] == ["leg", "leg", "hand"] and cases[1].attributes["view"] == "frontal, lateral" and cases[1].attributes["hardware"] == "yes"
    assert cases[0].inputs["xray"].grid.shape == (50, 80)


def test_what_can_not_be_used_is_listed(tmp_path: Path) -> None:
    rows = (*ROWS, "IMG0000099.jpg,1,0,0,0,0,0,0,0,0,0,0,1", "IMG0000098.jpg,1,0,0,0,0,0,0,?,0,0,0,1")
    cohort = fracatlas(folder(tmp_path / "set", *rows))
    assert len(cohort) == 3 and {e.id: e.reason for e in cohort.excluded} == {"IMG0000099": "the film is not there, in images/Non_fractured", "IMG0000098": "the mark '?' of a fracture is neither 0 nor 1"}


def test_a_table_that_contradicts_the_outlines_is_listed(tmp_path: Path) -> None:
    root = folder(tmp_path / "set")
    path = root / "Annotations" / "COCO JSON" / "COCO_fracture_masks.json"
    content = json.loads(path.read_text())
    content["annotations"] = [a | ({"segmentation": []} if a["id"] == 3 else {}) for a in content["annotations"] if a["image_id"] == 1]
    path.write_text(json.dumps(content))
    assert {e.id: e.reason for e in fracatlas(root).excluded} == {"IMG0000019": "the table calls it broken, and nothing is outlined", "IMG0000025": "a fracture has a box and no polygon"}


@pytest.mark.parametrize(("rows", "header", "said"), [((), HEADER.replace("multiscan", "scans"), "column 'multiscan'"), ((ROWS[0], ROWS[0]), HEADER, "twice"), (("IMG9.jpg,0,1,0,0,0,0,0,1,1,1,0,0",), HEADER, "no film can be used")])
def test_a_wrong_table_is_refused(rows: tuple[str, ...], header: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        fracatlas(folder(tmp_path / "set", *rows, header=header))


def test_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"dataset.csv is not there"):
        fracatlas(tmp_path)
    root = folder(tmp_path / "set")
    (root / "Annotations" / "COCO JSON" / "COCO_fracture_masks.json").unlink()
    with pytest.raises(DataError, match="COCO_fracture_masks"):
        fracatlas(root)
