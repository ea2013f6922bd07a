"""run, predict, validate and report: a study on data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
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
    from osteon.study import Study

STAMP = "Simulated training cases only: a demonstration, not clinical evidence"
StudyName = Annotated[str, typer.Argument(help="name of a study, or a .py file that declares one")]
RunFolder = Annotated[Path, typer.Argument(help="the folder of a run")]
SimulatedOk = Annotated[bool, typer.Option("--simulated-weights-ok", help="answer patients' films with a model that has seen simulated ones only: a demonstration")]


def run(studies: Annotated[list[str] | None, typer.Argument(help="names of studies, or .py files that declare one")] = None, every: Annotated[bool, typer.Option("--all", help="every study of the catalogue, each simulated")] = False,
        cohort: Annotated[Path | None, typer.Option(help="your cohort folder; without it cases are simulated")] = None,
        dataset: Annotated[str, typer.Option(help="NAME=FOLDER, a public data set that the study has an adapter for")] = "",
        budget: Annotated[str, typer.Option(help="smoke, laptop or gpu")] = "laptop", cases: Annotated[int | None, typer.Option(help="number of simulated cases")] = None,
        seconds: Annotated[float | None, typer.Option(help="cap on the seconds of each fit")] = None, seed: int = 0,
        folds: Annotated[int | None, typer.Option(help="cross-validation with so many folds in place of the study's design")] = None,
        out: Annotated[Path | None, typer.Option(help="folder of the run (of several: a folder with one for each); by default below runs/")] = None,
        on: Annotated[str, typer.Option(help="Ray cluster that makes the fits, or of several studies the runs: ray, or ray://host:port; same paths on every machine")] = "", json: Json = False) -> None:
    """Train, validate and report studies; a run that was cut short goes on where it stopped."""
    from osteon.studies import study as find

    names = _named(studies or [], every)
    if len(names) > 1:
        several(names, {"--cohort": cohort, "--dataset": dataset, "--folds": folds}, Asked(budget, cases, seconds=seconds, seed=seed, out=out), on=on, json=json)
        return
    declared = find(names[0])
    found = _made(declared, _cohort(declared, cohort, dataset), Asked(budget, cases, seconds=seconds, seed=seed, out=out), design=_design(folds), on=on)
    if json:
        plain(found)
        return
    typer.echo("\n".join(filter(None, (found["sentence"], str(Path(found["report"]).resolve())))))


@dataclass(frozen=True)
class Asked:
    """What a run may spend, its seed, and where it goes."""

    budget: str
    cases: int | None
    seconds: float | None = field(kw_only=True)
    seed: int = field(kw_only=True)
    out: Path | None = field(kw_only=True)


def _named(studies: list[str], every: bool) -> list[str]:
    from osteon.errors import DataError, message
    from osteon.studies import names

    if bool(studies) == every:
        raise DataError(message("run", "no study was named" if not studies else "studies were named beside --all", expected="one study or more, or --all", do="See 'osteon list'"))
    return list(names()) if every else list(dict.fromkeys(studies))


def _made(declared: Study, data: Cohort | None, asked: Asked, *, design: Design | None = None, on: str = "") -> dict[str, Any]:
    """One run with its report, as plain data."""
    from osteon import engine
    from osteon.report import report as write

    limits = _budget(asked.budget, asked.cases, asked.seconds)
    if data is None and asked.cases and asked.seed >= 0:  # asked for by number: also more than a study of few cases would take
        data = engine.simulate(declared, cases=asked.cases, seed=asked.seed, budget=limits, out=asked.out)
    done = engine.run(declared, data, seed=asked.seed, budget=limits, design=design, out=asked.out, on=on)
    page = write(done)
    return {"run": str(done.folder), "report": str(page), "rows": [r.plain() for r in done.rows], "sentence": sentence(done.rows[0]) if done.rows else ""}


def _one(asked: Asked, name: str) -> dict[str, Any]:
    """A study by name, its run in a folder of its own; for a worker."""
    from osteon.studies import study as find

    return _made(find(name), None, replace(asked, out=asked.out.resolve() / Path(name).stem if asked.out else None))


def several(names: list[str], alone: dict[str, Any], asked: Asked, *, on: str, json: bool) -> None:
    """Run studies one after the other, or each on a machine of a cluster; one that fails is told and does not stop the rest (exit code 2 at the end)."""
    from osteon.engine.spread import known, spread
    from osteon.errors import DataError, OsteonError, message
    from osteon.studies import study as find

    given = [option for option, value in alone.items() if value]
    if given:
        raise DataError(message("run", f"{', '.join(given)} goes with one study", found=f"Found {len(names)} studies", do="Run them one by one"))
    known(on)
    _budget(asked.budget, asked.cases, asked.seconds)
    for name in names:
        find(name)
    done, failed = {}, []
    for name, found in spread(_one, asked, {n: (n,) for n in names}, on=on) if on else _in_turn(asked, names):
        if isinstance(found, OsteonError):
            failed.append(name)
            typer.echo(f"{name}: {found}", err=True)
        elif isinstance(found, Exception):
            raise found
        else:
            done[name] = found
            if not json:
                typer.echo(f"{name}: {found['sentence']}\n{Path(found['report']).resolve()}")
    if json:
        plain(done)
    if failed:
        raise DataError(message("run", f"{len(failed)} of {len(names)} studies did not come to their end", found=", ".join(failed)))


def _in_turn(asked: Asked, names: list[str]) -> Iterator[tuple[str, Any]]:
    from osteon.errors import OsteonError

    for name in names:
        try:
            yield name, _one(asked, name)
        except OsteonError as fault:
            yield name, fault


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
    name = next((m for m in ("auc", "mae", "dice", "ap", "ssim") if m in found and not (m == "auc" and "mae" in found)), "")
    kind = "Software verification on simulated cases" if row.source.origin == "simulated" else f"{row.source.cohort}"
    figure = f"{name.upper()} {found[name]['estimate']:.3g} ({found[name]['lower']:.3g} to {found[name]['upper']:.3g})" if name else "no figure"
    return f"{kind}: {row.source.model}, {q.target} {q.finding}: {figure}, n = {row.counts.get('n', 0)}."


def predict(run: RunFolder, files: Annotated[list[Path], typer.Argument(help="films, or one cohort folder")],
            out: Annotated[Path, typer.Option(help="folder for the answers")] = Path("."), model: Annotated[str, typer.Option(help="another model of the run")] = "",
            simulated_weights_ok: SimulatedOk = False, json: Json = False) -> None:
    """Answer new cases: one JSON file a case and, for a film, a PNG with landmarks, axes and angles drawn; for a shape, a mesh (PLY) at each time; a picture that was made, as NIfTI."""
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
    from osteon.readers import to_plain, write_value
    from osteon.readers.files import replacing
    from osteon.readers.surface import write_surfaces
    from osteon.value import Mask, Picture, Surface, Withheld

    file = answer.case.attributes.get("file", "")
    stem = _free(Path(file).stem if file else f"case_{answer.case.id}", taken)
    out.mkdir(parents=True, exist_ok=True)
    made = {t: write_value(out / f"{stem}_{t}", v) for t, v in answer.values.items() if isinstance(v, Picture)}
    values = {t: {"family": "Picture", "file": made[t].name, "notes": dict(v.notes)} if isinstance(v, Picture) else to_plain(v) for t, v in answer.values.items() if not isinstance(v, Mask)}
    warning = "This model was trained on simulated films only. The figures are a demonstration and say nothing about a patient." if answer.simulated_weights else ""
    notes = _notes(answer.values)
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{stem}.json"
    whole(path, codec.dumps({"study": run.about["study"], "run": run.folder.name, "warning": warning, "notes": notes, "values": values}, indent=1, ensure_ascii=False))
    for target, value in answer.values.items():
        if isinstance(value, Surface):
            write_surfaces(out / f"{stem}_{target}", value)
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


def validate(run: RunFolder, cohort: Annotated[Path | None, typer.Option(help="the cohort folder of another site")] = None,
             dataset: Annotated[str, typer.Option(help="NAME=FOLDER, a public data set that the study has an adapter for")] = "", json: Json = False) -> None:
    """External validation: the models and cuts of a run on another cohort, nothing trained; the report gets a section."""
    from osteon import engine
    from osteon.engine.outside import left_out
    from osteon.errors import DataError, message
    from osteon.report import report as write
    from osteon.run import Run
    from osteon.studies import study_of

    opened = Run.open(run)
    given = _cohort(study_of(opened), cohort, dataset)
    if given is None:
        raise DataError(message("validate", "no cases were given", do="Give --cohort FOLDER or --dataset NAME=FOLDER"))
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
