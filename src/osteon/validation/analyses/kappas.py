"""Agreement beyond chance of every model with the truth, in each group of an attribute, and what the first model gains on each other one (after Borjali 2021: two kinds of notes)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, StudyError, message
from osteon.run import Run
from osteon.study import Study
from osteon.targets import Classes
from osteon.targets.lines import TRUE, judged
from osteon.validation.analyses.asked import Asked, aligned, asked
from osteon.validation.results import SHARE, Result, attribute

if TYPE_CHECKING:
    import pandas as pd

ALL = "all"


@dataclass(frozen=True)
class Kappas:
    """Cohen's kappa of the calls of each model at its cut with the truth, for each value of the attribute `by` and for all; the gain of the first model on every other, case by case."""

    by: str = ""
    target: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The attribute, where one is named."""
        return (self.by,) if self.by else ()

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """A group for each model, then one for each comparison; on the test cases that every model answered. Raises StudyError for a target without classes."""
        from osteon.stats.clusters import clustered_proportion
        from osteon.stats.kappa import clustered_kappa, clustered_kappa_difference

        called = calls(run, asked(study, self.target), f"analysis {type(self).__name__}")
        first = next(iter(called))
        parts = split(run, called[first], self.by, f"analysis {type(self).__name__}")
        for label, frame in called.items():
            for part, rows in parts.items():
                mine = frame.loc[rows]
                yield Result(f"kappa, {part}", label, value=clustered_kappa(mine["truth"], mine["call"], mine["patient"], classes=2), n=len(mine))
            right = (frame["truth"] == frame["call"]).to_numpy()
            yield Result("accuracy", label, value=clustered_proportion(right, frame["patient"].to_numpy(str)), n=len(frame), unit=SHARE)
        for label in list(called)[1:]:
            for part, rows in parts.items():
                one, other = called[first].loc[rows], called[label].loc[rows]
                yield Result(f"difference, {part}", f"{first} less {label}", n=len(one), value=clustered_kappa_difference(one["truth"], one["call"], other["call"], one["patient"], classes=2))


@dataclass(frozen=True)
class Mistakes:
    """How often each model calls wrongly among the test cases of each value of an attribute: of what a note says of the finding, say."""

    by: str
    target: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The attribute."""
        return (self.by,)

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """A group for each model, a figure for each value. Raises DataError where the cases lack the attribute."""
        from osteon.stats.clusters import clustered_proportion

        called = calls(run, asked(study, self.target), f"analysis {type(self).__name__}")
        parts = split(run, next(iter(called.values())), self.by, f"analysis {type(self).__name__}")
        for label, frame in called.items():
            for part, rows in parts.items():
                mine = frame.loc[rows]
                wrong = (mine["truth"] != mine["call"]).to_numpy()
                yield Result(f"wrong, {part}", label, value=clustered_proportion(wrong, mine["patient"].to_numpy(str)), n=len(mine), unit=SHARE)


def calls(run: Run, question: Asked, where: str) -> dict[str, pd.DataFrame]:
    """Truth and call at the cut (0 or 1) and patient of the test cases that every model with an answer and a cut answered, by case. Raises DataError where there is none."""
    if not isinstance(question.target, Classes):
        raise StudyError(message(where, f"{question.name!r} has no classes", expected="a target of classes"))
    tested = {label: judged(question.tested(run, label)) for label in question.labels(run)}
    labels = tuple(label for label, lines in tested.items() if len(lines) and lines["cut"].notna().all())
    if not labels:
        raise DataError(message(where, "no model has calls: the tune part gave no cut", expected="cases with and without the finding in the tune part"))
    out = {}
    for label, lines in aligned(run, question, labels).items():
        known = judged(lines).set_index("case")
        out[label] = known.assign(truth=(known["state"] == TRUE).astype(int), call=(known["score"] >= known["cut"]).astype(int))[["truth", "call", "patient"]]
    return out


def split(run: Run, frame: pd.DataFrame, by: str, where: str) -> Mapping[str, np.ndarray]:
    """All cases, and those of each value of an attribute, the most frequent first."""
    if not by:
        return {ALL: frame.index.to_numpy()}
    values = attribute(run, by, where).reindex(frame.index).dropna().astype(str)
    return {ALL: frame.index.to_numpy()} | {str(v): values.index[values == v].to_numpy() for v in values.value_counts().index}
