"""The page of systems: all of the review, no simulator that does not exist, and the simulator of every study that does."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from osteon.simulate.cards import cards
from osteon.simulate.few import Few
from osteon.simulate.systems import STATES, rendered, systems, write
from osteon.studies import names, study

ROOT = Path(__file__).resolve().parents[1]
EVERY = {s.key: s for s in systems()}


def test_every_system_of_the_review_is_there_once() -> None:
    with open(ROOT / "tests" / "data" / "seed_systems.csv", encoding="utf-8") as file:
        seed = {row["study"]: int(row["reference"]) for row in csv.DictReader(file)}
    assert len(systems()) == 62 and {s.key: s.reference for s in systems()} == seed


def test_every_named_simulator_exists_and_what_is_missing_is_said() -> None:
    known = cards()
    assert {name for s in systems() for name in s.simulators} <= set(known)
    assert all(s.needs and s.citation for s in systems())
    assert all(bool(s.lacks) == (s.state == "in part") for s in systems()), "what a simulator lacks is said where it makes a part, and nowhere else"
    assert {s.state for s in systems()} == set(STATES)


@pytest.mark.parametrize("name", names())
def test_the_simulator_of_a_study_is_the_one_that_is_named(name: str) -> None:
    made: Any = study(name).simulate
    while isinstance(made, Few):
        made = made.make
    module = getattr(made, "func", made).__module__.rpartition(".")[2].removesuffix("_cohort")
    assert EVERY[name].state == "yes" and (module in EVERY[name].simulators or module not in cards()), "a module without a card only adds to a simulator"


def test_the_page_is_the_table(tmp_path: Path) -> None:
    page = write(tmp_path / "systems.md").read_text(encoding="utf-8")
    assert page == rendered() == (ROOT / "docs" / "systems.md").read_text(encoding="utf-8"), "write it anew: python -m osteon.simulate.systems docs/systems.md"
    assert page.count("\n| ") == 63 and "| 23 | tan_2023 (Tan J. Lipids Health Dis 2023) |" in page
