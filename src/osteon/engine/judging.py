"""From answers to lines, from lines to cuts and rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.cohort import Cohort
from osteon.engine.folder import Work
from osteon.progress import log
from osteon.row import EvidenceRow, Question, Source, TwoByTwo
from osteon.run import Run, slug
from osteon.study import Study
from osteon.targets.lines import FALSE, OPEN, TRUE, Declared, Target, judged, table_at_cut
from osteon.value import Value

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("case", "patient", "site", "fold", "part", "target", "finding", "unit", "state", "score", "cut", "withheld")


def lines_of(work: Any, targets: Mapping[str, Target], cohort: Cohort, fold: str, part: str, given: Iterable[Mapping[str, Value]]) -> pd.DataFrame:
    """Every line of some cases; a case without a truth of a target gives none. `work` has the codes."""
    import pandas as pd

    out: list[dict[str, Any]] = []
    for case, answer in zip(cohort, given, strict=True):
        base = {"case": work.codes.cases[case.id], "patient": work.codes.patients[case.patient], "site": case.site, "fold": fold, "part": part}
        for name, target in targets.items():
            truth = case.truth.get(name.partition("@")[0])
            if truth is not None:
                for line in target.compare(truth, answer[name]):
                    out.append(base | {"target": name} | line.plain())
    frame = pd.DataFrame(out, columns=None if out else list(COLUMNS))
    return frame.assign(cut=np.nan) if len(frame) else frame


def asked(writes: Iterable[str], targets: Mapping[str, Target]) -> dict[str, Target]:
    """The targets among what a model writes; `target@member` is the target, answered by a member of a blend."""
    return {name: targets[name.partition("@")[0]] for name in writes if name.partition("@")[0] in targets}


def by_label(label: str, lines: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The lines of a model under its label, and those of each member of a blend under `label@member`."""
    names = lines["target"].str.partition("@")
    for member in dict.fromkeys(["", *names[2]]):
        yield f"{label}@{member}" if member else label, lines[names[2] == member].assign(target=names[0])


def chosen_cuts(targets: Mapping[str, Target], tuned: pd.DataFrame) -> dict[tuple[str, str], float]:
    """The cut of each target and finding: declared (0 = at the cut), or chosen on the tune part; NaN where that holds one state only."""
    cuts: dict[tuple[str, str], float] = {}
    for name, target in targets.items():
        rule = target.cut
        if rule is None:
            continue
        for finding in target.findings:
            known = counted(judged(tuned[(tuned["target"] == name) & (tuned["finding"] == finding)]))
            if isinstance(rule, Declared):
                cuts |= {(name, finding): 0.0} if finding == target.findings[0] else {}
                continue
            truth = (known["state"] == TRUE).to_numpy()
            if len(known) and known["score"].isin((0.0, 1.0)).all():  # yes or no: there is nothing to choose
                cuts[name, finding] = 0.5
            elif truth.all() or not truth.any():
                log.warning("%s, %s: the tune part holds one state only, so no cut could be chosen", name, finding)
                cuts[name, finding] = float("nan")
            else:
                cuts[name, finding] = rule.choose(truth, known["score"].to_numpy(float))
    return cuts


def counted(lines: pd.DataFrame) -> pd.DataFrame:
    """The lines that a two-by-two counts: cases, images and sides, not the lesions and marks of a detector."""
    return lines[~lines["unit"].isin(("lesion", "mark"))]


def rows(work: Work) -> list[EvidenceRow]:
    """Every row of a run: model by target by finding on the test part, the primary one first."""
    out = [row for label in work.study.labels for row in rows_of_model(work.run, work.study, label, work.run.lines(label))]
    ceilings = work.cohort.notes.get("ceilings", {})
    out = [_beside(row, ceilings) for row in out]
    return sorted(out, key=lambda r: not r.question.primary)


def rows_of_model(run: Run, study: Study, label: str, lines: pd.DataFrame, *, part: str = "test", named: str = "internal test", cohort: Mapping[str, Any] | None = None) -> list[EvidenceRow]:
    """The rows of one model on one part of its lines; `cohort` (name, origin) is that of the run unless given."""
    about = cohort or run.about["cohort"]
    cost = _seconds_per_case(run, label.partition("@")[0])
    out = []
    for name in (t for t in study.labels[label] if t in study.targets):
        target = study.targets[name]
        mine = lines[(lines["target"] == name) & (lines["part"] == part)]
        for finding in target.findings:
            found = mine[mine["finding"] == finding]
            primary = label == next(iter(study.models)) and name == study.primary and finding == target.findings[0] and named == "internal test"
            source = Source(study.name, label, factors=dict(study.factors(label)) | _began(run, label), reference=study.reference, areas=study.areas, cohort=about["name"], origin=about["origin"], part=named,
                            site="; ".join(sorted(set(found["site"].astype(str)) - {""})) if len(found) else "")
            question = Question(name, finding, primary=primary, unit=study.unit if "unit" not in found or not len(found) else counted_unit(found, study.unit))
            out.append(EvidenceRow(source, question, table=two_by_two(target, found), counts=counts(found), metrics=metrics(target, found),
                                   seconds_per_case=cost, run=run.folder.name))
    return out


def counted_unit(lines: pd.DataFrame, named: str) -> str:
    """The unit of a row: the study's own where lines are cases or sides, else image."""
    return "image" if (lines["unit"] == "image").any() else named


def metrics(target: Target, lines: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """The metrics of a finding as plain data; none where there is no line."""
    if not len(lines):
        return {}
    return {name: asdict(interval) for name, interval in target.metrics(lines).items()}


def two_by_two(target: Target, lines: pd.DataFrame) -> TwoByTwo | None:
    """The counts at the cut; None where the finding has no states or no cut."""
    known = counted(judged(lines)) if len(lines) else lines
    if target.cut is None or not len(known) or known["cut"].isna().any():
        return None
    tp, fp, fn, tn = table_at_cut(known)
    if isinstance(target.cut, Declared):
        value = target.cut.above if target.cut.above is not None else target.cut.below
        return TwoByTwo(tp, fp, fn, tn, value, "declared")
    return TwoByTwo(tp, fp, fn, tn, float(np.median(known["cut"])), "tune")


def counts(lines: pd.DataFrame) -> dict[str, int]:
    """n answered and judged, indeterminate (open reference standard), withheld, and patients; three counts that are never merged."""
    if not len(lines):
        return {"n": 0, "indeterminate": 0, "withheld": 0, "patients": 0}
    units = counted(lines)
    held = int((units["withheld"] != "").sum())
    return {"n": len(units) - held, "positive": int((units["state"] == TRUE).sum()), "negative": int((units["state"] == FALSE).sum()),
            "indeterminate": int((units["state"] == OPEN).sum()), "withheld": held, "patients": int(units["patient"].nunique())}


def _began(run: Run, label: str) -> dict[str, str]:
    """From which weights a network began, as a factor of its row; nothing for a model that is none."""
    fits = [fit for note in run.notes(label.partition("@")[0]) for fit in note.values() if isinstance(fit, dict) and "started_from" in fit]
    return {"weights": "given" if any(fit["started_from"] for fit in fits) else "from scratch"} if fits else {}


def _seconds_per_case(run: Run, label: str) -> float | None:
    notes = [json.loads(p.read_text(encoding="utf-8")) for p in (run.folder / "notes" / slug(label)).glob("*.json")]
    seconds = [n["seconds_per_case"] for n in notes if "seconds_per_case" in n]
    return float(np.mean(seconds)) if seconds else None


def _beside(row: EvidenceRow, ceilings: Mapping[str, Any]) -> EvidenceRow:
    """The row with the ceiling of its simulator beside each metric that has one."""
    from dataclasses import replace

    known = ceilings.get(row.question.target, {}).get(row.question.finding, {})
    add = {f"ceiling_{k}": {"estimate": v, "lower": v, "upper": v, "level": 1.0, "method": "known risk of the simulator", "reason": ""} for k, v in known.items()}
    return replace(row, metrics={**row.metrics, **add}) if add else row
