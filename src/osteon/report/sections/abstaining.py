"""What is gained where only sure answers are given, and which groups are left without one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from osteon.report.content import Block, Cell, Table
from osteon.report.facts import FEWEST, Facts
from osteon.report.families.family import drawing
from osteon.report.words import listed, many, number
from osteon.validation.uncertainty import Abstention, Judged, abstention

SHARES = (1.0, 0.9, 0.7, 0.5)
WIDE = 0.1  # of a group's answered share from that of all, from which it is named


def abstaining(facts: Facts, test: Judged, attributes: Iterable[tuple[str, np.ndarray, np.ndarray]]) -> tuple[Block, ...]:
    """The curve at the cut of the run and, at four shares, the error and the share of each group that is answered; nothing where there is no cut or no probability."""
    from osteon.report.figures.abstention import abstention as draw

    table = facts.primary.table
    if not test.probability or table is None or table.cut is None:
        return ()
    masks = {f"{name}: {value}": values == value for name, _, values in attributes for value in sorted(set(values.tolist()) - {""}) if (values == value).sum() >= FEWEST}
    found = abstention(test, cut=np.full(len(test.truth), table.cut), groups=masks)
    half = int(np.searchsorted(found.coverage, 0.5))
    text = f"{number(100 * found.risk[-1], 1)}\u00a0% of all answers are wrong at the cut; of the surest half {number(100 * found.risk[half], 1)}\u00a0%. Sure means far from the cut.{_left_out(found, half)}"
    figure = draw(found.coverage, found.risk, least=FEWEST, cases=len(test.truth), groups=found.groups)
    caption = f"{text} Mean over the curve: {number(100 * found.area, 1)}\u00a0%. Dashed: all are answered{'; no group is left out more than another' if masks else ''}."
    return (drawing(facts, figure, "abstention", "Answering only where it is sure", alt=text, caption=caption), _table(facts, test, found, masks))


def _left_out(found: Abstention, at: int) -> str:
    """The groups whose share of answers is far from that of all, where half are answered."""
    far = {name: float(share[at]) for name, share in found.groups.items() if abs(share[at] - found.coverage[at]) > WIDE}
    return f" Then {listed(f'{number(100 * share)} % of {name}' for name, share in far.items())} are answered: abstaining does not fall on all alike." if far else ""


def _table(facts: Facts, test: Judged, found: Abstention, masks: Mapping[str, np.ndarray]) -> Table:
    corners = [min(int(np.searchsorted(found.coverage, share - 1e-9)), len(found.coverage) - 1) for share in SHARES]
    rows: list[tuple[Cell | str, ...]] = [("Wrong among the answered", Cell(number(len(test.truth)), value=len(test.truth)), *(_percent(found.risk[k]) for k in corners))]
    rows += [("Answered of the group",)] if masks else []
    rows += [(f"– {name}", Cell(number(masks[name].sum()), value=int(masks[name].sum())), *(_percent(share[k]) for k in corners)) for name, share in found.groups.items()]
    return Table("abstention-shares", "Where fewer are answered", columns=("", "n", *(f"{number(100 * s)}\u00a0% answered" for s in SHARES)), rows=tuple(rows), tone="tight",
                 note=f"Groups of at least {FEWEST} tested {many(facts.words.counted)}. Equal scores are answered together, so that a little more than the share named may be.")


def _percent(value: float) -> Cell:
    return Cell(f"{number(100 * value, 1)}\u00a0%", value=float(value))
