"""Fit one model on one fold, judge it, and put the result in place whole."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from osteon.cohort import Cohort
from osteon.cohort.folder import whole
from osteon.cohort.rows import Rows
from osteon.design import Fold
from osteon.engine.folder import Work, clock
from osteon.engine.judging import asked, by_label, chosen_cuts, lines_of
from osteon.engine.sealing import unlock
from osteon.errors import DataError, message
from osteon.models import Desk, Model
from osteon.progress import log, track
from osteon.run import slug
from osteon.seeds import derive
from osteon.study import Study
from osteon.targets import Classes
from osteon.validation.saved import loaded
from osteon.value import Mask, Value


def strata(cohort: Cohort, study: Study) -> np.ndarray:
    """Whether each case is positive for the main finding (1), not (0) or unknown (2), so that parts resemble each other."""
    target = study.targets[study.primary]
    finding = target.findings[0] if target.findings else ""
    if isinstance(cohort.cases, Rows) and target.cut is None:
        return np.zeros(len(cohort), int)
    states = [target.is_positive(case.truth[study.primary], finding) if study.primary in case.truth else None for case in cohort]
    return np.array([2 if s is None else int(s) for s in states])


def learnable(cohort: Cohort, study: Study, folds: Sequence[Fold]) -> None:
    """Raises DataError where a train part lacks two cases of two classes of a target of classes, before any work is done."""
    for name, target in study.targets.items():
        if not isinstance(target, Classes) or name not in study.answered:  # one that only readers answer is not learnt
            continue
        rows = cohort.cases
        cells = rows.column(name) if isinstance(rows, Rows) and name in rows.frame else [getattr(case.truth.get(name), "name", None) for case in cohort]
        held = np.array([c if c in target.names else "" for c in cells], object)
        for label, train in ((fold.name, train) for fold in folds for train, _ in fold.fits):
            sizes = {c: int((held[train] == c).sum()) for c in target.names}
            if sum(size > 1 for size in sizes.values()) < 2:
                found = ", ".join(f"{size} {c}" for c, size in sizes.items())
                raise DataError(message(f"fold {label}, train part", f"every case of {name!r} but one at most has one class", expected="two cases or more of two classes",
                                        found=f"Found {found}", do="Give more cases of the other classes"))


def fit_fold(work: Work, label: str, model: Model, fold: Fold) -> None:
    """Fit, save, answer tune, test and further parts, write lines and values; nothing where that is done already."""
    if is_done(work, label, fold):
        return
    done = _notes(work, label, fold)
    notes: dict[str, Any] = {"fold": fold.name}
    fitted, seconds = [], 0.0
    for k in range(len(fold.fits)):
        one, about = fit_one(work, label, model, fold, k)
        fitted.append(one)
        notes[f"fit {k + 1}"] = about["notes"]
        seconds += about["seconds"]
    notes["seconds_fit"] = seconds
    if len(fold.test):
        _judge(work, label, fitted, fold, notes)
    done.parent.mkdir(parents=True, exist_ok=True)
    whole(done, json.dumps(notes, indent=1, default=float))
    log.info("%s, fold %s: fitted in %.1f s", label, fold.name, notes["seconds_fit"])


def is_done(work: Work, label: str, fold: Fold) -> bool:
    """Whether a model is fitted and judged on a fold."""
    return _notes(work, label, fold).exists()


def _notes(work: Work, label: str, fold: Fold) -> Path:
    return work.run.folder / "notes" / slug(label) / f"{slug(fold.name)}.json"


def model_home(work: Work, label: str, fold: Fold, k: int) -> Path:
    """The folder of one fit of a model."""
    return work.run.folder / "models" / slug(label) / slug(fold.name) / str(k + 1)


def fit_one(work: Work, label: str, model: Model, fold: Fold, k: int) -> tuple[Model, Mapping[str, Any]]:
    """One fit and what is kept about it (notes, seconds), or the saved one where it is there; a model folder is renamed into place when it is complete."""
    home = model_home(work, label, fold, k)
    if home.exists():
        return loaded(model, home, work.study.targets), json.loads((home / "fit.json").read_text(encoding="utf-8"))
    start, scratch = clock(), work.run.folder / "work" / slug(label) / slug(fold.name) / str(k + 1)
    desk = Desk(work.budget, derive(work.seed, label, fold.name, k), folder=scratch)
    train, tune = (work.cohort.take(rows) for rows in fold.fits[k])
    fitted = model.fit(train, tune, work.study.targets, desk)
    part = home.with_name(f".{home.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    fitted.save(part)
    about = {"trained_on": work.cohort.origin, "cohort": work.cohort.name, "study": work.study.name, "model": label, "notes": desk.notes, "seconds": clock() - start}
    whole(part / "fit.json", json.dumps(about, indent=1, default=str))
    part.rename(home)
    shutil.rmtree(scratch, ignore_errors=True)
    return fitted, about


def _judge(work: Work, label: str, fitted: Sequence[Model], fold: Fold, notes: dict[str, Any]) -> None:
    import pandas as pd

    targets = asked(fitted[0].writes, work.study.targets)
    tuned = [(rows, [m]) for m, (_, rows) in zip(fitted, fold.fits, strict=True)]
    frames = [lines_of(work, targets, part, fold.name, "tune", answers(models, part, targets)) for rows, models in tuned for part in (work.cohort.take(rows),)]
    cuts = chosen_cuts(targets, pd.concat(frames, ignore_index=True))
    unlock(work.run, label, fold.name, cuts)
    start = clock()
    for part, rows in {"test": fold.test, **fold.others}.items():
        cases = work.cohort.take(rows)
        given = list(_kept(work, label, fold, part, cases, track(answers(fitted, cases, targets), len(cases), what=f"{label}: {part}")))
        frames.append(lines_of(work, targets, cases, fold.name, part, given))
        if part == "test":
            notes["seconds_per_case"] = (clock() - start) / max(1, len(rows))
    lines = pd.concat(frames, ignore_index=True)
    lines["cut"] = [cuts.get((t, f), np.nan) for t, f in zip(lines["target"], lines["finding"], strict=True)]
    for name, found in by_label(label, lines):
        work.run.write_table(f"lines/{slug(name)}/{slug(fold.name)}.csv", found)
    notes["cuts"] = {f"{t}.{f}": c for (t, f), c in cuts.items()}


def answers(models: Sequence[Model], cohort: Cohort, targets: Mapping[str, Any]) -> Iterator[dict[str, Value]]:
    """The answer of each case: of one model, or the target's mean over several; of the targets, those that the fitted models write (a small budget fits fewer members of a blend)."""
    told = [t for t in targets if all(t in m.writes for m in models)]
    for given in zip(*(m.predict(cohort) for m in models), strict=True):
        yield {t: targets[t].mean([g[t] for g in given]) if len(given) > 1 else given[0][t] for t in told}


def _kept(work: Work, label: str, fold: Fold, part: str, cohort: Cohort, given: Iterator[dict[str, Value]]) -> Iterator[dict[str, Value]]:
    """Pass answers on and keep them below values/: plain ones in one file of a part, masks as files of their own."""
    from osteon.readers import to_plain, write_value

    folder = work.run.folder / "values" / slug(label)
    folder.mkdir(parents=True, exist_ok=True)
    out = []
    for case_id, answer in zip(cohort.ids(), given, strict=True):
        code = work.codes.cases[case_id]
        plain = {t: {"file": write_value(folder / f"{code}_{t}", v).name} if isinstance(v, Mask) else to_plain(v) for t, v in answer.items()}
        out.append(json.dumps({"case": code, "fold": fold.name, "part": part, "values": plain}, ensure_ascii=False))
        yield answer
    whole(folder / f"{slug(fold.name)}-{slug(part)}.jsonl", "\n".join(out) + "\n")
