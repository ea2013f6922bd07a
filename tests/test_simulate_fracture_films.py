"""Lateral films with a follow-up: strength shows on the film, carries a hazard of known ceiling, and a patient's films stay together."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osteon.cohort import Cohort
from osteon.design import HoldOut
from osteon.errors import DataError
from osteon.geometry.spine_sagittal import genant_grade
from osteon.readers.inputs import Radiograph
from osteon.simulate.fracture_films import MEAN, SHARE, error, film_of, fracture_films, known_concordances, patient_of, person
from osteon.simulate.probes import statistics
from osteon.stats.roc import auc
from osteon.stats.survival_prediction import harrell_c
from osteon.targets import Events

CALL = {"cases": 40, "seed": 7, "site": "A", "difficulty": 0.0, "pixel_mm": 4.0, "confounded": False}
EVENT = {"fracture": Events("fracture", 36.0)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return fracture_films(tmp_path_factory.mktemp("films") / "c", 20, 7, difficulty=0.0, pixel_mm=4.0, workers=1)


def test_a_cohort_reads_as_films_with_a_follow_up(made: Cohort, tmp_path: Path) -> None:
    bound = made.conform({"xray": Radiograph("lateral")}, EVENT, answered=("fracture",))
    assert len(bound) == 20 and bound.cases[0].inputs["xray"].grid.shape == (108, 68)
    assert all(float(case.truth["fracture"].times[0]) > 0 for case in bound)  # type: ignore[union-attr]
    again = fracture_films(tmp_path / "c", 2, 7, difficulty=0.0, pixel_mm=4.0, workers=1)
    one, other = (cohort.folder for cohort in (made, again))
    assert one is not None and other is not None and (one / "xray/f00002.dcm").read_bytes() == (other / "xray/f00002.dcm").read_bytes()
    assert (one / "cases.csv").read_text(encoding="utf-8").splitlines()[:3] == (other / "cases.csv").read_text(encoding="utf-8").splitlines()
    with pytest.raises(DataError, match="another cohort"):
        fracture_films(tmp_path / "c", 2, 8, difficulty=0.0, pixel_mm=4.0, workers=1)
    with pytest.raises(DataError, match="difficulty"):
        fracture_films(tmp_path / "d", 20, 8, difficulty=1.5)


def test_a_second_film_is_of_the_same_patient_and_never_in_another_part(made: Cohort) -> None:
    patients = made.column("patient").tolist()
    assert [patients[i] == patients[i - 1] for i in (4, 9, 14, 19)] == [True] * 4 and len(set(patients)) == 16
    assert made.column("true_shown")[4] == made.column("true_shown")[3] and made.column("age")[4] == made.column("age")[3]
    first, second = film_of(CALL, 3), film_of(CALL, 4)
    assert first.attributes["sex"] == second.attributes["sex"] and not np.array_equal(first.stored, second.stored)
    months = made.column("month").astype(float)
    assert (months[[i for i in range(20) if patient_of(i) == i]] == 0).all() and months[[4, 9, 14, 19]].max() >= 6
    left = made.column("fracture.time").astype(float)
    assert np.allclose(left[4] + months[4], left[3], atol=0.11)
    folds, _ = made.folds(HoldOut(train=0.6, tune=0.2, test=0.2), 3)
    for train, tune in folds[0].fits:
        named = [set(np.array(patients)[rows]) for rows in (train, tune, folds[0].test)]
        assert not (named[0] & named[1] or named[0] & named[2] or named[1] & named[2])


def test_nobody_has_a_fracture_on_the_film_and_a_weak_bone_is_lighter_and_flatter() -> None:
    strong, weak = (film_of(CALL, 6, shown=z) for z in (1.6, -2.2))
    assert all(genant_grade(film.projected[f"loss.{level}"]) == 0 for film in (strong, weak) for level in ("L1", "L2", "L3"))
    again = film_of(CALL, 6, shown=-2.2)
    assert np.array_equal(weak.stored, again.stored)
    lighter = [film.stored.astype(float) - np.median(film.stored) for film in (strong, weak)]
    rows, cols = strong.points["L3"].mean(axis=0).astype(int)
    spongy, air = ((a[at].mean() - b[at].mean()) / strong.stored.std() for a, b in (lighter,) for at in ((slice(rows - 3, rows + 4), slice(cols - 3, cols + 4)), (slice(1, 9), slice(1, 9))))
    assert spongy > 0.05 > abs(air), "the pair differs in the bones"
    assert strong.attributes["turn"] == weak.attributes["turn"] and strong.attributes["magnification"] == weak.attributes["magnification"]


def test_the_ceiling_is_that_of_film_and_record_and_lies_between_its_parts() -> None:
    known = {d: known_concordances({**CALL, "difficulty": d}, 40_000) for d in (0.0, 0.5, 1.0)}
    for ways in known.values():
        assert ways["hazard"] > ways["film and record"] > max(ways["film"], ways["record"]) > 0.55
    assert known[0.0]["film and record"] > known[0.5]["film and record"] > known[1.0]["film and record"]
    assert known[0.5]["film and record"] == pytest.approx(0.72, abs=0.015) and known[0.5]["record"] == pytest.approx(0.66, abs=0.015)


def test_what_is_seen_agrees_with_the_law() -> None:
    call = {**CALL, "cases": 400}
    rows = [person(call, i) for i in range(400) if patient_of(i) == i]
    event = np.array([r["fracture.event"] for r in rows])
    assert event.mean() == pytest.approx(SHARE["A"], abs=0.07)
    shown, bone = (np.array([r[k] for r in rows]) for k in ("shown", "bone_score"))
    assert shown.mean() == pytest.approx(MEAN, abs=0.15) and (shown - bone).std() == pytest.approx(error(0.0), abs=0.02)
    found = harrell_c([r["fracture.time"] for r in rows], event, -shown).estimate
    assert found == pytest.approx(known_concordances(call, 40_000)["film"], abs=0.05)


def test_a_planted_shortcut_is_seen_in_the_exposure_and_the_clean_films_hold_none() -> None:
    small = {**CALL, "pixel_mm": 8.0}
    event = np.array([person(small, i)["fracture.event"] for i in range(30)]) == 1
    films = {c: np.array([film_of({**small, "confounded": c}, i).stored for i in range(30)], np.float32) for c in (False, True)}
    clean, planted = (max(abs(auc(event, column) - 0.5) for column in statistics(films[c]).T) for c in (False, True))
    assert planted > 0.35 > clean + 0.05
