"""The scene of an anteroposterior spine: column, chest, pelvis, soft tissue, letters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from osteon.simulate import film, pelvis_bones, spine_bones, spine_tissue, thorax_bones
from osteon.simulate import spine_scene as scene
from osteon.simulate.ap_spine import Person, Setting
from osteon.simulate.film import Exposure
from osteon.simulate.frustum import Frustum, Placed
from osteon.simulate.sdf import Solid, cone, join, rotation, solid
from osteon.simulate.spine_pose import Vertebra, chest_lean, neck

ROOMS: Mapping[str, Exposure] = MappingProxyType({
    "A": Exposure(1.6e5, 0.15, 0.35, 0.84, 0.9, 3.6, (0.01, 0.996)), "B": Exposure(6e4, 0.28, 0.6, 0.74, 0.5, 3.4, (0.01, 0.995), 16384)})
BORDER: Mapping[str, float] = MappingProxyType({"A": 0.0, "B": 0.95})
ENDPLATE = np.array([0.0, -34.0, 112.0])  # of S1, in the frame of the pelvis


def draw(frustum: Frustum, column: Sequence[Vertebra], view: np.ndarray, person: Person, setting: Setting, site: str, difficulty: float,
         nuisance: np.random.Generator, physics: np.random.Generator) -> np.ndarray:
    """Stored values (rows, cols) uint16."""
    line, sponge = scene.hard(frustum, _things(column, view, person, setting, nuisance))
    line += scene.soft(frustum, _layers(column, person, nuisance), view)
    for side, col in (("R", 18.0), ("L", frustum.shape[1] * frustum.pixel - 36.0)):
        at = np.array([nuisance.uniform(12, 30), col + nuisance.uniform(-4, 10)]) / frustum.pixel
        film.stamp_letter(line, side, (float(at[0]), float(at[1])), 17.0 / frustum.pixel, tilt=float(nuisance.normal(0, 4)))
    room = scene.varied(ROOMS[site], difficulty, nuisance)
    room = film.betraying(room) if setting.betrays else room
    return scene.develop(line, sponge, frustum, room, setting.margins, BORDER[site], physics)


def _things(column: Sequence[Vertebra], view: np.ndarray, person: Person, setting: Setting, rng: np.random.Generator) -> Iterator[scene.Thing]:
    """Everything hard before the film."""
    size, slope = person.size, person.profile[2] + 12
    yield from scene.bones(v.placed(view) for v in column)
    yield from scene.bones(Placed(spine_bones.cervical(number, size), view @ turn, view @ middle) for number, turn, middle in neck(tuple(column), size))
    yield from scene.bones(Placed(made, view, np.zeros(3)) for made in _chest(column, size, setting))
    yield from scene.bones(_pelvis(view, size, slope))
    if setting.clips:
        yield Placed(_clips(setting.clips, rng), view, np.zeros(3)), "steel"


def _chest(column: Sequence[Vertebra], size: float, setting: Setting) -> Iterator[Solid]:
    lean = chest_lean(column)
    for side, drop in zip((-1, 1), setting.shoulders, strict=True):
        yield from (thorax_bones.rib(column[i], i, side, size, lean) for i in range(12))
        yield thorax_bones.shoulder_girdle(column, side, size, drop)
        yield thorax_bones.humerus(column, side, size, drop)
    yield thorax_bones.sternum(column, size)


def _pelvis(view: np.ndarray, size: float, slope: float) -> Iterator[Placed]:
    for side in (-1.0, 1.0):
        turn = view @ np.diag([side, 1, 1])
        yield Placed(pelvis_bones.innominate(86.0 * size, 23.2 * size), turn, -view @ ENDPLATE)
    yield Placed(spine_bones.sacrum(), view @ rotation(-slope, 0, 0), np.zeros(3))


def _clips(count: int, rng: np.random.Generator) -> Solid:
    """Clips of a brace that was left on."""
    steps = []
    for _ in range(count):
        at = np.array([rng.uniform(-120, 120), 115, rng.uniform(20, 260)])
        steps += [join(cone(at, at + (14, 0, 0), 1.6, 1.6)), join(cone(at, at + (0, 0, 9), 1.2, 1.2))]
    return solid(steps)


def _layers(column: Sequence[Vertebra], person: Person, rng: np.random.Generator) -> list[tuple[Solid, str, float]]:
    size = person.size
    return [(spine_tissue.trunk(column, person.bmi, female=person.sex == "female" and person.age > 12.5, size=size), "skin", 6.0),
            (spine_tissue.lungs(column, size, rng), "lung", 3.0), (spine_tissue.vessels(column, size, rng), "vessel", 2.0),
            (spine_tissue.airway(column, size), "gas", 2.5), (spine_tissue.abdominal_gas(column, size, rng), "gas", 2.5),
            (spine_tissue.psoas_fat(column, rng), "fat", 2.0)]
