"""The published layout of the OAI knees, by a fixture of a few pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from osteon.datasets.oai_kl import oai_kl
from osteon.errors import DataError
from osteon.studies import study


def placed(root: Path, *names: str) -> Path:
    """Small grey pictures under the names of the publication."""
    for k, name in enumerate(names):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((64, 64), 40 + 20 * k, np.uint8)).save(root / name)
    return root


def test_folders_become_a_cohort_for_the_study_of_grades(tmp_path: Path) -> None:
    root = placed(tmp_path, "train/0/9000001L.png", "train/3/9000001R.png", "val/4/9000002R.png", "test/1/9000003L.png", "test/1/scan7.png", "test/9/9000004L.png", "auto_test/1/9000003L.png")
    cohort = oai_kl(root)
    assert cohort.ids() == ["9000001L", "9000001R", "9000002R", "9000003L"]
    assert cohort.column("patient").tolist() == ["9000001", "9000001", "9000002", "9000003"]
    assert {e.id: e.reason for e in cohort.excluded} == {"test/1/scan7.png": "the name 'scan7' is none of a knee (9001695L)", "test/9/9000004L.png": "the folder '9' is none of 0 to 4"}
    declared = study("tiwari_2022")
    given = declared.datasets["oai_kl"](root).conform(declared.inputs, declared.targets)
    assert [case.truth["kl"].step for case in given] == [0, 3, 4, 1]
    assert cohort.origin == "public"


def test_what_is_not_the_published_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no part of the data set is there"):
        oai_kl(tmp_path)
    with pytest.raises(DataError, match=r"no knee can be used.*'a'"):
        oai_kl(placed(tmp_path / "other", "train/0/a.png"))
    with pytest.raises(DataError, match="'9000001' lies in two parts"):
        oai_kl(placed(tmp_path / "crossing", "train/0/9000001L.png", "test/0/9000001R.png"))
    again = oai_kl(placed(tmp_path / "again", "train/0/9000001L.png", "train/1/9000001L.png", "val/0/9000002L.png"))
    assert [e.reason for e in again.excluded] == ["this knee is there already"]
