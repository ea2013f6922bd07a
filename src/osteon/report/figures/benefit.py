"""Decision curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from osteon.report.figures.style import BLUE, GREY, INK, SKY, panels, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from osteon.stats.utility import DecisionCurve


@styled
def benefit(curves: Mapping[str, DecisionCurve]) -> Figure:
    """A panel a model: net benefit per 100 cases over the threshold with its band, of treating all (grey) and none (the axis)."""
    figure, axes = panels(len(curves), height=2.7, sharey=True)
    low = min(min(float(np.nanmin(c.lower)) for c in curves.values()), 0.0)
    high = max(max(float(np.nanmax(c.upper)), float(c.treat_all.max())) for c in curves.values())
    for at, (name, curve) in zip(axes, curves.items(), strict=True):
        x = 100 * curve.thresholds
        at.fill_between(x, 100 * curve.lower, 100 * curve.upper, color=SKY, alpha=0.35, lw=0)
        at.plot(x, 100 * curve.treat_all, color=GREY, lw=1.2, ls=(0, (5, 2)), label="all are treated")
        at.axhline(0, color=INK, lw=0.8, label="none is treated")
        at.plot(x, 100 * curve.model, color=BLUE, lw=1.8, label="by the model")
        at.set(xlim=(x[0], x[-1]), ylim=(100 * max(low, -0.25 * high) - 1, 100 * high * 1.08 + 0.5))
        at.set_title(name, fontsize=9)
    axes[0].legend(loc="upper right")
    figure.supxlabel("threshold probability from which one would act, %", fontsize=8.5)
    figure.supylabel("net benefit, true positives per 100", fontsize=8.5)
    return figure
