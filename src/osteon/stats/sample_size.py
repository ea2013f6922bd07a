"""How many cases a study needs, by question.

Riley RD et al. Stat Med 2019; 38: 1262 and 1276, BMJ 2020; 368: m441 (development); Riley RD et al. Stat Med 2021; 40:
4230 (validation); Buderer NMF. Acad Emerg Med 1996; 3: 895; Hanley JA, McNeil BJ. Radiology 1982; 143: 29; Connor RJ.
Biometrics 1987; 43: 207; Bonett DG. Stat Med 2002; 21: 1331; Hillis SL et al. Acad Radiol 2011; 18: 129 (MRMC).
"""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import optimize, stats

from osteon.stats.arguments import fraction
from osteon.stats.intervals import normal_quantile
from osteon.stats.readers import VarianceComponents
from osteon.stats.regression import expit
from osteon.stats.roc import hanley_mcneil_variance


class DevelopmentSize(NamedTuple):
    """Cases that each criterion asks for, the largest of them, and what it means."""

    criteria: dict[str, int]
    cases: int
    shrinkage: float
    max_r2: float
    events_per_parameter: float


def _above(value: float, name: str, low: float = 0.0) -> float:
    if not (value > low and math.isfinite(value)):
        raise ValueError(f"{name}: {value} (expected a number above {low:g})")
    return float(value)


def _smallest(enough: Callable[[int], bool], start: int = 2) -> int:
    """The smallest whole number that is enough, for a rule that stays true once true; ValueError beyond 1e9."""
    high = start
    while not enough(high):
        high *= 2
        if high > 1e9:
            raise ValueError("size: no sample below 1e9 is enough (expected a wider interval or a larger effect)")
    low = max(high // 2, start - 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _shrinkage_cases(parameters: int, r2: float, shrinkage: float) -> int:
    return math.ceil(parameters / ((shrinkage - 1) * math.log(1 - r2 / shrinkage)))


def _shrinkage(parameters: int, r2: float, cases: int) -> float:
    gap = lambda s: parameters / ((s - 1) * math.log(1 - r2 / s)) - cases  # noqa: E731
    return float(optimize.brentq(gap, r2 + 1e-9, 1 - 1e-12))


def binary_model_size(*, parameters: int, prevalence: float, r2: float | None = None, auc: float | None = None,
                      shrinkage: float = 0.9, optimism: float = 0.05, margin: float = 0.05) -> DevelopmentSize:
    """Riley's criteria for a binary outcome; give the Cox-Snell R squared expected, or the AUC.

    ``parameters`` counts candidate predictor parameters. ValueError where R squared exceeds what the prevalence allows.
    """
    p = fraction(prevalence, "prevalence")
    _above(parameters, "parameters")
    expected = r2_from_auc(auc, p) if r2 is None and auc is not None else r2
    if expected is None:
        raise ValueError("r2: neither r2 nor auc is given (expected one of them)")
    limit = 1 - math.exp(2 * (p * math.log(p) + (1 - p) * math.log(1 - p)))
    if not 0 < expected < limit:
        raise ValueError(f"r2: {expected:.3f} (expected above 0 and below {limit:.3f} at this prevalence)")
    criteria = {"shrinkage": _shrinkage_cases(parameters, expected, shrinkage),
                "optimism": _shrinkage_cases(parameters, expected, expected / (expected + optimism * limit)),
                "overall risk": math.ceil((1.96 / margin) ** 2 * p * (1 - p))}
    cases = max(criteria.values())
    return DevelopmentSize(criteria, cases, max(shrinkage, expected / (expected + optimism * limit)), limit,
                           cases * p / parameters)


def r2_from_auc(auc: float, prevalence: float) -> float:
    """Cox-Snell R squared of a calibrated model whose log-odds are normal in both classes with this AUC."""
    shift = math.sqrt(2) * stats.norm.ppf(auc)
    nodes, weight = np.polynomial.hermite_e.hermegauss(120)
    weight = weight / weight.sum()
    base = math.log(prevalence / (1 - prevalence)) - shift**2 / 2
    gain = -prevalence * weight @ np.logaddexp(0, -(base + shift * (nodes + shift)))
    gain -= (1 - prevalence) * weight @ np.logaddexp(0, base + shift * nodes)
    null = prevalence * math.log(prevalence) + (1 - prevalence) * math.log(1 - prevalence)
    return float(1 - math.exp(-2 * (gain - null)))


def survival_model_size(*, parameters: int, r2: float, rate: float, horizon: float, follow_up: float,
                        shrinkage: float = 0.9, optimism: float = 0.05, margin: float = 0.05) -> DevelopmentSize:
    """Riley's criteria for a time-to-event outcome: event ``rate`` a person-year, mean ``follow_up`` in years.

    ``margin`` is the half-width of the risk at ``horizon``.
    """
    for name, value in (("parameters", parameters), ("rate", rate), ("horizon", horizon), ("follow_up", follow_up)):
        _above(value, name)
    share = math.ceil(rate * follow_up * 10000) / 10000
    limit = 1 - math.exp(2 * (share * math.log(share) - share))
    if not 0 < r2 < limit:
        raise ValueError(f"r2: {r2} (expected above 0 and below {limit:.3f} at this event rate)")

    def precise(cases: int) -> bool:
        lower, upper = incidence_limits(rate, horizon, follow_up * cases)
        risk = 1 - math.exp(-rate * horizon)
        return max(upper - risk, risk - lower) <= margin

    criteria = {"shrinkage": _shrinkage_cases(parameters, r2, shrinkage),
                "optimism": _shrinkage_cases(parameters, r2, r2 / (r2 + optimism * limit)),
                "overall risk": _smallest(precise)}
    cases = max(criteria.values())
    return DevelopmentSize(criteria, cases, max(shrinkage, r2 / (r2 + optimism * limit)), limit,
                           cases * rate * follow_up / parameters)


def incidence_limits(rate: float, horizon: float, person_years: float) -> tuple[float, float]:
    """95 % limits of the risk at a horizon under a constant rate seen over so many person-years."""
    half = 1.96 * math.sqrt(rate / person_years)
    return 1 - math.exp(-(rate - half) * horizon), 1 - math.exp(-(rate + half) * horizon)


def continuous_model_size(*, parameters: int, r2: float, mean: float, sd: float, shrinkage: float = 0.9,
                          optimism: float = 0.05, margin: float = 1.1) -> DevelopmentSize:
    """Riley's criteria for a continuous outcome with adjusted R squared ``r2``; ``margin`` of the mean is a factor."""
    fraction(r2, "r2")
    _above(parameters, "parameters", 2)

    def kept(cases: int) -> float:
        return 1 + (parameters - 2) / (cases * math.log(1 - (r2 * (cases - parameters - 1) + parameters)
                                                        / (cases - 1)))

    criteria = {"shrinkage": _smallest(lambda n: kept(n) >= shrinkage, parameters + 2),
                "optimism": math.ceil(1 + parameters * (1 - r2) / optimism), "residual sd": 234 + parameters,
                "mean": _smallest(lambda n: mean_factor(n, parameters, r2=r2, mean=mean, sd=sd) <= margin,
                                  parameters + 2)}
    cases = max(criteria.values())
    return DevelopmentSize(criteria, cases, kept(cases), 1.0, cases / parameters)


def mean_factor(cases: int, parameters: int, *, r2: float, mean: float, sd: float) -> float:
    """Upper 95 % limit of the mean outcome over the mean."""
    df = cases - parameters - 1
    return 1 + float(stats.t.ppf(0.975, df)) * sd * math.sqrt((1 - r2) / cases) / abs(mean)


def sensitivity_size(sensitivity: float, half_width: float, *, prevalence: float, level: float = 0.95) -> int:
    """Buderer's number of cases for a sensitivity; for a specificity pass 1 - prevalence."""
    z, p = normal_quantile(level), fraction(sensitivity, "sensitivity")
    return math.ceil(z**2 * p * (1 - p) / _above(half_width, "half_width") ** 2 / fraction(prevalence, "prevalence"))


def auc_size(auc: float, half_width: float, *, ratio: float = 1.0, level: float = 0.95) -> int:
    """Positive cases for an AUC known to ``half_width``, with ``ratio`` negatives for each (Hanley-McNeil)."""
    z, a, k = normal_quantile(level), fraction(auc, "auc"), _above(ratio, "ratio")
    _above(half_width, "half_width")
    return _smallest(lambda n: z * math.sqrt(hanley_mcneil_variance(a, n, negatives=n * k)) <= half_width)


def observed_expected_size(prevalence: float, error: float) -> int:
    """Cases for an O:E ratio whose logarithm has this standard error."""
    p = fraction(prevalence, "prevalence")
    return math.ceil(round((1 - p) / (p * _above(error, "error") ** 2), 6))


def calibration_slope_size(error: float, *, mean: float, sd: float) -> int:
    """Cases for a calibration slope with this standard error; log-odds of the model normal (mean, sd), calibrated."""
    nodes, weight = np.polynomial.hermite_e.hermegauss(120)
    linear, weight = mean + _above(sd, "sd") * nodes, weight / weight.sum()
    p = expit(linear)
    information = [weight @ (p * (1 - p) * linear**k) for k in (0, 1, 2)]
    spread = information[0] * information[2] - information[1] ** 2
    return math.ceil(float(information[0] / (_above(error, "error") ** 2 * spread)))


def net_benefit_size(error: float, *, prevalence: float, sensitivity: float, specificity: float,
                     threshold: float) -> int:
    """Cases for a standardised net benefit (net benefit / prevalence) with this standard error."""
    p, t = fraction(prevalence, "prevalence"), fraction(threshold, "threshold")
    w = (1 - p) / p * t / (1 - t)
    false = 1 - specificity
    spread = (sensitivity * (1 - sensitivity) / p + w**2 * false * specificity / (1 - p)
              + w**2 * false**2 / (p * (1 - p)))
    return math.ceil(spread / _above(error, "error") ** 2)


def paired_accuracy_size(only_first: float, only_second: float, *, power: float = 0.8, level: float = 0.95) -> int:
    """Pairs for McNemar's test given the shares where only one test is right (Connor 1987)."""
    discordant, gap = only_first + only_second, abs(only_first - only_second)
    if not 0 < gap <= discordant <= 1:
        raise ValueError(f"only_first, only_second: {only_first}, {only_second} (expected unequal shares, sum up to 1)")
    z, z_power = normal_quantile(level), float(stats.norm.ppf(power))
    return math.ceil((z * math.sqrt(discordant) + z_power * math.sqrt(discordant - gap**2)) ** 2 / gap**2)


def non_inferiority_size(only_first: float, only_second: float, *, margin: float, power: float = 0.8,
                         level: float = 0.95) -> int:
    """Pairs to show that the second test is at most ``margin`` worse in accuracy (two-sided ``level`` interval)."""
    gap = _above(margin, "margin") + only_second - only_first
    if gap <= 0:
        raise ValueError(f"margin: {margin} (expected more than the loss assumed, {only_first - only_second:g})")
    spread = only_first + only_second - (only_first - only_second) ** 2
    z = normal_quantile(level) + float(stats.norm.ppf(power))
    return math.ceil(z**2 * spread / gap**2)


def icc_size(icc: float, width: float, *, raters: int = 2, level: float = 0.95) -> int:
    """Subjects for an ICC whose interval has this full width (Bonett 2002)."""
    z, k = normal_quantile(level), raters
    if k < 2:
        raise ValueError(f"raters: {raters} (expected at least 2)")
    size = 8 * z**2 * (1 - icc) ** 2 * (1 + (k - 1) * icc) ** 2 / (k * (k - 1) * _above(width, "width") ** 2) + 1
    return math.ceil(size + 5 * icc if k == 2 and icc >= 0.7 else size)


def limits_size(half_width: float, *, sd: float, level: float = 0.95) -> int:
    """Pairs for limits of agreement known to ``half_width`` when differences have this SD (Bland & Altman 1986)."""
    return math.ceil(3 * (normal_quantile(level) * _above(sd, "sd") / _above(half_width, "half_width")) ** 2)


def two_means_size(difference: float, *, sd: float, power: float = 0.8, level: float = 0.95) -> int:
    """Cases a group to find a difference of means (two-sided t test)."""
    effect = abs(_above(abs(difference), "difference")) / _above(sd, "sd")

    def enough(n: int) -> bool:
        df, shift = 2 * n - 2, effect * math.sqrt(n / 2)
        edge = stats.t.ppf(0.5 + level / 2, df)
        return float(stats.nct.sf(edge, df, shift)) >= power

    return _smallest(enough)


def reader_power(components: VarianceComponents, difference: float, *, readers: int, cases: int, pilot_cases: int,
                 level: float = 0.95) -> float:
    """Power of a two-test reader study (random readers and cases) planned from the components of a pilot."""
    scale, c = pilot_cases / cases, components
    shared = max(c.cov2 - c.cov3, 0.0)
    own = max(c.test_reader, 0.0) + scale * (c.error - c.cov1 - shared)
    spread = own + scale * readers * shared
    df = spread**2 / (own**2 / (readers - 1))
    edge = stats.f.ppf(level, 1, df)
    return float(stats.ncf.sf(edge, 1, df, readers * difference**2 / 2 / spread))


def reader_cases(components: VarianceComponents, difference: float, *, readers: int, pilot_cases: int,
                 power: float = 0.8, level: float = 0.95) -> int:
    """Cases for a reader study of given power; ValueError where no number of cases is enough for so few readers."""
    return _smallest(lambda n: reader_power(components, difference, readers=readers, cases=n,
                                            pilot_cases=pilot_cases, level=level) >= power, 4)
