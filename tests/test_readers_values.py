"""Values: every family to plain data and to files, and back unchanged."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.errors import DataError
from osteon.readers import from_plain, read_surface, read_value, to_plain, write_nifti, write_surface, write_value
from osteon.value import FAMILIES, Grade, Grid, Label, Mask, Objects, Picture, Readings, Risk, Surface, Trajectory, Value, Withheld

FILM = Grid((6, 4), (0.143, 0.143), spacing_kind="detector")
VOLUME = Grid((2, 6, 4), (3.0, 0.7, 0.5), (1.0, 2.0, 3.0), (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0), "volume")
RNG = np.random.default_rng(0)
APART = np.zeros((3, 6, 4), bool)
APART[0, :2], APART[1, 3:] = True, True  # the third structure is not in the picture
VALUES: dict[str, Value] = {
    "withheld": Withheld("no film"), "label": Label("A", {"A": 0.75, "B": 0.25}), "label alone": Label("A"), "grade": Grade(2, (0.1, 0.2, 0.7)),
    "objects": Objects(np.array([[0.5, 1, 2, 3.25], [1, 1, 5, 3]]), ("hip", "knee"), np.array([0.9, 0.8]), FILM),
    "boxes in space": Objects(np.array([[0, 0, 0, 1, 2, 3.5]]), ("disc",), None, VOLUME),
    "readings": Readings({"HKA": 178.5, "MPTA": float("nan")}, {"hip": (1.25, 2.0)}, FILM, {"MPTA": "no tibia"}),
    "mask": Mask(APART, ("femur", "tibia", "talus"), FILM), "overlap": Mask(RNG.random((3, 6, 4)) > 0.5, ("a", "b", "c"), FILM),
    "mask in space": Mask(RNG.random((2, 2, 6, 4)) > 0.5, ("a", "b"), VOLUME), "one mask": Mask(APART[:1], ("femur",), FILM),
    "no mask": Mask(np.zeros((0, 6, 4), bool), (), FILM),
    "film": Picture(RNG.integers(0, 65536, (6, 4), dtype=np.uint16), FILM, {"window": (1.5, 2.0), "simulated": True}),
    "colour": Picture(RNG.integers(0, 256, (6, 4, 3), dtype=np.uint8), FILM), "floats": Picture(RNG.normal(size=(6, 4)), FILM, {"unit": "mm"}),
    "deep colour": Picture(RNG.integers(0, 65536, (6, 4, 3), dtype=np.uint16), FILM), "scan": Picture(RNG.integers(-99, 99, (2, 6, 4), dtype=np.int16), VOLUME),
    "nowhere": Picture(RNG.integers(0, 256, (6, 4), dtype=np.uint8), Grid((6, 4))),
    "survival": Risk(np.array([1.0, 2.0]), np.array([0.9, 0.5])), "event": Risk(np.array([2.5]), None, True),
    "gait": Trajectory(np.arange(3.0), RNG.normal(size=(3, 2)), ("hip", "knee")),
    "surface": Surface(RNG.normal(size=(5, 3)), np.array([[0, 1, 2], [2, 3, 4]])),
}


def same(one: Any, other: Any) -> bool:
    """Equal in every field, arrays with their type, numbers that are no numbers included."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if type(one) in FAMILIES.values():
        return type(one) is type(other) and all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    if hasattr(one, "items"):
        return list(one) == list(other) and all(same(one[k], other[k]) for k in one)
    return one == other or (one != one and other != other)


@pytest.mark.parametrize("name", VALUES)
def test_plain_data_and_back(name: str) -> None:
    text = json.dumps(to_plain(VALUES[name]), allow_nan=False)
    assert same(from_plain(json.loads(text)), VALUES[name])


@pytest.mark.parametrize("name", VALUES)
def test_files_and_back(tmp_path: Path, name: str) -> None:
    path = write_value(tmp_path / "deep" / "case.1_x", VALUES[name])
    assert path.name.startswith("case.1_x.")
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    back = read_value(path)
    if isinstance(back, Picture):
        back = Picture(back.array, back.grid, {k: v for k, v in back.notes.items() if k != "format"})
    assert same(back, VALUES[name])


def test_an_image_without_objects_and_back(tmp_path: Path) -> None:
    empty = Objects(np.zeros((0, 4)), (), None, FILM)
    assert same(read_value(write_value(tmp_path / "a", empty)), empty)
    assert empty.boxes.shape == (0, 4)


@pytest.mark.parametrize(("name", "suffix"), [("label", ".json"), ("mask", ".nii.gz"), ("film", ".png"), ("floats", ".nii.gz"), ("scan", ".nii.gz"), ("surface", ".ply")])
def test_the_format_others_open(tmp_path: Path, name: str, suffix: str) -> None:
    assert write_value(tmp_path / "a", VALUES[name]).name == f"a{suffix}"


def test_every_family_is_tried_here() -> None:
    assert {type(value) for value in VALUES.values()} == set(FAMILIES.values())


def test_a_mask_opens_elsewhere(tmp_path: Path) -> None:
    import SimpleITK as sitk

    flat = sitk.GetArrayFromImage(sitk.ReadImage(str(write_value(tmp_path / "a", VALUES["mask"]))))
    assert flat.shape == (1, 6, 4)
    assert flat[0, 0].tolist() == [1] * 4
    assert flat[0, 5].tolist() == [2] * 4
    several = sitk.ReadImage(str(write_value(tmp_path / "b", VALUES["mask in space"])))
    assert several.GetSize() == (4, 6, 2, 2)


def test_a_label_map_of_another_program_is_a_picture(tmp_path: Path) -> None:
    labels = np.arange(24, dtype=np.uint8).reshape(6, 4) % 3
    value = read_value(write_nifti(tmp_path / "a.nii.gz", labels, FILM))
    assert isinstance(value, Picture)
    assert (value.array == labels).all()
    assert value.grid == FILM
    assert not value.notes


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), min_size=1, max_size=20))
def test_any_number_survives(numbers: list[float]) -> None:
    value = Trajectory(np.arange(len(numbers), dtype=float), np.array(numbers).reshape(-1, 1), ("x",))
    assert same(from_plain(json.loads(json.dumps(to_plain(value), allow_nan=False))), value)


def test_large_arrays_are_packed() -> None:
    value = Trajectory(np.arange(20_000.0), np.zeros((20_000, 1)), ("x",))
    assert len(json.dumps(to_plain(value))) < 100_000
    assert same(from_plain(to_plain(value)), value)


@pytest.mark.parametrize(("content", "text"), [
    ({"family": "Lable", "name": "A"}, "Did you mean 'Label'"), ({"family": "Label", "nmae": "A"}, "no field 'nmae'.*'name'"), ({"family": "Grade"}, "damaged"),
    ({"family": "Mask", "array": {"dtype": "|b1", "shape": [1, 2, 2], "zlib": "AAAA"}, "names": ["a"], "grid": {"grid": {"shape": [2, 2]}}}, "damaged")])
def test_bad_plain_data_is_told(content: dict[str, Any], text: str) -> None:
    with pytest.raises(DataError, match=text):
        from_plain(content)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '{"family": 3}'])
def test_bad_files_are_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError):
        read_value(tmp_path / "a.json")


def test_an_stl_comes_back_with_merged_vertices(tmp_path: Path) -> None:
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], float)
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    back = read_surface(write_surface(tmp_path / "a.stl", Surface(corners, faces)))
    assert len(back.vertices) == 4
    assert np.sort(back.vertices[back.faces].sum(axis=(1, 2))) == pytest.approx(np.sort(corners[faces].sum(axis=(1, 2))))
    with pytest.raises(DataError, match="suffix"):
        write_surface(tmp_path / "a.obj", Surface(corners, faces))
    (tmp_path / "b.ply").write_text("ply\nnothing")
    with pytest.raises(DataError, match="b.ply"):
        read_surface(tmp_path / "b.ply")
