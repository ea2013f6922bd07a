"""Every option by its answer and its distance from the data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.report.figures.style import BLUE, GREY, MANY_POINTS, ORANGE, SKY, panels, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def options(distance: np.ndarray, answer: np.ndarray, *, unit: str) -> Figure:
    """Answers (n,), the best first, by distance (n,) from the training data, of which 1 is the reach."""
    figure, (at,) = panels(1, across=2, height=3.0)
    within = distance <= 1
    at.scatter(distance[~within], answer[~within], s=11, facecolor="white", edgecolor=GREY, lw=0.6, label="outside of the data", rasterized=len(answer) > MANY_POINTS)
    at.scatter(distance[within], answer[within], s=12, color=SKY, edgecolor=BLUE, lw=0.5, label="within", rasterized=len(answer) > MANY_POINTS)
    at.axvline(1, color=GREY, lw=0.9, ls=(0, (4, 3)))
    if within.any():
        best = int(np.flatnonzero(within)[0])
        at.plot(distance[best], answer[best], marker="D", ms=6, color=ORANGE, mec="white", ls="")
    at.set(xlabel="distance from the nearest training case", ylabel=f"answer of the model{f', {unit}' if unit else ''}")
    at.legend(loc="best", handletextpad=0.2)
    return figure
