"""The folder of a simulated cohort: begun by one call, completed by the same call, never written over."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from osteon.cohort import Cohort
from osteon.cohort.folder import whole
from osteon.errors import DataError, message, near

CALL = "call.json"
ROWS = ".rows"


def check(where: str, call: Mapping[str, Any], *, sites: Sequence[str] = ("A", "B")) -> dict[str, Any]:
    """The call as a plain mapping; raises DataError for fewer than one case, a seed below 0, an unknown site or a difficulty outside 0-1."""
    if call["cases"] < 1 or call["seed"] < 0:
        raise DataError(message(where, "the call is impossible", expected="cases 1 or more, seed 0 or more", found=f"Found cases {call['cases']}, seed {call['seed']}"))
    if call["site"] not in sites:
        raise DataError(message(where, f"there is no site {call['site']!r}", expected=", ".join(sites), do=near(str(call["site"]), sites)))
    if not 0 <= call["difficulty"] <= 1:
        raise DataError(message(where, "the difficulty is impossible", expected="0 (easy) to 1", found=f"Found {call['difficulty']}"))
    return dict(call)


def opened(folder: Path, call: Mapping[str, Any]) -> Cohort | None:
    """The cohort of a call where it is complete in the folder, else None; raises DataError where the folder holds that of another call."""
    if not (folder / "cohort.yaml").exists():
        return None
    made = Cohort.from_folder(folder)
    _same(folder, made.notes.get("call"), call)
    return made


def begin(folder: Path, call: Mapping[str, Any], parts: Sequence[str] = ()) -> Path:
    """Make the folder, or check that what lies in it was begun by the same call; gives the folder of finished rows.

    Raises DataError before any file is written.
    """
    rows = folder / ROWS
    begun = rows / CALL
    if begun.exists():
        _same(folder, json.loads(begun.read_text(encoding="utf-8")), call)
    elif folder.exists() and any(p.name != ROWS for p in folder.iterdir()):
        raise DataError(message(folder, "the folder holds other things", expected="an empty or a new folder", do="Name another folder"))
    for part in (rows, *(folder / name for name in parts)):
        part.mkdir(parents=True, exist_ok=True)
    whole(begun, json.dumps(dict(call)))
    return rows


def _same(folder: Path, found: Any, call: Mapping[str, Any]) -> None:
    if found != dict(call):
        raise DataError(message(folder, "the folder holds another cohort", expected=str(dict(call)), found=f"Found {found}", do="Name another folder"))
