"""Cut short or with wrong bytes: a file opens or is refused with one clear error, nothing else and without a sound."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pydicom
import pytest

from osteon.errors import DataError
from osteon.readers import (
    is_image,
    read_coco,
    read_image,
    read_landmarks,
    read_nifti,
    read_picture,
    read_surface,
    read_table,
    read_value,
    write_landmarks,
    write_nifti,
    write_picture,
    write_radiograph,
    write_surface,
    write_table,
    write_value,
)
from osteon.value import Grid, Mask, Readings, Surface

FILM = (np.add.outer(np.arange(48), np.arange(40)) * 500).astype(np.uint16)
GRID = Grid((48, 40), (0.1, 0.1))
BOXES = {"images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 200}], "categories": [{"id": 7, "name": "x"}],
         "annotations": [{"id": 5, "image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4]}]}


def dicom(folder: Path, syntax: str = "", plugin: str = "") -> Path:
    path = write_radiograph(folder / "a.dcm", FILM, spacing=(0.1, 0.1), simulated=True)
    if syntax:
        data = pydicom.dcmread(path)
        data.compress(syntax, encoding_plugin=plugin)
        data.save_as(path)
    return path


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


TABLE = pd.DataFrame({"case_id": ["007", "8"] * 20, "age": [71.5, np.nan] * 20, "note": ["a, b", "ü"] * 20})
MESH = Surface(np.random.default_rng(0).normal(size=(9, 3)), np.arange(9).reshape(3, 3))
MAKERS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], Any]]] = {
    "dicom": (dicom, read_image), "dicom rle": (lambda f: dicom(f, "1.2.840.10008.1.2.5", "pydicom"), read_image),
    "dicom jpeg-ls": (lambda f: dicom(f, "1.2.840.10008.1.2.4.80", "pyjpegls"), read_image),
    "dicom jpeg 2000": (lambda f: dicom(f, "1.2.840.10008.1.2.4.90", "pylibjpeg"), read_image),
    "png": (lambda f: write_picture(f / "a.png", FILM), read_picture), "jpeg": (lambda f: write_picture(f / "a.jpg", (FILM >> 8).astype(np.uint8)), read_picture),
    "tiff": (lambda f: write_picture(f / "a.tif", FILM), read_picture), "nifti": (lambda f: write_nifti(f / "a.nii", FILM, GRID), read_nifti),
    "nifti gz": (lambda f: write_nifti(f / "a.nii.gz", FILM, GRID), read_nifti),
    "mask": (lambda f: write_value(f / "a", Mask((FILM > 9000)[None], ("bone",), GRID)), read_value),
    "readings": (lambda f: write_value(f / "a", Readings({"HKA": 180.0}, {"hip": (1, 2)}, GRID)), read_value),
    "csv": (lambda f: write_table(f / "a.csv", TABLE), read_table), "xlsx": (lambda f: write_table(f / "a.xlsx", TABLE), read_table),
    "parquet": (lambda f: write_table(f / "a.parquet", TABLE), read_table), "coco": (lambda f: written(f / "a.json", json.dumps(BOXES)), read_coco),
    "landmarks": (lambda f: write_landmarks(f / "a.csv", {"c": {"hip": (1, 2), "knee": (3, 4)}}), read_landmarks),
    "ply": (lambda f: write_surface(f / "a.ply", MESH), read_surface), "stl": (lambda f: write_surface(f / "a.stl", MESH), read_surface),
}


def damaged(whole: bytes, rng: np.random.Generator) -> bytes:
    """The file cut short, or with one to thirty wrong bytes, half of them in its head."""
    if rng.random() < 0.4:
        return whole[: int(rng.integers(0, len(whole)))]
    content = np.frombuffer(whole, np.uint8).copy()
    for _ in range(rng.choice([1, 3, 30])):
        content[rng.integers(0, len(content) if rng.random() < 0.5 else min(600, len(content)))] = rng.integers(0, 256)
    return content.tobytes()


@pytest.mark.parametrize("kind", MAKERS)
def test_damage_ends_in_one_error(tmp_path: Path, kind: str, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder) -> None:
    make, read = MAKERS[kind]
    path = make(tmp_path)
    whole, rng = path.read_bytes(), np.random.default_rng(len(kind))
    read(path)
    said = []
    for _ in range(40):
        path.write_bytes(damaged(whole, rng))
        is_image(path)
        try:
            read(path)
        except DataError as error:
            said.append(str(error))
    assert len(said) > 5
    assert all(text.endswith((".", "?")) for text in said)
    assert capfd.readouterr() == ("", "")
    assert not recwarn.list


@pytest.mark.parametrize("place", [0.3, 0.7])
def test_conformance_files_cut_short(shared_data: Callable[[str], Path], tmp_path: Path, place: float) -> None:
    for path in sorted((shared_data("dicom_conformance") / "good").glob("*.dcm")):
        whole = path.read_bytes()
        (tmp_path / "a.dcm").write_bytes(whole[: int(len(whole) * place)])
        with pytest.raises(DataError):
            read_image(tmp_path / "a.dcm")
