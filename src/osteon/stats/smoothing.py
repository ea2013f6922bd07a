"""Local regression with tricube weights (Cleveland WS, Devlin SJ. J Am Stat Assoc 1988; 83: 596).

The surface is computed directly at each point: R's ``loess(control=loess.control(surface="direct"))``.
"""
from __future__ import annotations

import numpy as np

from osteon.stats.arguments import Floats


def loess(x: Floats, y: Floats, at: Floats, *, weights: Floats, span: float = 0.75,
          degree: int = 2) -> tuple[Floats, Floats]:
    """Smoothed y (m,) at points ``at`` (m,), and the operator (m, n) with smoothed = operator @ y.

    A case of weight w counts in the neighbourhood and in the fit like w equal cases. Points with fewer distinct
    neighbours than coefficients take the minimum-norm solution.
    """
    distance = np.abs(at[:, None] - x[None, :])
    kernel = _tricube(distance, _reach(distance, weights, span)[:, None]) * weights
    powers = (x[None, :] - at[:, None])[..., None] ** np.arange(degree + 1)
    scale = np.sqrt((kernel[..., None] * powers**2).sum(1))
    scale[scale == 0] = 1
    powers = powers / scale[:, None, :]
    gram = np.einsum("mn,mnp,mnq->mpq", kernel, powers, powers, optimize=True)
    row = np.linalg.pinv(gram, rcond=1e-12, hermitian=True)[:, 0, :] / scale[:, :1]
    operator = np.einsum("mp,mnp->mn", row, powers) * kernel
    return operator @ y, operator


def _reach(distance: Floats, weights: Floats, span: float) -> Floats:
    """Distance (m,) within which each point finds ``span`` of the total weight."""
    order = np.argsort(distance, axis=1)
    total = np.cumsum(weights[order], axis=1)
    wanted = max(np.floor(span * weights.sum() + 1e-5), 1.0)
    position = np.argmax(total >= wanted - 1e-9, axis=1)
    rows = np.arange(len(distance))
    return np.maximum(distance[rows, order[rows, position]], 1e-12) * max(1.0, span)


def _tricube(distance: Floats, reach: Floats) -> Floats:
    ratio = distance / reach
    return np.where(ratio < 0.999, np.where(ratio > 0.001, (1 - np.minimum(ratio, 1) ** 3) ** 3, 1.0), 0.0)
