"""Coronal spine: Cobb angles, end vertebrae, apex and side from the corners of T1 to L5 on an anteroposterior film.

Corners are (17, 4, 2): per vertebra superior right, superior left, inferior right, inferior left as (row, col) in pixels, right
and left being the patient's; the film is seen as usual, the patient's right on the left of the image. Spacing is (row_mm,
col_mm). The tilt of an endplate is the angle of the line from its right to its left corner: positive where the left end is
lower. A curve is positive where it is convex to the right: then its upper end vertebra tilts up, its lower one down.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from types import MappingProxyType

import numpy as np

from osteon.errors import DataError, message

LEVELS = (*(f"T{i}" for i in range(1, 13)), *(f"L{i}" for i in range(1, 6)))
CORNERS = ("superior_right", "superior_left", "inferior_right", "inferior_left")
METHODS = ("endplate", "midline")
REGIONS = ("proximal thoracic", "main thoracic", "thoracolumbar")
COBB_UNITS: Mapping[str, str] = MappingProxyType({"main": "deg", "PT": "deg", "MT": "deg", "TL": "deg", "shift": "mm"})
SPINE_UNITS: Mapping[str, str] = MappingProxyType({**COBB_UNITS, "largest_tilt": "deg", "midline": "deg"})  # what is read off points on a film, with and without named end vertebrae
POINTS = tuple(f"{level}.{corner}" for level in LEVELS for corner in CORNERS)
ENDS = ("left_low", "right_low")  # marks on the middles of end vertebrae, by the end of the endplate that lies lower than those of their neighbours
SCOLIOSIS = 10.0  # degrees: what counts as a curve (general knowledge)
SEVERITY: Mapping[str, float] = MappingProxyType({"none": 0.0, "mild": SCOLIOSIS, "moderate": 25.0, "severe": 45.0})  # lower bounds, general knowledge

DEFINITIONS: Mapping[str, str] = MappingProxyType({
    "main": "the largest angle between the superior endplate of an upper and the inferior endplate of a lower vertebra",
    "PT": "the curve with its apex at T5 or above", "MT": "the curve with its apex between the disc T5/T6 and the disc T11/T12",
    "TL": "the curve with its apex at T12 or below", "shift": "how far the middle of T1 stands to the patient's left of the middle of L5",
    "largest_tilt": "the largest angle of any two endplates, whichever vertebrae were named as end vertebrae",
    "midline": "as main, between the lines through the middles of the side walls in place of the endplates"})


@dataclass(frozen=True)
class Curve:
    """One curve: Cobb angle in degrees (0 or more), end vertebrae, apex (a vertebra or a disc such as T8/T9), side of the convexity (R, L)."""

    angle: float
    upper: str
    lower: str
    apex: str
    side: str

    @property
    def signed(self) -> float:
        """The angle, negative where the curve is convex to the left."""
        return self.angle if self.side == "R" else -self.angle

    @property
    def region(self) -> str:
        """Where the apex lies: proximal thoracic to T5, main thoracic to the disc T11/T12, thoracolumbar or lumbar below (after the SRS)."""
        first = LEVELS.index(self.apex.split("/")[0]) + (0.5 if "/" in self.apex else 0.0)
        return REGIONS[0] if first <= 4 else REGIONS[1] if first < 11 else REGIONS[2]


def endplate_tilts(corners: np.ndarray, spacing: Sequence[float], *, method: str = "endplate") -> tuple[np.ndarray, np.ndarray]:
    """Tilts (17,) of what stands for the upper and for the lower endplates, in degrees.

    With `method="midline"` both are the tilt of the line between the middles of the two side walls. Raises DataError for
    corners of another shape, an impossible spacing or an unknown method.
    """
    at = _millimetres(corners, spacing)
    if method not in METHODS:
        raise DataError(message("spine", "the method is unknown", expected=" or ".join(METHODS), found=f"Found {method!r}"))
    upper, lower = at[:, 1] - at[:, 0], at[:, 3] - at[:, 2]
    if method == "midline":
        upper = lower = 0.5 * (upper + lower)
    return _angle(upper), _angle(lower)


def curves(corners: np.ndarray, spacing: Sequence[float], *, method: str = "endplate", least: float = SCOLIOSIS, ends: Sequence[str] = ()) -> tuple[Curve, ...]:
    """The curves from above downwards: the largest, and on both sides those that share its end vertebra and bend the other way.

    Where two or more end vertebrae are named, from above, the curves between them stand in place of the largest. Only curves of
    `least` degrees or more are given. Corners that are absent (nan) take no part.
    """
    upper, lower = endplate_tilts(corners, spacing, method=method)
    found = _largest(upper, lower, range(len(LEVELS)), range(len(LEVELS)), 0)
    if found is None:
        return ()
    spans = [(i, j, float(upper[i] - lower[j])) for i, j in pairwise(LEVELS.index(level) for level in ends)] or [found]
    while (above := _largest(upper, lower, range(spans[0][0]), (spans[0][0],), -np.sign(spans[0][2]))) is not None:
        spans.insert(0, above)
    while (below := _largest(upper, lower, (spans[-1][1],), range(spans[-1][1] + 1, len(LEVELS)), -np.sign(spans[-1][2]))) is not None:
        spans.append(below)
    places = _millimetres(corners, spacing)
    return tuple(Curve(abs(a), LEVELS[i], LEVELS[j], _apex(places, i, j, a), "R" if a > 0 else "L") for i, j, a in spans if abs(a) >= least)


def main_curve(found: Sequence[Curve]) -> Curve | None:
    """The largest of some curves."""
    return max(found, key=lambda c: c.angle, default=None)


def measure_spine(corners: np.ndarray, spacing: Sequence[float], *, method: str = "endplate", least: float = 0.0, ends: Sequence[str] = ()) -> dict[str, float]:
    """The readings of a film (names, units and definitions above); nan for a region without a curve of `least` degrees."""
    found = curves(corners, spacing, method=method, least=least, ends=ends)
    main, middle = main_curve(found), _millimetres(corners, spacing).mean(axis=1)
    out = {"main": main.angle if main else math.nan}
    for name, region in zip(("PT", "MT", "TL"), REGIONS, strict=True):
        out[name] = max((c.angle for c in found if c.region == region), default=math.nan)
    return out | {"shift": float(middle[0, 0] - middle[-1, 0])}


def measure_named(landmarks: Mapping[str, Sequence[float]], spacing: Sequence[float] | None) -> tuple[dict[str, float], dict[str, str]]:
    """The readings of points by name (`T1.superior_right`), and the reason of each that is nan; marks of end vertebrae (`left_low.1`) say which these are.

    Without a spacing pixels are taken as square. A column with a missing corner or out of order is not measured: an end vertebra may be wrong.
    """
    corners = corners_named(landmarks)
    fault = column_fault(corners)
    if fault:
        return dict.fromkeys(SPINE_UNITS, math.nan), dict.fromkeys(SPINE_UNITS, fault)
    scale, ends = spacing or (1.0, 1.0), ends_named(corners, landmarks)
    values = measure_spine(corners, scale, ends=ends) | {"largest_tilt": measure_spine(corners, scale)["main"]}
    values |= {"midline": measure_spine(corners, scale, ends=ends, method="midline")["main"]} | ({} if spacing else {"shift": math.nan})
    return values, {name: "no pixel spacing" if name == "shift" else "no such curve" for name, value in values.items() if math.isnan(value)}


def corners_named(landmarks: Mapping[str, Sequence[float]]) -> np.ndarray:
    """Corners (17, 4, 2) of points by name; nan for one that is absent."""
    return np.array([landmarks.get(name, (math.nan, math.nan)) for name in POINTS], float).reshape(len(LEVELS), len(CORNERS), 2)


def column_fault(corners: np.ndarray) -> str:
    """Why the corners (17, 4, 2) of a column can not be measured: one is missing, or a vertebra does not lie below the last; empty where they can."""
    absent = [level for level, at in zip(LEVELS, corners, strict=True) if np.isnan(at).any()]
    if absent:
        return f"corners of {absent[0]} are missing" if len(absent) == 1 else f"corners of {len(absent)} vertebrae are missing, {absent[0]} among them"
    above = np.flatnonzero(np.diff(corners[..., 0].mean(axis=1)) <= 0)
    return f"{LEVELS[above[0] + 1]} does not lie below {LEVELS[above[0]]}" if len(above) else ""


def mark_ends(landmarks: Mapping[str, Sequence[float]]) -> dict[str, list[tuple[float, float]]]:
    """The middles of the end vertebrae of every curve of 10 degrees or more, of the largest where there is none, by mark; empty for a column with a fault."""
    corners = corners_named(landmarks)
    out: dict[str, list[tuple[float, float]]] = {name: [] for name in ENDS}
    if column_fault(corners):
        return out
    found = curves(corners, (1.0, 1.0)) or tuple(filter(None, [main_curve(curves(corners, (1.0, 1.0), least=0.0))]))
    for level, mark in dict.fromkeys(pair for curve in found for pair in zip((curve.upper, curve.lower), ENDS[:: 1 if curve.signed > 0 else -1], strict=True)):
        row, col = corners[LEVELS.index(level)].mean(axis=0)
        out[mark].append((float(row), float(col)))
    return out


def ends_named(corners: np.ndarray, landmarks: Mapping[str, Sequence[float]]) -> tuple[str, ...]:
    """The end vertebrae from above: those nearest to the marks, of neighbours that lie low on the same side the most tilted one."""
    middles, tilt = corners.mean(axis=1), np.mean(endplate_tilts(corners, (1.0, 1.0)), axis=0)
    signs: dict[int, float] = {}
    for name, point in landmarks.items():
        mark = name.split(".")[0]
        if mark in ENDS:
            signs[int(np.linalg.norm(middles - np.asarray(point, float), axis=1).argmin())] = 1.0 if mark == ENDS[0] else -1.0
    runs = [list(run) for _, run in groupby(sorted(signs), key=signs.__getitem__)]
    return tuple(LEVELS[max(run, key=lambda i: signs[i] * tilt[i])] for run in runs) if len(runs) > 1 else ()


def severity(angle: float) -> str:
    """none, mild, moderate or severe by the largest Cobb angle (10, 25 and 45 degrees)."""
    return max((name for name, least in SEVERITY.items() if angle >= least), key=lambda name: SEVERITY[name], default="none")


def eased(knots: Sequence[tuple[float, float]], at: np.ndarray) -> np.ndarray:
    """Values at `at` of a smooth line through (place, value) knots that is monotone between them, so that its extremes lie on knots."""
    place, value = np.array(sorted(knots), float).T
    i = np.clip(np.searchsorted(place, at, side="right") - 1, 0, len(place) - 2)
    u = np.clip((np.asarray(at, float) - place[i]) / (place[i + 1] - place[i]), 0, 1)
    return value[i] + (value[i + 1] - value[i]) * u * u * (3 - 2 * u)


def tilts_of_curves(planned: Sequence[tuple[str, str, float]], *, back: float = 0.2) -> tuple[np.ndarray, np.ndarray]:
    """Tilts (17,) of upper and lower endplates with the planned curves (upper, lower, signed degrees), from above, each sharing its end with the next.

    End vertebrae are not wedged, and beyond the first and last the tilt goes back by the part `back` of their curve. Raises DataError for curves
    without order, without a shared end vertebra, or that do not alternate.
    """
    _check_planned(planned)
    tilt = _start(planned)
    knots = [(2.0 * LEVELS.index(planned[0][0]), tilt)]
    for _, lower, angle in planned:
        tilt -= angle
        knots.append((2.0 * LEVELS.index(lower), tilt))
    plates = [(p + k, t) for p, t in knots for k in (0, 1)]
    if knots[0][0] > 0:
        plates.append((0.0, knots[0][1] - back * planned[0][2]))
    if knots[-1][0] < 32:
        plates.append((33.0, knots[-1][1] + back * planned[-1][2]))
    each = eased(plates, np.arange(34.0))
    return each[0::2], each[1::2]


def construct_spine(upper: np.ndarray, lower: np.ndarray, *, spacing: Sequence[float] = (1.0, 1.0), bottom: Sequence[float] = (600.0, 200.0),
                    width_mm: float = 38.0, height_mm: float = 22.0, disc_mm: float = 6.0) -> np.ndarray:
    """Corners (17, 4, 2) whose endplates have the given tilts (17,), stacked upwards from `bottom` (row, col): the inverse of `endplate_tilts`.

    Raises DataError for tilts of another shape, sizes or spacing that are not positive.
    """
    upper, lower = np.asarray(upper, float), np.asarray(lower, float)
    if upper.shape != (len(LEVELS),) or lower.shape != upper.shape or min(width_mm, height_mm, disc_mm) <= 0:
        raise DataError(message("spine", "a spine can not be constructed", expected="17 tilts twice and sizes above 0 mm",
                                found=f"Found {upper.shape}, {lower.shape}"))
    row, col = _spacing(spacing)
    at, below, out = np.zeros(2), lower[-1], np.zeros((len(LEVELS), 4, 2))
    for i in reversed(range(len(LEVELS))):
        low = at + disc_mm * _up(0.5 * (below + lower[i]))
        at, below = low + height_mm * _up(0.5 * (upper[i] + lower[i])), upper[i]
        out[i] = [at - 0.5 * width_mm * _across(upper[i]), at + 0.5 * width_mm * _across(upper[i]),
                  low - 0.5 * width_mm * _across(lower[i]), low + 0.5 * width_mm * _across(lower[i])]
    return np.stack([bottom[0] + out[..., 1] / row, bottom[1] + out[..., 0] / col], axis=-1)


def _start(planned: Sequence[tuple[str, str, float]]) -> float:
    """The tilt of the first end vertebra that leaves the extremes of all of them even."""
    steps = np.concatenate([[0.0], -np.cumsum([angle for _, _, angle in planned])])
    return float(-0.5 * (steps.max() + steps.min()))


def _check_planned(planned: Sequence[tuple[str, str, float]]) -> None:
    known = all(a in LEVELS and b in LEVELS and LEVELS.index(a) < LEVELS.index(b) for a, b, _ in planned)
    chained = all(one[1] == two[0] and one[2] * two[2] < 0 for one, two in zip(planned, planned[1:], strict=False))
    if not planned or not known or not chained:
        raise DataError(message("spine", "these curves are impossible", found=f"Found {list(planned)}",
                                expected="(upper, lower, degrees) from above, each beginning where the last ends and bending the other way"))


def _largest(upper: np.ndarray, lower: np.ndarray, firsts: Sequence[int], lasts: Sequence[int], sign: float) -> tuple[int, int, float] | None:
    """The pair (i < j) with the largest tilt of i over j, of one sign where it is not 0."""
    best: tuple[int, int, float] | None = None
    for i in firsts:
        for j in lasts:
            angle = float(upper[i] - lower[j])
            if j > i and angle and angle * (sign or angle) > 0 and (best is None or abs(angle) > abs(best[2])):
                best = i, j, angle
    return best


def _apex(at: np.ndarray, first: int, last: int, angle: float) -> str:
    """The vertebra or disc between two end vertebrae that lies furthest to the convex side of the line between their middles."""
    middle = at.mean(axis=1)
    discs = 0.25 * (at[:-1, 2:].sum(axis=1) + at[1:, :2].sum(axis=1))
    points = {LEVELS[i]: middle[i] for i in range(first + 1, last)} | {f"{LEVELS[i]}/{LEVELS[i + 1]}": discs[i] for i in range(first, last)}
    line = middle[last] - middle[first]

    def out(point: np.ndarray) -> float:
        return float(middle[first, 0] + line[0] * (point[1] - middle[first, 1]) / line[1] - point[0]) * math.copysign(1.0, angle)

    return max(points, key=lambda name: out(points[name]))


def _spacing(spacing: Sequence[float]) -> tuple[float, float]:
    row, col = (float(v) for v in spacing)
    if not (0 < row < math.inf and 0 < col < math.inf):
        raise DataError(message("spine", "the pixel spacing is impossible", expected="two lengths above 0 mm", found=f"Found {spacing}"))
    return row, col


def _millimetres(corners: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Corners as (x to the patient's left, y down) in mm."""
    corners = np.asarray(corners, float)
    if corners.shape != (len(LEVELS), 4, 2):
        raise DataError(message("spine", "the corners have another shape", expected="(17 vertebrae, 4 corners, row and col)", found=f"Found {corners.shape}"))
    row, col = _spacing(spacing)
    return corners[..., ::-1] * (col, row)


def _angle(direction: np.ndarray) -> np.ndarray:
    return np.degrees(np.arctan2(direction[:, 1], direction[:, 0]))


def _across(tilt: float) -> np.ndarray:
    """The unit vector (x, y down) along an endplate."""
    return np.array([math.cos(math.radians(tilt)), math.sin(math.radians(tilt))])


def _up(tilt: float) -> np.ndarray:
    return np.array([math.sin(math.radians(tilt)), -math.cos(math.radians(tilt))])
