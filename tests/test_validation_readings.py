"""Readers beside the truth and the model; the published multi-reader study comes out of the same door."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.budget import SMOKE
from osteon.cli import main
from osteon.engine import run as make
from osteon.engine import simulate
from osteon.errors import DataError
from osteon.run import Run
from osteon.stats.intervals import wilson
from osteon.stats.paired import paired_difference, paired_table
from osteon.studies import study
from osteon.validation.readings import checked, compare

STUDY = study("etzel_2022")


def lines(truth: np.ndarray, score: np.ndarray, cut: float = 0.5) -> pd.DataFrame:
    return pd.DataFrame({"case": [f"c{i}" for i in range(len(truth))], "state": np.where(truth, "true", "false"), "score": score, "cut": cut, "withheld": ""})


def test_the_van_dyke_study_gives_the_published_result(shared_data: Callable[[str], Path]) -> None:
    data = pd.read_csv(shared_data("mrmc_readers") / "vandyke.csv")
    cases = data.drop_duplicates("case").sort_values("case")
    readings = pd.DataFrame({"case": [f"c{cases['case'].tolist().index(c)}" for c in data["case"]], "reader": data["reader"].astype(str), "aided": data["treatment"] == 2,
                             "positive": (data["rating"] >= 3).astype(float), "rating": data["rating"].astype(float)})
    found = compare(lines(cases["truth"].to_numpy() == 1, np.full(len(cases), 0.7)), readings)
    # Van Dyke, cine against spin-echo MRI, 5 readers, 114 cases: AUC 0.897 and 0.941; F 4.485, p 0.0512 with DeLong's covariance (R package MRMCaov 0.3.0)
    auc = found.studies["auc"]
    assert auc.figures.mean(1) == pytest.approx([0.941, 0.897], abs=5e-4)
    assert auc.test.statistic == pytest.approx(4.485, abs=5e-4)
    assert auc.test.p == pytest.approx(0.0512, abs=5e-5)
    assert len(found.readers) == 10


def test_a_reader_stands_beside_the_model_on_the_cases_that_he_read() -> None:
    rng = np.random.default_rng(1)
    truth = np.arange(80) % 2 == 0
    score, call = np.where(truth, 0.6, 0.4) + rng.normal(0, 0.3, 80), rng.random(80) < np.where(truth, 0.8, 0.2)
    seen = np.arange(60)
    readings = pd.DataFrame({"case": [f"c{i}" for i in seen], "reader": "R1", "aided": False, "positive": call[seen].astype(float), "rating": np.nan})
    (reader,) = compare(lines(truth, score), readings).readers
    yes = truth[:60]
    assert reader.cases == (30, 30)
    assert reader.sensitivity == wilson(int(call[:60][yes].sum()), 30)
    assert reader.against_model[0] == paired_difference(paired_table(call[:60][yes], score[:60][yes] >= 0.5))
    assert reader.against_model[1] == paired_difference(paired_table(~call[:60][~yes], score[:60][~yes] < 0.5))


def test_one_condition_has_no_study_and_says_why() -> None:
    readings = pd.DataFrame({"case": ["c0", "c1", "c99"], "reader": "R1", "aided": False, "positive": [1.0, 0.0, 1.0], "rating": np.nan})
    found = compare(lines(np.array([True, False]), np.array([0.9, 0.1])), readings)
    assert found.studies == {}
    assert "fewer than two readers" in found.reason
    assert found.unjudged == 1


@pytest.mark.parametrize(("rows", "wrong"), [
    ({"case": ["a"], "reader": ["R"]}, "the column 'value' is missing"), ({"case": ["z"], "reader": ["R"], "value": ["long"]}, "row 2: there is no case 'z'"),
    ({"case": ["a"], "reader": ["R"], "value": ["eternal"]}, "row 2: the reading can not be understood"),
    ({"case": ["a"], "reader": ["R"], "value": ["long"], "aided": ["perhaps"]}, "neither with nor without aid"),
    ({"case": ["a", "a"], "reader": ["R", "R"], "value": ["long", "short"]}, "reader R read c1 twice without aid")])
def test_a_bad_table_is_refused_with_its_row(rows: dict[str, list[str]], wrong: str) -> None:
    with pytest.raises(DataError, match=wrong):
        checked(pd.DataFrame(rows), STUDY, codes={"a": "c1"})


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("readings")
    return make("etzel_2022", simulate("etzel_2022", root / "cohort", cases=500), budget=SMOKE, out=root / "run")


def test_the_verb_keeps_readings_and_the_report_tells_them(done: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tested = done.lines(done.labels[0])
    tested = tested[(tested["part"] == "test") & (tested["finding"] == "long")]
    rng, rows = np.random.default_rng(3), []
    for reader in ("R1", "R2", "R3"):
        for aided, right in ((False, 0.65), (True, 0.85)):
            for case, state in zip(tested["case"], tested["state"], strict=True):
                true = "long" if state == "true" else "short"
                rows.append({"case": case, "reader": reader, "aided": "yes" if aided else "no", "value": true if rng.random() < right else {"long": "short", "short": "long"}[true]})
    pd.DataFrame(rows).to_csv(tmp_path / "readings.csv", index=False)
    with pytest.raises(SystemExit) as stop:
        main(["readings", str(done.folder), str(tmp_path / "readings.csv"), "--json"])
    assert not stop.value.code
    told = json.loads(capsys.readouterr().out)
    assert len(told["readers"]) == 6
    assert told["studies"]["sensitivity"]["figures"][0] > told["studies"]["sensitivity"]["figures"][1]
    assert (done.folder / "readings.csv").exists()
    page = (done.folder / "report.html").read_text(encoding="utf-8")
    assert "Readers and the model" in page
    assert "reader" in page.split("What the run says")[1]


def test_the_verb_refuses_a_reading_of_an_unknown_case_in_one_sentence(done: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "r.csv").write_text("case,reader,value\nnobody,R1,long\n", encoding="utf-8")
    with pytest.raises(SystemExit) as stop:
        main(["readings", str(done.folder), str(tmp_path / "r.csv")])
    assert stop.value.code == 2
    assert "there is no case 'nobody' in the run" in capsys.readouterr().err
