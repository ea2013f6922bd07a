"""How far new data lie from those a model learned on.

Siddiqi N. Credit Risk Scorecards, 2006 (PSI: below 0.1 slight, above 0.25 large); Gretton A et al. J Mach Learn Res
2012; 13: 723 (MMD). Standardised differences: ``groups.standardised_difference``.
"""
from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.spatial.distance import cdist

from osteon.stats.arguments import Floats, numbers
from osteon.stats.intervals import HypothesisTest


def population_stability(before: ArrayLike, after: ArrayLike, *, bins: int = 10) -> float:
    """PSI over bins by quantiles of ``before``, or its distinct values where there are fewer.

    An empty bin counts as half a case. ValueError for malformed or empty input.
    """
    x, y = numbers(before, "before"), numbers(after, "after")
    if not len(x) or not len(y):
        raise ValueError(f"before, after: {len(x)} and {len(y)} values (expected at least one each)")
    edges = np.unique(np.quantile(x, np.linspace(0, 1, bins + 1)[1:-1]))
    counts = [np.bincount(np.searchsorted(edges, v, side="left"), minlength=len(edges) + 1) for v in (x, y)]
    p, q = (np.maximum(c, 0.5) / np.maximum(c, 0.5).sum() for c in counts)
    return float(((q - p) * np.log(q / p)).sum())


def same_distribution(before: ArrayLike, after: ArrayLike) -> HypothesisTest:
    """Kolmogorov-Smirnov test of one measurement."""
    found = stats.ks_2samp(numbers(before, "before"), numbers(after, "after"))
    return HypothesisTest(float(found.statistic), float(found.pvalue), method="Kolmogorov-Smirnov")


def mean_discrepancy(before: ArrayLike, after: ArrayLike, *, permutations: int = 500, seed: int = 0) -> HypothesisTest:
    """Squared MMD of features (n, d) and (m, d), Gaussian kernel of median width, p by permutation.

    Memory grows with (n + m) squared: pass at most a few thousand cases.
    """
    x, y = numbers(before, "before", ndim=2), numbers(after, "after", ndim=2)
    if x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise ValueError(f"after: shape {y.shape} for {x.shape} (expected equal columns and at least 2 cases each)")
    both = np.vstack([x, y])
    squared = cdist(both, both, "sqeuclidean")
    width = float(np.median(squared[np.triu_indices(len(both), 1)])) or 1.0
    kernel = np.exp(-squared / width)
    np.fill_diagonal(kernel, 0)
    first = np.arange(len(both)) < len(x)
    rng = np.random.default_rng(seed)
    sides = [first, *(rng.permutation(first) for _ in range(permutations))]
    values = np.array([_mmd(kernel, side) for side in sides])
    return HypothesisTest(values[0], float((values >= values[0]).mean()), method=f"MMD, {permutations} permutations")


def _mmd(kernel: Floats, first: np.ndarray) -> float:
    """Unbiased squared MMD from a kernel with an empty diagonal."""
    n, m = int(first.sum()), int((~first).sum())
    sums = kernel @ first
    within, across = float(sums[first].sum()), float(sums[~first].sum())
    other = float(kernel.sum()) - within - 2 * across
    return within / (n * (n - 1)) + other / (m * (m - 1)) - 2 * across / (n * m)
