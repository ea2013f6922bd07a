"""A reference picture beside what several models made of it, and below each the error on one scale."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from osteon.report.figures.maps import GROUND, KNOWN, TEXT
from osteon.report.figures.style import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE = 2.5  # inches of a picture
SHARE = 0.15  # of the window, at which the error map is brightest


@styled
def beside(reference: np.ndarray, answers: Mapping[str, np.ndarray], *, told: Mapping[str, str], note: str = "") -> Figure:
    """The reference (rows, cols) and each answer in its window, under its name and what is told of it; errors below, brightest from 15 % of the window."""
    from matplotlib.figure import Figure

    top = max(float(np.percentile(reference, 99.7)), 1e-30)
    tall = SIDE * reference.shape[0] / reference.shape[1]
    figure = Figure(figsize=((1 + len(answers)) * SIDE, 2 * tall + 0.75), layout="constrained", facecolor=GROUND)
    upper, lower = figure.subplots(2, 1 + len(answers), squeeze=False)
    for column, (name, picture) in enumerate({"fully sampled": reference, **answers}.items()):
        upper[column].imshow(picture / top, cmap="gray", vmin=0, vmax=1, interpolation="bilinear")
        upper[column].set_title(f"{name}\n{told.get(name, '')}", fontsize=8, fontweight="normal", color=TEXT, loc="center")
        for at in (upper[column], lower[column]):
            at.set_axis_off()
        if column:
            lower[column].imshow(np.abs(picture - reference) / top, cmap="inferno", vmin=0, vmax=SHARE, interpolation="bilinear")
    lower[0].text(0.5, 0.5, f"error, brightest from\n{100 * SHARE:g} % of the window", transform=lower[0].transAxes, ha="center", va="center", fontsize=8, color=TEXT)
    if note:
        figure.supxlabel(note, fontsize=7, color=KNOWN)
    return figure
