"""Accuracy for several classes, unordered.

Hand DJ, Till RJ. Mach Learn 2001; 45: 171; Gorodkin J. Comput Biol Chem 2004; 28: 367 (MCC for k classes). Classes are
0 to k - 1; probabilities (n, k). A class without cases gives nan, and the means over classes leave it out.
"""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from osteon.stats.arguments import Floats, probabilities, refuse, same_length
from osteon.stats.arguments import classes as classes_of
from osteon.stats.arguments import weights as weights_of
from osteon.stats.intervals import Interval
from osteon.stats.kappa import cross_table
from osteon.stats.roc import placements
from osteon.stats.two_by_two import two_by_two


def checked(truth: ArrayLike, predicted: ArrayLike) -> tuple[np.ndarray, Floats]:
    """Class indices (n,) and probabilities (n, k) whose rows sum to 1; ValueError otherwise."""
    p = probabilities(predicted, "predicted", ndim=2)
    y = classes_of(truth, "truth", p.shape[1])
    same_length(truth=y, predicted=p)
    refuse("predicted", p.sum(1), np.abs(p.sum(1) - 1) > 1e-4, "rows that sum to 1")
    return y, p


def one_vs_rest_aucs(truth: ArrayLike, predicted: ArrayLike) -> Floats:
    """AUC (k,) of each class against all others; their mean is the macro AUC."""
    y, p = checked(truth, predicted)
    return np.array([_auc(y == k, p[:, k]) for k in range(p.shape[1])])


def hand_till(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Hand and Till's M: mean over pairs of classes of the two pairwise AUCs, whatever the class sizes."""
    y, p = checked(truth, predicted)
    pairs = [(a, b) for a in range(p.shape[1]) for b in range(p.shape[1]) if a != b]
    areas = np.array([_auc(y[(y == a) | (y == b)] == a, p[(y == a) | (y == b), a]) for a, b in pairs])
    return float(np.nanmean(areas)) if not np.isnan(areas).all() else math.nan


def _auc(truth: np.ndarray, scores: Floats) -> float:
    return placements(truth, scores).auc if truth.any() and not truth.all() else math.nan


def class_panels(truth: ArrayLike, called: ArrayLike, *, classes: int,
                 level: float = 0.95) -> list[dict[str, Interval]]:
    """Two-by-two panel of each class against all others."""
    table = cross_table(truth, called, classes=classes)
    hits, total = np.diag(table), table.sum()
    rows, columns = table.sum(1), table.sum(0)
    return [two_by_two(hits[k], columns[k] - hits[k], rows[k] - hits[k], total - rows[k] - columns[k] + hits[k],
                       level=level) for k in range(classes)]


def macro(truth: ArrayLike, called: ArrayLike, *, classes: int) -> dict[str, float]:
    """Macro recall (balanced accuracy), precision and F1, plain accuracy and MCC; nan where undefined."""
    table = cross_table(truth, called, classes=classes)
    hits, rows, columns = np.diag(table), table.sum(1), table.sum(0)
    if not table.sum():
        return dict.fromkeys(("balanced_accuracy", "macro_precision", "macro_f1", "accuracy", "mcc"), math.nan)
    present = rows > 0
    recall, precision, f1 = (np.divide(top, under, out=np.full(classes, np.nan), where=under > 0) for top, under in (
        (hits, rows), (hits, columns), (2 * hits, rows + columns)))
    return {"balanced_accuracy": float(recall[present].mean()),
            "macro_precision": float(np.nanmean(precision)), "macro_f1": float(f1[present].mean()),
            "accuracy": float(hits.sum() / table.sum()), "mcc": matthews(table)}


def matthews(table: Floats) -> float:
    """Matthews correlation of a k by k table (truth in rows); nan where truth or call is one class."""
    total, rows, columns = table.sum(), table.sum(1), table.sum(0)
    spread = (total**2 - rows @ rows) * (total**2 - columns @ columns)
    return float((np.trace(table) * total - rows @ columns) / math.sqrt(spread)) if spread > 0 else math.nan


def multiclass_brier(truth: ArrayLike, predicted: ArrayLike, *, weights: ArrayLike | None = None) -> float:
    """Mean over cases of the squared error summed over classes (0 to 2)."""
    y, p = checked(truth, predicted)
    w = weights_of(weights, len(y))
    return float(w @ ((p - np.eye(p.shape[1])[y]) ** 2).sum(1) / w.sum())


def multiclass_log_loss(truth: ArrayLike, predicted: ArrayLike, *, weights: ArrayLike | None = None) -> float:
    """Mean negative log-probability of the true class."""
    y, p = checked(truth, predicted)
    w = weights_of(weights, len(y))
    return float(-w @ np.log(np.clip(p[np.arange(len(y)), y], 1e-15, 1)) / w.sum())


def top_k(truth: ArrayLike, predicted: ArrayLike, k: int) -> np.ndarray:
    """Whether the true class (n,) is among the k most probable; pass on to a proportion for its interval."""
    y, p = checked(truth, predicted)
    if not 1 <= k <= p.shape[1]:
        raise ValueError(f"k: {k} (expected 1 to {p.shape[1]} classes)")
    order = np.argsort(-p, axis=1, kind="stable")[:, :k]
    return (order == y[:, None]).any(1)
