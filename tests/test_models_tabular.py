"""Estimators on records: contract of a model, missing cells, one class, safe files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.budget import SMOKE
from osteon.cohort import Cohort
from osteon.cohort.rows import Rows
from osteon.errors import DataError, NotFitted, StudyError
from osteon.models import Desk, Tabular
from osteon.models.tabular import HAZARDS, NAMES
from osteon.readers.inputs import Record
from osteon.stats.roc import auc
from osteon.targets import Classes, Target
from osteon.value import Label, Withheld

TARGETS: dict[str, Target] = {"stay": Classes(("short", "long"))}
INPUTS = {"record": Record("row", numbers=("age", "bmi"), categories=("sex",), needs=("age",))}


def cohort(n: int = 240, seed: int = 0, one_class: bool = False) -> Cohort:
    rng = np.random.default_rng(seed)
    age, sex = rng.normal(60, 10, n), rng.choice(["female", "male"], n)
    p = 1 / (1 + np.exp(-(age - 60) / 5 - (sex == "male")))
    stay = np.where((rng.random(n) < p) & (not one_class), "long", "short")
    bmi = np.where(rng.random(n) < 0.2, "", np.round(rng.normal(28, 4, n), 1).astype(str))
    frame = pd.DataFrame({"case_id": [f"{seed}-{i}" for i in range(n)], "patient_id": [f"{seed}-{i}" for i in range(n)], "age": age.astype(str), "bmi": bmi, "sex": sex, "stay": stay})
    frame.loc[3, "sex"] = None
    return Cohort("toy", "simulated", cases=Rows(frame.replace({"bmi": {"": None}}), None)).conform(INPUTS, TARGETS, answered=("stay",))


CLASSIFIERS = [n for n in NAMES if n not in ("linear regression", *HAZARDS)]


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_each_method_learns_saves_and_answers_the_same(name: str, tmp_path: Path) -> None:
    spec = Tabular(name, reads=("record",), writes=("stay",))
    fitted = spec.fit(cohort(), cohort(60, 1), TARGETS, Desk(SMOKE, 3))
    test = cohort(300, 2)
    given = [a["stay"] for a in fitted.predict(test)]
    scores = np.array([v.probabilities["long"] for v in given if isinstance(v, Label)])
    truth = np.array([c.truth["stay"].name == "long" for c in test])
    assert len(scores) == 300 and auc(truth, scores) > 0.6
    fitted.save(tmp_path)
    assert not list(tmp_path.glob("*.pkl"))
    again = [a["stay"] for a in spec.load(tmp_path, TARGETS).predict(test)]
    assert again == given and spec.fitted is None
    twin = [a["stay"] for a in spec.fit(cohort(), cohort(60, 1), TARGETS, Desk(SMOKE, 3)).predict(test)]
    assert twin == given


def test_unfitted_says_so() -> None:
    with pytest.raises(NotFitted, match="before it learned"):
        next(iter(Tabular("decision tree", reads=("record",), writes=("stay",)).predict(cohort(5))))


def test_one_class_in_train_is_an_error() -> None:
    with pytest.raises(DataError, match="fewer than two classes"):
        Tabular("decision tree", reads=("record",), writes=("stay",)).fit(cohort(one_class=True), cohort(20, 1), TARGETS, Desk(SMOKE, 0))


def test_a_column_that_is_gone_withholds_the_answer() -> None:
    fitted = Tabular("logistic regression", reads=("record",), writes=("stay",)).fit(cohort(), cohort(20, 1), TARGETS, Desk(SMOKE, 0))
    rows = cohort(6, 4).cases
    assert isinstance(rows, Rows)
    less = Cohort("less", "own", cases=Rows(rows.frame.drop(columns="bmi"), None)).conform(INPUTS, TARGETS)
    assert [a["stay"] for a in fitted.predict(less)] == [Withheld("no column bmi")] * 6


def test_an_unknown_method_names_the_near_one() -> None:
    with pytest.raises(StudyError, match="Did you mean 'random forest'"):
        Tabular("random forrest", reads=("record",), writes=("stay",))
