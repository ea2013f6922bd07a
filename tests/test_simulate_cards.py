"""Cards: every simulator says what it is for and what it leaves out, and the page holds them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from osteon.simulate.card import Card
from osteon.simulate.cards import cards, rendered, write


@pytest.mark.parametrize("name", list(cards()))
def test_a_card_is_whole(name: str) -> None:
    card = cards()[name]
    assert card.use and len(card.modelled) >= 3 and len(card.absent) >= 2 and card.sources
    assert "ours" in " ".join(card.sources) or "us" in " ".join(card.sources), "what no source gives is said to be ours"
    assert "nothing about performance in patients" in card.sentence(3, 1)


def test_names_are_used_once_and_the_page_holds_each(tmp_path: Path) -> None:
    found = cards()
    assert len({card.name for card in found.values()}) == len(found) >= 9
    page = write(tmp_path / "docs" / "simulators.md").read_text(encoding="utf-8")
    assert all(f"## {card.name} {card.version}\n" in page for card in found.values())
    assert page.startswith("# Simulators")


def test_a_card_is_rendered_with_its_bounds() -> None:
    text = rendered("x", Card("thing", "1.0", use="tests", modelled=("a",), absent=("b",), sources=("ours",), bounds=(("thumbnail", 0.8, "it is large"),)))
    assert "**Not modelled**\n\n- b\n" in text and "- thumbnail: up to 0.80, it is large\n" in text and "Context of use: tests." in text
