"""Interaction of two factors in a factorial table (Box GEP, Hunter WG, Hunter JS. Statistics for Experimenters, 1978)."""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from osteon.stats.arguments import binary, numbers, same_length


def interaction(values: ArrayLike, first: ArrayLike, second: ArrayLike) -> float:
    """What both factors give together beyond the sum of what each gives alone.

    mean(1, 1) - mean(1, 0) - mean(0, 1) + mean(0, 0); ``values`` (n,), ``first`` and ``second`` (n,) 0 or 1; nan where one of the four cells is empty.
    """
    y, a, b = numbers(values, "values"), binary(first, "first"), binary(second, "second")
    same_length(values=y, first=a, second=b)
    cells = [y[(a == i) & (b == j)] for i in (True, False) for j in (True, False)]
    if not all(len(c) for c in cells):
        return float("nan")
    both, one, other, none = (float(np.mean(c)) for c in cells)
    return both - one - other + none
