"""Readers beside the truth and beside the model, where their readings were given to the run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteon.report.cells import points, share, tested
from osteon.report.content import Block, Cell, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.sections.readers_measured import interchangeable, measured
from osteon.report.words import many, number, plural
from osteon.stats.readers import ReaderStudy
from osteon.validation.readings import Compared, Reader, compare, of_question

if TYPE_CHECKING:
    import pandas as pd

FIGURES = {"auc": "AUC of the ratings", "sensitivity": "Sensitivity", "specificity": "Specificity"}


def readers(facts: Facts) -> Section | None:
    """A row a reader and condition, and the analysis with against without aid; None where no readings were given."""
    path = facts.run.folder / "readings.csv"
    if not path.exists():
        return None
    row = facts.primary
    lines, readings = of_question(facts.test(row.source.model, row.question.target, row.question.finding), facts.run.table("readings"), row.question.target, row.question.finding)
    blocks = (*_calls(facts, lines, readings), *measured(facts, lines, readings), *interchangeable(facts, lines, readings))
    return Section("readers", "Readers and the model", blocks or (Paragraph((f"None of the readings is of “{facts.spoken(row)}” in a {facts.words.case} of the test part.",), "note"),))


def _calls(facts: Facts, lines: pd.DataFrame, readings: pd.DataFrame) -> tuple[Block, ...]:
    """Calls of readers at the cut; none where there is no cut or no reading."""
    if facts.primary.table is None:
        return ()
    found = compare(lines, readings)
    return (Paragraph(_words(facts, found)), _table(facts, found), *_studies(facts, found)) if found.readers else ()


def _words(facts: Facts, found: Compared) -> tuple[str, ...]:
    names = {r.name for r in found.readers}
    out = [f"{plural(len(names), 'reader')} on “{facts.spoken(facts.primary)}”; the model is {facts.label} at its cut, on the same {many(facts.words.case)} that each reader read."]
    return (*out, f"{number(found.unjudged)} readings are of other parts or open and were left out.") if found.unjudged else tuple(out)


def _table(facts: Facts, found: Compared) -> Table:
    rows = tuple(map(_reader, found.readers))
    columns = ("Reader", "Aid", "With, without the finding", "Sensitivity", "Specificity", "Sensitivity, less the model's", "Specificity, less the model's")
    return Table("readers", "Each reader", columns=columns, rows=rows, note=f"Below each figure stands its 95 % {facts.words.interval}: Wilson's for shares, Tango's for paired differences (in points).")


def _reader(r: Reader) -> tuple[Cell | str, ...]:
    sensitivity, specificity = r.against_model
    return (r.name, "with" if r.aided else "without", f"{number(r.cases[0])}, {number(r.cases[1])}", share(r.sensitivity), share(r.specificity), points(sensitivity), points(specificity))


def _studies(facts: Facts, found: Compared) -> tuple[Block, ...]:
    if not found.studies:
        return (Paragraph((f"With against without aid: not analysed ({found.reason}).",), "note"),)
    rows = tuple(_study(name, s) for name, s in found.studies.items())
    each: tuple[tuple[Cell | str, ...], ...] = tuple((reader, *(points(found.each[f][reader]) for f in found.each)) for reader in next(iter(found.each.values()), ()))
    alone = (Table("readers-each", "With less without aid, reader by reader", columns=("Reader", *(FIGURES[f] for f in found.each)), rows=each, tone="tight", note="In points, with the reader's own variance over cases."),) if each else ()
    return (Table("readers-aid", "With against without aid", columns=("Mean of readers", "With", "Without", "Difference", "p"), rows=rows,
                  note="Obuchowski and Rockette with the degrees of freedom of Hillis: readers and cases are both samples, so that the result speaks of other readers too."), *alone)


def _study(name: str, s: ReaderStudy) -> tuple[Cell | str, ...]:
    with_, without = (share(m) for m in s.means)
    return (FIGURES[name], with_, without, points(s.differences[0, 1]), tested(s.test))
