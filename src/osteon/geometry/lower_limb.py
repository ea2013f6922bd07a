"""Alignment and length of the lower limb on a standing radiograph: sixteen indicators from the landmarks of each leg.

Points are (row, col) in pixels, spacing is (row_mm, col_mm) at the patient, and the film is seen as usual: the
patient's right side is on the left of the image. Inside this module a leg is turned into millimetres with x to
lateral and y upwards, so that right and left share every formula, and each angle is the signed angle from one
direction to another (atan2 of cross and dot product): no slopes, no special case for a vertical line.

The knee centre is ONE point for femur and tibia, the mean of the two condylar tangent points and the two plateau
ends (`knee_centre`). With one centre the identity HKA - 180 = MPTA - mLDFA - JLCA holds exactly, whatever the landmarks.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

import numpy as np

from osteon.errors import DataError, message

Point = Sequence[float] | np.ndarray

LANDMARKS = ("hip", "knee", "ankle", "condyle_medial", "condyle_lateral", "plateau_medial", "plateau_lateral",
             "plafond_medial", "plafond_lateral")
SIDES = ("R", "L")

LOWER_LIMB_UNITS: Mapping[str, str] = MappingProxyType({
    "HKA": "deg", "mLDFA": "deg", "MPTA": "deg", "JLCA": "deg", "LDTA": "deg", "MAD": "mm", "WBL": "%", "aHKA": "deg",
    "JLO": "deg", "KJLO": "deg", "femur": "mm", "tibia": "mm", "leg": "mm",
    "LLD": "mm", "femur_difference": "mm", "tibia_difference": "mm"})
BOTH_LEGS = ("LLD", "femur_difference", "tibia_difference")
LEG_UNITS: Mapping[str, str] = MappingProxyType({name: unit for name, unit in LOWER_LIMB_UNITS.items() if name not in BOTH_LEGS})
FILM_UNITS: Mapping[str, str] = MappingProxyType(
    {f"{name}.{side}": unit for side in SIDES for name, unit in LEG_UNITS.items()} | dict.fromkeys(BOTH_LEGS, "mm"))

DEFINITIONS: Mapping[str, str] = MappingProxyType({
    "HKA": "angle from the femoral (knee to hip) to the tibial mechanical axis (knee to ankle); above 180 valgus, below varus",
    "mLDFA": "lateral angle between the femoral mechanical axis and the distal tangent of both condyles",
    "MPTA": "medial angle between the tibial mechanical axis and the plateau line",
    "JLCA": "angle from the plateau line to the condylar tangent; positive opens laterally (varus)",
    "LDTA": "lateral angle between the tibial mechanical axis and the plafond",
    "MAD": "distance from the knee centre to the line hip-ankle; positive where that line passes medially (varus)",
    "WBL": "where the line hip-ankle crosses the plateau line: 0 at its medial end, 100 at its lateral end",
    "aHKA": "arithmetic HKA of the constitutional limb: MPTA - mLDFA + 180",
    "JLO": "joint line obliquity: MPTA + mLDFA; below 180 the apex points distally",
    "KJLO": "plateau line to the horizontal of the film; positive where the medial end is lower",
    "femur": "hip centre to knee centre", "tibia": "knee centre to ankle centre", "leg": "hip centre to ankle centre, straight",
    "LLD": "leg, right minus left", "femur_difference": "femur, right minus left", "tibia_difference": "tibia, right minus left"})

NOT_FOUND = "its landmarks were not found"
# Wider than any standing leg, so that only landmarks in the wrong place fall outside; the bounds are ours.
POSSIBLE: Mapping[str, tuple[float, float]] = MappingProxyType({
    "HKA": (130.0, 230.0), "mLDFA": (55.0, 125.0), "MPTA": (55.0, 125.0), "JLCA": (-35.0, 35.0), "femur": (100.0, 700.0), "tibia": (80.0, 600.0)})


@dataclass(frozen=True)
class Norm:
    """Mean and standard deviation of an indicator in a named population, with its source; `read` = seen in the source itself."""

    mean: float
    sd: float
    population: str
    source: str
    read: bool = True


_MICICOI = ("758 limbs without arthritis, computed tomography, lying", "Micicoi 2020")
NORMS: Mapping[str, Norm] = MappingProxyType({
    "HKA": Norm(179.4, 2.6, *_MICICOI), "mLDFA": Norm(85.8, 2.0, *_MICICOI), "MPTA": Norm(85.6, 2.4, *_MICICOI),
    "JLCA": Norm(1.09, 0.9, *_MICICOI), "LDTA": Norm(89.0, 1.5, "adults, normal range 86-92", "general knowledge", read=False),
    "MAD": Norm(8.0, 7.0, "adults, standing", "general knowledge (Paley)", read=False)})


def knee_centre(condyle_medial: Point, condyle_lateral: Point, plateau_medial: Point, plateau_lateral: Point) -> np.ndarray:
    """The shared knee centre (row, col): mean of the two condylar tangent points and the two plateau ends."""
    return np.mean([np.asarray(p, float) for p in (condyle_medial, condyle_lateral, plateau_medial, plateau_lateral)], axis=0)


def measure_leg(landmarks: Mapping[str, Point], spacing: Point, side: str) -> dict[str, float]:
    """The 13 indicators of one leg (names, units and definitions above); nan wherever a landmark that it needs is missing.

    Raises DataError for an impossible spacing, an unknown side or an unknown landmark name.
    """
    at = _in_leg_frame(landmarks, spacing, side)
    femoral, tibial, mechanical = at["hip"] - at["knee"], at["ankle"] - at["knee"], at["ankle"] - at["hip"]
    condyles, plateau = at["condyle_lateral"] - at["condyle_medial"], at["plateau_lateral"] - at["plateau_medial"]
    mldfa, mpta, jlca = _turn(condyles, femoral), _turn(-plateau, tibial), _turn(plateau, condyles)
    return {
        "HKA": _turn(femoral, tibial) % 360, "mLDFA": mldfa, "MPTA": mpta, "JLCA": jlca,
        "LDTA": _turn(at["plafond_lateral"] - at["plafond_medial"], -tibial),
        "MAD": _ratio(_cross(mechanical, at["knee"] - at["hip"]), math.hypot(*mechanical)),
        "WBL": 100 * _ratio(_cross(mechanical, at["hip"] - at["plateau_medial"]), _cross(mechanical, plateau)),
        "aHKA": mpta - mldfa + 180, "JLO": mpta + mldfa, "KJLO": _turn(np.array([1.0, 0.0]), plateau),
        "femur": math.hypot(*femoral), "tibia": math.hypot(*tibial), "leg": math.hypot(*mechanical)}


def measure_both(legs: Mapping[str, Mapping[str, Point]], spacing: Point) -> dict[str, float]:
    """All indicators of a film ("HKA.R" ... "leg.L", "LLD", "femur_difference", "tibia_difference"); a leg that is absent gives nan."""
    unknown = sorted(set(legs) - set(SIDES))
    if unknown:
        raise DataError(message("lower limb", "a leg has an unknown side", expected="R or L", found=f"Found {unknown}"))
    each = {side: measure_leg(legs.get(side, {}), spacing, side) for side in SIDES}
    out = {f"{name}.{side}": value for side in SIDES for name, value in each[side].items()}
    for name, length in (("LLD", "leg"), ("femur_difference", "femur"), ("tibia_difference", "tibia")):
        out[name] = each["R"][length] - each["L"][length]
    return out


def measure_named(landmarks: Mapping[str, Point], spacing: Sequence[float] | None) -> tuple[dict[str, float], dict[str, str]]:
    """All indicators of a film from landmarks called R.hip, L.condyle_medial ...; nan, and why, where a landmark or the spacing (mm) is missing.

    Raises DataError for a landmark that names no side.
    """
    strange = next((name for name in landmarks if name.partition(".")[0] not in SIDES), None)
    if strange is not None:
        raise DataError(message("landmarks", f"{strange!r} names no side", expected=f"R.{strange} or L.{strange}"))
    legs = {side: {name[2:]: point for name, point in landmarks.items() if name.startswith(f"{side}.")} for side in SIDES}
    values = measure_both(legs, (1.0, 1.0) if spacing is None else (spacing[0], spacing[1]))
    hidden = {} if spacing is not None else {k: "no pixel spacing" for k in values if FILM_UNITS[k] == "mm"}
    hidden |= {k: NOT_FOUND for k, v in values.items() if math.isnan(v) and k not in hidden}
    for side in SIDES:
        reason = posture(legs[side], spacing) or ("" if _is_leg(values, side, spacing is not None) else "its landmarks make no leg")
        if reason:
            hidden |= {k: reason for k in values if k.endswith(f".{side}") or k in BOTH_LEGS if hidden.get(k, NOT_FOUND) == NOT_FOUND}
    return values | dict.fromkeys(hidden, math.nan), hidden


def posture(leg: Mapping[str, Point], spacing: Sequence[float] | None = None) -> str:
    """Why no standing leg lies like this on a film seen as usual, each joint under the one before it; empty where it may, or where too little is known."""
    down, across = (1.0, 1.0) if spacing is None else (spacing[0], spacing[1])
    known = [(joint, leg[joint]) for joint in ("hip", "knee", "ankle") if joint in leg and all(map(math.isfinite, leg[joint]))]
    for (upper, a), (lower, b) in pairwise(known):
        drop, aside = (b[0] - a[0]) * down, abs(b[1] - a[1]) * across
        if aside >= abs(drop):
            return f"its {lower} lies beside its {upper}: the film lies on its side, or these are no legs"
        if drop < 0:
            return f"its {lower} lies above its {upper}: the film is upside down, or these are no legs"
    return ""


def _is_leg(values: Mapping[str, float], side: str, lengths: bool) -> bool:
    """Whether what is known of a leg lies within `POSSIBLE`; a reading outside is a mistake of the landmarks, not a patient."""
    known = {name: values[f"{name}.{side}"] for name in POSSIBLE if lengths or LOWER_LIMB_UNITS[name] != "mm"}
    return all(math.isnan(v) or POSSIBLE[name][0] <= v <= POSSIBLE[name][1] for name, v in known.items())


def construct_leg(values: Mapping[str, float], side: str, *, spacing: Point = (1.0, 1.0), knee: Point = (0.0, 0.0),
                  gap_mm: float = 5.0, widths_mm: tuple[float, float, float] = (46.0, 76.0, 30.0)) -> dict[str, np.ndarray]:
    """Landmarks of a leg with the wanted mLDFA, MPTA, JLCA, LDTA, KJLO (degrees), femur and tibia (mm): the inverse of `measure_leg`.

    `knee` is (row, col); `widths_mm` are the distances of the condylar, plateau and plafond points; `gap_mm` is the joint
    space at the middle. Raises DataError where a value is missing, a length is not positive, or a given HKA breaks the identity.
    """
    _check_design(values)
    plateau = math.radians(values["KJLO"])
    condyles = plateau + math.radians(values["JLCA"])
    femoral = condyles + math.radians(values["mLDFA"])
    tibial = plateau + math.pi + math.radians(values["MPTA"])
    plafond = tibial + math.pi - math.radians(values["LDTA"])
    hip, ankle = values["femur"] * _unit(femoral), values["tibia"] * _unit(tibial)
    half_gap = gap_mm / 2 * _unit(plateau + math.pi / 2)
    at = {"hip": hip, "knee": np.zeros(2), "ankle": ankle}
    lines = (("condyle", half_gap, condyles), ("plateau", -half_gap, plateau), ("plafond", ankle, plafond))
    for (name, middle, direction), width in zip(lines, widths_mm, strict=True):
        at[f"{name}_medial"], at[f"{name}_lateral"] = middle - width / 2 * _unit(direction), middle + width / 2 * _unit(direction)
    return {name: _from_leg_frame(point, knee, spacing, side) for name, point in at.items()}


def _check_design(values: Mapping[str, float]) -> None:
    needed = ("mLDFA", "MPTA", "JLCA", "LDTA", "KJLO", "femur", "tibia")
    missing = [name for name in needed if name not in values]
    if missing:
        raise DataError(message("lower limb", "a leg can not be constructed", expected=", ".join(needed), found=f"Missing: {missing}"))
    if min(values["femur"], values["tibia"]) <= 0:
        raise DataError(message("lower limb", "a bone has no length", expected="femur and tibia above 0 mm",
                                found=f"Found {values['femur']} and {values['tibia']}"))
    implied = 180 + values["MPTA"] - values["mLDFA"] - values["JLCA"]
    if "HKA" in values and abs(values["HKA"] - implied) > 1e-6:
        raise DataError(message("lower limb", "HKA contradicts the joint angles", expected=f"180 + MPTA - mLDFA - JLCA = {implied:.4f}",
                                found=f"Found {values['HKA']}", do="Leave HKA out: it follows"))


def lateral_sign(side: str) -> int:
    """+1 where lateral is to the right of the image (left leg), -1 for the right leg; raises DataError for another side."""
    if side not in SIDES:
        raise DataError(message("lower limb", "the side is unknown", expected="R or L", found=f"Found {side!r}"))
    return 1 if side == "L" else -1


def _millimetres(spacing: Point) -> tuple[float, float]:
    row, col = (float(v) for v in spacing)
    if not (0 < row < math.inf and 0 < col < math.inf):
        raise DataError(message("lower limb", "the pixel spacing is impossible", expected="two lengths above 0 mm", found=f"Found {spacing}"))
    return row, col


def _in_leg_frame(landmarks: Mapping[str, Point], spacing: Point, side: str) -> dict[str, np.ndarray]:
    unknown = sorted(set(landmarks) - set(LANDMARKS))
    if unknown:
        raise DataError(message("lower limb", "a landmark is unknown", expected=", ".join(LANDMARKS), found=f"Found {unknown}"))
    row, col = _millimetres(spacing)
    scale = np.array([lateral_sign(side) * col, -row])
    absent = (math.nan, math.nan)
    return {name: np.asarray(landmarks.get(name, absent), float)[::-1] * scale for name in LANDMARKS}


def _from_leg_frame(point: np.ndarray, knee: Point, spacing: Point, side: str) -> np.ndarray:
    row, col = _millimetres(spacing)
    return np.array([knee[0] - point[1] / row, knee[1] + lateral_sign(side) * point[0] / col])


def _unit(angle: float) -> np.ndarray:
    return np.array([math.cos(angle), math.sin(angle)])


def _cross(a: np.ndarray, b: np.ndarray) -> float:
    return float(a[0] * b[1] - a[1] * b[0])


def _turn(a: np.ndarray, b: np.ndarray) -> float:
    """Signed angle from a to b in degrees, counter-clockwise positive; nan where a direction has no length."""
    cross, dot = _cross(a, b), float(a @ b)
    return math.degrees(math.atan2(cross, dot)) if cross or dot else math.nan


def _ratio(a: float, b: float) -> float:
    return a / b if b else math.nan
