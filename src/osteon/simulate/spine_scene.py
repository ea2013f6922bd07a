"""What stands before the film of a spine, added up to a line integral, and the film exposed, printed and shut off at its borders."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from osteon.simulate import film
from osteon.simulate.film import ATTENUATION, Exposure
from osteon.simulate.frustum import Frustum, Placed, traverse
from osteon.simulate.sdf import Solid

GRAIN = np.float32(0.0062)  # contrast of the projected trabeculae
GAS_DEPTH = np.float32(55.0)  # mm: more gas than this is seldom met along one ray, however the bowel lies
LUNG = 0.30  # of the density of muscle
Thing = tuple[Placed, str]  # a solid and its substance: bone, or a name of ATTENUATION


def hard(frustum: Frustum, things: Iterable[Thing], *, density: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Attenuation in excess of muscle and path in spongy bone, both (rows, cols) float32; `density` is that of the spongy bone, 1 as usual."""
    line, sponge = np.zeros(frustum.shape, np.float32), np.zeros(frustum.shape, np.float32)
    mu = {name: np.float32(value - ATTENUATION["muscle"]) for name, value in ATTENUATION.items()}
    mu["sponge"] *= np.float32(density)
    for placed, substance in things:
        chords = traverse(frustum, placed)
        if chords is None:
            continue
        if substance == "bone":
            line[chords.window] += chords.shell * mu["cortex"] + chords.sponge * mu["sponge"] + chords.marrow * mu["marrow"]
            sponge[chords.window] += chords.sponge * np.float32(density)
        else:
            line[chords.window] += chords.total * mu[substance]
    return line, sponge


def soft(frustum: Frustum, layers: Sequence[tuple[Solid, str, float]], view: np.ndarray) -> np.ndarray:
    """Attenuation (rows, cols) of soft tissue: solids of the column's world with their substance and shortest step (mm).

    `skin` is a body of fat over muscle, drawn on pixels of 4 mm or more (the rest: 2); `lung`, `gas`, `fat` take the place of muscle,
    `vessel` is muscle in place of lung.
    """
    muscle = ATTENUATION["muscle"]
    excess = {"lung": (LUNG - 1) * muscle, "vessel": (1 - LUNG) * muscle, "gas": -muscle, "fat": ATTENUATION["fat"] - muscle}
    out = np.zeros(frustum.shape, np.float32)
    for skin in (True, False):
        coarse, factor = _coarser(frustum, 4.0 if skin else 2.0)
        part = np.zeros(coarse.shape, np.float32)
        for made, substance, fine in (layer for layer in layers if (layer[1] == "skin") is skin):
            chords = traverse(coarse, Placed(made, view, np.zeros(3)), fine=fine)
            if chords is not None and skin:
                part[chords.window] += chords.shell * np.float32(ATTENUATION["fat"]) + (chords.sponge + chords.marrow) * np.float32(muscle)
            elif chords is not None:
                path = np.minimum(chords.total, GAS_DEPTH) if substance == "gas" else chords.total
                part[chords.window] += path * np.float32(excess[substance])
        out += _finer(film.blurred(part, 0.8) if factor > 1 and skin else part, factor, frustum.shape)
    return out


def _coarser(frustum: Frustum, pixel: float) -> tuple[Frustum, int]:
    """The same film on whole multiples of its pixels, up to `pixel` mm, and the multiple."""
    factor = max(1, int(1.01 * pixel / frustum.pixel))
    aside = 0.5 * (factor - 1) * frustum.pixel
    shape = -(-frustum.shape[0] // factor), -(-frustum.shape[1] // factor)
    corner = frustum.left_top[0] + aside, frustum.left_top[1] - aside
    return Frustum(shape, frustum.pixel * factor, corner, frustum.source, frustum.plane, frustum.detector), factor


def _finer(image: np.ndarray, factor: int, shape: tuple[int, int]) -> np.ndarray:
    from scipy.ndimage import zoom

    return image if factor == 1 else zoom(image, factor, order=1, grid_mode=True, mode="nearest")[: shape[0], : shape[1]]


def develop(line: np.ndarray, sponge: np.ndarray, frustum: Frustum, room: Exposure, margins: tuple[float, float, float, float], border: float,
            physics: np.random.Generator, *, finer: float = 1.0) -> np.ndarray:
    """Stored values (rows, cols) uint16 of a line integral: trabecular grain (`finer` than that of a vertebra by a factor), exposure, print, shutters."""
    line = line + film.texture(frustum.shape, finer * frustum.pixel, physics) * np.sqrt(np.maximum(sponge, 0)) * GRAIN
    signal = film.expose(np.maximum(line, 0), frustum.pixel, room, physics)
    printed = film.collimate(film.print_film(signal, frustum.pixel, room), margins, frustum.pixel, border)
    return film.stored_values(printed, room)


def varied(room: Exposure, difficulty: float, rng: np.random.Generator) -> Exposure:
    """A room on one day: dose, scatter and processing around its own; harder is darker and hazier."""
    return replace(room, quanta=room.quanta * float(np.exp(rng.normal(-0.7 * difficulty, 0.25))), scatter=room.scatter * (0.8 + 0.4 * difficulty),
                   compression=float(np.clip(room.compression + rng.normal(0, 0.02), 0.2, 0.85)), contrast=room.contrast * float(np.exp(rng.normal(0, 0.06))))


def bones(placed: Iterable[Placed]) -> Iterator[Thing]:
    """Solids as bone."""
    return ((p, "bone") for p in placed)
