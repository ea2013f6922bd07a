"""How often each default interval holds the truth, by simulation.

`python tests/stats_coverage.py [repeats [scenario ...]]` prints the table; scenarios draw parameters afresh where coverage of a discrete
estimate would depend on one value.
"""
from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from scipy import stats

from osteon.stats import (
    agreement,
    calibration,
    clusters,
    curves,
    groups,
    interchangeability,
    intervals,
    kappa,
    paired,
    readers,
    roc,
    survival,
    survival_prediction,
)
from osteon.stats.intervals import Interval
from osteon.stats.two_by_two import two_by_two

Named = Iterator[tuple[str, Interval, float]]


def expit(x: np.ndarray) -> np.ndarray:
    """Inverse logit."""
    return 1 / (1 + np.exp(-x))


def proportions(rng: np.random.Generator) -> Named:
    """Proportions of 80 cases, true value anywhere from 0.05 to 0.95."""
    p = rng.uniform(0.05, 0.95)
    x = rng.binomial(80, p)
    for method in intervals.PROPORTION_METHODS:
        yield f"proportion, {method}", intervals.proportion(x, 80, method=method), p


def tables(rng: np.random.Generator) -> Named:
    """Two-by-two panel of 60 diseased and 120 healthy."""
    se, sp = rng.uniform(0.7, 0.95, 2)
    tp, tn = rng.binomial(60, se), rng.binomial(120, sp)
    panel = two_by_two(tp, 120 - tn, 60 - tp, tn, prevalence=0.1)
    truth = {"sensitivity": se, "specificity": sp, "youden": se + sp - 1, "balanced_accuracy": (se + sp) / 2,
             "lr_positive": se / (1 - sp), "lr_negative": (1 - se) / sp, "dor": se * sp / (1 - se) / (1 - sp),
             "number_needed_to_diagnose": 1 / (se + sp - 1),
             "ppv_at_prevalence": se * 0.1 / (se * 0.1 + (1 - sp) * 0.9),
             "npv_at_prevalence": sp * 0.9 / (sp * 0.9 + (1 - se) * 0.1)}
    for name, value in truth.items():
        yield f"two-by-two, {name}", panel[name], value


def multinomial_tables(rng: np.random.Generator) -> Named:
    """F1 and MCC of 200 cases drawn together."""
    se, sp, prevalence = rng.uniform(0.7, 0.95), rng.uniform(0.7, 0.95), rng.uniform(0.2, 0.6)
    p = np.array([prevalence * se, (1 - prevalence) * (1 - sp), prevalence * (1 - se), (1 - prevalence) * sp])
    panel = two_by_two(*rng.multinomial(200, p))
    tp, fp, fn, tn = p
    yield "two-by-two, f1", panel["f1"], 2 * tp / (2 * tp + fp + fn)
    yield "two-by-two, mcc", panel["mcc"], (tp * tn - fp * fn) / np.sqrt(
        (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn))


def areas(rng: np.random.Generator) -> Named:
    """AUC of 40 positives and 60 negatives, and the difference of two correlated scores."""
    y = np.repeat([1, 0], [40, 60])
    shift = rng.uniform(0.8, 2.2)
    noise = rng.multivariate_normal([0, 0], [[1, 0.5], [0.5, 1]], 100).T
    first, second = noise[0] + shift * y, noise[1] + 0.8 * shift * y
    truth, other = (stats.norm.cdf(v / np.sqrt(2)) for v in (shift, 0.8 * shift))
    yield "AUC, DeLong on logit", roc.auc_interval(y, first), truth
    yield "AUC, DeLong linear (option)", roc.auc_interval(y, first, scale="linear"), truth
    yield "AUC, Newcombe (fallback)", roc.newcombe_auc(roc.auc(y, first), 40, negatives=60), truth
    yield "AUC difference, DeLong paired", roc.compare_aucs(y, first, second)[0], truth - other


def partial(rng: np.random.Generator) -> Named:
    """Partial area up to a false-positive rate of 0.2."""
    y = np.repeat([1, 0], [60, 100])
    x = np.linspace(0, 0.2, 2001)
    area = np.trapezoid(stats.norm.cdf(1.3 + stats.norm.ppf(x)), x)
    found = curves.partial_auc_interval(y, rng.normal(size=160) + 1.3 * y, resamples=400,
                                        seed=int(rng.integers(1 << 30)))
    yield "partial AUC, BCa", found, curves.mcclish(float(area), 0.2)


def pairs(rng: np.random.Generator) -> Named:
    """Paired difference of two accuracies, 100 cases."""
    p = rng.dirichlet([8, 2, 2, 4])
    table = paired.PairedTable(*rng.multinomial(100, p).astype(float))
    for method in paired.DIFFERENCE_METHODS:
        yield f"paired difference, {method}", paired.paired_difference(table, method=method), p[1] - p[2]


@cache
def brier_truth() -> tuple[float, float]:
    """Brier and scaled Brier of calibrated probabilities with normal log-odds."""
    nodes, weight = np.polynomial.hermite_e.hermegauss(80)
    p, weight = expit(-0.8 + 1.3 * nodes), weight / weight.sum()
    score, share = float(weight @ (p * (1 - p))), float(weight @ p)
    return score, 1 - score / (share * (1 - share))


def probabilities(rng: np.random.Generator) -> Named:
    """Calibration of 300 calibrated probabilities."""
    p = expit(rng.normal(-0.8, 1.3, 300))
    y = (rng.random(300) < p).astype(int)
    found = calibration.calibration(y, p)
    for name, truth in (("calibration_slope", 1.0), ("calibration_intercept", 0.0),
                        ("calibration_in_the_large", 0.0), ("observed_expected", 1.0)):
        yield name, found[name], truth
    yield "Brier", calibration.brier(y, p), brier_truth()[0]
    yield "scaled Brier", calibration.scaled_brier(y, p), brier_truth()[1]


def measurements(rng: np.random.Generator) -> Named:
    """Two and four readings of 40 subjects: between 3, raters 1, error 1.5 (SD)."""
    subject, bias = rng.normal(0, 3, 40), rng.normal(0, 1, 4)
    x = subject[:, None] + bias + rng.normal(0, 1.5, (40, 4))
    total = 9 + 1 + 2.25
    single = {"ICC(2,1)": 9 / total, "ICC(3,1)": 9 / 11.25}
    found = agreement.icc(x)
    for form, value in single.items():
        yield form, found[form], value
        mean = form.replace(",1", ",k")
        yield mean, found[mean], 4 * value / (1 + 3 * value)
    one_way = agreement.icc(subject[:, None] + rng.normal(0, 1.5, (40, 4)))
    yield "ICC(1,1)", one_way["ICC(1,1)"], 9 / 11.25
    a, b = subject + rng.normal(0, 1.5, 40), subject + 0.5 + rng.normal(0, 1.5, 40)
    altman, sd = agreement.bland_altman(a, b), np.sqrt(4.5)
    yield "Bland-Altman bias", altman["bias"], -0.5
    for name, sign in (("lower_limit", -1), ("upper_limit", 1)):
        yield f"Bland-Altman {name}", altman[name], -0.5 + sign * stats.norm.ppf(0.975) * sd
    yield "Lin's concordance", agreement.lin_ccc(a, b), 2 * 9 / (2 * 11.25 + 0.25)
    pure = subject[:, None] + rng.normal(0, 1.5, (40, 2))
    yield "SEM", agreement.measurement_error(pure)["sem"], 1.5
    exact = agreement.errors(subject, a)
    yield "MAE", exact["mae"], 1.5 * np.sqrt(2 / np.pi)
    yield "RMSE", exact["rmse"], 1.5


@cache
def grade_law() -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of four true grades, and of a rating given the grade."""
    share = np.array([0.4, 0.3, 0.2, 0.1])
    rate = np.array([[0.8, 0.15, 0.05, 0], [0.15, 0.65, 0.15, 0.05], [0.05, 0.15, 0.65, 0.15], [0, 0.05, 0.15, 0.8]])
    return share, rate


def grades(rng: np.random.Generator) -> Named:
    """Kappas of three raters on 100 subjects of four grades."""
    share, rate = grade_law()
    true = rng.choice(4, 100, p=share)
    x = np.array([[rng.choice(4, p=rate[g]) for _ in range(3)] for g in true])
    joint = np.einsum("g,ga,gb->ab", share, rate, rate)
    for weights in kappa.WEIGHTS:
        truth = kappa.kappa_of(joint, kappa.agreement_weights(4, weights))[0]
        yield f"kappa, {weights}", kappa.cohen_kappa(x[:, 0], x[:, 1], classes=4, weights=weights), truth
    yield "Fleiss' kappa", kappa.fleiss_kappa(x, classes=4), kappa.kappa_of(joint, kappa.agreement_weights(4))[0]
    seen, margin = float(np.trace(joint)), joint.sum(0)
    chance = float((margin * (1 - margin)).sum() / 3)
    yield "Gwet's AC1", kappa.gwet_ac(x, classes=4), (seen - chance) / (1 - chance)
    yield "PABAK", kappa.pabak(x[:, 0], x[:, 1], classes=4), (4 * seen - 1) / 3


def patients(rng: np.random.Generator) -> Named:
    """80 patients with 1 to 5 cases each, correlated within patients."""
    sizes = rng.integers(1, 6, 80)
    who = np.repeat(np.arange(80), sizes)
    shared = rng.normal(0, 0.7, 80)[who]
    y = rng.random(len(who)) < 0.4
    score = 1.4 * y + shared + rng.normal(size=len(who))
    area = stats.norm.cdf(1.4 / np.sqrt(2 * 1.49))
    right = (0.9 + shared + rng.normal(size=len(who))) > 0
    yield "clustered AUC, Obuchowski on logit", clusters.clustered_auc_interval(y, score, who), area
    seed = int(rng.integers(1 << 30))
    for method in ("percentile", "BCa"):
        yield f"clustered AUC, bootstrap {method}", clusters.bootstrap_auc(y, score, who, resamples=1000, seed=seed,
                                                                           method=method), area
    share = stats.norm.cdf(0.9 / np.sqrt(1.49))
    for method in ("Wilson", "logit", "Wald"):
        yield f"clustered proportion, {method}", clusters.clustered_proportion(right, who, method=method), share
    yield "clustered mean", clusters.clustered_mean(score - 1.4 * y, who), 0.0


def reader_study(rng: np.random.Generator) -> Named:
    """Roe-Metz model: 5 readers, 60 cases, two equal tests."""
    y = np.repeat([1, 0], [30, 30])
    reader, test_reader = rng.normal(0, 0.08, (1, 5, 2)), rng.normal(0, 0.08, (2, 5, 2))
    x = 1.5 * y + (reader + test_reader)[..., y]
    for shape, variance in (((1, 1, 60), 0.3), ((2, 1, 60), 0.3), ((1, 5, 60), 0.2), ((2, 5, 60), 0.2)):
        x = x + rng.normal(0, np.sqrt(variance), shape)
    found = readers.reader_study(y, x)
    yield "MRMC difference, random readers and cases", found.differences[0, 1], 0.0
    yield "MRMC mean AUC", found.means[0], stats.norm.cdf(1.5 / np.sqrt(2 * (1 + 2 * 0.08**2)))


def exchange(rng: np.random.Generator) -> Named:
    """Interchangeability of a test that is as good as a reader, 60 cases, 4 readers."""
    latent = rng.normal(0, 1.2, (60, 1))
    standard, test = (latent + rng.normal(0, 0.7, (60, 4)) > 0 for _ in range(2))
    found = interchangeability.interchangeability(standard.astype(int), test.astype(int))
    yield "interchangeability, excess", found.excess, 0.0


def course(rng: np.random.Generator, size: int) -> tuple[np.ndarray, ...]:
    """Times with one predictor (log hazard ratio 0.8), censored uniformly from 0.2 to 4."""
    x = rng.normal(size=size)
    time, end = rng.exponential(np.exp(-0.8 * x)), rng.uniform(0.2, 4, size)
    return x, np.minimum(time, end), time <= end


@cache
def course_truth() -> dict[str, float]:
    """Values at time 1 (Uno's C up to 2, Harrell's as censored), by integration over the predictor and time."""
    x = np.linspace(-6, 6, 3001)
    share, hazard = stats.norm.pdf(x) / stats.norm.pdf(x).sum(), np.exp(0.8 * x)
    s = np.exp(-hazard)

    def ordered(cases: np.ndarray, others: np.ndarray) -> float:
        return float(cases @ (np.cumsum(others) - others / 2))

    def concordance(end: float, kept: Callable[[float], float]) -> float:
        right = pairs = 0.0
        for t in np.linspace(0, end, 801)[1:] - end / 1600:
            free = share * np.exp(-hazard * t)
            right += kept(t) * ordered(hazard * free, free)
            pairs += kept(t) * float((hazard * free).sum() * free.sum())
        return right / pairs

    return {"free": float(share @ s), "restricted": float(share @ ((1 - s) / hazard)),
            "area": ordered(share * (1 - s), share * s) / float((share @ (1 - s)) * (share @ s)),
            "brier": float(share @ (s * (1 - s))), "uno": concordance(2, lambda t: 1.0),
            "harrell": concordance(4, lambda t: min(1, (4 - t) / 3.8) ** 2)}


def courses(rng: np.random.Generator) -> Named:
    """Survival of 200 patients."""
    x, t, d = course(rng, 200)
    truth, s = course_truth(), np.exp(-np.exp(0.8 * x))
    yield "Kaplan-Meier", survival.kaplan_meier(t, d).interval(1), truth["free"]
    yield "restricted mean", survival.restricted_mean(t, d, horizon=1), truth["restricted"]
    yield "Cox", survival.fit_cox(x[:, None], t, d).interval(0), 0.8
    yield "Harrell C", survival_prediction.harrell_c(t, d, x), truth["harrell"]
    yield "Uno C", survival_prediction.uno_c(t, d, x, horizon=2), truth["uno"]
    yield "time-dependent AUC", survival_prediction.time_auc(t, d, x, at=1), truth["area"]
    yield "Brier(t)", survival_prediction.brier_at(t, d, s, at=1), truth["brier"]
    yield "O:E at t", survival_prediction.observed_expected_at(t, d, 1 - s, at=1), 1.0


def arms(rng: np.random.Generator) -> Named:
    """Two groups of 30 and 45."""
    x, y = rng.normal(0.6, 1, 30), rng.normal(0, 1, 45)
    found = groups.compare_means(x, y)
    yield "difference of means, Welch", found.difference, 0.6
    yield "Hedges g", found.hedges_g, 0.6
    yield "probability of superiority", found.superiority, stats.norm.cdf(0.6 / np.sqrt(2))
    p, q = rng.uniform(0.15, 0.6, 2)
    rates = groups.compare_rates((int(rng.binomial(60, p)), 60), (int(rng.binomial(80, q)), 80))
    yield "risk difference", rates.difference, p - q
    yield "risk ratio", rates.risk_ratio, p / q
    yield "odds ratio", rates.odds_ratio, p * (1 - q) / q / (1 - p)


SCENARIOS: tuple[Callable[[np.random.Generator], Named], ...] = (
    proportions, tables, multinomial_tables, areas, partial, pairs, probabilities, measurements, grades, patients,
    reader_study, exchange, courses, arms)


def coverage(scenario: Callable[[np.random.Generator], Named], *, repeats: int,
             seed: int = 0) -> dict[str, tuple[float, float]]:
    """Share of repeats whose interval holds the truth, and share where it is undefined, by name."""
    held: dict[str, list[float]] = {}
    for repeat in range(repeats):
        for name, found, truth in scenario(np.random.default_rng([seed, repeat])):
            held.setdefault(name, []).append(
                float(found.lower - 1e-12 <= truth <= found.upper + 1e-12) if found.defined else np.nan)
    return {name: (float(np.nanmean(v)), float(np.isnan(v).mean())) for name, v in held.items()}


if __name__ == "__main__":
    print("| interval | covers | undefined |\n|---|---|---|")
    for scenario in SCENARIOS:
        if sys.argv[2:] and scenario.__name__ not in sys.argv[2:]:
            continue
        for name, (share, lost) in coverage(scenario, repeats=int((sys.argv[1:] or ["2000"])[0])).items():
            print(f"| {name} | {100 * share:.1f} % | {100 * lost:.1f} % |", flush=True)
