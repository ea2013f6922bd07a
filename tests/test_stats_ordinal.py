"""Ordered grades: volume under the surface with limits, kappa where patients repeat, and the metrics of a graded target."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest

from osteon.stats.kappa import clustered_kappa, cohen_kappa
from osteon.stats.ordinal import ordering_volume, ordering_volume_interval
from osteon.targets import Grades

RNG = np.random.default_rng(3)
TRUTH = RNG.integers(0, 3, 60)
SCORE = np.round(TRUTH + RNG.normal(0, 0.9, 60), 1)


def by_counting(truth: np.ndarray, score: np.ndarray) -> float:
    """Every triple of one case a grade: in order 1, ties shared evenly (two equal in order 1/2, all equal 1/6)."""
    parts = [score[truth == k] for k in range(3)]
    found = [0.0 if a > b or b > c else 1.0 / (6 if a == b == c else 2 if a == b or b == c else 1) for a, b, c in product(*parts)]
    return float(np.mean(found))


def test_the_volume_is_that_of_counting_every_triple() -> None:
    assert ordering_volume(TRUTH, SCORE, classes=3) == pytest.approx(by_counting(TRUTH, SCORE), abs=1e-12)
    assert ordering_volume(TRUTH, TRUTH, classes=3) == 1.0
    assert ordering_volume(TRUTH, np.zeros(60), classes=3) == pytest.approx(1 / 6)


def test_limits_hold_the_volume_and_are_wider_for_fewer_patients() -> None:
    alone = ordering_volume_interval(TRUTH, SCORE, classes=3, patients=np.arange(60))
    paired = ordering_volume_interval(np.tile(TRUTH, 2), np.tile(SCORE, 2), classes=3, patients=np.tile(np.arange(60), 2))
    careless = ordering_volume_interval(np.tile(TRUTH, 2), np.tile(SCORE, 2), classes=3, patients=np.arange(120))
    assert alone.estimate == pytest.approx(by_counting(TRUTH, SCORE)) and alone.lower < alone.estimate < alone.upper
    assert paired.upper - paired.lower == pytest.approx(alone.upper - alone.lower, rel=0.02), "a case given twice by its patient is one case"
    assert careless.upper - careless.lower < 0.85 * (paired.upper - paired.lower)


def test_the_volume_is_taken_within_folds_and_undefined_without_a_grade() -> None:
    fold = np.arange(60) % 2
    found = ordering_volume_interval(TRUTH, SCORE + 10 * fold, classes=3, patients=np.arange(60), folds=fold)
    parts = [by_counting(TRUTH[fold == k], SCORE[fold == k]) for k in (0, 1)]
    assert found.estimate == pytest.approx(np.mean(parts))
    none = ordering_volume_interval(np.minimum(TRUTH, 1), SCORE, classes=3, patients=np.arange(60))
    assert math.isnan(none.estimate) and "grade" in none.reason


def test_kappa_of_patients_who_repeat_has_the_estimate_of_the_table_and_honest_limits() -> None:
    called = np.clip(TRUTH + RNG.integers(-1, 2, 60), 0, 2)
    plain = cohen_kappa(TRUTH, called, classes=3, weights="quadratic")
    alone = clustered_kappa(TRUTH, called, np.arange(60), classes=3, weights="quadratic")
    twice = clustered_kappa(np.tile(TRUTH, 2), np.tile(called, 2), np.tile(np.arange(60), 2), classes=3, weights="quadratic")
    assert alone.estimate == pytest.approx(plain.estimate, abs=1e-12) == pytest.approx(twice.estimate, abs=1e-12)
    assert alone.upper - alone.lower == pytest.approx(plain.upper - plain.lower, rel=0.25)
    assert twice.upper - twice.lower == pytest.approx(alone.upper - alone.lower, rel=0.02)


def lines(truth: np.ndarray, probabilities: np.ndarray, patients: np.ndarray) -> pd.DataFrame:
    """Lines of a scale of three steps whose second is the first positive one."""
    answer = probabilities.argmax(axis=1)
    return pd.DataFrame({"patient": patients.astype(str), "fold": "1", "state": np.where(truth >= 1, "true", "false"), "score": probabilities[:, 1:].sum(axis=1), "cut": 0.5, "withheld": "",
                         "n.truth": truth.astype(float), "n.answer": answer.astype(float), "n.expected": probabilities @ np.arange(3)})


def test_a_graded_target_tells_kappa_recall_order_and_calibration() -> None:
    p = RNG.dirichlet((1, 1, 1), 60) * 0.4 + 0.6 * np.eye(3)[np.where(RNG.random(60) < 0.7, TRUTH, (TRUTH + 1) % 3)]
    found = Grades(("none", "some", "much"), 1).metrics(lines(TRUTH, p, np.arange(60)))
    called = p.argmax(axis=1)
    assert found["kappa_quadratic"].estimate == pytest.approx(cohen_kappa(TRUTH, called, classes=3, weights="quadratic").estimate)
    assert [found[f"recall_{k}"].estimate for k in range(3)] == pytest.approx([(called[k == TRUTH] == k).mean() for k in range(3)])
    assert found["vus"].estimate == pytest.approx(by_counting(TRUTH, p @ np.arange(3)))
    assert found["exact"].estimate == pytest.approx((called == TRUTH).mean())
    assert {"brier", "calibration_slope", "calibration_in_the_large"} < set(found)
    assert found["brier"].estimate == pytest.approx(np.mean((p[:, 1:].sum(axis=1) - (TRUTH >= 1)) ** 2))
    pairs = Grades(("none", "some", "much"), 1).metrics(lines(TRUTH, p, np.arange(60) // 2))
    assert pairs["kappa_quadratic"].method != found["kappa_quadratic"].method, "two cases of a patient are not two patients"
