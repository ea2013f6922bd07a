"""Simulators of clinical tables: what is asked of a declared risk, of scores that make an outcome, of rows that belong together, and of the shortcut that each can plant."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from osteon.cohort import Cohort
from osteon.errors import DataError
from osteon.simulate import comi, dislocation_reviews, nursing_trial, site_infection, table_cohort
from osteon.simulate.biomarker_course import COURSES
from osteon.simulate.comi import COMI
from osteon.simulate.construct_bending import BENDING, deformation
from osteon.simulate.disc_rubric import FEATURES, RATERS, RUBRIC, disc_scores
from osteon.simulate.discectomy import DISCECTOMY, MCID, SCORES, lumbar_discectomy
from osteon.simulate.dislocation_reviews import REVIEWED
from osteon.simulate.lumbar_course import AFTER, BEFORE, DURING
from osteon.simulate.lumbar_course import FEATURES as LUMBAR
from osteon.simulate.nursing_trial import TRIAL
from osteon.simulate.ossified_ligament import OSSIFIED
from osteon.simulate.registry import READMISSION
from osteon.simulate.risk import bayes_auc
from osteon.simulate.site_infection import INFECTION
from osteon.simulate.spine_referrals import PARTS, REFERRALS, spine_referrals
from osteon.stats.roc import auc

TABLES = {"discectomy": DISCECTOMY, "comi": COMI, "ossified_ligament": OSSIFIED, "site_infection": INFECTION, "biomarker_course": COURSES, "lumbar_course": LUMBAR,
          "construct_bending": BENDING, "disc_rubric": RUBRIC, "nursing_trial": TRIAL, "dislocation_reviews": REVIEWED, "readmission": READMISSION, "spine_referrals": REFERRALS}
RISKS = [("discectomy", "leg", "true_leg", 0.80), ("discectomy", "back", "true_back", 0.52), ("discectomy", "function", "true_function", 0.80), ("ossified_ligament", "complication", "true_complication", 0.266),
         ("ossified_ligament", "neurological", "true_neurological", 0.10), ("site_infection", "infection", "true_risk", 0.07), ("readmission", "readmission", "true_risk", 0.06), ("lumbar_course", "improved_3", "true_risk_3", 0.62),
         ("biomarker_course", "invasive", "true_risk", 24 / 68), ("spine_referrals", "surgery", "true_risk", 0.30)]
SHORTCUTS = [("discectomy", "quality_of_life", "leg", "yes"), ("ossified_ligament", "temperature_day_3", "complication", "yes"), ("site_infection", "swab", "infection", "yes"), ("biomarker_course", "sample_6_h", "invasive", "yes"),
             ("lumbar_course", "first_week_hu", "improved_3", "no"), ("readmission", "albumin", "readmission", "yes")]
every = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


def rows(table: table_cohort.Table, n: int = 20_000, **call: Any) -> pd.DataFrame:
    """Rows of a call in memory."""
    return table_cohort.frame(table, {"cases": n, "seed": 3, "site": "A", "difficulty": 0.5, **call})


@every
def test_the_same_call_gives_the_same_bytes_and_another_does_not(table: table_cohort.Table, tmp_path: Path) -> None:
    call = table_cohort.asked(60, 5, "A", 0.5, False)
    first, again, other = (table_cohort.make(table, tmp_path / name, c) for name, c in (("a", call), ("b", call), ("c", {**call, "seed": 6})))
    assert (tmp_path / "a" / "cases.csv").read_bytes() == (tmp_path / "b" / "cases.csv").read_bytes() != (tmp_path / "c" / "cases.csv").read_bytes()
    assert first.ids() == again.ids() == other.ids() and len(first) == 60
    assert (first.origin, Cohort.from_folder(tmp_path / "a").notes["call"]) == ("simulated", call)
    assert "oftware verification" in first.notes["sentence"]


@every
def test_an_impossible_call_writes_nothing(table: table_cohort.Table, tmp_path: Path) -> None:
    for wrong in ({"cases": 0}, {"difficulty": 1.5}, {"site": "C"}):
        with pytest.raises(DataError):
            table_cohort.make(table, tmp_path / "a", {**table_cohort.asked(5, 1, "A", 0.5, False), **wrong})
    assert not (tmp_path / "a").exists()


@every
def test_no_cell_is_empty_by_accident_and_the_second_site_is_another(table: table_cohort.Table) -> None:
    here, there = rows(table, 4000), rows(table, 4000, site="B")
    assert (here.drop(columns=["report", "author"], errors="ignore").notna().mean() > 0.9).all()
    numbers = [c for c in here.columns if pd.api.types.is_numeric_dtype(here[c]) and here[c].std() > 0]
    apart = max(abs(here[c].mean() - there[c].mean()) / here[c].std() for c in numbers)
    assert apart > 0.1


@pytest.mark.parametrize(("name", "outcome", "risk", "share"), RISKS)
def test_outcomes_follow_the_risk_that_is_stated(name: str, outcome: str, risk: str, share: float) -> None:
    """The declared share, calibration in tenths of the risk, and an area at the ceiling, which falls with difficulty."""
    made = rows(TABLES[name])
    positive = np.isin(made[outcome], ("yes",))
    assert positive.mean() == pytest.approx(share, abs=0.012)
    tenths = pd.qcut(made[risk], 10, duplicates="drop")
    seen, stated = (pd.Series(v).groupby(tenths.to_numpy(), observed=True).mean() for v in (positive.astype(float), made[risk].to_numpy()))
    assert np.abs(seen.to_numpy() - stated.to_numpy()).max() < 0.045
    best = TABLES[name].notes(table_cohort.asked(10, 3, "A", 0.5, False))["ceilings"][outcome]["yes"]["auc"]
    assert auc(positive, made[risk].to_numpy()) == pytest.approx(best, abs=0.02)
    easy, hard = (bayes_auc(rows(TABLES[name], difficulty=d)[risk].to_numpy()) for d in (0.0, 1.0))
    assert easy > best > hard > 0.5


@pytest.mark.parametrize(("name", "column", "outcome", "of"), SHORTCUTS)
def test_a_planted_shortcut_tells_the_outcome_and_is_absent_otherwise(name: str, column: str, outcome: str, of: str) -> None:
    clean, planted = (rows(TABLES[name], 6000, **({"confounded": True} if c else {})) for c in (False, True))
    told = [auc((made[outcome] == of).to_numpy(), made[column].notna().to_numpy().astype(float)) for made in (clean, planted)]
    assert abs(told[0] - 0.5) < 0.05 and told[1] > 0.75
    assert (clean[outcome] == planted[outcome]).all(), "the label has a stream of its own"


def test_improvement_is_what_the_scores_say() -> None:
    made = rows(DISCECTOMY, 3000)
    for name in SCORES:
        assert ((made[f"{name}_after"] <= (1 - MCID) * made[f"{name}_before"] + 1e-9) == (made[name] == "yes")).all()
        assert (made[f"{name}_after"] % (2 if name == "function" else 1) == 0).all()


def test_a_line_finds_what_the_index_leaves_to_find() -> None:
    made = rows(COMI)
    best = COMI.notes(table_cohort.asked(10, 3, "A", 0.5, False))["best_r2"]
    assert 0.1 < np.mean(list(best.values())) < 0.2, "as little as was published"
    columns = np.column_stack([np.nan_to_num(made[c], nan=19) for c in ("catastrophising", "prior_surgery", "age", "asa", "axial_pain_before", "bmi", "wellbeing_before")])
    x = np.column_stack([np.ones(len(made)), columns, made["region"] == "neck", made["prior_surgery"] > 0])
    y = made["axial_pain_after"].to_numpy()
    fitted = x @ np.linalg.lstsq(x, y, rcond=None)[0]
    r2 = 1 - np.var(y - fitted) / np.var(y)
    assert best["axial_pain"] - 0.03 < r2 <= best["axial_pain"] + 0.015
    index = (np.maximum(made["axial_pain_after"], made["peripheral_pain_after"]) + made["function_after"] + made["wellbeing_after"] + made["quality_of_life_after"]
             + (made["social_after"] + made["work_after"]) / 2) / 5
    assert np.abs(index - made["comi_after"]).max() < 0.006
    assert set(comi.OUTCOMES) <= {c.removesuffix("_after") for c in made if c.endswith("_after")}


def test_four_of_sixty_candidates_act_and_their_companions_only_go_along() -> None:
    made = rows(INFECTION, 60_000)
    infected = (made["infection"] == "yes").to_numpy()
    numbers = [c for c in made if pd.api.types.is_numeric_dtype(made[c]) and c not in ("true_risk", "swab")]
    assert len(numbers) + 1 == 58  # and sex; and a swab, taken afterwards
    alone = {c: abs(auc(infected, made[c].to_numpy(float)) - 0.5) for c in numbers}
    companions = {c for group in site_infection.COMPANIONS.values() for c in group}
    assert min(alone[c] for c in site_infection.ACTING) > 0.12
    assert max(alone[c] for c in numbers if c not in companions and c not in site_infection.ACTING) < 0.03
    # Given the four, a companion adds nothing: the risk is a function of the four.
    assert made.groupby(list(site_infection.ACTING))["true_risk"].nunique().max() == 1


def test_what_is_known_before_tells_next_to_nothing_of_the_course() -> None:
    note = LUMBAR.notes(table_cohort.asked(10, 3, "A", 0.5, False))
    assert note["best_auc_before"] < 0.57 < 0.68 < note["ceilings"]["improved_12"]["yes"]["auc"] < note["ceilings"]["improved_3"]["yes"]["auc"]
    assert {*BEFORE, *DURING, *AFTER} <= set(rows(LUMBAR, 10))


def test_two_constructs_become_alike_and_a_specimen_stays_whole() -> None:
    force = np.array([100.0, 400.0, 790.0, 850.0, 1000.0])
    ell, plate, fixator = (deformation(np.full(5, d), force) for d in range(3))
    assert (ell > fixator).all() and (plate[:2] < fixator[:2] - 0.02).all() and plate[3:] == pytest.approx(fixator[3:], abs=1e-12)
    assert (np.diff(plate / force) >= -1e-3).all() and (np.diff(plate) > 0).all()
    made = rows(BENDING, 1200)
    assert made.groupby("patient_id")["construct"].nunique().max() == 1 and (made["patient_id"].value_counts() == 12).all()
    planted = rows(BENDING, 1200, confounded=True)
    assert planted.groupby("construct")["force"].agg(lambda f: (f % 10).unique().size).max() == 1


def test_raters_lean_and_features_load_as_stated(tmp_path: Path) -> None:
    made = rows(RUBRIC, 6000)
    means = {r: made[[f"{f}.{r}" for f in FEATURES]].to_numpy().mean() for r in RATERS}
    assert means["r2"] > means["r1"] + 0.1 > means["r3"] + 0.1
    tie = {f: np.corrcoef(made[f"{f}.r1"], made["degeneration"])[0, 1] for f in FEATURES}
    assert np.corrcoef(list(tie.values()), [loading for loading, _ in FEATURES.values()])[0, 1] > 0.97
    alike = [np.corrcoef(made["np_shape.r1"], made[f"np_shape.{r}"])[0, 1] for r in ("r2", "r3")]
    assert alike[0] > alike[1] + 0.05, "the third rater is the noisy one"
    cohort = disc_scores(tmp_path / "d", 9, 1)
    assert len({case.patient for case in cohort}) == 5
    assert rows(RUBRIC, 6000, confounded=True)["np_shape.r2"][made["model"] == "puncture"].mean() > made["np_shape.r2"][made["model"] == "puncture"].mean() + 0.4


def test_the_arms_of_the_trial_differ_by_the_effects_and_by_nothing_else() -> None:
    made = rows(TRIAL, 40_000)
    treated = (made["arm"] == "planned care").to_numpy()
    assert abs(treated.sum() - (~treated).sum()) <= 2
    effects: Any = TRIAL.notes(table_cohort.asked(10, 3, "A", 0.5, False))["effects"]
    for name in ("vas", "harris", "barthel"):
        assert made[name][treated].mean() - made[name][~treated].mean() == pytest.approx(effects[name], abs=0.1 * abs(nursing_trial.EFFECTS[name]))
    assert max(abs(made[c][treated].mean() - made[c][~treated].mean()) / made[c].std() for c in ("age", "bmi", "vas_before", "harris_before")) < 0.04
    unequal = rows(TRIAL, 4000, confounded=True)
    assert unequal["age"][unequal["arm"] == "planned care"].mean() < unequal["age"][unequal["arm"] == "usual care"].mean() - 5
    none = rows(TRIAL, 40_000, difficulty=1.0)
    assert abs(none["harris"][treated].mean() - none["harris"][~treated].mean()) < 0.4


def test_reviews_overlap_as_the_notes_say_and_a_study_keeps_its_counts() -> None:
    made = rows(REVIEWED, 3000)
    assert not made.duplicated(["patient_id", "review"]).any()
    times = made["patient_id"].value_counts()
    area = (len(made) - len(times)) / (len(times) * made["review"].nunique() - len(times))
    assert area == pytest.approx(REVIEWED.notes(table_cohort.asked(3000, 3, "A", 0.5, False))["covered_area"], abs=1e-4) and area > 0
    assert made.groupby("patient_id")["weight"].nunique().max() == 1
    slips = (made.groupby("patient_id")["dislocations"].nunique() > 1).mean()
    assert 0 < slips < 0.1
    first = made.drop_duplicates("patient_id")
    seen = first.groupby("implant").apply(lambda g: g["dislocations"].sum() / g["weight"].sum(), include_groups=False)
    assert seen["dual mobility"] < seen["standard"], "the order of the relative risks, though dual cups are used in revisions"
    many = table_cohort.frame(REVIEWED, {"cases": 6000, "seed": 1, "site": "A", "difficulty": 0.5})
    halves = [set(many["patient_id"][:5000]), set(many["patient_id"][5000:])]
    assert not halves[0] & halves[1]
    assert dislocation_reviews.LOG_ODDS["implant"][1] == 0


def test_a_cohort_opens_as_it_was_written(tmp_path: Path) -> None:
    made = lumbar_discectomy(tmp_path / "a", 30, 2, site="B")
    assert {case.site for case in made} == {"B"} and len({case.patient for case in made}) == 30
    with pytest.raises(DataError, match="another cohort"):
        lumbar_discectomy(tmp_path / "a", 31, 2, site="B")


def test_a_report_says_what_the_form_does_not(tmp_path: Path) -> None:
    """Its stenosis is that of the truth, findings of the past and questions stand beside, authors of the test part are others, most referrals have none."""
    made = rows(REFERRALS, 6000)
    told = made[made["report"].notna()]
    assert 0.12 < len(told) / len(made) < 0.19
    authors = told.groupby("part")["author"].unique()
    assert [len(authors[part]) for part in ("train", "tune", "test")] == [PARTS.count(k) for k in range(3)] and not set(authors["train"]) & set(authors["test"])
    traps = told["report"].str.contains("severe stenosis at") & (told["worst_stenosis"] != "severe")
    assert traps.mean() > 0.1
    today = told["report"].str.replace(r"Compared with [^.]+\.|Clinical question: [^?]+\?", "", regex=True)
    severe = today.str.contains(r"severe (?:central canal stenosis|narrowing of the canal|spinal stenosis)|Stenosis at \S+ is severe|compression, severe|Severe canal compromise")
    assert (severe == (told["worst_stenosis"] == "severe")).all()
    assert (told["report"].str.contains(r"anterolisthesis|Forward slip|Spondylolisthesis|There is a grade \S+ slip|degenerative slip|Listhesis") == (told["slip"] > 0)).all()
    risk = made.groupby(["worst_stenosis"])["true_risk"].mean()
    assert risk["severe"] > risk["moderate"] > risk["mild"] > risk["none"]
    cohort = spine_referrals(tmp_path / "r", 40, 1)
    assert len(cohort) == 40
    marked = rows(REFERRALS, 3000, confounded=True)
    assert (marked["clerk"][marked["surgery"] == "yes"] == "rs").mean() > 0.8
