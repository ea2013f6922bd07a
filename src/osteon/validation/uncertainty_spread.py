"""Does the spread of several answers to one case - views of it, fits of a fold, members of a blend - tell which answers are wrong?

Lakshminarayanan B et al. NeurIPS 2017 (ensembles); Ayhan MS, Berens P. MIDL 2018 (augmented views). Error detection is the AUC of the spread for a wrong answer;
the spread is calibrated where errors grow with it, and of readings where both have one size.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.stats.intervals import Interval, undefined
from osteon.targets import Target
from osteon.validation.augmented import spread
from osteon.value import Value

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 20  # cases with a spread
PARTS = 3


@dataclass(frozen=True)
class Part:
    """A third of the cases by their spread: how many, mean spread, mean error, and the share that is wrong at the cut."""

    cases: int
    spread: float = field(kw_only=True)
    error: float = field(kw_only=True)
    wrong: float = field(kw_only=True)


@dataclass(frozen=True)
class Doubt:
    """What the spread of a source (views, fits, members) over so many answers says of the errors: AUC for wrong ones, rank correlation with the error, ratio of their sizes, thirds."""

    source: str
    answers: int
    cases: int = field(kw_only=True)
    detection: Interval = field(kw_only=True)
    rank: float = field(kw_only=True)
    ratio: float = field(kw_only=True)
    parts: tuple[Part, ...] = field(kw_only=True)


def doubt(source: str, spreads: Mapping[str, float], errors: pd.DataFrame, *, answers: int, patients: Mapping[str, str]) -> Doubt | None:
    """The spread of cases (by code) beside their errors (columns case, error, wrong); None for fewer than 20 cases with both."""
    from scipy.stats import spearmanr

    from osteon.targets.lines import auc_of

    known = errors[errors["case"].map(lambda c: spreads.get(c, math.nan)).notna() & errors["error"].notna()]
    if len(known) < FEWEST:
        return None
    wide, size, wrong = known["case"].map(dict(spreads)).to_numpy(float), known["error"].abs().to_numpy(float), known["wrong"].to_numpy(bool)
    found = auc_of(wrong, wide, known["case"].map(dict(patients)).to_numpy(object)) if wrong.any() and not wrong.all() else undefined("every answer is right" if not wrong.any() else "every answer is wrong")
    order = np.argsort(wide, kind="stable")
    parts = tuple(Part(len(rows), spread=float(wide[rows].mean()), error=float(size[rows].mean()), wrong=float(wrong[rows].mean())) for rows in np.array_split(order, PARTS))
    rank = float(spearmanr(wide, size).statistic) if np.ptp(wide) > 0 and np.ptp(size) > 0 else math.nan
    rms = float(np.sqrt((wide**2).mean()))
    return Doubt(source, answers, cases=len(known), detection=found, rank=rank, ratio=float(np.sqrt((size**2).mean())) / rms if rms > 0 else math.nan, parts=parts)


def spreads_of(target: Target, finding: str, given: Mapping[str, Sequence[Value]]) -> dict[str, float]:
    """The spread of the answers to each case (by code); those without two answers are left out."""
    return {code: found for code, values in given.items() if (found := spread(target, values, finding)) == found}


def of_members(lines: Mapping[str, pd.DataFrame], *, target: str, finding: str) -> dict[str, float]:
    """The SD of the members' scores for each tested case, from their lines (a mean over the units of a case); of readings that of the readings."""
    import pandas as pd

    tables = []
    for name, frame in lines.items():
        mine = frame[(frame["part"] == "test") & (frame["target"] == target) & (frame["finding"] == finding) & (frame["withheld"] == "")]
        value = "n.answer" if "n.answer" in mine and mine["n.answer"].notna().any() and not mine["score"].between(0, 1).all() else "score"
        tables.append(mine.assign(member=name, at=mine.groupby("case").cumcount())[["case", "at", "member", value]].rename(columns={value: "value"}))
    if len(tables) < 2:
        return {}
    wide = pd.concat(tables).pivot_table(index=["case", "at"], columns="member", values="value")
    return {str(code): float(sd) for code, sd in wide.dropna().std(axis=1, ddof=0).groupby("case").mean().items()}
