"""Readers: from a file to a value and back; the content of a file decides what it is, not its name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from osteon.errors import DataError, message
from osteon.readers.coco import read_coco, write_coco
from osteon.readers.dicom import identity, read_dicom, read_series, write_radiograph
from osteon.readers.images import is_image, read_image
from osteon.readers.kspace import read_kspace, read_reconstruction, write_kspace
from osteon.readers.landmarks import read_landmarks, write_landmarks
from osteon.readers.nifti import aligned, read_nifti, write_nifti
from osteon.readers.picture import read_picture, write_picture
from osteon.readers.signal import read_signal, write_signal
from osteon.readers.surface import read_surface, write_surface
from osteon.readers.table import read_table, write_table
from osteon.readers.text import read_text
from osteon.readers.values import from_plain, read_value, read_written, to_plain, write_value
from osteon.readers.video import read_frame, read_video, write_video
from osteon.value import Picture

__all__ = ["aligned", "from_plain", "identity", "is_image", "read_coco", "read_dicom", "read_frame", "read_image", "read_input", "read_kspace", "read_landmarks", "read_nifti",
           "read_picture", "read_reconstruction", "read_series", "read_signal", "read_surface", "read_table", "read_text", "read_value", "read_video", "to_plain", "write_coco", "write_kspace", "write_landmarks",
           "write_nifti", "write_picture", "write_radiograph", "write_signal", "write_surface", "write_table", "write_value", "write_video"]

_OTHERS = {"table": read_table, "text": read_text, "mesh": read_surface, "kspace": read_kspace, "signal": read_signal, "video": read_video}


def read_input(path: Path | str, kind: str, *, spacing: tuple[float, ...] | None = None, frame: int | None = None) -> Any:
    """The file of an input of some kind: "picture" and "volume" give a Picture, "mesh" a Surface, "kspace" a KSpace, "signal" a Trajectory, "video" a Clip, "text" str, "table" a frame.

    `spacing` (mm, one an axis) stands for what the file does not say and goes before what it says. Raises DataError where the
    file is of another kind. With `frame` the file is a video, and the picture is the frame of that number.
    """
    if kind in _OTHERS:
        return _OTHERS[kind](path)
    if kind not in ("picture", "volume"):
        raise DataError(message(path, f"there is no reader for the input kind {kind!r}", expected=f"picture, volume, {', '.join(_OTHERS)}"))
    picture = read_written(path) if frame is None else read_frame(path, frame)
    axes = len(picture.grid.shape)
    if axes != (2 if kind == "picture" else 3):
        raise DataError(message(path, f"this is no {kind}", expected="rows and columns" if kind == "picture" else "slices, rows and columns",
                                found=f"Found shape {picture.grid.shape}"))
    return picture if spacing is None else _spaced(path, picture, tuple(map(float, spacing)))


def _spaced(path: Path | str, picture: Picture, spacing: tuple[float, ...]) -> Picture:
    if len(spacing) != len(picture.grid.shape):
        raise DataError(message(path, f"the spacing has {len(spacing)} numbers", expected=f"{len(picture.grid.shape)}, one an axis", found=f"Found {spacing}"))
    if picture.grid.spacing is not None and np.allclose(spacing, picture.grid.spacing, rtol=1e-4):
        return picture
    kind = "calibrated" if picture.grid.spacing_kind == "unknown" else picture.grid.spacing_kind
    return Picture(picture.array, replace(picture.grid, spacing=spacing, spacing_kind=kind), picture.notes)
