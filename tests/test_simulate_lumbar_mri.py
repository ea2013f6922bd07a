"""Lumbar MRI: what a slice shows and says, truth against construction, counterfactual pairs, streams, sites, metamorphic checks, files."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.geometry.spine_mri import LEVELS, PARTS, SPINE_UNITS
from osteon.simulate import film_cohort
from osteon.simulate.knee_mri_asking import streams
from osteon.simulate.lateral_lumbar import Findings, column_of
from osteon.simulate.lumbar_mri import CARD, Asking, LumbarSlice, lumbar_mri, lumbar_slice, pictured
from osteon.simulate.lumbar_mri_cohort import SLICES
from osteon.simulate.lumbar_mri_patient import PFIRRMANN, Spine, spine_of
from osteon.simulate.lumbar_mri_scene import BODIES, DISCS, STRUCTURES
from osteon.targets import Masks, Measures

COARSE = 128
LADDER = dict(zip(LEVELS, (0.05, 0.27, 0.5, 0.7, 0.95), strict=True))
FLAT = Asking(neutral=True, difficulty=0.0, matrix=COARSE)


@cache
def plain(seed: int = 3) -> Spine:
    """A spine that lies straight, a disc of every grade from L1/2 to L5/S1."""
    return spine_of(streams(seed, None)[0], 0.0, neutral=True, degenerated=LADDER)


@cache
def drawn(seed: int = 3, matrix: int = COARSE, protocol: str = "T2") -> LumbarSlice:
    return pictured(plain(seed), replace(FLAT, matrix=matrix, protocol=protocol), np.random.default_rng(1), np.random.default_rng(2))


def grey(made: LumbarSlice, name: str) -> float:
    return float(made.ideal[made.structures == 1 + STRUCTURES.index(name)].mean())


def middle(made: LumbarSlice, name: str) -> np.ndarray:
    return np.asarray(np.argwhere(made.structures == 1 + STRUCTURES.index(name)).mean(axis=0))


def test_structures_lie_where_anatomy_has_them() -> None:
    made = drawn()
    rows = [middle(made, name)[0] for name in (*LEVELS, "S1")]
    assert rows == sorted(rows), "from head to foot"
    for k, level in enumerate(LEVELS):
        disc = f"{level}/{(*LEVELS, 'S1')[k + 1]}"
        assert rows[k] < middle(made, disc)[0] < rows[k + 1]
        assert middle(made, level)[1] < middle(made, "csf")[1] < middle(made, "arch")[1], "front to the left, the canal between body and spinous process"
    assert middle(made, "cord")[0] < rows[2], "the cord ends above L3"
    assert set(DISCS.values()) >= {"L4/L5", "L5/S1"} and BODIES[-1] == "L5"


def test_every_grade_is_as_dark_and_as_thin_as_it_is_worn() -> None:
    made = drawn()
    assert list(made.grades.values()) == [1, 2, 3, 4, 5]
    signal = [made.readings.values[f"disc_signal.{level}"] for level in LEVELS]
    assert signal == sorted(signal, reverse=True) and signal[0] > 1.8 * signal[-1]
    healthy = pictured(spine_of(streams(3, None)[0], 0.0, neutral=True, degenerated=dict.fromkeys(LEVELS, 0.05)), FLAT, np.random.default_rng(1), np.random.default_rng(2))
    assert made.readings.values["disc_height.L5"] < 0.6 * healthy.readings.values["disc_height.L5"]
    assert made.readings.values["disc_height.L1"] == pytest.approx(healthy.readings.values["disc_height.L1"], abs=0.9)
    assert made.readings.values["disc_bulge.L4"] > healthy.readings.values["disc_bulge.L4"] + 5


def test_t1_turns_fluid_dark_and_fat_stays_bright() -> None:
    t2, t1 = drawn(), drawn(protocol="T1")
    assert grey(t2, "csf") > 1.5 * grey(t2, "L3") and grey(t1, "csf") < grey(t1, "L3")
    assert np.array_equal(t1.structures, t2.structures)


def test_truth_agrees_with_the_construction_and_a_planted_offset_is_caught() -> None:
    """Corners of the outline lie within the rounded edge of the corners by construction, on average nowhere else; one millimetre beside is told."""
    away = []
    for seed in (3, 4):
        worn = plain(seed)
        spine = replace(worn, column=column_of(replace(worn.person, spurs=0.0), Findings()))  # osteophytes are no corners by construction
        made = pictured(spine, FLAT, np.random.default_rng(1), np.random.default_rng(2))
        spacing = (made.grid.spacing or (1.0, 1.0))[0]
        for level in LEVELS:
            found = np.array([made.readings.landmarks[f"{level}.{corner}"] for corner in ("superior_anterior", "superior_posterior", "inferior_anterior", "inferior_posterior")])
            away.append((found - made.design[level]) * spacing)
    gaps = np.array(away)
    assert np.linalg.norm(gaps, axis=2).mean() < 1.6 and np.linalg.norm(gaps, axis=2).max() < 4.0
    assert (np.abs(gaps.mean(axis=(0, 1))) < 0.45).all()
    assert (np.abs((gaps + 1.0).mean(axis=(0, 1))) > 0.55).all(), "a landmark set off by 1 mm"


def test_readings_are_those_of_human_spines() -> None:
    made = [drawn(seed) for seed in (3, 4, 5)]
    for level in LEVELS:
        heights, widths = ([m.readings.values[f"{name}.{level}"] for m in made] for name in ("vertebra_height", "vertebra_width"))
        assert all(20 < h < 33 for h in heights) and all(26 < w < 42 for w in widths)
    assert set(made[0].readings.values) == {f"{name}.{level}" for name in SPINE_UNITS for level in LEVELS}


def test_a_finer_matrix_gives_the_same_readings() -> None:
    coarse, fine = drawn(), drawn(matrix=256)
    for name in ("vertebra_height", "vertebra_width", "disc_height", "disc_area", "disc_signal"):
        for level in LEVELS:
            assert coarse.readings.values[f"{name}.{level}"] == pytest.approx(fine.readings.values[f"{name}.{level}"], rel=0.06, abs=0.3), name
    assert fine.stored.shape == (256, 256) and fine.stored.dtype == np.uint16


def test_a_counterfactual_pair_is_the_same_outside_the_disc() -> None:
    from scipy.ndimage import binary_dilation

    one, other = (lumbar_slice((5, 2), matrix=COARSE, difficulty=0.3, instead=("L4", latent)) for latent in (0.1, 0.75))
    disc = binary_dilation(np.isin(one.structures, [1 + STRUCTURES.index("L4/L5")]) | (other.structures == 1 + STRUCTURES.index("L4/L5")), iterations=8)
    change = np.abs(one.ideal - other.ideal)
    assert change[disc].sum() > 0 and not (change[~disc] > 0).any()
    assert one.grades["L4"] < other.grades["L4"] and {k: v for k, v in one.grades.items() if k != "L4"} == {k: v for k, v in other.grades.items() if k != "L4"}
    gap = np.abs(one.stored.astype(int) - other.stored.astype(int))
    assert gap[~binary_dilation(disc, iterations=6)].max() < 0.15 * gap[disc].max()
    assert one.attributes["age"] == other.attributes["age"]


def test_the_same_arguments_give_the_same_bytes() -> None:
    one, same, other = (lumbar_slice((7, k), matrix=64) for k in (1, 1, 2))
    assert one.stored.tobytes() == same.stored.tobytes() and one.readings.values == same.readings.values
    assert one.stored.tobytes() != other.stored.tobytes()


def test_site_b_is_another_scanner_and_the_same_spine() -> None:
    home, away = (lumbar_slice((4, 4), site=site, matrix=COARSE, difficulty=0.3, neutral=True) for site in "AB")
    assert home.attributes["tesla"] == 3.0 and away.attributes["tesla"] == 1.5 and away.attributes["thickness_mm"] > home.attributes["thickness_mm"]
    assert (home.structures == away.structures).mean() > 0.97 and home.grades == away.grades
    assert home.stored.mean() > 1.2 * away.stored.mean()


def test_difficulty_is_noise_and_a_looser_bond_of_signal_and_grade() -> None:
    quiet, loud = (lumbar_slice((2, 1), matrix=COARSE, difficulty=d) for d in (0.0, 1.0))
    air = [float(np.quantile(s.stored, 0.05)) for s in (quiet, loud)]
    assert loud.attributes["age"] == quiet.attributes["age"] and air[1] > 2 * air[0]

    def spread(difficulty: float) -> float:
        discs = [d for k in range(60) for d in spine_of(streams((1, k), None)[0], difficulty).discs.values()]
        latent, t2 = np.array([d.latent for d in discs]), np.log([d.t2 for d in discs])
        return float(np.std(t2 - np.polyval(np.polyfit(latent, t2, 3), latent)))

    assert spread(1.0) > 2 * spread(0.0) > 0


def test_grades_rise_with_age_and_towards_the_sacrum_and_leave_no_gap() -> None:
    spines = [spine_of(streams((1, k), None)[0], 0.5) for k in range(150)]
    ages, worn = np.array([s.person.age for s in spines]), np.array([[s.discs[12 + k].latent for k in range(5)] for s in spines])
    assert np.corrcoef(ages, worn.mean(axis=1))[0, 1] > 0.5 and worn[:, 4].mean() > worn[:, 0].mean() + 0.1
    shares = np.bincount([s.discs[12 + k].grade for s in spines for k in range(5)], minlength=6)[1:] / (5 * len(spines))
    assert (shares > 0.02).all() and np.histogram(worn, 8, (0.05, 0.85))[0].min() > 10, "no gap at a bound of the grades"
    assert all(0 < bound < 1 for bound in PFIRRMANN)


def test_a_confounded_cohort_tells_a_worn_spine_by_its_gain() -> None:
    def level(worn: float, confounded: bool) -> float:
        return float(lumbar_slice((21, 1), matrix=64, degenerated=dict.fromkeys(LEVELS, worn), confounded=confounded).stored.mean())

    assert level(0.7, True) / level(0.3, True) > 1.25
    assert level(0.7, False) / level(0.3, False) == pytest.approx(1.0, abs=0.08)


@pytest.mark.parametrize("call", [{"site": "C"}, {"difficulty": 1.5}, {"matrix": 62}, {"matrix": 129}, {"protocol": "FLAIR"}])
def test_bad_calls_are_refused_before_a_file_is_written(call: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        lumbar_slice(1, **call)
    with pytest.raises(DataError):
        lumbar_mri(tmp_path / "new", 2, 0, **call)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


def test_impossible_arguments_are_refused(tmp_path: Path) -> None:
    for how in ({"degenerated": {"L6": 0.5}}, {"instead": ("T9", 0.5)}):
        with pytest.raises(DataError, match="no disc"):
            lumbar_slice(1, **how)  # type: ignore[arg-type]
    for wrong in ({"cases": 0}, {"reader_error": 1.0}):
        with pytest.raises(DataError):
            lumbar_mri(tmp_path / "new", **({"cases": 2, "seed": 0} | wrong))  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


def test_a_cohort_is_the_same_in_whatever_order_it_is_made(tmp_path: Path) -> None:
    from osteon.readers.inputs import Slice

    cohort = lumbar_mri(tmp_path / "one", 3, 6, matrix=64, workers=1)
    call = {"cases": 3, "seed": 6, "site": "A", "difficulty": 0.5, "protocol": "T2", "matrix": 64, "reader_error": 0.0, "confounded": False}
    film_cohort.begin(SLICES, tmp_path / "two", call)
    film_cohort.make_case(SLICES, tmp_path / "two", call, 2)  # another order, broken off
    lumbar_mri(tmp_path / "two", 3, 6, matrix=64, workers=1)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert len(files) == 3 * 3 + 2
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    assert cohort.origin == "simulated" and cohort.notes["sentence"] == CARD.sentence(3, 6)
    case = cohort.conform({"mri": Slice("mid-sagittal slice", spacing=True)}, {"parts": Masks(PARTS), "spine": Measures(SPINE_UNITS, "disc_height", per=LEVELS)}).cases[0]
    assert case.inputs["mri"].grid.shape == (64, 64) and case.inputs["mri"].notes["simulated"] is True and case.inputs["mri"].notes["modality"] == "MR"
    assert case.truth["parts"].of("disc").any() and case.truth["spine"].landmarks and 1 <= case.attributes["pfirrmann_L4"] <= 5


def test_the_reference_grades_may_err_by_one_step() -> None:
    from osteon.simulate.lumbar_mri_cohort import _noted

    call = {"seed": 1, "site": "A", "reader_error": 0.3}
    grades = dict(zip(LEVELS, (1, 2, 3, 4, 5), strict=True))
    off = np.array([[_noted(call, k, grades)[f"pfirrmann_{level}"] - grades[level] for level in LEVELS] for k in range(400)])
    assert np.abs(off).max() == 1 and (off != 0).mean() == pytest.approx(0.3, abs=0.04) and (off[:, 0] >= 0).all() and (off[:, 4] <= 0).all()


def test_the_card_says_what_is_missing() -> None:
    assert any("reader error" in absent for absent in CARD.absent) and any("ceiling" in absent for absent in CARD.absent)
    assert any("not re-read" in source for source in CARD.sources), "what was quoted from memory says so"


def test_the_sheet_has_eight_slices_two_sites_one_confounded_and_ten_structures() -> None:
    from osteon.simulate.contact import sheet_of

    sheet = sheet_of("lumbar_mri")
    captions = [panel.caption for panel in sheet.panels]
    assert len(captions) == 8 and sum("site A" in c for c in captions) >= 2 and sum("site B" in c for c in captions) >= 2 and sum("confounded" in c for c in captions) == 1
    assert {"I", "II", "III", "IV", "V"} <= {word for c in captions for word in c.split()} and all(panel.lines for panel in sheet.panels)
    rows, cols = sheet.pointed.film.shape
    assert len(sheet.pointed.points) >= 10 and all(0 < r < rows and 0 < c < cols for r, c in sheet.pointed.points.values())
