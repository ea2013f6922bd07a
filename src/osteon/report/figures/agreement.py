"""Agreement of readings with their reference: scatter, Bland-Altman, and how errors are spread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.report.figures.style import BLUE, GREY, INK, MANY_POINTS, ORANGE, PALE, panels, styled
from osteon.report.words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKS = ("o", "s", "^", "D", "v")


@dataclass(frozen=True, eq=False)
class Pairs:
    """Reference and answer (n,) of one reading, the side of each, and bias with limits of agreement, each (estimate, lower, upper)."""

    name: str
    unit: str
    truth: np.ndarray = field(kw_only=True)
    answer: np.ndarray = field(kw_only=True)
    sides: np.ndarray = field(kw_only=True)
    limits: dict[str, tuple[float, float, float]] = field(kw_only=True)


@styled
def agreement(pairs: Pairs) -> Figure:
    """Two panels: answer on reference with the line of identity, and difference on mean with bias and limits (Bland and Altman 1999)."""
    figure, (left, right) = panels(2, across=2, height=3.3)
    low, high = (f(np.concatenate([pairs.truth, pairs.answer])) for f in (np.min, np.max))
    left.plot([low, high], [low, high], color=GREY, lw=0.9, ls=(0, (4, 3)))
    _points(left, pairs, pairs.truth, pairs.answer)
    left.set(xlabel=f"reference, {pairs.unit}", ylabel=f"answer, {pairs.unit}", aspect="equal")
    left.set_title("Answer on reference")
    if len(set(pairs.sides.tolist())) > 1:
        left.legend(loc="upper left", handletextpad=0.2)
    bland_altman(right, pairs)
    right.set(xlabel=f"mean of both, {pairs.unit}", ylabel=f"answer − reference, {pairs.unit}")
    right.set_title("Difference on mean")
    return figure


@styled
def differences(readings: Sequence[Pairs]) -> Figure:
    """A Bland-Altman panel for each reading."""
    figure, axes = panels(len(readings), across=4, height=2.0)
    for at, pairs in zip(axes, readings, strict=True):
        bland_altman(at, pairs, text=False)
        at.set_title(f"{pairs.name}, {pairs.unit}")
    figure.supxlabel("mean of answer and reference", fontsize=8.5)
    figure.supylabel("answer − reference", fontsize=8.5)
    return figure


def bland_altman(axes: Axes, pairs: Pairs, *, text: bool = True) -> None:
    """Points, bias (full) and limits of agreement (dashed) with their interval as a band."""
    _points(axes, pairs, (pairs.truth + pairs.answer) / 2, pairs.answer - pairs.truth, size=10 if text else 5)
    axes.axhline(0, color=PALE, lw=1, zorder=0)
    for name, style in (("bias", "-"), ("loa_lower", (0, (5, 3))), ("loa_upper", (0, (5, 3)))):
        value, lower, upper = pairs.limits.get(name, (np.nan, np.nan, np.nan))
        if np.isnan(value):
            continue
        axes.axhline(value, color=ORANGE, lw=1.2, ls=style)
        axes.axhspan(lower, upper, color=ORANGE, alpha=0.14, lw=0)
        if text:
            axes.annotate(number(value, 2), (1, value), xycoords=("axes fraction", "data"), xytext=(3, 0), textcoords="offset points", va="center", fontsize=8, color=INK)


def _points(axes: Axes, pairs: Pairs, x: np.ndarray, y: np.ndarray, size: float = 10) -> None:
    for k, side in enumerate(sorted(set(pairs.sides.tolist()))):
        mine = pairs.sides == side
        axes.scatter(x[mine], y[mine], s=size, marker=MARKS[k % len(MARKS)], facecolor=BLUE if k % 2 == 0 else "white", edgecolor=BLUE, lw=0.6, alpha=0.75, label=side,
                     rasterized=len(x) > MANY_POINTS)


@styled
def spread(names: Sequence[str], values: Sequence[np.ndarray], *, label: str, marks: Sequence[float] | None = None) -> Figure:
    """How values are spread, one row a name: middle half as a bar, 5 to 95 of 100 as a line, the median as a gap, the rest as points; `marks` are open diamonds."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.2, 0.75 + 0.3 * len(names)), layout="constrained")
    at = figure.subplots()
    for row, (name, many) in enumerate(zip(names, values, strict=True)):
        _row(at, row, np.asarray(many, float))
        if marks is not None and np.isfinite(marks[row]):
            at.plot(marks[row], row, marker="D", ms=5, mfc="white", mec=ORANGE, mew=1.2, ls="")
        at.text(0, row, f"{name}  ", transform=at.get_yaxis_transform(), ha="right", va="center", fontsize=8.5)
    at.set(yticks=[], ylim=(len(names) - 0.4, -0.6), xlabel=label)
    at.spines["left"].set_visible(False)
    return figure


def _row(axes: Axes, row: int, values: np.ndarray) -> None:
    low, q1, median, q3, high = np.quantile(values, (0.05, 0.25, 0.5, 0.75, 0.95))
    axes.plot([low, high], [row, row], color=BLUE, lw=1)
    axes.plot([q1, q3], [row, row], color=BLUE, lw=7, solid_capstyle="butt")
    axes.plot([median, median], [row - 0.22, row + 0.22], color="white", lw=1.6)
    out = values[(values < low) | (values > high)]
    axes.plot(out, np.full(len(out), row), ls="", marker=".", ms=3, color=GREY, rasterized=len(out) > MANY_POINTS)
