"""Patients as the units: bootstrap, clustered areas and proportions."""
from __future__ import annotations

import math

import numpy as np
import pytest

from osteon.stats import clusters, roc

RNG = np.random.default_rng(5)
WHO = np.repeat(np.arange(40), RNG.integers(1, 5, 40))
SIZE = len(WHO)
TRUTH = RNG.random(SIZE) < 0.4
SHARED = RNG.normal(0, 0.8, 40)[WHO]
SCORES = np.round(TRUTH + SHARED + RNG.normal(size=SIZE), 1)
RIGHT = SHARED + RNG.normal(size=SIZE) > -0.5


def test_a_resample_draws_as_many_patients_as_there_are() -> None:
    counts = clusters.times_drawn(40, resamples=25, seed=1)
    assert (counts.sum(1) == 40).all()
    assert (counts == clusters.times_drawn(40, resamples=25, seed=1)).all()
    assert (counts != clusters.times_drawn(40, resamples=25, seed=2)).any()


def test_the_fast_area_equals_the_area_of_the_repeated_cases() -> None:
    drawn = clusters.draws(40, resamples=5, seed=3)
    fast = clusters.resampled_auc(TRUTH, SCORES, WHO, drawn)
    for row, area in zip(drawn, fast, strict=True):
        rows = np.concatenate([np.flatnonzero(p == WHO) for p in row])
        assert area == pytest.approx(roc.auc(TRUTH[rows], SCORES[rows]))


@pytest.mark.parametrize("method", ["percentile", "BCa"])
def test_three_ways_to_the_same_bootstrap(method: str) -> None:
    options = {"resamples": 300, "seed": 9, "method": method}
    fast = clusters.bootstrap_auc(TRUTH, SCORES, WHO, **options)
    slow = clusters.bootstrap(lambda w: roc.auc(TRUTH, SCORES, weights=w), WHO, **options)
    assert (fast.lower, fast.upper) == pytest.approx((slow.lower, slow.upper), abs=1e-12 if method == "percentile" else 5e-3)
    sums = clusters.bootstrap_sums(lambda s: s[..., 0] / s[..., 1], np.column_stack([RIGHT, np.ones(SIZE)]), WHO,
                                   **options)
    loop = clusters.bootstrap(lambda w: w @ RIGHT / w.sum(), WHO, **options)
    assert (sums.estimate, sums.lower, sums.upper) == pytest.approx((loop.estimate, loop.lower, loop.upper))


def test_weights_are_those_of_the_weighted_area() -> None:
    weights = RNG.random(SIZE)
    found = clusters.bootstrap_auc(TRUTH, SCORES, WHO, weights=weights, resamples=200, seed=4)
    slow = clusters.bootstrap(lambda w: roc.auc(TRUTH, SCORES, weights=w * weights), WHO, resamples=200, seed=4)
    assert (found.estimate, found.lower, found.upper) == pytest.approx((slow.estimate, slow.lower, slow.upper))


def test_the_difference_of_a_score_with_itself_is_0() -> None:
    found = clusters.bootstrap_auc_difference(TRUTH, SCORES, SCORES, WHO, resamples=50)
    assert found.estimate == found.lower == found.upper == 0


def test_missed_lesions_are_below_every_score() -> None:
    scores = np.where(TRUTH & (SCORES < 0), -np.inf, SCORES)
    found = clusters.bootstrap_auc(TRUTH, scores, WHO, resamples=50)
    assert found.estimate == pytest.approx(roc.auc(TRUTH, scores))


def test_undefined_resamples_are_counted_or_forbid_the_interval() -> None:
    one_sick = np.arange(30) == 0
    found = clusters.bootstrap_auc(one_sick, RNG.normal(size=30), np.arange(30), resamples=200)
    assert not found.defined
    assert "undefined in" in found.reason
    few_sick = np.arange(30) < 4
    kept = clusters.bootstrap_auc(few_sick, RNG.normal(size=30), np.arange(30), resamples=500, seed=2)
    assert "undefined and left out" in kept.method
    assert kept.defined
    assert not clusters.bootstrap_auc([1, 1], [1, 2], [1, 2]).defined
    assert not clusters.bootstrap(lambda w: math.nan, [1, 2], resamples=10).defined


def test_patients_with_one_case_are_independent_cases() -> None:
    each = np.arange(SIZE)
    _, variance, plain = clusters.ratio_variance(RIGHT, each)
    assert variance == pytest.approx(plain * SIZE / (SIZE - 1))
    assert clusters.clustered_auc(TRUTH, SCORES, each)[1][0, 0] == pytest.approx(roc.delong(TRUTH, SCORES)[1][0, 0],
                                                                                 rel=0.02)


def test_copies_of_a_case_add_nothing() -> None:
    twice = np.repeat(np.arange(50), 2)
    x = np.repeat(RNG.random(50) < 0.7, 2)
    double, single = (clusters.clustered_proportion(x[::k], twice[::k]) for k in (1, 2))
    assert (double.lower, double.upper) == pytest.approx((single.lower, single.upper), abs=0.004)


def test_weights_stand_for_patients() -> None:
    mean, _, _ = clusters.ratio_variance(RIGHT, WHO, weights=np.where(RIGHT, 2.0, 1.0))
    assert mean == pytest.approx(2 * RIGHT.sum() / (2 * RIGHT.sum() + (~RIGHT).sum()))


def test_the_covariance_of_two_clustered_areas() -> None:
    areas, cov = clusters.clustered_auc(TRUTH, np.vstack([SCORES, SCORES]), WHO)
    assert areas[0] == areas[1]
    assert cov == pytest.approx(np.full((2, 2), cov[0, 0]))
    gap, _ = roc.compare_estimates(*clusters.clustered_auc(TRUTH, np.vstack([SCORES, SHARED]), WHO))
    assert gap.lower < gap.estimate < gap.upper


def test_what_no_patient_varies_in_is_undefined() -> None:
    assert clusters.clustered_mean([1.0, 2.0], [7, 7]).reason == "one patient"
    assert clusters.clustered_mean([], []).reason == "no cases"
    assert clusters.clustered_proportion([], []).reason == "no cases"
    few = clusters.clustered_auc_interval([1, 0], [2.0, 1.0], [1, 2])
    assert few.method == "Newcombe score on patients"
    assert few.lower < 0.3
    assert few.upper == 1
    assert math.isnan(clusters.anova_icc([1.0, 2.0], [1, 2]))


def test_all_right_is_judged_by_the_number_of_patients() -> None:
    found = clusters.clustered_proportion(np.ones(12), np.repeat([1, 2, 3], 4))
    assert found.method == "Wilson on 3 patients"
    assert found.estimate == found.upper == 1
    assert found.lower < 0.5
