"""The one type for an estimate with its interval, and intervals of a proportion.

Newcombe RG. Stat Med 1998; 17: 857 (Wilson, Clopper-Pearson); Brown LD, Cai TT, DasGupta A. Stat Sci 2001; 16: 101
(Jeffreys, Agresti-Coull, logit).
"""
from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from osteon.stats.arguments import Floats, fraction, refuse


@dataclass(frozen=True)
class Interval:
    """An estimate with its confidence limits; what is not defined is nan and ``reason`` says why."""

    estimate: float
    lower: float
    upper: float
    _: KW_ONLY
    level: float = 0.95
    method: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        fraction(self.level, "level")
        for name in ("estimate", "lower", "upper"):
            object.__setattr__(self, name, float(getattr(self, name)))
        if not self.defined and not self.reason:
            raise ValueError("Interval: nan without a reason (expected the reason why it is undefined)")

    @property
    def defined(self) -> bool:
        """True where the estimate and both limits are numbers."""
        return not any(math.isnan(v) for v in (self.estimate, self.lower, self.upper))

    def __str__(self) -> str:
        if math.isnan(self.estimate):
            return f"undefined: {self.reason}"
        if not self.defined:
            return f"{self.estimate:.3f} (no interval: {self.reason})"
        return f"{self.estimate:.3f} ({self.lower:.3f} to {self.upper:.3f})"


@dataclass(frozen=True)
class HypothesisTest:
    """A test statistic with its two-sided p-value and degrees of freedom (none for a normal or exact test)."""

    statistic: float
    p: float
    _: KW_ONLY
    df: tuple[float, ...] = ()
    method: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        for name in ("statistic", "p"):
            object.__setattr__(self, name, float(getattr(self, name)))
        object.__setattr__(self, "df", tuple(float(v) for v in self.df))


def undefined(reason: str, *, estimate: float = math.nan, level: float = 0.95, method: str = "") -> Interval:
    """An interval that does not exist; ``estimate`` may still be known."""
    return Interval(estimate, math.nan, math.nan, level=level, method=method, reason=reason)


def normal_quantile(level: float) -> float:
    """Two-sided standard normal quantile: 1.96 for 0.95."""
    return float(special.ndtri(0.5 + fraction(level, "level") / 2))


def t_quantile(level: float, df: float) -> float:
    """Two-sided quantile of Student's t; that of the normal law for infinite ``df``."""
    return normal_quantile(level) if math.isinf(df) else float(special.stdtrit(df, 0.5 + level / 2))


def around(estimate: float, error: float, *, level: float = 0.95, df: float = math.inf, method: str = "") -> Interval:
    """Wald interval: estimate plus and minus the normal (or t, with ``df``) quantile times the standard error."""
    half = t_quantile(level, df) * error
    return Interval(float(estimate), float(estimate - half), float(estimate + half), level=level, method=method)


def on_logit(estimate: float, error: float, *, level: float = 0.95, df: float = math.inf,
             method: str = "") -> Interval:
    """Wald interval on the logit scale for an estimate strictly within 0 and 1 (delta method)."""
    half = t_quantile(level, df) * error / (estimate * (1 - estimate))
    center = math.log(estimate / (1 - estimate))
    lower, upper = (1 / (1 + math.exp(-(center + side * half))) for side in (-1, 1))
    return Interval(float(estimate), lower, upper, level=level, method=method)


def on_log(estimate: float, error: float, *, level: float = 0.95, method: str = "") -> Interval:
    """Interval of a positive ratio whose logarithm has the given standard error."""
    factor = math.exp(normal_quantile(level) * error)
    return Interval(float(estimate), float(estimate / factor), float(estimate * factor), level=level, method=method)


def wilson(successes: float, total: float, *, level: float = 0.95) -> Interval:
    """Wilson score interval of a proportion: the default everywhere. Counts may be weighted."""
    return proportion(successes, total, level=level, method="Wilson")


def clopper_pearson(successes: float, total: float, *, level: float = 0.95) -> Interval:
    """Exact (beta) interval of a proportion; never too short, often too long."""
    return proportion(successes, total, level=level, method="Clopper-Pearson")


def jeffreys(successes: float, total: float, *, level: float = 0.95) -> Interval:
    """Equal-tailed interval under the Jeffreys prior, ends set to 0 and 1 at 0 and n successes."""
    return proportion(successes, total, level=level, method="Jeffreys")


def agresti_coull(successes: float, total: float, *, level: float = 0.95) -> Interval:
    """Agresti-Coull interval, not clipped to 0 and 1 (as binom::binom.confint)."""
    return proportion(successes, total, level=level, method="Agresti-Coull")


def logit(successes: float, total: float, *, level: float = 0.95) -> Interval:
    """Wald interval on the logit scale; undefined at 0 and n successes."""
    return proportion(successes, total, level=level, method="logit")


def proportion(successes: float, total: float, *, level: float = 0.95, method: str = "Wilson") -> Interval:
    """Interval of successes / total by the named method; undefined where total is 0."""
    lower, upper = proportion_limits(successes, total, level=level, method=method)
    if total == 0:
        return undefined("no cases (0 of 0)", level=level, method=method)
    if math.isnan(lower):
        return undefined(f"{method} limits do not exist at {successes:g} of {total:g}",
                         estimate=successes / total, level=level, method=method)
    return Interval(successes / total, float(lower), float(upper), level=level, method=method)


def proportion_limits(successes: ArrayLike, total: ArrayLike, *, level: float = 0.95,
                      method: str = "Wilson") -> tuple[Floats, Floats]:
    """Lower and upper limits of many proportions at once, nan where they do not exist."""
    x, n = (np.asarray(v, np.float64) for v in np.broadcast_arrays(successes, total))
    refuse("successes", x, ~((x >= 0) & (x <= n)), "a count from 0 to total")
    if method not in PROPORTION_METHODS:
        raise ValueError(f"method: {method!r} (expected one of {', '.join(PROPORTION_METHODS)})")
    with np.errstate(divide="ignore", invalid="ignore"):
        lower, upper = PROPORTION_METHODS[method](x, n, fraction(level, "level"))
    return lower, upper


def _wilson(x: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    z2 = normal_quantile(level) ** 2
    p = x / n
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2 * (p * (1 - p) / n + z2 / (4 * n**2))) / (1 + z2 / n)
    return np.where(x == 0, 0 * n / n, middle - half), np.where(x == n, n / n, middle + half)


def _clopper_pearson(x: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    tail = (1 - level) / 2
    lower, upper = special.betaincinv(x, n - x + 1, tail), special.betaincinv(x + 1, n - x, 1 - tail)
    return np.where(x == 0, 0 * n / n, lower), np.where(x == n, n / n, upper)


def _jeffreys(x: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    tail = (1 - level) / 2
    lower, upper = (special.betaincinv(x + 0.5, n - x + 0.5, q) for q in (tail, 1 - tail))
    return np.where(x == 0, 0 * n / n, lower), np.where(x == n, n / n, upper)


def _agresti_coull(x: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    z2 = normal_quantile(level) ** 2
    p = (x + z2 / 2) / (n + z2)
    half = np.sqrt(z2 * p * (1 - p) / (n + z2)) + 0 / n
    return p - half, p + half


def _logit(x: Floats, n: Floats, level: float) -> tuple[Floats, Floats]:
    center, half = np.log(x / (n - x)), normal_quantile(level) * np.sqrt(1 / x + 1 / (n - x))
    inside = (x > 0) & (x < n)
    lower, upper = (np.where(inside, 1 / (1 + np.exp(-(center + s * half))), np.nan) for s in (-1, 1))
    return lower, upper


PROPORTION_METHODS: dict[str, Callable[[Floats, Floats, float], tuple[Floats, Floats]]] = {
    "Wilson": _wilson, "Clopper-Pearson": _clopper_pearson, "Jeffreys": _jeffreys,
    "Agresti-Coull": _agresti_coull, "logit": _logit}
