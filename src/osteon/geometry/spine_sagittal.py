"""Sagittal spine and pelvis on a lateral film: sacral slope, pelvic tilt and incidence, lordosis, slip, loss of height, discs.

A body is six points (6, 2) as (row, col) in pixels: superior anterior, middle, posterior, inferior anterior, middle, posterior.
The endplate of S1 is its anterior and posterior end (2, 2), the hip axis the middle between the two femoral heads. Spacing
is (row_mm, col_mm); `facing` says on which side of the image the front of the patient lies. Every angle is the signed
angle from one direction to another; an endplate is positive where its anterior end is the lower one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from osteon.errors import DataError, message

LUMBAR = ("L1", "L2", "L3", "L4", "L5")
POINTS = ("superior_anterior", "superior_middle", "superior_posterior", "inferior_anterior", "inferior_middle", "inferior_posterior")
FACINGS = ("right", "left")
PELVIS_UNITS: Mapping[str, str] = MappingProxyType({"PI": "deg", "PT": "deg", "SS": "deg", "LL": "deg"})
LEVEL_UNITS: Mapping[str, str] = MappingProxyType({"lordosis": "deg", "slip": "%", "loss": "%", "disc": "1"})
LATERAL_UNITS: Mapping[str, str] = MappingProxyType({**PELVIS_UNITS, **{f"{name}.{level}": unit for name, unit in LEVEL_UNITS.items() for level in LUMBAR}})
MEYERDING = (25.0, 50.0, 75.0, 100.0)  # upper bounds (%) of grades I to IV; V is beyond
GENANT = (20.0, 25.0, 40.0)  # lower bounds (%) of grades 1 to 3

DEFINITIONS: Mapping[str, str] = MappingProxyType({
    "SS": "endplate of S1 to the horizontal, positive where it slopes down forwards",
    "PT": "line from the hip axis to the middle of the endplate of S1 to the vertical, positive where S1 stands behind",
    "PI": "normal of the endplate of S1 in its middle to the line to the hip axis; PI = PT + SS",
    "LL": "superior endplate of L1 to the endplate of S1, positive in lordosis",
    "lordosis": "superior endplate of a vertebra to that of the next below; the five add up to LL",
    "slip": "offset of the posterior walls along the endplate below, in percent of its depth (Meyerding); positive forwards",
    "loss": "1 - min(Ha/Hp, Hm/Hp, Hp/Hp of the neighbours) in percent (Genant)",
    "disc": "mean of anterior, middle and posterior disc height over the mean depth of the two endplates"})


def measure_pelvis(s1: np.ndarray, hip: Sequence[float], spacing: Sequence[float], *, facing: str = "right") -> dict[str, float]:
    """SS, PT and PI in degrees, each from its own definition: PI = PT + SS then holds for any points."""
    plate, axis = _forward(s1, spacing, facing), _forward(hip, spacing, facing)
    along, up = plate[0] - plate[1], plate.mean(axis=0) - axis
    down = np.array([along[1], -along[0]])
    return {"SS": _slope(along), "PT": math.degrees(math.atan2(-up[0], up[1])), "PI": _turn(down, -up)}


def measure_lateral(bodies: Mapping[str, np.ndarray], s1: np.ndarray, hip: Sequence[float], spacing: Sequence[float], *,
                    facing: str = "right") -> dict[str, float]:
    """All readings of a lateral lumbar film (names, units, definitions above), nan where a body is absent; raises DataError for other shapes."""
    out = measure_pelvis(s1, hip, spacing, facing=facing)
    absent = np.full((6, 2), math.nan)
    at = {level: _forward(bodies.get(level, absent), spacing, facing) for level in LUMBAR}
    sacrum = _forward(s1, spacing, facing)
    below = {level: at[LUMBAR[i + 1]][[0, 2]] if i < 4 else sacrum for i, level in enumerate(LUMBAR)}
    out["LL"] = out["SS"] - _slope(at["L1"][0] - at["L1"][2])
    heights = [heights_of(at[level]) for level in LUMBAR]
    for i, level in enumerate(LUMBAR):
        plate = below[level]
        out |= {f"lordosis.{level}": _slope(plate[0] - plate[1]) - _slope(at[level][0] - at[level][2]), f"slip.{level}": slip(at[level][5], plate),
                f"loss.{level}": genant(*heights[i], reference=_around([h[2] for h in heights], i))[0], f"disc.{level}": disc_index(at[level][3:], plate)}
    return {name: out[name] for name in LATERAL_UNITS}


def _around(heights: Sequence[float], i: int) -> float:
    """The mean of what is known of the neighbours of i."""
    known = [heights[k] for k in (i - 1, i + 1) if 0 <= k < len(heights) and math.isfinite(heights[k])]
    return sum(known) / len(known) if known else math.nan


def slip(wall: np.ndarray, plate: np.ndarray) -> float:
    """Percent of the plate's depth by which the posterior inferior corner above stands before the plate's posterior end; all in one frame, mm.

    `plate` (2, 2) is anterior and posterior end. After Meyerding.
    """
    along = plate[0] - plate[1]
    return 100 * _ratio(float((wall - plate[1]) @ along), float(along @ along))


def meyerding(percent: float, *, least: float = 5.0) -> int:
    """Grade 0 to 5 of a slip; 0 below `least` percent (ours: less can not be told from the shape of the corners)."""
    return 0 if not percent >= least else 1 + sum(percent > bound for bound in MEYERDING)


def heights_of(body: np.ndarray) -> tuple[float, float, float]:
    """Anterior, middle and posterior height of a body (6, 2), in its unit."""
    a, m, p = (float(v) for v in np.linalg.norm(np.asarray(body)[:3] - np.asarray(body)[3:], axis=1))
    return a, m, p


def genant(anterior: float, middle: float, posterior: float, *, reference: float = math.nan) -> tuple[float, str]:
    """Loss of height in percent and its shape (wedge, biconcave, crush; none below 20 percent) from three heights and the neighbours' posterior height."""
    ratios = {"wedge": _ratio(anterior, posterior), "biconcave": _ratio(middle, posterior), "crush": _ratio(posterior, reference)}
    known = {shape: ratio for shape, ratio in ratios.items() if math.isfinite(ratio)}
    if not known:
        return math.nan, "unknown"
    shape = min(known, key=lambda name: known[name])
    loss = 100 * (1 - known[shape])
    return loss, shape if loss >= GENANT[0] else "none"


def genant_grade(percent: float) -> int:
    """Grade 0 to 3 of a loss of height: 20, 25 and 40 percent."""
    return sum(percent >= bound for bound in GENANT)


def disc_index(above: np.ndarray, plate: np.ndarray, *, per: str = "depth", height: float = math.nan) -> float:
    """Disc height index from the inferior endplate above (3, 2) and the ends of the plate below (2, 2): mean of three heights over the mean depth.

    `per="height"` divides by the `height` of the upper body instead: two definitions are in use. Raises DataError for another one.
    """
    if per not in ("depth", "height"):
        raise DataError(message("spine", "the disc height index is unknown", expected="depth or height", found=f"Found {per!r}"))
    middles = 0.5 * (above[0] + above[2]), plate.mean(axis=0)
    pairs = (above[0], plate[0]), middles, (above[2], plate[1])
    mean = float(np.mean([np.linalg.norm(a - b) for a, b in pairs]))
    depth = 0.5 * float(np.linalg.norm(above[0] - above[2]) + np.linalg.norm(plate[0] - plate[1]))
    return _ratio(mean, depth if per == "depth" else height)


def construct_pelvis(incidence: float, tilt: float, *, spacing: Sequence[float] = (1.0, 1.0), hip: Sequence[float] = (0.0, 0.0), depth_mm: float = 34.0,
                     radius_mm: float = 110.0, facing: str = "right") -> tuple[np.ndarray, np.ndarray]:
    """The ends of S1 (2, 2) and the hip axis (2,) with a wanted PI and PT (degrees); SS follows: the inverse of `measure_pelvis`."""
    middle = radius_mm * np.array([-math.sin(math.radians(tilt)), math.cos(math.radians(tilt))])
    half = 0.5 * depth_mm * _down(incidence - tilt)
    return _backward(np.array([middle + half, middle - half]), hip, spacing, facing), np.asarray(hip, float)


def construct_lumbar(s1: np.ndarray, values: Mapping[str, Sequence[float]], *, spacing: Sequence[float] = (1.0, 1.0), facing: str = "right",
                     depth_mm: float = 34.0, height_mm: float = 28.0) -> dict[str, np.ndarray]:
    """Six points of L1 to L5 over a given S1, from five values each of `lordosis`, `slip` and `disc` (as in DEFINITIONS; discs in mm) and `wedge` (degrees).

    Raises DataError where one of the four lists is missing or has another length.
    """
    wrong = [name for name in ("lordosis", "slip", "disc", "wedge") if len(values.get(name, ())) != 5]
    if wrong or min(depth_mm, height_mm) <= 0:
        raise DataError(message("spine", "a lumbar spine can not be constructed", expected="five values each of lordosis, slip, disc and wedge",
                                found=f"Wrong: {wrong}"))
    plate = _forward(s1, spacing, facing)
    out: dict[str, np.ndarray] = {}
    for i in reversed(range(5)):
        below = _slope(plate[0] - plate[1])
        top = below - values["lordosis"][i]
        bottom = top + values["wedge"][i]
        along, length = plate[0] - plate[1], float(np.linalg.norm(plate[0] - plate[1]))
        rear = plate[1] + 0.01 * values["slip"][i] * along + values["disc"][i] * np.array([-along[1], along[0]]) / length
        front = rear + depth_mm * _down(bottom)
        up = height_mm * _down(0.5 * (top + bottom) - 90)
        rise = rear + up
        plate = np.array([rise + depth_mm * _down(top), rise])
        body = np.array([plate[0], plate.mean(axis=0), plate[1], front, 0.5 * (front + rear), rear])
        out[LUMBAR[i]] = _backward(body, (0.0, 0.0), spacing, facing)
    return out


def _down(slope: float) -> np.ndarray:
    """The forward direction (x forwards, y up) of a plate that slopes down by so many degrees."""
    return np.array([math.cos(math.radians(slope)), -math.sin(math.radians(slope))])


def _slope(forward: np.ndarray) -> float:
    return math.degrees(math.atan2(-forward[1], forward[0]))


def _turn(a: np.ndarray, b: np.ndarray) -> float:
    cross, dot = float(a[0] * b[1] - a[1] * b[0]), float(a @ b)
    return math.degrees(math.atan2(cross, dot)) if cross or dot else math.nan


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.nan


def _scale(spacing: Sequence[float], facing: str) -> np.ndarray:
    row, col = (float(v) for v in spacing)
    if not (0 < row < math.inf and 0 < col < math.inf):
        raise DataError(message("spine", "the pixel spacing is impossible", expected="two lengths above 0 mm", found=f"Found {spacing}"))
    if facing not in FACINGS:
        raise DataError(message("spine", "the facing is unknown", expected="right or left", found=f"Found {facing!r}"))
    return np.array([col if facing == "right" else -col, -row])


def _forward(points: np.ndarray | Sequence[float], spacing: Sequence[float], facing: str) -> np.ndarray:
    """(row, col) as (x forwards, y up) in mm."""
    return np.asarray(points, float)[..., ::-1] * _scale(spacing, facing)


def _backward(points: np.ndarray, origin: Sequence[float], spacing: Sequence[float], facing: str) -> np.ndarray:
    return (points / _scale(spacing, facing))[..., ::-1] + np.asarray(origin, float)
