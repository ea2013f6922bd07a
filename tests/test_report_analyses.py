"""Analyses from a study's declaration to the report, net benefit, and readers of a measurement."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hand_made import lines
from osteon import engine
from osteon.budget import SMOKE
from osteon.cohort import Cohort, Reading
from osteon.cohort.rows import Rows
from osteon.models import sizes
from osteon.report.content import Article, Cell, Drawing, Paragraph, Section, Table, blocks_of
from osteon.report.export import write_files
from osteon.report.facts import Facts, gather
from osteon.report.html import page
from osteon.report.questions import TOLD
from osteon.report.questions.told import tables
from osteon.report.sections.analyses import analyses
from osteon.report.sections.front import front
from osteon.report.sections.methods import methods
from osteon.report.sections.readers import readers
from osteon.report.sections.utility import utility
from osteon.run import Run
from osteon.simulate.registry import registry
from osteon.stats.agreement import bland_altman, measurement_error
from osteon.stats.intervals import Interval
from osteon.studies import study
from osteon.study import Study
from osteon.targets import Measures
from osteon.validation import analyses as kinds
from osteon.validation.analyses import Curve, Groups, Interchangeability, MatchedOdds, NetBenefit, Options, Overlap, Ranked, Triage, TriageValue
from osteon.validation.reader_agreement import READERS, compare
from osteon.validation.readings import checked, of_question
from osteon.validation.results import Result, point, results_of

BASE: Study = study("etzel_2022")
BUDGET = SMOKE.with_(limits=replace(SMOKE.limits, arms=5))
N = 500
ASKED: Study = replace(BASE, models=sizes("logistic regression", BASE.models["logistic regression"], (0.3, 0.5, 0.75)), together=("pair",), analyses=(
    MatchedOdds("pair"), Groups("arm", "routine", ("vas", "complication")), Interchangeability(), Triage("place", ("ICU",)), TriageValue(Triage("place", ("ICU",)), "cost", resamples=100),
    Options({"age": (40.0, 70.0), "levels": (1.0, 4.0)}, smaller_is_better=True), Ranked(resamples=100), Curve(resamples=100), Overlap("review", "primary"), NetBenefit(0.05, 0.4, resamples=50),
    MatchedOdds("nothing")))


def cohort() -> Cohort:
    rng, ids = np.random.default_rng(0), [f"MRN-{i}" for i in range(N)]
    frame = registry(N, 3).astype(object).assign(case_id=ids, patient_id=ids)
    late = (frame["stay"] == "long").to_numpy()
    pair = np.full(N, None, object)
    for j, (case, control) in enumerate(zip(np.flatnonzero(late), np.flatnonzero(~late), strict=False)):
        pair[[case, control]] = f"s{j}"
    arm = np.where(rng.random(N) < 0.5, "routine", "system")
    frame = frame.assign(pair=pair, arm=arm, vas=rng.normal(np.where(arm == "routine", 4, 3), 1), complication=(rng.random(N) < 0.2).astype(int),
                         place=np.where(rng.random(N) < 0.25 + 0.3 * late, "ICU", "ward"), cost=np.exp(rng.normal(2, 0.3, N)),
                         review=[("Ames", "Berg", "Cole")[i % 3] for i in range(N)], primary=[f"study {i % 20}" for i in range(N)], nothing=None)
    readings = tuple(Reading(ids[i], reader, "stay", "long" if rng.random() < (0.8 if late[i] else 0.2) else "short", aided) for i in range(N) for reader in ("Dr Xylander", "Dr B") for aided in (False, True))
    return Cohort("registry", "own", cases=Rows(frame.drop(columns="nothing"), None), readings=readings)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return engine.run(ASKED, cohort(), budget=BUDGET, out=tmp_path_factory.mktemp("asked") / "run")


@pytest.fixture(scope="module")
def facts(done: Run) -> Facts:
    return gather(done, ASKED, films=False)


def shown(made: Section | None) -> Section:
    assert made is not None
    return made


def spoken(part: Section) -> str:
    return " ".join(text for b in blocks_of(part) for text in getattr(b, "sentences", ()))


def test_every_analysis_is_in_results_in_the_order_of_the_study(done: Run) -> None:
    found = results_of(done)
    assert list(dict.fromkeys(r.analysis for r in found)) == ["MatchedOdds 1", "Groups", "Interchangeability", "Triage", "TriageValue", "Options", "Ranked", "Curve", "Overlap", "NetBenefit", "MatchedOdds 2"]
    assert found[-1].what == "not made" and "no case of the run has 'nothing'" in found[-1].value.reason
    assert len([r for r in found if r.what == "not made"]) == 1
    assert done.about["finished"]


def test_names_of_readers_and_patients_stay_outside(done: Run) -> None:
    for path in done.folder.rglob("*"):
        if path.is_file():
            assert b"Xylander" not in path.read_bytes() and b"MRN-" not in path.read_bytes(), path
    assert set(done.table("readings")["reader"]) == {"reader 1", "reader 2"}


def test_results_are_made_again_when_a_run_goes_on(done: Run) -> None:
    before = (done.folder / "results.csv").read_text()
    (done.folder / "results.csv").unlink()
    engine.run(ASKED, cohort(), budget=BUDGET, out=done.folder)
    assert (done.folder / "results.csv").read_text() == before


def test_the_report_tells_each_with_sentence_table_and_figure(facts: Facts) -> None:
    part = shown(analyses(facts))
    heads = [b.sentences[0] for b in blocks_of(part) if isinstance(b, Paragraph) and b.tone == "heading"]
    assert heads == ["Odds in matched sets 1", "Arms compared", "Interchangeability", "Triage against risk", "Value of care", "Options", "Ranks", "Learning curve", "Overlap of reviews",
                     "Net benefit at declared thresholds", "Odds in matched sets 2"]
    assert "Not made: analysis MatchedOdds: no case of the run has 'nothing'" in spoken(part)
    tabled = {b.name.split("-")[1] for b in blocks_of(part) if isinstance(b, Table)}
    assert {"matchedodds", "groups", "interchangeability", "triage", "triagevalue", "options", "ranked", "curve", "overlap", "netbenefit"} <= tabled
    drawn = {b.name for b in blocks_of(part) if isinstance(b, Drawing)}
    assert {"matched-odds", "groups-arm", "interchangeability", "triage-place", "value-cost", "options-age-levels", "ranked", "learning-curve", "citation-matrix"} <= drawn
    text = spoken(part)
    assert "After Holm's correction one differs: vas by" in text
    assert "These are answers of a model, not results of an experiment" in text
    assert "3 reviews hold 20 primary studies, 20 of them in more than one" in text


def test_every_kind_of_analysis_can_be_told() -> None:
    assert set(TOLD) == {getattr(kinds, name) for name in kinds.__all__}
    assert all(t.heading for t in TOLD.values())


def test_the_methods_name_what_was_asked(facts: Facts) -> None:
    assert "odds ratios within matched sets by conditional logistic regression (Breslow and Day 1980)" in spoken(methods(facts))


def test_net_benefit_states_where_its_range_comes_from(facts: Facts, done: Run) -> None:
    declared = spoken(shown(utility(facts)))
    assert "The range of 5 to 40\u00a0% is declared by the study" in declared
    undeclared = spoken(shown(utility(gather(done, replace(ASKED, analyses=()), films=False))))
    assert "a default of this software" in undeclared and "5 to 50\u00a0%" in undeclared
    table = next(b for b in blocks_of(shown(utility(facts))) if isinstance(b, Table))
    assert table.rows[-1][0] == "None is treated"
    low = table.rows[-2][1]
    share = done.primary.metrics["prevalence"]["estimate"]
    assert isinstance(low, Cell) and low.value == pytest.approx(100 * (share - (1 - share) * 0.05 / 0.95))


def test_the_page_and_its_files_hold_all_of_it(facts: Facts, done: Run) -> None:
    made = Article("asked", front(facts), sections=(shown(utility(facts)), shown(analyses(facts))), simulated=False, made="")
    write_files(made, done)
    text = page(made)
    assert "Learning curve" in text and "Net benefit" in text
    assert (done.folder / "tables" / "analysis-groups.csv").exists()
    assert (done.folder / "figures" / "learning-curve.svg").exists()


def test_readers_and_model_are_compared_on_the_same_cases(facts: Facts) -> None:
    part = shown(readers(facts))
    rows = next(b for b in blocks_of(part) if isinstance(b, Table)).rows
    assert [row[:2] for row in rows] == [("reader 1", "without"), ("reader 1", "with"), ("reader 2", "without"), ("reader 2", "with")]


def angles() -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    rng = np.random.default_rng(4)
    truth = rng.normal(178, 3, 40)
    read = truth[:, None] + np.array([0.5, -0.5, 0.0]) + rng.normal(0, 1, (40, 3))
    case = [f"c{i:05d}" for i in range(40)]
    frame = lines("alignment", "HKA", case=case, truth=truth, answer=read[:, 2], error=read[:, 2] - truth)
    readings = pd.DataFrame([{"case": c, "reader": f"R{j + 1}", "aided": "no", "target": "alignment.HKA", "value": read[i, j]} for i, c in enumerate(case) for j in range(2)])
    asked = replace(BASE, targets={"alignment": Measures({"HKA": "deg", "MPTA": "deg"}, "HKA")}, primary="alignment", models={"m": replace(BASE.models["logistic regression"], name="linear regression", writes=("alignment",))})
    return frame, checked(readings, asked, codes={c: c for c in case}), read


def test_readers_of_a_measurement_are_compared_by_limits_and_smallest_change() -> None:
    frame, said, read = angles()
    found = {(c.first, c.second): c for c in compare(*of_question(frame, said, "alignment", "HKA"), "net")}
    truth = frame["n.truth"].to_numpy()
    one = found["R1", "reference"]
    assert one.bias == bland_altman(read[:, 0], truth)["bias"] and one.limits[1] == bland_altman(read[:, 0], truth)["upper_limit"]
    assert found[READERS, ""].change == measurement_error(read[:, :2])["mdc95"]
    assert found["net", "mean of the readers"].bias.estimate == pytest.approx((read[:, 2] - read[:, :2].mean(1)).mean())
    assert found["net", "reference"].n == 40


def test_the_sides_of_a_film_are_read_apart() -> None:
    frame, said_once, _ = angles()
    both = pd.concat([frame.assign(unit="R"), frame.assign(unit="L")])
    sided = pd.concat([said_once.assign(finding=key) for key in ("HKA.R", "HKA.L", "MPTA.R")])
    kept, said = of_question(both, sided, "alignment", "HKA")
    assert kept["case"].nunique() == 80 and len(said) == 160 and set(said["case"]) == set(kept["case"])
    assert next(c for c in compare(kept, said, "net") if c.first == "R1").n == 80


def test_a_table_keeps_groups_of_one_first_figure_together_and_shared_notes_below() -> None:
    rows = (Result("AUC", "50 cases", value=Interval(0.7, 0.6, 0.8), n=40, note="same"), Result("AUC", "100 cases", value=Interval(0.75, 0.65, 0.85), n=40, note="same"),
            Result("gain", "100 cases", value=Interval(0.05, -0.01, 0.11), n=40, p=0.04), Result("count", "all", value=point(3.0), n=1))
    first, second = tables("x", "Curve", rows)
    assert first.columns == ("", "n", "AUC", "Gain", "p") and first.title == "Curve: AUC"
    assert first.rows[0][3:] == (Cell("–"), Cell("–"))
    assert first.rows[1][4] == Cell("0.040", value=0.04)
    assert first.note.startswith("Same.")
    assert second.columns == ("", "Count") and second.rows[0][1] == Cell("3", value=3.0)


def test_readers_of_a_measurement_stand_in_the_report_with_the_model(tmp_path: Path) -> None:
    rng, n, ids = np.random.default_rng(3), 120, [f"k{i}" for i in range(120)]
    frame = registry(n, 3).astype(object).assign(case_id=ids, patient_id=ids)
    truth = 180 + 0.1 * frame["age"].astype(float).to_numpy() + rng.normal(0, 1, n)
    frame["alignment.HKA"] = truth
    said = tuple(Reading(ids[i], reader, "alignment.HKA", truth[i] + rng.normal(bias, 1)) for i in range(n) for reader, bias in (("A", 0.4), ("B", -0.4)))
    asked = replace(BASE, targets={"alignment": Measures({"HKA": "deg"}, "HKA")}, primary="alignment",
                    models={"ridge": replace(BASE.models["logistic regression"], name="linear regression", writes=("alignment",))}, claims=(), analyses=())
    done = engine.run(asked, Cohort("legs", "own", cases=Rows(frame, None), readings=said), budget=SMOKE, out=tmp_path / "run")
    part = shown(readers(gather(done, asked, films=False)))
    table = next(b for b in blocks_of(part) if isinstance(b, Table))
    assert table.name == "readers-measured"
    assert [row[0] for row in table.rows] == ["reader 1", "reader 2", "ridge", READERS, "ridge"]
    first = table.rows[0][3]
    assert isinstance(first, Cell) and first.value == pytest.approx(0.4, abs=0.6)
    assert "must differ by more than" in spoken(part) and "smallest detectable change" in spoken(part)
    assert "individual equivalence" in spoken(part)
