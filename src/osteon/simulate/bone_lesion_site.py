"""Where a bone lesion lies: the bones about the knee and the lumbar spine in their soft tissue, and the place and the plane of the lesion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from osteon.simulate import knee_mri_scene, spine_bones, spine_pose
from osteon.simulate.bone_lesion_look import Look
from osteon.simulate.bone_lesion_patient import Patient
from osteon.simulate.frustum import Placed
from osteon.simulate.knee_bones import Wear
from osteon.simulate.knee_menisci import Lesion as Meniscus
from osteon.simulate.knee_mri_scene import Brush
from osteon.simulate.knee_mri_soft import Body
from osteon.simulate.knee_pose import Posture, place_knee
from osteon.simulate.lower_limb_bones import LegAngles, LegShape
from osteon.simulate.mri_paint import Layer
from osteon.simulate.sdf import Solid, cone, ellipsoid, join, loft, puck, solid
from osteon.simulate.voxels import Lattice, distance

PLANES: Mapping[str, np.ndarray] = {"sagittal": np.array([[1.0, 0, 0], [0, 0, -1], [0, -1, 0]]), "coronal": np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]])}
# mm above the origin of each bone between which the middle of a lesion lies
LEVELS: Mapping[tuple[str, str], tuple[float, float]] = {
    ("femur", "epiphysis"): (18, 28), ("femur", "metaphysis"): (48, 74), ("femur", "diaphysis"): (88, 118), ("tibia", "epiphysis"): (-13, -9), ("tibia", "metaphysis"): (-58, -30),
    ("tibia", "diaphysis"): (-120, -84), ("fibula", "metaphysis"): (-46, -28), ("fibula", "diaphysis"): (-112, -70)}
AXIS: Mapping[str, tuple[float, float]] = {"femur": (0.0, 0.0), "tibia": (0.0, 0.0), "fibula": (34.0, -20.0)}  # near which each bone's shaft stands, in its frame
LUMBAR = (13, 14, 15)  # L2 to L4
SLICE = 120  # points a side of the cross-section in which a bone is measured, 1 mm apart


@dataclass(frozen=True, eq=False)
class Place:
    """The bone of a lesion, what else is bone, the deep fascia below the skin, the layers of a plane without lesion, where the lesion lies (bone's frame), half widths of the bone there (mm, x and y), the plane,
    and the way (-1 or 1) across the bone in it to which the lesion lies and grows."""

    bone: Placed
    others: tuple[Placed, ...]
    skin: Placed
    layers: Callable[[Lattice], list[Layer]]
    middle: np.ndarray
    half: tuple[float, float]
    plane: str
    out: float

    @property
    def way(self) -> int:
        """Which axis of the bone's frame lies across it in the plane."""
        return 1 if self.plane == "sagittal" else 0


def place_of(patient: Patient, look: Look, rng: np.random.Generator) -> Place:
    """Limb or spine of a patient with the place of the lesion, from the stream of the build; the look moves the lesion and nothing else."""
    u, n = rng.random(6), rng.normal(0, 1, 12)
    bulk, fat = float(np.clip((1.04 if patient.male else 0.94) + 0.07 * n[0], 0.8, 1.2)), float(np.clip((3.0 if patient.male else 5.5) + 2.4 * n[1], 0.5, 13))
    if patient.bone == "lumbar spine":
        return _spine(patient, look, bulk, fat, u, n)
    return _limb(patient, look, Body(bulk, fat, float(1.0 + 2.5 * u[5])), u, n)


def _limb(patient: Patient, look: Look, body: Body, u: np.ndarray, n: np.ndarray) -> Place:
    side, plane = "R" if u[0] < 0.5 else "L", "sagittal" if u[1] < 0.5 and patient.bone != "fibula" else "coronal"
    width = float(np.clip((1.04 if patient.male else 0.93) - 0.012 * max(0.0, 14 - patient.age) + 0.035 * n[2], 0.78, 1.14))
    shape = LegShape(LegAngles(87.4 + float(n[3]), 87.2 + float(n[4]), 89.0, 127.0, 5.6, 12.0, 13.0, 6.0), 430.0, 365.0, 23.5, width, float(0.85 + 0.06 * n[5]))
    knee = place_knee(shape, Wear((5.4 * width, 5.9 * width)), Posture(float(2 * n[6]), float(np.clip(6 + 3 * n[7], 0, 14)), 2.5), side, np.zeros(3))
    scene = knee_mri_scene.anatomy(knee, body, {"medial": Meniscus(), "lateral": Meniscus()}, cartilage=2.35 * width**0.5)
    low, high = LEVELS[patient.bone, patient.segment]
    bone, z = knee.bones[patient.bone], float(low + (high - low) * u[2])
    centre, half = measured(bone, AXIS[patient.bone], z)
    if (patient.bone, patient.segment) == ("femur", "epiphysis"):
        centre, half = np.array([(20.5 if u[3] < 0.6 else -20.5) * width, -8.0, z]), (15.0 * width, 22.0)
    out = _room(patient.bone, plane, u[4])
    return Place(bone, tuple(b for name, b in knee.bones.items() if name != patient.bone), scene.solids["skin"], lambda lattice: knee_mri_scene.layers(scene, lattice),
                 _shifted(centre, half, look, plane, out), half, plane, out)


def _room(bone: str, plane: str, u: float) -> float:
    """To which side a lesion grows: where the shin lies below the skin there is no room, and the fibula has the tibia beside it."""
    if bone == "tibia":
        return -1.0 if plane == "sagittal" else 1.0
    return 1.0 if bone == "fibula" or u < 0.5 else -1.0


def _shifted(centre: np.ndarray, half: tuple[float, float], look: Look, plane: str, out: float) -> np.ndarray:
    """The middle of a lesion that lies off the axis of its bone."""
    way = 1 if plane == "sagittal" else 0
    return np.asarray(centre + np.eye(3)[way] * out * look.eccentric * half[way] * (1.25 - 0.5 * look.across))


def measured(bone: Placed, near_axis: tuple[float, float], z: float) -> tuple[np.ndarray, tuple[float, float]]:
    """The middle (bone's frame) and the half widths (mm, x and y) of a bone's section at a height of its frame, sought about a point (x, y)."""
    axes = np.array([bone.turn[:, 2], bone.turn[:, 1], bone.turn[:, 0]])
    corner = np.array(near_axis) - SLICE / 2
    near = distance(Lattice((1, SLICE, SLICE), (1.0, 1.0, 1.0), bone.world(np.array([*corner, z])), axes), bone, reach=1.0)
    assert near is not None, "every level lies within its bone"
    (y, ry), (x, rx) = (_span((near.mm[0] < 0).any(axis=axis), part.start) for axis, part in ((1, near.window[1]), (0, near.window[2])))
    return np.array([corner[0] + x, corner[1] + y, z]), (rx, ry)


def _span(inside: np.ndarray, first: int) -> tuple[float, float]:
    """Middle and half width of what is inside along one axis, 1 mm a place."""
    at = np.flatnonzero(inside) + first
    return 0.5 * float(at[0] + at[-1]), 0.5 * float(at[-1] - at[0] + 1)


def _spine(patient: Patient, look: Look, bulk: float, fat: float, u: np.ndarray, n: np.ndarray) -> Place:
    """A lumbar vertebra among its neighbours, in a sagittal plane near the middle."""
    tilts = np.interp(np.arange(spine_bones.COUNT), [0, 11, 12, 13, 14, 15, 16], [5, 12, 10, 4, -4, -14, -26]) + float(2 * n[2])
    sagittal = np.stack([tilts, tilts - 3], axis=1)
    old = float(np.clip((patient.age - 35) / 50, 0, 1))
    build = spine_pose.Build((1.03 if patient.male else 0.95) * float(1 + 0.03 * n[3]), spurs=np.full(spine_bones.COUNT, 0.6 * old), thinned=np.clip(0.25 * old + 0.12 * np.abs(np.resize(n, spine_bones.COUNT)), 0, 0.5))
    column = spine_pose.stack(spine_pose.Bend(np.zeros((spine_bones.COUNT, 2)), sagittal, np.zeros(spine_bones.COUNT), (0.0, -38.0 + float(2 * n[2]))), build)
    level = LUMBAR[int(u[2] * len(LUMBAR))]
    ill = column[level]
    bone = ill.placed(np.eye(3))
    half = (0.46 * ill.shape.width, 0.48 * ill.shape.depth)
    seen = column[level - 3: level + 4]
    others = tuple(v.placed(np.eye(3)) for v in seen if v is not ill)
    skin, out = _back(seen, bulk), 1.0 if u[4] < 0.6 else -1.0
    return Place(bone, others, skin, lambda lattice: _lumbar(seen, skin, fat, old, n, lattice), _shifted(np.array([0.0, 0.0, 2.0 * u[3] - 1.0]), half, look, "sagittal", out), half, "sagittal", out)


def _back(seen: tuple[spine_pose.Vertebra, ...], bulk: float) -> Placed:
    """The surface of the trunk about some vertebrae, without the fat below the skin."""
    middles = np.array([v.middle for v in seen])
    z = np.linspace(middles[-1, 2] - 150, middles[0, 2] + 150, 7)
    y = np.interp(z, middles[::-1, 2], middles[::-1, 1])
    return Placed(solid([join(loft(z, 0 * z, y + 22, np.full(7, 150.0) * bulk, np.full(7, 100.0) * bulk, rounding=20))]), np.eye(3), np.zeros(3))


def _lumbar(seen: tuple[spine_pose.Vertebra, ...], skin: Placed, fat: float, old: float, n: np.ndarray, lattice: Lattice) -> list[Layer]:
    """Layers of a sagittal plane through the lumbar spine."""
    brush = Brush(lattice, float(max(lattice.step[1:])), lattice.step[0])
    return list(_lumbar_layers(seen, brush, skin, fat, old, n))


def _lumbar_layers(seen: tuple[spine_pose.Vertebra, ...], brush: Brush, skin: Placed, fat: float, old: float, n: np.ndarray) -> Iterator[Layer]:
    for placed, tissue, grown in ((skin, "skin", fat), (skin, "fat", fat - 1.8), (skin, "pad", -1.0)):
        yield from _painted(brush, placed, tissue, tissue, grown)
    for name, tissue, made in _soft(seen, n):
        yield from _painted(brush, Placed(made, np.eye(3), np.zeros(3)), name, tissue)
    for vertebra in seen:
        placed = vertebra.placed(np.eye(3))
        yield from _painted(brush, placed, "vertebra", "cortex")
        yield from _painted(brush, placed, "vertebra", "spinal marrow", -1.1)
    for above, below in zip(seen, seen[1:], strict=False):
        top, bottom = above.world(above.shape.plate(False)[0]), below.world(below.shape.plate(True)[0])
        thick, mid = 0.5 * float(np.linalg.norm(top - bottom)) + 0.8, 0.5 * (top + bottom)
        for tissue, reach, tall in (("annulus", 0.52, 1.0), ("nucleus" if old < 0.55 else "dry nucleus", 0.33, 0.62)):
            made = solid([join(puck(mid, (0.5 * above.shape.width, reach * above.shape.depth), tall * thick, 2.0 * tall, above.turn))])
            yield from _painted(brush, Placed(made, np.eye(3), np.zeros(3)), "disc", tissue)


def _painted(brush: Brush, placed: Placed, name: str, tissue: str, grown: float = 0.0) -> Iterator[Layer]:
    """A solid, grown by some mm, as one layer where the plane meets it."""
    near = brush.near(placed, brush.edge + max(grown, 0), brush.edge + max(-grown, 0))
    if near is not None:
        yield brush.layer(name, tissue, near.window, near.mm - np.float32(grown))


def _soft(seen: tuple[spine_pose.Vertebra, ...], n: np.ndarray) -> Iterator[tuple[str, str, Solid]]:
    """Muscles of the back, canal with its roots, aorta and bowel about some vertebrae; `n` (12,) varies them."""
    middles, depth = np.array([v.middle for v in seen]), float(np.mean([v.shape.depth for v in seen]))
    back = np.array([v.turn[:, 1] for v in seen])
    ends = np.concatenate([[2 * middles[0] - middles[1]], middles, [2 * middles[-1] - middles[-2]]])
    behind = np.concatenate([back[:1], back, back[-1:]])

    def tube(off: float, radius: float, aside: float = 0.0) -> Solid:
        at = ends - off * behind + (aside, 0, 0)
        return solid([join(cone(a, b, radius, radius)) for a, b in zip(at, at[1:], strict=False)])

    for aside in (-19.0, 19.0):
        yield "multifidus", "muscle", tube(0.5 * depth + 38, 19.0, aside)
    yield "ligaments", "fascia", tube(0.5 * depth + 46, 2.0)
    for name, tissue, radius in (("dura", "fascia", 8.8), ("canal", "fluid", 8.3), ("roots", "nerve", 3.6)):
        yield name, tissue, tube(0.5 * depth + (9.5 if name != "roots" else 11.8), radius)
    yield "anterior ligament", "tendon", tube(-0.5 * depth - 0.6, 1.2)
    aside = float(np.clip(9 + 4 * n[4], 3, 14))
    yield "aorta", "vessel wall", tube(-0.5 * depth - 12, 8.6, aside)
    yield "aorta", "fast blood", tube(-0.5 * depth - 12, 7.4, aside)
    yield from _bowel(middles[len(middles) // 2] + (0, 0.5 * depth, 0), n)


def _bowel(front: np.ndarray, n: np.ndarray) -> Iterator[tuple[str, str, Solid]]:
    """Loops of bowel in the fat before the spine: wall and content, each of two parts that lie askew."""
    for k in range(7):
        a, b, c = (float(n[(k + j) % 12]) for j in (0, 4, 7))
        at, apart = front + (0, 44 + 13 * (k % 2) + 6 * a, -78 + 26 * k + 5 * b), np.array([0, 9 + 4 * c, 8 + 5 * a])
        for name, tissue, thin in (("bowel", "muscle", 0.0), ("bowel", "bowel", 2.6)):
            yield name, tissue, solid([join(ellipsoid(at, (22, 13 + 3 * b - thin, 10 + 2 * c - thin))), join(ellipsoid(at + apart, (20, 9 + 2 * c - thin, 12 + 3 * a - thin)), 5)])


def lattice_of(place: Place, shift: np.ndarray, shape: tuple[int, int], pixel: float, thickness: float) -> Lattice:
    """The grid of the plane through the lesion; point (n // 2, n // 2) lies in the middle of the lesion, moved by `shift` (mm in the world)."""
    axes = PLANES[place.plane]
    middle = place.bone.world(place.middle) + shift
    return Lattice((1, *shape), (thickness, pixel, pixel), middle - axes[1] * (shape[0] // 2) * pixel - axes[2] * (shape[1] // 2) * pixel, axes)
