"""Paired forest plot: sensitivity and specificity of every study, by subgroup, with pooled values and prediction intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from osteon.errors import DataError, message
from osteon.evidence.figures import COLOURS, Facts, canvas, pooled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARGINS = ("sensitivity", "specificity")
LONGEST = 60  # characters of a study's name
MOST = 400  # lines
COUNTS = 1.5  # inches for the four counts


class Line(NamedTuple):
    """One line of the plot: its kind (study, group, pooled, prediction), its label, and the rates by margin."""

    kind: str
    label: str
    entry: dict[str, Any]


def forest(facts: Facts) -> Figure:
    """Studies with Wilson intervals, squares by size, a diamond for what was pooled, a bar for the prediction interval."""
    lines = _lines(facts)
    if len(lines) > MOST:
        raise DataError(message("figures", f"a forest of {len(lines)} lines cannot be read", expected=f"{MOST} or fewer", do="Draw subgroups one at a time"))
    height = 0.9 + 0.19 * len(lines)
    names = 0.072 * max(len(_short(line.label)) for line in lines if line.kind != "note") + 0.15
    figure = canvas(names + COUNTS + 6.8, height)
    grid = figure.add_gridspec(1, 5, width_ratios=(names + COUNTS, 1.9, 1.3, 1.9, 1.3), wspace=0.03, left=0.01, right=0.99,
                               top=1 - 0.42 / height, bottom=0.42 / height)
    panels = [figure.add_subplot(grid[0, i]) for i in range(5)]
    for axis in panels:
        axis.set_ylim(len(lines) - 0.4, -0.6)
    _labels(panels[0], lines, COUNTS / (names + COUNTS))
    for j, margin in enumerate(MARGINS):
        _intervals(panels[1 + 2 * j], lines, margin)
        _numbers(panels[2 + 2 * j], lines, margin)
    return figure


def _lines(facts: Facts) -> list[Line]:
    groups = facts.get("subgroups") or {}
    column = groups.get("column") if isinstance(groups, dict) else None
    out: list[Line] = []
    if column:
        for level, entry in groups["levels"].items():
            out.append(Line("group", f"{column}: {level}", {}))
            out += [Line("study", s["study"], s) for s in facts["studies"] if s.get(column) == level]
            if "sensitivity" in entry:
                out.append(Line("pooled", f"Pooled, {entry['k']} studies", entry))
            else:
                out.append(Line("note", entry["ladder"][-1], {}))
    else:
        out += [Line("study", s["study"], s) for s in facts["studies"]]
    if pooled(facts):
        out.append(Line("pooled", f"All {facts['k']} studies, pooled", {m: facts[m] for m in MARGINS}))
        out.append(Line("prediction", f"{100 * facts['level']:g} % prediction interval", facts["prediction"]))
    else:
        out.append(Line("note", facts["ladder"][-1], {}))
    return out


def _short(label: str) -> str:
    return label if len(label) <= LONGEST else label[:LONGEST - 1] + "…"


def _labels(axis: Axes, lines: list[Line], share: float) -> None:
    axis.axis("off")
    axis.set_xlim(0, 1)
    axis.text(0, -1.0, "Study", weight="bold", va="center")
    places = [1 - share * (3 - i) / 4 for i in range(4)]
    for name, x in zip(("TP", "FP", "FN", "TN"), places, strict=True):
        axis.text(x, -1.0, name, weight="bold", ha="right", va="center")
    for y, line in enumerate(lines):
        strong = line.kind in ("group", "pooled")
        text = line.label if line.kind == "note" else _short(line.label)
        axis.text(0.02 if line.kind == "study" else 0, y, text, va="center", weight="bold" if strong else "normal",
                  style="italic" if line.kind in ("note", "prediction") else "normal")
        if line.kind == "study":
            for name, x in zip(("tp", "fp", "fn", "tn"), places, strict=True):
                axis.text(x, y, str(line.entry[name]), ha="right", va="center")


def _intervals(axis: Axes, lines: list[Line], margin: str) -> None:
    axis.set_xlim(-0.02, 1.02)
    axis.set_title(margin.capitalize(), pad=12)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    axis.grid(axis="x", color="#dddddd", linewidth=0.5, zorder=0)
    whole = [line.entry[margin]["estimate"] for line in lines if line.kind == "pooled"]
    if whole and whole[-1] is not None:
        axis.axvline(whole[-1], color="#777777", linewidth=0.7, linestyle=(0, (3, 3)), zorder=1)
    pair = ("tp", "fn") if margin == "sensitivity" else ("tn", "fp")
    largest = max([sum(line.entry[c] for c in pair) for line in lines if line.kind == "study"] or [1])
    for y, line in enumerate(lines):
        entry = line.entry.get(margin)
        if not entry or entry["estimate"] is None or entry["lower"] is None:
            continue
        if line.kind == "study":
            n = sum(line.entry[c] for c in pair)
            axis.plot([entry["lower"], entry["upper"]], [y, y], color="black", linewidth=0.8, zorder=2)
            axis.scatter([entry["estimate"]], [y], s=8 + 46 * n / largest, marker="s", color=COLOURS[0], zorder=3, linewidths=0)
        elif line.kind == "pooled":
            xs = [entry["lower"], entry["estimate"], entry["upper"], entry["estimate"]]
            axis.fill(xs, [y, y - 0.32, y, y + 0.32], color=COLOURS[1], zorder=3, linewidth=0)
        else:
            axis.plot([entry["lower"], entry["upper"]], [y, y], color=COLOURS[1], linewidth=3, solid_capstyle="butt", zorder=2)


def _numbers(axis: Axes, lines: list[Line], margin: str) -> None:
    axis.axis("off")
    axis.set_xlim(0, 1)
    for y, line in enumerate(lines):
        entry = line.entry.get(margin)
        if not entry or entry["estimate"] is None or entry["lower"] is None:
            if line.kind == "study":
                axis.text(0.02, y, "no subjects", va="center", style="italic")
            continue
        limits = f"{entry['lower']:.2f} to {entry['upper']:.2f}"
        text = limits if line.kind == "prediction" else f"{entry['estimate']:.2f} ({limits})"
        axis.text(0.02, y, text, va="center", weight="bold" if line.kind == "pooled" else "normal")
