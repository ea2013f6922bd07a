"""Evidence map: how many studies there are for each area, task and modality, and where there are none."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from osteon.errors import DataError, message
from osteon.evidence.figures import COLOURS, Facts, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

SHOWN = len(COLOURS) - 1
CELL = 0.66  # inches


def evidence_map(records: Sequence[Mapping[str, str]]) -> Figure:
    """Areas down, tasks across; the size of a disc is the number of studies, its sectors are the modalities.

    Each record has area, task and modality; a study in two areas is two records. Modalities beyond the seventh are "other".
    """
    if not records:
        raise DataError(message("figures", "there are no records to map", expected="area, task and modality of each study"))
    areas, tasks = (_ordered(records, key) for key in ("area", "task"))
    modalities = _ordered(records, "modality")[:SHOWN]
    cells: dict[tuple[str, str], Counter[str]] = {}
    for r in records:
        name = r["modality"] if r["modality"] in modalities else "other"
        cells.setdefault((r["area"], r["task"]), Counter())[name] += 1
    longest = max(len(a) for a in areas)
    width, height = 1.2 + 0.075 * longest + CELL * len(tasks), 2.4 + CELL * len(areas)
    figure = canvas(width, height)
    axis = figure.add_axes(((0.2 + 0.075 * longest) / width, 0.45 / height, CELL * len(tasks) / width, CELL * len(areas) / height))
    handles = _discs(axis, cells, areas, tasks, [*modalities, "other"])
    axis.set(xlim=(-0.5, len(tasks) - 0.5), ylim=(len(areas) - 0.5, -0.5))
    axis.set_xticks(range(len(tasks)), tasks, rotation=40, ha="left", rotation_mode="anchor")
    axis.xaxis.tick_top()
    axis.set_yticks(range(len(areas)), areas)
    axis.tick_params(length=0)
    axis.grid(color="#eeeeee", linewidth=0.5)
    axis.set_axisbelow(True)
    for side in axis.spines.values():
        side.set_visible(False)
    axis.legend(handles=handles, loc="upper left", bbox_to_anchor=(0, -0.02), ncol=4, handlelength=1, columnspacing=1)
    return figure


def of_studies(facts: Facts) -> Figure:
    """The map of a pooled result whose table has the columns area, task and modality."""
    missing = [name for name in ("area", "task", "modality") if not all(s.get(name) for s in facts["studies"])]
    if missing:
        raise DataError(message("figures", "the evidence map needs the columns area, task and modality", found=f"Missing: {', '.join(missing)}"))
    return evidence_map(facts["studies"])


def _ordered(records: Sequence[Mapping[str, str]], key: str) -> list[str]:
    """Values by falling frequency, then by name."""
    counts = Counter(r[key] for r in records)
    return sorted(counts, key=lambda v: (-counts[v], v))


def _discs(axis: Axes, cells: Mapping[tuple[str, str], Counter[str]], areas: list[str], tasks: list[str], names: list[str]) -> list[Patch]:
    """Draw the discs and return the handles of the legend."""
    from matplotlib.patches import Patch, Wedge

    largest = max(sum(c.values()) for c in cells.values())
    used = [n for n in names if any(n in c for c in cells.values())]
    for (area, task), counts in cells.items():
        total, start = sum(counts.values()), 90.0
        center, radius = (tasks.index(task), areas.index(area)), 0.15 + 0.31 * math.sqrt(total / largest)
        for name in used:
            if counts[name]:
                end = start + 360 * counts[name] / total
                axis.add_patch(Wedge(center, radius, start, end, facecolor=COLOURS[names.index(name)], edgecolor="white", linewidth=0.5))
                start = end
        axis.text(*center, str(total), ha="center", va="center", fontsize=7,
                  bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.85})
    handles = [Patch(color=COLOURS[names.index(n)], label=n) for n in used]
    return handles
