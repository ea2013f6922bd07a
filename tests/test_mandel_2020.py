"""Mandel 2020: the study on its own simulator, what bad visits are told, its analyses, meshes and figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from osteon import engine
from osteon.budget import SMOKE
from osteon.cohort import Cohort
from osteon.errors import DataError, Refused, StudyError
from osteon.readers import read_surface, write_surface
from osteon.report.content import Drawing
from osteon.report.facts import gather
from osteon.report.sections.analyses import analyses
from osteon.report.sections.shapes import shapes
from osteon.run import Run
from osteon.simulate.growing_spine import growing_spines
from osteon.studies import study
from osteon.validation.analyses import Horizon
from osteon.validation.results import results_of
from osteon.value import Surface

STUDY = study("mandel_2020")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    growing_spines(tmp_path_factory.mktemp("spines") / "a", 24, 5, workers=1)
    return tmp_path_factory.getbasetemp() / "spines0" / "a"


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return engine.run(STUDY, Cohort.from_folder(folder), seed=2, budget=SMOKE, out=tmp_path_factory.mktemp("run") / "r")


def conformed(folder: Path) -> Cohort:
    cohort = Cohort.from_folder(folder).conform(STUDY.inputs, STUDY.targets, answered=STUDY.answered)
    return cohort.leave_out(engine.reading.unreadable(cohort, STUDY.inputs, STUDY.targets))


def test_the_network_is_nearer_than_no_change_and_a_line(run: Run) -> None:
    rows = {(r.source.model, r.question.finding): r.metrics for r in run.rows}
    first = next(iter(STUDY.models))
    for other in ("no change", "straight line through the models before"):
        assert rows[first, "spine"]["distance"]["estimate"] < 0.6 * rows[other, "spine"]["distance"]["estimate"]
        assert rows[first, "cobb"]["mae"]["estimate"] < rows[other, "cobb"]["mae"]["estimate"]
    assert rows[first, "spine"]["distance"]["estimate"] > rows[first, "spine"]["ceiling_distance"]["estimate"], "nobody is nearer than chance and the errors of the visits leave it"
    assert rows[first, "spine"]["registered"]["estimate"] < rows[first, "spine"]["distance"]["estimate"]
    assert run.primary.question.finding == "spine" and run.primary.source.model == first and run.primary.counts["patients"] >= 4


def test_only_models_before_the_operation_are_read(folder: Path, run: Run, tmp_path: Path) -> None:
    """The forecast of a child is the same when its follow-up is not there: nothing leaks."""
    import shutil

    shutil.copytree(folder, tmp_path / "new")
    files = pd.read_csv(tmp_path / "new" / "files.csv")
    files[files["input"] == "spine"].to_csv(tmp_path / "new" / "files.csv", index=False)
    first, second = (next(engine.predict(run, Cohort.from_folder(f))).values["follow_up"] for f in (folder, tmp_path / "new"))
    assert isinstance(first, Surface) and isinstance(second, Surface) and np.array_equal(first.vertices, second.vertices)


def edited(folder: Path, home: Path, change: Callable[[pd.DataFrame, Path], pd.DataFrame]) -> Path:
    """A copy of a cohort whose files.csv, or a file of it, was changed."""
    import shutil

    shutil.copytree(folder, home)
    change(pd.read_csv(home / "files.csv"), home).to_csv(home / "files.csv", index=False)
    return home


def rows_of(files: pd.DataFrame, case: str, kind: str) -> pd.Index:
    return files.index[(files["case_id"] == case) & (files["input"] == kind)]


def unfollowed(files: pd.DataFrame, home: Path) -> pd.DataFrame:
    return files.drop(rows_of(files, "f00001", "follow_up"))


def twice(files: pd.DataFrame, home: Path) -> pd.DataFrame:
    files.loc[rows_of(files, "f00001", "spine")[0], "at"] = 0.0
    return files


def twice_after(files: pd.DataFrame, home: Path) -> pd.DataFrame:
    files.loc[rows_of(files, "f00001", "follow_up")[1], "at"] = 1.0
    return files


def undated(files: pd.DataFrame, home: Path) -> pd.DataFrame:
    files["at"] = files["at"].astype(object)
    files.loc[rows_of(files, "f00001", "spine")[0], "at"] = "spring"
    return files


def short(files: pd.DataFrame, home: Path) -> pd.DataFrame:
    path = home / files.loc[rows_of(files, "f00001", "spine")[-1], "path"]
    whole = read_surface(path)
    write_surface(path, Surface(whole.vertices[26:], whole.faces[48:] - 26))
    return files


def damaged(files: pd.DataFrame, home: Path) -> pd.DataFrame:
    (home / files.loc[rows_of(files, "f00001", "spine")[-1], "path"]).write_bytes(b"ply\nno mesh")
    return files


@pytest.mark.parametrize(("change", "step", "says"), [
    (unfollowed, "target", "never seen again"), (twice, "reading", "twice of one time, 0"), (twice_after, "reading", "truth of follow_up can not be read"),
    (undated, "reading", "spine can not be read"), (short, "reading", "416 points, 16 vertebrae"), (damaged, "reading", "spine can not be read")])
def test_a_child_whose_visits_do_not_serve_is_listed(folder: Path, tmp_path: Path, change: Callable[[pd.DataFrame, Path], pd.DataFrame], step: str, says: str) -> None:
    cohort = conformed(edited(folder, tmp_path / "c", change))
    assert [(e.id, e.step) for e in cohort.excluded] == [("f00001", step)] and says in cohort.excluded[0].reason
    assert len(cohort) == 23


def test_visits_out_of_order_are_put_in_order(folder: Path, tmp_path: Path) -> None:
    home = edited(folder, tmp_path / "c", lambda files, home: files.iloc[::-1])
    one, two = (Cohort.from_folder(f).conform(STUDY.inputs, STUDY.targets).cases[0] for f in (folder, home))
    times: list[Any] = [case.truth["follow_up"] for case in (one, two)]
    assert [t for t, _ in one.inputs["spine"]] == [t for t, _ in two.inputs["spine"]] and np.array_equal(times[0].moments, times[1].moments)


def test_a_single_model_before_has_no_line_and_says_so(folder: Path, tmp_path: Path) -> None:
    home = edited(folder, tmp_path / "c", lambda files, home: files.drop(rows_of(files, "f00001", "spine")[:-1]))
    cohort = conformed(home)
    assert len(cohort) == 24
    line = STUDY.models["straight line through the models before"]
    answer = next(line.predict(cohort))
    assert {v.reason for v in answer.values()} == {"one model: no line goes through it"}  # type: ignore[union-attr]


def test_a_cohort_without_follow_up_is_told_at_once(folder: Path, tmp_path: Path) -> None:
    home = edited(folder, tmp_path / "c", lambda files, home: files[files["input"] == "spine"])
    with pytest.raises(DataError, match="files.csv names no file of the target 'follow_up'"):
        conformed(home)


def test_the_error_by_time_is_compared_in_pairs(run: Run) -> None:
    found = [r for r in results_of(run) if r.analysis == "Horizon 1"]
    first = next(iter(STUDY.models))
    whole = {r.what: r.value for r in found if r.group == "all times"}
    assert whole[first].estimate == pytest.approx(run.primary.metrics["distance"]["estimate"])
    paired = {r.what: r.value for r in found if r.group == f"{first}, all times"}
    assert paired["less no change"].estimate == pytest.approx(whole[first].estimate - whole["no change"].estimate) and paired["less no change"].upper < 0
    spans = [r for r in found if r.what == first and r.group != "all times"]
    assert sum(r.n for r in spans) == next(r.n for r in found if r.what == first and r.group == "all times")
    assert sum(r.n * r.value.estimate for r in spans) / sum(r.n for r in spans) == pytest.approx(whole[first].estimate)
    with pytest.raises(StudyError, match="rise"):
        Horizon((6.0, 3.0))


def test_the_report_shows_three_spines_and_the_error_by_time(run: Run) -> None:
    facts = gather(run)
    section = shapes(facts)
    drawn = [b for b in section.blocks if isinstance(b, Drawing)] if section else []
    assert [b.name for b in drawn] == ["spine-best", "spine-median", "spine-worst"]
    assert all("Cobb" in b.alt and "Simulated" in b.alt for b in drawn)
    told = [b for b in analyses(facts).blocks if b.kind == "drawing"]  # type: ignore[union-attr]
    assert len(told) == 2


def test_forecasts_are_written_as_meshes_and_refused_for_patients(folder: Path, run: Run, tmp_path: Path, cli: Callable[..., tuple[int, str, str]]) -> None:
    code, _, told = cli("predict", run.folder, folder, "--out", tmp_path / "out")
    assert code == 0, told
    made = read_surface(tmp_path / "out" / "case_f00001_follow_up_24.ply")
    assert made.vertices.shape == (442, 3)
    about = (folder / "cohort.yaml").read_text(encoding="utf-8")
    own = edited(folder, tmp_path / "own", lambda files, home: files)
    (own / "cohort.yaml").write_text(about.replace("origin: simulated", "origin: own"), encoding="utf-8")
    with pytest.raises(Refused, match="simulated cases only"):
        next(engine.predict(run, Cohort.from_folder(own)))
