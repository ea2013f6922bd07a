"""Lower limb: indicators from landmarks, their inverse, and landmarks from silhouettes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from osteon.errors import DataError
from osteon.geometry.lower_limb import (
    BOTH_LEGS,
    DEFINITIONS,
    FILM_UNITS,
    LANDMARKS,
    LEG_UNITS,
    LOWER_LIMB_UNITS,
    NORMS,
    construct_leg,
    knee_centre,
    measure_both,
    measure_leg,
    measure_named,
    posture,
)
from osteon.geometry.lower_limb_masks import assign_sides, landmarks_from_masks

SIDE = st.sampled_from(["R", "L"])
DESIGN = st.fixed_dictionaries({
    "mLDFA": st.floats(70, 105), "MPTA": st.floats(70, 105), "JLCA": st.floats(-10, 12), "LDTA": st.floats(75, 105), "KJLO": st.floats(-12, 12),
    "femur": st.floats(250, 550), "tibia": st.floats(200, 480)})
POINT = st.tuples(st.floats(0, 2000), st.floats(0, 900))
NORMAL = {"mLDFA": 87.0, "MPTA": 87.0, "JLCA": 1.0, "LDTA": 89.0, "KJLO": 1.0, "femur": 430.0, "tibia": 365.0}


@given(DESIGN, SIDE, st.tuples(st.floats(0.1, 3), st.floats(0.1, 3)), POINT)
def test_measure_undoes_construct(values: dict[str, float], side: str, spacing: tuple[float, float], knee: tuple[float, float]) -> None:
    found = measure_leg(construct_leg(values, side, spacing=spacing, knee=knee), spacing, side)
    for name, value in values.items():
        assert found[name] == pytest.approx(value, abs=1e-9, rel=1e-11)
    assert found["HKA"] == pytest.approx(180 + values["MPTA"] - values["mLDFA"] - values["JLCA"], abs=1e-9)
    assert found["aHKA"] == pytest.approx(180 + values["MPTA"] - values["mLDFA"], abs=1e-9)
    assert found["JLO"] == pytest.approx(values["MPTA"] + values["mLDFA"], abs=1e-9)


@given(st.lists(POINT, min_size=9, max_size=9), SIDE)
def test_the_identity_holds_for_any_landmarks(points: list[tuple[float, float]], side: str) -> None:
    found = measure_leg(dict(zip(LANDMARKS, points, strict=True)), (0.7, 0.9), side)
    gap = found["HKA"] - 180 - (found["MPTA"] - found["mLDFA"] - found["JLCA"])
    if math.isfinite(gap):  # a line without length has no angle
        assert abs((gap + 180) % 360 - 180) < 1e-9


def test_signs_are_those_of_the_clinic() -> None:
    straight = construct_leg(NORMAL | {"JLCA": 0.0}, "R")
    assert straight["hip"][0] < straight["knee"][0] < straight["ankle"][0], "the hip is above the knee on the film"
    assert straight["condyle_medial"][1] > straight["condyle_lateral"][1], "the patient's right is on the left of the film"
    varus = measure_leg(construct_leg(NORMAL | {"MPTA": 80.0, "JLCA": 4.0}, "L"), (1, 1), "L")
    assert varus["HKA"] < 177
    assert varus["MAD"] > 10
    assert varus["WBL"] < 40
    valgus = measure_leg(construct_leg(NORMAL | {"mLDFA": 80.0}, "L"), (1, 1), "L")
    assert valgus["HKA"] > 183
    assert valgus["MAD"] < -10
    assert valgus["WBL"] > 60


@given(DESIGN, st.floats(-40, 40), st.floats(0.3, 4), st.floats(-500, 500))
def test_mirror_scale_shift_and_rotation(values: dict[str, float], degrees: float, factor: float, shift: float) -> None:
    leg = construct_leg(values, "R", knee=(900.0, 300.0))
    plain = measure_leg(leg, (1, 1), "R")
    mirrored = measure_leg({k: (p[0], 431 - p[1]) for k, p in leg.items()}, (1, 1), "L")
    magnified = measure_leg({k: p * factor for k, p in leg.items()}, (1 / factor, 1 / factor), "R")
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    turned = measure_leg({k: np.array([[c, -s], [s, c]]) @ p + shift for k, p in leg.items()}, (1, 1), "R")
    for name in LEG_UNITS:
        assert mirrored[name] == pytest.approx(plain[name], abs=1e-7)
        assert magnified[name] == pytest.approx(plain[name], abs=1e-6)
        if name != "KJLO":
            assert turned[name] == pytest.approx(plain[name], abs=1e-6)
    change = abs(turned["KJLO"] - plain["KJLO"])
    assert min(change, 360 - change) == pytest.approx(abs(degrees), abs=1e-6)


def test_both_legs_and_differences() -> None:
    right, left = construct_leg(NORMAL, "R", knee=(500, 100)), construct_leg(NORMAL | {"femur": 421.0, "tibia": 360.0}, "L", knee=(500, 300))
    both = measure_both({"R": right, "L": left}, (1, 1))
    assert set(both) == set(FILM_UNITS)
    assert both["femur_difference"] == pytest.approx(9.0)
    assert both["tibia_difference"] == pytest.approx(5.0)
    assert both["LLD"] == pytest.approx(both["leg.R"] - both["leg.L"])
    one = measure_both({"R": right}, (1, 1))
    assert math.isnan(one["LLD"])
    assert math.isnan(one["HKA.L"])
    assert one["HKA.R"] == both["HKA.R"]


@pytest.mark.parametrize(("missing", "unknown"), [
    ("hip", {"HKA", "mLDFA", "MAD", "WBL", "aHKA", "JLO", "femur", "leg"}), ("ankle", {"HKA", "MPTA", "LDTA", "MAD", "WBL", "aHKA", "JLO", "tibia", "leg"}),
    ("condyle_medial", {"mLDFA", "JLCA", "aHKA", "JLO"}), ("plateau_lateral", {"MPTA", "JLCA", "WBL", "aHKA", "JLO", "KJLO"}), ("plafond_medial", {"LDTA"}),
    ("knee", {"HKA", "mLDFA", "MPTA", "LDTA", "MAD", "aHKA", "JLO", "femur", "tibia"})])
def test_a_missing_landmark_gives_nan_for_what_needs_it(missing: str, unknown: set[str]) -> None:
    leg = construct_leg(NORMAL, "L")
    found = measure_leg({k: v for k, v in leg.items() if k != missing}, (1, 1), "L")
    assert {name for name, value in found.items() if math.isnan(value)} == unknown


def test_a_landmark_one_millimetre_off_is_seen() -> None:
    leg = construct_leg(NORMAL, "R")
    plain = measure_leg(leg, (1, 1), "R")
    for name in LANDMARKS:
        moved = measure_leg(leg | {name: leg[name] + (0.7, 0.7)}, (1, 1), "R")
        assert max(abs(moved[k] - plain[k]) for k in LEG_UNITS) > 0.05, name


def test_bad_input_is_refused() -> None:
    leg = construct_leg(NORMAL, "R")
    for call in (lambda: measure_leg(leg, (1, 1), "left"), lambda: measure_leg(leg, (0, 1), "R"), lambda: measure_leg({"Hip": (0, 0)}, (1, 1), "R"),
                 lambda: measure_both({"right": leg}, (1, 1)), lambda: construct_leg({"mLDFA": 87}, "R"), lambda: construct_leg(NORMAL | {"femur": -1}, "R"),
                 lambda: construct_leg(NORMAL | {"HKA": 190.0}, "R")):
        with pytest.raises(DataError):
            call()


def test_names_units_and_definitions_agree() -> None:
    assert len(LOWER_LIMB_UNITS) == 16
    assert set(DEFINITIONS) == set(LOWER_LIMB_UNITS)
    assert set(BOTH_LEGS) | set(LEG_UNITS) == set(LOWER_LIMB_UNITS)
    assert set(NORMS) <= set(LOWER_LIMB_UNITS)
    assert NORMS["HKA"].read
    assert not NORMS["MAD"].read


# --- landmarks from silhouettes -------------------------------------------------------------------------------------------

SHAPE = (1000, 400)


def _leg_picture(side: str, col: float) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Masks of a drawn leg (1 mm pixels), its boxes, and its landmarks, known by construction."""
    out = 1 if side == "L" else -1
    rows, cols = np.indices(SHAPE, float)
    x, y = (cols - col) * out, 500.0 - rows  # lateral, up, from the middle of the knee

    def disc(cx: float, cy: float, rx: float, ry: float | None = None) -> np.ndarray:
        return ((x - cx) / rx) ** 2 + ((y - cy) / (ry or rx)) ** 2 <= 1

    def bar(ax: float, ay: float, bx: float, by: float, r: float) -> np.ndarray:
        t = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2), 0, 1)
        return np.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay)) <= r

    femur = disc(0, 420, 23.4) | bar(0, 420, 40, 385, 14) | bar(44, 400, 5, 60, 15) | disc(-22, 25.5, 19, 23) | disc(22, 25.5, 19, 23) | bar(-25, 45, 25, 45, 14)
    tibia = ((np.abs(x) < 38) & (np.abs(y + 17.5) < 15)) | bar(-5, -5, -5, 3, 3) | bar(0, -30, 0, -345, 14) | ((np.abs(x) < 19) & (np.abs(y + 342) < 10)) | bar(-20, -345, -22, -362, 7)
    talus = (np.abs(x - 0.3) < 15.2) & (np.abs(y + 368) < 12)
    points = {"hip": (0, 420), "condyle_medial": (-22, 2.5), "condyle_lateral": (22, 2.5), "plateau_medial": (-38, -2.5), "plateau_lateral": (38, -2.5), "ankle": (0.3, -356)}
    truth = {k: np.array([500.0 - p[1], col + out * p[0]]) for k, p in points.items()}
    truth["knee"] = knee_centre(*(truth[f"{line}_{end}"] for line in ("condyle", "plateau") for end in ("medial", "lateral")))
    centres = {"hip": (80.0, col), "knee": (500.0, col), "ankle": (856.0, col)}
    boxes = {joint: np.array([r - 58, c - 62, r + 58, c + 62]) for joint, (r, c) in centres.items()}
    return {"femur": femur, "tibia": tibia, "talus": talus}, boxes, truth


def _film(sides: str = "RL") -> tuple[dict[str, np.ndarray], dict[str, np.ndarray], dict[str, dict[str, np.ndarray]]]:
    made = {side: _leg_picture(side, 105.2 if side == "R" else 290.7) for side in sides}
    masks = {bone: np.any([m[0][bone] for m in made.values()], axis=0) for bone in ("femur", "tibia", "talus")}
    boxes = {joint: np.array([m[1][joint] for m in made.values()]) for joint in ("hip", "knee", "ankle")}
    return masks, boxes, {side: m[2] for side, m in made.items()}


def _worst(found: dict[str, dict[str, np.ndarray]], truth: dict[str, dict[str, np.ndarray]], names: tuple[str, ...]) -> float:
    return max(float(np.hypot(*(found[side][name] - truth[side][name]))) for side in truth for name in names)


def test_landmarks_from_masks_find_what_was_drawn() -> None:
    masks, boxes, truth = _film()
    found = landmarks_from_masks(*masks.values(), boxes, (1.0, 1.0))
    assert _worst(found, truth, ("hip", "knee", "ankle")) < 0.6
    assert _worst(found, truth, ("condyle_medial", "condyle_lateral", "plateau_medial", "plateau_lateral")) < 1.5
    for side, leg in found.items():
        values = measure_leg(leg, (1, 1), side)
        assert abs(values["JLCA"]) < 0.5
        assert abs(values["MPTA"] - 90) < 0.5
        assert abs(values["HKA"] - 180) < 0.2


def test_only_the_boxes_and_only_ragged_masks_are_enough() -> None:
    masks, boxes, truth = _film()
    inside = np.zeros(SHAPE, bool)
    for box in np.concatenate(list(boxes.values())).astype(int):
        inside[max(box[0], 0):box[2] + 1, max(box[1], 0):box[3] + 1] = True
    rng = np.random.default_rng(5)
    ragged = {name: (mask & inside & (rng.random(SHAPE) > 0.01)) | (rng.random(SHAPE) > 0.9995) for name, mask in masks.items()}
    found = landmarks_from_masks(*ragged.values(), boxes, (1.0, 1.0))
    assert _worst(found, truth, ("hip", "knee", "ankle")) < 0.8


def test_spacing_and_pixel_shape_do_not_matter() -> None:
    masks, boxes, _ = _film()
    plain = measure_both(landmarks_from_masks(*masks.values(), boxes, (1.0, 1.0)), (1, 1))
    tall = {k: np.repeat(m, 2, axis=0) for k, m in masks.items()}
    stretched = {j: b * (2, 1, 2, 1) + (0.5, 0, 0.5, 0) for j, b in boxes.items()}
    fine = measure_both(landmarks_from_masks(*tall.values(), stretched, (0.5, 1.0)), (0.5, 1.0))
    for name in ("HKA.R", "HKA.L", "MPTA.R", "mLDFA.L"):
        assert fine[name] == pytest.approx(plain[name], abs=0.25)


@pytest.mark.parametrize("side", ["R", "L"])
def test_a_lone_leg_gets_its_side_from_its_hip(side: str) -> None:
    masks, boxes, _ = _leg_picture(side, 200.0)
    one = {joint: box[None] for joint, box in boxes.items()}
    assert set(landmarks_from_masks(*masks.values(), one, (1.0, 1.0))) == {side}


def test_nothing_found_is_nothing_said() -> None:
    masks, boxes, _ = _film()
    none = np.zeros(SHAPE, bool)
    assert landmarks_from_masks(none, none, none, {}, (1.0, 1.0)) == {}
    without = landmarks_from_masks(none, masks["tibia"], masks["talus"], boxes, (1.0, 1.0))
    assert "hip" not in without["R"]
    assert "knee" not in without["R"]
    assert "plateau_medial" in without["R"]
    no_talus = landmarks_from_masks(masks["femur"], masks["tibia"], none, boxes, (1.0, 1.0))
    assert "ankle" in no_talus["L"], "the tibia stands in for the talus"
    with pytest.raises(DataError):
        landmarks_from_masks(none, none[1:], none, boxes, (1.0, 1.0))
    with pytest.raises(DataError):
        landmarks_from_masks(none, none, none, boxes, (0.0, 1.0))


def test_a_third_box_and_a_doubled_box_are_left_out() -> None:
    masks, boxes, _ = _film()
    more = {j: np.concatenate([b, b[:1] + 4, b[:1] * 0 + (10, 180, 60, 220)]) for j, b in boxes.items()}
    sides = assign_sides(more, masks["femur"])
    assert all(np.array_equal(sides[side][joint], boxes[joint][i]) for i, side in enumerate("RL") for joint in boxes)


def test_landmarks_that_make_no_leg_give_no_readings() -> None:
    """A condyle above its hip: every reading of that side and of both legs is withheld with the reason, the other side stays."""
    values = {"mLDFA": 87.0, "MPTA": 87.0, "JLCA": 1.0, "LDTA": 89.0, "KJLO": 0.0, "femur": 430.0, "tibia": 370.0}
    right, left = (construct_leg(values, side, knee=(500.0, col)) for side, col in (("R", 120.0), ("L", 320.0)))
    right["condyle_lateral"] = right["hip"] - np.array([40.0, 0.0])
    named = {f"{side}.{name}": point for side, leg in (("R", right), ("L", left)) for name, point in leg.items()}
    found, reasons = measure_named(named, (1.0, 1.0))
    assert math.isnan(found["HKA.R"]) and reasons["HKA.R"] == "its landmarks make no leg"
    assert math.isnan(found["LLD"])
    assert found["mLDFA.L"] == pytest.approx(87.0)
    assert "mLDFA.L" not in reasons


@given(DESIGN, SIDE, st.floats(-30, 30), st.sampled_from([0, 90, 180, 270]))
def test_a_leg_stands_on_the_film_or_it_is_said_how_it_lies(values: dict[str, float], side: str, tilt: float, turn: int) -> None:
    """A leg on a film that is held 30 degrees askew still stands; turned by a right angle or two it does not. Angles of a leg stay below 15 degrees of this."""
    straight = values | {"mLDFA": 88.0, "MPTA": 88.0, "JLCA": 0.0, "KJLO": 0.0}
    angle = math.radians(tilt + turn)
    matrix = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    leg = {name: matrix @ point for name, point in construct_leg(straight, side).items()}
    said = {0: "", 90: "on its side", 180: "upside down", 270: "on its side"}[turn]
    assert (said in posture(leg)) if said else posture(leg) == ""
    assert posture({"hip": (0.0, 0.0)}) == ""


@pytest.mark.parametrize(("side", "left"), [("R", 0), ("L", 300)])
def test_coarse_condyles_without_a_notch_do_not_change_places(side: str, left: int) -> None:
    """A femur that ends in one arch with its lowest point beside the middle: each tangent point stays on its own side, so that the line runs from medial to lateral."""
    rows, cols = np.mgrid[:200, :500]
    femur = (np.hypot((rows - 90) / 1.1, cols - left - 100) < 38) | (np.hypot(rows - 115, cols - left - 104) < 20)
    nothing = np.zeros_like(femur)
    box = np.array([[20.0, 20.0 + left, 180.0, 180.0 + left]])
    found = landmarks_from_masks(femur, nothing, nothing, {"knee": box}, (1.0, 1.0))[side]
    medial, lateral = (found[f"condyle_{name}"][1] for name in ("medial", "lateral"))
    assert (medial - lateral > 15) if side == "R" else (lateral - medial > 15)
