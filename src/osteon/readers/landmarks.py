"""Landmarks as a table: wide (`case_id, hip_x, hip_y, ...`) or long (`case_id, landmark, x, y`)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from osteon.errors import DataError, message, near
from osteon.readers.table import read_table, write_table

if TYPE_CHECKING:
    import pandas as pd

_CASE = ("case_id", "case", "image_id", "image", "file", "file_name", "filename", "id")
_POINT = ("landmark", "point", "name", "label")


def read_landmarks(path: Path | str) -> dict[str, dict[str, tuple[float, float]]]:
    """Case -> landmark -> (row, col) in pixels from columns x (to the right) and y (downwards), (0, 0) being the centre of the first pixel.

    A landmark without both numbers is absent. Raises DataError naming row and column for half a point, text, or a landmark twice.
    """
    frame = read_table(path)
    case = _column(path, frame, _CASE)
    lower = {str(name).lower(): name for name in frame.columns}
    if {"x", "y"} <= set(lower):
        point = _column(path, frame, _POINT)
        blocks = [("", lower["x"], lower["y"])]
    else:
        point, blocks = "", _pairs(path, frame)
    out: dict[str, dict[str, tuple[float, float]]] = {}
    for name, x, y in blocks:
        _check_numbers(path, frame, x, y)
        for row, (who, col, down) in enumerate(zip(frame[case].astype(str), frame[x], frame[y], strict=True), 2):
            landmark = name if not point else str(frame[point].iat[row - 2])
            found = out.setdefault(who, {})
            if landmark in found:
                raise DataError(message(path, f"row {row}: the landmark {landmark!r} of case {who!r} comes twice", do="Keep one of them"))
            if col == col:
                found[landmark] = (float(down), float(col))
    return out


def write_landmarks(path: Path | str, landmarks: Mapping[str, Mapping[str, tuple[float, float]]]) -> Path:
    """Writes case -> landmark -> (row, col) in the wide form that `read_landmarks` reads."""
    import pandas as pd

    rows = [{"case_id": case} | {f"{name}_{axis}": value for name, (row, col) in points.items() for axis, value in (("x", col), ("y", row))}
            for case, points in landmarks.items()]
    return write_table(path, pd.DataFrame(rows))


def _column(path: Path | str, frame: pd.DataFrame, names: tuple[str, ...]) -> str:
    """The first column of one of these names, in any case."""
    lower = {str(name).lower(): name for name in frame.columns}
    for name in names:
        if name in lower:
            return lower[name]
    raise DataError(message(path, f"there is no column {names[0]!r}", found=near(names[0], frame.columns)))


def _pairs(path: Path | str, frame: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Landmark, its column of x and its column of y; raises DataError where one of the two is missing."""
    pairs: dict[str, dict[str, str]] = {}
    for name in frame.columns:
        match = re.fullmatch(r"(.+?)[_ .]([xyXY])", str(name))
        if match:
            pairs.setdefault(match[1], {})[match[2].lower()] = name
    half = next((name for name, axes in pairs.items() if len(axes) < 2), None)
    if half or not pairs:
        raise DataError(message(path, f"the landmark {half!r} has one column" if half else "there are no landmarks",
                                expected="two columns, NAME_x and NAME_y, or the columns landmark, x and y"))
    return [(name, axes["x"], axes["y"]) for name, axes in pairs.items()]


def _check_numbers(path: Path | str, frame: pd.DataFrame, x: str, y: str) -> None:
    """Raises DataError for a cell that is no number and for half a point."""
    import pandas as pd

    for name, other in ((x, y), (y, x)):
        wrong = pd.to_numeric(frame[name], errors="coerce").isna() & (frame[name].notna() | frame[other].notna())
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            raise DataError(message(path, f"column {name!r}, row {row + 2}: a landmark needs a number", found=f"Found {frame[name].iat[row]!r}",
                                    do="Correct it, or leave both cells of the landmark empty"))
