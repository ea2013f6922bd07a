"""What swims between lens and tissue: veils of irrigation, blood, smoke, drifting debris and bubbles. Each is laid over a picture of 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from osteon.simulate.endoscopy_tissue import cloudy

VEIL = 256  # pixels of the noise that drifts
BLOOD, SMOKE, WATER = (0.42, 0.045, 0.05), (0.82, 0.79, 0.79), (0.80, 0.72, 0.70)


@dataclass(frozen=True, eq=False)
class Fluid:
    """The fluids of one operation: two drifting noises, their speed (pixels a frame), and how much there is of each (0 to 1)."""

    veils: tuple[np.ndarray, np.ndarray]
    drift: tuple[float, float]
    blood: float = field(kw_only=True)
    haze: float = field(kw_only=True)
    debris: int = field(kw_only=True)
    bubbles: int = field(kw_only=True)


def fluid(rng: np.random.Generator, difficulty: float) -> Fluid:
    """The fluids of an operation; a harder one has more of all."""
    heading, speed = rng.uniform(0, 2 * np.pi), rng.uniform(6, 16)
    return Fluid((cloudy(rng, VEIL, 90), cloudy(rng, VEIL, 60)), (float(speed * np.sin(heading)), float(speed * np.cos(heading))), blood=float(rng.uniform(0.0, 0.5 + 0.6 * difficulty)),
                 haze=float(rng.uniform(0.02, 0.08 + 0.22 * difficulty)), debris=int(rng.integers(4, 10 + round(26 * difficulty))), bubbles=int(rng.poisson(1.0 + 2.5 * difficulty)))


def veiled(picture: np.ndarray, made: Fluid, number: int) -> np.ndarray:
    """The picture under drifting irrigation and blood."""
    thick, red = (_shifted(veil, k * made.drift[0] * number, k * made.drift[1] * number, picture.shape[:2]) for k, veil in zip((1.0, 1.6), made.veils, strict=True))
    picture = _laid(picture, WATER, np.clip(made.haze * (0.55 + 0.5 * thick), 0, 0.6))
    return _laid(picture, BLOOD, np.clip(made.blood * 0.55 * (red - 0.9), 0, 0.75))


def clouded(picture: np.ndarray, at: tuple[float, float], radius: float, colour: tuple[float, float, float], made: Fluid, number: int) -> np.ndarray:
    """The picture with a dense cloud about a place (row, col) that lets nothing through in its middle."""
    rows, cols = np.ogrid[:picture.shape[0], :picture.shape[1]]
    rough = _shifted(made.veils[1], 11.0 * number, 7.0 * number, picture.shape[:2])
    fine = _shifted(made.veils[0], 23.0 * number, 31.0 * number, (2 * VEIL, 2 * VEIL))[:picture.shape[0], :picture.shape[1]]
    off = np.hypot(rows - at[0], cols - at[1]) / radius
    off = off * (1 + np.clip(off - 0.3, 0, 0.6) * np.clip(0.40 * rough + 0.30 * fine, -0.5, 0.7))
    share = np.clip((1.45 - off) / 0.95, 0, 1)
    own = np.array(colour, np.float32) * (0.85 + 0.10 * rough + 0.08 * fine)[..., None]
    return picture + (np.square(share) * (3 - 2 * share))[..., None] * (own - picture)


def swum(picture: np.ndarray, made: Fluid, rng: np.random.Generator, unit: float) -> np.ndarray:
    """The picture with debris and bubbles, which no frame shares with the next: irrigation is faster than the camera. `unit` is a 270th of the rows."""
    out = picture.copy()
    for _ in range(made.debris):
        _speck(out, rng, unit, made.drift)
    for _ in range(made.bubbles):
        _bubble(out, rng, unit)
    return out


def _speck(out: np.ndarray, rng: np.random.Generator, unit: float, drift: tuple[float, float]) -> None:
    """A shred of tissue, drawn out along the stream."""
    at, length, width = rng.uniform(0, 1, 2) * out.shape[:2], rng.uniform(1, 9) * unit, rng.uniform(0.6, 1.7) * unit
    heading = np.arctan2(drift[0], drift[1]) + rng.normal(0, 0.5)
    colour = (0.92, 0.88, 0.84) if rng.random() < 0.7 else (0.50, 0.22, 0.18)
    box = _box(at, length + 3 * width, out.shape)
    rows, cols = np.ogrid[box]
    down, right = rows - at[0], cols - at[1]
    s, t = right * np.cos(heading) + down * np.sin(heading), down * np.cos(heading) - right * np.sin(heading)
    share = rng.uniform(0.35, 0.85) * np.exp(-np.square(np.maximum(np.abs(s) - length / 2, 0) / width) - np.square(t / width))
    out[box] = _laid(out[box], colour, share)


def _bubble(out: np.ndarray, rng: np.random.Generator, unit: float) -> None:
    """A ring that brightens its rim, with the lamp in it."""
    at, radius = rng.uniform(0, 1, 2) * out.shape[:2], rng.gamma(3.0, 2.2) * unit + 2
    box = _box(at, radius + 4, out.shape)
    rows, cols = np.ogrid[box]
    off = np.hypot(rows - at[0], cols - at[1])
    inside = np.clip(radius - off + 0.5, 0, 1)
    rim = inside * np.exp(-np.square((off - radius + 1.5) / (0.10 * radius + 0.8)))
    lamp = np.exp(-(np.square(rows - at[0] + 0.4 * radius) + np.square(cols - at[1] + 0.3 * radius)) / np.square(0.16 * radius + 0.6))
    held = out[box] * (1 - 0.22 * inside[..., None] * np.clip(off / radius, 0, 1)[..., None])
    out[box] = _laid(held, (0.97, 0.96, 0.96), np.clip(0.55 * rim + 0.95 * lamp * inside, 0, 1))


def _box(at: np.ndarray, reach: float, shape: tuple[int, ...]) -> tuple[slice, slice]:
    low, high = np.maximum(np.floor(at - reach), 0).astype(int), np.minimum(np.ceil(at + reach) + 1, shape[:2]).astype(int)
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))


def _shifted(veil: np.ndarray, down: float, right: float, shape: tuple[int, int]) -> np.ndarray:
    """A part of the noise, repeated in mirrors beyond its edge."""
    folded = [np.abs((np.arange(n) * (VEIL - 1) / max(shape) + off) % (2 * VEIL - 2) - (VEIL - 1)).astype(int) for n, off in zip(shape, (down, right), strict=True)]
    return veil[np.ix_(*folded)]


def _laid(picture: np.ndarray, colour: tuple[float, float, float], share: np.ndarray) -> np.ndarray:
    return np.asarray(picture + share[..., None] * (np.array(colour, np.float32) - picture), np.float32)
