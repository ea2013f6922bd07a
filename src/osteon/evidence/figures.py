"""Figures of a pooled result as SVG: text stays text, colours are safe for colour-blind readers, everything is legible in print."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, message
from osteon.stats.accuracy_table import CELLS, Tables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe M, Ito K. Color Universal Design, 2008; the order keeps neighbours apart in grey as well.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#999999")
MARKS = ("o", "s", "D", "^", "v", "P", "X", "*")
MANY = 2000  # points from which they are drawn as one picture inside the SVG; text and lines stay as they are
Facts = Mapping[str, Any]


@contextmanager
def style() -> Iterator[None]:
    """Drawing settings for the time of a block: small sans-serif text, thin lines, no frame where none is needed."""
    import matplotlib

    settings: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "osteon", "font.family": "sans-serif", "font.size": 8,
                "font.sans-serif": ["Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"], "axes.linewidth": 0.6,
                "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 9, "axes.titleweight": "bold",
                "axes.titlelocation": "left", "xtick.major.width": 0.6, "ytick.major.width": 0.6, "lines.linewidth": 1.2,
                "legend.frameon": False, "legend.fontsize": 7.5, "figure.dpi": 100, "savefig.bbox": "tight", "savefig.pad_inches": 0.05}
    with matplotlib.rc_context(settings):
        yield


def canvas(width: float, height: float) -> Figure:
    """An empty figure (inches) that belongs to no window."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height))
    FigureCanvasSVG(figure)
    return figure


def save(figure: Figure, path: str | Path) -> Path:
    """Write SVG (or PNG, by the suffix) without a date, so that the same result gives the same bytes."""
    out = Path(path)
    out.parent.mkdir(parents=True, exist_ok=True)
    with style():
        if out.suffix == ".png":
            from matplotlib.backends.backend_agg import FigureCanvasAgg

            FigureCanvasAgg(figure).print_figure(out, dpi=150, bbox_inches="tight")
        else:
            figure.savefig(out, format="svg", dpi=200, metadata={"Date": None, "Creator": "osteon"})
    return out


def tables_of(facts: Facts) -> Tables:
    """The counts that stand in the plain data of a pooled result."""
    cells = {name: np.array([s[name] for s in facts["studies"]], float) for name in CELLS}
    return Tables(cells["tp"], cells["fp"], fn=cells["fn"], tn=cells["tn"], study=tuple(s["study"] for s in facts["studies"]))


def pooled(facts: Facts) -> bool:
    """Whether both margins were pooled."""
    return facts["sensitivity"]["estimate"] is not None and facts["specificity"]["estimate"] is not None


def need(facts: Facts, *names: str) -> None:
    """Raise DataError, with the reason that the result gives, where a figure has nothing to draw."""
    for name in names:
        value = facts.get(name)
        if not value or (isinstance(value, Mapping) and set(value) == {"reason"}):
            why = value["reason"] if value else "the result does not hold it"
            raise DataError(message("figures", f"{name} cannot be drawn", found=f"Reason: {why}"))


def drawers(*, points: str = "size", region: str = "F") -> dict[str, Callable[[Facts], Figure]]:
    """Every figure of a pooled result by file name; ``points`` and ``region`` are those of the summary ROC plot."""
    from osteon.evidence import figure_checks, figure_forest, figure_map, figure_sroc, figure_use

    return {"forest": figure_forest.forest, "sroc": partial(figure_sroc.sroc, points=points, region=region), "funnel": figure_checks.funnel,
            "influence": figure_checks.influence, "gosh": figure_checks.gosh, "fagan": figure_use.fagan,
            "predictive_values": figure_use.predictive_values, "evidence_map": figure_map.of_studies}


def draw_all(facts: Facts, folder: str | Path, *, points: str = "size", region: str = "F") -> tuple[list[Path], dict[str, str]]:
    """Write every figure that the result can carry; returns the files, and the reason of each one left out."""
    from osteon.evidence.figure_sroc import check

    check(points, region)
    files, left_out = [], {}
    for name, draw in drawers(points=points, region=region).items():
        try:
            with style():
                files.append(save(draw(facts), Path(folder) / f"{name}.svg"))
        except DataError as error:
            left_out[name] = str(error)
    return files, left_out
