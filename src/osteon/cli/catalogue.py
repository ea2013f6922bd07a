"""list and show: what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from osteon.cli.screen import Json, plain, table

if TYPE_CHECKING:
    from osteon.study import Study

Filter = Annotated[str, typer.Option(help="only studies that name it")]


def list_(anatomy: Filter = "", modality: Filter = "", task: Filter = "", area: Filter = "", json: Json = False) -> None:
    """List the studies; filter by anatomy, modality, task (target family) and area."""
    from osteon.cli.index import entries

    wanted = {"anatomy": anatomy, "modality": modality, "task": task, "area": area}
    found = [one["line"] for one in entries().values() if all(w.lower() in one["facets"][k].lower() for k, w in wanted.items() if w)]
    if json:
        plain(found)
    elif found:
        table([{k: v for k, v in line.items() if k != "area"} for line in found])
    else:
        typer.echo("No study matches. `osteon list` names them all.")


def show(study: Annotated[str, typer.Argument(help="name of a study, or a .py file that declares one")], json: Json = False) -> None:
    """Show what a study asks, reads, answers and claims, and the columns of its cohort folder."""
    from osteon.studies import study as find

    about = _about(find(study))
    if json:
        plain(about)
        return
    typer.echo(f"{about['question']}\n{about['cite']}" + (f", doi {about['doi']}" if about["doi"] else "") + "\n")
    for heading in ("inputs", "targets", "models"):
        table([{heading: k, "": v} for k, v in about[heading].items()])
        typer.echo("")
    typer.echo(f"Design: {about['design']}\nData sets with an adapter: {', '.join(about['datasets']) or 'none'}\n")
    table([{"as published": c["what"], "value": c["value"], "where": c["where"]} for c in about["claims"]])
    typer.echo("\nWhere this differs from the paper:\n" + "\n".join(f"  - {d}" for d in about["differs"]))


def _about(study: Study) -> dict[str, Any]:
    return {"study": study.name, "question": study.question, "cite": study.cite, "doi": study.doi, "areas": list(study.areas), "unit": study.unit,
            "inputs": {n: f"{i.modality}: {i.description}" + (f"; columns {', '.join(i.columns)}" if i.columns else "") for n, i in study.inputs.items()},
            "targets": {n: f"{type(t).__name__.lower()}: {', '.join(t.findings)}" + (" (primary)" if n == study.primary else "") for n, t in study.targets.items()},
            "models": {n: f"reads {', '.join(m.reads)}; answers {', '.join(m.writes)}" for n, m in study.models.items()},
            "design": repr(study.design), "datasets": list(study.datasets), "differs": list(study.differs),
            "claims": [{"what": c.what, "value": c.value, "where": c.where} for c in study.claims]}
