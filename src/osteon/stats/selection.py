"""How stable a selection of features is over several parts of the data, corrected for chance.

Nogueira S, Sechidis K, Brown G. J Mach Learn Res 2018; 18(174): 1. The estimate equals Fleiss' kappa with the selections as raters.
"""
from __future__ import annotations

import math

from numpy.typing import ArrayLike

from osteon.stats.arguments import binary
from osteon.stats.intervals import Interval, around, undefined


def stability(chosen: ArrayLike, *, level: float = 0.95) -> Interval:
    """Stability of selections (runs, features) of 0 and 1: 1 always the same, 0 as by chance; asymptotic limits.

    The limits hold for independent runs: those of overlapping folds are too narrow. Undefined for fewer than 2 runs,
    and where nothing or everything was chosen each time.
    """
    table, method = binary(chosen, "chosen", ndim=2).astype(float), "Nogueira 2018"
    runs, features = table.shape
    if runs < 2:
        return undefined(f"{runs} selection (2 needed)", level=level, method=method)
    share = table.mean(0)
    mean = float(share.sum()) / features
    chance = mean * (1 - mean)
    if chance == 0:
        return undefined(f"{'nothing' if mean == 0 else 'everything'} was chosen each time", level=level, method=method)
    estimate = 1 - runs / (runs - 1) * float((share * (1 - share)).mean()) / chance
    own = table.mean(1)
    parts = ((table * share).mean(1) - own * mean + estimate / 2 * (2 * own * mean - own - mean + 1)) / chance
    variance = 4 / runs**2 * float(((parts - parts.mean()) ** 2).sum())
    return around(estimate, math.sqrt(variance), level=level, method=method)
