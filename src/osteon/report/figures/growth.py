"""Learning curve, and which study stands in which review."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from osteon.report.figures.style import BLUE, GREY, ORANGE, PALE, WIDTH, panels, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def growth(sizes: np.ndarray, values: np.ndarray, *, label: str, flat: float | None, law: Callable[[np.ndarray], np.ndarray] | None) -> Figure:
    """A figure (k, 3: estimate, lower, upper) by number of training cases (k,) on a logarithmic axis, a fitted law, and where it is flat."""
    figure, (at,) = panels(1, across=2, height=3.0)
    if law is not None:
        grid = np.geomspace(sizes.min(), sizes.max(), 101)
        at.plot(grid, law(grid), color=GREY, lw=1.2)
    at.vlines(sizes, values[:, 1], values[:, 2], color=BLUE, lw=1.3)
    at.plot(sizes, values[:, 0], ls="", marker="o", ms=5, color=BLUE, mec="white", mew=0.8)
    if flat is not None:
        at.axvline(flat, color=ORANGE, lw=1, ls=(0, (4, 3)))
    at.set_xscale("log")
    at.set_xticks(sizes, [f"{s:,.0f}" for s in sizes])
    at.minorticks_off()
    at.set(xlabel="training cases", ylabel=label, xlim=(sizes.min() / 1.2, sizes.max() * 1.2))
    return figure


@styled
def citations(table: np.ndarray, reviews: Sequence[str]) -> Figure:
    """Studies (rows of the table, drawn from left to right) by reviews (columns, drawn from top to bottom): dark where the review includes the study."""
    from matplotlib.colors import ListedColormap
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 0.7 + 0.24 * len(reviews)), layout="constrained")
    at = figure.subplots()
    at.pcolormesh(table.T, cmap=ListedColormap([PALE, BLUE]), vmin=0, vmax=1, edgecolors="white", linewidth=0.8)
    at.set(yticks=np.arange(len(reviews)) + 0.5, yticklabels=reviews, xticks=[], xlabel=f"{len(table)} primary studies", ylim=(len(reviews), 0))
    at.tick_params(length=0)
    for side in ("left", "bottom"):
        at.spines[side].set_visible(False)
    return figure
