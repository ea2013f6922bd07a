"""Two tests on the same cases: McNemar's tests, intervals of the difference, non-inferiority.

McNemar Q. Psychometrika 1947; 12: 153; Fagerland MW, Lydersen S, Laake P. BMC Med Res Methodol 2013; 13: 91 (mid-p);
Tango T. Stat Med 1998; 17: 891 (score); Newcombe RG. Stat Med 1998; 17: 2635 (method 10); Agresti A, Min Y. Stat Med
2005; 24: 729.
"""
from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from osteon.stats.arguments import binary, same_length
from osteon.stats.clusters import clustered_mean
from osteon.stats.intervals import HypothesisTest, Interval, normal_quantile, undefined, wilson

DIFFERENCE_METHODS = ("Tango", "Newcombe", "Agresti-Min", "Wald")
MCNEMAR_METHODS = ("mid-p", "exact", "asymptotic", "continuity")


class PairedTable(NamedTuple):
    """How often both tests are positive, only the first, only the second, neither."""

    both: float
    first: float
    second: float
    neither: float

    @property
    def total(self) -> float:
        """Number of pairs."""
        return float(sum(self))


@dataclass(frozen=True)
class NonInferiority:
    """What the interval of a difference (new - old, larger is better) says about a margin stated beforehand."""

    difference: Interval
    margin: float
    _: KW_ONLY
    verdict: str


def paired_table(first: ArrayLike, second: ArrayLike) -> PairedTable:
    """Table of two 0/1 results (n,) on the same cases: calls, or correctness of calls."""
    a, b = binary(first, "first"), binary(second, "second")
    same_length(first=a, second=b)
    return PairedTable(*(float(v.sum()) for v in (a & b, a & ~b, ~a & b, ~a & ~b)))


def mcnemar(table: PairedTable, *, method: str = "mid-p") -> HypothesisTest:
    """Test of equal proportions; mid-p keeps its level best. p is 1 where no pair is discordant (exact, mid-p)."""
    b, c = _discordant(table)
    if method not in MCNEMAR_METHODS:
        raise ValueError(f"method: {method!r} (expected one of {', '.join(MCNEMAR_METHODS)})")
    label = f"McNemar, {method}"
    if method in ("asymptotic", "continuity"):
        if b + c == 0:
            return HypothesisTest(math.nan, math.nan, df=(1,), method=label, reason="no discordant pairs")
        chi2 = (abs(b - c) - (method == "continuity")) ** 2 / (b + c)
        return HypothesisTest(chi2, float(stats.chi2.sf(chi2, 1)), df=(1,), method=label)
    for name, count in (("first", b), ("second", c)):
        if count != int(count):
            raise ValueError(f"{name}: {count} discordant pairs (expected a whole number for an exact test)")
    p = min(1.0, 2 * float(stats.binom.cdf(min(b, c), b + c, 0.5)))
    if method == "mid-p":
        p = float(p - stats.binom.pmf(min(b, c), b + c, 0.5)) if b != c else 1 - float(
            stats.binom.pmf(b, b + c, 0.5)) / 2
    return HypothesisTest(min(b, c), p if b + c else 1.0, method=label)


def _discordant(table: PairedTable) -> tuple[float, float]:
    for name, count in table._asdict().items():
        if not count >= 0:
            raise ValueError(f"{name}: {count} (expected a count of 0 or more)")
    return table.first, table.second


def paired_difference(table: PairedTable, *, level: float = 0.95, method: str = "Tango") -> Interval:
    """Difference of two paired proportions, first - second; undefined without pairs."""
    _discordant(table)
    if method not in DIFFERENCE_METHODS:
        raise ValueError(f"method: {method!r} (expected one of {', '.join(DIFFERENCE_METHODS)})")
    if table.total == 0:
        return undefined("no pairs", level=level, method=method)
    limits = {"Tango": _tango, "Newcombe": _newcombe, "Agresti-Min": _agresti_min, "Wald": _wald}[method]
    lower, upper = limits(table, normal_quantile(level), level)
    difference = (table.first - table.second) / table.total
    return Interval(difference, lower, upper, level=level, method=method)


def _wald(table: PairedTable, z: float, level: float) -> tuple[float, float]:
    n, b, c = table.total, table.first, table.second
    half = z * math.sqrt((b + c) - (b - c) ** 2 / n) / n
    return (b - c) / n - half, (b - c) / n + half


def _agresti_min(table: PairedTable, z: float, level: float) -> tuple[float, float]:
    """Wald limits with half a pair added to each cell, of which two are discordant."""
    n, b, c = table.total + 2, table.first + 0.5, table.second + 0.5
    half = z * math.sqrt((b + c) - (b - c) ** 2 / n) / n
    return (b - c) / n - half, (b - c) / n + half


def _tango(table: PairedTable, z: float, level: float) -> tuple[float, float]:
    """Roots of the score statistic under its constrained maximum likelihood."""
    n, b, c = table.total, table.first, table.second

    def gap(delta: float) -> float:
        linear = -b - c + (2 * n - b + c) * delta
        root = math.sqrt(max(linear**2 + 8 * n * c * delta * (1 - delta), 0.0))
        q = (root - linear) / (4 * n)
        spread = n * (2 * q + delta * (1 - delta))
        return (b - c - n * delta) ** 2 - z**2 * max(spread, 0.0)

    def limit(side: float) -> float:
        """The root between the estimate, where the statistic is 0, and the end of the scale."""
        near, far = (b - c) / n + side * 1e-9, side * (1 - 1e-12)
        if side * near >= side * far or gap(near) * gap(far) > 0:
            return side
        return float(optimize.brentq(gap, near, far, xtol=1e-14))

    return limit(-1.0), limit(1.0)


def _newcombe(table: PairedTable, z: float, level: float) -> tuple[float, float]:
    """Square-and-add with the correlation of the two results (method 10)."""
    a, b, c, d = table
    n = table.total
    one, two = wilson(a + b, n, level=level), wilson(a + c, n, level=level)
    product, cross = (a + b) * (c + d) * (a + c) * (b + d), a * d - b * c
    cross = max(cross - n / 2, 0.0) if cross > 0 else cross
    phi = cross / math.sqrt(product) if product > 0 else 0.0
    down_1, up_1, down_2, up_2 = (one.estimate - one.lower, one.upper - one.estimate, two.estimate - two.lower,
                                  two.upper - two.estimate)
    below = math.sqrt(max(down_1**2 - 2 * phi * down_1 * up_2 + up_2**2, 0.0))
    above = math.sqrt(max(down_2**2 - 2 * phi * down_2 * up_1 + up_1**2, 0.0))
    difference = (b - c) / n
    return difference - below, difference + above


def clustered_difference(first: ArrayLike, second: ArrayLike, patients: ArrayLike, *,
                         level: float = 0.95) -> Interval:
    """Difference of two paired proportions where patients give several cases: t limits over patients."""
    a, b = binary(first, "first"), binary(second, "second")
    same_length(first=a, second=b)
    return clustered_mean(a.astype(float) - b, patients, level=level)


def non_inferiority(difference: Interval, margin: float) -> NonInferiority:
    """Verdict for new - old: superior, non-inferior, inferior or inconclusive; ``margin`` > 0, stated beforehand."""
    if not margin > 0:
        raise ValueError(f"margin: {margin} (expected more than 0, in units of the difference)")
    if not difference.defined:
        return NonInferiority(difference, margin, verdict="undefined")
    if difference.lower > 0:
        verdict = "superior"
    elif difference.lower > -margin:
        verdict = "non-inferior"
    else:
        verdict = "inferior" if difference.upper < -margin else "inconclusive"
    return NonInferiority(difference, margin, verdict=verdict)


def equivalence(difference: Interval, margin: float) -> bool | None:
    """True where the whole interval lies within the margin either way; None where it is undefined."""
    if not margin > 0:
        raise ValueError(f"margin: {margin} (expected more than 0)")
    return bool(np.abs([difference.lower, difference.upper]).max() < margin) if difference.defined else None
