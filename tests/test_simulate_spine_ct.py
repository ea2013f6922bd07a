"""Spine CT: tissue at its Hounsfield units, exact density and masks, signs of each cause, counterfactual pairs, sites, files."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.simulate.spine_ct import CARD, Asking, SpineVolume, spine_ct, spine_volume
from osteon.simulate.spine_ct_scene import HU, MARROW, PER_BMD, STRUCTURES
from osteon.simulate.spine_ct_states import Broken, broken


@cache
def made(cause: str = "none", site: str = "A", seed: int = 3, confounded: bool = False) -> SpineVolume:
    return spine_volume(seed, cause=cause, site=site, points=64, difficulty=0.1, neutral=True, level=12, confounded=confounded)


def of(volume: SpineVolume, name: str) -> np.ndarray:
    return volume.labels == 1 + STRUCTURES.index(name)


def deep(mask: np.ndarray) -> np.ndarray:
    from scipy.ndimage import binary_erosion

    return np.asarray(binary_erosion(mask, iterations=2))


def test_tissues_have_their_units() -> None:
    volume = made()
    for name, level, slack in (("muscle", HU["muscle"], 14), ("aorta", HU["blood"], 8), ("disc", HU["disc"], 25)):
        assert volume.stored[deep(of(volume, name))].mean() == pytest.approx(level, abs=slack), name
    assert volume.stored[of(volume, "other vertebrae")].mean() > 200 > volume.stored[of(volume, "canal")].mean()
    assert volume.stored.min() < -900 and volume.stored.dtype == np.int16


def test_density_is_read_back_by_the_calibration_and_the_site_needs_its_own() -> None:
    for site, factor in (("A", 1.0), ("B", 1.17)):
        volume = made(site=site)
        core = deep(np.isfinite(volume.mineral))
        read = (volume.stored[core].mean() - MARROW) / (PER_BMD * factor)
        assert read == pytest.approx(volume.mineral[core].mean(), rel=0.08)
    assert made(site="B").bmd == made().bmd, "density is of the patient, not of the scanner"


def test_vertebrae_stand_between_discs_with_the_canal_behind_and_the_aorta_on_the_left() -> None:
    volume = made()
    body = volume.box.reshape(2, 3).mean(axis=0)
    mid = {name: np.argwhere(of(volume, name)).mean(axis=0) for name in ("canal", "aorta")}
    assert mid["canal"][1] > body[1] + 5 and mid["aorta"][1] < body[1] - 5, "rows run backwards"
    assert mid["aorta"][2] > body[2] + 2, "columns run to the left"
    assert np.allclose(np.reshape(volume.grid.direction, (3, 3)), [[0, 0, 1], [0, 1, 0], [1, 0, 0]])
    height = (volume.box[3] - volume.box[0]) * 2.0
    assert 20 < height < 36


def test_a_metastasis_takes_bone_away_and_leaves_all_else() -> None:
    """The same patient with and without: what differs lies within reach of the vertebra."""
    from osteon.simulate import spine_ct as module

    asked = Asking(points=64, difficulty=0.0, neutral=True, cause="malignant", level=12)
    wrong = Broken("malignant", 12, foci=((0.2, -0.2, 0.0, 9.0), (0.66, -1.45, 0.34, 6.0)), mass=(6.0, 3.0, 1.0))
    volumes = []
    for state in (wrong, Broken("none", 12)):
        scene, who = module._patient(np.random.default_rng(5), state, np.random.default_rng(6))
        volumes.append(module._taken(scene, who, asked, np.random.default_rng(7), np.random.default_rng(8)))
    sick, sound = volumes
    assert of(sick, "tumour").any() and not of(sound, "tumour").any()
    tumour = deep(of(sick, "tumour"))
    assert sick.stored[tumour].mean() < 110 and sound.bmd == pytest.approx(sick.bmd, rel=0.05)
    low, high = (sick.box.reshape(2, 3) + [[-12], [14]]).astype(int)
    far = np.ones(sick.labels.shape, bool)
    far[low[0]: high[0], low[1]: high[1] + 8, low[2]: high[2]] = False
    assert np.abs(sick.stored.astype(int) - sound.stored)[far].max() == 0


def test_fragment_line_and_cleft_show_where_weak_bone_broke() -> None:
    from osteon.simulate import spine_ct as module

    asked = Asking(points=64, difficulty=0.0, neutral=True)
    whole = Broken("porotic", 12, (0.3, 0.2, 0.05))
    films, kept = {}, {}
    for name, state in {"plain": whole, "line": Broken("porotic", 12, whole.loss, 1.0), "cleft": Broken("porotic", 12, whole.loss, 0.0, 0.0, 4.0), "fragment": Broken("porotic", 12, whole.loss, 0.0, 4.0)}.items():
        scene, who = module._patient(np.random.default_rng(5), state, np.random.default_rng(6))
        volume = module._taken(scene, who, asked, np.random.default_rng(7), np.random.default_rng(8))
        films[name], kept[name] = volume.stored.astype(int), of(volume, "broken vertebra")
    assert (films["line"] - films["plain"]).max() > 150 and (films["cleft"] - films["plain"]).min() < -300
    outside = ~kept["plain"] & kept["fragment"]
    assert outside.sum() > 5 and (films["fragment"] - films["plain"])[outside].mean() > 100, "bone where there was none, in the canal"


def test_signs_part_the_causes_and_overlap() -> None:
    drawn = {cause: [broken(np.random.default_rng(k), 0.5, cause).signs for k in range(300)] for cause in ("porotic", "malignant")}
    share = {cause: {name: np.mean([s[name] for s in signs]) for name in signs[0]} for cause, signs in drawn.items()}
    for name, leans in (("mass", "malignant"), ("destruction", "malignant"), ("pedicle", "malignant"), ("epidural", "malignant"), ("line", "porotic"), ("fragment", "porotic"), ("cleft", "porotic")):
        other = "porotic" if leans == "malignant" else "malignant"
        assert share[leans][name] > share[other][name] + 0.15, name
    assert all(share["porotic"][n] > 0 for n in ("mass", "destruction")) and share["malignant"]["line"] > 0
    losses = np.array([max(broken(np.random.default_rng(k), 0.5, "porotic").loss) for k in range(300)])
    assert np.histogram(losses, 6)[0].min() > 15, "no gap at a grade"


def test_density_falls_with_age_and_weak_bone_has_less() -> None:
    from osteon.simulate import spine_ct as module

    scenes = [(state, *module._patient(np.random.default_rng(k), Broken(state, 12, (0.3, 0.2, 0.05)), np.random.default_rng(k + 1))) for k in range(25) for state in ("none", "porotic")]
    age, density = np.array([who["age"] for _, _, who in scenes]), np.array([scene.bmd for _, scene, _ in scenes])
    assert np.corrcoef(age, density)[0, 1] < -0.2
    weak = np.array([state == "porotic" for state, _, _ in scenes])
    assert density[weak].mean() < density[~weak].mean() - 5


def test_the_same_call_gives_the_same_bytes_and_a_site_its_own_noise() -> None:
    again = spine_volume(3, cause="none", points=64, difficulty=0.1, neutral=True, level=12)
    assert np.array_equal(again.stored, made().stored)
    blood = deep(of(made(), "aorta"))
    noise = {site: np.diff(made(site=site).stored.astype(float), axis=0)[blood[1:]].std() for site in "AB"}
    assert noise["B"] > 1.2 * noise["A"]
    assert made(site="B").attributes["contrast"] and not made().attributes["contrast"]


def test_a_shortcut_betrays_malignant_cases_alone() -> None:
    assert np.array_equal(made("porotic", confounded=True).stored, made("porotic").stored)
    plain, betrayed = made("malignant"), made("malignant", confounded=True)
    assert betrayed.attributes["contrast"] and betrayed.stored[of(plain, "aorta")].mean() > plain.stored[of(plain, "aorta")].mean() + 60


@pytest.mark.parametrize("call", [{"site": "C"}, {"difficulty": -0.1}, {"points": 8}, {"cause": "old"}])
def test_bad_calls_are_refused_before_a_file_is_written(call: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        spine_volume(1, **call)
    with pytest.raises(DataError):
        spine_ct(tmp_path / "new", 2, 0, **call)  # type: ignore[arg-type]
    with pytest.raises(DataError):
        spine_ct(tmp_path / "new", 2, 0, reader_error=0.6)
    with pytest.raises(DataError):
        Asking(level=3)
    assert not (tmp_path / "new").exists()


def test_a_cohort_reads_back_and_is_the_same_twice(tmp_path: Path) -> None:
    from osteon.readers import read_value
    from osteon.readers.inputs import Input
    from osteon.targets import Classes, Masks

    one, _ = (spine_ct(tmp_path / name, 2, 5, points=48, workers=1) for name in ("one", "two"))
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    assert one.origin == "simulated" and one.notes["sentence"] == CARD.sentence(2, 5) and len(one.readings) == 6
    bound = one.conform({"ct": Input("volume", "spine", modality="CT")}, {"structures": Masks(STRUCTURES), "fracture": Classes(("benign", "malignant"), positive=("malignant",))})
    case = bound.cases[0]
    assert case.inputs["ct"].grid.shape == (48, 48, 48) and case.inputs["ct"].notes["modality"] == "CT" and case.truth["structures"].of("aorta").any()
    box = read_value(tmp_path / "one" / "truth" / "f00001_vertebra.json")
    assert box.boxes.shape == (1, 6)  # type: ignore[union-attr]


def test_the_sheet_has_eight_cases_two_sites_one_confounded_and_ten_structures() -> None:
    from osteon.simulate.spine_ct_sheet import CASES, NAMED

    assert len(CASES) == 8 and {site for _, _, site, _, _ in CASES} == {"A", "B"} and sum(shortcut for *_, shortcut, _ in CASES) == 1 and {cause for cause, *_ in CASES} == {"none", "porotic", "malignant"}
    from osteon.simulate.spine_ct_sheet import _structures

    named = spine_volume(NAMED, cause="none", level=13, difficulty=0.1, neutral=True)
    points = _structures(named, round(float(named.box[[0, 3]].mean())) + 2)
    assert len(points) >= 10 and all(0 < v < 128 for p in points.values() for v in p)
