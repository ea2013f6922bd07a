"""The card of a simulator: what it is for, what it models, what it leaves out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """Context of use, what is and is not modelled, sources of the parameters, and the sentence that goes before every result.

    `bounds`: a probe whose upper limit may lie above 0.60, its bound, and what in the anatomy explains it.
    """

    name: str
    version: str
    use: str
    modelled: tuple[str, ...]
    absent: tuple[str, ...]
    sources: tuple[str, ...]
    probes: tuple[str, ...] = ()
    bounds: tuple[tuple[str, float, str], ...] = ()

    def sentence(self, cases: int, seed: int) -> str:
        """The verification sentence: first in every report on simulated cases."""
        return (f"Software verification on {cases:,} simulated cases (generator {self.name} {self.version}, seed {seed}): the figures show how well planted labels are "
                "recovered. They say nothing about performance in patients.")
