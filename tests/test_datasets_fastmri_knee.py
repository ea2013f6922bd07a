"""fastMRI's knees: four files in the published folders, what is left out, and how a study reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from osteon.cohort import Cohort
from osteon.datasets.fastmri_knee import fastmri_knee
from osteon.engine.reading import unreadable
from osteon.errors import DataError
from osteon.readers import write_kspace
from osteon.readers.coils import Sampling
from osteon.studies import study
from osteon.value import KSpace, Picture
from raw_signal import LINES, SIDE, SLICES, files, phantom


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Two acquisitions of one patient to learn from, one of another to tune, and one that was acquired with fewer lines."""
    train, val, test = (tmp_path / f"multicoil_{part}" for part in ("train", "val", "test"))
    files(train, 2)
    files(val, 1, first=2)
    test.mkdir()
    taken, made = Sampling(4.0, 0.12).named("file9.h5", LINES), phantom(9)
    write_kspace(test / "file9.h5", KSpace(made.array * taken, made.grid, name="file9.h5", taken=taken), attributes={"acquisition": "CORPD_FBK", "patient_id": "someone 9"})
    return tmp_path


def test_files_become_cases_of_their_patient_and_contrast(published: Path) -> None:
    cohort = fastmri_knee(published)
    assert (cohort.name, cohort.origin) == ("fastMRI knee", "public") and "not to be passed on" in cohort.licence
    assert cohort.ids() == ["train/file0", "train/file1", "tune/file2"]
    assert cohort.column("patient").tolist() == ["someone 0", "someone 0", "someone 1"]
    assert cohort.column("acquisition").tolist() == ["CORPD_FBK", "CORPDFS_FBK", "CORPD_FBK"]
    assert cohort.column("published_part").tolist() == ["train", "train", "tune"]
    kspace, picture = cohort.cases[0].inputs["kspace"], cohort.cases[0].truth["image"]
    assert isinstance(kspace, KSpace) and isinstance(picture, Picture) and picture.array.shape == (SLICES, SIDE, SIDE)
    assert [(e.id, e.step) for e in cohort.excluded] == [("test/file9", "reference")]


def test_the_study_takes_them_and_keeps_the_contrasts_of_a_patient_together(published: Path) -> None:
    declared = study("recht_2020")
    cohort = fastmri_knee(published).conform(declared.inputs, declared.targets, answered=declared.answered)
    assert len(cohort) == 3 and not unreadable(cohort, declared.inputs, declared.targets)
    groups = cohort.units().groups
    assert groups[0] == groups[1] != groups[2]


def test_a_file_that_can_not_be_read_is_listed(published: Path) -> None:
    path = published / "multicoil_train" / "file0.h5"
    path.write_bytes(path.read_bytes()[:3000])
    cohort = fastmri_knee(published)
    assert len(cohort) == 2 and {e.id: e.step for e in cohort.excluded} == {"train/file0": "reading", "test/file9": "reference"}


def test_a_damaged_signal_is_left_out_by_the_run_with_its_reason(published: Path) -> None:
    import h5py

    with h5py.File(published / "multicoil_train" / "file1.h5", "a") as file:
        file["kspace"][0, 0, 0, 0] = np.nan
    declared = study("recht_2020")
    cohort: Cohort = fastmri_knee(published).conform(declared.inputs, declared.targets, answered=declared.answered)
    (fault,) = unreadable(cohort, declared.inputs, declared.targets)
    assert (fault.id, fault.reason) == ("train/file1", "kspace can not be read") and "slice 1" in fault.detail


def test_other_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not the multi-coil knees"):
        fastmri_knee(tmp_path)
    (tmp_path / "singlecoil_train").mkdir()
    with pytest.raises(DataError, match="whose signal has no coils"):
        fastmri_knee(tmp_path)
    (tmp_path / "multicoil_val").mkdir()
    with pytest.raises(DataError, match="no file can be used"):
        fastmri_knee(tmp_path)
