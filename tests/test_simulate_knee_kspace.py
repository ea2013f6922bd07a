"""Knee k-space: the layout of fastMRI, coils and noise, the reference, motion, files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.readers.coils import middle, pictures, rss
from osteon.simulate.knee_kspace import ACQUISITIONS, CARD, knee_kspace, knee_scan, limb
from osteon.simulate.knee_mri_asking import Asking

SMALL = {"matrix": 64, "coils": 4}


def test_the_reference_is_the_root_of_the_sum_of_squares_of_the_signal() -> None:
    scan = knee_scan(3, slices=2, **SMALL)
    assert scan.kspace.shape == (2, 4, 128, 74) and scan.kspace.dtype == np.complex64
    assert scan.reference.shape == (2, 64, 64) and scan.reference.dtype == np.float32
    assert np.abs(rss(middle(pictures(scan.kspace), 64, 64)) - scan.reference).max() < 1e-4 * scan.reference.max()
    assert 1e-5 < scan.reference.max() < 1e-2, "as large as fastMRI's"


def test_the_same_call_gives_the_same_bytes_and_motion_changes_the_signal_alone() -> None:
    one, same, moved, other = (knee_scan(seed, slices=1, motion=motion, difficulty=1.0, **SMALL) for seed, motion in ((5, False), (5, False), (5, True), (6, False)))
    assert one.kspace.tobytes() == same.kspace.tobytes() != other.kspace.tobytes()
    assert moved.reference.tobytes() == one.reference.tobytes()
    seen = rss(middle(pictures(moved.kspace), 64, 64))
    body = limb(one, Asking(plane="coronal", matrix=64))
    gap = np.sqrt(((seen - one.reference)[body] ** 2).mean() / (one.reference[body] ** 2).mean())
    assert 0.02 < gap < 0.8, "the picture of the moved patient is another, and still a knee"


def test_energy_lies_in_the_middle_of_k_space_and_the_readout_is_oversampled() -> None:
    scan = knee_scan(3, slices=1, difficulty=0.0, **SMALL)
    power = (np.abs(scan.kspace[0]) ** 2).sum(axis=0)
    row, col = np.unravel_index(power.argmax(), power.shape)
    assert abs(row - 64) <= 2 and abs(col - 37) <= 2
    whole = rss(pictures(scan.kspace))[0]
    assert whole[32:96].mean() > 4 * whole[:12].mean(), "nothing but noise where the limb does not reach"


def test_noise_is_correlated_between_coils_and_grows_with_difficulty_and_site() -> None:
    def corner(**how: object) -> np.ndarray:
        signal = pictures(knee_scan(3, slices=1, **(SMALL | how)).kspace)[0]  # type: ignore[arg-type]
        return signal[:, -10:, :].reshape(len(signal), -1)

    quiet, loud, away = corner(difficulty=0.0), corner(difficulty=1.0), corner(difficulty=1.0, site="B")
    sizes = [np.sqrt((np.abs(part) ** 2).mean()) for part in (quiet, loud, away)]
    assert sizes[1] > 2 * sizes[0] and sizes[2] > 1.4 * sizes[1]
    found = np.abs(np.corrcoef(loud))
    assert found[np.triu_indices(4, 1)].max() > 0.1


def test_undersampling_folds_and_the_coils_differ() -> None:
    scan = knee_scan(3, slices=1, difficulty=0.0, **SMALL)
    lines = np.arange(scan.kspace.shape[-1])
    fourth = scan.kspace * ((lines % 4 == 0) | (np.abs(lines - 37) < 3))
    body = limb(scan, Asking(plane="coronal", matrix=64))
    zeros = rss(middle(pictures(fourth), 64, 64))
    error = np.sqrt(((zeros - scan.reference)[body] ** 2).mean() / (scan.reference[body] ** 2).mean())
    assert error > 0.15
    coils = np.abs(middle(pictures(scan.kspace), 64, 64))[0]
    assert np.corrcoef(coils.reshape(len(coils), -1))[np.triu_indices(len(coils), 1)].min() < 0.8


def test_no_reconstruction_on_the_coarse_grid_gives_the_fine_object_back() -> None:
    """The inverse crime: edges ring although there is no noise, because the object is finer than the picture."""
    from osteon.simulate import mri_acquire

    fine = np.zeros((256, 256), np.complex64)
    fine[:, 101:155] = 1.0
    coarse = np.abs(mri_acquire.decode(mri_acquire.encode(fine, (64, 64))))[32]
    boxed = np.abs(fine).reshape(64, 4, 64, 4).mean(axis=(1, 3))[32]
    assert np.abs(coarse - boxed).max() > 0.05


def test_the_limb_holds_the_signal() -> None:
    scan = knee_scan(3, slices=2, difficulty=0.0, **SMALL)
    body = limb(scan, Asking(plane="coronal", matrix=64))
    assert 0.4 < body.mean() < 0.9
    assert scan.reference[body].mean() > 8 * scan.reference[~body].mean()


def test_a_cohort_has_the_layout_of_fastmri_and_may_go_on(tmp_path: Path) -> None:
    import h5py

    from osteon.readers.inputs import Input
    from osteon.targets import Masks

    made = knee_kspace(tmp_path / "one", 3, 7, matrix=32, coils=3, slices=1, workers=1)
    knee_kspace(tmp_path / "two", 3, 7, matrix=32, coils=3, slices=1, workers=1)
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert len(files) == 3 * 2 + 2
    assert all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    with h5py.File(tmp_path / "one" / "kspace" / "f00002.h5") as file:
        assert file["kspace"].shape == (1, 3, 64, 36) and file["kspace"].dtype == np.complex64
        assert file["reconstruction_rss"].shape == (1, 32, 32) and file["reconstruction_rss"].dtype == np.float32
        assert b"<matrixSize><x>64</x><y>36</y>" in file["ismrmrd_header"][()] and b"<matrixSize><x>32</x><y>32</y>" in file["ismrmrd_header"][()]
        assert b"<maximum>35</maximum><center>18</center>" in file["ismrmrd_header"][()], "what fastMRI's own loader asks for"
        assert file.attrs["acquisition"] == ACQUISITIONS["PDFS"] and file.attrs["max"] == pytest.approx(float(file["reconstruction_rss"][()].max()))
        assert file.attrs["norm"] == pytest.approx(float(np.linalg.norm(file["reconstruction_rss"][()]))) and "no patient" in file.attrs["simulated"]
    assert made.notes["sentence"] == CARD.sentence(3, 7) and set(made.column("acquisition")) == set(ACQUISITIONS.values())
    case = made.conform({"kspace": Input("kspace", "knee", modality="MRI")}, {"body": Masks(("body",))}).cases[0]
    assert case.inputs["kspace"].array.shape == (1, 3, 64, 36) and case.truth["body"].array.any()
    (tmp_path / "two" / "cohort.yaml").unlink()
    (tmp_path / "two" / "cases.csv").unlink()
    with pytest.raises(DataError):
        knee_kspace(tmp_path / "two", 4, 7, matrix=32, coils=3, slices=1, workers=1)


@pytest.mark.parametrize("call", [{"site": "C"}, {"difficulty": -0.1}, {"matrix": 30}, {"coils": 0}, {"coils": 65}, {"slices": 0}])
def test_bad_calls_are_refused_before_a_file_is_written(call: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        knee_scan(1, **call)  # type: ignore[arg-type]
    with pytest.raises(DataError):
        knee_kspace(tmp_path / "new", 2, 0, **call)  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()


def test_the_card_says_what_is_missing() -> None:
    assert any("along the echo train" in absent for absent in CARD.absent) and any("off model" in part for part in CARD.modelled)


@pytest.mark.verify
def test_the_sheet_has_eight_examinations_two_sites_one_off_model_and_ten_structures() -> None:
    from osteon.simulate.contact import sheet_of

    sheet = sheet_of("knee_kspace")
    captions = [panel.caption for panel in sheet.panels]
    assert len(captions) == 8 and sum("site B" in c for c in captions) >= 2 and sum("off model" in c for c in captions) == 1
    rows, cols = sheet.pointed.film.shape
    assert len(sheet.pointed.points) >= 10 and all(0 < r < rows and 0 < c < cols for r, c in sheet.pointed.points.values())
