"""Shoulder MRI: what the slices show and say, counterfactual pairs, streams, sites, metamorphic checks, references that err and do not, files."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.cohort import Cohort
from osteon.errors import DataError
from osteon.readers import read_input, read_value
from osteon.simulate.shoulder_mri import SLICES, STEP_MM, Examination, examination, pictured, shoulder_mri, shoulder_mri_series
from osteon.simulate.shoulder_mri_asking import FOV_MM, Asking, streams
from osteon.simulate.shoulder_mri_cohort import PARTS, READERS, SEEN, TEAR, _degree, read
from osteon.simulate.shoulder_mri_patient import Examined, examined, with_degree
from osteon.simulate.shoulder_mri_scene import STRUCTURES
from osteon.simulate.shoulder_mri_tendon import DEGREES, TORN, Tear, drawn, grade
from osteon.value import Mask, Picture

COARSE = 112
FLAT = Asking(neutral=True, matrix=COARSE, difficulty=0.0, degree="normal", tesla=3.0)


@cache
def plain(seed: int = 3) -> Examined:
    """A shoulder that lies straight, its tendon whole."""
    return examined(streams(seed), FLAT)


def having(tear: Tear) -> Examined:
    return replace(plain(), scene=replace(plain().scene, tear=tear))


def shown(shoulder: Examined, *places: float, asked: Asking = FLAT) -> Examination:
    return pictured(shoulder, asked, places or (3.0,), np.random.default_rng(1), np.random.default_rng(2))


def middle(made: Examination, structure: str) -> np.ndarray:
    """The middle (row, col) of a structure in the first slice."""
    here = np.argwhere(made.slices[0].structures == 1 + STRUCTURES.index(structure))
    assert len(here), structure
    return here.mean(axis=0)


def test_the_structures_lie_where_a_surgeon_looks_for_them() -> None:
    made = shown(plain(), 6.0)
    at = {name: middle(made, name) for name in ("humerus", "scapula", "acromion", "clavicle", "supraspinatus tendon", "supraspinatus", "deltoid", "labrum")}
    lateral = 1 if plain().side == "L" else -1  # columns run to the left of the patient
    assert at["acromion"][0] < at["supraspinatus tendon"][0] < at["humerus"][0], "acromion over tendon over head"
    assert lateral * (at["deltoid"][1] - at["humerus"][1]) > 0 > lateral * (at["scapula"][1] - at["humerus"][1]), "deltoid lateral, socket medial"
    assert lateral * (at["supraspinatus"][1] - at["supraspinatus tendon"][1]) < 0, "the belly lies medial of the tendon"
    whole = made.slices[0].whole
    assert 4.0 < np.median(whole[(whole > 0)]) < 7.0, "mm of a tendon"


@pytest.mark.parametrize("degree", TORN)
def test_a_tear_lies_in_the_tendon_and_a_whole_tendon_has_none(degree: str) -> None:
    tear = Tear(degree, 0.6 if degree != "full thickness" else 1.0, retraction=12.0 if degree == "full thickness" else 0.0)
    made, whole = shown(having(tear)), shown(plain())
    assert made.torn and not whole.torn and whole.depth_mm == 0.0
    rows, cols = np.nonzero(made.slices[0].tear)
    held = whole.slices[0].structures[rows, cols] == 1 + STRUCTURES.index("supraspinatus tendon")
    assert held.mean() > 0.7, "edges of a pixel apart"
    assert not shown(having(tear), -16.0).torn, "a tear before the plane makes no torn tendon in it"


def test_the_depth_is_measured_and_told_in_grades() -> None:
    deep = [shown(having(Tear("partial, articular side", share, half=(6.0, 7.0)))).depth_mm for share in (0.3, 0.55, 0.8)]
    assert deep[0] < deep[1] < deep[2]
    assert abs(deep[1] - 0.55 * 5.0) < 1.0, "about its share of five millimetres"
    assert [grade(mm) for mm in (0.0, 2.0, 3.0, 4.0, 6.5)] == [0, 1, 2, 2, 3]
    full = shown(having(Tear("full thickness", 1.0, place=9.0, retraction=14.0)))
    assert full.depth_mm > 4.0 and full.ellman == 0


def test_the_two_sides_of_the_tendon_are_told_apart() -> None:
    """Nearer to the head on the side of the joint."""
    bone = plain().scene.build.head
    for degree, near in (("partial, articular side", True), ("partial, bursal side", False)):
        made = shown(having(Tear(degree, 0.45)))
        at = np.argwhere(made.slices[0].tear) - COARSE // 2
        pixel = FOV_MM / COARSE
        x, z = at[:, 1] * pixel * plain().leftwards + plain().middle[0], plain().middle[1] - at[:, 0] * pixel
        off = float(np.median(np.hypot(x, z))) - bone
        assert (off < 2.9) is near, (degree, off)


def test_tendinosis_is_grey_and_thick_and_no_tear() -> None:
    sick, whole, torn = (shown(having(Tear(degree, 0.7, worn=worn))) for degree, worn in (("tendinosis", 0.9), ("normal", 0.1), ("partial, articular side", 0.4)))
    tendon = whole.slices[0].structures == 1 + STRUCTURES.index("supraspinatus tendon")
    assert sick.slices[0].ideal[tendon].mean() > 1.3 * whole.slices[0].ideal[tendon].mean() and not sick.torn
    assert sick.slices[0].ideal[tendon].max() < torn.slices[0].ideal[torn.slices[0].tear].max(), "fluid is brighter"
    assert sick.slices[0].whole.max() > 1.08 * whole.slices[0].whole.max()


def test_a_counterfactual_differs_in_the_tendon_alone() -> None:
    torn, whole = (examination((4, 1), degree="full thickness", instead=instead, matrix=COARSE, difficulty=0.0) for instead in ("", "normal"))
    assert torn.torn and not whole.torn and torn.attributes == whole.attributes
    for a, b in zip(torn.slices, whole.slices, strict=True):
        rows, cols = np.nonzero(np.abs(a.ideal - b.ideal) > 1e-6)
        if len(rows):
            from scipy.ndimage import binary_dilation

            cuff = np.isin(b.structures, [1 + STRUCTURES.index(n) for n in ("supraspinatus tendon", "bursa")])
            assert binary_dilation(cuff, iterations=4)[rows, cols].all()
    assert with_degree(plain(), "tendinosis", 3, 0.0).scene.build == plain().scene.build


def test_streams_do_not_meet() -> None:
    """Another degree leaves the anatomy, another difficulty leaves anatomy and place of the tear, another site all that is not physics."""
    easy, hard = (drawn("partial, bursal side", np.random.default_rng(5), d) for d in (0.0, 1.0))
    assert (easy.place, easy.ahead, easy.half) == (hard.place, hard.ahead, hard.half)
    a, b = (examined(streams(7), Asking(degree=degree)) for degree in ("normal", "full thickness"))
    assert a.scene.build == b.scene.build and a.scene.wet == b.scene.wet and a.attributes == b.attributes
    home, away = (examined(streams(7), Asking(site=site, degree="normal", tesla=1.5)) for site in ("A", "B"))
    assert home.scene.build == away.scene.build and home.scene.tear == away.scene.tear


def test_the_same_call_gives_the_same_bytes_and_a_mirrored_shoulder_the_mirrored_slice() -> None:
    first, again = (examination(9, matrix=64, degree="normal") for _ in range(2))
    assert all((a.stored == b.stored).all() for a, b in zip(first.slices, again.slices, strict=True))
    other = replace(plain(), side="R" if plain().side == "L" else "L")
    one, two = (shown(s).slices[0].structures for s in (plain(), other))
    same = one[:, 1:] == two[:, :0:-1]
    assert same.mean() > 0.97, "edges that fall between two pixels may differ"


def test_field_strength_site_and_difficulty_are_seen() -> None:
    def noise(**how: object) -> float:
        """Of the air beside the patient, over the signal."""
        made = examination(11, matrix=COARSE, degree="normal", **how).slices[0].stored.astype(float)
        return float(np.quantile(made[:6], 0.5) / np.quantile(made, 0.98))

    strong, weak = noise(tesla=3.0), noise(tesla=1.5)
    assert weak > 1.2 * strong and noise(tesla=1.5, site="B") > 1.08 * weak and noise(tesla=3.0, difficulty=1.0) > 1.2 * strong
    assert examination(11, matrix=64, site="B").attributes["thickness_mm"] > examination(11, matrix=64).attributes["thickness_mm"]


@pytest.mark.parametrize(("how", "said"), [({"site": "C"}, "site is unknown"), ({"difficulty": 1.2}, "difficulty is impossible"), ({"protocol": "T9"}, "protocol is unknown"), ({"matrix": 63}, "matrix is impossible"),
                                           ({"degree": "worn"}, "no such degree"), ({"tesla": 7.0}, "field strength is unknown")])
def test_impossible_arguments_are_refused(how: dict[str, object], said: str) -> None:
    with pytest.raises(DataError, match=said):
        Asking(**how)  # type: ignore[arg-type]


# References and readers


def looking(degree: str, depth: float) -> Examination:
    """An examination of which only the truth is asked."""
    made = shown(having(Tear(degree, depth, half=(6.0, 7.0))))
    return replace(made, degree=degree)


def test_reports_err_about_small_tears_and_mimics_and_juniors_more() -> None:
    call = {"seed": 3, "site": "A"}
    sets = {"normal": looking("normal", 0.0), "tendinosis": looking("tendinosis", 0.0), "small": looking("partial, articular side", 0.3), "full thickness": shown(having(Tear("full thickness", 1.0, retraction=14.0)))}
    wrong, juniors, seniors = {}, [], []
    for name, made in sets.items():
        said = [read(made, call, k) for k in range(300)]
        wrong[name] = np.mean([report != made.torn for report, _ in said])
        each = {who: np.mean([calls[who] != made.torn for _, calls in said]) for who in READERS}
        juniors.append(np.mean([v for who, v in each.items() if "junior" in who]))
        seniors.append(np.mean([v for who, v in each.items() if "senior" in who]))
    assert wrong["normal"] < 0.03 and wrong["full thickness"] < 0.03
    assert 0.03 < wrong["tendinosis"] < 0.35 and 0.1 < wrong["small"] < 0.5
    assert np.mean(juniors) > 1.15 * np.mean(seniors)
    assert len(READERS) == 8 and sum("radiologist" in who for who in READERS) == 4 and set(SEEN) < set(DEGREES)


def test_degrees_come_in_blocks_so_that_small_sets_hold_every_kind() -> None:
    call = {"seed": 1, "site": "A"}
    tested = [_degree(call, i, "test") for i in range(48) if PARTS[i % len(PARTS)] == "test"]
    assert set(tested[:10]) == set(DEGREES) and sorted(tested[:10]) != tested[:10]
    assert [_degree(call, i, "test") for i in range(48) if PARTS[i % len(PARTS)] == "test"] == tested


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Cohort]:
    folder = tmp_path_factory.mktemp("shoulders") / "cohort"
    return folder, shoulder_mri(folder, 12, 5, matrix=64, workers=1)


def test_files_hold_four_slices_with_their_truth(made: tuple[Path, Cohort]) -> None:
    folder, cohort = made
    table = pd.read_csv(folder / "cases.csv")
    for row in table.to_dict("records"):
        mri, tear = read_input(folder / row["mri"], "volume"), read_value(folder / row["tear_mask"])
        assert isinstance(mri, Picture) and isinstance(tear, Mask)
        assert mri.array.shape == (SLICES, 64, 64) == tear.array.shape[1:] and mri.notes["simulated"] is True
        assert mri.grid.spacing is not None and np.allclose(mri.grid.spacing, (STEP_MM, FOV_MM / 64, FOV_MM / 64), rtol=1e-4)
        assert row["tear_planted"] == ("tear" if row["slices_torn"] else "normal") and bool(tear.array.any()) >= (row["slices_torn"] > 0)
        assert (row["tear"] == row["tear_planted"]) if row["part"] == "test" else (row["tear"] == row["tear_read"])
    assert set(table["reference"]) == {"surgery", "reading of the MRI"} and set(table["tesla"]) <= {1.5, 3.0}
    readings = pd.read_csv(folder / "readings.csv")
    assert (readings.groupby("case_id")["reader"].nunique() == 8).all() and set(readings["value"]) <= set(TEAR)
    assert cohort.origin == "simulated"


def test_the_same_call_makes_the_same_files_and_another_is_refused(made: tuple[Path, Cohort], tmp_path: Path) -> None:
    folder, _ = made
    shoulder_mri(tmp_path / "again", 12, 5, matrix=64, workers=1)
    assert all((tmp_path / "again" / p.relative_to(folder)).read_bytes() == p.read_bytes() for p in folder.rglob("*") if p.is_file())
    with pytest.raises(DataError, match="another cohort"):
        shoulder_mri(folder, 12, 6, matrix=64)
    with pytest.raises(DataError, match="slices is impossible"):
        shoulder_mri_series(tmp_path / "series", 2, 1, slices=3)
    assert not (tmp_path / "series").exists()


def test_a_series_is_one_volume_from_front_to_back(tmp_path: Path) -> None:
    shoulder_mri_series(tmp_path / "s", 1, 2, matrix=48, slices=8, workers=1)
    volume = read_input(next((tmp_path / "s" / "mri").glob("*.nii.gz")), "volume")
    assert volume.array.shape == (8, 48, 48) and volume.grid.spacing is not None and abs(volume.grid.spacing[0] - 8.0) < 1e-3
