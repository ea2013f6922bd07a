"""Knee MRI of nine hospitals: parts, scanners, what was read and what was proved, files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.simulate import film_cohort
from osteon.simulate.knee_menisci import CLASSES
from osteon.simulate.knee_mri import knee_slice
from osteon.simulate.knee_mri_hospitals import ARTHROSCOPY, ELSEWHERE, HOSPITALS, as_read, knee_mri_hospitals, pictured_at, place, read_as, worst
from osteon.simulate.knee_mri_levels import LEVELS
from osteon.value import Objects

SMALL = {"matrix": 48, "workers": 1}


def test_five_knees_fill_every_part_and_forty_their_shares() -> None:
    assert {place("A", k).part for k in range(5)} == {"train", "tune", "test", ELSEWHERE, ARTHROSCOPY}
    shares = Counter(place("A", k).part for k in range(40))
    assert shares == {"train": 16, "tune": 6, "test": 6, ELSEWHERE: 8, ARTHROSCOPY: 4}


def test_eight_other_hospitals_of_two_field_strengths_are_only_tested() -> None:
    places = [place("A", k) for k in range(40)]
    assert {p.hospital for p in places if p.part == ELSEWHERE} == set("BCDEFGHI") and {p.hospital for p in places if p.part != ELSEWHERE} == {"A"}
    assert Counter(HOSPITALS[h].like for h in "BCDEFGHI") == {"A": 4, "B": 4}
    assert {(place("G", k).part, place("G", k).hospital) for k in range(9)} == {("test", "G")}


def test_the_first_knees_of_a_part_are_ill_and_all_others_are_drawn() -> None:
    for part in ("train", "tune", "test", ELSEWHERE, ARTHROSCOPY):
        states = [p.state for k in range(200) if (p := place("A", k)).part == part]
        assert states[:2] == ["torn", "degenerated"] and set(states[2:]) == {""}


def test_another_scanner_shows_the_same_knee_in_another_grey() -> None:
    made = knee_slice((4, 4), slot=1, matrix=64, neutral=True)
    seen = {name: pictured_at(made, hospital).stored.astype(float) for name, hospital in HOSPITALS.items()}
    assert np.array_equal(seen["A"], made.stored)
    means = [seen[name].mean() for name in "ACEGI"]
    assert len({round(m / 10) for m in means}) == 5, "five scanners of 3 T, five levels of grey"
    left, right = (seen["F"][20:44, s].mean() / made.stored[20:44, s].mean() for s in (slice(4, 24), slice(40, 60)))
    assert right > 1.1 * left, "a shading of its own"
    assert all(np.corrcoef(seen[name].ravel(), made.stored.ravel())[0, 1] > 0.9 for name in "CEGI")


def test_a_radiologist_errs_by_one_class_as_often_as_asked() -> None:
    rng = np.random.default_rng(0)
    read = [(true, read_as(true, 0.3, rng)) for true in CLASSES * 800]
    gaps = np.array([CLASSES.index(b) - CLASSES.index(a) for a, b in read])
    assert np.abs(gaps).max() == 1 and (gaps != 0).mean() == pytest.approx(0.3, abs=0.03)
    assert all(read_as(true, 0.0, rng) == true for true in CLASSES)


def test_the_reading_of_a_meniscus_names_the_parts_that_show_it() -> None:
    parts = Objects(np.array([[0, 0, 5, 5], [0, 9, 5, 15]], float), ("healthy", "torn"))
    assert as_read(parts, "torn", "degenerated").labels == ("healthy", "degenerated") and as_read(parts, "torn", "healthy").labels == ("healthy", "healthy")
    assert as_read(Objects(parts.boxes, ("healthy", "healthy")), "healthy", "degenerated").labels == ("degenerated", "degenerated")
    assert worst(["healthy", "torn", "degenerated"]) == "torn" and worst([]) == "healthy"


def test_only_arthroscopy_is_exact(tmp_path: Path) -> None:
    """Every reading wrong: the reference of four parts follows the reading, that of the proved knees does not."""
    cohort = knee_mri_hospitals(tmp_path / "c", 20, 3, read_error=0.999, **SMALL)  # type: ignore[arg-type]
    rows = [dict(zip(("part", "meniscus", "exact", "read", "proved"), cells, strict=True)) for cells in zip(*(cohort.column(n).tolist() for n in ("part", "meniscus", "meniscus_exact", "knee_read", "knee_proved")), strict=True)]
    wrong = {part: np.mean([r["meniscus"] != r["exact"] for r in rows if r["part"] == part]) for part in dict.fromkeys(r["part"] for r in rows)}
    assert wrong.pop(ARTHROSCOPY) == 0 and min(wrong.values()) >= 0.5
    proved = [r for r in rows if r["part"] == ARTHROSCOPY]
    assert {float(r["proved"]) for r in proved} == {2.0} != {float(r["read"]) for r in proved}
    assert not any(r["proved"] for r in rows if r["part"] != ARTHROSCOPY)


def test_the_same_call_gives_the_same_bytes_in_whatever_order(tmp_path: Path) -> None:
    made = knee_mri_hospitals(tmp_path / "one", 6, 7, **SMALL)  # type: ignore[arg-type]
    call = {"cases": 6, "seed": 7, "site": "A", "difficulty": 0.5, "matrix": 48, "read_error": 0.08}
    film_cohort.begin(LEVELS, tmp_path / "two", call)
    for k in (5, 0):
        film_cohort.make_case(LEVELS, tmp_path / "two", call, k)
    knee_mri_hospitals(tmp_path / "two", 6, 7, **SMALL)  # type: ignore[arg-type]
    files = sorted(p.relative_to(tmp_path / "one") for p in (tmp_path / "one").rglob("*") if p.is_file())
    assert len(files) == 6 * 2 + 2 and all((tmp_path / "one" / f).read_bytes() == (tmp_path / "two" / f).read_bytes() for f in files)
    assert [made.column("patient").tolist().count(p) for p in dict.fromkeys(made.column("patient"))] == [4, 2] and made.origin == "simulated"
    from osteon.studies import study

    declared = study("li_j_2022")
    case = made.conform(declared.inputs, declared.targets).cases[0]
    menisci = case.truth["menisci"]
    assert menisci.masks.shape == (len(menisci.labels), 48, 48) and menisci.masks.any(axis=(1, 2)).all()  # type: ignore[union-attr]


@pytest.mark.parametrize("call", [{"site": "J"}, {"difficulty": 2.0}, {"matrix": 33}, {"read_error": 1.0}, {"cases": 0}])
def test_bad_calls_are_refused_before_a_file_is_written(call: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        knee_mri_hospitals(tmp_path / "new", **({"cases": 2, "seed": 0} | call))  # type: ignore[arg-type]
    assert not (tmp_path / "new").exists()
