"""The index that a list is read from: it says what the declarations say, and is not needed to be right."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from osteon.cli.index import FILE, entries, entry
from osteon.studies import names


def test_the_index_says_what_the_studies_declare() -> None:
    kept = json.loads(FILE.read_text(encoding="utf-8"))
    assert kept == {name: entry(name) for name in names()}, "write it anew: python -m osteon.cli.index"


def test_a_study_that_was_changed_since_is_asked_itself(tmp_path: Path) -> None:
    old = json.loads(FILE.read_text(encoding="utf-8"))
    old["etzel_2022"] |= {"hash": "another", "line": {"study": "a lie"}}
    del old["moon_2023"]
    (tmp_path / "index.json").write_text(json.dumps(old), encoding="utf-8")
    assert entries(tmp_path / "index.json") == entries() == entries(tmp_path / "nothing.json")


def test_a_list_imports_no_study() -> None:
    code = "import sys\nfrom osteon.cli import main\ntry:\n    main(['list'])\nexcept SystemExit:\n    pass\nprint(sorted({'numpy', 'torch', 'osteon.study'} & set(sys.modules)))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.splitlines()[-1] == "[]"
    assert "moon_2023" in said
