"""The checklists that fit the study, folded: what is filled, drafted, left to the author or not applicable, and where it stands. No score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteon.report.content import Folded, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.words import listed

if TYPE_CHECKING:
    from osteon.report.checklists import Answer, Instrument, Item

TITLES = {"cases": "Who was in it", "leakage": "Leakage", "plan": "Plan and seal", "results": "Results", "thresholds": "Other cuts, other prevalences", "compared": "Models against each other", "subgroups": "Groups",
          "gaps": "Differences between groups", "readers": "Readers and the model", "external": "Cases from elsewhere", "recalibration": "Probabilities elsewhere", "failures": "Where it failed", "labels": "References to look at again",
          "uncertainty": "How sure a single answer is", "shift": "Tested against learnt from", "sensitivity": "What it hangs on", "explanation": "What the model looks at", "limits": "Limits of this report", "making": "How it was made",
          "methods": "Methods, ready to paste", "files": "Files", "row": "The result for other programs", "": "–"}


def checklists(facts: Facts) -> Section:
    """One fold a checklist."""
    from osteon.report.checklists import applying  # the answers quote other sections, so that these must be there first

    lead = ("What a run can answer of the usual checklists. Filled: the run knows it. Drafted: confirm or complete it. Author: only you know it. "
            "A checklist says what is reported, not how good it is: there is no sum.")
    return Section("checklists", "Checklists", (Paragraph((lead,)), *(_folded(facts, name) for name in applying(facts) if name != "model_card")))


def _folded(facts: Facts, name: str) -> Folded:
    from osteon.report.checklists import instrument

    checklist = instrument(name)
    table, note = answered(facts, name)
    return Folded(f"{checklist.name}, {checklist.version}", (Paragraph((note,), "note"), table))


def answered(facts: Facts, name: str) -> tuple[Table, str]:
    """A checklist as a table, and what to know of it: its source, and which items are left to the author."""
    from osteon.report.checklists import AUTHOR, fill, instrument

    checklist = instrument(name)
    found = fill(checklist, facts)
    yours = [item.id for item, answer in found if answer.status == AUTHOR]
    left = f"Left to you: {listed(yours)}." if yours else "Nothing is left to you but to confirm."
    return _table(facts, name, checklist, found), f"{checklist.reference}. {checklist.note} {left}"


def _table(facts: Facts, name: str, checklist: Instrument, found: tuple[tuple[Item, Answer], ...]) -> Table:
    titles = TITLES | ({"cases": "What was in it", "results": "Recovery of planted labels"} if facts.simulated else {})
    rows: list[tuple[str, ...]] = []
    for item, answer in found:
        rows += [(item.section,)] if (item.section,) not in rows else []
        rows.append((item.id, item.topic, answer.status, answer.text, titles[answer.where]))
    return Table(f"checklist-{name.replace('_', '-')}", checklist.name, columns=("", "What is asked", "Status", "What the run says", "Section"), rows=tuple(rows), tone="tight",
                 note="Topics in our own words; the published form is the one to submit.")
