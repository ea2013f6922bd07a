"""Adjustment of p-values for many tests.

Holm S. Scand J Stat 1979; 6: 65; Hochberg Y. Biometrika 1988; 75: 800; Benjamini Y, Hochberg Y. J R Stat Soc B 1995;
57: 289; Benjamini Y, Yekutieli D. Ann Stat 2001; 29: 1165.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from osteon.stats.arguments import Floats, probabilities

METHODS = ("holm", "bh", "bonferroni", "hochberg", "by")


def adjust(p: ArrayLike, *, method: str = "holm") -> Floats:
    """Adjusted p-values (n,); nan (a test that could not be made) stays nan and does not count."""
    values = np.asarray(p, np.float64)
    if method not in METHODS:
        raise ValueError(f"method: {method!r} (expected one of {', '.join(METHODS)})")
    known = ~np.isnan(values)
    adjusted = np.full(values.shape, np.nan)
    adjusted[known] = _adjusted(probabilities(values[known], "p"), method)
    return adjusted


def _adjusted(p: Floats, method: str) -> Floats:
    size, order = len(p), np.argsort(p)
    rank = np.arange(1, size + 1)
    factor = {"bonferroni": np.full(size, float(size)), "holm": size - rank + 1.0, "hochberg": size - rank + 1.0,
              "bh": size / rank, "by": size / rank * (1 / rank).sum()}[method]
    scaled = np.minimum(p[order] * factor, 1.0)
    if method == "holm":
        scaled = np.maximum.accumulate(scaled)
    elif method != "bonferroni":
        scaled = np.minimum.accumulate(scaled[::-1])[::-1]
    result = np.empty(size)
    result[order] = scaled
    return result
