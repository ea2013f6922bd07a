"""A stronger reference standard beside a weaker one, in words."""

from __future__ import annotations

from collections.abc import Mapping

from osteon.report.content import Block, Paragraph
from osteon.report.facts import Facts
from osteon.report.questions.told import Results, Told, of, one, spoken
from osteon.validation.analyses import References


def references(facts: Facts, analysis: References, results: Results) -> tuple[Block, ...]:
    """Each model against both references, and what the errors of the weaker one take."""
    strong, weak = analysis.names
    text = []
    for lost in of(results, "AUC lost to the reference"):
        sets = (strong, f"{weak}, set of its own", f"{weak}, cases of {strong}")
        against = [found for name in sets if (found := one(results, "AUC", f"{lost.group}: {name}")) and found.value.defined]
        if len(against) == len(sets):
            first, apart, same = map(spoken, against)
            text.append(f"{lost.group}: AUC {first} against {strong}; against {weak}, {same} on the same cases and {apart} on a set of its own.")
        if lost.value.defined:
            text.append(f"The errors of {weak} take {spoken(lost)} of the AUC on the same cases.")
    text.append("A model that errs where its teacher errs looks better against that teacher; only the stronger reference shows it.")
    return (Paragraph(tuple(text)),)


REFERRING: Mapping[type, Told] = {References: Told("Against a stronger reference", references, "AUC within folds against both references; the difference on the same cases with limits from resampled patients")}
