"""What every study keeps: it declares, runs small on its own simulator, beats a constant answer, reports, and is the study of the review."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from osteon import engine
from osteon.budget import LAPTOP, SMOKE
from osteon.cohort import Cohort
from osteon.engine.fitting import answers
from osteon.engine.folder import codes
from osteon.engine.judging import asked
from osteon.readers import to_plain
from osteon.report import report
from osteon.run import Run, slug
from osteon.studies import names, study, study_of
from osteon.validation.saved import load_final
from osteon.value import Label, Readings, Value, Withheld

SEED = {row["study"]: row for row in csv.DictReader((Path(__file__).parents[1] / "data" / "seed_systems.csv").open(encoding="utf-8"))}


@dataclass(frozen=True)
class Done:
    """A study that ran under smoke, with the cohort that it ran on."""

    run: Run
    cohort: Cohort


@pytest.fixture(scope="module", params=names())
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp(request.param)
    cohort = engine.simulate(request.param, folder / "cohort", seed=1, budget=SMOKE)
    return Done(engine.run(request.param, cohort, seed=1, budget=SMOKE, out=folder / "run"), cohort)


@pytest.mark.parametrize("name", names())
def test_it_is_the_system_of_the_review(name: str) -> None:
    declared = study(name)
    assert str(declared.reference) == SEED[name]["reference"]
    assert set(declared.areas) == set(SEED[name]["areas"].split("; "))
    assert declared.claims and declared.differs and declared.question.endswith("?")


@pytest.mark.parametrize("name", names())
def test_the_declaration_is_short_and_holds_no_loop(name: str) -> None:
    import osteon.studies

    text = (Path(osteon.studies.__path__[0]) / f"{name}.py").read_text(encoding="utf-8")
    assert 30 <= len(text.splitlines()) <= 90
    assert "\nfor " not in text and "\nwhile " not in text


def test_it_gives_one_primary_row_and_says_that_it_is_simulated(done: Done) -> None:
    rows = done.run.rows
    assert sum(r.question.primary for r in rows) == 1
    assert {r.source.origin for r in rows} == {"simulated"}
    assert done.run.primary.counts["n"] + done.run.primary.counts["withheld"] > 0


def test_its_best_model_beats_the_constant_answer(done: Done) -> None:
    """Of the primary target. Readings are answered for most and nearer than the mean; for classes of the few films of a test part luck decides, there a network shows that it learnt."""
    primary = done.run.primary.question
    same = [r for r in done.run.rows if (r.question.target, r.question.finding) == (primary.target, primary.finding)]
    gains = [gain for r in same for gain in (_gain(r.metrics),) if not math.isnan(gain)]
    if any("mae" in r.metrics for r in same):
        answered = [r.counts["n"] / (r.counts["n"] + r.counts["withheld"]) for r in same]
        assert max(answered) >= 0.75 and max(gains, default=-1.0) > 0
    assert max(gains, default=-1.0) > 0 or _learnt(done.run)


def _learnt(run: Run) -> bool:
    """Whether a network that was trained from pictures learnt: on the few films of a test part luck decides, the loss of the train part fell by a tenth."""
    notes = [fit for label in run.labels for note in run.notes(label) for fit in _fits(note)]
    return any(fit["losses"][-1]["train"] < 0.9 * fit["losses"][0]["train"] for fit in notes)


def _fits(note: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The notes of every network of a fold, those of the steps of a chain among them."""
    for part in (p for p in note.values() if isinstance(p, dict)):
        yield from [part] if part.get("losses") else _fits(part)


def _gain(metrics: dict[str, dict[str, float]]) -> float:
    """How far a result lies above that of a constant answer: AUC or C-index over 0.5, or the error saved (of an empty picture it is the whole signal)."""
    if "nmse" in metrics:
        return 1 - metrics["nmse"]["estimate"]
    if "mae_of_the_mean" in metrics:
        return metrics["mae_of_the_mean"]["estimate"] - metrics["mae"]["estimate"]
    return next((metrics[m]["estimate"] - 0.5 for m in ("auc", "c_index") if m in metrics), float("nan"))


@pytest.mark.verify
@pytest.mark.parametrize("name", names())
def test_its_best_model_beats_the_constant_answer_after_training(name: str, tmp_path: Path) -> None:
    """The primary target itself, under `laptop` with fewer cases and seconds (minutes of training)."""
    small = LAPTOP.with_(cases=160, rows=2000, seconds=120.0)
    run = engine.run(name, engine.simulate(name, tmp_path / "cohort", budget=small), budget=small, out=tmp_path / "run")
    primary = run.primary.question
    same = [r for r in run.rows if (r.question.target, r.question.finding) == (primary.target, primary.finding)]
    assert max(_gain(r.metrics) for r in same) > 0


def test_its_report_opens_with_the_verification_sentence(done: Done) -> None:
    page = report(done.run).read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert "oftware verification" in page[: page.index("</h1>") + 4000]


def test_a_saved_model_answers_as_it_did(done: Done) -> None:
    """The model of each fold, about the cases that were tested in it."""
    run, declared = done.run, study_of(done.run)
    label, coded = run.labels[0], codes(done.cohort).cases
    given = done.cohort.conform(declared.inputs, declared.targets)
    place = {coded[case]: row for row, case in enumerate(given.ids())}
    targets, checked = asked(declared.models[label].writes, declared.targets), []
    for fold in run.about["folds"]:
        told = [a for a in run.values(label) if (a["fold"], a["part"]) == (fold, "test")]
        models = load_final(run.folder / "models" / slug(label) / slug(fold), declared.models[label], declared.targets)
        again = answers(models, given.take(np.array([place[a["case"]] for a in told])), targets)
        checked += [_same(to_plain(values[t]), plain) for a, values in zip(told, again, strict=True) for t, plain in a["values"].items() if "file" not in plain]
    assert len(checked) >= 4 and all(checked)


def _same(first: object, second: object) -> bool:
    if isinstance(first, dict) and isinstance(second, dict):
        return set(first) == set(second) and all(_same(first[k], second[k]) for k in first)
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
        return len(first) == len(second) and all(_same(a, b) for a, b in zip(first, second, strict=True))
    if isinstance(first, float) and isinstance(second, (int, float)):
        return math.isclose(first, second, rel_tol=1e-4, abs_tol=1e-4)
    return first == second


def test_an_answer_has_the_type_of_its_target(done: Done) -> None:
    kinds: dict[str, tuple[type, ...]] = {"stay": (Label, Withheld), "alignment": (Readings, Withheld)}
    check: Callable[[str, Value], bool] = lambda name, value: isinstance(value, kinds.get(name, (object,)))  # noqa: E731
    answer = next(engine.predict(done.run, done.cohort))
    assert all(check(name, value) for name, value in answer.values.items())
