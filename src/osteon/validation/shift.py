"""How far cases lie from those that a model learned on, column by column and all together.

Austin PC. Stat Med 2009; 28: 3083 (standardised difference: up to 0.1 is small); Siddiqi N. Credit Risk Scorecards, 2006 (PSI: above 0.25 is
large); Kolmogorov and Smirnov for numbers, chi-square for words, Holm S. Scand J Stat 1979; 6: 65 over all columns; Lopez-Paz D, Oquab M. ICLR 2017 (a
classifier that tells two samples apart); Gretton A et al. J Mach Learn Res 2012; 13: 723 (maximum mean discrepancy). A p-value says whether there is a shift,
the others how large it is: of many cases the smallest is more than chance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from osteon.stats.intervals import HypothesisTest, Interval, undefined

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 20  # cases of each sample for a classifier that tells them apart
ABSENT = "missing"
MOST_CASES, MOST_LEVELS = 400, 20  # of each sample, and of a column of words, in the kernel


@dataclass(frozen=True)
class Shift:
    """One column: standardised difference after - before (of its most different `level` where it holds words), PSI, the share of empty cells before and after, and a test.

    `statistic` is that of Kolmogorov and Smirnov, of words chi-square; `adjusted` is p by Holm over all columns.
    """

    column: str
    smd: float
    psi: float = field(kw_only=True)
    level: str = field(default="", kw_only=True)
    missing: tuple[float, float] = field(default=(0.0, 0.0), kw_only=True)
    statistic: float = field(default=math.nan, kw_only=True)
    p: float = field(default=math.nan, kw_only=True)
    adjusted: float = field(default=math.nan, kw_only=True)


def shifts(before: pd.DataFrame, after: pd.DataFrame) -> tuple[Shift, ...]:
    """The shift of every column that both tables have, the largest first; nan where a column does not vary or holds nothing."""
    from osteon.stats.multiplicity import adjust

    found = [_one(name, before[name], after[name]) for name in before.columns if name in after]
    found = [replace(s, adjusted=float(p)) for s, p in zip(found, adjust([s.p for s in found], method="holm"), strict=True)]
    return tuple(sorted(found, key=lambda s: -abs(s.smd) if s.smd == s.smd else 1.0))


def _one(name: str, before: pd.Series, after: pd.Series) -> Shift:
    from osteon.stats.drift import population_stability, same_distribution
    from osteon.stats.groups import association, standardised_difference

    missing = (float(before.isna().mean()), float(after.isna().mean()))
    if before.dtype.kind in "fiu" and after.dtype.kind in "fiu":
        x, y = before.dropna().to_numpy(float), after.dropna().to_numpy(float)
        known = len(x) > 1 and len(y) > 1
        if not known:
            return Shift(name, math.nan, psi=math.nan, missing=missing)
        test = same_distribution(x, y)
        varies = np.ptp(np.concatenate([x, y])) > 0
        return Shift(name, standardised_difference(y, x), psi=population_stability(x, y), missing=missing, statistic=test.statistic, p=test.p if varies else math.nan)
    x, y = (s.astype(object).where(s.notna(), ABSENT).astype(str).to_numpy() for s in (before, after))
    levels = sorted({*x, *y})
    gaps = {level: standardised_difference(y == level, x == level) for level in levels} if min(len(x), len(y)) > 1 else {}
    known_gaps = {k: v for k, v in gaps.items() if v == v}
    most = max(known_gaps, key=lambda k: abs(known_gaps[k])) if known_gaps else ""
    codes = [np.array([levels.index(v) for v in s], float) for s in (x, y)]
    test = association(np.array([np.bincount(c.astype(int), minlength=len(levels)) for c in codes])) if levels else HypothesisTest(math.nan, math.nan)
    return Shift(name, known_gaps.get(most, math.nan), psi=_stability(*codes, count=len(levels)), level=most, missing=missing, statistic=test.statistic, p=test.p)


def _stability(before: np.ndarray, after: np.ndarray, *, count: int) -> float:
    """PSI over levels; an empty one counts as half a case."""
    if not len(before) or not len(after):
        return float("nan")
    p, q = (np.maximum(c, 0.5) / np.maximum(c, 0.5).sum() for c in (np.bincount(v.astype(int), minlength=count) for v in (before, after)))
    return float(((q - p) * np.log(q / p)).sum())


def told_apart(before: pd.DataFrame, after: pd.DataFrame, *, seed: int = 0, folds: int = 5) -> Interval:
    """AUC, within folds, of a classifier that tells from which table a row comes: 0.5 is no shift that it can see, 1 a complete one."""
    import pandas as pd
    from sklearn.model_selection import StratifiedKFold

    from osteon.models.tabular import pipeline, ready
    from osteon.targets.lines import FALSE, TRUE, auc_of, within_folds

    shared = [c for c in before.columns if c in after]
    if min(len(before), len(after)) < FEWEST or not shared:
        return undefined(f"fewer than {FEWEST} cases in one of the tables, or no column in both")
    rows = ready(pd.concat([before[shared], after[shared]], ignore_index=True))
    later = np.repeat([0, 1], (len(before), len(after)))
    order = np.arange(len(rows)).astype(str)
    parts = []
    for k, (learnt, tested) in enumerate(StratifiedKFold(folds, shuffle=True, random_state=seed).split(rows, later)):
        fitted = pipeline("gradient boosting", rows, {}, seed).fit(rows.iloc[learnt], later[learnt])
        parts.append(pd.DataFrame({"fold": str(k), "score": fitted.predict_proba(rows.iloc[tested])[:, 1], "state": np.where(later[tested] == 1, TRUE, FALSE),
                                   "patient": order[tested], "withheld": ""}))
    return within_folds(pd.concat(parts, ignore_index=True), auc_of)


def discrepancy(before: pd.DataFrame, after: pd.DataFrame, *, seed: int = 0, permutations: int = 500) -> HypothesisTest:
    """Squared maximum mean discrepancy of the columns that both have, together (Gaussian kernel of median width), p by permutation; at most 400 cases of each are drawn."""
    from osteon.stats.drift import mean_discrepancy

    shared = [c for c in before.columns if c in after]
    if min(len(before), len(after)) < FEWEST or not shared:
        return HypothesisTest(math.nan, math.nan, method="MMD", reason=f"fewer than {FEWEST} cases in one of the tables, or no column in both")
    rng = np.random.default_rng(seed)
    some = [t.iloc[rng.permutation(len(t))[:MOST_CASES]] for t in (before, after)]
    x, y = _numbers(some, shared)
    if not x.shape[1]:
        return HypothesisTest(math.nan, math.nan, method="MMD", reason="no column varies")
    found = mean_discrepancy(x, y, permutations=permutations, seed=seed)
    return HypothesisTest(found.statistic, max(found.p, 1 / (permutations + 1)), method=found.method)


def _numbers(tables: Sequence[pd.DataFrame], names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Columns as standardised numbers, an empty cell at the mean; of words each level as 0 or 1."""
    import pandas as pd

    both, parts = pd.concat([t[list(names)] for t in tables], ignore_index=True), []
    for name in names:
        column = both[name]
        if column.dtype.kind in "fiu":
            parts.append(column.to_numpy(float)[:, None])
        else:
            text = column.astype(object).where(column.notna(), ABSENT).astype(str)
            parts.append(np.column_stack([(text == level).to_numpy(float) for level in text.value_counts().index[:MOST_LEVELS]]))
    table = np.hstack(parts)
    with np.errstate(invalid="ignore", divide="ignore"):
        known = np.where(np.isfinite(table).any(0), table, 0.0)
        spread = np.nanstd(known, axis=0)
        scaled = np.nan_to_num((known - np.nanmean(known, axis=0)) / np.where(spread > 0, spread, 1.0))
    scaled = scaled[:, spread > 0]
    return scaled[: len(tables[0])], scaled[len(tables[0]):]
