"""What is kept of a picture to compare it with others: a hash of its pixels, a perceptual hash, a thumbnail, what its margin looks like, and its grey levels.

Zauner C. Implementation and benchmarking of perceptual image hash functions, 2010 (the hash of low cosine frequencies).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from osteon.case import Case
from osteon.cohort import Cohort
from osteon.errors import DataError
from osteon.value import Picture

SIDE, TILES = 96, 8  # pixels of a thumbnail, tiles of the margin along a side
HASHED = 32  # pixels of the picture that the perceptual hash is taken of
SAMPLED, BANDS, BAND = 256, 8, 12  # pixels along a side, bands and rows of each, from which global statistics are taken
STATISTICS = ("mean grey", "grey SD", "1st percentile", "median grey", "99th percentile", "noise", "sharpness", "rows", "columns")


@dataclass(frozen=True, eq=False)
class Prints:
    """Of n pictures: SHA-256 (empty where there is none or it is flat), perceptual hash (n, 2: as it is, mirrored), fine detail (n, 96 x 96), margin (n, tiles, 3), global statistics of the whole (n, 9) and of its border."""

    exact: np.ndarray
    perceptual: np.ndarray = field(kw_only=True)
    detail: np.ndarray = field(kw_only=True)
    margin: np.ndarray = field(kw_only=True)
    statistics: np.ndarray = field(kw_only=True)
    border: np.ndarray = field(kw_only=True)

    @property
    def known(self) -> np.ndarray:
        """Which pictures could be read and are not flat (n,)."""
        return self.exact != ""


def prints_of(cohort: Cohort, name: str) -> Prints:
    """The prints of the pictures of one input, opened one after the other."""
    found = [fingerprint(_pixels(case, name)) for case in cohort]
    exact, perceptual, detail, margin, whole, edge = zip(*found, strict=True)
    known = np.array([e != "" for e in exact])
    return Prints(np.array(exact, dtype=object), perceptual=np.array(perceptual, np.uint64), detail=own(np.array(detail, np.float32), known), margin=np.array(margin, np.float32),
                  statistics=np.array(whole, np.float64), border=np.array(edge, np.float64))


def own(detail: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Fine detail (n, pixels) of each picture without what all of one anatomy share, scaled to unit length; left as it is where fewer than 20 are known."""
    if known.sum() < 20:
        return detail
    rest = np.where(known[:, None], detail - detail[known].mean(0), 0)
    return rest / np.maximum(np.linalg.norm(rest, axis=1, keepdims=True), 1e-9)


def _pixels(case: Case, name: str) -> np.ndarray | None:
    try:
        picture = case.inputs.get(name)
    except (DataError, OSError):
        return None
    return picture.array if isinstance(picture, Picture) else None


def fingerprint(pixels: np.ndarray | None) -> tuple[str, tuple[int, int], np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """SHA-256, perceptual hash of the picture and of its mirror image, fine detail, margin, statistics of the whole and of its border; an empty hash where there is nothing to see."""
    plane = flat_plane(pixels) if pixels is not None else np.zeros((1, 1))
    low, middle, high = np.percentile(plane, (1, 50, 99))
    if pixels is None or not high > low:
        return "", (0, 0), np.zeros(SIDE * SIDE), np.zeros((MARGIN.sum(), 3)), np.full(len(STATISTICS), np.nan), np.full(len(STATISTICS), np.nan)
    small, tiny = (shrunk(plane, side) for side in (SIDE, HASHED))
    digest = hashlib.sha256(repr((pixels.shape, str(pixels.dtype))).encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()
    return digest, (perceptual_hash(tiny), perceptual_hash(tiny[:, ::-1])), fine(small).ravel(), margin((plane - middle) / (high - low)), statistics(plane), border(plane)


def statistics(plane: np.ndarray) -> np.ndarray:
    """Global statistics of a plane in its own grey levels, as STATISTICS names them: how it was taken and stored, and nothing of where anything lies.

    Of a large picture every few pixels for the grey levels, and evenly spaced bands at full resolution for noise and sharpness.
    """
    some = plane[tuple(slice(None, None, max(1, n // SAMPLED)) for n in plane.shape)]
    low, middle, high = np.percentile(some, (1, 50, 99))
    starts = np.unique(np.linspace(0, max(0, len(plane) - BAND), BANDS).astype(int))
    pieces = [plane[start:start + BAND] for start in starts]
    steps = float(np.mean([np.mean([np.abs(np.diff(p, axis=k)).mean() for k in (0, 1) if p.shape[k] > 1] or [0.0]) for p in pieces]))
    rest = [np.median(np.abs(p[1:-1, 1:-1] - (p[:-2, 1:-1] + p[2:, 1:-1] + p[1:-1, :-2] + p[1:-1, 2:]) / 4)) for p in pieces if min(p.shape) > 2]
    return np.array([some.mean(), some.std(), low, middle, high, float(np.mean(rest)) if rest else 0.0, steps, *plane.shape])


def border(plane: np.ndarray) -> np.ndarray:
    """The same statistics of the outer eighth alone, where a finding seldom lies and the exposure shows all the same; rows and columns are those of the whole."""
    rows, cols = (max(1, n // TILES) for n in plane.shape)
    sides = np.hstack([plane[:, :cols], plane[:, -cols:]]), np.vstack([plane[:rows], plane[-rows:]])
    return np.array([*np.mean([statistics(side) for side in sides], axis=0)[:-2], *plane.shape])


def flat_plane(pixels: np.ndarray) -> np.ndarray:
    """One plane (rows, cols) of a picture: the mean of its colours, the middle slice of a volume."""
    if pixels.ndim == 3:
        pixels = pixels.mean(-1) if pixels.shape[-1] in (3, 4) else pixels[len(pixels) // 2]
    return np.asarray(pixels, np.float64)


def shrunk(plane: np.ndarray, side: int) -> np.ndarray:
    """A square of means (side, side), whatever the shape of the picture."""
    for axis in (0, 1):
        size = plane.shape[axis]
        plane = plane if size >= side else np.repeat(plane, -(-side // size), axis=axis)
        edges = np.linspace(0, plane.shape[axis], side + 1).astype(int)
        counts = np.diff(edges).reshape((-1, 1) if axis == 0 else (1, -1))
        plane = np.add.reduceat(plane, edges[:-1], axis=axis) / counts
    return plane


def perceptual_hash(square: np.ndarray) -> int:
    """64 bits: whether each of the 8 x 8 lowest cosine coefficients is above their median; the mean of the picture has no say."""
    from scipy.fft import dctn

    low = dctn(square, norm="ortho")[:8, :8].ravel()
    low[0] = 0.0
    bits = low > np.median(low[1:])
    return int(np.packbits(bits).view(">u8")[0])


def fine(square: np.ndarray) -> np.ndarray:
    """Texture and edges a few pixels wide, each place scaled by the detail around it, so that one strong edge does not make two pictures alike."""
    from scipy.ndimage import gaussian_filter

    detail = gaussian_filter(square, 0.7) - gaussian_filter(square, 2.0)
    around = np.sqrt(gaussian_filter(detail**2, 4.0))
    detail = detail / (around + 0.1 * around.mean() + 1e-12)
    size = float(np.linalg.norm(detail))
    return detail / size if size > 0 else detail


MARGIN = np.pad(np.zeros((TILES - 2, TILES - 2), bool), 1, constant_values=True)  # tiles that touch an edge


def margin(plane: np.ndarray) -> np.ndarray:
    """Mean, maximum and steepest step of each tile that touches an edge (tiles, 3)."""
    rows, cols = (np.linspace(0, n, TILES + 1).astype(int) for n in plane.shape)
    step = np.abs(np.diff(plane, axis=1, prepend=plane[:, :1]))
    tiles = [(r, c) for r in range(TILES) for c in range(TILES) if MARGIN[r, c]]
    cuts = [(slice(rows[r], max(rows[r + 1], rows[r] + 1)), slice(cols[c], max(cols[c + 1], cols[c] + 1))) for r, c in tiles]
    return np.array([(plane[cut].mean(), plane[cut].max(), step[cut].max()) for cut in cuts])
