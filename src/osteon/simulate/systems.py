"""Which simulated data each system of the review needs, and whether a simulator makes them.

`python -m osteon.simulate.systems docs/systems.md` writes the page.
"""

from __future__ import annotations

import csv
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from osteon.cohort.folder import whole
from osteon.simulate.cards import cards

TABLE = Path(__file__).with_name("systems.csv")
STATES = ("yes", "in part", "not yet")


@dataclass(frozen=True)
class System:
    """One system of the review by its key and number: what its smallest faithful version needs, which simulators make that or a part of it, and what these lack."""

    key: str
    reference: int
    citation: str = field(kw_only=True)
    needs: str = field(kw_only=True)
    simulators: tuple[str, ...] = field(default=(), kw_only=True)
    lacks: str = field(default="", kw_only=True)

    @property
    def state(self) -> str:
        """Whether the data can be made: yes, in part or not yet."""
        return STATES[2] if not self.simulators else STATES[1] if self.lacks else STATES[0]


def systems() -> tuple[System, ...]:
    """Every system of the review, in the order of its references."""
    with open(TABLE, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return tuple(System(r["system"], int(r["reference"]), citation=r["citation"], needs=r["needs"], simulators=tuple(filter(None, r["simulators"].split("; "))), lacks=r["lacks"]) for r in rows)


def rendered() -> str:
    """The page: a count of each state, then a row a system with what its simulator lacks."""
    known, every = cards(), systems()
    counts = Counter(s.state for s in every)
    head = (f"# Systems of the review, and their simulated data\n\nOf {len(every)} systems, the data of {counts['yes']} can be simulated, of {counts['in part']} in part; of {counts['not yet']} not yet. "
            "A simulator checks software and teaches; it says nothing about patients. What each models and leaves out stands in [simulators.md](simulators.md).\n\n"
            "Made by `python -m osteon.simulate.systems docs/systems.md`.\n\n| ref. | system | simulated data that it needs | here | simulator | lacks |\n|---|---|---|---|---|---|\n")
    rows = (f"| {s.reference} | {s.key} ({s.citation}) | {s.needs} | {s.state} | {', '.join(f'{known[name].name} (`{name}`)' for name in s.simulators) or '–'} | {s.lacks or '–'} |\n" for s in every)
    return head + "".join(rows)


def write(path: Path) -> Path:
    """Write the page."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole(path, rendered())
    return path


if __name__ == "__main__":
    print(write(Path(sys.argv[1])))
