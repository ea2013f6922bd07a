"""The one path: rows, resume, determinism, exclusions, privacy, other cohorts."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon import engine
from osteon.budget import SMOKE
from osteon.cohort import Cohort
from osteon.design import CrossValidation, Nested
from osteon.errors import DataError, RunError
from osteon.models import Tabular
from osteon.run import Run
from osteon.simulate.registry import spine_registry
from osteon.studies import study
from osteon.study import Study

TWO = ("logistic regression", "decision tree")


@pytest.fixture(scope="module")
def small() -> Study:
    whole = study("etzel_2022")
    return replace(whole, models={n: Tabular(n, reads=("record",), writes=("stay",)) for n in TWO}, name="etzel_2022")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Cohort:
    return spine_registry(tmp_path_factory.mktemp("registry") / "c", 300, 1)


@pytest.fixture(scope="module")
def done(small: Study, registry: Cohort, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return engine.run(small, registry, seed=4, budget=SMOKE, out=tmp_path_factory.mktemp("run") / "r")


def test_a_run_has_one_primary_row_and_a_row_a_model(done: Run, small: Study) -> None:
    assert [r.question.primary for r in done.rows] == [True, False]
    row = done.primary
    assert row.table is not None and row.counts["n"] == 45 == row.table.tp + row.table.fp + row.table.fn + (row.table.tn or 0)
    assert row.source.origin == "simulated" and row.table.cut_chosen_on == "tune"
    assert 0.5 < row.metrics["ceiling_auc"]["estimate"] < 1
    assert done.about["finished"] and set(done.labels) == set(TWO)
    pages = json.loads((done.folder / "rows.json").read_text())
    assert len(pages) == len(pd.read_csv(done.folder / "rows.csv"))


def test_the_cut_is_that_of_the_tune_part(done: Run) -> None:
    from osteon.stats.curves import youden_cut

    lines = done.lines("logistic regression")
    tune = lines[lines["part"] == "tune"]
    assert youden_cut((tune["state"] == "true").to_numpy(), tune["score"].to_numpy(float)).value == pytest.approx(lines["cut"].unique()[0])


def test_the_same_call_gives_the_same_rows_and_another_seed_does_not(small: Study, registry: Cohort, done: Run, tmp_path: Path) -> None:
    again = engine.run(small, registry, seed=4, budget=SMOKE, out=tmp_path / "a")
    other = engine.run(small, registry, seed=5, budget=SMOKE, out=tmp_path / "b")
    strip = [replace(r, seconds_per_case=None, run="") for r in done.rows]
    assert [replace(r, seconds_per_case=None, run="") for r in again.rows] == strip
    assert [r.metrics["auc"] for r in other.rows] != [r.metrics["auc"] for r in done.rows]


def test_order_of_models_changes_nothing(small: Study, registry: Cohort, done: Run, tmp_path: Path) -> None:
    turned = replace(small, models=dict(reversed(list(small.models.items()))))
    found = {r.source.model: r.metrics["auc"] for r in engine.run(turned, registry, seed=4, budget=SMOKE, out=tmp_path / "t").rows}
    assert found == {r.source.model: r.metrics["auc"] for r in done.rows}


def test_a_finished_run_is_not_done_again(small: Study, registry: Cohort, done: Run) -> None:
    before = {p: p.stat().st_mtime_ns for p in done.folder.rglob("*.skops")}
    engine.run(small, registry, seed=4, budget=SMOKE, out=done.folder)
    assert {p: p.stat().st_mtime_ns for p in done.folder.rglob("*.skops")} == before


def test_another_run_in_the_same_folder_is_refused(small: Study, registry: Cohort, done: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds another run"):
        engine.run(small, registry, seed=9, budget=SMOKE, out=done.folder)
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(RunError, match="holds other things"):
        engine.run(small, registry, seed=9, budget=SMOKE, out=tmp_path)


SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
from osteon import engine
from osteon.budget import SMOKE
from osteon.cohort import Cohort
from osteon.studies import study
whole = study("etzel_2022")
two = replace(whole, models={n: whole.models[n] for n in ("logistic regression", "decision tree")})
engine.run(two, Cohort.from_folder(sys.argv[1]), seed=2, budget=SMOKE, out=Path(sys.argv[2]))
"""


@pytest.mark.parametrize("after", [1])
def test_a_killed_run_goes_on_and_ends_the_same(small: Study, registry: Cohort, tmp_path: Path, after: int) -> None:
    """Killed once so many files of notes are there; nothing half-written is seen, and the rows equal those of an unbroken run."""
    folder, command = tmp_path / "killed", [sys.executable, "-c", SCRIPT, str(registry.folder)]
    process = subprocess.Popen([*command, str(folder)], env=os.environ)
    for _ in range(1200):
        if len(list(folder.glob("notes/*/*.json"))) >= after or process.poll() is not None:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for path in folder.rglob("*.json"):
        if not any(part.startswith(".") for part in path.parts):
            json.loads(path.read_text())
    if not json.loads((folder / "run.json").read_text())["finished"]:
        with pytest.raises(RunError, match="cut short"):
            Run.open(folder)
    assert subprocess.run([*command, str(folder)], env=os.environ, check=False).returncode == 0
    whole = engine.run(small, registry, seed=2, budget=SMOKE, out=tmp_path / "whole")
    strip = [[replace(r, seconds_per_case=None, run="") for r in run.rows] for run in (Run.open(folder), whole)]
    assert strip[0] == strip[1]


def test_folds_are_averaged_and_every_case_is_tested(small: Study, registry: Cohort, tmp_path: Path) -> None:
    run = engine.run(small, registry, seed=1, budget=SMOKE, design=CrossValidation(5), out=tmp_path / "cv")
    lines = run.lines("logistic regression")
    test = lines[lines["part"] == "test"]
    assert test["case"].nunique() == len(test) == 300 and test["fold"].nunique() == 2  # smoke caps the folds
    from osteon.stats.roc import auc

    each = [auc((f["state"] == "true").to_numpy(), f["score"].to_numpy(float)) for _, f in test.groupby("fold")]
    assert run.primary.metrics["auc"]["estimate"] == pytest.approx(np.mean(each))
    assert run.models("logistic regression").name == "final"


def test_fits_of_a_fold_are_averaged(small: Study, registry: Cohort, tmp_path: Path) -> None:
    one = replace(small, models={"logistic regression": small.models["logistic regression"]})
    run = engine.run(one, registry, seed=1, budget=SMOKE, design=Nested(2, 2), out=tmp_path / "n")
    homes = sorted(p.name for p in (run.folder / "models" / "logistic-regression" / "1").iterdir())
    assert homes == ["1", "2"]
    tune = run.lines("logistic regression").query("part == 'tune' and fold == '1'")
    assert tune["case"].nunique() == len(tune)


def test_external_validation_trains_nothing_and_keeps_the_cut(done: Run, tmp_path: Path) -> None:
    other = spine_registry(tmp_path / "b", 200, 7, site="B")
    rows = engine.validate(done, other)
    assert {r.source.part for r in rows} == {"external validation"} and not any(r.question.primary for r in rows)
    cuts = pd.read_csv(done.folder / "external" / "simulated-spine-registry-site-b" / "lines" / "logistic-regression.csv")["cut"].unique()
    assert cuts[0] == pytest.approx(done.primary.table.cut)  # type: ignore[union-attr]
    assert rows[0].counts["n"] == 200


def test_new_cases_are_answered_by_the_saved_model(done: Run, tmp_path: Path) -> None:
    new = spine_registry(tmp_path / "new", 5, 8)
    answers = list(engine.predict(done, new))
    assert len(answers) == 5 and all(a.simulated_weights for a in answers)
    assert 0 < answers[0].values["stay"].probabilities["long"] < 1  # type: ignore[union-attr]


def test_no_name_or_id_of_a_patient_enters_a_run(small: Study, tmp_path: Path) -> None:
    source = spine_registry(tmp_path / "plain", 120, 3)
    frame = pd.read_csv(tmp_path / "plain" / "cases.csv", dtype=str)
    frame["case_id"] = [f"MRN-77{i:04d}" for i in range(120)]
    frame["patient_id"] = [f"Xylander^Zoe{i:03d}" for i in range(120)]
    frame["name"], frame["birth_date"] = "Zoe Xylander", "1957-03-09"
    frame.loc[5, "age"] = "Xylander"
    planted = tmp_path / "planted"
    planted.mkdir()
    frame.to_csv(planted / "cases.csv", index=False)
    (planted / "cohort.yaml").write_text("name: planted\norigin: own\n")
    assert len(source) == 120
    run = engine.run(small, Cohort.from_folder(planted), budget=SMOKE, out=tmp_path / "run")
    assert pd.read_csv(run.folder / "flow.csv").query("step == 'record'")["n"].tolist() == [1]
    for path in run.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not any(word in content for word in (b"MRN-77", b"Xylander", b"1957-03-09")), path


def test_no_model_is_better_than_the_risk_it_was_drawn_from(small: Study, tmp_path: Path) -> None:
    registry = spine_registry(tmp_path / "c", 3000, 11)
    run = engine.run(small, registry, budget=SMOKE, out=tmp_path / "r")
    for row in run.rows:
        found, ceiling = row.metrics["auc"], row.metrics["ceiling_auc"]["estimate"]
        error = (found["upper"] - found["lower"]) / 2 / 1.96
        assert found["estimate"] < ceiling + 4 * error
    assert max(r.metrics["auc"]["estimate"] for r in run.rows) > 0.6


def test_a_cohort_that_does_not_fit_stops_before_a_folder_is_made(small: Study, tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    (tmp_path / "c" / "cases.csv").write_text("case_id,patient_id,alter,stay\n1,1,50,long\n")
    with pytest.raises(DataError, match="column 'age' is missing"):
        engine.run(small, Cohort.from_folder(tmp_path / "c"), budget=SMOKE, out=tmp_path / "r")
    assert not (tmp_path / "r").exists()


def own(name: str, ids: list[str], seed: int, folder: Path) -> Cohort:
    """A cohort folder of somebody's own, with patients of these ids."""
    made = spine_registry(folder / "made", len(ids), seed)
    frame = pd.read_csv(made.folder / "cases.csv", dtype=str).assign(case_id=[f"{name}{k}" for k in range(len(ids))], patient_id=ids)  # type: ignore[operator]
    home = folder / name
    home.mkdir()
    frame.to_csv(home / "cases.csv", index=False)
    (home / "cohort.yaml").write_text(f"name: {name}\norigin: own\n", encoding="utf-8")
    return Cohort.from_folder(home)


@pytest.fixture(scope="module")
def here(small: Study, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("own")
    one = replace(small, models={TWO[0]: small.models[TWO[0]]})
    return engine.run(one, own("here", [f"h{k}" for k in range(120)], 1, folder), budget=SMOKE, out=folder / "run")


def test_patients_that_the_run_was_made_with_are_left_out_of_a_validation_and_listed(here: Run, tmp_path: Path, cli: Callable[..., tuple[int, str, str]]) -> None:
    from osteon.report.facts import gather
    from osteon.report.sections.external import external

    there = own("there", [f"h{k}" for k in range(90, 140)], 2, tmp_path)
    code, out, err = cli("validate", str(here.folder), "--cohort", str(there.folder))
    assert code == 0 and "n = 20" in out, "30 of the 50 patients are shared"
    reason = "the patient is one of those that the run was made with"
    assert f"left out: 30 of there, {reason}" in err
    said = " ".join(s for block in external(gather(here)).blocks for s in getattr(block, "sentences", ()))
    assert f"{reason} (30)" in said
    with pytest.raises(DataError, match="every patient is one of those that the run was made with"):
        engine.validate(here, own("again", [f"h{k}" for k in range(40)], 3, tmp_path / "more"))


def test_where_the_cases_of_the_run_are_gone_it_is_said_that_patients_were_not_compared(here: Run, tmp_path: Path) -> None:
    from osteon.engine.outside import UNCOMPARED, left_out

    moved = Run(Path(shutil.copytree(here.folder, tmp_path / "far" / "off" / "run")))
    assert moved.cohort_folder is None
    there = own("there", [f"h{k}" for k in range(90, 140)], 2, tmp_path)
    assert engine.validate(moved, there)[0].counts["n"] == 50
    assert left_out(moved, there) == [UNCOMPARED]


def test_two_seeds_of_a_simulator_share_nobody_and_a_longer_draw_of_one_shares_its_first(done: Run, tmp_path: Path) -> None:
    assert engine.validate(done, spine_registry(tmp_path / "seed", 60, 2))[0].counts["n"] == 60
    assert engine.validate(done, spine_registry(tmp_path / "longer", 320, 1))[0].counts["n"] == 20


def test_run_json_holds_no_path_of_the_machine_and_finds_the_cohort_that_moved_with_it(here: Run, tmp_path: Path) -> None:
    assert here.about["cohort"]["folder"] == "../here"
    text = (here.folder / "run.json").read_text(encoding="utf-8")
    assert str(here.folder.parent) not in text and str(Path.home()) not in text
    both = Path(shutil.copytree(here.folder.parent, tmp_path / "elsewhere"))
    assert Run(both / "run").cohort_folder == (both / "run" / ".." / "here")
