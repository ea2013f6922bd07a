"""Cases that live in a table and become objects only when they are looked at."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.case import Case, Deferred, Lazy
from osteon.errors import DataError, message

if TYPE_CHECKING:
    import pandas as pd

RESERVED = ("case_id", "patient_id", "site", "weight", "part", "consent")
FILE_ENDINGS = (".dcm", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".nii", ".nii.gz", ".json", ".h5", ".mp4", ".txt", ".stl", ".ply", ".obj", ".csv", ".c3d", ".npz", ".avi", ".mov", ".mkv", ".webm")


def inside(folder: Path, cell: str, where: str) -> Path:
    """The path of a file cell; raises DataError where it leaves the cohort folder or is not there."""
    path = (folder / cell).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise DataError(message(where, f"the path {cell!r} leaves the cohort folder", expected="a path below it"))
    if not path.exists():
        raise DataError(message(where, f"the file {cell!r} is not there", do="Check the spelling in cases.csv"))
    return path


def is_file(cell: object) -> bool:
    """Whether a cell names a file by its ending."""
    return isinstance(cell, str) and cell.lower().endswith(FILE_ENDINGS)


def spacing_of(cell: str, axes: int, where: str) -> tuple[float, ...]:
    """mm an axis from `0.143x0.2`, or from one number for all axes; raises DataError."""
    try:
        numbers = [float(part) for part in str(cell).replace("\\", "x").split("x")]
    except ValueError:
        numbers = []
    numbers = numbers * axes if len(numbers) == 1 else numbers
    if len(numbers) != axes or not all(0 < number < math.inf for number in numbers):
        raise DataError(message(where, "the spacing can not be read", expected="mm per pixel, as 0.143 or 0.143x0.2", found=f"Found {cell!r}"))
    return tuple(numbers)


def frame_of(cell: str, where: str) -> int:
    """The number of a frame of a video, the first is 0; raises DataError."""
    number = float(cell) if cell.replace(".", "", 1).isdigit() else math.nan
    if not number.is_integer():
        raise DataError(message(where, "the number of the frame can not be read", expected="a whole number, 0 for the first frame", found=f"Found {cell!r}"))
    return int(number)


class Attributes(Mapping[str, Any]):
    """The attributes of one row, looked up when they are asked for: a table of gene expression has hundreds of columns."""

    __slots__ = ("_row", "_rows")

    def __init__(self, rows: Rows, row: int) -> None:
        self._rows, self._row = rows, row

    def __getitem__(self, name: str) -> Any:
        if name not in self._rows.known():
            raise KeyError(name)
        return self._rows.attribute(name)[self._row]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows.known())

    def __len__(self) -> int:
        return len(self._rows.known())


class Rows(Sequence[Case]):
    """A lazy sequence of cases over a table (strings, one row a case) and, for repeated inputs, a table of files."""

    def __init__(self, frame: pd.DataFrame, folder: Path | None, *, inputs: Mapping[str, Any] | None = None,
                 targets: Mapping[str, Any] | None = None, files: pd.DataFrame | None = None) -> None:
        self.frame, self.folder, self.files = frame, folder, files
        self.inputs, self.targets = dict(inputs or {}), dict(targets or {})
        self._objects: dict[str, np.ndarray] = {}
        self._repeats: dict[str, Any] | None = None
        self._names: dict[str, None] | None = None

    def __len__(self) -> int:
        return len(self.frame)

    def take(self, rows: np.ndarray) -> Rows:
        """The rows at some numbers, in that order."""
        return Rows(self.frame.iloc[np.asarray(rows, int)].reset_index(drop=True), self.folder, inputs=self.inputs, targets=self.targets, files=self.files)

    def bound(self, inputs: Mapping[str, Any], targets: Mapping[str, Any]) -> Rows:
        """The same rows read as the inputs and targets of a study."""
        return Rows(self.frame, self.folder, inputs=inputs, targets=targets, files=self.files)

    def column(self, name: str) -> np.ndarray:
        """One column (n,) as objects: text, or None where the cell is empty."""
        if name not in self._objects:
            cells = self.frame[name].to_numpy(dtype=object, copy=True)
            cells[self.frame[name].isna().to_numpy()] = None
            self._objects[name] = cells
        return self._objects[name]

    def attribute(self, name: str) -> np.ndarray:
        """One attribute (n,): numbers as float where every cell is one, else text; None where empty or not there."""
        name = {"patient": "patient_id"}.get(name, name)
        if name not in self.frame:
            return np.full(len(self), None, dtype=object)
        if name in RESERVED or f"={name}" in self._objects:
            return self._objects.get(f"={name}", self.column(name))
        self._objects[f"={name}"] = _numbers_or_text(self.column(name))
        return self._objects[f"={name}"]

    def names(self) -> list[str]:
        """Every column that may serve as an attribute: neither an id nor part of a target."""
        return list(self.known())

    def known(self) -> Mapping[str, None]:
        """The names of the attributes, to be asked whether one is among them."""
        if self._names is None:
            self._names = dict.fromkeys(self._named())
        return self._names

    def _named(self) -> list[str]:
        ours = {c for c in self.frame.columns for t in self.targets if c == t or c.startswith(f"{t}.")}
        files = {column for name, spec in self.inputs.items() if spec.kind != "table" for column in (name, f"{name}.spacing", f"{name}.frame")}
        return [c for c in self.frame.columns if c not in ours and c not in files and c not in ("case_id", "patient_id", "weight", "consent")]

    def records(self, name: str) -> pd.DataFrame:
        """The record input of a name: declared numbers as float, categories as text, only the columns that the cohort has."""
        import pandas as pd

        spec = self.inputs[name]
        numbers = {c: pd.to_numeric(self.frame[c], errors="coerce").astype(float) for c in spec.record.numbers if c in self.frame}
        return pd.DataFrame(numbers | {c: self.frame[c].astype(object) for c in spec.record.categories if c in self.frame}, index=self.frame.index)

    def __getitem__(self, index: Any) -> Any:
        i = int(index)
        if i < 0:
            i += len(self)
        if not 0 <= i < len(self):
            raise IndexError(i)
        site, weight = self._cell("site", i), self._cell("weight", i)
        return Case(str(self._cell("case_id", i)), str(self._cell("patient_id", i)), site=site or "", inputs=Lazy(self._inputs(i)),
                    truth=Lazy(self._truth(i)), attributes=Attributes(self, i), weight=float(weight or 1))

    def _cell(self, name: str, i: int) -> Any:
        return self.column(name)[i] if name in self.frame else None

    def _inputs(self, i: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for name, spec in self.inputs.items():
            if spec.kind == "table":
                out[name] = Deferred(partial(self._record, name, i))
            elif spec.many:
                if name in self.repeats().get(self._cell("case_id", i), {}):
                    out[name] = Deferred(partial(self._many, name, i))
            elif self._cell(name, i) is not None:
                out[name] = Deferred(partial(self._read, name, spec, i))
        return out

    def _record(self, name: str, i: int) -> dict[str, Any]:
        return {k: v[0] for k, v in self.take(np.array([i])).records(name).to_dict("list").items()}

    def _read(self, name: str, spec: Any, i: int) -> Any:
        cell = self._cell(name, i)
        if spec.kind == "text" and not is_file(cell):
            return cell
        return self._file(cell, i, spec.kind, self._cell(f"{name}.spacing", i), self._cell(f"{name}.frame", i))

    def _file(self, cell: str, i: int, kind: str, spacing: str | None = None, frame: str | None = None) -> Any:
        from osteon.readers import read_input

        case = self._cell("case_id", i)
        path = inside(self._home(), cell, f"case {case}")
        return read_input(path, kind, spacing=None if spacing is None else spacing_of(spacing, 2 if kind == "picture" else 3, f"case {case}"),
                          frame=None if frame is None else frame_of(frame, f"case {case}"))

    def _many(self, name: str, i: int) -> tuple[Any, ...]:
        spec, found = self.inputs[name], self.repeats()[self._cell("case_id", i)][name]
        if spec.at:
            return self._timed(name, spec.kind, i)
        return tuple(self._file(path, i, spec.kind) for path, _ in found)

    def _timed(self, name: str, kind: str, i: int) -> tuple[tuple[float, Any], ...]:
        """(time, value) of each file of a name, in the order of time; DataError for a time that is no number."""
        case = self._cell("case_id", i)
        found = self.repeats()[case][name]
        unknown = [at for _, at in found if not math.isfinite(_time(at))]
        if unknown:
            raise DataError(message(f"case {case}, {name}", "a time in files.csv is no number", expected="the column at", found=f"Found {unknown[0]!r}"))
        return tuple((_time(at), self._file(path, i, kind)) for path, at in found)

    def repeats(self) -> dict[str, dict[str, list[tuple[str, Any]]]]:
        """Repeated inputs from files.csv: case id -> input -> [(path, at), ...] in the order of time."""
        if self._repeats is None:
            self._repeats = {}
            columns = [] if self.files is None else [self.files[c].tolist() for c in ("case_id", "input", "path")]
            at = [None] * len(columns[0]) if columns and "at" not in self.files else self.files["at"].tolist() if columns else []  # type: ignore[index,operator]
            for case, name, path, when in zip(*columns, at, strict=True) if columns else ():
                self._repeats.setdefault(case, {}).setdefault(name, []).append((path, when))
            for named in self._repeats.values():
                for found in named.values():
                    found.sort(key=lambda pair: _time(pair[1]))
        return self._repeats

    def _truth(self, i: int) -> dict[str, Any]:
        out: dict[str, Any] = {}
        for name, target in self.targets.items():
            if getattr(target, "at", None):
                if name in self.repeats().get(self._cell("case_id", i), {}):
                    out[name] = Deferred(partial(self._over_time, name, i))
                continue
            cells = {c[len(name) + 1:]: self._cell(c, i) for c in self.frame.columns if c == name or c.startswith(f"{name}.")}
            cells = {k: v for k, v in cells.items() if v is not None}
            if cells:
                out[name] = Deferred(partial(self._value, target, cells, i))
        return out

    def _value(self, target: Any, cells: dict[str, str], i: int) -> Any:
        if "" not in cells:
            return target.value(cells)
        if not is_file(cells[""]):
            return target.value(cells[""])
        from osteon.readers import read_value

        return target.value(read_value(inside(self._home(), cells[""], f"case {self._cell('case_id', i)}")))

    def _over_time(self, name: str, i: int) -> Any:
        """The truth of a target that is known at several times, from the meshes of files.csv."""
        return self.targets[name].value(self._timed(name, "mesh", i))

    def _home(self) -> Path:
        if self.folder is None:
            raise DataError(message("cohort", "a cell names a file but the cohort has no folder"))
        return self.folder


def _time(cell: Any) -> float:
    """A time as a number, infinite (last) where it is none."""
    try:
        return math.inf if math.isnan(float(cell)) else float(cell)
    except (TypeError, ValueError):
        return math.inf


def _numbers_or_text(cells: np.ndarray) -> np.ndarray:
    try:
        return np.array([None if c is None else float(c) for c in cells] + [None], dtype=object)[:-1]
    except (TypeError, ValueError):
        return cells
