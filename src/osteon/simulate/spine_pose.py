"""The vertebral column in the world: vertebrae stacked on the sacrum by the tilts of their endplates, and their corners on a film.

World axes: x to the patient's left, y anterior, z upwards; the origin is the middle of the endplate of S1. A view turns this
world for the film (`seen`). Tilts are degrees: coronal positive where the left end is lower, sagittal where the anterior end is higher.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.simulate import spine_bones
from osteon.simulate.sdf import rotation
from osteon.simulate.spine_bones import COUNT, VertebraShape

if TYPE_CHECKING:
    from osteon.simulate.frustum import Frustum, Placed

LEFT_LATERAL = np.array([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])  # anterior to the right of the film, the patient's left side at the detector
NORMAL = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Bend:
    """Tilts (17, 2) of upper and lower endplates in both planes, axial rotation (17,) of the vertebrae, and of S1 (coronal, sagittal)."""

    coronal: np.ndarray
    sagittal: np.ndarray
    axial: np.ndarray
    base: tuple[float, float] = (0.0, -40.0)


@dataclass(frozen=True, eq=False)
class Build:
    """What the vertebrae are like: size (1 = adult), cortex, osteophytes (17,), part of each disc that is lost (17,), and by level the
    slip on the one below (fraction of its depth) and the loss of height (anterior, middle, posterior)."""

    size: float = 1.0
    cortex: float = 1.0
    spurs: np.ndarray = field(default_factory=lambda: np.zeros(COUNT))
    thinned: np.ndarray = field(default_factory=lambda: np.zeros(COUNT))
    slips: Mapping[int, float] = field(default_factory=dict)
    losses: Mapping[int, tuple[float, float, float]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Vertebra:
    """One vertebra: its shape, and its frame and middle in the world."""

    shape: VertebraShape
    turn: np.ndarray
    middle: np.ndarray

    def rim(self, top: bool) -> np.ndarray:
        """Right, left, anterior, posterior end and middle (5, 3) of an endplate in the world."""
        return self.shape.rim(top) @ self.turn.T + self.middle

    def placed(self, view: np.ndarray, *, body_only: bool = False) -> Placed:
        """The bone as a view shows it."""
        from osteon.simulate.frustum import Placed

        made = spine_bones.body_alone(self.shape) if body_only else spine_bones.vertebra(self.shape)
        return Placed(made, view @ self.turn, view @ self.middle)

    def world(self, point: tuple[float, float, float] | np.ndarray) -> np.ndarray:
        """A point of the vertebra's frame in the world."""
        return self.turn @ np.asarray(point, float) + self.middle


def stack(bend: Bend, build: Build) -> tuple[Vertebra, ...]:
    """T1 to L5, built upwards from the sacrum; each disc takes the mean tilt of the endplates that face it."""
    out: list[Vertebra] = []
    at, below, depth = np.zeros(3), np.array(bend.base), spine_bones.S1_DEPTH
    for i in reversed(range(COUNT)):
        low, high = np.array([bend.coronal[i, 1], bend.sagittal[i, 1]]), np.array([bend.coronal[i, 0], bend.sagittal[i, 0]])
        between, middle = _tilted(0.5 * (below + low)), _tilted(0.5 * (low + high))
        forward = build.slips.get(i, 0.0) * depth + 0.5 * (build.size * spine_bones.DEPTH[i] - depth)  # without a slip the posterior walls are in line
        at = at + between @ np.array([0, forward, spine_bones.DISC[i] * build.size * (1 - build.thinned[i])])
        spin = rotation(0, 0, bend.axial[i])
        turn = middle @ spin
        plates = turn.T @ _tilted(high) @ spin, turn.T @ _tilted(low) @ spin
        size, loss = build.size, build.losses.get(i, NORMAL)
        width, deep, tall = (size * table[i] for table in (spine_bones.WIDTH, spine_bones.DEPTH, spine_bones.HEIGHT))
        shape = VertebraShape(i, width, deep, tall, plates, loss, float(build.spurs[i]), build.cortex)
        out.append(Vertebra(shape, turn, at + turn[:, 2] * 0.5 * shape.height))
        at, depth, below = out[-1].world(shape.plate(True)[0]), shape.depth, high - (0, shape.tip)
    return tuple(reversed(out))


def _tilted(tilt: np.ndarray) -> np.ndarray:
    """The frame of a plate from its coronal and sagittal tilt."""
    return rotation(float(tilt[1]), float(tilt[0]), 0)


def drift(column: Sequence[Vertebra], ends: Sequence[int]) -> np.ndarray:
    """How far (17,) each vertebra stands to the left of the broken line through T1, the end vertebrae and L5, in mm."""
    x, nodes = np.array([v.middle[0] for v in column]), sorted({0, *ends, COUNT - 1})
    return x - np.interp(np.arange(COUNT), nodes, x[nodes])


def chest_lean(column: Sequence[Vertebra]) -> float:
    """Where the chest as a whole stands (x, mm): it follows the middle of the thoracic spine by less than half."""
    return 0.4 * float(np.mean([v.middle[0] for v in column[3:11]]))


def neck(column: tuple[Vertebra, ...], size: float) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """C7, C6 and C5 over T1: (number, frame, middle), straightening upwards."""
    first = column[0]
    at, frame, out = first.rim(True)[4], first.turn, []
    coronal, sagittal = np.degrees(np.arctan2(frame[0, 2], frame[2, 2])), -np.degrees(np.arctan2(frame[1, 2], frame[2, 2]))
    for n, number in enumerate((7, 6, 5)):
        turn = rotation(float(sagittal * (0.75, 0.4, 0.1)[n]), float(coronal * (0.8, 0.55, 0.3)[n]), 0)
        middle = at + turn[:, 2] * (11.0 if n == 0 else 17.5) * size
        out.append((number, turn, middle))
        at = middle
    return out


def coronal_corners(frustum: Frustum, column: tuple[Vertebra, ...], view: np.ndarray) -> np.ndarray:
    """The corners (17, 4, 2: row, col) on an anteroposterior film: ends of both endplates across the middle of the body."""
    ends = np.array([np.concatenate([v.rim(True)[:2], v.rim(False)[:2]]) for v in column])
    return frustum.project(ends @ view.T)


def lateral_points(frustum: Frustum, vertebra: Vertebra, view: np.ndarray) -> np.ndarray:
    """The six points (6, 2: row, col) of a body on a lateral film: front, hollowed middle and back of both endplates."""
    return frustum.project(np.concatenate([vertebra.rim(top)[[2, 4, 3]] for top in (True, False)]) @ view.T)
