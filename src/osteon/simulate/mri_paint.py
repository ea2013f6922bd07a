"""Anatomy painted in one plane: layers, textures, water and fat, label maps.

A picture is painted layer over layer; each layer says how much of every point it fills, so that edges keep their partial volume.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numba import njit

from osteon.simulate.mri import PALETTE, Tissue, Weighting, signal


@dataclass(frozen=True, eq=False)
class Layer:
    """How much (0-1, float32) of each point of a window (rows, cols) a structure fills, its name and its tissue."""

    name: str
    tissue: str
    window: tuple[slice, slice]
    cover: np.ndarray


@dataclass(frozen=True, eq=False)
class Textures:
    """Random fields by name, each (side, side) of mean 0 and deviation 1, that repeat without a seam; `roll` moves them for the next slice."""

    fields: Mapping[str, np.ndarray]
    roll: tuple[int, int] = (0, 0)


GRAIN_MM: Mapping[str, tuple[float, float]] = MappingProxyType(  # correlation along rows (head to foot) and along columns
    {"trabeculae": (0.42, 0.36), "fibres": (9.0, 0.5), "septa": (7.0, 1.8), "strands": (2.6, 1.4), "grain": (0.5, 0.5)})


def textures(pixel: float, rng: np.random.Generator, side: int = 256) -> Textures:
    """Textures for points `pixel` mm apart: trabeculae, muscle fibres, fat with thin dark septa."""
    from scipy.ndimage import gaussian_filter

    out = {}
    for name, (tall, wide) in GRAIN_MM.items():
        field = gaussian_filter(rng.standard_normal((side, side), np.float32), (tall / pixel, wide / pixel), mode="wrap")
        field /= field.std()
        if name in ("septa", "strands"):  # thin sheets that come and go
            there = gaussian_filter(rng.standard_normal((side, side), np.float32), 1.5 * tall / pixel, mode="wrap")
            field = 0.2 - 3.0 * np.exp(-((field / 0.07) ** 2)) * np.clip(0.4 + there / there.std(), 0, 1)
        out[name] = field.astype(np.float32)
    return Textures(MappingProxyType(out))


def paint(layers: Iterable[Layer], shape: tuple[int, int], weighting: Weighting, grain: Textures, palette: Mapping[str, Tissue] = PALETTE) -> np.ndarray:
    """Water and fat (2, rows, cols) float32 of layers painted in order."""
    out, plain = np.zeros((2, *shape), np.float32), np.zeros((1, 1), np.float32)
    for layer in layers:
        tissue = palette[layer.tissue]
        name, strength = tissue.texture
        rows, cols = layer.window
        levels = np.array(signal(tissue, weighting), np.float32)
        _lay(out[:, rows, cols], layer.cover, levels, grain.fields[name] if strength else plain, (rows.start + grain.roll[0], cols.start + grain.roll[1]), np.float32(strength))
    return out


@njit(cache=True, fastmath=True)
def _lay(out: np.ndarray, cover: np.ndarray, levels: np.ndarray, tile: np.ndarray, corner: tuple[int, int], strength: Any) -> None:
    """Mix one layer into water and fat, its level varied by a texture."""
    for r in range(cover.shape[0]):
        line = tile[(corner[0] + r) % tile.shape[0]]
        for c in range(cover.shape[1]):
            share = cover[r, c]
            if share > 0:
                varied = max(np.float32(1) + strength * line[(corner[1] + c) % tile.shape[1]], np.float32(0))
                for k in range(2):
                    out[k, r, c] += share * (levels[k] * varied - out[k, r, c])


def labelled(layers: Iterable[Layer], shape: tuple[int, int], names: Sequence[str]) -> np.ndarray:
    """A label map (rows, cols) uint8: 1 + the place in `names` of the topmost layer that fills half a point or more, 0 where it is none of them."""
    place = {name: k + 1 for k, name in enumerate(names)}
    out = np.zeros(shape, np.uint8)
    for layer in layers:
        here = out[layer.window]
        here[layer.cover >= 0.5] = place.get(layer.name, 0)
    return out
