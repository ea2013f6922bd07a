"""Models one after another: detector, segmenter, measurement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from osteon.case import Case
from osteon.cohort import Cohort
from osteon.design import together
from osteon.models.protocol import Desk, Model
from osteon.progress import log
from osteon.targets import Target
from osteon.value import Value

BATCH = 8  # cases whose inputs are held at once


@dataclass(frozen=True, init=False)
class Chain:
    """Steps in order; each learns from the truth of the steps before it where a case has it, else from their out-of-fold answers, and predicts on their answers."""

    steps: tuple[Model, ...]

    def __init__(self, *steps: Model) -> None:
        object.__setattr__(self, "steps", tuple(steps))

    @property
    def reads(self) -> tuple[str, ...]:
        """The inputs that no earlier step writes."""
        written: set[str] = set()
        out: dict[str, None] = {}
        for step in self.steps:
            out |= dict.fromkeys(r for r in step.reads if r not in written)
            written |= set(step.writes)
        return tuple(out)

    @property
    def writes(self) -> tuple[str, ...]:
        """Every answer and derived input of the steps."""
        return tuple(dict.fromkeys(w for step in self.steps for w in step.writes))

    def fit(self, train: Cohort, tune: Cohort, targets: Mapping[str, Target], desk: Desk) -> Self:
        """Fit the steps in order, in drawers 1, 2, ... of the desk."""
        fitted: list[Model] = []
        for number, step in enumerate(self.steps, 1):
            drawer = desk.drawer(str(number))
            fitted.append(step.fit(train, tune, targets, drawer))
            if number < len(self.steps):
                wanted = [w for w in step.writes if any(w in later.reads for later in self.steps[number:])]
                train = handed_on(step, fitted[-1], train, tune, wanted, targets, drawer, fold=True)
                tune = handed_on(step, fitted[-1], tune, tune, wanted, targets, drawer, fold=False)
        return self._with(fitted)

    def _with(self, steps: Sequence[Model]) -> Self:
        return type(self)(*steps)

    def predict(self, cohort: Cohort) -> Iterator[dict[str, Value]]:
        """The answers of every step for each case, in batches; an input is loaded once and read by every step."""
        for start in range(0, len(cohort), BATCH):
            yield from self._batch(cohort.take(np.arange(start, min(start + BATCH, len(cohort)))))

    def _batch(self, cohort: Cohort) -> list[dict[str, Value]]:
        cases = [replace(case, inputs={n: case.inputs[n] for n in self.reads if n in case.inputs}) for case in cohort]
        answers: list[dict[str, Value]] = [{} for _ in cases]
        for step in self.steps:
            read = replace(cohort, cases=[case.with_inputs(**answer) for case, answer in zip(cases, answers, strict=True)])
            for answer, new in zip(answers, step.predict(read), strict=True):
                answer.update(new)
        return answers

    def save(self, folder: Path) -> None:
        """Each step in a folder of its number."""
        for number, step in enumerate(self.steps, 1):
            (folder / str(number)).mkdir(parents=True, exist_ok=True)
            step.save(folder / str(number))

    def load(self, folder: Path, targets: Mapping[str, Target]) -> Self:
        """The chain with every step loaded."""
        return self._with([step.load(folder / str(n), targets) for n, step in enumerate(self.steps, 1)])


def handed_on(spec: Model, fitted: Model, cohort: Cohort, tune: Cohort, names: Sequence[str], targets: Mapping[str, Target], desk: Desk, *, fold: bool) -> Cohort:
    """The cohort whose cases carry, as inputs, the truth of `names` or, where a case lacks it, the answer of a model that did not see its patient."""
    need = [i for i, case in enumerate(cohort) if any(name not in case.truth for name in names)]
    answers: dict[str, dict[str, Any]] = {}
    if need:
        log.info("%d of %d cases lack the truth of %s: answers are taken instead", len(need), len(cohort), ", ".join(names))
        answers = out_of_fold(spec, cohort, tune, need, targets, desk) if fold else _answers(fitted, cohort.take(np.array(need)))

    def hand_on(case: Case) -> Case:
        given = {n: case.truth[n] if n in case.truth else answers[case.id][n] for n in names if n in case.truth or n in answers.get(case.id, {})}
        return case.with_inputs(**given)

    return cohort.map(hand_on) if names else cohort


def _answers(fitted: Model, cohort: Cohort) -> dict[str, dict[str, Any]]:
    return dict(zip(cohort.ids(), fitted.predict(cohort), strict=True))


def out_of_fold(spec: Model, cohort: Cohort, tune: Cohort, need: Sequence[int], targets: Mapping[str, Target], desk: Desk, parts: int = 3) -> dict[str, dict[str, Any]]:
    """Answers for the cases in need, each by a model fitted without its patient."""
    groups = together(cohort.column("patient"))
    if not any(spec.writes):
        return {}
    out: dict[str, dict[str, Any]] = {}
    for part in range(parts):
        held = [i for i in need if groups[i] % parts == part]
        if held:
            rest = np.flatnonzero(groups % parts != part)
            fitted = spec.fit(cohort.take(rest), tune, targets, desk.drawer(f"out-of-fold-{part}"))
            out |= _answers(fitted, cohort.take(np.array(held)))
    return out
