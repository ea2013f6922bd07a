"""Readers and networks on the whole scale: each one's grades against the reference, on the same cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, StudyError, message
from osteon.run import Run
from osteon.study import Study
from osteon.targets import Classes, Grades
from osteon.validation.analyses.asked import Asked, aligned, asked
from osteon.validation.results import SHARE, Result

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Graders:
    """Every reader whose readings came with the cases and every model, on the test cases that all of them read: share of exact answers, and quadratic kappa of an ordered scale."""

    target: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """No attribute of a case is read."""
        return ()

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """One group a reader and a model. Raises StudyError for a target without steps, DataError where no reader read what was tested."""
        question = asked(study, self.target)
        if not isinstance(question.target, (Grades, Classes)):
            raise StudyError(message(f"analysis {type(self).__name__}", f"{question.name!r} has no steps or classes", expected="grades or classes"))
        lines = {label: frame.set_index("case") for label, frame in aligned(run, question, question.labels(run)).items()}
        first = next(iter(lines.values()))
        wide = _readings(run, question, first)
        for reader in wide.columns:
            yield from _judged(question, str(reader), wide[reader].to_numpy(int), first.loc[wide.index])
        for label, frame in lines.items():
            yield from _judged(question, label, frame.loc[wide.index, "n.answer"].to_numpy(int), first.loc[wide.index])


def _readings(run: Run, question: Asked, lines: pd.DataFrame) -> pd.DataFrame:
    """A row for each tested case that all readers read, a column for each reader."""
    if not (run.folder / "readings.csv").exists():
        raise DataError(message("readers", "no readings came with the cases", do="Put readings.csv (case_id, reader, target, value) into the cohort folder, or give it to `osteon readings`"))
    read = run.table("readings")
    read = read[(read["target"] == question.name) & read["value"].notna() & read["case"].isin(lines.index)]
    named = read["reader"].astype(str) + np.where(read["aided"].astype(bool), ", with aid", "")
    wide = read.assign(named=named).pivot(index="case", columns="named", values="value").dropna()
    if not len(wide):
        raise DataError(message("readers", "no case of the test part was read by all readers"))
    return wide


def _judged(question: Asked, who: str, called: np.ndarray, lines: pd.DataFrame) -> Iterator[Result]:
    from osteon.stats.clusters import clustered_proportion
    from osteon.stats.kappa import clustered_kappa

    truth, patients, names = lines["n.truth"].to_numpy(int), lines["patient"].to_numpy(str), question.target.names  # type: ignore[attr-defined]
    yield Result("exact", who, value=clustered_proportion(called == truth, patients), n=len(truth), unit=SHARE)
    if isinstance(question.target, Grades):
        yield Result("quadratic kappa", who, value=clustered_kappa(truth, called, patients, classes=len(names), weights="quadratic"), n=len(truth))
