"""Sample size by question: each answer gives what was asked for."""
from __future__ import annotations

import math

import numpy as np
import pytest

from osteon.stats import agreement, calibration, intervals, paired, readers, roc, sample_size, utility
from osteon.stats.readers import VarianceComponents

RNG = np.random.default_rng(1)
COMPONENTS = VarianceComponents(0.0015, 0.0002, error=0.0008, cov1=0.00034, cov2=0.00034, cov3=0.00024)


def test_r_squared_from_the_area_is_that_of_simulated_data() -> None:
    shift = math.sqrt(2) * 0.8416212  # an AUC of 0.80
    y = RNG.random(200_000) < 0.2
    base = math.log(0.25) - shift**2 / 2
    p = 1 / (1 + np.exp(-(base + shift * (RNG.normal(size=200_000) + shift * y))))
    gain = (np.where(y, np.log(p), np.log(1 - p)) - np.where(y, math.log(y.mean()), math.log(1 - y.mean()))).mean()
    assert sample_size.r2_from_auc(0.8, 0.2) == pytest.approx(1 - math.exp(-2 * gain), abs=4e-3)
    by_auc = sample_size.binary_model_size(parameters=10, prevalence=0.2, auc=0.8)
    by_r2 = sample_size.binary_model_size(parameters=10, prevalence=0.2, r2=sample_size.r2_from_auc(0.8, 0.2))
    assert by_auc == by_r2


def test_the_slope_has_the_error_planned_for() -> None:
    n = sample_size.calibration_slope_size(0.15, mean=-1, sd=1.2)
    errors = []
    for _ in range(20):
        z = RNG.normal(-1, 1.2, n)
        p = 1 / (1 + np.exp(-z))
        found = calibration.calibration(RNG.random(n) < p, p)["calibration_slope"]
        errors.append((found.upper - found.estimate) / 1.96)
    assert np.mean(errors) == pytest.approx(0.15, rel=0.05)


def test_the_standardised_net_benefit_has_the_error_planned_for() -> None:
    n = sample_size.net_benefit_size(0.08, prevalence=0.2, sensitivity=0.8, specificity=0.85, threshold=0.15)
    values = []
    for _ in range(1500):
        y = RNG.random(n) < 0.2
        called = RNG.random(n) < np.where(y, 0.8, 0.15)
        values.append(utility.net_benefit(y, called, threshold=0.15) / y.mean())
    assert np.std(values) == pytest.approx(0.08, rel=0.08)


def test_widths_come_out_as_asked() -> None:
    n = sample_size.auc_size(0.9, 0.04, ratio=1)
    assert 1.96 * math.sqrt(roc.hanley_mcneil_variance(0.9, n, negatives=n)) <= 0.04
    assert 1.96 * math.sqrt(roc.hanley_mcneil_variance(0.9, n - 1, negatives=n - 1)) > 0.04
    m = sample_size.limits_size(0.5, sd=2)
    assert 1.96 * math.sqrt(3) * 2 / math.sqrt(m) == pytest.approx(0.5, rel=0.02)
    k = sample_size.icc_size(0.8, 0.2)
    x = RNG.normal(0, 2, k)[:, None] + RNG.normal(0, 1, (k, 2))
    found = agreement.icc(x)["ICC(1,1)"]
    assert found.upper - found.lower == pytest.approx(0.2, abs=0.08)
    s = sample_size.sensitivity_size(0.9, 0.05, prevalence=0.3)
    wald = intervals.normal_quantile(0.95) * math.sqrt(0.09 / (0.3 * s))
    assert wald <= 0.05


@pytest.mark.parametrize("margin", [None, 0.06])
def test_paired_studies_have_the_power_asked_for(margin: float | None) -> None:
    shares = np.array([0.7, 0.12, 0.05, 0.13]) if margin is None else np.array([0.7, 0.08, 0.08, 0.14])
    if margin is None:
        n = sample_size.paired_accuracy_size(0.12, 0.05, power=0.8)
        won = [paired.mcnemar(paired.PairedTable(*t), method="asymptotic").p < 0.05 for t in RNG.multinomial(n, shares, 1500)]
    else:
        n = sample_size.non_inferiority_size(0.08, 0.08, margin=margin, power=0.8)
        won = [paired.paired_difference(paired.PairedTable(*t), method="Wald").lower > -margin for t in RNG.multinomial(n, shares, 1500)]
    assert np.mean(won) == pytest.approx(0.8, abs=0.04)


def test_two_means_as_tabulated() -> None:
    assert sample_size.two_means_size(0.5, sd=1) == 64  # Cohen 1988
    assert sample_size.two_means_size(0.8, sd=1) == 26


def test_more_readers_or_cases_give_more_power() -> None:
    powers = [sample_size.reader_power(COMPONENTS, 0.04, readers=r, cases=c, pilot_cases=114) for r, c in
              ((5, 100), (8, 100), (8, 200))]
    assert powers == sorted(powers)
    n = sample_size.reader_cases(COMPONENTS, 0.05, readers=6, pilot_cases=114)
    enough, fewer = (sample_size.reader_power(COMPONENTS, 0.05, readers=6, cases=c, pilot_cases=114) for c in (n, n - 1))
    assert enough >= 0.8 > fewer
    with pytest.raises(ValueError, match="size: no sample below"):
        sample_size.reader_cases(COMPONENTS, 0.001, readers=3, pilot_cases=114)


def test_planned_reader_power_holds_in_simulated_studies() -> None:
    y, shift = np.repeat([1, 0], [40, 40]), np.array([1.0, 1.75])
    won, parts = [], []
    for _ in range(250):
        x = RNG.normal(0, 0.5, (1, 1, 80)) + RNG.normal(0, 0.5, (2, 1, 80)) + RNG.normal(0, 0.5, (1, 5, 80))
        x = x + RNG.normal(0, 0.5, (2, 5, 80)) + (shift[:, None, None] + RNG.normal(0, 0.1, (2, 5, 1))) * y
        study = readers.reader_study(y, x)
        won.append(study.test.p < 0.05)
        c = study.components
        parts.append([c.reader, c.test_reader, c.error, c.cov1, c.cov2, c.cov3, *study.figures.mean(1)])
    mean = np.mean(parts, axis=0)
    c = VarianceComponents(mean[0], mean[1], error=mean[2], cov1=mean[3], cov2=mean[4], cov3=mean[5])
    planned = sample_size.reader_power(c, mean[7] - mean[6], readers=5, cases=80, pilot_cases=80)
    assert planned == pytest.approx(np.mean(won), abs=0.1)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: sample_size.binary_model_size(parameters=5, prevalence=0.1), "neither r2 nor auc"),
    (lambda: sample_size.binary_model_size(parameters=5, prevalence=0.1, r2=0.9), "r2: 0.900"),
    (lambda: sample_size.binary_model_size(parameters=0, prevalence=0.1, r2=0.1), "parameters: 0"),
    (lambda: sample_size.survival_model_size(parameters=5, r2=0.1, rate=-1, horizon=1, follow_up=1), "rate: -1"),
    (lambda: sample_size.sensitivity_size(1.0, 0.05, prevalence=0.5), "sensitivity: 1.0"),
    (lambda: sample_size.auc_size(0.8, 0), "half_width: 0"), (lambda: sample_size.icc_size(0.8, 0.1, raters=1), "raters: 1"),
    (lambda: sample_size.paired_accuracy_size(0.1, 0.1), "unequal shares"),
    (lambda: sample_size.non_inferiority_size(0.2, 0.1, margin=0.05), "margin: 0.05")])
def test_questions_without_an_answer_are_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
