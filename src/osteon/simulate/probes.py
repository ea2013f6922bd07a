"""Probes of a labelled image simulator: what a shortcut could use, asked by a linear model.

A probe that tells the label betrays it: exposure, crop, marker, table. The bound is 0.60 for the upper limit of the AUC, and another where the
anatomy itself shows at that resolution, which the card of the simulator then says (`Card.bounds`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.simulate.card import Card
from osteon.stats.intervals import Interval
from osteon.stats.roc import auc

if TYPE_CHECKING:
    import pandas as pd

BOUND = 0.60
FOLDS, DRAWS = 5, 400
PROBES = ("statistics", "thumbnail", "histogram", "corner", "metadata")


@dataclass(frozen=True, eq=False)
class Sample:
    """Films (n, rows, cols), whether each has the finding (n,), who belongs together (n,), and the table of what is known without looking."""

    films: np.ndarray
    finding: np.ndarray
    patients: np.ndarray
    table: pd.DataFrame = field(kw_only=True)

    def features(self) -> dict[str, np.ndarray]:
        """One array (n, features) a probe."""
        small = self.films.astype(np.float32)
        return {"statistics": statistics(small), "thumbnail": thumbnail(small), "histogram": histogram(small), "corner": corners(small), "metadata": columns(self.table)}


def probe(sample: Sample, *, seed: int = 0) -> dict[str, Interval]:
    """The AUC of each probe with its bootstrap interval."""
    return {name: told(x, sample.finding, sample.patients, seed=seed) for name, x in sample.features().items()}


def broken(found: Mapping[str, Interval], card: Card) -> list[str]:
    """The probes whose upper limit is above their bound, in words."""
    bounds = {name: bound for name, bound, _ in card.bounds}
    return [f"{name}: {v.estimate:.2f} ({v.lower:.2f} to {v.upper:.2f}), bound {bounds.get(name, BOUND):.2f}" for name, v in found.items() if v.upper > bounds.get(name, BOUND)]


def told(features: np.ndarray, finding: np.ndarray, patients: np.ndarray, *, seed: int = 0) -> Interval:
    """AUC (mean of five folds, patients kept together) of a ridge-penalised logistic model, limits by resampling cases within folds."""
    rng = np.random.default_rng([seed, 1])
    parts = scored(features, finding, patients, seed=seed)
    estimate = _mean(parts)
    draws = [_mean([(t[pick], s[pick]) for t, s in parts for pick in (rng.integers(0, len(t), len(t)),)]) for _ in range(DRAWS)]
    lower, upper = np.nanquantile(draws, (0.025, 0.975))
    return Interval(estimate, float(lower), float(upper), method="logistic probe, five folds, bootstrap")


def scored(features: np.ndarray, finding: np.ndarray, patients: np.ndarray, *, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """States and scores of the left-out cases of each fold."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    out = []
    for train, test in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(features, finding, patients):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=2000)).fit(features[train], finding[train])
        out.append((finding[test], model.decision_function(features[test])))
    return out


def shuffled(features: np.ndarray, finding: np.ndarray, *, permutations: int = 20, seed: int = 0) -> tuple[np.ndarray, float]:
    """AUCs (permutations,) under permuted labels, and half the width of the 99 % band of their mean about 0.5 (Mann-Whitney variance)."""
    rng = np.random.default_rng([seed, 2])
    alone = np.arange(len(finding))
    found = np.array([_mean(scored(features, rng.permutation(finding), alone, seed=k)) for k in range(permutations)])
    n, m = int(finding.sum()), int((~finding).sum())
    return found, float(2.58 * np.sqrt((n + m + FOLDS) / (12.0 * n * m) / permutations))


def _mean(parts: Sequence[tuple[np.ndarray, np.ndarray]]) -> float:
    known = [auc(t, s) for t, s in parts if t.any() and not t.all()]
    return float(np.mean(known)) if known else float("nan")


def statistics(films: np.ndarray) -> np.ndarray:
    """Mean, standard deviation and the 5th and 95th percentile of each film (n, 4)."""
    low, high = np.quantile(films, (0.05, 0.95), axis=(1, 2))
    return np.column_stack([films.mean(axis=(1, 2)), films.std(axis=(1, 2)), low, high])


def thumbnail(films: np.ndarray, side: int = 8) -> np.ndarray:
    """Block means (n, side x side)."""
    rows, cols = (np.linspace(0, n, side + 1).astype(int)[:-1] for n in films.shape[1:])
    sums = np.add.reduceat(np.add.reduceat(films, rows, axis=1), cols, axis=2)
    counts = np.outer(np.diff([*rows, films.shape[1]]), np.diff([*cols, films.shape[2]]))
    return (sums / counts).reshape(len(films), -1)


def histogram(films: np.ndarray, bins: int = 24) -> np.ndarray:
    """Shares of the grey values of each film (n, bins), over the range of all."""
    low, high = float(films.min()), float(films.max())
    edges = np.linspace(low, max(high, low + 1e-6), bins + 1)
    return np.array([np.histogram(film, edges)[0] / film.size for film in films])


def corners(films: np.ndarray) -> np.ndarray:
    """The four corners, an eighth of each side, as 4 x 4 block means (n, 64)."""
    r, c = max(4, films.shape[1] // 8), max(4, films.shape[2] // 8)
    return np.hstack([thumbnail(part, 4) for part in (films[:, :r, :c], films[:, :r, -c:], films[:, -r:, :c], films[:, -r:, -c:])])


def columns(table: pd.DataFrame) -> np.ndarray:
    """Numbers as they are, words as one column each, and the order of the cases."""
    import pandas as pd

    known = pd.get_dummies(table, dtype=float).fillna(0.0)
    return np.column_stack([known.to_numpy(float), np.arange(len(table), dtype=float)])


def random_features(films: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """What an untrained convolutional network makes of the films (n, 64): three layers of random kernels, pooled."""
    import torch
    from torch.nn import functional

    generator = torch.Generator().manual_seed(seed)
    x = torch.from_numpy(films.astype(np.float32))[:, None]
    x = (x - x.mean(dim=(1, 2, 3), keepdim=True)) / x.std(dim=(1, 2, 3), keepdim=True).clamp(min=1e-6)
    with torch.inference_mode():
        for entering, leaving in ((1, 16), (16, 32), (32, 32)):
            kernel = torch.randn(leaving, entering, 3, 3, generator=generator) * (2 / (9 * entering)) ** 0.5
            x = functional.avg_pool2d(functional.relu(functional.conv2d(x, kernel, padding=1)), 2)
        return torch.cat((x.mean(dim=(2, 3)), x.amax(dim=(2, 3))), dim=1).numpy()
