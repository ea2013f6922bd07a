"""Receiver operating characteristic and precision-recall curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.report.figures.style import BLUE, GREY, INK, ORANGE, PALE, PURPLE, SKY, YELLOW, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curve = tuple[np.ndarray, np.ndarray]
HUES, DASHES = (BLUE, ORANGE, GREY, PURPLE, YELLOW, SKY), ("-", (0, (5, 2)), (0, (2, 1.5)))
LEAST_FALSE = 0.01  # a logarithm has no place for 0


@dataclass(frozen=True, eq=False)
class Panel:
    """One model: its name, a line below it, the curve of each fold (x, y), the point at the cut with its limits (x, y, each (value, lower, upper)), and a band (x, lower, upper)."""

    title: str
    under: str
    folds: tuple[Curve, ...] = field(kw_only=True)
    point: tuple[tuple[float, float, float], tuple[float, float, float]] | None = field(default=None, kw_only=True)
    band: tuple[np.ndarray, np.ndarray, np.ndarray] | None = field(default=None, kw_only=True)


def mean_curve(curves: Sequence[Curve]) -> Curve:
    """The mean height of ROC curves at each false-positive rate (vertical averaging; Fawcett T. Pattern Recognit Lett 2006; 27: 861)."""
    grid = np.linspace(0, 1, 201)
    heights = [np.interp(grid, x + 1e-12 * np.arange(len(x)), y) for x, y in curves]
    mean = np.mean(heights, axis=0)
    return np.concatenate([[0.0], grid]), np.concatenate([[0.0], mean])


@styled
def roc(models: Sequence[Panel], *, flagged: str) -> Figure:
    """One panel a model: thin lines are folds, the bold one is their mean, the marker is the cut with its limits. Rates in per cent."""
    figure, axes = panels(len(models), height=2.85, sharex=True, sharey=True)
    for at, model in zip(axes, models, strict=True):
        at.plot([0, 100], [0, 100], color=PALE, lw=1, ls=(0, (4, 3)))
        if model.band is not None:
            x, low, high = (100 * v for v in model.band)
            at.fill_between(x, low, high, color=SKY, alpha=0.3, lw=0)
        if len(model.folds) > 1:
            for x, y in model.folds:
                at.plot(100 * x, 100 * y, color=SKY, lw=0.7)
        x, y = mean_curve(model.folds) if len(model.folds) > 1 else model.folds[0]
        at.plot(100 * x, 100 * y, color=BLUE, lw=1.8)
        _cut(at, model)
        at.set(xlim=(-2, 102), ylim=(-2, 102), aspect="equal", xticks=range(0, 101, 25), yticks=range(0, 101, 25))
        at.set_title(f"{model.title}\n", fontsize=9)
        at.text(0, 1.02, model.under, transform=at.transAxes, fontsize=8, color=GREY)
    figure.supxlabel(f"flagged among those without {flagged} (1 − specificity), %", fontsize=8.5)
    figure.supylabel(f"flagged among those\nwith {flagged} (sensitivity), %", fontsize=8.5, multialignment="center")
    return figure


def _cut(axes: Axes, model: Panel) -> None:
    if model.point is None:
        return
    (x, x_low, x_high), (y, y_low, y_high) = model.point
    axes.plot([100 * x_low, 100 * x_high], [100 * y, 100 * y], color=ORANGE, lw=1.2)
    axes.plot([100 * x, 100 * x], [100 * y_low, 100 * y_high], color=ORANGE, lw=1.2)
    axes.plot(100 * x, 100 * y, marker="D", ms=5, color=ORANGE, mec="white", mew=0.8)


@styled
def precision_recall(titles: Sequence[str], curves: Sequence[Curve], unders: Sequence[str]) -> Figure:
    """One panel a label: precision at each recall, in per cent."""
    figure, axes = panels(len(titles), height=2.6, sharex=True, sharey=True)
    for at, title, (recall, precision), under in zip(axes, titles, curves, unders, strict=True):
        at.plot(100 * recall, 100 * precision, color=BLUE, lw=1.8, drawstyle="steps-post")
        at.set(xlim=(-2, 102), ylim=(-2, 104))
        at.set_title(f"{title}\n", fontsize=9)
        at.text(0, 1.02, under, transform=at.transAxes, fontsize=8, color=GREY)
    figure.supxlabel("true objects found (recall), %", fontsize=8.5)
    figure.supylabel("marks that are right (precision), %", fontsize=8.5)
    return figure


@styled
def froc_curves(curves: Mapping[str, Curve]) -> Figure:
    """Free-response curves by label: the share of true boxes found (per cent) at each rate of false marks an image."""
    figure, (at,) = panels(1, across=2, height=3.0)
    for k, (name, (false, found)) in enumerate(curves.items()):
        at.plot(np.maximum(false, LEAST_FALSE), 100 * found, color=HUES[k % len(HUES)], ls=DASHES[k // len(HUES) % len(DASHES)], lw=1.6, drawstyle="steps-post", label=name)
    most = max(10.0, max(float(f.max()) for f, _ in curves.values()))
    at.set(xscale="log", xlim=(LEAST_FALSE, most), ylim=(-2, 102), xlabel="false marks an image", ylabel="true boxes found, %")
    at.minorticks_off()
    ticks = [v for v in (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0) if v <= most]
    at.set_xticks(ticks, [f"{v:g}" for v in ticks])
    at.legend(loc="lower right")
    return figure


def precision_recall_points(found: np.ndarray, false: np.ndarray, truths: int) -> Curve:
    """Recall and precision (k,) at every falling confidence of found true boxes (n,) and of false marks (m,)."""
    score = np.concatenate([found, false])
    order = np.argsort(-score, kind="stable")
    hit = np.concatenate([np.ones(len(found)), np.zeros(len(false))])[order]
    true = np.cumsum(hit)
    return np.concatenate([[0.0], true / max(truths, 1)]), np.concatenate([[1.0], true / np.arange(1, len(hit) + 1)])


@styled
def hundred(counts: tuple[int, int, int, int], *, names: tuple[str, str, str, str]) -> Figure:
    """A hundred cases as squares: found, false alarm, missed, rightly left alone (tp, fp, fn, tn; sum 100), told apart by hue and by fill."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.0, 1.8))
    at = figure.add_axes((0, 0, 1, 1))
    looks = ({"facecolor": BLUE, "edgecolor": BLUE}, {"facecolor": "white", "edgecolor": BLUE, "hatch": "//////"},
             {"facecolor": ORANGE, "edgecolor": ORANGE}, {"facecolor": "#eef1f3", "edgecolor": PALE})
    order = [k for k, n in enumerate(counts) for _ in range(n)]
    _squares(at, order, looks)
    for k, name in enumerate(names):
        _square(at, (11.6, 8.6 - 2.1 * k), looks[k])
        at.text(12.9, 9.0 - 2.1 * k, f"{counts[k]}", va="center", fontsize=11, weight="bold", color=INK)
        at.text(14.6, 9.0 - 2.1 * k, name, va="center", fontsize=8.2, color=INK, linespacing=1.15)
    at.set(xlim=(-0.2, 23), ylim=(-0.3, 10.1), aspect="equal")
    at.set_axis_off()
    return figure


def _squares(axes: Axes, order: Sequence[int], looks: Sequence[Any]) -> None:
    for place, k in enumerate(order):
        _square(axes, (place % 10, 9 - place // 10), looks[k])


def _square(axes: Axes, at: tuple[float, float], look: Any) -> None:
    from matplotlib.patches import Rectangle

    axes.add_patch(Rectangle(at, 0.82, 0.82, lw=0.6, **look))
