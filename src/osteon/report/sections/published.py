"""As published, and here."""

from __future__ import annotations

from osteon.report.content import Cell, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.families.family import limits, metric_cell
from osteon.report.terms import METRICS, printed
from osteon.report.words import duration, spelled
from osteon.row import EvidenceRow
from osteon.study import Claim


def published(facts: Facts) -> Section | None:
    """Each figure that the paper printed beside ours; None where the study names none."""
    claims = facts.study.claims
    if not claims:
        return None
    several = len(facts.about["models"]) > 1
    columns = ("What", "As published", "Where", f"Here: {facts.label}", *((f"Here: all {spelled(len(facts.about['models']))} models",) if several else ()))
    rows = tuple((c.what, c.value, c.where, *_here(facts, c)[: 2 if several else 1]) for c in claims)
    words = ("The two columns do not measure the same thing: other cases, other definitions, another size. A figure that agrees confirms nothing by itself, and one that differs refutes nothing.",
             "What the paper printed is copied from the place named, and was not checked against its data.")
    simulated = ("Figures on simulated cases can neither confirm nor contradict a published one.",) if facts.simulated else ()
    return Section("published", "As published, and here", (Paragraph(simulated + words), Table("published", f"{facts.study.cite}", columns=columns, rows=rows, tone="quoted")))


def _here(facts: Facts, claim: Claim) -> tuple[Cell | str, Cell | str]:
    """What the first model reaches, and the span of all models, in the metric that the claim names."""
    if not claim.metric:
        return "", ""
    if claim.metric == "seconds_per_case":
        cost = facts.primary.seconds_per_case
        return (Cell(duration(cost), value=cost) if cost is not None else Cell("not measured here")), ""
    target, *finding, key = claim.metric.split(".")
    rows = [r for r in facts.rows if r.question.target == target and r.question.finding == ".".join(finding) and key in r.metrics]
    first = next((r for r in rows if r.source.model == facts.label), rows[0] if rows else None)
    if first is None:
        return Cell("not measured here"), Cell("")
    return metric_cell(facts, first, key), _span(facts, rows, key)


def _span(facts: Facts, rows: list[EvidenceRow], key: str) -> Cell:
    known = [v for r in rows if (v := limits(r.metrics, key)[0]) == v]
    if not known or key not in METRICS:
        return Cell("–")
    unit = facts.unit_of(rows[0].question.target, rows[0].question.finding)
    low, high = printed(METRICS[key], min(known), unit), printed(METRICS[key], max(known), unit)
    return Cell(low if low == high else f"{low} to {high}")
