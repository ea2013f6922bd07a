"""Whether probabilities hold on cases from elsewhere, and what a repair would give."""

from __future__ import annotations

from osteon.report.content import Cell, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.sections.external import cohorts
from osteon.report.terms import METRICS, cell, header
from osteon.report.words import many, number
from osteon.run import read_lines, slug
from osteon.targets import Classes, Grades
from osteon.validation.recalibration import AS_GIVEN, SHOWN, Repaired, repaired

NAMES = {AS_GIVEN: "as given", "in the large": "level repaired", "logistic": "level and slope repaired"}


def recalibration(facts: Facts) -> Section | None:
    """A table for each cohort from elsewhere; None where there is none, or the target gives no probabilities."""
    row = facts.primary
    if not isinstance(facts.study.targets[row.question.target], (Classes, Grades)):
        return None
    tables = []
    for cohort in cohorts(facts):
        path = facts.run.folder / "external" / slug(cohort.name) / "lines" / f"{slug(row.source.model)}.csv"
        if not path.exists():
            continue
        lines = read_lines(path)
        mine = lines[(lines["target"] == row.question.target) & (lines["finding"] == row.question.finding)]
        found = repaired(mine, seed=int(facts.about["seed"]) % 2**31)
        tables += [_table(facts, cohort.name, found)] if found else []
    if not tables:
        return None
    text = (f"The probabilities of {facts.label} on cases from elsewhere, and after a repair that was fitted on half of the {many(facts.words.person)} there and judged on the other half.",
            "The repair is shown, not used: the model of this run is as it was.")
    return Section("recalibration", "Probabilities elsewhere", (Paragraph(text), *tables))


def _table(facts: Facts, name: str, found: tuple[Repaired, ...]) -> Table:
    keys = (*SHOWN, "brier")
    rows = tuple(_row(r, keys) for r in found)
    return Table(f"recalibration-{slug(name)}", f"Calibration: {name}", columns=("", *(header(k) if k in METRICS else k.replace("_", " ") for k in keys), "Repair"), rows=rows,
                 note=f"A slope of 1, in-the-large of 0 and O:E of 1 are right; the Brier score is better the smaller. Below each figure stands its 95 % {facts.words.interval}, on the half that was not fitted on.")


def _row(r: Repaired, keys: tuple[str, ...]) -> tuple[Cell | str, ...]:
    return (NAMES[r.method], *(_cell(r, k) for k in keys), _line(r))


def _cell(r: Repaired, key: str) -> Cell:
    value = r.figures[key]
    return cell(key, {"estimate": value.estimate, "lower": value.lower, "upper": value.upper, "reason": value.reason})


def _line(r: Repaired) -> str:
    return "–" if r.method == AS_GIVEN else f"log-odds × {number(r.line[1], 2)} {'+' if r.line[0] >= 0 else '−'} {number(abs(r.line[0]), 2)}"
