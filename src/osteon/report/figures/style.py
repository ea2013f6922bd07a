"""One look for every figure: ink and two hues that the colour-blind tell apart (Okabe and Ito), told apart in grey print too by line and marker."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")
T = TypeVar("T")

INK, GREY, PALE, PAPER = "#1f2933", "#6b7780", "#d5dade", "#ffffff"
BLUE, ORANGE, SKY, YELLOW, PURPLE = "#0b5f98", "#c45a00", "#7fb8dd", "#e8b23a", "#9a5b8a"
WIDTH = 8.2  # inches: the column of the article
STAMP_ROOM = 0.16  # inches
MANY_POINTS = 1500  # above which points are drawn as pixels, not as objects of the file
LOOK: Any = {"text.parse_math": False, "svg.fonttype": "none", "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"], "font.size": 8.5, "text.color": INK,
        "axes.edgecolor": GREY, "axes.labelcolor": INK, "axes.linewidth": 0.7, "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 9, "axes.titleweight": "bold",
        "axes.titlelocation": "left", "axes.labelsize": 8.5, "xtick.color": GREY, "ytick.color": GREY, "xtick.labelcolor": INK, "ytick.labelcolor": INK, "xtick.labelsize": 8,
        "ytick.labelsize": 8, "xtick.major.width": 0.7, "ytick.major.width": 0.7, "xtick.major.size": 3, "ytick.major.size": 3, "legend.frameon": False, "legend.fontsize": 8,
        "figure.facecolor": PAPER, "savefig.dpi": 160}


def styled(draw: Callable[P, T]) -> Callable[P, T]:
    """A drawing function in the look of the report, whatever the user's own matplotlib settings are."""
    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> T:
        from matplotlib import rc_context

        with rc_context(LOOK):
            return draw(*args, **kwargs)

    return drawn


def panels(n: int, *, across: int = 3, height: float = 2.6, width: float = WIDTH, **options: Any) -> tuple[Figure, list[Axes]]:
    """A figure of n panels, `across` in a row (fewer where there are fewer), each `height` inches; empty places stay empty."""
    from matplotlib.figure import Figure

    columns = min(across, max(n, 1))
    rows = -(-n // columns)
    figure = Figure(figsize=(width * (columns / across if n < across else 1), height * rows), layout="constrained")
    axes = np.atleast_1d(figure.subplots(rows, columns, squeeze=False, **options)).ravel().tolist()
    for spare in axes[n:]:
        spare.set_axis_off()
    return figure, axes[:n]


def plain(axes: Axes) -> None:
    """No frame and no ticks."""
    axes.set_axis_off()


@styled
def svg(figure: Figure, name: str, *, alt: str, stamp: str = "") -> str:
    """The figure as one SVG element: identifiers of its own, no metadata, as wide as its place allows; `stamp` is burnt in below."""
    if stamp:
        _stamped(figure, stamp)
    out = io.StringIO()
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": name}):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _own(out.getvalue(), name, alt)


def _stamped(figure: Figure, stamp: str) -> None:
    """Words in the lower right corner, for which a figure that lays itself out makes room."""
    room = STAMP_ROOM / figure.get_size_inches()[1]
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(rect=(0, room, 1, 1 - room))  # type: ignore[call-arg]
    figure.text(0.995, 0.15 * room, stamp, ha="right", va="bottom", fontsize=7, color=ORANGE, gid="stamp")


@styled
def png(figure: Figure, *, dpi: int = 200) -> bytes:
    """The figure as a PNG, for documents that hold no SVG."""
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=dpi, metadata={"Software": None})
    return out.getvalue()


def _own(text: str, name: str, alt: str) -> str:
    """Every id of the figure begins with its name, so that many figures stand in one page."""
    from html import escape

    body = text[text.index("<svg"):]
    body = re.sub(r"\s*<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r'(xlink:href="|url\()#([^")]+)', rf"\1#{name}-\2", body)
    width = re.search(r'<svg[^>]*?\bwidth="([\d.]+)pt"', body)
    size = f' style="max-width:{float(width[1]) * 1.48:.0f}px"' if width else ""
    head = f'<svg role="img" aria-label="{escape(alt, quote=True)}"{size}'
    return re.sub(r'(<svg[^>]*?) height="[\d.]+pt"', r"\1", re.sub(r'(<svg[^>]*?) width="[\d.]+pt"', r"\1", body.replace("<svg", head, 1), count=1), count=1).strip() + "\n"
