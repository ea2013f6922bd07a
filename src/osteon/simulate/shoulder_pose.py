"""A shoulder in the world: bones and fragments placed for a view, and what is measured on their projection: points, displacement, where a fracture shows.

World axes as in `frustum`. The trunk is the frame of all; the scapula stands in its plane, the humerus in the socket (or out of it), turned as the view asks for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from osteon.geometry.lower_limb import lateral_sign
from osteon.geometry.shoulder import HUMERUS
from osteon.simulate import bone_cuts
from osteon.simulate import shoulder_bones as bones
from osteon.simulate.bone_cuts import Crack, Frame
from osteon.simulate.frustum import Frustum, Placed
from osteon.simulate.limb_scene import Ball, Thing, longest_way
from osteon.simulate.sdf import Solid, Step, rotation, solid
from osteon.simulate.shoulder_bones import ShoulderShape

STILL: Frame = (np.eye(3), np.zeros(3))
BLADE = rotation(0, 0, bones.PLANE)
SCAPULAR = ("acromion", "coracoid", "body", "glenoid")  # what of the scapula breaks
BALLS: Mapping[str, Ball] = {"acromion": (np.array([3.0, -14.0, 37.0]), 34.0), "coracoid": (np.array([-33.0, 25.0, 10.0]), 26.0), "glenoid": (np.array([-34.0, 0.0, -12.0]), 28.0),
                             "greater": (np.array([19.0, -3.0, 0.0]), 24.0), "lesser": (np.array([13.0, 15.0, -6.0]), 21.0), "anatomical": (np.zeros(3), 29.0)}
FACE_MM: Mapping[str, float] = {"acromion": 18.0, "coracoid": 14.0, "glenoid": 24.0, "body": 62.0, "greater": 25.0, "lesser": 17.0, "anatomical": 26.0, "surgical": 26.0, "shaft": 24.0, "clavicular": 18.0}


@dataclass(frozen=True)
class Injury:
    """What is broken (plane -> crack: of the humerus, the scapula, or the clavicle), the segment of the clavicle, and where the head has gone (mm, in the trunk's frame; turned, degrees)."""

    cracks: Mapping[str, Crack] = field(default_factory=dict, hash=False)
    segment: str = ""
    gone: tuple[float, float, float] = (0.0, 0.0, 0.0)
    turned: float = 0.0


@dataclass(frozen=True)
class Stance:
    """How a patient stands for a film (degrees): trunk turned to the side, tube tilted upwards, arm turned inwards and held away."""

    turn: float = 0.0
    tilt: float = 0.0
    arm: float = 10.0
    away: float = 9.0


def bone_of(crack: str) -> str:
    """The bone that a plane breaks."""
    return "clavicle" if crack == "clavicular" else "humerus" if crack in HUMERUS else "scapula"


@dataclass(frozen=True, eq=False)
class Shoulder:
    """One shoulder: its side, shape and injury."""

    side: str
    shape: ShoulderShape
    injury: Injury

    def view(self, stance: Stance) -> np.ndarray:
        """The turn of the trunk into the world (3 x 3, with the mirror of a right side)."""
        sign = lateral_sign(self.side)
        return rotation(stance.tilt, 0, 0) @ rotation(0, 0, -sign * stance.turn) @ np.diag([sign, 1.0, 1.0])

    def frames(self, stance: Stance) -> Mapping[str, Frame]:
        """Each part's place in the trunk: bones by name, fragments by plane."""
        hurt = self.injury
        arm: Frame = rotation(0, 0, stance.arm + hurt.turned) @ rotation(0, -stance.away, 0), np.asarray(hurt.gone)
        plate: Frame = BLADE, np.zeros(3)
        out: dict[str, Frame] = {"humerus": arm, "scapula": plate, "clavicle": STILL, "trunk": STILL}
        for name, crack in hurt.cracks.items():
            within = {"humerus": arm, "scapula": plate, "clavicle": STILL}[bone_of(name)]
            out[name] = crack.frame(within)
            if name == "surgical":  # the centre of the head stays where it is, the shaft goes
                out["humerus"], out[name] = (arm[0], 2 * arm[1] - out[name][1]), (out[name][0], arm[1])
        return out

    @cached_property
    def whole(self) -> Mapping[str, list[Step]]:
        """The unbroken tapes."""
        return {"humerus": bones.humerus_steps(self.shape), "scapula": bones.scapula_steps(self.shape), "clavicle": bones.clavicle_steps(self.shape)}

    @cached_property
    def pieces(self) -> Mapping[str, tuple[str, list[Step], list[Step]]]:
        """Part -> (bone, the tape with holes where splinters came off, what keeps the part of it)."""
        out = {}
        for bone, steps in self.whole.items():
            cracks = {name: c for name, c in self.injury.cracks.items() if bone_of(name) == bone}
            lost = [hole for crack in cracks.values() for hole in bone_cuts.holes(crack)]
            for name, kept in bone_cuts.parts(cracks).items():
                out[name or bone] = (bone, [*steps, *lost], kept)
        return out

    @cached_property
    def made(self) -> tuple[tuple[str, Solid, str, str, Ball | None], ...]:
        """All that stands before a film, made once for all views: part, solid, substance, bone, and where it is if it is small."""
        make = {"humerus": bones.humerus, "scapula": bones.scapula, "clavicle": bones.clavicle}
        bony = [(part, make[bone]([*whole, *kept], self.shape), "bone", bone, self.ball(part)) for part, (bone, whole, kept) in self.pieces.items()]
        return *bony, ("trunk", bones.ribs(), "bone", "", None), *_inside(self), *_faces(self)

    def ball(self, part: str) -> Ball | None:
        """The ball in the part's own frame in which a small fragment lies."""
        return BALLS.get(part)

    def holds(self, point: np.ndarray) -> str:
        """The part of the humerus that holds a point of it."""
        for name, crack in self.injury.cracks.items():
            if name in HUMERUS and (point - np.asarray(crack.point)) @ crack.way > 0:
                return name
        return "humerus"


def hard(shoulder: Shoulder, stance: Stance) -> Iterator[Thing]:
    """All bones of a shoulder and what is denser or thinner in them, in the world of a view."""
    view, frames = shoulder.view(stance), shoulder.frames(stance)
    for part, made, substance, bone, ball in shoulder.made:
        turn, shift = frames[part]
        around = None if ball is None else (view @ (turn @ ball[0] + shift), ball[1])
        yield Thing(Placed(made, view @ turn, view @ shift), substance, bone, around)


def _faces(shoulder: Shoulder) -> Iterator[tuple[str, Solid, str, str, Ball | None]]:
    """The bare faces of fragments, and splinters."""
    for name, crack in shoulder.injury.cracks.items():
        bone = bone_of(name)
        ball = np.asarray(crack.point), FACE_MM[name]
        thick = {"humerus": 4.0 if name == "shaft" else 1.7, "clavicle": 1.9, "scapula": 1.2}[bone] * shoulder.shape.cortex
        if name != "body":  # a blade that is all cortex
            for part, fragment in ((name, True), (bone, False)):
                yield part, solid([*shoulder.whole[bone], *crack.cap(thick, fragment=fragment)]), "uncapped", "", ball
        yield from ((name, splinter, "bone", "", (np.asarray(crack.point), 34.0)) for splinter in bone_cuts.splinters(crack))


def _inside(shoulder: Shoulder) -> Iterator[tuple[str, Solid, str, str, Ball | None]]:
    """Subchondral plates and struts; those of a broken head on either side of the break."""
    for part, (bone, _, kept) in shoulder.pieces.items():
        if bone == "humerus" and part != "shaft":
            yield part, solid([*bones.trabeculae(shoulder.shape), *kept]), "strut", "", (np.array([4.0, 0, -4]), 34.0)
            if part in ("humerus", "anatomical", "surgical"):
                yield part, solid([*bones.head_plate(shoulder.shape), *kept]), "dense", "", (np.zeros(3), 25.0)
    yield "scapula", bones.glenoid_plate(), "dense", "", (np.array([-28.0, 0, -2]), 22.0)


def landmarks(frustum: Frustum, shoulder: Shoulder, stance: Stance) -> dict[str, np.ndarray]:
    """Points of a frontal film (row, col), also beyond its border: those that `measure_shoulder` reads, and coracoid and tuberosity."""
    shape, view, frames = shoulder.shape, shoulder.view(stance), shoulder.frames(stance)
    z, out = bones.ACROMION_Z + shape.rise, shape.reach
    head, tube = shoulder.holds(9 * shape.axis), shoulder.holds(np.array([8.6, 0, -120.0]))
    broken = {name: (name if name in shoulder.injury.cracks else "scapula") for name in SCAPULAR}
    named = {"head": (head, np.zeros(3)), "neck": (tube if tube != "shaft" else "humerus", shape.neck), "shaft": (tube, np.array([8.6, 0, -120.0])), "tuberosity": (shoulder.holds(np.array([23.0, -4, 4])), np.array([25.0, -4, 7])),
             "acromion_under": (broken["acromion"], np.array([1.0, -10.0, z - 3.8])), "acromion_edge": (broken["acromion"], np.array([14.5 + out, -12.0, z - 1.0])),
             "coracoid": (broken["coracoid"], np.array([-34.0, 26.0, 19.5])), "clavicle_under": ("clavicle", np.array([-44.0, 21.0, 28.4 + shape.rise])), "glenoid_upper": ("scapula", np.array([-27.5, 0, 15.5])),
             "glenoid_lower": ("scapula", np.array([-27.5, 0, -19.5])), "socket": ("trunk", np.zeros(3)), "clavicle_end": ("clavicle", bones.CLAVICLE[-1] + (3, 0, shape.rise))}
    points = {}
    for name, (part, point) in named.items():
        turn, shift = frames[part]
        points[name] = frustum.project(view @ (turn @ point + shift))
    up = points["acromion_under"] - points["head"]
    return points | {"head_top": points["head"] + bones.HEAD / frustum.pixel * up / max(float(np.hypot(*up)), 1e-6)}


def displacements(frustum: Frustum, shoulder: Shoulder, stance: Stance) -> dict[str, float]:
    """How far (mm) each fragment stands from its bed on a film."""
    view, frames, out = shoulder.view(stance), shoulder.frames(stance), {}
    for name, crack in shoulder.injury.cracks.items():
        first, second = (frustum.project(view @ (turn @ np.asarray(crack.point) + shift)) for turn, shift in (frames[name], frames[bone_of(name)]))
        out[name] = float(np.hypot(*(first - second)) * frustum.pixel * shoulder.shape.size)
    return out


def gaps(frustum: Frustum, shoulder: Shoulder, stance: Stance) -> dict[str, float]:
    """The longest way (mm) that a ray of a film goes through the gap of each fracture."""
    view, frames, out = shoulder.view(stance), shoulder.frames(stance), {}
    for name, crack in shoulder.injury.cracks.items():
        bone = bone_of(name)
        turn, shift = frames[bone]
        slab = Placed(bone_cuts.slab(shoulder.whole[bone], crack), view @ turn, view @ shift)
        out[name] = longest_way(frustum, slab, (view @ (turn @ np.asarray(crack.point) + shift), FACE_MM[name]))
    return out
