"""Checklists filled from a run: what they quote changes with the run, where it stands is there, and no score is given."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon import targets
from osteon.budget import SMOKE
from osteon.case import Case, Deferred, Lazy
from osteon.cohort import Cohort
from osteon.cohort.rows import Rows
from osteon.design import CrossValidation, HoldOut
from osteon.engine import run as make
from osteon.engine import simulate
from osteon.models import Formula
from osteon.readers import read_input
from osteon.readers.inputs import Radiograph
from osteon.report import article
from osteon.report.checklists import AUTHOR, DRAFTED, FILLED, FILLERS, NAMES, NOT_APPLICABLE, Answer, applying, fill, instrument
from osteon.report.content import Article, Folded, Table, blocks_of
from osteon.report.facts import Facts, gather
from osteon.report.html import page
from osteon.run import Run
from osteon.simulate.registry import registry
from osteon.studies import study
from osteon.study import Study
from osteon.value import Grade, Picture, Readings

STAYS: Study = replace(study("etzel_2022"), models={"logistic regression": study("etzel_2022").models["logistic regression"]})
COUNTS = {"claim_2024": 44, "tripod_ai_2024": 52, "stard_ai_2025": 48, "quadas_3": 20, "probast_ai_2025": 34, "model_card": 9}


def brightness(xray: Picture) -> dict[str, Grade]:
    """A grade from the spread of grey within the joint: poor, and enough to be judged."""
    middle = np.asarray(xray.array, float)[80:150, 40:190]
    p = np.full(5, 0.1)
    p[int(np.clip(middle.std() // 12, 0, 4))] += 0.5
    return {"kl": Grade(int(p.argmax()), tuple(p))}


KNEES: Study = replace(STAYS, name="knees", question="Can a Kellgren-Lawrence grade be read from a knee film?", unit="knee", areas=("radiographic assessment",), inputs={"xray": Radiograph("anteroposterior film of a knee")},
                       targets={"kl": targets.Grades(("0", "1", "2", "3", "4"), from_=2)}, primary="kl", design=HoldOut(train=0.4, tune=0.2, test=0.4), claims=(), differs=(), datasets={}, subgroups=("side",),
                       models={"spread of grey": Formula(brightness, reads=("xray",), writes=("kl",))})


@pytest.fixture(scope="module")
def knees(shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Facts:
    """A run on every fourth real knee film."""
    root = shared_data("knee_oa_kl224")
    table = pd.read_csv(root / "cases.csv", dtype=str).iloc[::4]
    cases = [Case(r.case_id, r.patient_id, inputs=Lazy({"xray": Deferred(lambda p=root / r.image: read_input(p, "picture"))}), truth={"kl": Grade(int(r.kl_grade))}, attributes={"side": r.side})
             for r in table.itertuples()]
    return gather(make(KNEES, Cohort("knees of a public study", "public", cases=cases, licence="CC BY 4.0"), budget=SMOKE, out=tmp_path_factory.mktemp("knees") / "run"), KNEES)


@pytest.fixture(scope="module")
def public_stays(shared_data: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Facts:
    cohort = STAYS.datasets["sparcs_lumbar"](shared_data("sparcs_msk_los"))
    return gather(make(STAYS, cohort, budget=SMOKE, out=tmp_path_factory.mktemp("stays") / "run"), STAYS)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("simulated")
    return make(STAYS, simulate(STAYS, root / "a", cases=600), budget=SMOKE, out=root / "run")


@pytest.fixture(scope="module")
def own_stays(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """Two runs that differ in cases, division and seed."""
    root = tmp_path_factory.mktemp("own")
    runs = []
    for number, (count, seed, design) in enumerate(((500, 1, None), (640, 2, CrossValidation(2)))):
        ids = [f"r{i}" for i in range(count)]
        rows = registry(count, seed + 3).astype(object).assign(case_id=ids, patient_id=ids)
        runs.append(make(STAYS, Cohort(f"hospital {number}", "own", cases=Rows(rows, None)), budget=SMOKE, seed=seed, design=design, out=root / f"run{number}"))
    return runs[0], runs[1]


@pytest.fixture(scope="module")
def told(own_stays: tuple[Run, Run]) -> Article:
    return article(own_stays[0], study=STAYS)


def answers(name: str, facts: Facts) -> dict[str, Answer]:
    return {item.id: answer for item, answer in fill(instrument(name), facts)}


def counted(name: str, facts: Facts) -> Counter[str]:
    return Counter(answer.status for answer in answers(name, facts).values())


@pytest.mark.parametrize("name", NAMES)
def test_every_item_is_there_once_and_every_filler_exists(name: str) -> None:
    items = instrument(name).items
    assert len(items) == len({item.id for item in items}) == COUNTS[name]
    assert {item.by for item in items} - {""} <= set(FILLERS)
    assert all(item.topic and item.section for item in items)


def test_every_filler_is_asked_for_by_some_item() -> None:
    assert {item.by for name in NAMES for item in instrument(name).items} - {""} == set(FILLERS)


def test_claim_on_real_films(knees: Facts) -> None:
    found = counted("claim_2024", knees)
    assert found[FILLED] + found[DRAFTED] >= 33
    assert found[NOT_APPLICABLE] == 0
    assert applying(knees)[0] == "claim_2024"


def test_tripod_on_a_real_registry(public_stays: Facts) -> None:
    found = counted("tripod_ai_2024", public_stays)
    assert found[FILLED] + found[DRAFTED] >= 33
    assert applying(public_stays) == ("tripod_ai_2024", "stard_ai_2025", "quadas_3", "probast_ai_2025", "model_card")


def test_claim_on_simulated_films(tmp_path: Path) -> None:
    moon = study("moon_2023")
    guess = Formula(lambda xray: {"alignment": Readings({"HKA.R": 178.0, "HKA.L": 176.0})}, reads=("xray",), writes=("alignment",))
    guessed: Study = replace(moon, models={"a guess": guess})
    done = make(guessed, simulate(moon, tmp_path / "a", cases=12, budget=SMOKE), budget=SMOKE, out=tmp_path / "run")
    found = counted("claim_2024", gather(done, guessed))
    assert found[FILLED] + found[DRAFTED] + found[NOT_APPLICABLE] >= 37


@pytest.mark.parametrize("name", [n for n in NAMES if n != "claim_2024"])
def test_what_is_filled_changes_with_the_run(name: str, own_stays: tuple[Run, Run]) -> None:
    first, second = (answers(name, gather(run, STAYS)) for run in own_stays)
    same = [i for i, a in first.items() if a.status == FILLED and second[i].status == FILLED and a.text == second[i].text]
    assert same == []
    assert all(re.search(r"\d", a.text) for a in first.values() if a.status == FILLED)


def test_what_is_filled_of_films_changes_with_the_run(knees: Facts, shared_data: Callable[[str], Path], tmp_path: Path) -> None:
    root = shared_data("knee_oa_kl224")
    table = pd.read_csv(root / "cases.csv", dtype=str).iloc[1:240:4]
    cases = [Case(r.case_id, r.patient_id, inputs=Lazy({"xray": Deferred(lambda p=root / r.image: read_input(p, "picture"))}), truth={"kl": Grade(int(r.kl_grade))}, attributes={"side": r.side})
             for r in table.itertuples()]
    other = gather(make(KNEES, Cohort("fewer knees", "public", cases=cases), budget=SMOKE, seed=5, out=tmp_path / "run"), KNEES)
    for name in applying(knees):
        first, second = answers(name, knees), answers(name, other)
        assert [i for i, a in first.items() if a.status == FILLED and a.text == second[i].text] == [], name


def test_a_quoted_figure_is_that_of_the_run(own_stays: tuple[Run, Run]) -> None:
    auc = own_stays[0].primary.metrics["auc"]["estimate"]
    found = answers("tripod_ai_2024", gather(own_stays[0], STAYS))
    assert f"AUC {auc:.3f}" in found["23a"].text
    assert "500 operations" in found["20a"].text


def test_items_of_patients_do_not_apply_to_simulated_cases(simulated: Run) -> None:
    found = answers("stard_ai_2025", gather(simulated, STAYS))
    assert {found[i].status for i in ("6", "17b", "32")} == {NOT_APPLICABLE}
    assert all("there is no patient" in found[i].text for i in ("6", "17b", "32"))
    assert found["31"].status == FILLED


def test_what_only_an_author_knows_is_left_to_him(own_stays: tuple[Run, Run]) -> None:
    found = answers("stard_ai_2025", gather(own_stays[0], STAYS))
    assert {found[i].status for i in ("6", "15d", "17b", "36", "38", "39")} == {AUTHOR}


def test_the_tools_on_bias_are_told_question_by_question_and_leave_the_judgement_open(own_stays: tuple[Run, Run]) -> None:
    for name, domains in (("probast_ai_2025", 8), ("quadas_3", 4)):
        tool = instrument(name)
        assert len({item.section for item in tool.items}) == domains
        assert "are yours" in tool.note
        found = answers(name, gather(own_stays[0], STAYS))
        assert all(a.where for a in found.values() if a.status in (FILLED, DRAFTED))
        assert not any(re.search(r"\b(low|high|unclear) (risk|concern)", a.text) for a in found.values())


def test_every_place_named_is_a_section_with_that_title(told: Article, own_stays: tuple[Run, Run]) -> None:
    from osteon.report.sections.checklists import TITLES

    titles = {s.name: s.title for s in told.sections}
    named = {a.where for n in NAMES if n != "claim_2024" for a in answers(n, gather(own_stays[0], STAYS)).values()} - {""}
    assert named <= set(titles)
    assert {n: TITLES[n] for n in named} == {n: titles[n] for n in named}


def test_the_section_is_folded_and_gives_no_score(told: Article) -> None:
    made = next(s for s in told.sections if s.name == "checklists")
    folds = [b for b in made.blocks if isinstance(b, Folded)]
    assert [f.title for f in folds] == ["TRIPOD+AI, 2024", "STARD-AI, 2025", "QUADAS-3, tool version 1.2, 2026", "PROBAST+AI, 2025"]
    spoken = " ".join(s for b in blocks_of(made) for s in getattr(b, "sentences", ()))
    assert "%" not in spoken
    assert not re.search(r"\b\d+ of \d+\b", spoken)
    table = next(b for b in blocks_of(made) if isinstance(b, Table))
    assert {row[2] for row in table.rows if len(row) > 1} <= {FILLED, DRAFTED, AUTHOR, NOT_APPLICABLE}
    assert "Left to you: 3a, 3b" in page(told)


def test_leakage_of_a_run_without_its_cohort_is_told_from_its_tables(told: Article, own_stays: tuple[Run, Run]) -> None:
    made = next(s for s in told.sections if s.name == "leakage")
    text = " ".join(s for b in blocks_of(made) for s in getattr(b, "sentences", ()))
    assert "Nothing of what was looked for was found" in text
    assert "same record" in text
    assert "same pixels" not in text
    assert (own_stays[0].folder / "leakage.json").exists()
