"""Can a test stand in for a reader? Individual equivalence by excess disagreement.

Obuchowski NA. Stat Med 2001; 20: 3261 and Acad Radiol 2014; 21: 993; Recht MP et al. AJR 2020; 215: 1421; Subhas N et
al. 2020 (margin 0.10). Excess = disagreement of test with standard between readers - disagreement of standard with
standard between readers. Interchangeable where the upper limit stays below a margin stated beforehand.
"""
from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from osteon.stats.arguments import Floats, numbers
from osteon.stats.clusters import clustered_mean
from osteon.stats.intervals import Interval

MEASURES = ("class", "squared", "tolerance")


@dataclass(frozen=True)
class Interchangeability:
    """Disagreement standard with standard and standard with test, their excess, and the verdict for the margin."""

    excess: Interval
    margin: float
    _: KW_ONLY
    standard_standard: float
    standard_test: float
    interchangeable: bool | None


def interchangeability(standard: ArrayLike, test: ArrayLike, *, margin: float = 0.1, measure: str = "class",
                       tolerance: float = 0.0, patients: ArrayLike | None = None,
                       level: float = 0.95) -> Interchangeability:
    """Excess disagreement of ``test`` over ``standard``, patients as units.

    ``standard`` (n, readers) of at least 2 readers; ``test`` (n, readers) by the same readers with the new method, or
    (n,) of one machine. Disagreement is an unequal "class", the "squared" difference, or a difference above
    ``tolerance``. ValueError for missing readings.
    """
    s = numbers(standard, "standard", ndim=2)
    t = numbers(test, "test", ndim=np.ndim(test))
    if s.shape[1] < 2 or len(s) != len(t) or (t.ndim == 2 and t.shape != s.shape):
        raise ValueError(f"test: shape {t.shape} for a standard of {s.shape} (expected at least 2 readers, and the "
                         "test by the same readers or one machine)")
    if measure not in MEASURES:
        raise ValueError(f"measure: {measure!r} (expected one of {', '.join(MEASURES)})")
    pairs = list(combinations(range(s.shape[1]), 2))
    one, two = (np.array(v) for v in zip(*pairs, strict=True))
    within = _disagree(s[:, one] - s[:, two], measure, tolerance).mean(1)
    if t.ndim == 1:
        across = _disagree(s - t[:, None], measure, tolerance).mean(1)
    else:
        across = (_disagree(s[:, one] - t[:, two], measure, tolerance)
                  + _disagree(s[:, two] - t[:, one], measure, tolerance)).mean(1) / 2
    units = np.arange(len(s)) if patients is None else patients
    excess = clustered_mean(across - within, units, level=level)
    return Interchangeability(excess, margin, standard_standard=float(within.mean()),
                              standard_test=float(across.mean()),
                              interchangeable=None if math.isnan(excess.upper) else excess.upper < margin)


def _disagree(gap: Floats, measure: str, tolerance: float) -> Floats:
    if measure == "squared":
        return gap**2
    return (np.abs(gap) > (tolerance if measure == "tolerance" else 0)).astype(float)
