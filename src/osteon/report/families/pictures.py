"""Pictures that were made: how like the reference they are, how far from what was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteon.report.content import Block
from osteon.report.facts import Facts
from osteon.report.families.family import Family, count_cell, drawing, limits, metric_table
from osteon.report.words import finding_words, number
from osteon.targets.lines import answered
from osteon.targets.pictures import KEYS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

CONVENTION = ("SSIM with a uniform window of 7 × 7 pixels, slice by slice; the range of SSIM and PSNR is the largest value of the whole reference. "
              "The residual is what smooth coils could not have measured of the picture, as a share of the signal: the reference itself has one, of noise, so that "
              "it is compared among models of one mask only.")


def found(facts: Facts) -> tuple[str, ...]:
    """The primary result: likeness to the reference."""
    row = facts.primary
    value = limits(row.metrics, "ssim")[0]
    if value != value:
        return (f"How like the pictures are is not defined: {row.metrics.get('ssim', {}).get('reason', 'there is no picture')}.",)
    return (f"{finding_words(row.question.target, row.question.finding)}: pictures by {row.source.model} are alike to the reference pictures by {number(value, 3)} (SSIM: 1 is the same picture).",)


def scale(facts: Facts) -> Figure | None:
    """SSIM from nothing in common to the same picture."""
    from osteon.report.figures.intervals import scale as draw

    value = limits(facts.primary.metrics, "ssim")
    others = [(v, m) for m in facts.models_of(facts.primary.question.target)[-1:] if m != facts.label and (r := facts.row(m, facts.primary.question.target, facts.primary.question.finding)) is not None
              and (v := limits(r.metrics, "ssim")[0]) == v]
    return draw(value, (0, 1), names=("0 nothing alike", "the same 1"), marks=others) if value[0] == value[0] else None


def results(facts: Facts, target: str) -> tuple[Block, ...]:
    """A table of every model, and how likeness is spread."""
    rows = [((model, finding, count_cell(r.counts.get("n", 0))), r) for finding in facts.study.targets[target].findings for model in facts.models_of(target)
            if (r := facts.row(model, target, finding)) is not None]
    table = metric_table(facts, f"pictures-{target}", f"Pictures of {target}, every model", rows, first=("Model", "Where", "n"), keys=KEYS, note=CONVENTION)
    return (table, *_spread(facts, target))


def _spread(facts: Facts, target: str) -> tuple[Block, ...]:
    from osteon.report.figures.agreement import spread

    finding = facts.study.targets[target].findings[0]
    lines = {m: answered(facts.test(m, target, finding)) for m in facts.models_of(target)}
    values = {m: part["n.ssim"].dropna().to_numpy(float) for m, part in lines.items() if "n.ssim" in part}
    known = {m: v for m, v in values.items() if len(v)}
    if not known:
        return ()
    return (drawing(facts, spread(list(known), list(known.values()), label=f"SSIM, {finding}"), f"ssim-{target}", "How likeness is spread", alt=f"SSIM of {len(known)} models",
                    caption="Bar: the middle half; line: 5 to 95 of 100; white gap: the median; dots: the rest."),)


def errors(facts: Facts, model: str, target: str) -> pd.DataFrame:
    """1 less SSIM of each case, for the main finding."""
    import pandas as pd

    known = answered(facts.test(model, target, facts.study.targets[target].findings[0]))
    if "n.ssim" not in known or not len(known):
        return pd.DataFrame(columns=["case", "error", "told", "wrong"])
    mean = known.groupby("case", sort=False)["n.ssim"].mean().dropna()
    return pd.DataFrame({"case": mean.index.to_numpy(), "error": 1 - mean.to_numpy(float), "told": [f"SSIM {number(v, 3)}" for v in mean], "wrong": False})


FAMILY = Family("ssim", ("ssim", "psnr", "nmse"), found=found, results=results, errors=errors, scale=scale)
