"""The cards of all simulators as one page: what each is for, what it models, what it leaves out.

`python -m osteon.simulate.cards docs/simulators.md` writes the page.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from osteon.cohort.folder import whole
from osteon.simulate.card import Card

OPENING = ("# Simulators\n\nEvery simulator writes real files with exact truth, for checks of software and for teaching. What a model reaches on them is "
           "recovery of planted labels and says nothing about performance in patients.\n")


def cards() -> Mapping[str, Card]:
    """The card of each module that states one, by the name of the module."""
    stating = [path.stem for path in sorted(Path(__file__).parent.glob("*.py")) if "\nCARD = Card(" in path.read_text(encoding="utf-8")]
    return {name: import_module(f"osteon.simulate.{name}").CARD for name in stating}


def rendered(name: str, card: Card, picture: str = "") -> str:
    """One card as Markdown, with its contact sheet where there is one."""
    bounds = tuple(f"{probe}: up to {bound:.2f}, {why}" for probe, bound, why in card.bounds)
    parts = (("Modelled", card.modelled), ("Not modelled", card.absent), ("Sources", card.sources), ("Probes", (*card.probes, *bounds)))
    lists = "".join(f"\n**{title}**\n\n" + "".join(f"- {item}\n" for item in items) for title, items in parts if items)
    shown = f"\n![Eight simulated cases of {card.name}, their truth, and the structures by name]({picture})\n" if picture else ""
    return f"\n## {card.name} {card.version}\n\n`osteon.simulate.{name}`. Context of use: {card.use}.\n{lists}{shown}"


def write(path: Path) -> Path:
    """The page of all cards, with the contact sheets that lie in `contact` beside it."""
    sheets = {sheet.stem for sheet in (path.parent / "contact").glob("*.jpg")}
    path.parent.mkdir(parents=True, exist_ok=True)
    whole(path, OPENING + "".join(rendered(name, card, f"contact/{name}.jpg" if name in sheets else "") for name, card in cards().items()))
    return path


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
