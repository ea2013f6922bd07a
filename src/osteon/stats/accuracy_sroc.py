"""Summary ROC curve, its area, regions, likelihood ratios and heterogeneity, all from a fitted (mu, V, Psi).

Harbord RM et al. Biostatistics 2007; 8: 239 (HSROC parameters of a bivariate fit); Rutter CM, Gatsonis CA. Stat Med 2001;
20: 2865; Zhou Y, Dendukuri N. Stat Med 2014; 33: 2701 (I2); Larsen K, Merlo J. Am J Epidemiol 2005; 161: 81 (median odds ratio).
"""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import integrate, stats
from scipy.special import expit
from scipy.special import logit as logit_of

from osteon.stats.accuracy_model import Bivariate
from osteon.stats.arguments import Floats
from osteon.stats.intervals import Interval

NO_CURVE = "a between-study variance is zero, so that the data fix no curve"


class Hsroc(NamedTuple):
    """Rutter-Gatsonis parameters: accuracy, threshold, shape, and the variances of accuracy and threshold."""

    lambda_: float
    theta: float
    beta: float
    sigma2_alpha: float
    sigma2_theta: float

    @property
    def defined(self) -> bool:
        """False where a between-study variance of zero leaves the curve open."""
        return math.isfinite(self.beta)


def hsroc(mu: Floats, psi: Floats) -> Hsroc:
    """HSROC parameters of mean (2,) and between-study covariance (2, 2); nan where a variance is zero."""
    sa, sb = math.sqrt(psi[0, 0]), math.sqrt(psi[1, 1])
    if min(sa, sb) < 1e-6:
        return Hsroc(*[math.nan] * 5)
    ratio, cov = math.sqrt(sb / sa), psi[0, 1]
    return Hsroc(ratio * mu[0] + mu[1] / ratio, 0.5 * (ratio * mu[0] - mu[1] / ratio), math.log(sb / sa),
                 2 * (sa * sb + cov), 0.5 * (sa * sb - cov))


def curve(h: Hsroc, fpr: Floats) -> Floats:
    """Sensitivity of the summary curve at false positive rates strictly within 0 and 1."""
    return expit(h.lambda_ * math.exp(-h.beta / 2) + math.exp(-h.beta) * logit_of(np.asarray(fpr, float)))


def auc(h: Hsroc, low: float = 0.0, high: float = 1.0) -> float:
    """Area under the summary curve between two false positive rates, divided by their distance (0 to 1: the whole AUC)."""
    if not h.defined:
        return math.nan
    bend = 1 / (1 + math.exp(-h.lambda_ / (math.exp(-h.beta / 2) + math.exp(h.beta / 2))))
    middle = [p for p in (1 - bend, 0.5) if low < p < high]
    return float(integrate.quad(lambda p: curve(h, p), low, high, points=middle or None, epsabs=1e-11, limit=200)[0]
                 / (high - low))


def auc_many(mu: Floats, psi: Floats) -> Floats:
    """Areas (B,) of many fits, mu (B, 2) and Psi (B, 2, 2), by the trapezoid rule on the logit scale; nan without a curve."""
    t = np.linspace(-40.0, 40.0, 1601)
    weight = expit(t) * expit(-t) * (t[1] - t[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.sqrt(psi[:, 0, 0] / psi[:, 1, 1])
        start = mu[:, 0] + slope * mu[:, 1]
        area = expit(start[:, None] + slope[:, None] * t) @ weight
    return np.where((psi[:, 0, 0] > 1e-12) & (psi[:, 1, 1] > 1e-12), area, np.nan)


def region(mu: Floats, covariance: Floats, quantile: float, *, points: int = 200) -> Floats:
    """Ellipse (points, 2) on the logit scale: mu + sqrt(quantile) L (cos a, sin a) with L the Cholesky factor, from angle 0."""
    l11 = math.sqrt(covariance[0, 0])
    l21 = covariance[0, 1] / l11 if l11 > 0 else 0.0
    factor = np.array([[l11, 0.0], [l21, math.sqrt(max(covariance[1, 1] - l21**2, 0.0))]])
    angle = 2 * math.pi * np.arange(points) / points
    return mu + math.sqrt(quantile) * (factor @ np.array([np.cos(angle), np.sin(angle)])).T


def region_quantile(k: int, *, level: float = 0.95, kind: str = "F") -> float:
    """Squared radius: chi-square with 2 degrees of freedom, or 2 F(2, k - 2) (the default, wider for few studies)."""
    if kind == "chi2":
        return float(stats.chi2.ppf(level, 2))
    if k < 3:
        return math.nan
    return float(2 * stats.f.ppf(level, 2, k - 2))


def confidence_region(fit: Bivariate, *, level: float = 0.95, kind: str = "F", points: int = 200) -> Floats:
    """Region for the mean, on the logit scale."""
    return region(fit.mu, fit.covariance, region_quantile(fit.k, level=level, kind=kind), points=points)


def prediction_region(fit: Bivariate, *, level: float = 0.95, kind: str = "F", points: int = 200) -> Floats:
    """Region for the true values of a new study, on the logit scale."""
    return region(fit.mu, fit.covariance + fit.between, region_quantile(fit.k, level=level, kind=kind), points=points)


def quantile(k: int, *, level: float = 0.95, kind: str = "t") -> float:
    """Two-sided normal quantile (z), or that of t with k - 2 degrees of freedom (infinite for fewer than three studies)."""
    if kind == "t":
        return float(stats.t.ppf(0.5 + level / 2, k - 2)) if k > 2 else math.inf
    return float(stats.norm.ppf(0.5 + level / 2))


def rates(fit: Bivariate, *, level: float = 0.95, kind: str = "t", prediction: bool = False) -> tuple[Interval, Interval]:
    """Pooled sensitivity and specificity with confidence (or prediction) limits, Wald on the logit scale."""
    spread = np.diag(fit.covariance) + (np.diag(fit.between) if prediction else 0.0)
    half = quantile(fit.k, level=level, kind=kind) * np.sqrt(spread)
    label = f"Wald on the logit, {kind}{f' with {fit.k - 2} df' if kind == 't' else ''}"
    out = [Interval(float(expit(m)), float(expit(m - h)), float(expit(m + h)), level=level, method=label)
           for m, h in zip(fit.mu[:2], half, strict=True)]
    return out[0], out[1]


def _log_ratio(mu: Floats, which: str) -> tuple[float, Floats]:
    se, sp = expit(mu)
    if which == "lr_positive":
        return float(np.log(se / (1 - sp))), np.array([1 - se, sp])
    if which == "lr_negative":
        return float(np.log((1 - se) / sp)), np.array([-se, sp - 1])
    return float(mu.sum()), np.ones(2)


def ratio(fit: Bivariate, which: str, *, level: float = 0.95, kind: str = "t") -> Interval:
    """Likelihood ratio (lr_positive, lr_negative) or diagnostic odds ratio (dor) of the pooled point, delta method on the log."""
    log, slope = _log_ratio(fit.mu, which)
    half = quantile(fit.k, level=level, kind=kind) * math.sqrt(slope @ fit.covariance @ slope)
    return Interval(math.exp(log), *_exponentials(log - half, log + half), level=level, method=f"delta method on the log, {kind}")


def _exponentials(*values: float) -> list[float]:
    return [math.exp(v) if v < 700 else math.inf for v in values]


def predictive_values(fit: Bivariate, prevalence: float, *, level: float = 0.95, kind: str = "t") -> tuple[Interval, Interval]:
    """Positive and negative predictive value at a prevalence: post-test odds by Bayes, delta method on the log likelihood ratio."""
    if not 0 < prevalence < 1:
        raise ValueError(f"prevalence: {prevalence} (expected a number between 0 and 1)")
    odds = float(logit_of(prevalence))
    up, down = (ratio(fit, name, level=level, kind=kind) for name in ("lr_positive", "lr_negative"))
    ppv = [float(expit(odds + math.log(v))) if v > 0 else 0.0 for v in (up.estimate, up.lower, up.upper)]
    npv = [float(expit(-odds - math.log(v))) if v > 0 else 1.0 for v in (down.estimate, down.upper, down.lower)]
    label = f"at a prevalence of {prevalence:g}"
    return Interval(*ppv, level=level, method=label), Interval(*npv, level=level, method=label)


class I2(NamedTuple):
    """Share of the variation that lies between studies, jointly and for each margin."""

    bivariate: float
    sensitivity: float
    specificity: float


def i2(fit: Bivariate, totals: Floats) -> I2:
    """Zhou-Dendukuri I2 on the between-study covariance; totals (k, 2) are diseased and healthy subjects."""
    psi = fit.between
    within = [(math.exp(psi[j, j] / 2 + fit.mu[j]) + math.exp(psi[j, j] / 2 - fit.mu[j]) + 2)
              * float(np.mean(1 / totals[totals[:, j] > 0, j])) for j in (0, 1)]
    root = math.sqrt(max(float(np.linalg.det(psi)), 0.0))
    return I2(root / (root + math.sqrt(within[0] * within[1])), psi[0, 0] / (psi[0, 0] + within[0]),
              psi[1, 1] / (psi[1, 1] + within[1]))


def median_odds_ratio(tau: float) -> float:
    """Median ratio of the odds of two randomly chosen studies: exp(0.6745 sqrt(2) tau)."""
    return math.exp(float(stats.norm.ppf(0.75)) * math.sqrt(2) * tau)

