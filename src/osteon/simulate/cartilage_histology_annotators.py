"""Two annotators and five observers of one section: who misses which cell, where a border is drawn, what is taken for a cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from osteon.simulate.cartilage_histology_cells import Cell


@dataclass(frozen=True)
class Hand:
    """How one annotates: the paleness (0-1) at which half of the cells are missed, pixels that a border stands off, the share of empty lacunae taken for cells and of touching cells drawn as one."""

    misses: float
    border: float
    empties: float
    merges: float


ANNOTATORS: Mapping[str, Hand] = MappingProxyType({"annotator 1": Hand(0.50, 0.3, 0.02, 0.05), "annotator 2": Hand(0.66, -0.6, 0.25, 0.45)})
OBSERVERS: Mapping[str, float] = MappingProxyType({f"observer {k} (simulated)": share for k, share in enumerate((0.98, 1.04, 1.10, 1.02, 0.93), 1)})  # counts for each cell there is


def outlined(instances: np.ndarray, cells: Sequence[Cell], step: float, hand: Hand, rng: np.random.Generator) -> np.ndarray:
    """The cells that a hand outlines, numbered (rows, cols) uint16."""
    from scipy.ndimage import binary_dilation, binary_erosion, find_objects

    out = np.zeros(instances.shape, np.uint16)
    cut = _cuts(instances, cells, step)
    grown = round(abs(hand.border) / 0.6)
    number = 0
    for k, where in enumerate(find_objects(instances.astype(np.int32)), 1):
        seen = rng.random() < 1 / (1 + np.exp(-(cut.get(k, 0.7) - hand.misses) / 0.07))
        joined = rng.random() < hand.merges
        if where is None or not seen:
            continue
        box = tuple(slice(max(s.start - 2, 0), s.stop + 2) for s in where)
        mask = instances[box] == k
        if grown and mask.sum() > 24:
            mask = binary_dilation(mask, iterations=grown) if hand.border > 0 else binary_erosion(mask, iterations=grown)
        touching = np.unique(out[box][binary_dilation(mask)])
        number += 1
        out[box][mask] = int(touching[-1]) if joined and touching[-1] else number
    for cell in cells:
        if not cell.alive and rng.random() < hand.empties and cell.cut > 0.5:
            number = _lacuna(out, cell, step, number)
    _, renumbered = np.unique(out, return_inverse=True)
    return np.asarray(renumbered.reshape(out.shape), np.uint16)


def _cuts(instances: np.ndarray, cells: Sequence[Cell], step: float) -> dict[int, float]:
    """How near its middle each numbered cell was cut."""
    found: dict[int, float] = {}
    for cell in cells:
        r, c = round(cell.z / step), round(cell.x / step)
        if cell.alive and 0 <= r < instances.shape[0] and 0 <= c < instances.shape[1] and instances[r, c]:
            found.setdefault(int(instances[r, c]), cell.cut)
    return found


def _lacuna(out: np.ndarray, cell: Cell, step: float, number: int) -> int:
    """Outline an empty lacuna as if it were a cell."""
    reach = int(max(cell.axes) / step) + 1
    r, c = round(cell.z / step), round(cell.x / step)
    if not (reach < r < out.shape[0] - reach and reach < c < out.shape[1] - reach):
        return number
    z, x = np.mgrid[-reach: reach + 1, -reach: reach + 1] * step
    a, b = x * np.cos(cell.turn) + z * np.sin(cell.turn), z * np.cos(cell.turn) - x * np.sin(cell.turn)
    out[r - reach: r + reach + 1, c - reach: c + reach + 1][(a / cell.axes[0]) ** 2 + (b / cell.axes[1]) ** 2 < 1] = number + 1
    return number + 1


def counted(count: int, share: float, rng: np.random.Generator) -> int:
    """What an observer counts: a share that is his own, and the slips of a day."""
    return max(0, round(count * share * float(np.exp(0.05 * rng.normal()))))
