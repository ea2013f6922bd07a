"""A hip in the world: bones, fragments and implant placed, and what is measured on their projection: points, joint space, lucent lines by zone.

World axes as in `frustum`. The pelvis stays where it is; the femur comes to it, so that two hips which differ in a lesion of the pelvis alone differ nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from osteon.geometry.hip import DELEE, GRUEN
from osteon.geometry.lower_limb import lateral_sign
from osteon.simulate import bone_cuts, hip_bones, hip_implants
from osteon.simulate.bone_cuts import Frame
from osteon.simulate.frustum import Frustum, Placed
from osteon.simulate.hip_bones import GREATER, LESSER, NATIVE, OPENING, Arthritis, HipShape
from osteon.simulate.hip_implants import Hold, Parts
from osteon.simulate.lower_limb_pose import surface
from osteon.simulate.sdf import Solid, Step, cut, ellipsoid, join, moved, rotation, solid, sphere

CUTS: Mapping[str, tuple[np.ndarray, float]] = {"neck": (np.array([-0.77, 0.0, 0.64]), 0.52), "trochanteric": (np.array([-0.86, 0.0, 0.51]), 0.10)}


@dataclass(frozen=True)
class Posture:
    """How the patient lies (degrees): tilt, obliquity (left side up) and turn of the pelvis; adduction of the shaft and rotation outwards of the femur from a neck that lies in the film."""

    tilt: float = 0.0
    oblique: float = 0.0
    turn: float = 0.0
    shaft: float = 5.5
    outward: float = 0.0

    @property
    def pelvis(self) -> np.ndarray:
        """The turn of the pelvis (3 x 3)."""
        return rotation(self.tilt, -self.oblique, self.turn)


@dataclass(frozen=True)
class Break:
    """A fracture: kind, steepness (degrees more than usual), how far (mm) the shaft has gone up and outwards, tilt of the head (degrees, valgus positive), rotation of the shaft
    outwards (degrees), width of the gap (mm; below 0 it is impacted) and whether the lesser trochanter is off."""

    kind: str
    steep: float = 0.0
    up: float = 0.0
    out: float = 0.0
    valgus: float = 0.0
    outward: float = 0.0
    gap: float = 1.2
    third: bool = False


@dataclass(frozen=True)
class Status:
    """What a hip is: worn, broken, or replaced by parts that hold or not."""

    wear: Arthritis = NATIVE
    broken: Break | None = None
    parts: Parts | None = None
    hold: Hold = Hold()


@dataclass(frozen=True, eq=False)
class Hip:
    """One side: its bones (femur or its fragments) and metal by name, and the frames of femur, stem and pelvis."""

    side: str
    shape: HipShape
    status: Status
    bones: Mapping[str, Placed]
    metal: Mapping[str, Placed]
    frames: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(repr=False)

    def placed(self, frame: str, made: Solid) -> Placed:
        """A solid in the frame of femur, stem, proximal fragment or pelvis."""
        return Placed(made, *self.frames[frame])

    def world(self, frame: str, point: Sequence[float] | np.ndarray) -> np.ndarray:
        """A point of a frame in the world."""
        turn, shift = self.frames[frame]
        return np.asarray(turn @ np.asarray(point, float) + shift)


def place_hip(shape: HipShape, status: Status, posture: Posture, side: str) -> Hip:
    """Put one hip; the middle of both hip centres is the origin of the world."""
    mirror = np.diag([lateral_sign(side), 1.0, 1.0])
    pelvis = posture.pelvis @ mirror
    leg = mirror @ rotation(0, posture.shaft, 0) @ rotation(0, 0, -posture.outward)
    if status.parts:
        return _replaced(shape, status, (side, pelvis, leg))
    head = pelvis @ (shape.centre + _gone(shape, status.wear))
    frames = {"pelvis": (pelvis, np.zeros(3)), "femur": (leg, head - leg @ shape.hip)}
    bones = {"pelvis": Placed(hip_bones.innominate(shape, status.wear), *frames["pelvis"])}
    if status.broken:
        frames["head"], frames["femur"] = _apart(shape, status.broken, frames["femur"])
        for name, steps in fragments(shape, status.broken).items():
            bones[name] = Placed(hip_bones.femur(steps, shape), *frames["head" if name == "head" else "femur"])
        return Hip(side, shape, status, bones, {}, frames)
    frames["head"] = frames["femur"]
    bones["femur"] = Placed(hip_bones.femur(hip_bones.femur_steps(shape, status.wear), shape), *frames["femur"])
    return Hip(side, shape, status, bones, {}, frames)


def _gone(shape: HipShape, wear: Arthritis) -> np.ndarray:
    """How far (mm) the head has moved towards the worn side of the socket."""
    lean = np.radians(wear.way)
    return float(max(0.0, shape.socket - shape.head - wear.space + wear.flat)) * np.array([np.sin(lean), 0.0, np.cos(lean)])


def _replaced(shape: HipShape, status: Status, place: tuple[str, np.ndarray, np.ndarray]) -> Hip:
    """Stem and cup put in, the femur where the stem takes it."""
    side, pelvis, leg = place
    parts, hold = status.parts, status.hold
    assert parts is not None
    turn, shift = hip_implants.sunk(parts, hold)
    head = pelvis @ hip_implants.head_centre(parts, shape, hold)
    at = head - leg @ (turn @ shape.hip + shift)
    frames = {"pelvis": (pelvis, np.zeros(3)), "femur": (leg, at), "stem": (leg @ turn, at + leg @ shift)}
    bones = {"pelvis": Placed(hip_bones.innominate(shape, reamed=hip_implants.reamed(parts, shape, hold)), *frames["pelvis"]),
             "femur": Placed(hip_bones.femur(hip_bones.femur_steps(shape, stump=True), shape), *frames["femur"])}
    metal = {"stem": Placed(hip_implants.stem(parts, shape), *frames["stem"]), "head": Placed(hip_implants.head(parts, shape), *frames["stem"]),
             "cup": Placed(hip_implants.cup(parts, shape, hold), *frames["pelvis"])}
    return Hip(side, shape, status, bones, metal, frames)


def plane(shape: HipShape, broken: Break) -> tuple[np.ndarray, np.ndarray]:
    """A point of the fracture and the normal that looks to the head, in the femur's frame."""
    normal, along = CUTS[broken.kind]
    return along * shape.hip, rotation(0, -broken.steep, 0) @ normal


def sides(shape: HipShape, broken: Break) -> dict[str, Step]:
    """The steps that keep what belongs to the fragment of the head and to that of the shaft."""
    point, normal = plane(shape, broken)
    return {"head": bone_cuts.away(point, normal, broken.gap), "femur": bone_cuts.home(point, normal, broken.gap)}


def fragments(shape: HipShape, broken: Break) -> dict[str, list[Step]]:
    """The tapes of the fragments, in the femur's frame: head, femur and, where it is off, the lesser trochanter."""
    whole = hip_bones.femur_steps(shape)
    out = {name: [*whole, kept] for name, kept in sides(shape, broken).items()}
    if broken.third:
        tip = LESSER * (shape.width, 1, 1)
        out["femur"].append(cut(ellipsoid(tip + (3, 2, 0), (8, 9, 12)), 1))
        out["trochanter"] = moved([join(ellipsoid(tip + (3, 2, 0), (6.5, 7.5, 10)), 0)], np.eye(3), (-4.0, 0.0, 5.0))
    return out


def caps(shape: HipShape, broken: Break) -> dict[str, Solid]:
    """The sheets of bone along the fracture that hold no cortex, though they lie at a surface."""
    point, normal = plane(shape, broken)
    whole, half = hip_bones.femur_steps(shape), 0.5 * broken.gap
    thick = shape.cortex * hip_bones.NECK_CORTEX
    faces = {"head": (point + half * normal, -normal), "femur": (point - half * normal, normal)}
    return {name: bone_cuts.face(whole, at, way, thick) for name, (at, way) in faces.items()}


def _apart(shape: HipShape, broken: Break, frame: Frame) -> tuple[Frame, Frame]:
    """Where the fragment of the head and that of the shaft have gone."""
    leg, shift = frame
    tilted = leg @ rotation(0, broken.valgus, 0)
    head = tilted, leg @ shape.hip + shift - tilted @ shape.hip
    point, _ = plane(shape, broken)
    turned = leg @ rotation(0, 0, -broken.outward)
    at = leg @ (point + np.array([broken.out, 0.0, broken.up])) + shift
    return head, (turned, at - turned @ point)


def landmarks(frustum: Frustum, hip: Hip, other: Hip) -> dict[str, np.ndarray]:
    """Points of the film (row, col), also where they lie beyond its border: those that `measure_hip` reads, and trochanters and ischium."""
    shape = hip.shape
    along, _ = hip_implants.rim_axes(OPENING)
    drop = np.array([shape.apart - shape.socket - 4.6, 7.0, -26.0])
    named = {"head": ("stem" if hip.metal else "head", shape.hip), "neck": ("femur", np.zeros(3)), "shaft": ("femur", np.array([0.0, 2.0, -115.0])),
             "lesser_trochanter": ("femur", LESSER * (shape.width, 1, 1)), "greater_trochanter": ("femur", GREATER * (shape.width, 1, 1)), "teardrop": ("pelvis", drop),
             "sourcil": ("pelvis", shape.centre + shape.socket * along), "ischium": ("pelvis", np.array([shape.apart - 27, -32, -81]))}
    named |= _implanted(hip)
    points = {name: frustum.project(hip.world(*at)) for name, at in named.items()}
    return points | {"teardrop_other": frustum.project(other.world("pelvis", drop))}


def _implanted(hip: Hip) -> dict[str, tuple[str, np.ndarray]]:
    parts, hold = hip.status.parts, hip.status.hold
    if parts is None:
        return {}
    centre = hip_implants.cup_centre(hip.shape, hold)
    along, across = hip_implants.rim_axes(hip_implants.facing(parts, hold))
    z = parts.made.z
    return {"rim_superior": ("pelvis", centre + parts.cup * along), "rim_inferior": ("pelvis", centre - parts.cup * along), "rim_front": ("pelvis", centre + parts.cup * across),
            "rim_back": ("pelvis", centre - parts.cup * across), "stem_top": ("stem", np.array([0.0, 0, z[1]])), "stem_tip": ("stem", np.array([0.0, 0, z[-1]]))}


def lines(frustum: Frustum, hip: Hip) -> dict[str, float]:
    """The width (mm) of the lucent line of each zone of stem and cup, measured on the film square to the implant; 0 where there is none."""
    parts, hold = hip.status.parts, hip.status.hold
    if parts is None:
        return {}
    found = dict.fromkeys((*GRUEN, *DELEE), 0.0)
    if hold.widths(GRUEN).any():
        found |= _stem_lines(frustum, hip, parts, hold)
    if hold.widths(DELEE).any():
        found |= _cup_lines(frustum, hip, parts, hold)
    return found


def _stem_lines(frustum: Frustum, hip: Hip, parts: Parts, hold: Hold) -> dict[str, float]:
    outside = dict(hip_implants.layers(parts, hold))
    bare = outside.get("cement", np.zeros(len(GRUEN)))
    inner, outer = (hip.placed("stem", hip_implants.stem_envelope(parts, widths, hip.shape)) for widths in (bare, outside["membrane"]))
    start = frustum.project(np.array([hip.world("stem", (0.0, 0.0, z)) for z in hip_implants.zone_points(parts)]))
    down = (start[3] - start[0]) / np.hypot(*(start[3] - start[0]))
    lateral = np.array([-down[1], down[0]]) * lateral_sign(hip.side)
    out: dict[str, float] = {}
    for zones, way, reach in (((0, 1, 2), lateral, 45.0), ((4, 5, 6), -lateral, 45.0), ((3,), down, 60.0)):
        ends = [surface(frustum, each, start[list(zones)], way, (0.0, reach)) for each in (inner, outer)]
        gap = ((ends[1] - ends[0]) @ way) * frustum.pixel
        out |= {GRUEN[zone]: max(0.0, float(mm)) for zone, mm in zip(zones, gap, strict=True)}
    return {zone: mm if hold.lines.get(zone, 0.0) >= hip_implants.MEMBRANE_MM else 0.0 for zone, mm in out.items()}


def _cup_lines(frustum: Frustum, hip: Hip, parts: Parts, hold: Hold) -> dict[str, float]:
    centre, axis = hip_implants.cup_centre(hip.shape, hold), hip_implants.facing(parts, hold)
    ways, widths = hip_implants.zone_ways(axis), hold.widths(DELEE)
    bed = solid([join(sphere(centre + width * way, parts.cup + 0.15 * width)) for width, way in zip(widths, ways, strict=True)])
    shell = solid([join(sphere(centre, parts.cup))])
    middle = frustum.project(hip.world("pelvis", centre))
    out = {}
    for zone, way, width in zip(DELEE, ways, widths, strict=True):
        ahead = frustum.project(hip.world("pelvis", centre + 10 * way)) - middle
        ends = [surface(frustum, hip.placed("pelvis", each), middle[None], ahead / np.hypot(*ahead), (0.0, 60.0))[0] for each in (shell, bed)]
        out[zone] = float(np.hypot(*(ends[1] - ends[0])) * frustum.pixel) if width > 0 else 0.0
    return out


def joint_space(frustum: Frustum, hip: Hip) -> tuple[float, np.ndarray]:
    """The least gap (mm) between the outlines of head and roof on the film, along rays from the middle of the head, and its two ends (2, 2: row, col; head first)."""
    shape, flat = hip.shape, hip.status.wear.flat
    middle, socket = (frustum.project(hip.world(frame, at)) for frame, at in (("head", shape.hip), ("pelvis", shape.centre)))
    turns = np.radians(np.linspace(-45, 40, 35))
    ways = np.column_stack([-np.cos(turns), np.sin(turns) * lateral_sign(hip.side)])
    head = np.minimum(shape.head, (shape.head - flat) / np.cos(turns)) / frustum.pixel
    apart = middle - socket
    along = ways @ apart
    roof = -along + np.sqrt(along**2 - apart @ apart + (shape.socket / frustum.pixel) ** 2)
    least = int(np.argmin(roof - head))
    return max(0.0, float((roof - head)[least]) * frustum.pixel), middle + np.array([head[least], roof[least]])[:, None] * ways[least]


def displacement(frustum: Frustum, hip: Hip) -> tuple[float, float]:
    """How far (mm) the fragments of a fracture stand apart on the film, and the tilt of the head (degrees, valgus positive) there."""
    assert hip.status.broken is not None
    point, _ = plane(hip.shape, hip.status.broken)
    first, second = (frustum.project(hip.world(frame, point)) for frame in ("head", "femur"))
    return float(np.hypot(*(first - second)) * frustum.pixel), float(hip.status.broken.valgus)
