"""Fusion and hazards: a film and a record in one network, whatever is there; the partial likelihood and not the mere fact of an event; a baseline that is kept."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from osteon.budget import SMOKE
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.errors import DataError, NotFitted, StudyError
from osteon.models import Desk, Fusion, Net, Tabular
from osteon.models.columns import Coding
from osteon.models.events import EventsFamily
from osteon.networks.fusion import left_out
from osteon.stats.survival_prediction import harrell_c
from osteon.targets import Masks
from osteon.value import Grade, Label, Readings, Risk, Value, Withheld

films = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("hazard_films.py"))))
TARGETS, EVENT, cohort, hazards = films.TARGETS, films.EVENT, films.cohort, films.hazards

BACKBONE = "test_resnet"  # 0.4 million weights
BUDGET = SMOKE.with_(image_side=32, epochs=10, seconds=900.0)
BOTH = Fusion(BACKBONE, ("xray",), ("row",), ("break",))
FILM = Net(BACKBONE, ("xray",), ("break",))
ROW = Tabular("Cox regression", ("row",), ("break",))


@pytest.fixture(scope="module")
def parts() -> tuple[Cohort, Cohort, Cohort]:
    return cohort(220, 1), cohort(80, 2), cohort(300, 3)


@pytest.fixture(scope="module")
def both(parts: tuple[Cohort, Cohort, Cohort]) -> Fusion:
    return BOTH.fit(parts[0], parts[1], TARGETS, Desk(BUDGET, 1))


def concordance(model: Any, cases: Cohort) -> float:
    """Harrell's C of a model's risks."""
    truth = [case.truth["break"] for case in cases]
    risks = [EVENT.score(answer["break"], "break") for answer in model.predict(cases)]
    return float(harrell_c([float(t.times[0]) for t in truth], [int(t.event) for t in truth], risks).estimate)


def without(name: str) -> Callable[[Case], Case]:
    return lambda case: replace(case, inputs=case.inputs.without(name))  # type: ignore[attr-defined]


def test_a_fusion_orders_better_than_the_record_and_leans_on_what_is_there(both: Fusion, parts: tuple[Cohort, Cohort, Cohort]) -> None:
    test = parts[2]
    row = ROW.fit(parts[0], parts[1], TARGETS, Desk(BUDGET, 1))
    whole, no_film, no_row = (concordance(both, cases) for cases in (test, test.map(without("xray")), test.map(without("row"))))
    assert whole > concordance(row, test) + 0.05, "the film adds to the record"
    assert whole > no_film + 0.05 and whole > no_row + 0.01, "taking either away costs"
    assert no_film > 0.58 and no_row > 0.6, "and is no loss of everything"
    bare = next(iter(both.predict(test.take(np.arange(1)).map(without("xray")).map(without("row")))))["break"]
    assert isinstance(bare, Withheld) and "xray" in bare.reason and "row" in bare.reason


def test_a_film_that_can_not_be_read_is_no_missing_film(both: Fusion, parts: tuple[Cohort, Cohort, Cohort]) -> None:
    (answer,) = both.predict(parts[2].take(np.arange(1)).map(lambda case: case.with_inputs(xray=Label("no picture"))))
    assert isinstance(answer["break"], Withheld) and "no flat picture" in answer["break"].reason


def test_a_risk_is_a_falling_curve_over_the_baseline_of_the_train_part_and_comes_back_from_files(both: Fusion, parts: tuple[Cohort, Cohort, Cohort], tmp_path: Path) -> None:
    few = parts[2].take(np.arange(12)).map(lambda case: case if int(case.id.split("-")[1]) % 3 else without("xray")(case))
    both.save(tmp_path)
    again = BOTH.load(tmp_path, TARGETS)
    for one, other in zip(both.predict(few), again.predict(few), strict=True):
        risk = one["break"]
        assert isinstance(risk, Risk) and EVENT.horizon in risk.times and (np.diff(risk.survival) <= 0).all()
        np.testing.assert_array_equal(risk.survival, other["break"].survival)  # type: ignore[union-attr]
    kept = json.loads((tmp_path / "spec.json").read_text(encoding="utf-8"))["learnt"]
    times = sorted(float(c.truth["break"].times[0]) for c in parts[0] if c.truth["break"].event)  # type: ignore[union-attr]
    np.testing.assert_allclose(kept["times"], times, rtol=1e-6)
    assert (np.diff(kept["hazard"]) > 0).all()
    free = np.mean([1 - EVENT.score(a["break"], "break") for a in both.predict(parts[0])])
    seen = np.mean([c.truth["break"].times[0] > EVENT.horizon for c in parts[0]])  # type: ignore[union-attr]
    assert free == pytest.approx(seen, abs=0.08), "on the train part the curves meet what was seen"


def risk_of(answer: Value) -> float:
    return EVENT.score(answer, "break") if isinstance(answer, Risk) else answer.probabilities["yes"]  # type: ignore[union-attr]


def test_an_event_that_was_seen_is_another_question_than_when() -> None:
    """The right patch tells of a long follow-up and of no weak bone: a classifier of events seen learns it, a partial likelihood does not."""
    train, tune, test = (cohort(n, seed, left=0.9, column=0.0, followed=1.6) for n, seed in ((220, 11), (80, 12), (300, 13)))
    patches = hazards(300, 13)
    found = {}
    for name in ("break", "seen"):
        fitted = Net(BACKBONE, ("xray",), (name,)).fit(train, tune, TARGETS, Desk(BUDGET.with_(epochs=10 if name == "break" else 4), 1))
        found[name] = [float(np.corrcoef([risk_of(a[name]) for a in fitted.predict(test)], patches[:, k])[0, 1]) for k in (0, 1)]
    (bone, length), (_, longer) = found["break"], found["seen"]
    assert longer > 0.6 and abs(length) < 0.3, "only the classifier learns how long people are followed"
    assert bone > 0.7


def test_without_an_event_nothing_is_learnt_and_the_error_says_so(parts: tuple[Cohort, Cohort, Cohort]) -> None:
    nobody = cohort(20, 5, censored=True)
    for model in (FILM, BOTH, ROW):
        with pytest.raises(DataError, match="nobody has an event"):
            model.fit(nobody, parts[1], TARGETS, Desk(BUDGET, 1))


def test_a_tune_part_without_an_event_stops_nothing() -> None:
    desk = Desk(BUDGET.with_(epochs=2), 1)
    fitted = FILM.fit(cohort(24, 6), cohort(8, 7, censored=True), TARGETS, desk)
    assert desk.notes["best_epoch"] == 2 and np.isnan(desk.notes["losses"][0]["tune"])
    assert isinstance(next(iter(fitted.predict(cohort(2, 8))))["break"], Risk)


def test_every_step_has_its_share_of_the_events() -> None:
    numbers = torch.zeros(300, 2)
    numbers[::12, 1] = 1.0
    rows = EventsFamily("break", 1.0).dealt(numbers, torch.Generator().manual_seed(3))
    assert sorted(rows.tolist()) == list(range(300))
    shares = [int(numbers[part, 1].sum()) for part in rows.split(60)]
    assert max(shares) - min(shares) <= 2 and sum(shares) == 25
    other = EventsFamily("break", 1.0).dealt(numbers, torch.Generator().manual_seed(4))
    assert not torch.equal(rows, other)


@pytest.mark.parametrize(("target", "kind"), [("seen", Label), ("grade", Grade), ("angle", Readings)])
def test_a_fusion_answers_every_family_of_vectors(target: str, kind: type, tmp_path: Path) -> None:
    spec = Fusion(BACKBONE, ("xray",), ("row",), (target,))
    fitted = spec.fit(cohort(40, 21), cohort(12, 22), TARGETS, Desk(BUDGET.with_(epochs=1), 1))
    few = cohort(4, 23)
    answers = [a[target] for a in fitted.predict(few)]
    fitted.save(tmp_path)
    again = [a[target] for a in spec.load(tmp_path, TARGETS).predict(few)]
    assert all(isinstance(a, kind) for a in answers)
    assert [repr(a) for a in answers] == [repr(a) for a in again]


def test_two_films_share_a_backbone_and_either_may_be_missing() -> None:
    def twice(case: Case) -> Case:
        return case.with_inputs(second=case.inputs["xray"])

    spec = Fusion(BACKBONE, ("xray", "second"), (), ("seen",))
    fitted = spec.fit(cohort(40, 31).map(twice), cohort(12, 32).map(twice), TARGETS, Desk(BUDGET.with_(epochs=1), 1))
    few = cohort(4, 33).map(twice)
    for cases in (few, few.map(without("xray")), few.map(without("second"))):
        assert all(isinstance(a["seen"], Label) for a in fitted.predict(cases))
    assert all(isinstance(a["seen"], Withheld) for a in fitted.predict(few.map(without("xray")).map(without("second"))))


def test_a_column_is_standardised_and_marked_where_it_is_missing() -> None:
    train = cohort(60, 41)
    coding = Coding.learnt(train, ("row",))
    assert coding.width == 2 * 2 + 3 and Coding.of(json.loads(json.dumps(coding.__dict__))) == coding
    age = np.array([coding.code(case.inputs)[0] for case in train])
    assert age.mean() == pytest.approx(0, abs=1e-5) and age.std() == pytest.approx(1, abs=1e-5)
    assert coding.code({"row": {"age": 70.0, "bmi": float("nan"), "sex": "other"}})[1:].tolist() == [0.0, 0.0, 1.0, 0.0, 0.0, 1.0]
    assert coding.code({}).tolist() == [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0] and not coding.there({}) and coding.there({"row": {"age": 1.0}})


def test_modalities_are_left_out_by_chance_and_never_all() -> None:
    there = torch.ones(4000, 2)
    there[:1000, 0] = 0
    kept = left_out(there, 0.3)
    assert (kept.sum(dim=1) >= 1).all() and (kept <= there).all()
    assert 0.2 < float(1 - kept[1000:].mean()) < 0.3  # where both went, both came back


def test_what_a_fusion_refuses() -> None:
    with pytest.raises(StudyError, match="a picture with a record"):
        Fusion(BACKBONE, ("xray",), (), ("break",))
    with pytest.raises(StudyError, match="no setting 'margin'"):
        Fusion(BACKBONE, ("xray",), ("row",), ("break",), settings={"margin": 0.1})
    with pytest.raises(StudyError, match="does not answer Masks"):
        Fusion(BACKBONE, ("xray",), ("row",), ("bones",)).fit(cohort(2, 1), cohort(2, 2), {"bones": Masks(("femur",))}, Desk(BUDGET, 1))
    with pytest.raises(NotFitted):
        next(iter(BOTH.predict(cohort(1, 1))))


def test_the_map_of_the_log_hazard_marks_the_patch_that_carries_it(both: Fusion, parts: tuple[Cohort, Cohort, Cohort]) -> None:
    from osteon.validation.explanation import networks
    from osteon.validation.explanation_maps import saliency
    from osteon.validation.explanation_scores import asked

    ((net, before),) = networks(both)
    assert before is None
    what = asked(net, "break")
    bright = films.film(2.0, 0.0, np.random.default_rng(0)).array
    image = (torch.from_numpy(bright.copy()).float()[None, None] / 255 - 0.5) * 4
    found = saliency(what, what.network, image, method="integrated gradients")
    left, right = found[8:24, 3:14].mean(), found[8:24, 18:29].mean()
    assert left > 1.5 * right
