"""What stands before a lateral film of the neck, and how the film is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np

from osteon.simulate import cervical_bones, film, skull_bones, thorax_bones
from osteon.simulate import spine_scene as scene
from osteon.simulate.cervical import Drawing, Person, Setting
from osteon.simulate.cervical_pose import Neck
from osteon.simulate.film import Exposure
from osteon.simulate.frustum import Frustum, Placed, traverse
from osteon.simulate.sdf import Solid, Step, cone, cut, ellipsoid, join, loft, moved, rotation, solid
from osteon.simulate.spine_pose import LEFT_LATERAL

ROOMS: Mapping[str, Exposure] = MappingProxyType({
    "A": Exposure(1.6e6, 0.10, 0.3, 0.80, 0.8, 4.9, (0.08, 0.975)), "B": Exposure(6e5, 0.17, 0.55, 0.72, 0.45, 4.4, (0.10, 0.99), 16384)})
BORDER: Mapping[str, float] = MappingProxyType({"A": 0.0, "B": 0.95})  # the shade beyond the shutters
LETTER_MM: Mapping[str, float] = MappingProxyType({"A": 12.0, "B": 9.0})
DENSITY = 1.7  # of cervical spongy bone against that of a lumbar vertebra of middle age
FINER = 1.3  # trabeculae of a cervical vertebra against those of a lumbar one
STILL = np.zeros(3)


def view_of(setting: Setting) -> np.ndarray:
    """The turn from the patient's world to that of the film."""
    return LEFT_LATERAL @ rotation(0, setting.pose[1], setting.pose[0])


def draw(frustum: Frustum, neck: Neck, view: np.ndarray, person: Person, setting: Setting, asked: Drawing, nuisance: np.random.Generator,
         physics: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Stored values, and the line integral (float32) of what stands before the film, the letter left out."""
    line, sponge = scene.hard(frustum, scene.bones(_spine(neck, view)), density=DENSITY)
    line += scene.hard(frustum, _others(neck, view, person, setting))[0]
    tissue = scene.soft(frustum, _layers(neck, person, setting, nuisance), view)
    line += np.maximum(tissue - _air(frustum, neck, view, person.size, nuisance), 0)
    marked = line.copy()
    rows, cols = frustum.shape
    down, aside, tilt = setting.letter
    film.stamp_letter(marked, "L", (down * rows, aside * cols), LETTER_MM[asked.site] / frustum.pixel, tilt=tilt)
    room = scene.varied(ROOMS[asked.site], asked.difficulty, nuisance)
    room = film.betraying(room) if setting.betrays else room
    return scene.develop(marked, sponge, frustum, room, setting.margins, BORDER[asked.site], physics, finer=FINER), line


def _spine(neck: Neck, view: np.ndarray) -> Iterator[Placed]:
    yield from (b.placed(view) for b in neck.bones)
    yield from (v.placed(view) for v in neck.thorax)
    size, cortex = neck.bones[0].shape.build
    yield Placed(cervical_bones.atlas(size, cortex, neck.interval), view @ neck.atlas[0], view @ neck.atlas[1])


def _others(neck: Neck, view: np.ndarray, person: Person, setting: Setting) -> Iterator[scene.Thing]:
    """What shows no grain: skull, jaw, teeth, hyoid, larynx, ribs, clavicles, an ossified ligament."""
    k, (turn, shift), at = person.size, neck.skull, hyoid_at(neck, person.size)
    for side in (-1, 1):
        yield Placed(thorax_bones.rib(neck.thorax[0], 0, side, k, 0.0), view, STILL), "bone"
        yield Placed(clavicle(neck, side, k, setting.shoulders), view, STILL), "bone"
    for made in (skull_bones.occiput(k), skull_bones.base(k), skull_bones.mandible(k, setting.jaw), skull_bones.teeth(k, setting.jaw, person.teeth[0])):
        yield Placed(made, view @ turn, view @ shift), "bone"
    if person.teeth[1]:
        yield Placed(skull_bones.fillings(k, setting.jaw, person.teeth[1]), view @ turn, view @ shift), "steel"
    yield Placed(skull_bones.hyoid(k), view, view @ at), "bone"
    if person.chalk > 0.1:
        yield Placed(skull_bones.cartilage(k * (0.9 + 0.1 * person.chalk)), view, view @ at), "cortex"
    if neck.mass:
        yield Placed(cervical_bones.mass(neck.mass.places[:, 0], neck.mass.places[:, 1]), view, STILL), "bone"


def hyoid_at(neck: Neck, k: float) -> np.ndarray:
    """The middle of the body of the hyoid, before C3 and C4."""
    return 0.5 * (neck.bones[1].middle + neck.bones[2].middle) + np.array([0, 43 * k, -3 * k])


def clavicle(neck: Neck, side: int, k: float, shoulders: float) -> Solid:
    """A clavicle and the neck of its shoulder blade, before and beside T1 to T3."""
    low = neck.thorax[1].middle
    inner, outer = low + np.array([side * 24, 44, -34]) * k, low + np.array([side * 150, 2, -12]) * k + (0, 0, shoulders)
    bend = 0.5 * (inner + outer) + np.array([0, 12, 4]) * k
    return solid([join(cone(inner, bend, 7 * k, 5 * k)), join(cone(bend, outer, 5 * k, 6 * k), 3)], shell=((-300, 300), (1.4, 1.4)))


def _layers(neck: Neck, person: Person, setting: Setting, rng: np.random.Generator) -> list[tuple[Solid, str, float]]:
    k, size = person.size, float(np.sqrt(person.bmi / 25.0))
    z, front = _front(neck, k)
    return [(_skin(neck, person, setting, z, front, size), "skin", 4.0), (_fat(neck, k, rng), "fat", 1.6)]


def _air(frustum: Frustum, neck: Neck, view: np.ndarray, k: float, rng: np.random.Generator) -> np.ndarray:
    """What air takes away, on the film's own pixels: its borders are the sharpest of the neck."""
    out = np.zeros(frustum.shape, np.float32)
    for made in (_airway(neck, k, *_front(neck, k), rng), solid(moved(skull_bones.cells(k), *neck.skull))):
        chords = traverse(frustum, Placed(made, view, STILL))
        if chords is not None:
            out[chords.window] += chords.total * np.float32(film.ATTENUATION["muscle"])
    return out


def _front(neck: Neck, k: float) -> tuple[np.ndarray, np.ndarray]:
    """Heights (z) from T3 up to the skull, and how far forwards (y) the front of the spine stands there."""
    walls = [v.world((0, 0.5 * v.shape.depth, 0)) for v in neck.thorax[::-1]] + [b.world((0, b.shape.wall, 0)) for b in neck.bones[::-1]]
    top = neck.atlas[1] + np.array([0, 11, 0]) * k
    points = np.array([*walls, top, top + np.array([0, 6, 16]) * k, top + np.array([0, 14, 30]) * k])
    return points[:, 2], points[:, 1]


def _skin(neck: Neck, person: Person, setting: Setting, z: np.ndarray, front: np.ndarray, size: float) -> Solid:
    """Neck, head, jaw, shoulders and upper chest in one skin; its shell is the fat (mm), its core the muscle."""
    k, (turn, skull) = person.size, neck.skull
    levels = np.array([-150, -110, -85, -60, -30, 0, 28, 55, 80.0])
    ahead = np.interp(levels, z, front) + k * size * np.array([66, 52, 44, 42, 43, 46, 44, 40, 40])
    behind = np.interp(levels, z, front) - k * size * np.array([112, 108, 98, 88, 80, 78, 80, 84, 88])
    wide = k * size * np.array([104, 78, 64, 60, 57, 56, 58, 62, 66])
    steps: list[Step] = [join(loft(levels, np.zeros(9), 0.5 * (ahead + behind), wide, 0.5 * (ahead - behind), rounding=20))]
    steps += [join(ellipsoid(skull + turn @ (np.array([0, -10, 58]) * k), np.array([74, 98, 78]) * k, turn), 14), join(ellipsoid(skull + turn @ (np.array([0, 56, -4]) * k), np.array([58, 52, 56]) * k, turn), 14),
              join(ellipsoid(skull + turn @ (np.array([0, 68, -38]) * k), np.array([46, 42, 28]) * k, turn), 16)]
    low = neck.thorax[1].middle
    for s in (-1, 1):
        steps.append(join(ellipsoid(low + np.array([s * 104, -16, -66]) * k + (0, 0, setting.shoulders), np.array([72, 56, 52]) * k * size, rotation(0, s * 24, 0)), 34))
    fat = (1.2 if person.sex == "female" else 0.9) * size**3
    return solid(steps, shell=((-150, -60, 0, 60, 160), fat * np.array([12, 8, 6, 5, 5])))


def _airway(neck: Neck, k: float, z: np.ndarray, front: np.ndarray, rng: np.random.Generator) -> Solid:
    """Air from the nasopharynx to the trachea, with soft palate, tongue, epiglottis and vocal folds left out of it."""
    hyoid, (turn, skull) = hyoid_at(neck, k), neck.skull
    heights = np.concatenate([np.array([-140, -104, -74, -60]) * k, hyoid[2] + np.array([-40, -29, -18, -4, 8, 20, 33]) * k, skull[2] + np.array([-8, 0, 10]) * k])
    wall = np.array([11, 11, 12, 13, 12, 10, 6, 4.5, 4.0, 4.0, 4.0, 4.5, 5, 9]) * k * (1 + 0.08 * rng.normal())  # prevertebral soft tissue (mm)
    deep = np.array([8.0, 8.0, 8.2, 8.0, 7.5, 6.0, 8.5, 9.0, 9.0, 7.5, 5.5, 5.0, 6.5, 5.5]) * k
    wide = np.array([8.5, 8.5, 8.5, 8, 7, 6, 12, 14, 16, 15, 14, 14, 14, 12]) * k
    steps = [join(loft(heights, np.zeros(14), np.interp(heights, z, front) + wall + deep, wide, deep, rounding=6))]

    def head(*at: float) -> np.ndarray:
        return skull + turn @ (np.array(at) * k)

    steps += [join(ellipsoid(hyoid + np.array([0, -11, 2]) * k, np.array([13, 4.5, 5.5]) * k), 3), join(ellipsoid(head(0, 52, 12), np.array([13, 34, 8]) * k, turn), 5),
              join(ellipsoid(head(0, 56, -8), np.array([15, 20, 1.2]) * k, turn), 3)]
    steps += [cut(cone(head(0, 38, 0), head(0, 25, -22), 4.2 * k, 3.4 * k), 2), cut(ellipsoid(hyoid + np.array([0, -17, 7]) * k, np.array([15, 1.5, 13]) * k, rotation(24, 0, 0)), 1),
              cut(ellipsoid(hyoid + np.array([0, -12, -27]) * k, np.array([14, 14, 1.7]) * k), 1.5)]  # soft palate, epiglottis, vocal folds
    return solid(steps)


def _fat(neck: Neck, k: float, rng: np.random.Generator) -> Solid:
    """The plane before the deep muscles of the nape, the fat before the larynx, and that behind the muscles."""
    steps = []
    for b, aside in zip(neck.bones[1:], rng.normal(0, 2, 5), strict=True):
        steps.append(join(ellipsoid(b.world((0, -b.shape.wall - 46 * k + aside, -4)), (9 * k, 1.2, 14 * k), rotation(6, 0, 0)), 3))
    steps.append(join(ellipsoid(hyoid_at(neck, k) + np.array([0, -4, -8]) * k, np.array([9, 3.2, 8]) * k), 2))
    return solid(steps)
