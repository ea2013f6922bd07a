"""The seal of a run: plan and cuts come first, stay as they were, and what was changed afterwards is told."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from osteon.budget import SMOKE
from osteon.cohort import Cohort
from osteon.cohort.rows import Rows
from osteon.design import CrossValidation
from osteon.engine import run as make
from osteon.engine import validate
from osteon.engine.seal import FILE, deviations, hash_of, intended, read
from osteon.engine.sealing import seal_plan, unlock
from osteon.errors import RunError
from osteon.report.checklists import fill, instrument
from osteon.report.content import Paragraph, Table
from osteon.report.facts import gather
from osteon.report.sections.plan import plan
from osteon.run import Run
from osteon.simulate.registry import registry
from osteon.studies import study
from osteon.study import Study

ONE = {"logistic regression": study("etzel_2022").models["logistic regression"]}
STAYS: Study = replace(study("etzel_2022"), models=ONE)


def cohort(name: str, cases: int, seed: int) -> Cohort:
    ids = [f"r{i}" for i in range(cases)]
    return Cohort(name, "own", cases=Rows(registry(cases, seed).astype(object).assign(case_id=ids, patient_id=ids), None))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return make(STAYS, cohort("hospital", 240, 3), budget=SMOKE, design=CrossValidation(2), out=tmp_path_factory.mktemp("seal") / "run")


@pytest.fixture
def copy(done: Run, tmp_path: Path) -> Run:
    shutil.copytree(done.folder, tmp_path / "run")
    return Run(tmp_path / "run")


def altered(run: Run, change: Callable[[dict[str, Any]], None]) -> None:
    """Edit seal.json by hand."""
    data = json.loads((run.folder / FILE).read_text(encoding="utf-8"))
    change(data)
    (run.folder / FILE).write_text(json.dumps(data), encoding="utf-8")


def test_plan_and_cuts_are_sealed_before_the_test_part_is_judged(done: Run) -> None:
    seal = read(done)
    assert seal is not None
    assert seal.plan["primary"] == ["stay", "long"]
    assert [(u.model, u.fold) for u in seal.unlocks] == [("logistic regression", f) for f in done.about["folds"]]
    assert seal.time <= seal.unlocks[0].time <= seal.unlocks[1].time
    for u in seal.unlocks:
        lines = done.lines(u.model)
        here = lines[(lines["fold"] == u.fold) & (lines["part"] == "test")]
        assert set(here["cut"]) == {u.cuts["stay.long"]}
        file = next(p for p in (done.folder / "lines" / "logistic-regression").glob("*.csv") if f",{u.fold}," in p.read_text(encoding="utf-8").splitlines()[1])
        assert file.stat().st_mtime >= datetime.fromisoformat(u.time).timestamp() - 0.01
    assert done.about["seal"] == {"plan": seal.hash, "sealed": seal.time, "head": seal.unlocks[-1].hash}
    assert deviations(done, STAYS) == ()


def test_the_log_shows_the_seal_before_each_unlock(done: Run) -> None:
    seal, log = read(done), (done.folder / "log.txt").read_text(encoding="utf-8")
    assert seal is not None
    places = [log.index(seal.hash), *(log.index(u.hash[:16]) for u in seal.unlocks)]
    assert places == sorted(places)
    assert log.count("test part unlocked") == 2
    assert f"stay.long {seal.unlocks[0].cuts['stay.long']:.6g}" in log


def test_the_report_shows_hash_time_and_cut(done: Run) -> None:
    seal, made = read(done), plan(gather(done, STAYS))
    assert seal is not None
    text = " ".join(s for b in made.blocks if isinstance(b, Paragraph) for s in b.sentences)
    assert "was fixed, on the tune part, before any case of its test part was judged; nothing was changed since" in text
    assert seal.hash in text
    assert seal.time[:10] in text
    unlocks = next(b for b in made.blocks if isinstance(b, Table) and b.name == "unlocks")
    assert [row[3].value for row in unlocks.rows] == [u.cuts["stay.long"] for u in seal.unlocks]  # type: ignore[union-attr]
    answers = {item.id: answer for item, answer in fill(instrument("stard_ai_2025"), gather(done, STAYS))}
    assert "Sealed at" in answers["15c"].text
    assert seal.hash[:16] in answers["37"].text


@pytest.mark.parametrize(("change", "what"), [
    ({"subgroups": ("sex",)}, "the subgroups are not as sealed"), ({"question": "Another?"}, "the question is not as sealed"),
    ({"models": {"another": ONE["logistic regression"]}}, "the models are not as sealed"),
    ({"targets": {"stay": replace(study("etzel_2022").targets["stay"], cut=study("moon_2023").targets["alignment"].cut)}}, "rules for the cut are not as sealed")])
def test_a_plan_changed_afterwards_is_told(done: Run, change: dict[str, Any], what: str) -> None:
    found = deviations(done, replace(STAYS, **change))
    assert any(what in fault for fault in found), found


def test_a_changed_plan_is_said_in_the_report(done: Run) -> None:
    made = plan(gather(done, replace(STAYS, subgroups=("sex",))))
    lead = made.blocks[0]
    assert isinstance(lead, Paragraph)
    assert lead.sentences[0].startswith("1 thing does not fit the seal")
    table = next(b for b in made.blocks if isinstance(b, Table) and b.name == "deviations")
    assert "changed after the test part was opened" in str(table.rows[0][1])


def test_a_declaration_whose_promises_stand_is_told_apart_from_a_changed_plan(done: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text("x = 1\n", encoding="utf-8")
    edited = replace(STAYS)
    object.__setattr__(edited, "file", str(other))
    (fault,) = deviations(done, edited)
    assert "has been edited since; what it promises" in fault


def test_an_altered_seal_is_found(copy: Run) -> None:
    altered(copy, lambda data: data["plan"].update(subgroups=["sex"]))
    assert any("altered" in fault for fault in deviations(copy, replace(STAYS, subgroups=("sex",))))


def test_a_cut_altered_in_the_seal_is_found_twice_over(copy: Run) -> None:
    altered(copy, lambda data: data["unlocks"][0]["cuts"].update({"stay.long": 0.5}))
    found = deviations(copy, STAYS)
    assert any("hashes do not follow" in fault for fault in found)
    assert any("sealed was 0.5" in fault for fault in found)


def test_a_whole_new_chain_is_not_the_one_that_the_run_was_closed_with(copy: Run) -> None:
    def forge(data: dict[str, Any]) -> None:
        data["plan"]["subgroups"] = ["sex"]
        data["hash"] = last = hash_of("", {"plan": data["plan"], "time": data["time"]})
        for u in data["unlocks"]:
            u["hash"] = last = hash_of(last, {k: u[k] for k in ("model", "fold", "cuts", "time")})

    altered(copy, forge)
    found = deviations(copy, replace(STAYS, subgroups=("sex",)))
    assert found == ("The seal is not the one that the run was closed with.",)


def test_lines_judged_at_another_cut_are_found(copy: Run) -> None:
    path = sorted((copy.folder / "lines" / "logistic-regression").glob("*.csv"))[0]
    lines = copy.lines("logistic regression", path.stem)
    copy.write_table(f"lines/logistic-regression/{path.name}", lines.assign(cut=0.123))
    assert any("judged at a cut of 0.123" in fault for fault in deviations(copy, STAYS))


def test_another_division_is_found(copy: Run) -> None:
    table = copy.table("split")
    copy.write_table("split.csv", table.iloc[::-1])
    assert deviations(copy, STAYS) == ("The division of the cases (split.csv) is not the one that was sealed.",)


def test_a_resumed_run_keeps_its_first_seal(copy: Run) -> None:
    first = (copy.folder / FILE).read_text(encoding="utf-8")
    about = copy.about
    copy.write("run.json", about | {"finished": ""})
    for path in (copy.folder / "notes" / "logistic-regression").glob("*.json"):
        path.unlink()
    again = make(STAYS, cohort("hospital", 240, 3), budget=SMOKE, design=CrossValidation(2), out=copy.folder)
    assert (copy.folder / FILE).read_text(encoding="utf-8") == first
    assert "was unlocked already" in (copy.folder / "log.txt").read_text(encoding="utf-8")
    assert deviations(again, STAYS) == ()


def test_a_second_unlock_with_another_cut_is_kept_and_told(copy: Run) -> None:
    seal = read(copy)
    assert seal is not None
    unlock(copy, "logistic regression", seal.unlocks[0].fold, {("stay", "long"): 0.9})
    after = read(copy)
    assert after is not None
    assert after.unlocks[:2] == seal.unlocks
    assert any("opened more than once, with other cuts" in fault for fault in deviations(copy, STAYS))


def test_a_run_that_has_judged_something_can_not_be_sealed_afterwards(copy: Run) -> None:
    (copy.folder / FILE).unlink()
    seal_plan(copy, STAYS)
    assert read(copy) is None
    lead = plan(gather(copy, STAYS)).blocks[0]
    assert isinstance(lead, Paragraph)
    assert "can not be shown" in lead.sentences[0]


def test_a_damaged_seal_is_one_clear_error(copy: Run) -> None:
    (copy.folder / FILE).write_text("{", encoding="utf-8")
    with pytest.raises(RunError, match="the file is damaged"):
        read(copy)


def test_a_cut_that_could_not_be_chosen_is_null(copy: Run) -> None:
    unlock(copy, "another", "1", {("stay", "long"): float("nan")})
    seal = read(copy)
    assert seal is not None
    assert seal.unlocks[-1].cuts == {"stay.long": None}


def test_validation_elsewhere_dates_the_cuts_and_checks_the_seal(tmp_path: Path) -> None:
    whole = make("etzel_2022", cohort("hospital", 240, 3), budget=SMOKE, out=tmp_path / "run")
    validate(whole, cohort("elsewhere", 120, 9))
    kept = json.loads((whole.folder / "external" / "elsewhere" / FILE).read_text(encoding="utf-8"))
    assert kept["run"] == whole.about["seal"]["head"]
    assert kept["deviations"] == []
    assert kept["cuts"]["logistic regression"]["stay.long"] == read(whole).unlocks[0].cuts["stay.long"]  # type: ignore[union-attr]


def test_what_a_study_promises_is_plain_data() -> None:
    for name in ("etzel_2022", "moon_2023"):
        promised = intended(study(name))
        assert json.loads(json.dumps(promised)) == promised
        assert "0x" not in json.dumps(promised)
