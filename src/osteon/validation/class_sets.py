"""Sets of classes that hold the true one as often as they say, three ways: by probability, adaptive, and with a promise for each class.

Sadinle M, Lei J, Wasserman L. J Am Stat Assoc 2019; 114: 223 (least ambiguous sets); Romano Y, Sesia M, Candès EJ. NeurIPS 2020 (adaptive sets); Vovk V. Mach Learn 2013; 92: 349
(classes as groups, and how coverage itself varies with the calibration cases).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

WAYS = ("by probability", "adaptive", "a promise for each class")


@dataclass(frozen=True, eq=False)
class Classed:
    """Cases with the number of their class (n,), a probability of each class (n, k) and their fold (n,)."""

    truth: np.ndarray
    predicted: np.ndarray
    fold: np.ndarray

    def take(self, rows: np.ndarray) -> Classed:
        """Some of the cases."""
        return Classed(self.truth[rows], self.predicted[rows], self.fold[rows])


def class_sets(tune: Classed, test: Classed, *, alpha: float = 0.1, seed: int = 0) -> Mapping[str, np.ndarray]:
    """Which classes each set keeps (n, k) for each test case, by way; calibrated within folds."""
    out = {way: np.zeros(test.predicted.shape, bool) for way in WAYS}
    for fold in dict.fromkeys(test.fold.tolist()):
        here, rows = tune.take(tune.fold == fold), test.fold == fold
        for way, kept in _one_fold(here, test.predicted[rows], alpha=alpha, seed=seed).items():
            out[way][rows] = kept
    return out


def _one_fold(tune: Classed, predicted: np.ndarray, *, alpha: float, seed: int) -> Mapping[str, np.ndarray]:
    from osteon.stats.conformal import adaptive_scores, adaptive_sets, class_scores, conformal_quantile, mondrian_quantiles, prediction_sets

    scores = class_scores(tune.truth, tune.predicted)
    by_class = mondrian_quantiles(scores, tune.truth, alpha=alpha)
    reach = np.array([by_class.get(k, np.inf) for k in range(predicted.shape[1])])
    return {WAYS[0]: prediction_sets(predicted, conformal_quantile(scores, alpha=alpha)),
            WAYS[1]: adaptive_sets(predicted, conformal_quantile(adaptive_scores(tune.truth, tune.predicted, seed=seed), alpha=alpha), seed=seed + 1), WAYS[2]: 1 - predicted <= reach + 1e-12}


def luck(size: int, *, alpha: float = 0.1) -> tuple[float, float]:
    """Between which two shares the coverage of one calibration on `size` cases lies 95 times in 100."""
    from scipy.stats import beta

    from osteon.stats.conformal import coverage_law

    a, b = coverage_law(size, alpha=alpha)
    low, high = beta.ppf([0.025, 0.975], a, b) if b else (1.0, 1.0)
    return float(low), float(high)
