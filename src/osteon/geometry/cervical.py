"""The cervical spine on a lateral film: lordosis, balance, slips, discs, the canal, a mass behind the bodies, and degeneration by rule.

A level is five points (5, 2) as (row, col) in pixels: superior anterior and posterior, inferior anterior and posterior corner of the body, and the front of
the lamina in the midline; of C2 the body without the dens. Spacing is (row_mm, col_mm); `facing` says on which side of the image the front of the patient
lies. Every angle is the signed angle from one direction to another; an endplate is positive where its anterior end is the lower one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from osteon.errors import DataError, message
from osteon.geometry.spine_sagittal import _backward, _down, _forward, _slope, _turn

LEVELS = ("C2", "C3", "C4", "C5", "C6", "C7", "T1")
DISCS = ("C2-3", "C3-4", "C4-5", "C5-6", "C6-7", "C7-1")
POINTS = ("superior_anterior", "superior_posterior", "inferior_anterior", "inferior_posterior", "lamina")
ATLAS = ("anterior_arch", "dens", "posterior_arch")
NECK_UNITS: Mapping[str, str] = MappingProxyType({"lordosis": "deg", "tangent": "deg", "slope": "deg", "mismatch": "deg", "sva": "mm", "torg": "1", "adi": "mm"})
MASS_UNITS: Mapping[str, str] = MappingProxyType({"occupied": "%", "kline": "mm"})
DISC_UNITS: Mapping[str, str] = MappingProxyType({"angle": "deg", "slip": "mm", "disc": "1"})
CERVICAL_UNITS: Mapping[str, str] = MappingProxyType(
    {**NECK_UNITS, **MASS_UNITS, **{f"{name}.{disc}": unit for name, unit in DISC_UNITS.items() for disc in DISCS}})
HEIGHTS, DEPTHS = (17.0, 13.4, 13.0, 12.8, 13.2, 14.6, 16.4), (15.6, 15.6, 15.8, 16.0, 16.6, 17.2, 17.6)  # mm of an adult: textbook proportions, ours
WEDGES = (0.0, -1.5, -1.5, -1.5, -1.0, -1.0, -1.5)  # degrees by which each body is higher in front
LEAN = 8.0  # degrees by which the walls of a body lean back against the normal of its endplates; ours
MOST_BOW = 60.0  # degrees: more than a neck bends
INDICES, BELOW_C7 = (0.33, 0.34, 0.34, 0.34, 0.34, 0.31), 2.0  # disc height over depth, and the lordosis (degrees) of the disc below C7; ours
NARROW, SPUR_MM, STRAIGHT_DEG = 0.65, 2.0, 4.0  # what the rule of degeneration takes for narrow, for an osteophyte and for a lost lordosis; ours

DEFINITIONS: Mapping[str, str] = MappingProxyType({
    "lordosis": "inferior endplate of C7 to that of C2 (Cobb), positive in lordosis; the first five angles add up to it",
    "tangent": "posterior wall of C7 to that of C2 (Harrison), positive in lordosis",
    "slope": "superior endplate of T1 to the horizontal, positive where it slopes down forwards",
    "mismatch": "slope of T1 less lordosis",
    "sva": "plumb line through the middle of the body of C2 to the posterior superior corner of C7, positive where C2 stands in front",
    "torg": "least width of the canal over depth of the body, C3 to C7 (Torg and Pavlov)",
    "adi": "back of the anterior arch of C1 to the front of the dens",
    "occupied": "largest share of the canal that the mass behind the bodies takes, in percent; 0 without one",
    "kline": "least distance from the line through the middles of the canal at C2 and C7 to the back of the mass, negative where it is crossed; nan without one",
    "angle": "inferior endplate of the level below to that of the level above (below C7: superior endplate of T1), positive in lordosis",
    "slip": "posterior inferior corner above to the posterior superior one below, along the endplate below, positive forwards",
    "disc": "mean of anterior and posterior disc height, square to the endplate below, over the mean depth of the two endplates"})


@dataclass(frozen=True)
class Signs:
    """What a reader looks for: disc height over that of the tallest two discs (the lowest such ratio), the longest anterior osteophyte (mm), lordosis (degrees)."""

    ratio: float
    spur: float
    lordosis: float

    def __post_init__(self) -> None:
        if not (self.ratio >= 0 and self.spur >= 0 and math.isfinite(self.lordosis)):
            raise ValueError(f"signs: impossible (expected ratio and spur of 0 or more, a finite lordosis). Found {self.ratio}, {self.spur}, {self.lordosis}")

    @property
    def found(self) -> dict[str, bool]:
        """Narrowing, osteophytes and lost lordosis, each by its cut; `degenerative` where there is any of the three."""
        each = {"narrowing": self.ratio < NARROW, "osteophytes": self.spur >= SPUR_MM, "straight": self.lordosis < STRAIGHT_DEG}
        return each | {"degenerative": any(each.values())}


def narrowest(values: Mapping[str, float]) -> float:
    """The lowest disc of C2 to C7 over the mean of the tallest two."""
    found = sorted(values[f"disc.{disc}"] for disc in DISCS[:5])
    return found[0] / (0.5 * (found[-1] + found[-2]))


def measure_cervical(levels: Mapping[str, np.ndarray], spacing: Sequence[float], *, atlas: np.ndarray | None = None, mass: np.ndarray | None = None,
                     facing: str = "right") -> dict[str, float]:
    """All readings of a lateral cervical film (names, units, definitions above), nan where what they rest on is absent.

    `atlas` (3, 2) as in ATLAS; `mass` (n, 3, 2): places along an ossified ligament, each as wall, back of the mass, lamina. Raises DataError for an
    impossible spacing or facing.
    """
    absent = np.full((5, 2), math.nan)
    at = {name: _forward(levels.get(name, absent), spacing, facing) for name in LEVELS}
    arch = _forward(np.full((3, 2), math.nan) if atlas is None else atlas, spacing, facing)
    slope, lordosis = _slope(at["T1"][0] - at["T1"][1]), _slope(at["C7"][2] - at["C7"][3]) - _slope(at["C2"][2] - at["C2"][3])
    out = {"lordosis": lordosis, "tangent": _turn(at["C7"][1] - at["C7"][3], at["C2"][1] - at["C2"][3]), "slope": slope, "mismatch": slope - lordosis,
           "sva": float(at["C2"][:4, 0].mean() - at["C7"][1, 0]), "torg": min(_torg(at[name]) for name in LEVELS[1:6]), "adi": float(np.linalg.norm(arch[0] - arch[1]))}
    out |= {"occupied": 0.0, "kline": math.nan} if mass is None or len(mass) == 0 else _of_mass(_forward(mass, spacing, facing), at)
    for disc, upper, lower in zip(DISCS, LEVELS, LEVELS[1:], strict=False):
        out |= {f"{name}.{disc}": value for name, value in _of_disc(at[upper], at[lower], last=lower == "T1").items()}
    return {name: float(out[name]) for name in CERVICAL_UNITS}


def _torg(body: np.ndarray) -> float:
    """Width of the canal over depth of the body, both through its middle."""
    front, back = 0.5 * (body[0] + body[2]), 0.5 * (body[1] + body[3])
    return float(np.linalg.norm(body[4] - back) / np.linalg.norm(front - back))


def _of_disc(upper: np.ndarray, lower: np.ndarray, *, last: bool) -> dict[str, float]:
    plate, below = lower[:2], lower[:2] if last else lower[2:4]
    length = float(np.linalg.norm(plate[0] - plate[1]))
    along = (plate[0] - plate[1]) / length if length else np.full(2, math.nan)
    height = 0.5 * float((upper[2] + upper[3] - plate[0] - plate[1]) @ _up(along))
    return {"angle": _slope(below[0] - below[1]) - _slope(upper[2] - upper[3]), "slip": float((upper[3] - plate[1]) @ along),
            "disc": height / (0.5 * float(np.linalg.norm(upper[2] - upper[3]) + length))}


def _up(along: np.ndarray) -> np.ndarray:
    """Square to a direction forwards."""
    return np.array([-along[1], along[0]])


def _of_mass(mass: np.ndarray, at: Mapping[str, np.ndarray]) -> dict[str, float]:
    wall, back, lamina = mass[:, 0], mass[:, 1], mass[:, 2]
    taken = np.linalg.norm(back - wall, axis=1) / np.linalg.norm(lamina - wall, axis=1)
    high, low = (0.25 * (at[name][1] + at[name][3]) + 0.5 * at[name][4] for name in ("C2", "C7"))
    up = (high - low) / np.linalg.norm(high - low)
    free = (back - low) @ np.array([up[1], -up[0]])
    return {"occupied": 100 * float(taken.max()), "kline": float(free.min())}


def construct_cervical(lordosis: float, slope: float, sva: float | None = None, *, discs: Sequence[float] = INDICES, slips: Sequence[float] = (0.0,) * 6, canal: float = 15.5,
                       size: float = 1.0, spacing: Sequence[float] = (1.0, 1.0)) -> dict[str, np.ndarray]:
    """Points of C2 to T1 with wanted lordosis and slope (degrees), sva (mm; None: an even curve), disc indices and slips (mm): the inverse of `measure_cervical`.

    The front of the patient is to the right, the middle of C4 at (0, 0). `canal` (mm) is the distance of lamina and wall. Raises DataError for
    lists of another length, lengths below 0, and an sva that no curve of this lordosis has.
    """
    if len(discs) != 6 or len(slips) != 6 or min(discs) <= 0 or min(canal, size) <= 0:
        raise DataError(message("cervical spine", "it can not be constructed", expected="six disc indices above 0, six slips, canal and size above 0", found=f"Found {discs}, {slips}, {canal}, {size}"))

    def stacked(bow: float) -> np.ndarray:
        return _stack(tilts(lordosis, slope, bow, discs), np.asarray(discs, float), np.asarray(slips, float), canal, size)

    def away(bow: float) -> float:
        column = stacked(bow)
        return float(column[0, :4, 0].mean() - column[5, 1, 0]) - (sva or 0.0)

    bow = 0.0 if sva is None else _root(away, 0.0, 4.0)
    column = stacked(bow)
    if not abs(bow) < MOST_BOW or (sva is not None and abs(away(bow)) > 1e-9):
        raise DataError(message("cervical spine", "no curve has this balance", expected="an sva that fits slope and lordosis", found=f"Found {sva} mm"))
    column -= column[2, :4].mean(axis=0)
    return {name: _backward(body, (0.0, 0.0), spacing, "right") for name, body in zip(LEVELS, column, strict=True)}


def tilts(lordosis: float, slope: float, bow: float, discs: Sequence[float] = INDICES) -> np.ndarray:
    """Superior and inferior tilts (7, 2) in degrees: the angles from C7 to C2 go with the heights of the discs, and the middle stands `bow` degrees further forwards."""
    share = np.append(np.cumsum(np.asarray(discs, float)[4::-1])[::-1] / sum(discs[:5]), 0.0)
    low = np.append(slope - BELOW_C7 - lordosis * share + 4 * bow * share * (1 - share), slope + WEDGES[6])
    return np.column_stack([low - np.array(WEDGES), low])


def _stack(tilted: np.ndarray, discs: np.ndarray, slips: np.ndarray, canal: float, size: float) -> np.ndarray:
    """Points (7, 5, 2: forwards, up; mm) of the bodies from T1 upwards."""
    out = np.zeros((7, 5, 2))
    for i in reversed(range(7)):
        depth, along = size * DEPTHS[i], _down(float(tilted[i, 1]))
        foot = np.zeros(2) if i == 6 else _foot(out[i + 1], along * depth, float(discs[i]), float(slips[i]))
        up = _down(float(tilted[i].mean()) - LEAN - 90)
        top = foot + 0.5 * depth * along + size * HEIGHTS[i] * up
        half = 0.5 * depth * _down(float(tilted[i, 0]))
        middle = 0.25 * (foot + foot + depth * along + 2 * top)
        wall = 0.5 * (foot + top - half)
        out[i] = top + half, top - half, foot + depth * along, foot, wall + canal * (wall - middle) / np.linalg.norm(wall - middle)
    return out


def _foot(below: np.ndarray, plate: np.ndarray, index: float, slip: float) -> np.ndarray:
    """Where the posterior inferior corner above a body stands, so that the disc has its index and the slip its size."""
    length = float(np.linalg.norm(below[0] - below[1]))
    along = (below[0] - below[1]) / length
    height = index * 0.5 * (length + float(np.linalg.norm(plate))) - 0.5 * float(plate @ _up(along))
    foot: np.ndarray = below[1] + slip * along + height * _up(along)
    return foot


def _root(f: Callable[[float], float], a: float, b: float) -> float:
    """A root by the secant method; the functions here are all but straight."""
    fa, fb = f(a), f(b)
    for _ in range(30):
        if abs(fb) < 1e-12 or fa == fb:
            break
        a, b, fa = b, b - fb * (b - a) / (fb - fa), fb
        fb = f(b)
    return b
