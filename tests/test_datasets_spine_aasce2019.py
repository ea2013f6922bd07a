"""AASCE 2019: three films in the published layout, three in the selection, what is left out, and the real films where they are present."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from osteon.cohort import Cohort
from osteon.datasets.spine_aasce2019 import SIDES, spine_aasce2019
from osteon.errors import DataError
from osteon.geometry.spine import LEVELS, POINTS, construct_spine, corners_named, measure_spine, tilts_of_curves
from osteon.studies import study

SHAPE = (600, 240)
ANGLES = (20.0, 35.0, 50.0)
FILES = ("one.jpg", "two.jpg", "three.jpg")


def corners(angle: float) -> np.ndarray:
    return construct_spine(*tilts_of_curves([("T5", "T12", angle)]), bottom=(580.0, 120.0))


def given(angle: float) -> float:
    return measure_spine(corners(angle), (1.0, 1.0), method="midline")["main"]


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """boostnet_labeldata with two films to learn and one for the test."""
    for part, angles, files in (("training", ANGLES[:2], FILES[:2]), ("test", ANGLES[2:], FILES[2:])):
        labels, data = (tmp_path / "boostnet_labeldata" / name / part for name in ("labels", "data"))
        labels.mkdir(parents=True)
        data.mkdir(parents=True)
        at = np.array([corners(a).reshape(-1, 2) / SHAPE for a in angles])
        table(labels / "landmarks.csv", np.concatenate([at[..., 1], at[..., 0]], axis=1))
        table(labels / "angles.csv", np.array([[given(a), 5.0, 4.0] for a in angles]))
        pd.Series(files).to_csv(labels / "filenames.csv", header=False, index=False)
        for name in files:
            Image.fromarray(np.full(SHAPE, 90, np.uint8)).save(data / name)
    return tmp_path


def table(path: Path, numbers: np.ndarray) -> None:
    pd.DataFrame(numbers).to_csv(path, header=False, index=False)


@pytest.fixture
def selection(tmp_path: Path) -> Path:
    """The same three films as tables, two of one subject."""
    cases = pd.DataFrame({"case_id": ["a", "b", "c"], "subject": [7, 7, 8], "width": SHAPE[1], "height": SHAPE[0], "image": FILES})
    names = {ours: theirs for theirs, ours in SIDES.items()}
    rows = [(case, LEVELS.index(name.split(".")[0]) + 1, names[name.split(".")[1]], x, y) for case, angle in zip("abc", ANGLES, strict=True)
            for name, (y, x) in zip(POINTS, corners(angle).reshape(-1, 2), strict=True)]
    cases.to_csv(tmp_path / "cases.csv", index=False)
    pd.DataFrame(rows, columns=["case_id", "vertebra", "corner", "x", "y"]).to_csv(tmp_path / "landmarks.csv", index=False)
    pd.DataFrame({"case_id": ["a", "b", "c"], "pt_deg": [given(a) for a in ANGLES], "mt_deg": 5.0, "tl_deg": 4.0}).to_csv(tmp_path / "angles.csv", index=False)
    for name in FILES:
        Image.fromarray(np.full(SHAPE, 90, np.uint8)).save(tmp_path / name)
    return tmp_path


def conformed(root: Path) -> Cohort:
    declared = study("zhao_2023")
    return spine_aasce2019(root).conform(declared.inputs, declared.targets, answered=declared.answered)


def test_the_published_folder_gives_points_angles_and_parts(published: Path) -> None:
    cohort = conformed(published)
    assert cohort.origin == "public" and "not to be passed on" in cohort.licence
    assert [case.attributes["part"] for case in cohort] == ["train", "train", "test"]
    for case, angle in zip(cohort, ANGLES, strict=True):
        truth = case.truth["cobb"]
        assert case.inputs["xray"].grid.shape == SHAPE
        assert np.allclose(corners_named(truth.landmarks), corners(angle), atol=1e-3)  # type: ignore[union-attr]
        assert truth.values["main"] == pytest.approx(angle, abs=0.01) and truth.values["midline"] == pytest.approx(given(angle))  # type: ignore[union-attr]
        assert np.isnan(truth.values["shift"])  # type: ignore[union-attr]


def test_a_selection_keeps_the_films_of_a_subject_together(selection: Path) -> None:
    cohort = conformed(selection)
    assert cohort.column("patient").tolist() == ["s7", "s7", "s8"]
    assert [case.truth["cobb"].values["main"] for case in cohort] == pytest.approx(list(ANGLES), abs=0.01)  # type: ignore[union-attr]


def test_sixty_points_leave_a_film_out_and_sixty_everywhere_all(selection: Path) -> None:
    points = pd.read_csv(selection / "landmarks.csv")
    points[(points["case_id"] != "b") | (points["vertebra"] <= 15)].to_csv(selection / "landmarks.csv", index=False)
    cohort = conformed(selection)
    assert cohort.ids() == ["a", "c"] and [(e.id, e.reason) for e in cohort.excluded] == [("b", "60 landmarks (wanted 68)")]
    points[points["vertebra"] <= 15].to_csv(selection / "landmarks.csv", index=False)
    with pytest.raises(DataError, match="60 landmarks"):
        conformed(selection)


def test_a_shorter_line_and_vertebrae_out_of_order_are_left_out(published: Path) -> None:
    path = published / "boostnet_labeldata" / "labels" / "training" / "landmarks.csv"
    lines = [line.split(",") for line in path.read_text().splitlines()]
    lines[1] = lines[1][:120]
    lines[0] = lines[0][4:68] + lines[0][:4] + lines[0][72:] + lines[0][68:72]  # the first vertebra stands last
    path.write_text("\n".join(map(",".join, lines)) + "\n")
    cohort = spine_aasce2019(published)
    assert [case.attributes["part"] for case in cohort] == ["test"]
    assert [e.reason for e in cohort.excluded] == ["L5 does not lie below L4", "60 landmarks (wanted 68)"]


@pytest.mark.parametrize("gone", ["labels/training/angles.csv", "data/training/two.jpg"])
def test_what_is_missing_is_named(published: Path, gone: str) -> None:
    (published / "boostnet_labeldata" / gone).unlink()
    with pytest.raises(DataError, match=Path(gone).name):
        spine_aasce2019(published)


def test_another_folder_and_other_tables_are_refused(tmp_path: Path, selection: Path) -> None:
    with pytest.raises(DataError, match="not the films of AASCE"):
        spine_aasce2019(tmp_path / "empty")
    pd.read_csv(selection / "cases.csv").drop(columns="subject").to_csv(selection / "cases.csv", index=False)
    with pytest.raises(DataError, match="column 'subject' is missing"):
        spine_aasce2019(selection)


def test_the_given_angles_are_those_of_the_mid_lines(shared_data: Callable[[str], Path]) -> None:
    """220 films of 104 subjects; ten have their vertebrae out of order. Measured on the given corners, the first angle comes back to 0.001 degrees."""
    cohort = spine_aasce2019(shared_data("spine_aasce2019"))
    assert (len(cohort), len(cohort.excluded)) == (210, 10)
    gaps = [measure_spine(corners_named(truth.landmarks), (1.0, 1.0), method="midline")["main"] - truth.values["midline"] for truth in (c.truth["cobb"] for c in cohort)]  # type: ignore[union-attr]
    assert np.abs(gaps).max() < 1e-3
