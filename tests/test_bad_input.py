"""What bad input gets on the command line: one clear sentence or a listed exclusion, exit code 2, nothing half-written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from osteon.cli import main
from osteon.readers import write_picture, write_radiograph

STUDIES = ("moon_2023", "etzel_2022")
Change = Callable[[pd.DataFrame], Any]


def call(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    capsys.readouterr()
    try:
        main([str(a) for a in args])
        code = 0
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


def refused(capsys: pytest.CaptureFixture[str], *args: object, says: str) -> None:
    """Exit code 2 and one sentence that says what is wrong."""
    code, _, err = call(capsys, *args)
    assert code == 2, err
    assert says in err and "Traceback" not in err, err
    assert len(err.strip().splitlines()) == 1 or all(line.startswith(("fault: ", "note: ")) for line in err.strip().splitlines())


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small simulated cohort folder of each study."""
    home = tmp_path_factory.mktemp("cohorts")
    for name, cases in (("moon_2023", 5), ("etzel_2022", 120)):
        with pytest.raises(SystemExit) as stop:
            main(["simulate", name, str(home / name), "--cases", str(cases)])
        assert not stop.value.code
    return {name: home / name for name in STUDIES}


@pytest.fixture(scope="module")
def trained(source: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the leg study under smoke."""
    out = tmp_path_factory.mktemp("runs") / "run"
    with pytest.raises(SystemExit) as stop:
        main(["run", "moon_2023", "--cohort", str(source["moon_2023"]), "--budget", "smoke", "--out", str(out)])
    assert not stop.value.code
    return out


@pytest.fixture
def copy(source: dict[str, Path], tmp_path: Path) -> Callable[..., Path]:
    """A copy of a cohort folder, its table changed."""
    def make(study: str, change: Change | None = None) -> Path:
        folder = tmp_path / "cohort"
        shutil.copytree(source[study], folder)
        if change:
            frame = pd.read_csv(folder / "cases.csv", dtype=str, keep_default_na=False)
            changed = change(frame)
            (frame if changed is None else changed).to_csv(folder / "cases.csv", index=False)
        return folder

    return make


def cell(row: int, column: str, content: str) -> Change:
    def change(frame: pd.DataFrame) -> None:
        frame.loc[row, column] = content

    return change


def renamed(**names: str) -> Change:
    return lambda frame: frame.rename(columns=names)


def two_sites(frame: pd.DataFrame) -> None:
    frame.loc[1, ["patient_id", "site"]] = [frame.loc[0, "patient_id"], "B"]


def same_id(frame: pd.DataFrame) -> None:
    frame.loc[1, "case_id"] = frame.loc[0, "case_id"]


WHOLE: list[tuple[str, Change, str]] = [
    ("moon_2023", renamed(xray="X-ray"), "column 'xray' is missing (anteroposterior standing radiograph of both legs, hip to ankle)"),
    ("moon_2023", renamed(xray="X-ray"), "Did you mean 'X-ray'?"),
    ("moon_2023", lambda f: f.drop(columns="bones"), "no column holds the target 'bones' (a column 'bones' with the path of a label map"),
    ("moon_2023", same_id, "the case 'f00001' stands in rows 2 and 3"), ("moon_2023", two_sites, "lies in two sites"),
    ("moon_2023", cell(1, "xray", "../cohort/xray/f00001.dcm"), "row 3: the path '../cohort/xray/f00001.dcm' leaves the cohort folder"),
    ("etzel_2022", renamed(age="agee"), "column 'age' is missing"), ("etzel_2022", renamed(age="agee"), "Did you mean 'agee'?"),
    ("etzel_2022", renamed(stay="stays"), "no column holds the target 'stay' (a column 'stay' with short, long)"),
    ("etzel_2022", same_id, "stands in rows 2 and 3"), ("etzel_2022", two_sites, "lies in two sites"),
    ("etzel_2022", lambda f: f.assign(stay=f["stay"].str.upper()), "no cell is one of the declared classes"),
    ("etzel_2022", lambda f: f.assign(age="inf"), "no cell of column 'age' is a number"),
    ("etzel_2022", lambda f: f.assign(age=""), "column 'age' is empty in every case"),
    ("etzel_2022", lambda f: f.assign(patient_id=""), "row 2 has no patient_id"),
]


@pytest.mark.parametrize(("study", "change", "says"), WHOLE)
def test_a_fault_of_the_whole_table_stops_check_and_run_before_anything_is_written(
        capsys: pytest.CaptureFixture[str], copy: Callable[..., Path], tmp_path: Path, study: str, change: Change, says: str) -> None:
    folder = copy(study, change)
    refused(capsys, "check", folder, "--study", study, says=says)
    refused(capsys, "run", study, "--cohort", folder, "--budget", "smoke", "--out", tmp_path / "run", says=says)
    assert not (tmp_path / "run").exists()


def one_class(frame: pd.DataFrame) -> None:
    frame["stay"] = "short"


def one_positive(frame: pd.DataFrame) -> None:
    frame["stay"] = ["long"] + ["short"] * (len(frame) - 1)


@pytest.mark.parametrize("change", [one_class, one_positive])
def test_a_train_part_of_one_class_is_told_before_any_work(capsys: pytest.CaptureFixture[str], copy: Callable[..., Path], tmp_path: Path, change: Change) -> None:
    folder = copy("etzel_2022", change)
    refused(capsys, "run", "etzel_2022", "--cohort", folder, "--budget", "smoke", "--out", tmp_path / "run", says="train part: every case of 'stay' but one at most has one class")
    assert not (tmp_path / "run").exists()
    assert "not enough to train on" in call(capsys, "check", folder, "--study", "etzel_2022")[2]


def excluded(capsys: pytest.CaptureFixture[str], folder: Path, study: str) -> dict[str, str]:
    code, out, err = call(capsys, "check", folder, "--study", study, "--json")
    assert code == 0, err
    return {e["id"]: f"{e['reason']}. {e['detail']}" for e in json.loads(out)["excluded"]}


def test_rows_that_can_not_be_used_are_listed_and_the_rest_goes_on(capsys: pytest.CaptureFixture[str], copy: Callable[..., Path]) -> None:
    def change(frame: pd.DataFrame) -> None:
        frame["weight"] = "1"
        for row, (column, content) in enumerate((("age", "NaN"), ("age", "inf"), ("bmi", "12,5"), ("stay", "Long"), ("weight", "heavy"), ("weight", "-1"))):
            frame.loc[row, column] = content

    found = excluded(capsys, copy("etzel_2022", change), "etzel_2022")
    assert len(found) == 6 and "Did you mean 'long'?" in found["r0000004"] and "weight is no number above 0" in found["r0000005"]
    assert "age is not a number" in found["r0000001"] and "found 'inf'" in found["r0000002"]


def test_a_misspelt_column_that_may_be_absent_is_told(capsys: pytest.CaptureFixture[str], copy: Callable[..., Path]) -> None:
    code, _, err = call(capsys, "check", copy("etzel_2022", renamed(bmi="bmii")), "--study", "etzel_2022")
    assert code == 0 and "note: column 'bmii' is read by nobody. Did you mean 'bmi'?" in err


def cut(path: Path, size: int = 3000) -> None:
    path.write_bytes(path.read_bytes()[:size])


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "text": (lambda c: (c / "xray/f00001.dcm").write_text("a report"), "this is no image that osteon reads"),
    "zero": (lambda c: (c / "xray/f00001.dcm").write_bytes(b""), "the file is empty"),
    "cut": (lambda c: cut(c / "xray/f00001.dcm"), "the file is cut short"),
    "gone": (lambda c: (c / "xray/f00001.dcm").unlink(), "is not there"),
    "link": (lambda c: ((c / "xray/f00001.dcm").rename(c.parent / "out.dcm"), (c / "xray/f00001.dcm").symlink_to(c.parent / "out.dcm")), "leaves the cohort folder"),
    "mask": (lambda c: cut(c / "truth/f00001_bones.nii.gz", 300), "the truth of bones can not be read"),
    "boxes": (lambda c: (c / "truth/f00001_joints.json").write_text("{"), "the truth of joints can not be read"),
    "size": (lambda c: write_picture(c / "xray/f00001.dcm.png", np.ones((200, 80), np.uint8), spacing=(0.9, 0.9)).rename(c / "xray/f00001.dcm"), "has another size than the image"),
    "bare": (lambda c: write_picture(c / "xray/f00001.dcm.png", np.ones((1024, 432), np.uint8)).rename(c / "xray/f00001.dcm"), "has no pixel spacing. Give it in the column xray.spacing"),
    "colour": (lambda c: write_picture(c / "xray/f00001.dcm.png", photo()).rename(c / "xray/f00001.dcm"), "a colour picture and no radiograph"),
    "dot": (lambda c: write_picture(c / "xray/f00001.dcm.png", np.ones((1, 1), np.uint8)).rename(c / "xray/f00001.dcm"), "1 x 1 pixels, too few"),
}


def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (300, 200, 3), dtype=np.uint8)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_leaves_out_its_case(capsys: pytest.CaptureFixture[str], copy: Callable[..., Path], damage: str) -> None:
    folder = copy("moon_2023")
    harm, says = DAMAGE[damage]
    harm(folder)
    found = excluded(capsys, folder, "moon_2023")
    assert list(found) == ["f00001"] and says in found["f00001"]


@pytest.mark.parametrize(("column", "content", "says"), [
    ("xray.spacing", "broad", "the spacing can not be read (mm per pixel, as 0.143 or 0.143x0.2). Found 'broad'"), ("xray.spacing", "0x1", "the spacing can not be read"),
    ("alignment.HKA.R", "abc", "HKA.R is 'abc' (a number in deg)"), ("alignment.HKA.R", "inf", "HKA.R is infinite"), ("xray", "/etc/passwd", "leaves the cohort folder")])
def test_a_cell_that_makes_no_sense_leaves_out_its_case(capsys: pytest.CaptureFixture[str], copy: Callable[..., Path], column: str, content: str, says: str) -> None:
    def change(frame: pd.DataFrame) -> None:
        frame[column] = frame.get(column, "")
        frame.loc[1, column] = content

    found = excluded(capsys, copy("moon_2023", change), "moon_2023")
    assert list(found) == ["f00002"] and says in found["f00002"]


def as_sheet(folder: Path) -> None:
    pd.read_csv(folder / "cases.csv").to_excel(folder / "c.xlsx", index=False)
    (folder / "c.xlsx").rename(folder / "cases.csv")


def rewritten(change: Callable[[str], str], encoding: str = "utf-8") -> Callable[[Path], object]:
    return lambda folder: (folder / "cases.csv").write_bytes(change((folder / "cases.csv").read_text()).encode(encoding))


FORMS: dict[str, tuple[Callable[[Path], object], str]] = {
    "nothing": (lambda c: [p.unlink() for p in c.iterdir()], "holds no cases.csv"),
    "semicolons": (rewritten(lambda t: t.replace(",", ";")), "separated by semicolons (commas). Save it as CSV UTF-8"),
    "tabs": (rewritten(lambda t: t.replace(",", "\t")), "separated by tabs"),
    "latin-1": (rewritten(lambda t: t.replace("male", "mâle"), "latin-1"), "can not be read as a comma separated table in UTF-8"),
    "utf-16": (rewritten(str, "utf-16"), "the table is in UTF-16"), "workbook": (as_sheet, "this is a workbook of a spreadsheet"),
    "twice": (rewritten(lambda t: t.replace("bmi", "age", 1)), "two columns are called 'age'"),
    "ragged": (rewritten(lambda t: t.replace("\n", ",1,2\n", 3).replace(",1,2\n", "\n", 1)), "Expected 21 fields in line 2, saw 23"),
    "only header": (rewritten(lambda t: t.splitlines()[0] + "\n"), "the table has no rows"), "empty": (rewritten(lambda t: ""), "the file is empty"),
    "yaml": (lambda c: (c / "cohort.yaml").write_text("map: [age"), "can not be read as YAML"), "map": (lambda c: (c / "cohort.yaml").write_text("map: [age]"), "'map' is no mapping"),
    "onto": (lambda c: (c / "cohort.yaml").write_text("map: {bmi: age}"), "two columns are called 'age'"),
    "origin": (lambda c: (c / "cohort.yaml").write_text("origin: mine"), "there is no origin 'mine'"),
    "readings": (lambda c: (c / "readings.csv").write_text("case_id,who\n1,2\n"), "column 'reader' is missing"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_table_in_another_form_is_refused_with_what_to_do(capsys: pytest.CaptureFixture[str], copy: Callable[..., Path], form: str) -> None:
    folder = copy("etzel_2022")
    FORMS[form][0](folder)
    refused(capsys, "check", folder, "--study", "etzel_2022", says=FORMS[form][1])


COMMANDS: list[tuple[tuple[str, ...], str]] = [
    (("run", "moon_2032"), "Did you mean 'moon_2023'?"), (("simulate", "moon", "new"), "there is no study"), (("import", ".", "new", "--study", "etzel"), "there is no study"),
    (("show", "bad.py"), "bad.py, line 2: the study file does not run"), (("show", "none.py"), "there is no such study file"),
    (("run", "etzel_2022", "--budget", "tiny"), "there is no budget 'tiny'"), (("run", "etzel_2022", "--folds", "-3"), "two folds or more"),
    (("run", "etzel_2022", "--seed", "-1"), "the seed is below 0"), (("run", "moon_2023", "--cohort", "nowhere"), "there is no such folder"),
    (("simulate", "etzel_2022", "new", "--seed", "-1"), "the seed is below 0"), (("simulate", "etzel_2022", "bad.py"), "bad.py: Not a directory"),
    (("simulate", "etzel_2022", "bad.py/x"), "Not a directory"), (("simulate", "etzel_2022", "full"), "holds other things"),
    (("import", "empty", "new", "--study", "moon_2023"), "there is no image in this folder"), (("import", "none.xlsx", "new", "--study", "etzel_2022"), "no such file"),
    (("predict", "nowhere", "film.dcm"), "holds no run"), (("report", "empty"), "holds no run"), (("validate", "bad.py", "--cohort", "empty"), "holds no run"),
]


@pytest.mark.parametrize(("args", "says"), COMMANDS)
def test_a_command_that_can_not_be_done_writes_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], says: str) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("empty", "full"):
        Path(folder).mkdir()
    Path("full/mine.txt").write_text("mine")
    Path("bad.py").write_text("# a study\nimport no_such_module\n")
    refused(capsys, *args, says=says)
    left = sorted(str(p) for p in Path().rglob("*") if "__pycache__" not in p.parts)  # Python's own, of the study file
    assert left == ["bad.py", "empty", "full", "full/mine.txt"]


def test_another_cohort_is_never_taken_for_the_one_that_was_asked(capsys: pytest.CaptureFixture[str], source: dict[str, Path]) -> None:
    for study in STUDIES:
        refused(capsys, "simulate", study, source["etzel_2022"], "--cases", "7", says="holds another cohort" if study == "etzel_2022" else "other")


def edited(**changes: object) -> Callable[[Path], object]:
    return lambda run: (run / "run.json").write_text(json.dumps(json.loads((run / "run.json").read_text()) | changes))


MODEL = "models/yolov5-hardnet-mseg/1/1"
RUNS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "half": ("report", lambda r: cut(r / "run.json", 300), "run.json: the file is damaged"), "list": ("report", lambda r: (r / "run.json").write_text("[]"), "the file is damaged"),
    "cut short": ("predict", edited(finished=""), "the run was cut short"), "older": ("predict", edited(format=0), "made by another version of osteon (format 1). Found 0"),
    "study": ("predict", edited(study="moon"), "there is no study 'moon'"), "rows": ("report", lambda r: (r / "rows.json").write_text("[{"), "rows.json: the file is damaged"),
    "lines": ("report", lambda r: shutil.rmtree(r / "lines"), "the lines of the model are gone"),
    "half lines": ("report", lambda r: next((r / "lines").rglob("*.csv")).write_text("a,b\n1"), "1.csv: the file is damaged"),
    "cases": ("report", lambda r: (r / "cases.csv").unlink(), "cases.csv: the file is missing"),
    "no model": ("predict", lambda r: shutil.rmtree(r / "models"), "the run keeps no model"), "no step": ("predict", lambda r: shutil.rmtree(r / MODEL / "2"), "there is no saved network"),
    "weights": ("predict", lambda r: cut(r / MODEL / "2/weights.safetensors"), "the saved model is damaged"),
    "spec": ("predict", lambda r: (r / MODEL / "2/spec.json").write_text("{"), "the saved model is damaged"),
}


@pytest.mark.parametrize("harm", RUNS)
def test_a_damaged_run_is_refused(capsys: pytest.CaptureFixture[str], trained: Path, source: dict[str, Path], tmp_path: Path, harm: str) -> None:
    verb, damage, says = RUNS[harm]
    run = tmp_path / "run"
    shutil.copytree(trained, run)
    damage(run)
    film = (source["moon_2023"] / "xray/f00001.dcm", "--out", tmp_path / "out") if verb == "predict" else ()
    refused(capsys, verb, run, *film, says=says)
    assert not (tmp_path / "out").exists()


def test_a_run_is_not_validated_on_its_own_cohort(capsys: pytest.CaptureFixture[str], trained: Path, source: dict[str, Path]) -> None:
    refused(capsys, "validate", trained, "--cohort", source["moon_2023"], says="the run was trained on this very cohort")
    refused(capsys, "validate", trained, "--cohort", source["etzel_2022"], says="column 'xray' is missing")
    assert not (trained / "external").exists()


@pytest.fixture(scope="module")
def films(source: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films that are none, and a patient's film (the pixels of a simulated one)."""
    import pydicom

    home = tmp_path_factory.mktemp("films")
    film = pydicom.dcmread(source["moon_2023"] / "xray/f00001.dcm")
    write_radiograph(home / "patient.dcm", film.pixel_array, spacing=(1.0, 1.0), simulated=False)
    film.Modality, film.PatientName = "CT", "Doe^Jane"
    film.save_as(home / "ct.dcm")
    film.Modality = "DX"
    del film.PixelSpacing, film.ImagerPixelSpacing
    film.save_as(home / "bare.dcm")
    write_picture(home / "photo.png", photo())
    write_picture(home / "dot.png", np.ones((1, 1), np.uint8))
    (home / "text.dcm").write_text("a report")
    (home / "cut.dcm").write_bytes((home / "patient.dcm").read_bytes()[:5000])
    (home / "zero.dcm").write_bytes(b"")
    return home


@pytest.mark.parametrize(("film", "says"), [("photo.png", "a colour picture and no radiograph"), ("ct.dcm", "a CT slice and no radiograph"), ("dot.png", "1 x 1 pixels"),
                                            ("text.dcm", "this is no image"), ("cut.dcm", "cut short"), ("zero.dcm", "the file is empty"), ("gone.dcm", "no such file"),
                                            ("", "holds no cases.csv")])
@pytest.mark.parametrize("ok", [(), ("--simulated-weights-ok",)])
def test_what_is_no_film_gets_no_answer(capsys: pytest.CaptureFixture[str], trained: Path, films: Path, tmp_path: Path, film: str, says: str, ok: tuple[str, ...]) -> None:
    refused(capsys, "predict", trained, films / film, "--out", tmp_path / "out", *ok, says=says)
    assert not (tmp_path / "out").exists()


def test_a_patients_film_is_refused_by_simulated_weights_and_answered_with_a_stamp(capsys: pytest.CaptureFixture[str], trained: Path, films: Path, tmp_path: Path) -> None:
    refused(capsys, "predict", trained, films / "patient.dcm", "--out", tmp_path / "out", says="or repeat with --simulated-weights-ok")
    assert not (tmp_path / "out").exists()
    code, out, _ = call(capsys, "predict", trained, films / "patient.dcm", films / "cut.dcm", films / "bare.dcm", "--simulated-weights-ok", "--out", tmp_path / "out", "--json")
    told = json.loads(out)
    assert code == 0 and [Path(t["file"]).name for t in told] == ["patient.dcm", "cut.dcm", "bare.dcm"]
    assert all("simulated films only" in json.loads(Path(t["json"]).read_text())["warning"] for t in told)
    assert (tmp_path / "out/patient.png").exists() and not (tmp_path / "out/cut.png").exists()
    assert "no joints, bones, alignment" in told[1]["notes"][0] and "cut short" in told[1]["notes"][0]
    assert any(note.startswith("no MAD.R") and note.endswith("no pixel spacing") for note in told[2]["notes"])


def test_two_films_of_one_name_get_two_answers(capsys: pytest.CaptureFixture[str], trained: Path, source: dict[str, Path], tmp_path: Path) -> None:
    film = source["moon_2023"] / "xray/f00001.dcm"
    (tmp_path / "b").mkdir()
    shutil.copy(film, tmp_path / "b")
    assert call(capsys, "predict", trained, film, tmp_path / "b/f00001.dcm", "--out", tmp_path / "out")[0] == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["f00001.json", "f00001.png", "f00001_2.json", "f00001_2.png"]
    refused(capsys, "predict", trained, film, "--out", film, says="File exists")


def test_ctrl_c_and_a_second_process_in_the_same_folder(tmp_path: Path) -> None:
    """On a run of a minute, so that the first process is still at work when the second one has started and gone."""
    command = [sys.executable, "-c", "from osteon.cli import main; main()", "run", "etzel_2022", "--cases", "6000", "--folds", "5", "--out", str(tmp_path / "run")]
    first = subprocess.Popen(command, env=os.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "run/run.json").exists() and first.poll() is None:
        time.sleep(0.05)
    second = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
    assert second.returncode == 2 and "another process is at work in this folder" in second.stderr
    first.send_signal(signal.SIGINT)
    assert first.communicate()[1].strip().endswith("osteon: stopped. Give the same command again to go on.") and first.returncode == 130


def test_an_import_that_fails_leaves_nothing(capsys: pytest.CaptureFixture[str], films: Path, tmp_path: Path) -> None:
    shutil.copytree(films, tmp_path / "films")
    refused(capsys, "import", tmp_path / "films", tmp_path / "new", "--study", "moon_2023", "--answer", "patient=file", says="--answer spacing=0.143")
    assert [p.name for p in tmp_path.iterdir()] == ["films"]
    code, _, err = call(capsys, "import", tmp_path / "films", tmp_path / "new", "--study", "moon_2023", "--answer", "patient=file", "--answer", "spacing=0.5")
    assert code == 0 and err.count("left out") == 3 and "text.dcm: it is no image, whatever its name says" in err
