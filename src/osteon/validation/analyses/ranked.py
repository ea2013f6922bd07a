"""Arms of a grid in the order of their errors over several tasks, with how sure that order is (after Sharifi Renani 2020: sensors by gait parameters)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from osteon.errors import StudyError, message
from osteon.run import Run
from osteon.seeds import derive
from osteon.study import Study
from osteon.targets import Measures
from osteon.validation.analyses.asked import Asked, aligned, asked, factors_of
from osteon.validation.analyses.resampled import BETTER, figure_of, resampled
from osteon.validation.results import SHARE, Result, point


@dataclass(frozen=True)
class Ranked:
    """Every model that answers a target, ranked within each of its findings and by the mean of these ranks; intervals from resampling patients.

    Readings are ranked by their normalised absolute percentage error (NAPE: mean absolute error over the mean absolute truth, so that single truths near 0 do
    no harm), classes by AUC, masks by Dice.
    `by` names factors of a grid (`arms`) whose levels are ranked too.
    """

    target: str = ""
    by: tuple[str, ...] = ()
    resamples: int = 1000

    @property
    def columns(self) -> tuple[str, ...]:
        """No attribute of a case is read."""
        return ()

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """For each model its error and mean rank, the share of resamples in which it is first, then the mean rank of each level of a factor."""
        question = asked(study, self.target)
        labels = question.labels(run)
        if len(labels) < 2:
            raise StudyError(message(f"analysis {type(self).__name__}", f"{len(labels)} model answers {question.name!r}", expected="two or more"))
        figure = "nape" if isinstance(question.target, Measures) else figure_of(question.target)
        drawn, n = self._drawn(run, question, labels, figure)
        yield from _arms(labels, figure, drawn, n)
        for factor in self.by:
            yield from _levels(factor, [factors_of(study, label).get(factor, "") for label in labels], ranks(drawn, figure), n)

    def _drawn(self, run: Run, question: Asked, labels: tuple[str, ...], figure: str) -> tuple[np.ndarray, int]:
        """The figure (1 + resamples, models, findings), and how many cases it rests on."""
        seed = derive(int(run.about["seed"]), type(self).__name__) % 2**32
        parts, n = [], 0
        for finding in question.target.findings:
            frames = aligned(run, replace(question, finding=finding), labels)
            parts.append(resampled(frames, figure, resamples=self.resamples, seed=seed))
            n = max(n, next(iter(frames.values()))["case"].nunique())
        return np.stack(parts, axis=-1), n


def ranks(drawn: np.ndarray, figure: str) -> np.ndarray:
    """Mean rank (..., models) over findings of a figure (..., models, findings): 1 is best."""
    from osteon.stats.ranks import mean_ranks

    return mean_ranks(-BETTER[figure] * drawn)


def _arms(labels: tuple[str, ...], figure: str, drawn: np.ndarray, n: int) -> Iterator[Result]:
    from osteon.stats.clusters import from_resamples

    placed, mean = ranks(drawn, figure), np.nanmean(drawn, axis=-1)
    first = placed[1:] == np.nanmin(placed[1:], axis=1, keepdims=True)
    for k in np.argsort(placed[0], kind="stable"):
        label = labels[k]
        yield Result("mean rank", label, value=from_resamples(float(placed[0, k]), placed[1:, k]), n=n)
        yield Result(figure.upper(), label, value=from_resamples(float(mean[0, k]), mean[1:, k]), n=n, unit=SHARE if figure == "nape" else "", note=f"mean over {drawn.shape[-1]} findings" if drawn.shape[-1] > 1 else "")
        yield Result("first of all", label, value=point(float(first[:, k].mean()), method="share of resamples of patients"), n=n, unit=SHARE)


def _levels(factor: str, levels: list[str], placed: np.ndarray, n: int) -> Iterator[Result]:
    """The mean rank of the models of each level, the best first."""
    from osteon.stats.clusters import from_resamples

    known = [level for level in dict.fromkeys(levels) if level]
    means = {level: placed[:, [i for i, of in enumerate(levels) if of == level]].mean(axis=1) for level in known}
    for level in sorted(known, key=lambda name: float(means[name][0])):
        yield Result("mean rank of a level", f"{factor}: {level}", value=from_resamples(float(means[level][0]), means[level][1:]), n=n, note=f"mean of {levels.count(level)} models" if levels.count(level) > 1 else "")
