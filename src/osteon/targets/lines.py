"""What every family of targets speaks: the line (one judged unit), the cut, and the contract of a target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from osteon.errors import StudyError, message
from osteon.value import Value

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval

TRUE, FALSE, OPEN, NONE = "true", "false", "open", ""


@dataclass(frozen=True)
class Line:
    """One judged unit: finding, unit (case, image, lesion, side ...), state, score and the family's numbers; `withheld` gives the reason of no answer."""

    finding: str
    unit: str = "case"
    state: str = field(default=NONE, kw_only=True)
    score: float = field(default=float("nan"), kw_only=True)
    numbers: Mapping[str, float] = field(default_factory=dict, kw_only=True, hash=False)
    withheld: str = field(default="", kw_only=True)

    def plain(self) -> dict[str, Any]:
        """As the columns of a table of lines; the numbers as `n.<name>`."""
        return {"finding": self.finding, "unit": self.unit, "state": self.state, "score": self.score, "withheld": self.withheld} | {f"n.{k}": v for k, v in self.numbers.items()}


def state(positive: bool | None) -> str:
    """The state of a reference standard: true, false, or open where it leaves the question open."""
    return OPEN if positive is None else TRUE if positive else FALSE


@dataclass(frozen=True)
class Youden:
    """The cut with the largest sensitivity + specificity on the tune part."""

    def choose(self, truth: np.ndarray, scores: np.ndarray) -> float:
        """The cut for states (n,) and scores (n,)."""
        from osteon.stats.curves import youden_cut

        return float(youden_cut(truth, scores).value)


@dataclass(frozen=True)
class Sensitivity:
    """The highest cut on the tune part that keeps a sensitivity."""

    at: float = 0.95

    def choose(self, truth: np.ndarray, scores: np.ndarray) -> float:
        """The cut for states (n,) and scores (n,)."""
        from osteon.stats.curves import sensitivity_cut

        return float(sensitivity_cut(truth, scores, self.at).value)


@dataclass(frozen=True)
class Declared:
    """A cut known beforehand, in the unit of the reading: positive at or below (`below`) or at or above (`above`); never tuned."""

    above: float | None = None
    below: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if (self.above is None) == (self.below is None):
            raise StudyError(message("Declared", "a cut has one side", expected="above or below"))

    def distance(self, reading: float) -> float:
        """Signed distance beyond the cut: 0 or more is positive."""
        return reading - self.above if self.above is not None else float(self.below) - reading  # type: ignore[arg-type]


Cut = Youden | Sensitivity | Declared


@runtime_checkable
class Target(Protocol):
    """What is asked and how an answer is judged; one frozen dataclass a family."""

    @property
    def findings(self) -> tuple[str, ...]: ...
    @property
    def cut(self) -> Cut | None: ...
    def value(self, raw: Any) -> Value: ...
    def score(self, value: Value, finding: str) -> float: ...
    def is_positive(self, truth: Value, finding: str) -> bool | None: ...
    def compare(self, truth: Value, value: Value) -> Sequence[Line]: ...
    def metrics(self, lines: pd.DataFrame) -> dict[str, Interval]: ...
    def mean(self, values: Sequence[Value]) -> Value: ...


def answered(lines: pd.DataFrame) -> pd.DataFrame:
    """The lines that hold an answer."""
    return lines[lines["withheld"] == ""]


def judged(lines: pd.DataFrame) -> pd.DataFrame:
    """The answered lines whose reference standard is true or false."""
    lines = answered(lines)
    return lines[lines["state"].isin((TRUE, FALSE))]


def table_at_cut(lines: pd.DataFrame) -> tuple[int, int, int, int]:
    """tp, fp, fn, tn of judged lines, each at the cut of its own fold; ValueError where a line has no cut."""
    known = judged(lines)
    if known["cut"].isna().any():
        raise ValueError("lines: a judged line has no cut (expected the cut of its fold)")
    positive, called = (known["state"] == TRUE).to_numpy(), (known["score"] >= known["cut"]).to_numpy()
    return int((positive & called).sum()), int((~positive & called).sum()), int((positive & ~called).sum()), int((~positive & ~called).sum())


def within_folds(lines: pd.DataFrame, measure: Any) -> Interval:
    """A measure (truth, scores, patients) -> Interval taken within each fold and averaged: pooling scores over folds biases it.

    The variance of the mean is that of independent folds; it leaves out what training sets share and says so in `method`.
    """
    from osteon.stats.intervals import Interval

    parts = [measure((part["state"] == TRUE).to_numpy(), part["score"].to_numpy(float), part["patient"].to_numpy())
             for _, part in judged(lines).groupby("fold", sort=False)]
    if len(parts) == 1:
        return parts[0]
    defined = [p for p in parts if p.defined]
    if not defined:
        reason = parts[0].reason if parts else "no judged line"
        return Interval(float("nan"), float("nan"), float("nan"), reason=reason)
    estimate = float(np.mean([p.estimate for p in defined]))
    half = float(np.sqrt(sum(((p.upper - p.lower) / 2) ** 2 for p in defined))) / len(defined)
    method = f"{defined[0].method}; mean of {len(defined)} folds, folds taken as independent"
    return Interval(estimate, max(0.0, estimate - half), min(1.0, estimate + half), method=method)


def auc_of(truth: np.ndarray, scores: np.ndarray, patients: np.ndarray) -> Interval:
    """AUC with DeLong limits; where patients repeat, Obuchowski's variance for clustered data."""
    from osteon.stats import clusters, roc

    if len(set(patients.tolist())) < len(patients):
        return clusters.clustered_auc_interval(truth, scores, patients)
    return roc.auc_interval(truth, scores)


def mean_by_patient(values: np.ndarray, patients: np.ndarray) -> Interval:
    """The mean of values (n,) with limits from resampling patients, so that two legs of one person are not two people."""
    from osteon.stats import clusters
    from osteon.stats.intervals import undefined

    if not np.isfinite(values).all():
        return undefined("a value is not finite (PSNR of an exact copy, say)")
    columns = np.column_stack([np.asarray(values, float), np.ones(len(values))])
    return clusters.bootstrap_sums(lambda sums: sums[..., 0] / sums[..., 1], columns, patients)
