"""Summary ROC plot: studies, summary point, confidence and prediction regions, curve over the observed range."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, message
from osteon.evidence.figures import COLOURS, MANY, MARKS, Facts, canvas, pooled, tables_of
from osteon.stats.accuracy_sroc import Hsroc, curve

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = ("size", "crosshair", "ellipse")
CORNER = 0.35  # studies within this distance of the perfect test get a close-up


def sroc(facts: Facts, *, points: str = "size", region: str = "F") -> Figure:
    """Sensitivity against one minus specificity. ``points``: studies sized by subjects, as crosshairs or as ellipses."""
    check(points, region)
    figure = canvas(5.4, 5.2)
    axis = figure.add_axes((0.11, 0.1, 0.86, 0.85))
    _frame(axis)
    _content(axis, facts, points, region)
    axis.legend(loc="lower right", handlelength=2.2)
    _close_up(axis, facts, points, region)
    return figure


def _content(axis: Axes, facts: Facts, points: str, region: str) -> None:
    _studies(axis, facts, points)
    if pooled(facts):
        # The colours of the subgroups are taken; what belongs to all studies is then black.
        _summary(axis, facts, region, "black" if _levels(facts) else COLOURS[1])
        _curve(axis, facts)


def _close_up(axis: Axes, facts: Facts, points: str, region: str) -> None:
    """The corner again, larger, where all studies lie in it and nothing is hidden by it."""
    shown = [s for s in facts["studies"] if s["sensitivity"]["estimate"] is not None and s["specificity"]["estimate"] is not None]
    right = max((1 - s["specificity"]["estimate"] for s in shown), default=1.0)
    low = min((s["sensitivity"]["estimate"] for s in shown), default=0.0)
    outline = np.array((facts.get("regions") or {}).get(region, {}).get("prediction", np.empty((0, 2))))
    hidden = ((1 - outline[:, 1] > 0.35) & (outline[:, 0] < 0.9)).any()
    if right > CORNER or 1 - low > CORNER or hidden:
        return
    close = axis.inset_axes((0.42, 0.36, 0.56, 0.5))
    _content(close, facts, points, region)
    close.set(xlim=(-0.04 * right - 0.002, 1.15 * right + 0.01), ylim=(low - 0.15 * (1 - low) - 0.01, 1 + 0.04 * (1 - low) + 0.002))
    close.tick_params(labelsize=7)
    close.grid(color="#eeeeee", linewidth=0.5, zorder=0)
    axis.indicate_inset_zoom(close, edgecolor="#777777", linewidth=0.5)


def check(points: str, region: str) -> None:
    """Raise DataError for a way of drawing that there is not."""
    if points not in POINTS or region not in ("F", "chi2"):
        raise DataError(message("figures", f"sroc: points {points!r}, region {region!r}", expected=f"{', '.join(POINTS)}; F or chi2"))


def _frame(axis: Axes) -> None:
    axis.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01), xlabel="1 − specificity", ylabel="Sensitivity", aspect="equal")
    axis.set_xticks(np.arange(0, 1.01, 0.2))
    axis.set_yticks(np.arange(0, 1.01, 0.2))
    axis.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=0.7, linestyle=(0, (2, 3)), zorder=0)
    axis.grid(color="#eeeeee", linewidth=0.5, zorder=0)


def _studies(axis: Axes, facts: Facts, points: str) -> None:
    """Studies, marked by subgroup where there is one; those with one margin only cannot be drawn."""
    levels: list[str | None] = [*_levels(facts)] or [None]
    column = (facts.get("subgroups") or {}).get("column")
    shown = [s for s in facts["studies"] if s["sensitivity"]["estimate"] is not None and s["specificity"]["estimate"] is not None]
    largest = max([s["tp"] + s["fp"] + s["fn"] + s["tn"] for s in shown] or [1])
    for i, level in enumerate(levels):
        part = [s for s in shown if level is None or s.get(column) == level]
        x = [1 - s["specificity"]["estimate"] for s in part]
        y = [s["sensitivity"]["estimate"] for s in part]
        colour, mark = COLOURS[i % len(COLOURS)], MARKS[i % len(MARKS)]
        name = f"{len(part)} studies" if level is None else f"{level} ({len(part)}), filled: pooled"
        sizes = [14 + 110 * (s["tp"] + s["fp"] + s["fn"] + s["tn"]) / largest if points == "size" else 14 for s in part]
        axis.scatter(x, y, s=sizes, marker=mark, facecolors="none", edgecolors=colour, linewidths=1.0, zorder=3, rasterized=len(x) > MANY)
        axis.scatter([], [], s=22, marker=mark, facecolors="none", edgecolors=colour, linewidths=1.0, label=name)
        _pooled_level(axis, _levels(facts).get(level or "") or {}, colour)
        for s in part if points == "crosshair" else ():
            _crosshair(axis, s, colour)
        for s in part if points == "ellipse" else ():
            _ellipse(axis, s, colour)


def _levels(facts: Facts) -> Facts:
    """The pooled levels of the subgroups; empty where there are none."""
    return (facts.get("subgroups") or {}).get("levels") or {}


def _pooled_level(axis: Axes, entry: Facts, colour: str) -> None:
    """The summary point of one subgroup with its limits."""
    if not entry or "sensitivity" not in entry:
        return
    x, y = 1 - entry["specificity"]["estimate"], entry["sensitivity"]["estimate"]
    _crosshair(axis, entry, colour, width=1.2)
    axis.scatter([x], [y], s=52, marker="d", color=colour, zorder=5, edgecolors="white", linewidths=0.6)


def _crosshair(axis: Axes, study: Facts, colour: str, width: float = 0.5) -> None:
    x, y = 1 - study["specificity"]["estimate"], study["sensitivity"]["estimate"]
    axis.plot([1 - study["specificity"]["upper"], 1 - study["specificity"]["lower"]], [y, y], color=colour, linewidth=width, zorder=2)
    axis.plot([x, x], [study["sensitivity"]["lower"], study["sensitivity"]["upper"]], color=colour, linewidth=width, zorder=2)


def _ellipse(axis: Axes, study: Facts, colour: str) -> None:
    """The joint region of one study on the logit scale (independent margins, counts with 0.5 added)."""
    tp, fp, fn, tn = (study[c] + 0.5 for c in ("tp", "fp", "fn", "tn"))
    a = np.linspace(0, 2 * math.pi, 80)
    radius = math.sqrt(5.991)
    se = math.log(tp / fn) + radius * math.sqrt(1 / tp + 1 / fn) * np.sin(a)
    sp = math.log(tn / fp) + radius * math.sqrt(1 / tn + 1 / fp) * np.cos(a)
    axis.plot(1 / (1 + np.exp(sp)), 1 / (1 + np.exp(-se)), color=colour, linewidth=0.5, alpha=0.8, zorder=2)


def _summary(axis: Axes, facts: Facts, region: str, colour: str) -> None:
    name = {"F": "F", "chi2": "chi-square"}[region]
    level = f"{100 * facts['level']:g} %"
    regions = facts["regions"].get(region)
    for kind, line in (("confidence", "-"), ("prediction", (0, (4, 2)))) if regions else ():
        outline = np.array([*regions[kind], regions[kind][0]])
        axis.plot(1 - outline[:, 1], outline[:, 0], color=colour, linestyle=line, linewidth=1.2, zorder=4,
                  label=f"{level} {kind} region ({name})")
    axis.scatter([1 - facts["specificity"]["estimate"]], [facts["sensitivity"]["estimate"]], s=46, marker="D", color=colour,
                 zorder=5, label=f"Summary: {facts['sensitivity']['estimate']:.2f} / {facts['specificity']['estimate']:.2f}")


def _curve(axis: Axes, facts: Facts) -> None:
    """Solid over the observed false positive rates, dotted outside them."""
    values = [facts["hsroc"].get(k) for k in ("lambda", "theta", "beta", "sigma2_alpha", "sigma2_theta")]
    if any(v is None for v in values):
        return
    h = Hsroc(*values)
    n = tables_of(facts)
    seen = n.totals[:, 1] > 0
    rates = n.fp[seen] / n.totals[seen, 1]
    low, high = max(float(rates.min()), 0.002), min(float(rates.max()), 0.998)
    whole, inside = np.linspace(0.002, 0.998, 400), np.linspace(low, high, 200)
    area = facts["auc"]["estimate"]
    axis.plot(whole, curve(h, whole), color="#555555", linewidth=0.8, linestyle=(0, (1, 2)), zorder=2)
    axis.plot(inside, curve(h, inside), color="#555555", linewidth=1.4, zorder=2, label=f"Summary ROC, AUC {area:.3f} (dotted: no data)")
