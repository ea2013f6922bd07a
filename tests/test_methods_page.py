"""The page on methods tells what the tests measure: closed forms now, coverage when everything is verified."""

from __future__ import annotations

import numpy as np
import pytest

import methods_page as made

TEXT = made.FILE.read_text(encoding="utf-8")
ROWS = made.REFERENCE["comparisons"]()


def test_every_comparison_stands_on_the_page() -> None:
    told = [line for line in TEXT.splitlines() if line.startswith("| ")]
    missing = [row.method for row in ROWS if not any(line.startswith(f"| {row.method} | {row.reference} | ") and line.endswith(f" | {row.tolerance:g} |") for line in told)]
    assert missing == []


@pytest.mark.parametrize("row", [row for row in ROWS if row.tolerance <= 1e-6], ids=lambda row: row.method)
def test_closed_forms_differ_by_no_more_than_the_page_says(row: object) -> None:
    head = f"| {row.method} | {row.reference} | "  # type: ignore[attr-defined]
    said = [float(line.removeprefix(head).split(" | ")[0]) for line in TEXT.splitlines() if line.startswith(head)]
    assert made.REFERENCE["largest_difference"](row) <= max(said)


def test_what_is_not_compared_is_there_with_its_reason() -> None:
    assert all(f"- {what}: {why}." in TEXT for what, why in made.REFERENCE["NOT_COMPARED"])
    assert all(f"| {number} | {what} | yes |" in TEXT for number, what in made.CASES.items())
    assert all(why in TEXT for why in made.ELSEWHERE.values())


def test_every_interval_that_is_simulated_stands_on_the_page() -> None:
    names = {name for scenario in made.SIMULATION["SCENARIOS"] for name, _, _ in scenario(np.random.default_rng([0, 0]))}
    assert {name for name, _, _ in made.kept()} == names


def test_defaults_cover_as_often_as_they_say() -> None:
    known = made.kept()
    assert [(name, share) for name, share, _ in known if not made.optional(name) and not made.LOW <= share <= made.HIGH] == []
    assert all(lost < 5 for _, _, lost in known)
    assert sum(made.optional(name) for name, _, _ in known) >= 4


def test_a_difference_is_rounded_up() -> None:
    assert [made.ceiling(d) for d in (0.0, 3e-16, 2e-9, 1.1e-5)] == pytest.approx([1e-12, 1e-12, 1e-8, 1e-4])


@pytest.mark.verify
def test_the_page_is_written_anew() -> None:
    text = made.page(made.simulated())
    made.FILE.write_text(text, encoding="utf-8")
    known = made.kept()
    assert [(name, share) for name, share, _ in known if not made.optional(name) and not made.LOW <= share <= made.HIGH] == []
