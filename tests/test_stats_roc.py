"""AUC, DeLong, the curve and its cuts."""
from __future__ import annotations

import math

import numpy as np
import pytest

from osteon.stats import curves, roc

RNG = np.random.default_rng(7)
TRUTH = RNG.random(70) < 0.4
SCORES = np.round(RNG.normal(size=70) + TRUTH, 1)
SCORES[np.flatnonzero(TRUTH)[:3]] = -np.inf
WEIGHTS = RNG.integers(0, 4, 70).astype(float)


def by_all_pairs(truth: np.ndarray, scores: np.ndarray, weights: np.ndarray) -> float:
    high, low = scores[truth][:, None], scores[~truth][None, :]
    won = (high > low) + 0.5 * (high == low)
    return float(weights[truth] @ won @ weights[~truth] / (weights[truth].sum() * weights[~truth].sum()))


def test_auc_equals_all_pairs_with_ties_missed_lesions_and_weights() -> None:
    assert roc.auc(TRUTH, SCORES) == pytest.approx(by_all_pairs(TRUTH, SCORES, np.ones(70)))
    assert roc.auc(TRUTH, SCORES, weights=WEIGHTS) == pytest.approx(by_all_pairs(TRUTH, SCORES, WEIGHTS))


def test_auc_with_whole_weights_is_that_of_repeated_cases() -> None:
    rows = np.repeat(np.arange(70), WEIGHTS.astype(int))
    assert roc.auc(TRUTH, SCORES, weights=WEIGHTS) == pytest.approx(roc.auc(TRUTH[rows], SCORES[rows]))


def test_auc_turns_with_the_score_and_does_not_depend_on_order() -> None:
    finite = np.where(np.isfinite(SCORES), SCORES, -9)
    assert roc.auc(TRUTH, -finite) == pytest.approx(1 - roc.auc(TRUTH, finite))
    order = RNG.permutation(70)
    assert roc.auc(TRUTH[order], finite[order]) == pytest.approx(roc.auc(TRUTH, finite), abs=1e-12)


def test_delong_variance_equals_its_definition() -> None:
    high, low = SCORES[TRUTH][:, None], SCORES[~TRUTH][None, :]
    won = (high > low) + 0.5 * (high == low)
    expected = won.mean(1).var(ddof=1) / TRUTH.sum() + won.mean(0).var(ddof=1) / (~TRUTH).sum()
    assert roc.delong(TRUTH, SCORES)[1][0, 0] == pytest.approx(expected)


def test_the_area_under_the_points_is_the_auc() -> None:
    for weights in (None, WEIGHTS):
        curve = curves.roc_points(TRUTH, SCORES, weights=weights)
        area = np.trapezoid(curve.true_positive_rate, curve.false_positive_rate)
        assert area == pytest.approx(roc.auc(TRUTH, SCORES, weights=weights))
        assert curve.cuts[0] == math.inf
        assert curve.true_positive_rate[-1] == curve.false_positive_rate[-1] == 1


def test_complete_separation_gives_a_score_interval_and_not_a_point() -> None:
    found = roc.auc_interval([1] * 20 + [0] * 20, np.arange(40)[::-1])
    assert found.estimate == 1
    assert found.upper == 1
    assert 0.85 < found.lower < 0.95
    assert found.method == "Newcombe score"


def test_one_class_is_undefined_with_the_reason() -> None:
    found = roc.auc_interval([1, 1, 1], [1, 2, 3])
    assert math.isnan(found.estimate)
    assert found.reason == "all 3 cases are positive"
    gap, test = roc.compare_aucs([0, 0], [1, 2], [2, 1])
    assert not gap.defined
    assert test.reason == "all 2 cases are negative"
    with pytest.raises(ValueError, match="truth: all 2 cases are negative"):
        roc.auc([0, 0], [1, 2])


def test_equal_scores_have_no_variance_of_their_difference() -> None:
    gap, test = roc.compare_aucs(TRUTH, SCORES, SCORES)
    assert gap.estimate == 0
    assert not gap.defined
    assert math.isnan(test.p)


def test_partial_area_up_to_nearly_1_is_the_auc() -> None:
    assert curves.partial_auc(TRUTH, SCORES, max_fpr=1 - 1e-9) == pytest.approx(roc.auc(TRUTH, SCORES))
    assert curves.mcclish(0.2**2 / 2, 0.2) == pytest.approx(0.5)
    assert curves.mcclish(0.2, 0.2) == pytest.approx(1)


def rates(cut: float) -> tuple[float, float]:
    return float((SCORES[TRUTH] >= cut).mean()), float((SCORES[~TRUTH] < cut).mean())


def test_a_cut_gives_the_rates_it_states() -> None:
    found = [curves.youden_cut(TRUTH, SCORES), curves.sensitivity_cut(TRUTH, SCORES, 0.8),
             curves.specificity_cut(TRUTH, SCORES, 0.8), curves.cost_cut(TRUTH, SCORES, cost_ratio=0.3, prevalence=0.2)]
    for cut in found:
        assert rates(cut.value) == pytest.approx((cut.sensitivity, cut.specificity)), cut.rule
    assert found[1].sensitivity >= 0.8
    assert found[2].specificity >= 0.8


def test_no_other_cut_has_a_larger_youden_index_or_net_benefit() -> None:
    best, cheap = curves.youden_cut(TRUTH, SCORES), curves.cost_cut(
        TRUTH, SCORES, cost_ratio=0.25 / 0.75, prevalence=TRUTH.mean())
    share = TRUTH.mean()
    for cut in np.unique(SCORES[np.isfinite(SCORES)]):
        se, sp = rates(cut)
        assert se + sp <= best.sensitivity + best.specificity + 1e-12
        benefit = share * se - (1 - share) * (1 - sp) / 3
        assert benefit <= share * cheap.sensitivity - (1 - share) * (1 - cheap.specificity) / 3 + 1e-12


def test_missed_lesions_put_a_sensitivity_out_of_reach_and_say_so() -> None:
    cut = curves.sensitivity_cut(TRUTH, SCORES, 0.99)
    assert "no cut reaches a sensitivity of 0.99" in cut.reason
    assert cut.value == SCORES[np.isfinite(SCORES)].min()
    assert cut.sensitivity < 0.99


def test_the_band_and_the_partial_interval_hold_their_estimates() -> None:
    patients = np.repeat(np.arange(35), 2)
    band = curves.roc_band(TRUTH, SCORES, patients=patients, resamples=200, points=11)
    assert (band.lower <= band.sensitivity + 1e-12).all()
    assert (band.sensitivity <= band.upper + 1e-12).all()
    assert (np.diff(band.sensitivity) >= 0).all()
    found = curves.partial_auc_interval(TRUTH, SCORES, patients=patients, resamples=200)
    assert found.lower < found.estimate < found.upper
    assert found == curves.partial_auc_interval(TRUTH, SCORES, patients=patients, resamples=200)
    assert not curves.partial_auc_interval([1, 1], [1, 2]).defined
