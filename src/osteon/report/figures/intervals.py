"""Estimates with their intervals: one on a scale from worst to best, many as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osteon.report.figures.style import BLUE, GREY, INK, ORANGE, PALE, WIDTH, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Line:
    """One row: its label, n, an estimate with limits (None where it is not printed) and the text at its end; a heading has a label only."""

    label: str
    n: str = ""
    value: tuple[float, float, float] | None = None
    text: str = ""


@styled
def scale(estimate: tuple[float, float, float], ends: tuple[float, float], *, names: tuple[str, str], marks: Sequence[tuple[float, str]] = (), folds: Sequence[float] = ()) -> Figure:
    """An estimate with its interval on a line from `ends[0]` (left) to `ends[1]`; ticks below are folds, flags above are marks."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.3, 0.95))
    figure.patch.set_alpha(0)
    at = figure.add_axes((0.035, 0, 0.93, 1), xlim=ends, ylim=(-2.1, 1.35))
    at.set_axis_off()
    value, lower, upper = estimate
    at.plot(ends, (0, 0), color=PALE, lw=7, solid_capstyle="round")
    if lower == lower:
        at.plot((lower, upper), (0, 0), color=BLUE, lw=7, solid_capstyle="butt")
    at.plot(value, 0, marker="o", ms=10, color=BLUE, mec="white", mew=1.6)
    for x in folds:
        at.plot((x, x), (-0.62, -0.36), color=INK, lw=1)
    if folds:
        at.text(ends[0], -1.55, "small ticks: folds", ha="left", va="top", fontsize=7, color=GREY)
    for x, name in marks:
        at.plot((x, x), (-0.24, 0.52), color=ORANGE, lw=1.4)
        side = "right" if (x - ends[0]) / (ends[1] - ends[0]) > 0.75 else "left" if (x - ends[0]) / (ends[1] - ends[0]) < 0.25 else "center"
        at.text(x, 0.62, name, ha=side, va="bottom", fontsize=8.5, color=ORANGE)
    for x, name, side in ((ends[0], names[0], "left"), (ends[1], names[1], "right")):
        at.text(x, -0.74, name, ha=side, va="top", fontsize=8.5, color=GREY)
    return figure


@styled
def forest(lines: Sequence[Line], *, label: str, reference: float | None = None, reference_name: str = "", at_n: str = "n") -> Figure:
    """Rows of estimates with limits; groups that are too small keep their row and say so."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 0.75 + 0.225 * len(lines)))
    height = figure.get_size_inches()[1]
    at = figure.add_axes((0.34, 0.48 / height, 0.40, 1 - 0.72 / height))
    for row, line in enumerate(lines):
        _line(at, row, line)
    if reference is not None:
        at.axvline(reference, color=GREY, lw=0.9, ls=(0, (4, 3)), zorder=0)
        at.text(reference, -0.75, reference_name, ha="center", va="bottom", fontsize=8, color=GREY)
    at.set(ylim=(len(lines) - 0.4, -0.6), yticks=[], xlabel=label)
    at.spines["left"].set_visible(False)
    at.text(-0.06, -0.75, at_n, transform=at.get_yaxis_transform(), ha="right", va="bottom", fontsize=8, color=GREY)
    return figure


def _line(axes: Axes, row: int, line: Line) -> None:
    beside = axes.get_yaxis_transform()
    heading = not line.n and line.value is None and not line.text
    axes.text(-0.85, row, line.label, transform=beside, ha="left", va="center", fontsize=8.5, weight="bold" if heading else "normal", color=INK)
    axes.text(-0.06, row, line.n, transform=beside, ha="right", va="center", fontsize=8.5, color=INK)
    axes.text(1.04, row, line.text, transform=beside, ha="left", va="center", fontsize=8.5, color=INK if line.value else GREY)
    if line.value is None:
        return
    value, lower, upper = line.value
    axes.plot((lower, upper), (row, row), color=BLUE, lw=1.3)
    axes.plot(value, row, marker="s", ms=4.6, color=BLUE, mec="white", mew=0.5)
