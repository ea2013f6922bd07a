"""How far readings are off in per cent of what is read: by reading, by group, and of which people more than of the others (after Sharifi Renani 2020)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import StudyError, message
from osteon.run import Run
from osteon.seeds import derive
from osteon.study import Study
from osteon.targets import Measures
from osteon.validation.analyses.asked import Asked, asked, first_label
from osteon.validation.results import SHARE, Result, attribute, point

if TYPE_CHECKING:
    import pandas as pd

EACH, MEDIAN, WITHIN, APART, REST = "NAPE of a reading", "median error of a case", "NAPE", "NAPE of one who lies apart", "NAPE of all others"
FENCE = 1.5  # interquartile ranges above the third quartile, beyond which a person lies apart (Tukey 1977)
FEWEST = 8  # people, below which nobody is said to lie apart


@dataclass(frozen=True)
class PercentErrors:
    """Normalised absolute percentage error (mean absolute error over the mean absolute truth) of every reading, and its mean over the readings in groups of cases.

    `by` names attributes of cases whose levels are compared; `model` is the one that is asked, the study's own where none is named. People whose errors lie above the others' by more
    than 1.5 interquartile ranges are named and stay in every figure; the figure of all others stands beside.
    """

    target: str = ""
    model: str = ""
    by: tuple[str, ...] = ()
    resamples: int = 1000

    @property
    def columns(self) -> tuple[str, ...]:
        """The attributes by which cases are grouped."""
        return self.by

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """The error of each reading, then of each level of each attribute, then of the people who lie apart. Raises StudyError for a target that is not read."""
        question = asked(study, self.target)
        if not isinstance(question.target, Measures):
            raise StudyError(message(f"analysis {type(self).__name__}", f"{question.name!r} holds no readings", expected="Measures"))
        lines = _lines(run, question, first_label(run, question, self.model))
        seed = derive(int(run.about["seed"]), type(self).__name__) % 2**32
        yield from self._readings(lines, question.target.findings, seed)
        for name in self.by:
            held = lines["case"].map(attribute(run, name, f"analysis {type(self).__name__}"))
            for level in sorted(held.dropna().unique(), key=str):
                yield self._whole(WITHIN, f"{name}: {level}", lines[held == level], seed)
        yield from self._apart(lines, seed)

    def _readings(self, lines: pd.DataFrame, findings: tuple[str, ...], seed: int) -> Iterator[Result]:
        from osteon.stats.clusters import from_resamples

        for finding in findings:
            found = lines[lines["finding"] == finding]
            if not len(found):
                continue
            drawn = _drawn(found, self.resamples, seed)[:, 0]
            single = found["error"][found["truth"] > 0] / found["truth"][found["truth"] > 0]
            yield Result(EACH, finding, value=from_resamples(float(drawn[0]), drawn[1:]), n=found["case"].nunique(), unit=SHARE)
            yield Result(MEDIAN, finding, value=point(float(single.median()), method="error over truth, case by case"), n=found["case"].nunique(), unit=SHARE)

    def _whole(self, what: str, group: str, lines: pd.DataFrame, seed: int) -> Result:
        """The mean over the readings."""
        from osteon.stats.clusters import from_resamples

        drawn = _drawn(lines, self.resamples, seed)
        mean = drawn.mean(axis=1)
        return Result(what, group, value=from_resamples(float(mean[0]), mean[1:]), n=lines["case"].nunique(), unit=SHARE, note=f"median over the readings {100 * float(np.median(drawn[0])):.1f} %")

    def _apart(self, lines: pd.DataFrame, seed: int) -> Iterator[Result]:
        """The people beyond the fence, then the error of all others; nothing where nobody lies apart. A person's errors are normalised by the truth of everybody, for one's own toe-out may be near 0."""
        means = lines.groupby(["patient", "finding"])["error"].mean()
        each = means.div(lines.groupby("finding")["truth"].mean(), level="finding").groupby("patient").mean()
        low, high = each.quantile(0.25), each.quantile(0.75)
        apart = each[each > high + FENCE * (high - low)] if len(each) >= FEWEST else each[:0]
        for patient, value in apart.sort_values(ascending=False).items():
            yield Result(APART, f"person {patient}", value=point(float(value)), n=lines["case"][lines["patient"] == patient].nunique(), unit=SHARE, note="stays in every other figure")
        if len(apart):
            yield self._whole(REST, "all others", lines[~lines["patient"].isin(apart.index)], seed)


def _lines(run: Run, question: Asked, label: str) -> pd.DataFrame:
    """Case, patient, finding, absolute error and absolute truth of every answered reading of the test part."""
    lines = run.lines(label)
    found = lines[(lines["part"] == "test") & (lines["target"] == question.name) & (lines["withheld"] == "") & lines["n.truth"].notna()]
    return found[["case", "patient", "finding"]].assign(error=found["n.error"].abs(), truth=found["n.truth"].abs())


def _drawn(lines: pd.DataFrame, resamples: int, seed: int) -> np.ndarray:
    """The error over the truth (1 + resamples, findings): first on all, then on each resample of patients."""
    from osteon.stats.clusters import resampled_sums

    wide = lines.pivot_table(index="patient", columns="finding", values=["error", "truth"], aggfunc="sum", fill_value=0.0, sort=False)
    sums = np.hstack([wide[name].to_numpy(float) for name in ("error", "truth")])
    drawn = np.vstack([sums.sum(axis=0), resampled_sums(sums, resamples=resamples, seed=seed)])
    with np.errstate(divide="ignore", invalid="ignore"):
        shares: np.ndarray = drawn[:, : sums.shape[1] // 2] / drawn[:, sums.shape[1] // 2:]
    return shares
