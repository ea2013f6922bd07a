"""What a network sees of a volume of a few slices: a flat network each slice by itself, one of blocks all of them together as channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from osteon.errors import DataError, message
from osteon.models.arrays import Sizes
from osteon.models.protocol import missing_input
from osteon.models.views import eight_bit, frame
from osteon.models.windows import Window, cut, whole
from osteon.value import Grid, Picture, Withheld


@dataclass(frozen=True)
class StackView:
    """The volume by name, how many slices it has, rows and columns that enter the network, and whether each slice is a window of its own (`apart`) or the block is one."""

    volume: str
    slices: int
    shape: tuple[int, int] = field(kw_only=True)
    apart: bool = field(kw_only=True)

    @property
    def reads(self) -> tuple[str, ...]:
        """The volume."""
        return (self.volume,)

    @property
    def boxes(self) -> None:
        """None: slices are seen whole."""
        return None

    @property
    def channels(self) -> int:
        """One a slice of the block."""
        return 1 if self.apart else self.slices

    @property
    def stored(self) -> tuple[int, int]:
        """Rows and columns of a stored piece."""
        return self.shape

    @property
    def dtype(self) -> str:
        """Of a stored piece."""
        return "uint8"

    @property
    def told(self) -> int:
        """Nothing stands beside it."""
        return 0

    def count(self, inputs: Mapping[str, Any]) -> int:
        """How many windows a case will have, without reading its file."""
        return 0 if self.volume not in inputs else self.slices if self.apart else 1

    def see(self, inputs: Mapping[str, Any]) -> SeenStack | Withheld:
        """The slices as bytes of one scale; withheld where the volume is absent, can not be read, or has another number of slices."""
        reason = missing_input(inputs, self.reads)
        if reason:
            return Withheld(reason)
        try:
            volume = sliced(inputs[self.volume])
        except DataError as fault:
            return Withheld(str(fault))
        if len(volume.array) != self.slices:
            return Withheld(f"{len(volume.array)} slices in {self.volume}, {self.slices} expected")
        rows, cols = volume.grid.shape[1:]
        side_by_side = Picture(volume.array.reshape(-1, cols), Grid((self.slices * rows, cols)))
        return SeenStack(eight_bit(side_by_side).reshape(volume.array.shape), volume.grid, [whole((rows, cols), self.shape)] * (self.slices if self.apart else 1))


@dataclass(frozen=True, eq=False)
class SeenStack:
    """Slices (n, rows, cols) of uint8, their grid, and a window for each slice or for the block."""

    film: np.ndarray
    grid: Grid
    windows: list[Window]

    def pieces(self, shape: tuple[int, int]) -> np.ndarray:
        """The windows, widened to `shape`: (slices, 1, rows, cols), or (1, slices, rows, cols) of a block; uint8."""
        seen = np.stack([cut(layer, self.windows[0].reshaped(shape)) for layer in self.film])
        return seen[:, None] if len(self.windows) > 1 else seen[None]


def sliced(found: Any) -> Picture:
    """A grey volume of slices; raises DataError for anything else."""
    if not isinstance(found, Picture) or len(found.grid.shape) != 3 or found.array.ndim != 3:
        raise DataError(message("Net", "this input is no volume of slices", expected="(slices, rows, cols)", found=f"Found {found.array.shape if isinstance(found, Picture) else type(found).__name__}"))
    return found


def stacked(found: Sizes, name: str, *, longest: int, apart: bool) -> StackView | None:
    """The view that suits volumes of these sizes: most have its number of slices; None where they are no volumes, or none could be read."""
    sizes = found.shapes
    if not sizes or any(len(shape) != 3 for shape in sizes):
        return None
    slices = max({s[0] for s in sizes}, key=lambda n: (sum(s[0] == n for s in sizes), n))
    return StackView(name, slices, shape=frame([s[1] / s[2] for s in sizes], longest), apart=apart)
