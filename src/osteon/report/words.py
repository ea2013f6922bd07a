"""How the report speaks: numbers as people write them, and other words where the cases were made by a simulator."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

UNITS = {"deg": "°", "": ""}
UNIT_NAMES = {"deg": "degrees"}
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
STAMP = "Simulated – not clinical evidence"


def number(value: float, digits: int = 0) -> str:
    """A number with a true minus and thousands by commas; "–" where it is undefined."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:,.{digits}f}"
    return (text[1:] if float(text.replace(",", "")) == 0 and text[0] == "-" else text).replace("-", "−")


def with_unit(value: float, unit: str, digits: int) -> str:
    """A number with its unit: 174.2°, 12.1 mm."""
    return number(value, digits) + UNITS.get(unit, f"\u00a0{unit}")


def unit_name(unit: str) -> str:
    """A unit in words: degrees, mm."""
    return UNIT_NAMES.get(unit, unit)


def plural(n: float, noun: str) -> str:
    """A count with its noun: 1 leg, 2 legs, 8,000 studies."""
    return f"{number(n)} {noun if n == 1 else many(noun)}"


def many(noun: str) -> str:
    """The plural of a regular noun."""
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return noun if noun.endswith("s") and not noun.endswith("ss") else f"{noun}es" if noun.endswith(("ss", "x", "ch", "sh")) else f"{noun}s"


def spelled(n: int) -> str:
    """A small number in letters."""
    return NUMBERS[n] if 0 <= n < len(NUMBERS) else number(n)


def listed(items: Iterable[str]) -> str:
    """a, b and c."""
    known = list(items)
    return " and ".join([", ".join(known[:-1]), known[-1]] if len(known) > 1 else known)


def sentence(text: str) -> str:
    """The text with a capital first and a full stop last."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".") if text else ""


def duration(seconds: float) -> str:
    """A time that a person can compare: 0.7 ms, 41 s, 5 min 20 s, 2 h 10 min."""
    if seconds < 1:
        return f"{seconds * 1000:.{1 if seconds < 0.1 else 0}f} ms"
    if seconds < 90:
        return f"{seconds:.{1 if seconds < 10 else 0}f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def discreet(text: str) -> str:
    """A reason without file names, paths and quoted cells, which may hold the name of a person."""
    text = re.sub(r"'[^']*'|\"[^\"]*\"", "…", text)
    return re.sub(r"(?:\b[A-Za-z]:|(?<!\w))[\\/~]\S+|\S+\.(?:dcm|nii|gz|png|jpe?g|tiff?|json|csv|xlsx|txt)\b", "(a file)", text)


def finding_words(target: str, finding: str) -> str:
    """A finding as it is spoken of: `stay: long`; the target alone where both are one word."""
    return finding if finding.lower() == target.lower() else f"{target}: {finding}"


def software(versions: Mapping[str, str]) -> str:
    """This software with its version; as source where it was run without being installed."""
    known = versions.get("osteon", "")
    return f"osteon {known}" if known[:1].isdigit() else "osteon (from source)"


@dataclass(frozen=True)
class Words:
    """The words that depend on whether the cases are patients or were made by a simulator; `item` is what a case is, `unit` what results count (two legs a film)."""

    simulated: bool
    item: str = "case"
    unit: str = "case"

    @property
    def interval(self) -> str:
        """What an interval is called."""
        return "Monte-Carlo interval" if self.simulated else "confidence interval"

    @property
    def person(self) -> str:
        """Whom a case belongs to."""
        return "simulated person" if self.simulated else "patient"

    @property
    def case(self) -> str:
        """What a case is."""
        return f"simulated {self.item}" if self.simulated else self.item

    @property
    def counted(self) -> str:
        """What results count."""
        return f"simulated {self.unit}" if self.simulated else self.unit

    @property
    def set(self) -> str:
        """What the cases are together."""
        return "simulated set" if self.simulated else "cohort"

    @property
    def truth(self) -> str:
        """What an answer is held against."""
        return "planted truth" if self.simulated else "reference standard"

    @property
    def merit(self) -> str:
        """What the figures measure."""
        return "recovery of planted labels" if self.simulated else "accuracy"

    def cases(self, n: float) -> str:
        """A count of cases: 830 operations, 8,000 simulated operations."""
        return plural(n, self.case)

    def people(self, n: float) -> str:
        """A count of patients."""
        return plural(n, self.person)
