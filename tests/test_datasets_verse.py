"""The published layout of VerSe, by a fixture of three scans."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from osteon.datasets.verse import LICENCE, VERTEBRAE, read_centroids, verse
from osteon.errors import DataError
from osteon.readers.inputs import Volume
from osteon.targets import Masks

SHAPE = (14, 20, 9)  # columns first, as NIfTI counts
AXES = {"PIR": np.array([[0, 0, 2.0, -5], [-1.5, 0, 0, 30], [0, -1.0, 0, 90], [0, 0, 0, 1]]), "RAS": np.diag([1.0, 1.0, 2.0, 1.0]), "LPS": np.diag([-1.0, -1.0, 2.0, 1.0])}


def scan(archive: Path, subject: str, *, name: str = "", labels: tuple[int, ...] = (20, 21), axes: str = "PIR", written: str = "", shape: tuple[int, int, int] = SHAPE, mask: bool = True) -> Path:
    """One subject as it is published: a box a vertebra one below the other along the second axis, its centroid in the axes `written`."""
    name = name or subject
    raw, derived = archive / "rawdata" / subject, archive / "derivatives" / subject
    for folder in (raw, derived):
        folder.mkdir(parents=True, exist_ok=True)
    made, points = np.zeros(shape, np.uint8), []
    for k, label in enumerate(labels):
        made[4:9, 2 + 6 * k: 6 + 6 * k, 2:7] = label
        points.append({"label": label, "X": 6.0, "Y": 3.5 + 6 * k, "Z": 4.0})
    nibabel.save(nibabel.Nifti1Image(np.arange(made.size, dtype=np.int16).reshape(shape), AXES[axes]), raw / f"{name}_ct.nii.gz")
    if mask:
        nibabel.save(nibabel.Nifti1Image(made, AXES[axes]), derived / f"{name}_seg-vert_msk.nii.gz")
        (derived / f"{name}_seg-subreg_ctd.json").write_text(json.dumps([{"direction": list(written or axes)}, *points]), encoding="utf-8")
    return derived


@pytest.fixture
def root(tmp_path: Path) -> Path:
    scan(tmp_path / "dataset-01training", "sub-verse004")
    scan(tmp_path / "dataset-01training", "sub-gl003", name="sub-gl003_dir-ax", labels=(25, 28), axes="LPS")
    scan(tmp_path / "dataset-03test", "sub-verse417", name="sub-verse417_split-verse290", labels=(1, 8), axes="RAS")
    return tmp_path


def test_scans_masks_and_centroids_become_a_cohort(root: Path) -> None:
    cohort = verse(root)
    assert cohort.ids() == ["sub-gl003_dir-ax", "sub-verse004", "sub-verse417_split-verse290"] and cohort.origin == "public" and not cohort.excluded
    assert cohort.column("patient").tolist() == ["sub-gl003", "sub-verse004", "sub-verse417"] and cohort.column("published_part").tolist() == ["train", "train", "test"]
    assert cohort.licence == LICENCE and "CC BY-SA 4.0" in LICENCE
    assert [case.truth["vertebrae"].names for case in cohort] == [("L6", "T13"), ("L1", "L2"), ("C1", "T1")]
    bound = cohort.conform({"ct": Volume("CT of the spine", modality="CT")}, {"vertebrae": Masks(VERTEBRAE, optional=VERTEBRAE)}, answered=("vertebrae",))
    for case in bound:
        assert case.inputs["ct"].grid.shape == SHAPE[::-1] == case.truth["vertebrae"].grid.shape
        assert case.inputs["ct"].grid == case.truth["vertebrae"].grid


@pytest.mark.parametrize(("axes", "written"), [("PIR", "PIR"), ("LPS", "LPS")])
def test_every_centroid_lies_in_the_middle_of_its_vertebra(axes: str, written: str, tmp_path: Path) -> None:
    scan(tmp_path, "sub-verse500", axes=axes, written=written)
    (case,) = verse(tmp_path)
    mask, points = case.truth["vertebrae"], case.truth["centroids"].landmarks
    assert set(points) == set(mask.names) == {"L1", "L2"}
    for name, at in points.items():
        assert np.argwhere(mask.of(name)).mean(axis=0) == pytest.approx(at)


def test_centroids_in_other_axes_than_the_image_are_turned(tmp_path: Path) -> None:
    """The same point told in axes that run the other way."""
    derived = scan(tmp_path, "sub-verse500", axes="RAS", written="LPS")
    mask = derived / "sub-verse500_seg-vert_msk.nii.gz"
    at = read_centroids(derived / "sub-verse500_seg-subreg_ctd.json", mask).landmarks["L1"]
    assert at == (4.0, SHAPE[1] - 1 - 3.5, SHAPE[0] - 1 - 6.0)


def test_what_can_not_be_used_is_listed(root: Path) -> None:
    archive = root / "dataset-01training"
    scan(archive, "sub-verse100", mask=False)
    (archive / "rawdata" / "sub-verse101").mkdir()
    scan(archive, "sub-verse102")
    nibabel.save(nibabel.Nifti1Image(np.zeros(SHAPE, np.int16), AXES["RAS"]), archive / "rawdata" / "sub-verse102" / "sub-verse102_ct.nii.gz")
    scan(archive, "sub-verse103")
    (archive / "derivatives" / "sub-verse103" / "sub-verse103_seg-vert_msk.nii.gz").write_bytes(b"damaged")
    cohort = verse(root)
    assert len(cohort) == 3
    assert {e.id: e.reason for e in cohort.excluded} == {"sub-verse100": "no mask of the vertebrae", "sub-verse101": "the folder holds no scan", "sub-verse102": "the mask lies on another grid than the scan",
                                                        "sub-verse103": "a file can not be read"}


def test_what_is_not_the_published_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no archive of VerSe"):
        verse(tmp_path)
    scan(tmp_path / "alone", "sub-verse100", mask=False)
    with pytest.raises(DataError, match="no scan can be used.*sub-verse100, no mask"):
        verse(tmp_path / "alone")
    for archive in ("a-training", "b-training"):
        scan(tmp_path / "twice" / archive, "sub-verse004")
    with pytest.raises(DataError, match="'sub-verse004' lies in two archives"):
        verse(tmp_path / "twice")


def test_a_label_or_a_file_that_is_none_of_verse_is_a_clear_error(tmp_path: Path) -> None:
    scan(tmp_path, "sub-verse004", labels=(20, 77))
    (case,) = verse(tmp_path)
    with pytest.raises(DataError, match="the label 77 names no vertebra"):
        case.truth["vertebrae"]
    (tmp_path / "derivatives" / "sub-verse004" / "sub-verse004_seg-subreg_ctd.json").write_text('{"L1": 3}', encoding="utf-8")
    with pytest.raises(DataError, match="can not be read as centroids of VerSe"):
        case.truth["centroids"]
