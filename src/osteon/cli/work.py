"""run, predict, validate and report: a study on data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from osteon.cli.screen import Json, plain

if TYPE_CHECKING:
    from osteon.budget import Budget
    from osteon.cohort import Cohort
    from osteon.design import Design
    from osteon.row import EvidenceRow
    from osteon.run import Run

STAMP = "Simulated training cases only: a demonstration, not clinical evidence"
StudyName = Annotated[str, typer.Argument(help="name of a study, or a .py file that declares one")]
RunFolder = Annotated[Path, typer.Argument(help="the folder of a run")]
SimulatedOk = Annotated[bool, typer.Option("--simulated-weights-ok", help="answer patients' films with a model that has seen simulated ones only: a demonstration")]


def run(study: StudyName, cohort: Annotated[Path | None, typer.Option(help="your cohort folder; without it cases are simulated")] = None,
        dataset: Annotated[str, typer.Option(help="NAME=FOLDER, a public data set that the study has an adapter for")] = "",
        budget: Annotated[str, typer.Option(help="smoke, laptop or gpu")] = "laptop", cases: Annotated[int | None, typer.Option(help="number of simulated cases")] = None,
        seconds: Annotated[float | None, typer.Option(help="cap on the seconds of each fit")] = None, seed: int = 0,
        folds: Annotated[int | None, typer.Option(help="cross-validation with so many folds in place of the study's design")] = None,
        out: Annotated[Path | None, typer.Option(help="folder of the run; by default below runs/")] = None, json: Json = False) -> None:
    """Train, validate and report a study; a run that was cut short goes on where it stopped."""
    from osteon import engine
    from osteon.report import report as write
    from osteon.studies import study as find

    declared = find(study)
    data = _cohort(declared, cohort, dataset)
    done = engine.run(declared, data, seed=seed, budget=_budget(budget, cases, seconds), design=_design(folds), out=out)
    page = write(done)
    if json:
        plain({"run": str(done.folder), "report": str(page), "rows": [r.plain() for r in done.rows]})
        return
    for row in done.rows[:1]:
        typer.echo(sentence(row))
    typer.echo(str(page.resolve()))


def _budget(name: str, cases: int | None, seconds: float | None) -> Budget:
    from osteon.budget import budget
    from osteon.errors import DataError, message

    if cases is not None and cases < 1 or seconds is not None and seconds <= 0:
        raise DataError(message("run", "cases and seconds must be above 0", found=f"Found {cases}, {seconds}"))
    changes: dict[str, Any] = {"cases": cases, "rows": cases} if cases else {}
    return budget(name).with_(**changes, **({"seconds": seconds} if seconds else {}))


def _design(folds: int | None) -> Design | None:
    from osteon.design import CrossValidation
    from osteon.errors import DataError, message

    if folds is not None and folds < 2:
        raise DataError(message("--folds", "cross-validation needs two folds or more", found=f"Found {folds}"))
    return CrossValidation(folds) if folds else None


def _cohort(study: Any, folder: Path | None, dataset: str) -> Cohort | None:
    from osteon.cohort import Cohort
    from osteon.errors import DataError, message, near

    if folder and dataset:
        raise DataError(message("run", "a cohort and a data set were both given", do="Give one of --cohort and --dataset"))
    if not dataset:
        return Cohort.from_folder(folder) if folder else None
    name, _, root = dataset.partition("=")
    if name not in study.datasets or not root:
        raise DataError(message("run", f"there is no data set {name!r} for {study.name}", expected="NAME=FOLDER", do=near(name, study.datasets)))
    made: Cohort = study.datasets[name](Path(root))
    return made


def sentence(row: EvidenceRow) -> str:
    """The primary result in one line."""
    q, found = row.question, {k: v for k, v in row.metrics.items() if v["estimate"] == v["estimate"]}
    name = next((m for m in ("auc", "mae", "dice", "ap") if m in found and not (m == "auc" and "mae" in found)), "")
    kind = "Software verification on simulated cases" if row.source.origin == "simulated" else f"{row.source.cohort}"
    figure = f"{name.upper()} {found[name]['estimate']:.3g} ({found[name]['lower']:.3g} to {found[name]['upper']:.3g})" if name else "no figure"
    return f"{kind}: {row.source.model}, {q.target} {q.finding}: {figure}, n = {row.counts.get('n', 0)}."


def predict(run: RunFolder, files: Annotated[list[Path], typer.Argument(help="films, or one cohort folder")],
            out: Annotated[Path, typer.Option(help="folder for the answers")] = Path("."), model: Annotated[str, typer.Option(help="another model of the run")] = "",
            simulated_weights_ok: SimulatedOk = False, json: Json = False) -> None:
    """Answer new cases: one JSON file a case and, for a film, a PNG with landmarks, axes and angles drawn."""
    from osteon import engine
    from osteon.cohort import Cohort
    from osteon.run import Run

    opened = Run.open(run)
    whole = len(files) == 1 and files[0].is_dir()
    cases: Any = Cohort.from_folder(files[0]) if whole else files
    taken: set[str] = set()
    written = [_write(opened, answer, out, taken) for answer in engine.predict(opened, cases, model=model or None, simulated_weights_ok=simulated_weights_ok)]
    if json:
        plain(written)
        return
    for w in written:
        typer.echo(", ".join(part for part in (f"{w['file'] or w['case']}: {w['json']}", w["overlay"]) if part))
        for note in w["notes"]:
            typer.echo(f"  {note}", err=True)


def _write(run: Any, answer: Any, out: Path, taken: set[str]) -> dict[str, Any]:
    import json as codec

    from osteon.cohort.folder import whole
    from osteon.readers import to_plain
    from osteon.readers.files import replacing
    from osteon.value import Mask, Picture, Withheld

    file = answer.case.attributes.get("file", "")
    stem = _free(Path(file).stem if file else f"case_{answer.case.id}", taken)
    values = {t: to_plain(v) for t, v in answer.values.items() if not isinstance(v, Mask)}
    warning = "This model was trained on simulated films only. The figures are a demonstration and say nothing about a patient." if answer.simulated_weights else ""
    notes = _notes(answer.values)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{stem}.json"
    whole(path, codec.dumps({"study": run.about["study"], "run": run.folder.name, "warning": warning, "notes": notes, "values": values}, indent=1, ensure_ascii=False))
    held = all(isinstance(v, Withheld) for v in answer.values.values())
    pictures = [] if held else [v for v in (answer.case.inputs[n] for n in answer.case.inputs) if isinstance(v, Picture)]
    overlay = ""
    if pictures:
        from osteon.report.overlay import overlay as draw
        from osteon.studies import study_of

        png = out / f"{stem}.png"
        with replacing(png) as part:
            part.write_bytes(draw(pictures[0], answer.values, study_of(run).targets, note=STAMP if answer.simulated_weights else ""))
        overlay = str(png)
    return {"case": answer.case.id, "file": str(file), "json": str(path), "overlay": overlay, "warning": warning, "notes": notes, "values": values}


def _free(stem: str, taken: set[str]) -> str:
    """The stem, or with a number where another film of the call has it already."""
    name = next(n for n in (stem, *(f"{stem}_{k}" for k in range(2, len(taken) + 3))) if n not in taken)
    taken.add(name)
    return name


def _notes(values: Any) -> list[str]:
    """What was withheld, and why."""
    from osteon.value import Readings, Withheld

    gaps: dict[str, list[str]] = {}
    for t, v in values.items():
        found = {t: v.reason} if isinstance(v, Withheld) else v.reasons if isinstance(v, Readings) else {}
        for name, why in found.items():
            gaps.setdefault(why, []).append(name)
    return [f"no {', '.join(names)}: {why}" for why, names in gaps.items()]


def validate(run: RunFolder, cohort: Annotated[Path, typer.Option(help="the cohort folder of another site")], json: Json = False) -> None:
    """External validation: the models and cuts of a run on another cohort, nothing trained; the report gets a section."""
    from osteon import engine
    from osteon.cohort import Cohort
    from osteon.engine.outside import left_out
    from osteon.report import report as write
    from osteon.run import Run

    opened, given = Run.open(run), Cohort.from_folder(cohort)
    found = engine.validate(opened, given)
    page, gone = write(opened), left_out(opened, given)
    if json:
        plain({"report": str(page), "rows": [r.plain() for r in found], "left_out": gone, "deviations": _deviations(opened)})
        return
    _tell_deviations(opened)
    for told in gone:
        typer.echo(told, err=True)
    asked = opened.primary.question
    typer.echo("\n".join(sentence(r) for r in found if (r.question.target, r.question.finding) == (asked.target, asked.finding)))
    typer.echo(str(page.resolve()))


def report(run: RunFolder, repeat: Annotated[list[Path] | None, typer.Option(help="a run of the same study and cases with another seed; may be repeated")] = None,
           films: Annotated[bool, typer.Option(help="with or without the films")] = True, json: Json = False) -> None:
    """Write the report of a run anew; other seeds of it are set beside it."""
    from osteon.report import report as write
    from osteon.run import Run
    from osteon.validation.repeats import FILE, repeats

    opened = Run.open(run)
    if repeat:
        opened.write_table(FILE, repeats(opened, [Run.open(other) for other in repeat]))
    page = write(opened, films=films)
    if json:
        plain({"report": str(page), "deviations": _deviations(opened)})
        return
    _tell_deviations(opened)
    typer.echo(str(page.resolve()))


def _deviations(run: Run) -> list[str]:
    """What of a run does not fit its seal."""
    from osteon.engine.seal import deviations
    from osteon.studies import study_of

    return list(deviations(run, study_of(run)))


def _tell_deviations(run: Run) -> None:
    for fault in _deviations(run):
        typer.echo(f"seal: {fault}", err=True)
