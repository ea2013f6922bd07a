"""Ranks of several methods over several tasks.

Demsar J. J Mach Learn Res 2006; 7: 1 (mean ranks); Wiesenfarth M et al. Sci Rep 2021; 11: 2369 (their bootstrap).
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from osteon.stats.arguments import Floats


def mean_ranks(losses: ArrayLike) -> Floats:
    """Mean rank (..., methods) over tasks of losses (..., methods, tasks): 1 is the smallest, ties share their mean rank.

    A task with an undefined loss of any method counts for none.
    """
    x = np.asarray(losses, np.float64)
    if x.ndim < 2 or 0 in x.shape[-2:]:
        raise ValueError(f"losses: shape {x.shape} (expected methods by tasks)")
    ranks = stats.rankdata(x, axis=-2)
    ranks[np.broadcast_to(np.isnan(x).any(-2, keepdims=True), x.shape)] = np.nan
    known = ~np.isnan(ranks)
    count = known.sum(-1)
    total = np.where(known, ranks, 0.0).sum(-1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
