"""From the cases that were looked at to those that were judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osteon.report.figures.style import GREY, INK, PALE, WIDTH, plain, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE, GAP, PAD = 0.19, 0.34, 0.16  # inches: a line of text, between levels, inside a box


@dataclass(frozen=True)
class Level:
    """One step down: boxes side by side, each some lines of text, what leaves here to the side, and the one box that goes on (all where None)."""

    boxes: tuple[tuple[str, ...], ...]
    leaves: tuple[str, ...] = ()
    onward: int | None = None


@styled
def flow(levels: Sequence[Level]) -> Figure:
    """A flow diagram of levels from top to bottom."""
    from matplotlib.figure import Figure

    heights = [LINE * max(len(b) for b in level.boxes) + PAD for level in levels]
    sides = [LINE * len(level.leaves) + PAD if level.leaves else 0.0 for level in levels]
    gaps = [max(GAP, side + 0.12) for side in sides]
    total = sum(heights) + sum(gaps[:-1]) + 0.22
    figure = Figure(figsize=(WIDTH, total))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, WIDTH), ylim=(0, total))
    plain(axes)
    top = total - 0.05
    for level, height, gap, below in zip(levels, heights, gaps, [*levels[1:], None], strict=True):
        _level(axes, level, top, height, gap, below)
        top -= height + gap
    return figure


def _places(n: int) -> list[tuple[float, float]]:
    """Left edge and width (inches) of n boxes around the middle of the main column."""
    width = 3.4 if n == 1 else min(2.55, (WIDTH - 0.1 - 0.25 * (n - 1)) / n)
    whole = n * width + 0.25 * (n - 1)
    left = 1.2 if n == 1 else float(min(max(0.05, 2.9 - whole / 2), WIDTH - 0.05 - whole))
    return [(left + i * (width + 0.25), width) for i in range(n)]


def _level(axes: Axes, level: Level, top: float, height: float, gap: float, below: Level | None) -> None:
    places = _places(len(level.boxes))
    for (left, width), lines in zip(places, level.boxes, strict=True):
        _box(axes, (left, top - height, width, height), lines)
    if below is None:
        return
    middle = top - height - gap / 2
    starts = [left + width / 2 for left, width in (places if level.onward is None else places[level.onward: level.onward + 1])]
    ends = [left + width / 2 for left, width in _places(len(below.boxes))]
    _arrows(axes, starts, ends, (top - height, middle, top - height - gap))
    if level.leaves:
        tall = LINE * len(level.leaves) + PAD
        axes.annotate("", (5.1, middle), (starts[0], middle), arrowprops={"arrowstyle": "-|>", "color": GREY, "lw": 0.8, "shrinkA": 0, "shrinkB": 0})
        _box(axes, (5.1, middle - tall / 2, 3.05, tall), level.leaves, weight="normal")


def _arrows(axes: Axes, starts: Sequence[float], ends: Sequence[float], heights: tuple[float, float, float]) -> None:
    """Down from each start, along one rail, down to each end; straight down where one goes to one."""
    high, middle, low = heights
    straight = len(starts) == len(ends) == 1 and starts[0] == ends[0]
    if not straight:
        axes.plot([min(*starts, *ends), max(*starts, *ends)], [middle, middle], color=GREY, lw=0.8)
        for x in starts:
            axes.plot([x, x], [high, middle], color=GREY, lw=0.8)
    for x in ends:
        axes.annotate("", (x, low), (x, high if straight else middle), arrowprops={"arrowstyle": "-|>", "color": GREY, "lw": 0.8, "shrinkA": 0, "shrinkB": 0})


def _box(axes: Axes, where: tuple[float, float, float, float], lines: Sequence[str], weight: str = "bold") -> None:
    from matplotlib.patches import Rectangle

    left, bottom, width, height = where
    axes.add_patch(Rectangle((left, bottom), width, height, facecolor="#f6f8f9", edgecolor=PALE, lw=1))
    for i, text in enumerate(lines):
        y = bottom + height - PAD / 2 - LINE * (i + 0.5)
        axes.text(left + 0.12, y, text, va="center", ha="left", fontsize=8.5, color=INK, weight=weight if i == 0 else "normal")
