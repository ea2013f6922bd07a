"""A neck in the world: vertebrae on the points of a planned curve, atlas and skull upon them, upper thoracic vertebrae below, and what is measured on a film.

World axes: x to the patient's left, y anterior, z upwards; the origin is the middle of C4. A view turns this world for the film.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.geometry.cervical import LEVELS
from osteon.simulate import cervical_bones
from osteon.simulate.cervical_bones import BEHIND, FACET_DEG, FACET_GAP, LAMINA, CervicalShape, Plane
from osteon.simulate.sdf import rotation
from osteon.simulate.spine_bones import VertebraShape
from osteon.simulate.spine_pose import Vertebra

if TYPE_CHECKING:
    from osteon.simulate.frustum import Frustum, Placed

PLACES = 24  # along a mass where it is measured
FALL = 3.5  # degrees by which each thoracic vertebra leans further forwards than the one below


@dataclass(frozen=True, eq=False)
class Mass:
    """An ossified ligament: its kind, and in the world its places (n, 3, 3) along the canal: back of the bodies, back of the mass, lamina."""

    kind: str
    places: np.ndarray


@dataclass(frozen=True, eq=False)
class Bone:
    """A cervical vertebra with its frame and middle in the world."""

    shape: CervicalShape
    turn: np.ndarray
    middle: np.ndarray

    def world(self, point: Sequence[float] | np.ndarray) -> np.ndarray:
        """A point (..., 3) of its frame in the world."""
        return np.asarray(point, float) @ self.turn.T + self.middle

    def placed(self, view: np.ndarray, *, body_only: bool = False) -> Placed:
        """The bone as a view shows it."""
        from osteon.simulate.frustum import Placed

        made = cervical_bones.body_alone(self.shape) if body_only else cervical_bones.vertebra(self.shape)
        return Placed(made, view @ self.turn, view @ self.middle)


@dataclass(frozen=True, eq=False)
class Neck:
    """C2 to C7, T1 to T3, frames of atlas and skull, the points of the levels (5, 3) in the world, the anterior atlantodental interval (mm), and a mass."""

    bones: tuple[Bone, ...]
    thorax: tuple[Vertebra, ...]
    atlas: tuple[np.ndarray, np.ndarray]
    skull: tuple[np.ndarray, np.ndarray]
    points: Mapping[str, np.ndarray]
    interval: float
    mass: Mass | None = None


def place_neck(plan: Mapping[str, np.ndarray], spurs: Mapping[str, tuple[float, float, float, float]], hooks: Mapping[str, float], *, build: tuple[float, float] = (1.0, 1.0),
               interval: float = 1.6, nod: float = 0.0, mass: Mass | None = None) -> Neck:
    """Bones on the points of `construct_cervical` (spacing 1 mm); `build` is size and cortex, `nod` how far (degrees) the face is lowered."""
    points = {name: np.column_stack([np.zeros(5), p[:, 1], -p[:, 0]]) for name, p in plan.items()}
    frames = [_frame(points[name]) for name in LEVELS]
    bones = []
    for i, name in enumerate(LEVELS[:6]):
        turn, middle = frames[i]
        own = (points[name] - middle) @ turn
        depth, tall = float(np.linalg.norm(own[2] - own[3])), float(np.linalg.norm(0.5 * (own[0] + own[1] - own[2] - own[3])))
        facets = (None if i == 0 else _joint(points, frames, i - 1, lower=True), _joint(points, frames, i, lower=False))
        shape = CervicalShape(i + 2, (depth, tall), (_plate(own[0] - own[1]), _plate(own[2] - own[3])), float(np.linalg.norm(own[4] - 0.5 * (own[1] + own[3]))),
                              facets, spurs.get(name, (0.0,) * 4), hooks.get(name, 0.0), build)
        bones.append(Bone(shape, turn, middle))
    top, k = bones[0], build[0]
    lean = float(np.degrees(np.arctan2(-top.turn[1, 2], top.turn[2, 2])))
    ring = rotation(0.45 * lean + 9, 0, 0), top.world((0, -1.4, 0.5 * top.shape.body[1] + 9.5 * k))
    skull = rotation(-nod, 0, 0), ring[1] + ring[0] @ np.array([0, 0, 11.0 * k])
    return Neck(tuple(bones), _thorax(points["T1"], frames[6], build), ring, skull, points, interval, mass)


def _frame(p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn and middle of a body from its points (5, 3): z along its walls."""
    top, foot = p[:2].mean(axis=0), p[2:4].mean(axis=0)
    up = (top - foot) / np.linalg.norm(top - foot)
    return rotation(float(np.degrees(np.arctan2(-up[1], up[2]))), 0, 0), 0.5 * (top + foot)


def _plate(along: np.ndarray) -> np.ndarray:
    """The frame of an endplate from its direction forwards in the frame of the body."""
    return rotation(float(np.degrees(np.arctan2(along[2], along[1]))), 0, 0)


def _joint(points: Mapping[str, np.ndarray], frames: Sequence[tuple[np.ndarray, np.ndarray]], i: int, *, lower: bool) -> Plane:
    """The plane that cuts the pillars at the joint below level i, in the frame of the vertebra above or (`lower`) below it."""
    (turn, middle), (under, base) = frames[i], frames[i + 1]
    upper, below = points[LEVELS[i]], points[LEVELS[i + 1]]
    centre = 0.5 * (upper[3] + below[1]) - 0.5 * (turn[:, 1] + under[:, 1]) * BEHIND
    facing = 0.5 * (turn + under) @ np.array([0, -np.sin(np.radians(FACET_DEG)), np.cos(np.radians(FACET_DEG))])
    facing /= np.linalg.norm(facing)
    own, at = (under, base) if lower else (turn, middle)
    sign = 1.0 if lower else -1.0
    return (centre - sign * FACET_GAP * facing - at) @ own, sign * facing @ own


def _thorax(p: np.ndarray, frame: tuple[np.ndarray, np.ndarray], build: tuple[float, float]) -> tuple[Vertebra, ...]:
    """T1 on its points, T2 and T3 below it in kyphosis."""
    turn, middle = frame
    own = (p - middle) @ turn
    depth, tall = float(np.linalg.norm(own[2] - own[3])), float(np.linalg.norm(0.5 * (own[0] + own[1] - own[2] - own[3])))
    upper, lower = _plate(own[0] - own[1]), _plate(own[2] - own[3])
    shape = VertebraShape(0, 27.0 * build[0], depth * upper[1, 1], tall, (upper, lower), cortex=build[1])
    out = [Vertebra(shape, turn, middle)]
    for n in (1, 2):
        last = out[-1]
        turn = rotation(FALL, 0, 0) @ last.turn
        shape = VertebraShape(n, 26.5 * build[0], depth * upper[1, 1], tall + n, (np.eye(3), np.eye(3)), cortex=build[1])
        out.append(Vertebra(shape, turn, last.world((0, 0, -0.5 * last.shape.height)) - turn @ np.array([0, 0.5, 3.5 + 0.5 * shape.height])))
    return tuple(out)


def mass_on(plan: Mapping[str, np.ndarray], kind: str, reach: tuple[float, float], share: float) -> Mass:
    """A mass of a kind (continuous, segmental, mixed, localised) from one place to another (0 = middle of C2, 6 = middle of T1) that takes up to `share` of the canal."""
    at = np.linspace(*reach, PLACES)
    points = np.array([plan[name] for name in LEVELS])
    walls, laminae = (np.column_stack([np.interp(at, np.arange(7), line[:, k]) for k in (0, 1)]) for line in (0.5 * (points[:, 1] + points[:, 3]), points[:, 4]))
    u = np.linspace(0, 1, PLACES)
    swell = np.sqrt(np.clip(4 * u * (1 - u), 0, None))
    over_bodies = np.clip(1.25 * np.cos(np.pi * (at - np.round(at))) - 0.25, 0, 1)
    profile = {"continuous": swell * (0.85 + 0.15 * np.cos(2 * np.pi * at)), "segmental": over_bodies, "mixed": np.where(u < 0.6, swell, 0.8 * over_bodies), "localised": swell**1.5}[kind]
    backs = walls + share * profile[:, None] / profile.max() * (laminae - walls)
    places = np.stack([walls, backs, laminae], axis=1)
    return Mass(kind, np.concatenate([np.zeros((PLACES, 3, 1)), places[..., 1:], -places[..., :1]], axis=2))


def film_points(frustum: Frustum, neck: Neck, view: np.ndarray) -> dict[str, np.ndarray]:
    """Points (row, col) of each level (5, 2), of the atlas (3, 2), and of a mass (n, 3, 2) where there is one."""
    turn, shift = neck.atlas
    k = neck.bones[0].shape.build[0]
    ring = np.array([[0, 5.2 * k + neck.interval, 0], [0, 5.2 * k, 0], [0, LAMINA * k, 0.5]]) @ turn.T + shift
    ring[1] = neck.bones[0].world((0, 3.3 * k, 0.5 * neck.bones[0].shape.body[1] + 9.5 * k))
    ring[0] = ring[1] + neck.interval * turn[:, 1]
    out = {name: frustum.project(p @ view.T) for name, p in neck.points.items()} | {"C1": frustum.project(ring @ view.T)}
    return out | ({"mass": frustum.project(neck.mass.places @ view.T)} if neck.mass else {})


def spur_reaches(frustum: Frustum, neck: Neck, view: np.ndarray) -> dict[str, float]:
    """Millimetres that each anterior osteophyte stands out beyond its corner along the endplate, as projected; only what is there."""
    out = {}
    for name, bone in zip(LEVELS, neck.bones, strict=False):
        for k in (0, 2):
            if bone.shape.spurs[k] < cervical_bones.LEAST_MM:
                continue
            tip, radius = bone.shape.tip(k)
            frame, corner = bone.shape.plates[0 if k < 2 else 1], bone.shape.corner(k)
            seen = frustum.project(bone.world(np.array([corner, corner + frame[:, 1], tip])) @ view.T) * frustum.pixel
            along = (seen[1] - seen[0]) / np.linalg.norm(seen[1] - seen[0])
            out[f"{name}_{cervical_bones.CORNERS[k]}"] = float((seen[2] - seen[0]) @ along) + radius
    return out
