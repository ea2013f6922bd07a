"""Landmarks of both legs from the silhouettes of femur, tibia and talus on a standing radiograph.

The masks may hold both legs at once, may be ragged, and may be empty between the joint boxes. Everything is measured in
millimetres on the outline at sub-pixel precision: the masks are slightly smoothed and edges are taken where the smoothed
mask crosses one half, so that a jagged edge counts by its mean. Robust fits leave out what is not the structure asked for:
neck and trochanter at the head, osteophytes and notch at the condyles, spines at the plateau, the malleolus at the ankle.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.errors import DataError, message
from osteon.geometry.lower_limb import SIDES, knee_centre, lateral_sign, posture

JOINTS = ("hip", "knee", "ankle")
SMOOTH_MM = 0.6
TRAY_MM = (13.5, 31.0)  # from the middle of the plateau: where its surface is read on each side
HEAD_MM = (12.0, 48.0)  # radius: wider than any head, for a soft outline swells while its centre stays
EDGE_DEPTH_MM = 13.0  # below the plateau line: where its width is read


def landmarks_from_masks(femur: np.ndarray, tibia: np.ndarray, talus: np.ndarray, boxes: Mapping[str, np.ndarray],
                         spacing: tuple[float, float]) -> dict[str, dict[str, np.ndarray]]:
    """Side ("R", "L") -> landmark -> (row, col) from Boolean masks (rows, cols) of both legs and joint boxes (best first).

    `boxes` maps hip, knee and ankle to arrays (n, 4) of row0, col0, row1, col1 in pixels; n may be 0. A landmark that can not
    be found is left out. Raises DataError where masks differ in shape or the spacing is impossible.
    """
    masks = {"femur": femur, "tibia": tibia, "talus": talus}
    if len({np.shape(m) for m in masks.values()}) != 1 or np.ndim(femur) != 2:
        raise DataError(message("lower limb masks", "the masks do not fit each other", expected="three arrays (rows, cols)",
                                found=f"Found shapes {[np.shape(m) for m in masks.values()]}"))
    if min(spacing) <= 0:
        raise DataError(message("lower limb masks", "the pixel spacing is impossible", expected="two lengths above 0 mm", found=f"Found {spacing}"))
    sides = assign_sides(boxes, np.asarray(femur, bool))
    return {side: _leg(masks, sides[side], spacing, side) for side in SIDES if sides[side]}


def assign_sides(boxes: Mapping[str, np.ndarray], femur: np.ndarray) -> dict[str, dict[str, np.ndarray]]:
    """Side -> joint -> box: of the best two of each joint the left one on the film is the right leg.

    A lone box goes to the side whose other joints lie nearer. Where no joint was found twice there is one leg on the film: its
    hip tells the side (the head points to the midline), and without a hip the half of the film does.
    """
    out: dict[str, dict[str, np.ndarray]] = {side: {} for side in SIDES}
    lone = {}
    for joint in JOINTS:
        found = _distinct(np.asarray(boxes.get(joint, np.zeros((0, 4))), float).reshape(-1, 4))
        if len(found) == 2:
            for side, box in zip(SIDES, sorted(found, key=_middle_col), strict=True):
                out[side][joint] = box
        elif found:
            lone[joint] = found[0]
    known = {side: float(np.mean([_middle_col(b) for b in out[side].values()])) for side in SIDES if out[side]}
    only = "" if known else _side_of_one_leg(lone, femur)
    for joint, box in lone.items():
        out[only or min(known, key=lambda s: abs(known[s] - _middle_col(box)))][joint] = box
    return out


def _side_of_one_leg(lone: Mapping[str, np.ndarray], femur: np.ndarray) -> str:
    """The side of the only leg: by where the head lies beside the shaft, else by the half of the film; "" where there is none."""
    if not lone:
        return ""
    if "hip" in lone:
        r0, c0, r1, c1 = np.maximum(lone["hip"], 0).astype(int)
        rows, cols = np.nonzero(femur[r0:r1 + 1, c0:c1 + 1])
        if rows.size:
            third = (rows.max() - rows.min()) / 4
            head, shaft = cols[rows < rows.min() + 1.6 * third].mean(), cols[rows > rows.max() - third].mean()
            return "R" if head > shaft else "L"
    return "R" if np.mean([_middle_col(b) for b in lone.values()]) < 0.5 * femur.shape[1] else "L"


def _distinct(found: np.ndarray) -> list[np.ndarray]:
    """The first two boxes whose centres lie apart by more than a third of their size (two ankles may stand close together)."""
    kept: list[np.ndarray] = []
    for box in found:
        apart = [np.abs(box[:2] + box[2:] - b[:2] - b[2:]) / np.maximum(box[2:] - box[:2] + b[2:] - b[:2], 1e-9) for b in kept]
        if all(gap.max() > 1 / 3 for gap in apart):
            kept.append(box)
    return kept[:2]


def _middle_col(box: np.ndarray) -> float:
    return float(0.5 * (box[1] + box[3]))


def _leg(masks: Mapping[str, np.ndarray], boxes: Mapping[str, np.ndarray], spacing: tuple[float, float], side: str) -> dict[str, np.ndarray]:
    """All landmarks of one leg that its boxes and masks allow; of boxes in which no leg stands their middles only, for all else would be looked for in the wrong place."""
    middles = {joint: (boxes[joint][:2] + boxes[joint][2:]) / 2 for joint in JOINTS if joint in boxes}
    if posture(middles, spacing):
        return middles
    patches = {joint: {bone: _Patch(masks[bone], box, spacing, side) for bone in masks} for joint, box in boxes.items()}
    found: dict[str, np.ndarray] = {}
    if "hip" in patches:
        found |= _hip(patches["hip"]["femur"])
    if "ankle" in patches:
        found |= _ankle(patches["ankle"]["tibia"], patches["ankle"]["talus"])
    if "knee" in patches:
        found |= _knee(patches["knee"]["femur"], patches["knee"]["tibia"], found)
    scale = np.array([-spacing[0], lateral_sign(side) * spacing[1]])
    return {name: point[::-1] / scale for name, point in found.items()}


class _Patch:
    """A mask inside a box, its middle part, holes filled, smoothed; read in mm with x lateral and y upwards (origin: pixel 0, 0)."""

    def __init__(self, mask: np.ndarray, box: np.ndarray, spacing: tuple[float, float], side: str) -> None:
        from scipy.ndimage import gaussian_filter

        low = np.maximum(np.floor(box[:2]).astype(int), 0)
        high = np.minimum(np.ceil(box[2:]).astype(int) + 1, mask.shape)
        part = _central(np.asarray(mask[low[0]:high[0], low[1]:high[1]], bool))
        self.found = bool(part.sum() * spacing[0] * spacing[1] > 150)
        self.soft = gaussian_filter(np.pad(part.astype(np.float32), 1, mode="edge"), [SMOOTH_MM / s for s in spacing], mode="nearest")[1:-1, 1:-1]
        self.low, self.spacing, self.sign = low, np.asarray(spacing, float), lateral_sign(side)

    def pixels(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """(2, ...) rows and cols inside the patch of points in mm."""
        return np.stack([-y / self.spacing[0] - self.low[0], x * self.sign / self.spacing[1] - self.low[1]])

    def at(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The smoothed mask at points in mm; 0 outside."""
        from scipy.ndimage import map_coordinates

        return map_coordinates(self.soft, self.pixels(np.asarray(x, float), np.asarray(y, float)), order=1, mode="constant")

    def points(self) -> np.ndarray:
        """Centres (n, 2: x, y mm) of the pixels inside."""
        rows, cols = np.nonzero(self.soft > 0.5)
        return np.column_stack([(cols + self.low[1]) * self.spacing[1] * self.sign, -(rows + self.low[0]) * self.spacing[0]])

    def outline(self) -> np.ndarray:
        """Points (n, 2: x, y mm) where the smoothed mask crosses one half, between neighbours of a row or a column; not the border of the box."""
        out = []
        for axis in (0, 1):
            a, b = np.moveaxis(self.soft, axis, 0)[:-1], np.moveaxis(self.soft, axis, 0)[1:]
            i, j = np.nonzero((a > 0.5) != (b > 0.5))
            along = i + (0.5 - a[i, j]) / (b[i, j] - a[i, j])
            out.append(np.column_stack([along, j] if axis == 0 else [j, along]))
        at = np.concatenate(out) + self.low
        return np.column_stack([at[:, 1] * self.spacing[1] * self.sign, -at[:, 0] * self.spacing[0]])

    def edge(self, start: np.ndarray, way: np.ndarray, reach: float, *, last: bool = False) -> np.ndarray:
        """Distances (n) along `way` from starts (n, 2) to the first (or last) crossing of one half, outwards; nan where none."""
        steps = np.arange(0.0, reach, 0.25)
        values = self.at(start[:, :1] + way[0] * steps, start[:, 1:] + way[1] * steps)
        leaves = (values[:, :-1] > 0.5) & (values[:, 1:] <= 0.5)
        index = leaves.shape[1] - 1 - leaves[:, ::-1].argmax(axis=1) if last else leaves.argmax(axis=1)
        rows = np.arange(len(start))
        a, b = values[rows, index], values[rows, index + 1]
        return np.where(leaves.any(axis=1), steps[index] + 0.25 * (a - 0.5) / np.where(a > b, a - b, 1), np.nan)


def _central(mask: np.ndarray) -> np.ndarray:
    """The connected part that fills most of the middle of the box (the other leg may reach in), its holes and cracks closed."""
    from scipy.ndimage import binary_closing, binary_fill_holes, label

    if not mask.any():
        return mask
    closed = mask | binary_closing(np.pad(mask, 2), np.ones((3, 3)))[2:-2, 2:-2]
    parts, n = label(closed)
    if n > 1:
        across = np.exp(-((np.linspace(-1, 1, mask.shape[1]) / 0.6) ** 2))
        closed = parts == 1 + np.argmax(np.bincount(parts.ravel(), weights=np.broadcast_to(across, mask.shape).ravel())[1:])
    return binary_fill_holes(closed)


def _hip(femur: _Patch) -> dict[str, np.ndarray]:
    """The centre of the femoral head: the circle that most of the upper medial outline agrees with."""
    if not femur.found:
        return {}
    outline = femur.outline()
    circle = _circle(outline, _first_circle(femur, outline))
    return {} if circle is None else {"hip": circle[:2]}


def _first_circle(femur: _Patch, outline: np.ndarray) -> np.ndarray:
    """A first guess (x, y, radius): the largest disc inside the medial upper part of the femur."""
    from scipy.ndimage import distance_transform_edt

    inside = femur.soft > 0.5
    depth = distance_transform_edt(np.pad(inside, 1), sampling=femur.spacing)[1:-1, 1:-1]
    rows, cols = np.nonzero(inside)
    points = femur.points()
    medial_top = 0.9 * points[:, 1] - 1.0 * points[:, 0]
    score = depth[rows, cols] + 0.30 * (medial_top - medial_top.max())
    best = int(np.argmax(score))
    return np.array([*points[best], depth[rows[best], cols[best]]])


def _circle(outline: np.ndarray, first: np.ndarray) -> np.ndarray | None:
    """Refine a circle (x, y, radius) on the outline by iterated least squares with a shrinking band; None when too little is left.

    A ragged outline is fitted in the narrowest band, 3.5 mm at the widest, that still holds a dozen of its points.
    """
    x, y, radius = first
    for band in (5.0, 3.5, 2.0, 1.4, 1.0, 0.8, 0.8):
        offset = outline - (x, y)
        gap = np.hypot(*offset.T) - radius
        toward_neck = (offset @ np.array([0.78, -0.62])) > 0.35 * radius
        near = (np.abs(gap) < band) & ~toward_neck
        if near.sum() < 12:
            if band > 2.0:
                return None
            break
        points = outline[near]
        design = np.column_stack([2 * points, np.ones(len(points))])
        solution = np.linalg.lstsq(design, (points**2).sum(axis=1), rcond=None)[0]
        x, y = solution[:2]
        radius = float(np.sqrt(max(solution[2] + x * x + y * y, 1.0)))
    return np.array([x, y, radius]) if HEAD_MM[0] < radius < HEAD_MM[1] else None


def _ankle(tibia: _Patch, talus: _Patch) -> dict[str, np.ndarray]:
    """The middle of the talar dome and its ends, which stand for the plafond that lies parallel over it."""
    dome = _dome(talus) if talus.found else None
    if dome is None:
        return _plafond(tibia) if tibia.found else {}
    return {"ankle": dome.mean(axis=0), "plafond_medial": dome[0], "plafond_lateral": dome[1]}


def _dome(talus: _Patch) -> np.ndarray | None:
    """The ends (2, 2: medial, lateral) of the talar dome's upper line, as wide as the talus 7 mm below it."""
    points = talus.points()
    middle = np.array([np.median(points[:, 0]), points[:, 1].max() - 4.0])
    offsets, up, ends = np.linspace(-11, 11, 23), np.array([0.0, 1.0]), None
    for _ in range(3):
        along = np.array([up[1], -up[0]])
        height = talus.edge(middle + offsets[:, None] * along, up, 14.0, last=True)
        good = np.isfinite(height)
        if good.sum() < 8:
            return None
        slope, level = _line(offsets[good], height[good])
        top = middle + level * up
        up = _unit(up - slope * along)
        along = np.array([up[1], -up[0]])
        starts = top - np.array([[6.0], [7.0], [8.0]]) * up
        sides = [talus.edge(starts, way * along, 30.0) for way in (-1, 1)]
        if any(np.isnan(side).all() for side in sides):
            return None
        medial, lateral = (float(np.nanmedian(side)) for side in sides)
        middle = top - 4.0 * up + 0.5 * (lateral - medial) * along
        reach = 0.5 * (medial + lateral) * along
        ends = middle + 4.0 * up + np.array([-reach, reach])
    return ends


def _plafond(tibia: _Patch) -> dict[str, np.ndarray]:
    """Where there is no talus: the lower border of the tibia between its sides, without the malleolus."""
    points = tibia.points()
    level = points[:, 1].min() + 22.0
    across = points[np.abs(points[:, 1] - level) < 2.0, 0]
    if across.size < 5:
        return {}
    low, high = across.min(), across.max()
    offsets = np.linspace(low + 0.4 * (high - low), high - 0.12 * (high - low), 16)
    depth = tibia.edge(np.column_stack([offsets, np.full(16, level)]), np.array([0.0, -1.0]), 30.0)
    good = np.isfinite(depth)
    if good.sum() < 8:
        return {}
    slope, middle = _line(offsets[good], level - depth[good])
    x = np.array([low + 0.22 * (high - low), high])
    ends = np.column_stack([x, slope * x + middle])
    return {"ankle": ends.mean(axis=0), "plafond_medial": ends[0], "plafond_lateral": ends[1]}


def _knee(femur: _Patch, tibia: _Patch, found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Tangent points of the condyles, ends of the plateau and the knee centre."""
    out: dict[str, np.ndarray] = {}
    middle = np.mean([p.points().mean(axis=0) for p in (femur, tibia) if p.found], axis=0) if femur.found or tibia.found else None
    if middle is None:
        return {}
    if tibia.found:
        out |= _plateau(tibia, _axis(found.get("ankle"), middle))
    if femur.found:
        out |= _condyles(femur, -_axis(found.get("hip"), middle))
    names = ("condyle_medial", "condyle_lateral", "plateau_medial", "plateau_lateral")
    if all(name in out for name in names):
        out["knee"] = knee_centre(*(out[name] for name in names))
    return out


def _axis(end: np.ndarray | None, knee: np.ndarray) -> np.ndarray:
    """The upward direction of the bone between an end and the knee; straight up when the end is unknown."""
    if end is None:
        return np.array([0.0, 1.0])
    up = _unit(knee - end)
    return up


def _condyles(femur: _Patch, down: np.ndarray) -> dict[str, np.ndarray]:
    """Where the common distal tangent touches both condyles: the lowest point of a parabola through the bottom of each."""
    down = down if down[1] < 0 else -down
    outline = femur.outline()
    for _ in range(4):
        along = np.array([-down[1], down[0]])
        x, depth = outline @ along, outline @ down
        lower = depth > depth.max() - 60
        left, right = np.quantile(x[lower], (0.01, 0.99))
        middle = 0.5 * (left + right)
        touching = [_lowest(x, depth, middle + way * 0.28 * (right - left), 0.13 * (right - left)) for way in (-1, 1)]
        if any(t is None for t in touching):
            return {}
        points = [t[0] * along + t[1] * down for t in touching]  # type: ignore[index]
        line = _unit(points[1] - points[0])
        down = np.array([line[1], -line[0]])
    return {"condyle_medial": points[0], "condyle_lateral": points[1]}


def _lowest(x: np.ndarray, depth: np.ndarray, start: float, half: float) -> tuple[float, float] | None:
    """The extreme of a robust parabola through the outline's bottom around a position, moved twice to where it was found.

    It stays within `half` of the start: on a coarse mask without a notch both condyles would slide to the middle and change places.
    """
    centre = start
    for _ in range(3):
        near = np.abs(x - centre) < half
        if near.sum() < 6:
            return None
        bottom = near & (depth > depth[near].max() - 4.0)
        t = x[bottom] - centre
        weights = np.ones(t.size)
        for _ in range(4):
            a, b, c = np.polyfit(t, depth[bottom], 2, w=np.sqrt(weights))
            rest = depth[bottom] - np.polyval((a, b, c), t)
            weights = 1 / (1 + (rest / 0.4) ** 2)
        if a >= -1e-4:
            best = int(np.argmax(depth[bottom]))
            return float(x[bottom][best]), float(depth[bottom][best])
        shift = float(np.clip(-b / (2 * a), max(-half, start - half - centre), min(half, start + half - centre)))
        centre, level = centre + shift, float(np.polyval((a, b, c), shift))
    return centre, level


def _plateau(tibia: _Patch, up: np.ndarray) -> dict[str, np.ndarray]:
    """The ends of the plateau line: fitted over both trays without the spines, as wide as the tibia 13 mm below it."""
    points = tibia.points()
    height = points @ up
    upper = points[height > height.max() - 25]
    middle = upper.mean(axis=0) + (np.quantile(height, 0.999) - 14 - upper.mean(axis=0) @ up) * up
    for _ in range(4):
        along = np.array([up[1], -up[0]])
        offsets = np.concatenate([np.linspace(-TRAY_MM[1], -TRAY_MM[0], 36), np.linspace(TRAY_MM[0], TRAY_MM[1], 36)])
        top = tibia.edge(middle + offsets[:, None] * along, up, 26.0, last=True)
        good = np.isfinite(top)
        if good.sum() < 30:
            return {}
        slope, level = _line(offsets[good], top[good])
        up = _unit(up - slope * along)
        along = np.array([up[1], -up[0]])
        below = middle + (level - EDGE_DEPTH_MM) * up
        starts = below - np.arange(-1.0, 1.1, 1.0)[:, None] * up
        sides = [tibia.edge(starts, way * along, 60.0) for way in (-1, 1)]
        if any(np.isnan(side).all() for side in sides):
            return {}
        medial, lateral = (float(np.nanmedian(side)) for side in sides)
        middle = below + 0.5 * (lateral - medial) * along
    line = middle + EDGE_DEPTH_MM * up
    half = 0.5 * (medial + lateral)
    return {"plateau_medial": line - half * along, "plateau_lateral": line + half * along}


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and level at 0 of a robust line (iterated weights; a millimetre off counts half)."""
    weights = np.ones(x.size)
    for _ in range(6):
        design = np.column_stack([x, np.ones(x.size)]) * np.sqrt(weights)[:, None]
        slope, level = np.linalg.lstsq(design, y * np.sqrt(weights), rcond=None)[0]
        weights = 1 / (1 + (y - slope * x - level) ** 2)
    return float(slope), float(level)


def _unit(v: np.ndarray) -> np.ndarray:
    return v / np.hypot(*v)
