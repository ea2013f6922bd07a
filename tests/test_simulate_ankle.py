"""Ankle examinations: truth on the projections, one anatomy in three views, counterfactual pairs, streams, mirror and scale, impossible calls, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.geometry.ankle import measure_ankle
from osteon.simulate.ankle import CARD, VIEWS, AnkleExam, Drawing, ankle, ankle_exam
from osteon.simulate.ankle_bones import AnkleShape
from osteon.simulate.ankle_pose import Ankle, Injury, Stance, displacements, gaps, landmarks
from osteon.simulate.bone_cuts import Crack
from osteon.simulate.frustum import Frustum

COARSE = 2.88
FAR = Frustum((256, 256), 0.72, (-92.0, 104.0), (0.0, 1e6, 0.0), 0.0, -70.0)  # rays that run as good as parallel
MORTISE, LATERAL = Stance(), Stance(90.0)
SPIRAL = Crack((27.0, -5.5, 9.0), (0.0, -0.84, -0.55), 1.0)


def read(injury: Injury, side: str = "L", shape: AnkleShape | None = None) -> dict[str, float]:
    made = Ankle(side, shape or AnkleShape(), injury)
    return measure_ankle(landmarks(FAR, made, made.view(MORTISE), frontal=True), (FAR.pixel, FAR.pixel))


def test_the_spaces_of_the_mortise_follow_what_has_moved_by_the_millimetre() -> None:
    whole = read(Injury())
    assert 2.0 < whole["medial_clear_space"] < 4.2 and whole["superior_clear_space"] == pytest.approx(3.0, abs=0.05) and abs(whole["talar_tilt"]) < 0.1
    for mm in (1.0, 3.0):
        moved = read(Injury(talus=mm))
        assert moved["medial_clear_space"] - whole["medial_clear_space"] == pytest.approx(mm, abs=0.1)
        wide = read(Injury(diastasis=mm))
        assert wide["clear_space"] - whole["clear_space"] == pytest.approx(mm, abs=0.15) and wide["overlap"] < whole["overlap"]
    assert read(Injury(tilt=4.0))["talar_tilt"] == pytest.approx(4.0, abs=0.1)
    assert read(Injury(), shape=AnkleShape(clear=4.4))["clear_space"] - whole["clear_space"] == pytest.approx(1.0, abs=0.15)


def test_both_sides_measure_the_same_and_turning_out_brings_overlap() -> None:
    injury = Injury({"lateral": SPIRAL}, diastasis=2.0, talus=1.5)
    assert read(injury, "L") == pytest.approx(read(injury, "R"), abs=0.06, nan_ok=True)
    made = Ankle("L", AnkleShape(), Injury())
    found = [measure_ankle(landmarks(FAR, made, made.view(Stance(turn)), frontal=True), (FAR.pixel,) * 2)["overlap"] for turn in (0.0, 17.0)]
    assert found[1] > found[0] + 3, "why two frontal views are taken"


def test_fragments_stand_apart_as_they_were_put_and_each_view_sees_its_part() -> None:
    made = Ankle("L", AnkleShape(), Injury({"lateral": Crack((27.0, -5.0, 9.0), (0, -0.84, -0.55), 1.0, (3.0, -4.0, 0.0))}))
    frontal, lateral = (displacements(FAR, made, made.view(stance))["lateral"] for stance in (MORTISE, LATERAL))
    assert frontal == pytest.approx(3.0, abs=0.05) and lateral == pytest.approx(4.0, abs=0.05)


def test_a_spiral_fracture_shows_on_the_lateral_film_and_hides_on_a_frontal_one() -> None:
    made = Ankle("L", AnkleShape(), Injury({"lateral": SPIRAL}))
    frontal, lateral = (gaps(FAR, made, made.view(stance))["lateral"] for stance in (MORTISE, LATERAL))
    assert lateral > 8 and frontal < 2.5, "the way of the rays through the gap"
    across = Ankle("L", AnkleShape(), Injury({"lateral": Crack((27.0, -5.0, -10.0), (0.0, 0.0, -1.0), 1.0)}))
    assert min(gaps(FAR, across, across.view(stance))["lateral"] for stance in (MORTISE, LATERAL)) > 8


def test_a_finer_film_has_the_same_truth_in_millimetres() -> None:
    coarse, fine = (ankle_exam((4, 2), severity=0.7, pixel_mm=mm) for mm in (1.44, 0.72))
    shared = [name for name in coarse.values if name not in ("displacement",)]
    assert {n: coarse.values[n] for n in shared} == pytest.approx({n: fine.values[n] for n in shared}, abs=0.25, nan_ok=True)
    assert coarse.findings["weber"] == fine.findings["weber"] and coarse.values["displacement"] == pytest.approx(fine.values["displacement"], abs=0.05)
    assert all(f.stored.shape == (256, 256) and f.stored.dtype == np.uint16 for f in fine.films.values()) and tuple(fine.films) == VIEWS


def test_the_same_call_gives_the_same_bytes_and_another_seed_does_not() -> None:
    one, same, other = (ankle_exam((9, i), pixel_mm=COARSE, site="B") for i in (1, 1, 2))
    assert all(one.films[v].stored.tobytes() == same.films[v].stored.tobytes() != other.films[v].stored.tobytes() for v in VIEWS)
    alone = ankle_exam((9, 1), views=("lateral",), pixel_mm=COARSE, site="B")
    assert alone.films["lateral"].stored.tobytes() == one.films["lateral"].stored.tobytes(), "a view does not depend on the others"
    sequence = np.random.SeedSequence([1, 2])
    assert ankle_exam(sequence, pixel_mm=COARSE).values == pytest.approx(ankle_exam(sequence, pixel_mm=COARSE).values, nan_ok=True)


def test_a_counterfactual_fracture_changes_nothing_away_from_it() -> None:
    whole, broken = (ankle_exam((12, 3), injury=Injury(cracks), side="L") for cracks in ({}, {"lateral": SPIRAL}))
    for view in VIEWS:
        one, other = whole.films[view], broken.films[view]
        rows, cols = np.mgrid[:256, :256]
        at = one.landmarks["tip_lateral"] if "tip_lateral" in one.landmarks else np.array([150, 128])
        away = (rows - (at[0] - 31 / 0.72)) ** 2 + (cols - at[1]) ** 2 > 62**2
        assert np.abs(one.line - other.line)[away].max() < 1e-3 < 0.02 < np.abs(one.line - other.line).max()
    assert (whole.findings["fracture"], broken.findings["fracture"], broken.findings["weber"]) == ("no", "yes", "B")
    assert whole.attributes == broken.attributes


def test_streams_are_separate() -> None:
    home, away = (ankle_exam((4, 4), pixel_mm=COARSE, site=site, neutral=True, severity=0.6, side="R") for site in "AB")
    assert set(home.injury.cracks) == set(away.injury.cracks) and not np.array_equal(home.films["ap"].stored, away.films["ap"].stored)
    well, ill = (ankle_exam((4, 4), pixel_mm=COARSE, severity=s) for s in (0.0, 0.9))
    assert (well.side, well.attributes) == (ill.side, ill.attributes) and well.findings != ill.findings


def many(n: int, **how: object) -> list[AnkleExam]:
    return [ankle_exam((77, i), pixel_mm=7.2, **how) for i in range(n)]  # type: ignore[arg-type]


def test_half_are_broken_of_every_class_and_some_are_occult() -> None:
    exams = many(44)
    broken = [e for e in exams if e.broken]
    assert 13 <= len(broken) <= 31
    assert {e.findings["weber"] for e in broken} == {"A", "B", "C", "none"} and {e.findings["pattern"] for e in broken} == {"unimalleolar", "bimalleolar", "trimalleolar"}
    occult = [e for e in broken if e.findings["occult"] == "yes"]
    assert 0.02 <= len(occult) / len(broken) <= 0.3 and all(e.findings["displaced"] == "no" for e in occult)
    steps = np.array([e.values["displacement"] for e in broken])
    assert (np.abs(steps - 2) < 0.6).mean() > 0.05, "the cut lies in the middle of what is seen"
    assert all(e.findings["weber"] == "none" and e.findings["occult"] == "no" for e in exams if not e.broken)


def test_masks_lie_where_the_landmarks_are() -> None:
    exam = ankle_exam((5, 5), neutral=True, side="L", severity=0.0)
    film = exam.films["mortise"]
    for k, point, down, out in ((0, "plafond_medial", -6, 0), (1, "tip_lateral", -8, 1), (2, "dome_medial", 6, 2)):
        row, col = np.round(film.landmarks[point]).astype(int)
        assert film.masks[k, row + down, col + out], point
    assert film.masks.any(axis=(1, 2)).all() and film.landmarks["tip_lateral"][1] > film.landmarks["tip_medial"][1], "lateral of a left ankle is to the right"
    lateral = exam.films["lateral"]
    assert lateral.landmarks["anterior_process"][1] > lateral.landmarks["tuberosity"][1] and 20 < lateral.values["boehler"] < 40


def test_a_confounded_cohort_shows_the_broken_in_another_room_and_leaves_the_whole_alone() -> None:
    for i in range(6):
        clean, planted = (ankle_exam((21, i), views=("ap",), pixel_mm=2.88, confounded=confounded, severity=0.0 if i % 2 else 0.6) for confounded in (False, True))
        one, other = clean.films["ap"].stored, planted.films["ap"].stored
        assert clean.broken is (i % 2 == 0) and np.array_equal(one, other) is not clean.broken
        assert np.array_equal(clean.films["ap"].line, planted.films["ap"].line) and (not clean.broken or other.std() > 1.03 * one.std())


@pytest.mark.parametrize("call", [{"site": "C"}, {"difficulty": 1.5}, {"pixel_mm": 0.0}, {"pixel_mm": 9.0}])
def test_bad_calls_are_refused_before_a_file_is_written(call: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        ankle_exam(1, **call)  # type: ignore[arg-type]
    with pytest.raises(DataError):
        ankle(tmp_path / "new", 2, 0, **call)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


def test_impossible_arguments_are_refused(tmp_path: Path) -> None:
    for how in ({"severity": 1.2}, {"side": "X"}, {"manner": frozenset({"blurred"})}, {"views": ()}, {"views": ("axial",)}):
        with pytest.raises(DataError):
            Drawing(**how)  # type: ignore[arg-type]
    for cases, seed in ((0, 0), (2, -1)):
        with pytest.raises(DataError):
            ankle(tmp_path / "new", cases, seed)
    assert not (tmp_path / "new").exists()


def test_a_cohort_folder_opens_with_three_films_masks_points_and_findings(tmp_path: Path) -> None:
    import pydicom

    from osteon.readers.inputs import Radiograph
    from osteon.targets import Classes, Measures

    cohort = ankle(tmp_path / "c", 4, 3, pixel_mm=COARSE, workers=1)
    inputs = {view: Radiograph(f"{view} view", spacing=True) for view in VIEWS}
    targets = {"fracture": Classes(("no", "yes")), "mortise_ankle": Measures({"medial_clear_space": "mm"}, "medial_clear_space", cut=None)}
    case = cohort.conform(inputs, targets).cases[0]  # type: ignore[arg-type]
    assert all(case.inputs[view].grid.shape == (64, 64) for view in VIEWS) and 1 < case.truth["mortise_ankle"].values["medial_clear_space"] < 12
    assert {"weber", "occult", "pattern", "cast"} <= set(case.attributes)
    header = pydicom.dcmread(tmp_path / "c" / "xray" / "f00001_mortise.dcm")
    assert (header.BodyPartExamined, header.ImageType[0]) == ("ANKLE", "DERIVED") and header.PatientID == case.patient
    again = ankle(tmp_path / "again", 4, 3, pixel_mm=COARSE, workers=1)
    files = [p.relative_to(tmp_path / "c") for p in (tmp_path / "c").rglob("*") if p.is_file()]
    assert all((tmp_path / "c" / f).read_bytes() == (tmp_path / "again" / f).read_bytes() for f in files) and len(again) == 4
    assert cohort.origin == "simulated" and cohort.notes["sentence"] == CARD.sentence(4, 3)
