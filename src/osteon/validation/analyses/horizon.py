"""How the error of a forecast grows with its horizon, and how it compares with other models on the same visits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import StudyError, message
from osteon.run import Run
from osteon.study import Study
from osteon.targets import Surfaces, Trajectories
from osteon.targets.lines import answered, mean_by_patient
from osteon.validation.analyses.asked import Asked, asked
from osteon.validation.results import Result

if TYPE_CHECKING:
    import pandas as pd

WHOLE = "all times"


@dataclass(frozen=True)
class Horizon:
    """The mean error by time, between `edges`, of every model that answers the question, and the error of the first less that of each other, on the visits of both.

    The error is the absolute one of a quantity over time, or the distance of a surface. Patients are resampled, since one gives several visits.
    """

    edges: tuple[float, ...]
    target: str = ""
    finding: str = ""
    time: str = "months"

    def __post_init__(self) -> None:
        if not self.edges or list(self.edges) != sorted(set(self.edges)):
            raise StudyError(message(type(self).__name__, "the edges do not rise", expected="one time or more", found=f"Found {self.edges}"))

    @property
    def columns(self) -> tuple[str, ...]:
        """No attribute of a case is read."""
        return ()

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """A group for each span of time and one for all; raises StudyError for a target that is not asked over time."""
        question = asked(study, self.target, self.finding)
        if not isinstance(question.target, (Surfaces, Trajectories)):
            raise StudyError(message(f"analysis {type(self).__name__}", f"{question.name!r} is not asked over time", expected="Trajectories or Surfaces"))
        frames = {label: _sized(question, run, label) for label in question.labels(run)}
        unit = dict(getattr(question.target, "units", {})).get(question.finding, "mm")
        for span, within in self.spans().items():
            yield from _means(span, {label: frame[within(frame["n.time"])] for label, frame in frames.items()}, unit)

    def spans(self) -> dict[str, _Within]:
        """Each span by its name, the whole first."""
        ends = (-np.inf, *self.edges, np.inf)
        names = [f"up to {self.edges[0]:g} {self.time}", *(f"{a:g} to {b:g} {self.time}" for a, b in zip(self.edges, self.edges[1:], strict=False)), f"after {self.edges[-1]:g} {self.time}"]
        return {WHOLE: _Within(-np.inf, np.inf)} | {name: _Within(a, b) for name, a, b in zip(names, ends, ends[1:], strict=False)}


@dataclass(frozen=True)
class _Within:
    """Above one time, up to another."""

    above: float
    upto: float

    def __call__(self, times: pd.Series) -> pd.Series:
        return (times > self.above) & (times <= self.upto)


def _sized(question: Asked, run: Run, label: str) -> pd.DataFrame:
    """Patient, time and size of the error of the answered visits of a model, by case, fold and visit."""
    known = answered(question.tested(run, label)).drop_duplicates(["fold", "case", "unit"]).set_index(["fold", "case", "unit"])
    size = known["n.distance"] if isinstance(question.target, Surfaces) else known["n.error"].abs()
    return known[["patient", "n.time"]].assign(size=size)


def _means(span: str, frames: dict[str, pd.DataFrame], unit: str) -> Iterator[Result]:
    """The mean of each model, then the paired differences from the first."""
    (first, mine), *others = frames.items()
    for label, frame in frames.items():
        if len(frame):
            yield Result(label, span, value=mean_by_patient(frame["size"].to_numpy(float), frame["patient"].to_numpy()), n=len(frame), unit=unit)
    for label, frame in others:
        both = mine.join(frame["size"].rename("other"), how="inner")
        if len(both):
            gain = (both["size"] - both["other"]).to_numpy(float)
            yield Result(f"less {label}", f"{first}, {span}", value=mean_by_patient(gain, both["patient"].to_numpy()), n=len(both), unit=unit)
