"""The terms that this report uses, and no others."""

from __future__ import annotations

from osteon.report.content import Section, Terms
from osteon.report.facts import Facts
from osteon.report.sections.external import cohorts
from osteon.report.terms import GLOSSARY, METRICS


def glossary(facts: Facts) -> Section:
    """Metrics of the rows in their order, then general terms."""
    keys = dict.fromkeys(k for r in facts.rows for k in r.metrics if k in METRICS)
    metrics = [(f"{METRICS[k].short}, {METRICS[k].plain}" if METRICS[k].short.lower() not in METRICS[k].plain.lower() else METRICS[k].plain, METRICS[k].meaning) for k in keys]
    general = {k: v for k, v in GLOSSARY.items() if k not in _absent(facts)}
    return Section("glossary", "Words used", (Terms(tuple(metrics) + tuple(general.items())),))


def _absent(facts: Facts) -> set[str]:
    """General terms that this report does not need."""
    out = set() if facts.simulated else {"Monte-Carlo interval"}
    if not cohorts(facts):
        out.add("external validation")
    if not any(k.startswith("ceiling_") for r in facts.rows for k in r.metrics):
        out.add("attainable")
    return out | (set() if any(r.table for r in facts.rows) else {"cut", "natural frequency"})
