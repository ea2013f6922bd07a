"""Figures for the use of a test: Fagan nomogram, predictive values over prevalence, several thresholds."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, logit

from osteon.errors import DataError, message
from osteon.evidence.figures import COLOURS, MANY, Facts, canvas, need, pooled, save, style
from osteon.evidence.pool_table import PoolTable
from osteon.evidence.pool_thresholds import rows_of
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
    """Positive and negative predictive value over the prevalence with limits, those of the chosen prevalences, and where the studies lie."""
    if not pooled(facts):
        raise DataError(message("figures", "predictive values need both margins pooled"))
    figure = canvas(5.6, 4.2)
    axis = figure.add_axes((0.11, 0.12, 0.86, 0.78))
    p = np.linspace(0.001, 0.999, 400)
    parts = (("lr_positive", 1.0, "Positive", COLOURS[1], "-"), ("lr_negative", -1.0, "Negative", COLOURS[0], (0, (5, 2))))
    for name, sign, label, colour, line in parts:
        ends = {k: expit(sign * (logit(p) + np.log(facts[name][k]))) for k in ("estimate", "lower", "upper") if facts[name][k]}
        axis.plot(p, ends["estimate"], color=colour, linestyle=line, label=f"{label} predictive value")
        if len(ends) == 3:
            axis.fill_between(p, ends["lower"], ends["upper"], color=colour, alpha=0.15, linewidth=0)
    for entry in facts["at_prevalence"]:
        _at_prevalence(axis, entry)
    seen = [(s["tp"] + s["fn"]) / (s["tp"] + s["fp"] + s["fn"] + s["tn"]) for s in facts["studies"]]
    axis.plot(seen, np.full(len(seen), 0.0), "|", color="#555555", markersize=9, markeredgewidth=0.8, clip_on=False, label="prevalence in a study", rasterized=len(seen) > MANY)
    axis.set(xlim=(0, 1), ylim=(0, 1.07), yticks=np.arange(0, 1.01, 0.2), xlabel="Prevalence", ylabel="Predictive value")
    axis.set_title(f"Bands: {100 * facts['level']:g} % limits. Prevalence marked: {facts['prevalence_source']}", fontsize=7.5, weight="normal")
    axis.grid(color="#eeeeee", linewidth=0.5)
    axis.legend(loc="lower center", ncol=1)
    return figure


def _at_prevalence(axis: Axes, entry: Facts) -> None:
    """A line at one prevalence, with both values written at their curves, apart from each other."""
    x, values = entry["prevalence"], {"ppv": entry["ppv"]["estimate"], "npv": entry["npv"]["estimate"]}
    axis.axvline(x, color="#777777", linewidth=0.7, linestyle=(0, (3, 3)))
    side, place = (1, "left") if x < 0.8 else (-1, "right")
    upper = max(values, key=lambda k: values[k])
    for name, colour in (("ppv", COLOURS[1]), ("npv", COLOURS[0])):
        axis.scatter([x], [values[name]], s=18, color=colour, zorder=4)
        axis.annotate(f"{name.upper()} {values[name]:.2f}", (x, values[name]), (5 * side, 3 if name == upper else -3), textcoords="offset points", ha=place,
                      va="bottom" if name == upper else "top", fontsize=7.5, color=colour, zorder=5, bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.75})


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
    axes[1].set_title(f"Optimal cut-off {best:.3g}")
    axes[1].text(0.5, 0.06, f"there: sensitivity {at[0].estimate:.2f}\nspecificity {at[1].estimate:.2f}", transform=axes[1].transAxes, ha="center",
                 bbox={"boxstyle": "square,pad=0.2", "facecolor": "white", "edgecolor": "none"})
    for axis in axes[:2]:
        axis.axvline(best, color="#777777", linewidth=0.7, linestyle=(0, (3, 3)))
        axis.set_xlabel("Cut-off")
        if fit.scale[1]:
            axis.set_xscale("log")
            ticks = [c for c in (v * 10.0**e for e in range(-6, 7) for v in (1, 2, 5)) if cuts[0] <= c <= cuts[-1]]
            axis.set_xticks(ticks, [f"{c:g}" for c in ticks])
            axis.minorticks_off()
    fpr = np.linspace(0.001, 0.999, 300)
    axes[2].scatter(rows.fp / (rows.fp + rows.tn), rows.tp / (rows.tp + rows.fn), s=7, color="#999999", linewidths=0, zorder=1)
    axes[2].plot(fpr, thresholds.curve(fit, fpr), color="black")
    axes[2].scatter([1 - at[1].estimate], [at[0].estimate], s=40, marker="D", color=COLOURS[1], zorder=3)
    axes[2].set(xlim=(0, 1), ylim=(0, 1), xlabel="1 − specificity", ylabel="Sensitivity", aspect="equal")
    axes[2].set_title(f"{fit.structure}, AUC {thresholds.auc(fit).estimate:.2f}")
    axes[0].set(ylim=(-0.01, 1.22), yticks=np.arange(0, 1.01, 0.2), ylabel="Proportion below the cut-off")
    axes[1].set_ylabel("Youden index")
    axes[0].legend(loc="upper left", fontsize=7, frameon=True, edgecolor="none", framealpha=1)
    return figure


def draw_thresholds(facts: Facts, table: PoolTable, folder: str | Path) -> Path:
    """Write the figure of a result of ``pool_thresholds`` and return its path."""
    rows = rows_of(table, facts["column"])
    fit = thresholds.fit_thresholds(rows, facts["structure"], distribution=facts["distribution"], log_cut=facts["log_cut"])
    with style():
        return save(several_thresholds(rows, fit), Path(folder) / "thresholds.svg")
