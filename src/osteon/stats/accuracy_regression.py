"""Subgroups and meta-regression of the bivariate model, exact or normal, and likelihood-ratio tests.

Takwoingi Y et al. Cochrane Handbook for DTA reviews, chapter 10 (2023): covariates on sensitivity, specificity or both,
equal or separate between-study variances, likelihood-ratio tests with maximum likelihood.
"""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.special import expit

from osteon.stats.accuracy_glmm import climb, fit_exact, free_positions, summarise
from osteon.stats.accuracy_model import Bivariate, Design, simple
from osteon.stats.accuracy_reitsma import fit_normal
from osteon.stats.accuracy_table import Tables
from osteon.stats.arguments import Floats
from osteon.stats.intervals import HypothesisTest, Interval

ON = ("both", "sensitivity", "specificity")


class Columns(NamedTuple):
    """Covariate columns (k, q) without the intercept, and their names."""

    values: Floats
    names: tuple[str, ...]


def encode(covariates: Mapping[str, Sequence[object]]) -> Columns:
    """Numbers stay numbers, text becomes indicators against the first level in sorted order.

    Raises ValueError naming covariate and position for a missing value and for a covariate with one level only.
    """
    columns: list[Floats] = []
    names: list[str] = []
    for name, values in covariates.items():
        numeric = _as_numbers(values)
        if numeric is not None:
            if np.isnan(numeric).any():
                raise ValueError(f"{name}: position {int(np.argmax(np.isnan(numeric)))} is missing (expected a number)")
            columns, names = [*columns, numeric], [*names, name]
            continue
        text = [str(v).strip() for v in values]
        if "" in text:
            raise ValueError(f"{name}: position {text.index('')} is missing (expected a level)")
        for level in sorted(set(text))[1:]:
            columns, names = [*columns, np.array([v == level for v in text], float)], [*names, f"{name}={level}"]
    for name, column in zip(names, columns, strict=True):
        if np.ptp(column) == 0:
            raise ValueError(f"{name}: one value only (expected at least two)")
    if not columns:
        raise ValueError("covariates: one level only (expected at least two)")
    return Columns(np.column_stack(columns), tuple(names))


def _as_numbers(values: Sequence[object]) -> Floats | None:
    try:
        return np.array([float("nan") if v is None or v == "" else float(str(v)) for v in values])
    except (TypeError, ValueError):
        return None


def build(columns: Columns, *, on: str = "both", group: Sequence[object] | None = None) -> Design:
    """The design with the covariates ``on`` a margin or both; ``group`` gives each level its own between-study covariance."""
    if on not in ON:
        raise ValueError(f"on: {on!r} (expected one of {', '.join(ON)})")
    ones = np.ones((len(columns.values), 1))
    full = np.column_stack([ones, columns.values])
    code = np.unique(np.asarray([str(g) for g in group]), return_inverse=True)[1] if group is not None else None
    return Design(full if on != "specificity" else ones, full if on != "sensitivity" else ones,
                  group=np.zeros(len(full), np.int64) if code is None else code.astype(np.int64))


class Term(NamedTuple):
    """One coefficient of logit sensitivity or logit specificity, its odds ratio with limits, and its Wald test."""

    margin: str
    name: str
    coefficient: float
    error: float
    odds_ratio: Interval
    p: float


def terms(fit: Bivariate, design: Design, names: Sequence[str], *, level: float = 0.95) -> list[Term]:
    """Wald intervals with t on k minus the number of coefficients of the margin degrees of freedom."""
    out, split = [], design.sensitivity.shape[1]
    for i, (b, variance) in enumerate(zip(fit.mu, np.diag(fit.covariance), strict=True)):
        margin, place = ("sensitivity", i) if i < split else ("specificity", i - split)
        width = split if margin == "sensitivity" else design.width - split
        error, df = float(np.sqrt(variance)), max(fit.k - width, 1)
        half = stats.t.ppf(0.5 + level / 2, df) * error
        ratio = Interval(*(float(np.exp(np.clip(v, -700, 700))) for v in (b, b - half, b + half)), level=level, method=f"Wald, t with {df} df")
        name = "intercept" if place == 0 else names[place - 1]
        out.append(Term(margin, name, float(b), error, ratio, float(2 * stats.t.sf(abs(b / error), df))))
    return out


def compare(full: Bivariate, reduced: Bivariate, df: int) -> HypothesisTest:
    """Likelihood-ratio test of nested maximum likelihood fits."""
    statistic = max(0.0, 2 * (full.log_likelihood - reduced.log_likelihood))
    return HypothesisTest(statistic, float(stats.chi2.sf(statistic, df)), df=(df,), method="likelihood ratio, maximum likelihood")


class Regression(NamedTuple):
    """A regression with the model without covariates, the test between them, and the terms."""

    fit: Bivariate
    null: Bivariate
    test: HypothesisTest
    terms: list[Term]
    design: Design


def regress(tables: Tables, columns: Columns, *, on: str = "both", group: Sequence[object] | None = None,
            model: str = "exact", nodes: int = 15, correction: str = "all") -> Regression:
    """Meta-regression; the test compares it with the model without covariates and with one covariance (both ML)."""
    design = build(columns, on=on, group=group)
    fitter = _fitter(model, nodes, correction)
    full, null = fitter(tables, design), fitter(tables, simple(len(tables)))
    df = design.width - 2 + 3 * (design.groups - 1)
    return Regression(full, null, compare(full, null, df), terms(full, design, columns.names), design)


def _fitter(model: str, nodes: int, correction: str) -> Callable[[Tables, Design], Bivariate]:
    if model == "exact":
        return lambda tables, design: fit_exact(tables, design, nodes=nodes)
    if model == "normal":
        return lambda tables, design: fit_normal(tables, design, estimator="ml", correction=correction)
    raise ValueError(f"model: {model!r} (expected exact or normal)")


def permutation_p(tables: Tables, columns: Columns, *, on: str = "both", count: int = 500, seed: int = 0,
                  correction: str = "all") -> float:
    """Permutation p-value of the likelihood-ratio test (normal model): covariate rows are shuffled over the studies."""
    rng, observed = np.random.default_rng(seed), _statistic(tables, columns, on, correction)
    drawn = [_statistic(tables, Columns(rng.permutation(columns.values), columns.names), on, correction) for _ in range(count)]
    return (1 + sum(v >= observed - 1e-9 for v in drawn)) / (count + 1)


def _statistic(tables: Tables, columns: Columns, on: str, correction: str) -> float:
    return fit_normal(tables, build(columns, on=on), estimator="ml", correction=correction).log_likelihood


class Contrast(NamedTuple):
    """Two levels compared: ratio and difference of sensitivity or specificity with limits by the delta method."""

    margin: str
    levels: tuple[str, str]
    ratio: Interval
    difference: Interval


def contrast(fit: Bivariate, design: Design, margin: str, *, first: Floats, second: Floats, levels: tuple[str, str],
             level: float = 0.95) -> Contrast:
    """Second against first covariate row (with intercept) of one margin."""
    split = design.sensitivity.shape[1]
    part = slice(0, split) if margin == "sensitivity" else slice(split, None)
    beta, covariance = fit.mu[part], fit.covariance[part, part]
    a, b = (np.asarray(row, float) for row in (first, second))
    p, q = expit(a @ beta), expit(b @ beta)
    z = stats.norm.ppf(0.5 + level / 2)
    log = (1 - q) * b - (1 - p) * a
    plain = q * (1 - q) * b - p * (1 - p) * a
    half = z * np.sqrt(log @ covariance @ log), z * np.sqrt(plain @ covariance @ plain)
    ratio = Interval(float(q / p), float(q / p * np.exp(-half[0])), float(q / p * np.exp(half[0])), level=level, method="delta method")
    difference = Interval(float(q - p), float(q - p - half[1]), float(q - p + half[1]), level=level, method="delta method")
    return Contrast(margin, levels, ratio, difference)


def variance_tests(tables: Tables, fit: Bivariate, *, nodes: int = 15) -> dict[str, HypothesisTest]:
    """Likelihood-ratio tests of the between-study parameters against the exact fit.

    no heterogeneity: Psi = 0, mixture of chi-square 0 to 3 with the weights of the cone of 2 by 2 covariance matrices under
    equal information (an approximation); no variance in one margin: half chi-square 1, half chi-square 2 (Self SG, Liang KY.
    J Am Stat Assoc 1987; 82: 605); no correlation: chi-square 1.
    """
    design = simple(len(tables))
    fits = {"no_heterogeneity": ("sensitivity", "specificity"), "no_variance_sensitivity": ("sensitivity",),
            "no_variance_specificity": ("specificity",)}
    weights = {"no_heterogeneity": (0.1464, 0.3536, 0.3536, 0.1464)}
    out = {name: _mixture(fit, _limited(tables, free_positions(design, fixed=fixed), nodes), weights.get(name, (0, 0.5, 0.5, 0)))
           for name, fixed in fits.items()}
    out["no_correlation"] = compare(fit, _limited(tables, free_positions(design, independent=True), nodes), 1)
    return out


def _limited(tables: Tables, free: list[int], nodes: int) -> Bivariate:
    best = climb(tables, simple(len(tables)), nodes=nodes, free=free)
    return summarise(tables, simple(len(tables)), best, nodes=nodes, free=free)


def _mixture(full: Bivariate, reduced: Bivariate, weights: Sequence[float]) -> HypothesisTest:
    statistic = max(0.0, 2 * (full.log_likelihood - reduced.log_likelihood))
    p = sum(w * (stats.chi2.sf(statistic, df) if df else float(statistic <= 0)) for df, w in enumerate(weights))
    return HypothesisTest(statistic, float(p), method="likelihood ratio, chi-square mixture at the boundary")
