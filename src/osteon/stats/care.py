"""Value of care: how good the outcome was for what it cost.

Porter ME. N Engl J Med 2010; 363: 2477 (value = outcome over cost); Loftus TJ et al. J Am Coll Surg 2023; 236: 279
(outcome as the inverse of observed over expected events).
"""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from osteon.stats.arguments import binary, positives, probabilities, same_length
from osteon.stats.clusters import bootstrap_sums
from osteon.stats.intervals import Interval, undefined


def value_of_care(observed: ArrayLike, expected: ArrayLike, cost: ArrayLike, *, patients: ArrayLike,
                  standard_cost: float, resamples: int = 1000, seed: int = 0, level: float = 0.95) -> Interval:
    """Expected over observed events, over mean cost / ``standard_cost``, with a patient-bootstrap interval.

    ``observed`` (n,) 0 or 1, ``expected`` (n,) probabilities of a model that did not see the cases, ``cost`` (n,).
    1 is what was expected at the standard cost; undefined where no event was observed.
    """
    y, p, c = binary(observed, "observed"), probabilities(expected, "expected"), positives(cost, "cost", zero=True)
    same_length(observed=y, expected=p, cost=c)
    if not (standard_cost > 0 and math.isfinite(standard_cost)):
        raise ValueError(f"standard_cost: {standard_cost} (expected more than 0)")
    if not y.any() or not c.sum():
        return undefined("no case" if not len(y) else "no event was observed" if not y.any() else "nothing was spent",
                         level=level, method="patient bootstrap")
    columns = np.column_stack([p, y, c, np.ones(len(y))])
    return bootstrap_sums(lambda s: s[..., 0] / np.where(s[..., 1] > 0, s[..., 1], np.nan)
                          / (s[..., 2] / s[..., 3] / standard_cost),
                          columns, patients, resamples=resamples, seed=seed, level=level)
