"""Fictitious families of hip implants, the usual H1 to H3 and a wider one of eleven, with what lies between metal and bone: cement, fibrous membrane, the dense line about it, compacted bone.

Solids of the stem are in the frame of the femur of `hip_bones` (the stem stands in its axis when it is seated), those of the cup in the pelvic frame, both for the left side.
An envelope is the outline of a stem or a cup, moved outwards by so many millimetres in each zone; what lies between two envelopes is a layer. Dimensions are ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from osteon.geometry.hip import DELEE, GRUEN, cup_axis
from osteon.simulate.hip_bones import NECK_WAY, RESECTION, HipShape
from osteon.simulate.sdf import Solid, Step, cone, cut, half_space, join, keep, loft, puck, rotation, solid, sphere

MANTLE_MM, SHELL_MM, WALL_MM = 3.2, 4.0, 3.0  # cement about a stem, thickness of a metal shell, cement about a cup
COMPACTED_MM, LINE_MM = 2.6, 1.0  # bone pressed together about a stem, and the dense line about a membrane
HEADS_MM = (14.0, 16.0, 18.0)
MEMBRANE_MM = 0.3  # less than this is none


@dataclass(frozen=True)
class Design:
    """A stem as it is made: heights z (mm, from the top), lateral and medial edge and half depth there, whether it has a collar, whether it is cemented."""

    z: tuple[float, ...]
    lateral: tuple[float, ...]
    medial: tuple[float, ...]
    deep: tuple[float, ...]
    collar: bool = False
    cemented: bool = False


DESIGNS: Mapping[str, Design] = MappingProxyType({
    "H1": Design((9, 2, -10, -26, -46, -70, -92, -105), (7.5, 8.2, 7.8, 7.0, 6.0, 5.0, 4.2, 3.4), (-9, -13.2, -13.0, -10.2, -7.4, -5.4, -4.2, -3.4), (5.0, 6.4, 6.8, 6.4, 5.8, 5.0, 4.2, 3.4),
                 collar=True, cemented=True),
    "H2": Design((13, 4, -10, -26, -45, -67, -88, -101), (9.5, 11.0, 10.6, 9.8, 8.7, 7.4, 6.0, 4.6), (-7, -15.5, -16.8, -13.6, -10.4, -7.8, -6.0, -4.6), (5.5, 6.6, 7.0, 6.8, 6.4, 5.8, 5.0, 4.2)),
    "H3": Design((12, 4, -8, -24, -43, -64, -90, -114), (9.5, 11.2, 11.0, 10.2, 9.2, 8.1, 7.2, 6.4), (-8, -16.6, -17.4, -14.4, -11.0, -8.5, -7.2, -6.4), (6.5, 8.6, 9.4, 9.2, 8.6, 7.9, 7.1, 6.3),
                 collar=True),
    "H4": Design((12, 4, -8, -20, -34, -46, -58, -66), (9.5, 11.4, 11.4, 10.4, 8.8, 7.2, 5.6, 4.4), (-8, -16.4, -17.2, -14.8, -11.2, -8.4, -6.0, -4.4), (5.5, 7.0, 7.6, 7.2, 6.4, 5.6, 4.8, 4.2)),
    "H5": Design((10, 3, -10, -28, -52, -78, -104, -124), (6.2, 7.0, 6.9, 6.3, 5.5, 4.6, 3.6, 2.6), (-8, -12.0, -11.4, -8.8, -6.4, -4.8, -3.6, -2.6), (4.6, 5.6, 5.8, 5.4, 4.8, 4.2, 3.4, 2.6), cemented=True),
    "H6": Design((16, 6, -8, -26, -46, -70, -96, -120), (13.5, 15.2, 13.2, 10.8, 8.8, 7.4, 6.8, 6.4), (-7, -15.8, -17.0, -13.8, -10.4, -8.0, -6.8, -6.4), (6.5, 8.4, 9.2, 8.8, 8.0, 7.2, 6.8, 6.2)),
    "H7": Design((18, 8, -6, -26, -50, -76, -102, -126), (14.5, 14.8, 12.6, 10.2, 7.8, 5.8, 4.2, 3.0), (-6, -13.2, -13.6, -11.0, -8.0, -5.8, -4.2, -3.0), (5.0, 5.6, 5.8, 5.6, 5.2, 4.6, 4.0, 3.0)),
    "H8": Design((11, 3, -10, -28, -50, -76, -102, -122), (8.2, 9.2, 8.8, 8.0, 7.4, 7.0, 6.8, 6.6), (-8, -13.6, -13.2, -10.4, -8.2, -7.2, -6.8, -6.6), (6.5, 7.8, 8.0, 7.6, 7.2, 7.0, 6.8, 6.6), collar=True),
    "H9": Design((12, 4, -8, -22, -38, -54, -76, -98), (10.5, 12.6, 12.6, 11.0, 7.6, 5.4, 4.8, 4.4), (-8, -17.0, -18.2, -15.6, -10.2, -6.4, -4.8, -4.4), (6.5, 8.6, 9.4, 8.8, 6.8, 5.4, 4.8, 4.4), collar=True),
    "H10": Design((14, 5, -8, -22, -38, -54, -70, -84), (11.5, 12.8, 12.0, 10.4, 8.4, 6.4, 4.4, 2.6), (-7, -14.4, -14.8, -12.0, -9.0, -6.4, -4.4, -2.6), (3.8, 4.4, 4.6, 4.4, 4.0, 3.6, 3.2, 2.4)),
    "H11": Design((8, 1, -12, -28, -50, -74, -94, -110), (4.8, 5.4, 6.0, 6.8, 7.2, 6.6, 5.4, 4.0), (-10, -14.4, -14.8, -12.4, -8.8, -6.0, -4.6, -3.8), (5.0, 6.2, 6.6, 6.4, 5.8, 5.2, 4.6, 3.8), collar=True, cemented=True)})


@dataclass(frozen=True)
class Parts:
    """What was put in: the design, size (1 = for a femur of width 1), radius of the head and of the cup's outside (mm), its radiographic inclination and anteversion (degrees),
    whether the cup is cemented, and how many screws hold it."""

    design: str = "H2"
    size: float = 1.0
    head: float = 16.0
    cup: float = 27.0
    angles: tuple[float, float] = (42.0, 16.0)
    cup_cemented: bool = False
    screws: int = 0

    @property
    def made(self) -> Design:
        """The design."""
        return DESIGNS[self.design]


@dataclass(frozen=True)
class Hold:
    """How it sits now: membrane (mm) by zone; subsidence (mm) and varus (degrees) of the stem, way (mm, lateral and up) and turn (degrees) of the cup since operation, whether
    the mantle is broken, the alignment that it was put in with (degrees) and the wear of the liner (mm)."""

    lines: Mapping[str, float] = field(default_factory=dict, hash=False)
    subsidence: float = 0.0
    tilt: float = 0.0
    moved: tuple[float, float] = (0.0, 0.0)
    turn: float = 0.0
    broken: bool = False
    seated: float = 0.0
    wear: float = 0.0

    def widths(self, zones: Sequence[str]) -> np.ndarray:
        """The membrane (mm) in each zone, 0 below `MEMBRANE_MM`."""
        found = np.array([self.lines.get(zone, 0.0) for zone in zones])
        return np.where(found < MEMBRANE_MM, 0.0, found)


def sunk(parts: Parts, hold: Hold) -> tuple[np.ndarray, np.ndarray]:
    """Where the stem stands in the femur: turn (3 x 3) and shift (mm); it tilts about a point two thirds down."""
    turn = rotation(0, -hold.seated - hold.tilt, 0)
    pivot = np.array([0.0, 0.0, 0.62 * parts.made.z[-1]])
    return turn, pivot - turn @ pivot - np.array([0.0, 0.0, hold.subsidence])


def stem(parts: Parts, shape: HipShape) -> Solid:
    """Body, collar, neck and taper of the stem, in its own frame (that of the femur when it is seated)."""
    w, head = parts.size, shape.hip
    steps = [join(_body(parts)), join(cone((-5 * w, 0, 6), 0.35 * head, 7.5, 6.4), 5), join(cone(0.35 * head, head, 6.4, 5.6), 1)]
    if parts.made.collar:
        steps.append(join(puck(np.array([-14.5 * w, 0, 5.4]), (8.5, 9.5), 1.6, 1.0, rotation(0, -37, 0)), 1))
    return solid(steps)


def head(parts: Parts, shape: HipShape) -> Solid:
    """The head on the taper, in the stem's frame."""
    return solid([join(sphere(shape.hip, parts.head))])


def _zone_heights(made: Design) -> np.ndarray:
    """Heights (mm) of the middles of the three thirds of a stem."""
    return np.linspace(made.z[1], made.z[-1], 7)[[1, 3, 5]]


def _body(parts: Parts, widths: np.ndarray | float = 0.0) -> Step:
    """The body moved outwards by `widths` (mm, in the seven zones of Gruen; or the same everywhere)."""
    made, w, grown = parts.made, parts.size, np.broadcast_to(widths, len(GRUEN))
    middles = _zone_heights(made)
    z = np.unique([*made.z, *middles])[::-1]
    edges = {name: w * np.interp(-z, -np.array(made.z), getattr(made, name)) for name in ("lateral", "medial", "deep")}
    more = {side: np.interp(-z, -middles, grown[zones]) for side, zones in (("lateral", [0, 1, 2]), ("medial", [6, 5, 4]))}
    out, into = edges["lateral"] + more["lateral"], edges["medial"] - more["medial"]
    z[-1] -= grown[3]
    return loft(z, 0.5 * (out + into), np.zeros(len(z)), 0.5 * (out - into), edges["deep"] + 0.5 * (more["lateral"] + more["medial"]), rounding=3.5)


def stem_envelope(parts: Parts, widths: np.ndarray, shape: HipShape) -> Solid:
    """The outline of the body moved outwards by `widths` (mm, in the seven zones), as far up as the bone goes; in the stem's frame."""
    return solid([join(_body(parts, widths)), keep(half_space(RESECTION * shape.width, NECK_WAY))])


def zone_points(parts: Parts) -> np.ndarray:
    """Where the line of each zone of Gruen is measured from: heights (7,) on the axis of the stem, mm; that of zone 4 stands above the tip."""
    proximal, middle, distal = _zone_heights(parts.made)
    return np.array([proximal, middle, distal, parts.made.z[-1] + 14.0, distal, middle, proximal])


def layers(parts: Parts, hold: Hold) -> tuple[tuple[str, np.ndarray], ...]:
    """Each layer about the stem from the metal outwards: its substance and how far (mm) its outside lies from the metal in each zone."""
    membrane = hold.widths(GRUEN)
    line = LINE_MM * np.minimum(membrane / 1.0, 1.0)
    bare = np.zeros(len(GRUEN))
    cement = bare + (MANTLE_MM if parts.made.cemented else 0.0)
    cement[3] *= 3.5  # the plug below the tip
    outside = (("cement", cement), ("membrane", cement + membrane), ("line", cement + membrane + line), ("compacted", cement + membrane + line + COMPACTED_MM))
    return tuple(layer for layer in outside if layer[0] != "cement" or parts.made.cemented)


def crack(parts: Parts) -> Solid:
    """The gap of a broken mantle, across it below the middle of the stem, in the stem's frame."""
    middle, way = np.array([0.0, 0.0, 0.55 * parts.made.z[-1]]), rotation(0, 16, 0)[:, 2]
    sheet = [keep(half_space(middle + side * 0.9 * way, side * way)) for side in (1, -1)]
    return solid([join(_body(parts, MANTLE_MM)), *sheet])


def cup_centre(shape: HipShape, hold: Hold) -> np.ndarray:
    """Where the middle of the cup is now, in the pelvic frame."""
    return shape.centre + np.array([hold.moved[0] - 2.0, 0.0, hold.moved[1]])


def facing(parts: Parts, hold: Hold) -> np.ndarray:
    """Where the cup opens to, in the pelvic frame (x lateral, y anterior, z up)."""
    lateral, front, low = cup_axis(parts.angles[0] + hold.turn, parts.angles[1])
    return np.array([lateral, front, -low])


def _dome(centre: np.ndarray, radius: float, axis: np.ndarray, deep: float = 0.0) -> list[Step]:
    return [join(sphere(centre, radius)), keep(half_space(centre + deep * axis, axis), 0.6)]


def cup(parts: Parts, shape: HipShape, hold: Hold) -> Solid:
    """The metal shell, or of a cemented cup the wire about its rim."""
    centre, axis = cup_centre(shape, hold), facing(parts, hold)
    if parts.cup_cemented:
        return solid(_wire(centre + 0.5 * axis, axis, parts.cup - WALL_MM - 0.8))
    steps = [*_dome(centre, parts.cup, axis), cut(sphere(centre, parts.cup - SHELL_MM))]
    for k in range(parts.screws):
        way = np.array([(-0.18, -0.42, 0.89), (0.20, -0.30, 0.93), (-0.42, -0.45, 0.78)][k])
        steps.append(join(cone(centre + (parts.cup - 3) * way, centre + (parts.cup + 24 + 5 * k) * way, 2.6, 1.9)))
    return solid(steps)


def _wire(centre: np.ndarray, axis: np.ndarray, radius: float, pieces: int = 20) -> list[Step]:
    first, second = rim_axes(axis)
    turn = np.linspace(0, 2 * np.pi, pieces + 1)
    points = centre + radius * (np.outer(np.cos(turn), first) + np.outer(np.sin(turn), second))
    return [join(cone(a, b, 0.8, 0.8)) for a, b in zip(points, points[1:], strict=False)]


def rim_axes(axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two directions in the plane of the rim: the one that a frontal film shows in full length (its upper end first), and the one across it."""
    along = np.cross(axis, (0.0, 1.0, 0.0))
    along *= np.sign(along[2]) / np.linalg.norm(along)
    return along, np.cross(axis, along)


def cup_cement(parts: Parts, shape: HipShape, hold: Hold) -> Solid:
    """The cement about a cup."""
    centre, axis = cup_centre(shape, hold), facing(parts, hold)
    return solid([*_dome(centre, parts.cup, axis, 1.0), cut(sphere(centre, parts.cup - WALL_MM))])


def reamed(parts: Parts, shape: HipShape, hold: Hold) -> list[Step]:
    """What is taken away of the hip bone: the bed of the cup with the membrane of each zone about it."""
    centre, axis = cup_centre(shape, hold), facing(parts, hold)
    widths = hold.widths(DELEE)
    bed = [cut(sphere(centre, parts.cup), 0.3)]
    bed += [cut(sphere(centre + width * way, parts.cup + 0.15 * width), 0.3) for width, way in zip(widths, zone_ways(axis), strict=True) if width > 0]
    return [*bed, cut(cone(centre + 6 * axis, centre + 40 * axis, parts.cup, parts.cup), 0.3)]


def zone_ways(axis: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The directions, from the middle of a cup, of its three zones on a frontal film: superolateral, medial, inferior."""
    along, _ = rim_axes(axis)
    flat = np.array([-axis[0], 0, -axis[2]]) / np.hypot(axis[0], axis[2])
    return tuple(np.cos(t) * flat + np.sin(t) * along for t in np.radians((52.0, 0.0, -52.0)))  # type: ignore[return-value]


def liner(parts: Parts, shape: HipShape, hold: Hold) -> Solid:
    """The polyethylene between shell and head."""
    centre, axis = cup_centre(shape, hold), facing(parts, hold)
    return solid([*_dome(centre, parts.cup - (WALL_MM if parts.cup_cemented else SHELL_MM), axis, 2.0), cut(sphere(centre, parts.head))])


def head_centre(parts: Parts, shape: HipShape, hold: Hold) -> np.ndarray:
    """Where the middle of the head is now, in the pelvic frame: in the cup, higher by the wear of the liner."""
    return cup_centre(shape, hold) + hold.wear * np.array([0.25, 0.0, 0.97])


