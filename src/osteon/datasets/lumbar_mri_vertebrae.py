"""Lumbar MRI with outlined vertebral bodies: VB3 (MyoSegmenTUM, Burian 2019, OSF 3j54b) and VB1 (Chu 2015, PLoS ONE 10: e0143327), as NIfTI with a table.

The files say nothing of where the patient lies: their axes run from head to foot, front to back, side to side. The labels of VB1 stand in no
anatomical order, so that the table gives it; its lowest body is S1. Discs and dural sac are not outlined: what rests on them has no truth here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from osteon.case import Case, Deferred, Lazy
from osteon.cohort import Cohort, Excluded
from osteon.errors import DataError, message
from osteon.geometry.spine_mri import LEVELS, named_readings
from osteon.readers.files import refusing
from osteon.readers.nifti import read_nifti
from osteon.value import Grid, Mask, Picture, Readings

NAME = "lumbar MRI vertebrae"
LICENCE = "published as open data, terms not verified; cite Burian 2019 and Chu 2015; signal was rescaled to 8 bits upstream and means nothing"
NEEDS = ("case_id", "source", "labels_head_to_foot", "image", "mask")
BASES = {"VB3": LEVELS, "VB1": (*LEVELS, "S1")}  # what the lowest labels of each source are
ABOVE = ("T9", "T10", "T11", "T12")
BESIDE_MM = (-6.0, -3.0, 0.0, 3.0, 6.0)  # from the middle of the bodies: the slices of an examination


def lumbar_mri_vertebrae(root: Path) -> Cohort:
    """Five sagittal slices about the middle of each examination (`offset_mm`, 0 in the middle), five cases of one patient; front to the left, head up.

    Truth: outlines of the bodies (of VB1 also that of S1) and the readings of L1 to L5 that are whole in the slice. An examination whose labels are not those of the table, or do not lie in
    its order, is listed and left out. Raises DataError where the table or a column is missing or nothing is left.
    """
    import pandas as pd

    home = Path(root)
    with refusing(home / "cases.csv", "a table of the data set") as path:
        table = pd.read_csv(path, dtype=str)
    missing = [name for name in NEEDS if name not in table]
    if missing:
        raise DataError(message(home / "cases.csv", f"column {missing[0]!r} is missing", found=f"Found {list(table.columns)}"))
    found = [each for row in table.to_dict("records") for each in _examination(home, row)]
    cases = [each for each in found if isinstance(each, Case)]
    excluded = tuple(each for each in found if isinstance(each, Excluded))
    if not cases:
        raise DataError(message(home, "no examination can be used", found=f"The first: {excluded[0].id}, {excluded[0].reason}" if excluded else "The table is empty"))
    return Cohort(NAME, "public", cases=cases, excluded=excluded, licence=LICENCE, notes={"source": "VB3 and VB1 through JonathanRamos/fastcleverseg"})


def _examination(home: Path, row: Mapping[str, str]) -> Iterator[Case | Excluded]:
    """The slices of one examination, or why it can not be used."""
    name, order = row["case_id"], tuple(int(label) for label in str(row["labels_head_to_foot"]).split())
    try:
        labels = read_nifti(home / row["mask"]).array
    except DataError as fault:
        yield Excluded(name, "reading", "the mask can not be read", str(fault))
        return
    known = _names(row["source"], order)
    fault_ = _misfit(labels, known)
    if fault_:
        yield Excluded(name, "labels", fault_)
        return
    middle = int(round(float(np.flatnonzero((labels > 0).any(axis=(1, 2))).mean())))
    for offset in BESIDE_MM:
        at = middle + int(offset)
        outlined = labels[at].T
        grid = Grid(outlined.shape, (1.0, 1.0), spacing_kind="volume")
        truth = Lazy({"parts": _outlines(outlined, known, grid), "spine": Deferred(partial(_truth, outlined, known, grid))})
        yield Case(f"{name}_{at:03d}", name, site=row["source"], inputs=Lazy({"mri": Deferred(partial(_picture, home / row["image"], at, grid))}), truth=truth,
                   attributes={"offset_mm": offset, "source": row["source"]})


def _names(source: str, order: tuple[int, ...]) -> dict[str, int]:
    """Level -> label, counted upwards from the lowest; nothing for another source."""
    base = BASES.get(source, ())
    every = (*ABOVE, *base)
    return dict(zip(every[len(every) - len(order):], order, strict=True)) if base and len(base) <= len(order) <= len(every) else {}


def _misfit(labels: np.ndarray, known: Mapping[str, int]) -> str:
    """Why the labels (side to side, front to back, head to foot) are not those of the table."""
    there = set(np.unique(labels).tolist()) - {0}
    if not known or there != set(known.values()):
        return f"labels {sorted(there)} where the table has {sorted(known.values())}"
    heights = [float(np.nonzero((labels == label).any(axis=(0, 1)))[0].mean()) for label in known.values()]
    return "" if heights == sorted(heights) else "the bodies do not lie from head to foot in the order of the table"


def _picture(path: Path, at: int, grid: Grid) -> Picture:
    return Picture(np.ascontiguousarray(read_nifti(path).array[at].T), grid, {"modality": "MR"})


def _outlines(outlined: np.ndarray, known: Mapping[str, int], grid: Grid) -> Mask:
    bodies = np.isin(outlined, [label for level, label in known.items() if level != "S1"])
    return Mask(np.stack([bodies, outlined == known["S1"]]), ("vertebra", "sacrum"), grid) if "S1" in known else Mask(bodies[None], ("vertebra",), grid)


def _truth(outlined: np.ndarray, known: Mapping[str, int], grid: Grid) -> Readings:
    return named_readings({level: outlined == label for level, label in known.items() if level in (*LEVELS, "S1")}, {}, grid)
