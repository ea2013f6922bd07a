"""Error among the answers that are given, against the share that is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.report.figures.style import BLUE, GREY, panels, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@styled
def abstention(coverage: np.ndarray, risk: np.ndarray, *, least: int, cases: int) -> Figure:
    """Steps of coverage (k,) and risk (k,), from where at least `least` of `cases` are answered; dashed: the error when all are."""
    figure, (at,) = panels(1, across=2, height=2.8)
    shown = coverage * cases >= least
    at.plot(100 * coverage[shown], 100 * risk[shown], color=BLUE, lw=1.6, drawstyle="steps-post")
    at.axhline(100 * risk[-1], color=GREY, lw=0.9, ls=(0, (4, 3)))
    at.set(xlabel="answered, the surest first, %", ylabel="wrong among the answered, %", xlim=(0, 101), ylim=(0, None))
    return figure
