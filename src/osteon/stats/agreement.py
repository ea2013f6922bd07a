"""Agreement of continuous measurements: Bland-Altman, intraclass correlation, concordance, measurement error.

Bland JM, Altman DG. Lancet 1986; i: 307 and Stat Methods Med Res 1999; 8: 135; Carkeet A. Optom Vis Sci 2015; 92: e71
(exact limits); Shrout PE, Fleiss JL. Psychol Bull 1979; 86: 420; McGraw KO, Wong SP. Psychol Methods 1996; 1: 30;
Lin LI. Biometrics 1989; 45: 255; Koo TK, Li MY. J Chiropr Med 2016; 15: 155 (which form).
"""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from osteon.stats.arguments import Floats, numbers, same_length
from osteon.stats.intervals import Interval, around, normal_quantile, undefined

ICC_FORMS = {"ICC(1,1)": "one-way random, single", "ICC(2,1)": "two-way random, absolute agreement, single",
             "ICC(3,1)": "two-way mixed, consistency, single", "ICC(1,k)": "one-way random, mean of k",
             "ICC(2,k)": "two-way random, absolute agreement, mean of k", "ICC(3,k)": "two-way mixed, consistency, "
                                                                                      "mean of k"}


class MeanSquares(NamedTuple):
    """Two-way analysis of variance of subjects by raters without replication."""

    subjects: float
    raters: float
    error: float
    within: float
    n: int
    k: int


def bland_altman(first: ArrayLike, second: ArrayLike, *, level: float = 0.95, agreement: float = 0.95,
                 limits: str = "exact") -> dict[str, Interval]:
    """Bias, lower and upper limit of agreement of first - second, each with an interval, and the proportional slope.

    ``agreement`` is the share of differences within the limits. ``limits`` is "exact" (Carkeet 2015, noncentral t) or
    "approximate" (Bland & Altman 1999). Undefined for fewer than 3 pairs or equal differences.
    """
    x, y = numbers(first, "first"), numbers(second, "second")
    size = same_length(first=x, second=y)
    if limits not in ("exact", "approximate"):
        raise ValueError(f"limits: {limits!r} (expected 'exact' or 'approximate')")
    names = ("bias", "lower_limit", "upper_limit", "proportional_slope")
    if size < 3:
        return {name: undefined(f"{size} pairs (3 needed)", level=level) for name in names}
    d = x - y
    bias, sd, z = float(d.mean()), float(d.std(ddof=1)), normal_quantile(agreement)
    edge = _exact_limit if limits == "exact" else _approximate_limit
    found = (around(bias, sd / math.sqrt(size), level=level, df=size - 1, method="t"),
             edge(bias, sd, size, -z, level=level), edge(bias, sd, size, z, level=level),
             _slope((x + y) / 2, d, level=level))
    return dict(zip(names, found, strict=True))


def _exact_limit(bias: float, sd: float, size: int, z: float, *, level: float) -> Interval:
    root = math.sqrt(size)
    tails = stats.nct.ppf([(1 - level) / 2, (1 + level) / 2], size - 1, z * root) if sd else (0.0, 0.0)
    lower, upper = (bias + float(t) * sd / root for t in tails)
    return Interval(bias + z * sd, lower, upper, level=level, method="exact, noncentral t")


def _approximate_limit(bias: float, sd: float, size: int, z: float, *, level: float) -> Interval:
    error = limit_error(sd, size, z)
    return around(bias + z * sd, error, level=level, df=size - 1, method="Bland-Altman 1999")


def limit_error(sd: float, size: int, z: float) -> float:
    """Standard error of a limit of agreement: sqrt(s^2 / n + z^2 s^2 / (2 (n - 1)))."""
    return sd * math.sqrt(1 / size + z * z / (2 * (size - 1)))


def _slope(mean: Floats, difference: Floats, *, level: float) -> Interval:
    """Slope of the difference on the mean: proportional bias."""
    if np.ptp(mean) == 0:
        return undefined("all means are equal", level=level, method="least squares")
    if np.ptp(difference) == 0:
        return undefined("all differences are equal", estimate=0.0, level=level, method="least squares")
    fit = stats.linregress(mean, difference)
    return around(float(fit.slope), float(fit.stderr), level=level, df=len(mean) - 2, method="least squares")


def mean_squares(ratings: ArrayLike) -> MeanSquares:
    """Mean squares of ratings (n subjects, k raters); ValueError for fewer than 2 of either or a missing rating."""
    x = numbers(ratings, "ratings", ndim=2)
    n, k = x.shape
    if n < 2 or k < 2:
        raise ValueError(f"ratings: {n} subjects by {k} raters (expected at least 2 of each)")
    grand, rows, columns = x.mean(), x.mean(1), x.mean(0)
    residual = x - rows[:, None] - columns + grand
    return MeanSquares(float(k * ((rows - grand) ** 2).sum() / (n - 1)), float(n * ((columns - grand) ** 2).sum()
                       / (k - 1)), float((residual**2).sum() / ((n - 1) * (k - 1))),
                       float(((x - rows[:, None]) ** 2).sum() / (n * (k - 1))), n, k)


def icc(ratings: ArrayLike, *, level: float = 0.95) -> dict[str, Interval]:
    """All six forms of Shrout and Fleiss with the F-based limits of McGraw and Wong.

    ``ratings`` (n subjects, k raters) complete. Report ICC(2,1) where any rater may read, ICC(3,1) for these raters.
    Undefined where subjects do not differ at all.
    """
    ms = mean_squares(ratings)
    if ms.subjects == 0 and ms.within == 0:
        return {form: undefined("all ratings are equal", level=level) for form in ICC_FORMS}
    one, consistent = (_consistency(ms, residual, df, level) for residual, df in (
        (ms.within, ms.n * (ms.k - 1)), (ms.error, (ms.n - 1) * (ms.k - 1))))
    absolute = _absolute(ms, level)
    stepped = [_spearman_brown(i, ms.k) for i in (one, absolute, consistent)]
    return dict(zip(ICC_FORMS, (one, absolute, consistent, *stepped), strict=True))


def _consistency(ms: MeanSquares, residual: float, df: int, level: float) -> Interval:
    """(F - 1) / (F + k - 1) with F = MS subjects / MS residual, and the same of the limits of F."""
    ratio = ms.subjects / residual if residual > 0 else math.inf
    tail = (1 + level) / 2
    f = (ratio, ratio / stats.f.ppf(tail, ms.n - 1, df), ratio * stats.f.ppf(tail, df, ms.n - 1))
    values = [float((v - 1) / (v + ms.k - 1)) if math.isfinite(v) else 1.0 for v in f]
    return Interval(*values, level=level, method="F")


def _absolute(ms: MeanSquares, level: float) -> Interval:
    """ICC(2,1) = ICC(A,1) with Satterthwaite limits (McGraw & Wong 1996, table 7)."""
    n, k, subjects, raters, error = ms.n, ms.k, ms.subjects, ms.raters, ms.error
    value = (subjects - error) / (subjects + (k - 1) * error + k * (raters - error) / n)
    if error == 0 and raters == 0:
        return Interval(1.0, 1.0, 1.0, level=level, method="F, Satterthwaite")
    a, b = k * value / (n * (1 - value)), 1 + k * value * (n - 1) / (n * (1 - value))
    df = (a * raters + b * error) ** 2 / ((a * raters) ** 2 / (k - 1) + (b * error) ** 2 / ((n - 1) * (k - 1)))
    tail = (1 + level) / 2
    low, high = stats.f.ppf(tail, n - 1, df), stats.f.ppf(tail, df, n - 1)
    other = k * raters + (k * n - k - n) * error
    lower = n * (subjects - low * error) / (low * other + n * subjects)
    upper = n * (high * subjects - error) / (other + n * high * subjects)
    return Interval(value, float(lower), float(upper), level=level, method="F, Satterthwaite")


def _spearman_brown(single: Interval, k: int) -> Interval:
    """Reliability of the mean of k from that of one."""
    values = [k * v / (1 + (k - 1) * v) for v in (single.estimate, single.lower, single.upper)]
    return Interval(*values, level=single.level, method=single.method)


def lin_ccc(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Interval:
    """Concordance correlation (Lin 1989, variance as corrected in 2000) with limits on Fisher's z."""
    x, y = numbers(first, "first"), numbers(second, "second")
    n = same_length(first=x, second=y)
    method = "Lin, Fisher z"
    if n < 3 or x.std() == 0 or y.std() == 0:
        return undefined("fewer than 3 pairs" if n < 3 else "one measurement does not vary", level=level,
                         method=method)
    cov, var_x, var_y = float(np.mean((x - x.mean()) * (y - y.mean()))), float(x.var()), float(y.var())
    shift = (y.mean() - x.mean()) ** 2 / math.sqrt(var_x * var_y)
    r = cov / math.sqrt(var_x * var_y)
    ccc = 2 * cov / (var_x + var_y + (x.mean() - y.mean()) ** 2)
    if abs(ccc) == 1 or r == 0:
        reason = "every pair is equal" if abs(ccc) == 1 else "the correlation is 0"
        return undefined(reason, estimate=ccc, level=level, method=method)
    variance = ((1 - r**2) * ccc**2 / ((1 - ccc**2) * r**2) + 2 * ccc**3 * (1 - ccc) * shift / (
        r * (1 - ccc**2) ** 2) - ccc**4 * shift**2 / (2 * r**2 * (1 - ccc**2) ** 2)) / (n - 2)
    half = normal_quantile(level) * math.sqrt(max(variance, 0))
    return Interval(ccc, math.tanh(math.atanh(ccc) - half), math.tanh(math.atanh(ccc) + half), level=level,
                    method=method)


def pearson(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Interval:
    """Pearson's correlation with limits on Fisher's z (standard error 1 / sqrt(n - 3)); it does not see a shift or a stretch."""
    x, y = numbers(first, "first"), numbers(second, "second")
    n = same_length(first=x, second=y)
    if n < 4 or x.std() == 0 or y.std() == 0:
        return undefined("fewer than 4 pairs" if n < 4 else "one measurement does not vary", level=level, method="Fisher z")
    r = float(np.clip(np.corrcoef(x, y)[0, 1], -1, 1))
    if 1 - abs(r) < 1e-12:
        return undefined("every pair lies on a line", estimate=r, level=level, method="Fisher z")
    half = normal_quantile(level) / math.sqrt(n - 3)
    return Interval(r, math.tanh(math.atanh(r) - half), math.tanh(math.atanh(r) + half), level=level, method="Fisher z")


def measurement_error(ratings: ArrayLike, *, level: float = 0.95) -> dict[str, Interval]:
    """SEM (agreement) = sqrt of the within-subject mean square, and MDC = z sqrt(2) SEM, with chi-square limits.

    ``ratings`` (n subjects, k readings). MDC at 0.95 is the repeatability coefficient of Bland and Altman.
    """
    ms = mean_squares(ratings)
    sem, df = math.sqrt(ms.within), ms.n * (ms.k - 1)
    tails = stats.chi2.ppf([(1 + level) / 2, (1 - level) / 2], df)
    values = [sem, *(sem * math.sqrt(df / float(t)) for t in tails)]
    factor = math.sqrt(2) * normal_quantile(0.95)
    return {"sem": Interval(*values, level=level, method="chi-square"),
            "mdc95": Interval(*(factor * v for v in values), level=level, method="chi-square")}


def errors(truth: ArrayLike, measured: ArrayLike, *, level: float = 0.95) -> dict[str, Interval]:
    """Mean absolute error, root mean square error (chi-square limits), and R squared of a measurement.

    R squared has Fisher-z limits of the correlation of truth and measurement only where it is that correlation's
    square; here it is 1 - SSE / SST, so it has no interval: use the bootstrap.
    """
    x, y = numbers(truth, "truth"), numbers(measured, "measured")
    n = same_length(truth=x, measured=y)
    if n < 2:
        return {name: undefined(f"{n} pairs (2 needed)", level=level) for name in ("mae", "rmse", "r2")}
    absolute, square = np.abs(y - x), float(((y - x) ** 2).mean())
    mae = around(float(absolute.mean()), float(absolute.std(ddof=1)) / math.sqrt(n), level=level, df=n - 1, method="t")
    tails = stats.chi2.ppf([(1 + level) / 2, (1 - level) / 2], n)
    rmse = Interval(math.sqrt(square), *(math.sqrt(square * n / float(t)) for t in tails), level=level,
                    method="chi-square")
    r2 = undefined("all truths are equal" if x.var() == 0 else "use the bootstrap",
                   estimate=math.nan if x.var() == 0 else 1 - square / float(x.var()), level=level)
    return {"mae": mae, "rmse": rmse, "r2": r2}
