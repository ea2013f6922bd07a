"""What a network sees of a recording: each stride, or the whole of it, as so many samples of some channels, with its duration beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from osteon.cohort import Cohort
from osteon.errors import DataError, StudyError, message, near
from osteon.geometry.gait import AXES, SIDES, Stride, as_right, channels
from osteon.models.augment import Worn
from osteon.models.protocol import missing_input
from osteon.models.views import taught
from osteon.progress import track
from osteon.readers.signal import walked, without_gaps
from osteon.value import Trajectory, Withheld

STRIDES = "strides"  # the one way to cut a recording; without it the whole is seen
SAMPLES = {STRIDES: 100, "": 512}  # of a window: one a hundredth of the stride, as gait is drawn


@dataclass(frozen=True)
class Excerpts:
    """The view of a recording by its name: the channels that are seen, samples of a window, and how it is cut.

    A left stride is seen as the right one of a person in the mirror, so that a channel of "R" is always that of the foot that strides. The last channel of a window is its duration in s.
    """

    recording: str
    names: tuple[str, ...]
    samples: int = field(kw_only=True)
    cut: str = field(default="", kw_only=True)
    boxes: None = field(default=None, init=False)

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the inputs."""
        return (self.recording,)

    @property
    def dtype(self) -> str:
        """Of a stored window."""
        return "float32"

    @property
    def told(self) -> int:
        """None: the duration is a channel."""
        return 0

    @property
    def stored(self) -> tuple[int, int]:
        """As it is seen: what is turned in training is the sensor."""
        return self.shape

    def count(self, inputs: Mapping[str, Any]) -> int:
        """How many windows a case will have; the recording is read for it."""
        seen = self.see(inputs)
        return 0 if isinstance(seen, Withheld) else len(seen.windows)

    @property
    def channels(self) -> int:
        """Channels of a window, the duration among them."""
        return len(self.names) + 1

    @property
    def sided(self) -> bool:
        """Whether a window belongs to one leg."""
        return self.cut == STRIDES

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a window: one row of samples."""
        return 1, self.samples

    def recipe(self) -> Worn:
        """How windows are changed in training: sensors can be turned only where each has its three forces and three turns."""
        whole = len(self.names) % len(AXES) == 0 and all(name.endswith(f"_{axis}") for name, axis in zip(self.names, AXES * (len(self.names) // len(AXES)), strict=True))
        return Worn(sensors=len(self.names) // len(AXES) if whole else 0)

    def see(self, inputs: Mapping[str, Any]) -> Recorded | Withheld:
        """Read a case's recording once and cut it; withheld where it is absent, unreadable, lacks a channel or holds no stride."""
        reason = missing_input(inputs, self.reads)
        if reason:
            return Withheld(reason)
        try:
            value = inputs[self.recording]
        except DataError as fault:
            return Withheld(str(fault))
        if isinstance(value, Withheld):
            return value
        lacking = next((name for name in self.names if not isinstance(value, Trajectory) or name not in value.names), "")
        if lacking:
            return Withheld(f"no channel {lacking} in {self.recording}")
        windows = walked(value) if self.cut == STRIDES else [Stride("", float(value.times[0]), float(value.times[-1]))]
        return Recorded(value, self.names, windows) if windows else Withheld(f"no stride in {self.recording}")


@dataclass(frozen=True, eq=False)
class Recorded:
    """A recording with the windows on it."""

    value: Trajectory
    names: tuple[str, ...]
    windows: Sequence[Stride]
    grid: None = field(default=None, kw_only=True)

    def pieces(self, shape: tuple[int, int]) -> np.ndarray:
        """The windows as (windows, channels, 1, samples) of float32, read between samples by straight lines."""
        out = np.empty((len(self.windows), len(self.names) + 1, *shape), np.float32)
        sides = np.array([window.side for window in self.windows])
        for side in dict.fromkeys(sides.tolist()):
            held, signs = as_right(self.names, side or SIDES[0])
            signal, own = without_gaps(self.value, held) * signs, sides == side
            share = (np.arange(shape[1]) + 0.5) / shape[1]
            at = np.array([w.start + share * (w.stop - w.start) for w, mine in zip(self.windows, own, strict=True) if mine])
            place = np.interp(at, self.value.times, np.arange(len(self.value.times)))
            low = np.minimum(place.astype(int), len(signal) - 2)
            part = (place - low)[..., None]
            out[own, :-1, 0] = np.moveaxis(signal[low] * (1 - part) + signal[low + 1] * part, -1, 1)
        out[:, -1] = np.array([w.stop - w.start for w in self.windows])[:, None, None]
        return out


def excerpts(cohort: Cohort, name: str, *, longest: int, sensors: Sequence[str] = (), cut: str = "") -> Excerpts:
    """The view of the first recording of a cohort that can be read, of some sensors or all.

    Raises StudyError for a sensor that it does not have, an unknown way to cut or an input that is no recording, DataError where nothing can be read.
    """
    value, fault = _first(cohort, name)
    if fault is not None:
        raise fault
    if not isinstance(value, Trajectory):
        raise StudyError(message("Net", f"{name!r} is no recording", expected="Signal or Gait", found=f"Found {type(value).__name__}"))
    if cut not in SAMPLES:
        raise StudyError(message("Net", f"recordings are not cut into {cut!r}", do=near(cut, filter(None, SAMPLES))))
    known = dict.fromkeys(channel.rsplit("_", 1)[0] for channel in value.names)
    strangers = [sensor for sensor in sensors if sensor not in known]
    if strangers:
        raise StudyError(message("Net", f"there is no sensor {strangers[0]!r}", do=near(strangers[0], known)))
    seen = channels(tuple(sensors) or tuple(known))
    if not set(seen) <= set(value.names):  # other kinds of sensors: what there is, in its own order
        seen = tuple(channel for channel in value.names if not sensors or channel.rsplit("_", 1)[0] in sensors)
    return Excerpts(name, seen, samples=min(SAMPLES[cut], longest), cut=cut)


def written(cohort: Cohort, view: Excerpts, family: Any, *, target: str, folder: Path, readers: int) -> dict[str, str]:
    """Write the windows of a part one case after another (how many a case has is known once it is read) and give the cases that can not be used, with reasons.

    Raises DataError where nothing is left.
    """
    cases = [case for case in cohort if target in case.truth and view.recording in case.inputs]
    numbers: list[np.ndarray] = []
    skipped: dict[str, str] = {}
    header = {"descr": "<f4", "fortran_order": False}
    with ThreadPoolExecutor(readers) as pool, open(folder / "planes.npy", "wb") as out:
        np.lib.format.write_array_header_1_0(out, header | {"shape": (0, view.channels, *view.shape)})
        made = pool.map(lambda case: taught(case, view, family, target), cases)
        for case, found in zip(cases, track(made, len(cases), what=f"Reading {target}"), strict=True):
            if isinstance(found, str):
                skipped[case.id] = found
            elif found is not None:
                seen, _, rows = found
                out.write(seen.pieces(view.shape).tobytes())
                numbers += rows
        out.seek(0)
        np.lib.format.write_array_header_1_0(out, header | {"shape": (len(numbers), view.channels, *view.shape)})
    if not numbers:
        raise DataError(message(f"cohort {cohort.name}", f"no case has both {view.recording} and a truth of {target!r}" if not skipped else f"none of the {len(cases)} cases can be used",
                                found=next(iter(skipped.values()), "")))
    np.save(folder / "numbers.npy", np.stack(numbers).astype(np.float32))
    return skipped


def _first(cohort: Cohort, name: str) -> tuple[Any, DataError | None]:
    """The first value of an input that can be read, else None and the last reason."""
    fault = None
    for case in cohort:
        try:
            value = case.inputs.get(name)
        except DataError as error:
            fault = error
            continue
        if value is not None and not isinstance(value, Withheld):
            return value, None
    return None, fault
