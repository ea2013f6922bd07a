"""The interlaminar window as a biportal endoscope shows it: a map of colour, relief and wetness, cranial above, drawn once for an operation.

Layers from deep to near: dura with its vessels, epidural fat, ligamentum flavum, laminae with a burred rim, the facet, muscle at the border.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

SPAN_MM, GRAIN_MM = 40.0, 0.125  # of the map, and of its pixels
SIDE = round(SPAN_MM / GRAIN_MM)
COLOURS: Mapping[str, tuple[float, float, float]] = {
    "dura": (0.80, 0.76, 0.80), "vessel": (0.60, 0.12, 0.15), "fat": (0.95, 0.76, 0.36), "flavum": (0.86, 0.69, 0.45), "bone": (0.94, 0.80, 0.68), "marrow": (0.66, 0.20, 0.17), "muscle": (0.60, 0.17, 0.15),
    "capsule": (0.90, 0.76, 0.70)}
GLOSS: Mapping[str, float] = {"dura": 0.75, "fat": 0.85, "flavum": 0.45, "bone": 0.35, "capsule": 0.55, "muscle": 0.6}
RELIEF_MM: Mapping[str, float] = {"dura": -2.6, "fat": -1.4, "flavum": 0.0, "bone": 1.6, "capsule": 2.0, "muscle": 2.4}


@dataclass(frozen=True, eq=False)
class Tissue:
    """Colour (n, n, 3) of uint8, and in a second picture of uint8 the slope to the right, the slope downwards (128 is level) and how wet it is; structures by name at (right, down) in mm from the middle."""

    colour: np.ndarray
    surface: np.ndarray
    places: Mapping[str, tuple[float, float]]


def cloudy(rng: np.random.Generator, side: int, wave: float, *, octaves: int = 3, stretch: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    """Smooth noise (side, side) of mean 0 and SD 1: the longest wave in pixels, each further octave of half the wave and half the size; `stretch` of the waves down and across."""
    from PIL import Image

    out = np.zeros((side, side), np.float32)
    for octave in range(octaves):
        rows, cols = (max(4, round(side / max(wave * s / 2**octave, 1.5)) + 3) for s in stretch)
        within = (1.5, 1.5, cols - 1.5, rows - 1.5)
        coarse = rng.standard_normal((rows, cols)).astype(np.float32)
        out += np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC, box=within)) / 2**octave
    return (out - out.mean()) / out.std()


def tissue(rng: np.random.Generator, *, opened: float, bleeding: float) -> Tissue:
    """The map of one operation: `opened` says how far the flavum is taken away (0 to 1), `bleeding` how red marrow and muscle are (0 to 1)."""
    axis = (np.arange(SIDE, dtype=np.float32) + 0.5) * GRAIN_MM - SPAN_MM / 2
    x, y = np.meshgrid(axis, axis)
    flat = x, y
    x, y = x + 0.9 * cloudy(rng, SIDE, 70), y + 0.9 * cloudy(rng, SIDE, 70)
    side = rng.choice((-1.0, 1.0))  # of the facet
    above, below = -5.2 + rng.normal(0, 0.5), 6.0 + rng.normal(0, 0.5)
    wide, high = 2.0 + 5.5 * opened, 1.2 + 4.2 * opened
    depth = {"flavum": np.full_like(x, 9.0), "window": (1 - np.hypot(x / wide, (y - 0.4) / high)) * min(wide, high),
             "bone": np.maximum(above - 0.035 * x**2 - y, y - below - 0.02 * x**2), "facet": 5.4 - np.hypot(x - 12.5 * side, y + 1.5), "muscle": np.hypot(x, 0.9 * y) - 14.0}
    share = {name: _step(d, 0.35 if name != "muscle" else 0.9) for name, d in depth.items()}
    fat = share["window"] * _step(0.9 * cloudy(rng, SIDE, 24) + 0.7 - depth["window"] * 0.75, 0.25)
    layers = {"flavum": share["flavum"], "dura": share["window"], "fat": fat, "capsule": share["facet"], "bone": share["bone"], "muscle": share["muscle"]}
    colour, height, gloss = _stacked(rng, layers, x, y, depth, bleeding)
    places = {"ligamentum flavum": (wide + 1.6, 0.6), "dura": (0.0, 0.5), "cranial lamina": (-1.5, above - 2.6), "caudal lamina": (1.0, below + 1.9), "facet capsule": (12.5 * side, -1.5), "muscle": (-13.5 * side, 6.5), "burred rim of bone": (1.5, above - 0.9)}
    red = layers["dura"] * (1 - fat) * (colour[..., 0] - colour[..., 2])
    places |= {"epidural fat": _most(fat * (1 - layers["bone"]), flat), "epidural vessel": _most(red * _step(depth["window"] - 0.6, 0.3), flat)}
    return Tissue(_eight(colour), _surface(height, gloss), places)


def _most(share: np.ndarray, at: tuple[np.ndarray, np.ndarray]) -> tuple[float, float]:
    """Where there is most of something near the middle of the map."""
    from scipy.ndimage import uniform_filter

    best = int((uniform_filter(share, 3) * np.exp(-(at[0] ** 2 + at[1] ** 2) / 40.0)).argmax())
    return float(at[0].flat[best]), float(at[1].flat[best])


def _stacked(rng: np.random.Generator, layers: Mapping[str, np.ndarray], x: np.ndarray, y: np.ndarray, depth: Mapping[str, np.ndarray], bleeding: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Colour, height (mm) and wetness: each layer laid over those before it, then redness, shreds, and the shade of what lies deeper than its surroundings."""
    from scipy.ndimage import gaussian_filter

    fine, broad = cloudy(rng, SIDE, 6, octaves=2), cloudy(rng, SIDE, 60)
    fibres = cloudy(rng, SIDE, 4.0, octaves=2, stretch=(10.0, 1.0))
    grain = {"flavum": 0.07 * fibres, "dura": 0.02 * fine, "fat": 0.05 * cloudy(rng, SIDE, 12, octaves=1), "capsule": 0.03 * fine, "bone": 0.035 * fine, "muscle": 0.16 * cloudy(rng, SIDE, 6, octaves=2, stretch=(1.0, 9.0))}
    bump = {"flavum": 0.10 * fibres, "dura": 0.02 * fine, "fat": 0.16 * cloudy(rng, SIDE, 14, octaves=1), "capsule": 0.04 * fine, "bone": 0.07 * fine, "muscle": 0.15 * fibres.T}
    colour, (height, rough, gloss) = np.zeros((*x.shape, 3), np.float32), (np.zeros_like(x) for _ in range(3))
    for name, share in layers.items():
        own = np.array(COLOURS[name], np.float32) * (1 + grain[name] + 0.05 * broad)[..., None]
        own = _dressed(rng, name, own, x, y, depth, bleeding, fine)
        colour += share[..., None] * (own - colour)
        height += share * (RELIEF_MM[name] - height)
        rough += share * (bump[name] - rough)
        gloss += share * (GLOSS[name] - gloss)
    flush = np.clip(0.10 + 0.22 * bleeding * (cloudy(rng, SIDE, 70) + 0.5), 0, 0.45)
    spots = 0.45 * _step(cloudy(rng, SIDE, 18) - 1.5 + 0.5 * bleeding, 0.45)
    colour = _over(_over(colour, (0.66, 0.20, 0.17), flush), (0.58, 0.10, 0.10), spots)
    colour = _over(colour, (0.95, 0.86, 0.80), 0.35 * _step(cloudy(rng, SIDE, 9, octaves=2, stretch=(2.5, 0.7)) - 1.5, 0.4))
    sunk = np.clip(gaussian_filter(height, 9.0) - height, 0, 2.5)
    return colour * (1 - 0.16 * sunk)[..., None], gaussian_filter(height, 3.2) + 0.45 * broad + 1.3 * rough, gloss * (1 + 0.25 * broad)


def _dressed(rng: np.random.Generator, name: str, own: np.ndarray, x: np.ndarray, y: np.ndarray, depth: Mapping[str, np.ndarray], bleeding: float, fine: np.ndarray) -> np.ndarray:
    """A layer with what lies in it: vessels on the dura, bleeding pores in burred bone, pale strands in muscle."""
    if name == "dura":
        for _ in range(int(rng.integers(3, 6))):
            way = rng.uniform(-5, 5) + rng.uniform(0.4, 1.2) * np.sin(y / rng.uniform(2.0, 4.0) + rng.uniform(0, 6)) + 0.12 * y * rng.normal()
            own = _over(own, COLOURS["vessel"], 0.75 * np.exp(-np.square((x - way) / rng.uniform(0.10, 0.24))))
        return own
    if name == "bone":
        pores = _step(cloudy(rng, SIDE, 7, octaves=1) - 1.05 + 0.5 * bleeding, 0.25) * _step(1.6 - depth["bone"], 0.5)
        return _over(own, COLOURS["marrow"], 0.85 * pores + 0.25 * bleeding * _step(0.6 - depth["bone"], 0.3))
    return _over(own, (0.86, 0.70, 0.62), 0.5 * _step(fine - 1.3, 0.3)) if name == "muscle" else own


def _over(under: np.ndarray, colour: tuple[float, float, float], share: np.ndarray) -> np.ndarray:
    share = np.clip(share, 0, 1)[..., None]
    return under * (1 - share) + share * np.array(colour, np.float32)


def _step(distance: np.ndarray, width: float) -> np.ndarray:
    """0 to 1 over `width` on both sides of 0."""
    t = np.clip(0.5 + distance / (2 * width), 0, 1)
    return t * t * (3 - 2 * t)


def _surface(height: np.ndarray, gloss: np.ndarray) -> np.ndarray:
    """Slopes and wetness as a picture."""
    from scipy.ndimage import gaussian_filter

    smooth = gaussian_filter(height, 0.9)
    down, right = np.gradient(smooth, GRAIN_MM)
    packed = np.stack([128 + 50 * np.clip(right, -2.5, 2.5), 128 + 50 * np.clip(down, -2.5, 2.5), 255 * np.clip(gloss, 0, 1)], axis=-1)
    return np.clip(packed, 0, 255).astype(np.uint8)


def _eight(colour: np.ndarray) -> np.ndarray:
    return (255 * np.clip(colour, 0, 1)).astype(np.uint8)
