"""What a list tells of each study, kept beside the study files, so that a list imports none of them.

`python -m osteon.cli.index` writes it anew. A study whose file is new or was changed since is imported and asked.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from osteon.study import Study

STUDIES = Path(__file__).parents[1] / "studies"
FILE = STUDIES / "index.json"


def entries(file: Path = FILE) -> dict[str, Mapping[str, Any]]:
    """By name of the study: `line` (what is shown) and `facets` (what filters look at)."""
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    found = {}
    for path in sorted(STUDIES.glob("[!_]*.py")):
        one = known.get(path.stem)
        found[path.stem] = one if one and one["hash"] == _hash(path) else entry(path.stem)
    return found


def entry(name: str) -> dict[str, Any]:
    """The entry of one study, from its declaration."""
    from osteon.studies import study

    declared = study(name)
    return {"hash": _hash(STUDIES / f"{name}.py"), "line": _line(name, declared), "facets": _facets(declared)}


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:16]


def _facets(study: Study) -> dict[str, str]:
    inputs = " ".join(f"{i.modality} {i.description}" for i in study.inputs.values())
    return {"anatomy": " ".join((study.question, inputs, study.unit, *study.areas)), "modality": inputs,
            "task": " ".join(type(t).__name__ for t in study.targets.values()), "area": " ".join(study.areas)}


def _line(name: str, study: Study) -> dict[str, str]:
    return {"study": name, "question": study.question, "reads": ", ".join(dict.fromkeys(i.modality for i in study.inputs.values())),
            "answers": ", ".join(f"{n} ({type(t).__name__.lower()})" for n, t in study.targets.items()), "area": ", ".join(study.areas)}


def write(file: Path = FILE) -> Path:
    """Ask every study anew and write the index."""
    from osteon.studies import names

    file.write_text(json.dumps({name: entry(name) for name in names()}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


if __name__ == "__main__":
    print(write())
