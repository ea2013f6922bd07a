"""When to stop screening: a test with a recall target and a confidence, and two heuristics that promise neither. Each rule answers with a sentence and its numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from fractions import Fraction
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """Whether a rule says stop, why in words, and the numbers behind the words."""

    stop: bool
    statement: str
    _: KW_ONLY
    numbers: Mapping[str, float]


class Rule(Protocol):
    """Looks at the labels (1 relevant, 0 not) in the order in which they were given, and at how many records there are in all."""

    def check(self, labels: Sequence[int] | NDArray, total: int) -> Verdict:
        """The verdict now. Raises ValueError for labels other than 0 and 1 and for more labels than records."""


@dataclass(frozen=True)
class Hypergeometric:
    """The test of Callaghan and Mueller-Hansen (Syst Rev 2020; 9: 273) of the hypothesis that the recall is below a target.

    ``drawn_from`` is the place from which on records were drawn at random. Where it is None the records are taken as if they had been, from every place in turn, and the smallest p counts
    (their ranked quasi-sampling): sound as long as a ranked record is at least as likely relevant as a random one.
    """

    target: float = 0.95
    confidence: float = 0.95
    _: KW_ONLY
    drawn_from: int | None = None

    def __post_init__(self) -> None:
        for name in ("target", "confidence"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)} (expected a number between 0 and 1, such as 0.95)")

    def check(self, labels: Sequence[int] | NDArray, total: int) -> Verdict:
        """The verdict now, with p, how many relevant records must be missing for the recall to be below the target, and from where the sample counts."""
        seen = seen_labels(labels, total)
        found, count = int(seen.sum()), len(seen)
        missing = missing_below(found, self.target)
        starts = np.array([self.drawn_from]) if self.drawn_from is not None else np.concatenate([[0], np.flatnonzero(seen) + 1])
        if self.drawn_from is not None and not 0 <= self.drawn_from <= count:
            raise ValueError(f"drawn_from: {self.drawn_from} (expected a place from 0 to {count})")
        in_sample = found - np.concatenate([[0], np.cumsum(seen)])[starts]
        p = at_least(missing, urn=total - starts, relevant=in_sample + missing, drawn=total - count)
        best = int(np.argmin(p))
        stop = count == total or bool(p[best] < self._limit)
        numbers = {"screened": count, "total": total, "found": found, "left": total - count, "missing_below_target": missing, "p": float(p[best]), "sample": count - int(starts[best]),
                   "found_in_sample": int(in_sample[best]), "target": self.target, "confidence": self.confidence}
        return Verdict(stop, self._words(stop, numbers), numbers=numbers)

    @property
    def _limit(self) -> float:
        return float(1 - Fraction(str(self.confidence)))

    def _words(self, stop: bool, n: Mapping[str, float]) -> str:
        if not n["left"]:
            return f"Stop: every record is screened, relevant among {n['total']:,}: {n['found']:,}."
        how = "drawn at random" if self.drawn_from is not None else "served by rank and taken as a random sample"
        p = f"p = {n['p']:.3f}" if n["p"] >= 0.001 else "p < 0.001"
        return (f"{'Stop' if stop else 'Go on'}: {n['screened']:,} of {n['total']:,} records are screened, relevant among them: {n['found']:,}. Were the recall below {self.target:.3g}, the "
                f"{n['left']:,} records left would hold {n['missing_below_target']:,} relevant or more; the last {n['sample']:,} records ({how}; relevant among them: {n['found_in_sample']:,}) speak against that "
                f"with {p}, {'below' if n['p'] < self._limit else 'not below'} {self._limit:.3g} (hypergeometric test, confidence {self.confidence:.3g}).")


@dataclass(frozen=True)
class Safe:
    """The SAFE procedure (Boetje and van de Schoot, Syst Rev 2024; 13: 81): ``sample`` records at random first, then active learning, then another model from the place ``switched`` on.

    ``key_missing`` counts papers known beforehand that were not found; without ``second_model`` it stops where the change to another model is due. A heuristic: no recall is promised.
    """

    sample: int
    key_missing: int = 0
    _: KW_ONLY
    switched: int | None = None
    run: int = 50
    share: float = 0.1
    second_model: bool = True

    def check(self, labels: Sequence[int] | NDArray, total: int) -> Verdict:
        """The verdict now: stop where the conditions hold and, after them, another model has found nothing in a run of records."""
        seen = seen_labels(labels, total)
        if not 0 < self.sample <= max(len(seen), 1):
            raise ValueError(f"sample: {self.sample} (expected the number of records screened at random, 1 to {len(seen)})")
        expected = float(seen[: self.sample].mean() * total) if len(seen) else 0.0
        quiet, since = quiet_run(seen), len(seen) - self.switched if self.switched is not None else 0
        met = {"key papers found": self.key_missing == 0, f"twice the {expected:.0f} relevant records that the random sample lets expect": len(seen) >= 2 * expected,
               f"{self.share:.0%} of all records": len(seen) >= self.share * total, f"the last {self.run} irrelevant": quiet >= self.run}
        ready, second = all(met.values()), not self.second_model or (self.switched is not None and since >= self.run)
        stop = len(seen) == total or (ready and second)
        told = ", ".join(f"{name}: {'yes' if ok else 'no'}" for name, ok in met.items())
        after = "stop" if stop else "change to another model and go on" if ready and not second else "go on"
        numbers = {"screened": len(seen), "total": total, "found": int(seen.sum()), "expected": expected, "quiet": quiet, "since_switch": since, "conditions_met": sum(met.values())}
        return Verdict(stop, f"SAFE procedure, a heuristic without a promise of recall: {after}. {len(seen):,} of {total:,} records are screened ({told}; "
                             f"screened with another model: {since:,}).", numbers=numbers)


@dataclass(frozen=True)
class Consecutive:
    """Stop after so many irrelevant records in a row: a heuristic that promises no recall."""

    run: int = 50

    def __post_init__(self) -> None:
        if self.run < 1:
            raise ValueError(f"run: {self.run} (expected 1 or more)")

    def check(self, labels: Sequence[int] | NDArray, total: int) -> Verdict:
        """The verdict now."""
        seen = seen_labels(labels, total)
        quiet = quiet_run(seen)
        stop = quiet >= self.run or len(seen) == total
        return Verdict(stop, f"{'Stop' if stop else 'Go on'}: the last {quiet:,} records were irrelevant (rule: {self.run:,} in a row; a heuristic without a promise of recall); "
                             f"{len(seen):,} of {total:,} are screened, relevant among them: {int(seen.sum()):,}.", numbers={"screened": len(seen), "total": total, "found": int(seen.sum()), "quiet": quiet})


def seen_labels(labels: Sequence[int] | NDArray, total: int) -> NDArray[np.int64]:
    """The labels as numbers. Raises ValueError for others than 0 and 1, and for more of them than records."""
    seen = np.asarray(labels).reshape(-1)
    if len(seen) and not np.isin(seen, (0, 1)).all():
        raise ValueError("labels: other values than 0 and 1 (expected 1 relevant, 0 not)")
    if total < 1 or len(seen) > total:
        raise ValueError(f"total: {total} (expected 1 or more, and no fewer than the {len(seen)} labels)")
    return seen.astype(np.int64)


def quiet_run(seen: NDArray[np.int64]) -> int:
    """How many irrelevant records the labels end with."""
    hits = np.flatnonzero(seen)
    return len(seen) - (int(hits[-1]) + 1 if len(hits) else 0)


def missing_below(found: int, target: float) -> int:
    """The smallest number of missing relevant records that puts the recall below the target, in exact arithmetic."""
    return math.floor(found / Fraction(str(target))) + 1 - found


def at_least(count: int, *, urn: ArrayLike, relevant: ArrayLike, drawn: ArrayLike) -> Floats:
    """The probability of ``count`` or more relevant records among ``drawn`` from an urn (hypergeometric, upper tail); 0 where the urn holds fewer."""
    n, k, m = (np.atleast_1d(np.asarray(a, float)) for a in np.broadcast_arrays(urn, relevant, drawn))
    below = np.arange(count)[:, None]
    possible = (below <= k) & (below <= m) & (m - below <= n - k)
    with np.errstate(invalid="ignore", divide="ignore"):
        logs = _log_choose(k, below) + _log_choose(n - k, m - below) - _log_choose(n, m)
    tail = 1 - np.where(possible, np.exp(np.where(possible, logs, 0.0)), 0.0).sum(0)
    return np.where((k > n) | (m < count), 0.0, np.clip(tail, 0, 1))


def _log_choose(n: Floats, k: NDArray) -> Floats:
    return gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
