"""A finished run asked about other cases: external validation, and answers for new ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from osteon.case import Case, Deferred, Lazy
from osteon.cohort import Cohort, Excluded
from osteon.engine.fitting import answers, load_final
from osteon.engine.folder import Codes, codes, digest
from osteon.engine.judging import lines_of, rows_of_model
from osteon.engine.reading import fault, unreadable
from osteon.errors import DataError, Refused, RunError, message, near
from osteon.progress import log, track
from osteon.row import EvidenceRow
from osteon.run import DAMAGED, Run, slug
from osteon.studies import study_of
from osteon.study import Study
from osteon.value import Picture, Value, Withheld


@dataclass(frozen=True, eq=False)
class Answer:
    """The answer of a run for one new case: a value a target, and whether it rests on simulated training cases only."""

    case: Case
    values: Mapping[str, Value]
    simulated_weights: bool


@dataclass(frozen=True, eq=False)
class _Outside:
    codes: Codes


def validate(run: Run, cohort: Cohort) -> tuple[EvidenceRow, ...]:
    """External validation: no retraining, the cuts of the run, the same rows; written to external/<cohort>/ of the run folder."""
    import pandas as pd

    study = study_of(run)
    if cohort.folder and digest(cohort) == run.about["cohort"].get("table"):
        raise DataError(message(cohort.folder, "the run was trained on this very cohort", expected="cases that the run has not seen", do="Its own test part is in the report"))
    fit_for = cohort.conform(study.inputs, study.targets, eligible=study.eligible, answered=(study.primary,))
    fit_for = fit_for.leave_out(unreadable(fit_for, study.inputs, study.targets))
    home, out, outside = run.folder / "external" / slug(cohort.name), [], _Outside(codes(cohort))
    for label in run.labels:
        targets = {t: study.targets[t] for t in study.models[label].writes if t in study.targets}
        models = load_final(run.models(label), study.models[label], study.targets)
        given = track(answers(models, fit_for, targets), len(fit_for), what=f"{label}: {cohort.name}")
        lines = lines_of(outside, targets, fit_for, "external", "external", given)
        cuts = _cuts(run, label)
        lines["cut"] = [cuts.get(f"{t}.{f}", np.nan) for t, f in zip(lines["target"], lines["finding"], strict=True)]
        Run(home).write_table(f"lines/{slug(label)}.csv", lines)
        about = {"name": cohort.name, "origin": cohort.origin}
        out += rows_of_model(run, study, label, lines, part="external", named="external validation", cohort=about)
    Run(home).write("rows.json", [r.plain() for r in out])
    Run(home).write_table("rows.csv", pd.DataFrame([r.flat() for r in out]))
    excluded = pd.DataFrame([{"step": e.step, "reason": e.reason} for e in fit_for.excluded], columns=["step", "reason"])
    Run(home).write_table("flow.csv", excluded.groupby(["step", "reason"], sort=False).size().rename("n").reset_index())
    log.info("%s: validated on %s, %d cases", run.folder.name, cohort.name, len(fit_for))
    return tuple(out)


def _cuts(run: Run, label: str) -> dict[str, float]:
    """The median over folds of each cut; raises RunError where their files are gone."""
    found: dict[str, list[float]] = {}
    paths = sorted((run.folder / "notes" / slug(label)).glob("*.json"))
    if not paths:
        raise RunError(message(run.folder / "notes" / slug(label), "the cuts of the model are gone", do=DAMAGED))
    for path in paths:
        for name, cut in json.loads(path.read_text(encoding="utf-8")).get("cuts", {}).items():
            found.setdefault(name, []).append(float(cut))
    return {name: float(np.nanmedian(cuts)) if not np.isnan(cuts).all() else float("nan") for name, cuts in found.items()}


def predict(run: Run, cases: Cohort | Sequence[Path], *, model: str | None = None, simulated_weights_ok: bool = False) -> Iterator[Answer]:
    """Answer new cases with the model for new cases (the paper's own unless named).

    Raises Refused for a film that is not simulated where the model saw simulated cases only, unless told otherwise; DataError for bad files.
    """
    study = study_of(run)
    label = model or run.labels[0]
    if label not in study.models:
        raise RunError(message(run.folder, f"the run has no model {label!r}", do=near(label, run.labels)))
    cohort = cases if isinstance(cases, Cohort) else from_files(study, cases)
    given = cohort.conform(study.inputs, study.targets)
    targets = {t: study.targets[t] for t in study.models[label].writes if t in study.targets}
    models = load_final(run.models(label), study.models[label], study.targets)
    only_simulated = run.about["cohort"]["origin"] == "simulated"
    held = {case.id: reason for case in given if (reason := _held(case, study))}
    if len(held) == len(given):
        case = given.cases[0]
        raise DataError(message(named(case), "no answer can be given", found=held[case.id] + ("" if len(held) == 1 else f" The same or worse: {len(held) - 1} more")))
    cohort = given.leave_out([Excluded(i, "reading", reason) for i, reason in held.items()])
    if only_simulated and not simulated_weights_ok:
        _refuse_patients(cohort, study)
    answered = answers(models, cohort, targets)
    for case in given:
        yield Answer(case, {t: Withheld(held[case.id]) for t in targets} if case.id in held else next(answered), only_simulated)


def _held(case: Case, study: Study) -> str:
    """Why a case can not be answered; empty where it can."""
    reason, detail = fault(case, study.inputs, {}, lengths=False)
    return detail if reason.endswith("can not be read") else f"{reason}. {detail}" if reason else ""


def named(case: Case) -> str:
    """How a message calls a case: by its file, else by its id."""
    return str(case.attributes.get("file") or f"case {case.id}")


def _refuse_patients(cohort: Cohort, study: Study) -> None:
    for case in cohort:
        pictures = [case.inputs[n] for n in case.inputs if study.inputs[n].kind == "picture"]
        known = [bool(p.notes.get("simulated")) for p in pictures if isinstance(p, Picture)]
        if cohort.origin != "simulated" and not (known and all(known)):
            raise Refused(message(named(case), "this model was trained on simulated cases only and has not seen a patient", expected="a simulated case",
                                  do="Train on your own films (`osteon run STUDY --cohort DIR`), or repeat with --simulated-weights-ok to see a demonstration"))


def from_files(study: Study, paths: Sequence[Path]) -> Cohort:
    """A cohort of files, one case each, read as the one picture or volume that the study reads; raises DataError."""
    from osteon.readers import read_input

    wanted = [n for n, s in study.inputs.items() if s.kind != "table" and not s.optional]
    tables = [n for n, s in study.inputs.items() if s.kind == "table"]
    if len(wanted) != 1 or tables:
        raise DataError(message(study.name, f"the study reads {', '.join([*wanted, *tables])} of each case, more than one film can hold",
                                do="Put the cases into a cohort folder and give that (`osteon show` names its columns)"))
    kind = study.inputs[wanted[0]].kind
    missing = [p for p in paths if not p.exists()]
    if missing or not paths:
        raise DataError(message(missing[0] if missing else study.name, "there is no such file" if missing else "no file was given"))
    films = {p: read_input(p, kind) if len(paths) == 1 else Deferred(partial(read_input, p, kind)) for p in paths}  # a single film is read once
    cases = [Case(f"{k}", f"{k}", inputs=Lazy({wanted[0]: films[p]}), attributes={"file": str(p)}) for k, p in enumerate(paths, 1)]
    return Cohort("new cases", "own", cases=cases)
