"""A chain learns from truth where there is one, else from answers of models that did not see the patient, and predicts on answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from osteon.budget import SMOKE
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.models import Chain, Desk, Formula
from osteon.models.protocol import Model
from osteon.targets import Measures, Target
from osteon.value import Readings, Value, Withheld

TARGETS: dict[str, Target] = {"half": Measures({"x": "mm"}, "x"), "whole": Measures({"y": "mm"}, "y")}


@dataclass(frozen=True)
class Offset:
    """Learns the mean difference between a reading of its input and its truth; remembers whom it saw."""

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    offset: float | None = None
    seen: frozenset[str] = frozenset()

    def fit(self, train: Cohort, tune: Cohort, targets: Mapping[str, Target], desk: Desk) -> Self:
        known = [c for c in train if self.writes[0] in c.truth]
        gaps = [number(c.truth[self.writes[0]]) - number(c.inputs[self.reads[0]]) for c in known]
        return replace(self, offset=float(np.mean(gaps)), seen=frozenset(c.patient for c in train))

    def predict(self, cohort: Cohort) -> Iterator[dict[str, Value]]:
        assert self.offset is not None
        name = TARGETS[self.writes[0]].findings[0]
        for case in cohort:
            seen = 1000.0 if case.patient in self.seen else 0.0
            yield {self.writes[0]: Readings({name: number(case.inputs[self.reads[0]]) + self.offset, "seen": seen})}

    def save(self, folder: Path) -> None:
        (folder / "offset.txt").write_text(str(self.offset))

    def load(self, folder: Path, targets: Mapping[str, Target]) -> Self:
        return replace(self, offset=float((folder / "offset.txt").read_text()))


def number(value: Any) -> float:
    return float(next(iter(value.values.values()))) if isinstance(value, Readings) else float(value)


def cohort(n: int = 12, missing: int = 0) -> Cohort:
    cases = []
    for i in range(n):
        truth: dict[str, Value] = {"whole": Readings({"y": i + 5.0})}
        if i >= missing:
            truth["half"] = Readings({"x": i + 2.0})
        cases.append(Case(f"c{i}", f"p{i}", inputs={"raw": float(i)}, truth=truth))
    return Cohort("toy", "simulated", cases=cases)


CHAIN = Chain(Offset(("raw",), ("half",)), Offset(("half",), ("whole",)))


def test_steps_learn_from_truth_and_predict_on_answers() -> None:
    fitted = CHAIN.fit(cohort(), cohort(4), TARGETS, Desk(SMOKE, 0))
    assert [s.offset for s in fitted.steps] == [2.0, 3.0]  # type: ignore[attr-defined]
    answers = list(fitted.predict(cohort(20)))
    assert len(answers) == 20 and set(answers[0]) == {"half", "whole"}
    assert [number(a["whole"]) for a in answers] == [i + 5.0 for i in range(20)]


def test_a_case_without_truth_hands_on_an_answer_of_a_model_that_did_not_see_it() -> None:
    fitted = CHAIN.fit(cohort(12, missing=5), cohort(4), TARGETS, Desk(SMOKE, 0))
    assert [s.offset for s in fitted.steps] == pytest.approx([2.0, 3.0])  # type: ignore[attr-defined]
    captured: list[float] = []

    @dataclass(frozen=True)
    class Spy:
        reads: tuple[str, ...] = ("half",)
        writes: tuple[str, ...] = ("whole",)

        def fit(self, train: Cohort, tune: Cohort, targets: Mapping[str, Target], desk: Desk) -> Self:
            captured.extend(c.inputs["half"].values.get("seen", 0.0) for c in train)
            return self

        def predict(self, cohort: Cohort) -> Iterator[dict[str, Value]]:
            return ({"whole": Withheld("spy")} for _ in cohort)

        def save(self, folder: Path) -> None: ...

        def load(self, folder: Path, targets: Mapping[str, Target]) -> Self:
            return self

    Chain(Offset(("raw",), ("half",)), Spy()).fit(cohort(12, missing=5), cohort(4), TARGETS, Desk(SMOKE, 0))
    assert captured == [0.0] * 12


def test_the_spec_is_not_changed_and_a_chain_is_a_model(tmp_path: Path) -> None:
    fitted = CHAIN.fit(cohort(), cohort(4), TARGETS, Desk(SMOKE, 0))
    assert CHAIN.steps[0].offset is None  # type: ignore[attr-defined]
    assert isinstance(CHAIN, Model) and CHAIN.reads == ("raw",) and CHAIN.writes == ("half", "whole")
    fitted.save(tmp_path)
    again = CHAIN.load(tmp_path, TARGETS)
    assert [number(a["whole"]) for a in again.predict(cohort())] == [number(a["whole"]) for a in fitted.predict(cohort())]


def test_a_formula_withholds_what_it_can_not_know() -> None:
    def double(raw: float) -> Readings:
        return Readings({"y": 2 * raw})

    formula = Formula(double, reads=("raw",), writes=("whole",))
    blind = Case("x", "x")
    held = Case("y", "y", inputs={"raw": Withheld("blurred")})
    answers = list(formula.predict(Cohort("toy", "own", cases=[cohort().cases[3], blind, held])))
    assert answers[0]["whole"].values == {"y": 6.0}  # type: ignore[union-attr]
    assert answers[1]["whole"] == Withheld("no raw") and answers[2]["whole"] == Withheld("blurred")
