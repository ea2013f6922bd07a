"""Bone micro-CT: share of bone, cracks by pixel, exact displacement and strain, slices of one specimen, sites, files."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.simulate.bone_microct import CARD, Asking, BoneSlice, bone_microct, bone_microct_strain, bone_slice, strained_pair
from osteon.simulate.bone_microct_load import Load
from osteon.simulate.bone_microct_tissue import specimen, waves


@cache
def made(tissue: str = "cortical", state: str = "failed", site: str = "A", seed: int = 4, confounded: bool = False) -> BoneSlice:
    return bone_slice(seed, tissue=tissue, state=state, site=site, points=128, difficulty=0.1, confounded=confounded)


def test_a_random_field_has_mean_0_and_deviation_1_and_its_cut_leaves_the_share_of_bone() -> None:
    grid = np.linspace(-9000, 9000, 40, dtype=np.float32)
    x, y, z = np.meshgrid(grid, grid, grid)
    field = waves(np.random.default_rng(0), 800.0, count=60).at(x, y, z)
    assert field.mean() == pytest.approx(0, abs=0.03) and field.std() == pytest.approx(1, abs=0.06)
    from scipy.special import ndtr

    bone = specimen(np.random.default_rng(1), "trabecular")
    away, mineral = bone.bone(x, y, z)
    assert (away < 0).mean() == pytest.approx(2 * ndtr(bone.level) - 1, abs=0.03) and mineral.mean() == pytest.approx(1, abs=0.02)


def test_the_strain_is_the_gradient_of_the_displacement() -> None:
    load = Load(0.01, 0.3, 6.0, 120.0, 0.3, (5.0, -3.0, 20.0))
    at, h = np.random.default_rng(2).uniform(-300, 300, (3, 50)), 1e-3
    gradient = np.array([[(load.displacement(*(at + h * np.eye(3)[k][:, None]))[i] - load.displacement(*(at - h * np.eye(3)[k][:, None]))[i]) / (2 * h) for k in range(3)] for i in range(3)])
    symmetric = 0.5 * (gradient + gradient.transpose(1, 0, 2))
    assert np.allclose(load.strain(*at), symmetric[[0, 1, 2, 0, 0, 1], [0, 1, 2, 1, 2, 2]], atol=1e-8)


def test_the_loaded_volume_is_the_first_one_moved_by_the_displacement() -> None:
    """A known shift is found again by correlation; a planted offset of two voxels is not taken for it."""
    from scipy.ndimage import map_coordinates

    pair = strained_pair(3, load=Load(0.03, 0.3), difficulty=0.0, points=48)
    place = np.indices(pair.before.shape).astype(float)
    back = place - pair.displacement[[2, 1, 0]] / pair.voxel_um  # volumes count z, y, x
    core = (slice(6, -6),) * 3

    def alike(shift: float) -> float:
        carried = map_coordinates(pair.before.astype(float), back + np.array([shift, 0, 0])[:, None, None, None], order=1, mode="nearest")
        return float(np.corrcoef(carried[core].ravel(), pair.under[core].ravel())[0, 1])

    assert alike(0.0) > 0.93 and alike(0.0) > max(alike(1.0), alike(-1.0)) + 0.02
    still = np.corrcoef(pair.before[core].ravel(), pair.under[core].ravel())[0, 1]
    assert alike(0.0) > still + 0.005
    assert pair.strain[2].mean() == pytest.approx(-0.03) and pair.strain[0].mean() == pytest.approx(0.009)


@pytest.mark.parametrize("tissue", ["trabecular", "cortical"])
def test_failed_bone_is_cracked_and_cracks_are_dark(tissue: str) -> None:
    failed, sound = ([bone_slice(k, tissue=tissue, state=state, points=128, difficulty=0.1) for k in range(6)] for state in ("failed", "pristine"))
    assert sum(f.crack.sum() for f in failed) > 4 * sum(s.crack.sum() for s in sound) and any(s.load.crush == 0 for s in sound)
    one = max(failed, key=lambda f: int(f.crack.sum()))
    assert one.stored[one.crack].mean() < 0.9 * one.stored[one.bone].mean() and not (one.crack & one.bone).any()
    assert one.stored[one.bone].mean() > 1.5 * one.stored[~one.bone & ~one.crack].mean()


def test_the_same_specimen_before_and_after_differs_by_load_and_cracks_alone() -> None:
    from osteon.simulate import bone_microct as module

    failed, sound = made(), made(state="pristine")
    assert failed.load.even == sound.load.even and failed.load.crush > sound.load.crush == 0
    bone = specimen(np.random.default_rng(5), "cortical")
    asked = Asking(tissue="cortical", points=64)
    axis = ((np.arange(64) - 31.5) * asked.voxel).astype(np.float32)
    x, y = np.meshgrid(axis, axis)
    at = (x, y, np.zeros_like(x))
    load, gaps = module._loaded(np.random.default_rng(6), bone, asked, "failed", 256.0)
    with_, without = (module._grey(bone, load, part, at, asked) for part in (gaps, []))
    near = np.min([c.distance(*at) for c in gaps], axis=0) < 2 * asked.voxel
    assert np.array_equal(with_[0][~near], without[0][~near]) and (with_[0] != without[0])[near].any()


def test_slices_of_one_specimen_share_its_bone() -> None:
    first, second = (bone_slice(k, of=9, at=at, tissue="cortical", points=96, difficulty=0.0, state="pristine") for k, at in ((1, 0.0), (2, 0.06)))
    other = bone_slice(3, of=10, at=0.0, tissue="cortical", points=96, difficulty=0.0, state="pristine")

    def overlap(a: np.ndarray, b: np.ndarray) -> float:
        return float((~a & ~b).sum() / max((~a | ~b).sum(), 1))

    assert overlap(first.bone, second.bone) > 0.35 > overlap(first.bone, other.bone)
    assert np.array_equal(first.stored, bone_slice(1, of=9, at=0.0, tissue="cortical", points=96, difficulty=0.0, state="pristine").stored)


def test_sites_differ_and_a_shortcut_betrays_failed_specimens_alone() -> None:
    a, b = made(), made(site="B")
    assert np.array_equal(a.bone, b.bone) and np.array_equal(a.crack, b.crack)
    high = [np.abs(np.diff(m.stored.astype(float), axis=0))[m.bone[1:]].mean() / m.stored[m.bone].mean() for m in (a, b)]
    assert abs(high[0] - high[1]) > 0.001
    assert np.array_equal(made(state="pristine", confounded=True).stored, made(state="pristine").stored)
    assert made(confounded=True).stored.mean() < 0.9 * made().stored.mean()


@pytest.mark.parametrize("call", [{"site": "C"}, {"difficulty": 1.1}, {"tissue": "enamel"}, {"points": 4}])
def test_bad_calls_are_refused_before_a_file_is_written(call: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        bone_slice(1, **call)
    for make in (bone_microct, bone_microct_strain):
        with pytest.raises(DataError):
            make(tmp_path / "new", 2, 0, **call)  # type: ignore[operator]
    with pytest.raises(DataError):
        bone_microct(tmp_path / "new", 2, 0, slices=0)
    with pytest.raises(DataError):
        Asking(state="bent")
    assert not (tmp_path / "new").exists()


def test_cohorts_read_back_and_are_the_same_twice(tmp_path: Path) -> None:
    from osteon.readers import read_input, read_value
    from osteon.readers.inputs import Input
    from osteon.targets import Classes, Masks

    one, _ = (bone_microct(tmp_path / name, 5, 5, points=48, slices=4, workers=1) for name in ("one", "two"))
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    assert one.origin == "simulated" and one.notes["sentence"] == CARD.sentence(5, 5) and [one.column("patient").tolist().count(p) for p in dict.fromkeys(one.column("patient"))] == [4, 1]
    assert len(set(one.column("state")[:4])) == 1, "a specimen has one state"
    bound = one.conform({"microct": Input("picture", "bone", modality="micro-CT")}, {"structures": Masks(("bone", "crack")), "state": Classes(("pristine", "failed"), positive=("failed",))})
    assert bound.cases[0].truth["structures"].of("bone").any() and bound.cases[0].inputs["microct"].notes["simulated"] is True
    bone_microct_strain(tmp_path / "s", 1, 2, points=24, workers=1)
    under = read_input(tmp_path / "s" / "microct" / "f00001_under.nii.gz", "volume")
    moved = read_value(tmp_path / "s" / "truth" / "f00001_displacement.nii.gz")
    assert under.grid.shape == (24, 24, 24) and moved.array.shape == (24, 24, 24, 3) and under.grid.spacing == pytest.approx((128 * 20 / 24 / 1000,) * 3)  # type: ignore[union-attr]


def test_the_sheet_has_eight_cases_two_sites_one_confounded_and_ten_structures() -> None:
    from osteon.simulate.contact import sheet_of

    sheet = sheet_of("bone_microct")
    captions = [panel.caption for panel in sheet.panels]
    assert len(captions) == 8 and sum("site B" in c for c in captions) >= 1 and sum("confounded" in c for c in captions) == 1
    rows, cols = sheet.pointed.film.shape
    assert len(sheet.pointed.points) >= 10 and all(0 <= r < rows and 0 <= c < cols for r, c in sheet.pointed.points.values())
