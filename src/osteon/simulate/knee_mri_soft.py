"""Muscles, tendons, ligaments, vessels, fat pads and skin about the knee, as tapes in the frames of femur and tibia.

Frames as in `lower_limb_bones` (x lateral, y anterior, z upwards, mm). Courses and sizes follow textbook sections of the knee; the numbers are ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from osteon.simulate.frustum import Placed
from osteon.simulate.knee_pose import Knee
from osteon.simulate.sdf import Step, cone, ellipsoid, join, loft, moved, solid

Row = Sequence[float]


@dataclass(frozen=True)
class Body:
    """The soft tissue of one person: bulk of the muscles (1 = usual), mm of fat beyond the usual below the skin, mm of fluid in the recess, mm across a popliteal cyst (0: none)."""

    bulk: float = 1.0
    fat: float = 0.0
    effusion: float = 1.5
    cyst: float = 0.0


# name: (z, x, y, rx, ry) at each level; thigh muscles in the frame of the femur
THIGH: Mapping[str, tuple[Row, Row, Row, Row, Row]] = {
    "vastus medialis": ([26, 40, 62, 95, 145, 200], [-36, -36, -36, -33, -30, -27], [13, 17, 21, 23, 25, 26], [4, 12, 18, 22, 25, 25], [5, 13, 18, 21, 23, 24]),
    "vastus lateralis": ([48, 66, 92, 130, 200], [34, 35, 35, 34, 31], [18, 18, 17, 16, 15], [3, 9, 15, 20, 24], [4, 11, 19, 25, 28]),
    "quadriceps": ([72, 86, 110, 150, 200], [2, 2, 2, 3, 4], [29, 31, 32, 33, 35], [8, 16, 24, 29, 31], [1.5, 3.5, 7.0, 11, 14]),
    "biceps femoris": ([-8, 14, 42, 82, 140, 200], [38, 36, 32, 27, 21, 17], [-24, -34, -40, -42, -43, -45], [3, 8, 14, 19, 22, 22], [3, 9, 15, 20, 23, 22]),
    "semimembranosus": ([-8, 10, 32, 62, 105, 150, 200], [-27, -27, -26, -24, -21, -18, -16], [-36, -42, -44.5, -44, -44, -46, -48], [4, 10, 16, 19, 19, 18, 16], [3, 8, 13, 18, 21, 21, 20]),
    "sartorius": ([-30, 0, 40, 90, 150, 200], [-42, -46, -46, -43, -40, -37], [-14, -22, -25, -23, -19, -14], [2, 4, 6, 8, 9, 10], [5, 10, 12, 13, 14, 14]),
}
# calf muscles in the frame of the tibia
CALF: Mapping[str, tuple[Row, Row, Row, Row, Row]] = {
    "medial gastrocnemius": ([42, 28, 5, -25, -65, -115, -190], [-19, -20, -21, -22, -23, -24, -22], [-37, -43, -47, -49, -49, -47, -42], [4, 10, 15, 19, 23, 26, 27], [2.5, 6, 9.5, 13, 16, 18, 18]),
    "lateral gastrocnemius": ([40, 27, 5, -25, -65, -115, -190], [21, 22, 22, 22, 22, 22, 20], [-37, -42, -46, -47, -47, -45, -41], [4, 9, 13, 17, 20, 22, 23], [2.5, 5.5, 8.5, 11, 14, 16, 16]),
    "popliteus": ([-6, -18, -45, -80], [16, 8, -3, -8], [-28, -29.5, -26, -22], [5, 15, 17, 7], [2, 4.5, 5.5, 3]),
    "soleus": ([-38, -55, -90, -140, -200], [16, 10, 5, 2, 0], [-31, -32.5, -33, -33, -33], [6, 18, 29, 33, 34], [1.5, 3.5, 7.5, 12, 15]),
    "tibialis anterior": ([-26, -50, -90, -140, -200], [25, 27, 26, 24, 22], [3, 2, 4, 6, 6], [3, 8, 12, 13, 13], [5, 12, 16, 17, 17]),
    "peroneus": ([-44, -80, -140, -200], [42, 42, 41, 40], [-16, -14, -12, -12], [2, 6, 8, 8], [4, 9, 11, 11]),
    "tibialis posterior": ([-55, -95, -150, -200], [15, 15, 13, 12], [-17, -17, -16, -16], [4, 9, 10, 10], [3, 7, 9, 9]),
}


def muscles(knee: Knee, body: Body) -> dict[str, Placed]:
    """The bellies about the knee by name."""
    out = {}
    for bone, table in (("femur", THIGH), ("tibia", CALF)):
        for name, (z, x, y, rx, ry) in table.items():
            out[name] = knee.placed(bone, solid([join(loft(z, x, y, np.array(rx) * body.bulk, np.array(ry) * body.bulk, rounding=2.0))]))
    return out


def _from_tibia(knee: Knee, steps: Sequence[Step]) -> list[Step]:
    """Steps of the tibia's frame in the femur's."""
    femur, tibia = knee.bones["femur"], knee.bones["tibia"]
    return moved(steps, femur.turn.T @ tibia.turn, femur.turn.T @ (tibia.shift - femur.shift))


def _between(knee: Knee, points: Sequence[tuple[str, Row]]) -> np.ndarray:
    """Points of either bone's frame, in the femur's."""
    femur = knee.bones["femur"]
    return np.array([femur.turn.T @ (knee.bones[bone].world(np.asarray(at, float)) - femur.shift) for bone, at in points])


def _curved(points: np.ndarray, count: int = 12) -> np.ndarray:
    """A smooth course (count, 3) through a few points."""
    from scipy.interpolate import CubicSpline

    way = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    return np.asarray(CubicSpline(way, points)(np.linspace(0, way[-1], count)))


def skin(knee: Knee) -> Placed:
    """The surface of the limb: thigh and calf, and the knee between them."""
    high = loft([210, 140, 100, 62, 38, 12, -14, -34], [4, 3, 2, 0, 0, 0, 0, 0], [-10, -9, -8, -6, -5.5, -6, -9, -12], [77, 71, 66, 61, 58, 56, 54, 53],
                [72, 69, 66, 62, 60.5, 59, 56, 54], rounding=10)
    low = loft([26, 0, -20, -48, -80, -115, -155, -210], [0, 0, 0, 0, 1, 2, 2, 2], [-7, -8, -11, -16, -20, -22, -22, -20], [54, 53, 52, 53, 56, 58, 57, 50],
               [58, 57, 56, 55, 55, 54, 51, 45], rounding=10)
    return knee.placed("femur", solid([join(high), *(join(s, 14) for s in _from_tibia(knee, [join(low)]))]))


def tendons(knee: Knee) -> dict[str, Placed]:
    """Quadriceps and patellar tendon, the band of the iliotibial tract, collateral ligaments, the tendons of popliteus and semitendinosus."""
    w = knee.shape.width
    patellar = _between(knee, [("femur", (3, 47.0, 38)), ("femur", (3, 44.8, 27)), ("femur", (3, 43.0, 19)), ("tibia", (3, 38.5, -6)), ("tibia", (3, 33.5, -28)), ("tibia", (3, 29.5, -46))])
    thick, wide = np.array([1.0, 2.3, 2.6, 2.5, 2.6, 1.4]), np.array([10, 12, 12.5, 12, 11.5, 9]) * w
    front = loft(patellar[:, 2], patellar[:, 0], patellar[:, 1], wide, thick, rounding=1.0)
    above = loft([36, 48, 57, 66, 84, 112, 150], [3, 3, 3, 3, 2, 2, 3], [48.2, 48.4, 46.6, 45.2, 43.4, 42, 42], np.array([10, 13, 15, 15, 14, 12, 9]) * w, [0.9, 1.1, 3.2, 3.7, 3.2, 2.2, 1.2], rounding=1.0)
    medial = _between(knee, [("femur", (-44.0 * w, -6, 40)), ("femur", (-42.5 * w, -5, 24)), ("tibia", (-41.3 * w, -3, 0)), ("tibia", (-36.0 * w, 0, -26)), ("tibia", (-29 * w, 2, -58))])
    mcl = loft(medial[:, 2], medial[:, 0], medial[:, 1], [0.8, 1.3, 1.3, 1.2, 0.8], [4, 6, 6.5, 6, 5], rounding=0.8)
    lateral = _between(knee, [("femur", (44.0 * w, -7, 30)), ("tibia", (43.5 * w, -17, 2)), ("tibia", (38 * w, -23, -11))])
    lcl = [join(cone(a, b, 1.9, 1.9)) for a, b in zip(lateral, lateral[1:], strict=False)]
    band = _between(knee, [("femur", (49.0 * w, 8, 92)), ("femur", (46.5 * w, 10, 45)), ("femur", (44 * w, 13, 14)), ("tibia", (39 * w, 15, -6)), ("tibia", (33 * w, 16, -17))])
    itb = loft(band[:, 2], band[:, 0], band[:, 1], [0.9, 1.1, 1.3, 1.5, 1.2], [11, 9, 7, 5.5, 4], rounding=0.8)
    pop = _between(knee, [("femur", (43.5 * w, -9, 20)), ("tibia", (36 * w, -22, 4)), ("tibia", (24 * w, -29.5, -8)), ("tibia", (16 * w, -30, -16))])
    popliteus = [join(cone(a, b, 2.0, 2.0)) for a, b in zip(pop, pop[1:], strict=False)]
    semi = [join(cone((-24, -60, 110), (-30, -56, 30), 3.0, 2.2)), join(cone((-30, -56, 30), (-36, -44, -12), 2.2, 2.0))]
    made = {"quadriceps tendon": [join(above)], "patellar tendon": [join(front)], "medial collateral ligament": [join(mcl)], "lateral collateral ligament": lcl,
            "iliotibial band": [join(itb)], "popliteus tendon": popliteus, "semitendinosus": semi}
    return {name: knee.placed("femur", solid(steps)) for name, steps in made.items()}


def cruciates(knee: Knee) -> dict[str, Placed]:
    """Both cruciate ligaments and the tight fibres within the anterior one."""
    acl = _between(knee, [("tibia", (-2.5, 8.5, 0.0)), ("tibia", (0.5, 0.0, 9.5)), ("femur", (8.2, -24.0, 22.0))])
    wide = [join(cone(acl[0], acl[1], 4.2, 3.9)), join(cone(acl[1], acl[2], 3.9, 3.7), 2)]
    fibres = []
    for off in ((0.8, 2.0, 1.8), (-0.8, -2.0, -1.6), (0.5, 0.2, 0.2)):
        at = acl + np.outer((1.0, 0.9, 0.8), off)
        fibres += [join(cone(at[0], at[1], 0.75, 0.75)), join(cone(at[1], at[2], 0.75, 0.65))]
    pcl = _curved(_between(knee, [("tibia", (0.5, -27.5, -11.0)), ("tibia", (-0.5, -29.5, 0.0)), ("tibia", (-1.5, -26.5, 10.0)), ("femur", (-4.0, -17.0, 15.5)), ("femur", (-7.5, -4.0, 13.5))]))
    back = [join(cone(a, b, 4.1, 4.1), 2.0) for a, b in zip(pcl, pcl[1:], strict=False)]
    made = {"anterior cruciate ligament": wide, "fibres": fibres, "posterior cruciate ligament": back}
    return {name: knee.placed("femur", solid(steps)) for name, steps in made.items()}


def vessels(knee: Knee) -> dict[str, Placed]:
    """Popliteal artery, vein and tibial nerve behind the joint."""
    def tube(x: float, y: float, radius: float) -> list[Step]:
        points = _between(knee, [("femur", (x - 3, y + 14, 190)), ("femur", (x - 1, y + 4, 95)), ("femur", (x, y, 40)), ("tibia", (x + 1, y, -4)), ("tibia", (x + 2, y + 3, -45)), ("tibia", (x + 3, y + 8, -110)), ("tibia", (x + 3, y + 9, -190))])
        return [join(cone(a, b, radius, radius)) for a, b in zip(points, points[1:], strict=False)]

    made = {"popliteal artery": tube(1.0, -41.5, 3.0), "popliteal vein": tube(4.5, -47.5, 3.7), "tibial nerve": tube(6.0, -55.5, 2.8)}
    return {name: knee.placed("femur", solid(steps)) for name, steps in made.items()}


def fluid(knee: Knee, body: Body) -> dict[str, Placed]:
    """Joint fluid outside the joint space: the suprapatellar recess, the gutters beside the patella, and a popliteal cyst where there is one."""
    deep, w = body.effusion, knee.shape.width
    recess = [join(ellipsoid((2, 30.5 + 0.25 * deep, 74), (20 * w, 0.8 + 0.62 * deep, 17 + 1.2 * deep))), join(ellipsoid((2, 35, 60), (17 * w, 0.7 + 0.35 * deep, 9)), 3)]
    recess += [join(ellipsoid((sign * 35 * w, 17, 38), (0.3 + 0.42 * deep, 7, 13)), 2) for sign in (-1, 1)]
    out = {"effusion": knee.placed("femur", solid(recess))}
    if body.cyst > 0:
        size = 0.5 * body.cyst
        out["popliteal cyst"] = knee.placed("femur", solid([join(ellipsoid((-27, -51, 6), (0.8 * size, 0.6 * size, 1.7 * size)))]))
    return out


def pads(knee: Knee) -> Placed:
    """Hoffa's fat pad and the fat in the notch and before the femur, where fat is crossed by strands."""
    low = _from_tibia(knee, [join(ellipsoid((2, 27, 2), (24, 12, 18))), join(ellipsoid((2, 30, -14), (18, 8, 14)), 4)])
    return knee.placed("femur", solid([*low, join(ellipsoid((1, -14, 14), (10, 26, 16)), 3), join(ellipsoid((2, 27, 82), (20, 5, 22)), 3)]))
