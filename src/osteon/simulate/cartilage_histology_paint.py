"""A section of cartilage in colour: stains as optical density (Beer and Lambert), the matrix by zone, cells in their lacunae, tidemark, bone and marrow, what the knife and the scanner do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from osteon.simulate.cartilage_histology_cells import BORDERS, Bed, Cell

STAINS: Mapping[str, tuple[tuple[float, float, float], ...]] = MappingProxyType({  # optical density in red, green and blue: of proteoglycan and matrix, of collagen and bone, of nuclei
    "safranin O": ((0.10, 0.80, 0.50), (0.72, 0.22, 0.26), (0.72, 0.66, 0.36)),
    "H&E": ((0.22, 0.50, 0.12), (0.08, 0.78, 0.24), (0.74, 0.66, 0.30))})
TISSUES = ("superficial", "middle", "deep", "calcified", "bone", "marrow")


@dataclass(frozen=True, eq=False)
class Painted:
    """Optical density of the three stains (3, rows, cols), tissue (1 + place in TISSUES; 0 is the slide) and number of the living cell (from 1) of every pixel."""

    density: np.ndarray
    tissue: np.ndarray
    instances: np.ndarray


def painted(bed: Bed, cells: Sequence[Cell], clefts: Sequence[np.ndarray], shape: tuple[int, int], rng: np.random.Generator) -> Painted:
    """Matrix, clefts, bone, then each cell in its turn."""
    z = np.arange(shape[0], dtype=np.float32)[:, None] * np.float32(bed.step)
    top, tide, cement = (np.asarray(line, np.float32)[None] for line in (bed.surface, bed.tidemark, bed.cement))
    share = (z - top) / (tide - top)
    waves = _waves(shape, rng, bed.step)
    tissue = np.select([z < top, share < BORDERS[0], share < BORDERS[1], share < 1, z < cement], [0, 1, 2, 3, 4], 5).astype(np.uint8)
    density = _matrix(bed, share, tissue, z, tide, waves)
    _bone(bed, density, tissue, z, cement, waves, rng)
    for line in clefts:
        _cleave(density, tissue, line, bed.step)
    instances = np.zeros(shape, np.uint16)
    for cell in cells:
        _put(density, instances, tissue, cell, bed.step, rng)
    return Painted(density, tissue, _renumbered(instances))


def _waves(shape: tuple[int, int], rng: np.random.Generator, step: float) -> dict[str, np.ndarray]:
    """Random fields: broad patches, fibres that stand upright, fibres that lie, fine grain."""
    from scipy.ndimage import gaussian_filter, zoom

    out = {}
    for name, (tall, wide) in {"broad": (45.0, 60.0), "upright": (30.0, 2.2), "lying": (2.0, 30.0), "grain": (1.4, 1.4)}.items():
        coarse = 4 if min(tall, wide) > 8 else 1
        size = tuple(-(-n // coarse) + 2 for n in shape)
        field = gaussian_filter(rng.standard_normal(size, np.float32), (tall / step / coarse, wide / step / coarse), mode="wrap")
        field = zoom(field, coarse, order=1)[: shape[0], : shape[1]] if coarse > 1 else field[: shape[0], : shape[1]]
        out[name] = field / field.std()
    return out


def _matrix(bed: Bed, share: np.ndarray, tissue: np.ndarray, z: np.ndarray, tide: np.ndarray, waves: Mapping[str, np.ndarray]) -> np.ndarray:
    """Proteoglycan rises with depth and is lost from the surface in disease; collagen shows where it is little; the tidemark is a fine dark line."""
    lost = 0.75 * bed.severity
    content = np.interp(share, [0, 0.06, 0.2, 0.5, 1.0, 1.3], [0.10, 0.25, 0.62, 0.85, 0.95, 0.62]).astype(np.float32)
    content *= 1 - np.float32(lost) * np.exp(-((np.clip(share, 0, 3) / np.float32(0.25 + 0.55 * bed.severity)) ** 2))
    flat, tall = (np.clip((at - share) / 0.12 + 0.5, 0, 1) for at in (BORDERS[0], 0.52))
    fibres = flat * waves["lying"] + (1 - tall) * waves["upright"] + 0.4 * (tall - flat) * waves["grain"]
    content *= np.exp(0.10 * waves["broad"] + 0.055 * fibres + 0.03 * waves["grain"])
    collagen = np.clip(0.55 - 0.62 * content, 0.03, 1) * np.exp(0.10 * fibres)
    calcified = tissue == 4
    content[calcified] *= 0.66
    collagen[calcified] = 0.16
    line = np.exp(-(((z - tide) / np.float32(2.2)) ** 2)) + 0.45 * np.exp(-(((z - tide - 7.5) / np.float32(1.8)) ** 2))
    nuclear = np.float32(0.34) * line * np.exp(0.2 * waves["upright"])
    out = np.stack([content, collagen, nuclear.astype(np.float32)]).astype(np.float32)
    out[:, tissue == 0] = 0
    return out


def _bone(bed: Bed, density: np.ndarray, tissue: np.ndarray, z: np.ndarray, cement: np.ndarray, waves: Mapping[str, np.ndarray], rng: np.random.Generator) -> None:
    """Lamellar bone with osteocytes below the cement line, marrow with fat cells in its spaces."""
    bone = tissue == 5
    depth = z - cement
    space = bone & (waves["broad"] + 0.25 * waves["grain"] * 0.2 > 0.55) & (depth > 26)
    tissue[space] = 6
    lamella = np.sin(depth / np.float32(2.6) + 3 * waves["broad"])
    for layer, level in enumerate((0.10, 0.62, 0.0)):
        density[layer][bone] = (level * (1 + 0.07 * lamella + 0.04 * waves["grain"]))[bone]
    density[2][bone & (depth < 3)] += 0.22
    density[:, space] = 0.02
    rows, cols = np.nonzero(bone & ~space & (depth > 6))
    if len(rows):
        for k in rng.integers(0, len(rows), int(len(rows) * bed.step**2 * 1e-6 * 420)):
            _blob(density, (rows[k], cols[k]), (4.4 / bed.step, 1.9 / bed.step), float(rng.normal(0, 0.3)), (-1.0, -0.35, 0.55), tissue, 5)
    rows, cols = np.nonzero(space)
    if len(rows):
        for k in rng.integers(0, len(rows), int(len(rows) * bed.step**2 * 1e-6 * 1500)):
            _blob(density, (rows[k], cols[k]), (3.2 / bed.step,) * 2, 0.0, (0.10, 0.12, float(rng.uniform(0.4, 0.9))), tissue, 6)


def _blob(density: np.ndarray, at: tuple[int, int], axes: tuple[float, float], turn: float, change: tuple[float, float, float], tissue: np.ndarray, only: int) -> None:
    """Add density within a small ellipse, in one tissue."""
    reach = int(np.ceil(max(axes))) + 1
    rows, cols = slice(max(at[0] - reach, 0), at[0] + reach + 1), slice(max(at[1] - reach, 0), at[1] + reach + 1)
    r, c = np.ogrid[rows.start - at[0]: rows.start - at[0] + density[0, rows].shape[0], cols.start - at[1]: cols.start - at[1] + density[0, rows, cols].shape[1]]
    a, b = c * np.cos(turn) + r * np.sin(turn), r * np.cos(turn) - c * np.sin(turn)
    share = np.clip((1 - np.sqrt((a / axes[0]) ** 2 + (b / axes[1]) ** 2)) * min(axes) + 0.5, 0, 1) * (tissue[rows, cols] == only)
    for layer, by in enumerate(change):
        here = density[layer, rows, cols]
        here += share * (max(by, 0.0) if by >= 0 else by * here)


def _cleave(density: np.ndarray, tissue: np.ndarray, line: np.ndarray, step: float) -> None:
    """A cleft along a line (k, 3: x, z, half width): the slide shows through it, frayed matrix at its sides."""
    for (x0, z0, w0), (x1, z1, w1) in zip(line, line[1:], strict=False):
        low, high = min(z0, z1) - 2, max(z0, z1) + 2
        rows = slice(max(int(low / step), 0), min(int(high / step) + 1, len(tissue)))
        side = max(w0, w1) + 4
        cols = slice(max(int((min(x0, x1) - side) / step), 0), min(int((max(x0, x1) + side) / step) + 1, tissue.shape[1]))
        z, x = np.arange(rows.start, rows.stop)[:, None] * step, np.arange(cols.start, cols.stop)[None] * step
        t = np.clip((z - z0) / (z1 - z0), 0, 1)
        away = np.abs(x - x0 - t * (x1 - x0)) - (w0 + t * (w1 - w0))
        share = np.clip(0.5 - away / step, 0, 1).astype(np.float32)
        density[:, rows, cols] *= 1 - share
        tissue[rows, cols][(away < 0) & (z >= min(z0, z1))] = 0


def _put(density: np.ndarray, instances: np.ndarray, tissue: np.ndarray, cell: Cell, step: float, rng: np.random.Generator) -> None:
    """A lacuna with its dark rim of matrix; in it the shrunken cell and its nucleus, or nothing."""
    n = rng.normal(0, 1, 5)
    reach = (max(cell.axes) + 7) / step
    row, col = cell.z / step, cell.x / step
    rows, cols = slice(max(int(row - reach), 0), int(row + reach) + 2), slice(max(int(col - reach), 0), int(col + reach) + 2)
    here = density[:, rows, cols]
    if here.size == 0 or row >= density.shape[1] or col >= density.shape[2]:
        return
    r, c = (np.arange(rows.start, rows.start + here.shape[1])[:, None] - row) * step, (np.arange(cols.start, cols.start + here.shape[2])[None] - col) * step
    a, b = c * np.cos(cell.turn) + r * np.sin(cell.turn), r * np.cos(cell.turn) - c * np.sin(cell.turn)
    angle = np.arctan2(b / cell.axes[1], a / cell.axes[0])
    w = cell.wave
    wall = 1 + w[0] * np.cos(2 * angle) + w[1] * np.sin(3 * angle) + 0.6 * w[2] * np.cos(4 * angle + 1) + 0.5 * w[3] * np.sin(5 * angle)
    away = (np.sqrt((a / cell.axes[0]) ** 2 + (b / cell.axes[1]) ** 2) / wall - 1) * min(cell.axes)
    on = tissue[rows, cols] > 0
    here[0] += np.float32(0.22 * cell.cut) * here[0] * np.exp(-(np.maximum(away, 0) / np.float32(3.4)) ** 2) * (away > 0) * on
    lacuna = np.clip(0.5 - away / step, 0, 1) * on
    here *= 1 - np.float32(0.45 + 0.45 * cell.cut) * lacuna
    if not cell.alive:
        return
    shrunk = 1 - float(np.clip(0.16 + 0.10 * n[0], 0.0, 0.42))
    body = np.clip(0.5 - (away + (1 - shrunk) * min(cell.axes)) / step, 0, 1) * on
    for layer, level in enumerate((0.24, 0.20, 0.24 * np.exp(0.3 * n[1]))):
        here[layer] += np.float32(level * (0.4 + 0.6 * cell.cut)) * body
    core = (0.52 * shrunk, 0.50 * shrunk)
    off = 0.18 * min(cell.axes) * n[2:4]
    nucleus = np.clip((1 - np.sqrt(((a - off[0]) / (core[0] * cell.axes[0])) ** 2 + ((b - off[1]) / (max(core[1] * cell.axes[1], 1.3))) ** 2)) * core[1] * min(cell.axes) / step + 0.5, 0, 1) * on
    here[2] += np.float32(0.85 * np.exp(0.25 * n[4]) * cell.cut**1.5) * nucleus
    inside = (away < 0) & on
    instances[rows, cols][inside] = 1 + int(instances.max()) if inside.any() else 0


def _renumbered(instances: np.ndarray) -> np.ndarray:
    """Cells numbered from 1 without a gap: what a later one covers may be gone."""
    _, out = np.unique(instances, return_inverse=True)
    return out.reshape(instances.shape).astype(np.uint16)


def coloured(density: np.ndarray, stain: str, rng: np.random.Generator, *, jitter: float, strength: float) -> np.ndarray:
    """Transmitted light (rows, cols, 3) from 0 to 1: the vectors of a stain, changed by `jitter`, at a strength."""
    vectors = np.array(STAINS[stain]) * np.exp(jitter * rng.normal(0, 1, (3, 3)))
    amounts = strength * np.exp(0.8 * jitter * rng.normal(0, 1, 3))
    return np.asarray(np.exp(-np.float32(1.55) * np.einsum("srk,sc->rkc", density * amounts[:, None, None].astype(np.float32), vectors.astype(np.float32))), np.float32)
