"""VerSe 2019 and 2020: CT of the spine with a mask and a centroid a vertebra (Sekuboyina A. Med Image Anal 2021; 73: 102166; Loeffler MT. Radiol Artif Intell 2020; 2: e190138).

Layout of each archive: `rawdata/sub-verse004/sub-verse004_ct.nii.gz`, `derivatives/sub-verse004/sub-verse004_seg-vert_msk.nii.gz` and `..._seg-subreg_ctd.json`; between the
subject and the ending a file may name a direction or a split (`sub-gl003_dir-ax_ct.nii.gz`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from osteon.case import Case, Deferred, Lazy
from osteon.cohort import Cohort, Excluded
from osteon.errors import DataError, message
from osteon.readers.files import refusing
from osteon.value import Mask, Readings

LICENCE = "CC BY-SA 4.0: the source must be named, what is made from the data passed on under the same licence"
CT, MASK, CENTROIDS = "_ct.nii.gz", "_seg-vert_msk.nii.gz", "_seg-subreg_ctd.json"
PARTS = {"training": "train", "validation": "tune", "test": "test"}
NAMES: Mapping[int, str] = MappingProxyType({**{k: f"C{k}" for k in range(1, 8)}, **{7 + k: f"T{k}" for k in range(1, 13)}, **{19 + k: f"L{k}" for k in range(1, 7)}, 26: "sacrum", 27: "coccyx", 28: "T13"})
VERTEBRAE = tuple(name for label, name in NAMES.items() if label not in (26, 27))  # sacrum and coccyx are numbered and not outlined


def verse(root: Path) -> Cohort:
    """The scans of one archive, or of all that lie side by side in a folder: input `ct`, truth `vertebrae` (a mask of those that the scan shows) and, where they are given, `centroids` (points in
    voxels by name); patients by subject, the publisher's part. No voxel is read yet.

    A scan without a mask, with one on another grid, or one that can not be opened is listed and left out. Raises DataError where no archive is there or nothing is left.
    """
    home = Path(root)
    archives = [each for each in (home, *sorted(p for p in home.glob("*") if p.is_dir())) if (each / "rawdata").is_dir()]
    if not archives:
        raise DataError(message(home, "this is no archive of VerSe", expected="rawdata and derivatives, or folders that hold them"))
    found = [each for archive in archives for each in _scans(archive)]
    cases = [each for each in found if isinstance(each, Case)]
    excluded = tuple(each for each in found if isinstance(each, Excluded))
    if not cases:
        raise DataError(message(home, "no scan can be used", found=f"The first: {excluded[0].id}, {excluded[0].reason}" if excluded else f"Found no file that ends in {CT}"))
    twice = next((case.id for k, case in enumerate(cases) if case.id in {c.id for c in cases[:k]}), "")
    if twice:
        raise DataError(message(home, f"the scan {twice!r} lies in two archives", do="Give the archives of 2019 and 2020 apart"))
    return Cohort("VerSe", "public", cases=cases, excluded=excluded, licence=LICENCE, notes={"source": "VerSe 2019 and 2020, osf.io/nqjyw and osf.io/t98fz"})


def _scans(archive: Path) -> Iterator[Case | Excluded]:
    """Every scan of an archive, in order; a subject without one is listed."""
    part = next((part for word, part in PARTS.items() if word in archive.name), "")
    for subject in sorted(p for p in (archive / "rawdata").iterdir() if p.is_dir()):
        scans = sorted(subject.glob(f"*{CT}"))
        if not scans:
            yield Excluded(subject.name, "data set", "the folder holds no scan")
        for path in scans:
            yield _scan(path, archive / "derivatives" / subject.name, part)


def _scan(path: Path, beside: Path, part: str) -> Case | Excluded:
    name = path.name.removesuffix(CT)
    mask, centroids = beside / f"{name}{MASK}", beside / f"{name}{CENTROIDS}"
    if not mask.exists():
        return Excluded(name, "data set", "no mask of the vertebrae")
    try:
        own, other = (_placed(file) for file in (path, mask))
    except DataError as fault:
        return Excluded(name, "reading", "a file can not be read", str(fault))
    if own[0] != other[0] or not np.allclose(own[1], other[1], atol=1e-2):
        return Excluded(name, "data set", "the mask lies on another grid than the scan", f"shapes {own[0]} and {other[0]}")
    truth: dict[str, Any] = {"vertebrae": Deferred(partial(read_vertebrae, mask))}
    if centroids.exists():
        truth["centroids"] = Deferred(partial(read_centroids, centroids, mask))
    from osteon.readers import read_input

    attributes = {"published_part": part, "slice_mm": round(float(max(np.linalg.norm(own[1][:3, :3], axis=0))), 3), "centroids": "yes" if centroids.exists() else "no"}
    return Case(name, path.parent.name, inputs=Lazy({"ct": Deferred(partial(read_input, path, "volume"))}), truth=Lazy(truth), attributes=attributes)


def _placed(path: Path) -> tuple[tuple[int, ...], np.ndarray]:
    """Shape and affine by the header alone."""
    import nibabel

    with refusing(path, "a NIfTI image") as path:
        image: Any = nibabel.load(path)
        return tuple(image.shape), np.asarray(image.affine, float)


def read_vertebrae(path: Path) -> Mask:
    """The vertebrae that a label map shows, from above (T13 last). Raises DataError for a label that names no vertebra."""
    from osteon.readers import read_nifti

    picture = read_nifti(path)
    labels = [int(label) for label in np.unique(picture.array) if label != 0]
    strange = [label for label in labels if NAMES.get(label) not in VERTEBRAE]
    if strange:
        raise DataError(message(path, f"the label {strange[0]} names no vertebra", expected="1-7 (C1-C7), 8-19 (T1-T12), 20-25 (L1-L6), 28 (T13)"))
    return Mask(np.array([picture.array == label for label in labels], bool).reshape(len(labels), *picture.grid.shape), tuple(NAMES[label] for label in labels), picture.grid)


def read_centroids(path: Path, image: Path) -> Readings:
    """The centroid of each vertebra by name, in voxels (slice, row, col) of the image, whose axes may run otherwise than those of the file. Raises DataError for a file of another form."""
    from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

    from osteon.readers import read_nifti

    with refusing(path, "centroids of VerSe") as path:
        first, *points = json.loads(path.read_text(encoding="utf-8"))
        turn = ornt_transform(axcodes2ornt(tuple(first["direction"])), io_orientation(_placed(image)[1])).astype(int)
        given = {NAMES[int(p["label"])]: (float(p["X"]), float(p["Y"]), float(p["Z"])) for p in points if int(p["label"]) in NAMES}
    picture = read_nifti(image)
    shape = picture.grid.shape[::-1]
    at = np.full((len(given), 3), np.nan)
    for own, (aim, way) in enumerate(turn):
        along = np.array([point[own] for point in given.values()])
        at[:, aim] = along if way > 0 else shape[aim] - 1 - along
    return Readings({}, {name: tuple(map(float, point[::-1])) for name, point in zip(given, at, strict=True)}, picture.grid)
