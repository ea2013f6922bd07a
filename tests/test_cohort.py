"""The door for data: folders in and out, one clear error a fault, nothing lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.case import Case
from osteon.cohort import Cohort, Excluded
from osteon.cohort.conform import problems
from osteon.errors import DataError
from osteon.readers.inputs import Input, Radiograph, Record
from osteon.targets import Classes, Masks, Measures
from osteon.value import Grid, Label, Mask, Picture, Readings

RECORD = {"record": Record("a row", numbers=("age", "bmi"), categories=("sex",), needs=("age", "sex"))}
STAY = {"stay": Classes(("short", "long"))}


def folder(path: Path, text: str, about: str = "name: clinic\norigin: own\n") -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / "cases.csv").write_text(text, encoding="utf-8")
    (path / "cohort.yaml").write_text(about, encoding="utf-8")
    return path


GOOD = "case_id,patient_id,site,age,sex,bmi,stay\n001,p1,A,61,female,27.5,long\n002,p2,A,55,male,,short\n003,p3,B,70,female,31,long\n"


def test_a_folder_opens_as_typed_cases(tmp_path: Path) -> None:
    cohort = Cohort.from_folder(folder(tmp_path / "c", GOOD)).conform(RECORD, STAY, answered=("stay",))
    case = cohort.cases[0]
    assert (case.id, case.patient, case.site) == ("001", "p1", "A")
    assert case.inputs["record"] == {"age": 61.0, "bmi": 27.5, "sex": "female"}
    assert case.truth["stay"] == Label("long")
    assert case.attributes["age"] == 61.0 and "stay" not in case.attributes
    assert np.isnan(cohort.table("record")["bmi"][1])


def test_take_and_leave_out_keep_the_rest(tmp_path: Path) -> None:
    cohort = Cohort.from_folder(folder(tmp_path / "c", GOOD.replace("p2,A,55", "p2,A,old"))).conform(RECORD, STAY)
    assert cohort.ids() == ["001", "003"]
    assert [(e.id, e.step, e.reason) for e in cohort.excluded] == [("002", "record", "age is not a number")]
    assert cohort.take(np.array([1])).ids() == ["003"] and cohort.take(np.array([1])).excluded == cohort.excluded


@pytest.mark.parametrize(("text", "says"), [
    (GOOD.replace("case_id", "caseid"), "Did you mean 'caseid'"),
    (GOOD.replace("002,p2", "001,p2"), "'001' stands in rows 2 and 3"),
    (GOOD.replace("age", "agee"), "Did you mean 'agee'"),
    (GOOD.replace("003,p3,B", "003,p1,B"), "the patient 'p1' lies in two sites"),
    (GOOD.replace("long", "lang").replace("short", "kurz"), "no cell is one of the declared classes"),
    (GOOD.replace("stay", "outcome"), "no column holds the target 'stay'"),
    ("case_id,patient_id\n", "the table has no rows"),
    (GOOD + "004,p4,A,1,2,3,4,5,6,7,8\n", "Expected 7 fields in line 5, saw 11"),
    (GOOD.replace("001,p1", "001,"), "row 2 has no patient_id"),
], ids=["id column", "id twice", "near name", "two sites", "classes", "target", "empty", "ragged", "no patient"])
def test_one_clear_error_for_a_fault_of_the_whole(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(DataError, match=says.replace("(", r"\(")):
        Cohort.from_folder(folder(tmp_path / "c", text)).conform(RECORD, STAY, answered=("stay",))


def test_a_missing_and_an_empty_folder_say_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        Cohort.from_folder(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="osteon import"):
        Cohort.from_folder(tmp_path / "empty")


def test_the_map_of_column_names_is_used(tmp_path: Path) -> None:
    about = "name: clinic\norigin: own\nmap: {Alter: age, Fall: case_id}\n"
    cohort = Cohort.from_folder(folder(tmp_path / "c", GOOD.replace("age", "Alter").replace("case_id", "Fall"), about))
    assert cohort.conform(RECORD, STAY).cases[0].inputs["record"]["age"] == 61


def test_consent_is_honoured_and_a_wrong_class_is_listed(tmp_path: Path) -> None:
    text = ("case_id,patient_id,age,sex,stay,consent\n1,1,61,female,long,yes\n2,2,50,male,short,no\n3,3,44,male,lnog,yes\n4,4,41,male,short,\n")
    cohort = Cohort.from_folder(folder(tmp_path / "c", text)).conform(RECORD, STAY)
    assert cohort.ids() == ["1", "4"]
    assert {e.id: e.step for e in cohort.excluded} == {"2": "consent", "3": "target"}
    assert "Did you mean 'long'" in next(e.detail for e in cohort.excluded if e.id == "3")


@pytest.mark.parametrize("path", ["../secret.png", "/etc/passwd.png", "a/../../b.png", "C:\\films\\a.png"])
def test_a_path_that_leaves_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    text = f"case_id,patient_id,xray\n1,1,{path}\n"
    with pytest.raises(DataError, match="leaves the cohort folder"):
        Cohort.from_folder(folder(tmp_path / "c", text)).conform({"xray": Radiograph("a film")}, {})


def test_every_fault_is_told_in_one_go(tmp_path: Path) -> None:
    text = GOOD.replace("age", "agee").replace("stay", "outcome").replace("003,p3,B", "003,p1,B")
    assert len(problems(Cohort.from_folder(folder(tmp_path / "c", text)), RECORD, STAY, answered=("stay",))) == 3


def test_a_cohort_in_memory_goes_to_a_folder_and_back(tmp_path: Path) -> None:
    grid = Grid((6, 4), (0.5, 0.25))
    rng = np.random.default_rng(0)
    picture = Picture(rng.integers(0, 4000, (6, 4)).astype(np.uint16), grid)
    mask = Mask(rng.random((2, 6, 4)) > 0.5, ("femur", "tibia"), grid)
    targets = {"bones": Masks(("femur", "tibia")), "angles": Measures({"HKA": "deg"}, "HKA"), "side": Classes(("R", "L"))}
    case = Case("c", "p", site="A", inputs={"xray": picture}, truth={"bones": mask, "angles": Readings({"HKA": 178.25}), "side": Label("R")}, attributes={"sex": "female"})
    left_out = (Excluded("d", "reading", "xray can not be read"),)
    back = Cohort("films", "own", cases=[case], licence="ours", excluded=left_out).to_folder(tmp_path / "out")
    assert back.excluded == left_out
    back = back.conform({"xray": Radiograph("a film", spacing=True)}, targets, answered=tuple(targets))
    again = back.cases[0]
    assert np.array_equal(again.inputs["xray"].array, picture.array)
    assert again.inputs["xray"].grid.spacing == (0.5, 0.25)
    assert np.array_equal(again.truth["bones"].array, mask.array) and again.truth["bones"].names == ("femur", "tibia")
    assert again.truth["angles"].values == {"HKA": 178.25} and again.truth["side"].name == "R"
    assert (back.name, back.origin, back.licence, again.attributes["sex"]) == ("films", "own", "ours", "female")


def test_repeated_inputs_come_in_the_order_of_time(tmp_path: Path) -> None:
    where = folder(tmp_path / "c", "case_id,patient_id\n1,1\n2,2\n")
    for name in ("a", "b"):
        (where / f"{name}.txt").write_text(f"note {name}", encoding="utf-8")
    (where / "files.csv").write_text("case_id,input,path,at\n1,notes,b.txt,6\n1,notes,a.txt,0\n", encoding="utf-8")
    spec = {"notes": Input("text", "a note a visit", many=(2, None), at="months")}
    cohort = Cohort.from_folder(where).conform(spec, {})
    assert cohort.cases[0].inputs["notes"] == ((0.0, "note a"), (6.0, "note b"))
    assert [(e.id, e.reason) for e in cohort.excluded] == [("2", "0 of notes (wanted 2 to any)")]


def test_writing_into_a_folder_of_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(DataError, match="holds other things"):
        Cohort("x", "own", cases=[Case("1", "1")]).to_folder(tmp_path)


def test_many_rows_open_without_their_files(tmp_path: Path) -> None:
    n = 20_000
    frame = pd.DataFrame({"case_id": np.arange(n), "patient_id": np.arange(n), "xray": [f"films/{i}.dcm" for i in range(n)]})
    cohort = Cohort.from_folder(folder(tmp_path / "c", frame.to_csv(index=False))).conform({"xray": Radiograph("a film")}, {})
    assert len(cohort) == n and cohort.cases[n - 1].id == str(n - 1)
    with pytest.raises(DataError, match="is not there"):
        cohort.cases[0].inputs["xray"]
