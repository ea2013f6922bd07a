"""Odds of the outcome by a model's score within matched sets of cases and controls.

Breslow NE, Day NE. Statistical methods in cancer research, vol. 1, 1980 (conditional logistic regression); after Leung 2020.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import DataError, message
from osteon.run import ONCE, Run
from osteon.study import Study
from osteon.targets.lines import TRUE, judged
from osteon.validation.analyses.asked import asked
from osteon.validation.results import Result, attribute

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval


@dataclass(frozen=True)
class MatchedOdds:
    """The odds ratio of the outcome for a score one standard deviation higher, within the sets that share a value of the attribute `stratum`.

    Sets without exactly one case (by the reference standard) and at least one control are left out and counted.
    """

    stratum: str
    target: str = ""
    finding: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The attribute that names the matched set."""
        return (self.stratum,)

    def __call__(self, run: Run, study: Study) -> Iterator[Result]:
        """One odds ratio a model. Raises DataError where no matched set is complete."""
        question = asked(study, self.target, self.finding)
        sets = attribute(run, self.stratum, f"analysis {type(self).__name__}")
        for label in question.labels(run):
            lines = judged(question.tested(run, label))
            kept = complete(lines.assign(stratum=lines["case"].map(sets)))
            if not len(kept):
                raise DataError(message(f"analysis {type(self).__name__}", f"no set of {self.stratum!r} holds one case and a control", found=f"Found {len(lines)} judged lines"))
            ratio, p = odds(kept["score"].to_numpy(float), (kept["state"] == TRUE).to_numpy(), kept["stratum"].to_numpy(str))
            out = len(lines) - len(kept)
            note = f"{kept['stratum'].nunique()} matched sets" + (f"; {out} of {len(lines)} lines stand in no complete set and were left out" if out else "")
            yield Result("odds ratio per SD of the score", label, value=ratio, n=len(kept), p=p, note=note)


def complete(lines: pd.DataFrame) -> pd.DataFrame:
    """The lines whose `stratum` is known and holds exactly one case and at least one control."""
    known = lines[lines["stratum"].notna() & (lines["stratum"].astype(str) != ONCE)]
    cases = (known["state"] == TRUE).groupby(known["stratum"]).transform("sum")
    size = known.groupby("stratum")["state"].transform("size")
    return known[(cases == 1) & (size > 1)]


def odds(score: np.ndarray, case: np.ndarray, sets: np.ndarray) -> tuple[Interval, float]:
    """The odds ratio per standard deviation of score (n,), with Wald limits and p, for case (n,) within sets (n,)."""
    from scipy.stats import norm

    from osteon.stats.intervals import Interval, undefined
    from osteon.stats.regression import fit_conditional_logistic

    spread = float(np.std(score, ddof=1))
    if not spread > 0:
        return undefined("every score is equal", method="conditional logistic"), math.nan
    fit = fit_conditional_logistic((score[:, None] - score.mean()) / spread, case, sets)
    slope = fit.interval(0)
    if not slope.defined:
        return undefined(slope.reason, method="conditional logistic"), math.nan
    ends = (math.exp(v) for v in (slope.estimate, slope.lower, slope.upper))
    p = 2 * float(norm.sf(abs(slope.estimate) / math.sqrt(fit.covariance[0, 0])))
    return Interval(*ends, method="conditional logistic regression, Wald"), p
