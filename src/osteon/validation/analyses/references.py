"""A stronger reference standard beside a weaker one (after Guo 2023: surgery beside the reading of the MRI): each model in both test sets, and on the very cases of the stronger one judged by both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, StudyError, message
from osteon.run import Run
from osteon.study import Study
from osteon.targets import Classes
from osteon.targets.lines import FALSE, TRUE, auc_of, judged, table_at_cut, within_folds
from osteon.validation.analyses.asked import Asked, asked
from osteon.validation.results import SHARE, Result, attribute

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval

FIGURES = ("sensitivity", "specificity", "f1")  # at the cut of the run


@dataclass(frozen=True)
class References:
    """AUC, sensitivity, specificity and F1 of every model against the stronger reference (test part), against the weaker one in the further part `weaker_part`, and on the test part judged by
    `weaker`, an attribute that holds what the weaker reference said there; how much of the AUC that costs. `names` are the two references in words, the stronger first."""

    weaker_part: str
    weaker: str
    names: tuple[str, str]
    target: str = field(default="", kw_only=True)

    @property
    def columns(self) -> tuple[str, ...]:
        """What the weaker reference said."""
        return (self.weaker,)

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """A group for each model and reference, then the difference. Raises StudyError for a target without classes, DataError where a part or the weaker reference is missing."""
        question = asked(study, self.target)
        where = f"analysis {type(self).__name__}"
        if not isinstance(question.target, Classes):
            raise StudyError(message(where, f"{question.name!r} has no classes", expected="a target of classes"))
        said = attribute(run, self.weaker, where)
        for label in question.labels(run):
            test = question.tested(run, label)
            other = _part(run, question, label, self.weaker_part, where)
            again = _judged_by(judged(test), said, question.finding, where)
            strong, weak = self.names
            sets = {strong: judged(test), f"{weak}, set of its own": judged(other), f"{weak}, cases of {strong}": again}
            for name, lines in sets.items():
                yield from _figures(lines, f"{label}: {name}")
            yield Result("AUC lost to the reference", label, value=_lost(judged(test), again), n=len(again), note=f"{strong} less {weak}, same cases: what the errors of the {weak} take")


def _part(run: Run, question: Asked, label: str, part: str, where: str) -> pd.DataFrame:
    lines = run.lines(label)
    found = lines[(lines["part"] == part) & (lines["target"] == question.name) & (lines["finding"] == question.finding)]
    if not len(found):
        raise DataError(message(where, f"no case lies in the part {part!r}", expected=f"{part!r} in the column of parts"))
    return found


def _judged_by(lines: pd.DataFrame, said: pd.Series, finding: str, where: str) -> pd.DataFrame:
    """The lines with their state by another reference; a case without a word of it is left out."""
    words = lines["case"].map(said)
    if not words.notna().any():
        raise DataError(message(where, "no case of the test part was judged by the weaker reference as well"))
    known = lines[words.notna().to_numpy()]
    return known.assign(state=np.where(words.dropna().astype(str).to_numpy() == finding, TRUE, FALSE))


def _figures(lines: pd.DataFrame, group: str) -> Iterator[Result]:
    from osteon.stats.two_by_two import two_by_two

    yield Result("AUC", group, value=within_folds(lines, auc_of), n=len(lines))
    if len(lines) and not lines["cut"].isna().any():
        panel = two_by_two(*table_at_cut(lines))
        for name in FIGURES:
            yield Result("F1" if name == "f1" else name, group, value=panel[name], n=len(lines), unit="" if name == "f1" else SHARE)


def _lost(strong: pd.DataFrame, weak: pd.DataFrame) -> Interval:
    """AUC against the stronger less AUC against the weaker reference, the same scores, with limits from resampled patients."""
    from osteon.stats.clusters import bootstrap
    from osteon.stats.intervals import undefined
    from osteon.stats.roc import auc, one_class

    both = weak.assign(strong=strong["state"].loc[weak.index])
    truths = [(both[name] == TRUE).to_numpy() for name in ("strong", "state")]
    reason = next(filter(None, map(one_class, truths)), "")
    if reason:
        return undefined(reason)
    scores = both["score"].to_numpy(float)

    def lost(weights: np.ndarray) -> float:
        """Undefined in a resample that holds one state only."""
        if any(one_class(truth[weights > 0]) for truth in truths):
            return float("nan")
        first, second = (auc(truth, scores, weights=weights) for truth in truths)
        return float(first - second)

    return bootstrap(lost, both["patient"].to_numpy(str))
