"""From painted water and fat to k-space and pictures: chemical shift, phase, coils, noise, motion between shots, reconstruction.

The object is painted on a grid twice as fine as the picture, and k-space is cut to the picture's matrix: edges ring and blur
as they do in a scanner, and no reconstruction on the coarse grid can give the object back exactly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FINER = 2  # painted points a pixel along each axis


@dataclass(frozen=True)
class Motion:
    """Shifts (mm; along rows and columns) and phase (radians) of each shot of a turbo spin echo train; lines of k-space are dealt to the shots in turn."""

    shifts: tuple[tuple[float, float], ...] = ()
    phases: tuple[float, ...] = ()


def moved_by_shots(rng: np.random.Generator, shots: int, size_mm: float) -> Motion:
    """A patient who settles and jerks: a random walk of the shifts, with one jump, and phase that drifts along."""
    walk = np.cumsum(rng.normal(0, 0.25 * size_mm, (shots, 2)), axis=0)
    walk[int(rng.integers(shots // 4, 3 * shots // 4)):] += rng.normal(0, size_mm, 2)
    walk -= walk[shots // 2]
    phases = np.cumsum(rng.normal(0, 0.12 * size_mm, shots))
    return Motion(tuple((float(a), float(b)) for a, b in walk), tuple(float(p) for p in phases - phases[shots // 2]))


def mixed(water: np.ndarray, fat: np.ndarray, fat_shift: float) -> np.ndarray:
    """Water with fat displaced by `fat_shift` (0 or more) painted points down the rows (readout, head to foot), as one float32 picture."""
    whole = int(fat_shift)
    out, part = np.array(water, np.float32), np.float32(fat_shift - whole)
    out[whole:] += (1 - part) * fat[:len(fat) - whole]
    out[whole + 1:] += part * fat[:len(fat) - whole - 1]
    return out


def phase_map(shape: tuple[int, int], rng: np.random.Generator, swing: float = 1.2) -> np.ndarray:
    """A smooth unit phasor (rows, cols) complex64: a plane and a few slow waves, `swing` radians in all."""
    return np.exp(1j * np.float32(swing) * _waves(shape, rng)).astype(np.complex64)


def shading(shape: tuple[int, int], rng: np.random.Generator, swing: float = 0.25) -> np.ndarray:
    """What a receive field leaves after its correction: a smooth positive field (rows, cols) float32 about 1."""
    return np.exp(np.float32(swing) * _waves(shape, rng)).astype(np.float32)


def _waves(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Slow waves between -1 and 1."""
    y, x = (np.linspace(-1, 1, n, dtype=np.float32) for n in shape)
    weights = rng.normal(0, 1, (4, 4)).astype(np.float32) / (1 + np.add.outer(np.arange(4), np.arange(4))).astype(np.float32)
    waves = _polynomials(y, 4) @ weights @ _polynomials(x, 4).T
    return np.asarray(waves / max(float(np.abs(waves).max()), 1e-6), np.float32)


def _polynomials(at: np.ndarray, count: int) -> np.ndarray:
    """Chebyshev polynomials (n, count)."""
    return np.polynomial.chebyshev.chebvander(at, count - 1).astype(np.float32)


def encode(picture: np.ndarray, matrix: tuple[int, int], rows: int | None = None) -> np.ndarray:
    """k-space (..., *matrix) complex64 of a picture (..., rows, cols) on the same or a finer grid over the same field of view: centred, cut to the matrix,
    scaled so that `decode` gives the picture's own values back; every size even.

    `rows` is the height of the field in painted points where the picture holds only its middle, the rest being empty.
    """
    from scipy import fft

    tall, wide = rows or picture.shape[-2], picture.shape[-1]
    top, left, above = (tall - matrix[0]) // 2, (wide - matrix[1]) // 2, (tall - picture.shape[-2]) // 2
    k = fft.fft(_alternating(np.array(picture, np.complex64), above), axis=-1, overwrite_x=True)[..., left: left + matrix[1]]
    whole = np.zeros((*k.shape[:-2], tall, matrix[1]), np.complex64)
    whole[..., above: above + k.shape[-2], :] = k
    k = np.ascontiguousarray(fft.fft(whole, axis=-2, overwrite_x=True)[..., top: top + matrix[0], :])
    k *= np.float32(np.sqrt(matrix[0] * matrix[1]) / (tall * wide))
    return _alternating(k, (tall + wide) // 2 + top + left)


def _alternating(array: np.ndarray, first: int) -> np.ndarray:
    """The array with the sign of every other point of the last two axes turned (in place), beginning at `first`: it centres a transform of even size without moving anything."""
    for row in (0, 1):
        part = array[..., row::2, 1 - (row + first) % 2:: 2]
        np.negative(part, out=part)
    return array


def within_band(picture: np.ndarray, matrix: tuple[int, int], rows: int) -> np.ndarray:
    """The picture (*matrix) complex64 with what finer frequencies cost it: all that coils, which are smooth, need to see of the fine grid."""
    return decode(encode(picture, matrix, rows))


def decode(kspace: np.ndarray) -> np.ndarray:
    """The complex picture (..., rows, cols) of centred orthonormal k-space, every size even."""
    from scipy import fft

    tall, wide = kspace.shape[-2:]
    picture = fft.ifft2(_alternating(np.array(kspace, np.complex64), 0), axes=(-2, -1), norm="ortho", overwrite_x=True)
    return _alternating(np.asarray(picture, np.complex64), (tall + wide) // 2)


def shaken(kspace: np.ndarray, motion: Motion, pixel: tuple[float, float]) -> np.ndarray:
    """k-space (..., rows, lines) whose lines belong to shots that saw the object shifted and with another phase (Fourier shift theorem)."""
    if not motion.shifts:
        return kspace
    rows, lines = kspace.shape[-2:]
    shot = np.arange(lines) % len(motion.shifts)
    down, across = np.array(motion.shifts, np.float32)[shot].T
    ky, kx = (np.fft.fftshift(np.fft.fftfreq(n)).astype(np.float32) for n in (rows, lines))
    turn = ky[:, None] * (down / pixel[0])[None] + (kx * across / pixel[1])[None]
    phase = np.array(motion.phases, np.float32)[shot][None]
    return np.asarray(kspace * np.exp(1j * (phase - 2 * np.pi * turn)), np.complex64)


def blurred(kspace: np.ndarray, share: float) -> np.ndarray:
    """k-space of which only the middle share along each axis was measured, the rest filled with zeros."""
    keep = [np.abs(np.arange(n) - n // 2) <= 0.5 * share * n for n in kspace.shape[-2:]]
    return np.asarray(kspace * np.outer(*keep), np.complex64)


def noise(shape: tuple[int, ...], sigma: float, rng: np.random.Generator) -> np.ndarray:
    """White complex noise (complex64); `sigma` is the deviation of each of the two parts."""
    parts = rng.standard_normal((*shape, 2), np.float32)
    return np.asarray(parts.view(np.complex64)[..., 0] * np.float32(sigma))


def centre(picture: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The middle (..., *shape) of a picture."""
    top, left = ((have - want) // 2 for have, want in zip(picture.shape[-2:], shape, strict=True))
    return picture[..., top: top + shape[0], left: left + shape[1]]
