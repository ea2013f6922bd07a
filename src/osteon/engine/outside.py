"""A finished run asked about other cases: external validation, and answers for new ones."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from osteon.case import Case, Deferred, Lazy
from osteon.cohort import Cohort, Excluded
from osteon.engine.fitting import answers
from osteon.engine.folder import Codes, cases_of, codes, digest
from osteon.engine.judging import asked, by_label, lines_of, rows_of_model
from osteon.engine.reading import fault, unreadable
from osteon.engine.sealing import unlock_outside
from osteon.errors import DataError, Refused, RunError, message, near
from osteon.progress import log, track
from osteon.row import EvidenceRow
from osteon.run import DAMAGED, Run, slug
from osteon.studies import study_of
from osteon.study import Study
from osteon.validation import shift_pictures
from osteon.validation.saved import load_final
from osteon.value import KSpace, Picture, Value, Withheld

INDEPENDENCE = "independence"  # the step at which cases of known patients leave
PATIENTS = "patients.json"
MOST_FRAMES = 300  # of a video that is answered
UNCOMPARED = "whether patients are shared with the cases that the run was made with could not be told, for those are not at hand"


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
    """External validation: no retraining, the cuts of the run, the same rows; written to external/<cohort>/ of the run folder.

    Cases of patients that the run was made with are left out and listed. Raises DataError where none is left, or the cohort is that of the run.
    """
    import pandas as pd

    study = study_of(run)
    if cohort.folder and digest(cohort) == run.about["cohort"].get("table"):
        raise DataError(message(cohort.folder, "the run was trained on this very cohort", expected="cases that the run has not seen", do="Its own test part is in the report"))
    fit_for = cohort.conform(study.inputs, study.targets, eligible=study.eligible, answered=(study.primary,))
    known = _known(run, cohort)
    fit_for = fit_for.leave_out(_shared(fit_for, known or ()))
    fit_for = fit_for.leave_out(unreadable(fit_for, study.inputs, study.targets))
    home, out, outside = run.folder / "external" / slug(cohort.name), [], _Outside(codes(cohort))
    trained = [label for label in study.models if label in run.about["models"]]  # a small budget trains fewer arms
    fixed = {label: _cuts(run, label) for label in trained}
    unlock_outside(run, study, home, fixed)
    about = {"name": cohort.name, "origin": cohort.origin}
    for label in trained:
        models = load_final(run.models(label), study.models[label], study.targets)
        targets = asked(models[0].writes, study.targets)
        given = track(answers(models, fit_for, targets), len(fit_for), what=f"{label}: {cohort.name}")
        lines = lines_of(outside, targets, fit_for, "external", "external", given)
        lines["cut"] = [fixed[label].get(f"{t}.{f}", np.nan) for t, f in zip(lines["target"], lines["finding"], strict=True)]
        for name, found in by_label(label, lines):
            Run(home).write_table(f"lines/{slug(name)}.csv", found)
            out += rows_of_model(run, study, name, found, part="external", named="external validation", cohort=about)
    Run(home).write(PATIENTS, {"compared": known is not None, "shared": sum(e.step == INDEPENDENCE for e in fit_for.excluded)})
    Run(home).write("rows.json", [r.plain() for r in out])
    Run(home).write_table("rows.csv", pd.DataFrame([r.flat() for r in out]))
    excluded = pd.DataFrame([{"step": e.step, "reason": e.reason} for e in fit_for.excluded], columns=["step", "reason"])
    Run(home).write_table("flow.csv", excluded.groupby(["step", "reason"], sort=False).size().rename("n").reset_index())
    Run(home).write_table("cases.csv", cases_of(study, fit_for, outside.codes))
    pictures = shift_pictures.of_cohort(fit_for, study, outside.codes.cases)
    if pictures is not None:
        Run(home).write_table(f"{shift_pictures.FILE}.csv", pictures)
    log.info("%s: validated on %s, %d cases", run.folder.name, cohort.name, len(fit_for))
    return tuple(out)


def _known(run: Run, cohort: Cohort) -> frozenset[str] | None:
    """The ids of the patients that the run was made with; None where they can not be told, for a run keeps none: only its cohort folder has them.

    Nobody is shared by simulated and other cases, or by two seeds or sites of a simulator.
    """
    about = run.about["cohort"]
    if "simulated" in (about["origin"], cohort.origin) and _drawn(about) != _drawn({"origin": cohort.origin, "notes": cohort.notes}):
        return frozenset()
    whole = Cohort.from_folder(run.cohort_folder) if run.cohort_folder else None
    if whole is None or digest(whole) != about.get("table"):
        return None
    made_with = set(run.table("split")["patient"])
    return frozenset(patient for patient, code in codes(whole).patients.items() if code in made_with)


def _drawn(about: Mapping[str, Any]) -> tuple[Any, ...]:
    """What a simulator drew its people from."""
    call = about["notes"].get("call") or {}
    return (about["origin"], about["notes"].get("simulator"), call.get("seed"), call.get("site"))


def _shared(cohort: Cohort, known: Collection[str]) -> list[Excluded]:
    """The cases of known patients; raises DataError where that is all of them."""
    cases = zip(cohort.ids(), cohort.column("patient").tolist(), strict=True)
    out = [Excluded(case, INDEPENDENCE, "the patient is one of those that the run was made with") for case, patient in cases if patient in known]
    if out and len(out) == len(cohort):
        raise DataError(message(f"cohort {cohort.name}", "every patient is one of those that the run was made with", expected="patients that the run has not seen",
                                do="If these are other people, give them a patient_id of their own"))
    return out


def left_out(run: Run, cohort: Cohort) -> list[str]:
    """What a validation on a cohort did without, in sentences: cases by reason, and the comparison of patients where their run is not at hand."""
    home = Run(run.folder / "external" / slug(cohort.name))
    flow = home.table("flow")
    out = [f"left out: {n} of {cohort.name}, {reason}" for reason, n in zip(flow["reason"], flow["n"], strict=True)]
    compared = json.loads((home.folder / PATIENTS).read_text(encoding="utf-8"))["compared"]
    return out if compared else [*out, UNCOMPARED]


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
    models = load_final(run.models(label), study.models[label], study.targets)
    targets = asked(models[0].writes, study.targets)
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
        pictures = [case.inputs[n] for n in case.inputs if study.inputs[n].kind in ("picture", "kspace")]
        known = [bool(p.notes.get("simulated")) for p in pictures if isinstance(p, (Picture, KSpace))]
        if cohort.origin != "simulated" and not (known and all(known)):
            raise Refused(message(named(case), "this model was trained on simulated cases only and has not seen a patient", expected="a simulated case",
                                  do="Train on your own films (`osteon run STUDY --cohort DIR`), or repeat with --simulated-weights-ok to see a demonstration"))


def from_files(study: Study, paths: Sequence[Path]) -> Cohort:
    """A cohort of files, one case each, read as the one picture or volume that the study reads; raises DataError."""
    wanted = [n for n, s in study.inputs.items() if s.kind != "table" and not s.optional]
    tables = [n for n, s in study.inputs.items() if s.kind == "table"]
    if len(wanted) != 1 or tables:
        raise DataError(message(study.name, f"the study reads {', '.join([*wanted, *tables])} of each case, more than one film can hold",
                                do="Put the cases into a cohort folder and give that (`osteon show` names its columns)"))
    kind = study.inputs[wanted[0]].kind
    missing = [p for p in paths if not p.exists()]
    if missing or not paths:
        raise DataError(message(missing[0] if missing else study.name, "there is no such file" if missing else "no file was given"))
    cases = [case for k, p in enumerate(paths, 1) for case in _cases_of(str(k), p, wanted[0], kind, alone=len(paths) == 1)]
    return Cohort("new cases", "own", cases=cases)


def _cases_of(number: str, path: Path, name: str, kind: str, *, alone: bool) -> list[Case]:
    """The case of a file, read at once where it is the only one; of a video a case a frame, a few hundred evenly spaced ones of a long one."""
    from osteon.readers import read_input, read_video
    from osteon.readers.kinds import kind_of

    if kind == "picture" and path.is_file() and kind_of(path) == "video":
        films = {n: Deferred(partial(read_input, path, kind, frame=n)) for n in read_video(path).evenly(MOST_FRAMES)}
        return [Case(f"{number}.{n}", number, inputs=Lazy({name: film}), attributes={"file": str(path.with_name(f"{path.stem}_{n:06d}{path.suffix}"))}) for n, film in films.items()]
    film = read_input(path, kind) if alone else Deferred(partial(read_input, path, kind))
    return [Case(number, number, inputs=Lazy({name: film}), attributes={"file": str(path)})]
