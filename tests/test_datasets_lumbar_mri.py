"""Lumbar MRI: VB3 and VB1 as three examinations of a fixture, SPIDER in its published layout, what is left out, and the real examinations where they are present."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest

from osteon.cohort import Cohort
from osteon.datasets.lumbar_mri_vertebrae import BESIDE_MM, lumbar_mri_vertebrae
from osteon.datasets.spider import spider
from osteon.errors import DataError
from osteon.geometry.spine_mri import LEVELS, measure_spine
from osteon.studies import study
from osteon.value import Mask, Readings

SHAPE = (200, 80, 30)  # head to foot, front to back, side to side
TALL, DEEP, STEP = 24, 32, 34  # mm: bodies of a fixture, from one to the next


def column(order: tuple[int, ...]) -> np.ndarray:
    """Boxes from head to foot with these labels; the last one of seven is as S1."""
    labels = np.zeros(SHAPE if len(order) == 5 else (260, *SHAPE[1:]), np.uint8)
    for k, label in enumerate(order):
        labels[12 + STEP * k: 12 + STEP * k + TALL, 20: 20 + DEEP, 8:22] = label
    return labels


@pytest.fixture
def selection(tmp_path: Path) -> Path:
    """Two examinations of VB3 and one of VB1, whose labels are in no order, as the real ones are."""
    rows = []
    for name, source, order in (("a", "VB3", (1, 2, 3, 4, 5)), ("b", "VB3", (1, 2, 3, 4, 5)), ("c", "VB1", (7, 6, 1, 3, 2, 5, 4))):
        labels = column(order)
        for folder, array in (("images", (100 * (labels > 0) + 20).astype(np.int16)), ("masks", labels)):
            (tmp_path / folder).mkdir(exist_ok=True)
            nibabel.save(nibabel.Nifti1Image(array, np.eye(4)), tmp_path / folder / f"{name}.nii.gz")  # type: ignore[no-untyped-call]
        rows.append((name, source, " ".join(map(str, order)), f"images/{name}.nii.gz", f"masks/{name}.nii.gz"))
    pd.DataFrame(rows, columns=["case_id", "source", "labels_head_to_foot", "image", "mask"]).to_csv(tmp_path / "cases.csv", index=False)
    return tmp_path


def of(cohort: Cohort, patient: str) -> list[object]:
    return [case for case in cohort if case.patient == patient]


def test_an_examination_gives_five_slices_of_one_patient_front_to_the_left(selection: Path) -> None:
    cohort = lumbar_mri_vertebrae(selection)
    assert cohort.origin == "public" and "not verified" in str(cohort.licence) and not cohort.excluded
    assert len(cohort) == 3 * len(BESIDE_MM) and len(of(cohort, "a")) == len(BESIDE_MM)
    case = cohort.cases[2]
    picture, parts = case.inputs["mri"], case.truth["parts"]
    assert picture.grid.shape == SHAPE[:2] and picture.grid.spacing == (1.0, 1.0) and picture.notes["modality"] == "MR"
    assert isinstance(parts, Mask) and parts.names == ("vertebra",)
    assert np.array_equal(picture.array > 100, parts.of("vertebra")), "picture and outlines are laid the same way"
    rows = np.flatnonzero(parts.of("vertebra").any(axis=1))
    assert rows.min() == 12 and parts.of("vertebra").any(axis=0).nonzero()[0].tolist() == list(range(20, 20 + DEEP))


def test_levels_of_vb1_come_from_the_table_and_its_lowest_body_is_s1(selection: Path) -> None:
    case = of(lumbar_mri_vertebrae(selection), "c")[0]
    parts, truth = case.truth["parts"], case.truth["spine"]  # type: ignore[attr-defined]
    assert parts.names == ("vertebra", "sacrum")
    assert np.flatnonzero(parts.of("sacrum").any(axis=1)).min() == 12 + 6 * STEP
    tops = [truth.landmarks[f"{level}.superior_anterior"][0] for level in LEVELS]
    assert tops == pytest.approx([12 + STEP * k for k in range(1, 1 + len(LEVELS))], abs=1.5)  # T12 stands above L1


def test_discs_have_no_truth_and_heights_have(selection: Path) -> None:
    truth = lumbar_mri_vertebrae(selection).cases[0].truth["spine"]
    assert isinstance(truth, Readings)
    for level in LEVELS:
        assert truth.values[f"vertebra_height.{level}"] == pytest.approx(TALL, abs=1.0)
        assert truth.values[f"vertebra_width.{level}"] == pytest.approx(DEEP, abs=1.0)
        assert np.isnan(truth.values[f"disc_height.{level}"])
    target = study("huang_2020").targets["spine"]
    assert {line.finding for line in target.compare(truth, truth)} == {"vertebra_height", "vertebra_width", "vertebra_area"}
    parts = study("huang_2020").targets["parts"]
    mask = lumbar_mri_vertebrae(selection).cases[0].truth["parts"]
    whole = Mask(np.stack([mask.of("vertebra")] * 4), ("vertebra", "sacrum", "disc", "csf"), mask.grid)
    assert [line.finding for line in parts.compare(parts.value(mask), whole)] == ["vertebra"], "what was not outlined is not judged"


def test_labels_that_are_not_those_of_the_table_are_left_out(selection: Path) -> None:
    table = pd.read_csv(selection / "cases.csv")
    table.loc[0, "labels_head_to_foot"] = "5 4 3 2 1"
    table.loc[1, "labels_head_to_foot"] = "1 2 3 4 6"
    table.to_csv(selection / "cases.csv", index=False)
    (selection / "masks" / "c.nii.gz").write_bytes(b"no image")
    with pytest.raises(DataError, match="no examination"):
        lumbar_mri_vertebrae(selection)
    nibabel.save(nibabel.Nifti1Image(column((7, 6, 1, 3, 2, 5, 4)), np.eye(4)), selection / "masks" / "c.nii.gz")  # type: ignore[no-untyped-call]
    cohort = lumbar_mri_vertebrae(selection)
    assert [(e.id, e.step) for e in cohort.excluded] == [("a", "labels"), ("b", "labels")] and {c.patient for c in cohort} == {"c"}


def test_a_table_without_a_column_and_a_folder_without_a_table_are_refused(selection: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        lumbar_mri_vertebrae(tmp_path / "nowhere")
    pd.read_csv(selection / "cases.csv").drop(columns="source").to_csv(selection / "cases.csv", index=False)
    with pytest.raises(DataError, match="source"):
        lumbar_mri_vertebrae(selection)


def test_the_real_examinations_have_lumbar_bodies(shared_data: Callable[[str], Path]) -> None:
    cohort = lumbar_mri_vertebrae(shared_data("lumbar_mri_vertebrae"))
    assert len(cohort) == 5 * len(BESIDE_MM) and len(set(cohort.column("patient").tolist())) == 5 and not cohort.excluded
    for case in (c for c in cohort if c.attributes["offset_mm"] == 0.0):
        truth = case.truth["spine"]
        heights = [truth.values[f"vertebra_height.{level}"] for level in LEVELS]
        widths = [truth.values[f"vertebra_width.{level}"] for level in LEVELS]
        assert all(18 < h < 36 for h in heights) and all(26 < w < 46 for w in widths), case.id
        counted = measure_spine(Mask(np.stack([case.truth["parts"].of(n) for n in case.truth["parts"].names]), case.truth["parts"].names, case.truth["parts"].grid), None)
        assert [counted.values[f"vertebra_height.{level}"] for level in LEVELS] == pytest.approx(heights, abs=1.0), "counted from the sacrum or the lowest body"


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """Three patients of SPIDER: one with T1 and T2, one stored the other way round, one whose mask is missing."""
    import SimpleITK

    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
    labels = np.zeros((16, 200, 90), np.uint8)  # slices to the left, rows down, columns backwards
    for k, value in enumerate((5, 4, 3, 2, 1)):
        labels[3:13, 8 + STEP * k: 8 + STEP * k + TALL, 14: 14 + DEEP] = value
        labels[7:9, 12 + STEP * k: 24 + STEP * k, 70:82] = value  # the spinous process
        labels[3:13, 8 + STEP * k + TALL: 8 + STEP * (k + 1), 15: 13 + DEEP] = 200 + value
    labels[6:11, :, 52:62] = 100
    for name, mirrored in (("1_t1", False), ("1_t2", False), ("2_t2", True), ("3_t2", False)):
        for folder, array in (("images", labels.astype(np.int16) * 3), ("masks", labels)):
            if (folder, name) == ("masks", "3_t2"):
                continue
            image = SimpleITK.GetImageFromArray(array)
            image.SetSpacing((0.9, 0.8, 4.0))
            image.SetDirection((0, 0, 1, 1, 0, 0, 0, -1, 0))
            image = SimpleITK.Flip(image, (True, True, True)) if mirrored else image
            SimpleITK.WriteImage(image, str(tmp_path / folder / f"{name}.mha"))
    pd.DataFrame({"new_file_name": ["1_t1", "1_t2", "2_t2", "3_t2"], "subset": ["training", "training", "validation", "training"], "sex": ["F", "F", "M", "F"]}).to_csv(tmp_path / "overview.csv", index=False)
    pd.DataFrame([(1, k, 1 + k % 5, 0) for k in range(1, 8)] + [(2, k, 5, 1) for k in range(1, 6)], columns=["Patient", "IVD label", "Pfirrman grade", "Modic"]).to_csv(tmp_path / "radiological_gradings.csv", index=False)
    return tmp_path


def test_spider_gives_one_slice_a_patient_with_grades_by_level(published: Path) -> None:
    cohort = spider(published)
    assert [c.id for c in cohort] == ["1_t2", "2_t2"] and "CC BY 4.0" in str(cohort.licence)
    assert [(e.id, e.step) for e in cohort.excluded] == [("3_t2", "reading")]
    first, second = cohort.cases
    assert first.attributes["pfirrmann_L5"] == 2 and first.attributes["pfirrmann_L1"] == 1 and second.attributes["published_part"] == "test"
    assert first.inputs["mri"].grid.shape == (200, 90) and first.inputs["mri"].grid.spacing == pytest.approx((0.8, 0.9))
    for case in cohort:  # whichever way a file is stored
        parts, truth = case.truth["parts"], case.truth["spine"]
        assert parts.names == ("vertebra", "disc", "csf") and not parts.of("vertebra")[:, 65:].any(), "the arch is no body"
        assert np.flatnonzero(parts.of("csf").any(axis=0)).mean() > np.flatnonzero(parts.of("vertebra").any(axis=0)).mean(), "front to the left"
        assert truth.values["vertebra_height.L3"] == pytest.approx(0.8 * TALL, abs=1.0) and truth.values["vertebra_width.L3"] == pytest.approx(0.9 * DEEP, abs=1.0)
        assert truth.values["disc_height.L4"] == pytest.approx(0.8 * (STEP - TALL), abs=1.0) and np.isnan(truth.values["disc_height.L5"])


def test_spider_without_tables_or_series_is_refused(published: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        spider(tmp_path / "nowhere")
    pd.DataFrame({"new_file_name": ["1_t1"], "subset": ["training"]}).to_csv(published / "overview.csv", index=False)
    with pytest.raises(DataError, match="no series"):
        spider(published)
