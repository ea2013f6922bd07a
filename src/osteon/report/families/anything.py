"""Families without a file of their own (trajectories, surfaces) and the trunk of others: their metrics as a table, and the two-by-two where there is a cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from osteon.report.content import Block
from osteon.report.facts import Facts
from osteon.report.families.at_cut import at_cut
from osteon.report.families.family import Family, count_cell, metric_table
from osteon.report.terms import METRICS, inline
from osteon.report.words import finding_words
from osteon.targets import Events, Grades, Surfaces, Trajectories
from osteon.targets.leading import LEADING

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

HEADLINES: dict[type, tuple[str, ...]] = {kind: (LEADING[kind][0], beside) for kind, beside in ((Grades, "mae"), (Events, "auc"), (Trajectories, "bias"), (Surfaces, "hd95"))}


def found(facts: Facts) -> tuple[str, ...]:
    """The first metric of the primary row."""
    row = facts.primary
    if not row.metrics:
        return ("There is no judged line, so nothing was found.",)
    headline = family_headline(facts)
    key = headline if headline in row.metrics else next(iter(row.metrics))
    shown = METRICS[key].plain if key in METRICS else key
    return (f"{finding_words(row.question.target, row.question.finding)} by {row.source.model}: {shown} {inline(key, row.metrics[key], facts.unit_of(row.question.target, row.question.finding))}.",)


def family_headline(facts: Facts) -> str:
    """The metric of the first screen, by the type of the primary target."""
    return HEADLINES.get(type(facts.study.targets[facts.primary.question.target]), ("",))[0]


def results(facts: Facts, target: str) -> tuple[Block, ...]:
    """Every model and finding, every metric."""
    rows = [((r.source.model, r.question.finding, count_cell(r.counts.get("n", 0))), r) for r in facts.rows if r.question.target == target and r.metrics]
    keys = dict.fromkeys(k for _, r in rows for k in r.metrics if k in METRICS)
    if not rows:
        return ()
    table = metric_table(facts, f"metrics-{target}", f"Figures of {target}", rows, first=("Model", "Finding", "n"), keys=tuple(keys))
    findings = facts.study.targets[target].findings if facts.study.targets[target].cut is not None else ()
    return (table, *(block for f in findings for block in at_cut(facts, target, f, finding_words(target, f))))


def errors(facts: Facts, model: str, target: str) -> pd.DataFrame:
    """None: what an error is, is not known here."""
    import pandas as pd

    return pd.DataFrame(columns=["case", "error", "told", "wrong"])


def scale(facts: Facts) -> Figure | None:
    """None: worst and best are not known here."""
    return None


def family(headline: str = "", *others: str) -> Family:
    """The family whose first screen shows this metric, and whose groups show it and the others."""
    return Family(headline, tuple(filter(None, (headline, *others))), found=found, results=results, errors=errors, scale=scale)
