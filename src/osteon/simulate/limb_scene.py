"""A film of a limb: bones and fragments added up with what is denser or thinner in them, soft tissue, a cast, the lead letter; small things on their own part of the film."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from osteon.simulate import film
from osteon.simulate import spine_scene as scene
from osteon.simulate.film import ATTENUATION, Exposure
from osteon.simulate.frustum import FINE, TILE, Frustum, Placed, traverse

_BONE = ATTENUATION["cortex"] - ATTENUATION["sponge"]
# Attenuation (per mm) in excess of the spongy bone there, or for what lies outside bone of muscle. Mixtures are ours.
EXCESS: Mapping[str, float] = MappingProxyType({
    "dense": 0.55 * _BONE, "strut": 1.9 * _BONE, "scar": 0.45 * _BONE, "uncapped": -0.85 * _BONE, "thin": -0.0045, "plaster": 0.0105})
FINER: Mapping[str, float] = MappingProxyType({"strut": 0.6, "scar": 0.6, "dense": 0.8, "uncapped": 1.0})


Ball = tuple[np.ndarray, float]  # centre, reach (mm)
GAP_MM = 0.8  # pixels on which the way through a gap is measured, whatever those of the film


@dataclass(frozen=True, eq=False)
class Thing:
    """What stands before the film: a placed solid, its substance (bone, or a name of `EXCESS`), the structure whose mask it fills, and (world centre, reach mm) where it is small."""

    placed: Placed
    substance: str = "bone"
    name: str = ""
    around: Ball | None = None


@dataclass(frozen=True, eq=False)
class Look:
    """How a film is finished: room, whether it betrays, shutters (mm), shade beyond them, letter (its side, row and column as shares, tilt, height mm) and grain of the trabeculae."""

    room: Exposure
    margins: tuple[float, float, float, float]
    border: float
    letter: tuple[str, float, float, float, float]
    grain: float = 1.0
    finer: float = 1.6


def hard(frustum: Frustum, things: Iterable[Thing], structures: Sequence[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Attenuation in excess of muscle, path in spongy bone (rows, cols; float32), and the masks (n, rows, cols) of the structures."""
    line, sponge = np.zeros(frustum.shape, np.float32), np.zeros(frustum.shape, np.float32)
    masks = np.zeros((len(structures), *frustum.shape), bool)
    mu = {name: np.float32(ATTENUATION[name] - ATTENUATION["muscle"]) for name in ("cortex", "sponge", "marrow")}
    for thing in things:
        part, (top, left) = (frustum, (0, 0)) if thing.around is None else cropped(frustum, *thing.around)
        chords = traverse(part, thing.placed, fine=FINER.get(thing.substance, FINE)) if part.shape[0] and part.shape[1] else None
        if chords is None:
            continue
        rows, cols = chords.window
        at = slice(rows.start + top, rows.stop + top), slice(cols.start + left, cols.stop + left)
        if thing.substance == "bone":
            line[at] += chords.shell * mu["cortex"] + chords.sponge * mu["sponge"] + chords.marrow * mu["marrow"]
            sponge[at] += chords.sponge
        else:
            line[at] += chords.total * np.float32(EXCESS[thing.substance])
        if thing.name in structures:
            masks[structures.index(thing.name)][at] |= chords.total > 0
    return line, sponge, masks


def cropped(frustum: Frustum, centre: np.ndarray, reach: float) -> tuple[Frustum, tuple[int, int]]:
    """The part of a film that a ball (mm) about a world point can touch, by whole tiles, and its first (row, col)."""
    middle = frustum.project(centre)
    k = (frustum.source[1] - frustum.plane) / (frustum.source[1] - centre[1] - reach)
    half = 1.05 * k * reach / frustum.pixel
    size = np.array(frustum.shape)
    low = np.clip(np.floor((middle - half) / TILE).astype(int) * TILE, 0, size)
    high = np.clip(np.ceil((middle + half) / TILE).astype(int) * TILE, low, size)
    corner = frustum.left_top[0] + low[1] * frustum.pixel, frustum.left_top[1] - low[0] * frustum.pixel
    return replace(frustum, shape=(int(high[0] - low[0]), int(high[1] - low[1])), left_top=corner), (int(low[0]), int(low[1]))


def longest_way(frustum: Frustum, slab: Placed, ball: Ball) -> float:
    """The longest way (mm, the 98th percentile) of a film's rays through the gap of a fracture inside a ball of the world: where rays run along the plane, its line shows."""
    size = round(frustum.shape[0] * frustum.pixel / GAP_MM), round(frustum.shape[1] * frustum.pixel / GAP_MM)
    part, _ = cropped(replace(frustum, shape=size, pixel=GAP_MM), *ball)
    chords = traverse(part, slab, fine=0.5) if min(part.shape) > 0 else None
    through = chords.total[chords.total > 0] if chords is not None else np.zeros(0)
    return float(np.quantile(through, 0.98)) if through.size else 0.0


def shell(frustum: Frustum, outer: Placed, inner: Placed) -> np.ndarray:
    """Path (rows, cols) between two nested bodies: a cast between its outer face and the padding."""
    out = np.zeros(frustum.shape, np.float32)
    for placed, sign in ((outer, 1.0), (inner, -1.0)):
        chords = traverse(frustum, placed, fine=3.0)
        if chords is not None:
            out[chords.window] += np.float32(sign) * chords.total
    return np.maximum(out, 0)


def woven(path: np.ndarray, pixel: float, rng: np.random.Generator) -> np.ndarray:
    """The line integral of a plaster cast: uneven layers, and the weave of its bandage."""
    uneven = film.blurred(rng.standard_normal(path.shape, dtype=np.float32), 5.0 / pixel)
    uneven /= max(float(uneven.std()), 1e-6)
    rows, cols = np.indices(path.shape, np.float32) * np.float32(pixel)
    weave = np.sin(rows * 2.1 + 0.25 * cols) * np.sin(cols * 2.1)
    made: np.ndarray = path * np.float32(EXCESS["plaster"]) * (1 + 0.12 * uneven + 0.06 * weave)
    return made


def finished(line: np.ndarray, sponge: np.ndarray, frustum: Frustum, look: Look, physics: np.random.Generator) -> np.ndarray:
    """Stored values (rows, cols) uint16: the letter on, then exposed, printed and shut off."""
    marked = line.copy()
    side, down, aside, tilt, height = look.letter
    rows, cols = frustum.shape
    tall, reach = height / frustum.pixel, aside * cols
    film.stamp_letter(marked, side, (down * rows, reach if side == "R" else cols - reach - 0.62 * tall), tall, tilt=tilt)
    return scene.develop(marked, sponge * look.grain**2, frustum, look.room, look.margins, look.border, physics, finer=look.finer)

