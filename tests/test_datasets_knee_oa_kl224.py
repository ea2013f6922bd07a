"""The knee osteoarthritis set: three knees in the published layout, and the set itself where it is there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osteon.datasets.knee_oa_kl224 import knee_oa_kl224
from osteon.errors import DataError
from osteon.readers.inputs import Radiograph
from osteon.studies import study
from osteon.targets import Grades
from osteon.value import Grade

HEADER = "case_id,patient_id,side,kl_grade,split,image"
ROWS = ("koa_0001,9000001,R,2,train,images/koa_0001.png", "koa_0002,9000001,L,0,train,images/koa_0002.png", "koa_0003,9000002,L,4,val,images/koa_0003.png")
GRADES = Grades(("KL 0", "KL 1", "KL 2", "KL 3", "KL 4"), 2)


def folder(root: Path, *rows: str, header: str = HEADER) -> Path:
    """The published layout: a table and a folder of pictures of 224 x 224 grey pixels."""
    (root / "images").mkdir(parents=True)
    for k in range(1, 4):
        Image.fromarray(np.full((224, 224), 40 * k, np.uint8)).save(root / "images" / f"koa_000{k}.png")
    (root / "cases.csv").write_text("\n".join([header, *(rows or ROWS)]) + "\n", encoding="utf-8")
    return root


def test_three_knees_of_two_patients(tmp_path: Path) -> None:
    cohort = knee_oa_kl224(folder(tmp_path / "set"))
    assert (cohort.origin, len(cohort), cohort.excluded) == ("public", 3, ())
    assert "CC BY 4.0" in cohort.licence and "not verified" in cohort.licence
    assert cohort.column("patient").tolist() == ["9000001", "9000001", "9000002"]
    bound = cohort.conform({"xray": Radiograph("knee")}, {"kl": GRADES})
    assert [c.truth["kl"].step for c in bound] == [2, 0, 4]
    assert [c.attributes["side"] for c in bound] == ["R", "L", "L"]
    picture = bound.cases[2].inputs["xray"]
    assert picture.grid.shape == (224, 224) and picture.grid.spacing is None and picture.array[0, 0] == 120
    assert isinstance(bound.cases[0].truth["kl"], Grade)


def test_knees_of_one_patient_stay_together(tmp_path: Path) -> None:
    rows = [f"koa_{k:04d},p{k // 2},{'RL'[k % 2]},{k % 5},train,images/koa_000{1 + k % 3}.png" for k in range(40)]
    declared = study("tiwari_2022")
    cohort = knee_oa_kl224(folder(tmp_path / "set", *rows)).conform(declared.inputs, declared.targets)
    (fold, *_), _ = cohort.folds(declared.design, 3)
    patients = cohort.column("patient")
    parts = [set(patients[rows].tolist()) for rows in (*fold.fits[0], fold.test)]
    assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])


def test_a_knee_that_can_not_be_used_is_listed(tmp_path: Path) -> None:
    rows = (*ROWS, "koa_0004,9000003,L,5,val,images/koa_0003.png", "koa_0005,9000004,B,1,val,images/koa_0003.png", "koa_0006,9000005,L,1,val,images/koa_0009.png")
    cohort = knee_oa_kl224(folder(tmp_path / "set", *rows))
    assert len(cohort) == 3
    assert {e.id: e.reason for e in cohort.excluded} == {"koa_0004": "the grade '5' is none of 0 to 4", "koa_0005": "the side 'B' is neither L nor R",
                                                        "koa_0006": "the picture 'images/koa_0009.png' is not there"}


@pytest.mark.parametrize(("rows", "header", "words"), [
    ((), "case_id,patient_id,side,grade,split,image", "kl_grade"), ((*ROWS, ROWS[0]), HEADER, "there twice"),
    ((*ROWS, "koa_0007,9000001,R,1,val,images/koa_0001.png"), HEADER, "two parts"), (("koa_0001,1,R,9,train,images/koa_0001.png",), HEADER, "no knee can be used")])
def test_a_fault_of_the_whole_set_is_refused(tmp_path: Path, rows: tuple[str, ...], header: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        knee_oa_kl224(folder(tmp_path / "set", *rows, header=header))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cases.csv"):
        knee_oa_kl224(tmp_path)


def test_the_set_as_published(shared_data: Callable[[str], Path]) -> None:
    cohort = knee_oa_kl224(shared_data("knee_oa_kl224"))
    assert len(cohort) == 850 and not cohort.excluded
    assert len(set(cohort.column("patient").tolist())) == 786
    bound = cohort.conform({"xray": Radiograph("knee")}, {"kl": GRADES})
    assert np.bincount([int(c) for c in cohort.column("kl")], minlength=5).tolist() == [337, 155, 221, 111, 26]
    assert bound.cases[0].inputs["xray"].grid.shape == (224, 224)
