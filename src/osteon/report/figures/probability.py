"""Calibration of probabilities, and the course of a training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.report.figures.style import BLUE, GREY, ORANGE, PALE, SKY, WIDTH, panels, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure


@dataclass(frozen=True, eq=False)
class Calibration:
    """One model: probabilities (n,) and truth (n,), the smooth curve (grid, observed, lower, upper), and grouped points (predicted, observed, lower, upper)."""

    title: str
    under: str
    predicted: np.ndarray = field(kw_only=True)
    truth: np.ndarray = field(kw_only=True)
    curve: tuple[np.ndarray, ...] = field(kw_only=True)
    groups: np.ndarray = field(kw_only=True)


def grouped(predicted: np.ndarray, truth: np.ndarray, groups: int = 10) -> np.ndarray:
    """(predicted, observed, lower, upper) by equal-sized groups of probability, with Wilson limits; (k, 4), k up to `groups`."""
    from osteon.stats.intervals import proportion_limits

    parts = [p for p in np.array_split(np.argsort(predicted, kind="stable"), min(groups, max(1, len(predicted) // 10))) if len(p)]
    hits, sizes = np.array([truth[p].sum() for p in parts], float), np.array([len(p) for p in parts], float)
    lower, upper = proportion_limits(hits, sizes)
    return np.column_stack([[predicted[p].mean() for p in parts], hits / sizes, lower, upper])


@styled
def calibration(models: Sequence[Calibration], *, finding: str) -> Figure:
    """One panel a model: smooth curve with its band, groups with limits, and below the histogram of the probabilities."""
    from matplotlib.figure import Figure

    across = min(3, len(models))
    rows = -(-len(models) // across)
    figure = Figure(figsize=(WIDTH * across / 3, 3.35 * rows), layout="constrained")
    parts = np.atleast_1d(figure.subfigures(rows, across, squeeze=False)).ravel()
    high = max(float(np.quantile(m.predicted, 0.995)) for m in models)
    top = min(1.0, max(0.2, np.ceil(10 * max(high, *(float(m.groups[:, 1].max()) for m in models))) / 10))
    for part, model in zip(parts, models, strict=False):
        _panel(part, model, top)
    figure.supxlabel(f"predicted probability of “{finding}”, %", fontsize=8.5)
    figure.supylabel(f"observed share with “{finding}”, %", fontsize=8.5)
    return figure


def _panel(part: SubFigure, model: Calibration, top: float) -> None:
    at, below = part.subplots(2, 1, height_ratios=(4, 1), sharex=True)
    grid, observed, lower, upper = (100 * v for v in model.curve)
    at.plot([0, 100], [0, 100], color=GREY, lw=0.9, ls=(0, (4, 3)))
    at.fill_between(grid, lower, upper, color=SKY, alpha=0.35, lw=0)
    at.plot(grid, observed, color=BLUE, lw=1.8)
    x, y, low, high = 100 * model.groups.T
    at.vlines(x, low, high, color=ORANGE, lw=1)
    at.plot(x, y, ls="", marker="o", ms=3.6, color=ORANGE, mec="white", mew=0.6)
    at.set(xlim=(0, 100 * top), ylim=(0, 100 * top))
    at.set_title(f"{model.title}\n", fontsize=9)
    at.text(0, 1.03, model.under, transform=at.transAxes, fontsize=8, color=GREY)
    edges = np.linspace(0, top, 31)
    for state, colour, side in ((True, ORANGE, 1), (False, PALE, -1)):
        height, _ = np.histogram(model.predicted[model.truth == state], edges)
        below.bar(100 * edges[:-1], side * height / max(1, height.max()), width=100 * top / 30, align="edge", color=colour, lw=0)
    below.axhline(0, color=GREY, lw=0.6)
    below.set(yticks=[], ylim=(-1.1, 1.1))
    below.spines["left"].set_visible(False)


@styled
def learning(titles: Sequence[str], courses: Sequence[tuple[np.ndarray, np.ndarray]], best: Sequence[int]) -> Figure:
    """One panel a fit: loss of the train part (grey) and of the tune part (blue) by epoch, and the epoch that was kept."""
    figure, axes = panels(len(titles), height=2.1)
    for at, title, (train, tune), epoch in zip(axes, titles, courses, best, strict=True):
        at.plot(np.arange(1, len(train) + 1), train, color=GREY, lw=1.1, ls=(0, (5, 2)), label="train")
        at.plot(np.arange(1, len(tune) + 1), tune, color=BLUE, lw=1.6, label="tune")
        if 1 <= epoch <= len(tune):
            at.plot(epoch, tune[epoch - 1], marker="D", ms=5, color=ORANGE, mec="white", ls="")
        at.set_title(title, fontsize=8.5)
    axes[0].legend()
    figure.supxlabel("epoch", fontsize=8.5)
    figure.supylabel("loss", fontsize=8.5)
    return figure
