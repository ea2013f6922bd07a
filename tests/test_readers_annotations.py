"""Boxes in COCO and landmarks in tables, as annotation tools write them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.readers import read_coco, read_landmarks, write_coco, write_landmarks
from osteon.value import Grid, Objects


def coco(path: Path, *, box: Any = (10, 20, 30, 40), image: int = 1, category: int = 7) -> Path:
    content = {"images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 200}, {"id": 2, "file_name": "b.png", "width": 50, "height": 60}],
               "categories": [{"id": 7, "name": "fracture"}], "annotations": [{"id": 5, "image_id": image, "category_id": category, "bbox": list(box)}]}
    path.write_text(json.dumps(content))
    return path


def test_boxes_are_counted_from_the_centre_of_the_first_pixel(tmp_path: Path) -> None:
    found = read_coco(coco(tmp_path / "a.json"))["a.png"]
    assert found.boxes.tolist() == [[19.5, 9.5, 59.5, 39.5]]
    assert found.labels == ("fracture",)
    assert found.scores.tolist() == [1]
    assert found.grid == Grid((200, 100))


def test_an_image_without_annotation_has_no_boxes(tmp_path: Path) -> None:
    assert read_coco(coco(tmp_path / "a.json"))["b.png"].boxes.shape == (0, 4)


def test_boxes_come_back(tmp_path: Path) -> None:
    objects = {"x.png": Objects(np.array([[0.25, 1, 5, 3.5], [-0.5, -0.5, 9.5, 7.5]]), ("hip", "knee"), np.array([0.5, 1]), Grid((10, 8)))}
    back = read_coco(write_coco(tmp_path / "a.json", objects))["x.png"]
    assert (back.boxes == objects["x.png"].boxes).all()
    assert back.labels == ("hip", "knee")
    assert back.scores.tolist() == [0.5, 1]
    with pytest.raises(DataError, match="size of a flat image"):
        write_coco(tmp_path / "b.json", {"x.png": Objects(np.array([[0, 0, 1, 1.0]]), ("hip",))})


@pytest.mark.parametrize(("change", "text"), [
    ({"image": 9}, "annotation 5: there is no image 9"), ({"category": 1}, "no category 1"), ({"box": (1, 2, 0, 4)}, "box is impossible"),
    ({"box": (1, 2, 3)}, "box is impossible"), ({"box": (100, 2, 3, 4)}, "outside its image")])
def test_faults_name_the_annotation(tmp_path: Path, change: dict[str, Any], text: str) -> None:
    with pytest.raises(DataError, match=text):
        read_coco(coco(tmp_path / "a.json", **change))


@pytest.mark.parametrize("text", ["{", "[]", '{"images": []}', '{"images": [{}], "annotations": [], "categories": []}'])
def test_other_json_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match="a.json"):
        read_coco(tmp_path / "a.json")


def test_real_boxes_open(shared_data: Callable[[str], Path]) -> None:
    found = read_coco(shared_data("fracture_boxes") / "annotations_coco.json")
    assert found
    assert all(isinstance(name, str) for name in found)
    assert any(len(value.labels) for value in found.values())


POINTS = {"c1": {"hip": (2.5, 1.0), "knee": (9.0, 4.0)}, "c2": {"hip": (3.0, 1.5)}}


@pytest.mark.parametrize("text", ["case_id,hip_x,hip_y,knee_x,knee_y\nc1,1,2.5,4,9\nc2,1.5,3,,\n", "Image;hip.X;hip.Y;knee.X;knee.Y\nc1;1;2,5;4;9\nc2;1,5;3;;\n",
                                  "case_id,landmark,x,y\nc1,hip,1,2.5\nc1,knee,4,9\nc2,hip,1.5,3\nc2,knee,,\n"], ids=["wide", "semicolons", "long"])
def test_landmarks_of_either_form(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert read_landmarks(tmp_path / "a.csv") == POINTS


def test_landmarks_come_back(tmp_path: Path) -> None:
    assert read_landmarks(write_landmarks(tmp_path / "a.csv", POINTS)) == POINTS


@pytest.mark.parametrize(("text", "words"), [
    ("case_id,hip_x\nc1,1\n", "'hip' has one column"), ("case_id,age\nc1,1\n", "no landmarks"), ("name,hip_x,hip_y\nc1,1,2\n", "no column 'case_id'"),
    ("case_id,hip_x,hip_y\nc1,1,2\nc2,1,\n", "column 'hip_y', row 3"), ("case_id,hip_x,hip_y\nc1,1,2\nc2,a,2\n", "column 'hip_x', row 3.*'a'"),
    ("case_id,landmark,x,y\nc1,hip,1,2\nc1,hip,1,3\n", "row 3: the landmark 'hip' of case 'c1' comes twice"), ("case_id,x,y\nc1,1,2\n", "no column 'landmark'")])
def test_faults_name_row_and_column(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DataError, match=words):
        read_landmarks(tmp_path / "a.csv")


def test_real_landmarks_open(shared_data: Callable[[str], Path]) -> None:
    found = read_landmarks(shared_data("hip_xray_ddh_dicom") / "landmarks.csv")
    assert len(found) == 10
    assert all(len(points) == 6 for points in found.values())
