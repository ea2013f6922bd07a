"""What lies beside the report: every number in it as a table."""

from __future__ import annotations

from osteon.report.content import Links, Paragraph, Section
from osteon.report.facts import Facts
from osteon.report.words import plural
from osteon.run import slug

TABLES = {"rows.csv": "every result with its interval and two-by-two, one line a model, target and finding", "split.csv": "which case was in which part of which fold",
          "flow.csv": "what was left out, and why", "cases.csv": "characteristics by code", "results.csv": "further analyses", "run.json": "how it was made, in full",
          "report.json": "this report as data", "log.txt": "what happened when"}


def files(facts: Facts) -> Section:
    """Links to the files of the run folder; every table of this page carries its own CSV too."""
    there: list[tuple[str, str]] = [(name, what) for name, what in TABLES.items() if (facts.run.folder / name).exists() or name == "report.json"]
    for model in facts.about["models"]:
        paths = sorted((facts.run.folder / "lines" / slug(model)).glob("*.csv"))
        there += [(p.relative_to(facts.run.folder).as_posix(), f"judged lines of {model}, fold {p.stem}") for p in paths[:1]]
        there += [(f"lines/{slug(model)}/", f"its other {plural(len(paths) - 1, 'fold')}")] if len(paths) > 1 else []
    text: tuple[str, ...] = ("Each table above carries a link to itself as CSV, and each figure is a file in figures/.", "The links below work while this page lies in the folder of its run.")
    if facts.simulated:
        text += ("Every table says in a column of its own that its figures are simulated.",)
    return Section("files", "Files", (Paragraph(text), Links(tuple(there))))
