"""One folder of one run: everything after training reads it, nothing keeps state elsewhere.

A case and a patient stand in it under codes by their place in the cohort (c00001, p00001): no name, identifier or date of a patient enters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from osteon.cohort.folder import whole
from osteon.errors import RunError, message
from osteon.row import EvidenceRow

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
ONCE = "another, seen once"  # what stands in cases.csv for a word that one patient alone has
NUMBERS = ("truth", "answer", "error", "dice", "iou", "hd95", "assd", "nsd", "size_truth", "size_answer", "time", "event", "nmse", "psnr", "ssim", "distance")
DAMAGED = "Copy the run folder again, or run the study again in a new folder"


def slug(label: str) -> str:
    """A label as a folder name."""
    return re.sub(r"[^A-Za-z0-9]+", "-", label).strip("-").lower()


@dataclass(frozen=True)
class Run:
    """A run folder; opening it reads run.json only."""

    folder: Path

    @staticmethod
    def open(folder: str | Path) -> Run:
        """A finished run; raises RunError where the folder holds none or it was cut short."""
        path = Path(folder)
        if not (path / "run.json").exists():
            raise RunError(message(path, "the folder holds no run", expected="run.json", do="Give the folder that `osteon run` printed"))
        run = Run(path)
        about = run.about
        if about.get("format") != FORMAT:
            raise RunError(message(path / "run.json", "the run was made by another version of osteon", expected=f"format {FORMAT}", found=f"Found {about.get('format')}",
                                   do="Run the study again in a new folder"))
        if not about.get("finished"):
            raise RunError(message(path, "the run was cut short", do="Give the same `osteon run` command again: it goes on where it stopped"))
        return run

    @property
    def about(self) -> dict[str, Any]:
        """run.json: study, cohort, seed, budget, versions, times, memory, hashes, notes of each fit."""
        with _intact(self.folder / "run.json") as path:
            return {"format": None, **json.loads(path.read_text(encoding="utf-8"))}

    @property
    def simulated(self) -> bool:
        """Whether the cases were made by a simulator."""
        return bool(self.about["cohort"]["origin"] == "simulated")

    @property
    def cohort_folder(self) -> Path | None:
        """Where the cases lie, found from the run folder by the way that run.json keeps; None where they had no folder or it is not at hand."""
        way = self.about["cohort"].get("folder")
        home = self.folder.resolve() / way if way else None
        return home if home is not None and (home / "cases.csv").exists() else None

    @property
    def rows(self) -> tuple[EvidenceRow, ...]:
        """The evidence rows, the primary one first."""
        with _intact(self.folder / "rows.json") as path:
            return tuple(EvidenceRow.from_plain(r) for r in json.loads(path.read_text(encoding="utf-8")))

    @property
    def primary(self) -> EvidenceRow:
        """The one primary row: first model, primary target, main finding."""
        return next(r for r in self.rows if r.question.primary)

    @property
    def labels(self) -> tuple[str, ...]:
        """The models, in the order of the study."""
        return tuple(self.about["models"])

    def table(self, name: str) -> pd.DataFrame:
        """One of the tables: split, flow, cases, results (codes as text)."""
        import pandas as pd

        with _intact(self.folder / f"{name}.csv") as path:
            return pd.read_csv(path, dtype=dict.fromkeys(("case", "patient", "site", "fold", "reader"), str), keep_default_na=True)

    def lines(self, label: str, fold: str | None = None) -> pd.DataFrame:
        """The lines of a model, of one fold or of all."""
        import pandas as pd

        folder = self.folder / "lines" / slug(label)
        paths = [folder / f"{slug(fold)}.csv"] if fold else sorted(folder.glob("*.csv"))
        if not paths:
            raise RunError(message(folder, "the lines of the model are gone", expected="one file a fold", do=DAMAGED))
        return pd.concat([read_lines(p) for p in paths], ignore_index=True)

    def values(self, label: str) -> Iterator[dict[str, Any]]:
        """What a model answered for each test case: {"case", "fold", "values": {target: plain value}}; masks are file names below values/."""
        for path in sorted((self.folder / "values" / slug(label)).glob("*.jsonl")):
            for line in path.read_text(encoding="utf-8").splitlines():
                yield json.loads(line)

    def notes(self, label: str) -> tuple[dict[str, Any], ...]:
        """What each fold noted of a model, in the order of their names: cuts, seconds, and of each fit what it told."""
        out = []
        for path in sorted((self.folder / "notes" / slug(label)).glob("*.json")):
            with _intact(path):
                out.append(json.loads(path.read_text(encoding="utf-8")))
        return tuple(out)

    def models(self, label: str) -> Path:
        """The folder of the model for new cases."""
        folder = self.folder / "models" / slug(label)
        found = [f for f in (folder / "final", *sorted(folder.glob("*"))) if f.is_dir()]
        if not found:
            raise RunError(message(self.folder, f"the run keeps no model {label!r}"))
        return found[0]

    def write(self, name: str, data: Mapping[str, Any] | list[Any]) -> None:
        """Write a JSON file whole."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        whole(path, json.dumps(data, indent=1, ensure_ascii=False, default=_plain) + "\n")

    def write_table(self, name: str, frame: pd.DataFrame) -> None:
        """Write a CSV file whole."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        whole(path, frame.to_csv(index=False, lineterminator="\n"))


@contextmanager
def _intact(path: Path) -> Iterator[Path]:
    """The path of a file of a run; what goes wrong while it is read becomes one RunError."""
    try:
        yield path
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(message(path, "the file is missing" if not path.exists() else "the file is damaged", found=f"Reason: {error}" if path.exists() else "", do=DAMAGED)) from error


def read_lines(path: Path) -> pd.DataFrame:
    """A file of lines: text columns as text, an empty cell of a number as NaN, and a column for every number of a family, also where nothing was answered."""
    import pandas as pd

    text = dict.fromkeys(("case", "patient", "site", "fold", "part", "target", "finding", "unit", "state", "withheld"), str)
    with _intact(path) as path:
        frame = pd.read_csv(path, dtype=text, keep_default_na=False, na_values={})
        frame[list(text)]
    numbers = [c for c in frame.columns if c not in text]
    frame[numbers] = frame[numbers].apply(pd.to_numeric, errors="coerce")
    return frame.reindex(columns=[*frame.columns, *(f"n.{n}" for n in NUMBERS if f"n.{n}" not in frame)])


def _plain(value: Any) -> Any:
    if hasattr(value, "item"):
        return value.item()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return value.as_posix()
    raise TypeError(f"{type(value).__name__} has no place in a run folder")
