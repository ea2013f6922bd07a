"""Where a piece of a film lies, how it is sampled, and how an answer is put back: half a pixel is never lost.

Edges are counted from the outer edge of the first pixel, so that pixel i spans i to i + 1; centres (first pixel at 0) are edges
minus one half. PIL's `resize(box=...)` and this module agree on that, which keeps landmarks exact below a millimetre.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from osteon.value import Grid, Mask

LONGEST = 1536  # pixels of the longer side of an answered mask


@dataclass(frozen=True)
class Window:
    """A rectangle of a film from the edges `row`, `col` (film pixels), seen as an image of `shape` (rows, cols)."""

    row: float
    col: float
    height: float = field(kw_only=True)
    width: float = field(kw_only=True)
    shape: tuple[int, int] = field(kw_only=True)

    @property
    def scale(self) -> np.ndarray:
        """Film pixels in one pixel of the window (row, col)."""
        return np.array([self.height / self.shape[0], self.width / self.shape[1]])

    def reshaped(self, shape: tuple[int, int]) -> Window:
        """The window with the same centre and pixel size, and more or fewer pixels around it."""
        height, width = self.scale * shape
        row, col = self.row + (self.height - height) / 2, self.col + (self.width - width) / 2
        return Window(row, col, height=height, width=width, shape=shape)

    def on(self, film: Sequence[int], other: Sequence[int]) -> Window:
        """The same place on another grid that covers the same film (a mask of other resolution)."""
        down, right = other[0] / film[0], other[1] / film[1]
        return replace(self, row=self.row * down, col=self.col * right, height=self.height * down, width=self.width * right)

    def into(self, boxes: np.ndarray) -> np.ndarray:
        """Boxes (n, 4) of the film, in pixel centres, as edges in the window."""
        return (np.asarray(boxes, float) + 0.5 - np.tile([self.row, self.col], 2)) / np.tile(self.scale, 2)

    def back(self, boxes: np.ndarray) -> np.ndarray:
        """Boxes (n, 4) given as edges in the window, in pixel centres of the film."""
        return np.asarray(boxes, float) * np.tile(self.scale, 2) + np.tile([self.row, self.col], 2) - 0.5


def whole(film: Sequence[int], shape: tuple[int, int]) -> Window:
    """The smallest window of `shape`'s proportions that holds the whole film, in its middle."""
    scale = max(film[0] / shape[0], film[1] / shape[1])
    height, width = shape[0] * scale, shape[1] * scale
    return Window((film[0] - height) / 2, (film[1] - width) / 2, height=height, width=width, shape=shape)


def around(box: np.ndarray, *, margin: float, shape: tuple[int, int]) -> Window:
    """A square about a box (row0, col0, row1, col1 in pixel centres), its longer side enlarged by the share `margin`."""
    middle = (np.asarray(box[:2]) + np.asarray(box[2:])) / 2 + 0.5
    side = max(float(max(box[2] - box[0], box[3] - box[1])) * (1 + margin), 4.0)
    return Window(middle[0] - side / 2, middle[1] - side / 2, height=side, width=side, shape=shape)


def cut(layer: np.ndarray, window: Window) -> np.ndarray:
    """A window of one layer (rows, cols; uint8 or bool, which becomes 0 and 255), anti-aliased; zero beyond the film."""
    from PIL import Image

    reach = np.ceil(window.scale).astype(int) + 1  # the resampling filter sees that far over the edge
    top, left = math.floor(window.row) - reach[0], math.floor(window.col) - reach[1]
    bottom, right = math.ceil(window.row + window.height) + reach[0], math.ceil(window.col + window.width) + reach[1]
    piece = layer[max(top, 0):max(bottom, 0), max(left, 0):max(right, 0)]
    piece = piece.astype(np.uint8) * 255 if piece.dtype == bool else piece
    around_it = ((max(-top, 0), max(bottom - layer.shape[0], 0)), (max(-left, 0), max(right - layer.shape[1], 0)))
    if not piece.size:
        return np.zeros(window.shape, np.uint8)
    piece = np.pad(piece, around_it) if any(map(any, around_it)) else np.ascontiguousarray(piece)
    box = (window.col - left, window.row - top, window.col - left + window.width, window.row - top + window.height)
    return np.asarray(Image.fromarray(piece).resize(window.shape[::-1], Image.Resampling.BILINEAR, box=box, reducing_gap=3.0))


def reduced(grid: Grid, longest: int = LONGEST) -> tuple[Grid, int]:
    """The grid with every `factor` pixels joined to one so that its longer side is at most `longest`, and the factor."""
    factor = math.ceil(max(grid.shape) / longest)
    shape = tuple(math.ceil(n / factor) for n in grid.shape)
    spacing = tuple(s * factor for s in grid.spacing) if grid.spacing else None
    origin = grid.origin
    if origin is not None and grid.spacing and len(origin) == len(grid.spacing) and grid.direction is None:
        origin = tuple(o + s * (factor - 1) / 2 for o, s in zip(origin, grid.spacing, strict=True))
    return replace(grid, shape=shape, spacing=spacing, origin=origin), factor


def pasted(logits: Sequence[np.ndarray], windows: Sequence[Window], names: tuple[str, ...], *, grid: Grid) -> Mask:
    """The union over windows of logits (structures, h, w) above 0, on the film's reduced grid; resampled before the threshold."""
    answer, factor = reduced(grid)
    out = np.zeros((len(names), *answer.shape), bool)
    for values, window in zip(logits, windows, strict=True):
        rows, at_rows = _inside(window.row, window.height, window.shape[0], answer.shape[0], factor)
        cols, at_cols = _inside(window.col, window.width, window.shape[1], answer.shape[1], factor)
        out[:, rows, cols] |= _between(_between(values, at_rows, axis=1), at_cols, axis=2) > 0
    return Mask(out, names, answer)


def _inside(start: float, length: float, pixels: int, size: int, factor: int) -> tuple[slice, np.ndarray]:
    """The answer's pixels along one axis whose centres lie in the window, and where they lie in it (in pixel centres)."""
    first = max(math.ceil(start / factor - 0.5), 0)
    last = min(math.ceil((start + length) / factor - 0.5), size)
    centres = (np.arange(first, max(last, first)) + 0.5) * factor
    return slice(first, max(last, first)), (centres - start) * pixels / length - 0.5


def _between(values: np.ndarray, positions: np.ndarray, *, axis: int) -> np.ndarray:
    """Linear interpolation along an axis at positions in pixel centres, constant beyond the outer centres."""
    last = values.shape[axis] - 1
    positions = np.clip(positions, 0, last)
    low = np.minimum(positions.astype(int), max(last - 1, 0))
    share = (positions - low).astype(values.dtype).reshape([-1 if k == axis else 1 for k in range(values.ndim)])
    return np.take(values, low, axis) * (1 - share) + np.take(values, np.minimum(low + 1, last), axis) * share
