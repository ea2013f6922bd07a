"""A leg in the world: its bones placed by alignment, rotation and flexion, and its landmarks on the film.

World axes as in `frustum`. A leg is built around its tibia, the femur is set on it so that the joint lines include JLCA, the
knee is bent about the axis of the condyles, and the whole is turned until the line hip-ankle stands as wanted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from osteon.geometry.lower_limb import knee_centre, lateral_sign
from osteon.simulate import foot_bones, lower_limb_bones
from osteon.simulate.frustum import Frustum, Placed, clearance
from osteon.simulate.lower_limb_bones import CONDYLE_RX, CONDYLE_X, CONDYLE_Z, LegShape
from osteon.simulate.sdf import rotation

TRAY, EDGE_DEPTH = 20.0, 13.0  # mm: where the plateau line touches on each side, and how far below it the width is taken
ROUNDS = 7  # of false position: what is left is below 0.01 mm


@dataclass(frozen=True)
class Stance:
    """How one leg stands: opening (JLCA, degrees) and width (mm) of the joint space, tilt of the line hip-ankle (degrees, hip
    lateral positive), rotation outwards and flexion of the knee (degrees)."""

    jlca: float = 1.0
    gap: float = 5.0
    tilt: float = 2.2
    rotation: float = 0.0
    flexion: float = 0.0
    toe_out: float = 8.0


@dataclass(frozen=True, eq=False)
class Leg:
    """The placed bones of one side by name."""

    side: str
    shape: LegShape
    bones: Mapping[str, Placed]
    ankle: np.ndarray
    foot: Placed = field(repr=False)

    @property
    def hip(self) -> np.ndarray:
        """The centre of the femoral head in the world."""
        return self.bones["femur"].world(self.shape.hip)

    @property
    def knee(self) -> np.ndarray:
        """A point of the world between the joint lines, for placing what surrounds the knee."""
        return 0.5 * (self.bones["femur"].shift + self.bones["tibia"].shift)


def place_leg(shape: LegShape, stance: Stance, side: str, hip: np.ndarray) -> Leg:
    """Put the bones of one leg under a hip centre (world, mm)."""
    shape = _centred(shape, stance)
    mirror = np.diag([lateral_sign(side), 1.0, 1.0])
    femur_turn, femur_shift = femur_on_tibia(shape, stance)
    turn = mirror @ _stand(femur_turn @ shape.hip + femur_shift + (0, 0, shape.tibia), stance)
    shift = hip - turn @ (femur_turn @ shape.hip + femur_shift)
    tibial = {name: Placed(make(shape), turn, shift) for name, make in (("tibia", lower_limb_bones.tibia), ("fibula", lower_limb_bones.fibula))}
    femoral = {name: Placed(make(shape), turn @ femur_turn, turn @ femur_shift + shift)
               for name, make in (("femur", lower_limb_bones.femur), ("patella", lower_limb_bones.patella))}
    ankle = shift - turn[:, 2] * shape.tibia
    flat = mirror @ rotation(0, 0, -stance.toe_out - stance.rotation)
    bones = femoral | tibial | {"talus": Placed(foot_bones.talus(shape.width), turn @ shape.joint_ankle, ankle)}
    return Leg(side, shape, bones, ankle, Placed(foot_bones.foot(shape.width), flat, ankle))


def height(shape: LegShape, stance: Stance) -> float:
    """How far (mm) the hip stands above the ankle."""
    shape = _centred(shape, stance)
    turn, shift = femur_on_tibia(shape, stance)
    return float((_stand(turn @ shape.hip + shift + (0, 0, shape.tibia), stance) @ (turn @ shape.hip + shift + (0, 0, shape.tibia)))[2])


def _centred(shape: LegShape, stance: Stance) -> LegShape:
    """The shape with its joint surfaces moved sideways until the middle of the joint space lies on both mechanical axes."""
    plateau, condyles = np.radians(90 - shape.angles.mpta), np.radians(90 - shape.angles.mldfa)
    return replace(shape, beside=(float(-stance.gap / 2 * np.sin(condyles - np.radians(stance.jlca))), float(stance.gap / 2 * np.sin(plateau))))


def femur_on_tibia(shape: LegShape, stance: Stance) -> tuple[np.ndarray, np.ndarray]:
    """Turn and shift of the femur's frame in the tibia's: the joint lines enclose JLCA, the knee is bent about the condyles."""
    plateau, condyles = 90 - shape.angles.mpta, 90 - shape.angles.mldfa
    turn = rotation(0, -(plateau + stance.jlca - condyles), 0)
    shift = (shape.beside[1], 0, 0) + stance.gap * (rotation(0, -plateau, 0) @ np.array([0.0, 0.0, 1.0])) - turn[:, 0] * shape.beside[0]
    axis = np.array([0.0, -8.0, CONDYLE_Z])
    bent = turn @ rotation(stance.flexion, 0, 0)
    return bent, shift + turn @ axis - bent @ axis


def _stand(line: np.ndarray, stance: Stance) -> np.ndarray:
    """The turn that sets the line ankle-hip upright with the wanted tilt, then spins the leg about it."""
    about_x = np.degrees(np.arctan2(line[1], line[2]))
    level = rotation(about_x, 0, 0) @ line
    upright = rotation(0, stance.tilt - np.degrees(np.arctan2(level[0], level[2])), 0) @ rotation(about_x, 0, 0)
    tilted = rotation(0, stance.tilt, 0)
    return tilted @ rotation(0, 0, -stance.rotation) @ tilted.T @ upright


def tilt_within(shape: LegShape, stance: Stance, wanted: float, hip_x: float, knee_x: float) -> float:
    """The wanted tilt, or less where the knee (of a valgus limb) would otherwise come nearer to the midline than `knee_x` mm."""
    deviation = np.radians(shape.angles.mpta - shape.angles.mldfa - stance.jlca)
    bend = np.degrees(np.arctan2(shape.tibia * np.sin(deviation), shape.femur + shape.tibia * np.cos(deviation)))
    return min(wanted, float(np.degrees(np.arcsin(np.clip((hip_x - knee_x) / shape.femur, -0.5, 0.5))) - bend))


def landmarks(frustum: Frustum, leg: Leg) -> dict[str, np.ndarray]:
    """The landmarks of a leg as (row, col) on the film, the joint lines being tangents of the projected outline.

    The plafond is read on the talar dome, which lies parallel to it here, and the ankle centre is the middle of the dome.
    """
    dome = _dome_line(frustum, leg)
    out = {"hip": frustum.project(leg.hip), "ankle": dome[1], "plafond_medial": dome[0], "plafond_lateral": dome[2]}
    out["condyle_medial"], out["condyle_lateral"] = _condylar_tangent(frustum, leg)
    out["plateau_medial"], out["plateau_lateral"] = _plateau_line(frustum, leg)
    out["knee"] = knee_centre(*(out[f"{line}_{end}"] for line in ("condyle", "plateau") for end in ("medial", "lateral")))
    return out


def _dome_line(frustum: Frustum, leg: Leg) -> np.ndarray:
    """Medial end, middle and lateral end (3, 2: row, col) of the line where rays graze the drum of the talar dome."""
    talus, radius = leg.bones["talus"], foot_bones.DOME_RADIUS
    across = leg.shape.width * foot_bones.DOME_X * talus.turn[:, 0]
    centre = talus.world(np.array([0.0, 0.0, -foot_bones.JOINT_SPACE - radius]))
    normal = np.linalg.cross(across, centre - np.asarray(frustum.source))
    normal *= np.sign(normal[2]) / np.linalg.norm(normal)
    return frustum.project(centre + radius * normal + np.outer([-1, 0, 1], across))


def _condylar_tangent(frustum: Frustum, leg: Leg) -> tuple[np.ndarray, np.ndarray]:
    """Where the common distal tangent touches the two condyles' outlines (row, col): medial, lateral."""
    w, placed = leg.shape.width, leg.bones["femur"]
    joint = placed.turn @ leg.shape.joint_femur
    radii = (np.array([CONDYLE_RX * w, 30, CONDYLE_Z]), np.array([CONDYLE_RX * w, 31, CONDYLE_Z]))
    middle = placed.world(np.array([leg.shape.beside[0], 0, 0]))
    centres = [middle + joint @ np.array(c) for c in ((-CONDYLE_X * w, -9, CONDYLE_Z), (CONDYLE_X * w, -7, CONDYLE_Z))]
    shapes = [joint @ np.diag(r**2) @ joint.T for r in radii]
    down = np.array([1.0, 0.0])
    points = [np.zeros(2)] * 2
    for _ in range(8):
        points = [_outline_point(frustum, c, q, down) for c, q in zip(centres, shapes, strict=True)]
        along = points[1] - points[0]
        down = np.array([abs(along[1]), -along[0] * np.sign(along[1])]) / np.hypot(*along)
    return points[0], points[1]


def _outline_point(frustum: Frustum, centre: np.ndarray, shape: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """The point (row, col) of an ellipsoid's outline that lies furthest in a direction (row, col) of the film."""
    normal = np.array([direction[1], 0.0, -direction[0]])
    point = centre
    for _ in range(4):
        ray = point - np.asarray(frustum.source)
        normal[1] = -(normal[0] * ray[0] + normal[2] * ray[2]) / ray[1]
        point = centre + shape @ normal / np.sqrt(normal @ shape @ normal)
    return frustum.project(point)


def _plateau_line(frustum: Frustum, leg: Leg) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the plateau line (row, col): tangent to the rim over both trays, as wide as the rim 8 mm below."""
    tibia, w = leg.bones["tibia"], leg.shape.width
    rim = Placed(lower_limb_bones.plateau_rim(leg.shape), tibia.turn, tibia.shift)
    origin, ahead = (frustum.project(tibia.world(np.array([leg.shape.beside[1], 0, 0]) + x * leg.shape.joint_tibia[:, 0])) for x in (0, 1))
    along = ahead - origin
    tops = np.zeros((2, 2))
    for _ in range(3):
        along = along / np.hypot(*along)
        up = np.array([-abs(along[1]), along[0] * np.sign(along[1])])
        sides = origin + np.outer([-TRAY * w / frustum.pixel, TRAY * w / frustum.pixel], along)
        tops = surface(frustum, rim, sides, up, (-10.0, 14.0))
        origin, along = tops.mean(axis=0), tops[1] - tops[0]
    along = along / np.hypot(*along)
    below = origin - up * EDGE_DEPTH / frustum.pixel
    ends = [surface(frustum, rim, below[None], way * along, (20.0, 60.0))[0] for way in (-1, 1)]
    return tuple(e + up * EDGE_DEPTH / frustum.pixel for e in ends)  # type: ignore[return-value]


def surface(frustum: Frustum, placed: Placed, start: np.ndarray, way: np.ndarray, between: tuple[float, float]) -> np.ndarray:
    """Where lines from points (n, 2) of the film leave a solid's outline between two distances (mm), to a hundredth of a pixel of 1 mm.

    By false position, the end that stays counting half (Illinois: Dowell M, Jarratt P. BIT 1971; 11: 168-74): half the rays of a bisection.
    """
    reach = placed.shift[1] - 60.0, placed.shift[1] + 60.0  # deeper than any knee

    def clear(at: np.ndarray) -> np.ndarray:
        return clearance(frustum, placed, start + np.outer(at / frustum.pixel, way), within=reach).astype(float)

    low, high = np.full(len(start), between[0]), np.full(len(start), between[1])
    inner, outer = np.minimum(clear(low), -1e-3), np.maximum(clear(high), 1e-3)
    at, side = low, np.zeros(len(start))
    for _ in range(ROUNDS):
        at = (low * outer - high * inner) / (outer - inner)
        found = clear(at)
        inside = found < 0
        inner, outer = (np.where(inside, np.minimum(found, -1e-9), np.where(side < 0, inner / 2, inner)),
                        np.where(inside, np.where(side > 0, outer / 2, outer), np.maximum(found, 1e-9)))
        low, high, side = np.where(inside, at, low), np.where(inside, high, at), np.where(inside, 1.0, -1.0)
    return start + np.outer(at / frustum.pixel, way)
