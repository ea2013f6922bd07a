"""Whether acting on a model's probabilities does more good than harm, beside treating all and treating none.

Vickers AJ, Elkin EB. Med Decis Making 2006; 26: 565; Vickers AJ et al. BMC Med Inform Decis Mak 2008; 8: 53 (time to an event).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, StudyError, message
from osteon.run import Run
from osteon.seeds import derive
from osteon.study import Study
from osteon.targets import Classes, Events, Grades, Target
from osteon.targets.lines import TRUE, answered, judged
from osteon.validation.analyses.asked import asked
from osteon.validation.results import Result, point

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval
    from osteon.stats.utility import DecisionCurve

PROBABLE = (Classes, Grades, Events)
SHOWN = 5  # thresholds of the range that are told in figures


@dataclass(frozen=True)
class NetBenefit:
    """Net benefit over a range of threshold probabilities, declared beforehand: those at which a reasonable person would act. Of time to an event, by its horizon."""

    low: float = 0.05
    high: float = 0.5
    target: str = ""
    finding: str = ""
    resamples: int = 500

    def __post_init__(self) -> None:
        if not 0 < self.low < self.high < 1:
            raise StudyError(message(type(self).__name__, "the range of thresholds is impossible", expected="0 < low < high < 1", found=f"Found {self.low}, {self.high}"))

    @property
    def columns(self) -> tuple[str, ...]:
        """No attribute of a case is read."""
        return ()

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """Net benefit of each model at some thresholds, and of treating all; that of treating none is 0."""
        question = asked(study, self.target, self.finding)
        for label in question.labels(run):
            lines = question.tested(run, label)
            found = curve(lines, question.target, self.thresholds(SHOWN), resamples=self.resamples, seed=derive(int(run.about["seed"]), type(self).__name__) % 2**32)
            n = len(answered(lines))
            for k, at in enumerate(found.thresholds):
                yield Result(f"net benefit at {100 * at:.3g} %", label, value=_interval(found, k), n=n)
        for k, at in enumerate(found.thresholds):
            yield Result(f"net benefit at {100 * at:.3g} %", "all are treated", value=point(float(found.treat_all[k])), n=n)

    def thresholds(self, count: int) -> np.ndarray:
        """At most so many thresholds of the range in whole per cent, evenly spaced, both ends among them."""
        return np.unique([self.low, *np.linspace(self.low, self.high, count).round(2).clip(self.low, self.high), self.high])


def _interval(found: DecisionCurve, k: int) -> Interval:
    from osteon.stats.intervals import Interval

    return Interval(found.model[k], found.lower[k], found.upper[k], method="patient bootstrap, percentile")


def curve(lines: pd.DataFrame, target: Target, thresholds: np.ndarray, *, resamples: int, seed: int) -> DecisionCurve:
    """The decision curve of the test lines of one finding of a model. Raises StudyError for a target without probabilities, DataError where nothing is judged."""
    from osteon.stats.utility import decision_curve, survival_decision_curve

    if not isinstance(target, PROBABLE):
        raise StudyError(message("net benefit", f"{type(target).__name__.lower()} give no probability", expected="classes, grades or events"))
    known = answered(lines) if isinstance(target, Events) else judged(lines)
    if not len(known):
        raise DataError(message("net benefit", "no case of the test part was answered and judged"))
    risk = np.clip(known["score"].to_numpy(float), 0, 1)
    at = tuple(thresholds.tolist())
    if isinstance(target, Events):
        time, event = known["n.time"].to_numpy(float), known["n.event"].to_numpy(float)
        return survival_decision_curve(time, event, risk, horizon=target.horizon, thresholds=at, resamples=min(resamples, 200), seed=seed)
    return decision_curve((known["state"] == TRUE).to_numpy(float), risk, thresholds=at, patients=known["patient"].to_numpy(str), resamples=resamples, seed=seed)
