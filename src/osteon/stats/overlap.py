"""Overlap of primary studies between reviews: the corrected covered area.

Pieper D et al. J Clin Epidemiol 2014; 67: 368.
"""
from __future__ import annotations

import math

from numpy.typing import ArrayLike

from osteon.stats.arguments import binary


def corrected_covered_area(citations: ArrayLike) -> float:
    """CCA of a table (studies, reviews) of 0 and 1: 0 no overlap, 1 complete; nan for fewer than 2 reviews.

    Up to 0.05 is slight, 0.10 moderate, 0.15 high, above very high. Studies in no review do not count.
    """
    table = binary(citations, "citations", ndim=2)
    table = table[table.any(1)]
    studies, reviews = table.shape
    if reviews < 2 or studies == 0:
        return math.nan
    return float((table.sum() - studies) / (studies * reviews - studies))
