"""The hip at close range: proximal femur with its trabecular groups, hip bone with both columns, teardrop and sourcil, and what arthritis adds.

Femur frame: x lateral, y anterior, z along the shaft, origin where the neck axis meets the shaft axis, so that neck-shaft angle and offset ARE what they
are asked to be. Pelvic frame as in `pelvis_bones`: origin midway between the hip centres, written for the left side. Millimetres; dimensions are ours,
the width of the canal follows Noble's proportions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from osteon.geometry.hip import EXPECTED_MM, HEAD_MM
from osteon.simulate.sdf import Solid, Step, cone, cut, ellipsoid, group, half_space, join, keep, loft, puck, rotation, solid, sphere

OPENING = np.array([0.757, 0.280, -0.591])  # of the native socket: lateral, anterior, inferior
RESECTION, NECK_WAY = np.array([-15.0, 0.0, 4.0]), np.array([-0.60, 0.0, 0.80])  # where a neck is cut for a stem, and the normal of the cut
LESSER = np.array([-27.0, -17.0, -20.0])  # tip of the lesser trochanter, of a femur of width 1
GREATER = np.array([8.0, -11.0, 38.0])
NECK_CORTEX = 1.35  # mm of cortex above the root of the neck
LEAST_MM = 0.5  # a smaller osteophyte is none
OSTEOPHYTE_PLACES = ("acetabulum", "head_lateral", "head_medial")


@dataclass(frozen=True)
class HipShape:
    """Bones of a hip: neck-shaft angle (degrees), offset, radius of the head and half the distance of the hip centres (mm); `width` and `cortex` around 1; `frail` has a thin
    cortex about the trochanters, as those have who fall and break or do not break it."""

    neck_shaft: float = 128.0
    offset: float = 43.0
    head: float = HEAD_MM
    apart: float = 88.0
    width: float = 1.0
    cortex: float = 1.0
    frail: bool = False

    @property
    def hip(self) -> np.ndarray:
        """The centre of the head in the femur's frame."""
        return np.array([-self.offset, 0.0, self.offset * np.tan(np.radians(self.neck_shaft - 90))])

    @property
    def socket(self) -> float:
        """The radius of the socket's bone (mm)."""
        return self.head + EXPECTED_MM * self.head / HEAD_MM

    @property
    def centre(self) -> np.ndarray:
        """The centre of the socket in the pelvic frame."""
        return np.array([self.apart, 0.0, 0.0])


@dataclass(frozen=True)
class Arthritis:
    """Osteoarthritis as it is built: joint space (mm) where it is narrowest, the way the head has gone (degrees from straight up, lateral positive), osteophytes
    (mm by place), sclerosis (0-1), cysts as (bone, x, z, radius: mm from the centre of the head) and flattening of the head (mm)."""

    space: float = EXPECTED_MM
    way: float = 10.0
    osteophytes: Mapping[str, float] = field(default_factory=dict, hash=False)
    sclerosis: float = 0.0
    cysts: tuple[tuple[str, float, float, float], ...] = ()
    flat: float = 0.0

    def reach(self, place: str) -> float:
        """Millimetres of the osteophyte at a place."""
        return float(self.osteophytes.get(place, 0.0))


NATIVE = Arthritis()


def femur_steps(shape: HipShape, wear: Arthritis = NATIVE, *, stump: bool = False) -> list[Step]:
    """The tape of the proximal femur; `stump` leaves out head and neck above the resection for a stem."""
    w, hip, s = shape.width, shape.hip, shape.head / HEAD_MM
    z = np.array([24, 12, 0, -12, -24, -38, -55, -80, -115, -160, -230])
    x = w * np.array([-1.5, -1.8, -2.2, -2.2, -1.6, -0.9, -0.3, 0, 0, 0, 0])
    y = np.array([-5, -3.5, -2.5, -1.5, -1, 0, 1, 2, 3, 4, 3])
    rx = w * np.array([15.5, 20, 22.2, 21.4, 19.2, 17.2, 15.6, 14.5, 13.9, 13.7, 14.6])
    ry = w * np.array([12.5, 15, 17, 17.6, 17.2, 16.4, 15.4, 14.8, 14.3, 14.0, 14.6])
    neck = [join(cone(0.78 * hip, 0.48 * hip, 16.4 * s, 15.2 * s), 8), join(cone(0.48 * hip, 0.1 * hip, 15.2 * s, 20 * s), 9)]
    upper = [join(loft(z, x, y, rx, ry, rounding=8)), *neck]
    if stump:
        upper = group([*upper, keep(half_space(RESECTION * w, NECK_WAY))], 0)
    steps = [*upper, join(ellipsoid((11.5 * w, -8, 9), (12.5 * w, 17, 22)), 8), join(ellipsoid((GREATER[0] * w, GREATER[1], GREATER[2] - 12), (9.0 * w, 12, 12.5)), 8),
             join(cone((18.5 * w, -2, -6), (15 * w, -2, -16), 6.5, 4.0), 8), cut(ellipsoid((-2.5 * w, -15, 27), (7, 9, 12)), 6),
             join(cone((4 * w, -19, 20), (-13 * w, -17, -8), 5.0, 5.0), 7), join(cone((-10 * w, -9, -10), LESSER * (w, 1, 1) + (4.5, 1, 2), 13, 7.0), 6)]
    return steps if stump else [*steps, *_head(shape, wear)]


def _head(shape: HipShape, wear: Arthritis) -> list[Step]:
    """The head with its fovea, flattened where it bears load, and the osteophytes at its margin."""
    hip, r = shape.hip, shape.head
    steps = [join(sphere(hip, r), 4), cut(sphere(hip + r * np.array([-0.95, 0.05, -0.30]), 4.2), 1.5)]
    if wear.flat > 0:
        steps.append(cut(ellipsoid(hip + (0, 0, r + 16 - wear.flat), (34, 34, 16)), 5))
    return steps + _head_spurs(shape, wear)


def _head_spurs(shape: HipShape, wear: Arthritis) -> list[Step]:
    hip, r, out = shape.hip, shape.head, []
    for place, (x, z), (tx, tz) in (("head_lateral", (0.62, 0.66), (0.86, 0.42)), ("head_medial", (-0.55, -0.80), (-0.50, -0.72))):
        reach = wear.reach(place)
        if reach >= LEAST_MM:
            root, tip = hip + 0.9 * r * np.array([x, 0, z]), hip + (r + reach) * np.array([tx, 0, tz]) / np.hypot(tx, tz)
            out += [join(ellipsoid(0.5 * (root + tip), (2.5 + 0.35 * reach, 13, 2.5 + 0.35 * reach)), 5), join(cone(root, tip, 3.5 + 0.25 * reach, 1.0), 4)]
    return out


def femur(steps: Sequence[Step], shape: HipShape) -> Solid:
    """A femur, or a fragment of it, with its cortex and marrow canal."""
    levels = [-230, -150, -115, -85, -60, -40, -20, 0, 75]
    near = (5.9, 4.4, 2.7, NECK_CORTEX) if shape.frail else (6.2, 5.3, 4.2, 2.8)
    cortex = shape.cortex * np.array([6.4, 6.9, 6.8, *near, NECK_CORTEX, NECK_CORTEX])
    return solid(steps, shell=(levels, cortex), marrow=([-230, -95, -65, -35, -5, 25, 75], [1, 1, 0.85, 0.62, 0.38, 0.18, 0.05]))


def innominate(shape: HipShape, wear: Arthritis = NATIVE, reamed: Sequence[Step] = ()) -> Solid:
    """The left hip bone; `reamed` are the steps that take bone away for a cup."""
    h, r = shape.apart, shape.socket
    steps = [*_wing(h), *_columns(h), *_rami(h), *_rim_spur(h, r, wear), *group(_cup(h, r), 6), *_floor(h, r)]
    steps += list(reamed) or [cut(sphere((h, 0, 0), r), 1.0), cut(ellipsoid((h - 9, 2, -5), (r - 5.2, 15, 19)), 2.5)]
    return solid(steps, shell=((-110, -50, -20, 0, 40, 80, 170), (1.7, 1.6, 1.4, 1.4, 1.5, 1.2, 1.3)), marrow=((-110, 170), (0.15, 0.15)))


def _chain(points: Sequence[tuple[float, float, float]], radii: Sequence[float], blend: float) -> list[Step]:
    return [join(cone(points[i], points[i + 1], radii[i], radii[i + 1]), blend) for i in range(len(radii) - 1)]


def _wing(h: float) -> list[Step]:
    """The wing, its crest, the anterior border with both spines, and the bar from the socket to the sacroiliac joint."""
    turn = rotation(0, 0, 50) @ rotation(90, 0, 0) @ rotation(0, 8, 0)
    plate = [join(puck((h + 8, -6, 84), (72, 58), 3.6, 4.0, turn)), keep(half_space((h, 46, 78), (0.0, 0.84, -0.54)), 8), keep(half_space((h, -60, 60), (0.0, -0.42, -0.91)), 8)]
    crest = [(h + 35, 46, 88), (h + 42, 40, 104), (h + 45, 29, 119), (h + 43, 14, 131), (h + 37, -4, 139), (h + 26, -24, 143), (h + 10, -42, 142), (h - 8, -56, 136), (h - 24, -68, 122),
             (h - 34, -75, 104), (h - 39, -78, 84)]
    front = [(h + 35, 46, 88), (h + 29, 41, 74), (h + 22, 36, 60), (h + 16, 32, 46), (h + 8, 22, 32)]
    return [*group(plate, 4), *group(_chain(crest, [4.6, 4.8, 5.0, 5.2, 5.0, 4.8, 4.8, 5.0, 5.6, 6.2, 6.8], 0.5), 6), *_chain(front, [4.6, 4.2, 4.8, 7.5, 10.0], 7),
            *_chain([(h + 1, -5, 36), (h - 17, -30, 54), (h - 33, -54, 78)], [17, 12.5, 12], 12)]


def sacrum() -> Solid:
    """Sacrum and coccyx with a thin cortex, and the anterior foramina, in the pelvic frame."""
    z = [-30, -16, 0, 14, 28, 44, 62, 82, 100, 114]
    steps = [join(loft(z, [0] * 10, [-44, -56, -68, -75, -80, -82, -80, -74, -64, -58], [3.5, 5.5, 8.5, 14, 24, 36, 46, 53, 56, 46], [4, 5.5, 7, 9, 12, 15, 18, 20, 22, 20], rounding=9)),
             cut(ellipsoid((0, -104, 70), (24, 22, 56)), 6)]
    for sign in (1, -1):
        for level, x in ((90, 22), (68, 19), (47, 16), (29, 12.5)):
            steps.append(cut(ellipsoid((sign * (x + 1), -62, level), (4.6, 26, 3.4), rotation(0, sign * 28, 0)), 2.5))
    return solid(steps, shell=((-40, 120), (0.7, 0.8)), marrow=((-40, 120), (0.3, 0.3)))


def _columns(h: float) -> list[Step]:
    """The posterior column, whose medial face is the ilioischial line, and the ischium with spine and tuberosity."""
    z = [44, 26, 8, -10, -26, -42, -56]
    column = loft(z, np.array([h - 22, h - 23, h - 23, h - 23, h - 23.5, h - 25, h - 28]), [-27, -26, -27, -29, -32, -33, -32],
                  [14.5, 14.5, 14.5, 14.0, 12.4, 12.4, 14.0], [13, 15, 15, 14, 13, 12, 13], rounding=6)
    return [join(column, 7), join(ellipsoid((h - 27, -32, -62), (15, 16, 20)), 9), join(cone((h - 28, -38, -4), (h - 43, -46, -12), 6, 2.2), 4)]


def _rami(h: float) -> list[Step]:
    """Both rami of the pubis and its body beside the symphysis."""
    upper = _chain([(h - 8, 17, 16), (h - 25, 26, 3), (0.5 * h, 36, -9), (17, 43, -17)], [14, 10.5, 8.6, 10.0], 8)
    lower = _chain([(13.5, 43, -42), (24, 33, -57), (0.47 * h, 8, -73), (h - 34, -20, -76)], [8.6, 7.0, 6.8, 9.5], 8)
    return [*upper, join(ellipsoid((12.5, 44, -28), (10.2, 8.5, 19)), 8), *lower]


def _cup(h: float, r: float) -> list[Step]:
    """The socket's wall: a cup with a stout roof, opening outwards, downwards and forwards."""
    centre = np.array([h, 0, 0])
    wall = [join(ellipsoid((h - 1, 0, 1), (r + 6.5, r + 4.5, r + 7.5))), keep(half_space(centre + OPENING, OPENING), 3)]
    return [*wall, join(ellipsoid((h - 1, -3, r + 6), (23, 18, 15)), 12)]


def _floor(h: float, r: float) -> list[Step]:
    """The thin wall medial of the socket, which with its rounded lower end makes the teardrop."""
    x = h - r - 5.2
    return [join(puck((x, 5, -9), (13.5, 14), 2.4, 2.2, rotation(0, 90, 0)), 2), join(ellipsoid((x + 0.4, 8, -17), (4.2, 11, 8)), 2)]


def _rim_spur(h: float, r: float, wear: Arthritis) -> list[Step]:
    reach = wear.reach("acetabulum")
    if reach < LEAST_MM:
        return []
    root, tip = np.array([h + 0.80 * r, 2, 0.76 * r]), np.array([h + 0.90 * r + reach, 2, 0.66 * r - 0.25 * reach])
    return [join(cone(root, tip, 4.0 + 0.2 * reach, 1.0), 4), join(ellipsoid(0.5 * (root + tip), (2.5 + 0.3 * reach, 12, 2.2 + 0.15 * reach)), 4)]


def sourcil(shape: HipShape, wear: Arthritis = NATIVE) -> Solid:
    """The dense roof over the load, in the pelvic frame; thicker where the joint is worn."""
    r, centre = shape.socket, shape.centre
    lean = 12.0 if wear.sclerosis <= 0.05 else 0.5 * (12.0 + wear.way)
    first, last = np.radians([lean - 32.0, min(lean + 27.0, 40.0)])
    thick, depth = 1.7 + 4.2 * wear.sclerosis, 13 + 3 * wear.sclerosis
    sides = [keep(half_space(centre, (-np.cos(first), 0.0, np.sin(first))), 2 * thick), keep(half_space(centre, (np.cos(last), 0.0, -np.sin(last))), 2 * thick),
             keep(half_space(centre + (0, depth, 0), (0.0, 1.0, 0.0)), 6), keep(half_space(centre - (0, depth, 0), (0.0, -1.0, 0.0)), 6)]
    return solid([join(sphere(centre, r + thick)), cut(sphere(centre, r - 0.2)), *sides])


def head_sclerosis(shape: HipShape, wear: Arthritis) -> Solid:
    """The dense cap of a worn head, in the femur's frame."""
    lean = np.radians(wear.way)
    way = np.array([np.sin(lean), 0, np.cos(lean)])
    return solid([join(sphere(shape.hip, shape.head - 0.5)), keep(half_space(shape.hip + (shape.head - 1.0 - 5.0 * wear.sclerosis) * way, -way), 3)])


def cysts(shape: HipShape, wear: Arthritis, bone: str) -> Iterator[tuple[Solid, Solid]]:
    """Each subchondral cyst of a bone and its dense rim, in the bone's frame."""
    middle = shape.hip if bone == "femur" else shape.centre
    for where, x, z, radius in wear.cysts:
        if where == bone:
            at = middle + np.array([x, 0, z])
            yield solid([join(sphere(at, radius))]), solid([join(sphere(at, radius + 0.9)), cut(sphere(at, radius))])


def trabeculae(shape: HipShape, *, stump: bool = False) -> list[Step]:
    """The compressive group from the calcar into the head, the tensile group from the lateral cortex over the neck, and the trochanteric group, as struts."""
    w, hip, r = shape.width, shape.hip, shape.head
    lateral = [_strut([(17.0 * w, 0, -14 - 9 * k), (9.0 * w, 0, 5 - 5 * k), (-2.0 * w, 0, 12 - 8 * k)], 0.55) for k in range(3)]
    trochanter = [_strut([(20.5 * w - 2 * k, -6, -2), (14 * w - 3 * k, -10, 24)], 0.5) for k in range(3)]
    if stump:
        return [step for strut in lateral + trochanter for step in strut]
    fan = []
    for k, degrees in enumerate(np.linspace(-34, 30, 7)):
        lean = np.radians(degrees)
        end = hip + 0.93 * r * np.array([np.sin(lean), 0, np.cos(lean)])
        start = np.array([(-19.5 + 1.6 * k) * w, 0, -8.0 - 3.0 * k])
        middle = 0.45 * start + 0.55 * hip + np.array([1.8 * (k - 3) - 2.0, 0, -3.0])
        fan.append(_strut([start, middle, end], 0.7))
    arch = [_strut([(18.0 * w, 0, -6 - 6 * k), (8 * w, 0, 13 - 4 * k), 0.5 * hip + (4, 0, 10 - 4 * k), hip + (-0.35 * r - 2 * k, 0, -0.35 * r + 3 - 4 * k)], 0.6) for k in range(4)]
    return [step for strut in fan + arch + lateral + trochanter for step in strut]


def _strut(points: Sequence[np.ndarray | tuple[float, float, float]], radius: float) -> list[Step]:
    return [join(cone(a, b, radius, radius)) for a, b in zip(points, points[1:], strict=False)]


def calcar(shape: HipShape) -> list[Step]:
    """The thick cortex at the underside of the neck, in the femur's frame."""
    w = shape.width
    points = [0.52 * shape.hip + np.array([-9.5, 0, -11.5]), (-20.5 * w, 0, -4), (-19.5 * w, 0, -14), (-16.6 * w, 0, -34)]
    return [join(cone(a, b, p, q), 2) for a, b, p, q in zip(points, points[1:], (0.9, 1.8, 2.0), (1.8, 2.0, 1.2), strict=False)]
