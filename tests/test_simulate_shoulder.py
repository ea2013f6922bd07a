"""Shoulder examinations: truth on the projections, codes from planes, any number of views, counterfactual pairs, streams, mirror and scale, impossible calls, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.geometry.shoulder import measure_shoulder
from osteon.simulate import shoulder_states
from osteon.simulate.bone_cuts import Crack
from osteon.simulate.frustum import Frustum
from osteon.simulate.shoulder import CARD, CODES, MOST, VIEWS, Drawing, coded, shoulder, shoulder_exam
from osteon.simulate.shoulder_bones import ShoulderShape
from osteon.simulate.shoulder_pose import Injury, Shoulder, Stance, displacements, gaps, landmarks

COARSE = 3.6
FAR = Frustum((256, 256), 0.9, (-145.0, 87.0), (0.0, 1e6, 0.0), 0.0, -110.0)  # rays that run as good as parallel
TRUE, AP, Y = Stance(34.0, 0.0, 34.0, 0.0), Stance(0.0, 0.0, 0.0, 0.0), Stance(124.0, 0.0, 50.0)
NECK = Crack((8.6, 0.0, -33.0), (0.0, 0.0, 1.0), 1.5)


def read(injury: Injury, stance: Stance = AP, side: str = "L", shape: ShoulderShape | None = None) -> dict[str, float]:
    return measure_shoulder(landmarks(FAR, Shoulder(side, shape or ShoulderShape(), injury), stance), (FAR.pixel, FAR.pixel))


@pytest.mark.parametrize("degrees", [128.0, 135.0, 142.0])
def test_the_neck_shaft_angle_is_read_back_where_the_neck_lies_in_the_film(degrees: float) -> None:
    shape = ShoulderShape(neck_shaft=degrees)
    assert read(Injury(), shape=shape)["neck_shaft"] == pytest.approx(degrees, abs=0.1)
    assert read(Injury(), Stance(0, 0, 60.0, 0.0), shape=shape)["neck_shaft"] > degrees + 3, "an arm that is turned in looks valgus"


def test_a_head_that_has_left_its_socket_measures_so_and_spaces_follow_the_acromion() -> None:
    assert read(Injury())["head_shift"] == pytest.approx(0, abs=1e-6)
    assert read(Injury(gone=(-12.0, 20.0, -16.0)))["head_shift"] == pytest.approx(20.0, abs=0.1), "what lies in the film of the three"
    low, high = (read(Injury(), shape=ShoulderShape(rise=mm))["acromiohumeral"] for mm in (0.0, 2.0))
    assert high - low == pytest.approx(2.0, abs=0.3) and 7 < low < 13
    assert 7 < read(Injury())["coracoclavicular"] < 15 and 25 < read(Injury(), TRUE)["critical_angle"] < 42


def test_both_sides_measure_the_same() -> None:
    middle = Frustum((256, 256), 0.9, (-114.75, 87.0), (0.0, 1e6, 0.0), 0.0, -110.0)
    injury = Injury({"surgical": Crack((8.6, 0, -33), (0.1, 0, 1.0), 1.5, (8.0, -5.0, -4.0), (0, -12.0, 0))})
    found = {}
    for side in "LR":
        made = Shoulder(side, ShoulderShape(), injury)
        found[side] = measure_shoulder(landmarks(middle, made, AP), (0.9, 0.9)) | displacements(middle, made, AP)
    assert found["L"] == pytest.approx(found["R"], abs=0.02)


def test_fragments_stand_apart_as_they_were_put_and_the_head_stays_in_its_socket() -> None:
    made = Shoulder("L", ShoulderShape(), Injury({"surgical": Crack((8.6, 0, -33), (0, 0, 1.0), 1.5, (9.0, 0.0, -4.0))}))
    assert displacements(FAR, made, AP)["surgical"] == pytest.approx(np.hypot(9, 4), abs=0.1)
    assert measure_shoulder(landmarks(FAR, made, AP), (0.9, 0.9))["head_shift"] == pytest.approx(0, abs=0.05)
    depth = Shoulder("L", ShoulderShape(), Injury({"greater": Crack((15, -3, 6), (0.86, -0.22, 0.42), 1.5, (0.0, -8.0, 0.0))}))
    frontal, inwards = (displacements(FAR, depth, stance)["greater"] for stance in (AP, Stance(0, 0, 66.0, 0.0)))
    assert frontal < 0.1 and inwards > 6, "a tuberosity that went backwards shows with the arm turned in"


def test_a_line_shows_where_rays_run_along_its_plane() -> None:
    made = Shoulder("L", ShoulderShape(), Injury({"surgical": NECK, "acromion": Crack((-2.0, -14.0, 37.0), (0.9, 0.5, 0.0), 1.5)}))
    assert gaps(FAR, made, AP)["surgical"] > 15
    steep = Shoulder("L", ShoulderShape(), Injury({"surgical": Crack((8.6, 0, -33), (0, 0.9, 0.45), 1.5)}))
    assert gaps(FAR, steep, AP)["surgical"] < 6


def test_every_pattern_has_its_code_and_all_codes_are_named() -> None:
    rng, seen = np.random.default_rng(4), set()
    for _ in range(1500):
        codes = coded(shoulder_states.hurt(float(rng.random()), ShoulderShape(), rng, 0.5))
        assert len(codes) == 1 and set(codes) <= set(CODES)
        seen |= set(codes)
    assert len(seen) >= 20 and {c[:2] for c in seen} == {"11", "12", "14", "15"}
    assert sum(share for share, _ in shoulder_states.PATTERNS.values()) == pytest.approx(1)


def test_a_finer_film_has_the_same_truth_in_millimetres() -> None:
    for size_seed in (2, 3):
        coarse, fine = (shoulder_exam((4, size_seed), severity=0.7, pixel_mm=mm, views=("ap", "y")) for mm in (1.8, 0.9))
        assert coarse.findings == fine.findings and coarse.values == pytest.approx(fine.values, abs=0.15, nan_ok=True)
    assert all(f.stored.shape == (256, 256) and f.stored.dtype == np.uint16 for f in fine.films)


def test_two_to_seven_films_in_any_order_the_first_two_always() -> None:
    exams = [shoulder_exam((6, i), pixel_mm=8.0) for i in range(18)]
    counts = [len(e.films) for e in exams]
    assert min(counts) == 2 and max(counts) <= MOST and len(set(counts)) >= 3 and all([f.view for f in e.films[:2]] == ["ap", "y"] for e in exams)
    assert {f.view for e in exams for f in e.films} <= set(VIEWS) and 4 <= sum(e.broken for e in exams) <= 14
    rng = np.random.default_rng(1)
    assert 0.05 < np.mean([np.any(shoulder_states.unhurt(rng).gone) for _ in range(400)]) < 0.2, "a mimic: out of the socket, and whole"


def test_the_same_call_gives_the_same_bytes_and_another_seed_does_not() -> None:
    one, same, other = (shoulder_exam((9, i), pixel_mm=COARSE, site="B") for i in (1, 1, 2))
    assert all(a.stored.tobytes() == b.stored.tobytes() for a, b in zip(one.films, same.films, strict=True)) and one.films[0].stored.tobytes() != other.films[0].stored.tobytes()
    alone = shoulder_exam((9, 1), views=("ap",), pixel_mm=COARSE, site="B")
    assert alone.films[0].stored.tobytes() == one.films[0].stored.tobytes(), "a film does not depend on those after it"
    sequence = np.random.SeedSequence([1, 2])
    assert shoulder_exam(sequence, pixel_mm=COARSE).values == pytest.approx(shoulder_exam(sequence, pixel_mm=COARSE).values, nan_ok=True)


def test_a_counterfactual_fracture_changes_nothing_away_from_it() -> None:
    whole, broken = (shoulder_exam((12, 3), injury=Injury(cracks), side="L", views=("ap", "grashey")) for cracks in ({}, {"surgical": NECK}))
    for one, other in zip(whole.films, broken.films, strict=True):
        rows, cols = np.mgrid[:256, :256]
        at = one.landmarks["neck"]
        away = (rows - at[0] - 27) ** 2 + (cols - at[1]) ** 2 > 45**2
        assert np.abs(one.line - other.line)[away].max() < 1e-3 < 0.05 < np.abs(one.line - other.line).max()
    assert (whole.findings["code"], broken.findings["code"]) == ("none", "11A2.1") and whole.attributes == broken.attributes


def test_streams_are_separate() -> None:
    home, away = (shoulder_exam((4, 4), pixel_mm=COARSE, site=site, neutral=True, severity=0.6, side="R", views=("ap",)) for site in "AB")
    assert coded(home.injury) == coded(away.injury) and not np.array_equal(home.films[0].stored, away.films[0].stored)
    well, ill = (shoulder_exam((4, 4), pixel_mm=COARSE, severity=s) for s in (0.0, 0.9))
    assert (well.side, well.attributes, [f.view for f in well.films]) == (ill.side, ill.attributes, [f.view for f in ill.films]) and well.findings != ill.findings


def test_masks_lie_where_the_landmarks_are() -> None:
    film, front = shoulder_exam((5, 5), neutral=True, side="L", injury=Injury(), views=("grashey", "ap")).films
    for k, point, down, out in ((0, "head", 0, 0), (1, "glenoid_upper", 12, -6), (2, "clavicle_under", -5, 0)):
        row, col = np.round(film.landmarks[point]).astype(int)
        assert film.masks[k, row + down, col + out], point
    assert film.landmarks["tuberosity"][1] > film.landmarks["head"][1] > film.landmarks["glenoid_upper"][1], "lateral of a left shoulder is to the right"
    true, half = ((f.masks[0] & f.masks[1])[round(f.landmarks["head"][0])].sum() for f in (film, front))
    assert true < half and true * film.spacing[0] < 6, "a true AP view looks through the joint, where an AP view shows a half moon"


def test_a_confounded_cohort_shows_the_broken_in_another_room_and_leaves_the_whole_alone() -> None:
    for i in range(6):
        clean, planted = (shoulder_exam((21, i), views=("ap",), pixel_mm=3.6, confounded=confounded, severity=0.0 if i % 2 else 0.6) for confounded in (False, True))
        one, other = clean.films[0].stored, planted.films[0].stored
        assert clean.broken is (i % 2 == 0) and np.array_equal(one, other) is not clean.broken
        assert np.array_equal(clean.films[0].line, planted.films[0].line) and (not clean.broken or not np.array_equal(one[-12:-4], other[-12:-4]))


@pytest.mark.parametrize("call", [{"site": "C"}, {"difficulty": 1.5}, {"pixel_mm": 0.0}, {"pixel_mm": 9.0}])
def test_bad_calls_are_refused_before_a_file_is_written(call: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        shoulder_exam(1, **call)  # type: ignore[arg-type]
    with pytest.raises(DataError):
        shoulder(tmp_path / "new", 2, 0, **call)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


def test_impossible_arguments_are_refused(tmp_path: Path) -> None:
    for how in ({"severity": 1.2}, {"side": "X"}, {"manner": frozenset({"blurred"})}, {"views": ("axillary",)}, {"views": ("ap",) * 8}):
        with pytest.raises(DataError):
            Drawing(**how)  # type: ignore[arg-type]
    for cases, seed in ((0, 0), (2, -1)):
        with pytest.raises(DataError):
            shoulder(tmp_path / "new", cases, seed)
    assert not (tmp_path / "new").exists()


def test_a_cohort_folder_opens_with_its_films_masks_points_and_codes(tmp_path: Path) -> None:
    import pydicom

    from osteon.readers.inputs import Radiograph
    from osteon.targets import Classes, Masks

    cohort = shoulder(tmp_path / "c", 4, 3, pixel_mm=COARSE, workers=1)
    inputs = {"films": Radiograph("any view", many=(2, 7), spacing=True)}
    cases = cohort.conform(inputs, {"fracture": Classes(("no", "yes")), "bones": Masks(("humerus", "scapula"))}).cases  # type: ignore[arg-type]
    assert len(cases) == 4 and all(len(c.inputs["films"]) == c.attributes["film_count"] and c.inputs["films"][0].grid.shape == (64, 64) for c in cases)
    assert cases[0].truth["bones"].of("humerus").any() and {"code", "humerus", "clavicle", "scapula", "parts", "dislocated", "views"} <= set(cases[0].attributes)
    header = pydicom.dcmread(tmp_path / "c" / "xray" / "f00001_1.dcm")
    assert (header.BodyPartExamined, header.ImageType[0]) == ("SHOULDER", "DERIVED") and header.PatientID == cases[0].patient
    again = shoulder(tmp_path / "again", 4, 3, pixel_mm=COARSE, workers=1)
    files = [p.relative_to(tmp_path / "c") for p in (tmp_path / "c").rglob("*") if p.is_file()]
    assert all((tmp_path / "c" / f).read_bytes() == (tmp_path / "again" / f).read_bytes() for f in files) and len(again) == 4
    assert cohort.origin == "simulated" and cohort.notes["sentence"] == CARD.sentence(4, 3)
