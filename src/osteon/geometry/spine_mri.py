"""Vertebrae and discs on a mid-sagittal MRI, measured from their outlines: levels counted from the sacrum, then heights, widths, areas, bulge and signal.

Outlines are Boolean masks of all vertebral bodies, of the body of S1, of all discs and of the dural sac, the patient's front to the left and head up. A disc
has the name of the vertebra above it. Lengths are mm on the smoothed outline, at sub-pixel precision. The paper's own formulas
could not be read: these definitions are ours (`DEFINITIONS`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from osteon.geometry.spine_sagittal import LUMBAR
from osteon.value import Grid, Mask, Picture, Readings

LEVELS = LUMBAR
PARTS = ("vertebra", "sacrum", "disc", "csf")
VERTEBRA_UNITS: Mapping[str, str] = MappingProxyType({"vertebra_height": "mm", "vertebra_width": "mm", "vertebra_area": "mm2"})
DISC_UNITS: Mapping[str, str] = MappingProxyType({"disc_height": "mm", "disc_width": "mm", "disc_area": "mm2", "disc_bulge": "mm2", "disc_signal": "1"})
SPINE_UNITS: Mapping[str, str] = MappingProxyType({**VERTEBRA_UNITS, **DISC_UNITS})
DEFINITIONS: Mapping[str, str] = MappingProxyType({
    "vertebra_height": "mean of anterior and posterior height between corners and the height in the middle of the depth",
    "vertebra_width": "mean of the lengths of both endplates between corners and the depth at half height", "vertebra_area": "area of the body's outline",
    "disc_height": "mean thickness of the disc over the middle three fifths of its width, across the mean direction of the two endplates that face it",
    "disc_width": "length of the disc at half height, along that direction", "disc_area": "area of the disc's outline",
    "disc_bulge": "area of the disc before and behind the lines that join the corners of the two bodies",
    "disc_signal": "mean signal of the disc over that of cerebrospinal fluid (90th percentile within the sac, within 15 mm of the level of the disc)"})
CORNERS = ("superior_anterior", "superior_posterior", "inferior_anterior", "inferior_posterior")
SMOOTH_MM, SMOOTH_PIXELS = 0.5, 0.6  # whichever is more: a jagged edge counts by its mean
LEAST_BODY_MM2, LEAST_DISC_MM2, LEAST_FLUID_MM2 = 180.0, 25.0, 15.0
FIRST_GAP = (16.0, 62.0)  # mm between the middles of L5 and S1
STEP_MM = 0.4
CSF_SHARE, CSF_REACH_MM = 0.90, 15.0


@dataclass(frozen=True, eq=False)
class Outline:
    """One structure: smoothed mask (rows, cols) of the part of the picture that holds it, the place of its first pixel, spacing, middle and the unit vectors forwards and upwards, all as (row, col) in mm."""

    soft: np.ndarray
    first: np.ndarray
    spacing: tuple[float, float]
    middle: np.ndarray
    forward: np.ndarray
    up: np.ndarray

    def turned(self, forward: np.ndarray) -> Outline:
        """The same structure read along another direction."""
        unit = forward / np.linalg.norm(forward)
        up = np.array([unit[1], -unit[0]])
        return Outline(self.soft, self.first, self.spacing, self.middle, unit, -up if up[0] > 0 else up)

    def at(self, along: np.ndarray, high: np.ndarray) -> np.ndarray:
        """The smoothed mask at so many mm forwards and upwards of the middle; 0 outside."""
        from scipy.ndimage import map_coordinates

        points = (self.middle - self.first)[:, None] + np.multiply.outer(self.forward, np.ravel(along)) + np.multiply.outer(self.up, np.ravel(high))
        return np.asarray(map_coordinates(self.soft, points / np.array(self.spacing)[:, None], order=1, mode="constant")).reshape(np.shape(along))

    def thickness(self, places: np.ndarray, *, upward: bool, reach: float) -> np.ndarray:
        """How much (mm) of the structure lies on lines across `places` (mm along the other direction)."""
        far = np.arange(-reach, reach + STEP_MM, STEP_MM)
        a, b = np.meshgrid(places, far, indexing="ij")
        return np.asarray(self.at(a, b) if upward else self.at(b, a)).sum(axis=1) * STEP_MM

    def edge(self) -> np.ndarray:
        """Points (n, 2) of the outline, mm forwards and upwards of the middle."""
        from skimage.measure import find_contours

        lines = find_contours(np.pad(self.soft, 1), 0.5)
        away = (max(lines, key=len) - 1) * np.array(self.spacing) + self.first - self.middle if lines else np.zeros((0, 2))
        return np.column_stack([away @ self.forward, away @ self.up])


def outline(mask: np.ndarray, spacing: Sequence[float], forward: np.ndarray) -> Outline:
    """The outline of a Boolean mask (rows, cols), read along a direction (row, col)."""
    from scipy.ndimage import gaussian_filter

    size = np.asarray(spacing, float)
    low, high = _extent(mask, size)
    part = np.asarray(mask[low[0]: high[0], low[1]: high[1]])
    soft = gaussian_filter(part.astype(np.float32), tuple(np.maximum(SMOOTH_MM / size, SMOOTH_PIXELS)), mode="constant")
    middle = (np.argwhere(part).mean(axis=0) + low) * size
    return Outline(soft, low * size, (float(size[0]), float(size[1])), middle, np.array([0.0, -1.0]), np.array([-1.0, 0.0])).turned(forward)


def _extent(mask: np.ndarray, size: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first row and column of the part of a picture that holds a structure and a margin about it, and those after its last."""
    spans = [np.flatnonzero(mask.any(axis=axis))[[0, -1]] for axis in (1, 0)]
    margin = np.ceil(4 * np.maximum(SMOOTH_MM / size, SMOOTH_PIXELS)).astype(int) + 1
    low = np.maximum([int(first) for first, _ in spans] - margin, 0)
    return low, np.minimum([int(last) + 1 for _, last in spans] + margin, mask.shape)


def corners(body: Outline) -> tuple[np.ndarray, Outline]:
    """The four corners (4, 2: mm, row and col) in the order of CORNERS, and the outline turned to its endplates: in each quadrant the point of the edge that lies furthest out."""
    at = np.zeros((4, 2))
    for _ in range(2):
        edge = body.edge()
        half = np.maximum(np.quantile(np.abs(edge), 0.95, axis=0), 1e-6)
        reach = edge / half
        at = np.array([edge[np.argmax(reach @ np.array(sign))] for sign in ((1, 1), (-1, 1), (1, -1), (-1, -1))])
        at = body.middle + at[:, :1] * body.forward + at[:, 1:] * body.up
        body = body.turned(_unit(at[0] - at[1]) + _unit(at[2] - at[3]))
    return at, body


def _unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-9))


def measure_body(mask: np.ndarray, spacing: Sequence[float], forward: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
    """The three readings of a vertebral body, and its corners (4, 2: mm)."""
    at, body = corners(outline(mask, spacing, forward))
    sa, sp, ia, ip = at
    middles = np.linspace(-1.5, 1.5, 5)
    tall = float(body.thickness(middles, upward=True, reach=32.0).mean())
    deep = float(body.thickness(middles, upward=False, reach=36.0).mean())
    length = [float(np.linalg.norm(v)) for v in (sa - ia, sp - ip, sa - sp, ia - ip)]
    return {"vertebra_height": (length[0] + length[1] + tall) / 3, "vertebra_width": (length[2] + length[3] + deep) / 3, "vertebra_area": _area(mask, spacing)}, at


def measure_disc(mask: np.ndarray, spacing: Sequence[float], above: np.ndarray, below: np.ndarray) -> dict[str, float]:
    """Height, width, area and bulge of a disc between the corners (4, 2: mm) of the bodies above and below it."""
    ends = above[2], above[3], below[0], below[1]  # upper anterior, upper posterior, lower anterior, lower posterior
    disc = outline(mask, spacing, _unit(ends[0] - ends[1]) + _unit(ends[2] - ends[3]))
    wide = float(disc.thickness(np.linspace(-1.0, 1.0, 5), upward=False, reach=36.0).mean())
    edge = disc.edge()
    middle = 0.5 * (edge[:, 0].max() + edge[:, 0].min()) if len(edge) else 0.0
    tall = float(disc.thickness(middle + np.linspace(-0.3, 0.3, 25) * wide, upward=True, reach=16.0).mean())
    return {"disc_height": tall, "disc_width": wide, "disc_area": _area(mask, spacing), "disc_bulge": _beyond(disc, ends)}


def _beyond(disc: Outline, ends: tuple[np.ndarray, ...]) -> float:
    """The area (mm2) of a disc before the line of the anterior corners and behind that of the posterior ones."""
    rows, cols = np.nonzero(disc.soft > 0.01)
    points = np.column_stack([rows, cols]) * np.array(disc.spacing) + disc.first
    weight = disc.soft[rows, cols] * np.prod(disc.spacing)
    out = 0.0
    for upper, lower, sign in ((ends[0], ends[2], 1.0), (ends[1], ends[3], -1.0)):
        along = _unit(lower - upper)
        outward = np.array([-along[1], along[0]])
        outward *= math.copysign(1.0, sign * float(outward @ disc.forward))
        out += float(weight[(points - upper) @ outward > 0].sum())
    return out


def _area(mask: np.ndarray, spacing: Sequence[float]) -> float:
    return float(np.count_nonzero(mask) * spacing[0] * spacing[1])


def label_levels(vertebrae: np.ndarray, sacrum: np.ndarray, spacing: Sequence[float]) -> tuple[dict[str, np.ndarray], str]:
    """Mask (rows, cols) of each of L1 to L5, and of S1 where the sacrum was found, by counting upwards from the sacrum; the reason where nothing can be counted.

    Without a sacrum the lowest body is L5. A gap of more than one and a half steps leaves a level out, so that the bodies above it keep their names.
    """
    bodies = _parts(vertebrae, spacing, LEAST_BODY_MM2)
    base = max(_parts(sacrum, spacing, 0.5 * LEAST_BODY_MM2), key=np.count_nonzero, default=None)
    if not bodies:
        return {}, "no vertebral body was found"
    bodies = sorted(bodies, key=lambda part: -_middle(part, spacing)[0])
    middles = [_middle(part, spacing) for part in bodies]
    if base is not None:
        first = float(np.linalg.norm(middles[0] - _middle(base, spacing)))
        if not FIRST_GAP[0] <= first <= FIRST_GAP[1]:
            return {}, f"the lowest body lies {first:.0f} mm from the sacrum and is not L5"
    steps = [float(np.linalg.norm(b - a)) for a, b in zip(middles, middles[1:], strict=False)]
    usual, place, out = float(np.median(steps)) if steps else 1.0, 0, {}
    for k, part in enumerate(bodies):
        place += 0 if k == 0 else max(1, round(steps[k - 1] / usual))
        if place < len(LEVELS):
            out[LEVELS[-1 - place]] = part
    return out | ({"S1": base} if base is not None else {}), ""


def levels_from_the_top(vertebrae: np.ndarray, sacrum: np.ndarray, spacing: Sequence[float]) -> tuple[dict[str, np.ndarray], str]:
    """The same without level labelling: bodies take the names L1, L2, ... from the top of the picture."""
    bodies = sorted(_parts(vertebrae, spacing, LEAST_BODY_MM2), key=lambda part: _middle(part, spacing)[0])
    base = max(_parts(sacrum, spacing, 0.5 * LEAST_BODY_MM2), key=np.count_nonzero, default=None)
    named = dict(zip((*LEVELS, "S1"), [*bodies[: len(LEVELS)], *([base] if base is not None and len(bodies) <= len(LEVELS) else [])], strict=False))
    return named, "" if bodies else "no vertebral body was found"


def _parts(mask: np.ndarray, spacing: Sequence[float], least: float) -> list[np.ndarray]:
    """The connected parts of a mask of at least so many mm2, thin bridges between them cut."""
    from scipy.ndimage import binary_dilation, binary_opening, label

    cores, count = label(binary_opening(mask, iterations=max(1, round(1.6 / spacing[0]))))
    out = []
    for k in range(1, count + 1):
        part = binary_dilation(cores == k, iterations=max(1, round(1.6 / spacing[0])), mask=mask)
        if _area(part, spacing) >= least:
            out.append(part)
    return out


def _middle(mask: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    rows, cols = mask.sum(axis=1, dtype=float), mask.sum(axis=0, dtype=float)
    return np.array([np.arange(len(n)) @ n / n.sum() * mm for n, mm in zip((rows, cols), spacing, strict=True)])


def discs_between(discs: np.ndarray, bodies: Mapping[str, np.ndarray], spacing: Sequence[float]) -> dict[str, np.ndarray]:
    """The disc (rows, cols) below each named body: all of the disc mask between the middles of this body and the next, and not beside them."""
    at = np.argwhere(discs) * np.asarray(spacing, float)
    out = {}
    for upper, lower in zip(LEVELS, (*LEVELS[1:], "S1"), strict=True):
        if upper not in bodies or lower not in bodies:
            continue
        a, b = _middle(bodies[upper], spacing), _middle(bodies[lower], spacing)
        length, axis = float(np.linalg.norm(b - a)), _unit(b - a)
        along, aside = (at - a) @ axis, np.abs((at - a) @ np.array([-axis[1], axis[0]]))
        mine = np.zeros(discs.shape, bool)
        rows, cols = np.nonzero(discs)
        keep = (along > 0.12 * length) & (along < 0.88 * length) & (aside < 30.0)
        mine[rows[keep], cols[keep]] = True
        if _area(mine, spacing) >= LEAST_DISC_MM2:
            out[upper] = mine
    return out


def disc_signal(signal: np.ndarray, disc: np.ndarray, fluid: np.ndarray, spacing: Sequence[float]) -> float:
    """The mean signal of a disc over that of the fluid beside it; nan where the sac is not found there."""
    rows = np.nonzero(disc)[0]
    near = fluid.copy()
    reach = CSF_REACH_MM / spacing[0]
    near[: max(0, int(rows.min() - reach))], near[int(rows.max() + reach) + 1:] = False, False
    if not rows.size or _area(near, spacing) < LEAST_FLUID_MM2:
        return math.nan
    return float(signal[disc].mean() / max(float(np.quantile(signal[near], CSF_SHARE)), 1e-9))


def measure_spine(parts: Mask, mri: Picture | None, *, labelled: bool = True) -> Readings:
    """Every reading of L1 to L5 and the discs below them (names and units in SPINE_UNITS, by level: `disc_height.L4`), nan with the reason where a structure was not found.

    `labelled` False leaves out the counting of levels. Without a picture there is no signal. Outlines without spacing give no reading at all.
    """
    spacing = parts.grid.spacing
    if spacing is None:
        return _none("no pixel spacing", parts)
    held = {name: np.asarray(parts.of(name)) if name in parts.names else np.zeros(parts.grid.shape, bool) for name in PARTS}
    bodies, fault = (label_levels if labelled else levels_from_the_top)(held["vertebra"], held["sacrum"], spacing)
    if fault:
        return _none(fault, parts)
    signal = None if mri is None else (_on(mri, parts), held["csf"])
    return named_readings(bodies, discs_between(held["disc"], bodies, spacing), parts.grid, signal)


def named_readings(bodies: Mapping[str, np.ndarray], discs: Mapping[str, np.ndarray], grid: Grid, signal: tuple[np.ndarray, np.ndarray] | None = None) -> Readings:
    """Every reading of outlines whose level is known: bodies L1 to L5 and S1, discs by the vertebra above them, each (rows, cols); `signal` is the grey picture and the mask of the fluid.

    A body that the border cuts off is not measured, nor is a disc beside one.
    """
    spacing = grid.spacing or (math.nan, math.nan)
    bodies = {level: part for level, part in bodies.items() if whole(part, spacing, LEAST_BODY_MM2)}
    forward = forwards(bodies, spacing)
    values: dict[str, float] = {}
    at: dict[str, np.ndarray] = {}
    for level, part in bodies.items():
        read, at[level] = measure_body(part, spacing, forward[level])
        values |= {f"{name}.{level}": value for name, value in read.items() if level in LEVELS}
    for level, below in zip(LEVELS, (*LEVELS[1:], "S1"), strict=True):
        if level in at and below in at and level in discs and whole(discs[level], spacing, LEAST_DISC_MM2):
            read = measure_disc(discs[level], spacing, at[level], at[below])
            read["disc_signal"] = math.nan if signal is None else disc_signal(signal[0], discs[level], signal[1], spacing)
            values |= {f"{name}.{level}": value for name, value in read.items()}
    points = {f"{level}.{corner}": tuple((point / np.asarray(spacing)).tolist()) for level, four in at.items() for corner, point in zip(CORNERS, four, strict=True)}
    return complete(values, points, grid)


def whole(mask: np.ndarray, spacing: Sequence[float], least: float) -> bool:
    """Whether a structure is there (mm2) and no border cuts it off."""
    return _area(mask, spacing) >= least and not (mask[[0, -1]].any() or mask[:, [0, -1]].any())


def forwards(bodies: Mapping[str, np.ndarray], spacing: Sequence[float]) -> dict[str, np.ndarray]:
    """For each body the direction forwards (row, col): across the line through its neighbours, the front to the left of the picture."""
    named = [level for level in (*LEVELS, "S1") if level in bodies]
    middles = np.array([_middle(bodies[level], spacing) for level in named])
    along = np.gradient(middles, axis=0) if len(middles) > 1 else np.array([[1.0, 0.0]])
    return {level: _unit(np.array([d[1], -d[0]])) if d[0] > 0 else np.array([0.0, -1.0]) for level, d in zip(named, along, strict=True)}


def _on(mri: Picture, parts: Mask) -> np.ndarray:
    """The grey picture on the pixels of the outlines."""
    grey = mri.array.mean(axis=-1) if mri.array.ndim > len(mri.grid.shape) else mri.array
    rows, cols = (np.minimum(((np.arange(n) + 0.5) * m / n).astype(int), m - 1) for n, m in zip(parts.grid.shape, grey.shape, strict=True))
    return np.asarray(grey[np.ix_(rows, cols)], float)


def complete(values: Mapping[str, float], points: Mapping[str, tuple[float, ...]], grid: Grid) -> Readings:
    """Readings of every level with the reason where one is missing."""
    every = {f"{name}.{level}": math.nan for name in SPINE_UNITS for level in LEVELS} | dict(values)
    reasons = {key: f"{'the vertebra' if key.startswith('vertebra') else 'the fluid beside the disc' if key.startswith('disc_signal') else 'the disc or a vertebra beside it'} was not found"
               for key, value in every.items() if math.isnan(value)}
    return Readings(every, points, grid, reasons)


def _none(reason: str, parts: Mask) -> Readings:
    every = {f"{name}.{level}": math.nan for name in SPINE_UNITS for level in LEVELS}
    return Readings(every, {}, parts.grid, dict.fromkeys(every, reason))
