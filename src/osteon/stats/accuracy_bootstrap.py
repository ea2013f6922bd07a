"""Parametric bootstrap of the bivariate models: whole reviews are simulated from the fit and fitted again."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import expit

from osteon.stats.accuracy_glmm import refit_exact
from osteon.stats.accuracy_model import Bivariate, interior, to_psi
from osteon.stats.accuracy_reitsma import refit_normal
from osteon.stats.accuracy_sroc import auc_many
from osteon.stats.accuracy_table import Tables
from osteon.stats.arguments import Floats
from osteon.stats.intervals import Interval, undefined


class Draws(NamedTuple):
    """Bootstrap estimates: mean logits (B, 2) and between-study covariances (B, 2, 2)."""

    mu: Floats
    psi: Floats

    @property
    def auc(self) -> Floats:
        """Area under each summary curve (nan where a draw has none)."""
        return auc_many(self.mu, self.psi)

    @property
    def rho(self) -> Floats:
        """Between-study correlation of each draw (nan where a variance is zero)."""
        scale = np.sqrt(self.psi[:, 0, 0] * self.psi[:, 1, 1])
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(scale > 1e-9, self.psi[:, 0, 1] / scale, np.nan)


def simulate(fit: Bivariate, totals: Floats, *, count: int, rng: np.random.Generator) -> Floats:
    """Events (count, k, 2) of new reviews with the sizes (k, 2) of the old one: logits from the fit, counts binomial."""
    values, vectors = np.linalg.eigh(fit.between)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    logit = fit.mu + rng.standard_normal((count, len(totals), 2)) @ root.T
    return rng.binomial(totals.astype(np.int64), expit(logit)).astype(float)


def bootstrap(tables: Tables, fit: Bivariate, *, model: str = "exact", nodes: int = 15, correction: str = "single",
              count: int = 2000, seed: int = 0) -> Draws:
    """Refits of ``count`` simulated reviews by the same model (exact, or normal with REML and ``correction``)."""
    rng = np.random.default_rng(seed)
    events = simulate(fit, tables.totals, count=count, rng=rng)
    if model == "normal":
        values, variances = _logits(events, tables.totals, correction)
        mu, chol = refit_normal(values, variances, interior(fit.optimum.theta))
        return Draws(mu, to_psi(chol))
    if model != "exact":
        raise ValueError(f"model: {model!r} (expected exact or normal)")
    start = np.concatenate([fit.mu, interior(fit.optimum.theta[2:])])
    theta = refit_exact([_tables(e, tables.totals) for e in events], start, nodes=nodes)
    return Draws(theta[:, :2], to_psi(theta[:, 2:].ravel()))


def _tables(events: Floats, totals: Floats) -> Tables:
    return Tables(events[:, 0], totals[:, 1] - events[:, 1], fn=totals[:, 0] - events[:, 0], tn=events[:, 1])


def _logits(events: Floats, totals: Floats, correction: str) -> tuple[Floats, Floats]:
    """Corrected logits and variances (B, k, 2) of many simulated reviews at once."""
    misses = totals - events
    empty = np.broadcast_to(totals == 0, events.shape)
    zero = ((events == 0) | (misses == 0)).any(2, keepdims=True)
    added = {"single": 0.5 * zero, "all": 0.5 * zero.any(1, keepdims=True)}.get(correction, 0.5 * zero)
    hit, miss = events + added, misses + added
    with np.errstate(divide="ignore", invalid="ignore"):
        value, variance = np.log(hit / miss), 1 / hit + 1 / miss
    return np.where(empty, 0.0, value), np.where(empty, np.inf, variance)


def percentile(estimate: float, draws: Floats, *, level: float = 0.95) -> Interval:
    """Percentile interval of bootstrap values, those that are nan left out; undefined where fewer than 20 remain."""
    kept = draws[np.isfinite(draws)]
    if len(kept) < 20 or not np.isfinite(estimate):
        return undefined("fewer than 20 bootstrap values are defined", estimate=float(estimate), level=level, method="bootstrap")
    tail = (1 - level) / 2
    lower, upper = np.quantile(kept, [tail, 1 - tail])
    return Interval(float(estimate), float(lower), float(upper), level=level, method=f"percentile of {len(kept)} bootstrap fits")


def rates(fit: Bivariate, draws: Draws, *, level: float = 0.95) -> tuple[Interval, Interval]:
    """Pooled sensitivity and specificity with percentile limits."""
    pooled, values = expit(fit.mu), expit(draws.mu)
    return percentile(pooled[0], values[:, 0], level=level), percentile(pooled[1], values[:, 1], level=level)


def auc_difference(first: tuple[Bivariate, Draws], second: tuple[Bivariate, Draws], *, level: float = 0.95) -> tuple[Interval, float]:
    """Difference of two independent summary areas with percentile limits, and the two-sided bootstrap p-value."""
    estimate = float(np.diff([auc_many(f.mu[None], f.psi[:1])[0] for f, _ in (second, first)])[0])
    n = min(len(first[1].mu), len(second[1].mu))
    gaps = first[1].auc[:n] - second[1].auc[:n]
    gaps = gaps[np.isfinite(gaps)]
    p = min(1.0, 2 * (1 + min((gaps <= 0).sum(), (gaps >= 0).sum())) / (len(gaps) + 1)) if len(gaps) else float("nan")
    return percentile(estimate, gaps, level=level), float(p)
