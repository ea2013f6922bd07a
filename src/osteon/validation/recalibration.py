"""Probabilities on cases from elsewhere: as they stand, and repaired on half of the patients and judged on the other half.

Steyerberg EW et al. Stat Med 2004; 23: 2567 (updating in the large, and by a line). The repair is shown, never put into the model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.stats.intervals import Interval
from osteon.targets.lines import TRUE, judged

if TYPE_CHECKING:
    import pandas as pd

AS_GIVEN = "as given"
SHOWN = ("calibration_slope", "calibration_in_the_large", "observed_expected")
FEWEST = 10  # cases of each state in each half


@dataclass(frozen=True)
class Repaired:
    """Probabilities after one repair, on the half that it was not fitted on: method, slope, in-the-large, O:E and Brier score with intervals, and the line (intercept, slope) used."""

    method: str
    figures: dict[str, Interval] = field(kw_only=True, hash=False)
    line: tuple[float, float] = field(default=(0.0, 1.0), kw_only=True)


def repaired(lines: pd.DataFrame, *, seed: int = 0) -> tuple[Repaired, ...]:
    """As given, in the large, and by a line, each judged on the same half of the patients; empty where a half has fewer than 10 cases of a state.

    Raises ValueError for a score that is no probability.
    """
    from osteon.stats.recalibration import recalibrate

    known = judged(lines)
    truth, score = (known["state"] == TRUE).to_numpy(float), known["score"].to_numpy(float)
    first = _half(known["patient"].astype(str).to_numpy(), truth, seed)
    if min(int((truth[half] == state).sum()) for half in (first, ~first) for state in (0, 1)) < FEWEST:
        return ()
    out = [Repaired(AS_GIVEN, figures=_figures(truth[~first], score[~first]))]
    for method in ("in the large", "logistic"):
        repair = recalibrate(truth[first], score[first], method=method)
        out.append(Repaired(method, figures=_figures(truth[~first], repair(score[~first])), line=(repair.parameters[0][0], repair.parameters[1][0])))
    return tuple(out)


def _half(patients: np.ndarray, truth: np.ndarray, seed: int) -> np.ndarray:
    """Half of the patients with the finding and half of those without, as a mask of cases."""
    names, at = np.unique(patients, return_inverse=True)
    positive = np.bincount(at, weights=truth) > 0
    rng, chosen = np.random.default_rng(seed), np.zeros(len(names), bool)
    for state in (True, False):
        some = rng.permutation(np.flatnonzero(positive == state))
        chosen[some[: len(some) // 2]] = True
    return chosen[at]


def _figures(truth: np.ndarray, score: np.ndarray) -> dict[str, Interval]:
    from osteon.stats.calibration import brier, calibration

    found = calibration(truth, score)
    return {name: found[name] for name in SHOWN} | {"brier": brier(truth, score)}
