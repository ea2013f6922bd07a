"""The scene of a lateral lumbar spine: column, pelvis, femora, lower ribs, soft tissue, a letter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from osteon.simulate import film, lower_limb_bones, spine_bones, spine_pelvis, spine_tissue, thorax_bones
from osteon.simulate import spine_scene as scene
from osteon.simulate.ap_spine_scene import BORDER, ENDPLATE
from osteon.simulate.film import Exposure
from osteon.simulate.frustum import Frustum, Placed
from osteon.simulate.lateral_lumbar import Person, Setting
from osteon.simulate.lower_limb_bones import LegShape
from osteon.simulate.sdf import Solid, rotation
from osteon.simulate.spine_pose import LEFT_LATERAL, Vertebra, chest_lean

ROOMS: Mapping[str, Exposure] = MappingProxyType({
    "A": Exposure(4e6, 0.035, 0.35, 0.84, 1.0, 4.2, (0.01, 0.996)), "B": Exposure(1.5e6, 0.06, 0.6, 0.76, 0.55, 3.8, (0.01, 0.995), 16384)})
HEADS = 86.0  # mm: how far the centres of the femoral heads stand from the midline


def view_of(setting: Setting) -> np.ndarray:
    """The turn from the column's world to that of the film."""
    return LEFT_LATERAL @ rotation(0, setting.tilt, setting.turn)


def pelvis_turn(person: Person) -> np.ndarray:
    """The tilt that brings the pelvis to the wanted PT."""
    return rotation(person.pelvis[1] - float(np.degrees(np.arctan2(-ENDPLATE[1], ENDPLATE[2]))), 0, 0)


def hip_axis(person: Person) -> np.ndarray:
    """The middle between the femoral heads, below the endplate of S1."""
    return -pelvis_turn(person) @ ENDPLATE


def draw(frustum: Frustum, column: Sequence[Vertebra], view: np.ndarray, person: Person, setting: Setting, site: str, difficulty: float,
         nuisance: np.random.Generator, physics: np.random.Generator, *, density: float = 1.0) -> np.ndarray:
    """Stored values (rows, cols) uint16; `density` is that of the spongy bone."""
    line, sponge = scene.hard(frustum, scene.bones(_bones(column, view, person)), density=density)
    line += scene.soft(frustum, _layers(column, person, nuisance), view)
    at = np.array([nuisance.uniform(10, 24), nuisance.uniform(225, 243)]) / frustum.pixel
    film.stamp_letter(line, "L", (float(at[0]), float(at[1])), 15.0 / frustum.pixel, tilt=float(nuisance.normal(0, 4)))
    room = scene.varied(ROOMS[site], difficulty, nuisance)
    room = film.betraying(room) if setting.betrays else room
    return scene.develop(line, sponge, frustum, room, setting.margins, BORDER[site], physics)


def _bones(column: Sequence[Vertebra], view: np.ndarray, person: Person) -> Iterator[Placed]:
    size, still = person.size, np.zeros(3)
    yield from (v.placed(view) for v in column[7:])
    for part in (-1, 1):
        yield from (Placed(thorax_bones.rib(column[i], i, part, size, chest_lean(column)), view, still) for i in range(6, 12))
    turn, hip = pelvis_turn(person), hip_axis(person)
    for side in (-1.0, 1.0):
        mirror = np.diag([side, 1, 1])
        yield Placed(spine_pelvis.hip_bone(HEADS, 23.2 * size), view @ turn @ mirror, view @ hip)
        shape = LegShape(head=23.2 * size)
        leg = rotation(0, side * 3.0, 0) @ mirror
        yield Placed(lower_limb_bones.femur(shape), view @ leg, view @ (hip + turn @ (side * HEADS, 0, 0) - leg @ shape.hip))
    yield Placed(spine_bones.sacrum(), view @ rotation(person.pelvis[1] - person.pelvis[0], 0, 0), still)


def _layers(column: Sequence[Vertebra], person: Person, rng: np.random.Generator) -> list[tuple[Solid, str, float]]:
    size = person.size
    return [(spine_tissue.trunk(column, 0.55 * person.bmi + 9.0, female=False, size=size, arms=False), "skin", 6.0),
            (spine_tissue.lungs(column, size, rng), "lung", 3.0),
            (spine_tissue.abdominal_gas(column, size, rng), "gas", 2.5)]
