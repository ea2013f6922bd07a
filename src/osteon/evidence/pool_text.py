"""A pooled result as tables of text: the pooled rates by every method side by side first, then what they rest on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from osteon.stats.accuracy_model import MARGINS

Facts = Mapping[str, Any]
Section = tuple[str, list[dict[str, str]]]
NAMES = {"lr_positive": "positive likelihood ratio", "lr_negative": "negative likelihood ratio", "dor": "diagnostic odds ratio"}
MOST = 8


def sections(facts: Facts) -> Iterator[Section]:
    """Titled tables of a result of ``pool``; a part that is missing is left out, a part that failed gives its reason."""
    if "structures" in facts:
        yield from _cuts(facts)
        return
    makers = (_rates, _ratios, _between, _curve, _prevalences, _checks, _influence, _subgroups, _regression, _levels, _bayesian, _imperfect)
    for make in makers:
        yield from make(facts)


def closing(facts: Facts) -> list[str]:
    """The line on the approximation, the steps of the fit, warnings, and sentences with citations for a methods section."""
    lines = [_get(facts, "approximation", "line") or ""]
    if facts.get("ladder"):
        lines.append("Steps: " + "; ".join(facts["ladder"]) + ".")
    if facts.get("excluded"):
        lines.append("Left out: " + ", ".join(facts["excluded"]) + ".")
    lines += [f"Warning: {w}." for w in facts.get("warnings", ())]
    lines.append("For a methods section: " + facts["methods"])
    return [*filter(None, lines), "References: " + " ".join(f"[{i}] {r}" for i, r in enumerate(facts.get("references", ()), 1))]


def _get(facts: Facts, *path: str) -> Any:
    """A value down a path of keys; None where a part is missing."""
    found: Any = facts
    for name in path:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def number(value: float | None) -> str:
    """Three decimals, fewer for large numbers; an undefined number is said to be so."""
    if value is None:
        return "undefined"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 1000 else f"{value:.4g}"


def interval(entry: Facts | None) -> str:
    """Estimate and limits, or why there are none."""
    if not entry or "estimate" not in entry:
        return (entry or {}).get("reason", "")
    if entry["estimate"] is None:
        return entry.get("reason", "undefined")
    known = entry.get("lower") is not None and entry.get("upper") is not None
    return f"{number(entry['estimate'])} ({number(entry['lower'])} to {number(entry['upper'])})" if known else number(entry["estimate"])


def probability(value: float | None) -> str:
    """A p-value as text."""
    return "undefined" if value is None else "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def tested(entry: Facts | None) -> str:
    """Statistic, degrees of freedom and p-value, or why there is none."""
    if not entry:
        return ""
    if entry.get("p") is None:
        return entry.get("reason", "undefined")
    scale = f"{', '.join(f'{d:g}' for d in entry['df'])} df" if entry["df"] else "a boundary mixture"
    return f"{number(entry['statistic'])} on {scale}, {probability(entry['p'])}"


def _rates(facts: Facts) -> Iterator[Section]:
    ways = {"t limits (default)": facts, "z limits": facts.get("normal_limits"), "profile likelihood": facts.get("profile"),
            "bootstrap": facts.get("bootstrap"), "normal approximation, REML": facts.get("approximation"),
            "prediction, a new study": facts.get("prediction")}
    rows = [{"": name, **{m: interval(_get(found, m)) for m in MARGINS}} for name, found in ways.items() if found and "reason" not in found]
    for name in ("exact", "REML, Hartung-Knapp"):
        alone = {m: _get(facts, "univariate", m, name) for m in MARGINS}
        if any(alone.values()):
            rows.append({"": f"univariate, {name}", **{m: interval(found) for m, found in alone.items()}})
    yield f"{facts['k']} studies, {facts['diseased']} diseased, {facts['healthy']} healthy: {facts['method']}", rows


def _ratios(facts: Facts) -> Iterator[Section]:
    direct = facts.get("ratios_pooled_directly") or {}
    rows = [{"": label, "from the bivariate fit": interval(facts.get(name)), "Mantel-Haenszel": interval(_get(direct, name, "Mantel-Haenszel")),
             "DerSimonian-Laird": interval(_get(direct, name, "DL"))} for name, label in NAMES.items()]
    if facts.get("between_study"):
        yield "Ratios", rows


def _between(facts: Facts) -> Iterator[Section]:
    between = facts.get("between_study")
    if not between:
        return
    rows = [{"": "tau squared (logit)", **{m: number(between.get(f"tau2_{m}")) for m in MARGINS}}]
    for name, found in (("tau, profile limits", facts.get("profile")), ("tau, bootstrap limits", facts.get("bootstrap"))):
        if found and "reason" not in found:
            rows.append({"": name, **{m: interval(found.get(f"tau_{m}")) for m in MARGINS}})
    if facts.get("i2"):
        rows += [{"": "I squared (univariate, from Psi)", **{m: number(facts["i2"][m]) for m in MARGINS}},
                 {"": "median odds ratio", **{m: number(facts["median_odds_ratio"][m]) for m in MARGINS}}]
    equality = _get(facts, "heterogeneity", "equality")
    if equality:
        rows.append({"": "equal rates (chi-square)", **{m: tested(equality[m]) for m in MARGINS}})
    yield "Between studies", rows
    both = {"correlation rho": number(between.get("rho")), "rho, profile limits": interval(_get(facts, "profile", "rho")),
            "rho, bootstrap limits": interval(_get(facts, "bootstrap", "rho")), "I squared, bivariate": number(_get(facts, "i2", "bivariate"))}
    both |= {f"likelihood ratio, {name.replace('_', ' ')}": tested(t) for name, t in (_get(facts, "heterogeneity", "likelihood_ratio") or {}).items()}
    yield "Both margins", [{"": name, "value": text} for name, text in both.items() if text]


def _curve(facts: Facts) -> Iterator[Section]:
    h, area = facts.get("hsroc"), facts.get("auc")
    if not h or not area:
        return
    rows = [{"": name, "value": number(h[key])} for name, key in (("accuracy Lambda", "lambda"), ("threshold Theta", "theta"), ("shape beta", "beta"),
                                                                  ("variance of accuracy", "sigma2_alpha"), ("variance of threshold", "sigma2_theta"))]
    rows.append({"": "AUC from 0 to 1", "value": interval(area)})
    part = area.get("partial")
    if part:
        rows.append({"": f"partial AUC, {part['from']:.3f} to {part['to']:.3f}, normalised", "value": number(part["estimate"])})
    yield "Summary curve (HSROC)", rows


def _prevalences(facts: Facts) -> Iterator[Section]:
    rows = [{"prevalence": number(e["prevalence"]), "PPV": interval(e["ppv"]), "NPV": interval(e["npv"]),
             "of 1,000 (TP FN FP TN)": " ".join(f"{e['per_1000'][k]:.0f}" for k in ("true_positive", "false_negative", "false_positive", "true_negative"))}
            for e in facts.get("at_prevalence", ())]
    if rows:
        yield f"Predictive values (prevalence: {facts['prevalence_source']})", rows


def _checks(facts: Facts) -> Iterator[Section]:
    deeks, rho = facts.get("small_study_effects") or {}, _get(facts, "heterogeneity", "threshold_effect", "spearman")
    finer = facts.get("quadrature") or {}
    rows = {"Deeks' test": f"slope {number(deeks.get('slope'))}, {probability(deeks.get('p'))}; {deeks['note']}" if "slope" in deeks else "",
            "threshold effect (Spearman)": f"{tested(rho)} (weak evidence)" if rho else "",
            f"{finer.get('from')} to {finer.get('to')} nodes": f"the logits move by {finer['largest_change']:.1e} at most" if "from" in finer else ""}
    shown = [{"": name, "value": text} for name, text in rows.items() if text]
    if shown and facts.get("between_study"):
        yield "Checks", shown


def _influence(facts: Facts) -> Iterator[Section]:
    found = facts.get("influence")
    if not isinstance(found, list) or not found:
        return
    rows = sorted(found, key=lambda r: -(r["cook"] or 0))[:MOST]
    yield f"Influence: the {len(rows)} studies with the largest Cook's distance, and the result without each", [
        {"without": r["study"], "Cook": number(r["cook"]), "covratio": number(r["covratio"]), "sensitivity": number(r["sensitivity"]),
         "specificity": number(r["specificity"]), "residuals": f"{number(r['residual_sensitivity'])} / {number(r['residual_specificity'])}"} for r in rows]


def _subgroups(facts: Facts) -> Iterator[Section]:
    found = facts.get("subgroups")
    if not found:
        return
    if "levels" not in found:
        yield f"Subgroups: {found['reason']}", []
        return
    yield f"By {found['column']}", [{"": level, "k": str(e["k"]), **{m: interval(e[m]) if m in e else e["ladder"][-1] for m in MARGINS},
                                     "DOR": interval(e.get("dor")), "AUC": number(e.get("auc"))} for level, e in found["levels"].items()]
    rows = [{"": name, "test": tested(t)} for name, t in found["tests"].items()]
    if "estimate" in found.get("auc_difference", {}):
        gap = found["auc_difference"]
        rows.append({"": f"AUC of {gap['levels'][0]} minus {gap['levels'][1]}", "test": f"{interval(gap)}, {probability(gap['p'])} (bootstrap)"})
    yield "Do the subgroups differ?", rows


def _regression(facts: Facts) -> Iterator[Section]:
    found = facts.get("regression")
    if not found:
        return
    if "terms" not in found:
        yield f"Meta-regression: {found['reason']}", []
        return
    terms = [{"margin": t["margin"], "": t["name"], "coefficient": number(t["coefficient"]), "odds ratio": interval(t["odds_ratio"]), "p": probability(t["p"])}
             for t in found["terms"]]
    yield f"Meta-regression on {', '.join(found['covariates'])} ({found['on']})", terms
    apart = found["separate_variances_by"]
    rows = {f"all covariates{f' and variances by {apart}' if apart else ''}": tested(found["test"]), "permutation": probability(found["permutation_p"])}
    rows |= {f"on the curve's {name}": f"{tested(t)}; {_effects(t['terms'])}" for name, t in (found.get("hsroc") or {}).items() if isinstance(t, Mapping)}
    rows |= {f"ratio of {c['margin']}, {c['name']}": interval(c["ratio"]) for c in found["contrasts"]}
    yield "Tests and contrasts; " + "; ".join(found["warnings"]), [{"": name, "value": text} for name, text in rows.items()]


def _effects(terms: list[dict[str, Any]]) -> str:
    return ", ".join(f"{t['name']} {number(t['coefficient'])} (SE {number(t['error'])})" for t in terms[1:])


def _levels(facts: Facts) -> Iterator[Section]:
    found = facts.get("three_level")
    if not found:
        return
    if "method" not in found:
        yield f"Several rows a study: {found['reason']}", []
        return
    title = f"{found['method']}: {found['rows']} rows of {found['studies']} studies"
    tests = found.get("tests")
    if not tests:
        yield title, [{m: interval(found[m]) for m in MARGINS}]
        return
    yield title, [{"test": name, **{m: interval(t[m]) for m in MARGINS}, "first, second ... (probability)": " ".join(f"{p:.2f}" for p in t["rank_probabilities"])}
                  for name, t in tests.items()]


def _bayesian(facts: Facts) -> Iterator[Section]:
    found = facts.get("bayesian")
    if not found:
        return
    names = [n for n in (*MARGINS, "new_sensitivity", "new_specificity", "auc", "tau_sensitivity", "tau_specificity", "rho", "ppv", "npv") if n in found]
    yield f"Posterior ({found.get('effective_draws', 0)} effective draws): median and equal tails", [
        {"": n.replace("_", " "), "value": interval(found[n])} for n in names]
    again = found.get("nuts", {})
    if "reason" in again:
        yield f"No posterior by NumPyro: {again['reason']}", []
    elif again:
        yield (f"The same posterior by NumPyro's NUTS ({again['effective_draws']} effective draws, R-hat {number(again['r_hat'])}, {again['divergent']} divergent transitions)",
               [{"": n.replace("_", " "), "value": interval(again[n])} for n in names if n in again])
    yield "The same under other priors (scale of tau, scale of Fisher's z of rho)", [
        {"tau": number(e["prior"]["tau"]), "z": number(e["prior"]["fisher_z"]), **{m: interval(e[m]) for m in MARGINS}} for e in found.get("prior_sensitivity", ())]


def _imperfect(facts: Facts) -> Iterator[Section]:
    found = facts.get("imperfect_reference")
    if found and "reference" not in found:
        yield f"Imperfect reference standard: {found['reason']}", []
    elif found:
        yield (f"If the reference standard has sensitivity {found['reference']['sensitivity']:g} and specificity {found['reference']['specificity']:g}",
               [{"": name, **{m: interval(e[m]) for m in MARGINS}} for name, e in (("maximum likelihood", found), ("posterior", found.get("posterior"))) if e])


def _cuts(facts: Facts) -> Iterator[Section]:
    best = facts["optimal"]
    yield (f"{facts['rows']} cut-offs of {facts['studies']} studies: {facts['structure']}, {facts['distribution']}{', log cut-off' if facts['log_cut'] else ''}",
           [{"": f"optimal cut-off (weight {best['weight']:g})", "cut-off": number(best["cut"]), **{m: interval(best.get(m)) for m in MARGINS}}])
    yield "Area under the summary curve, and under the limits", [{"AUC": interval(facts["auc"])}]
    yield "At a cut-off", [{"cut-off": number(e["cut"]), **{m: interval(e[m]) for m in MARGINS}} for e in facts["at"]]
    yield "Structures of the random effects", [{"": s["structure"], "AIC": number(s["aic"])} for s in facts["structures"]]
