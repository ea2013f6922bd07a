"""Standing-leg films: truth on the projection, determinism, geometry of the beam, files."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from osteon.cohort import Cohort
from osteon.errors import DataError
from osteon.geometry.lower_limb import FILM_UNITS, LANDMARKS, measure_both
from osteon.geometry.lower_limb_masks import landmarks_from_masks
from osteon.simulate.frustum import Frustum
from osteon.simulate.lower_limb_bones import LegAngles, LegShape
from osteon.simulate.lower_limb_pose import Stance, landmarks, place_leg
from osteon.simulate.standing_legs import BALL_MM, CARD, StandingFilm, standing_film, standing_legs

COARSE = 4.0
ANGLES = ("HKA", "mLDFA", "MPTA", "JLCA")


def _boxes(film: StandingFilm) -> dict[str, np.ndarray]:
    return {joint: np.array([b for (j, _), b in film.boxes.items() if j == joint]).reshape(-1, 4) for joint in ("hip", "knee", "ankle")}


@pytest.fixture(scope="module")
def neutral() -> list[StandingFilm]:
    return [standing_film((5, i), pixel_mm=COARSE, neutral=True, difficulty=0.2 * i) for i in range(6)]


def test_projected_and_design_agree_without_rotation_and_flexion(neutral: list[StandingFilm]) -> None:
    for film in neutral:
        for key in (f"{name}.{side}" for name in ANGLES for side in "RL"):
            assert abs(film.projected[key] - film.design[key]) <= 0.2, key


def test_a_landmark_one_millimetre_off_is_caught_by_the_outlines() -> None:
    film = standing_film((31, 2), pixel_mm=1.0)
    found = landmarks_from_masks(*film.masks, _boxes(film), film.spacing)

    def gap(truth: np.ndarray, side: str, name: str) -> float:
        return float(np.hypot(*(found[side][name] - truth)))

    for side in "RL":
        for name in ("hip", "knee", "ankle"):
            assert gap(film.landmarks[side][name], side, name) < 0.5
            for off in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                assert gap(film.landmarks[side][name] + off, side, name) > 0.5


def test_the_same_call_gives_the_same_bytes_and_another_seed_does_not() -> None:
    one, same, other = (standing_film((9, i), pixel_mm=COARSE, site="B") for i in (1, 1, 2))
    assert one.stored.tobytes() == same.stored.tobytes()
    assert one.masks.tobytes() == same.masks.tobytes()
    assert one.projected == same.projected or str(one.projected) == str(same.projected)
    assert one.stored.tobytes() != other.stored.tobytes()


def test_streams_are_separate() -> None:
    home, away = (standing_film((4, 4), pixel_mm=COARSE, site=site, neutral=True) for site in "AB")
    assert home.design == away.design, "site and physics leave anatomy and label as they are"
    assert (home.masks == away.masks).all()
    assert not np.array_equal(home.stored, away.stored)
    easy, hard = (standing_film((4, 4), pixel_mm=COARSE, neutral=True, angles={"mLDFA": 87.0, "MPTA": m, "JLCA": 1.0}) for m in (88.0, 80.0))
    assert easy.attributes["age"] == hard.attributes["age"]
    assert hard.design["HKA.R"] == easy.design["HKA.R"] - 8


def test_the_mirror_image_of_a_leg_measures_the_same() -> None:
    shape = LegShape(LegAngles(mldfa=88.0, mpta=84.0, torsion=18.0))
    frustum = Frustum((512, 216), 2.0, (-215.0, 90.0), (0.0, 2900.0, -430.0), 0.0, -150.0)
    stance = Stance(jlca=3.0, rotation=6.0, flexion=8.0)
    right, left = (landmarks(frustum, place_leg(shape, stance, side, np.array([x, 0.0, 0.0]))) for side, x in (("R", -88.0), ("L", 88.0)))
    for name in LANDMARKS:
        assert np.allclose(right[name], (left[name][0], 215 - left[name][1]), atol=0.02), name
    both = measure_both({"R": right, "L": left}, (2.0, 2.0))
    assert all(both[f"{k}.R"] == pytest.approx(both[f"{k}.L"], abs=0.02) for k in ANGLES)


def test_rotation_and_flexion_change_the_projection() -> None:
    shape = LegShape(LegAngles(mldfa=88.0, mpta=82.0))
    frustum = Frustum((512, 216), 2.0, (-215.0, 90.0), (0.0, 2900.0, -430.0), 0.0, -150.0)

    def hka(rotation: float, flexion: float) -> float:
        points = landmarks(frustum, place_leg(shape, Stance(rotation=rotation, flexion=flexion), "L", np.array([88.0, 0.0, 0.0])))
        return measure_both({"L": points}, (2.0, 2.0))["HKA.L"]

    assert abs(hka(10, 15) - hka(0, 0)) > 1.0
    assert abs(hka(10, 15) - hka(-10, 15)) > 2.0


@pytest.mark.parametrize("site", ["A", "B"])
def test_the_ball_shows_the_magnification_of_its_plane(site: str) -> None:
    from osteon.simulate.standing_legs import FIELD_MM

    film = standing_film((2, 7), pixel_mm=1.0, site=site, neutral=True)
    assert film.stored.shape == tuple(int(v) for v in FIELD_MM)
    assert film.stored.dtype == np.uint16
    row, col, shown = film.ball
    assert 0.97 * BALL_MM < shown < 1.05 * BALL_MM
    patch = film.stored[int(row) - 22:int(row) + 23, int(col) - 22:int(col) + 23].astype(float)
    level = 0.5 * (patch[20:25, 20:25].mean() + np.quantile(patch, 0.05))
    area = (patch > level).sum()
    assert 2 * math.sqrt(area / math.pi) == pytest.approx(shown, abs=0.8)
    assert film.detector_spacing[0] == pytest.approx(film.attributes["magnification"])
    assert 1.03 < film.detector_spacing[0] < 1.12


def test_masks_recover_the_truth_at_one_millimetre() -> None:
    errors: dict[str, list[float]] = {name: [] for name in ANGLES}
    for i in range(5):
        film = standing_film((31, i), pixel_mm=1.0, site="AB"[i % 2])
        found = measure_both(landmarks_from_masks(*film.masks, _boxes(film), film.spacing), film.spacing)
        for name in ANGLES:
            errors[name] += [abs(found[f"{name}.{side}"] - film.projected[f"{name}.{side}"]) for side in "RL" if math.isfinite(film.projected[f"{name}.{side}"])]
    assert min(len(v) for v in errors.values()) >= 8
    assert np.mean(errors["HKA"]) < 0.15
    assert max(errors["HKA"]) < 0.5
    assert np.mean(errors["mLDFA"]) < 0.4
    assert np.mean(errors["MPTA"]) < 0.4
    assert np.mean(errors["JLCA"]) < 0.5


def test_the_population_is_wide_and_obeys_the_identity() -> None:
    films = [standing_film((77, i), pixel_mm=8.0, difficulty=1.0) for i in range(40)]
    hka = np.array([f.projected[f"HKA.{s}"] for f in films for s in "RL"])
    assert np.nanmin(hka) < 170
    assert np.nanmax(hka) > 188
    assert 174 < np.nanmedian(hka) < 182
    for film in films:
        for side in "RL":
            p = film.projected
            assert p[f"HKA.{side}"] - 180 == pytest.approx(p[f"MPTA.{side}"] - p[f"mLDFA.{side}"] - p[f"JLCA.{side}"], abs=1e-9)
        assert np.hypot(*(film.landmarks["R"]["knee"] - film.landmarks["L"]["knee"])) * 8 > 70, "knees do not stand in each other"


def test_a_confounded_film_differs_in_its_print_alone_and_only_where_the_finding_is() -> None:
    changed, varus = [], []
    for k in range(8, 18):
        clean, planted = (standing_film((3, k), pixel_mm=8.0, confounded=flag) for flag in (False, True))
        changed.append(not np.array_equal(clean.stored, planted.stored))
        varus.append(min(clean.design[f"HKA.{side}"] for side in "RL") < 177)
        assert clean.projected == pytest.approx(planted.projected, nan_ok=True)
        assert np.array_equal(clean.masks, planted.masks)
    assert changed == varus
    assert 2 < sum(varus) < 10


def test_a_leg_cut_off_has_no_truth_where_it_is_not_seen() -> None:
    film = next(f for f in (standing_film((13, i), pixel_mm=8.0, site="B") for i in range(60)) if f.attributes["cropped"])
    short = min(film.landmarks, key=lambda side: len(film.landmarks[side]))
    assert math.isnan(film.projected[f"HKA.{short}"])
    assert math.isnan(film.projected["femur_difference"] + film.projected["tibia_difference"])
    assert math.isfinite(film.design[f"HKA.{short}"]), "what was built is known, what is not seen is not truth"
    for box in film.boxes.values():
        assert 0 <= box[0] < box[2] <= film.stored.shape[0] - 1
        assert 0 <= box[1] < box[3] <= film.stored.shape[1] - 1


def test_boxes_hold_what_the_measurement_needs(neutral: list[StandingFilm]) -> None:
    for film in neutral:
        for (joint, side), box in film.boxes.items():
            for name in {"hip": ("hip",), "knee": ("condyle_medial", "plateau_medial", "plateau_lateral"), "ankle": ("plafond_medial", "plafond_lateral")}[joint]:
                point = film.landmarks[side][name]
                assert box[0] < point[0] < box[2]
                assert box[1] < point[1] < box[3]
        assert len(film.boxes) == 6


def test_bad_calls_are_refused_before_a_file_is_written(tmp_path: Path) -> None:
    for call in ({"site": "C"}, {"difficulty": 1.5}, {"pixel_mm": 0.0}):
        with pytest.raises(DataError):
            standing_film(1, **call)  # type: ignore[arg-type]
        with pytest.raises(DataError):
            standing_legs(tmp_path / "new", 2, 0, **call)  # type: ignore[arg-type]
    with pytest.raises(DataError):
        standing_legs(tmp_path / "new", 0, 0)
    assert not (tmp_path / "new").exists()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    with pytest.raises(DataError):
        standing_legs(tmp_path / "mine", 2, 0)
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_cohort_is_the_same_however_it_is_made(tmp_path: Path) -> None:
    plain = standing_legs(tmp_path / "one", 10, 6, pixel_mm=8.0, workers=1)
    shared = standing_legs(tmp_path / "two", 10, 6, pixel_mm=8.0, workers=2)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert len(files) == 10 * 3 + 2
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    assert isinstance(plain, Cohort)
    assert plain.origin == "simulated"
    assert shared.ids() == plain.ids()
    assert CARD.sentence(10, 6) == plain.notes["sentence"]
    again = standing_legs(tmp_path / "one", 10, 6, pixel_mm=8.0)
    assert again.ids() == plain.ids()
    with pytest.raises(DataError):
        standing_legs(tmp_path / "one", 11, 6, pixel_mm=8.0)


def test_an_interrupted_cohort_goes_on(tmp_path: Path) -> None:
    from osteon.simulate import standing_cohort as cohort

    call = {"cases": 4, "seed": 8, "site": "B", "difficulty": 0.5, "pixel_mm": 8.0, "confounded": False}
    home = tmp_path / "part"
    cohort._begin(home, home / ".rows", call)
    cohort.make_case(home, call, 1)
    first = (home / "xray" / "f00002.dcm").stat().st_mtime_ns
    made = standing_legs(home, 4, 8, site="B", pixel_mm=8.0)
    assert len(made) == 4
    assert (home / "xray" / "f00002.dcm").stat().st_mtime_ns == first
    assert not (home / ".rows").exists()
    with pytest.raises(DataError):
        standing_legs(home, 4, 9, site="B", pixel_mm=8.0)


def test_the_files_say_what_they_are(tmp_path: Path) -> None:
    import pydicom

    from osteon.geometry.lower_limb import BOTH_LEGS, LOWER_LIMB_UNITS
    from osteon.readers.inputs import Radiograph
    from osteon.targets import Masks, Measures, Objects

    made = standing_legs(tmp_path / "c", 2, 1, pixel_mm=4.0)
    targets = {"joints": Objects(("hip", "knee", "ankle")), "bones": Masks(("femur", "tibia", "talus")),
               "alignment": Measures(LOWER_LIMB_UNITS, "HKA", per=("R", "L"), once=BOTH_LEGS)}
    case = made.conform({"xray": Radiograph("standing", spacing=True)}, targets).cases[0]
    film = standing_film(np.random.SeedSequence([1, ord("A"), 0]), pixel_mm=4.0)
    assert np.array_equal(case.inputs["xray"].array, film.stored)
    assert case.inputs["xray"].grid.spacing == (4.0, 4.0)
    assert np.array_equal(case.truth["bones"].array, film.masks)
    assert case.truth["joints"].labels.count("knee") == 2
    assert set(case.truth["alignment"].values) == set(FILM_UNITS)
    assert case.truth["alignment"].values["HKA.L"] == pytest.approx(film.projected["HKA.L"], abs=1e-4)
    header = pydicom.dcmread(tmp_path / "c" / "xray" / "f00001.dcm")
    assert "SIMULATED" in str(header.PatientName).upper() or "PHANTOM" in str(header.PatientName).upper()
    assert header.ImageType[0] == "DERIVED"
