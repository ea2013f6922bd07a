"""Arms of a grid and of a learning curve: labels, factors, shares of the train part, and rows that tell them apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from osteon import engine
from osteon.budget import SMOKE
from osteon.cohort import Cohort
from osteon.errors import StudyError
from osteon.models import Arm, Desk, Model, Tabular, affordable, arms, bare, factors, sizes
from osteon.models.arms import _first
from osteon.simulate.registry import spine_registry
from osteon.studies import study
from osteon.study import Study

STAY: Study = study("etzel_2022")


def tabular(method: str, depth: int = 2) -> Tabular:
    return Tabular(method, reads=("record",), writes=("stay",), settings={} if method == "logistic regression" else {"max_depth": depth})


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return spine_registry(tmp_path_factory.mktemp("registry") / "c", 300, 1)


def test_a_grid_has_an_arm_for_each_combination_with_its_factors() -> None:
    made = arms(lambda net, depth: tabular(net, depth), net=("decision tree", "random forest"), depth={"shallow": 2, "deep": 8})
    assert list(made) == ["decision tree, shallow", "decision tree, deep", "random forest, shallow", "random forest, deep"]
    deep = made["random forest, deep"]
    assert isinstance(deep, Model) and dict(factors(deep)) == {"net": "random forest", "depth": "deep"}
    assert isinstance(deep, Arm) and isinstance(deep.model, Tabular) and deep.model.settings == {"max_depth": 8}
    assert (deep.reads, deep.writes) == (("record",), ("stay",))
    assert dict(factors(tabular("decision tree"))) == {}
    assert bare(deep) is deep.model and bare(deep.model) is deep.model
    sensors = arms(lambda sensors: tabular("decision tree", len(sensors)), sensors=(("feet",), ("feet", "shanks")))
    assert list(sensors) == ["feet", "feet + shanks"]


@pytest.mark.parametrize("grid", [{}, {"net": ()}, {"net": ("a", "a")}])
def test_a_grid_without_levels_or_with_two_of_one_name_is_refused(grid: dict[str, tuple[str, ...]]) -> None:
    with pytest.raises(StudyError):
        arms(lambda net="": tabular("decision tree"), **grid)
    with pytest.raises(StudyError, match="share of training cases"):
        Arm(tabular("decision tree"), share=0)


def test_smaller_shares_are_parts_of_larger_ones_and_patients_stay_whole() -> None:
    patients = np.repeat([f"p{i}" for i in range(50)], 2)
    tenth, half = set(_first(patients, 0.1)), set(_first(patients, 0.5))
    assert tenth < half and len(tenth) == 10 and len(half) == 50
    assert all((2 * (i // 2) in half) == (2 * (i // 2) + 1 in half) for i in half)
    assert len(_first(patients, 1e-9)) == 2  # one patient at least


def test_an_arm_learns_from_its_share_only(registry: Cohort) -> None:
    fit_for = registry.conform(STAY.inputs, STAY.targets, answered=("stay",))
    train, tune = fit_for.take(np.arange(200)), fit_for.take(np.arange(200, 300))
    desk, other = Desk(SMOKE, 1), Desk(SMOKE, 1)
    model = tabular("logistic regression")
    fitted = Arm(model, share=0.25).fit(train, tune, STAY.targets, desk)
    assert desk.notes["train_cases"] == 50 == desk.notes["train_patients"]
    alone = model.fit(train.take(_first(train.column("patient"), 0.25)), tune, STAY.targets, other)
    assert [a["stay"] for a in fitted.predict(tune)] == [a["stay"] for a in alone.predict(tune)]


def test_an_arm_is_saved_and_loaded_as_its_model(registry: Cohort, tmp_path: Path) -> None:
    fit_for = registry.conform(STAY.inputs, STAY.targets, answered=("stay",))
    spec = Arm(tabular("logistic regression"), {"net": "a"}, share=0.5)
    fitted = spec.fit(fit_for, fit_for, STAY.targets, Desk(SMOKE, 1))
    fitted.save(tmp_path)
    loaded = spec.load(tmp_path, STAY.targets)
    assert loaded.factors == {"net": "a"}
    assert [a["stay"] for a in loaded.predict(fit_for)] == [a["stay"] for a in fitted.predict(fit_for)]


def test_a_learning_curve_keeps_the_whole_model_first() -> None:
    made = sizes("net", tabular("decision tree"), (0.1, 0.5, 1))
    assert list(made) == ["net", "net, 50 % of the train part", "net, 10 % of the train part"]
    assert [dict(factors(m))["train share"] for m in made.values()] == ["1", "0.5", "0.1"]


def test_a_budget_keeps_the_first_arms_and_the_last() -> None:
    made = {**sizes("net", tabular("decision tree"), (0.1, 0.2, 0.5)), "rule": tabular("logistic regression")}
    assert list(affordable(made, 2)) == ["net", "net, 10 % of the train part", "rule"]
    assert list(affordable(made, 1)) == ["net", "rule"]
    assert affordable(made, 4) == made


def test_rows_of_a_run_carry_the_factors_and_the_budget_caps_the_arms(registry: Cohort, tmp_path: Path) -> None:
    declared = replace(STAY, models=arms(lambda net, depth: tabular(net, depth), net=("decision tree", "random forest"), depth=(2, 3)))
    run = engine.run(declared, registry, budget=SMOKE, out=tmp_path / "run")
    assert run.labels == ("decision tree, 2", "random forest, 3")  # two arms under the smallest budget
    assert [dict(r.source.factors) for r in run.rows] == [{"net": "decision tree", "depth": "2"}, {"net": "random forest", "depth": "3"}]
    assert run.rows[1].flat()["factors"] == "net=random forest; depth=3"
