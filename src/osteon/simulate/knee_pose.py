"""A knee in the world, and what is measured on its projection: joint space, osteophytes, joint lines.

World axes as in `frustum`. The femur stands still whatever the wear; the tibia comes up to it, so that two knees which differ
in wear alone differ only below the joint line and where an osteophyte grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from osteon.geometry.knee_oa import COMPARTMENTS, OSTEOPHYTE_SITES
from osteon.geometry.lower_limb import lateral_sign
from osteon.simulate import knee_bones
from osteon.simulate.frustum import Frustum, Placed, traverse
from osteon.simulate.knee_bones import CONTACT_X, SIGN, Wear
from osteon.simulate.lower_limb_bones import PLATEAU_X, LegShape
from osteon.simulate.lower_limb_pose import Stance, femur_on_tibia, surface
from osteon.simulate.sdf import Solid, rotation

COLUMNS = 13  # along each compartment where the joint space is measured
BETWEEN = (13.0, 33.0)  # mm from the middle, of a plateau 80 mm wide
WINDOW, FINE_PIXEL = (20.0, 22.0), 0.5  # mm around an osteophyte, and pixels of its silhouette


@dataclass(frozen=True)
class Posture:
    """How one knee stands (degrees): rotation outwards, flexion, tilt of the femur (hip lateral positive)."""

    rotation: float = 0.0
    flexion: float = 0.0
    tilt: float = 2.5


@dataclass(frozen=True, eq=False)
class Knee:
    """The placed bones of one side by name, femur and tibia without their osteophytes, and what they were built from."""

    side: str
    shape: LegShape
    wear: Wear
    bones: Mapping[str, Placed]
    bare: Mapping[str, Placed]

    def placed(self, bone: str, made: Solid) -> Placed:
        """A solid in the frame of a bone."""
        return Placed(made, self.bones[bone].turn, self.bones[bone].shift)


def place_knee(shape: LegShape, wear: Wear, posture: Posture, side: str, at: np.ndarray) -> Knee:
    """Put one knee with the middle of its condylar line at a point of the world (mm)."""
    width = shape.width
    medial, lateral = (space - lost for space, lost in zip(wear.space, wear.attrition, strict=True))
    opening = np.degrees(np.arctan2(lateral - medial, 2 * CONTACT_X * width))
    stance = Stance(jlca=float(opening), gap=float(0.5 * (medial + lateral)), flexion=posture.flexion)
    mirror = np.diag([lateral_sign(side), 1.0, 1.0])
    turn = mirror @ rotation(0, 0, -posture.rotation) @ rotation(0.4 * posture.flexion, posture.tilt, 0)
    relative, shift = femur_on_tibia(shape, stance)
    made = knee_bones.grouped(shape, wear)
    low_turn = turn @ relative.T
    low = at - low_turn @ shift
    frames = {"femur": (turn, at), "patella": (turn, at), "tibia": (low_turn, low), "fibula": (low_turn, low)}
    bare = {"femur": knee_bones.femur(shape, wear.bare), "tibia": knee_bones.tibia(shape, wear.bare)}
    return Knee(side, shape, wear, *({name: Placed(each, *frames[name]) for name, each in solids.items()} for solids in (made, bare)))


def _lines(frustum: Frustum, knee: Knee) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The middle of the plateau on the film (row, col), the direction of its line towards lateral and upwards from it, unit lengths."""
    tibia = knee.bones["tibia"]
    origin, ahead = frustum.project(tibia.world(np.outer([0.0, 10.0], knee.shape.joint_tibia[:, 0])))
    along = (ahead - origin) / np.hypot(*(ahead - origin))
    return origin, along, np.array([-abs(along[1]), along[0] * np.sign(along[1])])


def joint_space(frustum: Frustum, knee: Knee) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """The least gap (mm) between femur and plateau of each compartment on the film, across the plateau's line, and its two ends (2, 2: row, col; femur first).

    Osteophytes and spines do not count: what is measured are the bare condyles and the rim of the plateau.
    """
    origin, along, up = _lines(frustum, knee)
    at = np.concatenate([SIGN[side] * np.linspace(*BETWEEN, COLUMNS) for side in COMPARTMENTS]) * knee.shape.width / frustum.pixel
    points = origin + np.outer(at, along)
    tibia = surface(frustum, knee.placed("tibia", knee_bones.rim(knee.shape, knee.wear)), points - 10 / frustum.pixel * up, up, (0.0, 20.0))
    femur = surface(frustum, knee.bare["femur"], points + 22 / frustum.pixel * up, -up, (0.0, 32.0))
    gap = (femur - tibia) @ up * frustum.pixel
    least = {side: int(np.argmin(part)) + k * COLUMNS for k, (side, part) in enumerate(zip(COMPARTMENTS, np.split(gap, 2), strict=True))}
    return {side: max(0.0, float(gap[i])) for side, i in least.items()}, {side: np.stack([femur[i], tibia[i]]) for side, i in least.items()}


def osteophytes(frustum: Frustum, knee: Knee) -> dict[str, tuple[float, float]]:
    """Reach (mm) and area (mm2) of each osteophyte's silhouette beyond the bone without it; 0 and 0 where there is none."""
    out = {}
    for site in OSTEOPHYTE_SITES:
        bone, side = site.split("_")
        out[site] = _silhouette(frustum, knee, bone, side) if knee.wear.reach(site) >= knee_bones.LEAST_MM else (0.0, 0.0)
    return out


def _silhouette(frustum: Frustum, knee: Knee, bone: str, side: str) -> tuple[float, float]:
    rows, cols = (round(size / FINE_PIXEL) for size in WINDOW)
    middle = frustum.project(margin(knee, bone, side)) * frustum.pixel
    corner = frustum.left_top[0] + middle[1] - 0.5 * WINDOW[1], frustum.left_top[1] - middle[0] + 0.5 * WINDOW[0]
    window = Frustum((rows, cols), FINE_PIXEL, corner, frustum.source, frustum.plane, frustum.detector)
    more = _shadow(window, knee.bones[bone]) & ~_shadow(window, knee.bare[bone])
    outward = np.arange(cols) * np.sign(middle[1] - frustum.pixel * frustum.project(knee.bones[bone].shift)[1])
    tip = np.where(more, outward, -np.inf).max(axis=1).argmax()
    return FINE_PIXEL * float(more[tip].sum()), FINE_PIXEL**2 * float(more.sum())


def _shadow(window: Frustum, placed: Placed) -> np.ndarray:
    out = np.zeros(window.shape, bool)
    chords = traverse(window, placed, fine=1.2)
    if chords is not None:
        out[chords.window] = chords.total > 0
    return out


def margin(knee: Knee, bone: str, side: str) -> np.ndarray:
    """Where an osteophyte of a bone and side begins, in the world."""
    turn, z, x = (knee.shape.joint_femur, 8.0, 43.0) if bone == "femur" else (knee.shape.joint_tibia, -4.0, 41.0)
    return knee.bones[bone].world(turn @ np.array([SIGN[side] * x * knee.shape.width, -4.0, z]))


def landmarks(frustum: Frustum, knee: Knee) -> dict[str, np.ndarray]:
    """Points of the film (row, col) by name: contacts of the condyles, ends of the plateau, tips of the spines, notch, fibular head, patella."""
    shape, w = knee.shape, knee.shape.width
    femoral, tibial = shape.joint_femur, shape.joint_tibia
    up = knee.wear.spines
    named = {"condyle_medial": ("femur", femoral @ (-CONTACT_X * w, -8, 0)), "condyle_lateral": ("femur", femoral @ (CONTACT_X * w, -6, 0)),
             "notch": ("femur", femoral @ (0, -10, 17)), "patella": ("femur", np.array([2, 39, 43])),
             "plateau_medial": ("tibia", tibial @ (-PLATEAU_X * w, -3, -4)), "plateau_lateral": ("tibia", tibial @ (PLATEAU_X * w, -3, -4)),
             "spine_medial": ("tibia", tibial @ (-5.2, -1, 9.6 + up)), "spine_lateral": ("tibia", tibial @ (6.0, -6, 7.8 + 0.8 * up)),
             "fibular_head": ("tibia", np.array([36 * w, -24, -10]))}
    return {name: frustum.project(knee.bones[bone].world(np.asarray(point, float))) for name, (bone, point) in named.items()}
