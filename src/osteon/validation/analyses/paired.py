"""How much each further model differs from the first on the very same cases, in a figure that every case has: likeness of pictures, overlap of outlines, error of a reading."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osteon.errors import DataError, StudyError, message
from osteon.run import Run
from osteon.study import Study
from osteon.targets import Masks, Measures, Pictures, Surfaces, Target, Trajectories
from osteon.targets.lines import answered
from osteon.validation.analyses.asked import asked
from osteon.validation.results import Result

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval

FIGURES: dict[type, tuple[str, bool]] = {Pictures: ("ssim", True), Masks: ("dice", True), Measures: ("error", False), Trajectories: ("error", False), Surfaces: ("distance", False)}
NAMES = {"ssim": "SSIM", "dice": "Dice", "error": "absolute error"}  # as they are spoken of
KEY = ["fold", "case", "unit"]


@dataclass(frozen=True)
class Paired:
    """Every other model less the first, case by case, in the figure of the target's family (likeness, overlap; of readings the absolute error), with limits over patients."""

    target: str = ""
    finding: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """No attribute of a case is read."""
        return ()

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """One result a further model, the test part. Raises StudyError for a family without such a figure, DataError where one model answers alone."""
        question = asked(study, self.target, self.finding)
        name, more = figure_of(question.target)
        labels = question.labels(run)
        if len(labels) < 2:
            raise DataError(message("analysis Paired", f"one model alone answers {question.name!r}", expected="two or more"))
        for label, n, gap in differences({label: question.tested(run, label) for label in labels}, question.target):
            yield Result(f"difference in {NAMES.get(name, name)}", f"{label} less {labels[0]}", value=gap, n=n, note=f"{'above' if more else 'below'} 0 the other model is the better one")


def figure_of(target: Target) -> tuple[str, bool]:
    """The figure of each case by which answers of a family are compared, and whether more of it is better; raises StudyError for a family that has none."""
    if type(target) not in FIGURES:
        raise StudyError(message("analysis Paired", f"{type(target).__name__} has no figure of a single case", expected=", ".join(kind.__name__ for kind in FIGURES)))
    return FIGURES[type(target)]


def differences(lines: Mapping[str, pd.DataFrame], target: Target) -> Iterator[tuple[str, int, Interval]]:
    """Each further model by its label, with the number of cases that it and the first both answered, and its mean difference from the first there."""
    from osteon.stats.intervals import undefined
    from osteon.targets.lines import mean_by_patient

    column, (first, *others) = f"n.{figure_of(target)[0]}", list(lines)
    known = _known(lines[first], column)
    for label in others:
        both = known.join(_known(lines[label], column).add_suffix(".other"), how="inner")
        gap = (both[f"{column}.other"] - both[column]).to_numpy(float)
        yield label, len(both), mean_by_patient(gap, both["patient"].to_numpy(str)) if len(both) else undefined("no case was answered by both")


def _known(lines: pd.DataFrame, column: str) -> pd.DataFrame:
    given = answered(lines)
    given = given[given[column].notna()] if column in given else given.iloc[:0].assign(**{column: float("nan")})
    return given.assign(**{column: given[column].abs()}).drop_duplicates(KEY).set_index(KEY)[[column, "patient"]]
