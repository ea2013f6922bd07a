"""Knee films: truth on the projection, counterfactual pairs, streams, metamorphic checks, files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.geometry.knee_oa import EXPECTED_MM, LOSS, OSTEOPHYTE_MM, OSTEOPHYTE_SITES
from osteon.simulate.frustum import Frustum, traverse
from osteon.simulate.knee_ap import CARD, FIELD_MM, Drawing, knee_ap, knee_film
from osteon.simulate.knee_bones import Wear
from osteon.simulate.knee_pose import Knee, Posture, joint_space, landmarks, osteophytes, place_knee
from osteon.simulate.knee_wear import wear_of
from osteon.simulate.lower_limb_bones import LegAngles, LegShape
from osteon.stats import roc

COARSE = 2.6
SQUARE = LegShape(LegAngles(mldfa=90.0, mpta=90.0, slope=0.0))
LEVEL = Frustum((256, 256), 0.65, (-82.875, 82.875), (0.0, 1e6, 0.0), 0.0, -70.0)  # rays along the plateau


def standing(wear: Wear, side: str = "R", frustum: Frustum = LEVEL, posture: Posture | None = None) -> Knee:
    return place_knee(SQUARE, wear, posture or Posture(tilt=0.0), side, np.zeros(3))


@pytest.mark.parametrize("space", [(4.8, 5.6), (1.0, 5.8), (6.0, 2.2), (3.0, 3.0)])
def test_the_space_on_the_film_is_that_of_the_bones_where_rays_run_along_the_plateau(space: tuple[float, float]) -> None:
    found, ends = joint_space(LEVEL, standing(Wear(space)))
    assert [found["medial"], found["lateral"]] == pytest.approx(space, abs=0.35)
    for side, mm in found.items():
        assert np.hypot(*(ends[side][0] - ends[side][1])) * LEVEL.pixel == pytest.approx(mm, abs=0.02)


def test_the_measured_gap_is_dark_between_the_bones_and_half_a_millimetre_is_caught() -> None:
    knee = standing(Wear((3.0, 5.0)))
    shadow = np.zeros(LEVEL.shape, bool)
    for bone in ("femur", "tibia"):
        chords = traverse(LEVEL, knee.bare[bone], fine=0.5)
        assert chords is not None
        shadow[chords.window] |= chords.total > 0
    _, ends = joint_space(LEVEL, knee)
    for femur, tibia in ends.values():
        col = round(float(femur[1]))
        gap = ~shadow[:, col]
        rows = np.flatnonzero(gap[round(float(femur[0])) - 2: round(float(tibia[0])) + 3]) + round(float(femur[0])) - 2
        assert rows[0] - 0.5 == pytest.approx(femur[0], abs=0.77), "half a millimetre is 0.77 pixels"
        assert rows[-1] + 0.5 == pytest.approx(tibia[0], abs=0.77)


def test_a_beam_that_misses_the_plateau_narrows_the_space_on_the_film() -> None:
    steep = replace(LEVEL, source=(0.0, 1150.0, 120.0))
    level = replace(LEVEL, source=(0.0, 1150.0, 0.0))
    knee = standing(Wear((4.5, 5.5)))
    assert joint_space(steep, knee)[0]["medial"] < joint_space(level, knee)[0]["medial"] - 0.5


def test_osteophytes_measure_as_they_were_built_and_none_where_none_is() -> None:
    for site in OSTEOPHYTE_SITES:
        found = {mm: osteophytes(LEVEL, standing(Wear(osteophytes={site: mm}))) for mm in (1.5, 3.0, 6.0)}
        reaches, areas = ([each[site][k] for each in found.values()] for k in (0, 1))
        assert reaches == sorted(reaches) and areas == sorted(areas) and areas[-1] > 2 * areas[0] > 0
        assert np.abs(np.array(reaches) - (1.5, 3.0, 6.0)).max() < 2.0
        assert all(each[other] == (0.0, 0.0) for each in found.values() for other in OSTEOPHYTE_SITES if other != site)
    assert osteophytes(LEVEL, standing(Wear(osteophytes={"tibia_medial": 0.2})))["tibia_medial"] == (0.0, 0.0)


def test_the_mirror_image_of_a_knee_measures_the_same() -> None:
    wear = Wear((2.0, 5.0), {"femur_medial": 3.0, "tibia_lateral": 4.0}, (0.5, 0.1), (1.0, 0.0), 2.0)
    posture = Posture(rotation=5.0, flexion=6.0)
    right, left = (place_knee(SQUARE, wear, posture, side, np.zeros(3)) for side in "RL")
    for name, (row, col) in landmarks(LEVEL, right).items():
        assert landmarks(LEVEL, left)[name] == pytest.approx((row, 255 - col), abs=1e-6), name
    assert joint_space(LEVEL, left)[0] == pytest.approx(joint_space(LEVEL, right)[0], abs=0.02)
    first, second = osteophytes(LEVEL, right), osteophytes(LEVEL, left)
    assert all(first[site] == pytest.approx(second[site], rel=0.15, abs=0.6) for site in OSTEOPHYTE_SITES)


def test_a_finer_film_has_the_same_truth_in_millimetres() -> None:
    coarse, fine = (knee_film((4, 2), severity=0.7, pixel_mm=mm) for mm in (1.3, 0.65))
    assert coarse.truth.space == pytest.approx(fine.truth.space, abs=0.05)
    assert coarse.truth.osteophytes == fine.truth.osteophytes or all(coarse.truth.osteophytes[s] == pytest.approx(fine.truth.osteophytes[s], abs=1.0) for s in OSTEOPHYTE_SITES)
    assert coarse.grade == fine.grade
    assert fine.stored.shape == (256, 256) and fine.stored.dtype == np.uint16


def test_the_same_call_gives_the_same_bytes_and_another_seed_does_not() -> None:
    one, same, other = (knee_film((9, i), pixel_mm=COARSE, site="B") for i in (1, 1, 2))
    assert one.stored.tobytes() == same.stored.tobytes()
    assert one.truth.space == same.truth.space and one.grade == same.grade
    assert one.stored.tobytes() != other.stored.tobytes()
    sequence = np.random.SeedSequence([1, 2])
    assert knee_film(sequence, pixel_mm=COARSE).stored.tobytes() == knee_film(sequence, pixel_mm=COARSE).stored.tobytes(), "a sequence is not used up"


def lesion(film_shape: tuple[int, int], points: list[np.ndarray], reach: float) -> np.ndarray:
    rows, cols = np.mgrid[:film_shape[0], :film_shape[1]]
    return np.any([(rows - r) ** 2 + (cols - c) ** 2 < reach**2 for r, c in points], axis=0)


def test_a_counterfactual_osteophyte_changes_nothing_outside_itself() -> None:
    """Same seed, the lesion put in: what stands before the film is the same to the last bit outside of it, the print nearly so."""
    bare = Wear((3.5, 5.2), {}, (0.3, 0.1))
    spur = replace(bare, osteophytes={"tibia_medial": 7.0, "femur_medial": 5.0})
    one, other = (knee_film((12, 3), wear=wear, sides=("R",)) for wear in (bare, spur))
    points = [other.truth.landmarks["plateau_medial"], other.truth.landmarks["condyle_medial"] + np.array([-12, 24])]
    away = ~lesion(one.stored.shape, points, 42.0)
    assert np.array_equal(one.line[away], other.line[away])
    assert np.abs(one.line - other.line)[~away].max() > 0.2
    gap = np.abs(one.stored.astype(int) - other.stored.astype(int))
    assert np.median(gap[away]) < 0.004 * 4095 < gap[~away].max()
    assert one.grade < other.grade == 2


def test_a_counterfactual_narrowing_leaves_the_femur_where_it_is() -> None:
    wide, narrow = (knee_film((12, 5), wear=Wear((medial, 5.5)), sides=("L",)) for medial in (4.8, 1.0))
    above = slice(0, int(wide.truth.landmarks["condyle_medial"][0]) - 12)
    assert np.array_equal(wide.line[above], narrow.line[above])
    assert narrow.truth.space["medial"] < wide.truth.space["medial"] - 2.5


def test_streams_are_separate() -> None:
    home, away = (knee_film((4, 4), pixel_mm=COARSE, site=site, neutral=True, severity=0.6, sides=("R",)) for site in "AB")
    assert home.truth.wear == away.truth.wear and home.attributes["age"] == away.attributes["age"]
    assert home.truth.space.keys() == away.truth.space.keys() and not np.array_equal(home.stored, away.stored)
    well, ill = (knee_film((4, 4), pixel_mm=COARSE, severity=s) for s in (0.1, 0.9))
    assert (well.side, well.attributes) == (ill.side, ill.attributes)


def test_both_knees_of_a_person_are_alike_and_may_share_a_film() -> None:
    pair = [knee_film((8, i), patient=(8, 0), pixel_mm=COARSE, sides=(side,)) for i, side in enumerate("RL")]
    stranger = knee_film((8, 7), pixel_mm=COARSE)
    assert [p.attributes["age"] for p in pair] == [pair[0].attributes["age"]] * 2 != [stranger.attributes["age"]] * 2
    both = knee_film((8, 0), pixel_mm=COARSE, sides=("R", "L"))
    assert set(both.knees) == {"R", "L"} and both.stored.shape[1] > 2 * both.stored.shape[0]
    assert both.knees["R"].landmarks["patella"][1] < both.stored.shape[1] / 2 < both.knees["L"].landmarks["patella"][1], "the right knee stands on the left of the film"
    severities = np.array([[knee_film((31, k, i), patient=(31, k), pixel_mm=8.0, sides=(s,)).truth.severity for i, s in enumerate("RL")] for k in range(14)])
    assert 0.1 < np.corrcoef(severities.T)[0, 1] < 0.95


def test_severity_is_continuous_and_features_lie_at_the_cuts() -> None:
    rng = np.random.default_rng(5)
    drawn = [wear_of(float(s), 1.0, rng, 0.5) for s in rng.random(3000)]
    reach = np.array([max(w.osteophytes.values()) for w in drawn])
    loss = np.array([max(1 - mm / EXPECTED_MM[side] for side, mm in zip(("medial", "lateral"), w.space, strict=True)) for w in drawn])
    for cut in OSTEOPHYTE_MM:
        assert (np.abs(reach - cut) < 0.25).mean() > 0.01
    for cut in set(LOSS):
        assert (np.abs(loss - cut) < 0.025).mean() > 0.01
    medial = np.array([w.space[0] / EXPECTED_MM["medial"] < w.space[1] / EXPECTED_MM["lateral"] for w in drawn])[loss > 0.5]
    assert 0.7 < medial.mean() < 0.9, "the medial compartment leads"
    assert all(min(w.space) > 0 and max(w.sclerosis) <= 1 and max(w.attrition) < 5 for w in drawn)


def test_the_grades_are_all_there_and_rise_with_severity() -> None:
    films = [knee_film((77, i), pixel_mm=8.0) for i in range(36)]
    grades = np.array([f.grade for f in films])
    assert (np.bincount(grades, minlength=5) >= 1).all()
    means = [np.mean([f.truth.severity for f in films if f.grade == g]) for g in range(5)]
    assert means[1] < means[2] < means[3] < means[4]
    spaces = [np.mean([min(f.truth.space.values()) for f in films if f.grade == g]) for g in range(5)]
    assert spaces[0] > spaces[3] > spaces[4] and spaces[2] > spaces[3]
    assert all(f.truth.grades["narrowing"] <= f.grade for f in films)
    sick = [knee_film((77, i), pixel_mm=8.0, site="B").truth.severity for i in range(36)]
    assert np.mean(sick) > np.mean([f.truth.severity for f in films]) + 0.02, "site B is sicker"


def test_a_confounded_cohort_tells_the_finding_by_its_grey_values() -> None:
    def auc(confounded: bool) -> float:
        films = [knee_film((21, i), pixel_mm=8.0, confounded=confounded, difficulty=0.2) for i in range(24)]
        return roc.auc(np.array([f.grade >= 2 for f in films]), np.array([f.stored[-5:, :].max() + f.stored.std() for f in films], float))

    assert auc(True) > 0.85
    assert 0.2 < auc(False) < 0.8


@pytest.mark.parametrize("call", [{"site": "C"}, {"difficulty": 1.5}, {"pixel_mm": 0.0}, {"pixel_mm": 9.0}])
def test_bad_calls_are_refused_before_a_file_is_written(call: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        knee_film(1, **call)  # type: ignore[arg-type]
    with pytest.raises(DataError):
        knee_ap(tmp_path / "new", 2, 0, **call)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


def test_impossible_arguments_are_refused(tmp_path: Path) -> None:
    for how in ({"severity": 1.2}, {"sides": ("X",)}, {"sides": ("L", "R")}):
        with pytest.raises(DataError):
            Drawing(**how)  # type: ignore[arg-type]
    for cases, seed, error in ((0, 0, 0.0), (2, -1, 0.0), (2, 0, 1.0)):
        with pytest.raises(DataError):
            knee_ap(tmp_path / "new", cases, seed, reader_error=error)
    assert not (tmp_path / "new").exists()


def test_a_cohort_is_the_same_however_it_is_made_and_patients_may_give_both_knees(tmp_path: Path) -> None:
    plain = knee_ap(tmp_path / "one", 10, 6, pixel_mm=8.0, workers=1)
    knee_ap(tmp_path / "two", 10, 6, pixel_mm=8.0, workers=2)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert len(files) == 10 * 2 + 3
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    assert plain.origin == "simulated" and plain.notes["sentence"] == CARD.sentence(10, 6)
    patients = plain.column("patient").tolist()
    assert 5 <= len(set(patients)) < 10
    pairs = [(a, b) for a, b in zip(plain, list(plain)[1:], strict=False) if a.patient == b.patient]
    assert all((a.attributes["side"], b.attributes["side"], a.attributes["age"]) == ("R", "L", b.attributes["age"]) for a, b in pairs)
    with pytest.raises(DataError):
        knee_ap(tmp_path / "one", 11, 6, pixel_mm=8.0)


def test_the_files_carry_grade_points_and_readings(tmp_path: Path) -> None:
    import pydicom

    from osteon.readers.inputs import Radiograph
    from osteon.targets import Grades, Measures

    cohort = knee_ap(tmp_path / "c", 8, 3, pixel_mm=2.6, reader_error=0.6)
    targets = {"kl": Grades(("0", "1", "2", "3", "4"), 2), "knee": Measures({"space_medial": "mm", "space_lateral": "mm"}, "space_medial")}
    bound = cohort.conform({"xray": Radiograph("knee", spacing=True)}, targets)
    case = bound.cases[0]
    assert case.inputs["xray"].grid.spacing == (2.6, 2.6) and case.inputs["xray"].grid.shape == (round(FIELD_MM / 2.6),) * 2
    assert 0 <= case.truth["knee"].values["space_medial"] < 9 and {"notch", "patella"} < set(case.truth["knee"].landmarks)
    gaps = [abs(c.truth["kl"].step - int(c.attributes["kl_exact"])) for c in bound]
    assert max(gaps) == 1 and 0 < sum(gaps) < 8, "a reader who errs names a neighbour"
    assert {r.reader for r in cohort.readings} == {"surgeon 1 (simulated)", "surgeon 2 (simulated)", "surgeon 3 (simulated)", "trainee (simulated)"}
    assert len(cohort.readings) == 32
    header = pydicom.dcmread(tmp_path / "c" / "xray" / "f00001.dcm")
    assert (header.BodyPartExamined, header.ViewPosition, header.ImageLaterality) == ("KNEE", "AP", case.attributes["side"])
    assert header.ImageType[0] == "DERIVED" and header.PatientID == case.patient


def test_the_trainee_is_wrong_in_a_quarter_by_one_grade() -> None:
    from osteon.simulate.knee_cohort import READERS, _slipped

    rng = np.random.default_rng(2)
    read = np.array([_slipped(g, READERS["trainee (simulated)"], rng) - g for g in rng.integers(0, 5, 4000)])
    assert np.abs(read).max() == 1 and (read == 0).mean() == pytest.approx(0.74, abs=0.02)


def test_the_card_says_what_is_missing_and_what_the_probes_may_see() -> None:
    assert CARD.probes and CARD.bounds
    assert any("fractures" in absent for absent in CARD.absent)
    assert all(0.6 < bound <= 1 and len(reason) > 20 for _, bound, reason in CARD.bounds)
