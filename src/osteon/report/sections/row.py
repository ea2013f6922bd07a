"""The primary result as one line for other programs: the line that a review pools."""

from __future__ import annotations

from osteon.report.content import Cell, Paragraph, Section, Table
from osteon.report.facts import Facts


def row(facts: Facts) -> Section:
    """Every column of the evidence table with its value."""
    flat = facts.primary.flat()
    rows = tuple((name, _cell(value)) for name, value in flat.items() if value is not None and value == value and value != "")
    text = ["The primary result with the columns of the evidence table; rows.csv holds it beside every other result."]
    text += ["Its origin is “simulated”: the command “osteon pool” refuses it as evidence."] if facts.simulated else ["The command “osteon pool RUN …” takes it from here beside published results."]
    return Section("row", "The result for other programs", (Paragraph(tuple(text)), Table("evidence-row", "The primary row", columns=("Column", "Value"), rows=rows, tone="tight")))


def _cell(value: object) -> Cell:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return Cell(", ".join(map(str, value)) if isinstance(value, (tuple, list)) else str(value))
    return Cell(f"{value:.6g}", value=float(value))
