"""The model card: what the model is, for whom, on what it was tested, and its limits."""

from __future__ import annotations

from osteon.report.content import Paragraph, Section
from osteon.report.facts import Facts
from osteon.report.sections.checklists import answered


def card(facts: Facts) -> Section:
    """A row a heading of the card."""
    table, note = answered(facts, "model_card")
    return Section("card", "Model card", (Paragraph((note,), "note"), table))
