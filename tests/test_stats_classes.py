"""Several classes, ordered grades, conformal sets."""
from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from osteon.stats import conformal, multiclass, ordinal

RNG = np.random.default_rng(9)
Y = RNG.integers(0, 3, 60)
P = RNG.dirichlet([1, 1, 1], 60) * 0.6 + 0.4 * np.eye(3)[Y]
CALLED = P.argmax(1)


def test_two_classes_are_the_binary_case() -> None:
    p = np.column_stack([1 - P[:, 1], P[:, 1]])
    y = (Y == 1).astype(int)
    areas = multiclass.one_vs_rest_aucs(y, p)
    assert multiclass.hand_till(y, p) == pytest.approx(areas[0])
    assert areas[0] == pytest.approx(areas[1])
    assert multiclass.multiclass_brier(y, p) == pytest.approx(2 * ((p[:, 1] - y) ** 2).mean())


def test_a_class_without_cases_is_left_out_and_nan() -> None:
    y = np.where(Y == 2, 0, Y)
    assert math.isnan(multiclass.one_vs_rest_aucs(y, P)[2])
    assert math.isfinite(multiclass.hand_till(y, P))
    panel = multiclass.class_panels(y, CALLED, classes=3)[2]
    assert panel["sensitivity"].reason == "no case is truly positive"
    assert math.isnan(multiclass.macro([0, 0], [0, 0], classes=3)["mcc"])
    assert all(math.isnan(v) for v in multiclass.macro([], [], classes=3).values())


def test_perfect_calls() -> None:
    found = multiclass.macro(Y, Y, classes=3)
    assert found == pytest.approx(dict.fromkeys(found, 1.0))
    assert multiclass.top_k(Y, P, 3).all()
    assert multiclass.top_k(Y, P, 1).mean() == (CALLED == Y).mean()
    with pytest.raises(ValueError, match="k: 4"):
        multiclass.top_k(Y, P, 4)


def test_probabilities_must_sum_to_1_and_classes_exist() -> None:
    with pytest.raises(ValueError, match=r"predicted: position 0 is 0.8.* rows that sum to 1"):
        multiclass.hand_till([0, 1], [[0.4, 0.4], [0.5, 0.5]])
    with pytest.raises(ValueError, match="truth: position 1 is 2.0 .*0 to 1"):
        multiclass.hand_till([0, 2], [[0.5, 0.5], [0.5, 0.5]])
    with pytest.raises(ValueError, match=r"predicted: position \(0, 1\) is 1.5"):
        multiclass.hand_till([0, 1], [[0.0, 1.5], [0.5, 0.5]])


def test_ranked_probability_of_certain_answers() -> None:
    right = np.eye(3)[Y]
    assert ordinal.ranked_probability_scores(Y, right).tolist() == [0] * 60
    assert ordinal.ranked_probability_scores([0], [[0, 0, 1]]).tolist() == [1]


def test_grade_errors_have_patients_as_units() -> None:
    found = ordinal.grade_errors(Y, CALLED, classes=3, patients=np.repeat(np.arange(20), 3))
    assert found["accuracy"].estimate == pytest.approx((Y == CALLED).mean())
    assert found["within_one_grade"].estimate == pytest.approx((np.abs(Y - CALLED) <= 1).mean())
    assert found["mean_absolute_error"].estimate == pytest.approx(np.abs(Y - CALLED).mean())


def test_the_volume_is_the_share_of_ordered_triples() -> None:
    y, s = RNG.integers(0, 3, 15), RNG.integers(0, 4, 15).astype(float)
    total = 0.0
    for triple in itertools.product(*(s[y == k] for k in range(3))):
        orders = [o for o in itertools.permutations(range(3)) if all(triple[a] <= triple[b] for a, b in itertools.pairwise(o))]
        total += ((0, 1, 2) in orders) / len(orders)
    assert ordinal.ordering_volume(y, s, classes=3) == pytest.approx(total / np.prod(np.bincount(y, minlength=3)))
    assert math.isnan(ordinal.ordering_volume([0, 1], [1, 2], classes=3))


def test_ordinal_concordance_is_the_share_of_ordered_pairs() -> None:
    y, s = RNG.integers(0, 4, 40), RNG.integers(0, 9, 40).astype(float)
    higher = y[:, None] > y[None, :]
    won = (s[:, None] > s[None, :]) + 0.5 * (s[:, None] == s[None, :])
    assert ordinal.ordinal_concordance(y, s) == pytest.approx(won[higher].mean())
    assert math.isnan(ordinal.ordinal_concordance([1, 1], [1, 2]))


def test_conformal_sets_cover_by_group() -> None:
    held = []
    for seed in range(200):
        rng = np.random.default_rng(seed)
        y = rng.integers(0, 4, 600)
        p = rng.dirichlet([1] * 4, 600) * 0.5 + 0.5 * np.eye(4)[np.where(rng.random(600) < 0.7, y, rng.integers(0, 4, 600))]
        group = np.where(rng.random(600) < 0.4, "a", "b")
        scores, first = conformal.class_scores(y, p), np.arange(600) < 300
        q = conformal.mondrian_quantiles(scores[first], group[first], alpha=0.1)
        kept = conformal.prediction_sets(p[~first], [q[g] for g in group[~first]])
        held.append(kept[np.arange(300), y[~first]].mean())
    assert np.mean(held) == pytest.approx(0.9, abs=0.01)


def test_adaptive_sets_and_intervals_cover() -> None:
    sets, bands = [], []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        p = rng.dirichlet([1] * 4, 600)
        y = np.array([rng.choice(4, p=row) for row in p])
        q = conformal.conformal_quantile(conformal.adaptive_scores(y[:300], p[:300], seed=seed))
        sets.append(conformal.adaptive_sets(p[300:], q, seed=seed + 1)[np.arange(300), y[300:]].mean())
        truth, guess = rng.normal(size=(2, 600)) * 0.5 + rng.normal(size=600)
        q = conformal.conformal_quantile(conformal.residual_scores(truth[:300], guess[:300], guess[:300]))
        bands.append((np.abs(truth - guess)[300:] <= q).mean())
    assert np.mean(sets) == pytest.approx(0.9, abs=0.015)
    assert np.mean(bands) == pytest.approx(0.9, abs=0.015)


def test_too_few_calibration_cases_keep_every_class() -> None:
    assert conformal.conformal_quantile([0.1, 0.2], alpha=0.1) == math.inf
    assert conformal.prediction_sets([[0.5, 0.5]], math.inf).all()
    assert conformal.coverage_law(99, alpha=0.1) == (90, 10)
