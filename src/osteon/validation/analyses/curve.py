"""Learning curve over arms that were trained on growing shares of the train part; nothing is trained here.

Figueroa RL et al. BMC Med Inform Decis Mak 2012; 12: 8 (inverse power law); after Guy 2021.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import mean
from typing import Any

import numpy as np

from osteon.errors import StudyError, message
from osteon.models import Arm
from osteon.run import Run
from osteon.seeds import derive
from osteon.study import Study
from osteon.validation.analyses.asked import Asked, aligned, asked
from osteon.validation.analyses.resampled import BETTER, figure_of, resampled
from osteon.validation.results import Result, point

LEAST = 4  # sizes for a power law
REACH = 10  # times the largest size, beyond which nothing is foretold
LIMITS = {"auc": (0.0, 1.0), "dice": (0.0, 1.0), "mae": (0.0, math.inf)}  # of a ceiling
SAID = {"auc": "AUC", "dice": "Dice", "mae": "mean absolute error"}
SHOWN = "no further gain shown from"
BEFORE, LARGEST = "gain over the size before", "gain of the largest size"


@dataclass(frozen=True)
class Curve:
    """Performance (AUC, Dice or mean absolute error) against the number of training cases, on the same test cases for every size.

    No further gain is shown from the first size whose gain to the largest has an interval that includes 0. `model` names the arms where the study has several
    curves (the `name` given to `sizes`). `within` is how near the ceiling of the fitted power law counts as there.
    """

    target: str = ""
    finding: str = ""
    model: str = ""
    within: float = 0.01
    resamples: int = 1000

    @property
    def columns(self) -> tuple[str, ...]:
        """No attribute of a case is read."""
        return ()

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """The figure and gains at each size, from where no further gain is shown, and the ceiling of the power law. Raises StudyError for fewer than two sizes."""
        question = asked(study, self.target, self.finding)
        sized = self._sizes(run, study, question)
        frames = aligned(run, question, tuple(sized))
        figure = figure_of(question.target)
        drawn = resampled(frames, figure, resamples=self.resamples, seed=derive(int(run.about["seed"]), type(self).__name__) % 2**32)
        counts, n = np.array(list(sized.values())), next(iter(frames.values()))["case"].nunique()
        points = tuple(_points(figure, counts, drawn, n))
        yield from points
        yield _flat(counts, points, n)
        yield from self._law(figure, counts, drawn, n)

    def _sizes(self, run: Run, study: Study, question: Asked) -> dict[str, float]:
        """Training cases of each arm of the curve, the fewest first."""
        arms = {label: study.models.get(label) for label in question.labels(run)}
        found = {label: arm for label, arm in arms.items() if isinstance(arm, Arm) and "train share" in arm.factors}
        names = list(dict.fromkeys(arm.factors.get("model", "") for arm in found.values()))
        wanted = self.model or (names[0] if names else "")
        sized = {label: _trained_on(run, label) for label, arm in found.items() if arm.factors.get("model", "") == wanted}
        if len(set(sized.values())) < 2:
            raise StudyError(message(f"analysis {type(self).__name__}", "fewer than two arms were trained on different numbers of cases", expected="models={**sizes(name, model, (0.1, 0.25, 0.5)), ...}",
                                     found=f"Found {', '.join(names) or 'no such arm'}"))
        return dict(sorted(sized.items(), key=lambda item: item[1]))

    def _law(self, figure: str, counts: np.ndarray, drawn: np.ndarray, n: int) -> Iterator[Result]:
        from osteon.stats.clusters import from_resamples
        from osteon.stats.intervals import undefined
        from osteon.stats.learning import fit_power_law

        if len(np.unique(counts)) < LEAST:
            yield Result(f"ceiling of {SAID[figure]}", "power law", value=undefined(f"{len(np.unique(counts))} sizes ({LEAST} needed)"), n=n)
            return
        spread = np.nanvar(drawn[1:], axis=0)
        weights = 1 / np.maximum(spread, spread.max() * 1e-3) if spread.max() > 0 else None
        law = fit_power_law(counts, drawn[0], weights=weights, within=LIMITS[figure])
        others = [fit_power_law(counts, row, weights=weights, within=LIMITS[figure]) for row in drawn[1:201] if np.isfinite(row).all()]
        ends = from_resamples(law.ceiling, np.array([o.ceiling for o in others]))
        yield Result(f"ceiling of {SAID[figure]}", "power law", value=ends, n=n, note=f"{SAID[figure]} = {law.ceiling:.3g} {'+' if law.change > 0 else '−'} {abs(law.change):.3g} / cases^{law.rate:.2g}")
        near = law.cases_within(self.within)
        value = point(near, method="power law") if near <= REACH * counts.max() else undefined(f"more than {REACH} times the largest size: not foretold", method="power law")
        yield Result("training cases", f"within {self.within:g} of the ceiling", value=value, n=n, unit="cases")


def _trained_on(run: Run, label: str) -> float:
    """Training cases of an arm: the mean over folds and fits, those of the model for new cases apart."""
    found = [_noted(note[key]) for note in run.notes(label) if note.get("fold") != "final" for key in note if key.startswith("fit ")]
    known = [n for n in found if n]
    return mean(known) if known else 0.0


def _noted(note: Any) -> float:
    return float(note.get("train_cases", 0)) if isinstance(note, dict) else 0.0


def _points(figure: str, counts: np.ndarray, drawn: np.ndarray, n: int) -> Iterator[Result]:
    from osteon.stats.clusters import from_resamples

    for k, count in enumerate(counts):
        group = f"{count:,.0f} training cases"
        yield Result(SAID[figure], group, value=from_resamples(float(drawn[0, k]), drawn[1:, k]), n=n)
        for what, more, less in ((BEFORE, k, k - 1), (LARGEST, len(counts) - 1, k)):
            if less >= 0 and more > less:
                gain = BETTER[figure] * (drawn[:, more] - drawn[:, less])
                yield Result(what, group, value=from_resamples(float(gain[0]), gain[1:]), n=n)


def _flat(counts: np.ndarray, points: tuple[Result, ...], n: int) -> Result:
    """The first size from which the largest gains nothing that its interval tells from 0."""
    from osteon.stats.intervals import undefined

    gains = [r for r in points if r.what == LARGEST]
    for count, gain in zip(counts, gains, strict=False):
        if gain.value.defined and gain.value.lower <= 0:
            return Result("training cases", SHOWN, value=point(float(count), method="the gain of the largest size includes 0"), n=n, unit="cases")
    return Result("training cases", SHOWN, value=undefined("still rising at the largest size"), n=n, unit="cases")
