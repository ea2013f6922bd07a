"""Agreement on classes and grades beyond chance.

Cohen J. Educ Psychol Meas 1960; 20: 37 and Psychol Bull 1968; 70: 213; Fleiss JL, Cohen J, Everitt BS. Psychol Bull
1969; 72: 323 (standard errors); Byrt T et al. J Clin Epidemiol 1993; 46: 423 (PABAK); Fleiss JL. Psychol Bull 1971;
76: 378; Gwet KL. Br J Math Stat Psychol 2008; 61: 29 (AC1, AC2); Krippendorff K. Content Analysis, 2004 (alpha).
"""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from osteon.stats.arguments import Floats, same_length
from osteon.stats.arguments import classes as classes_of
from osteon.stats.intervals import HypothesisTest, Interval, around, normal_quantile, proportion, undefined

WEIGHTS = ("unweighted", "linear", "quadratic")


def agreement_weights(count: int, kind: str = "unweighted") -> Floats:
    """Weight (count, count) of each pair of grades: 1 on the diagonal, less away from it."""
    if kind not in WEIGHTS:
        raise ValueError(f"weights: {kind!r} (expected one of {', '.join(WEIGHTS)})")
    gap = np.abs(np.subtract.outer(np.arange(count), np.arange(count))).astype(float)
    if kind == "unweighted":
        return (gap == 0).astype(float)
    return 1 - (gap / max(count - 1, 1)) ** (1 if kind == "linear" else 2)


def cross_table(first: ArrayLike, second: ArrayLike, *, classes: int) -> Floats:
    """Counts (classes, classes) of two raters' classes 0 .. classes - 1."""
    a, b = classes_of(first, "first", classes), classes_of(second, "second", classes)
    same_length(first=a, second=b)
    return np.bincount(a * classes + b, minlength=classes * classes).reshape(classes, classes).astype(float)


def cohen_kappa(first: ArrayLike, second: ArrayLike, *, classes: int, weights: str = "unweighted",
                level: float = 0.95) -> Interval:
    """Cohen's kappa of two raters, the error of Fleiss, Cohen and Everitt on Fisher's z scale."""
    table = cross_table(first, second, classes=classes)
    kappa, error = kappa_of(table, agreement_weights(classes, weights))
    if math.isnan(kappa):
        return undefined("agreement by chance is complete: both raters gave one class, or there are no cases",
                         level=level, method=f"{weights} kappa")
    return _on_fisher(kappa, error, level=level, method=f"{weights} kappa, Fisher z")


def clustered_kappa(first: ArrayLike, second: ArrayLike, patients: ArrayLike, *, classes: int, weights: str = "unweighted", level: float = 0.95) -> Interval:
    """Cohen's kappa with percentile limits over resamples of patients, each of whom may give several cases."""
    from osteon.stats.clusters import bootstrap_sums

    a, b = classes_of(first, "first", classes), classes_of(second, "second", classes)
    same_length(first=a, second=b)
    weight = agreement_weights(classes, weights)
    return bootstrap_sums(lambda sums: _kappa_of_sums(sums, weight), np.eye(classes * classes)[a * classes + b], patients, level=level)


def clustered_kappa_difference(truth: ArrayLike, first: ArrayLike, second: ArrayLike, patients: ArrayLike, *, classes: int, weights: str = "unweighted", level: float = 0.95) -> Interval:
    """Kappa of a first rater with the truth less that of a second on the same cases, percentile limits over resamples of patients."""
    from osteon.stats.clusters import bootstrap_sums

    t, a, b = (classes_of(values, name, classes) for name, values in (("truth", truth), ("first", first), ("second", second)))
    same_length(truth=t, first=a, second=b)
    weight, cells, size = agreement_weights(classes, weights), np.eye(classes * classes), classes * classes
    columns = np.hstack([cells[t * classes + a], cells[t * classes + b]])
    return bootstrap_sums(lambda sums: _kappa_of_sums(sums[..., :size], weight) - _kappa_of_sums(sums[..., size:], weight), columns, patients, level=level)


def _kappa_of_sums(sums: Floats, weight: Floats) -> Floats:
    """Kappa (...) of flattened tables of counts (..., classes * classes); nan where agreement by chance is complete."""
    p = sums.reshape(*sums.shape[:-1], *weight.shape) / sums.sum(-1)[..., None, None]
    chance = np.einsum("...i,ij,...j->...", p.sum(-1), weight, p.sum(-2))
    return np.where(chance < 1 - 1e-12, ((weight * p).sum((-2, -1)) - chance) / np.maximum(1 - chance, 1e-12), np.nan)


def kappa_of(table: Floats, weight: Floats) -> tuple[float, float]:
    """Weighted kappa of a table of counts and its asymptotic standard error; nan where chance agreement is 1."""
    total = table.sum()
    if total == 0:
        return math.nan, math.nan
    p = table / total
    rows, columns = p.sum(1), p.sum(0)
    seen, chance = float((weight * p).sum()), float(rows @ weight @ columns)
    if chance >= 1 - 1e-12:
        return math.nan, math.nan
    mean = (weight @ columns)[:, None] + (rows @ weight)[None, :]
    kappa = (seen - chance) / (1 - chance)
    spread = (p * (weight - mean * (1 - kappa)) ** 2).sum() - (kappa - chance * (1 - kappa)) ** 2
    return kappa, math.sqrt(max(spread, 0.0) / total) / (1 - chance)


def kappa_test(first: ArrayLike, second: ArrayLike, *, classes: int, weights: str = "unweighted") -> HypothesisTest:
    """Test of a kappa of 0 with the standard error under independence (Fleiss, Cohen & Everitt 1969)."""
    table = cross_table(first, second, classes=classes)
    weight, p = agreement_weights(classes, weights), table / table.sum()
    rows, columns = p.sum(1), p.sum(0)
    chance, (kappa, _) = float(rows @ weight @ columns), kappa_of(table, weight)
    if math.isnan(kappa):
        return HypothesisTest(math.nan, math.nan, method="kappa = 0", reason="agreement by chance is complete")
    mean = (weight @ columns)[:, None] + (rows @ weight)[None, :]
    spread = (np.outer(rows, columns) * (weight - mean) ** 2).sum() - chance**2
    z = kappa * (1 - chance) / math.sqrt(spread / table.sum())
    return HypothesisTest(z, 2 * float(stats.norm.sf(abs(z))), method="kappa = 0")


def pabak(first: ArrayLike, second: ArrayLike, *, classes: int, level: float = 0.95) -> Interval:
    """Prevalence- and bias-adjusted kappa (k p - 1) / (k - 1) with the Wilson limits of the agreement p."""
    table = cross_table(first, second, classes=classes)
    p = proportion(float(np.trace(table)), float(table.sum()), level=level)
    values = [(classes * v - 1) / (classes - 1) for v in (p.estimate, p.lower, p.upper)]
    return Interval(*values, level=level, method="PABAK, Wilson", reason=p.reason)


def fleiss_kappa(ratings: ArrayLike, *, classes: int, level: float = 0.95) -> Interval:
    """Fleiss' kappa of ratings (n subjects, k raters), limits by the jackknife over subjects."""
    counts = _counts(ratings, classes)
    return _jackknife(_fleiss, counts, level=level, method="Fleiss, jackknife")


def fleiss_test(ratings: ArrayLike, *, classes: int) -> HypothesisTest:
    """Test of a Fleiss kappa of 0 (Fleiss, Nee & Landis 1979)."""
    counts = _counts(ratings, classes)
    k, share = counts.sum(1)[0], counts.sum(0) / counts.sum()
    q = share * (1 - share)
    spread = 2 * (q.sum() ** 2 - (q * (1 - 2 * share)).sum()) / (q.sum() ** 2 * len(counts) * k * (k - 1))
    z = float(_fleiss(counts) / math.sqrt(spread))
    return HypothesisTest(z, 2 * float(stats.norm.sf(abs(z))), method="Fleiss kappa = 0")


def _counts(ratings: ArrayLike, classes: int) -> Floats:
    """How many raters gave each class (n, classes); a rating of nan is absent."""
    x = np.asarray(ratings, np.float64)
    if x.ndim != 2 or x.shape[1] < 2:
        raise ValueError(f"ratings: shape {x.shape} (expected subjects by at least 2 raters)")
    known = classes_of(x[~np.isnan(x)], "ratings", classes)
    counts = np.zeros((len(x), classes))
    np.add.at(counts, (np.nonzero(~np.isnan(x))[0], known), 1)
    return counts


def _fleiss(counts: Floats) -> float:
    raters = counts.sum(1)
    if (raters != raters[0]).any():
        raise ValueError("ratings: a subject has fewer raters than another (expected equal numbers; use "
                         "krippendorff_alpha)")
    share = counts.sum(0) / counts.sum()
    chance = (share**2).sum()
    seen = ((counts**2).sum(1) - raters) / (raters * (raters - 1))
    return float((seen.mean() - chance) / (1 - chance)) if chance < 1 else math.nan


def _gwet(counts: Floats, weight: Floats) -> float:
    """AC1 (identity weights) or AC2 of counts (n, classes); subjects with one rater speak for chance only."""
    raters, size = counts.sum(1), len(weight)
    twice, once = counts[raters > 1], counts[raters > 0]
    if not len(twice):
        return math.nan
    seen = (twice * (twice @ weight - 1)).sum(1) / (raters[raters > 1] * (raters[raters > 1] - 1))
    share = (once / once.sum(1, keepdims=True)).mean(0)
    chance = weight.sum() * (share * (1 - share)).sum() / (size * (size - 1))
    return float((seen.mean() - chance) / (1 - chance))


def gwet_ac(ratings: ArrayLike, *, classes: int, weights: str = "unweighted", level: float = 0.95) -> Interval:
    """Gwet's AC1 (unweighted) or AC2 (weighted) of ratings (n, k raters; nan = absent), jackknife limits."""
    weight = agreement_weights(classes, weights)
    return _jackknife(lambda c: _gwet(c, weight), _counts(ratings, classes), level=level,
                      method=f"Gwet AC{1 if weights == 'unweighted' else 2}, jackknife")


def _jackknife(statistic: Callable[[Floats], float], counts: Floats, *, level: float, method: str) -> Interval:
    """Limits from leaving each subject out, once for each distinct pattern of ratings."""
    size, value = len(counts), statistic(counts)
    if math.isnan(value) or size < 3:
        reason = "fewer than 3 subjects" if size < 3 else "all ratings are one class, or no subject has two"
        return undefined(reason, estimate=value, level=level, method=method)
    _, first, often = np.unique(counts, axis=0, return_index=True, return_counts=True)
    left_out = np.array([statistic(np.delete(counts, i, 0)) for i in first])
    known = ~np.isnan(left_out)
    if not known.any():
        return undefined("it rests on one subject", estimate=value, level=level, method=method)
    left_out, often = left_out[known], often[known]
    gaps = (left_out - np.average(left_out, weights=often)) ** 2
    error = math.sqrt((size - 1) / size * float(often @ gaps))
    return _at_most_one(around(value, error, level=level, df=size - 1, method=method))


def _on_fisher(value: float, error: float, *, level: float, method: str) -> Interval:
    """Normal limits on Fisher's z, which keep within -1 and 1 and cover where plain ones fall short."""
    if abs(value) >= 1 - 1e-12:
        return undefined("every case is on one diagonal", estimate=value, level=level, method=method)
    half = normal_quantile(level) * error / (1 - value**2)
    return Interval(value, math.tanh(math.atanh(value) - half), math.tanh(math.atanh(value) + half), level=level,
                    method=method)


def _at_most_one(found: Interval) -> Interval:
    return replace(found, lower=max(found.lower, -1.0), upper=min(found.upper, 1.0))


def krippendorff_alpha(ratings: ArrayLike, *, metric: str = "nominal") -> float:
    """Krippendorff's alpha of ratings (n units, k raters; nan = absent); nan where all ratings are equal.

    ``metric`` is nominal, ordinal, interval or ratio. For an interval resample units with ``clusters.bootstrap``.
    """
    x = np.asarray(ratings, np.float64)
    if x.ndim != 2:
        raise ValueError(f"ratings: {x.ndim} dimensions (expected units by raters)")
    levels, codes = np.unique(x[~np.isnan(x)], return_inverse=True)
    counts = np.zeros((len(x), len(levels)))
    np.add.at(counts, (np.nonzero(~np.isnan(x))[0], codes), 1)
    counts = counts[counts.sum(1) > 1]
    if not len(counts):
        raise ValueError("ratings: no unit has two ratings (expected at least one)")
    raters = counts.sum(1, keepdims=True)
    pairs = (counts / (raters - 1)).T @ counts - np.diag((counts / (raters - 1)).sum(0))
    margin = pairs.sum(0)
    distance = _distance(levels, margin, metric)
    chance = (np.outer(margin, margin) * distance).sum() / (margin.sum() - 1)
    return float(1 - (pairs * distance).sum() / chance) if chance > 0 else math.nan


def _distance(levels: Floats, margin: Floats, metric: str) -> Floats:
    """Squared difference (k, k) of the levels under the metric."""
    if metric == "nominal":
        return 1 - np.eye(len(levels))
    if metric == "ordinal":
        place = np.cumsum(margin) - margin / 2
        return np.subtract.outer(place, place) ** 2
    if metric == "interval":
        return np.subtract.outer(levels, levels) ** 2
    if metric == "ratio":
        total = np.add.outer(levels, levels)
        return np.divide(np.subtract.outer(levels, levels), total, out=np.zeros_like(total), where=total != 0) ** 2
    raise ValueError(f"metric: {metric!r} (expected nominal, ordinal, interval or ratio)")
