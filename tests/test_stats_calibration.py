"""Calibration, recalibration, and the regressions behind them."""
from __future__ import annotations

import math

import numpy as np
import pytest

from osteon.stats import calibration, recalibration, regression, utility

RNG = np.random.default_rng(3)
LINEAR = RNG.normal(-0.5, 1.2, 400)
P = 1 / (1 + np.exp(-LINEAR))
Y = (RNG.random(400) < 1 / (1 + np.exp(-(0.4 + 0.6 * LINEAR)))).astype(int)
WEIGHTS = RNG.integers(1, 4, 400)


def test_whole_weights_are_repeated_cases() -> None:
    rows = np.repeat(np.arange(400), WEIGHTS)
    for name, found in calibration.calibration(Y, P, weights=WEIGHTS).items():
        assert found.estimate == pytest.approx(calibration.calibration(Y[rows], P[rows])[name].estimate), name
    weighted, repeated = (calibration.calibration_errors(Y[r], P[r], weights=w) for r, w in (
        (np.arange(200), WEIGHTS[:200]), (np.repeat(np.arange(200), WEIGHTS[:200]), None)))
    assert weighted == pytest.approx(repeated, abs=1e-9)


def test_perfect_calibration_has_no_error() -> None:
    p = np.repeat([0.2, 0.4, 0.6, 0.8], 50)
    y = np.concatenate([np.repeat([1, 0], [n, 50 - n]) for n in (10, 20, 30, 40)])
    found = calibration.calibration(y, p)
    assert found["calibration_slope"].estimate == pytest.approx(1)
    assert found["calibration_in_the_large"].estimate == pytest.approx(0, abs=1e-9)
    assert found["observed_expected"].estimate == pytest.approx(1)
    assert calibration.expected_calibration_error(y, p) == pytest.approx(0)


def test_the_smooth_curve_of_many_cases_is_near_the_curve_of_all() -> None:
    found = calibration.calibration_errors(np.tile(Y, 4), np.tile(P, 4) + RNG.normal(0, 1e-6, 1600).clip(-1e-9, 1e-9))
    assert found["ici"] == pytest.approx(calibration.calibration_errors(Y, P)["ici"], abs=3e-3)


def test_the_curve_has_a_band_around_it() -> None:
    curve = calibration.calibration_curve(Y, P, points=25)
    assert (curve.lower <= curve.observed).all()
    assert (curve.observed <= curve.upper).all()
    assert curve.predicted[0] == P.min()
    assert curve.predicted[-1] == P.max()


def test_one_class_and_separation_are_undefined() -> None:
    for found in calibration.calibration([1, 1, 1], [0.2, 0.5, 0.9]).values():
        assert "all 3 cases are positive" in found.reason
    apart = calibration.calibration([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])
    assert "separated" in apart["calibration_slope"].reason
    assert math.isnan(apart["calibration_slope"].estimate)
    assert calibration.calibration([0, 1, 1], [0.5, 0.5, 0.5])["calibration_slope"].reason == (
        "all predicted probabilities are equal")
    assert not calibration.scaled_brier([0, 0], [0.1, 0.2]).defined
    assert not calibration.brier([], []).defined


def test_probabilities_of_0_and_1_do_not_break_the_slope() -> None:
    p = np.concatenate([P, [0.0, 1.0]])
    assert calibration.calibration(np.append(Y, [1, 0]), p)["calibration_slope"].defined


@pytest.mark.parametrize("method", recalibration.METHODS)
def test_recalibration_repairs_what_it_promises(method: str) -> None:
    repair = recalibration.recalibrate(Y, P, method=method)
    q = repair(P)
    found = calibration.calibration(Y, q)
    assert calibration.log_loss(Y, np.clip(q, 1e-6, 1 - 1e-6)).estimate <= calibration.log_loss(Y, P).estimate + 1e-9
    if method in ("in the large", "logistic", "isotonic"):
        assert found["observed_expected"].estimate == pytest.approx(1, abs=1e-6)
    if method == "logistic":
        assert found["calibration_slope"].estimate == pytest.approx(1, abs=1e-6)
    assert (np.diff(repair(np.linspace(0, 1, 50))) >= -1e-12).all()


def test_recalibration_refuses_one_class_and_unknown_ways() -> None:
    with pytest.raises(ValueError, match="truth: all 2 cases are positive"):
        recalibration.recalibrate([1, 1], [0.2, 0.3])
    with pytest.raises(ValueError, match="method: 'platt'"):
        recalibration.recalibrate(Y, P, method="platt")
    with pytest.raises(ValueError, match="no logistic recalibration exists"):
        recalibration.recalibrate([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])


def test_logistic_regression_is_at_the_top_of_its_likelihood() -> None:
    x = np.column_stack([np.ones(400), LINEAR, RNG.normal(size=400)])
    fit = regression.fit_logistic(x, Y)
    residual = Y - 1 / (1 + np.exp(-x @ fit.coefficients))
    np.testing.assert_allclose(x.T @ residual, 0, atol=1e-7)
    assert fit.interval(1).lower < fit.coefficients[1] < fit.interval(1).upper
    twin = regression.fit_logistic(np.column_stack([x, x[:, 1]]), Y)
    assert "collinear" in twin.reason
    assert not twin.interval(0).defined


def test_conditional_logistic_needs_one_case_a_set() -> None:
    with pytest.raises(ValueError, match="strata: position 0 is 1 .*exactly one case"):
        regression.fit_conditional_logistic([[0.0], [1.0]], [1, 1], [1, 1])
    same = regression.fit_conditional_logistic([[1.0], [1.0], [0.0], [0.0]], [1, 0, 1, 0], [1, 1, 2, 2])
    assert "does not vary within sets" in same.reason
    apart = regression.fit_conditional_logistic([[1.0], [0.0], [2.0], [1.0]], [1, 0, 1, 0], [1, 1, 2, 2])
    assert "separates cases from controls" in apart.reason


def test_conditional_logistic_of_larger_sets_is_at_the_top_of_its_likelihood() -> None:
    x, sets = RNG.normal(size=(120, 2)), np.repeat(np.arange(30), 4)
    odds = np.exp(x @ [1.0, -0.5]).reshape(30, 4)
    chosen = np.zeros((30, 4))
    for row, share in enumerate(odds / odds.sum(1, keepdims=True)):
        chosen[row, RNG.choice(4, p=share)] = 1
    fit = regression.fit_conditional_logistic(x, chosen.ravel(), sets)
    risk = np.exp(x @ fit.coefficients).reshape(30, 4)
    expected = (risk / risk.sum(1, keepdims=True)).ravel() @ x
    np.testing.assert_allclose(x[chosen.ravel() == 1].sum(0), expected, atol=1e-8)
    assert abs(fit.coefficients[0] - 1) < 1


def test_net_benefit_of_one_threshold_is_that_of_the_curve() -> None:
    curve = utility.decision_curve(Y, P, thresholds=(0.2, 0.5), resamples=50)
    assert curve.model[0] == pytest.approx(utility.net_benefit(Y, P >= 0.2, threshold=0.2))
    assert (curve.lower <= curve.model).all()
    assert (curve.model <= curve.upper).all()
    assert utility.net_benefit(Y, np.ones(400), threshold=0.5) == pytest.approx(curve.treat_all[1])
    with pytest.raises(ValueError, match="thresholds: position 1 is 1.0"):
        utility.decision_curve(Y, P, thresholds=(0.2, 1.0))
