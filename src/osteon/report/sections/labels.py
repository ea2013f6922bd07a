"""Reference answers that a second look should begin with."""

from __future__ import annotations

from osteon.report.content import Cell, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.words import many, number, plural
from osteon.targets import Classes, Grades
from osteon.validation.labels import doubts

MOST = 10


def labels(facts: Facts) -> Section | None:
    """The most contradicted labels by code; None for simulated cases, whose labels are known, and where the target gives no probabilities."""
    row = facts.primary
    if facts.simulated or not isinstance(facts.study.targets[row.question.target], (Classes, Grades)):
        return None
    try:
        found = doubts(facts.test(row.source.model, row.question.target, row.question.finding))
    except ValueError:
        return None
    if not found:
        return None
    text = (f"{plural(len(found), facts.words.case)} of the test part carry a {facts.words.truth} that {facts.label}, which did not learn from them, contradicts with confidence.",
            "Some are errors of the model, some of the reference: the list says where to look first, and nothing was changed.")
    rows = tuple((d.case, "with" if d.positive else "without", Cell(number(d.probability, 3), value=d.probability)) for d in found[:MOST])
    return Section("labels", "References to look at again", (Paragraph(text), Table("labels", f"The {many(facts.words.case)} most contradicted", columns=("Case", f"Reference: “{facts.spoken(row)}”", "Probability given"), rows=rows)))
