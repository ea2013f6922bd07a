"""A contact sheet of a simulator: eight cases over its range, one of them confounded, truth overlaid, and the structures that a specialist looks for pointed at.

`python -m osteon.simulate.contact knee_ap docs/contact/knee_ap.jpg` draws the sheet that `simulate/<name>_sheet.py` describes.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.simulate.card import Card

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BYTES = 400_000
INK, TRUTH, PAPER = "#1b1f24", "#ffb000", "#ffffff"


@dataclass(frozen=True, eq=False)
class Panel:
    """One case: film (rows, cols, or with 3 colours), what it is, and its truth in pixels: points by name (row, col), open lines (k, 2), boxes (row0, col0, row1, col1)."""

    film: np.ndarray
    caption: str
    points: Mapping[str, np.ndarray] = field(default_factory=dict)
    lines: tuple[np.ndarray, ...] = ()
    boxes: tuple[np.ndarray, ...] = ()


@dataclass(frozen=True, eq=False)
class Sheet:
    """A card, panels, and one film whose `points` are numbered and named in the margin; what a specialist would miss stands in the card."""

    card: Card
    panels: tuple[Panel, ...]
    pointed: Panel
    note: str = ""


def grey(stored: np.ndarray) -> np.ndarray:
    """Stored values of a film from 0 to 1 (float32)."""
    return stored.astype(np.float32) / np.float32(max(1, int(stored.max())))


def draw(sheet: Sheet, path: Path) -> Path:
    """Write the sheet as PNG or, by the ending .jpg, as JPEG below 400 kB."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    count = len(sheet.panels)
    cols = max(2, -(-count // 2))
    tall = float(np.median([p.film.shape[0] / p.film.shape[1] for p in sheet.panels]))
    figure = pyplot.figure(figsize=(3.0 * cols, 6.4 * tall + 6.8), dpi=100, facecolor=PAPER)
    grid = figure.add_gridspec(3, cols, height_ratios=[3.0 * tall, 3.0 * tall, 5.8], hspace=0.14, wspace=0.04, left=0.01, right=0.99, top=0.93, bottom=0.01)
    for k, panel in enumerate(sheet.panels):
        _case(figure.add_subplot(grid[k // cols, k % cols]), panel)
    half = cols // 2
    _pointed(figure.add_subplot(grid[2, :half]), sheet.pointed)
    _words(figure.add_subplot(grid[2, half:]), sheet)
    figure.suptitle(f"{sheet.card.name} {sheet.card.version}: simulated films, not clinical evidence", fontsize=13, color=INK, y=0.985)
    try:
        return _written(figure, path)
    finally:
        pyplot.close(figure)


def _case(axes: Axes, panel: Panel) -> None:
    _film(axes, panel.film)
    for line in panel.lines:
        axes.plot(line[:, 1], line[:, 0], color=TRUTH, linewidth=1.3)
    for box in panel.boxes:
        axes.plot(box[[1, 3, 3, 1, 1]], box[[0, 0, 2, 2, 0]], color=TRUTH, linewidth=1.0)
    if panel.points:
        at = np.array(list(panel.points.values()))
        axes.plot(at[:, 1], at[:, 0], ".", color=TRUTH, markersize=3.5)
    axes.set_title(panel.caption, fontsize=8.5, color=INK, pad=3)


def _pointed(axes: Axes, panel: Panel) -> None:
    """Numbers in the margins, right and left in the order of height, with a line to each structure."""
    _film(axes, panel.film)
    rows, cols = panel.film.shape[:2]
    numbered = list(enumerate(panel.points.values(), 1))
    for right in (False, True):
        side = sorted((p for p in numbered if bool(p[1][1] > cols / 2) is right), key=lambda p: p[1][0])
        for k, (number, at) in enumerate(side):
            edge = np.array([rows * (k + 0.5) / len(side), cols * (1.06 if right else -0.06)])
            axes.annotate(str(number), xy=(at[1], at[0]), xytext=(edge[1], edge[0]), color=INK, fontsize=10, ha="center", va="center", annotation_clip=False,
                          arrowprops={"arrowstyle": "-", "color": TRUTH, "linewidth": 1.0})
            axes.plot(at[1], at[0], "o", color=TRUTH, markersize=3.5)
    axes.set_xlim(-0.1 * cols, 1.1 * cols)


def _words(axes: Axes, sheet: Sheet) -> None:
    from textwrap import fill

    axes.axis("off")
    found = [f"{k}  {name}" for k, name in enumerate(sheet.pointed.points, 1)]
    missing = fill("Not modelled: " + "; ".join(sheet.card.absent) + ".", 66)
    axes.text(0.04, 0.98, "\n".join([*found, "", missing, "", fill(sheet.note, 66)]), transform=axes.transAxes, fontsize=10, color=INK, va="top", linespacing=1.35)


def _film(axes: Axes, film: np.ndarray) -> None:
    axes.imshow(film, cmap="gray", interpolation="antialiased")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(False)


def _written(figure: Figure, path: Path) -> Path:
    import io

    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", facecolor=PAPER)
    image: Any = Image.open(buffer).convert("RGB")
    if path.suffix.lower() not in (".jpg", ".jpeg"):
        image.save(path, optimize=True)
        return path
    for quality in (88, 80, 72, 64, 56, 48):
        image.save(path, quality=quality, optimize=True, progressive=True)
        if path.stat().st_size < MOST_BYTES:
            break
    return path


def sheet_of(name: str) -> Sheet:
    """The sheet of a simulator, from `simulate/<name>_sheet.py`."""
    made: Sheet = import_module(f"osteon.simulate.{name}_sheet").sheet()
    return made


if __name__ == "__main__":
    draw(sheet_of(sys.argv[1]), Path(sys.argv[2]))
