"""fastMRI, the knees (Zbontar 2018, arXiv:1811.08839; Knoll 2020, Radiol Artif Intell 2: e190007): raw multi-coil signal, one HDF5 file an acquisition."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from osteon.case import Case, Deferred, Lazy
from osteon.cohort import Cohort, Excluded
from osteon.errors import DataError, message
from osteon.readers.files import refusing
from osteon.readers.kspace import WHAT, read_kspace, read_reconstruction

LICENCE = "NYU fastMRI data sharing agreement (research and teaching, by application; not verified here): not to be passed on"
PARTS = {"multicoil_train": "train", "multicoil_val": "tune", "multicoil_test": "test", "multicoil_challenge": "challenge"}
WEIGHTINGS = {"CORPD_FBK": "PD", "CORPDFS_FBK": "PD, fat suppressed"}


def fastmri_knee(root: Path) -> Cohort:
    """The files of the published folders (`multicoil_train`, `multicoil_val`, ...) as cases with `acquisition` and the publisher's part; no signal is read yet.

    A file without a reference picture (the test files, acquired with fewer lines) and one that can not be opened are listed and left out. Raises DataError
    where no such folder is there or nothing is left.
    """
    home = Path(root)
    there = [name for name in PARTS if (home / name).is_dir()]
    if not there:
        single = sorted(p.name for p in home.glob("singlecoil_*") if p.is_dir()) if home.is_dir() else []
        raise DataError(message(home, "these are not the multi-coil knees of fastMRI", expected=", ".join(PARTS), found=f"Found {', '.join(single)}, whose signal has no coils" if single else ""))
    found = [each for name in there for each in _files(home / name, PARTS[name])]
    cases = [each for each in found if isinstance(each, Case)]
    if not cases:
        first = next((f"{e.id}, {e.reason}" for e in found if isinstance(e, Excluded)), "no file ending in .h5")
        raise DataError(message(home, "no file can be used", found=f"The first: {first}"))
    return Cohort("fastMRI knee", "public", cases=cases, licence=LICENCE, excluded=tuple(e for e in found if isinstance(e, Excluded)), notes={"source": "fastMRI, NYU Langone"})


def _files(folder: Path, part: str) -> Iterator[Case | Excluded]:
    for path in sorted(folder.glob("*.h5")):
        name = f"{part}/{path.stem}"
        try:
            about = _about(path)
        except DataError as fault:
            yield Excluded(name, "reading", "the file can not be read", str(fault))
            continue
        if not about["reference"]:
            yield Excluded(name, "reference", "acquired with fewer lines: there is no picture to compare with")
            continue
        weighting = about["acquisition"]
        attributes = {"acquisition": weighting, "weighting": WEIGHTINGS.get(weighting, weighting), "published_part": part, "slices": about["slices"], "coils": about["coils"]}
        yield Case(name, about["patient"] or name, inputs=Lazy({"kspace": Deferred(partial(read_kspace, path))}), truth=Lazy({"image": Deferred(partial(read_reconstruction, path))}), attributes=attributes)


def _about(path: Path) -> dict[str, Any]:
    """What a file says of itself, without its signal."""
    import h5py

    with refusing(path, WHAT) as path, h5py.File(path, "r") as file:
        shape = file["kspace"].shape
        return {"acquisition": str(file.attrs.get("acquisition", "")), "patient": str(file.attrs.get("patient_id", "")), "reference": "reconstruction_rss" in file, "slices": shape[0], "coils": shape[1] if len(shape) == 4 else 0}
