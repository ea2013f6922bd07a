"""Recordings of sensors: a table with a column of seconds and one a channel, or C3D where the library `ezc3d` is there; and why one can not be used."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from osteon.errors import DataError, listed, meant, message
from osteon.geometry.gait import SIDES, Stride, channels, strides
from osteon.readers.files import refusing, replacing
from osteon.readers.table import read_table
from osteon.readers.values import read_value
from osteon.value import Trajectory

TIME = "time"
GAP = 0.1  # s without a reading that are bridged; a longer gap is none
FASTEST = 60.0  # rad/s: no part of a walking body turns so fast, degrees a second do


def read_signal(path: Path | str) -> Trajectory:
    """A recording from a table (CSV, XLSX, Parquet) with the column `time` in s, or from the analog channels of a C3D file; an empty cell is nan.

    Raises DataError where times are missing or do not rise, or a channel holds no numbers.
    """
    with refusing(path, "a recording (a table with the column time, or C3D)") as path:
        with open(path, "rb") as file:
            head = file.read(2)
        if head[:1] < b"\t" and head[1:] == b"\x50":  # how every C3D file begins, and no text
            return _c3d(path)
        if path.suffix.lower() == ".json":
            return _written(path)
        frame = _columns(path)
    if TIME not in frame:
        raise DataError(message(path, f"column {TIME!r} is missing", expected="seconds, one row a sample: the sampling rate is read from it", found=f"Found {listed(list(frame))}",
                                do=meant(TIME, list(frame))))
    times = _times(path, frame.pop(TIME))
    return Trajectory(times, np.column_stack(list(frame.values())) if frame else np.zeros((len(times), 0)), tuple(frame))


def write_signal(path: Path | str, recording: Trajectory, *, digits: int = 4) -> Path:
    """A CSV of `time` (s) and the channels, one row a sample."""
    import pyarrow as pa
    import pyarrow.csv as csv

    path = Path(path)
    columns = {TIME: recording.times.round(6)} | dict(zip(recording.names, recording.values.round(digits).T, strict=True))
    with replacing(path) as temporary, open(temporary, "wb") as out:
        out.write((",".join(columns) + "\n").encode())
        csv.write_csv(pa.table({name: np.ascontiguousarray(cells) for name, cells in columns.items()}), out, csv.WriteOptions(include_header=False))
    return path


def _written(path: Path) -> Trajectory:
    """A recording as `write_value` keeps it."""
    value = read_value(path)
    if not isinstance(value, Trajectory):
        raise DataError(message(path, "this is no recording", expected="a Trajectory", found=f"Found {type(value).__name__}"))
    return value


def _columns(path: Path) -> dict[str, np.ndarray]:
    """The columns by name; a plain CSV of numbers the short way, every other table as tables are read."""
    import pyarrow as pa
    import pyarrow.csv as csv

    try:
        table = csv.read_csv(path, convert_options=csv.ConvertOptions(strings_can_be_null=True))
        names = [name.strip() for name in table.column_names]
        if TIME in names and len(set(names)) == len(names) and all(pa.types.is_floating(f.type) or pa.types.is_integer(f.type) for f in table.schema):
            return {name: column.to_numpy().astype(float) for name, column in zip(names, table.columns, strict=True)}
    except (pa.ArrowInvalid, UnicodeDecodeError):
        pass
    frame = read_table(path)
    words = next((name for name in frame if frame[name].dtype.kind not in "iuf" and frame[name].notna().any()), None)
    if words is not None:
        row = int(frame[words].map(_number).isna().to_numpy().argmax())
        raise DataError(message(path, f"column {words!r}, row {row + 2}: this is no number", expected="one number a sample", found=f"Found {frame[words].iloc[row]!r}"))
    return {name: frame[name].astype(float).to_numpy() for name in frame}


def _number(cell: Any) -> float:
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _times(path: Path, times: np.ndarray) -> np.ndarray:
    steps = np.diff(times)
    if len(times) < 3 or not np.isfinite(times).all() or (steps <= 0).any():
        bad = int(np.argmax(~np.isfinite(times))) if not np.isfinite(times).all() else int(np.argmax(steps <= 0)) + 1 if len(times) > 2 else 0
        raise DataError(message(path, "the times do not rise" if len(times) > 2 else "there are fewer than three samples", expected="seconds, each later than the one before",
                                found=f"Found {times[bad]:g} in row {bad + 2}" if len(times) else "Found none"))
    return times


def _c3d(path: Path) -> Trajectory:
    """The analog channels of a C3D file, by their labels."""
    try:
        import ezc3d
    except ImportError as fault:
        raise DataError(message(path, "this is a C3D file, and the library that reads it is not installed", do="Install ezc3d, or export the recording as CSV")) from fault
    file = ezc3d.c3d(str(path))
    analog = file["parameters"]["ANALOG"]
    values = np.moveaxis(file["data"]["analogs"][0], 0, -1)
    if not values.size:
        raise DataError(message(path, "the file holds no analog channel", expected="signals of sensors", do="Export the sensors too, or save them as CSV"))
    return Trajectory(np.arange(len(values)) / float(analog["RATE"]["value"][0]), values, tuple(analog["LABELS"]["value"]))


def rate_of(recording: Trajectory) -> float:
    """Samples a second, of the middle one of all steps."""
    return float(1 / np.median(np.diff(recording.times)))


def without_gaps(recording: Trajectory, names: Sequence[str]) -> np.ndarray:
    """Some channels (n, names), missing readings bridged by straight lines."""
    values = recording.values[:, [recording.names.index(name) for name in names]]
    if not np.isnan(values).any():
        return values
    bridged = [np.interp(recording.times, recording.times[known], column[known]) if (known := ~np.isnan(column)).any() else column for column in values.T]
    return np.column_stack(bridged)


def walked(recording: Trajectory) -> list[Stride]:
    """The strides of both feet in a recording that has the turn of both about y; see `geometry.gait.strides`."""
    return strides(recording.times, list(without_gaps(recording, [f"foot_{side}_gy" for side in SIDES]).T))


def unfit(recording: Trajectory, needs: Sequence[str], rate: tuple[float, float], *, walk: bool) -> str:
    """Why a recording can not be used ("a recording without ..."); empty where it can: channels, rate, gaps and, of a walk, units and strides of both feet."""
    missing = [name for name in needs if name not in recording.names]
    if missing:
        near = meant(missing[0], [name for name in recording.names if name not in needs])
        return f"a recording without {len(missing)} of {len(needs)} channels, the first {missing[0]!r}" + (f" ({near[:1].lower()}{near[1:]})" if near else "")
    measured = rate_of(recording)
    if not rate[0] <= measured * 1.001 or not measured * 0.999 <= rate[1]:
        return f"a recording of {measured:.4g} samples a second by its times ({rate[0]:g} to {rate[1]:g} wanted)"
    gap, where = longest_gap(recording, needs)
    if gap > GAP:
        return f"a recording with a gap of {gap:.2g} s in {where}"
    return _no_walk(recording, needs) if walk else ""


def _no_walk(recording: Trajectory, needs: Sequence[str]) -> str:
    turns = recording.values[:, [recording.names.index(name) for name in needs if name.rsplit("_", 1)[-1].startswith("g")]]
    if turns.size and np.nanquantile(np.abs(turns), 0.99) > FASTEST:
        return "a walk whose gyroscopes seem to give degrees a second (rad/s wanted)"
    if not set(channels(["foot_R", "foot_L"])) <= set(recording.names):
        return ""
    known = [stride.side for stride in walked(recording)]
    none = [word for side, word in zip(SIDES, ("right", "left"), strict=True) if side not in known]
    return f"a walk in which no stride of the {' and of the '.join(none)} foot was found" if none else ""


def longest_gap(recording: Trajectory, names: Sequence[str]) -> tuple[float, str]:
    """The longest time without a reading, in s, of some channels, and the channel; of all of them where samples are missing."""
    times = recording.times
    steps = np.diff(times)
    found = [(float(steps.max()) if steps.max() > 1.5 * np.median(steps) else 0.0, "all channels")]
    for name in names:
        known = np.flatnonzero(~np.isnan(recording.values[:, recording.names.index(name)]))
        if len(known) == len(times):
            continue
        ends = np.concatenate([[times[0]], times[known], [times[-1]]]) if len(known) else times[[0, -1]]
        found.append((float(np.diff(ends).max()), name))
    return max(found)
