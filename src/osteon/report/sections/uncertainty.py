"""How sure a single answer is: sets and intervals that hold the truth as often as they say, and the error where only sure answers are given."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osteon.report.content import Block, Cell, Paragraph, Section, Table
from osteon.report.facts import FEWEST, Facts
from osteon.report.families.family import count_cell, drawing
from osteon.report.sections.cases import SMALL
from osteon.report.words import many, number, with_unit
from osteon.targets import Classes, Grades, Measures
from osteon.validation.uncertainty import FEWEST as OF_ITS_OWN
from osteon.validation.uncertainty import Coverage, Judged, abstention, conformal, coverage, parts

ALPHA = 0.1
LEAST_TUNE, MOST_LEVELS = 30, 12


def uncertainty(facts: Facts) -> Section | None:
    """Coverage of conformal answers at 90 %, of all and by group, and the curve of abstention; None where the target gives neither probabilities nor readings."""
    row = facts.primary
    target = facts.study.targets[row.question.target]
    if not isinstance(target, (Classes, Grades, Measures)):
        return None
    try:
        tune, test = parts(facts.run, row.source.model, (row.question.target, target), row.question.finding)
    except (ValueError, KeyError):
        return None
    few = min((int((tune.fold == f).sum()) for f in set(test.fold.tolist())), default=0)
    if few < LEAST_TUNE or len(test.truth) < FEWEST:
        text = f"The tune part holds {number(few)} judged {many(facts.words.counted)}: fewer than {LEAST_TUNE} are too few to calibrate an interval or a set."
        return Section("uncertainty", "How sure a single answer is", (Paragraph((text,), "note"),))
    return Section("uncertainty", "How sure a single answer is", (Paragraph(_words(facts, tune, test)), _table(facts, tune, test), *_curve(facts, test)))


def _words(facts: Facts, tune: Judged, test: Judged) -> tuple[str, ...]:
    what = "a set of answers (with the finding, without it, or either)" if test.probability else "an interval around each reading"
    return (f"The errors on the tune part make {what} that should hold the {facts.words.truth} in 90 of 100 {many(facts.words.counted)} (split conformal prediction).",
            "The tune part also chose the cut and the training step, so that a little less may be held; what was held on the test part stands below.")


def _table(facts: Facts, tune: Judged, test: Judged) -> Table:
    one = coverage(test, conformal(tune, test, alpha=ALPHA))[0]
    unit = facts.unit_of(facts.primary.question.target, facts.primary.question.finding)
    body: list[tuple[Cell | str, ...]] = [("All", count_cell(one.cases), _share(one), _size(one, test, unit), Cell("–"))]
    for attribute, of_tune, of_test in _attributes(facts, tune, test):
        levels = [str(v) for v in dict.fromkeys(sorted(of_test.tolist())) if v]
        masks = {v: of_test == v for v in levels}
        plain, own = (coverage(test, conformal(tune, test, alpha=ALPHA, groups=g), groups=masks)[1:] for g in (None, (of_tune, of_test)))
        body.append((attribute,))
        body += [_row(facts, a, b, test, unit, (of_tune == a.group).sum()) for a, b in zip(plain, own, strict=True)]
    size = "Mean classes in a set" if test.probability else "Mean width"
    return Table("coverage", f"Held in 90 of 100? {facts.label}", columns=("", "n", "Held, one rule for all", size, "Held, a rule for each group"), rows=tuple(body),
                 note=f"Below each share stands its 95 % {facts.words.interval}. A group has a rule of its own from {OF_ITS_OWN} tune {many(facts.words.counted)} on; one of fewer than {FEWEST} tested gets no figure.")


def _row(facts: Facts, plain: Coverage, own: Coverage, test: Judged, unit: str, calibrated: int) -> tuple[Cell | str, ...]:
    small = 0 < plain.cases < SMALL and not facts.simulated
    n = Cell(f"< {SMALL}") if small else count_cell(plain.cases)
    if plain.cases < FEWEST:
        return (f"– {plain.group}", n, Cell("too few"), Cell("–"), Cell("–"))
    return (f"– {plain.group}", n, _share(plain), _size(plain, test, unit), _share(own) if calibrated >= OF_ITS_OWN else Cell("too few to calibrate"))


def _attributes(facts: Facts, tune: Judged, test: Judged) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each attribute of few values that the study names, over the tune and the test lines; "" where it is unknown."""
    table = facts.tables["cases"].set_index("case")
    for name in facts.study.subgroups:
        if name in table and 2 <= table[name].nunique() <= MOST_LEVELS:
            known = table[name].astype(object).where(table[name].notna(), "").astype(str)
            yield name, *(known.reindex(part.case).fillna("").to_numpy(str) for part in (tune, test))


def _share(found: Coverage) -> Cell:
    s = found.share
    if not s.defined:
        return Cell("not defined", s.reason)
    return Cell(f"{number(100 * s.estimate, 1)}\u00a0%", f"{number(100 * s.lower, 1)} to {number(100 * s.upper, 1)}", value=s.estimate, lower=s.lower, upper=s.upper)


def _size(found: Coverage, test: Judged, unit: str) -> Cell:
    return Cell(number(found.size, 2) if test.probability else with_unit(found.size, unit, 2), value=None if np.isinf(found.size) else found.size)


def _curve(facts: Facts, test: Judged) -> tuple[Block, ...]:
    """The curve of abstention at the cut of the run."""
    from osteon.report.figures.abstention import abstention as draw

    table = facts.primary.table
    if not test.probability or table is None or table.cut is None:
        return ()
    found = abstention(test, cut=np.full(len(test.truth), table.cut))
    half = int(np.searchsorted(found.coverage, 0.5))
    text = f"{number(100 * found.risk[-1], 1)}\u00a0% of all answers are wrong at the cut; of the surest half {number(100 * found.risk[half], 1)}\u00a0%. Sure means far from the cut."
    figure = draw(found.coverage, found.risk, least=FEWEST, cases=len(test.truth))
    return (drawing(facts, figure, "abstention", "Answering only where it is sure", alt=text, caption=f"{text} Mean over the curve: {number(100 * found.area, 1)}\u00a0%. Dashed: all are answered."),)
