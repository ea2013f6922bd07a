"""A finished run written by hand, so that what is asked of it has a known answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from osteon.run import Run, slug


def lines(target: str, finding: str, *, case: Sequence[str], state: Sequence[bool] | np.ndarray | None = None, score: Sequence[float] | np.ndarray | None = None, patient: Sequence[str] | None = None,
          fold: Sequence[str] | None = None, cut: float = 0.5, part: str = "test", **numbers: Sequence[float] | np.ndarray) -> pd.DataFrame:
    """Lines of one finding, all answered; `numbers` become n.truth, n.answer, ..."""
    n = len(case)
    frame = {"case": case, "patient": patient or [f"p{c}" for c in case], "site": "", "fold": fold or ["1"] * n, "part": part, "target": target, "finding": finding, "unit": "case",
             "state": [""] * n if state is None else ["true" if s else "false" for s in state], "score": np.full(n, np.nan) if score is None else score, "cut": cut, "withheld": ""}
    return pd.DataFrame(frame | {f"n.{k}": v for k, v in numbers.items()})


def hand_made(folder: Path, models: Mapping[str, tuple[tuple[str, ...], pd.DataFrame]], cases: Mapping[str, Sequence[Any]], *, notes: Mapping[str, Mapping[str, Any]] | None = None,
              origin: str = "own", split: pd.DataFrame | None = None) -> Run:
    """A run of `models` (label -> what it writes, its lines) with a table of cases and, where given, the notes of each model's only fold."""
    run = Run(folder)
    table = pd.DataFrame(cases)
    if "patient" not in table:
        table.insert(1, "patient", [f"p{c}" for c in table["case"]])
    run.write_table("cases.csv", table)
    run.write_table("split.csv", split if split is not None else table[["case", "patient"]].assign(fold="1", part="test"))
    for label, (_, frame) in models.items():
        for fold, part in frame.groupby("fold", sort=False):
            run.write_table(f"lines/{slug(label)}/{slug(str(fold))}.csv", part)
    for label, note in (notes or {}).items():
        run.write(f"notes/{slug(label)}/1.json", dict(note))
    about = {"format": 1, "identity": "0" * 64, "study": "etzel_2022", "study_file": "", "seed": 0, "models": {label: list(writes) for label, (writes, _) in models.items()},
             "cohort": {"name": "by hand", "origin": origin, "notes": {}, "cases": len(table)}, "folds": ["1"], "design": "HoldOut(train=0.6, tune=0.2, test=0.2)", "finished": "2024-01-01T00:00:00+00:00"}
    (folder / "run.json").write_text(json.dumps(about), encoding="utf-8")
    return run
