"""What lies in one sagittal plane through a lumbar spine: layers in the order in which they are painted.

Column, sacrum and trunk are those of the radiographs (`spine_pose`, `spine_bones`, `spine_tissue`); canal, sac, cord and roots follow the posterior walls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from osteon.geometry.spine_mri import LEVELS
from osteon.simulate import lumbar_mri_disc, spine_bones, spine_tissue
from osteon.simulate.frustum import Placed
from osteon.simulate.knee_mri_scene import Brush
from osteon.simulate.lumbar_mri_disc import Plate, plate_of, sacral_plate
from osteon.simulate.lumbar_mri_patient import ABOVE, Spine
from osteon.simulate.mri_paint import Layer
from osteon.simulate.sdf import Solid, cone, ellipsoid, join, rotation, solid
from osteon.simulate.spine_bones import LUMBAR
from osteon.simulate.voxels import Lattice, Near

LOWEST = LUMBAR + len(LEVELS) - 1  # L5, counted from T1
BODIES = ("T10", "T11", "T12", *LEVELS)
DISCS = {level: f"{a}/{b}" for level, a, b in zip((*ABOVE, *range(LUMBAR, LOWEST + 1)), ("T11", "T12", *LEVELS), ("T12", *LEVELS, "S1"), strict=True)}
STRUCTURES = (*BODIES, "S1", *DISCS.values(), "csf", "arch", "cord")
STILL = np.zeros(3)
S1_TALL = 27.0  # mm from the endplate of S1 to what is left of the disc below


@dataclass(frozen=True, eq=False)
class Scene:
    """The solids of a spine, placed once: bones, canal and what it holds, muscle, vessels, trunk; the frame of the sacrum and the posterior walls (`_wall`)."""

    spine: Spine
    sacrum: np.ndarray
    wall: np.ndarray
    solids: dict[str, Placed] = field(default_factory=dict)


def scene_of(spine: Spine) -> Scene:
    """Every solid of a spine in its world."""
    from scipy.ndimage import gaussian_filter1d

    incidence, tilt = spine.person.pelvis
    turn, size = rotation(tilt - incidence, 0, 0), spine.person.size
    wall = _wall(spine, turn)
    fat = float(np.clip(5.0 + 1.1 * (spine.person.bmi - 20), 3.0, 26.0))
    even = gaussian_filter1d(wall, 1.6, axis=0, mode="nearest")
    whole = {"canal": _tube(_tapered(wall, (9.2, 9.0, 5.6, 4.0), (8.6, 8.4, 5.0, 2.0))), "sac": _tube(_sac(wall)), "cord": _cord(spine, wall),
             "muscle": _tube(_tapered(even, (32.0, 32.0, 27.0, 21.0), (17.0, 17.0, 11.0, 5.0))), "back": _tube(_tapered(even, (30.0, 30.0, 26.0, 22.0), (19.0 + fat, 19.0 + fat, 18.0 + fat, 14.0 + fat))),
             "crest": _tube(np.column_stack([wall[-4:], (20.0, 17.5, 13.0, 8.0), (3.2, 4.0, 3.4, 2.6)])), "aorta": _vessel(spine, 6.0, 8.5, 16.0), "cava": _vessel(spine, -15.0, 10.0, 15.0)}
    solids = {name: Placed(made, np.eye(3), STILL) for name, made in whole.items()}
    solids["trunk"] = Placed(spine_tissue.trunk(spine.column, 0.55 * spine.person.bmi + 9.0, female=False, size=size, arms=False), np.eye(3), STILL)
    solids["sacrum"] = Placed(spine_bones.sacrum(), turn, STILL)
    for name, vertebra in zip(BODIES, spine.column[LUMBAR - 3:], strict=True):
        solids[name], solids[f"{name} whole"] = vertebra.placed(np.eye(3), body_only=True), vertebra.placed(np.eye(3))
    return Scene(spine, turn, wall, solids)


def _wall(spine: Spine, sacrum: np.ndarray) -> np.ndarray:
    """Points (n, 6: place, direction backwards) along the posterior walls from T9 to S4."""
    walls = [(rim[3], -v.turn[:, 1]) for v in spine.column[LUMBAR - 4:] for top in (True, False) for rim in (v.rim(top),)]
    for y, z, bend in ((-17.2, -1, 0), (-15.0, -28, 4), (-9.0, -52, 12), (-2.0, -72, 20)):
        walls.append((sacrum @ np.array([0, y, z]), -(sacrum @ rotation(bend, 0, 0))[:, 1]))
    return np.array([np.concatenate(pair) for pair in walls])


def _tapered(wall: np.ndarray, behind: tuple[float, ...], radius: tuple[float, ...]) -> np.ndarray:
    """The wall with how far behind it (mm) a tube runs and how wide it is: above, at L5, at S2 and at its end."""
    at = [0, len(wall) - 5, len(wall) - 2, len(wall) - 1]
    return np.column_stack([wall, *(np.interp(np.arange(len(wall)), at, values) for values in (behind, radius))])


def _tube(wall: np.ndarray) -> Solid:
    """Round cones behind the wall: (n, 8: place, direction backwards, distance, radius)."""
    at, wide = wall[:, :3] + wall[:, 6:7] * wall[:, 3:6], wall[:, 7]
    return solid([join(cone(a, b, float(r), float(s)), 1.0) for a, b, r, s in zip(at, at[1:], wide, wide[1:], strict=False)])


def _sac(wall: np.ndarray) -> np.ndarray:
    """The dural sac: against the wall above, tapering away from it below L4 to its end at S2."""
    count = len(wall)
    radius = np.interp(np.arange(count), [0, count - 9, count - 5, count - 3, count - 2, count - 1], [7.4, 7.0, 6.2, 4.4, 2.6, 0.6])
    return np.column_stack([wall, radius + np.interp(np.arange(count), [0, count - 8, count - 4, count - 1], [1.1, 1.2, 2.2, 3.0]), radius])


def _cord(spine: Spine, wall: np.ndarray) -> Solid:
    """The cord, thinning to a point at the conus; in a patient who lies on the back it rests behind."""
    z = np.array([spine.conus + step for step in (95.0, 40.0, 22.0, 9.0, 0.0)])
    order = np.argsort(wall[:, 2])
    at = [np.array([0.0, float(np.interp(h, wall[order, 2], wall[order, 1])) - 9.3, h]) for h in z]
    return solid([join(cone(a, b, r, s), 0.5) for a, b, r, s in zip(at, at[1:], (4.4, 4.4, 4.2, 2.8), (4.4, 4.2, 2.8, 0.7), strict=False)])


def _vessel(spine: Spine, aside: float, radius: float, ahead: float) -> Solid:
    """A great vessel before the bodies down to L4."""
    at = [v.middle + np.array([aside, 0.5 * v.shape.depth + ahead - 4, 0]) for v in spine.column[LUMBAR - 4: LOWEST]]
    return solid([join(cone(a, b, radius, radius), 1.0) for a, b in zip(at, at[1:], strict=False)])


def layers(scene: Scene, lattice: Lattice, rng: np.random.Generator) -> list[Layer]:
    """The layers of a lattice of one slice; `rng` places bowel and roots."""
    brush = Brush(lattice, float(max(lattice.step[1:])), lattice.step[0])
    return [*_trunk(scene, brush, rng), *_behind(scene, brush), *_sacrum(scene, brush, whole=True), *_canal(scene, brush, rng), *_discs(scene, brush), *_bones(scene, brush)]


def _layer(scene: Scene, brush: Brush, name: str, tissue: str, *, called: str = "", grown: float = 0.0, most: float = 1.0) -> Iterator[Layer]:
    near = brush.near(scene.solids[name], brush.edge + max(grown, 0.0), brush.edge + max(-grown, 0.0))
    if near is not None:
        yield brush.layer(called or name, tissue, near.window, near.mm - np.float32(grown), most)


def _trunk(scene: Scene, brush: Brush, rng: np.random.Generator) -> Iterator[Layer]:
    """Skin and fat, the abdomen with bowel and great vessels."""
    for name in ("trunk", "back"):
        yield from _layer(scene, brush, name, "skin", called="skin", grown=1.6)
    for name in ("trunk", "back"):
        yield from _layer(scene, brush, name, "fat", called="fat", grown=0.2)
    lead = scene.spine.column[LUMBAR + 2].middle
    for _ in range(16):
        at = lead + np.array([rng.uniform(-10, 10), rng.uniform(48, 125), rng.uniform(-120, 110)])
        wide = rng.uniform((22, 7, 6), (30, 26, 13))
        loop = Placed(solid([join(ellipsoid(at, wide, rotation(float(rng.uniform(0, 180)), 0, 0)))]), np.eye(3), STILL)
        if (near := brush.near(loop)) is not None:
            yield brush.layer("bowel", "muscle", near.window, near.mm, 0.8)
            yield brush.layer("bowel", "bowel" if rng.random() < 0.8 else "fast blood", near.window, near.mm + 2.2, 0.8)
    for name, inner in (("cava", "slow blood"), ("aorta", "fast blood")):
        yield from _layer(scene, brush, name, "vessel wall")
        yield from _layer(scene, brush, name, inner, grown=-1.2)


def _behind(scene: Scene, brush: Brush) -> Iterator[Layer]:
    """Muscles beside the spinous processes, the ligaments between them in the midline, the band over their tips."""
    yield from _layer(scene, brush, "muscle", "fascia", grown=1.6, most=0.85)
    near = brush.near(scene.solids["muscle"])
    if near is None:
        return
    yield brush.layer("muscle", "back muscle", near.window, near.mm)
    aside = np.abs(brush.lattice.along(np.array([1.0, 0, 0]), STILL, near.window))
    yield Layer("interspinous", "interspinous", near.window[1:], (brush.cover(near.mm) * np.exp(-((aside / 3.2) ** 2)) * 0.92)[0].astype(np.float32))


def _canal(scene: Scene, brush: Brush, rng: np.random.Generator) -> Iterator[Layer]:
    """Flaval ligaments about the canal, epidural fat, dura, fluid with cord and roots."""
    yield from _layer(scene, brush, "canal", "flavum", grown=2.4, most=0.9)
    yield from _layer(scene, brush, "canal", "epidural fat")
    yield from _layer(scene, brush, "sac", "tendon", called="dura", grown=0.5, most=0.75)
    sac = brush.near(scene.solids["sac"], brush.edge, 9.0)
    if sac is None:
        return
    inside = brush.cover(sac.mm)
    yield Layer("csf", "csf", sac.window[1:], inside[0])
    yield from _roots(scene, brush, sac, rng)
    yield from _layer(scene, brush, "cord", "cord")


def _roots(scene: Scene, brush: Brush, sac: Near, rng: np.random.Generator) -> Iterator[Layer]:
    """Strands of the cauda equina: they leave the conus together, lie behind and spread towards the front on their way down."""
    spine, lattice = scene.spine, brush.lattice
    wall = scene.wall
    order = np.argsort(wall[:, 2])
    z = lattice.along(np.array([0.0, 0, 1]), STILL, sac.window)
    y = lattice.along(np.array([0.0, 1, 0]), STILL, sac.window)
    back = np.interp(z, wall[order, 2], wall[order, 1]).astype(np.float32) - y
    down = np.clip(spine.conus + 14 - z, 0, None)
    inside = brush.cover(sac.mm + 0.7)
    for place, sway in zip(np.linspace(-1.0, 1.0, 7), rng.normal(0, 1, 7), strict=True):
        at = 10.0 + place * np.minimum(1.2 + 0.022 * down, 3.6) - 0.012 * down + 0.5 * sway * np.sin(down / (24 + 5 * sway))
        strand = np.exp(-(((back - at) / 0.62) ** 2)) * (down > 0) * inside * np.float32(rng.uniform(0.45, 0.85))
        yield Layer("csf", "root", sac.window[1:], strand[0].astype(np.float32))


def _discs(scene: Scene, brush: Brush) -> Iterator[Layer]:
    for upper, lower, level in plates(scene):
        yield from lumbar_mri_disc.layers(brush, upper, lower, scene.spine.discs[level], DISCS[level])


def plates(scene: Scene) -> Iterator[tuple[Plate, Plate, int]]:
    """The endplates above and below each disc, and its level."""
    column = scene.spine.column
    for level in DISCS:
        below = sacral_plate(scene.sacrum, scene.spine.person.size) if level == LOWEST else plate_of(column[level + 1], True)
        yield plate_of(column[level], False), below, level


def _bones(scene: Scene, brush: Brush) -> Iterator[Layer]:
    yield from _sacrum(scene, brush, whole=False)
    yield from _layer(scene, brush, "crest", "cortex", called="sacrum")
    yield from _layer(scene, brush, "crest", "vertebral marrow", called="sacrum", grown=-1.0)
    around = {level: (upper, lower) for upper, lower, level in plates(scene)}
    for level, name in enumerate(BODIES, LUMBAR - 3):
        yield from _layer(scene, brush, f"{name} whole", "cortex", called="arch")
        yield from _layer(scene, brush, f"{name} whole", "vertebral marrow", called="arch", grown=-1.0)
        near = brush.near(scene.solids[name], 0.0, 4.0)
        if near is None:
            continue
        yield brush.layer(name, "cortex", near.window, near.mm)
        yield brush.layer(name, "vertebral marrow", near.window, near.mm + 0.95)
        inside = brush.cover(near.mm + 1.0)[0]
        yield from _vein(scene.spine.column[level], brush, near, name)
        for disc, which, sign in ((level, 0, 1.0), (level - 1, 1, -1.0)):
            if disc in around and scene.spine.discs[disc].modic != "none":
                yield _changed(brush, near, inside, around[disc][which], sign, (name, scene.spine.discs[disc].modic))


def _changed(brush: Brush, near: Near, inside: np.ndarray, plate: Plate, sign: float, what: tuple[str, str]) -> Layer:
    """Marrow changes beside an endplate (Modic 1 as oedema, 2 as fat), strongest at the plate."""
    name, kind = what
    deep = np.maximum(sign * brush.lattice.along(plate.up, plate.middle, near.window), 0)
    along = brush.lattice.along(plate.forward, plate.middle, near.window) / np.float32(plate.half)
    share = 0.85 * np.exp(-((deep / 6.0) ** 2) - 0.8 * (along - 0.25) ** 2)
    return Layer(name, "oedema" if kind == "oedema" else "modic fat", near.window[1:], (inside * share[0]).astype(np.float32))


def _vein(vertebra: object, brush: Brush, near: Near, name: str) -> Iterator[Layer]:
    """The basivertebral vein: a wedge from the middle of the posterior wall."""
    turn, middle, depth = vertebra.turn, vertebra.middle, vertebra.shape.depth  # type: ignore[attr-defined]
    y, z = (brush.lattice.along(turn[:, k], middle, near.window) for k in (1, 2))
    into = np.clip((y + np.float32(0.5 * depth)) / np.float32(0.42 * depth), 0, 1.2)
    field_ = np.maximum(np.abs(z) - (2.4 - 2.0 * into), (into - 1) * np.float32(0.42 * depth))
    yield brush.layer(name, "vein", near.window, np.maximum(field_, near.mm + 0.3), 0.75)


def _sacrum(scene: Scene, brush: Brush, *, whole: bool) -> Iterator[Layer]:
    """The sacrum with remnants of its discs, the body of S1 by a name of its own: whole, or what lies before the canal once more, over the disc above."""
    near = brush.near(scene.solids["sacrum"], 0.0, 4.0)
    if near is None:
        return
    y, z = (brush.lattice.along(scene.sacrum[:, k], STILL, near.window) for k in (1, 2))
    mm = near.mm if whole else np.maximum(near.mm, np.maximum(-17.3 - y, -12.0 - z))
    yield brush.layer("sacrum", "cortex", near.window, mm)
    yield brush.layer("sacrum", "vertebral marrow", near.window, np.maximum(mm, near.mm + 1.1))
    body = np.maximum(np.maximum(mm, -S1_TALL - z), np.maximum(-17.3 - y, y - 20))
    yield brush.layer("S1", "cortex", near.window, body)
    yield brush.layer("S1", "vertebral marrow", near.window, np.maximum(body, near.mm + 1.1))
    for low, front, half, thick in ((-S1_TALL, -0.5, 11.0, 2.0), (-52.0, 4.0, 7.0, 1.2)) if whole else ():
        lens = (np.hypot((y - front) / half, (z - low - 0.08 * (y - front)) / thick) - 1) * np.float32(thick)
        yield brush.layer("sacrum", "cortex", near.window, np.maximum(lens, near.mm), 0.9)
        yield brush.layer("sacrum", "annulus", near.window, np.maximum(lens + 0.8, near.mm))
