"""Subgroups, meta-regression and several rows a study, as plain data beside the pooled result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from osteon.evidence.pool_ladder import Climbed, climb_ladder
from osteon.evidence.pool_quantities import RATIOS, number, plain, plain_test
from osteon.evidence.pool_table import PoolTable
from osteon.stats import accuracy_bootstrap as boot
from osteon.stats import accuracy_sroc as sroc
from osteon.stats.accuracy_hsroc import fit_hsroc
from osteon.stats.accuracy_levels import fit_levels, level_rates, ranks
from osteon.stats.accuracy_model import MARGINS, Design
from osteon.stats.accuracy_regression import Columns, compare, contrast, encode, permutation_p, regress
from osteon.stats.accuracy_table import Tables
from osteon.stats.intervals import HypothesisTest

if TYPE_CHECKING:
    from osteon.evidence.pool import Settings

Plain = dict[str, Any]


def subgroups(table: PoolTable, by: str, settings: Settings) -> Plain:
    """Each level of a column pooled alone (own between-study covariance), and tests of a difference between the levels."""
    labels, tables = table.column(by), table.tables
    out: Plain = {"column": by, "levels": {}}
    full: dict[str, tuple[Tables, Climbed]] = {}
    for label in sorted(set(labels)):
        part = tables.take(np.array([v == label for v in labels]))
        found = climb_ladder(part, model=settings.model, nodes=settings.nodes, correction=settings.correction,
                             smallest=settings.smallest)
        entry: Plain = {"k": len(part), "ladder": list(found.ladder), "warnings": list(found.warnings)}
        if found.fit is not None and len(found.margins) == 2:
            entry |= {m: plain(i) for m, i in zip(MARGINS, sroc.rates(found.fit, level=settings.level), strict=True)}
            entry |= {r: plain(sroc.ratio(found.fit, r, level=settings.level)) for r in RATIOS}
            entry["auc"] = number(sroc.auc(sroc.hsroc(found.fit.mu, found.fit.between)))
            entry |= {"tau2": [number(v) for v in np.diag(found.fit.between)], "rho": number(found.fit.rho)}
            full[label] = (part, found)
        out["levels"][label] = entry
    out["tests"] = _subgroup_tests(tables, labels, settings)
    if settings.bootstrap and len(full) == 2 and settings.model in ("exact", "reml"):
        out["auc_difference"] = _auc_difference(full, settings)
    return out


def _auc_difference(full: dict[str, tuple[Tables, Climbed]], settings: Settings) -> Plain:
    """Second level minus first, by parametric bootstrap of both."""
    pairs = []
    for seed, (tables, found) in enumerate(full.values()):
        if found.fit is None or found.free:
            return {"reason": "a level was not fitted with the full model"}
        pairs.append((found.fit, boot.bootstrap(tables, found.fit, model="exact" if settings.model == "exact" else "normal", nodes=settings.nodes,
                                                correction=settings.correction, count=settings.bootstrap, seed=settings.seed + seed)))
    difference, p = boot.auc_difference(pairs[1], pairs[0], level=settings.level)
    return {"levels": list(full)[::-1], **plain(difference), "p": number(p)}


def _subgroup_tests(tables: Tables, labels: Sequence[str], settings: Settings) -> Plain:
    columns, model = encode({"level": [f"level {v}" for v in labels]}), "exact" if settings.model == "exact" else "normal"
    options: Plain = {"model": model, "nodes": settings.nodes, "correction": settings.correction}
    equal = {on: regress(tables, columns, on=on, **options) for on in ("both", *MARGINS)}
    tests = {"difference": equal["both"].test} | {f"difference in {m}": equal[m].test for m in MARGINS}
    out = {name: plain_test(t) for name, t in tests.items()}
    counts = [list(labels).count(v) for v in set(labels)]
    if min(counts) >= 4:
        apart = regress(tables, columns, group=labels, **options)
        extra = 3 * (apart.design.groups - 1)
        out["separate variances against equal ones"] = plain_test(compare(apart.fit, equal["both"].fit, extra))
    else:
        out["separate variances against equal ones"] = {"reason": "a level has fewer than four studies"}
    return out


def regression(table: PoolTable, covariates: Sequence[str], settings: Settings, *, on: str = "both",
               group: str | None = None) -> Plain:
    """Meta-regression on columns: terms, likelihood-ratio and permutation test, contrasts of levels, and HSROC tests."""
    tables = table.tables
    columns = encode({name: table.column(name) for name in covariates})
    model = "exact" if settings.model == "exact" else "normal"
    found = regress(tables, columns, on=on, group=table.column(group) if group else None, model=model, nodes=settings.nodes,
                    correction=settings.correction)
    out: Plain = {"covariates": list(covariates), "on": on, "separate_variances_by": group, "test": plain_test(found.test),
                  "permutation_p": permutation_p(tables, columns, on=on, count=199, seed=settings.seed),
                  "terms": [{"margin": t.margin, "name": t.name, "coefficient": number(t.coefficient), "error": number(t.error),
                             "odds_ratio": plain(t.odds_ratio), "p": number(t.p)} for t in found.terms],
                  "between_study": [[[number(v) for v in row] for row in psi] for psi in found.fit.psi],
                  "converged": found.fit.optimum.converged, "boundary": list(found.fit.optimum.boundary), "warnings": []}
    if len(tables) < 10 * len(columns.names):
        out["warnings"].append(f"{len(tables)} studies for {len(columns.names)} covariate columns (ten a column are wanted)")
    out["warnings"].append("a test of a covariate that was not named in the protocol is exploratory")
    out["contrasts"] = _contrasts(found, columns, settings.level)
    if model == "exact":
        out["hsroc"] = _hsroc_tests(tables, columns, settings.nodes)
    return out


def _contrasts(found: Any, columns: Columns, level: float) -> list[Plain]:
    """Each covariate column at one more than zero: ratio and difference of the rates, the other columns at zero."""
    out, width = [], len(columns.names) + 1
    for margin, design in zip(MARGINS, (found.design.sensitivity, found.design.specificity), strict=True):
        if design.shape[1] == 1:
            continue
        for i, name in enumerate(columns.names):
            low, high = np.eye(1, width)[0], np.eye(1, width)[0] + np.eye(width)[i + 1]
            c = contrast(found.fit, found.design, margin, first=low, second=high, levels=("reference", name), level=level)
            out.append({"margin": margin, "name": name, "ratio": plain(c.ratio), "difference": plain(c.difference)})
    return out


def _hsroc_tests(tables: Tables, columns: Columns, nodes: int) -> Plain:
    """Likelihood-ratio tests of the covariates on accuracy, threshold and shape of the summary curve, one at a time."""
    design = np.column_stack([np.ones(len(tables)), columns.values])
    try:
        null = fit_hsroc(tables, nodes=nodes).log_likelihood
        fits = {name: fit_hsroc(tables, nodes=nodes, **{name: design}) for name in ("accuracy", "threshold", "shape")}
    except ValueError as error:
        return {"reason": str(error)}
    out: Plain = {}
    for name, fit in fits.items():
        effects = {"accuracy": fit.lambda_, "threshold": fit.theta, "shape": fit.beta}[name]
        first = {"accuracy": 0, "threshold": 1, "shape": 2}[name]
        errors = np.sqrt(np.maximum(np.diag(fit.covariance), 0.0))[first:first + len(effects)]
        out[name] = plain_test(_ratio_test(fit.log_likelihood, null, len(columns.names))) | {
            "terms": [{"name": n, "coefficient": number(b), "error": number(e)} for n, b, e in zip(("intercept", *columns.names), effects, errors, strict=True)]}
    return out


def _ratio_test(full: float, null: float, df: int) -> HypothesisTest:
    statistic = max(0.0, 2 * (full - null))
    return HypothesisTest(statistic, float(stats.chi2.sf(statistic, df)), df=(df,), method="likelihood ratio, HSROC")


def several_rows(table: PoolTable, column: str, settings: Settings, tests: str | None = None) -> Plain:
    """Three-level model: rows within the studies that ``column`` names (normal approximation, REML).

    ``tests`` names the column of the index test: the model is then the arm-based network, with rates and ranks of every test.
    """
    labels = table.study if column == "study" else table.column(column)
    names = sorted(set(table.column(tests))) if tests else ["all"]
    arms = np.array([[v == n for n in names] for v in table.column(tests)], float) if tests else np.ones((len(labels), 1))
    fit = fit_levels(table.tables, labels, design=Design(arms, arms, group=np.zeros(len(arms), np.int64)),
                     correction="single" if settings.correction == "none" else settings.correction)
    rates = [{m: plain(i) for m, i in zip(MARGINS, pair, strict=True)} for pair in level_rates(fit, np.eye(len(names)), level=settings.level)]
    out: Plain = {"method": "three-level normal model, REML", "studies": fit.counts[0], "rows": fit.counts[1],
                  "psi_study": [[number(v) for v in row] for row in fit.psi_study],
                  "psi_row": [[number(v) for v in row] for row in fit.psi_row], "boundary": list(fit.boundary),
                  "log_likelihood": number(fit.log_likelihood)}
    if not tests:
        return out | rates[0]
    order = ranks(fit, np.eye(len(names)), seed=settings.seed)
    return out | {"tests": {n: r | {"rank_probabilities": order[i].tolist()} for i, (n, r) in enumerate(zip(names, rates, strict=True))}}
