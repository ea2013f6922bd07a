"""Sealing a run while it is made: the plan before the first fit, each cut before its test part is judged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from osteon.engine.seal import FILE, Seal, Unlock, deviations, hash_of, plan_of, read
from osteon.progress import log
from osteon.run import Run
from osteon.study import Study


def seal_plan(run: Run, study: Study) -> None:
    """Hash and date the plan of an opened run folder; the first seal stays, and a run that has judged something already gets none."""
    if (run.folder / FILE).exists() or (run.folder / "lines").exists():
        return
    plan, time = plan_of(run, study), _now()
    seal = Seal(plan, time, hash=hash_of("", {"plan": plan, "time": time}))
    run.write(FILE, seal.plain())
    log.info("sealed: plan %s; deposit this hash elsewhere to prove more than the order of things", seal.hash)


def unlock(run: Run, model: str, fold: str, cuts: Mapping[tuple[str, str], float]) -> None:
    """Seal the cuts of one fold of one model, just before its test part is judged; what was sealed for it before stays, and other cuts are added below it."""
    seal = read(run)
    if seal is None:
        return
    told = {f"{target}.{finding}": None if math.isnan(cut) else cut for (target, finding), cut in cuts.items()}
    known = [u for u in seal.unlocks if (u.model, u.fold) == (model, fold)]
    if known and known[-1].cuts == told:
        log.info("%s, fold %s: test part was unlocked already, at %s, under the same cuts", model, fold, known[-1].time)
        return
    entry = {"model": model, "fold": fold, "cuts": told, "time": _now()}
    made = Unlock(model, fold, cuts=told, time=str(entry["time"]), hash=hash_of(seal.head, entry))
    run.write(FILE, replace(seal, unlocks=(*seal.unlocks, made)).plain())
    shown = ", ".join(f"{name} {'none' if cut is None else f'{cut:.6g}'}" for name, cut in told.items()) or "no target has one"
    log.info("%s, fold %s: cut sealed (%s; %s), test part unlocked", model, fold, shown, made.hash[:16])


def unlock_outside(run: Run, study: Study, home: Path, cuts: Mapping[str, Mapping[str, float]]) -> tuple[str, ...]:
    """Date the cuts (by model, target and finding) at which cases from elsewhere are about to be judged, in `home`; returns what does not fit the seal of the run."""
    seal, faults = read(run), deviations(run, study)
    told = {model: {name: None if math.isnan(cut) else cut for name, cut in found.items()} for model, found in cuts.items()}
    Run(home).write(FILE, {"run": seal.head if seal else "", "cuts": told, "time": _now(), "deviations": list(faults)})
    for fault in faults:
        log.warning("%s", fault)
    return faults


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
