"""A table of shares as a field of colours, each with its number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from osteon.report.figures.style import BLUE, INK, WIDTH, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def heat(values: np.ndarray, *, rows: Sequence[str], columns: Sequence[str], label: str) -> Figure:
    """Values (rows, columns) above 0; the lowest of a column white, twice that and more darkest, for columns differ more than rows."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 1.1 + 0.25 * len(rows)), layout="constrained")
    at = figure.subplots()
    low = np.nanmin(values, axis=0)
    place = np.clip(values / np.where(low > 0, low, 1.0) - 1, 0, 1)
    at.pcolormesh(place, cmap=LinearSegmentedColormap.from_list("pale to blue", ["#ffffff", BLUE]), vmin=0, vmax=1.25, edgecolors="white", linewidth=1.0)
    for (row, column), value in np.ndenumerate(values):
        text = "–" if np.isnan(value) else f"{value:.1f}" if value < 100 else f"{value:.0f}"
        at.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=7.5, color="white" if place[row, column] > 0.6 else INK)
    at.set(yticks=np.arange(len(rows)) + 0.5, yticklabels=rows, xticks=np.arange(len(columns)) + 0.5, ylim=(len(rows), 0), xlabel=label)
    at.set_xticklabels(columns, rotation=35, ha="left", rotation_mode="anchor")
    at.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
    for side in ("left", "bottom"):
        at.spines[side].set_visible(False)
    return figure
