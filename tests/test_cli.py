"""The verbs as a user meets them: text and JSON, and one clear sentence with exit code 2 for wrong input."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from osteon.cli import main

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli") / "registry"
    with pytest.raises(SystemExit) as stop:
        main(["simulate", "etzel_2022", str(folder), "--cases", "200"])
    assert not stop.value.code
    return folder


def told(cli: Cli, *args: str) -> Any:
    code, out, _ = cli(*args, "--json")
    assert code == 0
    return json.loads(out)


def test_list_in_a_fresh_interpreter_loads_no_torch() -> None:
    code = "import sys; from osteon.cli import main\ntry: main(['list', '--json'])\nexcept SystemExit: pass\nassert 'torch' not in sys.modules and 'sklearn' not in sys.modules and 'pandas' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"etzel_2022"} <= {s["study"] for s in json.loads(done.stdout)}


def test_list_filters(cli: Cli) -> None:
    assert [s["study"] for s in told(cli, "list", "--anatomy", "lumbar", "--modality", "record")] == ["etzel_2022", "kong_2022"]
    assert told(cli, "list", "--modality", "smell") == []
    assert "No study matches" in cli("list", "--task", "odours")[1]
    assert [s["study"] for s in told(cli, "list", "--task", "surfaces")] == ["mandel_2020"]


def test_show_tells_columns_claims_and_differences(cli: Cli) -> None:
    code, out, _ = cli("show", "etzel_2022")
    assert code == 0 and "0.673 to 0.752" in out and "Where this differs" in out
    assert "age" in told(cli, "show", "etzel_2022")["inputs"]["record"]


def test_simulate_writes_the_form_that_check_accepts(cli: Cli, registry: Path) -> None:
    found = told(cli, "check", str(registry), "--study", "etzel_2022")
    assert (found["cases"], found["usable"], found["faults"]) == (200, 200, [])
    assert "origin: simulated" in (registry / "cohort.yaml").read_text()


def test_check_tells_everything_in_one_go(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text("case_id,patient_id,site,agee,sex,outcome\n1,p,A,50,male,long\n2,p,B,51,male,short\n")
    code, _, err = cli("check", str(tmp_path), "--study", "etzel_2022")
    assert code == 2
    assert all(part in err for part in ("Did you mean 'agee'", "the target 'stay'", "the patient 'p' lies in two sites"))


@pytest.mark.parametrize(("args", "says"), [
    (("run", "etzel_2023"), "Did you mean 'etzel_2022'"),
    (("run", "etzel_2022", "--cohort", "nowhere"), "no such folder"),
    (("run", "etzel_2022", "--budget", "lapttop"), "Did you mean 'laptop'"),
    (("run", "etzel_2022", "--dataset", "sparcs=x"), "no data set 'sparcs'"),
    (("run", "etzel_2022", "--cases", "0"), "above 0"),
    (("run", "etzel_2022", "--cohort", "a", "--dataset", "b=c"), "Give one of"),
    (("report", "nowhere"), "holds no run"),
    (("predict", "nowhere", "film.dcm"), "holds no run"),
    (("simulate", "etzel_2022", "x", "--cases", "-3"), "no case was asked for"),
    (("simulate", "etzel_2022", "x", "--site", "Q"), "no site 'Q'"),
    (("simulate", "etzel_2022", "x", "--difficulty", "7"), "out of range"),
    (("check", "nowhere", "--study", "etzel_2022"), "no such folder"),
], ids=lambda value: " ".join(value) if isinstance(value, tuple) else "")
def test_wrong_input_ends_in_one_sentence(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], says: str) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = cli(*args)
    assert code == 2 and says in err and "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_an_unknown_option_is_bad_input(cli: Cli) -> None:
    assert cli("list", "--colour", "blue")[0] == 2


def test_run_validate_and_report(cli: Cli, registry: Path, tmp_path: Path) -> None:
    said = told(cli, "run", "etzel_2022", "--cohort", str(registry), "--budget", "smoke", "--out", str(tmp_path / "run"))
    assert Path(said["report"]).exists() and len(said["rows"]) == 6
    cli("simulate", "etzel_2022", str(tmp_path / "b"), "--cases", "120", "--site", "B")
    code, out, _ = cli("validate", str(tmp_path / "run"), "--cohort", str(tmp_path / "b"))
    assert code == 0 and out.startswith("Software verification on simulated cases")
    code, out, _ = cli("report", str(tmp_path / "run"))
    assert code == 0 and Path(out.strip().splitlines()[-1]).read_text(encoding="utf-8").lstrip().startswith("<!")


def test_doctor_knows_this_machine(cli: Cli) -> None:
    found = told(cli, "doctor")
    assert found["cores"] >= 1 and found["memory_gb"] > 0 and found["packages"]["numpy" if "numpy" in found["packages"] else "torch"] != "missing"
