"""Names, identifiers and dates that stand in headers, cells, file names and folder names of films enter no file of a run."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from osteon.cli import main

PLANTED = (b"MRN-77", b"Xylander", b"XYLANDER", b"1957-03-09", b"19570309", b"20240229", b"2024-02-29", b"ACC-4711")


def run(*args: object) -> int:
    try:
        main([str(a) for a in args])
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def plant(folder: Path) -> None:
    """A real-looking hospital folder: the films of a simulated one under the names of patients."""
    import pydicom

    frame = pd.read_csv(folder / "cases.csv", dtype=str, keep_default_na=False)
    (folder / "Xylander^Zoe").mkdir()
    for i, row in frame.iterrows():
        film = pydicom.dcmread(folder / row["xray"])
        film.PatientName, film.PatientID, film.PatientBirthDate, film.StudyDate = f"Xylander^Zoe{i}", f"MRN-77{i}", "19570309", "20240229"
        film.AccessionNumber, film.InstitutionName, film.ReferringPhysicianName = "ACC-4711", "Xylander Clinic", "Xylander^Dr"
        film.PatientComments, film.SeriesDescription, film.StationName, film.BodyPartExamined = "Xylander", "leg of Xylander", "XYLANDER", "XYLANDER"
        name = f"Xylander^Zoe/Xylander_{i}_1957-03-09.dcm"
        film.save_as(folder / name)
        frame.loc[i, "xray"] = name
        for target, ending in (("bones", ".nii.gz"), ("joints", ".json")):
            (folder / row[target]).rename(folder / f"Xylander^Zoe/MRN-77{i}_{target}{ending}")
            frame.loc[i, target] = f"Xylander^Zoe/MRN-77{i}_{target}{ending}"
    frame["case_id"], frame["patient_id"] = [f"MRN-77{i:04d}" for i in frame.index], [f"Xylander^Zoe{i}" for i in frame.index]
    frame["name"], frame["birth_date"], frame["comment"] = "Zoe Xylander", "1957-03-09", "seen on 2024-02-29"
    frame.loc[0, "sex"] = "Xylander"
    frame.to_csv(folder / "cases.csv", index=False)
    (folder / "readings.csv").write_text("case_id,reader,target,value\nMRN-770001,Dr Xylander,alignment.HKA.R,177\n")
    (folder / "cohort.yaml").write_text("name: planted\norigin: own\nnotes:\n  comment: Zoe Xylander\n  excluded:\n  - {id: MRN-770099, step: import, reason: MRN-770099 Xylander is blurred}\n")


def test_nothing_that_tells_who_it_was_enters_a_run_of_films(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "cohort", tmp_path / "run"
    assert run("simulate", "moon_2023", folder, "--cases", 6) == 0
    plant(folder)
    assert run("run", "moon_2023", "--cohort", folder, "--budget", "smoke", "--out", out) == 0
    assert run("report", out) == 0
    said = capsys.readouterr()
    files = [path for path in out.rglob("*") if path.is_file()]
    assert {"report.html", "run.json", "cases.csv", "log.txt", "flow.csv"} <= {path.name for path in files}
    for path in files:
        content = path.read_bytes()
        content = gzip.decompress(content) if path.suffix == ".gz" else content
        assert not [word for word in PLANTED if word in content or word.decode() in path.name], path
    assert not any(word.decode() in said.out + said.err for word in PLANTED)
