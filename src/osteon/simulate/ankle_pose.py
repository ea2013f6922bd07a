"""An ankle in the world: bones and fragments placed for a view, and what is measured on their projection: points, displacement, where a fracture shows.

World axes as in `frustum`. The tibia stays; fibula, talus and fragments move against it in the frame of the mortise, and the view turns all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from osteon.geometry.ankle import LEVEL_MM
from osteon.geometry.lower_limb import lateral_sign
from osteon.simulate import ankle_bones as bones
from osteon.simulate import bone_cuts
from osteon.simulate.ankle_bones import AnkleShape
from osteon.simulate.bone_cuts import Crack, Frame
from osteon.simulate.frustum import Frustum, Placed
from osteon.simulate.limb_scene import Ball, Thing, longest_way
from osteon.simulate.lower_limb_pose import surface
from osteon.simulate.sdf import Solid, Step, rotation, solid

VIEWS = ("ap", "mortise", "lateral")
PIVOT = np.array([0.0, 0.0, -bones.SPACE - bones.DOME])  # about which the talus turns
REACH: Mapping[str, float] = {"lateral": 34.0, "medial": 23.0, "posterior": 28.0}  # of what a fragment is looked for in (mm about a point of it)
FACE: Mapping[str, float] = {"lateral": 21.0, "medial": 17.0, "posterior": 25.0}  # and of its broken face
MIDDLE: Mapping[str, np.ndarray] = {"medial": np.array([-22.0, 1.0, -3.0]), "posterior": np.array([4.0, -13.0, 4.0])}
NAMES: Mapping[str, str] = {"medial": "tibia", "posterior": "tibia", "lateral": "fibula"}  # fragment -> bone
STILL: Frame = (np.eye(3), np.zeros(3))


@dataclass(frozen=True)
class Injury:
    """What is broken (malleolus -> crack), how far (mm) the fibula stands off the notch and is turned (degrees), and how the talus followed: shift outwards (mm), tilt (degrees)."""

    cracks: Mapping[str, Crack] = field(default_factory=dict, hash=False)
    diastasis: float = 0.0
    turned: float = 0.0
    talus: float = 0.0
    tilt: float = 0.0


@dataclass(frozen=True)
class Stance:
    """How an ankle lies for a film (degrees): turn outwards from the mortise, tilt about the film's normal and about its horizontal, plantar flexion."""

    turn: float = 0.0
    lean: float = 0.0
    pitch: float = 0.0
    plantar: float = 0.0


@dataclass(frozen=True, eq=False)
class Ankle:
    """One ankle: its side, shape, injury and the frames of its parts in that of the mortise."""

    side: str
    shape: AnkleShape
    injury: Injury
    plantar: float = 0.0

    def view(self, stance: Stance) -> np.ndarray:
        """The turn of the mortise into the world (3 x 3, with the mirror of a right side)."""
        sign = lateral_sign(self.side)
        return rotation(stance.pitch, sign * stance.lean, -sign * stance.turn) @ np.diag([sign, 1.0, 1.0])

    @cached_property
    def frames(self) -> Mapping[str, Frame]:
        """Each part's place: tibia, medial, posterior; fibula and, below its fracture, lateral; talus and foot."""
        hurt = self.injury
        off = (rotation(0, 0, -hurt.turned), np.array([hurt.diastasis, -0.25 * hurt.diastasis, 0.0]))
        lateral = hurt.cracks.get("lateral")
        high = (np.eye(3), 0.35 * off[1]) if lateral else off
        turn = rotation(0, hurt.tilt, 0)
        talus = turn, PIVOT + np.array([hurt.talus, 0, 0]) - turn @ PIVOT
        bent = turn @ rotation(-self.plantar, 0, 0)
        foot = bent, PIVOT + np.array([hurt.talus, 0, 0]) - bent @ PIVOT
        out = {"tibia": STILL, "fibula": high, "talus": foot if self.plantar else talus, "foot": foot}
        out |= {name: hurt.cracks[name].frame(STILL) for name in ("medial", "posterior") if name in hurt.cracks}
        return out | ({"lateral": lateral.frame((np.eye(3), off[1]))} if lateral else {})

    def at(self, part: str, point: np.ndarray | tuple[float, float, float]) -> np.ndarray:
        """A point of a part in the frame of the mortise."""
        turn, shift = self.frames[part]
        return np.asarray(turn @ np.asarray(point, float) + shift)

    def placed(self, part: str, made: Solid, view: np.ndarray) -> Placed:
        """A solid of a part in the world of a view."""
        turn, shift = self.frames[part]
        return Placed(made, view @ turn, view @ shift)

    @cached_property
    def whole(self) -> Mapping[str, list[Step]]:
        """The unbroken tapes of tibia and fibula."""
        return {"tibia": bones.tibia_steps(self.shape), "fibula": bones.fibula_steps(self.shape)}

    @cached_property
    def pieces(self) -> Mapping[str, tuple[str, list[Step], list[Step]]]:
        """Part -> (bone, the whole tape, what keeps the part of it), with holes where splinters came off."""
        out = {}
        for bone in ("tibia", "fibula"):
            cracks = {name: c for name, c in self.injury.cracks.items() if (name == "lateral") is (bone == "fibula")}
            lost = [hole for crack in cracks.values() for hole in bone_cuts.holes(crack)]
            for name, kept in bone_cuts.parts(cracks).items():
                out[name or bone] = (bone, [*self.whole[bone], *lost], kept)
        return out

    @cached_property
    def solids(self) -> Mapping[str, Solid]:
        """Every bone and fragment by part."""
        made = {"tibia": bones.tibia, "fibula": bones.fibula}
        out = {part: made[bone]([*whole, *kept], self.shape) for part, (bone, whole, kept) in self.pieces.items()}
        return out | {"talus": bones.talus(self.shape), "calcaneus": bones.calcaneus(self.shape), "foot": bones.midfoot(self.shape)}

    def around(self, part: str) -> Ball | None:
        """The ball (its centre in the part's own frame, mm) in which a fragment lies; None for the rest."""
        if part in ("medial", "posterior"):
            return MIDDLE[part], REACH[part]
        if part == "lateral":
            top = np.asarray(self.injury.cracks["lateral"].point) + (0.0, 0.0, 8.0)
            low = np.array([27.0, -6.0, -28.0])
            return 0.5 * (top + low), 0.5 * float(np.linalg.norm(top - low)) + 15.0
        return None

    @cached_property
    def made(self) -> tuple[tuple[str, Solid, str, Ball | None], ...]:
        """All that stands before a film, made once for all views: part, solid, substance, and where it is if it is small."""
        bony = [("foot" if part == "calcaneus" else part, made, "bone", self.around(part)) for part, made in self.solids.items()]
        return *bony, *_faces(self), *_dense(self), *_loose(self)


def hard(ankle: Ankle, view: np.ndarray) -> Iterator[Thing]:
    """All bones of an ankle and what is denser or thinner in them, in the world of a view."""
    names = [NAMES.get(part, part) for part in ankle.solids]
    for k, (part, made, substance, ball) in enumerate(ankle.made):
        around = None if ball is None else (view @ ankle.at(part, ball[0]), ball[1])
        yield Thing(ankle.placed(part, made, view), substance, names[k] if k < len(names) else "", around)


def _faces(ankle: Ankle) -> Iterator[tuple[str, Solid, str, Ball | None]]:
    """The bare faces of fragments."""
    for name, crack in ankle.injury.cracks.items():
        bone = NAMES[name]
        thick = (1.6 if name == "lateral" else 1.3) * ankle.shape.cortex
        for part, fragment in ((name, True), (bone, False)):
            yield part, solid([*ankle.whole[bone], *crack.cap(thick, fragment=fragment)]), "uncapped", (np.asarray(crack.point), FACE[name])


def _dense(ankle: Ankle) -> Iterator[tuple[str, Solid, str, Ball | None]]:
    """Subchondral plates, scars of the growth plates, and struts; those of a broken bone on either side of the break."""
    shape = ankle.shape
    for part, (bone, _, kept) in ankle.pieces.items():
        ball = ankle.around(part) or (np.array([0.0, 0, 12]), 36.0)
        if bone == "tibia":
            yield part, solid([*bones.plafond_plate(shape), *kept]), "dense", ball
            yield part, solid([*bones.tibial_trabeculae(shape), *kept]), "strut", ball
        if shape.scar > 0:
            yield part, solid([*bones.scar(shape, bone), *kept]), "scar", (np.array([2.0, 0, 10]), 34.0)
    yield "talus", bones.dome_plate(shape), "dense", None
    yield "talus", bones.talar_trabeculae(shape), "strut", None
    yield "foot", bones.calcaneal_trabeculae(shape), "strut", None
    yield "foot", bones.facet_plate(shape), "dense", None


def _loose(ankle: Ankle) -> Iterator[tuple[str, Solid, str, Ball | None]]:
    """Splinters and accessory bones."""
    for name, crack in ankle.injury.cracks.items():
        yield from ((name, splinter, "bone", (np.asarray(crack.point), 22.0)) for splinter in bone_cuts.splinters(crack))
    for name in ankle.shape.ossicles:
        yield ("talus" if name == "trigonum" else _lowest(ankle, "lateral")), bones.ossicle(name), "bone", None


def landmarks(frustum: Frustum, ankle: Ankle, view: np.ndarray, *, frontal: bool) -> dict[str, np.ndarray]:
    """Points of a film (row, col), also beyond its border: those that `measure_ankle` reads."""
    named = _frontal(ankle) if frontal else _sideways(ankle)
    points = {name: frustum.project(view @ ankle.at(*at)) for name, at in named.items()}
    return points | (_edges(frustum, ankle, view, points) if frontal else {})


def _lowest(ankle: Ankle, part: str) -> str:
    """The fragment of a malleolus, or where it is whole its bone."""
    return part if part in ankle.frames else NAMES[part]


def _frontal(ankle: Ankle) -> dict[str, tuple[str, np.ndarray]]:
    w, shape = ankle.shape.width, ankle.shape
    return {"tip_medial": (_lowest(ankle, "medial"), bones.TIP_MEDIAL * (w, 1, 1)), "tip_lateral": (_lowest(ankle, "lateral"), bones.TIP_LATERAL * (w, 1, 1) + (shape.clear - 3.0, 0, -shape.tip)),
            "plafond_medial": ("tibia", np.array([-13.0 * w, 0, 0])), "plafond_lateral": ("tibia", np.array([13.5 * w, 0, 0])),
            "dome_medial": ("talus", np.array([-10.0 * w, 0, -bones.SPACE])), "dome_lateral": ("talus", np.array([10.0 * w, 0, -bones.SPACE])),
            "notch": ("tibia", np.array([bones.NOTCH_X * w, -5.0, LEVEL_MM]))}


def _sideways(ankle: Ankle) -> dict[str, tuple[str, np.ndarray]]:
    return {"facet": ("foot", np.array([3.0, -9.5, -28.5])), "tuberosity": ("foot", np.array([0.0, -43.0, -38.6])), "anterior_process": ("foot", np.array([9.0, 30.0, -38.8])),
            "dome": ("talus", np.array([0.0, 0, -bones.SPACE])), "plafond": ("tibia", np.zeros(3)), "tip_lateral": (_lowest(ankle, "lateral"), bones.TIP_LATERAL)}


def _edges(frustum: Frustum, ankle: Ankle, view: np.ndarray, points: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Where the outlines of fibula, tibia and talus stand on the film at the level of the syndesmosis and in the medial gutter."""
    way = points["plafond_lateral"] - points["plafond_medial"]
    way = way / np.hypot(*way)
    solids = ankle.solids
    level = points["notch"]
    fibula = _fibula_at(ankle)
    middle = frustum.project(view @ ankle.at(fibula, np.array([27.0 * ankle.shape.width + ankle.shape.clear - 3.0, -5.0, LEVEL_MM])))
    start = level + ((middle - level) @ way) * way
    inner = surface(frustum, ankle.placed(fibula, bones.fibula(ankle.whole["fibula"], ankle.shape), view), start[None], -way, (0.0, 40.0))[0]
    whole = bones.tibia(ankle.whole["tibia"], ankle.shape)
    tubercle = surface(frustum, ankle.placed("tibia", whole, view), (level - 14 / frustum.pixel * way)[None], way, (0.0, 40.0))[0]
    gutter = frustum.project(view @ ankle.at("talus", np.array([-8.0 * ankle.shape.width, 1.0, -9.0])))
    talus = surface(frustum, ankle.placed("talus", solids["talus"], view), gutter[None], -way, (0.0, 40.0))[0]
    medial = _lowest(ankle, "medial")
    wall = frustum.project(view @ ankle.at(medial, np.array([-(bones.HALF + bones.SPACE) * ankle.shape.width, 1.0, -9.0])))
    return {"fibula_medial": inner, "tubercle": tubercle, "gutter_talus": talus, "gutter_tibia": talus + ((wall - talus) @ way) * way}


def _fibula_at(ankle: Ankle) -> str:
    """The part of the fibula at the level of the syndesmosis."""
    crack = ankle.injury.cracks.get("lateral")
    if crack is None:
        return "fibula"
    return "lateral" if (np.array([27.0, -5.0, LEVEL_MM]) - np.asarray(crack.point)) @ crack.way > 0 else "fibula"


def displacements(frustum: Frustum, ankle: Ankle, view: np.ndarray) -> dict[str, float]:
    """How far (mm) each fragment stands from its bed on a film."""
    out = {}
    for name, crack in ankle.injury.cracks.items():
        bone = NAMES[name]
        first, second = (frustum.project(view @ ankle.at(part, crack.point)) for part in (name, bone))
        out[name] = float(np.hypot(*(first - second)) * frustum.pixel)
    return out


def gaps(frustum: Frustum, ankle: Ankle, view: np.ndarray) -> dict[str, float]:
    """The longest way (mm, the 98th percentile) that a ray of a film goes through the gap of each fracture: long where it looks along the plane, and the line shows."""
    out = {}
    for name, crack in ankle.injury.cracks.items():
        bone = NAMES[name]
        made = ankle.placed(bone, bone_cuts.slab(ankle.whole[bone], crack), view)
        out[name] = longest_way(frustum, made, (view @ ankle.at(bone, crack.point), FACE[name]))
    return out


def heights(frustum: Frustum, ankle: Ankle, view: np.ndarray) -> tuple[float, float] | None:
    """Between which heights (mm above the plafond) a fracture of the fibula lies, as its plane meets the cortex, on a frontal film."""
    crack = ankle.injury.cracks.get("lateral")
    if crack is None:
        return None
    nx, ny, nz = crack.way
    ends = [np.asarray(crack.point) + np.array([x, y, -(nx * x + ny * y) / nz]) for x, y in ((-7.5, 0), (7.5, 0), (0, -9.0), (0, 9.0))]
    plafond = frustum.project(view @ np.zeros(3))[0]
    rows = np.array([frustum.project(view @ ankle.at("fibula", p))[0] for p in ends])
    found = (plafond - rows) * frustum.pixel
    return float(found.min()), float(found.max())

