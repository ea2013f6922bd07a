"""One line of the evidence table: a published result and one of ours have the same columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from osteon.errors import DataError, message

COHORT_ORIGINS = ("simulated", "public", "own")
ORIGINS = (*COHORT_ORIGINS, "published")  # of a result


@dataclass(frozen=True)
class Source:
    """Where a result comes from: study, model (or reader), factors of an arm, reference number, areas, cohort, site, origin, part."""

    study: str
    model: str
    factors: Mapping[str, str] = field(default_factory=dict, kw_only=True, hash=False)
    reference: int = field(default=0, kw_only=True)
    areas: tuple[str, ...] = field(default=(), kw_only=True)
    cohort: str = field(default="", kw_only=True)
    site: str = field(default="", kw_only=True)
    origin: str = field(default="own", kw_only=True)
    part: str = field(default="internal test", kw_only=True)

    def __post_init__(self) -> None:
        if self.origin not in ORIGINS:
            raise DataError(message("evidence row", f"there is no origin {self.origin!r}", expected=", ".join(ORIGINS)))


@dataclass(frozen=True)
class Question:
    """What was asked: target, finding, whether it is the primary question, and the unit that is counted."""

    target: str
    finding: str
    primary: bool = field(default=False, kw_only=True)
    unit: str = field(default="case", kw_only=True)


@dataclass(frozen=True)
class TwoByTwo:
    """Counts at a cut, and on which part the cut was chosen; None where the question has no states."""

    tp: int
    fp: int
    fn: int
    tn: int | None
    cut: float | None = None
    cut_chosen_on: str = ""


@dataclass(frozen=True)
class EvidenceRow:
    """One result: source, question, two-by-two, counts, metrics {name: {estimate, lower, upper, ...}}, cost, judgement, where to check it."""

    source: Source
    question: Question
    table: TwoByTwo | None = field(default=None, kw_only=True)
    counts: Mapping[str, int] = field(default_factory=dict, kw_only=True, hash=False)  # n, indeterminate, withheld, absent
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, kw_only=True, hash=False)
    seconds_per_case: float | None = field(default=None, kw_only=True)
    risk_of_bias: Mapping[str, str] = field(default_factory=dict, kw_only=True, hash=False)
    run: str = field(default="", kw_only=True)

    def flat(self) -> dict[str, Any]:
        """Flat columns for CSV: source and question by field name, the two-by-two, counts, then `metric`, `metric.lower`, `metric.upper`."""
        out: dict[str, Any] = asdict(self.source) | asdict(self.question)
        out["factors"] = "; ".join(f"{k}={v}" for k, v in self.source.factors.items())
        out["areas"] = "; ".join(self.source.areas)
        out |= asdict(self.table) if self.table else dict.fromkeys(("tp", "fp", "fn", "tn", "cut", "cut_chosen_on"))
        out |= {k: self.counts.get(k, 0) for k in ("n", "indeterminate", "withheld")}
        out |= {"seconds_per_case": self.seconds_per_case, "run": self.run}
        out |= {f"risk_of_bias.{k}": v for k, v in self.risk_of_bias.items()}
        for name, metric in self.metrics.items():
            out |= {name: metric["estimate"], f"{name}.lower": metric["lower"], f"{name}.upper": metric["upper"]}
        return out

    def plain(self) -> dict[str, Any]:
        """Nested plain data for JSON; `from_plain` is its inverse."""
        return asdict(self)

    @staticmethod
    def from_plain(data: Mapping[str, Any]) -> EvidenceRow:
        """The row that `plain` wrote."""
        source = Source(**{**data["source"], "areas": tuple(data["source"]["areas"])})
        table = TwoByTwo(**data["table"]) if data["table"] else None
        rest = {k: data[k] for k in ("counts", "metrics", "seconds_per_case", "risk_of_bias", "run")}
        return EvidenceRow(source, Question(**data["question"]), table=table, **rest)
