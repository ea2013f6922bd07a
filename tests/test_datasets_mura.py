"""The published layout of MURA, by a fixture of three examinations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osteon.datasets.mura import LICENCE, TABLES, mura
from osteon.errors import DataError
from osteon.readers.inputs import Radiograph
from osteon.targets import Classes
from osteon.value import Label

THREE = {"train/XR_SHOULDER/patient00001/study1_positive": 3, "train/XR_WRIST/patient00002/study1_negative": 2, "valid/XR_SHOULDER/patient11185/study1_negative": 1}


def placed(root: Path, exams: dict[str, int], labels: dict[str, str] | None = None) -> Path:
    """The four tables, which have no head, and small colour pictures of equal channels."""
    home = root / "MURA-v1.1"
    lines: dict[str, list[str]] = {name: [] for name in TABLES}
    for folder, films in exams.items():
        (home / folder).mkdir(parents=True)
        part = folder.split("/")[0]
        lines[f"{part}_labeled_studies.csv"].append(f"MURA-v1.1/{folder}/,{(labels or {}).get(folder, '1' if folder.endswith('positive') else '0')}")
        for k in range(films):
            Image.fromarray(np.full((64, 48, 3), 30 + 40 * k, np.uint8)).save(home / folder / f"image{k + 1}.png")
            lines[f"{part}_image_paths.csv"].append(f"MURA-v1.1/{folder}/image{k + 1}.png")
    for name, rows in lines.items():
        (home / name).write_text("\n".join(rows) + "\n", encoding="utf-8")
    return root


def test_examinations_become_cases_with_their_films(tmp_path: Path) -> None:
    root = placed(tmp_path, THREE)
    (root / "MURA-v1.1" / next(iter(THREE)) / "._image1.png").write_bytes(b"left by another computer")
    cohort = mura(root)
    assert cohort.ids() == ["XR_SHOULDER-patient00001-study1", "XR_WRIST-patient00002-study1", "XR_SHOULDER-patient11185-study1"]
    assert [len(case.inputs["xray"]) for case in cohort] == [3, 2, 1] and cohort.cases[0].inputs["xray"][2].array[0, 0] == 110
    assert cohort.column("published_part").tolist() == ["train", "train", "test"]
    assert cohort.origin == "public" and cohort.licence == LICENCE and "research" in LICENCE
    given = mura(root / "MURA-v1.1", region="XR_SHOULDER").conform({"xray": Radiograph("films of a shoulder", many=(1, None))}, {"abnormality": Classes(("normal", "abnormal"))})
    truths = [case.truth["abnormality"] for case in given]
    assert [t.name for t in truths if isinstance(t, Label)] == ["abnormal", "normal"]


def test_what_can_not_be_used_is_listed(tmp_path: Path) -> None:
    bare, other, odd = "train/XR_HAND/patient00003/study1_negative", "train/XR_HAND/patient00004/study2_negative", "train/XR_TOE/patient00005/study1_negative"
    root = placed(tmp_path, THREE | {bare: 0, other: 1, odd: 1}, {other: "1"})
    (root / "MURA-v1.1" / "valid/XR_SHOULDER/patient11185/study1_negative/image1.png").unlink()
    assert {e.id: e.reason for e in mura(root).excluded} == {bare: "no film is listed", other: "folder and table call it otherwise", odd: "the path is none of an examination",
                                                             "valid/XR_SHOULDER/patient11185/study1_negative": "a film is missing"}


def test_what_is_not_the_published_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"not MURA 1\.1.*valid_image_paths"):
        mura(tmp_path)
    with pytest.raises(DataError, match=r"no region 'XR_SHOULDR'.*XR_SHOULDER"):
        mura(placed(tmp_path / "a", THREE), region="XR_SHOULDR")
    with pytest.raises(DataError, match="no examination can be used"):
        mura(placed(tmp_path / "b", {"train/XR_HAND/patient00003/study1_negative": 0}))
    with pytest.raises(DataError, match="'patient00001' lies in both parts"):
        mura(placed(tmp_path / "c", THREE | {"valid/XR_HAND/patient00001/study2_negative": 1}))
