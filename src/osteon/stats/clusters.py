"""Estimates where a patient gives several cases: patient-level bootstrap, clustered AUC, clustered proportions.

Efron B, Tibshirani R. An Introduction to the Bootstrap, 1993 (percentile, BCa); Obuchowski NA. Biometrics 1997; 53: 567
(clustered AUC); Rao JNK, Scott AJ. Biometrics 1992; 48: 577 (design effect). A resample draws patients with
replacement; a case then weighs as often as its patient was drawn.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from osteon.stats.arguments import Bools, Floats, binary, codes, numbers, same_length
from osteon.stats.arguments import weights as weights_of
from osteon.stats.intervals import Interval, around, on_logit, proportion, undefined
from osteon.stats.roc import checked, newcombe_auc, one_class, placements

Method = Literal["percentile", "BCa"]
MOST_UNDEFINED = 0.05
BLOCK = 4_000_000


def draws(groups: int, *, resamples: int, seed: int) -> NDArray[np.int32]:
    """Indices (resamples, groups) of the groups drawn with replacement."""
    return np.concatenate(list(_blocks(np.random.default_rng(seed), groups, resamples)))


def _blocks(rng: np.random.Generator, groups: int, resamples: int) -> Iterator[NDArray[np.int32]]:
    """The same draws a few rows at a time, so that many patients need no large table."""
    step = max(1, BLOCK // groups)
    for first in range(0, resamples, step):
        yield rng.integers(0, groups, (min(step, resamples - first), groups), dtype=np.int32)


def times_drawn(groups: int, *, resamples: int, seed: int) -> Floats:
    """How often each group was drawn (resamples, groups)."""
    return _times(draws(groups, resamples=resamples, seed=seed), groups)


def _times(drawn: NDArray[np.int32], groups: int) -> Floats:
    flat = drawn + (np.arange(len(drawn), dtype=np.int64) * groups)[:, None]
    return np.bincount(flat.ravel(), minlength=len(drawn) * groups).reshape(len(drawn), groups).astype(float)


def bootstrap(statistic: Callable[[Floats], float], patients: ArrayLike, *, resamples: int = 2000, seed: int = 0,
              level: float = 0.95, method: Method = "percentile") -> Interval:
    """Interval of ``statistic(weights (n,))`` over resamples of patients; nan of the statistic is counted, not hidden.

    ``patients`` (n,) names the patient of each case; pass np.arange(n) for independent cases. The statistic may repeat
    rows (``np.repeat(np.arange(n), weights.astype(int))``) where it knows no weights.
    """
    of, groups = codes(patients, "patients")
    rows = times_drawn(groups, resamples=resamples, seed=seed)
    values = np.array([statistic(row[of]) for row in rows])
    left_out = np.array([statistic((of != g).astype(float)) for g in range(groups)]) if method == "BCa" else None
    return from_resamples(float(statistic(np.ones(len(of)))), values, left_out=left_out, level=level)


def bootstrap_sums(statistic: Callable[[Floats], Floats], columns: ArrayLike, patients: ArrayLike, *,
                   resamples: int = 2000, seed: int = 0, level: float = 0.95,
                   method: Method = "percentile") -> Interval:
    """The same for a statistic of column sums, by one matrix product.

    ``columns`` (n, k) are summed over cases; ``statistic`` maps sums (..., k) to values (...): a rate is
    ``lambda s: s[..., 0] / s[..., 1]``.
    """
    x = numbers(columns, "columns", ndim=2)
    of, groups = codes(patients, "patients")
    same_length(columns=x, patients=of)
    sums = np.zeros((groups, x.shape[1]))
    np.add.at(sums, of, x)
    with np.errstate(divide="ignore", invalid="ignore"):
        values = statistic(resampled_sums(sums, resamples=resamples, seed=seed))
        left_out = statistic(sums.sum(0) - sums) if method == "BCa" else None
        return from_resamples(float(statistic(sums.sum(0))), values, left_out=left_out, level=level)


def resampled_sums(sums: Floats, *, resamples: int, seed: int) -> Floats:
    """Sums (resamples, k) over drawn groups of sums (groups, k)."""
    rng = np.random.default_rng(seed)
    return np.concatenate([_times(rows, len(sums)) @ sums for rows in _blocks(rng, len(sums), resamples)])


def bootstrap_auc(truth: ArrayLike, scores: ArrayLike, patients: ArrayLike, *, weights: ArrayLike | None = None,
                  resamples: int = 2000, seed: int = 0, level: float = 0.95,
                  method: Method = "percentile") -> Interval:
    """Patient-level bootstrap interval of an AUC; one compiled pass over sorted scores a resample.

    ``weights`` (n,) say how many patients a case stands for.
    """
    return _bootstrap_auc(truth, (scores, None), patients, weights, resamples=resamples, seed=seed, level=level,
                          method=method)


def bootstrap_auc_difference(truth: ArrayLike, first: ArrayLike, second: ArrayLike, patients: ArrayLike, *,
                             resamples: int = 2000, seed: int = 0, level: float = 0.95,
                             method: Method = "percentile") -> Interval:
    """The same for the difference of two scores on the same cases (first - second)."""
    return _bootstrap_auc(truth, (first, second), patients, None, resamples=resamples, seed=seed, level=level,
                          method=method)


def _bootstrap_auc(truth: ArrayLike, scores: tuple[ArrayLike, ArrayLike | None], patients: ArrayLike,
                   weights: ArrayLike | None, *, resamples: int, seed: int, level: float,
                   method: Method) -> Interval:
    marked, values = checked(truth, scores[0])
    w = weights_of(weights, len(marked))
    of, _ = codes(patients, "patients")
    same_length(truth=marked, patients=of)
    if reason := one_class(marked):
        return undefined(reason, level=level, method=f"patient bootstrap, {method}")
    area, own = _influences(marked, values, of, w)
    drawn = _drawn_areas(marked, values, of, w, resamples=resamples, seed=seed)
    if scores[1] is not None:
        other = checked(truth, scores[1])[1]
        drawn = drawn - _drawn_areas(marked, other, of, w, resamples=resamples, seed=seed)
        other_area, other_own = _influences(marked, other, of, w)
        area, own = area - other_area, own - other_own
    return from_resamples(area, drawn, left_out=-own if method == "BCa" else None, level=level)


def _drawn_areas(truth: Bools, scores: Floats, of: NDArray[np.intp], weight: Floats, *, resamples: int,
                 seed: int) -> Floats:
    rng, groups = np.random.default_rng(seed), int(of.max()) + 1
    return np.concatenate([resampled_auc(truth, scores, of, rows, weights=weight)
                           for rows in _blocks(rng, groups, resamples)])


def _influences(truth: Bools, scores: Floats, of: NDArray[np.intp], weight: Floats) -> tuple[float, Floats]:
    """AUC and the influence of each patient (groups,) on it."""
    found = placements(truth, scores, weights=weight)
    own = np.empty(len(truth))
    for side, order in ((truth, found.positives), (~truth, found.negatives)):
        own[side] = weight[side] * (order - found.auc) / weight[side].sum()
    return found.auc, np.bincount(of, weights=own).astype(float)


def resampled_auc(truth: Bools, scores: Floats, patients: NDArray[np.intp], drawn: NDArray[np.int32], *,
                  weights: Floats | None = None) -> Floats:
    """AUC (B,) of each row of drawn patients (B, m); nan where a row holds one class only."""
    from osteon.stats.compiled import weighted_aucs
    order = np.argsort(scores, kind="stable")
    ranked = scores[order]
    new = np.append(True, ranked[1:] != ranked[:-1])
    ones = np.ones(len(order)) if weights is None else weights[order]
    return weighted_aucs(patients[order].astype(np.int32), truth[order], new, ones, drawn, int(patients.max()) + 1)


def from_resamples(estimate: float, values: Floats, *, left_out: Floats | None = None,
                   level: float = 0.95) -> Interval:
    """Percentile limits of resampled values, or BCa limits where the leave-one-patient-out values are given.

    ``left_out`` (patients,) may be minus the influence of each patient: only its shape counts. Undefined where more
    than one in twenty resamples is.
    """
    method = f"patient bootstrap, {'percentile' if left_out is None else 'BCa'}, {len(values)} resamples"
    kept = values[~np.isnan(values)]
    lost = len(values) - len(kept)
    if math.isnan(estimate):
        return undefined("the statistic is undefined on these cases", level=level, method=method)
    if lost > MOST_UNDEFINED * len(values):
        return undefined(f"undefined in {lost} of {len(values)} resamples", estimate=estimate, level=level,
                         method=method)
    if lost:
        method += f", {lost} of them undefined and left out"
    tails = np.array([(1 - level) / 2, (1 + level) / 2])
    if left_out is not None:
        tails = _bca(estimate, kept, left_out, tails)
    lower, upper = np.quantile(kept, tails)
    return Interval(estimate, float(lower), float(upper), level=level, method=method)


def _bca(estimate: float, values: Floats, left_out: Floats, tails: Floats) -> Floats:
    """Tail probabilities corrected for bias and acceleration (Efron 1987)."""
    below = np.mean(values < estimate) + np.mean(values == estimate) / 2
    bias = stats.norm.ppf(np.clip(below, 0.5 / len(values), 1 - 0.5 / len(values)))
    gaps = np.nanmean(left_out) - left_out[~np.isnan(left_out)]
    spread = (gaps**2).sum()
    acceleration = (gaps**3).sum() / (6 * spread**1.5) if spread > 0 else 0.0
    z = bias + stats.norm.ppf(tails)
    return stats.norm.cdf(bias + z / (1 - acceleration * z))


def clustered_auc(truth: ArrayLike, scores: ArrayLike, patients: ArrayLike) -> tuple[Floats, Floats]:
    """AUCs (k,) of scores (n,) or (k, n) and their covariance (k, k) with patients as the units (Obuchowski 1997).

    The covariance is not finite where a class comes from one patient. ValueError where only one class is present.
    """
    marked = binary(truth, "truth")
    rows = numbers(np.atleast_2d(np.asarray(scores, np.float64)), "scores", ndim=2, minus_infinity=True)
    of, groups = codes(patients, "patients")
    same_length(truth=marked, scores=rows.T, patients=of)
    if reason := one_class(marked):
        raise ValueError(f"truth: {reason} (expected both classes)")
    parts = [placements(marked, row) for row in rows]
    areas = np.array([part.auc for part in parts])
    sides = [_group_sums([getattr(p, side) for p in parts], of[marked == flag], groups, areas)
             for side, flag in (("positives", True), ("negatives", False))]
    (high, n_high, size_high), (low, n_low, size_low) = sides
    with np.errstate(divide="ignore", invalid="ignore"):
        cross = np.float64(groups) / (groups - 1) * (high @ low.T)
        cov = (n_high / ((n_high - 1) * size_high**2) * high @ high.T
               + n_low / ((n_low - 1) * size_low**2) * low @ low.T + (cross + cross.T) / (size_high * size_low))
    return areas, cov


def _group_sums(rows: list[Floats], of: NDArray[np.intp], groups: int,
                areas: Floats) -> tuple[Floats, np.float64, float]:
    """Sums a patient (k, groups) of placements minus the area, patients that have any, and cases."""
    sums = np.vstack([np.bincount(of, weights=row - area, minlength=groups)
                      for row, area in zip(rows, areas, strict=True)])
    return sums.astype(float), np.float64((np.bincount(of, minlength=groups) > 0).sum()), float(len(of))


def clustered_auc_interval(truth: ArrayLike, scores: ArrayLike, patients: ArrayLike, *,
                           level: float = 0.95) -> Interval:
    """AUC with Obuchowski's clustered variance on the logit scale; undefined for one class.

    Where no variance can be estimated (separation, one patient a class) the limits are Newcombe's on patients.
    """
    method, (marked, values) = "Obuchowski, logit", checked(truth, scores)
    if reason := one_class(marked):
        return undefined(reason, level=level, method=method)
    areas, cov = clustered_auc(marked, values, patients)
    area, variance = float(areas[0]), float(cov[0, 0])
    if not (math.isfinite(variance) and variance > 1e-15) or area in (0.0, 1.0):
        of = codes(patients, "patients")[0]
        sick, well = (len(np.unique(of[side])) for side in (marked, ~marked))
        return _renamed(newcombe_auc(area, sick, negatives=well, level=level), "Newcombe score on patients")
    return on_logit(area, math.sqrt(variance), level=level, method=method)


def clustered_proportion(successes: ArrayLike, patients: ArrayLike, *, weights: ArrayLike | None = None,
                         level: float = 0.95, method: str = "Wilson") -> Interval:
    """Proportion of successes (n,) with limits on the effective number of cases (Rao & Scott 1992).

    ``method`` is a proportion method, or "Wald" or "logit" with the ratio-estimator variance.
    """
    hit = binary(successes, "successes")
    if not len(hit):
        return undefined("no cases", level=level, method=method)
    share, variance, plain = ratio_variance(hit, patients, weights=weights)
    label = f"{method}, effective size"
    if share in (0.0, 1.0) or not variance > 0:
        units = codes(patients, "patients")[1]
        return _renamed(proportion(share * units, units, level=level), f"Wilson on {units} patients")
    if method == "Wald":
        return around(share, math.sqrt(variance), level=level, method="Wald, ratio estimator")
    if method == "logit":
        return on_logit(share, math.sqrt(variance), level=level, method="logit, ratio estimator")
    size = min(share * (1 - share) / variance, share * (1 - share) / plain)
    return _renamed(proportion(share * size, size, level=level, method=method), label)


def _renamed(interval: Interval, method: str) -> Interval:
    return Interval(interval.estimate, interval.lower, interval.upper, level=interval.level, method=method,
                    reason=interval.reason)


def ratio_variance(values: ArrayLike, patients: ArrayLike, *,
                   weights: ArrayLike | None = None) -> tuple[float, float, float]:
    """Mean, its ratio-estimator variance over patients, and its variance for independent cases.

    The design effect is the ratio of the two variances; the variance is nan for a single patient.
    """
    x = numbers(values, "values")
    of, groups = codes(patients, "patients")
    same_length(values=x, patients=of)
    w = weights_of(weights, len(x))
    sizes, sums = (np.bincount(of, weights=v, minlength=groups) for v in (w, w * x))
    mean = float(sums.sum() / sizes.sum())
    plain = float(w @ (x - mean) ** 2 * (w @ w) / w.sum() ** 3)
    if groups < 2:
        return mean, math.nan, plain
    return mean, float(groups / (groups - 1) * ((sums - sizes * mean) ** 2).sum() / sizes.sum() ** 2), plain


def clustered_mean(values: ArrayLike, patients: ArrayLike, *, weights: ArrayLike | None = None,
                   level: float = 0.95) -> Interval:
    """Mean of values (n,) with t limits from the variation between patients; undefined for fewer than 2 patients."""
    method = "ratio estimator, t"
    if not np.size(values):
        return undefined("no cases", level=level, method=method)
    mean, variance, _ = ratio_variance(values, patients, weights=weights)
    if math.isnan(variance):
        return undefined("one patient", estimate=mean, level=level, method=method)
    groups = codes(patients, "patients")[1]
    return around(mean, math.sqrt(variance), level=level, df=groups - 1, method=method)


def anova_icc(values: ArrayLike, patients: ArrayLike) -> float:
    """Intra-patient correlation by one-way analysis of variance; nan where no patient has two cases."""
    x = numbers(values, "values")
    of, groups = codes(patients, "patients")
    same_length(values=x, patients=of)
    if groups < 2 or groups == len(x):
        return math.nan
    sizes = np.bincount(of)
    means = np.bincount(of, weights=x) / sizes
    typical = (len(x) - (sizes**2).sum() / len(x)) / (groups - 1)
    between = (sizes * (means - x.mean()) ** 2).sum() / (groups - 1)
    within = ((x - means[of]) ** 2).sum() / (len(x) - groups)
    total = between + (typical - 1) * within
    return float((between - within) / total) if total > 0 else math.nan
