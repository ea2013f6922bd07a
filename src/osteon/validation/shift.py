"""How far cases lie from those that a model learned on, column by column and all together.

Austin PC. Stat Med 2009; 28: 3083 (standardised difference: up to 0.1 is small); Siddiqi N. Credit Risk Scorecards, 2006 (PSI: above 0.25 is
large); Lopez-Paz D, Oquab M. ICLR 2017 (a classifier that tells two samples apart).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.stats.intervals import Interval, undefined

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 20  # cases of each sample for a classifier that tells them apart
ABSENT = "missing"


@dataclass(frozen=True)
class Shift:
    """One column: standardised difference after - before (of its most different `level` where it holds words), PSI, and the share of empty cells before and after."""

    column: str
    smd: float
    psi: float = field(kw_only=True)
    level: str = field(default="", kw_only=True)
    missing: tuple[float, float] = field(default=(0.0, 0.0), kw_only=True)


def shifts(before: pd.DataFrame, after: pd.DataFrame) -> tuple[Shift, ...]:
    """The shift of every column that both tables have, the largest first; nan where a column does not vary or holds nothing."""
    found = [_one(name, before[name], after[name]) for name in before.columns if name in after]
    return tuple(sorted(found, key=lambda s: -abs(s.smd) if s.smd == s.smd else 1.0))


def _one(name: str, before: pd.Series, after: pd.Series) -> Shift:
    from osteon.stats.drift import population_stability
    from osteon.stats.groups import standardised_difference

    missing = (float(before.isna().mean()), float(after.isna().mean()))
    if before.dtype.kind in "fiu" and after.dtype.kind in "fiu":
        x, y = before.dropna().to_numpy(float), after.dropna().to_numpy(float)
        known = len(x) > 1 and len(y) > 1
        return Shift(name, standardised_difference(y, x) if known else float("nan"), psi=population_stability(x, y) if known else float("nan"), missing=missing)
    x, y = (s.astype(object).where(s.notna(), ABSENT).astype(str).to_numpy() for s in (before, after))
    levels = sorted({*x, *y})
    gaps = {level: standardised_difference(y == level, x == level) for level in levels} if min(len(x), len(y)) > 1 else {}
    known_gaps = {k: v for k, v in gaps.items() if v == v}
    most = max(known_gaps, key=lambda k: abs(known_gaps[k])) if known_gaps else ""
    codes = [np.array([levels.index(v) for v in s], float) for s in (x, y)]
    return Shift(name, known_gaps.get(most, float("nan")), psi=_stability(*codes, count=len(levels)), level=most, missing=missing)


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
