"""Values to plain data and to files beside a table, each in the format that other programs open."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from osteon.errors import DataError, message, near
from osteon.readers.files import refusing, replacing
from osteon.readers.images import read_image
from osteon.readers.kspace import read_reconstruction
from osteon.readers.nifti import read_nifti, write_nifti
from osteon.readers.picture import read_picture, write_picture
from osteon.readers.surface import read_surface, write_surface
from osteon.value import FAMILIES, KNOWN, UNKNOWN_LABEL, Grid, Mask, Picture, Surface, Value


def to_plain(value: Value) -> dict[str, Any]:
    """The value as what JSON can hold: {"family": name, field: content, ...}; arrays up to 10,000 numbers stay readable, larger ones are packed."""
    return {"family": type(value).__name__} | {field.name: _plain(getattr(value, field.name)) for field in fields(value)}


def from_plain(content: Mapping[str, Any]) -> Value:
    """The value of `to_plain`; raises DataError for an unknown family or field."""
    kind = FAMILIES.get(str(content.get("family")))
    if kind is None:
        raise DataError(message("value", f"there is no family {content.get('family')!r}", found=near(str(content.get("family")), FAMILIES)))
    known = {field.name for field in fields(kind)}
    strange = set(content) - known - {"family"}
    if strange:
        raise DataError(message("value", f"a {kind.__name__} has no field {sorted(strange)[0]!r}", found=near(sorted(strange)[0], known)))
    try:
        return kind(**{name: _rebuilt(part) for name, part in content.items() if name != "family"})
    except (TypeError, ValueError, KeyError, zlib.error) as fault:
        raise DataError(message("value", f"the {kind.__name__} is damaged", found=str(fault)[:200])) from fault


def write_value(path: Path | str, value: Value) -> Path:
    """Writes the value beside `path`, a name without suffix, and gives the path with its suffix; whole or not at all.

    Masks become NIfTI (a label map, or one volume a structure where they overlap), flat pictures of 8 or 16 bits PNG, other
    pictures NIfTI, surfaces PLY, all else JSON.
    """
    path = Path(path)
    if isinstance(value, Mask):
        return _write_mask(path.with_name(path.name + ".nii.gz"), value)
    if isinstance(value, Picture):
        return _write_picture(path, value)
    if isinstance(value, Surface) and value.times is None:
        return write_surface(path.with_name(path.name + ".ply"), value)
    path = path.with_name(path.name + ".json")
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(to_plain(value), allow_nan=False), encoding="utf-8")
    return path


def read_value(path: Path | str) -> Value:
    """The value of a file of `write_value`; a mask of another program comes as a Picture of whole numbers, its target makes a Mask of it; a CSV with the column `time` is a Trajectory; of raw MRI signal the picture of the full acquisition."""
    name = Path(path).name.lower()
    if name.endswith(".json"):
        with refusing(path, "a value (JSON)") as path:
            return from_plain(json.loads(path.read_text(encoding="utf-8-sig")))
    if name.endswith((".ply", ".stl", ".obj")):
        return read_surface(path)
    if name.endswith(".csv"):
        from osteon.readers.signal import read_signal  # which reads values itself

        return read_signal(path)
    if name.endswith(".h5"):
        return read_reconstruction(path)
    if name.endswith((".nii", ".nii.gz")):
        return _as_mask(read_nifti(path))
    return read_written(path)


def read_written(path: Path | str) -> Picture:
    """Any image; a PNG of `write_value` with the grid and notes that it was written with."""
    return _as_written(read_picture(path)) if Path(path).name.lower().endswith(".png") else read_image(path)


def _write_mask(path: Path, mask: Mask) -> Path:
    flat = mask.array.sum(axis=0, dtype=np.uint16).max(initial=0) <= 1 and len(mask.names) < UNKNOWN_LABEL
    if flat:
        labels = np.arange(1, len(mask.names) + 1, dtype=np.uint8)
        array = np.einsum("s,s...->...", labels, mask.array.astype(np.uint8)) if len(labels) else np.zeros(mask.grid.shape, np.uint8)
        array = array if mask.known is None else np.where(mask.known, array, np.uint8(UNKNOWN_LABEL))
        return write_nifti(path, array, mask.grid, notes={"names": list(mask.names)})
    layers = mask.array if mask.known is None else np.concatenate([mask.array, mask.known[None]])
    return write_nifti(path, np.moveaxis(layers, 0, -1), mask.grid, notes={"names": [*mask.names, *([] if mask.known is None else [KNOWN])]})


def _as_mask(picture: Picture) -> Value:
    names = picture.notes.get("names")
    if names is None:
        return Picture(picture.array, picture.grid, picture.notes.get("notes", {}))
    if picture.array.ndim == len(picture.grid.shape):
        array = np.stack([picture.array == label for label in range(1, len(names) + 1)]) if names else np.zeros((0, *picture.grid.shape), bool)
        known = picture.array != UNKNOWN_LABEL
        return Mask(array, tuple(names), picture.grid, None if known.all() else known)
    array = np.moveaxis(picture.array, -1, 0) > 0
    return Mask(array[:-1], tuple(names[:-1]), picture.grid, array[-1]) if names[-1] == KNOWN else Mask(array, tuple(names), picture.grid)


def _write_picture(path: Path, picture: Picture) -> Path:
    array, notes, spacing = picture.array, {"notes": _plain(picture.notes)}, picture.grid.spacing
    grey = array.ndim == len(picture.grid.shape) == 2 and array.dtype in (np.uint8, np.uint16)
    if grey or (array.ndim == 3 and array.shape[2] == 3 and len(picture.grid.shape) == 2 and array.dtype == np.uint8):
        return write_picture(path.with_name(path.name + ".png"), array, spacing=(spacing[0], spacing[1]) if spacing else None, notes=notes | {"grid": _plain(picture.grid)})
    return write_nifti(path.with_name(path.name + ".nii.gz"), array, picture.grid, notes=notes)


def _as_written(picture: Picture) -> Picture:
    """A PNG of ours with the grid and notes that it was written with."""
    kept = picture.notes.get("osteon")
    if not isinstance(kept, dict) or "grid" not in kept:
        return picture
    return Picture(picture.array, _rebuilt(kept["grid"]), _rebuilt(kept.get("notes") or {}))


def _plain(content: Any) -> Any:
    """Content as JSON holds it; numbers that JSON lacks become text."""
    if isinstance(content, np.generic):
        content = content.item()
    if isinstance(content, Grid):
        return {"grid": {field.name: _plain(getattr(content, field.name)) for field in fields(content)}}
    if isinstance(content, np.ndarray):
        return _packed(content) if content.size > 10_000 or content.dtype == bool else {"dtype": content.dtype.str, "shape": list(content.shape),
                                                                                        "list": _plain(content.ravel().tolist())}
    if isinstance(content, Mapping):
        return {str(name): _plain(part) for name, part in content.items()}
    if isinstance(content, (list, tuple)):
        return [_plain(part) for part in content]
    if isinstance(content, float) and not np.isfinite(content):
        return f"float:{content}"
    return content


def _packed(array: np.ndarray) -> dict[str, Any]:
    raw = np.packbits(array) if array.dtype == bool else np.ascontiguousarray(array)
    return {"dtype": array.dtype.str, "shape": list(array.shape), "zlib": base64.b64encode(zlib.compress(raw.tobytes(), 3)).decode()}


def _rebuilt(content: Any) -> Any:
    """What `_plain` was given; lists come back as tuples."""
    if isinstance(content, Mapping) and set(content) == {"grid"}:
        return Grid(**_rebuilt(content["grid"]))
    if isinstance(content, Mapping) and {"dtype", "shape"} < set(content):
        return _array(content)
    if isinstance(content, Mapping):
        return {name: _rebuilt(part) for name, part in content.items()}
    if isinstance(content, list):
        return tuple(_rebuilt(part) for part in content)
    return float(content[6:]) if isinstance(content, str) and content.startswith("float:") else content


def _array(content: Mapping[str, Any]) -> np.ndarray:
    shape, dtype = tuple(content["shape"]), np.dtype(content["dtype"])
    if "list" in content:
        return np.array(_rebuilt(content["list"]), dtype).reshape(shape)
    raw = zlib.decompress(base64.b64decode(content["zlib"]))
    if dtype.kind == "b":
        return np.unpackbits(np.frombuffer(raw, np.uint8), count=int(np.prod(shape))).astype(bool).reshape(shape)
    return np.frombuffer(raw, dtype).reshape(shape)
