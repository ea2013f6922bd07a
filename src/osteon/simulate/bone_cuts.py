"""A bone broken by planes: what each plane leaves on either side, the fragments moved as rigid bodies, the bare faces, the gap, and splinters.

The planes and points are in the frame of the bone, millimetres. A tape that is cut has its cortex on the cut face too, as its thickness follows the distance to any
surface; `face` is the sheet of bone that holds none in truth, to be drawn as thinner.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from osteon.simulate.sdf import Solid, Step, cut, ellipsoid, half_space, join, keep, rotation, solid

Frame = tuple[np.ndarray, np.ndarray]
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Crack:
    """One plane of a fracture: a point of it, the normal that looks to the fragment, the gap (mm), and where the fragment went: shift (mm) and turn (degrees about x, y and z)."""

    point: Point
    normal: Point
    gap: float = 0.8
    shift: Point = (0.0, 0.0, 0.0)
    turn: Point = (0.0, 0.0, 0.0)
    splinters: tuple[tuple[Point, Point], ...] = ()

    @property
    def way(self) -> np.ndarray:
        """The normal at unit length."""
        return np.asarray(self.normal) / np.linalg.norm(self.normal)

    def frame(self, within: Frame) -> Frame:
        """Where the fragment stands, given the frame of the bone that it broke from."""
        turn, shift = within
        at = np.asarray(self.point)
        turned = turn @ rotation(*self.turn)
        return turned, turn @ (at + np.asarray(self.shift)) + shift - turned @ at

    def cap(self, thick: float, *, fragment: bool) -> tuple[Step, Step]:
        """The steps that keep the sheet of `thick` mm beneath the cut face of the fragment or of the rest."""
        way = -self.way if fragment else self.way
        at = np.asarray(self.point) - 0.5 * self.gap * way
        return keep(half_space(at, way)), keep(half_space(at - thick * way, -way))


def away(point: Sequence[float] | np.ndarray, way: np.ndarray, gap: float) -> Step:
    """The step that keeps what lies beyond a plane, to which `way` (unit length) looks."""
    return keep(half_space(np.asarray(point) + 0.5 * gap * way, -way))


def home(point: Sequence[float] | np.ndarray, way: np.ndarray, gap: float) -> Step:
    """The step that keeps what lies before a plane."""
    return keep(half_space(np.asarray(point) - 0.5 * gap * way, way))


def face(whole: Sequence[Step], at: np.ndarray, way: np.ndarray, thick: float) -> Solid:
    """The sheet of bone of `thick` mm beneath a cut face at a point; `way` looks out of the bone."""
    return solid([*whole, keep(half_space(at, way)), keep(half_space(at - thick * way, -way))])


def parts(cracks: Mapping[str, Crack]) -> dict[str, list[Step]]:
    """The steps that keep each fragment by name, and under "" the rest: what a plane takes is taken before the next."""
    out: dict[str, list[Step]] = {}
    taken: list[Step] = []
    for name, crack in cracks.items():
        out[name] = [*taken, away(crack.point, crack.way, crack.gap)]
        taken.append(home(crack.point, crack.way, crack.gap))
    return {"": taken} | out


def slab(whole: Sequence[Step], crack: Crack) -> Solid:
    """The bone that the gap of a fracture takes away."""
    at, half = np.asarray(crack.point), 0.5 * crack.gap
    return solid([*whole, keep(half_space(at + half * crack.way, crack.way)), keep(half_space(at - half * crack.way, -crack.way))])


def holes(crack: Crack) -> list[Step]:
    """The steps that take away the bone from which splinters came."""
    return [cut(ellipsoid(at, (2.6, 2.6, 3.2)), 1) for at, _ in crack.splinters]


def splinters(crack: Crack) -> list[Solid]:
    """The splinters of a comminuted fracture, in the frame of the fragment, each gone its own way."""
    return [solid([join(ellipsoid(np.asarray(at) + np.asarray(gone), (1.6, 2.2, 3.2), rotation(30 * k, 50 * k, 0)))], shell=((-900, 900), (1.1, 1.1)))
            for k, (at, gone) in enumerate(crack.splinters, 1)]
