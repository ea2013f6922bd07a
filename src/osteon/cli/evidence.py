"""pool and solve: from tables of papers and runs to a pooled estimate, and from a paper's figures to its table."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from osteon.cli.screen import Json, plain, table

Words = list[str] | None


def pool(sources: Annotated[list[Path], typer.Argument(help="CSV files (study, tp, fp, fn, tn), evidence tables, run folders; 'example' for the table of the package")],
         model: Annotated[str, typer.Option(help="exact, or a normal approximation: reml, ml, fixed")] = "exact",
         nodes: Annotated[int, typer.Option(help="quadrature nodes of the exact model: 1 (Laplace), 7, 15, 21")] = 15,
         correction: Annotated[str, typer.Option(help="0.5 added to zero cells in the normal models: none, single (studies with a zero) or all")] = "single",
         by: Annotated[str, typer.Option(help="column of subgroups, or of the tests of a network (with --rows-of)")] = "",
         covariate: Annotated[Words, typer.Option(help="column of a meta-regression; may be repeated")] = None,
         on: Annotated[str, typer.Option(help="what the covariates act on: both, sensitivity, specificity")] = "both",
         separate: Annotated[bool, typer.Option("--separate", help="between-study variances of their own for each level of --by")] = False,
         level: Annotated[float, typer.Option(help="of intervals and regions")] = 0.95,
         exclude: Annotated[Words, typer.Option(help="a study, or one row as messages name it (\"table.csv, line 7\"); may be repeated")] = None,
         only: Annotated[Words, typer.Option(help="COLUMN=VALUE: the rows to pool; may be repeated")] = None,
         rows_of: Annotated[str, typer.Option(help="column whose value several rows share (study, cohort ...): three-level model")] = "",
         prevalence: Annotated[list[float] | None, typer.Option(help="for predictive values and the nomogram; may be repeated")] = None,
         reference_standard: Annotated[str, typer.Option(help="SENS,SPEC of an imperfect reference standard to correct for")] = "",
         bayes: Annotated[bool, typer.Option("--bayes", help="posterior, and its sensitivity to the priors")] = False,
         nuts: Annotated[bool, typer.Option("--nuts", help="with the posterior once more by NumPyro (extra 'bayes')")] = False,
         cut: Annotated[str, typer.Option(help="column of cut-offs, several rows a study: rates at every cut-off and the best one")] = "",
         structure: Annotated[str, typer.Option(help="random effects with --cut: best, CI, DI, CS, DS, CICS, DICS, CIDS, DIDS")] = "best",
         distribution: Annotated[str, typer.Option(help="with --cut: logistic or normal")] = "logistic",
         log_cut: Annotated[bool, typer.Option("--log-cut", help="with --cut: the logarithm of the cut-off")] = False,
         bootstrap: Annotated[int, typer.Option(help="refits for the bootstrap intervals; 0 for none", min=0)] = 500, seed: int = 0,
         points: Annotated[str, typer.Option(help="studies on the summary curve: size, crosshair, ellipse")] = "size",
         region: Annotated[str, typer.Option(help="quantile of the drawn regions: F or chi2")] = "F",
         out: Annotated[Path | None, typer.Option(help="folder for figures (SVG) and the result (JSON)")] = None,
         json: Annotated[Path | None, typer.Option(help="file for the result; - prints it instead of the tables")] = None) -> None:
    """Pool two-by-two tables: the exact model and the approximation, with everything that belongs beside them."""
    from osteon.cli.data import pairs
    from osteon.evidence.pool import Settings
    from osteon.evidence.pool import pool as fit
    from osteon.evidence.pool_table import read
    from osteon.evidence.pool_thresholds import ThresholdSettings, pool_thresholds

    rows = read(sources, several=bool(rows_of or cut), exclude=exclude or ())
    for column, value in pairs(only).items():
        rows = rows.only(column, value)
    if cut:
        _alone({"--by": by, "--covariate": covariate, "--rows-of": rows_of, "--prevalence": prevalence, "--reference-standard": reference_standard, "--bayes": bayes, "--nuts": nuts})
        facts = pool_thresholds(rows, cut, ThresholdSettings(structure, distribution, log_cut=log_cut, level=level))
    else:
        settings = Settings(model, nodes, correction=correction, level=level, bootstrap=bootstrap, seed=seed, prevalence=tuple(prevalence or ()))
        facts = fit(rows, settings, by=by or None, covariates=covariate or (), on=on, separate=separate, levels=rows_of or None, bayes="nuts" if nuts else bayes,
                    reference=_pair(reference_standard)).plain()
    _keep(facts, json)
    left_out = _draw(facts, rows, out, points=points, region=region) if out else {}
    if str(json) != "-":
        _tell(facts, left_out)


def _alone(given: Mapping[str, object]) -> None:
    """Refuse flags that a model of cut-offs would not heed."""
    from osteon.errors import DataError, message

    unused = [name for name, value in given.items() if value]
    if unused:
        raise DataError(message("--cut", f"does not go with {', '.join(unused)}", do="Pool one cut-off a study for these, or leave them out"))


def _pair(text: str) -> tuple[float, float] | None:
    """SENS,SPEC as two numbers between 0 and 1; None for nothing. Raises DataError."""
    from osteon.errors import DataError, message

    if not text:
        return None
    try:
        first, second = (float(v) for v in text.split(","))
    except ValueError:
        raise DataError(message("--reference-standard", f"{text!r} is not understood", expected="two numbers, 0.98,0.95")) from None
    if not (0 < first <= 1 and 0 < second <= 1):
        raise DataError(message("--reference-standard", f"{text!r} is out of range", expected="numbers above 0 and at most 1"))
    return first, second


def _keep(facts: Mapping[str, Any], target: Path | None) -> None:
    """The result as JSON in a file, or on the screen for -."""
    from osteon.evidence.pool import to_json

    if str(target) == "-":
        sys.stdout.write(to_json(facts))
    elif target:
        target.write_text(to_json(facts), encoding="utf-8")


def _draw(facts: Mapping[str, Any], rows: Any, out: Path, *, points: str, region: str) -> dict[str, str]:
    """Figures and the result into a folder; returns why a figure was left out."""
    from osteon.evidence.figures import draw_all
    from osteon.evidence.pool import to_json

    out.mkdir(parents=True, exist_ok=True)
    (out / "pooled.json").write_text(to_json(facts), encoding="utf-8")
    if "structures" in facts:
        from osteon.evidence.figure_use import draw_thresholds

        draw_thresholds(facts, rows, out)
        return {}
    return draw_all(facts, out, points=points, region=region)[1]


def _tell(facts: Mapping[str, Any], left_out: Mapping[str, str]) -> None:
    """Tables first, then steps, warnings and what to cite."""
    from osteon.evidence.pool_text import closing, sections

    for title, rows in sections(facts):
        typer.secho(title, bold=True)
        if rows:
            table(rows)
        typer.echo("")
    for line in (*closing(facts), *(f"No figure {name}: {why}" for name, why in left_out.items())):
        typer.echo(line)


def solve(reports: Annotated[Path | None, typer.Argument(help="a CSV with one report a row (study, n, diseased, healthy, sens, spec, acc ...); or give one by options")] = None,
          n: Annotated[int | None, typer.Option(help="subjects")] = None, diseased: int | None = None, healthy: int | None = None,
          figure: Annotated[Words, typer.Option(help='NAME=TEXT as printed: sens=84.7%, spec="87.3% (80.1-92.4)", ppv, npv, acc, f1, lr+, lr-, dor, youden ...')] = None,
          cell: Annotated[Words, typer.Option(help="NAME=COUNT for a known cell: tp=30")] = None,
          rounding: Annotated[str, typer.Option(help="round, truncate or either")] = "round",
          interval: Annotated[str, typer.Option(help="method of printed limits: any, Wilson, Clopper-Pearson ...")] = "any",
          seed: int = 0, json: Json = False) -> None:
    """Every two-by-two table that fits what a paper reports; exit code 1 where none does: the report contradicts itself."""
    from osteon.cli.data import pairs
    from osteon.evidence.solve import count, reported
    from osteon.evidence.solve import solve as find

    if reports is not None:
        _solve_all(reports, seed=seed, json=json)
        return
    given: dict[str, Any] = pairs(figure)
    cells = {name: count(name, text) for name, text in pairs(cell).items()}
    found = find(reported(n, diseased, healthy=healthy, rounding=rounding, interval=interval, cells=cells, **given)).plain()
    if json:
        plain(found)
    else:
        typer.echo(f"{found['status']}: {found['reason']}" if found["reason"] else str(found["status"]))
        table(list(found["tables"])[:20])  # type: ignore[call-overload]
    if found["status"] == "none":
        raise typer.Exit(1)


def _solve_all(path: Path, *, seed: int, json: bool) -> None:
    """Each report of a file, then the pooled rates over all tables that fit (multiple imputation)."""
    from osteon.evidence.solve_table import pooled_reports, read_reports, solve_reports

    solved = solve_reports(read_reports(path))
    facts = {"reports": {name: s.plain() for name, s in solved.items()}, "pooled": pooled_reports(solved, seed=seed)}
    if json:
        plain(facts)
    else:
        table([{"study": name, "status": s.status, "tables": len(s.tables) or "", "first (tp fp fn tn)": " ".join(map(str, s.tables[0])) if s.tables else "", "why": s.reason}
               for name, s in solved.items()])
        typer.echo(facts["pooled"]["line"])
    if any(s.status == "none" for s in solved.values()):
        raise typer.Exit(1)
