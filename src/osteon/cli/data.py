"""simulate, import and check: cohort folders."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from osteon.cli.screen import Json, plain, table

StudyName = Annotated[str, typer.Argument(help="name of a study")]
Folder = Annotated[Path, typer.Argument(help="a folder")]


def simulate(study: StudyName, folder: Folder, cases: Annotated[int, typer.Option(help="how many")] = 20, seed: int = 0, site: str = "A",
             difficulty: Annotated[float, typer.Option(help="0 (easy) to 1")] = 0.5, json: Json = False) -> None:
    """Write a cohort folder of simulated cases: real files, exact truth, and the very form that your own folder must have."""
    from osteon.engine import simulate as make

    cohort = make(study, folder, cases=cases, seed=seed, site=site, difficulty=difficulty)
    about = {"folder": str(folder), "cases": len(cohort), "origin": cohort.origin, "note": cohort.notes.get("sentence", "")}
    plain(about) if json else typer.echo(f"{about['note']}\n{len(cohort)} cases in {folder}")


def import_(source: Annotated[Path, typer.Argument(help="folder of DICOM files or images, or a table")], folder: Annotated[Path, typer.Argument(help="the new cohort folder")],
            study: Annotated[str, typer.Option(help="the study that the cohort is for")], spreadsheet: Annotated[Path | None, typer.Option(help="CSV, XLSX or Parquet with one row a case")] = None,
            map: Annotated[list[str] | None, typer.Option(help="THEIRS=OURS, a column of yours and the name that the study uses")] = None,
            key: Annotated[Path | None, typer.Option(help="file that holds the key of the hashes; made where it is not there, outside of the cohort folder")] = None,
            answer: Annotated[list[str] | None, typer.Option(help="NAME=VALUE for what the files do not say (laterality=R, spacing=0.143, patient=file)")] = None, json: Json = False) -> None:
    """Make a cohort folder from what you have: DICOM or images and a spreadsheet, COCO boxes, NIfTI masks, landmarks, plain tables."""
    from osteon.datasets.own import import_folder
    from osteon.studies import study as find

    cohort = import_folder(source, folder, study=find(study), spreadsheet=spreadsheet, map=pairs(map), key=key, answers=pairs(answer))
    left_out = [f"{e.reason}: {e.detail}" for e in cohort.excluded]
    about = {"folder": str(folder), "cases": len(cohort), "map": dict(cohort.notes.get("map", {})), "left_out": left_out}
    if json:
        plain(about)
        return
    for text in left_out:
        typer.echo(f"left out, {text}", err=True)
    typer.echo(f"{len(cohort)} cases in {folder}, {len(left_out)} left out. Next: osteon check {folder} --study {study}")


def pairs(items: list[str] | None) -> dict[str, str]:
    """NAME=VALUE words as a mapping; raises DataError for a word without =."""
    from osteon.errors import DataError, message

    out = {}
    for item in items or ():
        if "=" not in item:
            raise DataError(message(item, "this is no pair", expected="NAME=VALUE"))
        name, value = item.split("=", 1)
        out[name.strip()] = value.strip()
    return out


def check(folder: Folder, study: Annotated[str, typer.Option(help="the study that will read it")], json: Json = False) -> None:
    """Say everything that is wrong with a cohort folder in one go; exit code 2 where it can not be used."""
    found = findings(folder, study)
    if json:
        plain(found)
    else:
        for kind in ("fault", "note"):
            for text in found[f"{kind}s"]:
                typer.echo(f"{kind}: {text}", err=True)
        table([{"case": e["id"], "left out at": e["step"], "because": e["reason"], "detail": e["detail"]} for e in found["excluded"]])
        typer.echo(f"{found['usable']} of {found['cases']} cases can be used, {found['patients']} patients.")
    if found["faults"]:
        raise typer.Exit(2)


def findings(folder: Path, name: str) -> dict[str, Any]:
    """Faults of the whole folder, cases that would be left out with the reason, and how many can be used."""
    from dataclasses import asdict

    from osteon.cohort import Cohort
    from osteon.cohort.conform import problems, strangers
    from osteon.engine.reading import unreadable
    from osteon.errors import DataError
    from osteon.studies import study as find

    declared = find(name)
    cohort = Cohort.from_folder(folder)
    out: dict[str, Any] = {"cases": len(cohort), "usable": 0, "patients": 0, "excluded": []}
    out["notes"] = strangers(cohort, declared.inputs, declared.targets)
    out["faults"] = problems(cohort, declared.inputs, declared.targets, answered=declared.answered)
    try:
        fit_for = cohort.conform(declared.inputs, declared.targets, eligible=declared.eligible)
        fit_for = fit_for.leave_out(unreadable(fit_for, declared.inputs, declared.targets))
    except DataError as error:
        return out | {"faults": list(dict.fromkeys([*out["faults"], str(error)]))}
    out["notes"] += [] if out["faults"] else _untrainable(fit_for, declared)
    return out | {"usable": len(fit_for), "patients": len(set(fit_for.column("patient").tolist())), "excluded": [asdict(e) for e in fit_for.excluded]}


def _untrainable(cohort: Any, study: Any) -> list[str]:
    """Why the study's own design could not train on the cohort, which may still serve to validate."""
    from osteon.engine.fitting import learnable, strata
    from osteon.errors import DataError

    try:
        folds, last = cohort.folds(study.design, 0, keep=study.together, strata=strata(cohort, study))
        learnable(cohort, study, (*folds, last))
    except DataError as error:
        return [f"not enough to train on. {error}"]
    return []
