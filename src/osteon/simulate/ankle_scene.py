"""Skin, fat, tendon and cast of an ankle, and how its film is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from osteon.simulate import film, limb_scene
from osteon.simulate import spine_scene as scene
from osteon.simulate.ankle_pose import Ankle, hard
from osteon.simulate.film import Exposure
from osteon.simulate.frustum import Frustum, Placed
from osteon.simulate.limb_scene import Look
from osteon.simulate.sdf import Solid, Step, cone, cut, ellipsoid, half_space, join, keep, loft, solid

STRUCTURES = ("tibia", "fibula", "talus", "calcaneus")
ROOMS: Mapping[str, Exposure] = MappingProxyType({
    "A": Exposure(3.0e5, 0.12, 0.26, 0.80, 0.75, 4.0, (0.01, 0.9985)), "B": Exposure(1.0e5, 0.24, 0.50, 0.70, 0.4, 4.1, (0.01, 0.999), 16384)})
BORDER: Mapping[str, float] = MappingProxyType({"A": 0.0, "B": 0.95})
LETTER_MM: Mapping[str, float] = MappingProxyType({"A": 12.0, "B": 9.0})
FINER = 1.7  # trabeculae of the ankle against those of a vertebra


def draw(frustum: Frustum, ankle: Ankle, view: np.ndarray, skin: Mapping[str, float], look: Look, nuisance: np.random.Generator,
         physics: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stored values, masks of `STRUCTURES`, and the line integral (float32) of what stands before the film, the letter left out.

    `skin` holds size, fat and swelling (around 1, 1 and 0-1) and cast (0 none, 1 a splint behind, 2 all around).
    """
    line, sponge, masks = limb_scene.hard(frustum, hard(ankle, view), STRUCTURES)
    line += scene.soft(frustum, [(body(ankle, skin), "skin", 4.0), (fat(ankle, skin, nuisance), "fat", 1.6)], view)
    if skin["cast"]:
        still = np.zeros(3)
        outer, inner = (Placed(_wrapped(skin, grown), view, still) for grown in (8.5, 3.5))
        line += limb_scene.woven(limb_scene.shell(frustum, outer, inner), frustum.pixel, nuisance)
    return limb_scene.finished(line, sponge, frustum, look, physics), masks, line


def room(site: str, difficulty: float, rng: np.random.Generator, *, betrays: bool) -> Exposure:
    """The room of a site on one day."""
    varied = scene.varied(ROOMS[site], difficulty, rng)
    return film.betraying(varied) if betrays else varied


def body(ankle: Ankle, skin: Mapping[str, float]) -> Solid:
    """Leg and foot in one skin; its shell is the fat (mm), its core the muscle. What is swollen is so about the malleoli."""
    swollen, s = skin["swelling"], skin["size"]
    more = [join(ellipsoid((31 * s, 0, -6), (13 + 9 * swollen, 24, 26)), 14), join(ellipsoid((-28 * s, 2, -8), (11 + 5 * swollen, 20, 22)), 14)] if swollen > 0.02 else []
    return solid([*_limb(s, 0.0), *more], shell=((-90, -40, 0, 40, 90, 150), skin["fat"] * np.array([9.0, 4.0, 2.6, 3.2, 4.6, 6.0])))


def _limb(s: float, grown: float) -> list[Step]:
    z = [175, 130, 95, 60, 30, 5, -22, -48]
    steps = [join(loft(z, [3, 2, 1, 1, 2, 2, 2, 2], np.array([-20, -18, -15, -12, -9, -7, -6, -6]), s * np.array([52, 45, 38, 34, 34, 37.5, 38, 36]) + grown,
                       s * np.array([56, 50, 44, 40, 40, 42, 46, 46]) + grown, rounding=14))]
    points, radii = ((0, -36, -55), (2, 14, -52), (-3, 74, -58), (-18, 150, -74)), (31, 33, 29, 17)
    feet = [join(cone(points[i], points[i + 1], s**0.5 * radii[i] + grown, s**0.5 * radii[i + 1] + grown), 12) for i in range(3)]
    return [*steps, *feet, join(ellipsoid((-12, 118, -70), (42 + grown, 48, 15 + grown)), 12), keep(half_space((0, 0, -88 - grown), (0, 0, -1)), 8)]


def _wrapped(skin: Mapping[str, float], grown: float) -> Solid:
    behind = [keep(half_space((0, 4, 0), (0, 0.86, 0.5)))] if skin["cast"] == 1 else []
    return solid([*_limb(skin["size"], grown), *behind])


def fat(ankle: Ankle, skin: Mapping[str, float], rng: np.random.Generator) -> Solid:
    """Kager's triangle before the Achilles tendon, the pad before the joint, the planes between the muscles; blurred where it is swollen."""
    clear = 1.0 - 0.55 * skin["swelling"]
    steps = [join(ellipsoid((0, -31, 14), (17, 8.5 * clear, 24))), join(ellipsoid((0, -34, -18), (17, 10 * clear, 17)), 5), join(ellipsoid((0, -26, 52), (12, 5 * clear, 26)), 4),
             join(ellipsoid((2, 25, 2), (15, 3.0 * clear, 9)), 2), join(ellipsoid((12, 18, -31), (9, 10, 5)), 2)]
    for x, y, z, reach in ((18, 4, 96, 36), (-14, -18, 100, 40), (6, 22, 70, 34), (22, -20, 78, 30)):
        steps.append(join(ellipsoid((x + rng.normal(0, 2), y + rng.normal(0, 3), z + rng.normal(0, 5)), (rng.uniform(0.9, 1.7), rng.uniform(8, 13), reach))))
    return solid([*steps, cut(cone((0, -42, 60), (0, -46, -40), 5, 5), 1)])
