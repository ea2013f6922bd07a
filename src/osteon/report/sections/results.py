"""Results, target by target, the primary one first."""

from __future__ import annotations

from osteon.report.content import Block, Paragraph, Section
from osteon.report.facts import Facts
from osteon.report.families import family_of
from osteon.report.sections.asking import told
from osteon.report.words import many


def results(facts: Facts) -> Section:
    """Every judged target with every model that answers it."""
    title = "Recovery of planted labels" if facts.simulated else "Results"
    blocks: list[Block] = [Paragraph((_lead(facts),))]
    for name in facts.targets:
        found = family_of(facts.study.targets[name]).results(facts, name)
        if len(facts.targets) > 1 and found:
            blocks.append(Paragraph((f"{'Primary target' if name == facts.study.primary else 'Target'}: {name} ({told(facts.study.targets[name])})",), "heading"))
        blocks += found or (Paragraph((f"{name}: no case of the test part has a {facts.words.truth} for it, so nothing was judged.",), "note"),)
    return Section("results", title, tuple(blocks))


def _lead(facts: Facts) -> str:
    row = facts.primary
    rest = " The line of the first model is the primary result; all else is secondary and was not corrected for the number of comparisons." if len(facts.rows) > 1 else ""
    return f"All figures are of the test part: {many(facts.words.case)} that the model did not learn from and on which nothing was chosen.{rest} The primary question was {row.question.target}, {row.question.finding}."
