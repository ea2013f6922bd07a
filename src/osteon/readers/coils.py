"""What the signal of several coils means: lines of k-space to pictures and back, and which lines are measured.

Conventions of fastMRI (Zbontar 2018, arXiv:1811.08839): centred orthonormal transforms, the root of the sum of squares over coils as the picture,
the middle of the field, masks drawn by the name of the file. The readout is always sampled in full, so that each row of a picture depends on the
lines alone: signals are held with the readout transformed already ("rows by lines").
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from osteon.errors import DataError, message
from osteon.targets.pictures import RESIDUAL
from osteon.value import Grid, KSpace, Picture

MASKS = ("equispaced", "random")
FEWEST_CENTRE = 2  # lines without a gap about the middle, from which coils are told
ROWS, SMOOTH = 48, 6  # rows that are looked at for the residual, and the highest cosine of a coil
SPARED = 12  # bits of 23 that an answered picture does without: an error of 1 in 4,000, far below the noise, and half the file


@dataclass(frozen=True)
class Sampling:
    """Which lines are measured: one in `acceleration` in all, of which the share `lines` of all lies without a gap about the middle (auto-calibration).

    `mask`: the others "equispaced" or "random". Raises DataError for what can not be.
    """

    acceleration: float = 4.0
    lines: float = 0.08
    mask: str = field(default="equispaced", kw_only=True)

    def __post_init__(self) -> None:
        if not (self.acceleration > 1 and 0 < self.lines < 1 / self.acceleration) or self.mask not in MASKS:
            raise DataError(message("sampling", "the mask is impossible", expected=f"acceleration above 1, a share of central lines below 1 in that, {' or '.join(MASKS)}", found=f"Found {self}"))

    def named(self, name: str, lines: int) -> np.ndarray:
        """The mask (lines,) of a file, which its name decides: the same in every epoch, on every machine and in fastMRI."""
        return self.drawn(np.random.RandomState(list(map(ord, name)) or [0]), lines)

    def drawn(self, rng: np.random.RandomState, lines: int) -> np.ndarray:
        """A mask (lines,) of so many lines; raises DataError where the middle would hold fewer than two."""
        centre = round(lines * self.lines)
        if centre < FEWEST_CENTRE:
            raise DataError(message("sampling", f"{self.lines:g} of {lines} lines is no middle", expected=f"{FEWEST_CENTRE} lines or more without a gap"))
        if self.mask == "random":
            taken = rng.uniform(size=lines) < (lines / self.acceleration - centre) / (lines - centre)
        else:
            taken = np.zeros(lines, bool)
            step = self.acceleration * (centre - lines) / (centre * self.acceleration - lines)
            taken[np.around(np.arange(rng.randint(0, round(step)), lines - 1, step)).astype(int)] = True
        first = (lines - centre + 1) // 2
        taken[first:first + centre] = True
        return taken


@dataclass(frozen=True, eq=False)
class Given:
    """What a model may use: the signal (slices, coils, rows, lines), zero in the lines that are not `taken` (lines,), and the grid of the picture."""

    signal: np.ndarray
    taken: np.ndarray
    grid: Grid

    def zero_filled(self) -> np.ndarray:
        """The picture (slices, rows, cols) of the lines that are there, zeros in place of the others."""
        return middle(rss(pictures(self.signal, (-1,))), *self.grid.shape[1:])

    def answered(self, array: np.ndarray) -> Picture:
        """A picture (slices, rows, cols) as an answer, with a note of how far it lies from the signal."""
        bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
        spared = (bits & np.uint32(0xFFFFFFFF << SPARED & 0xFFFFFFFF)).view(np.float32)
        return Picture(spared, self.grid, {RESIDUAL: round(residual(spared, self.signal, self.taken), 6), "lines": int(self.taken.sum()), "of": len(self.taken)})


def given(kspace: KSpace, sampling: Sampling) -> Given:
    """What a model may use of a signal: the lines that were measured, or of a full acquisition those of the mask of its name."""
    taken = given_lines(kspace, sampling)
    return Given(rows_by_lines(kspace) * taken, taken, kspace.grid)


def given_lines(kspace: KSpace, sampling: Sampling) -> np.ndarray:
    """The lines (lines,) that a model may use."""
    return kspace.taken if kspace.taken is not None else sampling.named(kspace.name, kspace.array.shape[-1])


def zero_filled(kspace: KSpace, sampling: Sampling) -> Picture:
    """The picture of the lines that are there, zeros in place of the others: what every reconstruction must beat."""
    known = given(kspace, sampling)
    return known.answered(known.zero_filled())


def pictures(signal: np.ndarray, axes: tuple[int, ...] = (-2, -1)) -> np.ndarray:
    """The centred orthonormal inverse transform along some axes."""
    return np.fft.fftshift(np.fft.ifftn(np.fft.ifftshift(signal, axes), axes=axes, norm="ortho"), axes).astype(np.complex64)


def signal(pictures: np.ndarray, axes: tuple[int, ...] = (-2, -1)) -> np.ndarray:
    """The inverse of `pictures`."""
    return np.fft.fftshift(np.fft.fftn(np.fft.ifftshift(pictures, axes), axes=axes, norm="ortho"), axes).astype(np.complex64)


def rows_by_lines(kspace: KSpace) -> np.ndarray:
    """The signal (slices, coils, rows, lines) with the readout transformed and cut to the rows of the picture."""
    return middle(pictures(kspace.array, (-2,)), kspace.grid.shape[1], kspace.array.shape[-1])


def rss(pictures: np.ndarray, axis: int = -3) -> np.ndarray:
    """Root of the sum of squares over the coils."""
    return np.asarray(np.sqrt((np.abs(pictures) ** 2).sum(axis=axis)))


def middle(array: np.ndarray, rows: int, cols: int) -> np.ndarray:
    """The middle of the last two axes, as fastMRI cuts it."""
    top, left = (array.shape[-2] - rows) // 2, (array.shape[-1] - cols) // 2
    return array[..., top:top + rows, left:left + cols]


def centre(taken: np.ndarray) -> slice:
    """The lines about the middle that are measured without a gap; an empty slice where the middle one is not."""
    half = len(taken) // 2
    gaps = np.flatnonzero(~np.asarray(taken, bool))
    below, above = gaps[gaps <= half], gaps[gaps >= half]
    first, last = (int(below[-1]) + 1 if len(below) else 0), (int(above[0]) if len(above) else len(taken))
    return slice(first, max(first, last))


def residual(picture: np.ndarray, measured: np.ndarray, taken: np.ndarray) -> float:
    """How far a picture (slices, rows, cols) lies from what was measured (slices, coils, rows, lines), as a share of its size.

    The coils may see the picture in any smooth way, phase included (cosines up to the sixth, fitted to the measured lines), so that what is left is
    what no such coil could have measured of it: aliasing, invention, noise. Some rows stand for all. What the picture does not cover of the field is
    that of the measured lines themselves.
    """
    whole = rss(pictures(measured * taken, (-1,)))
    left = (whole.shape[-1] - picture.shape[-1]) // 2
    whole[..., left:left + picture.shape[-1]] = picture
    some = np.unique(np.linspace(0, whole.shape[1] - 1, ROWS).round().astype(int))
    parts = [_unseen(image[some], signals[:, some], taken, some / whole.shape[1]) for image, signals in zip(whole, measured, strict=True)]
    gap, size = np.sum(parts, axis=0)
    return float(np.sqrt(max(gap, 0.0) / size)) if size else float("nan")


def _unseen(image: np.ndarray, signals: np.ndarray, taken: np.ndarray, at: np.ndarray) -> tuple[float, float]:
    """Squared size of what smooth coils could not have measured of an image (rows, lines), and of the signal (coils, rows, lines); `at` is where the rows lie."""
    orders = np.arange(SMOOTH + 1)[:, None]
    down, across = (np.cos(np.pi * orders * place) for place in (at, (np.arange(len(taken)) + 0.5) / len(taken)))
    smooth = (down[:, None, :, None] * across[None, :, None, :]).reshape(-1, *image.shape)
    could = signal(image * smooth, (-1,))[..., taken].reshape(len(smooth), -1)
    did = signals[..., taken].reshape(len(signals), -1)
    normal, both = could.conj() @ could.T, could.conj() @ did.T
    scale = float(np.trace(normal).real) / len(normal)
    found = np.linalg.solve(normal + 1e-6 * scale * np.eye(len(normal)), both)
    size = float((np.abs(did) ** 2).sum())
    return float((np.abs(did - found.T @ could) ** 2).sum()), size
