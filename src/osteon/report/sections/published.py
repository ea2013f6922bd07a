"""As published, and here."""

from __future__ import annotations

from dataclasses import replace

from osteon.report.content import Cell, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.families.family import limits, metric_cell
from osteon.report.questions.told import value_cell
from osteon.report.terms import METRICS, printed
from osteon.report.words import duration, spelled
from osteon.row import EvidenceRow
from osteon.study import Claim
from osteon.validation.results import results_of


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
    if "/" in claim.metric:
        return _analysed(facts, *claim.metric.split("/"))
    target, *finding, key = claim.metric.split(".")
    rows = [r for r in facts.rows if r.question.target == target and r.question.finding == ".".join(finding) and key in r.metrics]
    first = next((r for r in rows if r.source.model == facts.label), rows[0] if rows else None)
    if first is None:
        return Cell("not measured here"), Cell("")
    return metric_cell(facts, first, key), _span(facts, rows, key)


def _analysed(facts: Facts, kind: str, what: str, group: str = "") -> tuple[Cell, Cell]:
    """A figure of an analysis, `kind/what` or `kind/what/group`: that of the first model, or of a group, which is named, and the span of all models."""
    found = {r.group: r for r in results_of(facts.run) if r.analysis == kind and r.what == what and r.group in facts.about["models"]}
    own = found.get(group or facts.label)
    if own is None:
        return Cell("not measured here"), Cell("")
    made, known = value_cell(own), [r for r in found.values() if r.value.estimate == r.value.estimate]
    if not known:
        return made, Cell("–")
    low, high = (value_cell(pick(known, key=lambda r: r.value.estimate)).text for pick in (min, max))
    return (replace(made, under=f"{group}: {made.under}") if group else made), Cell(low if low == high else f"{low} to {high}")


def _span(facts: Facts, rows: list[EvidenceRow], key: str) -> Cell:
    known = [v for r in rows if (v := limits(r.metrics, key)[0]) == v]
    if not known or key not in METRICS:
        return Cell("–")
    unit = facts.unit_of(rows[0].question.target, rows[0].question.finding)
    low, high = printed(METRICS[key], min(known), unit), printed(METRICS[key], max(known), unit)
    return Cell(low if low == high else f"{low} to {high}")
