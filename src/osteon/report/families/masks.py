"""Outlines of structures: how much they overlap, and how far apart they run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteon.report.content import Block, Folded, Table
from osteon.report.facts import Facts
from osteon.report.families.family import Family, count_cell, drawing, limits, metric_table
from osteon.report.words import number
from osteon.targets.lines import answered

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

KEYS = ("dice", "iou", "hd95", "assd", "nsd")


def found(facts: Facts) -> tuple[str, ...]:
    """The primary result: overlap of the main structure."""
    row = facts.primary
    value = limits(row.metrics, "dice")[0]
    if value != value:
        return (f"How well {row.question.finding} is outlined is not defined: {row.metrics.get('dice', {}).get('reason', 'there is no outline')}.",)
    return (f"The outline of {row.question.finding} by {row.source.model} overlaps that of the {facts.words.truth} by {number(value, 3)} (Dice: twice the common area over the sum of both; 1 is the same outline).",)


def scale(facts: Facts) -> Figure | None:
    """Dice from none to the same."""
    from osteon.report.figures.intervals import scale as draw

    value = limits(facts.primary.metrics, "dice")
    return draw(value, (0, 1), names=("0 no overlap", "the same 1")) if value[0] == value[0] else None


def results(facts: Facts, target: str) -> tuple[Block, ...]:
    """A table of structures for each model, and how the overlap is spread."""
    model, *others = facts.models_of(target)
    folded = (Folded("The other models, every structure", tuple(_structures(facts, target, m) for m in others)),) if others else ()
    return (_structures(facts, target, model), *_spread(facts, target, model), *folded)


def _structures(facts: Facts, target: str, model: str) -> Table:
    rows = [((f, count_cell(r.counts.get("n", 0))), r) for f in facts.study.targets[target].findings if (r := facts.row(model, target, f)) is not None]
    return metric_table(facts, f"outlines-{target}-{model}", f"Outlines by {model}: {target}", rows, first=("Structure", "n"), keys=KEYS,
                        note="Distances are in mm, and in pixels where a film has no spacing; a distance to an empty outline does not exist and is in no mean.")


def _spread(facts: Facts, target: str, model: str) -> tuple[Block, ...]:
    from osteon.report.figures.agreement import spread

    lines = {f: answered(facts.test(model, target, f)) for f in facts.study.targets[target].findings}
    values = {f: part["n.dice"].dropna().to_numpy(float) for f, part in lines.items() if "n.dice" in part}
    known = {f: v for f, v in values.items() if len(v)}
    if not known:
        return ()
    return (drawing(facts, spread(list(known), list(known.values()), label="Dice"), f"dice-{target}", f"How the overlap is spread, {model}", alt=f"Dice of {len(known)} structures",
                    caption="Bar: the middle half; line: 5 to 95 of 100; white gap: the median; dots: the rest."),)


def errors(facts: Facts, model: str, target: str) -> pd.DataFrame:
    """One less the mean Dice over the structures of a case."""
    import pandas as pd

    known = answered(facts.test(model, target))
    if "n.dice" not in known or not len(known):
        return pd.DataFrame(columns=["case", "error", "told", "wrong"])
    mean = known.groupby("case", sort=False)["n.dice"].mean().dropna()
    return pd.DataFrame({"case": mean.index.to_numpy(), "error": 1 - mean.to_numpy(float), "told": [f"mean Dice {number(v, 3)}" for v in mean], "wrong": False})


FAMILY = Family("dice", ("dice",), found=found, results=results, errors=errors, scale=scale)
