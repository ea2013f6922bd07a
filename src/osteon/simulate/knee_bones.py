"""The knee at close range: condyles, plateau, osteophytes, worn bone, sclerosis and growth scars, on the bones of the lower limb.

Frames as in `lower_limb_bones`. Every change of wear is a step of a tape, so that what it does not touch stays as it is to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from osteon.geometry.knee_oa import COMPARTMENTS
from osteon.simulate import lower_limb_bones
from osteon.simulate.lower_limb_bones import PLATEAU_X, LegShape
from osteon.simulate.sdf import Solid, Step, cone, cut, ellipsoid, join, moved, puck, rotation, solid

CONTACT_X = 24.0  # where a condyle touches the line of both, of a plateau 80 mm wide
LEAST_MM = 0.3  # a smaller osteophyte is none
SIGN: Mapping[str, float] = {"medial": -1.0, "lateral": 1.0}


@dataclass(frozen=True)
class Wear:
    """Osteoarthritis as it is built: joint space (mm, medial and lateral), osteophytes (mm of reach by site), and by compartment sclerosis (0-1) and bone worn away (mm);
    `spines` is how much (mm) the spines have grown."""

    space: tuple[float, float] = (4.8, 5.6)
    osteophytes: Mapping[str, float] = field(default_factory=dict, hash=False)
    sclerosis: tuple[float, float] = (0.0, 0.0)
    attrition: tuple[float, float] = (0.0, 0.0)
    spines: float = 0.0

    @property
    def bare(self) -> Wear:
        """The same knee without its osteophytes."""
        return replace(self, osteophytes={})

    def reach(self, site: str) -> float:
        """Millimetres of the osteophyte at a site."""
        return float(self.osteophytes.get(site, 0.0))


def femur(shape: LegShape, wear: Wear) -> Solid:
    """The femur."""
    w = shape.width
    steps = [join(ellipsoid((-19.5 * w, -8, 21.4), (14.5 * w, 30, 21))), join(ellipsoid((-28.5 * w, -7, 22.4), (13.0 * w, 26, 21)), 7),
             join(ellipsoid((19.5 * w, -6, 21.4), (14.0 * w, 31, 21)), 4), join(ellipsoid((28.5 * w, -6, 22.7), (12.5 * w, 27, 21.2)), 7),
             join(ellipsoid((0, 2, 38), (36 * w, 23, 20)), 9),
             join(ellipsoid((-36.5 * w, -5, 38), (6.0, 11, 12)), 9), join(ellipsoid((-31.5 * w, -10, 50), (4.0, 7, 6)), 12),
             join(ellipsoid((36.5 * w, -6, 34), (5.5, 11, 11)), 8), cut(ellipsoid((43.5 * w, -12, 21), (4.0, 9, 3.5)), 3),
             cut(ellipsoid((0, -24, 8), (9.5 * w, 27, 20)), 4), cut(ellipsoid((2, 34, 20), (12 * w, 10, 26)), 6)]
    steps += [step for side in COMPARTMENTS for step in _spur(wear.reach(f"femur_{side}"), SIGN[side], 37.7 * w, 8.5, -0.30)]
    return lower_limb_bones.femur(shape, moved(steps, shape.joint_femur, (shape.beside[0], 0, 0)))


def tibia(shape: LegShape, wear: Wear) -> Solid:
    """The tibia."""
    steps = _plateau(shape, wear) + [step for side in COMPARTMENTS for step in _spur(wear.reach(f"tibia_{side}"), SIGN[side], 38.2 * shape.width, -4.0, 0.18)]
    return lower_limb_bones.tibia(shape, moved(steps, shape.joint_tibia, (shape.beside[1], 0, 0)))


def resected_tibia(shape: LegShape, wear: Wear, cuts: Sequence[Step]) -> Solid:
    """The tibia whose plateau is cut by steps in the tibia's frame, as for an implant."""
    return lower_limb_bones.tibia(shape, moved(_plateau(shape, wear), shape.joint_tibia, (shape.beside[1], 0, 0)), cuts)


def rim(shape: LegShape, wear: Wear) -> Solid:
    """The plateau without spines and osteophytes: what the joint space is measured to."""
    steps = moved(_trays(shape, wear), shape.joint_tibia, (shape.beside[1], 0, 0))
    return solid(steps)


def _plateau(shape: LegShape, wear: Wear) -> list[Step]:
    up, w = wear.spines, shape.width
    spines = [join(ellipsoid((0, -3, -4), (15 * w, 13, 9.0)), 6),
              join(cone((-7.5, -1, -5), (-5.5, -1, 8.0 + up), 8, 2.0), 4), join(cone((8.0, -6, -5), (6.5, -6, 6.0 + 0.8 * up), 8, 2.0), 4)]
    return _trays(shape, wear) + spines


def _trays(shape: LegShape, wear: Wear) -> list[Step]:
    """The plateau with its dishes, worn down where bone is lost."""
    w = shape.width
    steps = [join(puck((0, -3, -7), (PLATEAU_X * w, 24), 7, 7)), cut(ellipsoid((-22 * w, -5, 6.2), (17 * w, 14, 8.4)), 2),
             cut(ellipsoid((22 * w, -7, 6.2), (16 * w, 14, 8.0)), 2)]
    for side, lost in zip(COMPARTMENTS, wear.attrition, strict=True):
        if lost > 0:
            steps.append(cut(puck((SIGN[side] * 28 * w, -3, 12 - lost), (19 * w, 40), 12, 5), 4))
    return steps


def _spur(reach: float, sign: float, edge: float, z: float, turn: float) -> list[Step]:
    """A marginal osteophyte: a lip along the margin and its beak, `reach` mm beyond it; `turn` lifts the beak, as a share of its reach."""
    if reach < LEAST_MM:
        return []
    thick = 2.4 + 0.22 * reach
    root, tip = (sign * (edge - 6.0), -6.0, z - 0.5 * np.sign(turn) * thick), (sign * (edge + reach - 0.6), -6.0, z + turn * reach)
    lip = ellipsoid((sign * (edge - 1.0 + 0.3 * reach), -4, z + 0.2 * turn * reach), (0.55 * reach + 1.6, 12, 0.75 * thick))
    return [join(lip, 4), join(cone(root, tip, 1.5 * thick, 0.6), 3)]


def dense(shape: LegShape, wear: Wear) -> Iterator[tuple[str, Solid]]:
    """What is denser than the bone around it: (bone in whose frame it lies, solid) of subchondral sclerosis and the scars of the growth plates."""
    w = shape.width
    worn = [(sign, amount, lost) for sign, amount, lost in zip(SIGN.values(), wear.sclerosis, wear.attrition, strict=True) if amount > 0.02]
    for part in (1.0, 0.55) if worn else ():
        plates = [join(ellipsoid((shape.beside[1] + sign * 23 * w, -4, -3.0 - lost - 2 * part * amount), (16 * w * part, 3.2 * amount * part, 2.0 + 4.5 * amount * part)))
                  for sign, amount, lost in worn]
        yield "tibia", solid(moved(plates, shape.joint_tibia))
        plates = [join(ellipsoid((shape.beside[0] + sign * 24 * w, -7, 3.0 + 1.5 * part * amount), (13 * w * part, 2.2 * amount * part, 1.8 + 3.5 * amount * part)))
                  for sign, amount, lost in worn]
        yield "femur", solid(moved(plates, shape.joint_femur))


def scars(shape: LegShape, depth: float) -> Iterator[tuple[str, Solid]]:
    """The scars of both growth plates, in three waves each; `depth` (mm) is how much of them lies along a ray."""
    for bone, turn, z, reach in (("tibia", shape.joint_tibia, -17.0, 29.0), ("femur", shape.joint_femur, 33.0, 33.0)):
        steps = [join(puck((x * reach * shape.width, -3, z + rise), (0.34 * reach * shape.width, depth), 0.7, 0.6, rotation(0, tilt, 0)), 2)
                 for x, rise, tilt in ((-0.62, -1.2, -5.0), (0.0, 1.0, 0.0), (0.62, -0.9, 6.0))]
        yield bone, solid(moved(steps, turn))


def fabella(shape: LegShape) -> Solid:
    """The small bone in the lateral head of gastrocnemius, in the femur's frame."""
    return solid([join(ellipsoid((22 * shape.width, -42, 30), (4.5, 3.5, 6)))])


def calcified(shape: LegShape) -> Solid:
    """Chalk in both menisci, in the tibia's frame: a mimic that fills the joint space without narrowing it."""
    steps = [join(puck((sign * 30 * shape.width, -4, 2.4), (7.0 * shape.width, 7), 0.5, 0.4)) for sign in (-1, 1)]
    return solid(moved(steps, shape.joint_tibia))


def patella(shape: LegShape) -> Solid:
    """The patella, in the femur's frame."""
    w = shape.width
    return solid([join(ellipsoid((3, 39, 42), (21 * w, 9, 19))), join(cone((3, 39, 36), (2.5, 38, 26), 9, 5), 12)], shell=((20, 62), (0.55, 0.55)))


def grouped(shape: LegShape, wear: Wear) -> Mapping[str, Solid]:
    """The four bones by name; femur and patella in the femur's frame, tibia and fibula in the tibia's."""
    return {"femur": femur(shape, wear), "patella": patella(shape), "tibia": tibia(shape, wear), "fibula": lower_limb_bones.fibula(shape)}
