"""Intervals and p-values as cells of a table."""

from __future__ import annotations

from osteon.report.content import Cell
from osteon.report.words import number
from osteon.stats.intervals import HypothesisTest, Interval


def share(value: Interval) -> Cell:
    """A share in per cent with its interval below."""
    return _cell(value, 100, 1, end="\u00a0%")


def points(value: Interval) -> Cell:
    """A difference of shares in percentage points, signed."""
    return _cell(value, 100, 1, signed=True)


def figure(value: Interval, digits: int = 3, *, signed: bool = False) -> Cell:
    """Any other figure."""
    return _cell(value, 1, digits, signed=signed)


def _cell(value: Interval, scale: float, digits: int, *, signed: bool = False, end: str = "") -> Cell:
    if value.estimate != value.estimate:
        return Cell("not defined", value.reason)
    sign = "+" if signed and value.estimate > 0 else ""
    text = f"{sign}{number(scale * value.estimate, digits)}{end}"
    if not value.defined:
        return Cell(text, f"no interval: {value.reason}" if value.reason else "", value=value.estimate)
    return Cell(text, f"{number(scale * value.lower, digits)} to {number(scale * value.upper, digits)}", value=value.estimate, lower=value.lower, upper=value.upper)


def bare(value: float, digits: int = 3) -> Cell:
    """A figure without an interval."""
    return Cell(number(value, digits), value=None if value != value else float(value))


def chance(p: float) -> Cell:
    """A p-value."""
    return Cell("–" if p != p else "< 0.001" if p < 0.001 else number(p, 3), value=None if p != p else float(p))


def tested(test: HypothesisTest) -> Cell:
    """The p-value of a test, or why there is none."""
    made = chance(test.p)
    return Cell(made.text, test.reason, value=made.value)
