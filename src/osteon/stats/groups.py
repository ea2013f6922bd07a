"""Two or more groups compared: tests with effect sizes and intervals.

Hedges LV. J Educ Stat 1981; 6: 107 (g); Newcombe RG. Stat Med 1998; 17: 873 (difference of proportions, method 10);
Austin PC. Stat Med 2009; 28: 3083 (standardised difference).
"""
from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from osteon.stats.arguments import Floats, numbers, positives, same_length
from osteon.stats.intervals import HypothesisTest, Interval, around, on_log, proportion, undefined
from osteon.stats.roc import auc_interval


@dataclass(frozen=True)
class MeansComparison:
    """Difference of means (first - second) by Welch's t, Hedges' g, and the probability that a case of the first
    exceeds one of the second, each with interval; Mann-Whitney's test beside Welch's."""

    difference: Interval
    test: HypothesisTest
    _: KW_ONLY
    hedges_g: Interval
    superiority: Interval
    rank_test: HypothesisTest


@dataclass(frozen=True)
class RatesComparison:
    """Risk difference (first - second), risk ratio and odds ratio with intervals, and Fisher's exact test."""

    difference: Interval
    test: HypothesisTest
    _: KW_ONLY
    risk_ratio: Interval
    odds_ratio: Interval


def compare_means(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> MeansComparison:
    """Two groups of a continuous outcome; undefined for fewer than 2 cases a group or no variation at all."""
    x, y = numbers(first, "first"), numbers(second, "second")
    reason = _too_few(x, y)
    if reason:
        nothing, none = undefined(reason, level=level), HypothesisTest(math.nan, math.nan, reason=reason)
        return MeansComparison(nothing, none, hedges_g=nothing, superiority=nothing, rank_test=none)
    parts = x.var(ddof=1) / len(x), y.var(ddof=1) / len(y)
    error = math.sqrt(sum(parts))
    df = error**4 / (parts[0] ** 2 / (len(x) - 1) + parts[1] ** 2 / (len(y) - 1))
    gap = float(x.mean() - y.mean())
    test = HypothesisTest(gap / error, 2 * float(stats.t.sf(abs(gap) / error, df)), df=(df,), method="Welch t")
    ranks = stats.mannwhitneyu(x, y, alternative="two-sided")
    superiority = auc_interval(np.repeat([1, 0], [len(x), len(y)]), np.concatenate([x, y]), level=level)
    return MeansComparison(around(gap, error, level=level, df=df, method="Welch t"), test,
                           hedges_g=hedges_g(x, y, level=level), superiority=superiority,
                           rank_test=HypothesisTest(float(ranks.statistic), float(ranks.pvalue),
                                                    method="Mann-Whitney"))


def _too_few(x: Floats, y: Floats) -> str:
    if min(len(x), len(y)) < 2:
        return f"groups of {len(x)} and {len(y)} (2 a group needed)"
    return "no variation in either group" if x.var() + y.var() == 0 else ""


def hedges_g(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Interval:
    """Standardised mean difference, small-sample corrected, with limits of the noncentral t."""
    x, y = numbers(first, "first"), numbers(second, "second")
    if reason := _too_few(x, y):
        return undefined(reason, level=level, method="Hedges g")
    df, scale = len(x) + len(y) - 2, math.sqrt(1 / len(x) + 1 / len(y))
    pooled = math.sqrt(((len(x) - 1) * x.var(ddof=1) + (len(y) - 1) * y.var(ddof=1)) / df)
    t = float(x.mean() - y.mean()) / pooled / scale
    shrink = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    ends = [_noncentrality(t, df, tail) for tail in ((1 + level) / 2, (1 - level) / 2)]
    estimate, lower, upper = (shrink * scale * v for v in (t, *ends))
    return Interval(estimate, lower, upper, level=level, method="Hedges g, noncentral t")


def _noncentrality(t: float, df: float, tail: float) -> float:
    """The noncentrality at which t stands at this tail probability; mirrored below 0, where scipy's law fails."""
    def below(c: float) -> float:
        share = float(stats.nct.cdf(t, df, c) if c >= 0 else stats.nct.sf(-t, df, -c))
        return float(t > c) if math.isnan(share) else share  # scipy gives nan for some shares next to 0 or 1

    reach = 6 + abs(t)
    return float(optimize.brentq(lambda c: below(c) - tail, t - reach, t + reach))


def compare_rates(first: tuple[int, int], second: tuple[int, int], *, level: float = 0.95) -> RatesComparison:
    """Two groups of a yes/no outcome, each (events, cases); 0.5 is added to each cell of a ratio with an empty one."""
    a, n, c, m = *first, *second
    one, two = proportion(a, n, level=level), proportion(c, m, level=level)
    if not (one.defined and two.defined):
        reason = "a group has no cases"
        nothing = undefined(reason, level=level)
        return RatesComparison(nothing, HypothesisTest(math.nan, math.nan, reason=reason), risk_ratio=nothing,
                               odds_ratio=nothing)
    p = float(stats.fisher_exact([[a, n - a], [c, m - c]]).pvalue)
    ratio, odds = _ratio_intervals(a, n, c, m, level)
    return RatesComparison(difference_of(one, two), HypothesisTest(math.nan, p, method="Fisher exact"),
                           risk_ratio=ratio, odds_ratio=odds)


def _ratio_intervals(a: float, n: float, c: float, m: float, level: float) -> tuple[Interval, Interval]:
    method = "log"
    if a + c == 0:
        return (undefined("no events in either group", level=level, method=method),) * 2
    if min(a, n - a, c, m - c) == 0:
        a, c, n, m, method = a + 0.5, c + 0.5, n + 1, m + 1, "log, 0.5 added to each cell because one is 0"
    risk = on_log(a / n / (c / m), math.sqrt(1 / a - 1 / n + 1 / c - 1 / m), level=level, method=method)
    odds = on_log(a * (m - c) / (c * (n - a)), math.sqrt(1 / a + 1 / (n - a) + 1 / c + 1 / (m - c)), level=level,
                  method=method)
    return risk, odds


def difference_of(first: Interval, second: Interval) -> Interval:
    """Difference of two independent estimates by square-and-add of their own limits (Newcombe 1998; MOVER)."""
    if not (first.defined and second.defined):
        return undefined(first.reason or second.reason, level=first.level, method="Newcombe")
    gap = first.estimate - second.estimate
    below = math.hypot(first.estimate - first.lower, second.upper - second.estimate)
    above = math.hypot(first.upper - first.estimate, second.estimate - second.lower)
    return Interval(gap, gap - below, gap + above, level=first.level, method="Newcombe")


def standardised_difference(first: ArrayLike, second: ArrayLike) -> float:
    """Difference of means over the root mean variance (table one, drift); nan where neither varies."""
    x, y = numbers(first, "first"), numbers(second, "second")
    spread = math.sqrt((x.var(ddof=1) + y.var(ddof=1)) / 2) if min(len(x), len(y)) > 1 else 0.0
    return float(x.mean() - y.mean()) / spread if spread else math.nan


def heterogeneity(estimates: ArrayLike, errors: ArrayLike) -> HypothesisTest:
    """Cochran's Q: do estimates (k,) of independent groups (sites, subgroups) with standard errors (k,) differ?"""
    x, e = numbers(estimates, "estimates"), positives(errors, "errors")
    same_length(estimates=x, errors=e)
    if len(x) < 2:
        return HypothesisTest(math.nan, math.nan, method="Cochran Q", reason="fewer than 2 groups")
    weight = 1 / e**2
    q = float(weight @ (x - weight @ x / weight.sum()) ** 2)
    return HypothesisTest(q, float(stats.chi2.sf(q, len(x) - 1)), df=(len(x) - 1,), method="Cochran Q")


def several_groups(groups: list[ArrayLike]) -> HypothesisTest:
    """Kruskal-Wallis test of one outcome in k groups; no test for fewer than 2 groups or equal values."""
    values = [numbers(g, f"groups[{k}]") for k, g in enumerate(groups)]
    if len(values) < 2 or min(len(v) for v in values) == 0 or np.ptp(np.concatenate(values)) == 0:
        return HypothesisTest(math.nan, math.nan, method="Kruskal-Wallis",
                              reason="fewer than 2 groups, an empty group, or all values equal")
    found = stats.kruskal(*values)
    return HypothesisTest(float(found.statistic), float(found.pvalue), df=(len(values) - 1,), method="Kruskal-Wallis")


def association(table: ArrayLike) -> HypothesisTest:
    """Chi-square test of a table of counts (r, c) without correction, rows and columns of zeros dropped."""
    counts = numbers(table, "table", ndim=2)
    counts = counts[counts.any(1)][:, counts.any(0)]
    if min(counts.shape) < 2:
        return HypothesisTest(math.nan, math.nan, method="chi-square", reason="fewer than 2 rows or columns")
    chi2, p, df, _ = stats.chi2_contingency(counts, correction=False)
    return HypothesisTest(float(chi2), float(p), df=(float(df),), method="chi-square")
