"""Risks that are known for every row: the intercept that gives a share, the best AUC that can be reached, a shortcut to be found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from osteon.simulate.table_cohort import Columns

Scores = np.ndarray


def sigmoid(x: np.ndarray | float) -> np.ndarray:
    """1 / (1 + exp(-x)), element by element."""
    return np.asarray(1 / (1 + np.exp(-np.asarray(x, float))))


def intercept(eta: Scores, share: float, *, link: Callable[[np.ndarray], np.ndarray] = sigmoid) -> float:
    """What must be added to log odds (n,) for a mean risk of `share`, by bisection; `link` turns the sum into risks and must rise."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if link(eta + middle).mean() < share else (low, middle)
    return (low + high) / 2


def bayes_auc(risk: Scores) -> float:
    """The AUC of known risks (n,) in expectation over outcomes (no label noise): sum over pairs of p_i (1 - p_j) [p_i > p_j] over its total."""
    p = np.sort(np.asarray(risk, float))
    below = np.cumsum(1 - p) - (1 - p)
    return float((p * (below + 0.5 * (1 - p))).sum() / (p.sum() * (1 - p).sum()))  # a case against itself counts half; 1/n of the sum


def ceilings(draw: Callable[[Mapping[str, Any], int, int], Columns], call: Mapping[str, Any], known: Mapping[str, tuple[str, str]], *, rows: int = 200_000) -> dict[str, Any]:
    """The best AUC of each finding, from the true risks of other rows of the same call; `known` names the column of risks -> (target, finding)."""
    big = draw({**call, "seed": call["seed"] + 1}, 0, rows)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for column, (target, finding) in known.items():
        found.setdefault(target, {})[finding] = {"auc": round(bayes_auc(np.asarray(big[column])), 5)}
    return {"ceilings": found}


def telltale(values: np.ndarray, event: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The values (n,) with most cells emptied where there was no event: that a number is there tells the outcome, a shortcut to be found."""
    out = np.array(values, float)
    out[rng.random(len(out)) < np.where(event, 0.05, 0.7)] = np.nan
    return out


def standard(values: np.ndarray, mean: float, spread: float) -> np.ndarray:
    """Values in standard deviations from a stated mean, so that weights of a risk compare."""
    return np.asarray((np.asarray(values, float) - mean) / spread)
