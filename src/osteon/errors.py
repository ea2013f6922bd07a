"""Every exception that osteon raises on purpose.

OsteonError
├── DataError         the user's files, columns or values
├── StudyError        a declaration that contradicts itself
├── NotFitted         a model asked to answer before it learned
├── Refused           work that osteon could do and will not (simulated weights on a patient's film)
└── RunError          a run folder that is missing, damaged or of another study

All messages have one shape: where it is, what is wrong, what was expected, what was found, what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class OsteonError(Exception):
    """The root: the command line prints its text and exits with code 2."""


class DataError(OsteonError):
    """Something in the user's files, columns or values."""


class StudyError(OsteonError):
    """A study, target or model that is declared against its own rules."""


class NotFitted(OsteonError):
    """A model was asked to answer before it was fitted or loaded."""


class Refused(OsteonError):
    """A request that osteon declines for the patient's sake; the text says what to do instead."""


class RunError(OsteonError):
    """A run folder is missing, damaged, or belongs to another study."""


def message(where: object, wrong: str, *, expected: str = "", found: str = "", do: str = "") -> str:
    """The one shape of an error text: `<where>: <wrong> (<expected>). <found>. <do>`."""
    parts = [f"{where}: {wrong}" + (f" ({expected})" if expected else "")]
    parts += [part for part in (found, do) if part]
    return " ".join(part if part.endswith((".", "?")) else part + "." for part in parts)


def listed(names: Iterable[object], most: int = 12) -> str:
    """Names in one line, each once, and how many more there are."""
    each = list(dict.fromkeys(map(str, names)))
    return ", ".join(each[:most]) + (f" and {len(each) - most} more" if len(each) > most else "")


def near(name: str, known: Iterable[str]) -> str:
    """A question that proposes the nearest known name, or the list of names where none is near."""
    names = sorted(set(map(str, known)))
    return meant(name, names) or (f"Known: {listed(names)}" if names else "None is known")


def meant(name: str, known: Iterable[str]) -> str:
    """A question that proposes the nearest known name; empty where none is near."""
    folded = {n.lower().replace(" ", "_").replace("-", "_"): n for n in sorted(set(map(str, known)))}
    close = get_close_matches(name.lower().replace(" ", "_").replace("-", "_"), folded, n=1, cutoff=0.6)
    return f"Did you mean {folded[close[0]]!r}?" if close else ""
