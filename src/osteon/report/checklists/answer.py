"""What a run can say to an item of a checklist."""

from __future__ import annotations

from dataclasses import dataclass

FILLED, DRAFTED, AUTHOR, NOT_APPLICABLE = "filled", "drafted", "author", "not applicable"


@dataclass(frozen=True)
class Answer:
    """A status, the text, and the section of the report in which it stands (its anchor)."""

    status: str
    text: str
    where: str = ""


def filled(text: str, where: str) -> Answer:
    """The run knows it."""
    return Answer(FILLED, text, where)


def drafted(text: str, where: str = "") -> Answer:
    """The run knows a part of it: the author confirms or completes."""
    return Answer(DRAFTED, text, where)


def absent(reason: str) -> Answer:
    """The item asks for something that this run did not do, and why it does not apply."""
    return Answer(NOT_APPLICABLE, reason)
