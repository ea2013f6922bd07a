"""What the study asks beyond accuracy: its analyses, in its order, each as sentences, figure and table."""

from __future__ import annotations

from osteon.report.content import Block, Paragraph, Section
from osteon.report.facts import Facts
from osteon.report.questions import told_of
from osteon.report.questions.told import Results, tables
from osteon.validation.results import FAILED, Analysis, results_of, titles


def analyses(facts: Facts) -> Section | None:
    """Every analysis; None where the study declares none."""
    declared = facts.study.analyses
    if not declared:
        return None
    found = results_of(facts.run)
    blocks: list[Block] = [Paragraph(("These analyses were declared by the study, read the test part unless they say otherwise, and trained nothing.", *_simulated(facts)))]
    for title, analysis in zip(titles(declared), declared, strict=True):
        blocks += _one(facts, title, analysis, tuple(r for r in found if r.analysis == title))
    return Section("analyses", "Analyses", tuple(blocks))


def _simulated(facts: Facts) -> tuple[str, ...]:
    return ("On simulated cases they show whether the software finds what was planted; they say nothing about patients.",) if facts.simulated else ()


def _one(facts: Facts, title: str, analysis: Analysis, results: Results) -> list[Block]:
    told = told_of(analysis)
    heading = f"{told.heading}{title[len(type(analysis).__name__):]}" if told else title
    out: list[Block] = [Paragraph((heading,), "heading")]
    if not results or results[0].what == FAILED:
        reason = results[0].value.reason if results else "the run was made before it was declared; run the study again in a new folder"
        return [*out, Paragraph((f"Not made: {reason.rstrip('.')}.",), "note")]
    return [*out, *(told.blocks(facts, analysis, results) if told else ()), *tables(f"analysis-{title}", heading, results)]
