"""Instruments of endoscopic spine surgery as bodies of round section: a burr, a radiofrequency probe, a forceps; posed by tip and direction, drawn as wet metal.

Positions are (row, col) in pixels, lengths in mm until they are drawn. The tip is the point that a surgeon would touch: the far end of burr or electrode, the middle
between the ends of the jaws.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

REACH_MM = 40.0  # of the shaft behind the tip, beyond every view
WIDENING = 0.011  # share by which a shaft looks wider a mm nearer to the lens
MATERIALS: Mapping[str, tuple[tuple[float, float, float], float]] = {  # colour, and how much of it mirrors
    "steel": ((0.60, 0.60, 0.63), 0.85), "dark": ((0.13, 0.13, 0.15), 0.35), "ceramic": ((0.90, 0.89, 0.85), 0.30), "burr": ((0.68, 0.67, 0.68), 0.95), "slot": ((0.05, 0.04, 0.05), 0.1)}
KINDS = ("burr", "radiofrequency probe", "forceps")


@dataclass(frozen=True)
class Part:
    """A tapered body from (along, across) to (along, across) behind the tip, with a radius at each end, in mm."""

    start: tuple[float, float]
    end: tuple[float, float]
    radii: tuple[float, float] = field(kw_only=True)
    material: str = field(kw_only=True)


@dataclass(frozen=True)
class Pose:
    """Where the tip is (row, col), in which direction the shaft leaves it (degrees, 0 is to the right, 90 upwards), pixels in a mm, opening of jaws (degrees), turn of a burr (degrees)."""

    tip: tuple[float, float]
    direction: float
    scale: float = field(kw_only=True)
    opening: float = field(default=12.0, kw_only=True)
    turn: float = field(default=0.0, kw_only=True)


@dataclass(frozen=True, eq=False)
class Drawn:
    """An instrument on the picture: how much of each pixel it covers (rows, cols), its colour (rows, cols, 3), and how far behind the tip and beside the axis each pixel lies, in pixels (rows, cols)."""

    cover: np.ndarray
    colour: np.ndarray
    along: np.ndarray
    across: np.ndarray


def parts(kind: str, opening: float) -> tuple[Part, ...]:
    """The bodies of an instrument, far ones first."""
    if kind == "burr":
        return (Part((4.0, 0.0), (REACH_MM, 0.0), radii=(1.9, 1.9 * (1 + WIDENING * REACH_MM)), material="steel"), Part((3.2, 0.0), (4.2, 0.0), radii=(1.0, 1.1), material="slot"),
                Part((1.7, 0.0), (1.71, 0.0), radii=(1.7, 1.7), material="burr"))
    if kind == "radiofrequency probe":
        return (Part((8.5, 1.2), (REACH_MM, 1.2), radii=(1.55, 1.55 * (1 + WIDENING * REACH_MM)), material="dark"), Part((3.6, 0.6), (8.6, 1.2), radii=(1.3, 1.5), material="steel"),
                Part((1.5, 0.1), (3.6, 0.6), radii=(1.25, 1.3), material="ceramic"), Part((0.8, 0.0), (1.3, 0.05), radii=(0.8, 0.85), material="steel"))
    half = np.deg2rad(opening / 2)
    ends = [(9.0 * (1 - np.cos(half)) + 0.5, sign * 9.0 * np.sin(half)) for sign in (-1, 1)]
    jaws = tuple(Part((float(u), float(v)), (9.0, 0.25 * float(np.sign(v))), radii=(0.5, 0.85), material="steel") for u, v in ends)
    return (Part((8.5, 0.0), (REACH_MM, 0.0), radii=(1.35, 1.35 * (1 + WIDENING * REACH_MM)), material="steel"), *jaws, Part((8.8, 0.0), (8.81, 0.0), radii=(0.45, 0.45), material="slot"))


def drawn(kind: str, pose: Pose, shape: tuple[int, int]) -> Drawn:
    """The instrument in its pose on a picture of (rows, cols)."""
    rows, cols = (np.arange(n, dtype=np.float32) for n in shape)
    down, right = np.meshgrid(rows - np.float32(pose.tip[0]), cols - np.float32(pose.tip[1]), indexing="ij")
    turn = math.radians(pose.direction)
    cos, sin = math.cos(turn), math.sin(turn)
    along, across = (right * cos - down * sin) / pose.scale, (right * sin + down * cos) / pose.scale
    cover, colour = np.zeros(shape, np.float32), np.zeros((*shape, 3), np.float32)
    for part in parts(kind, pose.opening):
        box = _box(part, pose, (cos, sin), shape)
        own, shade = _body(part, along[box], across[box], pose)
        colour[box] += own[..., None] * (shade - colour[box])
        cover[box] += own * (1 - cover[box])
    return Drawn(cover, colour, along * pose.scale, across * pose.scale)


def _box(part: Part, pose: Pose, turn: tuple[float, float], shape: tuple[int, int]) -> tuple[slice, slice]:
    """The rows and columns that a body can touch."""
    (cos, sin), reach = turn, max(part.radii) * pose.scale + 2
    ends = [[tip + pose.scale * (u * a + v * b) for tip, a, b in zip(pose.tip, (-sin, cos), (cos, sin), strict=True)] for u, v in (part.start, part.end)]
    low, high = (np.clip([pick(pair) + off for pair in zip(*ends, strict=True)], 0, shape).astype(int) for pick, off in ((min, -reach), (max, reach + 1)))
    return slice(int(low[0]), int(high[0])), slice(int(low[1]), int(high[1]))


def _body(part: Part, along: np.ndarray, across: np.ndarray, pose: Pose) -> tuple[np.ndarray, np.ndarray]:
    """Cover and colour of one body: a cylinder lit from the lens, with a mirrored streak and the red of the tissue towards its sides."""
    start, end = np.array(part.start), np.array(part.end)
    length = max(float(np.linalg.norm(end - start)), 1e-3)
    du, dv = ((end - start) / length).tolist()  # plain numbers, so that arrays stay float32
    u, v = along - part.start[0], across - part.start[1]
    s, t = u * du + v * dv, v * du - u * dv
    held = np.clip(s, 0, length)
    radius = part.radii[0] + (part.radii[1] - part.radii[0]) * held / length
    off = np.hypot(s - held, t)
    cover = np.clip(0.5 + (radius - off) * pose.scale, 0, 1).astype(np.float32)
    side = np.clip(t / radius, -1, 1)
    facing = np.sqrt(np.clip(1 - np.square(off / radius), 0.0, 1.0))
    base, mirror = MATERIALS[part.material]
    streak = mirror * (np.exp(-np.square((side + 0.28) / 0.13)) + 0.35 * np.exp(-np.square((side - 0.55) / 0.10)))
    lit = 0.30 + 0.62 * facing
    if part.material == "burr":
        lit = lit * (0.72 + 0.28 * np.sin(7 * np.arctan2(t, s - held + 1e-6) + 2.6 * (s + radius) + math.radians(pose.turn)))
    red = np.array((0.34, 0.13, 0.12), np.float32) * mirror
    shade = np.array(base, np.float32) * lit[..., None] + 0.55 * streak[..., None] + red * np.square(side)[..., None] * 0.6
    return cover, shade.astype(np.float32)
