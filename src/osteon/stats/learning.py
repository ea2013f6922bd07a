"""Learning curves: performance against the number of training cases.

Cortes C et al. NIPS 1993: 327 and Figueroa RL et al. BMC Med Inform Decis Mak 2012; 12: 8 (inverse power law).
"""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from osteon.stats.arguments import Floats, numbers, positives, same_length
from osteon.stats.arguments import weights as weights_of

SLOWEST, FASTEST = 0.02, 4.0


class PowerLaw(NamedTuple):
    """performance = ceiling + change * cases ** -rate; ``change`` is below 0 where performance rises."""

    ceiling: float
    change: float
    rate: float

    def at(self, cases: ArrayLike) -> Floats:
        """Performance (k,) expected with so many training cases (k,)."""
        return self.ceiling + self.change * positives(np.atleast_1d(cases), "cases") ** -self.rate

    def cases_within(self, tolerance: float) -> float:
        """Training cases from which performance lies within ``tolerance`` of the ceiling."""
        if not tolerance > 0:
            raise ValueError(f"tolerance: {tolerance} (expected more than 0)")
        return float((abs(self.change) / tolerance) ** (1 / self.rate)) if self.change else 0.0


def fit_power_law(cases: ArrayLike, performance: ArrayLike, *, weights: ArrayLike | None = None,
                  within: tuple[float, float] = (-math.inf, math.inf)) -> PowerLaw:
    """Weighted least squares; ValueError for fewer than 4 different sizes.

    For each rate the other two are linear, so that only the rate (0.02 to 4) is searched for. ``weights`` (k,) are
    1 / variance; the ceiling stays ``within`` its limits (0 and 1 of an AUC).
    """
    x, y = positives(cases, "cases"), numbers(performance, "performance")
    same_length(cases=x, performance=y)
    if len(np.unique(x)) < 4:
        raise ValueError(f"cases: {len(np.unique(x))} different sizes (expected at least 4)")
    root = np.sqrt(weights_of(weights, len(x)))
    scale = float(x.min())

    def solve(rate: float) -> tuple[float, Floats]:
        design = np.column_stack([np.ones(len(x)), (x / scale) ** -rate])
        line, *_ = np.linalg.lstsq(design * root[:, None], y * root, rcond=None)
        if not within[0] <= line[0] <= within[1]:
            ceiling = min(max(line[0], within[0]), within[1])
            slope = (design[:, 1] * root**2) @ (y - ceiling) / ((design[:, 1] * root) ** 2).sum()
            line = np.array([ceiling, slope])
        return float((((design @ line - y) * root) ** 2).sum()), line

    grid = np.geomspace(SLOWEST, FASTEST, 41)
    best = int(np.argmin([solve(r)[0] for r in grid]))
    ends = math.log(grid[max(best - 1, 0)]), math.log(grid[min(best + 1, len(grid) - 1)])
    found = optimize.minimize_scalar(lambda r: solve(math.exp(r))[0], bounds=ends, method="bounded",
                                     options={"xatol": 1e-10})
    rate = math.exp(float(found.x))
    ceiling, change = solve(rate)[1]
    return PowerLaw(float(ceiling), float(change) * scale**rate, rate)
