"""The set of fracture boxes: three films in its layout, and the set itself where it is there."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osteon import engine
from osteon.budget import SMOKE
from osteon.datasets.fracture_boxes import LABELS, fracture_boxes
from osteon.design import HoldOut
from osteon.errors import DataError
from osteon.readers.inputs import Radiograph
from osteon.report import report
from osteon.targets import Objects

HEADER = "case_id,group,width,height,n_boxes,unaugmented,image"
ROWS = ("f1,1,60,40,1,1,images/f1.jpg", "f2,1,60,40,2,0,images/f2.jpg", "f3,2,60,40,0,0,images/f3.jpg")
INPUTS = {"xray": Radiograph("limb")}


def folder(root: Path, *rows: str, header: str = HEADER, label: str = "fracture") -> Path:
    (root / "images").mkdir(parents=True)
    for k in range(1, 4):
        Image.fromarray(np.full((40, 60), 60 * k, np.uint8)).save(root / "images" / f"f{k}.jpg")
    (root / "cases.csv").write_text("\n".join([header, *(rows or ROWS)]) + "\n", encoding="utf-8")
    boxes = [{"id": 1, "image_id": 1, "category_id": 2, "bbox": [10, 5, 20, 8]}, {"id": 2, "image_id": 2, "category_id": 2, "bbox": [0, 0, 6, 6]}, {"id": 3, "image_id": 2, "category_id": 3, "bbox": [30, 20, 10, 10]}]
    names = [{"id": 2, "name": label}, {"id": 3, "name": "line"}]
    (root / "annotations_coco.json").write_text(json.dumps({"images": [{"id": k, "file_name": f"images/f{k}.jpg", "width": 60, "height": 40} for k in range(1, 4)], "annotations": boxes, "categories": names}))
    return root


def test_three_films_of_two_groups(tmp_path: Path) -> None:
    cohort = fracture_boxes(folder(tmp_path / "set"))
    assert (cohort.origin, len(cohort), cohort.excluded) == ("public", 3, ()) and cohort.column("patient").tolist() == ["g1", "g1", "g2"]
    assert "not verified" in cohort.licence and "local use" in cohort.licence
    cases = list(cohort.conform(INPUTS, {"boxes": Objects(LABELS)}))
    assert [c.truth["boxes"].labels for c in cases] == [("fracture",), ("fracture", "line"), ()]
    assert cases[0].truth["boxes"].boxes.tolist() == [[4.5, 9.5, 12.5, 29.5]], "from the centre of the first pixel, rows first"
    assert cases[2].inputs["xray"].grid.shape == (40, 60) and [c.attributes["augmented"] for c in cases] == ["no", "yes", "yes"]
    assert [c.truth["boxes"].labels for c in fracture_boxes(tmp_path / "set", merged=True)] == [("fracture",), ("fracture", "fracture"), ()]


def test_what_can_not_be_used_is_listed(tmp_path: Path) -> None:
    cohort = fracture_boxes(folder(tmp_path / "set", *ROWS, "f4,3,60,40,0,0,images/f4.jpg", "f5,3,60,40,0,0,cases.csv"))
    assert len(cohort) == 3 and {e.id: e.reason for e in cohort.excluded} == {"f4": "the picture 'images/f4.jpg' is not there", "f5": "the picture has no entry among the boxes"}


@pytest.mark.parametrize(("rows", "how", "said"), [((), {"header": HEADER.replace("group", "cluster")}, "column 'group'"), ((ROWS[0], ROWS[0]), {}, "twice"), (("f9,1,6,4,1,1,images/f9.jpg",), {}, "no film can be used"),
                                                   ((), {"label": "crack"}, "'crack' is no label")])
def test_a_wrong_folder_is_refused(rows: tuple[str, ...], how: dict[str, str], said: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=said):
        fracture_boxes(folder(tmp_path / "set", *rows, **how))  # type: ignore[arg-type]


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cases.csv is not there"):
        fracture_boxes(tmp_path)


def test_the_set_is_as_its_readme_counts_it(shared_data: Callable[[str], Path]) -> None:
    cohort = fracture_boxes(shared_data("fracture_boxes"))
    counts = Counter(label for case in cohort for label in case.truth["boxes"].labels)  # type: ignore[union-attr]
    assert len(cohort) == 330 and len(set(cohort.column("patient").tolist())) == 307 and not cohort.excluded
    assert counts == {"fracture": 215, "line": 133, "messed_up_angle": 57, "angle": 31}
    assert sum(not case.truth["boxes"].labels for case in cohort) == 13  # type: ignore[union-attr]
    (fold, *_), _ = cohort.conform(INPUTS, {"boxes": Objects(LABELS)}).folds(HoldOut(), 0)
    groups = [set(cohort.column("patient")[rows].tolist()) for rows in (*fold.fits[0], fold.test)]
    assert not (groups[0] & groups[1] or groups[0] & groups[2] or groups[1] & groups[2])


@pytest.mark.verify
def test_the_detectors_run_on_it_at_image_and_box_level(shared_data: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one path on real films: rows with an image-level AUC and a box-level average precision, a report that opens. How good they are is not asked."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[1]))
    detectors = import_module("benchmarks.detectors")
    run = engine.run(detectors.declared(("faster_rcnn",)), fracture_boxes(shared_data("fracture_boxes")), budget=SMOKE, out=tmp_path / "run")
    assert run.primary.source.origin == "public" and run.primary.counts["n"] > 40 and {"ap", "ap_coco", "recall", "auc"} <= set(run.primary.metrics)
    assert len(list(detectors.lines(run.rows))) == 1 + len(LABELS)
    assert report(run).exists()
