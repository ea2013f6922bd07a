"""What other rules for the cut would give, and predictive values where the finding is rarer or commoner."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.report.cells import bare, share
from osteon.report.content import Cell, Paragraph, Section, Slider, Table
from osteon.report.facts import Facts
from osteon.report.words import many, number, with_unit
from osteon.stats.curves import Cut, cost_cut, sensitivity_cut, specificity_cut, youden_cut
from osteon.stats.intervals import wilson
from osteon.stats.two_by_two import predictive_values
from osteon.stats.utility import net_benefit
from osteon.targets import Declared, Sensitivity, Youden
from osteon.targets.lines import TRUE, judged

if TYPE_CHECKING:
    import pandas as pd

PREVALENCES = (0.01, 0.05, 0.1, 0.2, 0.5)
MISS_COSTS = 5.0  # how many false alarms one miss weighs
OWN = "as run"
Rule = Callable[[np.ndarray, np.ndarray], Cut]
RULES: Mapping[str, Rule] = {
    "Youden": youden_cut, "sensitivity 90\u00a0%": lambda y, s: sensitivity_cut(y, s, 0.9), "sensitivity 95\u00a0%": lambda y, s: sensitivity_cut(y, s, 0.95),
    "sensitivity 99\u00a0%": lambda y, s: sensitivity_cut(y, s, 0.99), "specificity 90\u00a0%": lambda y, s: specificity_cut(y, s, 0.9), "specificity 95\u00a0%": lambda y, s: specificity_cut(y, s, 0.95),
    f"a miss weighs {MISS_COSTS:g} false alarms": lambda y, s: cost_cut(y, s, cost_ratio=1 / MISS_COSTS, prevalence=float(y.mean()))}


@dataclass(frozen=True)
class Ruled:
    """One rule: the span of its cuts over the folds, what they give on the test part (tp, fp, fn, tn), and the net benefit where a cut is a probability."""

    name: str
    cuts: tuple[float, float]
    counts: tuple[int, int, int, int] = field(kw_only=True)
    benefit: float = field(default=float("nan"), kw_only=True)

    @property
    def rates(self) -> tuple[float, float]:
        """Sensitivity and specificity."""
        tp, fp, fn, tn = self.counts
        return tp / max(tp + fn, 1), tn / max(fp + tn, 1)


def thresholds(facts: Facts) -> Section | None:
    """A row a rule, and a slider; None where the primary question has no cut or one state only."""
    found = ruled(facts)
    if not found:
        return None
    row = facts.primary
    declared = isinstance(facts.study.targets[row.question.target].cut, Declared)
    text = (f"Each rule chose its cut on the tune part{', fold by fold' if len(facts.folds) > 1 else ''}, and was then applied to the test part. The first line is the cut of this report; the others are for reading, not for choosing.",
            *(("The cut of this study defines the finding and is not a matter of choice.",) if declared else ()))
    positive, negative = facts.states(row)
    slider = Slider(f"Predictive values of “{facts.spoken(row)}” at another prevalence", tuple((r.name, *r.rates) for r in found), at=positive / max(positive + negative, 1))
    return Section("thresholds", "Other cuts, other prevalences", (Paragraph(text), _table(facts, found), slider))


def ruled(facts: Facts) -> tuple[Ruled, ...]:
    """The cut of the run, then every rule that the tune part allows."""
    row = facts.primary
    if row.table is None:
        return ()
    lines = facts.lines[row.source.model]
    mine = judged(lines[(lines["target"] == row.question.target) & (lines["finding"] == row.question.finding) & ~lines["unit"].isin(("lesion", "mark"))])
    test, tune = mine[mine["part"] == "test"], mine[mine["part"] == "tune"]
    if not len(test) or test["state"].nunique() < 2 or test["cut"].isna().any():
        return ()
    folds = [(tune[tune["fold"] == name], part) for name, part in test.groupby("fold", sort=False)]
    rule = facts.study.targets[row.question.target].cut
    own = _applied(OWN, [(float(part["cut"].iloc[0]), part) for _, part in folds])
    if isinstance(rule, Declared) or any(t["state"].nunique() < 2 for t, _ in folds):
        return (own,)
    again = "Youden" if isinstance(rule, Youden) else f"sensitivity {100 * rule.at:g}\u00a0%" if isinstance(rule, Sensitivity) else ""
    others = {name: choose for name, choose in RULES.items() if name != again}
    return (own, *(_applied(name, [(choose((t["state"] == TRUE).to_numpy(), t["score"].to_numpy(float)).value, part) for t, part in folds]) for name, choose in others.items()))


def _applied(name: str, parts: list[tuple[float, pd.DataFrame]]) -> Ruled:
    cells, gains = np.zeros(4, int), []
    for cut, part in parts:
        positive, called = (part["state"] == TRUE).to_numpy(), part["score"].to_numpy(float) >= cut
        gains.append(net_benefit(positive, called, threshold=cut) if 0 < cut < 1 and part["score"].between(0, 1).all() else float("nan"))
        cells += [(positive & called).sum(), (~positive & called).sum(), (positive & ~called).sum(), (~positive & ~called).sum()]
    cuts = [cut for cut, _ in parts]
    tp, fp, fn, tn = map(int, cells)
    return Ruled(name, (min(cuts), max(cuts)), counts=(tp, fp, fn, tn), benefit=float(np.mean(gains)))


def _table(facts: Facts, found: tuple[Ruled, ...]) -> Table:
    columns = ("Rule", "Cut", "Sensitivity", "Specificity", "Net benefit per 100", *(f"PPV, NPV at {100 * p:g}\u00a0%" for p in PREVALENCES))
    note = (f"Counts are pooled over {many(facts.words.unit)} of the test part; below each share stands its 95 % {facts.words.interval} (Wilson). Predictive values are those that this sensitivity and specificity "
            "would give at a prevalence; in a group with another spectrum of disease both may differ. Net benefit: true positives less false ones weighed by the odds of the cut itself, where that is a probability.")
    return Table("thresholds", f"Rules for the cut, {facts.label}", columns=columns, rows=tuple(_row(facts, r) for r in found), note=note, tone="tight")


def _row(facts: Facts, r: Ruled) -> tuple[Cell | str, ...]:
    tp, fp, fn, tn = r.counts
    values = (predictive_values(tp, fp, fn, tn, prevalence=p) for p in PREVALENCES)
    shown = tuple(Cell(f"{_per_cent(v['ppv_at_prevalence'].estimate)}, {_per_cent(v['npv_at_prevalence'].estimate)}", value=v["ppv_at_prevalence"].estimate if v["ppv_at_prevalence"].defined else None) for v in values)
    return (r.name, _cut(facts, r), share(wilson(tp, tp + fn)), share(wilson(tn, fp + tn)), bare(100 * r.benefit, 1), *shown)


def _per_cent(value: float) -> str:
    return "–" if value != value else number(100 * value, 1)


def _cut(facts: Facts, r: Ruled) -> Cell:
    """The cut in its unit, or the span over the folds."""
    row = facts.primary
    rule = facts.study.targets[row.question.target].cut
    unit = facts.unit_of(row.question.target, row.question.finding)
    if isinstance(rule, Declared) and row.table is not None and row.table.cut is not None:
        return Cell(with_unit(row.table.cut, unit, 1), value=row.table.cut)
    low, high = r.cuts
    return Cell(number(low, 3) if low == high else f"{number(low, 3)} to {number(high, 3)}", value=float(np.mean(r.cuts)) if np.isfinite(r.cuts).all() else None)
