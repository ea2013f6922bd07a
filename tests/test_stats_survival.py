"""Time to event, and the accuracy of predicted survival."""
from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from osteon.stats import roc, survival, survival_prediction

RNG = np.random.default_rng(8)
X = RNG.normal(size=150)
LATENT = RNG.exponential(np.exp(-0.7 * X))
END = RNG.uniform(0.2, 3, 150)
TIME, EVENT = np.round(np.minimum(LATENT, END), 2), LATENT <= END


def test_without_censoring_the_curve_is_the_share_alive() -> None:
    curve = survival.kaplan_meier(LATENT, np.ones(150))
    at = np.array([0.1, 0.5, 1.5])
    np.testing.assert_allclose(curve.at(at), [(t < LATENT).mean() for t in at])
    assert curve.at([LATENT.min()], before=True)[0] == 1
    theirs = stats.ecdf(stats.CensoredData(uncensored=TIME[EVENT], right=TIME[~EVENT])).sf.evaluate(at)
    np.testing.assert_allclose(survival.kaplan_meier(TIME, EVENT).at(at), theirs)


def test_weights_are_repeated_patients() -> None:
    w = RNG.integers(1, 4, 150)
    one, two = survival.kaplan_meier(TIME, EVENT, weights=w), survival.kaplan_meier(np.repeat(TIME, w), np.repeat(EVENT, w))
    np.testing.assert_allclose(one.survival, two.survival)


def test_survival_and_censoring_curves_share_the_whole() -> None:
    at = np.unique(TIME)
    product = survival.kaplan_meier(TIME, EVENT).at(at) * survival.censoring(TIME, EVENT).at(at)
    np.testing.assert_allclose(product, [(t < TIME).mean() for t in at], atol=1e-12)


def test_beyond_the_last_time_nothing_is_known() -> None:
    curve = survival.kaplan_meier(TIME, EVENT)
    assert "observed that long" in curve.interval(99).reason
    assert not survival.restricted_mean(TIME, EVENT, horizon=99).defined
    all_dead = survival.kaplan_meier([1, 2], [1, 1]).interval(2)
    assert all_dead.estimate == 0
    assert all_dead.reason == "nobody survives"


def test_log_rank_as_scipy_and_for_several_groups() -> None:
    high = X > 0
    theirs = stats.logrank(*(stats.CensoredData(uncensored=TIME[m & EVENT], right=TIME[m & ~EVENT]) for m in (high, ~high)))
    assert survival.log_rank(TIME, EVENT, high).p == pytest.approx(theirs.pvalue)
    assert survival.log_rank(TIME, EVENT, np.digitize(X, [-0.5, 0.5])).df == (2,)
    assert survival.log_rank(TIME, np.zeros(150), high).reason == "no events"


def test_cox_finds_the_planted_effect_and_says_when_it_cannot() -> None:
    fit = survival.fit_cox(X[:, None], TIME, EVENT)
    assert fit.interval(0).lower < 0.7 < fit.interval(0).upper
    assert survival.fit_cox(X[:, None], TIME, np.zeros(150)).reason == "no events"
    assert survival.fit_cox(np.column_stack([X, X]), TIME, EVENT).reason
    assert not survival.fit_cox(np.column_stack([X, X]), TIME, EVENT).interval(0).defined
    s = fit.survival(X[:, None], [0.0, 0.5, 1.0])
    assert (s[:, 0] == 1).all()
    assert (np.diff(s, axis=1) < 0).all()


def test_without_censoring_the_area_and_brier_are_the_plain_ones() -> None:
    alive, s = LATENT > 0.6, np.exp(-0.6 * np.exp(0.7 * X))
    found = survival_prediction.time_auc(LATENT, np.ones(150), X, at=0.6)
    plain = roc.auc_interval(~alive, X)
    assert found.estimate == pytest.approx(plain.estimate)
    assert (found.lower, found.upper) == pytest.approx((plain.lower, plain.upper), abs=2e-3)
    score = survival_prediction.brier_at(LATENT, np.ones(150), s, at=0.6)
    assert score.estimate == pytest.approx(((alive - s) ** 2).mean())
    harrell, uno = (f(LATENT, np.ones(150), X).estimate for f in (survival_prediction.harrell_c, survival_prediction.uno_c))
    assert harrell == pytest.approx(uno)
    later = LATENT[None, :] > LATENT[:, None]
    assert harrell == pytest.approx((later & (X[:, None] > X[None, :])).sum() / later.sum())


def test_what_cannot_be_compared_is_undefined() -> None:
    none = np.zeros(150)
    assert survival_prediction.harrell_c(TIME, none, X).reason == "no pair of cases can be compared"
    assert survival_prediction.time_auc(TIME, EVENT, X, at=0.0).reason == "no events by 0"
    assert "followed beyond" in survival_prediction.time_auc(TIME, EVENT, X, at=50).reason
    assert "followed beyond" in survival_prediction.brier_at(TIME, EVENT, np.full(150, 0.5), at=50).reason
    assert not survival_prediction.observed_expected_at(TIME, none, np.full(150, 0.5), at=0.5).defined


def test_pseudo_values_without_censoring_are_the_outcomes() -> None:
    np.testing.assert_allclose(survival_prediction.pseudo_values(LATENT, np.ones(150), at=0.6), LATENT <= 0.6, atol=1e-9)


def test_pseudo_values_leave_each_patient_out() -> None:
    whole = survival.kaplan_meier(TIME, EVENT).at([0.7])[0]
    expected = []
    for i in range(150):
        rest = survival.kaplan_meier(np.delete(TIME, i), np.delete(EVENT, i)).at([0.7])[0]
        expected.append(1 - (150 * whole - 149 * rest))
    np.testing.assert_allclose(survival_prediction.pseudo_values(TIME, EVENT, at=0.7), expected, atol=1e-10)


def test_calibration_at_a_time_of_the_true_model() -> None:
    t = RNG.exponential(1, 3000)
    x = RNG.normal(size=3000)
    t = t * np.exp(-0.7 * x)
    end = RNG.uniform(0.5, 3, 3000)
    seen, d, risk = np.minimum(t, end), t <= end, 1 - np.exp(-0.8 * np.exp(0.7 * x))
    ratio = survival_prediction.observed_expected_at(seen, d, risk, at=0.8)
    assert ratio.lower < 1 < ratio.upper
    assert survival_prediction.calibration_errors_at(seen, d, risk, at=0.8)["ici"] < 0.03
    for group in survival_prediction.risk_groups(seen, d, risk, at=0.8, groups=4):
        assert group.observed.lower - 0.02 < group.predicted < group.observed.upper + 0.02
    own = np.exp(-seen * np.exp(0.7 * x))
    assert survival_prediction.d_calibration(d, own).p > 0.01
    assert survival_prediction.d_calibration(d, own**2).p < 1e-6


def test_integrated_brier_of_a_constant() -> None:
    assert survival_prediction.integrated_brier([1, 2, 4], [0.2, 0.2, 0.2], rule="left") == pytest.approx(0.15)
    assert survival_prediction.integrated_brier([1, 2, 4], [0.2, 0.2, 0.2]) == pytest.approx(0.175)
    with pytest.raises(ValueError, match="times: not rising"):
        survival_prediction.integrated_brier([2, 1], [0.1, 0.2])


def test_times_and_events_are_checked() -> None:
    with pytest.raises(ValueError, match=r"time: position 1 is -1.0 \(expected 0 or more\)"):
        survival.kaplan_meier([1, -1], [1, 0])
    with pytest.raises(ValueError, match="event: position 0 is 2.0"):
        survival.kaplan_meier([1, 1], [2, 0])
    with pytest.raises(ValueError, match="time: no cases"):
        survival.kaplan_meier([], [])
    assert math.isfinite(survival.kaplan_meier([0.0, 0.0, 1.0], [1, 0, 1]).survival[0])
