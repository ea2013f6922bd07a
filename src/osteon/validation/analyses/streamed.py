"""How fast each fitted model answers a stream of video: frame by frame from the file, as a theatre would feed it; nothing is trained and nothing is batched."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from typing import TYPE_CHECKING

import numpy as np

from osteon.case import Case
from osteon.cohort import Cohort
from osteon.cohort.rows import Rows
from osteon.errors import DataError, message
from osteon.models import Model
from osteon.readers.kinds import kind_of
from osteon.readers.video import Clip, read_video
from osteon.run import Run
from osteon.study import Study
from osteon.validation.analyses.asked import asked
from osteon.validation.results import Result, point
from osteon.validation.saved import load_final

if TYPE_CHECKING:
    from osteon.value import Value

RATE, LATENCY, SLOWEST, DECODING = "frames a second", "from frame to answer", "95th percentile", "decoding"
WARMING = 2  # first frames, of which no time is taken


@dataclass(frozen=True)
class Watched:
    """The answer to one frame of a stream, with the seconds that decoding and answering took."""

    number: int
    answer: dict[str, Value]
    decoding: float
    answering: float


@dataclass(frozen=True)
class Streamed:
    """Frames a second and latency of each model on the first video of the run's cohort, on the machine that made the run; a short video is shown again until there are `frames`."""

    target: str = ""
    frames: int = 12

    @property
    def columns(self) -> tuple[str, ...]:
        """No attribute of a case is read."""
        return ()

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """A group for each model. Raises DataError where the cohort is not at hand or holds no video."""
        question = asked(study, self.target)
        for label in question.labels(run):
            spec = study.model(label)
            clip = _video(run, spec.reads[0])
            model = load_final(run.models(label), spec, study.targets)[0]
            numbers = islice(cycle(range(clip.frames)), WARMING + self.frames)
            seen = list(watched(model, clip, spec.reads[0], numbers))[WARMING:]
            whole, decoding = (np.array([1000 * v for v in values]) for values in ([w.decoding + w.answering for w in seen], [w.decoding for w in seen]))
            yield Result(RATE, label, value=point(1000 / float(whole.mean())), n=len(seen), note=f"{clip.shape[0]} x {clip.shape[1]} pixels, one frame after another")
            yield Result(LATENCY, label, value=point(float(np.median(whole)), method="median"), n=len(seen), unit="ms")
            yield Result(SLOWEST, label, value=point(float(np.quantile(whole, 0.95))), n=len(seen), unit="ms")
            yield Result(DECODING, label, value=point(float(np.median(decoding)), method="median"), n=len(seen), unit="ms")


def watched(model: Model, clip: Clip, name: str, numbers: Iterator[int] | None = None) -> Iterator[Watched]:
    """The answers of a fitted model to the frames of a video as its input `name`, one frame in memory at a time."""
    wanted = iter(range(clip.frames)) if numbers is None else numbers
    start = time.perf_counter()
    for picture in clip.stream(wanted):
        decoded, number = time.perf_counter(), int(picture.notes["frame"])
        answer = next(iter(model.predict(Cohort("stream", "own", cases=[Case(str(number), "stream", inputs={name: picture})]))))
        done = time.perf_counter()
        yield Watched(number, answer, decoded - start, done - decoded)
        start = time.perf_counter()


def _video(run: Run, column: str) -> Clip:
    """The first video of the run's cohort."""
    folder = run.cohort_folder
    rows = Cohort.from_folder(folder).cases if folder else None
    cells = rows.column(column).tolist() if isinstance(rows, Rows) and column in rows.frame else []
    paths = [folder / cell for cell in dict.fromkeys(filter(None, cells))] if folder else []
    found = next((path for path in paths if path.is_file() and kind_of(path) == "video"), None)
    if found is None:
        raise DataError(message("analysis Streamed", "no video of the cohort is at hand", expected="the cohort folder of the run, with videos"))
    return read_video(found)
