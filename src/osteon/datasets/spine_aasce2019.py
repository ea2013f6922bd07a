"""AASCE 2019 (SpineWeb set 16): anteroposterior films of scoliosis with four corners of T1 to L5 and three Cobb angles (Wu 2017, BoostNet).

The angles of the source are those of the lines through the middles of the side walls, its first the largest of the column.
The left of a film is taken as the patient's right.
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
from osteon.geometry.spine import LEVELS, POINTS, column_fault, corners_named, measure_named
from osteon.readers.files import refusing
from osteon.value import Grid, Readings

if TYPE_CHECKING:
    import pandas as pd

NAME = "AASCE 2019"
LICENCE = "unknown for the films (data of a challenge, believed for research only); not to be passed on"
PARTS = {"training": "train", "test": "test"}
SIDES = {"top_left": "superior_right", "top_right": "superior_left", "bottom_left": "inferior_right", "bottom_right": "inferior_left"}


def spine_aasce2019(root: Path) -> Cohort:
    """The films of a folder: the published one (`boostnet_labeldata`) with its two parts, or a selection as tables (cases, landmarks, angles) with patients.

    A film whose landmarks are not 68 or whose vertebrae are not in order from above is listed and left out, a part of the published folder
    that is not there is not missed. Raises DataError where neither layout is found or a table does not fit the other.
    """
    root = Path(root)
    published = root / "boostnet_labeldata" if (root / "boostnet_labeldata").is_dir() else root
    if (published / "labels").is_dir():
        films = [film for part in PARTS if (published / "labels" / part).is_dir() for film in _published(published, part)]
    elif (root / "landmarks.csv").exists():
        films = list(_selection(root))
    else:
        raise DataError(message(root, "these are not the films of AASCE 2019", expected="boostnet_labeldata with data and labels, or cases.csv, landmarks.csv and angles.csv"))
    faults = {case.id: fault for case, fault in films if fault}
    if len(faults) == len(films):
        raise DataError(message(root, "no film can be used", found=f"The first: {', '.join(next(iter(faults.items()), ('none', 'no film')))}"))
    return Cohort(NAME, "public", cases=[case for case, fault in films if not fault], licence=LICENCE, notes={"source": "SpineWeb set 16"},
                  excluded=tuple(Excluded(name, "landmarks", fault) for name, fault in faults.items()))


Film = tuple[Case, str]  # and why it can not be used


def _published(home: Path, part: str) -> Iterator[Film]:
    """One film a line of three tables without a header: names, 68 x and 68 y in shares of the film's width and height, three angles. No table names a patient."""
    labels = home / "labels" / part
    names, points, angles = (_table(labels / f"{name}.csv", header=None) for name in ("filenames", "landmarks", "angles"))
    if not len(names) == len(points) == len(angles):
        raise DataError(message(labels, "the tables have different lengths", expected="one line a film in each", found=f"Found {len(names)} names, {len(points)} landmarks, {len(angles)} angles"))
    for name, cells, given in zip(names[0].astype(str), points.to_numpy(float), angles.to_numpy(float), strict=True):
        path = home / "data" / part / name
        shape, row = _shape(path), cells[~np.isnan(cells)]
        if len(row) % 2:
            raise DataError(message(labels / "landmarks.csv", f"a point of {name} has no y", expected=f"{2 * len(POINTS)} numbers a line", found=f"Found {len(row)}"))
        at = np.stack([row[len(row) // 2:] * shape[0], row[: len(row) // 2] * shape[1]], axis=1)
        yield _film(f"{part}/{name}", f"{part}/{name}", path=path, landmarks=dict(zip(POINTS, at.tolist(), strict=False)), count=len(at), given=given, shape=shape, part=PARTS[part])


def _selection(root: Path) -> Iterator[Film]:
    """One row a film, one a corner, one a film again."""
    cases, points, angles = (_table(root / f"{name}.csv") for name in ("cases", "landmarks", "angles"))
    for path, table, needs in ((root / "cases.csv", cases, ("case_id", "subject", "width", "height", "image")), (root / "landmarks.csv", points, ("case_id", "vertebra", "corner", "x", "y")),
                               (root / "angles.csv", angles, ("case_id", "pt_deg"))):
        missing = [name for name in needs if name not in table]
        if missing:
            raise DataError(message(path, f"column {missing[0]!r} is missing", found=f"Found {list(table.columns)}"))
    known = angles.set_index("case_id")
    of_case = dict(list(points.groupby("case_id", sort=False)))
    for row in cases.itertuples():
        mine = of_case.get(row.case_id, points[:0])
        named = {f"{LEVELS[v - 1]}.{SIDES[c]}": (y, x) for v, c, x, y in zip(mine["vertebra"], mine["corner"], mine["x"], mine["y"], strict=True) if 1 <= v <= len(LEVELS) and c in SIDES}
        given = known.loc[row.case_id].to_numpy(float) if row.case_id in known.index else np.array([np.nan])
        yield _film(str(row.case_id), f"s{row.subject}", path=root / str(row.image), landmarks=named, count=len(mine), given=given, shape=(int(row.height), int(row.width)), part="train")


def _film(name: str, patient: str, *, path: Path, landmarks: Mapping[str, Any], count: int, given: np.ndarray, shape: tuple[int, int], part: str) -> Film:
    from osteon.readers import read_input

    fault = f"{count} landmarks (wanted {len(POINTS)})" if count != len(POINTS) else column_fault(corners_named(landmarks))
    truth, film = Deferred(partial(_truth, landmarks, float(given[0]), Grid(shape))), Deferred(partial(read_input, path, "picture"))
    return Case(name, patient, inputs=Lazy({"xray": film}), truth=Lazy({"cobb": truth}), attributes={"part": part}), fault


def _truth(landmarks: Mapping[str, Any], given: float, grid: Grid) -> Readings:
    """The readings of the corners; in place of the one between mid-lines the angle that the source gives."""
    values, reasons = measure_named(landmarks, None)
    return Readings(values if np.isnan(given) else values | {"midline": given}, landmarks, grid, reasons)


def _table(path: Path, **options: Any) -> pd.DataFrame:
    import pandas as pd

    with refusing(path, "a table of the data set") as path:
        return pd.read_csv(path, **options)


def _shape(path: Path) -> tuple[int, int]:
    """Rows and columns of a film, without reading its pixels."""
    from PIL import Image

    with refusing(path, "a film of the data set") as path, Image.open(path) as film:
        return film.height, film.width
