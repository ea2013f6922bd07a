"""Rank correlations of readings with what is known of cases and levels."""

from __future__ import annotations

from collections.abc import Mapping

from osteon.report.content import Block, Paragraph
from osteon.report.facts import Facts
from osteon.report.questions.told import Results, Told, forest_of, of, spoken
from osteon.report.words import listed
from osteon.validation.analyses import Correlates
from osteon.validation.analyses.correlates import ANSWER, REFERENCE


def correlates(facts: Facts, analysis: Correlates, results: Results) -> tuple[Block, ...]:
    """Each attribute with every reading: that of the answers beside that of the reference."""
    text: list[str] = []
    drawings: list[Block] = []
    for name in (*analysis.whole, *analysis.each):
        answers, truths = of(results, f"{ANSWER}, {name}"), {r.group: r for r in of(results, f"{REFERENCE}, {name}")}
        said = [f"{_said(r.group)} {spoken(r)} (reference {spoken(truths[r.group])})" for r in answers if r.value.defined and truths[r.group].value.defined]
        text += [f"Rank correlation with {_said(name)}: {listed(said)}."] if said else []
        drawings += forest_of(facts, tuple(answers), f"correlates-{name}", f"Correlation of readings with {_said(name)}", label="Spearman's rho", reference=0.0, said="no correlation")
    return (Paragraph(tuple(text)), *drawings)


def _said(name: str) -> str:
    return name.replace("_", " ")


CORRELATING: Mapping[type, Told] = {Correlates: Told("Going along with age and grade", correlates, "Spearman's rank correlation, intervals from resampling patients")}
