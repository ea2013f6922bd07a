"""agree, size and explain: questions about readings, numbers of cases, and single answers of a run."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from osteon.cli.screen import Json, plain, table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from osteon.run import Run
    from osteon.validation.agreement import Agreement
    from osteon.validation.raters import Raters
    from osteon.validation.readings import Compared


def agree(source: Annotated[Path, typer.Argument(help="a spreadsheet with a row a case", metavar="TABLE")], first: Annotated[str, typer.Option(help="column of one reading")] = "",
          second: Annotated[str, typer.Option(help="column of the other")] = "", kind: Annotated[str, typer.Option(help="numbers, grades, names or points (--first x,y --second x2,y2); guessed where not given")] = "",
          also: Annotated[list[str] | None, typer.Option(help="column of a further reading; may be repeated: Fleiss, Krippendorff and Gwet, or the ICC of all")] = None,
          interval: Annotated[str, typer.Option(help="of the share of equal classes: Wilson, Clopper-Pearson, Jeffreys, Agresti-Coull, logit")] = "Wilson",
          spacing: Annotated[float, typer.Option(help="of points: mm a step of the coordinates")] = 1.0,
          period: Annotated[float, typer.Option(help="of angles: 360, or 180 for axes without direction")] = 0.0,
          unit: Annotated[str, typer.Option(help="unit of the readings, for the text: mm, °")] = "", order: Annotated[str, typer.Option(help="grades from low to high: none,mild,severe")] = "",
          out: Annotated[Path | None, typer.Option(help="folder for the figure")] = None, json: Json = False) -> None:
    """ICC, kappa and Bland-Altman of two columns, with a figure and a sentence to paste."""
    from osteon.readers.table import read_table
    from osteon.validation import raters
    from osteon.validation.agreement import agree as judge

    grades, given = [g.strip() for g in order.split(",") if g.strip()], read_table(source)
    if also or kind == "points":
        several = raters.points(given, first.split(","), second.split(","), spacing=spacing, where=source) if kind == "points" else raters.raters(given, [first, second, *(also or ())], kind=kind, order=grades, where=source)
        _tell_raters(several, json=json)
        return
    if period:
        given = raters.angles(given, first, second, period=period, where=source)
    found = judge(given, first, second, kind=kind, unit=unit, order=grades, interval=interval, where=source)
    figure = _written(found, unit, out) if out else None
    if json:
        plain({"kind": found.kind, "columns": found.names, "n": found.n, "left_out": found.left_out, "figures": {k: asdict(v) for k, v in found.figures.items()},
               "sentence": found.sentence, "figure": str(figure) if figure else None})
        return
    table([{"": name.replace("_", " "), "estimate": _said(v.estimate), "lower": _said(v.lower), "upper": _said(v.upper)} for name, v in found.figures.items()], title=f"{found.n} pairs")
    typer.echo(f"\n{found.sentence}" + (f"\n{figure}" if figure else ""))


def _tell_raters(found: Raters, *, json: bool) -> None:
    """The figures and tests of three readings or more, or of points."""
    if json:
        plain({"kind": found.kind, "columns": found.names, "n": found.n, "left_out": found.left_out, "figures": {k: asdict(v) for k, v in found.figures.items()},
               "tests": {k: asdict(v) for k, v in found.tests.items()}, "sentence": found.sentence})
        return
    table([{"": name, "estimate": _said(v.estimate), "lower": _said(v.lower), "upper": _said(v.upper)} for name, v in found.figures.items()], title=f"{found.n} cases")
    typer.echo("\n" + "\n".join((*(f"{name}: z {t.statistic:.2f}, p {t.p:.3g}" for name, t in found.tests.items()), found.sentence)))


def _said(value: float) -> str:
    return "not defined" if value != value else f"{value:.3f}"


def _written(found: Agreement, unit: str, out: Path) -> Path:
    """Draw the figure as SVG and PNG, its data beside it as JSON; the path of the SVG."""
    import json as codec

    from osteon.report.figures.data import described
    from osteon.report.figures.style import svg

    out.mkdir(parents=True, exist_ok=True)
    figure = _differences(found, unit) if found.kind == "numbers" else _crossed(found)
    path = out / "agreement.svg"
    path.write_text(svg(figure, "agreement", alt=found.sentence), encoding="utf-8")
    (out / "agreement.json").write_text(codec.dumps({"caption": found.sentence, **described(figure, drawn=True)}, ensure_ascii=False, indent=1), encoding="utf-8")
    figure.savefig(out / "agreement.png", dpi=200)
    return path


def _differences(found: Agreement, unit: str) -> Figure:
    """Second reading on the first, and difference on mean with the limits of agreement."""
    import numpy as np

    from osteon.report.figures.agreement import Pairs, agreement

    ends = {name: found.figures[key] for name, key in (("bias", "bias"), ("loa_lower", "lower_limit"), ("loa_upper", "upper_limit"))}
    one, two = found.pairs
    figure = agreement(Pairs("", unit, truth=two, answer=one, sides=np.repeat("", len(one)), limits={k: (v.estimate, v.lower, v.upper) for k, v in ends.items()}))
    left, right = figure.axes
    given = f", {unit}" if unit else ""
    left.set(xlabel=f"{found.names[1]}{given}", ylabel=f"{found.names[0]}{given}")
    left.set_title(f"{found.names[0]} on {found.names[1]}", loc="left")
    right.set(xlabel=f"mean of both{given}", ylabel=f"{found.names[0]} − {found.names[1]}{given}")
    return figure


def _crossed(found: Agreement) -> Figure:
    """Counts of each pair of readings."""
    import numpy as np

    from osteon.report.figures.style import BLUE, INK, panels, styled

    @styled
    def draw() -> Figure:
        one, two = found.pairs
        k = int(max(one.max(), two.max())) + 1
        counts = np.zeros((k, k), int)
        np.add.at(counts, (one, two), 1)
        figure, (at,) = panels(1, across=2, height=3.6)
        at.imshow(counts, cmap=_shades(BLUE), vmin=0)
        for (r, c), n in np.ndenumerate(counts):
            at.text(c, r, str(n), ha="center", va="center", color=INK if n < 0.6 * counts.max() else "white")
        levels = found.levels
        at.set(xticks=range(k), yticks=range(k), xticklabels=levels[:k], yticklabels=levels[:k], xlabel=found.names[1], ylabel=found.names[0])
        return figure

    return draw()


def _shades(colour: str) -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("shades", ["white", colour])


def size(question: Annotated[str, typer.Argument(help="sensitivity, auc, model, icc ...; without one the questions are listed")] = "",
         given: Annotated[list[str] | None, typer.Argument(help="NAME=VALUE, as sensitivity=0.9 half_width=0.05 prevalence=30%", metavar="NAME=VALUE")] = None, json: Json = False) -> None:
    """How many cases a question needs."""
    from osteon.cli.data import pairs
    from osteon.validation.planning import QUESTIONS
    from osteon.validation.planning import size as answer

    if not question:
        listed = [{"question": name, "asks": q.asks, "give": ", ".join(q.needed), "may give": ", ".join(a for a in q.arguments if a not in q.needed)} for name, q in QUESTIONS.items()]
        plain(listed) if json else table(listed)
        return
    found = answer(question, pairs(given))
    if json:
        plain(asdict(found))
        return
    typer.echo(found.sentence)
    if found.behind:
        table([{"criterion": name, "value": f"{value:,.3g}" if isinstance(value, float) else f"{value:,}"} for name, value in found.behind.items()])


def explain(run: Annotated[Path, typer.Argument(help="the folder of a run")], case: Annotated[str, typer.Argument(help="code (c00012) or id of a case")],
            cohort: Annotated[Path | None, typer.Option(help="cohort folder that holds the case; by default that of the run")] = None,
            model: Annotated[str, typer.Option(help="another model of the run")] = "", target: Annotated[str, typer.Option(help="which network of a chain, by what it answers")] = "",
            finding: Annotated[str, typer.Option(help="another class, label or reading than the first")] = "",
            method: Annotated[str, typer.Option(help="of a film: Grad-CAM, Grad-CAM++, HiResCAM, integrated gradients or occlusion")] = "",
            labels: Annotated[bool, typer.Option(help="of a network too: train once more on shuffled labels, and compare")] = False,
            seconds: Annotated[float | None, typer.Option(help="of --labels: train so long at most")] = None, json: Json = False) -> None:
    """Why a model answered as it did for one case, and whether that explanation can be believed."""
    from osteon.engine.explaining import explain as give
    from osteon.run import Run

    found = give(Run.open(run), case, folder=cohort, model=model, target=target, finding=finding, method=method, labels=labels, seconds=seconds)
    plain(found.plain()) if json else typer.echo("\n".join((*found.sentences(), str(found.file))))


def readings(run: Annotated[Path, typer.Argument(help="the folder of a run")], file: Annotated[Path, typer.Argument(help="a table: case, reader, value; perhaps aided (yes, no), rating")],
             marks: Annotated[str, typer.Option(help="the rows are marks on images (case, reader, aided, rating, lesion), compared by this figure: wafroc, afroc, hr_auc")] = "",
             margin: Annotated[float | None, typer.Option(help="stated beforehand: whether the model is at most so much worse than each reader (0.05 is 5 points)", min=0.0)] = None,
             json: Json = False) -> None:
    """Give a run what readers said of its cases: the report sets them beside the truth and the model."""
    from osteon.engine.explaining import known_codes
    from osteon.readers.table import read_table
    from osteon.report import report
    from osteon.run import Run
    from osteon.studies import study_of
    from osteon.validation.readings import checked, compare, of_question
    from osteon.validation.results import analyse

    opened = Run.open(run)
    study, asked = study_of(opened), opened.primary.question
    if marks:
        _marks(opened, file, marks, json=json)
        return
    kept = checked(read_table(file), study, codes=known_codes(opened), where=file)
    opened.write_table("readings.csv", kept)
    analyse(opened, study)
    page = report(opened)
    lines = opened.lines(opened.primary.source.model)
    mine = lines[(lines["part"] == "test") & (lines["target"] == asked.target) & (lines["finding"] == asked.finding)]
    found = compare(*of_question(mine, kept, asked.target, asked.finding))
    if json:
        studies = {name: {"figures": s.figures.mean(1).tolist(), "difference": asdict(s.differences[0, 1]), "p": s.test.p} for name, s in found.studies.items()}
        plain({"readers": [asdict(r) for r in found.readers], "studies": studies, "reason": found.reason, "report": str(page), "margin": _margins(found, margin)})
        return
    table([{"reader": r.name, "aid": "with" if r.aided else "without", "sensitivity": str(r.sensitivity), "specificity": str(r.specificity)} for r in found.readers])
    if margin:
        table(_margins(found, margin), title=f"The model against each reader, margin {100 * margin:g} points")
    typer.echo(str(page.resolve()))


def _marks(run: Run, file: Path, figure: str, *, json: bool) -> None:
    """Free-response analysis of marks on the test images of the primary target."""
    from osteon.engine.explaining import known_codes
    from osteon.readers.table import read_table
    from osteon.validation.marks import compare_marks

    asked, lines = run.primary.question, run.lines(run.primary.source.model)
    mine = lines[(lines["part"] == "test") & (lines["target"] == asked.target) & (lines["finding"] == asked.finding)]
    found = compare_marks(mine, read_table(file), codes=known_codes(run), figure=figure, where=file)
    gap = found.differences[0, 1]
    if json:
        plain({"figure": figure, "readers": found.figures.tolist(), "means": [asdict(m) for m in found.means], "difference": asdict(gap), "p": found.test.p})
        return
    typer.echo(f"{figure}, mean of readers: with aid {found.means[0]}, without {found.means[1]}; difference {gap}, p {found.test.p:.3g}.")


def _margins(found: Compared, margin: float | None) -> list[dict[str, str]]:
    """What the paired differences say about a margin: the model less each reader, superior, non-inferior, inferior or inconclusive, and whether both are equivalent."""
    from osteon.stats.intervals import Interval
    from osteon.stats.paired import equivalence, non_inferiority

    out = []
    for r in found.readers if margin else ():
        for name, d in zip(("sensitivity", "specificity"), r.against_model, strict=True):
            turned = Interval(-d.estimate, -d.upper, -d.lower, level=d.level, method=d.method, reason=d.reason)
            same = equivalence(turned, margin or 0.0)
            out.append({"reader": r.name, "aid": "with" if r.aided else "without", "figure": name, "model less reader": str(turned), "verdict": non_inferiority(turned, margin or 0.0).verdict,
                        "equivalent": "not defined" if same is None else "yes" if same else "not shown"})
    return out
