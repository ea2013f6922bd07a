"""Each analysis on a small run written by hand, against a closed form or a published number."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import stats_facts as facts
from hand_made import hand_made, lines
from osteon.errors import DataError, StudyError
from osteon.models import Tabular, sizes
from osteon.run import ONCE, Run
from osteon.stats.groups import compare_means, compare_rates
from osteon.stats.intervals import wilson
from osteon.studies import study
from osteon.study import Study
from osteon.targets import Classes, Events, Measures
from osteon.validation.analyses import Curve, Groups, Interchangeability, MatchedOdds, NetBenefit, Options, Overlap, Ranked, Triage, TriageValue
from osteon.validation.analyses.overlap import grade
from osteon.validation.results import FAILED, Result, analyse, results_of, titles

STAY: Study = study("etzel_2022")
GAIT: Study = replace(STAY, targets={"gait": Measures({"time": "s", "length": "cm"}, "time")}, primary="gait",
                      models={name: Tabular("linear regression", reads=("record",), writes=("gait",)) for name in ("feet", "pelvis")})


def found(results: Iterator[Result] | tuple[Result, ...], what: str, group: str | None = None) -> Result:
    return next(r for r in results if r.what == what and group in (None, r.group))


def ids(n: int) -> list[str]:
    return [f"c{i:05d}" for i in range(1, n + 1)]


def of_stay(folder: Path, state: Any, score: Any, cases: dict[str, Any], *, patient: list[str] | None = None) -> Run:
    frame = lines("stay", "long", case=ids(len(state)), state=state, score=score, patient=patient)
    return hand_made(folder, {"logistic regression": (("stay",), frame)}, {"case": ids(len(state)), **cases})


def test_odds_of_matched_pairs_are_those_of_discordant_pairs(tmp_path: Path) -> None:
    """With one binary score and pairs the conditional odds ratio is b / c (Breslow and Day 1980): 12 pairs with the case exposed, 4 with the control, 10 alike."""
    case = np.array([1.0] * 12 + [0.0] * 4 + [1.0] * 6 + [0.0] * 4)
    control = np.array([0.0] * 12 + [1.0] * 4 + [1.0] * 6 + [0.0] * 4)
    score, state = np.concatenate([case, control]), np.repeat([True, False], 26)
    run = of_stay(tmp_path, state, score, {"pair": [f"s{i}" for i in range(26)] * 2})
    (result,) = MatchedOdds("pair")(run, STAY)
    spread = float(np.std(score, ddof=1))
    assert result.value.estimate == pytest.approx(math.exp(math.log(12 / 4) * spread), rel=1e-8)
    error = spread * math.sqrt(1 / 12 + 1 / 4)  # variance of log(b / c)
    assert result.value.upper == pytest.approx(math.exp(math.log(3) * spread + 1.959963985 * error), rel=1e-6)
    assert result.n == 52 and "26 matched sets" in result.note
    assert result.p == pytest.approx(2 * 0.02850, abs=2e-4)  # z = log 3 / sqrt(1/3) = 1.9029


def test_sets_that_are_not_complete_are_left_out_and_counted(tmp_path: Path) -> None:
    state = np.array([True, False, True, False, True, True, False, False])
    score = np.array([0.9, 0.1, 0.3, 0.6, 0.5, 0.5, 0.5, 0.4])
    run = of_stay(tmp_path, state, score, {"pair": ["a", "a", "b", "b", "d", "d", ONCE, None]})
    (result,) = MatchedOdds("pair")(run, STAY)
    assert result.n == 4 and "4 of 8 lines stand in no complete set" in result.note


def test_separated_sets_have_no_odds_ratio_and_say_so(tmp_path: Path) -> None:
    run = of_stay(tmp_path, np.array([True, False] * 4), np.array([0.9, 0.1] * 4), {"pair": list("aabbccdd")})
    (result,) = MatchedOdds("pair")(run, STAY)
    assert not result.value.defined and "separates" in result.value.reason
    with pytest.raises(DataError, match="no case of the run has 'match'"):
        list(MatchedOdds("match")(run, STAY))


def test_arms_are_compared_as_the_statistics_do_and_corrected(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    arm = ["nursing"] * 40 + ["system"] * 40
    pain, hip = np.concatenate([rng.normal(4, 1, 40), rng.normal(3, 1, 40)]), np.concatenate([rng.normal(80, 8, 40), rng.normal(82, 8, 40)])
    trouble = np.array([1] * 9 + [0] * 31 + [1] * 2 + [0] * 38)
    run = of_stay(tmp_path, np.zeros(80), np.zeros(80), {"arm": arm, "pain": pain, "hip": hip, "complication": trouble, "walks": ["yes", "no"] * 40})
    results = tuple(Groups("arm", "nursing", ("pain", "hip", "complication", "walks"))(run, STAY))
    means = compare_means(pain[40:], pain[:40])
    assert found(results, "difference", "pain").value == means.difference
    assert found(results, "difference", "pain").p == means.test.p
    assert found(results, "effect size", "pain").value == means.hedges_g
    rates = compare_rates((2, 40), (9, 40))
    assert found(results, "difference", "complication").value == rates.difference
    assert found(results, "effect size", "complication").value == rates.odds_ratio
    assert found(results, "arm nursing", "complication").value == wilson(9, 40)
    assert found(results, "difference", "walks").value.estimate == 0
    raw = sorted(r.p for r in results if r.what == "difference")
    assert found(results, "p, Holm", "pain").p == pytest.approx(4 * raw[0])  # the smallest of four
    assert {r.value.method for r in results if r.what == "p, Holm"} == {"over 4 outcomes"}


def test_arms_of_one_patient_count_once_and_two_arms_are_needed(tmp_path: Path) -> None:
    run = of_stay(tmp_path, np.zeros(8), np.zeros(8), {"arm": ["a"] * 4 + ["b"] * 4, "pain": [1, 3, 5, 7, 2, 2, 2, 4], "patient": ["x", "x", "y", "z", "u", "v", "w", "w"]})
    results = tuple(Groups("arm", "a", ("pain",))(run, STAY))
    assert found(results, "arm a").value.estimate == pytest.approx((2 + 5 + 7) / 3)
    assert found(results, "arm b").n == 3
    with pytest.raises(DataError, match="names no two arms"):
        list(Groups("arm", "c", ("pain",))(run, STAY))


def readings_of(folder: Path, standard: np.ndarray, test: np.ndarray) -> Run:
    rows = [{"case": case, "reader": f"R{j + 1}", "aided": aided, "target": "stay", "finding": "", "value": float(table[i, j]), "positive": float(table[i, j]), "rating": np.nan}
            for aided, table in ((False, standard), (True, test)) for i, case in enumerate(ids(len(table))) for j in range(table.shape[1])]
    run = of_stay(folder, np.zeros(len(standard)), np.linspace(0, 0.4, len(standard)), {})
    run.write_table("readings.csv", pd.DataFrame(rows))
    return run


def test_interchangeability_is_that_of_the_reference_case(tmp_path: Path) -> None:
    # reference/stats/22_interchangeability: 40 cases, 4 readers; computed by the formula of Obuchowski 2001, cases as units
    run = readings_of(tmp_path, np.array(facts.STANDARD), np.array(facts.TEST))
    results = tuple(Interchangeability(margin=0.1)(run, STAY))
    everyone = [r for r in results if r.group == "all readers, new against old"]
    assert found(everyone, "disagreement, old with old").value.estimate == pytest.approx(0.3416666666666667)
    assert found(everyone, "disagreement, old with new").value.estimate == pytest.approx(0.35625)
    excess = found(everyone, "excess disagreement")
    assert excess.value.estimate == pytest.approx(0.014583333333333346)
    assert excess.value.lower == pytest.approx(0.014583333 - 2.0226909 * 0.04024138, abs=1e-6)  # t with 39 degrees of freedom
    assert excess.note == "interchangeable at a margin of 10 %"
    assert len([r for r in results if " and " in r.group and r.what == "excess disagreement"]) == 6
    model = [r for r in results if r.group == "logistic regression in place of a reader"]
    standard = np.array(facts.STANDARD)
    assert found(model, "disagreement, old with new").value.estimate == pytest.approx(standard.mean())  # the model always says short


def test_interchangeability_without_readings_says_what_to_do(tmp_path: Path) -> None:
    run = of_stay(tmp_path, np.zeros(4), np.zeros(4), {})
    with pytest.raises(DataError, match="osteon readings"):
        list(Interchangeability()(run, STAY))


def triaged(folder: Path) -> Run:
    """Ten cases each: low risk in the ward and in the ICU, high risk in both; overtriage costs twice as much, undertriage ends badly more often."""
    risk = np.repeat([0.1, 0.1, 0.8, 0.8], 10) + np.tile(np.linspace(0, 0.05, 10), 4)
    place = ["ward"] * 10 + ["ICU"] * 10 + ["ward"] * 10 + ["ICU"] * 10
    died = np.array([1] + [0] * 9 + [1] + [0] * 9 + [1] * 9 + [0] + [1] * 6 + [0] * 4, bool)
    return of_stay(folder, died, risk, {"place": place, "cost": [1.0] * 10 + [2.0] * 10 + [1.0] * 10 + [2.0] * 10})


def test_triage_counts_both_faults_and_their_controls(tmp_path: Path) -> None:
    results = tuple(Triage("place", ("ICU",), controls=1)(triaged(tmp_path), STAY))
    over, under = found(results, "share", "overtriage (of low risk)"), found(results, "share", "undertriage (of high risk)")
    assert over.value == wilson(10, 20) == under.value
    assert found(results, "outcome", "undertriage").value == wilson(9, 10)
    assert found(results, "outcome of controls", "undertriage").value == wilson(6, 10)
    assert found(results, "difference", "undertriage").value == compare_rates((9, 10), (6, 10)).difference
    assert found(results, "difference", "overtriage").value.estimate == 0
    assert found(results, "difference", "overtriage").note == "10 against 10 controls"


def test_controls_lie_within_the_caliper(tmp_path: Path) -> None:
    run = of_stay(tmp_path, np.array([1, 0, 0, 1], bool), np.array([0.30, 0.10, 0.9, 0.9]), {"place": ["ICU", "ward", "ICU", "ward"]})
    assert not found(tuple(Triage("place", ("ICU",), caliper=0.05)(run, STAY)), "difference", "overtriage").value.defined
    assert found(tuple(Triage("place", ("ICU",), caliper=0.25)(run, STAY)), "difference", "overtriage").note == "1 against 1 controls"
    with pytest.raises(DataError, match="names no high place"):
        list(Triage("place", ("theatre",))(run, STAY))


def test_value_of_care_is_expected_over_observed_over_relative_cost(tmp_path: Path) -> None:
    results = tuple(TriageValue(Triage("place", ("ICU",), controls=1), "cost", resamples=200)(triaged(tmp_path), STAY))
    mean = np.linspace(0, 0.05, 10).mean()
    value = found(results, "value of care", "undertriage").value
    assert value.estimate == pytest.approx((10 * (0.8 + mean) / 9) / (1.0 / 1.5))
    assert value.lower < value.estimate < value.upper
    assert found(results, "value of care", "controls of undertriage").value.estimate == pytest.approx((10 * (0.8 + mean) / 6) / (2.0 / 1.5))
    assert found(results, "cost", "overtriage").value.estimate == 2
    lost = found(results, "value of care", "overtriage").value  # one death among ten: a third of resamples have none
    assert lost.estimate == pytest.approx((10 * (0.1 + mean) / 1) / (2.0 / 1.5)) and "resamples" in lost.reason


def gait(folder: Path, feet: np.ndarray, pelvis: np.ndarray) -> Run:
    truth = {"time": np.full(30, 1.0), "length": np.full(30, 50.0)}
    made = {label: pd.concat([lines("gait", name, case=ids(30), truth=truth[name], answer=truth[name] + error[k], error=error[k]) for k, name in enumerate(truth)])
            for label, error in (("feet", feet), ("pelvis", pelvis))}
    return hand_made(folder, {label: (("gait",), frame) for label, frame in made.items()}, {"case": ids(30)})


def test_arms_are_ranked_by_their_normalised_error_within_each_reading(tmp_path: Path) -> None:
    near, far = np.full(30, 0.1), np.full(30, 0.3)
    run = gait(tmp_path, np.stack([near, 50 * far]), np.stack([far, 50 * near]))
    results = tuple(Ranked(resamples=50)(run, GAIT))
    assert [r.value.estimate for r in results if r.what == "mean rank"] == [1.5, 1.5]  # each is first in one reading
    assert found(results, "NAPE", "feet").value.estimate == pytest.approx((0.1 + 0.3) / 2)  # of seconds and centimetres alike
    better = tuple(Ranked(resamples=50)(gait(tmp_path / "b", np.stack([near, 50 * near]), np.stack([far, 50 * far])), GAIT))
    assert (better[0].group, better[0].value.estimate, found(better, "first of all", "feet").value.estimate) == ("feet", 1.0, 1.0)


def test_an_order_by_chance_is_not_sure(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    run = gait(tmp_path, rng.normal(0, 1, (2, 30)), rng.normal(0, 1, (2, 30)))
    won = [r.value.estimate for r in Ranked(resamples=300)(run, GAIT) if r.what == "first of all"]
    assert min(won) > 0.02


def curve_run(folder: Path, quality: dict[float, float], n: int = 400) -> tuple[Run, Study]:
    """Scores whose separation grows with the share of training cases; 1000 cases are the whole."""
    arms = sizes("net", STAY.models["logistic regression"], list(quality))
    state, rng = np.arange(n) % 2 == 0, np.random.default_rng(1)
    noise = rng.normal(0, 1, n)
    made, notes = {}, {}
    for label, arm in arms.items():
        share = getattr(arm, "share", 1.0)
        z = quality[share] * np.where(state, 0.5, -0.5) + noise + rng.normal(0, 0.2, n)
        made[label] = (("stay",), lines("stay", "long", case=ids(n), state=state, score=1 / (1 + np.exp(-z))))
        notes[label] = {"fold": "1", "fit 1": {"train_cases": round(1000 * share)}}
    return hand_made(folder, made, {"case": ids(n)}, notes=notes), replace(STAY, models=arms)


def test_a_curve_that_stops_rising_is_flat_from_there(tmp_path: Path) -> None:
    run, declared = curve_run(tmp_path, {0.05: 0.3, 0.1: 0.9, 0.25: 2.0, 0.5: 2.0, 1.0: 2.0})
    results = tuple(Curve(resamples=200)(run, declared))
    assert [r.group for r in results if r.what == "AUC"] == [f"{k} training cases" for k in ("50", "100", "250", "500", "1,000")]
    assert found(results, "training cases", "no further gain shown from").value.estimate == 250
    assert found(results, "gain over the size before", "250 training cases").value.lower > 0.05
    assert found(results, "gain over the size before", "1,000 training cases").value.lower < 0
    assert found(results, "ceiling of AUC", "power law").value.defined


def test_a_curve_that_rises_to_the_end_is_not_flat(tmp_path: Path) -> None:
    run, declared = curve_run(tmp_path, {0.1: 0.3, 0.3: 1.0, 1.0: 2.5})
    results = tuple(Curve(resamples=200)(run, declared))
    assert found(results, "training cases", "no further gain shown from").value.reason == "still rising at the largest size"
    assert found(results, "ceiling of AUC", "power law").value.reason == "3 sizes (4 needed)"
    with pytest.raises(StudyError, match="sizes\\(name, model"):
        list(Curve()(run, STAY))


def test_overlap_is_the_corrected_covered_area(tmp_path: Path) -> None:
    # Pieper 2014: CCA = (N - r) / (r c - r); here 10 inclusions of 6 studies in 3 reviews: 4 / 12
    pairs = [("A", "s1"), ("A", "s2"), ("A", "s3"), ("B", "s1"), ("B", "s2"), ("B", "s4"), ("C", "s1"), ("C", "s2"), ("C", "s5"), ("C", "s6")]
    cases = {"review": [r for r, _ in pairs], "patient": [s for _, s in pairs]}
    results = tuple(Overlap("review")(of_stay(tmp_path, np.zeros(10), np.zeros(10), cases), STAY))
    whole = found(results, "corrected covered area", "all reviews")
    assert whole.value.estimate == pytest.approx(4 / 12) and whole.note == "very high overlap"
    assert found(results, "count", "primary studies in more than one review").value.estimate == 2
    assert found(results, "corrected covered area", "A and B").value.estimate == pytest.approx(2 / 4)
    assert [grade(a) for a in (0.05, 0.06, 0.12, 0.2)] == ["slight", "moderate", "high", "very high"]


@dataclass(frozen=True)
class Planted:
    """Answers of a known surface: the sum of both doses and twice their product."""

    reads: tuple[str, ...] = ("record",)
    writes: tuple[str, ...] = ("stay",)

    def fit(self, *_: Any) -> Planted:
        return self

    def predict(self, cohort: Any) -> Iterator[dict[str, Any]]:
        from osteon.value import Readings

        for case in cohort:
            a, b = float(case.inputs["record"]["age"]), float(case.inputs["record"]["bmi"])
            yield {"stay": Readings({"bone": a + b + 2 * a * b + float(case.inputs["record"]["asa"])})}

    def save(self, folder: Path) -> None: ...
    def load(self, folder: Path, targets: Any) -> Planted:
        return self


def bones(folder: Path) -> tuple[Run, Study]:
    declared = replace(STAY, targets={"stay": Measures({"bone": "%"}, "bone")}, models={"net": Planted()})
    frame = lines("stay", "bone", case=ids(4), truth=[0.0] * 4, answer=[0.0] * 4, error=[0.0] * 4)
    split = pd.DataFrame({"case": ids(4), "patient": ids(4), "fold": "1", "part": ["train", "train", "train", "test"]})
    run = hand_made(folder, {"net": (("stay",), frame)}, {"case": ids(4), "age": [0.0, 1.0, 0.0, 3.0], "bmi": [0.0, 0.0, 1.0, 3.0], "asa": [5.0, 5.0, 5.0, 9.0], "sex": ["f", "f", "m", "m"]}, split=split)
    (folder / "models" / "net" / "1" / "1").mkdir(parents=True)
    return run, declared


def test_options_are_every_feasible_combination_in_order_with_their_distance(tmp_path: Path) -> None:
    run, declared = bones(tmp_path)
    asked = Options({"age": (0.0, 1.0, 3.0), "bmi": (0.0, 1.0, 3.0)}, feasible=lambda option: option["age"] + option["bmi"] < 6)
    results = tuple(asked(run, declared))
    answers = [r for r in results if r.what == "answer"]
    assert len(answers) == 8  # both at 3 is not feasible
    assert (answers[0].group, answers[0].value.estimate) == ("age 1, bmi 3", 1 + 3 + 6 + 5)  # the rest at its median, 5
    assert answers[0].value.method == "one fitted model, so no spread of answers"
    assert found(results, "distance", "age 1, bmi 0").value.estimate == 0  # a training case
    assert "extrapolation" in found(results, "distance", "age 1, bmi 3").note
    assert found(results, "together beyond the sum", "age and bmi").value.estimate == pytest.approx(_beyond(), rel=1e-12)


def test_an_option_tells_the_span_of_all_fits_of_the_run(tmp_path: Path) -> None:
    run, declared = bones(tmp_path)
    (tmp_path / "models" / "net" / "2" / "1").mkdir(parents=True)
    (first, *_) = Options({"age": (0.0, 1.0), "bmi": (0.0, 1.0)})(run, declared)
    assert (first.value.estimate, first.value.lower, first.value.upper, first.n) == (9, 9, 9, 2)
    assert first.value.method == "least and largest answer of 2 fits, no confidence interval"


def _beyond() -> float:
    """2ab over the feasible cells of both present: (1,1), (1,3), (3,1); and the mean doses of the cells of one."""
    both = np.mean([a + b + 2 * a * b for a, b in ((1, 1), (1, 3), (3, 1))])
    one = np.mean([1.0, 3.0])
    return float(both - one - one)


def test_options_that_can_not_be_asked_are_refused(tmp_path: Path) -> None:
    run, declared = bones(tmp_path)
    with pytest.raises(DataError, match="none of 4 combinations is feasible"):
        list(Options({"age": (0, 1), "bmi": (0, 1)}, feasible=lambda option: False)(run, declared))
    with pytest.raises(StudyError, match="'dose' is no column of the record"):
        list(Options({"dose": (0, 1)})(run, declared))
    with pytest.raises(StudyError, match="fewer than two levels"):
        Options({"age": (0,)})


def test_net_benefit_is_that_of_the_reference_case(tmp_path: Path) -> None:
    from osteon.stats.utility import decision_curve

    run = of_stay(tmp_path, np.array(facts.OUTCOME) == 1, np.array(facts.PREDICTED), {})
    results = tuple(NetBenefit(0.1, 0.3, resamples=20)(run, STAY))
    expected = decision_curve(facts.OUTCOME, facts.PREDICTED, thresholds=(0.1, 0.2), resamples=2)  # proven against dcurves elsewhere
    assert found(results, "net benefit at 20 %", "logistic regression").value.estimate == pytest.approx(expected.model[1])
    assert found(results, "net benefit at 10 %", "all are treated").value.estimate == pytest.approx(expected.treat_all[0])
    with pytest.raises(StudyError, match="range of thresholds"):
        NetBenefit(0.4, 0.2)


def test_net_benefit_of_a_time_to_an_event_uses_the_censored(tmp_path: Path) -> None:
    from osteon.stats.utility import survival_decision_curve
    from osteon.validation.analyses.net_benefit import curve

    target = Events("fracture", horizon=5)
    frame = lines("fracture", "fracture", case=ids(len(facts.TIME)), state=np.zeros(len(facts.TIME)), score=np.array(facts.PREDICTED)[:len(facts.TIME)], time=facts.TIME, event=facts.EVENT)
    found_ = curve(frame, target, np.array([0.2, 0.4]), resamples=5, seed=0)
    wanted = survival_decision_curve(facts.TIME, facts.EVENT, np.array(facts.PREDICTED)[:len(facts.TIME)], horizon=5, thresholds=(0.2, 0.4), resamples=5)
    assert found_.model == pytest.approx(wanted.model) and found_.treat_all == pytest.approx(wanted.treat_all)


@dataclass(frozen=True)
class Broken:
    """An analysis of a stranger that fails."""

    @property
    def columns(self) -> tuple[str, ...]:
        return ()

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        raise KeyError("dose")


def test_a_fault_is_one_line_and_loses_no_other_result(tmp_path: Path) -> None:
    state, score = np.array([True, False, True, False]), np.array([0.9, 0.1, 0.3, 0.6])
    run = of_stay(tmp_path, state, score, {"pair": ["a", "a", "b", "b"]})
    declared = replace(STAY, analyses=(Broken(), MatchedOdds("pair"), MatchedOdds("nothing")))
    made = analyse(run, declared)
    assert [r.analysis for r in made] == ["Broken", "MatchedOdds 1", "MatchedOdds 2"] == list(titles(declared.analyses))
    assert made[0].what == FAILED and made[0].value.reason == "KeyError: 'dose'"
    assert "no case of the run has 'nothing'" in made[2].value.reason
    again = results_of(run)
    assert [r.flat() | {"estimate": 0, "lower": 0, "upper": 0, "p": 0} for r in again] == [r.flat() | {"estimate": 0, "lower": 0, "upper": 0, "p": 0} for r in made]
    assert again[1].value == made[1].value


def test_families_that_can_not_be_compared_are_refused(tmp_path: Path) -> None:
    run = of_stay(tmp_path, np.zeros(4), np.zeros(4), {})
    with pytest.raises(StudyError, match="there is no target 'stays'. Did you mean 'stay'"):
        list(MatchedOdds("pair", target="stays")(run, STAY))
    with pytest.raises(StudyError, match="1 model answers"):
        list(Ranked()(run, STAY))
    with pytest.raises(StudyError, match="has no finding"):
        list(NetBenefit(finding="endless")(run, replace(STAY, targets={"stay": Classes(("short", "long"))})))


@pytest.mark.parametrize("make", [lambda: Interchangeability(margin=0), lambda: Triage("place", ()), lambda: Triage("place", ("ICU",), caliper=0)])
def test_an_impossible_declaration_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(StudyError):
        make()
