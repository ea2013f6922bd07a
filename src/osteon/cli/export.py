"""export and protocol: a report for other programs, and a study before it begins."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from osteon.cli.screen import Json, plain


def export(run: Annotated[Path, typer.Argument(help="the folder of a run")], to: Annotated[str, typer.Option(help="html, docx or json")] = "docx",
           out: Annotated[Path | None, typer.Option(help="the file; by default report.html, .docx or .json in the run folder")] = None,
           films: Annotated[bool, typer.Option(help="with or without the films")] = True, json: Json = False) -> None:
    """Write the report of a run as HTML, as a Word document or as JSON: the same content in each."""
    from osteon.errors import DataError, message, near
    from osteon.report import article
    from osteon.report.export import KINDS, exported
    from osteon.run import Run

    if to not in KINDS:
        raise DataError(message("--to", f"there is no kind {to!r}", expected=", ".join(KINDS), do=near(to, KINDS)))
    opened = Run.open(run)
    _done(out or opened.folder / f"report.{to}", exported(article(opened, films=films), to), json=json)


def protocol(study: Annotated[str, typer.Argument(help="name of a study, or a .py file that declares one")],
             cohort: Annotated[Path | None, typer.Option(help="the cohort folder that it is planned for: cases, sites and shares are taken from it")] = None,
             out: Annotated[Path | None, typer.Option(help="the file; .docx, or .json or .html")] = None, json: Json = False) -> None:
    """Write the plan of a study with its statistical analysis plan and sample size; what only an author knows is left blank, visibly."""
    from osteon.cohort import Cohort
    from osteon.errors import DataError, message
    from osteon.report.export import KINDS, exported
    from osteon.report.protocol import plan
    from osteon.studies import study as find

    declared = find(study)
    path = out or Path(f"{declared.name}-protocol.docx")
    kind = path.suffix.lstrip(".").lower()
    if kind not in KINDS:
        raise DataError(message("--out", "the file is of no kind that can be written", expected=", ".join(f".{k}" for k in KINDS), found=f"Found {path.name!r}"))
    made = plan(declared, Cohort.from_folder(cohort) if cohort else None)
    _done(path, exported(made, kind), json=json)
    if kind != "json":
        path.with_suffix(".json").write_bytes(exported(made, "json"))


def _done(path: Path, data: bytes, *, json: bool) -> None:
    """Write a file whole and say where it is."""
    from osteon.readers.files import replacing

    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as part:
        part.write_bytes(data)
    plain({"file": str(path)}) if json else typer.echo(str(path.resolve()))
