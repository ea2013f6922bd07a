"""Gait features of four sensors: three trials in the published layout, and, where the set is there, what keeping people together changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.cohort import Cohort
from osteon.datasets.gait_imu_features import SENSORS, columns_of, gait_imu_features
from osteon.design import CrossValidation
from osteon.errors import DataError
from osteon.models import Desk, Tabular
from osteon.readers.inputs import Record
from osteon.stats.roc import auc
from osteon.targets import Classes

GROUP = Classes(("healthy", "orthopaedic"))
TRIALS = (("HS_1_1", "HS_1", "Healthy", "HS"), ("HS_1_2", "HS_1", "Healthy", "HS"), ("KOA_1_1", "KOA_1", "Ortho", "KOA"))


def folder(root: Path, *trials: tuple[str, str, str, str], drop: str = "", hole: bool = False) -> Path:
    """The published layout, every feature a number."""
    root.mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(trials or TRIALS, columns=["trial_id", "subject_id", "label", "pathology"])
    features = pd.DataFrame(np.arange(len(table) * 168).reshape(len(table), 168) / 7, columns=list(columns_of()))
    if hole:
        features.iloc[0, 5] = np.nan
    table.join(features).drop(columns=[drop] if drop else []).to_csv(root / "trial_features.csv.gz", index=False)
    return root


def bound(cohort: Cohort, sensors: tuple[str, ...] = tuple(SENSORS)) -> Cohort:
    return cohort.conform({"features": Record("features", numbers=columns_of(sensors))}, {"group": GROUP})


def test_three_trials_of_two_people(tmp_path: Path) -> None:
    cohort = gait_imu_features(folder(tmp_path))
    assert (cohort.origin, len(cohort), cohort.excluded) == ("public", 3, ()) and "not verified" in cohort.licence
    assert cohort.column("patient").tolist() == ["HS_1", "HS_1", "KOA_1"] and cohort.column("group").tolist() == ["healthy", "healthy", "orthopaedic"]
    assert len(columns_of()) == 168 and columns_of(("back",))[0] == "LB_FreeAcc_X_mean" and len(columns_of(("back",))) == 42
    assert bound(cohort, ("head",)).table("features").shape == (3, 42)


def test_a_trial_that_can_not_be_used_is_listed(tmp_path: Path) -> None:
    cohort = gait_imu_features(folder(tmp_path, *TRIALS, ("X_1_1", "X_1", "Other", "X"), hole=True))
    assert {e.id: e.reason for e in cohort.excluded} == {"HS_1_1": "a feature is missing", "X_1_1": "the group is none of the published"}


@pytest.mark.parametrize(("trials", "drop", "words"), [((), "RF_Gyr_Z_entropy", "column 'RF_Gyr_Z_entropy' is missing"), ((*TRIALS, TRIALS[0]), "", "'HS_1_1' is there twice"),
                                                       ((*TRIALS, ("KOA_1_2", "KOA_1", "Neuro", "PD")), "", "'KOA_1' is in two groups"), ((("a", "b", "c", "d"),), "", "no trial can be used")])
def test_a_fault_of_the_whole_table_is_refused(tmp_path: Path, trials: tuple[tuple[str, str, str, str], ...], drop: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        gait_imu_features(folder(tmp_path, *trials, drop=drop))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="trial_features"):
        gait_imu_features(tmp_path)


@pytest.fixture(scope="module")
def published(shared_data: Callable[[str], Path]) -> Cohort:
    return gait_imu_features(shared_data("gait_imu_features"))


def test_the_set_as_published(published: Cohort) -> None:
    assert len(published) == 1355 and [e.reason for e in published.excluded] == ["a feature is missing"]  # 1,356 trials of 260 people, one without features
    people = pd.DataFrame({"who": published.column("patient"), "group": published.column("group")}).drop_duplicates()
    assert people["group"].value_counts().to_dict() == {"neurological": 143, "healthy": 73, "orthopaedic": 44}


def area(cohort: Cohort, sensors: tuple[str, ...] = tuple(SENSORS), *, method: str = "nearest neighbours", by: str = "patient") -> float:
    """Mean AUC of orthopaedic against healthy over three folds, divided by people or, as is wrong, by trials."""
    few = cohort.take(np.flatnonzero(np.isin(cohort.column("group").astype(str), GROUP.names)))
    given = bound(few, sensors)
    units = given.units(strata=(given.column("group") == "orthopaedic").astype(int))
    if by == "trial":
        units = type(units)(np.arange(len(given)), units.strata, units.columns)
    target, found = {"group": GROUP}, []
    for fold in CrossValidation(folds=3).divide(units, 3):
        (train, tune), people = fold.fits[0], given.column("patient")
        if by == "patient":
            assert not set(people[fold.test]) & (set(people[train]) | set(people[tune]))
        settings = {"n_neighbors": 3} if method == "nearest neighbours" else {"C": 0.01}
        fitted = Tabular(method, reads=("features",), writes=("group",), settings=settings).fit(given.take(train), given.take(tune), target, Desk(None, 1))  # type: ignore[arg-type]
        scores = [g["group"].probabilities["orthopaedic"] for g in fitted.predict(given.take(fold.test))]  # type: ignore[union-attr]
        found.append(auc(given.column("group")[fold.test] == "orthopaedic", np.array(scores)))
    return float(np.mean(found))


def test_trials_of_one_person_on_both_sides_flatter_the_result(published: Cohort) -> None:
    apart, mixed = area(published), area(published, by="trial")
    assert 0.6 < apart < 0.9 and mixed > apart + 0.1, "the nearest trial is one of the same person"


def test_sensors_differ_in_what_they_tell(published: Cohort) -> None:
    found = {sensors: area(published, sensors, method="logistic regression") for sensors in (("head",), ("back",), tuple(SENSORS))}
    assert all(0.55 < value < 0.95 for value in found.values()) and len({round(v, 3) for v in found.values()}) == 3
