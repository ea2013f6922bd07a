"""MRI of bone lesions: the truth is on the pixels, what is drawn never knows the histology, the risk is the one that was planted."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.readers.inputs import Outline, Record, Slice
from osteon.simulate import film_cohort
from osteon.simulate.bone_lesion import CARD, BoneLesion, bone_lesion, bone_lesions, drawn, examination, outlined
from osteon.simulate.bone_lesion_asking import SCANNERS, SHARES, SITES, Asking, streams
from osteon.simulate.bone_lesion_cohort import LESIONS, ceilings
from osteon.simulate.bone_lesion_look import NOISES, PERIOSTEUM, Look, look_of
from osteon.simulate.bone_lesion_patient import BONES, HISTOLOGY, MATRICES, SEGMENTS, Patient, areas, believed, draw, error, known_of, patient_of
from osteon.simulate.bone_lesion_site import place_of
from osteon.targets import Classes
from osteon.value import Grid

QUIET = Patient(20.0, True, ("femur", "metaphysis"), "cellular", -1.5, -1.5, 0.05, False)
LOUD = replace(QUIET, shown=1.4)
PIXELS = Grid((256, 256), (180 / 256, 180 / 256))


@lru_cache(maxsize=64)
def case(seed: int, **how: object) -> BoneLesion:
    return bone_lesion((5, seed), ask=Asking(**how))  # type: ignore[arg-type]


def changed(look: Look, **changes: object) -> Look:
    """A look with some features changed, in whichever part they stand."""
    parts = {part: {k: v for k, v in changes.items() if hasattr(getattr(look, part), k)} for part in ("border", "growth", "signal")}
    own = {k: v for k, v in changes.items() if hasattr(look, k)}
    return replace(look, **own, **{part: replace(getattr(look, part), **some) for part, some in parts.items()})  # type: ignore[arg-type]


def plane(patient: Patient, seed: int = 3, **changes: object):  # type: ignore[no-untyped-def]
    """The plane through the lesion of a patient with an average look."""
    look = changed(look_of(patient, np.zeros(NOISES)), **changes)
    rng = streams((8, seed))
    return drawn(look, place_of(patient, look, rng.build), rng, 4.0)


def area(made) -> float:  # type: ignore[no-untyped-def]
    return float(outlined(made.lesion, PIXELS).array.sum()) * (180 / 256) ** 2


def test_the_same_call_gives_the_same_bytes_and_another_seed_another_case() -> None:
    one, again, other = bone_lesion((5, 1)), bone_lesion((5, 1)), case(2)
    assert one.attributes == again.attributes and set(one.sequences) == set(again.sequences)
    for name, made in one.sequences.items():
        assert made.stored.tobytes() == again.sequences[name].stored.tobytes() and made.stored.dtype == np.uint16
    assert np.array_equal(one.outline.array, again.outline.array)
    assert one.patient != other.patient


def test_the_mask_is_the_lesion_that_was_built() -> None:
    """An ellipse without lobules has its area; a mass adds to it, a bone limits it."""
    from dataclasses import fields

    smooth = plane(QUIET, irregular=0.0, breach=0.0, mass=0.0, across=0.5, along=1.5, eccentric=0.0)
    across, along = smooth.lesion.size
    flat = replace(smooth.lesion, look=replace(smooth.lesion.look), here=replace(smooth.lesion.here, fields={k: 0 * v for k, v in smooth.lesion.here.fields.items()}))
    assert {f.name for f in fields(flat)} == {"here", "look", "half", "deep", "out"}
    assert float(outlined(flat, PIXELS).array.sum()) * (180 / 256) ** 2 == pytest.approx(np.pi * across * along, rel=0.04)
    grown = plane(LOUD, mass=25.0, breach=9.0)
    assert area(grown) > area(plane(LOUD, mass=0.0, breach=0.0)) + 300
    outside = (grown.lesion.whole < 0) & (grown.lesion.here.bone > 1)
    assert outside.any() and (grown.lesion.here.clear[outside] > 0).all(), "a mass stays below the fascia and clear of other bones"


def test_a_finer_grid_shows_the_same_area() -> None:
    made = plane(LOUD)
    sizes = [float(outlined(made.lesion, Grid((n, n), (180 / n, 180 / n))).array.sum()) * (180 / n) ** 2 for n in (160, 320)]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.03)


@pytest.mark.parametrize("bone", BONES)
def test_the_lesion_lies_in_the_middle_of_the_field_and_both_sequences_show_the_same_place(bone: str) -> None:
    made = next(m for k in range(20) if len((m := case(k, bone=bone)).sequences) == 2)
    t1, t2 = (made.sequences[name].grid for name in ("t1", "t2"))
    assert t1.spacing != t2.spacing and t1.direction == t2.direction and made.outline.grid == t2
    centre = [np.array(g.origin) + (g.in_mm(np.array(g.shape) // 2) @ np.reshape(g.direction, (2, 3))) for g in (t1, t2)]  # type: ignore[arg-type]
    assert centre[0] == pytest.approx(centre[1], abs=1e-6), "the pixel in the middle is the same place"
    middle = np.argwhere(made.outline.array[0]).mean(axis=0) / t2.shape
    assert np.abs(middle - 0.5).max() < 0.2 and made.area > 20
    inside, outside = made.outline.array[0], ~made.outline.array[0]
    assert made.sequences["t2"].stored[inside].mean() > made.sequences["t2"].stored[outside].mean(), "bright beside suppressed fat"


def test_a_counterfactual_lesion_changes_only_what_it_reaches() -> None:
    """Same streams, another aggressiveness on show: the rest of the plane is the same to the last bit."""
    quiet, loud = (plane(QUIET, mass=0.0, breach=0.0, eccentric=0.2, periosteum="none", around=0.0, oedema=0.0, rim=0.0, irregular=k) for k in (0.1, 0.9))
    from osteon.simulate.bone_lesion_layers import LESION_PALETTE
    from osteon.simulate.mri_paint import paint

    painted = [paint(p.layers, (448, 448), SCANNERS["A1"].t1, p.grain, LESION_PALETTE).sum(axis=0) for p in (quiet, loud)]
    apart = painted[0] != painted[1]
    rows, cols = quiet.lesion.here.window
    reached = np.zeros_like(apart)
    reached[rows, cols] = np.minimum(quiet.lesion.whole, loud.lesion.whole) < 4.5  # the zone of transition reaches half of its width beyond the outline
    assert apart.any() and not (apart & ~reached).any()


def test_what_is_drawn_never_depends_on_the_histology_and_the_rest_of_the_patient_stays() -> None:
    one, other = bone_lesion((5, 4)), bone_lesion((5, 4), shown=2.0)
    assert other.patient == replace(one.patient, shown=2.0) and dict(one.attributes) == dict(other.attributes)
    patient = patient_of(streams((5, 4)), Asking())
    noises = np.random.default_rng(0).normal(size=NOISES)
    assert look_of(patient, noises) == look_of(replace(patient, malignant=not patient.malignant, risk=0.5, aggressive=0.0), noises)


def test_every_feature_follows_the_aggressiveness_and_none_of_them_tells_it_alone() -> None:
    from osteon.stats.roc import auc

    rngs = [np.random.default_rng([9, k]) for k in range(4)]
    table = draw(*rngs[:3], 1500, Asking())
    from osteon.simulate.bone_lesion_patient import drawn_patient

    looks = [look_of(drawn_patient(table, k), rngs[3].normal(size=NOISES)) for k in range(1500)]
    rising = {name: np.array([getattr(getattr(look, part), name) for look in looks], float) for part, names in
              (("border", ("irregular", "blurred")), ("growth", ("breach", "mass")), ("signal", ("oedema", "around", "uneven"))) for name in names}
    rising["rim"] = -np.array([look.border.rim for look in looks])
    told = {name: auc(table["malignant"], x) for name, x in rising.items()}
    assert min(told.values()) > 0.6 and max(told.values()) < 0.87, told
    assert {look.growth.periosteum for look in looks} == set(PERIOSTEUM) and {look.signal.matrix for look in looks} == set(MATRICES)
    assert {(BONES[b], SEGMENTS[s]) for b, s in zip(table["bone"], table["segment"], strict=True)} >= {("lumbar spine", "vertebral body"), ("femur", "epiphysis"), ("fibula", "diaphysis")}


def test_the_risk_is_planted_and_its_ceilings_stand_in_order() -> None:
    found = areas(Asking(), count=20_000)
    assert found["risk"] > found["picture and record"] > found["record"] + 0.1 and 0.6 < found["record"] < 0.75
    assert ceilings({"site": "A", "difficulty": 0.5})["malignancy"]["malignant"]["auc"] == pytest.approx(found["picture and record"], abs=0.01)
    easy, hard = (areas(Asking(difficulty=d), count=20_000)["picture and record"] for d in (0.0, 1.0))
    assert easy > hard + 0.03 and error(1.0) > error(0.0)
    drawn_ = draw(*(np.random.default_rng([3, k]) for k in range(3)), 20_000, Asking())
    assert drawn_["malignant"].mean() == pytest.approx(0.47, abs=0.03)
    for column in (drawn_["risk"], believed(drawn_, 0.5)):  # a probability is what it says
        bins = np.digitize(column, [0.2, 0.4, 0.6, 0.8])
        for b in range(5):
            assert drawn_["malignant"][bins == b].mean() == pytest.approx(column[bins == b].mean(), abs=0.03)


def test_age_place_and_matrix_are_clinical_knowledge() -> None:
    old, young = (known_of(replace(QUIET, age=age)) for age in (70.0, 25.0))
    assert old > young + 1
    assert known_of(replace(QUIET, place=("lumbar spine", "vertebral body"))) > known_of(QUIET) > known_of(replace(QUIET, place=("femur", "epiphysis")))
    assert known_of(replace(QUIET, matrix="osteoid")) > known_of(replace(QUIET, matrix="fibrous"))
    names = {name for benign, malignant in HISTOLOGY.values() for name in (*benign, *malignant)}
    assert replace(QUIET, malignant=True).histology in names and QUIET.histology != replace(QUIET, malignant=True).histology


def test_difficulty_hides_the_aggressiveness_and_adds_noise() -> None:
    table = [draw(*(np.random.default_rng([6, k]) for k in range(3)), 4000, Asking(difficulty=d)) for d in (0.0, 1.0)]
    told = [np.corrcoef(t["aggressive"], t["shown"])[0, 1] for t in table]
    assert told[0] > 0.97 > 0.9 > told[1] and np.array_equal(table[0]["malignant"], table[1]["malignant"])
    quiet, loud = (case(7, institution="A1", difficulty=d, bone="fibula") for d in (0.0, 1.0))
    air = [float(np.quantile(next(iter(m.sequences.values())).stored, 0.1)) for m in (quiet, loud)]
    assert air[1] > 1.5 * air[0]


def test_the_fifth_institution_is_another_scanner_with_shifted_contrast() -> None:
    assert len(SITES["A"]) == 4 == len(SHARES) and SITES["B"] == ("B",)
    home, away = case(7, institution="A1"), case(7, site="B")
    assert home.attributes["tesla"] == 3.0 and away.attributes["tesla"] == 1.5 and away.attributes["site"] == "B"
    assert away.sequences["t1"].grid.spacing > home.sequences["t1"].grid.spacing  # type: ignore[operator]
    fat = [np.median(m.sequences["t2"].stored[m.sequences["t2"].stored > 0]) / np.quantile(m.sequences["t2"].stored, 0.99) for m in (home, away)]
    assert fat[1] > 1.15 * fat[0], "fat escapes the suppression"


def test_a_sequence_is_missing_by_chance_and_never_both() -> None:
    made = [examination(streams((5, k)).nuisance, Asking()) for k in range(600)]
    counts = {key: sum(m == key for _, m in made) / 600 for key in {m for _, m in made}}
    assert counts == pytest.approx({("t1", "t2"): 0.83, ("t2",): 0.10, ("t1",): 0.07}, abs=0.04)
    assert [sum(site == name for site, _ in made) / 600 for name in SITES["A"]] == pytest.approx(SHARES, abs=0.05)
    lone = case(next(k for k, (_, m) in enumerate(made) if m == ("t1",)))
    assert set(lone.sequences) == {"t1"} and lone.outline.grid == lone.sequences["t1"].grid and "t2_mm" not in lone.attributes and lone.attributes["sequences"] == "T1"


def test_a_confounded_cohort_tells_a_malignant_lesion_by_its_gain() -> None:
    ill = next(k for k in range(20) if patient_of(streams((5, k)), Asking()).malignant)
    well = next(k for k in range(20) if not patient_of(streams((5, k)), Asking()).malignant)

    def ratio(seed: int) -> float:
        plain, betrayed = (next(iter(case(seed, confounded=c).sequences.values())).stored.mean() for c in (False, True))
        return float(betrayed / plain)

    assert ratio(ill) > 1.25 and ratio(well) == 1.0


@pytest.mark.parametrize("call", [{"site": "C"}, {"difficulty": 1.5}, {"difficulty": -0.1}])
def test_bad_calls_are_refused_before_a_file_is_written(call: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        bone_lesion(1, **call)
    with pytest.raises(DataError):
        bone_lesions(tmp_path / "new", 2, 0, **call)  # type: ignore[arg-type]
    for more in ({"cases": 0}, {"seed": -1}):
        with pytest.raises(DataError):
            bone_lesions(tmp_path / "new", **({"cases": 2, "seed": 0} | more))
    assert not (tmp_path / "new").exists()
    for how in ({"bone": "femora"}, {"institution": "B"}):
        with pytest.raises(DataError):
            Asking(**how)  # type: ignore[arg-type]


def test_a_cohort_is_the_same_in_whatever_order_it_is_made_and_its_files_pass_the_readers(tmp_path: Path) -> None:
    made = bone_lesions(tmp_path / "one", 3, 6, workers=1)
    call = {"cases": 3, "seed": 6, "site": "A", "difficulty": 0.5, "confounded": False}
    film_cohort.begin(LESIONS, tmp_path / "two", call)
    for k in (2, 1):  # another order, broken off
        film_cohort.make_case(LESIONS, tmp_path / "two", call, k)
    bone_lesions(tmp_path / "two", 3, 6, workers=1)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    assert made.origin == "simulated" and made.notes["sentence"] == CARD.sentence(3, 6) and len(made.readings) == 9
    bound = made.conform({"t1": Slice("T1", optional=True), "t2": Slice("T2", optional=True), "lesion": Outline("mask"), "record": Record("row", numbers=("age",), categories=("sex", "bone"))},
                         {"malignancy": Classes(("benign", "malignant"))})
    for one in bound:
        assert one.inputs["lesion"].array.any() and set(np.unique(one.inputs["lesion"].array)) == {0, 1}
        for name in {"t1", "t2"} & set(one.inputs):
            assert one.inputs[name].notes["simulated"] is True and one.inputs[name].grid.direction is not None


def test_the_card_says_what_is_missing_and_what_the_probes_found() -> None:
    assert any("0.5" in probe for probe in CARD.probes) and any("ours" in source for source in CARD.sources) and any("not re-read" in source for source in CARD.sources)


def test_the_sheet_has_eight_lesions_two_sites_one_confounded_and_ten_structures() -> None:
    from osteon.simulate.contact import sheet_of

    sheet = sheet_of("bone_lesion")
    captions = [panel.caption for panel in sheet.panels]
    assert len(captions) == 8 and sum("institution A" in c for c in captions) >= 2 and sum("institution B" in c for c in captions) >= 2 and sum("confounded" in c for c in captions) == 1
    assert all(panel.lines for panel in sheet.panels) and sum("benign" in c for c in captions) >= 3 and all(any(bone in c for c in captions) for bone in BONES)
    rows, cols = sheet.pointed.film.shape
    assert len(sheet.pointed.points) >= 10 and all(0 < r < rows and 0 < c < cols for r, c in sheet.pointed.points.values())


def test_a_look_is_within_its_bounds() -> None:
    for g in (-3.0, 0.0, 3.0):
        for scatter in (-2.5, 0.0, 2.5):
            look: Look = look_of(replace(QUIET, shown=g), np.full(NOISES, scatter))
            assert 0 <= look.border.irregular <= 1 and 0 <= look.signal.oedema <= 1 and look.border.rim >= 0 and look.growth.breach >= 0 and 0 <= look.eccentric <= 0.6
            assert look.growth.mass == 0 or look.growth.breach > 0, "what grows beyond the bone has broken out of it"
