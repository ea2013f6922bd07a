"""Everything that is reported with a pooled fit, as plain data: numbers, lists and texts; what is undefined is None with a reason."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.special import expit

from osteon.stats import accuracy_bayes as bayes
from osteon.stats import accuracy_bootstrap as boot
from osteon.stats import accuracy_influence as influence
from osteon.stats import accuracy_mada as mada
from osteon.stats import accuracy_sroc as sroc
from osteon.stats.accuracy_glmm import climb, fit_exact, fit_margin
from osteon.stats.accuracy_model import MARGINS, Bivariate, simple
from osteon.stats.accuracy_profile import profile_exact, profile_reml
from osteon.stats.accuracy_reference import Imperfect, Reference, fit_imperfect
from osteon.stats.accuracy_regression import variance_tests
from osteon.stats.accuracy_reitsma import fit_normal
from osteon.stats.accuracy_table import Tables, equality, per_study, threshold_effect
from osteon.stats.accuracy_univariate import effects, mantel_haenszel, pool_effects, tau2_interval, transformed_rates
from osteon.stats.arguments import Floats
from osteon.stats.intervals import HypothesisTest, Interval

RATIOS = ("lr_positive", "lr_negative", "dor")
MANY = 200
Plain = dict[str, Any]


def number(value: float) -> float | None:
    """A plain float; None for nan and infinities, which JSON does not hold."""
    return float(value) if math.isfinite(value) else None


def plain(interval: Interval) -> Plain:
    """Estimate, limits, method, and the reason where something is undefined."""
    out: Plain = {"estimate": number(interval.estimate), "lower": number(interval.lower), "upper": number(interval.upper),
                  "method": interval.method}
    return out | ({"reason": interval.reason} if interval.reason else {})


def plain_test(test: HypothesisTest) -> Plain:
    """Statistic, degrees of freedom, p-value and method of a test."""
    out = {"statistic": number(test.statistic), "df": list(test.df), "p": number(test.p), "method": test.method}
    return out | ({"reason": test.reason} if test.reason else {})


def summary(fit: Bivariate, totals: Floats, *, level: float) -> Plain:
    """Means, covariances, rates, ratios, HSROC parameters, AUC, heterogeneity: what one fit says without resampling."""
    h, psi = sroc.hsroc(fit.mu, fit.between), fit.between
    pooled, normal = sroc.rates(fit, level=level), sroc.rates(fit, level=level, kind="z")
    share = sroc.i2(fit, totals)
    out: Plain = {
        "mu": {"logit_sensitivity": number(fit.mu[0]), "logit_specificity": number(fit.mu[1])},
        "covariance_mu": [[number(v) for v in row] for row in fit.covariance],
        "between_study": {"tau2_sensitivity": number(psi[0, 0]), "tau2_specificity": number(psi[1, 1]),
                          "covariance": number(psi[0, 1]), "rho": number(fit.rho)},
        "sensitivity": plain(pooled[0]), "specificity": plain(pooled[1]),
        "normal_limits": {m: plain(i) for m, i in zip(MARGINS, normal, strict=True)},
        "prediction": {m: plain(i) for m, i in zip(MARGINS, sroc.rates(fit, level=level, prediction=True), strict=True)}}
    out |= {name: plain(sroc.ratio(fit, name, level=level)) for name in RATIOS}
    out["hsroc"] = {"lambda": number(h.lambda_), "theta": number(h.theta), "beta": number(h.beta),
                    "sigma2_alpha": number(h.sigma2_alpha), "sigma2_theta": number(h.sigma2_theta)}
    out["hsroc"] |= {} if h.defined else {"reason": sroc.NO_CURVE}
    out["i2"] = {"bivariate": number(share.bivariate), "sensitivity": number(share.sensitivity),
                 "specificity": number(share.specificity), "method": "Zhou and Dendukuri 2014, from the between-study covariance"}
    out["median_odds_ratio"] = {m: number(sroc.median_odds_ratio(t)) for m, t in zip(MARGINS, fit.tau, strict=True)}
    return out | {"log_likelihood": number(fit.log_likelihood), "converged": fit.optimum.converged,
                  "gradient_norm": number(fit.optimum.gradient_norm), "condition": number(fit.optimum.condition),
                  "boundary": list(fit.optimum.boundary)}


def observed_range(tables: Tables) -> tuple[float, float]:
    """Smallest and largest observed false positive rate, kept within 0.001 and 0.999."""
    n = tables.totals[:, 1]
    rates = tables.fp[n > 0] / n[n > 0]
    return float(np.clip(rates.min(), 0.001, 0.998)), float(np.clip(rates.max(), 0.002, 0.999))


def area(fit: Bivariate, tables: Tables, draws: boot.Draws | None, *, level: float) -> Plain:
    """AUC over 0 to 1 with bootstrap limits, and the partial area over the observed false positive rates."""
    h = sroc.hsroc(fit.mu, fit.between)
    if not h.defined:
        return {"estimate": None, "lower": None, "upper": None, "reason": sroc.NO_CURVE}
    low, high = observed_range(tables)
    whole = sroc.auc(h)
    out = plain(boot.percentile(whole, draws.auc, level=level)) if draws else {
        "estimate": whole, "lower": None, "upper": None, "reason": "no bootstrap was asked for"}
    part = sroc.auc(h, low, high) if high - low > 1e-3 else math.nan
    return out | {"partial": {"estimate": number(part), "from": low, "to": high, "note": "divided by the width of the range"}}


def bootstrapped(fit: Bivariate, draws: boot.Draws, *, level: float) -> Plain:
    """Percentile limits of the pooled rates, between-study standard deviations and correlation."""
    sensitivity, specificity = boot.rates(fit, draws, level=level)
    taus = {f"tau_{m}": plain(boot.percentile(fit.tau[j], np.sqrt(draws.psi[:, j, j]), level=level)) for j, m in enumerate(MARGINS)}
    return {"fits": len(draws.mu), "sensitivity": plain(sensitivity), "specificity": plain(specificity), **taus,
            "rho": plain(boot.percentile(fit.rho, draws.rho, level=level))}


def profiles(tables: Tables, fit: Bivariate, *, model: str, nodes: int, correction: str, level: float) -> Plain:
    """Profile-likelihood limits of rates, between-study standard deviations and correlation."""
    found = (profile_exact(tables, fit, nodes=nodes, level=level) if model == "exact"
             else profile_reml(tables, fit, correction=correction, level=level))
    return {name: plain(interval) for name, interval in found._asdict().items()}


def regions(fit: Bivariate, *, level: float, points: int = 120) -> Plain:
    """Confidence and prediction regions on the scale of the rates: (sensitivity, specificity) pairs, F (default) and chi-square."""
    out: Plain = {"default": "F", "level": level}
    for kind in ("F", "chi2"):
        if kind == "F" and fit.k < 3:
            continue
        out[kind] = {"confidence": expit(sroc.confidence_region(fit, level=level, kind=kind, points=points)).round(6).tolist(),
                     "prediction": expit(sroc.prediction_region(fit, level=level, kind=kind, points=points)).round(6).tolist()}
    return out


def approximation(tables: Tables, fit: Bivariate, *, correction: str, level: float) -> Plain:
    """The normal approximation beside the exact model, and one line on whether they agree within half a percentage point."""
    other = fit_normal(tables, correction="single" if correction == "none" else correction)
    gap = 100 * (expit(other.mu) - expit(fit.mu[:2]))
    agree = bool(np.abs(gap).max() <= 0.5)
    line = (f"The exact model and the normal approximation {'agree' if agree else 'differ'}: sensitivity {gap[0]:+.1f} and "
            f"specificity {gap[1]:+.1f} percentage points for the approximation (threshold 0.5).")
    return {"method": other.method, "agree": agree, "line": line,
            **{m: plain(i) for m, i in zip(MARGINS, sroc.rates(other, level=level), strict=True)},
            "rho": number(other.rho), "converged": other.optimum.converged, "boundary": list(other.optimum.boundary)}


def quadrature(tables: Tables, fit: Bivariate, *, nodes: int) -> Plain:
    """How far the pooled logits move when the quadrature is refined from ``nodes`` to 21 points a dimension."""
    if nodes >= 21:
        return {"from": nodes, "to": 21, "largest_change": 0.0}
    finer = climb(tables, simple(len(tables)), nodes=21, start=fit.optimum.theta)
    return {"from": nodes, "to": 21, "largest_change": number(float(np.abs(finer.theta[:2] - fit.mu).max()))}


def univariate(tables: Tables, *, nodes: int, level: float) -> Plain:
    """Univariate pooling of each margin (exact; inverse variance by five estimators; Hartung-Knapp), to compare."""
    out: Plain = {}
    for column, margin in enumerate(MARGINS):
        events, total = tables.events[:, column], tables.totals[:, column]
        if (total > 0).sum() < 2:
            out[margin] = {"reason": "fewer than two studies"}
            continue
        y, v = transformed_rates(tables, margin)
        fits = {m: pool_effects(y, v, method=m, level=level) for m in ("FE", "DL", "REML", "ML", "PM")}
        fits["REML, Hartung-Knapp"] = pool_effects(y, v, hartung_knapp=True, level=level)
        out[margin] = {name: _rate(u.pooled) | {"tau2": u.tau2, "i2": number(u.i2), "q": u.q} for name, u in fits.items()}
        out[margin]["tau2_q_profile"] = [number(x) for x in tau2_interval(y, v, level=level)]
        if 0 < events.sum() < total.sum():
            exact = fit_margin(tables, margin, nodes=nodes)
            half = sroc.quantile(exact.k, level=level) * math.sqrt(exact.covariance[column, column])
            m = exact.mu[column]
            out[margin]["exact"] = _rate(Interval(m, m - half, m + half, level=level)) | {"tau2": number(exact.between[column, column])}
    return out


def _rate(interval: Interval) -> Plain:
    return {name: number(float(expit(getattr(interval, name)))) for name in ("estimate", "lower", "upper")}


def pooled_ratios(tables: Tables, *, level: float) -> Plain:
    """Odds and likelihood ratios pooled directly (Mantel-Haenszel, DL, REML), to compare with those derived from the fit."""
    both = tables.take((tables.totals > 0).all(1))
    out: Plain = {}
    for name in RATIOS:
        y, v = effects(both, name)
        fits = {m: pool_effects(y, v, method=m, level=level) for m in ("DL", "REML")} if len(y) else {}
        out[name] = {m: _exponential(u.pooled) | {"tau2": u.tau2, "i2": number(u.i2)} for m, u in fits.items()}
        if len(y) and (both.cells.sum(0) > 0).all():
            out[name]["Mantel-Haenszel"] = _exponential(mantel_haenszel(both, name, level=level)[0])
    return out


def _exponential(interval: Interval) -> Plain:
    return {name: number(math.exp(min(getattr(interval, name), 700.0))) for name in ("estimate", "lower", "upper")}


def small_studies(tables: Tables) -> Plain:
    """Deeks' funnel asymmetry test; asked for only with ten studies or more."""
    test = influence.deeks(tables)
    note = "fewer than ten studies: not to be interpreted" if len(tables) < 10 else "p below 0.10 counts as asymmetry; power is low"
    return {"intercept": number(test.intercept), "slope": number(test.slope), "error": number(test.error), "t": number(test.t),
            "p": number(test.p), "df": test.df, "note": note}


def heterogeneity(tables: Tables, fit: Bivariate, *, exact: bool, nodes: int) -> Plain:
    """Tests of equal rates, of the between-study parameters, and of a threshold effect."""
    equal, threshold = equality(tables), threshold_effect(tables)
    out: Plain = {"equality": {m: plain_test(t) for m, t in zip(MARGINS, equal, strict=True)},
                  "threshold_effect": {"spearman": plain_test(threshold[0]), "pearson": plain_test(threshold[1]),
                                       "note": "weak evidence: sampling error alone correlates the two"}}
    if exact:
        out["likelihood_ratio"] = {name: plain_test(t) for name, t in variance_tests(tables, fit, nodes=nodes).items()}
    return out


def influential(tables: Tables, fit: Bivariate, refit: Callable[[Tables], Bivariate], *, correction: str) -> list[Plain]:
    """Leave-one-out results, Cook's distance, covratio and studentised residuals, one entry a study."""
    found = influence.residuals(tables, fit, "single" if correction == "none" else correction)
    return [{"study": row.study, "sensitivity": number(expit(row.mu[0])), "specificity": number(expit(row.mu[1])),
             "tau2_sensitivity": number(row.tau2[0]), "tau2_specificity": number(row.tau2[1]), "rho": number(row.rho),
             "cook": number(row.cook), "covratio": number(row.covratio),
             "residual_sensitivity": number(found.margins[i, 0]), "residual_specificity": number(found.margins[i, 1]),
             "residual_p": number(found.p[i])}
            for i, row in enumerate(influence.leave_one_out(tables, fit, refit))]


def gosh_summary(tables: Tables, *, correction: str, seed: int, count: int = 1000) -> Plain:
    """Random subsets of studies (REML): the pooled rates of each, and which subsets hold the study that moves them most."""
    cloud = influence.gosh(tables, count=count, seed=seed, correction="single" if correction == "none" else correction)
    points = expit(cloud.mu)
    members = cloud.members.astype(bool)
    spread = np.maximum(cloud.mu.std(0), 1e-12)
    moved = [float(np.linalg.norm((cloud.mu[m].mean(0) - cloud.mu[~m].mean(0)) / spread)) if 0 < m.sum() < len(m) else 0.0 for m in members.T]
    most = int(np.argmax(moved))
    return {"subsets": count, "sensitivity": points[:, 0].round(5).tolist(), "specificity": points[:, 1].round(5).tolist(),
            "size": members.sum(1).tolist(), "study": tables.study[most], "holds": members[:, most].astype(int).tolist(), "shift": number(moved[most])}


def at_prevalence(fit: Bivariate, prevalence: float, *, level: float) -> Plain:
    """Predictive values with limits, the same as natural frequencies per 1,000, and the numbers of a Fagan nomogram."""
    ppv, npv = sroc.predictive_values(fit, prevalence, level=level)
    sensitivity, specificity = expit(fit.mu)
    sick = 1000 * prevalence
    per_1000 = {"diseased": sick, "true_positive": sick * sensitivity, "false_negative": sick * (1 - sensitivity),
                "false_positive": (1000 - sick) * (1 - specificity), "true_negative": (1000 - sick) * specificity}
    fagan = {"prior": prevalence, "after_positive": plain(ppv),
             "after_negative": {"estimate": number(1 - npv.estimate), "lower": number(1 - npv.upper), "upper": number(1 - npv.lower)}}
    return {"prevalence": prevalence, "ppv": plain(ppv), "npv": plain(npv),
            "per_1000": {k: float(round(v, 1)) for k, v in per_1000.items()}, "fagan": fagan}


def studies(tables: Tables, columns: Mapping[str, tuple[str, ...]], *, level: float) -> list[Plain]:
    """Each study with its counts, rates with Wilson limits, ratios, and further columns."""
    found = per_study(tables, "all", level=level)
    out = []
    for i, name in enumerate(tables.study):
        tp, fp, fn, tn = (int(v) for v in tables.cells[i])
        rates = {m: {"estimate": number(e[i]), "lower": number(l[0][i]), "upper": number(l[1][i])} for m, e, l in zip(
            MARGINS, (found.sensitivity, found.specificity), (found.sensitivity_limits, found.specificity_limits), strict=True)}
        out.append({"study": name, **{k: v[i] for k, v in columns.items()}, "tp": tp, "fp": fp, "fn": fn, "tn": tn, **rates,
                    "dor": number(found.dor[i]), "lr_positive": number(found.lr_positive[i]), "lr_negative": number(found.lr_negative[i])})
    return out


def bayesian(tables: Tables, prevalences: Sequence[float], *, seed: int, level: float, nuts: bool = False) -> Plain:
    """Posterior summary under the default priors, and under eight others; with ``nuts`` once more by NumPyro's sampler."""
    found = bayes.sample(tables, seed=seed)
    prior = bayes.Priors()
    main = bayes.summary(found, prevalence=prevalences[0] if prevalences else None, level=level)
    others = [{"prior": {"mean": p.mean, "tau": p.tau, "fisher_z": p.fisher_z}, **{k: plain(s[k]) for k in (*MARGINS, "auc", "rho")}}
              for p, s in bayes.prior_sensitivity(tables, seed=seed, level=level)]
    again = {"nuts": _by_nuts(tables, seed=seed, level=level)} if nuts else {}
    return {"prior": {"mean": prior.mean, "tau": prior.tau, "fisher_z": prior.fisher_z}, "draws": found.drawn,
            "effective_draws": round(found.effective), **{k: plain(i) for k, i in main.items()}, "prior_sensitivity": others, **again}


def _by_nuts(tables: Tables, *, seed: int, level: float) -> Plain:
    from osteon.stats.accuracy_nuts import nuts

    try:
        found = nuts(tables, seed=seed)
    except ValueError as error:
        return {"reason": str(error)}
    told = bayes.summary(found.posterior, level=level)
    return {"draws": found.posterior.drawn, "effective_draws": round(found.posterior.effective), "r_hat": number(found.r_hat), "divergent": found.divergent,
            **{k: plain(i) for k, i in told.items()}}


def imperfect(tables: Tables, reference: tuple[float, float], *, level: float, bayesian: bool = False, seed: int = 0) -> Plain:
    """Pooled rates if the reference standard has the given sensitivity and specificity (errors independent given the disease).

    ``bayesian`` adds the posterior under the default priors, which keep the between-study covariance off its boundary.
    """
    known = Reference(*reference)
    found = fit_imperfect(tables, known)
    half = sroc.quantile(len(tables), level=level) * np.sqrt(np.maximum(np.diag(found.covariance), 0.0))
    rates = {m: plain(Interval(*(float(expit(v)) for v in (x, x - h, x + h)), level=level, method="latent class, fixed reference"))
             for m, x, h in zip(MARGINS, found.mu, half, strict=True)}
    out: Plain = {"reference": {"sensitivity": reference[0], "specificity": reference[1]}, **rates, "converged": found.converged,
                  "log_likelihood": number(found.log_likelihood)}
    if bayesian:
        both = tables.take((tables.totals > 0).all(1))
        draws = bayes.sample(both, seed=seed, count=800, log_likelihood=Imperfect(both, known))
        out["posterior"] = {k: plain(i) for k, i in bayes.summary(draws, level=level).items()} | {"effective_draws": round(draws.effective)}
    return out


def as_mada(tables: Tables, fit: Bivariate, *, correction: str) -> Plain:
    """AUC, log-likelihood and odds-ratio heterogeneity as the R package mada prints them, for comparison with old results."""
    q, share = mada.printed_heterogeneity(effects(tables, "dor"))
    return {"auc": number(mada.printed_auc(fit)), "log_likelihood": number(mada.printed_log_likelihood(tables, fit, correction)),
            "dor_q": number(q), "dor_i2": number(share), "note": "mada 0.5.12; not to be reported, see the right values beside"}


def refitter(model: str, nodes: int, correction: str) -> Callable[[Tables], Bivariate]:
    """The same model for other tables."""
    if model == "exact":
        return lambda tables: fit_exact(tables, nodes=nodes)
    return lambda tables: fit_normal(tables, estimator=model, correction=correction)
