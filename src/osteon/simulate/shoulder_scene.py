"""Skin, fat and lung about a shoulder, and how its film is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import numpy as np

from osteon.simulate import film, limb_scene
from osteon.simulate import spine_scene as scene
from osteon.simulate.film import Exposure
from osteon.simulate.frustum import Frustum
from osteon.simulate.limb_scene import Look
from osteon.simulate.sdf import Solid, cone, ellipsoid, join, loft, rotation, solid
from osteon.simulate.shoulder_bones import MIDLINE
from osteon.simulate.shoulder_pose import Shoulder, Stance, hard

STRUCTURES = ("humerus", "scapula", "clavicle")
ROOMS: Mapping[str, Exposure] = MappingProxyType({
    "A": Exposure(5.0e5, 0.20, 0.34, 0.80, 0.8, 4.3, (0.03, 0.998)), "B": Exposure(1.8e5, 0.32, 0.58, 0.70, 0.45, 4.4, (0.03, 0.998), 16384)})
BORDER: Mapping[str, float] = MappingProxyType({"A": 0.0, "B": 0.95})
LETTER_MM: Mapping[str, float] = MappingProxyType({"A": 14.0, "B": 10.0})
FINER = 1.5  # trabeculae of the shoulder against those of a vertebra


def draw(frustum: Frustum, shoulder: Shoulder, stance: Stance, skin: Mapping[str, float], look: Look, nuisance: np.random.Generator,
         physics: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Stored values, masks of `STRUCTURES`, and the line integral (float32) of what stands before the film, the letter left out; `skin` holds size and fat (around 1)."""
    line, sponge, masks = limb_scene.hard(frustum, hard(shoulder, stance), STRUCTURES)
    line += scene.soft(frustum, [(body(skin, stance), "skin", 6.0), (lung(), "lung", 4.0), (fat(skin, nuisance), "fat", 2.0)], shoulder.view(stance))
    return limb_scene.finished(line, sponge, frustum, look, physics), masks, line


def room(site: str, difficulty: float, rng: np.random.Generator, *, view: str, betrays: bool) -> Exposure:
    """The room of a site on one day; makers print a Y view, whose thickness varies most, flatter."""
    varied = scene.varied(ROOMS[site], difficulty, rng)
    if view == "y":
        varied = replace(varied, compression=min(0.95, varied.compression + 0.13), contrast=0.85 * varied.contrast, window=(0.02, 0.9995))
    return film.betraying(varied) if betrays else varied


def body(skin: Mapping[str, float], stance: Stance) -> Solid:
    """Chest, neck, shoulder and arm in one skin; its shell is the fat (mm), its core the muscle."""
    s, lean = skin["size"], np.sin(np.radians(stance.away))
    z = [-330, -200, -110, -50, -10, 25, 60]
    trunk = loft(z, [MIDLINE] * 7, [8, 8, 6, 2, -6, -12, -14], np.array([152, 154, 156, 150, 130, 100, 66]) * s**0.5, s * np.array([112, 114, 110, 100, 86, 70, 60]), rounding=30)
    elbow = np.array([8 + 230 * lean, 4, -240.0])
    steps = [join(trunk), join(cone((MIDLINE, -12, 40), (MIDLINE, 0, 180), 60 * s, 55 * s), 30), join(cone((-120, -16, 40), (-16, -6, 20), 34 * s, 28 * s), 26),
             join(ellipsoid((6, -3, 0), (44 * s, 46 * s, 46 * s)), 18), join(cone((14, 0, -40), elbow, 40 * s, 37 * s), 16),
             join(cone((-34, 0, -40), (-50, 0, -150), 50 * s, 34 * s), 26)]
    return solid(steps, shell=((-330, -100, 0, 80, 180), skin["fat"] * np.array([13.0, 12.0, 9.0, 7.0, 6.0])))


def lung() -> Solid:
    """The lung within the ribs of the side."""
    return solid([join(ellipsoid((MIDLINE + 62, 6, -150), (50, 78, 168))), join(ellipsoid((MIDLINE + 50, -2, -30), (38, 46, 56)), 20)])


def fat(skin: Mapping[str, float], rng: np.random.Generator) -> Solid:
    """Fat beneath the deltoid, in the armpit and between the muscles."""
    steps = [join(ellipsoid((-42, 8, -72), (17, 22, 30), rotation(0, 18, 0)), 4), join(ellipsoid((28, 2, 8), (1.6, 20, 22), rotation(0, -16, 0)))]
    for x, y, z, reach, lean in ((30, 4, -62, 40, -8), (-20, 20, -60, 34, 16), (36, -8, -110, 44, -8), (-70, -30, -40, 40, 30)):
        steps.append(join(ellipsoid((x + rng.normal(0, 3), y + rng.normal(0, 4), z + rng.normal(0, 5)), (rng.uniform(0.7, 1.4), rng.uniform(10, 18), reach), rotation(0, lean, 0))))
    return solid(steps)
