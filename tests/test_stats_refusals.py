"""Bad input is refused by the argument's name, the position and what is expected, everywhere alike."""
from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from osteon.stats import (
    agreement,
    arguments,
    calibration,
    clusters,
    conformal,
    curves,
    detection,
    groups,
    kappa,
    multiclass,
    ordinal,
    roc,
    survival,
    survival_prediction,
    utility,
)

Y, P, WHO = [0, 1, 1, 0], [0.2, 0.7, 0.6, 0.4], ["a", "a", "b", "c"]
OUTSIDE, LOST, NEGATIVE = [0.2, 1.7, 0.6, 0.4], [0.2, 0.7, math.nan, 0.4], [1, 1, -1, 1]

CASES: list[tuple[str, Callable[[], object], str]] = [
    ("probability outside", lambda: calibration.calibration(Y, OUTSIDE), r"predicted: position 1 is 1.7 \(expected a probability"),
    ("probability outside", lambda: calibration.brier(Y, OUTSIDE), "predicted: position 1"),
    ("probability outside", lambda: calibration.calibration_errors(Y, OUTSIDE), "predicted: position 1"),
    ("probability outside", lambda: utility.decision_curve(Y, OUTSIDE), "predicted: position 1"),
    ("probability outside", lambda: survival_prediction.brier_at(P, Y, OUTSIDE, at=0.5), "survival: position 1"),
    ("probability outside", lambda: conformal.class_scores([0], [[1.2, 0]]), r"predicted: position \(0, 0\) is 1.2"),
    ("nan score", lambda: roc.auc_interval(Y, LOST), r"scores: position 2 is nan \(expected a finite number or -inf\)"),
    ("nan score", lambda: curves.youden_cut(Y, LOST), "scores: position 2"),
    ("nan score", lambda: clusters.bootstrap_auc(Y, LOST, WHO), "scores: position 2"),
    ("infinite score", lambda: roc.auc(Y, [0, math.inf, 1, 2]), "scores: position 1 is inf"),
    ("nan value", lambda: agreement.bland_altman(P, LOST), "second: position 2 is nan"),
    ("nan value", lambda: clusters.clustered_mean(LOST, WHO), "values: position 2"),
    ("nan value", lambda: groups.compare_means(P, LOST), "second: position 2"),
    ("nan patient", lambda: clusters.clustered_mean(P, [1, 2, math.nan, 3]), "patients: position 2"),
    ("no truth", lambda: roc.auc([0, 1, 2, 0], P), r"truth: position 2 is 2.0 \(expected 0 or 1\)"),
    ("no truth", lambda: calibration.calibration([0, 1, math.nan, 0], P), "truth: position 2 is nan"),
    ("unequal lengths", lambda: roc.auc(Y, P[:3]), "truth has 4, scores has 3"),
    ("unequal lengths", lambda: calibration.brier(Y, P[:3]), "truth has 4, predicted has 3"),
    ("unequal lengths", lambda: agreement.lin_ccc(P, P[:3]), "first has 4, second has 3"),
    ("unequal lengths", lambda: kappa.cohen_kappa(Y, Y[:2], classes=2), "first has 4, second has 2"),
    ("unequal lengths", lambda: survival.kaplan_meier(P, Y[:3]), "time has 4, event has 3"),
    ("unequal lengths", lambda: survival_prediction.harrell_c(P, Y, P[:2]), "risk has 2, time has 4"),
    ("unequal lengths", lambda: clusters.bootstrap_auc(Y, P, WHO[:3]), "truth has 4, patients has 3"),
    ("unequal lengths", lambda: multiclass.hand_till([0], [[0.5, 0.5]] * 2), "truth has 1, predicted has 2"),
    ("unequal lengths", lambda: detection.average_precision([1], [0.5, 0.6], 2), "hits has 1, scores has 2"),
    ("negative weight", lambda: roc.auc(Y, P, weights=NEGATIVE), r"weights: position 2 is -1.0 \(expected 0 or more\)"),
    ("negative weight", lambda: calibration.calibration(Y, P, weights=NEGATIVE), "weights: position 2"),
    ("negative weight", lambda: clusters.clustered_proportion(Y, WHO, weights=NEGATIVE), "weights: position 2"),
    ("no weight", lambda: roc.auc(Y, P, weights=[0, 0, 0, 1]), "weights: all positive cases weigh 0"),
    ("no weight", lambda: calibration.brier(Y, P, weights=[0] * 4), "weights: all weights are 0"),
    ("few weights", lambda: calibration.brier(Y, P, weights=[1, 1]), "weights: 2 weights for 4 cases"),
    ("table for a row", lambda: roc.auc([Y], P), r"truth: 2 dimension\(s\) \(expected 1\)"),
    ("words", lambda: roc.auc(Y, ["a", "b", "c", "d"]), "scores: not an array of numbers"),
    ("share", lambda: curves.sensitivity_cut(Y, P, 1.0), "sensitivity: 1.0"),
    ("share", lambda: curves.partial_auc(Y, P, max_fpr=0), "max_fpr: 0"),
    ("share", lambda: curves.cost_cut(Y, P, cost_ratio=0, prevalence=0.2), "cost_ratio: 0"),
    ("scale", lambda: roc.auc_interval(Y, P, scale="log"), "scale: 'log'"),
    ("way", lambda: calibration.expected_calibration_error(Y, P, by="mass"), "by: 'mass'"),
    ("way", lambda: agreement.bland_altman(P, P, limits="loose"), "limits: 'loose'"),
    ("way", lambda: survival_prediction.integrated_brier([1], [0.1], rule="simpson"), "rule: 'simpson'"),
    ("one class", lambda: curves.roc_points([1, 1], [1, 2]), r"truth: all 2 cases are positive \(expected both classes\)"),
    ("one class", lambda: clusters.clustered_auc([0, 0], [1, 2], [1, 2]), "truth: all 2 cases are negative"),
    ("nobody censored at 0", lambda: survival_prediction.d_calibration([0, 1], [0, 0.5]), "survival: position 0"),
    ("grade", lambda: ordinal.ordering_volume([0, 3], [1, 2], classes=3), "truth: position 1 is 3.0"),
]


@pytest.mark.parametrize(("call", "message"), [c[1:] for c in CASES], ids=[f"{c[0]}: {c[2][:30]}" for c in CASES])
def test_bad_input_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_positions_of_tables_are_pairs() -> None:
    with pytest.raises(ValueError, match=r"x: position \(1, 0\) is nan"):
        arguments.numbers([[1, 2], [math.nan, 3]], "x", ndim=2)


def test_booleans_and_whole_numbers_are_both_truth() -> None:
    assert (arguments.binary(np.array([True, False]), "x") == arguments.binary([1, 0], "x")).all()
    assert arguments.codes(["b", "a", "b"], "x")[0].tolist() == [1, 0, 1]
