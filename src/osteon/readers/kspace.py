"""Raw MRI signal in the HDF5 layout of fastMRI (Zbontar 2018, arXiv:1811.08839): one file an acquisition.

`kspace` (slices, coils, readout, lines) complex, `ismrmrd_header` (XML), the picture of the full acquisition in `reconstruction_rss`, and in files that
were acquired with fewer lines `mask` (lines,).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from osteon.errors import DataError, listed, message
from osteon.readers.coils import FEWEST_CENTRE, centre, middle, pictures, rss
from osteon.readers.files import refusing, replacing
from osteon.value import Grid, KSpace, Picture

WHAT = "raw MRI signal in the HDF5 layout of fastMRI"
NOTED = ("acquisition", "max", "norm")  # attributes that say how the image was made and never whose it is
AXES = ("slices", "coils", "readout", "lines")
_XML = """<?xml version="1.0" encoding="utf-8"?>
<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD"><encoding>
<encodedSpace><matrixSize><x>{readout}</x><y>{lines}</y><z>1</z></matrixSize><fieldOfView_mm><x>{tall:g}</x><y>{wide:g}</y><z>{thick:g}</z></fieldOfView_mm></encodedSpace>
<reconSpace><matrixSize><x>{rows}</x><y>{cols}</y><z>1</z></matrixSize><fieldOfView_mm><x>{height:g}</x><y>{width:g}</y><z>{thick:g}</z></fieldOfView_mm></reconSpace>
<encodingLimits><kspace_encoding_step_1><minimum>0</minimum><maximum>{last}</maximum><center>{middle}</center></kspace_encoding_step_1></encodingLimits>
<trajectory>cartesian</trajectory></encoding></ismrmrdHeader>
"""


def read_kspace(path: Path | str) -> KSpace:
    """The signal of a file with the grid of its picture, the mask where it has one, and notes of how it was made.

    Raises DataError for another layout, a signal without coils, numbers that are none, no header, and a mask that does not fit the signal.
    """
    import h5py

    with refusing(path, WHAT) as path, h5py.File(path, "r") as file:
        stored = _stored(path, file)
        grid = _grid(path, file, stored.shape)
        array = np.asarray(stored[()], np.complex64)
        _finite(path, array)
        taken = _mask(path, file, array)
        return KSpace(array, grid, name=path.name, taken=taken, notes=_notes(file))


def read_reconstruction(path: Path | str) -> Picture:
    """The picture (slices, rows, cols) of the full acquisition: the file's own, or made of its signal; raises DataError where it holds neither."""
    import h5py

    with refusing(path, WHAT) as path, h5py.File(path, "r") as file:
        grid = _grid(path, file, _stored(path, file).shape)
        if "reconstruction_rss" in file:
            array = np.asarray(file["reconstruction_rss"][()], np.float32)
            if array.shape != grid.shape:
                raise DataError(message(path, "reconstruction_rss does not fit the header", expected=f"shape {grid.shape}", found=f"Found {array.shape}"))
            if not np.isfinite(array).all():
                raise DataError(message(path, "reconstruction_rss holds numbers that are none (NaN or infinity)", do="Export it again, or leave it out"))
            return Picture(array, grid, _notes(file))
        if "mask" in file:
            raise DataError(message(path, "the file holds no picture of a full acquisition", expected="reconstruction_rss, or every line of kspace", do="Use it to predict, not to train or validate"))
    whole = read_kspace(path)
    return Picture(rss(middle(pictures(whole.array), *grid.shape[1:])), grid, whole.notes)


def write_kspace(path: Path | str, kspace: KSpace, *, reference: np.ndarray | None = None, attributes: Mapping[str, Any] | None = None) -> Path:
    """Writes a signal in fastMRI's layout, with the picture of the full acquisition (slices, rows, cols), made of it where none is given and every line is there."""
    import h5py

    path, array = Path(path), kspace.array
    full = reference if reference is not None or kspace.taken is not None else rss(middle(pictures(array), *kspace.grid.shape[1:]))
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        file.create_dataset("kspace", data=array)
        file.create_dataset("ismrmrd_header", data=_header(kspace))
        if kspace.taken is not None:
            file.create_dataset("mask", data=kspace.taken.astype(np.float32))
        if full is not None:
            file.create_dataset("reconstruction_rss", data=np.asarray(full, np.float32))
            file.attrs.update({"max": float(np.max(full)), "norm": float(np.linalg.norm(full))})
        file.attrs.update(dict(attributes or {}))
    return path


def _stored(path: Path, file: Any) -> Any:
    """The dataset of the signal; raises DataError where it is missing, real or without coils."""
    if "kspace" not in file:
        raise DataError(message(path, "there is no dataset kspace", expected=f"kspace ({', '.join(AXES)})", found=f"Found {listed(file) or 'nothing'}"))
    stored = file["kspace"]
    if stored.ndim == 3:
        raise DataError(message(path, "the signal has no coils", expected=f"kspace ({', '.join(AXES)})", found=f"Found shape {stored.shape}",
                                do="Use the multi-coil files: a single-coil file was already combined"))
    if stored.ndim != 4 or 0 in stored.shape:
        raise DataError(message(path, "the signal has other axes", expected=f"kspace ({', '.join(AXES)})", found=f"Found shape {stored.shape}"))
    if stored.dtype.kind != "c":
        raise DataError(message(path, "the signal is not complex", expected="complex64", found=f"Found {stored.dtype}"))
    return stored


def _finite(path: Path, array: np.ndarray) -> None:
    """Raises DataError naming the first slice with a number that is none, or without any signal."""
    for number, part in enumerate(array, 1):
        if not np.isfinite(part).all():
            raise DataError(message(path, f"slice {number} of kspace holds numbers that are none (NaN or infinity)", do="Export it again, or leave it out"))
        if not part.any():
            raise DataError(message(path, f"slice {number} of kspace is empty", expected="a signal", do="Export it again, or leave it out"))


def _mask(path: Path, file: Any, array: np.ndarray) -> np.ndarray | None:
    """The mask of a file (lines,); None where every line was measured. Raises DataError where mask and signal speak against each other."""
    if "mask" not in file:
        return None
    taken = np.asarray(file["mask"][()]).ravel()
    if len(taken) != array.shape[-1]:
        raise DataError(message(path, "the mask does not fit the signal", expected=f"{array.shape[-1]} lines", found=f"Found {len(taken)}"))
    if not np.isin(taken, (0, 1)).all():
        raise DataError(message(path, "the mask holds other numbers", expected="0 and 1", found=f"Found {sorted(set(taken.tolist()))[:4]}"))
    taken = taken.astype(bool)
    lines = centre(taken)
    if lines.stop - lines.start < FEWEST_CENTRE:
        raise DataError(message(path, "the mask leaves out the middle of k-space", expected=f"{FEWEST_CENTRE} lines or more without a gap about the middle (auto-calibration)",
                                found=f"Found {lines.stop - lines.start} of {taken.sum()}"))
    held = array.any(axis=(0, 1, 2))
    wrong = np.flatnonzero(held & ~taken)
    if len(wrong):
        raise DataError(message(path, "the mask is another one than that of the signal", expected="no signal outside of it", found=f"Found signal in {len(wrong)} lines that it leaves out, the first {wrong[0]}"))
    return taken


def _grid(path: Path, file: Any, shape: tuple[int, ...]) -> Grid:
    """The grid of the picture, from the header; raises DataError where there is none or it does not fit."""
    if "ismrmrd_header" not in file:
        raise DataError(message(path, "there is no header", expected="ismrmrd_header, which says how large the picture is", found=f"Found {listed(file)}"))
    rows, cols = (int(_told(path, file, f"reconSpace/matrixSize/{axis}")) for axis in "xy")
    if not (0 < rows <= shape[2] and 0 < cols <= shape[3]):
        raise DataError(message(path, "the picture that the header describes is larger than the signal", expected=f"at most {shape[2]} x {shape[3]}", found=f"Found {rows} x {cols}"))
    height, width, thick = (_told(path, file, f"reconSpace/fieldOfView_mm/{axis}") for axis in "xyz")
    spacing = (thick, height / rows, width / cols)
    return Grid((shape[0], rows, cols), spacing if min(spacing) > 0 else None, spacing_kind="volume" if min(spacing) > 0 else "unknown")


def _told(path: Path, file: Any, way: str) -> float:
    """A number of the first encoding of the header; raises DataError where it is not there."""
    from xml.etree import ElementTree

    text = file["ismrmrd_header"][()]
    space = "{http://www.ismrm.org/ISMRMRD}"
    try:
        found = ElementTree.fromstring(text).find("/".join(f"{space}{part}" for part in ("encoding", *way.split("/"))))
        return float(found.text)  # type: ignore[union-attr, arg-type]
    except (ElementTree.ParseError, AttributeError, TypeError, ValueError) as fault:
        raise DataError(message(path, f"the header does not tell {way}", expected="an ISMRMRD header (XML) with encoding/reconSpace", do="Export the file again")) from fault


def _notes(file: Any) -> dict[str, Any]:
    """How the image was made."""
    plain = {name: file.attrs[name] for name in NOTED if name in file.attrs}
    notes = {name: content.item() if hasattr(content, "item") else str(content) for name, content in plain.items()}
    return notes | ({"simulated": True} if file.attrs.get("simulated") else {})


def _header(kspace: KSpace) -> bytes:
    (_, _, readout, lines), (_, rows, cols) = kspace.array.shape, kspace.grid.shape
    thick, down, across = kspace.grid.spacing or (1.0, 1.0, 1.0)
    return _XML.format(readout=readout, lines=lines, last=lines - 1, middle=lines // 2, rows=rows, cols=cols, tall=readout * down, wide=lines * across, height=rows * down, width=cols * across, thick=thick).encode()
