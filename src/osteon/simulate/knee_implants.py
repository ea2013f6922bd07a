"""A fictitious library of knee implants: ten total (K1 to K10) and four partial ones (U1 to U4), with cement, fibrous membrane and the dense line below a tray.

Solids of the femoral part are in the frame of the femur, those of the tibial part in that of the tibia (`lower_limb_bones`), both for x lateral; millimetres at a
plateau 80 mm wide. An envelope is the outline of tray, stem and wings moved outwards in each zone of Ewald; what lies between two envelopes is a layer. Shapes are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from osteon.geometry.knee_implant import ZONES
from osteon.simulate.sdf import Solid, Step, cone, cut, ellipsoid, group, half_space, join, keep, loft, puck, rotation, solid

CUT_Z, FEMUR_Z, MANTLE_MM, LINE_MM, MEMBRANE_MM = -9.0, 9.0, 2.2, 0.9, 0.3  # where tibia and femur are cut, cement, dense line, least membrane
DEEP_Y, PARTIAL_X = 22.0, -23.0  # half depth of a tray; middle of a medial one
FAR_MM, STEMMED_MM = 1e3, 18.0  # a stem or keel below this has no zones of its own
WITHIN = 2.0  # mm by which an envelope reaches up into the tray, so that one without a layer still has a body
TOTAL, PARTIAL = "total", "partial"


@dataclass(frozen=True)
class Design:
    """An implant as it is made: flange (height, half width at its top, length of a stem in the femur), notch and box (half width and height of each; height 0: none), tray (half
    width, thickness, rounding), stem (length, half width at top and tip), wings (half span, drop), pegs of the tray (x of each, length), and whether it is cemented."""

    kind: str
    flange: tuple[float, float, float] = (38.0, 20.0, 0.0)
    notch: tuple[float, float, float, float] = (9.0, 16.0, 0.0, 0.0)
    tray: tuple[float, float, float] = (36.0, 3.4, 1.2)
    stem: tuple[float, float, float] = (38.0, 7.0, 5.5)
    wings: tuple[float, float] = (0.0, 0.0)
    pegs: tuple[float, ...] = ()
    cemented: bool = True


DESIGNS: Mapping[str, Design] = MappingProxyType({
    "K1": Design(TOTAL, (40, 22, 0), (8, 14, 9.5, 17), (36, 3.2, 1.2), (38, 7.0, 5.0), (21, 26)),
    "K2": Design(TOTAL, (34, 17, 0), (11, 21, 0, 0), (36, 4.2, 1.5), (48, 6.5, 6.0), (12, 36)),
    "K3": Design(TOTAL, (36, 25, 0), (10, 18, 0, 0), (36, 3.4, 1.2), (20, 9.0, 6.0), pegs=(-24, -13, 13, 24, 13), cemented=False),
    "K4": Design(TOTAL, (44, 20, 0), (7, 12, 10, 24), (36, 3.6, 1.2), (76, 7.0, 6.0), (19, 20)),
    "K5": Design(TOTAL, (46, 27, 0), (12, 22, 0, 0), (35, 5.2, 2.4), (42, 12.0, 4.0)),
    "K6": Design(TOTAL, (35, 20, 0), (9, 15, 0, 0), (36, 6.5, 3.0), (0, 0, 0), pegs=(-19, 19, 15), cemented=False),
    "K7": Design(TOTAL, (38, 14, 0), (9, 18, 0, 0), (37, 3.0, 0.8), (34, 15.0, 13.0)),
    "K8": Design(TOTAL, (33, 24, 0), (10, 14, 8.5, 13), (35, 3.8, 1.0), (30, 6.0, 6.0), (15, 31), pegs=(-25, 25, 8)),
    "K9": Design(TOTAL, (42, 18, 0), (13, 24, 0, 0), (38, 3.2, 1.6), (44, 8.5, 3.2), (26, 14)),
    "K10": Design(TOTAL, (40, 19, 76), (0, 0, 13, 30), (35, 5.0, 1.2), (84, 8.0, 7.0), (14, 16)),
    "U1": Design(PARTIAL, tray=(12.5, 3.0, 1.0), stem=(0, 0, 0), wings=(8, 9)),
    "U2": Design(PARTIAL, tray=(13.0, 3.4, 2.0), stem=(11, 2.2, 2.2)),
    "U3": Design(PARTIAL, tray=(12.0, 4.6, 1.0), stem=(0, 0, 0), pegs=(-5.0, 5.0, 9.0)),
    "U4": Design(PARTIAL, tray=(13.5, 2.6, 0.8), stem=(7, 6.0, 3.0), pegs=(-7.5, 7.5, 6.0), cemented=False)})


@dataclass(frozen=True)
class Parts:
    """What was put in: the design, its size (1 = a plateau 80 mm wide), polyethylene (mm), and how the parts stand (degrees: femur and tray, varus positive)."""

    design: str = "K1"
    size: float = 1.0
    poly: float = 9.0
    seated: tuple[float, float] = (0.0, 0.0)

    @property
    def made(self) -> Design:
        """The design."""
        return DESIGNS[self.design]

    @property
    def stemmed(self) -> bool:
        """Whether zones 5 to 7 exist."""
        return max(self.made.stem[0], self.made.wings[1] if self.made.wings[0] else 0.0) >= STEMMED_MM

    @property
    def middle(self) -> float:
        """Where the middle of the tray lies (x)."""
        return 0.0 if self.made.kind == TOTAL else PARTIAL_X * self.size


@dataclass(frozen=True)
class Hold:
    """How the tray sits now: membrane (mm) by zone, and subsidence (mm) and tilt (degrees, varus positive) since operation."""

    lines: Mapping[str, float] = field(default_factory=dict, hash=False)
    sunk: float = 0.0
    tilted: float = 0.0

    def widths(self) -> np.ndarray:
        """The membrane (mm) in each zone, 0 below `MEMBRANE_MM`."""
        found = np.array([self.lines.get(zone, 0.0) for zone in ZONES])
        return np.where(found < MEMBRANE_MM, 0.0, found)


def femoral(parts: Parts) -> Solid:
    """The femoral part of a total, or of a medial partial replacement."""
    return solid(_total(parts) if parts.made.kind == TOTAL else _partial(parts))


def _total(parts: Parts) -> list[Step]:
    d, w = parts.made, parts.size
    high, top, inside = d.flange
    notch, deep, box, tall = d.notch
    steps: list[Step] = []
    for s in (-1, 1):
        steps += [join(ellipsoid((s * 19.5 * w, -7, 21.6), (14.2 * w, 31, 21.5)), 4 if s > 0 else 0), join(ellipsoid((s * 26.0 * w, -6, 23.6), (9.5 * w, 26, 19.4)), 5)]
    steps.append(join(loft([6, 16, 26, 26 + 0.5 * (high - 29), high - 3, high], [0.0] * 6, [22, 24, 25.5, 26.5, 27, 27], w * np.array([28, 31, 31.5, 0.5 * (31 + top), top, 0.8 * top]), [5, 5, 4.5, 3.6, 3, 2.6], rounding=2), 4))
    steps.append(cut(puck((0, 1.0, FEMUR_Z + 25.0), (22.5, 25.0), 60, 1.0, rotation(0, 90, 0) @ rotation(0, 0, 90)), 1.0))
    steps.append(keep(half_space((0, -30, 21), np.array([0, -0.40, 0.917])), 2))
    if deep:
        steps.append(cut(ellipsoid((0, -8, -2), (notch * w, 90, deep + 2)), 3))
    if tall:
        steps.append(join(loft([4, 8, tall - 1, tall + 4], [0.0] * 4, [-6.0] * 4, [box * w] * 4, [16, 17, 17, 15], rounding=1.2), 0.5))
    steps += [join(cone((s * 20 * w, -2, 8), (s * 20 * w, -2, 19), 3.0, 2.6), 0.5) for s in (-1, 1)]
    if inside:
        steps.append(join(cone((0, -2, 28), (0, 0, 28 + inside), 8.0, 6.2), 3))
    return steps


def _partial(parts: Parts) -> list[Step]:
    w, x = parts.size, -21.5 * parts.size
    round_one = parts.design == "U2"
    outer, wide = ellipsoid((x, -8, 21.4), (12.0 * w, 31, 21.4)), (10.5 if round_one else 9.0) * w
    steps = [join(outer), cut(ellipsoid((x, -6, 26.5), (40, 27, 21.4)), 1), keep(half_space((x + wide, 0, 0), (1, 0, 0)), 1), keep(half_space((x - wide, 0, 0), (-1, 0, 0)), 1),
             keep(half_space((0, 0, 20), np.array([0, 0.25, 0.97])), 3), join(cone((x, -4, 4), (x, -4, 19), 3.0, 2.2), 1)]
    return steps if round_one else [*steps, join(cone((x, -20, 8), (x, -16, 19), 2.4, 2.0), 1)]


def tray(parts: Parts) -> Solid:
    """The tray with stem, wings and pegs."""
    return solid(_tray(parts))


def _tray(parts: Parts) -> list[Step]:
    d, w = parts.made, parts.size
    steps = [join(puck((parts.middle, -3, CUT_Z + 0.5 * d.tray[1]), (d.tray[0] * w, DEEP_Y * w * (1 if d.kind == TOTAL else 0.95)), 0.5 * d.tray[1], d.tray[2]))]
    steps += [join(step, 1) for step in _below(parts, np.zeros(7))]
    if parts.design == "U2":
        steps += [join(cone((parts.middle + 10.5 * w, -16, CUT_Z), (parts.middle + 10.5 * w, 12, CUT_Z), 1.3, 1.3)), join(cone((parts.middle + 10.5 * w, -2, CUT_Z + 4), (parts.middle + 10.5 * w, -2, CUT_Z), 1.4, 1.4))]
    return steps


def _below(parts: Parts, grown: np.ndarray) -> list[Step]:
    """Stem, wings and pegs moved outwards by `grown` (mm: medially, at the tip and laterally as in zones 5 to 7)."""
    d, w = parts.made, parts.size
    medial, tip, lateral = (float(v) for v in grown[4:7])
    out, x, shift = [], parts.middle, 0.5 * (lateral - medial)
    wider = 0.5 * (lateral + medial)
    length, wide, end = d.stem
    if length:
        z = CUT_Z - np.array([-1.5, 0.5 * length, length - 3, length + tip])
        rx = w * np.array([wide, 0.5 * (wide + end), end + 0.2, 0.75 * end]) + wider
        flat = 0.55 if d.stem[1] > 12.5 and d.kind == TOTAL else 1.0
        out.append(loft(z, np.full(4, x + shift), np.full(4, -4.0), rx, flat * rx, rounding=2.5))
    span, drop = d.wings
    if span:
        deep = 2.2 if d.kind == TOTAL else 13.0
        z = CUT_Z - np.array([-1.5, 2.0, 0.6 * drop, drop + 0.5 * tip])
        out.append(loft(z, np.full(4, x + shift), np.full(4, -4.0 if d.kind == TOTAL else -3.0), w * np.array([1.0, 0.95, 0.5, 0.18]) * span * (1 if d.kind == TOTAL else 0.3) + wider, np.full(4, deep) + wider, rounding=1.5))
    *places, reach = d.pegs or (0.0,)
    out += [cone((x + p * w, 0.0 if abs(p) < 20 else -6.0, CUT_Z + 1), (x + p * w, 0.0 if abs(p) < 20 else -6.0, CUT_Z - reach - 0.4 * tip), 3.4 + 0.5 * wider, 2.8 + 0.5 * wider) for p in places]
    return out


def envelope(parts: Parts, widths: np.ndarray) -> Solid:
    """Everything below the cut that tray, stem and wings take, moved outwards by `widths` (mm, in the seven zones)."""
    d, w, x = parts.made, parts.size, parts.middle
    reach = d.tray[0] * w
    steps: list[Step] = []
    for sign, outer, inner in ((-1.0, widths[0], widths[1]), (1.0, widths[3], widths[2])):
        foot = (x + sign * 0.725 * reach, 0.0, CUT_Z - 0.01 - 0.5 * (outer + inner))
        lean = np.array([-sign * (outer - inner) / (0.55 * reach), 0.0, -1.0])
        steps += group([join(puck((x, -3, CUT_Z), (reach, DEEP_Y * w), 14.0, 0.1)), keep(half_space((x, 0, 0), (-sign, 0, 0))), keep(half_space((0, 0, CUT_Z + WITHIN), (0, 0, 1))), keep(half_space(foot, lean))])
    return solid([*steps, *(join(step, 0.2) for step in _below(parts, widths))])


def layers(parts: Parts, hold: Hold) -> tuple[tuple[str, np.ndarray], ...]:
    """Each layer below the tray from the metal outwards: its substance and how far (mm) its outside lies from the metal in each zone."""
    membrane = hold.widths()
    cement = np.full(7, MANTLE_MM if parts.made.cemented else 0.0)
    line = LINE_MM * np.minimum(membrane, 1.0)
    outside = (("cement", cement), ("membrane", cement + membrane), ("line", cement + membrane + line))
    return tuple(layer for layer in outside if layer[0] != "cement" or parts.made.cemented)


def sunk(parts: Parts, hold: Hold) -> tuple[np.ndarray, np.ndarray]:
    """Where the tray stands in the tibia: turn (3 x 3) and shift (mm); it tilts about its lateral edge."""
    turn = rotation(0, -parts.seated[1] - hold.tilted, 0)
    pivot = np.array([parts.middle + 0.6 * parts.made.tray[0] * parts.size, 0.0, CUT_Z])
    return turn, pivot - turn @ pivot - np.array([0.0, 0.0, hold.sunk])


def resected(parts: Parts) -> list[Step]:
    """What is taken away of the plateau, as steps in the frame of the tibia."""
    if parts.made.kind == TOTAL:
        return [keep(half_space((0, 0, CUT_Z), (0, 0, 1)))]
    return [cut(puck((-6.0 * parts.size - 60, -3, CUT_Z + 20), (60, 60), 20, 0.5))]


def zone_starts(parts: Parts) -> np.ndarray:
    """Where the line of each zone is measured from (7, 3): below the tray a place of the cut away from pegs and wings, beside the stem its axis, for the tip a point above it."""
    d, w, x = parts.made, parts.size, parts.middle
    shares = np.array([np.linspace(-0.92, -0.68, 13), np.linspace(-0.64, -0.36, 13), np.linspace(0.36, 0.64, 13), np.linspace(0.68, 0.92, 13)]) * d.tray[0]
    blocks = np.array([*d.pegs[:-1], *((0.0,) if d.stem[0] or d.wings[0] else ())] or [FAR_MM])
    wide = np.array([5.0] * len(d.pegs[:-1]) + [max(d.stem[1], d.wings[0] * (1 if d.kind == TOTAL else 0.3))] * bool(d.stem[0] or d.wings[0]) or [0.0])
    free = (np.abs(shares[..., None] - blocks) - wide).min(axis=-1)
    across = w * np.take_along_axis(shares, free.argmax(axis=1)[:, None], axis=1)[:, 0]
    length = d.stem[0] or d.wings[1] or 8.0
    half = CUT_Z - 0.55 * length
    return np.array([*((x + a, -3.0, CUT_Z) for a in across), (x, -4.0, half), (x, -4.0, CUT_Z - length + 4), (x, -4.0, half)])
