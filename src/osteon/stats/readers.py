"""Readers who read the same cases with several tests (MRMC): Obuchowski-Rockette with Hillis' degrees of freedom.

Obuchowski NA, Rockette HE. Commun Stat Simul Comput 1995; 24: 285; Hillis SL. Stat Med 2007; 26: 596 and 2014; 33: 330.
Ratings are (tests, readers, cases), complete; a figure of merit is taken for each test and reader.
"""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from osteon.stats.arguments import Bools, Floats, binary, numbers, refuse, same_length
from osteon.stats.intervals import HypothesisTest, Interval, around, on_logit
from osteon.stats.roc import delong, one_class

FIGURES = ("auc", "sensitivity", "specificity")
RANDOM = ("both", "cases", "readers")


@dataclass(frozen=True)
class VarianceComponents:
    """Obuchowski-Rockette components: readers, test by readers, error, and the covariances of figures that share a
    reader (cov1), a test (cov2), or neither (cov3)."""

    reader: float
    test_reader: float
    _: KW_ONLY
    error: float
    cov1: float
    cov2: float
    cov3: float


@dataclass(frozen=True)
class ReaderStudy:
    """Figures of merit (tests, readers), the overall test of equal tests, differences and means of tests."""

    figures: Floats
    test: HypothesisTest
    _: KW_ONLY
    differences: dict[tuple[int, int], Interval]
    means: tuple[Interval, ...]
    components: VarianceComponents


def reader_study(truth: ArrayLike, ratings: ArrayLike, *, figure: str = "auc", covariance: str = "DeLong",
                 random: str = "both", scale: str = "logit", level: float = 0.95) -> ReaderStudy:
    """Compare tests over readers.

    ``truth`` (n,) 0 or 1; ``ratings`` (tests, readers, n), 0 or 1 where ``figure`` is sensitivity or specificity.
    ``covariance`` is "DeLong" or "jackknife"; ``random`` says what is a sample: "both", "cases" (these readers only)
    or "readers" (these cases only); ``scale`` is that of the intervals of means ("linear" as MRMCaov). ValueError for
    missing ratings, fewer than 2 tests or readers, or one class.
    """
    y, x = _checked(truth, ratings, figure)
    figures, cov = figure_covariance(y, x, figure=figure, covariance=covariance)
    return obuchowski_rockette(figures, cov, random=random, scale=scale, level=level)


def _checked(truth: ArrayLike, ratings: ArrayLike, figure: str) -> tuple[Bools, Floats]:
    y = binary(truth, "truth")
    x = numbers(ratings, "ratings", ndim=3, minus_infinity=True)
    same_length(truth=y, ratings=x[0, 0])
    if min(x.shape[:2]) < 2:
        raise ValueError(f"ratings: {x.shape[0]} tests by {x.shape[1]} readers (expected at least 2 of each)")
    if reason := one_class(y):
        raise ValueError(f"truth: {reason} (expected both classes)")
    if figure not in FIGURES:
        raise ValueError(f"figure: {figure!r} (expected one of {', '.join(FIGURES)})")
    if figure != "auc":
        refuse("ratings", x, ~np.isin(x, (0, 1)), f"0 or 1 for {figure}")
    return y, x


def figure_covariance(truth: Bools, ratings: Floats, *, figure: str, covariance: str) -> tuple[Floats, Floats]:
    """Figures (tests, readers) and their covariance over cases (tests x readers, square).

    For sensitivity and specificity DeLong's and the jackknife over the cases concerned are the same.
    """
    shape, rows = ratings.shape[:2], ratings.reshape(-1, ratings.shape[2])
    if covariance not in ("DeLong", "jackknife"):
        raise ValueError(f"covariance: {covariance!r} (expected 'DeLong' or 'jackknife')")
    if figure != "auc":
        inside = rows[:, truth] if figure == "sensitivity" else 1 - rows[:, ~truth]
        return inside.mean(1).reshape(shape), np.cov(inside) / inside.shape[1]
    if covariance == "jackknife":
        figures, cov = jackknife(lambda kept: delong(truth[kept], rows[:, kept])[0], ratings.shape[2])
    else:
        figures, cov = delong(truth, rows)
    return figures.reshape(shape), cov


def jackknife(figures: Callable[[Bools], Floats], cases: int) -> tuple[Floats, Floats]:
    """Figures (k,) of all cases and their leave-one-case-out covariance (k, k), for any figure of merit."""
    whole = np.ones(cases, bool)
    left_out = []
    for case in range(cases):
        whole[case] = False
        left_out.append(figures(whole))
        whole[case] = True
    return figures(whole), np.cov(np.array(left_out).T) * (cases - 1) ** 2 / cases


def obuchowski_rockette(figures: Floats, cov: Floats, *, random: str = "both", scale: str = "logit",
                        level: float = 0.95) -> ReaderStudy:
    """The analysis of figures (tests, readers) with their covariance over cases (FROC figures too)."""
    if random not in RANDOM:
        raise ValueError(f"random: {random!r} (expected one of {', '.join(RANDOM)})")
    if scale not in ("logit", "linear"):
        raise ValueError(f"scale: {scale!r} (expected 'logit' or 'linear')")
    tests, readers = figures.shape
    by_test, by_reader, grand = figures.mean(1), figures.mean(0), figures.mean()
    ms_t = readers * ((by_test - grand) ** 2).sum() / (tests - 1)
    ms_r = tests * ((by_reader - grand) ** 2).sum() / (readers - 1)
    residual = figures - by_test[:, None] - by_reader + grand
    ms_tr = (residual**2).sum() / ((tests - 1) * (readers - 1))
    error, cov1, cov2, cov3 = _averages(cov, tests, readers)
    components = VarianceComponents((ms_r - ms_tr) / tests - cov1 + cov3,
                                    ms_tr - error + cov1 + max(cov2 - cov3, 0.0), error=error, cov1=cov1, cov2=cov2,
                                    cov3=cov3)
    test, spread, df = _equality(ms_t, ms_tr, components, (tests, readers), random)
    half = math.sqrt(2 * spread / readers)
    differences = {(a, b): around(by_test[a] - by_test[b], half, level=level, df=df, method="Obuchowski-Rockette")
                   for a, b in combinations(range(tests), 2)}
    own = cov.reshape(tests, readers, tests, readers)
    means = tuple(_mean(figures[i], own[i, :, i], random, scale=scale, level=level) for i in range(tests))
    return ReaderStudy(figures, test, differences=differences, means=means, components=components)


def _averages(cov: Floats, tests: int, readers: int) -> tuple[float, float, float, float]:
    """Mean variance, and mean covariance for the same reader, the same test, and neither."""
    table = cov.reshape(tests, readers, tests, readers)
    total, same_both = table.sum(), np.trace(cov)
    same_reader = np.einsum("irjr->", table) - same_both
    same_test = np.einsum("iris->", table) - same_both
    neither = total - same_both - same_reader - same_test
    pairs = tests * readers
    return (float(same_both / pairs), float(same_reader / (pairs * (tests - 1))),
            float(same_test / (pairs * (readers - 1))), float(neither / (pairs * (tests - 1) * (readers - 1))))


def _equality(ms_t: float, ms_tr: float, c: VarianceComponents, size: tuple[int, int],
              random: str) -> tuple[HypothesisTest, float, float]:
    """Test of equal tests, the denominator, and the degrees of freedom of a difference."""
    tests, readers = size
    label = {"both": "random readers and cases", "cases": "fixed readers", "readers": "fixed cases"}[random]
    method = f"Obuchowski-Rockette, {label}"
    if random == "cases":
        spread = c.error - c.cov1 + (readers - 1) * max(c.cov2 - c.cov3, 0.0)
        chi2 = (tests - 1) * ms_t / spread
        return HypothesisTest(chi2, float(stats.chi2.sf(chi2, tests - 1)), df=(tests - 1,),
                              method=method), spread, math.inf
    df = float((tests - 1) * (readers - 1))
    spread = ms_tr
    if random == "both":
        spread = ms_tr + max(readers * (c.cov2 - c.cov3), 0.0)
        df = spread**2 / (ms_tr**2 / df) if ms_tr > 0 else math.inf
    if not spread > 1e-15:
        return HypothesisTest(math.nan, math.nan, method=method, reason="the readers agree exactly"), spread, df
    f = ms_t / spread
    return HypothesisTest(f, float(stats.f.sf(f, tests - 1, df)), df=(tests - 1, df), method=method), spread, df


def _mean(figures: Floats, cov: Floats, random: str, *, scale: str, level: float) -> Interval:
    """Mean of one test over readers with its single-test interval."""
    readers = len(figures)
    ms_r, error = float(figures.var(ddof=1)), float(np.trace(cov) / readers)
    cov2 = float((cov.sum() - np.trace(cov)) / (readers * (readers - 1)))
    if random == "cases":
        spread, df = error + (readers - 1) * max(cov2, 0.0), math.inf
    elif random == "readers":
        spread, df = ms_r, float(readers - 1)
    else:
        spread = ms_r + max(readers * cov2, 0.0)
        df = spread**2 / (ms_r**2 / (readers - 1)) if ms_r > 0 else math.inf
    mean, error, method = float(figures.mean()), math.sqrt(spread / readers), f"Obuchowski-Rockette, {scale}"
    if scale == "linear" or not 0 < mean < 1:
        return around(mean, error, level=level, df=df, method=method)
    return on_logit(mean, error, level=level, df=df, method=method)


def reader_differences(study_figures: Floats, cov: Floats, *, level: float = 0.95) -> list[Interval]:
    """First test minus second for each reader of a two-test study, with this reader's own variance over cases."""
    readers = study_figures.shape[1]
    table = cov.reshape(2, readers, 2, readers)
    return [around(study_figures[0, r] - study_figures[1, r],
                   math.sqrt(table[0, r, 0, r] + table[1, r, 1, r] - 2 * table[0, r, 1, r]), level=level,
                   method="normal") for r in range(readers)]
