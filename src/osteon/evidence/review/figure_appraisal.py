"""Traffic lights and bars of an appraisal: risk of bias and applicability by domain. Colour, sign and word say the same."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from osteon.evidence.review.appraisal import JUDGED, domains
from osteon.evidence.review.words import speak
from osteon.report.checklists import instrument
from osteon.report.figures.style import GREY, INK, plain, styled, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito: apart for the colour-blind; the sign tells them in grey print
HUES: Mapping[str, str] = {"low": "#009e73", "unclear": "#f0c94a", "high": "#c8442b"}
SIGNS: Mapping[str, str] = {"low": "+", "unclear": "?", "high": "\u2212"}
CELL, ROW = 0.52, 0.29  # inches
Rows = Sequence[tuple[str, Mapping[str, Any]]]


def _parts(tool: str) -> tuple[list[str], list[int]]:
    """Names of the domains, and which of them have an applicability."""
    found = domains(tool)
    return [d.name for d in found], [i for i, d in enumerate(found) if d.applicability]


@styled
def traffic_light(rows: Rows, tool: str, language: str = "en") -> Figure:
    """One row a study, one light a domain: bias, then applicability, then overall."""
    from matplotlib.figure import Figure

    words, (names, applied) = speak(language), _parts(tool)
    labels = max((len(n) for n, _ in rows), default=8) * 0.068 + 0.35
    n = len(names) + len(applied) + 1
    gaps = [0.0 if i < len(names) else 0.22 if i < len(names) + len(applied) else 0.44 if applied else 0.22 for i in range(n)]
    width, head = labels + n * CELL + gaps[-1] + 0.25, 1.15
    total = head + ROW * len(rows) + 0.5
    figure = Figure(figsize=(max(width, 4.6), total))
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, max(width, 4.6)), ylim=(0, total))
    plain(axes)
    at = [labels + CELL * (i + 0.5) + gap for i, gap in enumerate(gaps)]
    titles = [*names, *(names[i] for i in applied), words["overall"]]
    for x, title in zip(at, titles, strict=True):
        axes.text(x, total - head + 0.06, "\n".join(textwrap.wrap(title, 16)), rotation=45, ha="left", va="bottom", fontsize=7, rotation_mode="anchor", color=INK)
    axes.text(labels, 0.42, "", fontsize=1)
    for k, (name, judged) in enumerate(rows):
        y = total - head - ROW * (k + 0.5)
        axes.text(labels - 0.12, y, name, ha="right", va="center", fontsize=7.8, color=INK)
        for x, said in zip(at, [*judged["bias"], *(judged["applicability"][i] for i in applied), judged["overall"]], strict=True):
            _light(axes, x, y, said)
    for text, first, last in ((words["bias"], 0, len(names) - 1), (words["applicability"], len(names), n - 2)):
        if last >= first:
            level = total - head - ROW * len(rows) - 0.06
            axes.plot([at[first] - CELL * 0.42, at[last] + CELL * 0.42], [level, level], color=GREY, lw=0.7)
            axes.text((at[first] + at[last]) / 2, level - 0.04, text, ha="center", va="top", fontsize=7.5, color=INK)
    _key(axes, 0.12, 0.12, words)
    return figure


def _light(axes: Axes, x: float, y: float, said: str) -> None:
    if said not in HUES:
        return
    axes.plot([x], [y], marker="o", ms=14, color=HUES[said], mec="white", mew=0.6)
    axes.text(x, y - 0.005, SIGNS[said], ha="center", va="center", fontsize=9, weight="bold", color="white" if said != "unclear" else INK)


def _key(axes: Axes, x: float, y: float, words: Mapping[str, str]) -> None:
    for said in JUDGED:
        _light(axes, x + 0.05, y, said)
        axes.text(x + 0.2, y, words[said], ha="left", va="center", fontsize=7.5, color=INK)
        x += 0.45 + 0.075 * len(words[said])


@styled
def bars(rows: Rows, tool: str, language: str = "en") -> Figure:
    """The share of studies with each judgement, by domain: bias on the left, applicability on the right."""
    from matplotlib.figure import Figure

    words, (names, applied) = speak(language), _parts(tool)
    figure = Figure(figsize=(8.2, 0.95 + 0.34 * len(names)), layout="constrained")
    axes = figure.subplots(1, 2 if applied else 1, squeeze=False)[0]
    _bars(axes[0], [(name, [r["bias"][i] for _, r in rows]) for i, name in enumerate(names)], words["bias"], words)
    if applied:
        _bars(axes[1], [(names[i], [r["applicability"][i] for _, r in rows]) for i in applied], words["applicability"], words)
        axes[1].set_ylim(axes[0].get_ylim())
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles[: len(JUDGED)], labels[: len(JUDGED)], loc="outside lower center", ncol=3)
    return figure


def _bars(axes: Axes, parts: Sequence[tuple[str, Sequence[str]]], title: str, words: Mapping[str, str]) -> None:
    for y, (_, said) in enumerate(parts):
        start = 0.0
        for kind in ("low", "unclear", "high"):
            share = 100 * sum(s == kind for s in said) / max(len(said), 1)
            axes.barh(y, share, left=start, color=HUES[kind], edgecolor="white", height=0.62, label=words[kind] if y == 0 else None)
            if share >= 9:
                axes.text(start + share / 2, y, f"{sum(s == kind for s in said)}", ha="center", va="center", fontsize=7.5, color="white" if kind != "unclear" else INK)
            start += share
    axes.set(yticks=range(len(parts)), yticklabels=["\n".join(textwrap.wrap(name, 24)) for name, _ in parts], xlim=(0, 100), xlabel=words["share"])
    axes.set_title(title)
    axes.invert_yaxis()
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def appraisal_svgs(rows: Rows, tool: str, language: str = "en") -> dict[str, str]:
    """Both figures as SVG, with the judgements in words for those who do not see them."""
    words = speak(language)
    told = "; ".join(f"{name}: {', '.join(words[s] for s in r['bias'])}" for name, r in rows)
    name = instrument(tool).name
    return {f"{tool}-lights": svg(traffic_light(rows, tool, language), f"{tool}-lights", alt=f"{name}, {words['bias']}: {told}"),
            f"{tool}-bars": svg(bars(rows, tool, language), f"{tool}-bars", alt=f"{name}, {words['share']}")}
