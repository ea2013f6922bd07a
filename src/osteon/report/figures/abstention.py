"""Error among the answers that are given, against the share that is answered; and who is left without an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from osteon.report.figures.style import BLUE, GREY, INK, ORANGE, PURPLE, SKY, YELLOW, panels, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HUES, DASHES = (BLUE, ORANGE, PURPLE, YELLOW, SKY, INK), ("-", (0, (5, 2)), (0, (1, 1.5)))


@styled
def abstention(coverage: np.ndarray, risk: np.ndarray, *, least: int, cases: int, groups: Mapping[str, np.ndarray] | None = None) -> Figure:
    """Steps of coverage (k,) and risk (k,), from where at least `least` of `cases` are answered; dashed: the error when all are.

    With `groups` a second panel: the share of each group (k,) that is answered; on the diagonal no group is left out more than another.
    """
    figure, axes = panels(2 if groups else 1, across=2, height=2.8)
    shown = coverage * cases >= least
    at = axes[0]
    at.plot(100 * coverage[shown], 100 * risk[shown], color=BLUE, lw=1.6, drawstyle="steps-post")
    at.axhline(100 * risk[-1], color=GREY, lw=0.9, ls=(0, (4, 3)))
    at.set(xlabel="answered, the surest first, %", ylabel="wrong among the answered, %", xlim=(0, 101), ylim=(0, None))
    if groups:
        axes[1].plot((0, 100), (0, 100), color=GREY, lw=0.9, ls=(0, (4, 3)))
        for k, (name, share) in enumerate(groups.items()):
            axes[1].plot(100 * coverage, 100 * share, color=HUES[k % len(HUES)], ls=DASHES[k // len(HUES) % len(DASHES)], lw=1.3, label=name)
        axes[1].set(xlabel="answered of all, %", ylabel="answered of the group, %", xlim=(0, 101), ylim=(0, 101))
        axes[1].legend(loc="upper left", fontsize=7)
    return figure
