"""Figures for the use of a test: Fagan nomogram, predictive values over prevalence, several thresholds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from osteon.errors import DataError, message
from osteon.evidence.figures import COLOURS, Facts, canvas, need, pooled
from osteon.stats import thresholds

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PERCENT = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 98, 99, 99.5, 99.8, 99.9)
RATIOS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
REACH = 7.2


def fagan(facts: Facts, *, which: int = 0) -> Figure:
    """Nomogram at one of the prevalences of the result: prior, likelihood ratios with their limits, posterior."""
    need(facts, "at_prevalence")
    entry = facts["at_prevalence"][which]
    figure = canvas(4.2, 6.2)
    axis = figure.add_axes((0.16, 0.03, 0.68, 0.86))
    axis.set(xlim=(0, 1), ylim=(-REACH, REACH))
    axis.axis("off")
    _scale(axis, 0.0, [(-logit(p / 100), f"{p:g}") for p in PERCENT], "Before the test (%)", "right")
    _scale(axis, 0.5, [(math.log(r) / 2, f"{r:g}") for r in RATIOS], "Likelihood ratio", "left")
    _scale(axis, 1.0, [(logit(p / 100), f"{p:g}") for p in PERCENT], "After the test (%)", "left")
    prior = -logit(entry["prevalence"])
    after = {"positive": entry["fagan"]["after_positive"], "negative": entry["fagan"]["after_negative"]}
    for (name, value), colour, line in zip(after.items(), COLOURS[1::-1], ("-", (0, (5, 2))), strict=True):
        ends = [float(np.clip(logit(np.clip(value[k], 1e-6, 1 - 1e-6)), -REACH, REACH)) for k in ("estimate", "lower", "upper")]
        axis.plot([0, 1], [prior, ends[0]], color=colour, linestyle=line, linewidth=1.6, zorder=3,
                  label=f"after a {name} result: {100 * value['estimate']:.1f} % ({100 * value['lower']:.1f} to {100 * value['upper']:.1f})")
        axis.fill([0, 1, 1], [prior, ends[1], ends[2]], color=colour, alpha=0.15, linewidth=0, zorder=1)
    figure.legend(loc="upper center", bbox_to_anchor=(0.5, 1.0), title=f"Prevalence {100 * entry['prevalence']:.1f} %")
    return figure


def _scale(axis: Axes, x: float, ticks: list[tuple[float, str]], title: str, side: str) -> None:
    shown = [(y, text) for y, text in ticks if abs(y) <= REACH]
    axis.plot([x, x], [min(y for y, _ in shown), max(y for y, _ in shown)], color="black", linewidth=0.7, zorder=2, clip_on=False)
    step = -0.02 if side == "right" else 0.02
    for y, text in shown:
        axis.plot([x, x + step], [y, y], color="black", linewidth=0.6, zorder=4, clip_on=False)
        axis.text(x + 1.6 * step, y, text, ha=side, va="center", fontsize=6.5, zorder=4,
                  bbox={"boxstyle": "square,pad=0.05", "facecolor": "white", "edgecolor": "none", "alpha": 0.8})
    axis.text(x, -REACH - 0.25, title, ha="center", va="top", weight="bold")


def predictive_values(facts: Facts) -> Figure:
    """Positive and negative predictive value over the prevalence, with limits from those of the likelihood ratios."""
    if not pooled(facts):
        raise DataError(message("figures", "predictive values need both margins pooled"))
    figure = canvas(5.2, 4.0)
    axis = figure.add_axes((0.12, 0.13, 0.84, 0.83))
    p = np.linspace(0.001, 0.999, 400)
    parts = (("lr_positive", 1.0, "Positive predictive value", COLOURS[1], "-"),
             ("lr_negative", -1.0, "Negative predictive value", COLOURS[0], (0, (5, 2))))
    for name, sign, label, colour, line in parts:
        ends = {k: expit(sign * (logit(p) + np.log(facts[name][k]))) for k in ("estimate", "lower", "upper") if facts[name][k]}
        axis.plot(p, ends["estimate"], color=colour, linestyle=line, label=label)
        if len(ends) == 3:
            axis.fill_between(p, ends["lower"], ends["upper"], color=colour, alpha=0.15, linewidth=0)
    for entry in facts["at_prevalence"]:
        axis.axvline(entry["prevalence"], color="#777777", linewidth=0.7, linestyle=(0, (3, 3)))
    axis.set(xlim=(0, 1), ylim=(0, 1.005), xlabel="Prevalence", ylabel="Predictive value")
    axis.grid(color="#eeeeee", linewidth=0.5)
    axis.legend(loc="lower center")
    return figure


def several_thresholds(rows: thresholds.Rows, fit: thresholds.ThresholdFit) -> Figure:
    """Proportions below each cut-off with the fitted curves and bands, the Youden index with its optimum, and the summary curve."""
    figure = canvas(9.6, 3.4)
    grid = figure.add_gridspec(1, 3, left=0.06, right=0.985, top=0.9, bottom=0.15, wspace=0.24)
    axes = [figure.add_subplot(grid[0, i]) for i in range(3)]
    cuts = np.linspace(max(rows.cut.min(), 1e-9), rows.cut.max(), 200)
    found = [thresholds.rates_at(fit, float(c)) for c in cuts]
    best = thresholds.optimal_cut(fit)
    groups = ((1, rows.tn, rows.fp, COLOURS[0], "healthy below (specificity)"), (0, rows.fn, rows.tp, COLOURS[1], "diseased below (1 − sensitivity)"))
    for j, below, above, colour, label in groups:
        for study in sorted(set(rows.study), key=str):
            pick = np.array([s == study for s in rows.study])
            axes[0].plot(rows.cut[pick], (below / (below + above))[pick], color=colour, linewidth=0.4, alpha=0.5, marker=".", markersize=2)
        line = np.array([[i.estimate, i.lower, i.upper] for i in (pair[j] for pair in found)])
        line = line if j else 1 - line
        axes[0].plot(cuts, line[:, 0], color=colour, linewidth=1.8, label=label)
        axes[0].fill_between(cuts, line[:, 1], line[:, 2], color=colour, alpha=0.2, linewidth=0)
    youden = [a.estimate + b.estimate - 1 for a, b in found]
    axes[1].plot(cuts, youden, color="black")
    at = thresholds.rates_at(fit, best)
    axes[1].set_title(f"Optimal cut-off {best:.3g}: {at[0].estimate:.2f} / {at[1].estimate:.2f}")
    for axis in axes[:2]:
        axis.axvline(best, color="#777777", linewidth=0.7, linestyle=(0, (3, 3)))
        axis.set_xlabel("Cut-off")
    fpr = np.linspace(0.001, 0.999, 300)
    axes[2].plot(fpr, thresholds.curve(fit, fpr), color="black")
    axes[2].scatter([1 - at[1].estimate], [at[0].estimate], s=40, marker="D", color=COLOURS[1], zorder=3)
    axes[2].set(xlim=(0, 1), ylim=(0, 1), xlabel="1 − specificity", ylabel="Sensitivity", aspect="equal")
    axes[2].set_title(f"{fit.structure}, AUC {thresholds.auc(fit).estimate:.2f}")
    axes[0].set(ylim=(-0.01, 1.01), ylabel="Proportion below the cut-off")
    axes[1].set_ylabel("Youden index")
    axes[0].legend(loc="lower right", fontsize=7)
    return figure
