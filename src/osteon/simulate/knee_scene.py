"""What stands before the film of a knee, and how the film is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from osteon.simulate import film, knee_bones
from osteon.simulate import spine_scene as scene
from osteon.simulate.film import Exposure
from osteon.simulate.frustum import Frustum
from osteon.simulate.knee_ap import Drawing, Person, Setting
from osteon.simulate.knee_pose import Knee
from osteon.simulate.sdf import Solid, Step, ellipsoid, join, loft, rotation, solid

ROOMS: Mapping[str, Exposure] = MappingProxyType({
    "A": Exposure(2.5e5, 0.16, 0.28, 0.78, 0.75, 4.8, (0.1, 0.9995)), "B": Exposure(9e4, 0.28, 0.55, 0.64, 0.35, 4.9, (0.03, 0.999), 16384)})
BORDER: Mapping[str, float] = MappingProxyType({"A": 0.0, "B": 0.95})  # the shade beyond the shutters
FINER = 1.6  # trabeculae of the knee against those of a vertebra
LETTER_MM: Mapping[str, float] = MappingProxyType({"A": 12.0, "B": 9.0})


def draw(frustum: Frustum, knees: Sequence[Knee], person: Person, setting: Setting, asked: Drawing, nuisance: np.random.Generator,
         physics: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Stored values, and the line integral (float32) of what stands before the film, letters left out."""
    line, sponge = scene.hard(frustum, _things(knees, person, setting))
    line += scene.soft(frustum, layers(knees, person, nuisance), np.eye(3))
    marked = line.copy()
    letters(marked, frustum, knees, setting, asked.site)
    room = scene.varied(ROOMS[asked.site], asked.difficulty, nuisance)
    room = film.betraying(room) if "betrayed" in setting.extras else room
    return scene.develop(marked, sponge * person.grain**2, frustum, room, setting.margins, BORDER[asked.site], physics, finer=FINER), line


def _things(knees: Sequence[Knee], person: Person, setting: Setting) -> Iterator[scene.Thing]:
    for knee in knees:
        yield from scene.bones(knee.bones.values())
        for bone, made in knee_bones.dense(knee.shape, knee.wear):
            yield knee.placed(bone, made), "cortex"
        for bone, made in knee_bones.scars(knee.shape, person.scars):
            yield knee.placed(bone, made), "cortex"
        if "fabella" in setting.extras:
            yield knee.placed("femur", knee_bones.fabella(knee.shape)), "bone"
        if "chalk" in setting.extras:
            yield knee.placed("tibia", knee_bones.calcified(knee.shape)), "cortex"


def layers(knees: Sequence[Knee], person: Person, rng: np.random.Generator) -> list[tuple[Solid, str, float]]:
    """Skin with fat and muscle, and the planes of fat between, as `spine_scene.soft` draws them."""
    return [(_limbs(knees, person), "skin", 4.0), (_fat(knees, rng), "fat", 1.6)]


def _limbs(knees: Sequence[Knee], person: Person) -> Solid:
    """Thigh, knee and calf in one skin; its shell is the fat (mm), its core the muscle."""
    size = np.sqrt(person.bmi / 27.0)
    steps: list[Step] = []
    for knee in knees:
        middle, out = knee.bones["femur"].shift, 1.0 if knee.side == "L" else -1.0
        z = np.array([140, 100, 60, 25, 0, -30, -65, -105, -140])
        rx = np.array([72, 67, 61.5, 58, 56, 54.5, 57, 61, 60]) * size * person.width**0.5
        ry = np.array([78, 72, 64, 58, 55, 56, 61, 66, 64]) * size * person.width**0.5
        steps.append(join(loft(middle[2] + z, middle[0] + out * np.array([5, 4, 2, 0, 0, 0, 1, 2, 2]), middle[1] + np.array([0, 0, 2, 3, 1, -5, -12, -18, -20]), rx, ry, rounding=15), 4))
    fat = (1.25 if person.sex == "female" else 0.85) * size**3
    return solid(steps, shell=((-140, -60, 0, 60, 140), fat * np.array([6.0, 6.0, 5.0, 7.5, 9.5])))


def _fat(knees: Sequence[Knee], rng: np.random.Generator) -> Solid:
    """Fat before and behind the joint, and the planes between the muscles."""
    steps = []
    for knee in knees:
        at, out = knee.bones["femur"].shift, 1.0 if knee.side == "L" else -1.0
        steps += [join(ellipsoid(at + (0, 30, -8), (18, 10, 14)), 4), join(ellipsoid(at + (0, -42, 25), (17, 11, 34)), 4), join(ellipsoid(at + (0, 36, 66), (20, 6, 14)), 4)]
        for x, z, reach in ((-36, 62, 34), (32, 64, 36), (-34, -62, 30), (30, -66, 32)):
            centre = at + np.array([out * (x + rng.normal(0, 4)), rng.uniform(-24, 16), z + rng.normal(0, 6)])
            steps.append(join(ellipsoid(centre, (rng.uniform(1.2, 2.6), rng.uniform(14, 24), reach), rotation(0, out * rng.normal(3, 4), rng.normal(0, 22)))))
    return solid(steps)


def letters(line: np.ndarray, frustum: Frustum, knees: Sequence[Knee], setting: Setting, site: str) -> None:
    """A lead letter lateral of each knee; the right knee stands on the left of the film."""
    rows, cols = frustum.shape
    down, aside, tilt = setting.letter
    height = LETTER_MM[site] / frustum.pixel
    for knee in knees:
        reach = aside * rows
        col = reach if knee.side == "R" else cols - reach - 0.62 * height
        film.stamp_letter(line, knee.side, (down * rows, col), height, tilt=tilt)
