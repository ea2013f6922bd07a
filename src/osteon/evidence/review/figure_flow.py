"""The flow diagram of PRISMA 2020, drawn from the counted flow: sources by name, reasons at both stages, other methods beside the databases."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import TYPE_CHECKING

from osteon.evidence.review.flow import Column, Flow
from osteon.evidence.review.plan import FULLTEXT, TITLE
from osteon.evidence.review.screening import EXCLUDE, NOT_RETRIEVED
from osteon.evidence.review.words import speak, spoken_number
from osteon.report.figures.style import BLUE, GREY, INK, PALE, plain, styled, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE, PAD, GAP = 0.165, 0.14, 0.26  # inches: a line of text, inside a box, between boxes
BOX, SIDE = 2.75, 2.6  # widths of a box of the way down and of one beside it
LETTERS = 40  # of a line in a box
Box = list[str]
MOST = 12  # reasons shown one by one


def steps(column: Column, words: Mapping[str, str], language: str) -> list[tuple[Box, Box]]:
    """The boxes of a column from top to bottom, each with the box beside it (empty where there is none)."""
    def n(value: int) -> str:
        return f"(n\u00a0=\u00a0{spoken_number(value, language)})"

    def with_open(count: int) -> Box:
        return [f"{words['undecided']} {n(count)}"] if count else []

    sources = [f"{name} {n(count)}" for name, count in column.sources.items()]
    title, full = (_reasons(column.reasons[stage], words, language) for stage in (TITLE, FULLTEXT))
    return [([f"{words['identified']} {n(column.identified)}", *sources], [f"{words['duplicates']} {n(column.duplicates)}"]),
            ([f"{words['screened']} {n(column.screened['all'])}"], [f"{words['excluded']} {n(column.screened[EXCLUDE])}", *title, *with_open(column.screened["open"])]),
            ([f"{words['sought']} {n(column.sought['all'])}"], [f"{words['not_retrieved']} {n(column.sought[NOT_RETRIEVED])}", *with_open(column.sought["open"])]),
            ([f"{words['assessed']} {n(column.assessed['all'])}"], [f"{words['reports_excluded']} {n(column.assessed[EXCLUDE])}", *full, *with_open(column.assessed["open"])])]


def _reasons(counts: Mapping[str, int], words: Mapping[str, str], language: str) -> Box:
    """Reasons with their counts; one alone without a name needs no line."""
    if set(counts) <= {""}:
        return []
    shown = list(counts.items())[:MOST]
    rest = sum(counts.values()) - sum(c for _, c in shown)
    lines = [f"{(name or words['no_reason'])} (n\u00a0=\u00a0{spoken_number(count, language)})" for name, count in shown]
    return lines + ([f"… (n\u00a0=\u00a0{spoken_number(rest, language)})"] if rest else [])


def _wrapped(box: Box) -> Box:
    return [part if k == 0 else f"  {part}" for line in box for k, part in enumerate(textwrap.wrap(line, LETTERS) or [""])]


@styled
def flow_figure(found: Flow, language: str = "en") -> Figure:
    """The diagram; the column of other methods is drawn where there are such sources."""
    from matplotlib.figure import Figure

    words = speak(language)
    columns = [(words["left"], found.databases), *([(words["right"], found.other)] if found.other.sources else [])]
    rows = [[(_wrapped(a), _wrapped(b)) for a, b in steps(c, words, language)] for _, c in columns]
    heights = [max(_height(part) for column in rows for part in column[k]) for k in range(len(rows[0]))]
    last = _wrapped(_end(found, words, language))
    width = 0.1 + len(columns) * (BOX + SIDE + 0.55)
    total = 0.5 + sum(h + GAP for h in heights) + _height(last) + 0.1
    figure = Figure(figsize=(width, total))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(0, total))
    plain(axes)
    top = total - 0.5
    bottom = top - sum(h + GAP for h in heights)
    for k, (name, _) in enumerate(columns):
        left = 0.1 + k * (BOX + SIDE + 0.55)
        _heading(axes, (left, total - 0.38, BOX + SIDE + 0.3, 0.3), name)
        _column(axes, left, top, rows[k], heights=heights)
        middle = left + BOX / 2
        if k == 0:
            _arrow(axes, (middle, bottom + GAP), (middle, bottom))
        else:
            axes.plot([middle, middle], [bottom + GAP, bottom - _height(last) / 2], color=GREY, lw=0.8)
            _arrow(axes, (middle, bottom - _height(last) / 2), (0.1 + BOX + 0.6, bottom - _height(last) / 2))
    _box(axes, (0.1, bottom - _height(last), BOX + 0.6, _height(last)), last)
    return figure


def _end(found: Flow, words: Mapping[str, str], language: str) -> Box:
    lines = [f"{words['included']} (n\u00a0=\u00a0{spoken_number(found.studies, language)})", f"{words['reports']} (n\u00a0=\u00a0{spoken_number(found.reports, language)})"]
    lines += [f"{words['earlier']} (n\u00a0=\u00a0{spoken_number(found.earlier, language)})"] if found.earlier else []
    return [*lines, f"{words['pooled']} (n\u00a0=\u00a0{spoken_number(found.pooled, language)})"]


def _height(box: Box) -> float:
    return LINE * len(box) + PAD if box else 0.0


def _column(axes: Axes, left: float, top: float, boxes: list[tuple[Box, Box]], *, heights: list[float]) -> None:
    for k, ((main, beside), height) in enumerate(zip(boxes, heights, strict=True)):
        tall = _height(main)
        _box(axes, (left, top - tall, BOX, tall), main)
        if beside:
            _box(axes, (left + BOX + 0.3, top - _height(beside), SIDE, _height(beside)), beside)
            level = top - min(tall, _height(beside)) / 2
            _arrow(axes, (left + BOX, level), (left + BOX + 0.3, level))
        if k + 1 < len(boxes):
            _arrow(axes, (left + BOX / 2, top - tall), (left + BOX / 2, top - height - GAP))
        else:
            axes.plot([left + BOX / 2] * 2, [top - tall, top - height], color=GREY, lw=0.8)
        top -= height + GAP


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "color": GREY, "lw": 0.8, "shrinkA": 0, "shrinkB": 0})


def _box(axes: Axes, where: tuple[float, float, float, float], lines: Box) -> None:
    from matplotlib.patches import Rectangle

    left, bottom, width, height = where
    axes.add_patch(Rectangle((left, bottom), width, height, facecolor="white", edgecolor=PALE, lw=1))
    for i, text in enumerate(lines):
        axes.text(left + 0.09, bottom + height - PAD / 2 - LINE * (i + 0.5), text, va="center", ha="left", fontsize=7.6, color=INK, weight="bold" if i == 0 else "normal")


def _heading(axes: Axes, where: tuple[float, float, float, float], text: str) -> None:
    from matplotlib.patches import Rectangle

    left, bottom, width, height = where
    axes.add_patch(Rectangle((left, bottom), width, height, facecolor=BLUE, edgecolor="none"))
    axes.text(left + width / 2, bottom + height / 2, text, va="center", ha="center", fontsize=8.2, color="white", weight="bold")


def flow_svg(found: Flow, language: str = "en") -> str:
    """The diagram as SVG with the counts in words for those who do not see it."""
    words = speak(language)
    alt = "; ".join(f"{name}: {', '.join(main[0] for main, _ in steps(column, words, language))}" for name, column in ((words["left"], found.databases), (words["right"], found.other)) if column.sources)
    return svg(flow_figure(found, language), "prisma-flow", alt=f"{alt}; {_end(found, words, language)[0]}")
