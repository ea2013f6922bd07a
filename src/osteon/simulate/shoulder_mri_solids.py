"""Bones, muscles, vessels and skin of a shoulder as tapes in the plane of the scapula.

Frame (mm): the origin is the middle of the humeral head; x lateral, y forwards across the scapula (the slices of an oblique coronal series are planes of one y),
z upwards. The arm hangs in neutral rotation. Courses and sizes follow textbook sections; the numbers are ours where no source is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from osteon.simulate.frustum import Placed
from osteon.simulate.sdf import Step, cone, cut, ellipsoid, half_space, join, loft, moved, puck, rotation, solid

HEAD_MM = 24.0  # radius of a head of size 1; 24.5 in men and 21.5 in women (Boileau P, Walch G. J Bone Joint Surg Br 1997; 79: 857, not re-read)
GAP_MM = 3.4  # between the bones of head and socket: two coats of cartilage


@dataclass(frozen=True)
class Build:
    """One person: size of the bones, bulk of the muscles (1 = usual), mm of fat below the skin, mm between head and acromion, downward tilt of the acromion (degrees)."""

    size: float = 1.0
    bulk: float = 1.0
    fat: float = field(default=8.0, kw_only=True)
    room: float = field(default=9.5, kw_only=True)
    slope: float = field(default=10.0, kw_only=True)

    @property
    def head(self) -> float:
        """Radius of the humeral head, mm."""
        return HEAD_MM * self.size


def placed(steps: Sequence[Step], *, shell: tuple[Sequence[float], Sequence[float]] | None = None) -> Placed:
    """A solid in the frame of the shoulder."""
    return Placed(solid(steps, shell=shell) if shell else solid(steps), np.eye(3), np.zeros(3))


def bones(build: Build) -> dict[str, Placed]:
    """Humerus, scapula with glenoid and coracoid, acromion with the spine of the scapula, clavicle."""
    return {"humerus": _humerus(build.head), "scapula": _scapula(build.head), "acromion": _acromion(build), "clavicle": _clavicle(build)}


def _humerus(r: float) -> Placed:
    """Head, both tubercles with the groove between them, metaphysis and shaft."""
    shaft = loft(np.array([-170, -80, -46, -30, -16, -4]), [7.5, 7, 6.5, 5.6, 4.2, 3.2], [0, 0, 0, 0, 0, 0], [11, 12, 14, 17.5, 20.5, 0.85 * r], [11, 12, 13.5, 16.5, 19.5, 0.84 * r], rounding=6)
    steps = [join(ellipsoid((0, 0, 0), (r, r, r))), join(ellipsoid((0.58 * r, -1, 0.24 * r), (0.56 * r, 0.78 * r, 0.58 * r)), 4), join(ellipsoid((0.22 * r, 0.74 * r, -0.05 * r), (0.40 * r, 0.36 * r, 0.46 * r)), 4),
             join(shaft, 8), cut(cone((0.62 * r, 0.86 * r, 0.80 * r), (0.50 * r, 0.92 * r, -1.8 * r), 3.4, 3.2), 2)]
    return placed(steps, shell=((-170.0, -80.0, -45.0, -20.0, 0.0, r), (4.2, 3.6, 2.2, 1.0, 0.8, 0.8)))


def _scapula(r: float) -> Placed:
    """Glenoid with its shallow socket, neck, blade and coracoid."""
    sideways = rotation(about_y=90)
    steps = [join(puck((-r - 8.5, -1, -2), (17.5, 12.5), 6.0, 3.0, sideways)), join(cone((-r - 11, -1, -1), (-r - 36, -2, -3), 10.0, 6.0), 7), join(ellipsoid((-r - 50, -5, -26), (36, 3.0, 30), rotation(about_x=24)), 7),
             join(cone((-r - 10, 8, 9), (-r - 5, 23, 16), 7.0, 5.5), 4), join(cone((-r - 5, 23, 16), (-r + 9, 32, 9), 5.5, 5.0), 3), cut(ellipsoid((0, 0, 0), (r + GAP_MM,) * 3), 1.0)]
    return placed(steps, shell=((-80.0, 30.0), (0.9, 0.9)))


def _acromion(build: Build) -> Placed:
    """A plate over the head that slopes down laterally, and the spine of the scapula that bears it."""
    under = build.head + build.room
    tilt = rotation(about_y=build.slope, about_x=-8.0)
    steps = [join(ellipsoid((3, -8, under + 4.6), (18.5, 25, 4.9), tilt)), join(ellipsoid((9, -4, under + 4.0), (12, 17, 4.2), tilt), 3), join(cone((-4, -29, under + 4), (-52, -24, build.head - 2), 6.5, 5.0), 6)]
    return placed(steps, shell=((0.0, 60.0), (1.3, 1.3)))


def _clavicle(build: Build) -> Placed:
    """The lateral end of the clavicle, two millimetres from the acromion."""
    top = build.head + build.room + 7.5
    steps = [join(ellipsoid((-23, 8, top), (9.5, 9, 5.8), rotation(about_y=8))), join(cone((-25, 8, top + 0.5), (-58, 6, top + 7), 5.6, 5.4), 4), join(cone((-58, 6, top + 7), (-110, 14, top + 12), 5.4, 6.0), 4)]
    return placed(steps, shell=((0.0, 80.0), (1.8, 1.8)))


def muscles(build: Build) -> dict[str, Placed]:
    """The bellies about the joint by name, the further ones first, as they are painted."""
    r, b = build.head, build.bulk
    top = r + build.room
    outer = [join(ellipsoid((2, -2, -30), (r + 12 + 10 * b, 36 + 12 * b, top + 34))), join(loft([-190, -100, -60, -30], [9, 10, 9, 4], [0, 0, 0, 0], [15, 20 + 2 * b, r + 8 * b, r + 10 * b], [18, 26, 34, 40], rounding=10), 12),
             cut(half_space((-14, 0, 0), (1, 0, 0.25)), 5)]
    made = {
        "chest wall": [join(ellipsoid((-128, -4, -90), (76, 92, 124)))],
        "trapezius": [join(cone((-118, -8, top + 42), (-66, -4, top + 24), 13 * b, 10 * b)), join(cone((-66, -4, top + 24), (-20, -3, top + 13), 10 * b, 3.0), 4)],
        "deltoid": outer,
        "subscapularis": [join(ellipsoid((-r - 46, 7, -22), (46, 11.5 * b, 26), rotation(about_y=14))), join(cone((-r - 14, 12, -8), (-2, r + 1, -4), 8.0 * b, 4.0), 6)],
        "infraspinatus": [join(ellipsoid((-r - 44, -14, -21), (44, 11.5 * b, 25), rotation(about_y=12))), join(cone((-r - 10, -22, -4), (2, -r - 1, 8), 9.0 * b, 4.0), 6)],
        "teres major": [join(ellipsoid((-r - 12, 0, -62), (26, 17 * b, 10.5 * b), rotation(about_y=-28))), join(ellipsoid((-r - 34, -2, -84), (28, 18, 11), rotation(about_y=-34)), 6)],
        "triceps": [join(cone((-r - 3, -5, -22), (-r + 2, -8, -48), 2.4, 7.0 * b)), join(cone((-r + 2, -8, -48), (-6, -12, -150), 7.0 * b, 15), 4)],
        "coracobrachialis": [join(cone((-r + 7, 30, 6), (-12, 22, -50), 4.0, 9.5 * b)), join(cone((-12, 22, -50), (-6, 18, -150), 9.5 * b, 12), 4)],
        "supraspinatus": _supraspinatus(r, b),
    }
    return {name: placed(steps) for name, steps in made.items()}


def _supraspinatus(r: float, b: float) -> list[Step]:
    """The belly in its fossa, tapering to the musculotendinous junction over the head."""
    return [join(ellipsoid((-r - 31, -2, r - 6.5), (31, 15 * b, 9.8 * b), rotation(about_y=-7))), join(ellipsoid((-r - 2, 0, r + 0.5), (21, 13 * b, 6.0 * b), rotation(about_y=-4)), 6)]


def envelope(build: Build) -> dict[str, Placed]:
    """Skin about cap of the shoulder, neck, chest and arm, without its fat; the lung within the chest."""
    r, top = build.head, build.head + build.room
    steps = [join(ellipsoid((2, -2, -32), (r + 14 + 10 * build.bulk, 62, top + 41))), join(ellipsoid((-64, -6, -14), (70, 62, top + 45), rotation(about_y=12)), 14), join(ellipsoid((-128, -4, -90), (80, 96, 128)), 16),
             join(loft([-200, -100, -50, -20], [9, 10, 9, 3], [0, 0, 0, 0], [37, 34 + 5 * build.bulk, r + 16, r + 20], [42, 44, 50, 54], rounding=10), 14)]
    return {"skin": placed(steps), "lung": placed([join(ellipsoid((-134, -4, -92), (62, 80, 112)))])}


def cords(build: Build) -> dict[str, Placed]:
    """Vessels and nerve below the joint and in the axilla, the long head of the biceps, the coracoacromial ligament, the suprascapular vessels."""
    r = build.head
    tubes: Mapping[str, Sequence[tuple[float, ...]]] = {
        "axillary artery": ((-74, 26, -26, 3.0), (-44, 24, -34, 3.0), (-26, 20, -72, 2.8), (-20, 20, -150, 2.6)), "axillary vein": ((-74, 27, -36, 3.8), (-48, 25, -44, 3.8), (-32, 20, -80, 3.6), (-27, 20, -150, 3.4)),
        "circumflex vessels": ((-34, 18, -46, 1.6), (-12, 2, -r - 15, 1.7), (4, -22, -r - 12, 1.4), (26, -26, -r - 6, 1.2)), "axillary nerve": ((-34, 14, -42, 1.6), (-12, -2, -r - 11, 1.5), (6, -24, -r - 9, 1.2)),
        "suprascapular vessels": ((-r - 24, 8, r - 2, 1.0), (-r - 22, -2, r - 16, 1.2), (-r - 16, -16, 6, 1.2)),
        "biceps tendon": ((-r - 1, 2, 15, 2.0), (-0.55 * r, 7, 0.86 * r + 3, 2.2), (0.05 * r, 0.44 * r, 0.98 * r, 2.2), (0.50 * r, 0.78 * r, 0.62 * r, 2.1), (0.52 * r, 0.90 * r, -1.7 * r, 2.0)),
    }
    made = {name: [join(cone(a[:3], b[:3], a[3], b[3])) for a, b in zip(way, way[1:], strict=False)] for name, way in tubes.items()}
    return {name: placed(steps) for name, steps in made.items()}


def labrum(build: Build) -> Placed:
    """The ring on the rim of the socket."""
    r = build.head
    turn = np.linspace(0, 2 * np.pi, 15)
    y, z = 12.5 * np.cos(turn) - 1, 17.5 * np.sin(turn) - 2
    rim = np.column_stack([-np.sqrt((r + 2.5) ** 2 - y**2 - z**2), y, z])
    return placed([join(cone(a, b, 2.5, 2.5), 0.5) for a, b in zip(rim, rim[1:], strict=False)])


def fluid(build: Build, joint: float, clavicular: float) -> dict[str, Placed]:
    """Joint fluid in the axillary recess, and fluid in the acromioclavicular joint; `joint` and `clavicular` are mm of it."""
    r, top = build.head, build.head + build.room + 5.5
    recess = moved([join(ellipsoid((0, 0, 0), (5.5, 10, 0.9 + 0.6 * joint)))], rotation(about_y=-22), (-0.52 * r, -1, -0.98 * r - 1.5))
    return {"recess": placed(recess), "acromioclavicular joint": placed([join(ellipsoid((-14.2, 8, top), (0.5 + 0.3 * clavicular, 6.0, 3.6 + 0.5 * clavicular), rotation(about_y=-12)))])}
