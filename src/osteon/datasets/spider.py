"""SPIDER (van der Graaf 2024, Sci Data 11: 264; Zenodo 10159290): lumbar MRI of 218 patients with outlines of vertebrae, discs and spinal canal and grades of every disc.

As published: `images/1_t2.mha`, `masks/1_t2.mha`, `overview.csv`, `radiological_gradings.csv`. Labels count from below: 1 is L5, 201 the disc L5/S1, 100 the canal, 101 to 125 bodies that
are cut off. Outlines of vertebrae hold the arch: of a slice the largest part of each is its body. The sacrum is not outlined, so that L5/S1 has no readings.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.case import Case, Deferred, Lazy
from osteon.cohort import Cohort, Excluded
from osteon.errors import DataError, message
from osteon.geometry.spine_mri import LEVELS, named_readings
from osteon.readers.files import refusing
from osteon.value import Grid, Mask, Picture, Readings

if TYPE_CHECKING:
    import pandas as pd

LICENCE = "CC BY 4.0; cite van der Graaf 2024"
PARTS = {"training": "train", "validation": "test"}
CANAL, WHOLE, DISCS = 100, 25, 200
LPS = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, -1]])  # slices to the left, columns backwards, rows to the feet


def spider(root: Path) -> Cohort:
    """The mid-sagittal T2 slice of every patient (SPACE series left out), front to the left, with `pfirrmann_L1` to `pfirrmann_L5`, `sex` and `published_part`.

    A series without a mask, that can not be read or lies on another grid than its mask is listed and left out. Raises DataError where folders or tables are missing or nothing is left.
    """
    home = Path(root)
    overview, grades = _table(home / "overview.csv", ("new_file_name", "subset")), _table(home / "radiological_gradings.csv", ("Patient", "IVD label", "Pfirrman grade"))
    found = [_case(home, row, grades) for row in overview.to_dict("records") if str(row["new_file_name"]).endswith("_t2")]
    cases = [each for each in found if isinstance(each, Case)]
    if not cases:
        first = next((f"{e.id}, {e.reason}" for e in found if isinstance(e, Excluded)), "the overview names no series ending in _t2")
        raise DataError(message(home, "no series can be used", expected="images/*.mha and masks/*.mha", found=f"The first: {first}"))
    return Cohort("SPIDER", "public", cases=cases, licence=LICENCE, excluded=tuple(e for e in found if isinstance(e, Excluded)), notes={"source": "Zenodo 10159290"})


def _table(path: Path, needs: tuple[str, ...]) -> pd.DataFrame:
    import pandas as pd

    with refusing(path, "a table of SPIDER") as path:
        table = pd.read_csv(path)
    missing = [name for name in needs if name not in table]
    if missing:
        raise DataError(message(path, f"column {missing[0]!r} is missing", found=f"Found {list(table.columns)}"))
    return table


def _case(home: Path, row: Mapping[str, Any], grades: pd.DataFrame) -> Case | Excluded:
    """One patient, or why the series can not be used; the mask is looked at, the picture is not."""
    name = str(row["new_file_name"])
    patient = name.split("_")[0]
    image, mask = (home / folder / f"{name}.mha" for folder in ("images", "masks"))
    try:
        labels, spacing = _volume(mask)
        shape = _shape(image)
    except DataError as fault:
        return Excluded(name, "reading", "image or mask can not be read", str(fault))
    if shape != labels.shape:
        return Excluded(name, "reading", "image and mask lie on different grids", f"{shape} and {labels.shape}")
    at = _middle(labels)
    if at is None:
        return Excluded(name, "labels", "no whole vertebra is outlined")
    outlined, grid = labels[at], Grid(labels.shape[1:], spacing, spacing_kind="volume")
    read = grades[grades["Patient"].astype(str) == patient].set_index("IVD label")["Pfirrman grade"]
    own = {f"pfirrmann_{level}": int(read[1 + k]) for k, level in enumerate(reversed(LEVELS)) if 1 + k in read.index and np.isfinite(read[1 + k])}
    about = {"published_part": PARTS.get(str(row["subset"]), str(row["subset"]))} | ({"sex": str(row["sex"])} if isinstance(row.get("sex"), str) else {})
    truth = Lazy({"parts": Deferred(partial(_outlines, outlined, grid)), "spine": Deferred(partial(_truth, outlined, grid))})
    return Case(name, patient, inputs=Lazy({"mri": Deferred(partial(_picture, image, at, grid))}), truth=truth, attributes=about | own)


def _volume(path: Path) -> tuple[np.ndarray, tuple[float, float]]:
    """A volume as (slices to the left, rows to the feet, columns backwards), whatever way it is stored, and the spacing of its slices (mm)."""
    import SimpleITK

    with refusing(path, "an image of SPIDER (MHA)") as path:
        image = SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(path)), "PIL")  # columns backwards, rows down, slices to the left
        array = SimpleITK.GetArrayFromImage(image)
    col, row, _ = image.GetSpacing()
    return array, (float(row), float(col))


def _shape(path: Path) -> tuple[int, ...]:
    """The shape that `_volume` gives, from the header."""
    return _volume(path)[0].shape


def _middle(labels: np.ndarray) -> int | None:
    """The slice in the middle of the canal, or of the bodies where the canal is not outlined."""
    whole = (labels >= 1) & (labels <= WHOLE)
    middle = np.flatnonzero(((labels == CANAL) if (labels == CANAL).any() else whole).any(axis=(1, 2)))
    return int(round(float(middle.mean()))) if whole.any() else None


def _picture(path: Path, at: int, grid: Grid) -> Picture:
    return Picture(np.ascontiguousarray(_volume(path)[0][at]), grid, {"modality": "MR"})


def _bodies(outlined: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """The label of each vertebra in the slice, a cut off one as 101 and above, with the largest part of its outline."""
    from scipy.ndimage import label

    for value in np.unique(outlined).tolist():
        if 1 <= value <= WHOLE or CANAL < value <= CANAL + WHOLE:
            parts, count = label(outlined == value)
            yield value, parts == 1 + int(np.argmax(np.bincount(parts.ravel(), minlength=count + 1)[1:]))


def _outlines(outlined: np.ndarray, grid: Grid) -> Mask:
    bodies = np.any([part for _, part in _bodies(outlined)] or [np.zeros(outlined.shape, bool)], axis=0)
    return Mask(np.stack([bodies, outlined > DISCS, outlined == CANAL]), ("vertebra", "disc", "csf"), grid)


def _truth(outlined: np.ndarray, grid: Grid) -> Readings:
    """Readings of L1 to L5 and of the discs between them; the signal of a disc is left to the picture."""
    bodies = {LEVELS[-value]: part for value, part in _bodies(outlined) if 1 <= value <= len(LEVELS)}
    discs = {LEVELS[-(value - DISCS)]: outlined == value for value in np.unique(outlined).tolist() if 1 <= value - DISCS <= len(LEVELS)}
    return named_readings(bodies, discs, grid)
