"""The contract of a family, and the tables that several families share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from osteon.report.content import Block, Cell, Drawing, Table
from osteon.report.facts import Facts
from osteon.report.figures.data import described
from osteon.report.figures.style import png, svg
from osteon.report.terms import METRICS, cell, header
from osteon.report.words import STAMP, number
from osteon.row import EvidenceRow
from osteon.run import slug

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Family:
    """How a family of targets is reported.

    `headline` is the metric of the first screen and `grouped` those of a subgroup; `found` tells the primary result in sentences, `results` gives the
    blocks of a target, `errors` one row a test case (case, error: larger is worse, told: in words).
    """

    headline: str
    grouped: tuple[str, ...]
    found: Callable[[Facts], tuple[str, ...]] = field(kw_only=True)
    results: Callable[[Facts, str], tuple[Block, ...]] = field(kw_only=True)
    errors: Callable[[Facts, str, str], pd.DataFrame] = field(kw_only=True)
    scale: Callable[[Facts], Figure | None] = field(kw_only=True)


def drawing(facts: Facts, figure: Figure, name: str, title: str, *, alt: str, caption: str = "") -> Drawing:
    """A figure as a block, with its data and as a bitmap on demand; that of simulated cases bears the stamp, and its description says so."""
    alt = f"{STAMP}. {alt}" if facts.simulated else alt
    shown = svg(figure, slug(name), alt=alt, stamp=STAMP if facts.simulated else "")
    return Drawing(name, title, data=shown, alt=alt, caption=caption, source=described(figure, drawn=True), bitmap=partial(png, figure))


def metric_table(facts: Facts, name: str, title: str, rows: Iterable[tuple[Sequence[str | Cell], EvidenceRow]], *, first: Sequence[str], keys: Sequence[str], note: str = "") -> Table:
    """A table with `first` columns as given and a column for each metric that any row has; an undefined one tells its reason."""
    known = list(rows)
    shown = [k for k in keys if any(k in row.metrics for _, row in known)]
    body = tuple((*head, *(metric_cell(facts, row, k) for k in shown)) for head, row in known)
    notes = " ".join(filter(None, (note, f"Below each figure stands its 95 % {facts.words.interval}." if shown else "")))
    return Table(name, title, columns=(*first, *map(header, shown)), rows=body, note=notes)


def metric_cell(facts: Facts, row: EvidenceRow, key: str) -> Cell:
    """One metric of a row, and below it what the simulator lets any model attain where that is known."""
    made = cell(key, row.metrics.get(key), facts.unit_of(row.question.target, row.question.finding) if METRICS.get(key) and METRICS[key].scale == "unit" else "")
    top = facts.ceiling(row, key)
    if top is None or made.value is None:
        return made
    return Cell(f"{made.text} of an attainable {number(top, 3)}", made.under, value=made.value, lower=made.lower, upper=made.upper)


def count_cell(n: float) -> Cell:
    """A count as a cell."""
    return Cell(number(n), value=float(n))


def limits(metrics: Mapping[str, Mapping[str, Any]], key: str) -> tuple[float, float, float]:
    """Estimate and limits of a metric; nan where it is not there."""
    known = metrics.get(key)
    values = (known[k] for k in ("estimate", "lower", "upper")) if known else (None, None, None)
    return tuple(float("nan") if v is None else float(v) for v in values)  # type: ignore[return-value]
