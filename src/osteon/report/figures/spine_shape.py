"""A spine in space, seen from the front and from the right, and its Cobb angle over time: before, forecast, and found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.geometry.spine import LEVELS
from osteon.geometry.spine_shape import RING
from osteon.report.figures.style import BLUE, GREY, INK, ORANGE, WIDTH, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FRONT, SIDE = ((6, 0), 0, 1.0), ((3, 9), 1, -1.0)  # first and last point of a ring that a view shows, the axis across, and its sense: anterior to the right
LABELLED = ("T1", "T5", "T9", "L1", "L5")


@dataclass(frozen=True, eq=False)
class Shown:
    """A column (17, 26, 3) and how it is drawn; `cobb` (degrees) where it is known."""

    points: np.ndarray
    name: str
    colour: str = field(kw_only=True)
    style: str = field(default="-", kw_only=True)
    cobb: float | None = field(default=None, kw_only=True)


@dataclass(frozen=True, eq=False)
class Line:
    """Cobb angles (n,) at months (n,) by a name."""

    months: np.ndarray
    values: np.ndarray
    name: str
    colour: str = field(kw_only=True)
    mark: str = field(default="", kw_only=True)


@styled
def spines(columns: Sequence[Shown], lines: Sequence[Line], *, ends: tuple[str, str] | None = None) -> Figure:
    """The columns from the front and from the right (anterior to the right, as on a lateral film with the left side at the detector) on one scale, end vertebrae drawn out by name, and the lines of the Cobb angle."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 5.4), layout="constrained")
    front, side, course = figure.subplots(1, 3, width_ratios=(1.0, 1.0, 1.35))
    for at, view, title, words in ((front, FRONT, "Coronal, from the front", ("right", "left")), (side, SIDE, "Sagittal, from the right", ("posterior", "anterior"))):
        for shown in columns:
            _column(at, shown, view, ends)
        _frame(at, columns, view, words)
        at.set_title(title)
    _levels(front, columns[-1])
    _course(course, lines)
    figure.legend(*front.get_legend_handles_labels(), loc="outside lower left", ncols=len(columns))
    return figure


def _column(at: Axes, shown: Shown, view: tuple[tuple[int, int], int, float], ends: tuple[str, str] | None) -> None:
    (first, last), axis, sense = view
    corners = shown.points[:, [first, last, RING + 1 + last, RING + 1 + first, first]][..., [axis, 2]] * (sense, 1)
    for level, outline in zip(LEVELS, corners, strict=True):
        heavy = ends is not None and level in ends and view is FRONT
        at.plot(outline[:, 0], outline[:, 1], color=shown.colour, lw=1.7 if heavy else 0.9, ls=shown.style, alpha=1.0 if heavy else 0.85)
    middle = shown.points.mean(axis=1)[:, [axis, 2]] * (sense, 1)
    told = f"{shown.name}, Cobb {shown.cobb:.0f}°".replace("-", "−") if shown.cobb is not None else shown.name
    at.plot(middle[:, 0], middle[:, 1], color=shown.colour, lw=0.8, ls=shown.style, alpha=0.6, label=told)


def _frame(at: Axes, columns: Sequence[Shown], view: tuple[tuple[int, int], int, float], words: tuple[str, str]) -> None:
    """One scale in both views, the middle of the columns in the middle; the two sides in words."""
    _, axis, sense = view
    every = np.concatenate([c.points.reshape(-1, 3) for c in columns])
    middle, low, high = sense * (every[:, axis].min() + every[:, axis].max()) / 2, every[:, 2].min() - 12, every[:, 2].max() + 12
    at.set(aspect="equal", xlim=(middle - 105, middle + 105), ylim=(low, high), xlabel=f"{words[0]}  \u2190  mm  \u2192  {words[1]}")
    at.tick_params(labelleft=view is FRONT)


def _levels(at: Axes, shown: Shown) -> None:
    for level in LABELLED:
        at.text(at.get_xlim()[0] + 4, shown.points[LEVELS.index(level), :, 2].mean(), level, ha="left", va="center", fontsize=7, color=GREY)


def _course(at: Axes, lines: Sequence[Line]) -> None:
    for line in lines:
        at.plot(line.months, line.values, color=line.colour, lw=0.0 if line.mark and not line.name.startswith("forecast") else 1.4, marker=line.mark or None, ms=4.5, mec="white", mew=0.6, label=line.name)
    at.axvline(0, color=INK, lw=0.7, ls=(0, (2, 2)))
    at.axhline(0, color=GREY, lw=0.5)
    at.set(xlabel="months from the operation", ylabel="Cobb angle, degrees")
    at.set_title("Over time")
    if lines:
        at.legend(loc="upper right")


COLOURS: Mapping[str, str] = {"before": GREY, "forecast": BLUE, "found": ORANGE}
