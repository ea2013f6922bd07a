"""Figures that check a pooled result: Deeks funnel, influence of single studies, GOSH cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, message
from osteon.evidence.figures import COLOURS, MANY, Facts, canvas, need, pooled, tables_of
from osteon.stats.accuracy_influence import deeks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def funnel(facts: Facts) -> Figure:
    """Deeks' funnel: log diagnostic odds ratio against one over the root of the effective sample size, with its regression line."""
    test = deeks(tables_of(facts))
    if not np.isfinite(test.p):
        raise DataError(message("figures", "the funnel needs three studies with both diseased and healthy subjects"))
    figure = canvas(5.2, 4.2)
    axis = figure.add_axes((0.13, 0.13, 0.83, 0.78))
    axis.scatter(test.log_dor, test.root, s=22, facecolors="none", edgecolors=COLOURS[0], linewidths=1.0, zorder=3, rasterized=len(test.root) > MANY)
    ends = np.array([test.root.min() * 0.97, test.root.max() * 1.03])
    axis.plot(test.intercept + test.slope * ends, ends, color=COLOURS[1], zorder=2)
    axis.set(xlabel="Log diagnostic odds ratio", ylabel="1 / √(effective sample size)")
    axis.invert_yaxis()
    note = "" if len(test.root) >= 10 else "; fewer than ten studies: not to be interpreted"
    axis.set_title(f"Deeks' test: slope {test.slope:.1f}, p = {test.p:.3f}{note}")
    axis.grid(color="#eeeeee", linewidth=0.5)
    return figure


def influence(facts: Facts) -> Figure:
    """Cook's distance, covratio, and studentised residuals of every study."""
    need(facts, "influence")
    rows = facts["influence"]
    height = 0.9 + 0.17 * len(rows)
    figure = canvas(8.6, height)
    grid = figure.add_gridspec(1, 3, left=0.27, right=0.98, top=1 - 0.35 / height, bottom=0.5 / height, wspace=0.1)
    axes = [figure.add_subplot(grid[0, i]) for i in range(3)]
    y = np.arange(len(rows))
    _bars(axes[0], y, [r["cook"] for r in rows], "Cook's distance", start=0.0)
    _bars(axes[1], y, [r["covratio"] for r in rows], "Covratio", start=1.0)
    for margin, colour, mark in (("sensitivity", COLOURS[0], "o"), ("specificity", COLOURS[1], "s")):
        values = [np.nan if r[f"residual_{margin}"] is None else r[f"residual_{margin}"] for r in rows]
        axes[2].scatter(values, y, s=14, marker=mark, color=colour, label=margin, zorder=3, linewidths=0)
    for edge in (-1.96, 1.96):
        axes[2].axvline(edge, color="#777777", linewidth=0.6, linestyle=(0, (3, 3)))
    axes[2].set_title("Studentised residual")
    axes[2].legend(loc="upper center", bbox_to_anchor=(0.5, -0.25 / height), ncol=2, handletextpad=0.2)
    for i, axis in enumerate(axes):
        axis.set_ylim(len(rows) - 0.4, -0.6)
        axis.grid(axis="x", color="#eeeeee", linewidth=0.5)
        axis.set_yticks(y, [r["study"][:44] for r in rows] if i == 0 else [])
        axis.tick_params(axis="y", length=0)
    return figure


def _bars(axis: Axes, y: np.ndarray, values: list[float | None], title: str, *, start: float) -> None:
    numbers = np.array([np.nan if v is None else v for v in values])
    axis.hlines(y, start, numbers, color=COLOURS[0], linewidth=1.4)
    axis.scatter(numbers, y, s=10, color=COLOURS[0], zorder=3)
    axis.axvline(start, color="#777777", linewidth=0.6)
    axis.set_title(title)


def gosh(facts: Facts) -> Figure:
    """Pooled rates of random subsets of studies, with and without the study that moves them most: two clouds betray an outlier or a subgroup."""
    need(facts, "gosh")
    cloud = facts["gosh"]
    figure = canvas(5.6, 5.0)
    grid = figure.add_gridspec(2, 2, width_ratios=(5, 1), height_ratios=(1, 5), left=0.12, right=0.97, top=0.93, bottom=0.1, wspace=0.05, hspace=0.05)
    axis = figure.add_subplot(grid[1, 0])
    top, side = figure.add_subplot(grid[0, 0], sharex=axis), figure.add_subplot(grid[1, 1], sharey=axis)
    x, y, holds = 1 - np.array(cloud["specificity"]), np.array(cloud["sensitivity"]), np.array(cloud["holds"], bool)
    bins = [np.linspace(v.min(), v.max() + 1e-9, 36).tolist() for v in (x, y)]
    for pick, colour, mark, name in ((~holds, COLOURS[0], "o", "without"), (holds, COLOURS[4], "^", "with")):
        axis.scatter(x[pick], y[pick], s=9, marker=mark, color=colour, linewidths=0, alpha=0.55, label=f"{name} {cloud['study']}", rasterized=len(x) > MANY)
        top.hist(x[pick], bins[0], color=colour, alpha=0.55)
        side.hist(y[pick], bins[1], color=colour, alpha=0.55, orientation="horizontal")
    whole = facts.get("approximation") or facts
    if pooled(facts) and "sensitivity" in whole:
        axis.scatter([1 - whole["specificity"]["estimate"]], [whole["sensitivity"]["estimate"]], s=46, marker="D", facecolors="white", edgecolors="black", zorder=4,
                     label="all studies, same model")
    for panel in (top, side):
        panel.axis("off")
    axis.set(xlabel="1 − specificity", ylabel="Sensitivity")
    axis.grid(color="#eeeeee", linewidth=0.5)
    axis.set_axisbelow(True)
    figure.legend(*axis.get_legend_handles_labels(), loc="upper left", bbox_to_anchor=(0.11, 0.975), ncol=3, handletextpad=0.2, columnspacing=1.2)
    top.set_title(f"{cloud['subsets']} random subsets (REML)", pad=14)
    return figure
