"""A run folder while it is being made: opened, filled fold by fold, closed."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from osteon.budget import Budget
from osteon.cohort import Cohort
from osteon.design import Design, Fold
from osteon.engine.seal import read
from osteon.engine.sealing import seal_plan
from osteon.errors import RunError, message
from osteon.progress import log
from osteon.row import EvidenceRow
from osteon.run import FORMAT, ONCE, Run
from osteon.studies import source_of
from osteon.study import Study
from osteon.validation.readings import of_cohort

if TYPE_CHECKING:
    import pandas as pd

LOCK = ".lock"
PACKAGES = ("osteon", "numpy", "scipy", "pandas", "scikit-learn", "torch", "timm", "monai", "pydicom")


@dataclass(frozen=True, eq=False)
class Work:
    """A run in the making: what is fixed before the first fit."""

    run: Run
    study: Study
    cohort: Cohort = field(kw_only=True)
    folds: tuple[Fold, ...] = field(kw_only=True)
    seed: int = field(kw_only=True)
    budget: Budget = field(kw_only=True)
    codes: Codes = field(kw_only=True)
    lock: IO[str] = field(kw_only=True)


@dataclass(frozen=True, eq=False)
class Codes:
    """Codes of cases and patients by their place in the cohort as it was given."""

    cases: Mapping[str, str]
    patients: Mapping[str, str]


def codes(cohort: Cohort) -> Codes:
    """c00001, c00002 ... and p00001 ... in the order of the cohort, then of what was left out."""
    ids = [*cohort.ids(), *(e.id for e in cohort.excluded)]
    patients = list(dict.fromkeys(cohort.column("patient").tolist()))
    return Codes({i: f"c{k:05d}" for k, i in enumerate(dict.fromkeys(ids), 1)}, {p: f"p{k:05d}" for k, p in enumerate(patients, 1)})


def identity(study: Study, cohort: Cohort, plan: Design, seed: int, budget: Budget) -> str:
    """What makes a run the same run: study file, cohort, design, seed, budget, version."""
    text = json.dumps([source_of(study), digest(cohort), repr(plan), seed, asdict(budget), _version("osteon"), FORMAT])
    return hashlib.sha256(text.encode()).hexdigest()


def digest(cohort: Cohort) -> str:
    """The hash of the table of a cohort, or of its ids where it has none."""
    table = cohort.folder / "cases.csv" if cohort.folder else None
    data = table.read_bytes() if table and table.exists() else "\n".join(cohort.ids()).encode()
    return hashlib.sha256(data).hexdigest()


def open_folder(study: Study, whole: Cohort, cohort: Cohort, plan: Design, folds: Sequence[Fold], *, seed: int, budget: Budget, out: Path | None) -> Work:
    """The folder of this run, new or begun; raises RunError where the folder holds another run or other things."""
    key = identity(study, whole, plan, seed, budget)
    folder = out or Path("runs") / f"{study.name}-{key[:10]}"
    begun = folder / "run.json"
    if begun.exists() and Run(folder).about.get("identity") != key:
        raise RunError(message(folder, "the folder holds another run", do="Name another folder with --out"))
    if not begun.exists() and folder.exists() and any(p.name not in ("cohorts", LOCK) for p in folder.iterdir()):
        raise RunError(message(folder, "the folder holds other things", expected="an empty or a new folder", do="Name another folder with --out"))
    folder.mkdir(parents=True, exist_ok=True)
    work = Work(Run(folder), study, cohort=cohort, folds=tuple(folds), seed=seed, budget=budget, codes=codes(whole), lock=_locked(folder))
    _log_to(folder / "log.txt")
    if not begun.exists():
        work.run.write("run.json", _about(work, key, plan))
        _tables(work, whole)
    if whole.readings and not (folder / "readings.csv").exists():
        work.run.write_table("readings.csv", of_cohort(whole.readings, study, codes=work.codes.cases))
    seal_plan(work.run, study)
    log.info("run %s: %s, %d cases, budget %s, seed %d", folder.name, study.name, len(cohort), budget.name, seed)
    return work


def _locked(folder: Path) -> IO[str]:
    """The open lock of a run folder, which ends with the process; raises RunError where another process is at work in it."""
    import fcntl

    lock = open(folder / LOCK, "w", encoding="utf-8")  # noqa: SIM115
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise RunError(message(folder, "another process is at work in this folder", do="Wait until it ends, or name another folder with --out")) from error
    return lock


def _log_to(path: Path) -> None:
    for old in [h for h in log.handlers if isinstance(h, logging.FileHandler)]:
        log.removeHandler(old)
        old.close()
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _way(start: Path, end: Path) -> str:
    """The way from one folder to another, without the machine's own path before it."""
    return Path(os.path.relpath(end.resolve(), start.resolve())).as_posix()


def _about(work: Work, key: str, plan: Design) -> dict[str, Any]:
    cohort, study = work.cohort, work.study
    return {
        "format": FORMAT, "identity": key, "study": study.name, "study_file": study.file, "cite": study.cite, "question": study.question, "seed": work.seed,
        "budget": asdict(work.budget), "design": repr(plan), "folds": [f.name for f in work.folds],
        "cohort": {"name": cohort.name, "origin": cohort.origin, "licence": cohort.licence, "notes": {} if cohort.origin == "own" else {k: v for k, v in cohort.notes.items() if k not in ("excluded", "map")}, "cases": len(cohort),
                   "folder": _way(work.run.folder, cohort.folder) if cohort.folder else "", "patients": len(set(cohort.column("patient").tolist())), "table": digest(cohort)},
        "models": {label: list(writes) for label, writes in study.labels.items()},
        "versions": {p: _version(p) for p in PACKAGES} | {"python": platform.python_version()},
        "machine": {"system": platform.system(), "processor": platform.machine(), "cores": os.cpu_count()},
        "started": datetime.now(UTC).isoformat(timespec="seconds"), "finished": "",
    }


def _tables(work: Work, whole: Cohort) -> None:
    """split.csv, cases.csv (only columns that the study declares), flow.csv."""
    import pandas as pd

    cohort = work.cohort
    table = cases_of(work.study, cohort, work.codes)
    base = {name: table[name].tolist() for name in ("case", "patient")}
    work.run.write_table("cases.csv", table)
    parts = [(f.name, part, rows) for f in work.folds for part, rows in parts_of(f).items()]
    frame = pd.concat([pd.DataFrame({"case": np.array(base["case"])[rows], "patient": np.array(base["patient"])[rows], "fold": f, "part": p}) for f, p, rows in parts])
    work.run.write_table("split.csv", frame)
    steps = pd.DataFrame([{"step": e.step, "reason": "" if e.id in e.reason else e.reason} for e in cohort.excluded], columns=["step", "reason"])
    flow = steps.groupby(["step", "reason"], sort=False).size().rename("n").reset_index()
    ends = pd.DataFrame([{"step": "assessed", "reason": "", "n": len(cohort) + len(cohort.excluded)}])
    used = pd.DataFrame([{"step": "included", "reason": "", "n": len(cohort)}])
    work.run.write_table("flow.csv", pd.concat([ends, flow, used], ignore_index=True))


def cases_of(study: Study, cohort: Cohort, codes_: Codes) -> pd.DataFrame:
    """Cases and patients by code, the site, and the columns that the study declares."""
    import pandas as pd

    ids, patients = cohort.ids(), cohort.column("patient").tolist()
    base = {"case": [codes_.cases[i] for i in ids], "patient": [codes_.patients[p] for p in patients], "site": [s or "" for s in cohort.column("site")]}
    asked = (c for analysis in study.analyses for c in analysis.columns)
    declared = dict.fromkeys((*study.subgroups, *asked, *(c for s in study.inputs.values() if s.kind == "table" for c in s.columns)))
    columns = {name: _common(cohort.column(name), patients) for name in declared if name != "site"}
    return pd.DataFrame(base | {k: v for k, v in columns.items() if any(x is not None for x in v)})


def _common(cells: np.ndarray, patients: Sequence[str]) -> np.ndarray:
    """A column without the words that one patient alone has: a name that slipped into it would be one."""
    holders: dict[str, set[str]] = {}
    for cell, patient in zip(cells, patients, strict=True):
        if isinstance(cell, str):
            holders.setdefault(cell, set()).add(patient)
    return np.array([ONCE if isinstance(c, str) and len(holders[c]) < 2 else c for c in cells] + [None], dtype=object)[:-1]


def parts_of(fold: Fold) -> dict[str, np.ndarray]:
    """The parts of a fold by name; a case that trains one fit and tunes another stands in both."""
    fits = {f"{part}{'' if len(fold.fits) == 1 else f' {k}'}": rows for k, fit in enumerate(fold.fits, 1) for part, rows in zip(("train", "tune"), fit, strict=True)}
    return fits | {"test": fold.test} | dict(fold.others)


def close(work: Work, found: Sequence[EvidenceRow]) -> Run:
    """Write the rows, the notes of every fit, times and memory, and mark the run finished."""
    import pandas as pd

    run = work.run
    run.write("rows.json", [r.plain() for r in found])
    run.write_table("rows.csv", pd.DataFrame([r.flat() for r in found]))
    shutil.rmtree(run.folder / "work", ignore_errors=True)
    fits = {p.relative_to(run.folder / "notes").with_suffix("").as_posix(): json.loads(p.read_text(encoding="utf-8")) for p in sorted((run.folder / "notes").rglob("*.json"))}
    seal = read(run)
    sealed = {"seal": {"plan": seal.hash, "sealed": seal.time, "head": seal.head}} if seal else {}
    run.write("run.json", run.about | sealed | {"fits": fits, "finished": datetime.now(UTC).isoformat(timespec="seconds"), "peak_memory_mb": peak_memory()})
    log.info("run %s: finished", run.folder.name)
    return run


def peak_memory() -> int:
    """The most memory that this process has held, in MB."""
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak / (1024 * 1024 if sys.platform == "darwin" else 1024))


def clock() -> float:
    """Seconds on a clock that never goes back."""
    return time.perf_counter()
