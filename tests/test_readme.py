"""The README as a stranger follows it: its commands are understood, the cheap ones run, its tables are the tables that work."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import typer

from osteon.cli import app, main
from osteon.cohort import Cohort
from osteon.readers import write_coco, write_nifti, write_radiograph
from osteon.value import Mask, Objects, Picture

LINES = (Path(__file__).resolve().parent.parent / "README.md").read_text(encoding="utf-8").splitlines()
COMMANDS = [re.split(r"\s+#", line.strip())[0] for line in LINES if line.startswith("    osteon ")]
CHEAP = ("list", "show", "simulate", "check", "import")


def block(start: str) -> str:
    """The first line of a table of the README that begins so."""
    return next(line.strip() for line in LINES if line.startswith(f"    {start}"))


def run(*args: str) -> int:
    try:
        main(list(args))
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stranger's folder: films of no simulator's name, label maps as 3D Slicer saves them, boxes in COCO, a spreadsheet."""
    home = tmp_path_factory.mktemp("desk")
    assert run("simulate", "moon_2023", str(home / "made"), "--cases", "3") == 0
    from osteon.studies import study

    declared = study("moon_2023")
    made = Cohort.from_folder(home / "made").conform(declared.inputs, declared.targets)
    boxes, rows = {}, []
    for k, case in enumerate(made, 1):
        film, bones, joints, read = case.inputs["xray"], case.truth["bones"], case.truth["joints"], case.truth["alignment"]
        assert isinstance(film, Picture) and isinstance(bones, Mask) and isinstance(joints, Objects)
        write_radiograph(home / f"films/{k:03d}.dcm", film.array.astype(np.uint16), spacing=film.grid.spacing, simulated=False)
        write_nifti(home / f"films/masks/{k:03d}.nii.gz", np.max([m * np.uint8(i) for i, m in enumerate(bones.array, 1)], axis=0), bones.grid)
        boxes[f"{k:03d}.dcm"] = Objects(joints.boxes, joints.labels, joints.scores, film.grid)
        rows.append((f"leg-{k:03d}", f"p{k:03d}", "A", f"{k:03d}.dcm", f"masks/{k:03d}.nii.gz", read.values["HKA.R"], read.values["HKA.L"]))
    write_coco(home / "films/boxes.json", boxes)
    table = pd.DataFrame(rows, columns=block("case_id,patient_id,site,xray,bones").split(","))
    table.to_csv(home / "masks.csv", index=False)
    table.rename(columns={"patient_id": "Pat. ID", "alignment.HKA.R": "HKA right"}).to_excel(home / "patients.xlsx", index=False)
    return home


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_understood(command: str) -> None:
    _, verb, *args = shlex.split(command)
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert verb in commands, f"{verb} is no verb"
    commands[verb].make_context(verb, args)


@pytest.fixture(scope="module")
def followed(desk: Path) -> Path:
    """The folder after every cheap command, in the order of the README; each into a folder of its own name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(desk)
        for number, command in enumerate(c for c in COMMANDS if c.split()[1] in CHEAP):
            _, verb, *args = shlex.split(command)
            args += ["--cases", "2"] if verb == "simulate" else []
            if verb == "import" and Path(args[1]).exists():
                args[1] = f"again{number}"
            assert run(verb, *args) == 0, command
    return desk


def test_the_cheap_commands_run_one_after_the_other(followed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert run("check", str(followed / "mine"), "--study", "moon_2023", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["cases"], found["usable"], found["faults"]) == (3, 3, [])
    text = (followed / "mine/cases.csv").read_text() + (followed / "mine/cohort.yaml").read_text()
    assert "leg-001" not in text and "p001" not in text and (followed / "mine.key").exists()


def test_what_comes_in_is_what_was_drawn(followed: Path) -> None:
    from osteon.studies import study

    declared = study("moon_2023")
    made, mine = (Cohort.from_folder(followed / name).conform(declared.inputs, declared.targets) for name in ("made", "mine"))
    for old, new in zip(made, mine, strict=True):
        np.testing.assert_array_equal(old.truth["bones"].of("talus"), new.truth["bones"].of("talus"))
        np.testing.assert_allclose(old.truth["joints"].boxes, new.truth["joints"].boxes, atol=1e-6)
        assert new.truth["alignment"].values["HKA.R"] == pytest.approx(old.truth["alignment"].values["HKA.R"])


def test_the_landmarks_of_the_readme_become_readings(desk: Path, tmp_path: Path) -> None:
    from osteon.studies import study

    (tmp_path / "landmarks.csv").write_text(block("case_id,R.hip_x") + "\n" + block("001,204.5") + "\n")
    (tmp_path / "films").mkdir()
    (tmp_path / "films/001.dcm").write_bytes((desk / "films/001.dcm").read_bytes())
    assert run("import", str(tmp_path / "films"), str(tmp_path / "mine"), "--study", "moon_2023", "--spreadsheet", str(tmp_path / "landmarks.csv"), "--answer", "patient=file") == 0
    declared = study("moon_2023")
    cohort = Cohort.from_folder(tmp_path / "mine").conform(declared.inputs, declared.targets)
    values = cohort.cases[0].truth["alignment"].values
    hip, knee, ankle = (np.array(p) for p in ((204.5, 110.2), (188.0, 490.4), (171.3, 920.9)))
    bend = np.degrees(np.arctan2(*(hip - knee)) - np.arctan2(*(knee - ankle)))
    assert abs(values["HKA.R"] - 180) == pytest.approx(abs(bend), abs=1e-6)
    assert values["femur.R"] == pytest.approx(np.linalg.norm(hip - knee)) and np.isnan(values["HKA.L"]) and np.isnan(values["MPTA.R"])


def test_measurements_as_columns_serve_to_validate(desk: Path, tmp_path: Path) -> None:
    from osteon.studies import study

    (tmp_path / "cases.csv").write_text(block("case_id,patient_id,site,xray,alignment") + "\n" + block("leg-001,p001,A,001.dcm,176.4,86.9") + "\n")
    (tmp_path / "001.dcm").write_bytes((desk / "films/001.dcm").read_bytes())
    declared = study("moon_2023")
    cohort = Cohort.from_folder(tmp_path).conform(declared.inputs, declared.targets, answered=("alignment",))
    assert dict(cohort.cases[0].truth["alignment"].values) == {"HKA.R": 176.4, "MPTA.R": 86.9}


