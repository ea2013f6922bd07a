"""Accuracy for ordered grades.

Epstein ES. J Appl Meteorol 1969; 8: 985 (ranked probability score); Nakas CT, Yiannoutsos CT. Stat Med 2004; 23: 3437
(volume under the ROC surface). Grades are 0 to k - 1.
"""
from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from osteon.stats.arguments import Floats, codes, numbers, same_length
from osteon.stats.arguments import classes as classes_of
from osteon.stats.arguments import weights as weights_of
from osteon.stats.clusters import clustered_mean, clustered_proportion, from_resamples, times_drawn
from osteon.stats.intervals import Interval, undefined
from osteon.stats.multiclass import checked
from osteon.stats.roc import placements


def ranked_probability_scores(truth: ArrayLike, predicted: ArrayLike, *, normalised: bool = True) -> Floats:
    """Squared gap (n,) of cumulative probabilities (n, k) and truth, over k - 1 where normalised (0 to 1)."""
    y, p = checked(truth, predicted)
    last = p.shape[1] - 1
    gap = np.cumsum(p, axis=1)[:, :last] - (y[:, None] <= np.arange(last))
    return (gap**2).sum(1) / (last if normalised else 1)


def grade_errors(truth: ArrayLike, called: ArrayLike, *, classes: int, patients: ArrayLike | None = None,
                 level: float = 0.95) -> dict[str, Interval]:
    """Exact accuracy, accuracy within one grade, and mean absolute error in grades, patients as units."""
    y, c = classes_of(truth, "truth", classes), classes_of(called, "called", classes)
    same_length(truth=y, called=c)
    units, gap = np.arange(len(y)) if patients is None else patients, np.abs(y - c)
    return {"accuracy": clustered_proportion(gap == 0, units, level=level),
            "within_one_grade": clustered_proportion(gap <= 1, units, level=level),
            "mean_absolute_error": clustered_mean(gap, units, level=level)}


def ordering_volume(truth: ArrayLike, scores: ArrayLike, *, classes: int) -> float:
    """Probability that one case of each grade is ranked in order (1 / k! by chance); equal scores share evenly.

    nan where a grade has no case.
    """
    y, s = classes_of(truth, "truth", classes), numbers(scores, "scores", minus_infinity=True)
    same_length(truth=y, scores=s)
    sizes = np.bincount(y, minlength=classes)
    if (sizes == 0).any():
        return math.nan
    return float(_chained(y, s, np.ones((1, len(y))), classes)[0])


def ordering_volume_interval(truth: ArrayLike, scores: ArrayLike, *, classes: int, patients: ArrayLike, folds: ArrayLike | None = None, resamples: int = 400,
                             seed: int = 0, level: float = 0.95) -> Interval:
    """The volume taken within folds and averaged, with percentile limits over resamples of patients; undefined where a fold lacks a grade.

    A resample that lost every case of a grade is counted as undefined.
    """
    y, s = classes_of(truth, "truth", classes), numbers(scores, "scores", minus_infinity=True)
    same_length(truth=y, scores=s)
    of, groups = codes(patients, "patients")
    fold = np.zeros(len(y), int) if folds is None else codes(folds, "folds")[0]
    parts = [np.flatnonzero(fold == k) for k in np.unique(fold)]
    if not parts or any((np.bincount(y[rows], minlength=classes) == 0).any() for rows in parts):
        return undefined("a grade has no case", level=level, method="volume under the ROC surface")
    weight = times_drawn(groups, resamples=resamples, seed=seed)[:, of]
    values = np.mean([_chained(y[rows], s[rows], weight[:, rows], classes) for rows in parts], axis=0)
    return from_resamples(float(np.mean([ordering_volume(y[rows], s[rows], classes=classes) for rows in parts])), values, level=level)


def _chained(y: np.ndarray, s: Floats, weight: Floats, classes: int) -> Floats:
    """The volume (draws,) under weights (draws, n): chains of one case a grade in rising order, counted level by level; nan where a grade weighs nothing."""
    levels, place = np.unique(s, return_inverse=True)
    sizes = np.stack([weight[:, y == k].sum(axis=1) for k in range(classes)], axis=1)
    counts = np.zeros((len(levels), classes, len(weight)))
    np.add.at(counts, (place, y), weight.T)
    with np.errstate(invalid="ignore", divide="ignore"):
        counts /= sizes.T
    chains = np.zeros((classes + 1, len(weight)))
    chains[0] = 1.0
    for here in counts:
        before = chains.copy()
        for last in range(1, classes + 1):
            product = np.ones(len(weight))
            for length in range(1, last + 1):
                product = product * here[last - length] / length
                chains[last] += before[last - length] * product
    return chains[classes]


def ordinal_concordance(truth: ArrayLike, scores: ArrayLike, *, weights: ArrayLike | None = None) -> float:
    """Share of pairs of unequal grade that the score ranks in order, ties half (ordinal C); nan without such pairs."""
    y, s = numbers(truth, "truth"), numbers(scores, "scores", minus_infinity=True)
    same_length(truth=y, scores=s)
    w = weights_of(weights, len(y))
    grades = np.unique(y)
    right = pairs = 0.0
    for grade in grades[1:]:
        high, kept = y == grade, y <= grade
        here = float(w[high].sum() * w[kept & ~high].sum())
        if here > 0:
            right += here * placements(high[kept], s[kept], weights=w[kept]).auc
            pairs += here
    return right / pairs if pairs else math.nan
