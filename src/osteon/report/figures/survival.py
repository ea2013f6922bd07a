"""Curves of being free of an event, by group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.report.figures.style import BLUE, GREY, ORANGE, PURPLE, SKY, YELLOW, panels, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HUES = (BLUE, ORANGE, GREY, PURPLE, YELLOW, SKY)
DASHES = ("-", (0, (5, 2)), (0, (2, 1.5)), (0, (6, 2, 1, 2)))


@dataclass(frozen=True, eq=False)
class Course:
    """One group: its name, times (k,) with the share still free (k,) and its limits, and who is at risk at the ticks."""

    name: str
    times: np.ndarray = field(kw_only=True)
    free: np.ndarray = field(kw_only=True)
    lower: np.ndarray = field(kw_only=True)
    upper: np.ndarray = field(kw_only=True)


@styled
def courses(groups: Sequence[Course], *, event: str, horizon: float, unit: str = "") -> Figure:
    """Steps of each group with its band, up to a while after the horizon, which is marked."""
    figure, (at,) = panels(1, across=1, height=3.2)
    for k, group in enumerate(groups):
        hue = HUES[k % len(HUES)]
        at.step(group.times, 100 * group.free, where="post", color=hue, lw=1.6, ls=DASHES[k % len(DASHES)], label=group.name)
        at.fill_between(group.times, 100 * group.lower, 100 * group.upper, step="post", color=hue, alpha=0.12, lw=0)
    at.axvline(horizon, color=GREY, lw=0.9, ls=(0, (4, 3)))
    at.set(xlabel=f"time{f', {unit}' if unit else ''}", ylabel=f"still free of {event}, %", ylim=(0, 102), xlim=(0, None))
    at.legend(loc="lower left")
    return figure
