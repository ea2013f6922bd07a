"""Error by time of a forecast, a line for each model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from osteon.report.figures.style import BLUE, GREY, INK, ORANGE, PURPLE, SKY, YELLOW, panels, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HUES = (BLUE, SKY, PURPLE, YELLOW, ORANGE, GREY, INK)
MARKS = "osD^vPX"


@styled
def horizon(spans: Sequence[str], models: Mapping[str, np.ndarray], *, label: str) -> Figure:
    """Errors (k, 3: estimate, lower, upper; nan where there is none) of each model in `spans` (k,), on a logarithmic axis, so that good and bad models are seen on one."""
    figure, (at,) = panels(1, across=1, height=3.4)
    wide = 0.5 / max(len(models), 1)
    for k, (name, values) in enumerate(models.items()):
        x = np.arange(len(spans)) + (k - (len(models) - 1) / 2) * wide
        at.vlines(x, values[:, 1], values[:, 2], color=HUES[k % len(HUES)], lw=1.4)
        at.plot(x, values[:, 0], color=HUES[k % len(HUES)], lw=1.0 if k else 1.6, marker=MARKS[k % len(MARKS)], ms=5, mec="white", mew=0.7, label=name)
    at.set_yscale("log")
    low, high = (f(v[np.isfinite(v)]) for f, v in ((np.min, np.concatenate([m[:, 1] for m in models.values()])), (np.max, np.concatenate([m[:, 2] for m in models.values()]))))
    ticks = [t for t in (0.5, 1, 2, 3, 5, 10, 20, 30, 50, 100, 200) if low / 1.4 <= t <= high * 1.4]
    at.set_yticks(ticks, [f"{t:g}" for t in ticks])
    at.minorticks_off()
    at.set(ylabel=label, xlim=(-0.6, len(spans) - 0.4))
    at.set_xticks(np.arange(len(spans)), spans)
    figure.legend(*at.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return figure
