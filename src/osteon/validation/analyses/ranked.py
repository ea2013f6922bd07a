"""Arms of a grid in the order of their errors over several tasks, with how sure that order is (after Sharifi Renani 2020: sensors by gait parameters)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from osteon.errors import DataError, StudyError, message
from osteon.run import Run
from osteon.seeds import derive
from osteon.study import Study
from osteon.targets import Measures
from osteon.validation.analyses.asked import Asked, asked, factors_of, in_one_order
from osteon.validation.analyses.resampled import BETTER, figure_of, resampled
from osteon.validation.results import SHARE, Result, point

STOPPED = "stopped by the clock"
WITHIN, OF = "within a finding", ": "  # the figure of one model for one finding, and what stands between their names


@dataclass(frozen=True)
class Ranked:
    """Every model that answers a target, ranked within each of its findings and by the mean of these ranks; intervals from resampling patients.

    Readings are ranked by their normalised absolute percentage error (NAPE: mean absolute error over the mean absolute truth, so that single truths near 0 do
    no harm), classes by AUC, masks by Dice.
    `by` names factors of a grid (`arms`) whose levels are ranked too; `along` one factor: then only the first arm and those that differ from it in this factor alone are ranked.
    """

    target: str = ""
    by: tuple[str, ...] = ()
    along: str = field(default="", kw_only=True)
    resamples: int = 1000

    @property
    def columns(self) -> tuple[str, ...]:
        """No attribute of a case is read."""
        return ()

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """For each model its error and mean rank, the share of resamples in which it is first, then the mean rank of each level of a factor."""
        question = asked(study, self.target)
        labels = self._labels(study, question.labels(run))
        if len(labels) < 2:
            raise StudyError(message(f"analysis {type(self).__name__}", f"{len(labels)} model answers {question.name!r}", expected="two or more" + (f" that differ in {self.along}" if self.along else "")))
        figure = "nape" if isinstance(question.target, Measures) else figure_of(question.target)
        drawn, n = self._drawn(run, question, labels, figure)
        yield from _arms(labels, figure, drawn, n, {label: cut_short(run, label) for label in labels})
        yield from _cells(labels, figure, drawn[0], question.target.findings, n)
        for factor in self.by:
            yield from _levels(factor, [factors_of(study, label).get(factor, "") for label in labels], ranks(drawn, figure), n)

    def _labels(self, study: Study, labels: tuple[str, ...]) -> tuple[str, ...]:
        """The models that are ranked."""
        known = {label: dict(factors_of(study, label)) for label in labels}
        first = next((own for own in known.values() if self.along in own), None)
        if not self.along or first is None:
            return () if self.along else labels
        return tuple(label for label, own in known.items() if own and {**own, self.along: ""} == {**first, self.along: ""})

    def _drawn(self, run: Run, question: Asked, labels: tuple[str, ...], figure: str) -> tuple[np.ndarray, int]:
        """The figure (1 + resamples, models, findings), and how many cases it rests on."""
        seed = derive(int(run.about["seed"]), type(self).__name__) % 2**32
        frames = in_one_order({label: question.of_every_finding(run, label) for label in labels}, question.name)
        held = next(iter(frames.values()))["finding"]
        parts, n = [], 0
        for finding in question.target.findings:
            rows = (held == finding).to_numpy()
            if not rows.any():
                raise DataError(message(f"analysis {type(self).__name__}", f"{finding!r} was answered by no case of the test part for all of {len(labels)} models"))
            some = {label: frame[rows].reset_index(drop=True) for label, frame in frames.items()}
            parts.append(resampled(some, figure, resamples=self.resamples, seed=seed))
            n = max(n, next(iter(some.values()))["case"].nunique())
        return np.stack(parts, axis=-1), n


def ranks(drawn: np.ndarray, figure: str) -> np.ndarray:
    """Mean rank (..., models) over findings of a figure (..., models, findings): 1 is best."""
    from osteon.stats.ranks import mean_ranks

    return mean_ranks(-BETTER[figure] * drawn)


def cut_short(run: Run, label: str) -> str:
    """That the clock ended a fit of a model before its course was through; empty where none was, or nothing is known of its fits."""
    fits = [fit["epochs"] for note in run.notes(label) for fit in _fits(note) if fit.get("ended") == "time"]
    least = min(fits, key=lambda epochs: float(epochs["used"]), default=None)
    return "" if least is None else f"{STOPPED} after {least['used']:g} of {least['named']:g} epochs"


def _fits(note: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What every network of a fold told of its fit, those of the steps of a chain among them."""
    for part in (p for p in note.values() if isinstance(p, dict)):
        yield from [part] if "ended" in part else _fits(part)


def _arms(labels: tuple[str, ...], figure: str, drawn: np.ndarray, n: int, notes: Mapping[str, str]) -> Iterator[Result]:
    from osteon.stats.clusters import from_resamples

    placed, mean = ranks(drawn, figure), np.nanmean(drawn, axis=-1)
    first = placed[1:] == np.nanmin(placed[1:], axis=1, keepdims=True)
    for k in np.argsort(placed[0], kind="stable"):
        label = labels[k]
        yield Result("mean rank", label, value=from_resamples(float(placed[0, k]), placed[1:, k]), n=n, note=notes[label])
        yield Result(figure.upper(), label, value=from_resamples(float(mean[0, k]), mean[1:, k]), n=n, unit=SHARE if figure == "nape" else "", note=f"mean over {drawn.shape[-1]} findings" if drawn.shape[-1] > 1 else "")
        yield Result("first of all", label, value=point(float(first[:, k].mean()), method="share of resamples of patients"), n=n, unit=SHARE)


def _cells(labels: tuple[str, ...], figure: str, found: np.ndarray, findings: tuple[str, ...], n: int) -> Iterator[Result]:
    """The figure (models, findings) of each model within each finding, where there are several."""
    for k, label in enumerate(labels if len(findings) > 1 else ()):
        for finding, value in zip(findings, found[k].tolist(), strict=True):
            yield Result(f"{figure.upper()} {WITHIN}", f"{label}{OF}{finding}", value=point(value), n=n, unit=SHARE if figure == "nape" else "")


def _levels(factor: str, levels: list[str], placed: np.ndarray, n: int) -> Iterator[Result]:
    """The mean rank of the models of each level, the best first."""
    from osteon.stats.clusters import from_resamples

    known = [level for level in dict.fromkeys(levels) if level]
    means = {level: placed[:, [i for i, of in enumerate(levels) if of == level]].mean(axis=1) for level in known}
    for level in sorted(known, key=lambda name: float(means[name][0])):
        yield Result("mean rank of a level", f"{factor}: {level}", value=from_resamples(float(means[level][0]), means[level][1:]), n=n, note=f"mean of {levels.count(level)} models" if levels.count(level) > 1 else "")
