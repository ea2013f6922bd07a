"""The example of the package: every table follows from printed figures, assumptions are named, contradictions are kept out."""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from osteon.errors import DataError
from osteon.evidence import example
from osteon.evidence.pool import Settings, pool
from osteon.evidence.pool_table import EXAMPLE, read
from osteon.evidence.pool_text import interval
from osteon.evidence.solve import measures, solve
from osteon.evidence.solve_table import REPORTS, pooled_reports, read_reports, solve_report, solve_reports

# Tables of twelve systems as rebuilt by an independent brute-force search (two papers leave more than one: any of them counts).
REBUILT = {"Cheng 2019": (49, 8, 1, 42), "Murata 2020": (127, 19, 23, 131), "Suzuki 2021": (74, 0, 1, 75), "Hendrix 2021": (74, 15, 21, 80), "Thian 2019": (257, 71, 5, 191),
           "Weikert 2020": (139, 30, 20, 321), "Borjali 2019": (16, 1, 1, 22), "Minamoto 2022": (91, 14, 9, 86), "Germann 2020": (225, 19, 9, 259), "Namiri 2020": (46, 15, 5, 188)}
IMPOSSIBLE = {"Li Y 2021", "Wang C 2021, CNN", "Wang C 2021, Markov random field", "Wang C 2021, fuzzy C-means", "Chen CC, companion of 84", "Mutasa 2020", "Chung 2018"}


def seed_table() -> list[dict[str, str]]:
    """The 62 rows of the review's table."""
    with (REPORTS.parent / "seed_table.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_shipped_table_is_what_the_reports_give() -> None:
    assert example.text(example.rows(read_reports(REPORTS))) == EXAMPLE.read_text(encoding="utf-8")


def test_tables_equal_an_independent_search_and_print_the_figures() -> None:
    reports = {r.study: r for r in read_reports(REPORTS)}
    table = read(["example"])
    found = dict(zip(table.study, table.counts, strict=True))
    assert all(found[name] == counts for name, counts in REBUILT.items())
    for name, counts in found.items():
        values = measures(*(np.array(float(c)) for c in counts))
        for measure, printed in reports[name].assumed.figures.items():
            assert abs(float(values[measure]) - printed.value) <= printed.unit * 1.001, (name, measure)


def test_contradictions_are_found_and_kept_out() -> None:
    reports = read_reports(REPORTS)
    assert {r.study for r in reports if r.columns["rounding"] == "either" and solve_report(r).status == "none"} == IMPOSSIBLE
    assert not IMPOSSIBLE & set(read(["example"]).study)


def test_what_is_assumed_is_said() -> None:
    for report in read_reports(REPORTS):
        added = report.assumed != report.facts or bool(report.largest)
        assert added == bool(report.assumption), report.study
        if not added and len(solve(report.facts).tables) == 1:
            assert report.study in read(["example"]).study


def test_no_row_of_the_review_is_fixed_without_an_assumption() -> None:
    seed = [r for r in read_reports(REPORTS) if r.columns["seed_reference"]]
    assert all(len(solve(r.facts).tables) != 1 for r in seed)
    assert Counter(bool(r.assumption) for r in seed)[True] == 5


def test_labels_of_the_table_are_those_of_the_review() -> None:
    rows = seed_table()
    with (Path(__file__).parent / "data" / "seed_systems.csv").open(encoding="utf-8", newline="") as file:
        printed = {r["study"]: r["areas"].replace("education outcomes", "education; outcomes") for r in csv.DictReader(file)}
    assert {r["study"]: r["areas"].lower() for r in rows} == printed
    labels = [a for r in rows for a in r["areas"].split("; ")]
    assert (len(rows), len(labels), sum(";" in r["areas"] for r in rows)) == (62, 98, 36)
    assert 281 + 102 + 95 + 84 + 33 == 595
    assert all(r["tasks"] and r["modality"] for r in rows)


def test_the_smallest_size_that_fits_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text("study,sens,spec,ppv,acc,largest\nA,95.8%,92.0%,92.0%,93.9%,331\nB,92.0%,93.2%,,97.7%,50\n", encoding="utf-8")
    solved = solve_reports(read_reports(path))
    assert solved["A"].tables == ((23, 2, 1, 23),)
    assert "49 is the smallest" in solved["A"].reason
    assert solved["B"].status == "none"


def test_too_few_reports_are_not_pooled() -> None:
    solved = {r.study: solve_report(r) for r in read_reports(REPORTS) if r.study in ("Murata 2020", "Liu 2022", "Li Y 2021")}
    found = pooled_reports(solved)
    assert found["k"] == 1
    assert "Not pooled" in found["line"]
    assert found["left_out"] == {"Li Y 2021": "none", "Liu 2022": "26 tables fit"}


def test_the_worked_example_prints_what_is_pooled_now() -> None:
    page = (Path(__file__).parent.parent / "docs" / "evidence" / "seed_review.md").read_text(encoding="utf-8")
    found = pool(read(["example"]).only("set", "seed review"), Settings(bootstrap=0)).plain()
    assert f"| the five rows | 5 | {interval(found['sensitivity'])} | {interval(found['specificity'])} |" in page
    assert "the sum is 595" in page
    assert "98 labels on 62 systems" in page
    assert all(f"| {name} |" in page for name in IMPOSSIBLE)
    figures = Path(__file__).parent.parent / "docs" / "evidence" / "figures"
    assert all((figures / name).is_file() for name in re.findall(r"\(figures/([^)]+)\)", page))


def test_bad_files_of_reports(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not found"):
        read_reports(tmp_path / "none.csv")
    path = tmp_path / "r.csv"
    path.write_text("study,n\n", encoding="utf-8")
    with pytest.raises(DataError, match="no report"):
        read_reports(path)
    path.write_text("study,n,rounding\nA,5,up\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 2: solve: rounding 'up'"):
        read_reports(path)
