"""How sure a single answer is: sets and intervals that hold the truth as often as they say, and the error where only sure answers are given."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from osteon.report.cells import share
from osteon.report.content import Block, Cell, Paragraph, Section, Table
from osteon.report.facts import FEWEST, Facts
from osteon.report.families.family import count_cell
from osteon.report.sections.abstaining import abstaining
from osteon.report.sections.cases import SMALL
from osteon.report.sections.doubt import doubts
from osteon.report.words import many, number, with_unit
from osteon.stats.intervals import wilson
from osteon.targets import Classes, Grades, Measures
from osteon.validation.class_sets import class_sets, luck
from osteon.validation.uncertainty import FEWEST as OF_ITS_OWN
from osteon.validation.uncertainty import Coverage, Judged, conformal, coverage, parts

ALPHA = 0.1
LEAST_TUNE, MOST_LEVELS = 30, 12


def uncertainty(facts: Facts) -> Section | None:
    """Coverage of conformal answers at 90 %, of all and by group, the curve of abstention, and whether several answers to one case tell the wrong ones; None where nothing of that can be said."""
    row = facts.primary
    target = facts.study.targets[row.question.target]
    if not isinstance(target, (Classes, Grades, Measures)):
        return _spread_only(facts)
    try:
        tune, test = parts(facts.run, row.source.model, (row.question.target, target), row.question.finding)
    except (ValueError, KeyError):
        return _spread_only(facts)
    few = min((int((tune.fold == f).sum()) for f in set(test.fold.tolist())), default=0)
    if few < LEAST_TUNE or len(test.truth) < FEWEST:
        text = f"The tune part holds {number(few)} judged {many(facts.words.counted)}: fewer than {LEAST_TUNE} are too few to calibrate an interval or a set."
        return Section("uncertainty", "How sure a single answer is", (Paragraph((text,), "note"), *doubts(facts)))
    return Section("uncertainty", "How sure a single answer is", (Paragraph(_words(facts, tune, test)), _table(facts, tune, test), *_sets(facts), *abstaining(facts, test, _attributes(facts, tune, test)), *doubts(facts)))


def _spread_only(facts: Facts) -> Section | None:
    blocks = doubts(facts)
    return Section("uncertainty", "How sure a single answer is", blocks) if blocks else None


def _words(facts: Facts, tune: Judged, test: Judged) -> tuple[str, ...]:
    what = "a set of answers (with the finding, without it, or either)" if test.probability else "an interval around each reading"
    low, high = luck(min(int((tune.fold == f).sum()) for f in set(test.fold.tolist())), alpha=ALPHA)
    return (f"The errors on the tune part make {what} that should hold the {facts.words.truth} in 90 of 100 {many(facts.words.counted)} (split conformal prediction).",
            f"With so few or so many tune {many(facts.words.counted)} as here, chance alone puts the true share between {number(100 * low)} and {number(100 * high)}\u00a0% 95 times in 100. "
            "The tune part also chose the cut and the training step, so that a little less may be held; what was held on the test part stands below.")


def _table(facts: Facts, tune: Judged, test: Judged) -> Table:
    one = coverage(test, conformal(tune, test, alpha=ALPHA))[0]
    unit = facts.unit_of(facts.primary.question.target, facts.primary.question.finding)
    body: list[tuple[Cell | str, ...]] = [("All", count_cell(one.cases), share(one.share), _size(one, test, unit), Cell("–"))]
    for attribute, of_tune, of_test in _attributes(facts, tune, test):
        levels = [str(v) for v in dict.fromkeys(sorted(of_test.tolist())) if v]
        masks = {v: of_test == v for v in levels}
        plain, own = (coverage(test, conformal(tune, test, alpha=ALPHA, groups=g), groups=masks)[1:] for g in (None, (of_tune, of_test)))
        body.append((attribute,))
        body += [_row(facts, a, b, test, unit, (of_tune == a.group).sum()) for a, b in zip(plain, own, strict=True)]
    size = "Mean classes in a set" if test.probability else "Mean width"
    return Table("coverage", f"Held in 90 of 100? {facts.label}", columns=("", "n", "Held, one rule for all", size, "Held, a rule for each group"), rows=tuple(body),
                 note=f"Below each share stands its 95 % {facts.words.interval}. A group has a rule of its own from {OF_ITS_OWN} tune {many(facts.words.counted)} on; one of fewer than {FEWEST} tested gets no figure.")


def _sets(facts: Facts) -> tuple[Block, ...]:
    """Of three classes or more: sets of classes, three ways."""
    from osteon.report.families.several import classed

    row = facts.primary
    target = facts.study.targets[row.question.target]
    if not isinstance(target, Classes) or len(target.names) < 3:
        return ()
    tune, test = (classed(facts, row.source.model, row.question.target, part) for part in ("tune", "test"))
    if tune is None or test is None or min(int((tune.fold == f).sum()) for f in set(test.fold.tolist())) < LEAST_TUNE:
        return ()
    body = []
    for way, kept in class_sets(tune, test, alpha=ALPHA, seed=int(facts.about["seed"]) % 2**31).items():
        held = kept[np.arange(len(test.truth)), test.truth]
        worst = min(float(held[test.truth == k].mean()) for k in set(test.truth.tolist()))
        body.append((way, share(wilson(int(held.sum()), len(held))), Cell(number(kept.sum(1).mean(), 2), value=float(kept.sum(1).mean())), Cell(f"{number(100 * worst, 1)}\u00a0%", value=worst)))
    return (Table("class-sets", f"Sets of classes that should hold the {facts.words.truth} in 90 of 100", columns=("Way", "Held", "Mean classes in a set", "Held, the least of the classes"), rows=tuple(body), tone="tight"),)


def _row(facts: Facts, plain: Coverage, own: Coverage, test: Judged, unit: str, calibrated: int) -> tuple[Cell | str, ...]:
    small = 0 < plain.cases < SMALL and not facts.simulated
    n = Cell(f"< {SMALL}") if small else count_cell(plain.cases)
    if plain.cases < FEWEST:
        return (f"– {plain.group}", n, Cell("too few"), Cell("–"), Cell("–"))
    return (f"– {plain.group}", n, share(plain.share), _size(plain, test, unit), share(own.share) if calibrated >= OF_ITS_OWN else Cell("too few to calibrate"))


def _attributes(facts: Facts, tune: Judged, test: Judged) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Each attribute of few values that the study names, over the tune and the test lines; "" where it is unknown."""
    table = facts.tables["cases"].set_index("case")
    for name in facts.study.subgroups:
        if name in table and 2 <= table[name].nunique() <= MOST_LEVELS:
            known = table[name].astype(object).where(table[name].notna(), "").astype(str)
            yield name, *(known.reindex(part.case).fillna("").to_numpy(str) for part in (tune, test))


def _size(found: Coverage, test: Judged, unit: str) -> Cell:
    return Cell(number(found.size, 2) if test.probability else with_unit(found.size, unit, 2), value=None if np.isinf(found.size) else found.size)
