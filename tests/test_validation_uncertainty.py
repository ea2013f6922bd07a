"""Conformal sets cover what they promise, by group too where they are made by group; abstaining lowers the error."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.budget import SMOKE
from osteon.engine import run as make
from osteon.engine import simulate
from osteon.studies import study
from osteon.validation.uncertainty import Judged, abstention, conformal, coverage, of_lines, parts


def drawn(count: int, seed: int, *, probability: bool = True, noise: float = 1.0) -> Judged:
    """Cases of one fold in two groups; of the group "hard" (the odd ones) the answer is worse."""
    rng = np.random.default_rng(seed)
    hard = np.arange(count) % 2 == 1
    signal = rng.normal(0, 2, count)
    seen = signal + rng.normal(0, 1, count) * np.where(hard, 2.5, 0.5) * noise
    if probability:
        truth, answer = (rng.random(count) < 1 / (1 + np.exp(-signal))).astype(float), 1 / (1 + np.exp(-seen))
    else:
        truth, answer = signal, seen
    ids = np.array([f"{seed}-{i}" for i in range(count)])
    return Judged(truth, answer, fold=np.repeat("1", count), case=ids, patient=ids, probability=probability)


def group(judged: Judged) -> np.ndarray:
    return np.where(np.arange(len(judged.truth)) % 2 == 1, "hard", "easy")


@pytest.mark.parametrize("probability", [True, False])
def test_coverage_at_90_over_200_splits_is_89_to_91(probability: bool) -> None:
    found = {"all": [], "easy": [], "hard": []}
    for seed in range(200):
        calibration, test = drawn(300, seed, probability=probability), drawn(400, 1000 + seed, probability=probability)
        ends = conformal(calibration, test, groups=(group(calibration), group(test)))
        for one in coverage(test, ends, groups={g: group(test) == g for g in ("easy", "hard")}):
            found[one.group].append(one.share.estimate)
    assert all(0.89 <= np.mean(shares) <= 0.91 for shares in found.values()), {k: np.mean(v) for k, v in found.items()}


def test_one_quantile_for_all_leaves_the_hard_group_uncovered() -> None:
    calibration, test = drawn(2000, 1, probability=False), drawn(2000, 2, probability=False)
    both = {one.group: one.share.estimate for one in coverage(test, conformal(calibration, test), groups={g: group(test) == g for g in ("easy", "hard")})}
    assert both["hard"] < 0.85 < 0.95 < both["easy"]


def test_a_group_that_is_too_small_is_calibrated_with_all() -> None:
    calibration, test = drawn(120, 3), drawn(50, 4)
    names = np.where(np.arange(120) < 5, "rare", "common")
    *_, used = conformal(calibration, test, groups=(names, np.repeat("rare", 50)))
    assert set(used.tolist()) == {120.0}


def test_too_few_cases_give_the_whole_range_and_not_a_wrong_one() -> None:
    calibration, test = drawn(5, 5, probability=False), drawn(20, 6, probability=False)
    lower, upper, _ = conformal(calibration, test, alpha=0.1)
    assert np.isinf(lower).all()
    assert np.isinf(upper).all()


def test_folds_are_calibrated_by_their_own_tune_part() -> None:
    calibration, test = drawn(400, 7, probability=False), drawn(400, 8, probability=False)
    fold = np.repeat(["1", "2"], 200)
    shifted = np.where(fold == "2", 10.0, 0.0)
    split = Judged(calibration.truth + shifted, calibration.answer + shifted, fold=fold, case=calibration.case, patient=calibration.patient, probability=False)
    lower, upper, used = conformal(split, Judged(test.truth, test.answer, fold=fold, case=test.case, patient=test.patient, probability=False))
    widths = [set(np.round(upper[fold == f] - lower[fold == f], 9).tolist()) for f in ("1", "2")]
    assert [len(w) for w in widths] == [1, 1]
    assert set(used.tolist()) == {200.0}


def test_abstaining_lowers_the_error_and_tells_who_is_left_without_an_answer() -> None:
    test = drawn(3000, 9)
    curve = abstention(test, cut=np.full(3000, 0.5), groups={g: group(test) == g for g in ("easy", "hard")})
    half = int(np.searchsorted(curve.coverage, 0.5))
    assert curve.risk[half] < curve.risk[-1] - 0.05
    assert curve.coverage[-1] == pytest.approx(1)
    assert curve.area < curve.risk[-1]
    assert curve.groups["hard"][half] != pytest.approx(curve.groups["easy"][half], abs=0.05)


def test_a_score_that_is_no_probability_is_refused_with_its_line() -> None:
    lines = pd.DataFrame({"withheld": "", "state": ["true", "false"], "score": [0.4, 1.7], "fold": "1", "case": ["a", "b"], "patient": ["a", "b"]})
    with pytest.raises(ValueError, match=r"score of line 1 is 1.7 \(expected a probability"):
        of_lines(lines)
    with pytest.raises(ValueError, match="expected probabilities"):
        abstention(drawn(10, 1, probability=False), cut=np.zeros(10))


def test_of_a_run(tmp_path: Path) -> None:
    declared = study("etzel_2022")
    declared = replace(declared, models={"logistic regression": declared.models["logistic regression"]})
    done = make(declared, simulate(declared, tmp_path / "a", cases=2500), budget=SMOKE, out=tmp_path / "run")
    tune, test = parts(done, "logistic regression", ("stay", declared.targets["stay"]), "long")
    assert len(test.truth) == done.primary.counts["n"]
    (whole,) = coverage(test, conformal(tune, test))
    assert whole.share.lower <= 0.9 <= whole.share.upper + 0.02
    assert 1 <= whole.size <= 2
