"""What three selectors have in common, and how far estimates of one model lie apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from osteon.report.figures.style import BLUE, GREY, INK, ORANGE, PURPLE, SKY, WIDTH, panels, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HUES = (BLUE, ORANGE, PURPLE)
CENTRES = ((-0.55, 0.35), (0.55, 0.35), (0.0, -0.55))
RADIUS = 1.0
MARKS = ("o", "D", "s", "^", "v", "P", "X")
MOST_NAMES = 9  # that are written into the middle


@styled
def venn(sets: Mapping[str, Sequence[str]]) -> Figure:
    """Three sets as circles with how many lie in each part, and beside them the names of what all share. Raises ValueError for another number of sets."""
    from matplotlib.collections import PolyCollection

    if len(sets) != 3:
        raise ValueError(f"sets: {len(sets)} (expected 3)")
    figure, (at,) = panels(1, across=1, height=3.7)
    turn = np.linspace(0, 2 * np.pi, 91)
    for (x, y), hue in zip(CENTRES, HUES, strict=True):
        ring = np.column_stack([x + RADIUS * np.cos(turn), y + RADIUS * np.sin(turn)])
        at.add_collection(PolyCollection([ring], facecolors=hue, alpha=0.13))
        at.plot(ring[:, 0], ring[:, 1], color=hue, lw=1.6)
    for (name, found), (x, y), hue in zip(sets.items(), ((-1.15, 1.35), (1.15, 1.35), (1.05, -1.2)), HUES, strict=True):
        at.text(x, y, f"{name}, {len(set(found))}", ha="right" if x < 0 else "left", va="center", fontsize=9, color=hue, weight="bold")
    for place, n in zip(_places(), parts(sets), strict=True):
        at.text(*place, str(n), ha="center", va="center", fontsize=12 if place == (0.0, 0.05) else 10, weight="bold" if place == (0.0, 0.05) else "normal", color=INK)
    _shared(at, sets)
    at.set(xlim=(-2.6, 4.2), ylim=(-1.7, 1.6), aspect="equal")
    at.set_axis_off()
    return figure


def parts(sets: Mapping[str, Sequence[str]]) -> tuple[int, ...]:
    """How many names lie in the first alone, second alone, third alone, first and second, first and third, second and third, all three."""
    a, b, c = (set(found) for found in sets.values())
    return tuple(map(len, (a - b - c, b - a - c, c - a - b, (a & b) - c, (a & c) - b, (b & c) - a, a & b & c)))


def _places() -> tuple[tuple[float, float], ...]:
    return ((-0.95, 0.62), (0.95, 0.62), (0.0, -1.1), (0.0, 0.85), (-0.62, -0.32), (0.62, -0.32), (0.0, 0.05))


def _shared(at: Axes, sets: Mapping[str, Sequence[str]]) -> None:
    """The names in the middle, listed at the right."""
    a, b, c = (set(found) for found in sets.values())
    names = sorted(a & b & c)
    shown = names[:MOST_NAMES] + ([f"and {len(names) - MOST_NAMES} more"] if len(names) > MOST_NAMES else [])
    at.text(2.35, 0.62, "Chosen by all three" if names else "Chosen by all three: none", ha="left", va="center", fontsize=8.5, color=GREY)
    for k, name in enumerate(shown):
        at.text(2.35, 0.38 - 0.2 * k, name, ha="left", va="center", fontsize=9, color=INK)


@styled
def estimates(found: Mapping[str, Mapping[str, tuple[float, float, float]]], *, label: str, chance: float = 0.5) -> Figure:
    """Several estimates (estimate, lower, upper) of each model, one row a model, one mark a kind of estimate; the kinds are named below."""
    from matplotlib.figure import Figure

    kinds = list(dict.fromkeys(kind for row in found.values() for kind in row))
    figure = Figure(figsize=(WIDTH, 1.15 + 0.16 * len(kinds) * len(found) + 0.2 * len(kinds)), layout="constrained")
    at = figure.subplots()
    gap = 0.8 / max(1, len(kinds))
    for k, kind in enumerate(kinds):
        rows = [(row + (k - (len(kinds) - 1) / 2) * gap, given[kind]) for row, given in enumerate(found.values()) if kind in given]
        places, values = np.array([y for y, _ in rows]), np.array([v for _, v in rows])
        hue = (GREY, ORANGE, BLUE, PURPLE, SKY)[k % 5]
        at.hlines(places, values[:, 1], values[:, 2], color=hue, lw=1.3)
        at.plot(values[:, 0], places, ls="", marker=MARKS[k % len(MARKS)], ms=5.5, color=hue, mec="white", mew=0.7, label=kind)
    at.axvline(chance, color=GREY, lw=0.9, ls=(0, (4, 3)))
    at.set(yticks=range(len(found)), yticklabels=list(found), ylim=(len(found) - 0.45, -0.55), xlabel=label)
    at.legend(loc="upper left", bbox_to_anchor=(0, -0.45 / len(found) - 0.08), ncols=1)
    return figure
