"""The models of a run against the first of them, on the same cases."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.report.cells import chance, figure, points
from osteon.report.content import Cell, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.words import listed, many, number, plural
from osteon.stats.intervals import HypothesisTest, Interval, undefined
from osteon.targets.lines import TRUE, judged

if TYPE_CHECKING:
    import pandas as pd

KEY = ["fold", "case", "unit"]
PLAIN = 0.05


@dataclass(frozen=True)
class Against:
    """Another model less the first: AUC and share of right calls on `cases` common cases, each with its test."""

    model: str
    cases: int
    auc: tuple[Interval, HypothesisTest] = field(kw_only=True)
    right: tuple[Interval, HypothesisTest] = field(kw_only=True)
    auc_adjusted: float = field(default=float("nan"), kw_only=True)


def compared(facts: Facts) -> Section | None:
    """A row a model; None where one model answers the primary target, or its finding has no states."""
    found = against(facts)
    if not found:
        return None
    clear = [a.model for a in found if a.auc_adjusted < PLAIN]
    first = f"{listed(clear)} rank{'s' if len(clear) == 1 else ''} otherwise than {facts.label} by more than chance." if clear else f"No other model ranks otherwise than {facts.label} by more than chance."
    text = (f"{plural(len(found), 'other model')} on the same {many(facts.words.counted)} as {facts.label}, the first model. {first}", "Which of several models is best on these very cases says less than it seems: the best of many is partly the luckiest.")
    rows = tuple((a.model, Cell(number(a.cases), value=float(a.cases)), figure(a.auc[0], signed=True), chance(a.auc[1].p), chance(a.auc_adjusted), points(a.right[0]), chance(a.right[1].p)) for a in found)
    note = (f"Model less {facts.label}, each at its own cut. AUC: DeLong's paired test within folds, or a bootstrap of patients where they give several {many(facts.words.unit)}. Right calls, in points: Tango's interval and "
            f"McNemar's mid-p test, or over patients. Holm's correction is over the {number(len(found))} rows. Below each difference stands its 95 % {facts.words.interval}.")
    table = Table("compared", f"Models less {facts.label}", columns=("Model", "n", "AUC", "p", "p, Holm", "Right calls", "p"), rows=rows, note=note, tone="tight")
    return Section("compared", "Models against each other", (Paragraph(text), table))


def against(facts: Facts) -> tuple[Against, ...]:
    """Every other model of the primary target, on the cases that both answered."""
    from dataclasses import replace

    from osteon.stats.multiplicity import adjust

    row = facts.primary
    first = _lines(facts, row.source.model)
    found = [_one(m, first.join(_lines(facts, m).add_suffix(".other"), how="inner")) for m in facts.models_of(row.question.target)[1:]] if len(first) else []
    found = [a for a in found if a.cases]
    known = np.array([a.auc[1].p for a in found])
    adjusted = np.full(len(found), np.nan)
    if np.isfinite(known).any():
        adjusted[np.isfinite(known)] = adjust(known[np.isfinite(known)], method="holm")
    return tuple(replace(a, auc_adjusted=float(p)) for a, p in zip(found, adjusted, strict=True))


def _lines(facts: Facts, model: str) -> pd.DataFrame:
    """Judged lines of the primary question by fold, case and unit: truth, score, called, patient."""
    row = facts.primary
    lines = judged(facts.test(model, row.question.target, row.question.finding))
    lines = lines[~lines["unit"].isin(("lesion", "mark"))]
    made = lines.assign(truth=lines["state"] == TRUE, called=lines["score"] >= lines["cut"], cut_known=lines["cut"].notna())
    return made.drop_duplicates(KEY).set_index(KEY)[["truth", "score", "called", "cut_known", "patient"]]


def _one(model: str, both: pd.DataFrame) -> Against:
    nothing = (undefined("no common case"), HypothesisTest(float("nan"), float("nan"), reason="no common case"))
    if not len(both):
        return Against(model, 0, auc=nothing, right=nothing)
    return Against(model, len(both), auc=_areas(both), right=_calls(both))


def _areas(both: pd.DataFrame) -> tuple[Interval, HypothesisTest]:
    """The difference within folds, averaged over them as independent; one fold gives DeLong's own."""
    from osteon.stats.roc import compare_estimates

    parts = [d for _, part in both.groupby(level="fold", sort=False) if (d := _area(part)) is not None]
    known = [d for d, _ in parts if d.defined]
    if not known:
        reason = parts[0][0].reason if parts else "one state only in every fold"
        return undefined(reason), HypothesisTest(float("nan"), float("nan"), reason=reason)
    if len(parts) == 1:
        return parts[0]
    errors = np.array([(d.upper - d.lower) / 3.919928 for d in known])
    mean = float(np.mean([d.estimate for d in known]))
    return compare_estimates(np.array([mean, 0.0]), np.array([[float((errors**2).sum()) / len(known) ** 2, 0.0], [0.0, 0.0]]), method="mean of folds")


def _area(part: pd.DataFrame) -> tuple[Interval, HypothesisTest] | None:
    from osteon.stats.clusters import bootstrap_auc_difference
    from osteon.stats.roc import compare_aucs

    truth, other, first = part["truth"].to_numpy(bool), part["score.other"].to_numpy(float), part["score"].to_numpy(float)
    if truth.all() or not truth.any():
        return None
    if part["patient"].nunique() == len(part):
        return compare_aucs(truth, other, first)
    gap = bootstrap_auc_difference(truth, other, first, part["patient"].to_numpy(str), seed=0)
    return gap, _tested(gap)


def _tested(gap: Interval) -> HypothesisTest:
    """The normal test that an interval implies."""
    from scipy.stats import norm

    if not gap.defined or gap.upper <= gap.lower:
        return HypothesisTest(float("nan"), float("nan"), reason=gap.reason or "no spread")
    z = gap.estimate / ((gap.upper - gap.lower) / 3.919928)
    return HypothesisTest(float(z), float(2 * norm.sf(abs(z))), method="normal, from the interval")


def _calls(both: pd.DataFrame) -> tuple[Interval, HypothesisTest]:
    from osteon.stats.paired import clustered_difference, mcnemar, paired_difference, paired_table

    known = both[both["cut_known"] & both["cut_known.other"]]
    if not len(known):
        return undefined("a model has no cut"), HypothesisTest(float("nan"), float("nan"), reason="a model has no cut")
    other, first = (known[name].to_numpy(bool) == known["truth"].to_numpy(bool) for name in ("called.other", "called"))
    if known["patient"].nunique() == len(known):
        table = paired_table(other, first)
        return paired_difference(table), mcnemar(table)
    gap = clustered_difference(other, first, known["patient"].to_numpy(str))
    return gap, _tested(gap)
