"""How the results of an analysis become a table, a sentence and a figure."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from osteon.report.cells import chance
from osteon.report.content import Block, Cell, Drawing, Table
from osteon.report.facts import Facts
from osteon.report.families.family import count_cell, drawing
from osteon.report.words import UNITS, number, sentence
from osteon.run import slug
from osteon.stats.intervals import Interval
from osteon.validation.results import SHARE, Result

Results = tuple[Result, ...]
MOST = 20  # rows of a table that are shown; all stand in results.csv


@dataclass(frozen=True)
class Told:
    """How a kind of analysis is reported: its heading, the blocks (sentences first) made from the analysis and its results, which tables follow, and its method with the paper."""

    heading: str
    blocks: Callable[[Facts, Any, Results], tuple[Block, ...]]
    method: str = ""


def of(results: Iterable[Result], *whats: str) -> Results:
    """The results that are one of these figures."""
    return tuple(r for r in results if r.what in whats)


def one(results: Iterable[Result], what: str, group: str) -> Result | None:
    """The result of a figure and group."""
    return next((r for r in results if (r.what, r.group) == (what, group)), None)


def places(value: float) -> int:
    """Decimals that show three figures of a value below 1000."""
    return 3 if value == 0 or not math.isfinite(value) else min(4, max(0, 2 - math.floor(math.log10(abs(value)))))


def spoken(result: Result) -> str:
    """A figure in running text: 1.84 (1.21 to 2.80), 12.5 % (9.0 to 16.1)."""
    made = value_cell(result)
    return f"{made.text} ({made.under})" if made.under and made.value is not None else made.text


def value_cell(result: Result) -> Cell:
    """A figure with its interval below; what is not defined tells why, and a description has no interval."""
    v, scale = result.value, 100 if result.unit == SHARE else 1
    if math.isnan(v.estimate):
        return Cell("not defined", v.reason)
    widest = max((abs(x) for x in (v.lower, v.upper) if math.isfinite(x)), default=abs(v.estimate)) if v.defined else abs(v.estimate)
    digits = 0 if _counted(result) else places(scale * (abs(v.estimate) or widest))
    digits = min(digits, 1) if result.unit == SHARE else digits
    text = number(scale * v.estimate, digits) + unit_of(result)
    if not v.defined:
        return Cell(text, "" if _described(v) else v.reason, value=v.estimate)
    return Cell(text, f"{number(scale * v.lower, digits)} to {number(scale * v.upper, digits)}", value=v.estimate, lower=v.lower, upper=v.upper)


def unit_of(result: Result) -> str:
    """The unit behind a figure."""
    return "\u00a0%" if result.unit == SHARE else UNITS.get(result.unit, f"\u00a0{result.unit}")


def _counted(result: Result) -> bool:
    return (result.unit == "cases" or result.what == "count") and float(result.value.estimate).is_integer() or (result.unit == "cases" and result.value.estimate > 100)


def _described(value: Interval) -> bool:
    return value.reason.startswith("a description")


def tables(name: str, title: str, results: Results, *, most: int = MOST) -> tuple[Table, ...]:
    """A table for the groups that have the same first figure: a row a group, a column a figure, p where a test was made, and notes."""
    groups: dict[str, dict[str, Result]] = {}
    for result in results:
        groups.setdefault(result.group, {})[result.what] = result
    kinds: dict[str, dict[str, dict[str, Result]]] = {}
    for group, found in groups.items():
        kinds.setdefault(next(iter(found)), {})[group] = found
    several = len(kinds) > 1
    return tuple(_table(f"{slug(name)}-{k}" if several else slug(name), f"{title}: {what}" if several else title, rows, most) for k, (what, rows) in enumerate(kinds.items(), 1))


def _table(name: str, title: str, rows: dict[str, dict[str, Result]], most: int) -> Table:
    shown, whats = list(rows.items())[:most], tuple(dict.fromkeys(w for found in rows.values() for w in found))
    tested = [w for w in whats if any(w in r and r[w].p == r[w].p and not _same(r[w]) for r in rows.values())]
    notes = {group: sentence("; ".join(dict.fromkeys(r.note for r in found.values() if r.note))) for group, found in rows.items()}
    alike = len(set(notes.values())) == 1
    noted, counted = not alike, max(r.n for found in rows.values() for r in found.values()) > 1
    columns = ["", *(("n",) if counted else ()), *(c for w in whats for c in ((_head(w), *(("p",) if w in tested else ()))))] + (["Note"] if noted else [])
    body = tuple((group, *((count_cell(max(r.n for r in found.values())),) if counted else ()), *(c for w in whats for c in (_shown(found.get(w)), *((chance(found[w].p) if w in found else Cell("–"),) if w in tested else ()))),
                  *((notes[group],) if noted else ())) for group, found in shown)
    left = f" The first {most} of {number(len(rows))} rows; all stand in results.csv." if len(rows) > most else ""
    shared = next(iter(notes.values())) if alike else ""
    return Table(name, title, columns=tuple(columns), rows=body, note=" ".join(filter(None, (shared, _methods(rows), left.strip()))))


def _same(result: Result) -> bool:
    """Whether a result is itself a p-value."""
    return result.value.estimate == result.p


def _shown(result: Result | None) -> Cell:
    return Cell("–") if result is None else chance(result.p) if _same(result) else value_cell(result)


def _head(what: str) -> str:
    return what if what.startswith("p,") else (what[:1].upper() + what[1:]).replace(" %", "\u00a0%")


def _methods(rows: dict[str, dict[str, Result]]) -> str:
    known: dict[str, dict[str, None]] = {}
    for result in (r for found in rows.values() for r in found.values() if r.value.method and r.value.method not in r.what):
        known.setdefault(result.value.method, {})[result.what] = None
    whats = {w for of_method in known.values() for w in of_method}
    told = [method if len(known) == 1 and len(whats) == 1 else f"{method} ({', '.join(of_method) if len(of_method) < 4 else 'all figures'})" for method, of_method in known.items()]
    return sentence(f"How: {'; '.join(told)}") if told else ""


def forest_of(facts: Facts, results: Results, name: str, title: str, *, label: str, reference: float | None = None, said: str = "", log: bool = False) -> tuple[Drawing, ...]:
    """A forest plot of results that have intervals, with a dashed line at `reference`; none where fewer than one has."""
    from osteon.report.figures.intervals import Line, forest

    known = [r for r in results if r.value.defined and (r.value.lower > 0 or not log)]
    if not known:
        return ()
    scale = 100 if known[0].unit == SHARE else 1
    lines = [Line(_cut(r.group), number(r.n), (scale * r.value.estimate, scale * r.value.lower, scale * r.value.upper), spoken(r)) for r in known]
    figure = forest(lines, label=label, reference=None if reference is None else scale * reference, reference_name=said)
    if log:
        _on_log(figure, [v for line in lines for v in line.value or ()])
    alt = "; ".join(f"{line.label}: {line.text}" for line in lines)
    return (drawing(facts, figure, slug(name), title, alt=alt, caption=f"Square: estimate; line: 95 % {facts.words.interval}." + (f" Dashed: {said}." if said else "")),)


def _cut(text: str, most: int = 34) -> str:
    return text if len(text) <= most else f"{text[:most - 1]}…"


def _on_log(figure: Any, values: list[float]) -> None:
    """The axis of a forest of ratios: logarithmic, with plain numbers."""
    at = figure.axes[0]
    at.set_xscale("log")
    low, high = min(*values, 1.0), max(*values, 1.0)
    ticks = [t for t in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100) if low / 1.5 <= t <= high * 1.5]
    at.set_xticks(ticks, [f"{t:g}" for t in ticks])
    at.minorticks_off()
    at.set_xlim(low / 1.15, high * 1.15)
