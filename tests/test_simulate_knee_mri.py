"""Knee MRI: what a slice shows and says, counterfactual pairs, streams, sites, metamorphic checks, files."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.geometry.lower_limb import lateral_sign
from osteon.simulate import film_cohort, knee_menisci, knee_mri_scene
from osteon.simulate.knee_menisci import CLASSES, Lesion
from osteon.simulate.knee_mri import CARD, SLOTS, KneeSlice, knee_mri, knee_mri_series, knee_slice, pictured
from osteon.simulate.knee_mri_asking import Asking, streams
from osteon.simulate.knee_mri_cohort import SLICES
from osteon.simulate.knee_mri_patient import Examined, _wrong, examined, with_state
from osteon.simulate.knee_mri_scene import STRUCTURES

COARSE = 96
FLAT = Asking(neutral=True, matrix=COARSE, difficulty=0.0, protocol="PDFS", state="healthy")


@cache
def plain(seed: int = 3) -> Examined:
    """A knee that lies straight, its menisci whole."""
    return examined(streams(seed, None)[0], FLAT)


def having(lesion: Lesion, side: str = "medial", knee: Examined | None = None) -> Examined:
    knee = knee or plain()
    lesions = {"medial": Lesion(), "lateral": Lesion()} | {side: lesion}
    return replace(knee, scene=replace(knee.scene, lesions=MappingProxyType(lesions), body=replace(knee.scene.body, effusion=1.0)))


def drawn(knee: Examined, at: float, asked: Asking = FLAT) -> KneeSlice:
    return pictured(knee, asked, at, np.random.default_rng(1), np.random.default_rng(2))


def area(made: KneeSlice, structure: str) -> float:
    """Square millimetres of a structure."""
    assert made.grid.spacing is not None
    return float((made.structures == 1 + STRUCTURES.index(structure)).sum() * made.grid.spacing[0] ** 2)


def test_a_slice_through_the_body_is_a_bow_tie_and_one_nearer_the_middle_two_triangles() -> None:
    w = plain().scene.knee.shape.width
    outer, inner = drawn(plain(), -34 * w), drawn(plain(), -22 * w)
    assert outer.menisci.labels == ("healthy",) and inner.menisci.labels == ("healthy", "healthy")
    (_, left, _, right), = outer.menisci.boxes
    assert (right - left) * 160 / COARSE > 30, "from the anterior to the posterior horn"
    front, back = sorted(inner.menisci.boxes, key=lambda box: box[1])
    assert front[3] < back[1], "anterior lies on the left of the picture"
    heights = (inner.menisci.boxes[:, 2] - inner.menisci.boxes[:, 0]) * 160 / COARSE
    assert (heights > 3.5).all() and (heights < 11).all()


def test_structures_lie_where_anatomy_has_them() -> None:
    made = drawn(plain(), 1.0)
    middle = {name: np.argwhere(made.structures == 1 + k).mean(axis=0) for k, name in enumerate(STRUCTURES) if area(made, name) > 12}
    assert {"femur", "tibia", "patella", "patellar tendon", "quadriceps tendon", "posterior cruciate ligament", "femoral cartilage"} <= set(middle)
    assert middle["femur"][0] < middle["tibia"][0], "the femur stands above"
    assert middle["patella"][1] < middle["femur"][1] < middle["posterior cruciate ligament"][1], "from front to back"
    assert middle["quadriceps tendon"][0] < middle["patella"][0] < middle["patellar tendon"][0]
    assert area(made, "medial meniscus") == area(made, "lateral meniscus") == 0, "no meniscus in the notch"
    assert area(made, "fibula") == 0 and area(drawn(plain(), 33.0), "fibula") > 100


def test_cartilage_is_as_thick_as_it_was_built() -> None:
    knee = plain()
    thin, thick = (drawn(replace(knee, scene=replace(knee.scene, cartilage=mm)), -22.0, replace(FLAT, matrix=256)) for mm in (1.2, 2.4))
    assert area(thick, "femoral cartilage") > 1.5 * area(thin, "femoral cartilage") > 60
    defect = replace(knee, scene=replace(knee.scene, focus=knee_mri_scene.Focus("medial", -5.0, 22.0, 6.0, 1.0, 0.0)))
    whole, holed = (drawn(k, -22.0 * knee.scene.knee.shape.width, replace(FLAT, matrix=256)) for k in (knee, defect))
    lost = area(whole, "femoral cartilage") - area(holed, "femoral cartilage")
    assert 10 < lost < 40, "a hole of 12 x 2.3 mm with slanted walls"


@pytest.mark.parametrize(("lesion", "state"), [
    (Lesion("torn", "oblique", (-80.0, 45.0), ((0.3, 0.0), (0.8, 0.55)), 0.55, 0.95), "torn"), (Lesion("torn", "horizontal", (-80.0, 45.0), ((0.0, 0.5), (0.75, 0.5)), 0.55, 0.95), "torn"),
    (Lesion("torn", "vertical", (-80.0, 45.0), ((0.65, 0.0), (0.65, 1.0)), 0.55, 0.95), "torn"), (Lesion("torn", "flap", (-80.0, 45.0), ((0.5, 0.0), (0.8, 0.5)), 0.55, 0.95), "torn"),
    (Lesion("degenerated", "", (-80.0, 45.0), ((0.4, 0.5), (0.85, 0.55)), 0.55, 0.9), "degenerated")])
def test_a_lesion_of_the_posterior_horn_is_seen_there_and_not_in_front(lesion: Lesion, state: str) -> None:
    at = -22.0 * plain().scene.knee.shape.width
    made = drawn(having(lesion), at)
    by_place = dict(zip(("front", "back"), (made.menisci.labels[k] for k in np.argsort(made.menisci.boxes[:, 1])), strict=True))
    assert by_place == {"front": "healthy", "back": state} and made.state == state
    assert made.ideal[made.classes == 1 + CLASSES.index(state)].max() > 2.5 * made.ideal[made.classes == 1].mean()
    assert drawn(having(lesion), 22.0).state == "healthy", "the other compartment"


def test_a_tear_reaches_the_surface_and_degeneration_does_not() -> None:
    """In the coordinates of the ring: the class is where the line ends, not how bright it is."""
    for k in range(60):
        rng = np.random.default_rng(k)
        for state in ("degenerated", "torn"):
            lesion = knee_menisci.drawn(state, rng, 0.5)
            ends = np.array(lesion.line)
            if state == "degenerated":
                assert (ends[:, 1] > 0.2).all() and (ends[:, 1] < 0.8).all() and (ends[:, 0] > 0.08).all()
            else:
                assert min(abs(ends[0, 1]), abs(1 - ends[0, 1]), abs(ends[0, 0])) < 0.03
    strengths = {state: [knee_menisci.drawn(state, np.random.default_rng([k, 1]), 0.5).strength for k in range(60)] for state in ("degenerated", "torn")}
    assert max(strengths["degenerated"]) > np.median(strengths["torn"]), "brightness alone tells them badly apart"


def test_a_bucket_handle_leaves_a_fragment_in_the_notch() -> None:
    torn = Lesion("torn", "bucket handle", (-40.0, 80.0), ((0.55, 0.0), (0.6, 1.0)), 0.5, 0.9)
    whole, displaced = (drawn(having(lesion), -5.0) for lesion in (Lesion(), torn))
    assert area(whole, "medial meniscus") == 0 < area(displaced, "medial meniscus")
    assert area(drawn(having(torn), -22.0), "medial meniscus") < area(drawn(having(Lesion()), -22.0), "medial meniscus"), "its free edge is gone"


def test_a_counterfactual_pair_is_the_same_outside_the_lesion() -> None:
    """Same streams, another class: the painted slice is the same to the last bit outside the meniscus, the measured one nearly so."""
    asked = Asking(matrix=128, state="torn", difficulty=0.3)
    knee = examined(streams((5, 2), None)[0], asked)
    side = next(s for s, lesion in knee.scene.lesions.items() if lesion.state == "torn")
    at = {"medial": -23.0, "lateral": 22.0}[side] * knee.scene.knee.shape.width
    healed = with_state(knee, "healthy", np.random.default_rng(0), 0.3)
    one, other = (pictured(k, asked, at, np.random.default_rng(1), np.random.default_rng(2)) for k in (knee, healed))
    apart = one.ideal != other.ideal
    change = np.abs(one.ideal - other.ideal)
    assert change[(one.classes > 0) | (other.classes > 0)].sum() > 0.8 * change.sum() > 0
    from scipy.ndimage import binary_dilation

    assert not (apart & ~binary_dilation((one.classes > 0) | (other.classes > 0), iterations=2)).any()
    gap = np.abs(one.stored.astype(int) - other.stored.astype(int))
    assert gap[~binary_dilation(apart, iterations=6)].max() < 0.1 * gap[apart].max()
    assert {k: v for k, v in one.attributes.items() if "meniscus" not in k} == {k: v for k, v in other.attributes.items() if "meniscus" not in k}


def test_the_class_asked_for_leaves_everything_else_of_the_patient() -> None:
    for seed in range(6):
        well, ill = (examined(streams(seed, None)[0], Asking(state=state)) for state in ("healthy", "torn"))
        assert well.side == ill.side and well.scene.focus == ill.scene.focus and well.scene.body == ill.scene.body and well.scene.torn_acl == ill.scene.torn_acl
        assert np.array_equal(well.middle, ill.middle) and well.scene.cartilage == ill.scene.cartilage
        assert {k: well.attributes[k] for k in ("age", "sex", "bmi")} == {k: ill.attributes[k] for k in ("age", "sex", "bmi")}


def test_slices_of_a_patient_share_the_knee_and_not_the_noise() -> None:
    one, same, other = (knee_slice((9, k), patient=(9, 0), slot=1, matrix=COARSE) for k in (0, 0, 1))
    assert one.stored.tobytes() == same.stored.tobytes() and np.array_equal(one.classes, same.classes)
    assert one.attributes["age"] == other.attributes["age"] and one.stored.tobytes() != other.stored.tobytes()
    places = {slot: knee_slice((9, 5), patient=(9, 0), slot=slot, matrix=48).attributes["at_mm"] for slot in range(4)}
    w = examined(streams((9, 0), None)[0], Asking()).scene.knee.shape.width
    assert all(SLOTS[slot][0] * w - 0.1 <= at <= SLOTS[slot][1] * w + 0.1 for slot, at in places.items())


def test_the_mirror_image_of_a_knee_is_the_same_slice() -> None:
    from osteon.simulate.knee_mri_scene import anatomy
    from osteon.simulate.knee_pose import Posture, place_knee

    knee, out = plain(), {}
    for side in ("R", "L"):
        placed = place_knee(knee.scene.knee.shape, knee.scene.knee.wear, Posture(3.0, 6.0, 2.5), side, np.zeros(3))
        scene = anatomy(placed, knee.scene.body, knee.scene.lesions)
        out[side] = drawn(Examined(scene, side, np.array([0.0, -9.0, 4.0]), {}), -24.0)
    assert np.abs(out["R"].ideal - out["L"].ideal).max() < 0.02
    assert (out["R"].structures != out["L"].structures).mean() < 0.002
    first = [out[side].grid.origin[0] for side in ("R", "L")]  # type: ignore[index]
    assert first[0] == pytest.approx(-first[1]) and lateral_sign("L") * first[1] < 0, "medial of a left knee lies towards the right"


def test_a_finer_matrix_shows_the_same_areas() -> None:
    coarse, fine = (drawn(plain(), -23.0, replace(FLAT, matrix=n)) for n in (128, 256))
    for name in ("femur", "tibia", "femoral cartilage", "medial meniscus"):
        assert area(coarse, name) == pytest.approx(area(fine, name), rel=0.12), name
    assert fine.stored.shape == (256, 256) and fine.stored.dtype == np.uint16


def test_landmarks_lie_on_their_structures() -> None:
    made = drawn(plain(), 1.5, replace(FLAT, matrix=160, protocol="PD"))
    assert {"apex of the patella", "roof of the notch"} <= set(made.landmarks)
    row, col = (round(float(v)) for v in made.landmarks["apex of the patella"])
    assert 1 + STRUCTURES.index("patella") in made.structures[row - 8: row + 2, col - 4: col + 5]
    assert "medial condyle" not in made.landmarks, "it lies beside the slice"


def test_site_b_is_another_scanner_and_the_same_knee() -> None:
    home, away = (knee_slice((4, 4), slot=1, site=site, matrix=128, difficulty=0.3, neutral=True, state="torn", protocol="PD") for site in "AB")
    assert home.attributes["tesla"] == 3.0 and away.attributes["tesla"] == 1.5 and away.attributes["thickness_mm"] > home.attributes["thickness_mm"]
    assert (home.structures == away.structures).mean() > 0.97
    assert home.stored.mean() > 1.2 * away.stored.mean()
    rough = [np.abs(np.diff(s.stored.astype(float) / s.stored.mean(), axis=0))[40:90, 40:90].mean() for s in (home, away)]
    assert rough[1] < rough[0], "a lower resolution"


def test_difficulty_is_noise_and_fainter_lines() -> None:
    quiet, loud = (knee_slice((2, 1), slot=1, matrix=COARSE, difficulty=d, state="torn") for d in (0.0, 1.0))
    air = [s.stored[-8:, :6].astype(float) for s in (quiet, loud)]
    assert loud.attributes["age"] == quiet.attributes["age"] and air[1].mean() > 2 * air[0].mean()
    strengths = [np.mean([knee_menisci.drawn("torn", np.random.default_rng(k), d).strength for k in range(40)]) for d in (0.0, 1.0)]
    assert strengths[0] == 1.0 > strengths[1] + 0.1


def test_a_confounded_cohort_tells_a_torn_knee_by_its_gain() -> None:
    def levels(state: str, confounded: bool) -> np.ndarray:
        return np.array([knee_slice((21, k), slot=1, matrix=48, state=state, confounded=confounded).stored.mean() for k in range(3)])

    assert (levels("torn", True) / levels("healthy", True)).min() > 1.25
    assert np.abs(levels("torn", False) / levels("healthy", False) - 1).max() < 0.05


def test_every_class_and_kind_is_drawn_and_the_line_ends_at_every_depth() -> None:
    knees = [_wrong(*streams((1, k), None)[0][1:], Asking())[0] for k in range(400)]
    counts = [np.mean([max(CLASSES.index(lesion.state) for lesion in lesions.values()) == k for lesions in knees]) for k in range(len(CLASSES))]
    assert counts == pytest.approx([0.40, 0.28, 0.32], abs=0.07)
    assert {lesion.kind for lesions in knees for lesion in lesions.values()} == {"", *knee_menisci.KINDS}
    assert np.mean([lesions["medial"].state == "torn" for lesions in knees]) > 1.5 * np.mean([lesions["lateral"].state == "torn" for lesions in knees])
    ends = np.array([knee_menisci.drawn("degenerated", np.random.default_rng(k), 0.5).line[1][0] for k in range(300)])
    assert ends.std() > 0.05 and np.histogram(ends, 5)[0].min() > 8, "continuous, near the surface too"


@pytest.mark.parametrize("call", [{"site": "C"}, {"difficulty": 1.5}, {"matrix": 31}, {"matrix": 33}, {"protocol": "FLAIR"}])
def test_bad_calls_are_refused_before_a_file_is_written(call: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        knee_slice(1, **call)
    for make in (knee_mri, knee_mri_series):
        with pytest.raises(DataError):
            make(tmp_path / "new", 2, 0, **call)  # type: ignore[operator]
    assert not (tmp_path / "new").exists()


def test_impossible_arguments_are_refused(tmp_path: Path) -> None:
    for how in ({"plane": "axial"}, {"state": "worn"}):
        with pytest.raises(DataError):
            Asking(**how)  # type: ignore[arg-type]
    with pytest.raises(DataError):
        knee_mri(tmp_path / "new", 2, 0, reader_error=1.0)
    with pytest.raises(DataError):
        knee_mri_series(tmp_path / "new", 2, 0, slices=1)
    assert not (tmp_path / "new").exists()


def test_a_cohort_is_the_same_in_whatever_order_it_is_made_and_four_slices_are_one_patient(tmp_path: Path) -> None:
    from osteon.targets import Classes, Masks, Objects

    plain_ = knee_mri(tmp_path / "one", 5, 6, matrix=48, workers=1)
    call = {"cases": 5, "seed": 6, "site": "A", "difficulty": 0.5, "protocol": "PDFS", "matrix": 48, "reader_error": 0.0, "confounded": False}
    film_cohort.begin(SLICES, tmp_path / "two", call)
    for k in (4, 1):  # another order, broken off
        film_cohort.make_case(SLICES, tmp_path / "two", call, k)
    knee_mri(tmp_path / "two", 5, 6, matrix=48, workers=1)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert len(files) == 5 * 4 + 3
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    assert plain_.origin == "simulated" and plain_.notes["sentence"] == CARD.sentence(5, 6)
    assert [plain_.column("patient").tolist().count(p) for p in dict.fromkeys(plain_.column("patient"))] == [4, 1]
    assert len(plain_.readings) == 15 and plain_.notes["ceilings"] == {"meniscus": {"torn": {"exact": 1.0}}}
    from osteon.readers.inputs import Input

    bound = plain_.conform({"mri": Input("picture", "sagittal knee", modality="MRI", spacing=True)},
                           {"menisci": Objects(CLASSES), "meniscus_mask": Masks(CLASSES), "structures": Masks(STRUCTURES), "meniscus": Classes(CLASSES, positive=("torn",))})
    case = bound.cases[0]
    assert case.inputs["mri"].grid.shape == (48, 48) and case.inputs["mri"].grid.direction is not None
    assert case.inputs["mri"].notes["simulated"] is True and case.inputs["mri"].notes["modality"] == "MR"
    assert set(case.truth["menisci"].labels) <= set(CLASSES) and case.truth["structures"].of("femur").any()


def test_a_series_is_one_volume_in_the_axes_of_the_patient(tmp_path: Path) -> None:
    from osteon.readers import read_input, read_value

    cohort = knee_mri_series(tmp_path / "s", 1, 3, matrix=48, slices=5, workers=1)
    volume = read_input(tmp_path / "s" / "mri" / "f00001.nii.gz", "volume")
    assert volume.notes["simulated"] is True and volume.grid.shape == (5, 48, 48) and volume.grid.spacing == pytest.approx((19.0, 160 / 48, 160 / 48))
    assert np.allclose(np.reshape(volume.grid.direction, (3, 3)), [[1, 0, 0], [0, 0, -1], [0, 1, 0]]), "slices to the left, rows down, columns backwards"
    mask = read_value(tmp_path / "s" / "truth" / "f00001_structures.nii.gz")
    assert mask.of("femur").any(axis=(1, 2)).sum() >= 3 and len(cohort) == 1  # type: ignore[union-attr]
    assert cohort.column("meniscus")[0] in CLASSES


def test_the_reference_may_err_and_readers_do() -> None:
    from osteon.simulate.knee_mri_cohort import READERS, _slipped

    rng = np.random.default_rng(2)
    read = [_slipped(state, READERS["trainee (simulated)"], rng) for state in CLASSES * 1000]
    gaps = np.array([CLASSES.index(a) - CLASSES.index(b) for a, b in zip(read, CLASSES * 1000, strict=True)])
    assert np.abs(gaps).max() == 1 and (gaps == 0).mean() == pytest.approx(0.78, abs=0.02)


def test_a_volume_of_labels_holds_the_knee() -> None:
    from osteon.simulate.knee_volume import TISSUES, knee_volume

    mask = knee_volume(plain(), points=40)
    assert mask.names == TISSUES and mask.array.sum(axis=0).max() == 1
    share = {name: float(mask.of(name).mean()) for name in TISSUES}
    assert share["fat"] > share["marrow"] > share["cortex"] > share["tendon"] > 0 and 0.3 < sum(share.values()) < 0.8
    with pytest.raises(DataError):
        knee_volume(plain(), points=4)


def test_the_card_says_what_is_missing_and_what_the_probes_found() -> None:
    assert CARD.probes and any("reader error" in absent for absent in CARD.absent)
    assert any("not re-read" in source for source in CARD.sources), "what was quoted from memory says so"


def test_the_sheet_has_eight_slices_two_sites_one_confounded_and_ten_structures() -> None:
    from osteon.simulate.contact import sheet_of

    sheet = sheet_of("knee_mri")
    captions = [panel.caption for panel in sheet.panels]
    assert len(captions) == 8 and sum("site A" in c for c in captions) >= 2 and sum("site B" in c for c in captions) >= 2 and sum("confounded" in c for c in captions) == 1
    assert all(panel.lines and len(panel.boxes) for panel in sheet.panels) and {"healthy", "degenerated", "torn"} <= {word for c in captions for word in c.replace(",", "").split()}
    rows, cols = sheet.pointed.film.shape
    assert len(sheet.pointed.points) >= 10 and all(0 < r < rows and 0 < c < cols for r, c in sheet.pointed.points.values())
