"""A note with its words marked by what they do to an answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from osteon.report.figures.style import BLUE, INK, ORANGE, WIDTH, plain, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIZE = 8.0  # points
ROW, EDGE = 0.19, 0.08  # inches
ROWS = 26  # of a longer note the rest is left out
FAINT = 0.08  # share of the strongest effect below which a word is not marked


@dataclass(frozen=True)
class Piece:
    """What stands between two spaces of a note: its text, its first place in the note, its row, and its left edge and width in inches."""

    text: str
    begin: int
    row: int
    left: float
    width: float


@styled
def note(text: str, words: Sequence[tuple[str, int, int]], effects: Sequence[float]) -> Figure:
    """The text, each piece at a place of its own, whatever face a page shows it in; behind a word a mark, orange and underlined where it speaks for the finding, blue where against it, the stronger the darker."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    pieces = list(laid(text))
    rows, most = min(ROWS, 1 + max((p.row for p in pieces), default=0)), max((abs(e) for e in effects), default=0.0) or 1.0
    cut = any(p.row >= ROWS for p in pieces)
    height = ROW * (rows + cut) + 2 * EDGE
    figure = Figure(figsize=(WIDTH, height))
    at = figure.add_axes((0, 0, 1, 1))
    plain(at)
    at.set(xlim=(0, WIDTH), ylim=(height, 0))
    strong = [(first, last, effect) for (_, first, last), effect in zip(words, effects, strict=True) if abs(effect) > FAINT * most]
    for piece in (p for p in pieces if p.row < ROWS):
        top, end, letter = EDGE + piece.row * ROW, piece.begin + len(piece.text), piece.width / len(piece.text)
        for first, last, effect in ((f, l_, e) for f, l_, e in strong if piece.begin <= f and l_ <= end):
            left, wide, colour = piece.left + (first - piece.begin) * letter, (last - first) * letter, ORANGE if effect > 0 else BLUE
            at.add_patch(Rectangle((left - 0.01, top), wide + 0.02, ROW, facecolor=colour, alpha=0.6 * abs(effect) / most, linewidth=0))
            if effect > 0:
                at.plot((left, left + wide), (top + 0.96 * ROW,) * 2, color=colour, linewidth=0.9)
        at.text(piece.left, top + ROW / 2, piece.text, fontsize=SIZE, va="center_baseline", color=INK)
    if cut:
        at.text(EDGE, EDGE + (rows + 0.5) * ROW, "…", fontsize=SIZE, va="center", color=INK)
    return figure


def laid(text: str) -> Iterator[Piece]:
    """Every piece of a text with its place: lines as they stand, wrapped where they are too long."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    face, row, start = FontProperties(family="DejaVu Sans", size=SIZE), 0, 0
    space = 0.32 * SIZE / 72
    for line in text.split("\n"):
        left = EDGE
        for found in re.finditer(r"\S+", line):
            width = float(TextPath((0, 0), found[0], prop=face, usetex=False).get_extents().x1) / 72
            if left > EDGE and left + width > WIDTH - EDGE:
                row, left = row + 1, EDGE
            yield Piece(found[0], start + found.start(), row, left, width)
            left += width + space
        row, start = row + 1, start + len(line) + 1
