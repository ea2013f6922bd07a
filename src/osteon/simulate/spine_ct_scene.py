"""A spine in Hounsfield units: soft tissue, bone with its trabeculae, fracture, tumour, and the label of every voxel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from osteon.simulate import spine_ct_tissue as around
from osteon.simulate import spine_tissue, thorax_bones
from osteon.simulate.frustum import Placed
from osteon.simulate.sdf import Solid, cone, ellipsoid, join, solid
from osteon.simulate.spine_bones import body_alone
from osteon.simulate.spine_ct_states import Broken
from osteon.simulate.spine_pose import Vertebra
from osteon.simulate.voxels import Lattice, Near, distance

STRUCTURES = ("broken vertebra", "other vertebrae", "tumour", "canal", "aorta", "calcification", "disc", "muscle")
HU: Mapping[str, float] = MappingProxyType({"air": -1000.0, "fat": -102.0, "muscle": 54.0, "blood": 43.0, "kidney": 34.0, "bowel": 40.0, "gas": -820.0, "disc": 82.0, "sac": 10.0, "cord": 36.0,
                                            "cortex": 1020.0, "tumour": 58.0, "calcium": 780.0, "rib": 430.0, "skin": 20.0})
PER_BMD, MARROW = 1.22, -8.0  # HU a mg/cm3 at 120 kV, and HU of marrow without mineral
TILE = 64
BACK_MM = 11.0  # of fat that lie over the trunk of the films, whose muscle reaches to its skin


@dataclass(frozen=True, eq=False)
class Scene:
    """What a CT is taken of: column, what is broken, size, mineral density (mg/cm3), levels in the field, share of the aortic wall that is calcified, muscle (bulk, fat 0-1), blood (HU)."""

    column: tuple[Vertebra, ...]
    broken: Broken
    size: float
    bmd: float
    levels: tuple[int, ...]
    calcified: float
    muscle: tuple[float, float]
    blood: float


@dataclass(frozen=True, eq=False)
class Painted:
    """HU (slices, rows, cols) float32 without noise, the label (1 + place in STRUCTURES) of every voxel, and the mineral (mg/cm3) of spongy bone, nan elsewhere."""

    hu: np.ndarray
    labels: np.ndarray
    mineral: np.ndarray


def painted(scene: Scene, lattice: Lattice, bmi: float, rng: np.random.Generator, *, per_bmd: float = PER_BMD) -> Painted:
    """Everything, painted in order."""
    out = Painted(np.full(lattice.shape, HU["fat"], np.float32), np.zeros(lattice.shape, np.uint8), np.full(lattice.shape, np.nan, np.float32))
    grain = _tiles(rng)
    for name, made, level, label in _soft(scene, rng):
        _lay(out, lattice, made, level, label, grain["strands"] * (60.0 * scene.muscle[1]) if name == "muscle" else None)
    _calcium(out, lattice, scene, grain["patches"])
    for i in scene.levels:
        _vertebra(out, lattice, scene, i, grain, per_bmd)
    for made in _ribs(scene):
        _lay(out, lattice, made, HU["rib"], "", None)
    _damage(out, lattice, scene, grain)
    skin = distance(lattice, Placed(spine_tissue.trunk(scene.column, 0.55 * bmi + 9.0, female=False, size=scene.size, arms=False), np.eye(3), np.zeros(3)), reach=BACK_MM + 2)
    if skin is not None:
        outside = np.ones(lattice.shape, bool)
        outside[skin.window] = skin.mm > BACK_MM
        out.hu[skin.window][skin.mm > BACK_MM - 1.8] = HU["skin"]
        out.hu[outside] = HU["air"]
    return out


def _tiles(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Random fields (TILE, TILE, TILE) of deviation 1 that repeat without a seam, in millimetres: trabeculae (upright), strands of fat, patches, lumps."""
    from scipy.ndimage import gaussian_filter

    out = {}
    for name, width in (("trabeculae", (1.6, 0.75, 0.75)), ("strands", (6.0, 1.4, 1.1)), ("patches", (2.6, 2.6, 2.6)), ("lumps", (3.6, 3.6, 3.6))):
        field = gaussian_filter(rng.standard_normal((TILE,) * 3, np.float32), width, mode="wrap")
        out[name] = field / field.std()
    return out


def _of(tile: np.ndarray, near: Near, lattice: Lattice) -> np.ndarray:
    """A tile (a millimetre a step) over the window of a solid."""
    parts = [(np.arange(part.start, part.stop) * step).astype(int) % TILE for part, step in zip(near.window, lattice.step, strict=True)]
    return tile[np.ix_(*parts)]


def _lay(out: Painted, lattice: Lattice, made: Solid, level: float, label: str, texture: np.ndarray | None) -> None:
    found = distance(lattice, Placed(made, np.eye(3), np.zeros(3)), reach=1.0)
    if found is None:
        return
    share = np.clip(0.5 - found.mm / np.float32(lattice.step[1]), 0, 1)
    here = out.hu[found.window]
    value = np.float32(level) if texture is None else np.float32(level) - np.maximum(_of(texture, found, lattice), 0)
    here += share * (value - here)
    if label:
        out.labels[found.window][found.mm < 0] = 1 + STRUCTURES.index(label)


def _soft(scene: Scene, rng: np.random.Generator) -> Iterator[tuple[str, Solid, float, str]]:
    column, size = scene.column, scene.size
    kidneys, bowel, gas = around.organs(column, size, rng)
    taken_up = scene.blood - HU["blood"]  # of contrast
    yield "kidney", kidneys, HU["kidney"] + 1.2 * taken_up, ""
    yield "bowel", bowel, HU["bowel"] + 0.45 * taken_up, ""
    yield "gas", gas, HU["gas"], ""
    yield "muscle", around.muscles(column, size, scene.muscle[0]), HU["muscle"] + 0.12 * taken_up, "muscle"
    yield "cava", around.cava(column, size), scene.blood, ""
    yield "aorta", around.aorta(column, size, 9.5 * size), scene.blood, "aorta"
    yield "disc", around.discs(column, scene.levels, size), HU["disc"], "disc"
    yield "canal", around.sac(column, scene.levels, size, False), HU["sac"], "canal"
    yield "cord", around.sac(column, scene.levels, size, True), HU["cord"], "canal"


def _calcium(out: Painted, lattice: Lattice, scene: Scene, patches: np.ndarray) -> None:
    """Plaques in the wall of the aorta: where patches rise above the level that leaves the wanted share."""
    from scipy.special import ndtri

    found = distance(lattice, Placed(around.aorta(scene.column, scene.size, 9.5 * scene.size), np.eye(3), np.zeros(3)), reach=1.0, inside=4.0)
    if found is None or scene.calcified <= 0:
        return
    plaque = (found.mm < 0.2) & (found.mm > -1.6) & (_of(patches, found, lattice) > float(ndtri(1 - min(scene.calcified, 0.9))))
    out.hu[found.window][plaque] = HU["calcium"]
    out.labels[found.window][plaque] = 1 + STRUCTURES.index("calcification")


def _vertebra(out: Painted, lattice: Lattice, scene: Scene, level: int, grain: Mapping[str, np.ndarray], per_bmd: float) -> None:
    """Cortex of its thickness, spongy bone of the density with trabeculae, denser below the endplates and with the hole of the basivertebral vein."""
    made = scene.column[level]
    placed = made.placed(np.eye(3))
    found = distance(lattice, placed, reach=1.2, inside=5.0)
    if found is None:
        return
    up = lattice.along(placed.turn[:, 2], placed.shift, found.window)
    back = lattice.along(placed.turn[:, 1], placed.shift, found.window)
    low, high = placed.solid.ends
    shell = placed.solid.shell[:, 0].astype(np.float32)
    thick = shell[np.clip((up - np.float32(low)) * np.float32((len(shell) - 1) / (high - low)), 0, len(shell) - 1).astype(np.int16)]
    arch = back < -0.5 * made.shape.depth - 2
    rise = 1 + 0.28 * np.clip(np.abs(up) / np.float32(0.5 * made.shape.height) - 0.45, 0, 0.6)
    mineral = np.float32(scene.bmd) * rise * np.where(arch, np.float32(1.35), np.float32(1)) * np.maximum(1 + np.float32(0.30) * _of(grain["trabeculae"], found, lattice), 0)
    vein = np.exp(-((up / np.float32(2.4)) ** 2) - np.square((back + 0.42 * made.shape.depth) / np.float32(5.0)))
    mineral *= 1 - 0.75 * vein
    spongy = np.float32(per_bmd) * mineral + np.float32(MARROW)
    rind = np.clip((thick * np.float32(1.15) + found.mm) / np.float32(0.9) + 0.5, 0, 1)
    bone = spongy + rind * (np.float32(HU["cortex"] * (0.62 + 0.4 * made.shape.cortex)) - spongy)
    share = np.clip(0.5 - found.mm / np.float32(lattice.step[1]), 0, 1)
    here = out.hu[found.window]
    here += share * (bone - here)
    inside = found.mm < 0
    out.labels[found.window][inside] = 1 + STRUCTURES.index("broken vertebra" if level == scene.broken.level and scene.broken.cause != "none" else "other vertebrae")
    core = found.mm < -2.5
    out.mineral[found.window][core & ~arch] = mineral[core & ~arch]


def _ribs(scene: Scene) -> Iterator[Solid]:
    for i in scene.levels:
        if i <= 11:
            yield from (thorax_bones.rib(scene.column[i], i, side, scene.size, 0.0) for side in (-1, 1))


def _damage(out: Painted, lattice: Lattice, scene: Scene, grain: Mapping[str, np.ndarray]) -> None:
    """What broke the vertebra: impaction, fragment, cleft; foci of tumour, its mass."""
    wrong = scene.broken
    if wrong.cause == "none":
        return
    made = scene.column[wrong.level]
    near = distance(lattice, Placed(body_alone(made.shape), made.turn, made.middle), reach=1.0, inside=6.0)
    if near is not None and (wrong.line or wrong.cleft):
        _impaction(out, lattice, made, wrong, near, grain)
    if wrong.fragment:
        _fragment(out, lattice, made, wrong)
    if wrong.foci:
        _tumour(out, lattice, made, wrong, grain)
    if wrong.mass[0] > 0 or wrong.mass[1] > 0:
        _mass(out, lattice, made, wrong)


def _impaction(out: Painted, lattice: Lattice, made: Vertebra, wrong: Broken, near: Near, grain: Mapping[str, np.ndarray]) -> None:
    """A dense uneven band below the sunken endplate, and a cleft of gas in front of it."""
    top, frame = made.shape.plate(True)
    normal = made.turn @ frame[:, 2]
    under = -lattice.along(normal, made.world(top), near.window) - np.float32(made.shape.dishes[0])
    front = lattice.along(made.turn[:, 1], made.middle, near.window)
    wave = _of(grain["lumps"], near, lattice)
    here = out.hu[near.window]
    band = np.exp(-(((under - 3.2 - 1.3 * wave) / np.float32(1.3)) ** 2)) * (near.mm < -0.5)
    here += np.float32(420 * wrong.line) * band
    aside = lattice.along(made.turn[:, 0], made.middle, near.window)
    lens = 1 - (aside / np.float32(0.36 * made.shape.width)) ** 2 - ((front - 0.12 * made.shape.depth) / np.float32(0.30 * made.shape.depth)) ** 2
    cleft = (np.abs(under - 5.2 - 0.5 * wave) < 0.5 * wrong.cleft * lens) & (near.mm < -1.5)
    here[cleft] = HU["gas"]


def _fragment(out: Painted, lattice: Lattice, made: Vertebra, wrong: Broken) -> None:
    """The upper hind corner of the body, pushed into the canal: an angular piece of dense bone."""
    w, d = 0.5 * made.shape.width, 0.5 * made.shape.depth
    z = float(made.shape.plate(True)[0][2]) - made.shape.loss[2] * made.shape.height - 5.5
    ends = [made.world((s * 0.30 * w, -d + 1.5 - wrong.fragment + 1.0, z)) for s in (-1, 1)]
    inner = [0.65 * e + 0.35 * made.middle for e in ends]
    _lay(out, lattice, solid([join(cone(ends[0], ends[1], 2.9, 2.9)), join(cone(inner[0], inner[1], 2.6, 2.6), 3)]), 430.0, "broken vertebra", None)


def _tumour(out: Painted, lattice: Lattice, made: Vertebra, wrong: Broken, grain: Mapping[str, np.ndarray]) -> None:
    """Foci that take the place of bone, spongy and cortical, with an uneven border."""
    half = 0.5 * np.array([made.shape.width, made.shape.depth, made.shape.height * (1 - 0.5 * max(wrong.loss))])
    steps = [join(ellipsoid(made.world(np.array([x, y, z]) * half), (r, r, 0.9 * r)), 2) for x, y, z, r in wrong.foci]
    found = distance(lattice, Placed(solid(steps), np.eye(3), np.zeros(3)), reach=3.0)
    if found is None:
        return
    edge = found.mm + np.float32(1.5) * _of(grain["lumps"], found, lattice)
    here, labels = out.hu[found.window], out.labels[found.window]
    bone = (labels == 1 + STRUCTURES.index("broken vertebra"))
    share = np.clip(0.5 - edge, 0, 1) * bone
    here += share * (np.float32(HU["tumour"]) - here)
    gone = (edge < 0) & bone
    labels[gone] = 1 + STRUCTURES.index("tumour" if wrong.cause == "malignant" else "broken vertebra")
    out.mineral[found.window][gone] = np.nan


def _mass(out: Painted, lattice: Lattice, made: Vertebra, wrong: Broken) -> None:
    """Soft tissue beyond the wall: beside and in front of the body, and behind it into the canal; blood where the bone was weak."""
    w, d, h = 0.5 * made.shape.width, 0.5 * made.shape.depth, 0.5 * made.shape.height
    beside, behind, side = wrong.mass
    steps = []
    if beside > 0:
        spread = 0.8 if wrong.cause == "malignant" else 0.5
        steps += [join(ellipsoid(made.world((side * 0.62 * w, -0.1 * d, 0)), (0.38 * w + beside, 0.75 * d, spread * h + 0.5 * beside), made.turn), 3),
                  join(ellipsoid(made.world((side * 0.2 * w, 0.55 * d, 0)), (0.6 * w, 0.45 * d + 0.5 * beside, spread * h), made.turn), 4)]
    if behind > 0:
        steps.append(join(ellipsoid(made.world((0.25 * side * w, -d + 1, 0)), (0.45 * w, 2.0 + behind, 0.8 * h), made.turn), 3))
    found = distance(lattice, Placed(solid(steps), np.eye(3), np.zeros(3)), reach=1.0)
    if found is None:
        return
    here, labels = out.hu[found.window], out.labels[found.window]
    soft = (labels != 1 + STRUCTURES.index("broken vertebra")) & (labels != 1 + STRUCTURES.index("other vertebrae")) & (labels != 1 + STRUCTURES.index("tumour"))
    share = np.clip(0.5 - found.mm, 0, 1) * soft
    here += share * (np.float32(HU["tumour"] + (0 if wrong.cause == "malignant" else 8)) - here)
    if wrong.cause == "malignant":
        labels[(found.mm < 0) & soft] = 1 + STRUCTURES.index("tumour")


def levels_about(column: Sequence[Vertebra], level: int, reach: float) -> tuple[int, ...]:
    """The levels that can lie in a field of `reach` mm above and below one."""
    return tuple(i for i in range(len(column)) if abs(column[i].middle[2] - column[level].middle[2]) < reach + 32)
