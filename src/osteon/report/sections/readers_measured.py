"""Readers of a measurement, and whether the model can stand in for one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteon.errors import OsteonError
from osteon.report.cells import figure, share
from osteon.report.content import Block, Cell, Paragraph, Table
from osteon.report.facts import Facts
from osteon.report.families.family import count_cell
from osteon.report.words import many, number, unit_name, with_unit
from osteon.stats.intervals import Interval
from osteon.targets import Classes, Grades, Measures
from osteon.validation.analyses import Interchangeability
from osteon.validation.reader_agreement import READERS, Compared, compare

if TYPE_CHECKING:
    import pandas as pd

    from osteon.validation.results import Result

MARGIN = 0.1


def measured(facts: Facts, lines: pd.DataFrame, readings: pd.DataFrame) -> tuple[Block, ...]:
    """A row a reader, the model on the same cases, the readers among themselves; none where the primary target is no measurement."""
    row = facts.primary
    if not isinstance(facts.study.targets[row.question.target], Measures):
        return ()
    found = compare(lines, readings, row.source.model)
    if not any(c.n for c in found):
        return ()
    unit = facts.unit_of(row.question.target, row.question.finding)
    table = Table("readers-measured", f"{row.question.finding}: readers, model and {facts.words.truth}", columns=("", "Against", "n", "Bias", "Lower limit", "Upper limit", "Smallest detectable change", "ICC(2,1)"),
                  rows=tuple(_row(c, unit, facts) for c in found),
                  note=f"In {unit_name(unit) or 'the unit of the reading'}; below each figure stands its 95 % {facts.words.interval}. The smallest detectable change is what a difference between two readings must exceed to be more than error (1.96 √2 SEM). "
                       f"Sides of one {facts.words.person} count as independent.")
    return (Paragraph(_words(found, unit)), table)


def _words(found: tuple[Compared, ...], unit: str) -> tuple[str, ...]:
    among = next((c for c in found if c.first == READERS), None)
    model = found[-1] if among is not None else None
    if among is None or not among.change.defined or model is None or not model.change.defined:
        return ("The model on the same cases stands below the readers.",)
    return (f"Two readers of one case must differ by more than {with_unit(among.change.estimate, unit, 2)} before the difference is more than error; model and mean of the readers by more than {with_unit(model.change.estimate, unit, 2)}.",)


def _row(c: Compared, unit: str, facts: Facts) -> tuple[Cell | str, ...]:
    against = facts.words.truth if c.second == "reference" else c.second or "–"
    return (c.first, against, count_cell(c.n), *(_figure(v, 2) for v in (c.bias, *c.limits, c.change)), figure(c.icc))


def _figure(value: Interval, digits: int) -> Cell:
    return Cell("–") if value.reason == "several readers" else figure(value, digits)


def interchangeable(facts: Facts, lines: pd.DataFrame, readings: pd.DataFrame) -> tuple[Block, ...]:
    """Whether the model can stand in for a reader at a margin; none where the study asks it itself, or fewer than two read without aid."""
    row = facts.primary
    target = facts.study.targets[row.question.target]
    asked = any(isinstance(a, Interchangeability) and (a.target or facts.study.primary) == row.question.target for a in facts.study.analyses)
    if asked or not isinstance(target, (Classes, Grades, Measures)) or readings[~readings["aided"].astype(bool)]["reader"].nunique() < 2:
        return ()
    tolerance = _tolerance(facts, lines, readings) if isinstance(target, Measures) else 0.0
    try:
        found = [r for r in Interchangeability(row.question.target, row.question.finding, MARGIN, tolerance)(facts.run, facts.study) if r.group.endswith("in place of a reader")]
    except OsteonError:
        return ()
    excess = next((r for r in found if r.what == "excess disagreement"), None)
    if excess is None or not excess.value.defined:
        return ()
    return (Paragraph(_verdict(facts, found, excess, tolerance)),)


def _tolerance(facts: Facts, lines: pd.DataFrame, readings: pd.DataFrame) -> float:
    """The smallest detectable change among the readers: smaller differences are not told from error."""
    among = next((c for c in compare(lines, readings, "") if c.first == READERS), None)
    return among.change.estimate if among is not None and among.change.defined else 0.0


def _verdict(facts: Facts, found: list[Result], excess: Result, tolerance: float) -> tuple[str, ...]:
    shares = {r.what: f"{number(100 * r.value.estimate, 1)}\u00a0%" for r in found}
    differ = f"differ by more than the readers' own smallest detectable change ({number(tolerance, 2)})" if tolerance else "disagree"
    upper = excess.value.upper < MARGIN
    verdict = "below the margin of 10 points that is usual: it can stand in for one of them" if upper else "not below the margin of 10 points that is usual: that it can stand in for one of them is not shown"
    return (f"Two readers {differ} in {shares.get('disagreement, old with old', '–')} of {number(excess.n)} {many(facts.words.case)}, the model and a reader in {shares.get('disagreement, old with new', '–')}: "
            f"an excess of {share(excess.value).text} ({share(excess.value).under}). Its upper limit is {verdict} (individual equivalence, Obuchowski 2014).",)
