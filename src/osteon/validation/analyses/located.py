"""How well points are located: recall, precision and F1 in one fixed window for every model, how far off, and what its own margin would have said instead (after Cho 2021)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import StudyError, message
from osteon.models import Around, Model, bare
from osteon.run import Run
from osteon.seeds import derive
from osteon.study import Study
from osteon.targets import Objects
from osteon.targets.lines import answered
from osteon.validation.analyses.asked import asked
from osteon.validation.results import SHARE, Result

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval

RECALL, PRECISION, F1 = "recall", "precision", "F1"
OFF, FIXED, OWN = "distance of found points", "within the fixed window", "within its own margin"
Statistic = Callable[[np.ndarray], np.ndarray]
RATES: Mapping[str, Statistic] = {  # of sums of true positives, false positives, misses
    RECALL: lambda s: ratio(s[..., 0], s[..., 0] + s[..., 2]), PRECISION: lambda s: ratio(s[..., 0], s[..., 0] + s[..., 1]), F1: lambda s: ratio(2 * s[..., 0], 2 * s[..., 0] + s[..., 1] + s[..., 2])}


@dataclass(frozen=True)
class Located:
    """Recall, precision and F1 of every model that answers points, at the confidence with the largest F1 on the tune part of each fold; intervals by resampling patients (a video is one).

    A point counts where squares of the target's fixed window about it and about the answer overlap enough. `within its own margin` asks the same of the nearest answer in squares
    of the side that the model learnt: it favours large margins, and stands there to show that. Distances are in pixels of the frame.
    """

    target: str = ""
    resamples: int = 1000

    @property
    def columns(self) -> tuple[str, ...]:
        """No attribute of a case is read."""
        return ()

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """A group for each model. Raises StudyError where the target holds no points."""
        question = asked(study, self.target)
        target = question.target
        if not isinstance(target, Objects) or target.window is None:
            raise StudyError(message(f"analysis {type(self).__name__}", f"{question.name!r} holds no points", expected="Objects with a window"))
        seed = derive(int(run.about["seed"]), type(self).__name__) % 2**32
        for label in question.labels(run):
            lines = answered(run.lines(label))
            lines = lines[(lines["target"] == question.name) & (lines["finding"] == question.finding) & lines["unit"].isin(("lesion", "mark"))]
            yield from self._rates(lines, label, seed)
            yield from self._windows(lines[(lines["part"] == "test") & (lines["unit"] == "lesion")], label, target, bare(study.model(label)), seed)

    def _rates(self, lines: pd.DataFrame, label: str, seed: int) -> Iterator[Result]:
        """Recall, precision and F1 of the test part, and the distance of the points that were found."""
        cuts = {fold: cut_of(part) for fold, part in lines[lines["part"] == "tune"].groupby("fold", sort=False)}
        tested = lines[lines["part"] == "test"]
        called = tested["score"].to_numpy(float) >= tested["fold"].map(cuts).fillna(0.0).to_numpy(float)
        true = (tested["unit"] == "lesion").to_numpy()
        counts, patients = np.column_stack([true & called, ~true & called, true & ~called]).astype(float), tested["patient"].to_numpy(str)
        note = f"confidence of at least {np.mean(list(cuts.values())):.2f}, by the tune part" if cuts else "every answer: no point in the tune part"
        for what, statistic in RATES.items():
            yield Result(what, label, value=self._interval(counts, patients, statistic, seed), n=int(true.sum()), unit=SHARE, note=note)
        hit = true & called
        columns = np.column_stack([tested["n.distance"].to_numpy(float)[hit], np.ones(hit.sum())])
        yield Result(OFF, label, value=self._interval(columns, patients[hit], _mean, seed), n=int(hit.sum()), unit="px")

    def _windows(self, known: pd.DataFrame, label: str, target: Objects, model: Model, seed: int) -> Iterator[Result]:
        """The share of points with an answer near enough, by the fixed window and by the margin of the model."""
        window = float(target.window or 1.0)
        for what, side in {FIXED: window, **({OWN: model.side} if isinstance(model, Around) else {})}.items():
            near = known["n.apart"].to_numpy(float) * window / side <= reach(target.iou)
            yield Result(what, label, value=self._interval(np.column_stack([near, np.ones(len(near))]).astype(float), known["patient"].to_numpy(str), _mean, seed), n=len(known), unit=SHARE)

    def _interval(self, columns: np.ndarray, patients: np.ndarray, statistic: Statistic, seed: int) -> Interval:
        from osteon.stats.clusters import bootstrap_sums
        from osteon.stats.intervals import undefined

        if not len(columns):
            return undefined("no point, or none was found")
        return bootstrap_sums(statistic, columns, patients, resamples=self.resamples, seed=seed)


def cut_of(lines: pd.DataFrame) -> float:
    """The confidence with the largest F1 among lesion and mark lines; 0 where there is no point."""
    true, scores = (lines["unit"] == "lesion").to_numpy(), lines["score"].to_numpy(float)
    order = np.argsort(-scores, kind="stable")
    order = order[np.isfinite(scores[order])]
    if not true.any() or not len(order):
        return 0.0
    hits = np.cumsum(true[order])
    f1 = 2 * hits / (np.arange(1, len(order) + 1) + true.sum())
    return float(scores[order][int(f1.argmax())])


def reach(overlap: float) -> float:
    """How far two equal squares may be moved apart along a side, in sides, and still overlap so much (intersection over union)."""
    return (1 - overlap) / (1 + overlap)


def ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """A share; nan where there is nothing below."""
    return np.divide(above, below, out=np.full(np.shape(below), np.nan), where=np.asarray(below) > 0)


def _mean(sums: np.ndarray) -> np.ndarray:
    return ratio(sums[..., 0], sums[..., 1])
