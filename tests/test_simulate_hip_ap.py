"""Hip films: truth on the projection, counterfactual pairs, streams, mirror and scale, impossible calls, files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.geometry.hip import DELEE, EXPECTED_MM, GRUEN
from osteon.simulate import hip_states
from osteon.simulate.frustum import Frustum
from osteon.simulate.hip_ap import CARD, FIELD_MM, STRUCTURES, Drawing, hip_ap, hip_film
from osteon.simulate.hip_bones import Arthritis, HipShape
from osteon.simulate.hip_implants import DESIGNS, Hold, Parts
from osteon.simulate.hip_pose import Break, Hip, Posture, Status, displacement, joint_space, landmarks, lines, place_hip
from osteon.stats import roc

COARSE = 3.44
SHAPE = HipShape()
PLUMB = Posture(shaft=0.0)
FAR = Frustum((256, 256), 0.86, (-20.0, 60.0), (92.0, 1e6, 0.0), 0.0, -150.0)  # rays that run as good as parallel


def placed(status: Status, side: str = "L", posture: Posture = PLUMB) -> Hip:
    return place_hip(SHAPE, status, posture, side)


@pytest.mark.parametrize("space", [0.4, 1.5, 3.0, 4.2])
@pytest.mark.parametrize("way", [-35.0, 0.0, 25.0])
def test_the_joint_space_on_the_film_is_that_of_the_bones(space: float, way: float) -> None:
    found, ends = joint_space(FAR, placed(Status(Arthritis(space, way))))
    assert found == pytest.approx(space, abs=0.05) and np.hypot(*(ends[0] - ends[1])) * FAR.pixel == pytest.approx(found)


def test_angles_are_read_back_from_the_projection_and_rotation_changes_them() -> None:
    from osteon.geometry.hip import measure_hip

    shape = HipShape(neck_shaft=133.0, offset=39.0)
    hips = [place_hip(shape, Status(), PLUMB, side) for side in "LR"]
    found = measure_hip(landmarks(FAR, *hips), (FAR.pixel, FAR.pixel))
    assert found["neck_shaft"] == pytest.approx(133, abs=0.2) and found["offset"] == pytest.approx(39, abs=0.2)
    turned = [place_hip(shape, Status(), replace(PLUMB, outward=28.0), side) for side in "LR"]
    seen = measure_hip(landmarks(FAR, *turned), (FAR.pixel, FAR.pixel))
    assert seen["neck_shaft"] > 134 and seen["offset"] < 35, "a leg that is turned outwards looks valgus and short of offset"


@pytest.mark.parametrize(("lean", "forward"), [(35.0, 8.0), (44.0, 20.0)])
def test_a_cup_measures_as_it_was_put_in_and_a_degree_is_caught(lean: float, forward: float) -> None:
    from osteon.geometry.hip import measure_hip

    parts = Parts(angles=(lean, forward))
    hips = [placed(Status(parts=parts)), placed(Status(), "R")]
    found = measure_hip(landmarks(FAR, *hips), (FAR.pixel, FAR.pixel))
    assert (found["cup_inclination"], found["cup_anteversion"]) == pytest.approx((lean, forward), abs=0.3)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("zone", GRUEN)
def test_a_line_in_one_zone_measures_there_and_nowhere_else(design: str, zone: str) -> None:
    found = lines(FAR, placed(Status(parts=Parts(design), hold=Hold({zone: 2.0}))))
    assert found[zone] == pytest.approx(2.0, abs=0.3)
    assert all(found[other] == 0 for other in (*GRUEN, *DELEE) if other != zone)


@pytest.mark.parametrize("zone", DELEE)
def test_a_line_about_a_cup_measures_in_its_zone(zone: str) -> None:
    found = lines(FAR, placed(Status(parts=Parts(), hold=Hold({zone: 2.5}))))
    assert found[zone] == pytest.approx(2.5, abs=0.5) and all(found[other] == 0 for other in (*GRUEN, *DELEE) if other != zone)


def test_fragments_stand_apart_as_they_were_put() -> None:
    assert displacement(FAR, placed(Status(broken=Break("neck", up=12.0, out=5.0)))) == pytest.approx((13.0, 0.0), abs=0.1)
    assert displacement(FAR, placed(Status(broken=Break("neck", valgus=-15.0))))[1] == -15
    assert displacement(FAR, placed(Status(broken=Break("trochanteric"))))[0] == pytest.approx(0, abs=0.01)


def test_the_mirror_image_of_a_hip_measures_the_same() -> None:
    from osteon.geometry.hip import measure_hip

    hold = Hold({"1": 2.0, "5": 1.5, "I": 2.2}, subsidence=4.0, tilt=2.0)
    middle = Frustum((256, 256), 0.86, (-109.65, 60.0), (0.0, 1e6, 0.0), 0.0, -150.0)
    found = {}
    for side, other in ("LR", "RL"):
        hips = place_hip(SHAPE, Status(parts=Parts(), hold=hold), Posture(), side), place_hip(SHAPE, Status(), Posture(), other)
        found[side] = measure_hip(landmarks(middle, *hips), (0.86, 0.86)) | lines(middle, hips[0])
    assert found["L"] == pytest.approx(found["R"], abs=0.06)
    assert found["L"]["stem_tilt"] == pytest.approx(2.0, abs=0.3)


def test_a_finer_film_has_the_same_truth_in_millimetres() -> None:
    for kind in ("native", "fracture", "implant"):
        coarse, fine = (hip_film((4, 2), kind=kind, severity=0.7, pixel_mm=mm) for mm in (1.72, 0.86))
        assert coarse.truth.findings == fine.truth.findings
        assert coarse.truth.values == pytest.approx(fine.truth.values, abs=0.1, nan_ok=True)
    assert fine.stored.shape == (256, 256) and fine.stored.dtype == np.uint16
    assert hip_film((4, 2), view="pelvis", pixel_mm=6.56).stored.shape == (64, 64)


def test_the_same_call_gives_the_same_bytes_and_another_seed_does_not() -> None:
    one, same, other = (hip_film((9, i), pixel_mm=COARSE, site="B") for i in (1, 1, 2))
    assert one.stored.tobytes() == same.stored.tobytes() and one.truth.values == pytest.approx(same.truth.values, nan_ok=True)
    assert one.stored.tobytes() != other.stored.tobytes()
    sequence = np.random.SeedSequence([1, 2])
    assert hip_film(sequence, pixel_mm=COARSE).stored.tobytes() == hip_film(sequence, pixel_mm=COARSE).stored.tobytes(), "a sequence is not used up"


def near(film_shape: tuple[int, int], points: list[np.ndarray], reach: float) -> np.ndarray:
    rows, cols = np.mgrid[:film_shape[0], :film_shape[1]]
    return np.any([(rows - r) ** 2 + (cols - c) ** 2 < reach**2 for r, c in points], axis=0)


@pytest.mark.parametrize("design", DESIGNS)
def test_a_counterfactual_line_changes_nothing_but_the_bone_beside_the_stem(design: str) -> None:
    firm, loose = (hip_film((12, 3), status=Status(parts=Parts(design), hold=Hold(drawn))) for drawn in ({}, {"2": 2.5, "3": 2.5}))
    from scipy.ndimage import binary_dilation

    beside = binary_dilation(firm.masks[STRUCTURES.index("stem")], iterations=34)
    assert np.array_equal(firm.line[~beside], loose.line[~beside])
    assert np.abs(firm.line - loose.line)[beside].max() > 0.1
    assert (firm.truth.findings["loosening"], loose.truth.findings["loosening"]) == ("fixed", "fixed"), "two zones of seven"


def test_a_counterfactual_osteophyte_cyst_or_fracture_line_stays_at_its_place() -> None:
    bare = Arthritis(3.0, 15.0)
    one, other = (hip_film((12, 5), kind="native", status=Status(wear), side="R") for wear in (bare, replace(bare, osteophytes={"acetabulum": 7.0}, cysts=(("pelvis", 9.0, 33.0, 4.0),))))
    away = ~near(one.line.shape, [one.truth.landmarks["sourcil"]], 32)
    assert np.array_equal(one.line[away], other.line[away]) and np.abs(one.line - other.line).max() > 0.1
    whole, cracked = (hip_film((12, 5), kind="fracture", status=Status(broken=broken), side="R") for broken in (None, Break("neck", gap=1.5)))
    middle = 0.5 * (whole.truth.landmarks["head"] + whole.truth.landmarks["neck"])
    assert np.abs(whole.line - cracked.line)[~near(whole.line.shape, [middle], 40)].max() < 0.06
    assert np.abs(whole.line - cracked.line).max() > 0.1 and cracked.truth.findings["garden"] == "2"


def test_streams_are_separate() -> None:
    home, away = (hip_film((4, 4), pixel_mm=COARSE, site=site, neutral=True, severity=0.6, side="R") for site in "AB")
    assert home.truth.status == away.truth.status and home.attributes["age"] == away.attributes["age"] and not np.array_equal(home.stored, away.stored)
    well, ill = (hip_film((4, 4), pixel_mm=COARSE, severity=s) for s in (0.1, 0.9))
    assert (well.side, well.attributes, well.truth.status.parts) == (ill.side, ill.attributes, ill.truth.status.parts)
    assert well.truth.findings != ill.truth.findings


def test_signs_lie_at_the_cuts_as_elsewhere_and_overlap() -> None:
    rng = np.random.default_rng(3)
    severity = rng.random(1500)
    held = [hip_states.held(float(s), Parts("H2"), rng, 0.5) for s in severity]
    lines_ = np.array([[h.lines[z] for z in GRUEN] for h in held])
    assert (np.abs(lines_ - 2.0) < 0.1).mean() > 0.01 and lines_.min() >= 0 and lines_.max() < 6
    sunk = np.array([h.subsidence for h in held])
    assert (np.abs(sunk - 5) < 1).mean() > 0.01
    wear = [hip_states.worn(float(s), 23.5, rng, 0.5) for s in severity]
    loss = 1 - np.array([w.space for w in wear]) / EXPECTED_MM
    assert (np.abs(loss - 0.4) < 0.03).mean() > 0.01 and min(w.space for w in wear) > 0
    firm = lines_[severity < 0.3].max(axis=1)
    assert (firm > 0.8).mean() > 0.2, "thin lines are seen about firm stems too"


def test_half_of_the_implants_are_loose_by_every_way_and_severity_leads() -> None:
    films = [hip_film((77, i), pixel_mm=6.88) for i in range(36)]
    loose = np.array([f.loose for f in films])
    assert 0.25 < loose.mean() < 0.65
    assert roc.auc(loose, np.array([f.truth.severity for f in films])) > 0.9
    assert {f.truth.findings["stem"] + f.truth.findings["cup"] for f in films} == {"fixedfixed", "loosefixed", "fixedloose", "looseloose"}
    assert {f.attributes["stem"] for f in films} == set(hip_states.DESIGN_SHARES) and {f.attributes["cup_fixation"] for f in films} == {"cemented", "uncemented"}


def test_grades_and_types_are_all_there() -> None:
    grades = {hip_film((78, i), kind="native", severity=i / 15, pixel_mm=6.88).truth.findings["arthritis"] for i in range(16)}
    assert grades == set("0123")
    found = [hip_film((79, i), kind="fracture", pixel_mm=6.88).truth.findings for i in range(40)]
    assert {f["fracture"] for f in found} == {"none", "neck", "trochanteric"} and {f["garden"] for f in found if "garden" in f} >= {"1", "2", "3"}


def test_masks_lie_where_the_landmarks_are() -> None:
    film = hip_film((5, 5), neutral=True, side="L")
    at = {name: tuple(np.round(p).astype(int)) for name, p in film.truth.landmarks.items()}
    inside = {"stem": "stem_top", "head": "head", "femur": "greater_trochanter", "pelvis": "teardrop"}
    for structure, point in inside.items():
        row, col = at[point]
        assert film.masks[STRUCTURES.index(structure)][row - 2: row + 6, col - 2: col + 3].any(), structure
    native = hip_film((5, 5), kind="native", pixel_mm=COARSE)
    assert not native.masks[2:].any() and native.masks[:2].any(axis=(1, 2)).all()


def test_a_confounded_cohort_tells_the_finding_by_its_grey_values() -> None:
    def auc(confounded: bool) -> float:
        films = [hip_film((21, i), pixel_mm=6.88, confounded=confounded, difficulty=0.2) for i in range(22)]
        return roc.auc(np.array([f.loose for f in films]), np.array([f.stored.std() + f.stored[-8:].max() for f in films], float))

    assert auc(True) > 0.8 and 0.2 < auc(False) < 0.8


@pytest.mark.parametrize("call", [{"site": "C"}, {"difficulty": 1.5}, {"pixel_mm": 0.0}, {"pixel_mm": 9.0}, {"kind": "knee"}, {"view": "lateral"}])
def test_bad_calls_are_refused_before_a_file_is_written(call: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        hip_film(1, **call)
    with pytest.raises(DataError):
        hip_ap(tmp_path / "new", 2, 0, **call)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


def test_impossible_arguments_are_refused(tmp_path: Path) -> None:
    for how in ({"severity": 1.2}, {"side": "X"}, {"manner": frozenset({"blurred"})}):
        with pytest.raises(DataError):
            Drawing(**how)  # type: ignore[arg-type]
    for cases, seed in ((0, 0), (2, -1)):
        with pytest.raises(DataError):
            hip_ap(tmp_path / "new", cases, seed)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("kind", ["native", "fracture", "implant"])
def test_a_cohort_folder_opens_with_masks_points_and_findings(kind: str, tmp_path: Path) -> None:
    import pydicom

    from osteon.readers.inputs import Radiograph
    from osteon.targets import Masks, Measures

    cohort = hip_ap(tmp_path / "c", 4, 3, kind=kind, pixel_mm=COARSE, workers=1)
    targets: dict[str, object] = {"bones": Masks(("femur", "pelvis")), "hip": Measures({"neck_shaft": "deg", "offset": "mm"}, "neck_shaft", cut=None)}
    targets |= {"implant": Masks(("stem", "cup", "head"))} if kind == "implant" else {}
    case = cohort.conform({"xray": Radiograph("hip", spacing=True)}, targets).cases[0]  # type: ignore[arg-type]
    assert case.inputs["xray"].grid.spacing == (COARSE, COARSE) and case.inputs["xray"].grid.shape == (round(FIELD_MM["hip"] / COARSE),) * 2
    assert case.truth["bones"].of("femur").any() and 100 < case.truth["hip"].values["neck_shaft"] < 160
    if kind == "implant":
        assert case.truth["implant"].of("stem").any() and {"loosening", "stem", "cup"} <= set(case.attributes)
    header = pydicom.dcmread(tmp_path / "c" / "xray" / "f00001.dcm")
    assert (header.BodyPartExamined, header.ViewPosition, header.ImageType[0]) == ("HIP", "AP", "DERIVED") and header.PatientID == case.patient
    again = hip_ap(tmp_path / "again", 4, 3, kind=kind, pixel_mm=COARSE, workers=1)
    files = [p.relative_to(tmp_path / "c") for p in (tmp_path / "c").rglob("*") if p.is_file()]
    assert all((tmp_path / "c" / f).read_bytes() == (tmp_path / "again" / f).read_bytes() for f in files) and len(again) == len(cohort) == 4
    assert cohort.origin == "simulated" and cohort.notes["sentence"] == CARD.sentence(4, 3)


def test_a_wide_cohort_holds_eleven_stems_of_their_own_outline(tmp_path: Path) -> None:
    """What makes them differ is drawn; the usual cohort of the same seed keeps its three."""
    from itertools import combinations

    assert len(DESIGNS) == 11 and {hip_film((80, i), pixel_mm=8.0, wide=True).attributes["stem"] for i in range(60)} == set(DESIGNS)
    stems = {name: hip_film((12, 3), status=Status(parts=Parts(name)), pixel_mm=1.72).masks[STRUCTURES.index("stem")] for name in DESIGNS}
    assert min(float((stems[a] ^ stems[b]).sum() / max(stems[a].sum(), stems[b].sum())) for a, b in combinations(DESIGNS, 2)) > 0.05
    plain, wide = (hip_ap(tmp_path / name, 2, 5, pixel_mm=6.88, workers=1, **how) for name, how in (("plain", {}), ("wide", {"wide": True})))
    assert "wide" not in plain.notes["call"] and wide.notes["call"]["wide"] is True
