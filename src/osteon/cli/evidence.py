"""pool and solve: from tables of papers and runs to a pooled estimate, and from a paper's figures to its table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from osteon.cli.screen import Json, plain, table


def pool(sources: Annotated[list[Path], typer.Argument(help="CSV files (study, tp, fp, fn, tn), evidence tables, run folders")],
         model: Annotated[str, typer.Option(help="exact, or a normal approximation: reml, ml, fixed ...")] = "exact",
         nodes: Annotated[int, typer.Option(help="quadrature nodes: 1, 7, 15, 21")] = 15, correction: Annotated[str, typer.Option(help="none, single or all; normal models")] = "single",
         by: Annotated[str, typer.Option(help="column of subgroups")] = "", covariate: Annotated[list[str] | None, typer.Option(help="column of a meta-regression")] = None,
         level: Annotated[float, typer.Option(help="of intervals and regions")] = 0.95, exclude: Annotated[list[str] | None, typer.Option(help="a study to leave out")] = None,
         rows_of: Annotated[str, typer.Option(help="column that says which rows belong to one study")] = "", prevalence: Annotated[list[float] | None, typer.Option()] = None,
         bootstrap: Annotated[int, typer.Option(help="refits for the bootstrap intervals; 0 for none")] = 500, seed: int = 0,
         out: Annotated[Path | None, typer.Option(help="folder for figures and the result")] = None, json: Annotated[Path | None, typer.Option(help="file for the result")] = None) -> None:
    """Pool two-by-two tables: the exact model and the approximation, with everything that belongs beside them."""
    from osteon.evidence.pool import Settings
    from osteon.evidence.pool import pool as fit
    from osteon.evidence.pool_table import read

    settings = Settings(model, nodes, correction=correction, level=level, bootstrap=bootstrap, seed=seed, prevalence=tuple(prevalence or ()))
    result = fit(read(sources, several=bool(rows_of)), settings, by=by or None, covariates=covariate or (), exclude=exclude or (), levels=rows_of or None)
    if json:
        result.save(json)
    if out:
        from osteon.evidence.figures import draw_all

        out.mkdir(parents=True, exist_ok=True)
        result.save(out / "pooled.json")
        draw_all(result.plain(), out)
    _tell(result.plain())


def _tell(facts: dict[str, Any]) -> None:
    """The pooled estimates, the line on the approximation, warnings and the methods sentence."""
    names = {"sensitivity": "sensitivity", "specificity": "specificity", "lr_positive": "positive likelihood ratio", "lr_negative": "negative likelihood ratio", "dor": "diagnostic odds ratio"}
    given = {label: facts.get(name) for name, label in names.items()}
    rows = [{"": label, "estimate": _number(f["estimate"]), "lower": _number(f["lower"]), "upper": _number(f["upper"])} for label, f in given.items() if f]
    table(rows, title=f"{facts['k']} studies, {facts['method']}")
    approximation = facts.get("approximation") or {}
    for line in (approximation.get("line", ""), *facts.get("warnings", ()), facts.get("methods", "")):
        if line:
            typer.echo(f"\n{line}")


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def solve(n: Annotated[int | None, typer.Option(help="subjects")] = None, diseased: int | None = None, healthy: int | None = None,
          figure: Annotated[list[str] | None, typer.Option(help='NAME=TEXT as printed: sens=84.7%, spec="87.3% (80.1-92.4)", ppv, npv, acc, f1, lr_positive ...')] = None,
          rounding: Annotated[str, typer.Option(help="round, truncate or either")] = "round", json: Json = False) -> None:
    """Every two-by-two table that fits what a paper reports; exit code 1 where none does: the report contradicts itself."""
    from osteon.cli.data import pairs
    from osteon.evidence.solve import reported
    from osteon.evidence.solve import solve as find

    given: dict[str, Any] = pairs(figure)
    found = find(reported(n, diseased, healthy=healthy, rounding=rounding, **given)).plain()
    if json:
        plain(found)
    else:
        typer.echo(f"{found['status']}: {found['reason']}" if found["reason"] else str(found["status"]))
        table(list(found["tables"])[:20])  # type: ignore[call-overload]
    if found["status"] == "none":
        raise typer.Exit(1)
