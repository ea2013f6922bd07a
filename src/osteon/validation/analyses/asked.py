"""What an analysis is asked about: target and finding, the models that answer it, and their lines of the test part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, StudyError, message, near
from osteon.run import Run
from osteon.study import Study
from osteon.targets.lines import Target

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Asked:
    """A target of a study by its name, and one of its findings."""

    name: str
    target: Target = field(kw_only=True)
    finding: str = field(kw_only=True)

    def tested(self, run: Run, label: str) -> pd.DataFrame:
        """The lines of a model on the test part."""
        lines = self.of_every_finding(run, label)
        return lines[lines["finding"] == self.finding]

    def of_every_finding(self, run: Run, label: str) -> pd.DataFrame:
        """The same of all findings of the target."""
        lines = run.lines(label)
        return lines[(lines["part"] == "test") & (lines["target"] == self.name)]

    def labels(self, run: Run) -> tuple[str, ...]:
        """The models that answer the target, in the order of the study."""
        return tuple(label for label, writes in run.about["models"].items() if self.name in writes)


def asked(study: Study, target: str = "", finding: str = "") -> Asked:
    """The target and finding of a name; the primary and main ones where none is given. Raises StudyError with the near names."""
    name = target or study.primary
    if name not in study.targets:
        raise StudyError(message(f"{study.name}, analysis", f"there is no target {name!r}", do=near(name, study.targets)))
    known = study.targets[name].findings
    if finding and finding not in known:
        raise StudyError(message(f"{study.name}, analysis", f"target {name!r} has no finding {finding!r}", do=near(finding, known)))
    return Asked(name, target=study.targets[name], finding=finding or (known[0] if known else ""))


def first_label(run: Run, question: Asked, model: str = "") -> str:
    """A model of a name that answers the question, or the first one that does. Raises StudyError where there is none."""
    labels = question.labels(run)
    if not labels or (model and model not in labels):
        raise StudyError(message("analysis", f"no model {model!r} answers {question.name!r}" if model else f"no model answers {question.name!r}", do=near(model, labels) if model else ""))
    return model or labels[0]


def aligned(run: Run, question: Asked, labels: tuple[str, ...]) -> dict[str, pd.DataFrame]:
    """The test lines that every model answered, in one order: sorted by fold, case and unit. Raises DataError where there is none."""
    return in_one_order({label: question.tested(run, label) for label in labels}, question.name)


def in_one_order(tested: Mapping[str, pd.DataFrame], name: str) -> dict[str, pd.DataFrame]:
    """The lines that every model answered, sorted by finding, fold, case and unit. Raises DataError where there is none."""
    key = ["finding", "fold", "case", "unit"]
    frames = {label: _answered(lines).set_index(key).sort_index() for label, lines in tested.items()}
    shared = None
    for frame in frames.values():
        shared = frame.index if shared is None else shared.intersection(frame.index)
    if shared is None or not len(shared):
        raise DataError(message("analysis", f"no case of the test part was answered by all of {len(frames)} models", expected=f"answers of {name!r}"))
    return {label: frame.loc[shared.sort_values()].reset_index() for label, frame in frames.items()}


def _answered(lines: pd.DataFrame) -> pd.DataFrame:
    known = lines[(lines["withheld"] == "") & ~lines["unit"].isin(("lesion", "mark"))]
    return known.drop_duplicates(["finding", "fold", "case", "unit"])


def factors_of(study: Study, label: str) -> Mapping[str, str]:
    """The factors of an arm, {} for a model that is none."""
    return study.factors(label) if label.partition("@")[0] in study.models else {}


def positions(groups: np.ndarray) -> dict[str, np.ndarray]:
    """Row numbers of each group, in the order of first appearance."""
    return {str(g): np.flatnonzero(groups == g) for g in dict.fromkeys(groups.tolist())}
