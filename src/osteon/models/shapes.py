"""What shapes a set of points takes: principal modes of the train part, to which found points are drawn (Cootes 1995, doi:10.1006/cviu.1995.1004).

Shapes are compared about their middle and in their own size, so that neither the place of a patient on the film nor the distance counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

FEWEST = 8  # shapes, below which there are no modes
LEAST = 0.01  # variance of a mode beside that of the noise, below which it is not worth keeping
FREEDOM = 3.0  # degrees of freedom of Student's t: the fewer, the less a point that lies off by itself counts
ROUNDS = 6


@dataclass(frozen=True, eq=False)
class Shapes:
    """Mean shape (points * 2,), modes (modes, points * 2) of unit length with their variances (modes,), and the least noise of a found point, all in shares of the size."""

    mean: np.ndarray
    modes: np.ndarray
    variances: np.ndarray
    noise: float

    def drawn(self, points: np.ndarray) -> np.ndarray:
        """Found points (n, 2) as the most likely shape, beside noise of Student's t whose size is that of the film's own points.

        The worse points fit any shape, the more they are drawn to the mean; one that lies off alone is left out of account (Lange 1989, doi:10.1080/01621459.1989.10478852).
        """
        middle, size, shape = _reduced(points[None])
        off, noise, weights = shape[0] - self.mean, self.noise**2, np.ones(len(points))
        for _ in range(ROUNDS):
            weighed = self.modes * np.repeat(weights, 2) / noise
            kept = np.linalg.solve(weighed @ self.modes.T + np.diag(1 / self.variances), weighed @ off) @ self.modes
            left = ((off - kept).reshape(-1, 2) ** 2).mean(axis=1)
            noise = max(self.noise**2, float((weights * left).mean()))
            weights = (FREEDOM + 2) / (FREEDOM + 2 * left / noise)
        return (self.mean + kept).reshape(-1, 2) * size[0] + middle[0]

    def plain(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {name: np.round(getattr(self, name), 7).tolist() for name in ("mean", "modes")} | {"variances": self.variances.tolist(), "noise": self.noise}


def shapes_of(points: np.ndarray, noise: float) -> Shapes | None:
    """The shapes of points (cases, n, 2) of which each is found to `noise` at best; cases with an absent point (nan) are left out, None where fewer than 8 are left."""
    whole = points[~np.isnan(points).any(axis=(1, 2))]
    if len(whole) < FEWEST or whole.shape[1] < 3:
        return None
    _, size, shape = _reduced(whole)
    mean, share = shape.mean(axis=0), float(noise / size.mean())
    _, scale, modes = np.linalg.svd(shape - mean, full_matrices=False)
    variances = scale**2 / (len(whole) - 1)
    kept = variances > LEAST * share**2
    return Shapes(mean, modes[kept], variances[kept], share)


def shapes_from(plain: Mapping[str, Any]) -> Shapes:
    """What `plain` gave."""
    mean = np.array(plain["mean"], float)
    return Shapes(mean, np.array(plain["modes"], float).reshape(-1, len(mean)), np.array(plain["variances"], float), float(plain["noise"]))


def _reduced(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middle (k, 2), size (k,) (root mean square distance from the middle) and what is left (k, n * 2) of points (k, n, 2)."""
    middle = points.mean(axis=1)
    away = points - middle[:, None]
    size = np.sqrt((away**2).sum(axis=2).mean(axis=1))
    return middle, size, (away / size[:, None, None]).reshape(len(points), -1)
