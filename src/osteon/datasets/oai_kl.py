"""Knees of the Osteoarthritis Initiative with their Kellgren-Lawrence grade as they are published (Chen P. Mendeley Data 2018, 10.17632/56rmx5bjcr.1): `train/3/9001695L.png`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from osteon.cohort import Cohort, Excluded
from osteon.cohort.rows import Rows
from osteon.errors import DataError, message

PARTS = ("train", "val", "test")  # auto_test holds the knees of the test part once more, found by a detector
GRADES = ("0", "1", "2", "3", "4")
NAME = re.compile(r"(\d{7})([LR])$")  # person, and the side of the knee
LICENCE = "CC BY 4.0 by its page; the films are those of the Osteoarthritis Initiative, whose own terms apply"


def oai_kl(root: Path) -> Cohort:
    """Knees with `kl`, `side` and `published_part`, patients by the number of the Initiative; there is no pixel spacing.

    Raises DataError where no part is there, no knee can be used, or a person lies in two parts; pictures with another name, below another folder than a grade,
    or of a knee that is there already are listed.
    """
    import pandas as pd

    folder = Path(root)
    if not any((folder / part).is_dir() for part in PARTS):
        raise DataError(message(folder, "no part of the data set is there", expected="the folders train, val and test, each with folders 0 to 4"))
    rows, faults = [], {}
    for picture, part in _pictures(folder):
        name, grade = NAME.search(picture.stem), picture.parent.name
        inside = str(picture.relative_to(folder))
        if name is None or grade not in GRADES:
            faults[inside] = f"the name {picture.stem!r} is none of a knee (9001695L)" if name is None else f"the folder {grade!r} is none of 0 to 4"
            continue
        rows.append({"case_id": f"{name[1]}{name[2]}", "patient_id": name[1], "side": name[2], "kl": grade, "published_part": part, "xray": inside})
    if not rows:
        raise DataError(message(folder, "no knee can be used", found=f"The first fault: {next(iter(faults.values()), 'no picture')}"))
    frame = pd.DataFrame(rows)
    again = frame["case_id"].duplicated()
    faults |= dict.fromkeys(frame.loc[again, "xray"], "this knee is there already")
    frame = frame[~again].reset_index(drop=True)
    crossing = frame.groupby("patient_id")["published_part"].nunique()
    if (crossing > 1).any():
        raise DataError(message(folder, f"the person {crossing.index[crossing > 1][0]!r} lies in two parts", expected="every person in one part, as published"))
    excluded = tuple(Excluded(inside, "data set", reason) for inside, reason in faults.items())
    return Cohort("oai_kl", "public", cases=Rows(frame, folder), excluded=excluded, licence=LICENCE, folder=folder,
                  notes={"source": "Chen 2018, 10.17632/56rmx5bjcr.1, from the Osteoarthritis Initiative"})


def _pictures(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every picture of the three parts, in order, with its part."""
    for part in PARTS:
        yield from ((path, part) for path in sorted((folder / part).rglob("*")) if path.suffix.lower() in (".png", ".jpg", ".jpeg"))
