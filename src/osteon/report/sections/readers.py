"""Readers beside the truth and beside the model, where their readings were given to the run."""

from __future__ import annotations

from osteon.report.content import Block, Cell, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.words import many, number, plural
from osteon.stats.intervals import Interval
from osteon.stats.readers import ReaderStudy
from osteon.validation.readings import Compared, Reader, compare

FIGURES = {"auc": "AUC of the ratings", "sensitivity": "Sensitivity", "specificity": "Specificity"}


def readers(facts: Facts) -> Section | None:
    """A row a reader and condition, and the analysis with against without aid; None where no readings were given."""
    path = facts.run.folder / "readings.csv"
    if not path.exists() or facts.primary.table is None:
        return None
    row = facts.primary
    found = compare(facts.test(row.source.model, row.question.target, row.question.finding), facts.run.table("readings"))
    if not found.readers:
        return Section("readers", "Readers and the model", (Paragraph((f"None of the readings is of a {facts.words.case} of the test part.",), "note"),))
    return Section("readers", "Readers and the model", (Paragraph(_words(facts, found)), _table(facts, found), *_studies(facts, found)))


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
    return (r.name, "with" if r.aided else "without", f"{number(r.cases[0])}, {number(r.cases[1])}", _share(r.sensitivity), _share(r.specificity), _points(sensitivity), _points(specificity))


def _studies(facts: Facts, found: Compared) -> tuple[Block, ...]:
    if not found.studies:
        return (Paragraph((f"With against without aid: not analysed ({found.reason}).",), "note"),)
    rows = tuple(_study(name, s) for name, s in found.studies.items())
    return (Table("readers-aid", "With against without aid", columns=("Mean of readers", "With", "Without", "Difference", "p"), rows=rows,
                  note="Obuchowski and Rockette with the degrees of freedom of Hillis: readers and cases are both samples, so that the result speaks of other readers too."),)


def _study(name: str, s: ReaderStudy) -> tuple[Cell | str, ...]:
    with_, without = (_share(m) for m in s.means)
    p = s.test.p
    return (FIGURES[name], with_, without, _points(s.differences[0, 1]), Cell("–" if p != p else "< 0.001" if p < 0.001 else number(p, 3), s.test.reason, value=None if p != p else p))


def _share(value: Interval) -> Cell:
    if not value.defined:
        return Cell("not defined", value.reason)
    return Cell(f"{number(100 * value.estimate, 1)}\u00a0%", f"{number(100 * value.lower, 1)} to {number(100 * value.upper, 1)}", value=value.estimate, lower=value.lower, upper=value.upper)


def _points(value: Interval) -> Cell:
    if not value.defined:
        return Cell("not defined", value.reason)
    sign = "+" if value.estimate > 0 else ""
    return Cell(f"{sign}{number(100 * value.estimate, 1)}", f"{number(100 * value.lower, 1)} to {number(100 * value.upper, 1)}", value=value.estimate, lower=value.lower, upper=value.upper)
