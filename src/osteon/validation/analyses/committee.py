"""A model beside experts, and beside a committee that is made of them: the majority of those who read a case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, StudyError, message
from osteon.run import Run
from osteon.study import Study
from osteon.targets.lines import TRUE, judged
from osteon.validation.analyses.asked import asked, first_label
from osteon.validation.readings import of_question
from osteon.validation.results import SHARE, Result

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval

NAME = "committee"
LEAST = 2  # readers of a case, below which there is no majority to speak of
FIGURES = ("accuracy", "sensitivity", "specificity")


@dataclass(frozen=True)
class Committee:
    """Accuracy, sensitivity and specificity at the cut of the first model, of each reader without aid and of their committee, on the test cases on which the committee is of one mind or has a majority.

    The committee never met: its call is what more than half of the readers of a case said, and a case on which they are split evenly is left out. The model less the committee, on the same
    cases, with McNemar's mid-p test.
    """

    target: str = ""
    finding: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """No attribute of a case is read."""
        return ()

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """One group a reader, the committee and the model. Raises StudyError for a target without states, DataError where no case has a majority."""
        question = asked(study, self.target, self.finding)
        if question.target.cut is None:
            raise StudyError(message(f"analysis {type(self).__name__}", f"{question.name!r} has no states", expected="a target with a cut"))
        label = first_label(run, question)
        if not (run.folder / "readings.csv").exists():
            raise DataError(message("readers", "no readings came with the cases", do="Put readings.csv (case_id, reader, target, value) into the cohort folder, or give it to `osteon readings`"))
        lines, readings = of_question(judged(question.tested(run, label)), run.table("readings"), question.name, question.finding)
        lines = lines[lines["cut"].notna()].drop_duplicates("case", keep=False).set_index("case")
        wide = called(readings, lines.index)
        majority, split = majority_of(wide)
        if not len(majority):
            raise DataError(message("readers", "no tested case has a majority of readers", expected=f"{LEAST} readers of a case or more"))
        known = lines.loc[majority.index]
        calls = {str(reader): wide.loc[majority.index, reader] for reader in wide.columns} | {NAME: majority, label: (known["score"] >= known["cut"]).astype(float)}
        note = f"{split} cases on which the readers are split evenly are left out" if split else ""
        for who, call in calls.items():
            yield from _judged(who, call, known, note)
        yield from _apart(label, calls, known)


def called(readings: pd.DataFrame, cases: pd.Index) -> pd.DataFrame:
    """What each reader called without aid, 1 or 0, nan where a reader did not read a case: one row a case that is tested."""
    plain = readings[~readings["aided"].astype(bool) & readings["positive"].notna() & readings["case"].isin(cases)]
    return plain.pivot_table(index="case", columns="reader", values="positive", aggfunc="first")


def majority_of(wide: pd.DataFrame) -> tuple[pd.Series, int]:
    """The call of more than half of the readers of each case (1 or 0) where two or more read it, and the number of cases on which they are split evenly."""
    read = wide[wide.notna().sum(axis=1) >= LEAST]
    share = read.mean(axis=1)
    return (share[share != 0.5] > 0.5).astype(float), int((share == 0.5).sum())


def _parts(known: pd.DataFrame) -> dict[str, np.ndarray]:
    """Which cases count for each figure."""
    truth = (known["state"] == TRUE).to_numpy()
    return dict(zip(FIGURES, (np.ones(len(truth), bool), truth, ~truth), strict=True))


def _judged(who: str, call: pd.Series, known: pd.DataFrame, note: str) -> Iterator[Result]:
    from osteon.stats.clusters import clustered_proportion
    from osteon.stats.intervals import undefined

    right, patients, read = call.to_numpy() == (known["state"] == TRUE).to_numpy(), known["patient"].to_numpy(str), call.notna().to_numpy()
    for figure, part in _parts(known).items():
        rows = part & read
        value = clustered_proportion(right[rows], patients[rows]) if rows.any() else undefined("no case of this state")
        yield Result(figure, who, value=value, n=int(rows.sum()), unit=SHARE, note=note)


def _apart(label: str, calls: dict[str, pd.Series], known: pd.DataFrame) -> Iterator[Result]:
    """The model less the committee."""
    from osteon.stats.paired import mcnemar, paired_table

    truth, patients = (known["state"] == TRUE).to_numpy(), known["patient"].to_numpy(str)
    own, other = ((calls[who].to_numpy() == 1) == truth for who in (label, NAME))
    for figure, part in _parts(known).items():
        p = mcnemar(paired_table(own[part], other[part])).p if part.any() else float("nan")
        yield Result(f"difference in {figure}", f"{label} less {NAME}", value=_gap(own[part], other[part], patients[part]), n=int(part.sum()), p=p, unit=SHARE)


def _gap(own: np.ndarray, other: np.ndarray, patients: np.ndarray) -> Interval:
    """The difference of two shares on the same cases: Tango's limits, or t limits over patients who give several cases."""
    from osteon.stats.intervals import undefined
    from osteon.stats.paired import clustered_difference, paired_difference, paired_table

    alone = len(set(patients.tolist()))
    if alone < 2:
        return undefined("fewer than two patients of this state")
    return paired_difference(paired_table(own, other)) if alone == len(patients) else clustered_difference(own, other, patients)
