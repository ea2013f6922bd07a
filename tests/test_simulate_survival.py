"""Follow-up with a known hazard: the closed forms hold, the ceilings hold, censoring does what it is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats

from osteon.errors import DataError
from osteon.simulate import survival as simulator
from osteon.simulate.survival import CARD, HORIZON, SHAPE, fracture_survival, known_concordance, seen_concordance, survival, true_incidence, true_survival
from osteon.stats.survival import fit_cox
from osteon.stats.survival_prediction import harrell_c
from osteon.targets import Events


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return survival(60_000, 1)


def hazard_seen(rows: pd.DataFrame, **call: object) -> np.ndarray:
    """The true cumulated hazard of each row until it was last seen."""
    eta, time = rows["true_eta"].to_numpy(), rows["fracture.time"].to_numpy()
    one = true_survival(np.zeros(1), time, **call)[0]  # type: ignore[arg-type]
    return -np.log(one) * np.exp(eta)


def test_events_come_as_the_known_hazard_says(people: pd.DataFrame) -> None:
    expected, event = hazard_seen(people), people["fracture.event"].to_numpy()
    for part in (people["true_eta"] < 0, people["true_eta"] >= 0, people["age"] > 65, people["outcome"] == people["outcome"]):
        gap = event[part].sum() - expected[part].sum()  # a martingale: 0 on average however people leave, if leaving tells nothing
        assert abs(gap) < 3.5 * np.sqrt(expected[part].sum())


def test_leaving_that_depends_on_the_fracture_breaks_what_an_analyst_assumes(people: pd.DataFrame) -> None:
    tied = survival(60_000, 1, dependence=0.8)
    expected, event = hazard_seen(tied, dependence=0.8), tied["fracture.event"].to_numpy()
    assert event.sum() < expected.sum() - 5 * np.sqrt(expected.sum())
    for column in ("age", "bone_score", "true_eta"):
        assert (tied[column] == people[column]).all(), "the people are the same"
    with pytest.raises(DataError, match="dependence"):
        survival(10, 1, dependence=1.0)


def test_incidence_before_death_is_the_integral_of_its_hazard() -> None:
    eta, death = np.array([0.4]), np.array([-0.7])
    scale = simulator._scale("A", 0.5, 0.0)

    def rate(t: float) -> float:
        both = (np.exp(eta[0]) + np.exp(death[0])) * (t / scale) ** SHAPE
        return float(SHAPE / scale * (t / scale) ** (SHAPE - 1) * np.exp(eta[0]) * np.exp(-both))

    for months in (6.0, HORIZON, 120.0):
        assert true_incidence(eta, death, np.array([months]))[0, 0] == pytest.approx(integrate.quad(rate, 0, months)[0], rel=1e-6)
        assert true_incidence(eta, death, np.array([months]))[0, 0] < 1 - true_survival(eta, np.array([months]))[0, 0]


def test_concordance_without_censoring_is_its_closed_form() -> None:
    rng = np.random.default_rng(3)
    sigma = 0.8
    eta = sigma * rng.standard_normal(20_001)
    closed = 2 * integrate.quad(lambda d: stats.norm.pdf(d, scale=sigma * np.sqrt(2)) / (1 + np.exp(-d)), 0, 12)[0]
    assert known_concordance(eta) == pytest.approx(closed, abs=0.003)
    time = rng.exponential(size=len(eta)) * np.exp(-eta)
    assert seen_concordance(eta, time, np.ones(len(eta), bool)) == pytest.approx(closed, abs=0.006)


def test_the_fast_count_is_harrells() -> None:
    rows = survival(801, 5)
    eta, time, event = rows["true_eta"].to_numpy(), rows["fracture.time"].to_numpy(), rows["fracture.event"].to_numpy() == 1
    assert seen_concordance(eta, time, event) == pytest.approx(harrell_c(time, event, eta).estimate, abs=1e-12)


def test_no_model_passes_the_ceiling_and_a_line_stays_below(people: pd.DataFrame) -> None:
    ceiling = simulator.ceilings({"cases": 10, "seed": 8, "site": "A", "difficulty": 0.5, "dependence": 0.0})["fracture"]["fracture"]["c_index"]
    train, test = people.iloc[:6000], people.iloc[40_000:52_000]
    table = pd.get_dummies(people[["age", "bmi", "bone_score", "sex", "glucocorticoid", "secondary_osteoporosis"]], drop_first=True).astype(float)
    table = (table - table.mean()) / table.std()
    fit = fit_cox(table.loc[train.index], train["fracture.time"], train["fracture.event"])
    cox = harrell_c(test["fracture.time"], test["fracture.event"], table.loc[test.index].to_numpy() @ fit.coefficients)
    known = harrell_c(test["fracture.time"], test["fracture.event"], test["true_eta"])
    frax = harrell_c(test["fracture.time"], test["fracture.event"], test["frax"])
    assert abs(known.estimate - ceiling) < known.upper - known.lower
    assert frax.estimate < cox.estimate < known.estimate
    assert 0.60 < cox.estimate < 0.72


def test_difficulty_and_site_do_what_they_say(people: pd.DataFrame) -> None:
    spread = [survival(4000, 1, difficulty=d)["true_eta"].std() for d in (0.0, 0.5, 1.0)]
    assert spread[0] > 1.3 * spread[1] > 1.7 * spread[2]
    other = survival(20_000, 1, site="B")
    assert people["fracture.event"].mean() == pytest.approx(0.075, abs=0.005)  # 120 of 1,595: Kong 2022, abstract
    assert people["fracture.time"].mean() == pytest.approx(40.7, abs=2)
    assert other["fracture.event"].mean() == pytest.approx(0.11, abs=0.01)
    assert other["age"].mean() > people["age"].mean() + 1 and other["fracture.time"].mean() < people["fracture.time"].mean()


def test_nothing_but_the_person_tells_the_fracture(people: pd.DataFrame) -> None:
    from osteon.stats.roc import auc_interval

    event = people["fracture.event"].to_numpy() == 1
    for free in (np.arange(len(people)), (people["bone_score"] * 100).round() % 10, (people["bmi"] * 100).round() % 10):
        assert auc_interval(event, np.asarray(free, float)).upper < 0.55


def test_the_shortcut_is_in_what_is_missing(people: pd.DataFrame) -> None:
    betrayed = survival(60_000, 1, confounded=True)
    gone, event = betrayed["bmi"].isna(), betrayed["fracture.event"] == 1
    assert gone[event].mean() < 0.1 < 0.5 < gone[~event].mean() and not people["bmi"].isna().any()
    assert (betrayed["fracture.time"] == people["fracture.time"]).all() and (betrayed["bmi"][~gone] == people["bmi"][~gone]).all()


def test_a_cohort_reads_as_events(tmp_path: Path) -> None:
    made = fracture_survival(tmp_path / "a", 60, 2)
    target = {"fracture": Events("fracture", HORIZON)}
    cohort = made.conform({}, target, answered=("fracture",))
    truths = [case.truth["fracture"] for case in cohort]
    rows = survival(60, 2)
    assert [float(t.times[0]) for t in truths] == rows["fracture.time"].tolist()
    assert [bool(t.event) for t in truths] == (rows["fracture.event"] == 1).tolist()
    assert 0.6 < made.notes["ceilings"]["fracture"]["fracture"]["c_index"] < 0.75
    fracture_survival(tmp_path / "b", 60, 2)
    assert (tmp_path / "a" / "cases.csv").read_bytes() == (tmp_path / "b" / "cases.csv").read_bytes()
    assert "Software verification" in CARD.sentence(60, 2)


@pytest.mark.parametrize("wrong", [{"cases": 0}, {"site": "Q"}, {"difficulty": -0.1}, {"dependence": 2.0}])
def test_an_impossible_call_writes_nothing(wrong: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        fracture_survival(tmp_path / "x", **{"cases": 10, "seed": 0, **wrong})  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()
