"""The ankle and hindfoot at close range: tibia with plafond, malleoli and notch, fibula, talus, calcaneus, navicular and midfoot, and what is dense in them.

One frame for all, that of the mortise: x lateral along the line of the malleoli, y anterior, z up, origin the middle of the plafond. Millimetres. Shapes follow the
proportions of textbook anatomy (talar dome of 20 mm radius, clear spaces of 3 mm); dimensions are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from osteon.simulate import foot_bones
from osteon.simulate.sdf import Solid, Step, cone, cut, ellipsoid, group, half_space, join, keep, loft, moved, puck, rotation, solid

DOME, HALF = 20.0, 15.5  # radius of the talar dome and half its width
SPACE = 3.0  # of the joint
TIP_MEDIAL, TIP_LATERAL = np.array([-24.5, 6.0, -15.5]), np.array([27.0, -7.0, -22.5])
NOTCH_X = 15.6  # the floor of the notch for the fibula
FACET = np.array([4.0, -14.0, -52.0])  # about which the posterior facet of the calcaneus bends
FACET_RADIUS = 24.0
INWARDS, PIVOT = rotation(0, 0, 10.0), np.array([2.0, 40.0, -40.0])  # of the forefoot, as the line of the malleoli is turned outwards
LYING = rotation(-90.0, 0.0, 0.0)  # turns a loft along z into one that runs forwards


@dataclass(frozen=True)
class AnkleShape:
    """Constitution: `width` and `cortex` around 1, `clear` (mm) between notch and fibula, `tip` how far the fibula reaches below its usual end, whether the scar of the
    growth plate shows, and accessory bones by name (subfibular, trigonum)."""

    width: float = 1.0
    cortex: float = 1.0
    clear: float = 3.4
    tip: float = 0.0
    scar: float = 0.0
    ossicles: tuple[str, ...] = ()


def _profile(rows: Sequence[Sequence[float]]) -> list[np.ndarray]:
    return [np.array(column) for column in zip(*rows, strict=True)]


def tibia_steps(shape: AnkleShape) -> list[Step]:
    """The tape of the distal tibia."""
    w = shape.width
    z, x, y, rx, ry = _profile(((150, -3, -1, 11.4, 12.4), (110, -3, -1, 11.6, 12.2), (80, -3, -1, 12.4, 12.6), (58, -2.8, -0.8, 14.2, 13.8), (40, -2.6, -0.5, 16.8, 15.6),
                                (26, -2.2, 0, 19.6, 17.6), (13, -2.0, 0.3, 21.8, 19.2), (4, -1.8, 0.3, 22.0, 19.6), (-8, -1.6, 0.3, 21.5, 19.0)))
    steps = [join(loft(z, w * x, y, w * rx, ry, rounding=3)), join(ellipsoid((16.6 * w, 11.5, 9), (5.8, 6.0, 20)), 7), join(ellipsoid((14.6 * w, -12.0, 7), (5.4, 6.0, 19)), 7),
             cut(cone((NOTCH_X * w + 10.0, -5.5, 60), (NOTCH_X * w + 11.6, -4.5, -12), 10.0, 11.6), 2.5)]
    drums = [(-9.3, 9.2, 0.0), (0.0, 7.0, 0.8), (24.0, 19.5, 0.0)]
    steps += [keep(half_space((0, 0, -5.2), (0, 0.10, -1)), 2.0)]
    steps += group(_medial_malleolus(w), 6.0)
    steps += [cut(puck((x * w, 0, -DOME - SPACE), (DOME + SPACE - less,) * 2, half * w, 1.2, rotation(0, 90, 0)), 1.2) for x, half, less in drums]
    return steps


def _medial_malleolus(w: float) -> list[Step]:
    """Both colliculi, and the facet that looks to the talus."""
    tip = TIP_MEDIAL * (w, 1, 1)
    return [join(cone((-16.5 * w, 2, 22), (-22.0 * w, 3, 2), 9.4, 8.2)), join(cone((-22.0 * w, 3, 2), tip + (0.3, 0, 5.2), 8.2, 5.3), 4),
            join(cone((-21.5 * w, -5, 4), (-23.5 * w, -6, -6.0), 7.0, 4.6), 4), cut(puck((0, 0, -20), (60, 19), (HALF + SPACE) * w, 1.5, rotation(0, 90, 0)), 2.0)]


def tibia(steps: Sequence[Step], shape: AnkleShape) -> Solid:
    """A tibia, or a fragment of it, with its cortex and canal."""
    levels = [-20, -4, 4, 14, 28, 45, 65, 90, 150]
    return solid(steps, shell=(levels, shape.cortex * np.array([1.0, 1.3, 1.35, 1.2, 1.3, 2.0, 3.2, 4.4, 5.4])), marrow=([-20, 12, 30, 55, 85, 150], [0.0, 0.04, 0.25, 0.7, 1, 1]))


def fibula_steps(shape: AnkleShape) -> list[Step]:
    """The tape of the distal fibula."""
    w, out, low = shape.width, shape.clear - 3.0, -shape.tip
    z, x, y, rx, ry = _profile(((150, 22, -15, 5.8, 6.6), (110, 23.5, -13.5, 5.6, 6.6), (75, 25, -11.5, 5.7, 6.9), (45, 26.0, -9, 6.2, 7.6), (24, 26.6, -6.6, 7.1, 8.8),
                                (8, 27.2, -4.6, 8.4, 10.4), (-6, 27.6, -3.8, 8.8, 11.2), (-15, 27.4, -5.2, 7.6, 9.4), (-22.5 + low, 26.6, -7.5, 4.2, 5.4)))
    facet = puck((0.5 * w + out, 0, -13), (16.0, 24.0), (HALF + SPACE) * w, 2.0, rotation(0, 90, 0))
    whole = [join(loft(z, w * x + out, y, w * rx, ry, rounding=3.5)), join(cone((26.2 * w + out, -5.5, -17), (26.2 * w + out, -7.0, -19.0 + low), 6.4, 4.6), 5)]
    return [*whole, cut(facet, 3.0), cut(ellipsoid((20.5 * w + out, -11.5, -15), (4.5, 4.5, 6)), 3)]


def fibula(steps: Sequence[Step], shape: AnkleShape) -> Solid:
    """A fibula, or a fragment of it, with its cortex and canal."""
    levels = [-32, -14, 0, 12, 28, 50, 80, 150]
    return solid(steps, shell=(levels, shape.cortex * np.array([0.9, 1.1, 1.2, 1.3, 1.6, 2.2, 2.7, 2.9])), marrow=([-32, 8, 28, 55, 150], [0, 0.08, 0.4, 1, 1]))


def talus(shape: AnkleShape) -> Solid:
    """The talus: a dome with a shallow groove, body, both processes, neck and head; its lower face bends over the calcaneus."""
    w, axis = shape.width, rotation(0, 90, 0)
    top = -SPACE - DOME
    ridges = [join(puck((side * 9.6 * w, 0, top), (DOME, DOME), 5.9 * w, 3.2, axis), 2.5) for side in (-1, 1)]
    dome = [*ridges, join(puck((0, 0, top), (DOME - 0.9, DOME - 0.9), 8 * w, 1.5, axis), 3), keep(half_space((0, 0, -24), (0, 0, -1)), 4)]
    body = [join(ellipsoid((0, -1, -23), (15.5 * w, 18, 8.5)), 4), join(cone((10 * w, -1, -18), (18.5 * w, -2, -24.0), 7, 3.0), 4), join(cone((2, -13, -21), (2, -23, -23), 8, 4.2), 4)]
    neck = [join(cone((-2 * w, 12, -18.5), (-8 * w, 30, -22), 11.0, 8.6), 5), join(ellipsoid((-9.5 * w, 36, -22), (13.0 * w, 10.5, 11.0)), 5)]
    under = [cut(puck(FACET, (FACET_RADIUS + 2.6, FACET_RADIUS + 2.6), 30, 1, axis), 1.5), cut(ellipsoid((9 * w, 17, -32), (11, 7, 7)), 4), cut(ellipsoid((-10 * w, 8, -38), (12, 13, 8)), 2)]
    return solid([*group(dome), *body, *neck, *under], shell=((-50, -18, -9, 10), (0.75, 0.8, 1.2, 1.3)), marrow=((-50, 10), (0.05, 0.05)))


def calcaneus(shape: AnkleShape) -> Solid:
    """The calcaneus: tuberosity, posterior facet, sustentaculum, anterior process."""
    w = shape.width
    along, x, up, rx, rz = _profile(((-52, 0, -57, 8.5, 11), (-46, 0, -56.5, 13, 17), (-35, 0.5, -55, 14.5, 19.5), (-22, 1.5, -52.5, 13, 17.5), (-9, 2.5, -50.5, 12.5, 15.5), (6, 4.5, -50, 13, 13),
                                     (20, 8, -50, 11.5, 11.5), (31, 10.5, -49.5, 10.5, 10.5)))
    hull = moved([join(loft(along, w * x, -up, w * rx, rz, rounding=5))], LYING)
    facet = [join(puck(FACET, (FACET_RADIUS, FACET_RADIUS), 11.0 * w, 3.0, rotation(0, 90, 0))), keep(half_space((0, -13, 0), (0, -1, 0.12)), 4), keep(half_space((0, 6.5, 0), (0, 1, 0.3)), 4),
             keep(half_space((0, 0, -50), (0, 0, -1)), 4)]
    more = [join(cone((9 * w, 22, -44), (9 * w, 30, -43), 6, 4.5), 5), join(ellipsoid((-10.5 * w, 5, -37.5), (8.5, 10, 4.8)), 4), join(cone((3, -44, -70), (2, -30, -72), 6.5, 3.5), 5),
            cut(ellipsoid((-17 * w, -10, -54), (6.5, 22, 11)), 7)]
    return solid([*hull, *group(facet, 5), *more], shell=((-90, 0), (0.75, 0.95)), marrow=((-90, 0), (0.3, 0.3)))


def midfoot(shape: AnkleShape) -> Solid:
    """Navicular, cuboid, cuneiforms, metatarsals and toes."""
    w = shape.width
    navicular = puck((-11 * w, 50.5, -26.5), (14.5 * w, 12.5), 6.2, 5.0, rotation(-98, 0, 0))
    steps = [join(navicular), join(cone((-18 * w, 50, -28), (-23 * w, 49, -33), 7, 4.5), 4), cut(ellipsoid((-9.5 * w, 36, -22), (15.0 * w, 12.8, 13.2)), 1)]
    wedges = [puck((x * w, 66 - k, z), (rx * w, rz), 8.5 + k, 7.5, rotation(-104, 0, 0)) for k, (x, z, rx, rz) in enumerate(((-19, -34, 7.2, 12), (-8, -31, 6.4, 10), (1, -34, 6.2, 9.5)))]
    cuboid = puck((12 * w, 49, -47.5), (11 * w, 10.5), 12.5, 6.0, rotation(-84, 0, 0))
    ahead = moved([*(join(step, 0.5) for step in (cuboid, *wedges)), *foot_bones.rays(w)], INWARDS, PIVOT - INWARDS @ PIVOT)
    return solid([*steps, *ahead], shell=((-90, 0), (0.7, 0.7)), marrow=((-90, 0), (0.4, 0.4)))


def ossicle(name: str) -> Solid:
    """An accessory bone with a cortex all around: below the fibula, or behind the talus."""
    at, radii = {"subfibular": ((25.5, -5.0, -30.0), (3.4, 4.0, 3.0)), "trigonum": ((2.0, -31.5, -24.0), (4.2, 4.4, 3.6))}[name]
    return solid([join(ellipsoid(at, radii))], shell=((-60, 0), (0.9, 0.9)))


def plafond_plate(shape: AnkleShape) -> list[Step]:
    """The dense bone under the cartilage of the plafond."""
    w, axis = shape.width, rotation(0, 90, 0)
    at = (1 * w, 0, -DOME - SPACE)
    return [join(puck(at, (DOME + SPACE + 0.8,) * 2, 16.5 * w, 0.5, axis)), cut(puck(at, (DOME + SPACE,) * 2, 40, 0.5, axis)), keep(half_space((0, 0, -5.0), (0, 0.1, -1)), 1)]


def dome_plate(shape: AnkleShape) -> Solid:
    """The dense bone under the cartilage of the talar dome."""
    w, axis = shape.width, rotation(0, 90, 0)
    at = (0, 0, -DOME - SPACE)
    return solid([join(puck(at, (DOME - 0.7,) * 2, (HALF - 0.8) * w, 0.8, axis)), cut(puck(at, (DOME - 1.4,) * 2, 40, 0.5, axis)), keep(half_space((0, 0, -13), (0, 0, -1)), 2)])


def scar(shape: AnkleShape, bone: str) -> list[Step]:
    """The closed growth plate as a thin plate of dense bone."""
    w, out = shape.width, shape.clear - 3.0
    if bone == "tibia":  # with the hump that the plate has medially
        return [join(puck((-11.5 * w, 0.5, 13.6), (9.0 * w, 14.0), 0.24, 0.2, rotation(2, 7, 0))), join(puck((6.5 * w, 0.0, 12.6), (11.5 * w, 15.5), 0.24, 0.2, rotation(-2, -4, 0)))]
    return [join(puck((27.4 * w + out, -4.4, 1.0), (6.6, 8.0), 0.22, 0.2, rotation(3, 5, 0)))]


def tibial_trabeculae(shape: AnkleShape) -> list[Step]:
    """Struts from the cortex of the metaphysis down to the plafond and into the medial malleolus."""
    w, out = shape.width, []
    for k, x in enumerate(np.linspace(-15.5, 16.5, 12)):
        y = (-7.0, 4.0, 9.0, -2.0)[k % 4]
        bottom = 0.6 - abs(y) * 0.05
        out.append(join(cone((0.72 * x * w - 1.5, 0.7 * y, 40.0 - 5.0 * (k % 3)), (x * w, y, bottom), 0.36, 0.42)))
    for x, y in ((-19.5, 1.0), (-22.5, 5.0), (-25.0, 3.0)):
        out.append(join(cone((0.86 * x * w, 0.6 * y, 20.0), (x * w, y, -8.5), 0.36, 0.34)))
    return out


def calcaneal_trabeculae(shape: AnkleShape) -> Solid:
    """The struts of the calcaneus: pressure from the posterior facet to the heel and to the cuboid, tension along the sole; a poor triangle lies between."""
    arcs: list[list[tuple[float, float]]] = []
    for k in range(6):
        arcs.append([(-12.0 + 3.0 * k, -31.5 - 1.0 * k), (-21.0 + 1.2 * k, -46.0 - 1.2 * k), (-41.0 + 2.0 * k, -60.0 - 2.3 * k)])
    arcs += [[(-2.0 + 2.6 * k, -33.5 - 1.4 * k), (9.0 + 2.4 * k, -43.0 - 1.2 * k), (27.0, -45.0 - 2.6 * k)] for k in range(4)]
    arcs += [[(-47.0 + 1.5 * k, -55.0 - 2.0 * k), (-38.0, -66.0 - 1.7 * k), (-18.0, -66.0 + 2.3 * k - 5.0), (6.0, -60.0 + 1.8 * k), (26.0, -55.5 + 1.2 * k)] for k in range(4)]
    steps = []
    for k, arc in enumerate(arcs):
        x = (0.0, 5.0, -4.0)[k % 3]
        points = [np.array([x + 0.12 * (y + 40), y, z]) for y, z in arc]
        steps += [join(cone(a, b, 0.45, 0.45)) for a, b in zip(points, points[1:], strict=False)]
    return solid(steps)


def facet_plate(shape: AnkleShape) -> Solid:
    """The dense bone of the posterior facet: the thalamic line of a lateral film."""
    axis, w = rotation(0, 90, 0), shape.width
    sides = [keep(half_space((0, -13, 0), (0, -1, 0.12)), 1), keep(half_space((0, 7, -40), (0, 1, 0.3)), 1), keep(half_space((0, 0, -44), (0, 0, -1)), 1)]
    return solid([join(puck(FACET, (FACET_RADIUS - 0.4,) * 2, 10.0 * w, 0.8, axis)), cut(puck(FACET, (FACET_RADIUS - 2.0,) * 2, 30, 0.8, axis)), *sides])


def talar_trabeculae(shape: AnkleShape) -> Solid:
    """Struts of the talus: from the dome to the posterior facet and through the neck into the head."""
    w = shape.width
    down = [((x * w, y, -6.5 - 0.03 * y * y), (0.8 * x * w + 2, 0.85 * y - 1, -23.0)) for x, y in ((-11, -8), (-6, 3), (-1, -4), (4, 8), (9, -1), (12, 5), (-9, 9), (1, -12))]
    ahead = [((-4 + 2 * k, 6.0, -13.0 - 1.8 * k), (-13.0 + 3.0 * k, 40.0, -17.0 - 2.4 * k)) for k in range(5)]
    return solid([join(cone(a, b, 0.42, 0.42)) for a, b in (*down, *ahead)])
