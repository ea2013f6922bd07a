"""Pooled diagnostic accuracy of a table of studies: one function, one result, one JSON."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from osteon.errors import DataError, message
from osteon.evidence import pool_quantities as quantities
from osteon.evidence.pool_groups import regression, several_rows, subgroups
from osteon.evidence.pool_ladder import SMALLEST, Climbed, climb_ladder
from osteon.evidence.pool_table import PoolTable
from osteon.stats import accuracy_bootstrap as boot
from osteon.stats.accuracy_glmm import NODES
from osteon.stats.accuracy_model import MARGINS, Bivariate
from osteon.stats.accuracy_sroc import quantile
from osteon.stats.accuracy_table import CORRECTIONS, Tables
from osteon.stats.intervals import Interval

MODELS = ("exact", "reml", "ml", "fixed")
REFERENCES = (
    "Chu H, Cole SR. Bivariate meta-analysis of sensitivity and specificity with sparse data: a generalized linear mixed model approach. "
    "J Clin Epidemiol 2006; 59: 1331-1332.",
    "Reitsma JB, Glas AS, Rutjes AWS, Scholten RJPM, Bossuyt PM, Zwinderman AH. Bivariate analysis of sensitivity and specificity produces "
    "informative summary measures in diagnostic reviews. J Clin Epidemiol 2005; 58: 982-990.",
    "Rutter CM, Gatsonis CA. A hierarchical regression approach to meta-analysis of diagnostic test accuracy evaluations. "
    "Stat Med 2001; 20: 2865-2884.",
    "Harbord RM, Deeks JJ, Egger M, Whiting P, Sterne JAC. A unification of models for meta-analysis of diagnostic accuracy studies. "
    "Biostatistics 2007; 8: 239-251.",
    "Zhou Y, Dendukuri N. Statistics for quantifying heterogeneity in univariate and bivariate meta-analyses of binary data. "
    "Stat Med 2014; 33: 2701-2717.",
    "Deeks JJ, Macaskill P, Irwig L. The performance of tests of publication bias and other sample size effects in systematic reviews of "
    "diagnostic test accuracy was assessed. J Clin Epidemiol 2005; 58: 882-893.")


@dataclass(frozen=True)
class Settings:
    """How to pool: model, quadrature nodes, continuity correction (normal models), level, bootstrap fits, seed, prevalences, least k."""

    model: str = "exact"
    nodes: int = 15
    _: KW_ONLY
    correction: str = "single"
    level: float = 0.95
    bootstrap: int = 500
    seed: int = 0
    prevalence: tuple[float, ...] = ()
    smallest: int = SMALLEST

    def __post_init__(self) -> None:
        checks = (("model", self.model, MODELS), ("nodes", self.nodes, NODES), ("correction", self.correction, CORRECTIONS))
        for name, value, allowed in checks:
            if value not in allowed:
                raise DataError(message("pool", f"{name} {value!r} is not known", expected=", ".join(map(str, allowed))))
        if not 0 < self.level < 1 or any(not 0 < p < 1 for p in self.prevalence):
            raise DataError(message("pool", "level and prevalence are numbers between 0 and 1",
                                    found=f"level {self.level}, prevalence {list(self.prevalence)}"))
        if self.smallest < 3:
            raise DataError(message("pool", f"{self.smallest} studies cannot be pooled", expected="3 or more"))


@dataclass(frozen=True, eq=False)
class PooledResult:
    """A pooled table: the rows, how they were pooled, the fit (None where refused), and every quantity as plain data."""

    table: PoolTable
    settings: Settings
    _: KW_ONLY
    climbed: Climbed
    facts: Mapping[str, Any]

    @property
    def fit(self) -> Bivariate | None:
        """The fitted model, or None where pooling was refused."""
        return self.climbed.fit

    @property
    def tables(self) -> Tables:
        """The counts as arrays."""
        return self.table.tables

    def plain(self) -> dict[str, Any]:
        """What ``save`` writes: numbers, texts, lists; None where undefined."""
        return dict(self.facts)

    def save(self, path: str | Path) -> Path:
        """Write the JSON and return its path."""
        out = Path(path)
        out.write_text(to_json(self.facts), encoding="utf-8")
        return out


def to_json(facts: Mapping[str, Any]) -> str:
    """Plain data as JSON text that every reader understands (no NaN)."""
    return json.dumps(dict(facts), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def pool(table: PoolTable, settings: Settings | None = None, *, by: str | None = None, covariates: Sequence[str] = (),
         on: str = "both", separate: bool = False, exclude: Sequence[str] = (), levels: str | None = None, bayes: bool | str = False,
         reference: tuple[float, float] | None = None) -> PooledResult:
    """Pool a table of two-by-two tables.

    ``by`` names a column of subgroups; ``covariates`` columns of a meta-regression ``on`` sensitivity, specificity or both,
    with equal or ``separate`` between-study variances of the levels of ``by``; ``exclude`` studies to leave out; ``levels`` the
    column that says which rows belong to one study (three-level model beside the main one; with ``by`` a network of tests);
    ``bayes`` adds the posterior and its sensitivity to the priors ("nuts": the posterior by NumPyro's sampler too); ``reference`` the sensitivity and specificity of an imperfect
    reference standard to correct for.
    """
    if on not in ("both", *MARGINS):
        raise DataError(message("pool", f"covariates on {on!r}", expected=", ".join(("both", *MARGINS))))
    if separate and not (by and covariates):
        raise DataError(message("pool", "separate variances need groups and a covariate", expected="--separate with --by and --covariate"))
    settings = Settings() if settings is None else settings
    table = table.without(exclude)
    tables = table.tables
    climbed = climb_ladder(tables, model=settings.model, nodes=settings.nodes, correction=settings.correction,
                           smallest=settings.smallest)
    facts = _head(table, settings, climbed) | _body(table, settings, climbed)
    extra: dict[str, Callable[[], Any]] = {}
    if by:
        extra["subgroups"] = lambda: subgroups(table, by, settings)
    if covariates:
        extra["regression"] = lambda: regression(table, covariates, settings, on=on, group=by if separate else None)
    if levels:
        facts["warnings"].append(f"rows of one {levels} are not independent: read the three-level result, not the main one")
        extra["three_level"] = lambda: several_rows(table, levels, settings, by)
    if bayes:
        extra["bayesian"] = lambda: quantities.bayesian(tables, _prevalences(tables, settings), seed=settings.seed, level=settings.level, nuts=bayes == "nuts")
    if reference:
        extra["imperfect_reference"] = lambda: quantities.imperfect(tables, reference, level=settings.level, bayesian=bool(bayes),
                                                                            seed=settings.seed)
    facts |= {name: _guarded(make) for name, make in extra.items()}
    facts["methods"], facts["references"] = methods_sentence(facts, settings), list(REFERENCES)
    return PooledResult(table, settings, climbed=climbed, facts=facts)


def _head(table: PoolTable, settings: Settings, climbed: Climbed) -> dict[str, Any]:
    tables, fit = table.tables, climbed.fit
    estimator = {"exact": "maximum likelihood, adaptive Gauss-Hermite quadrature", "reml": "REML", "ml": "ML", "fixed": "fixed effect"}
    zero = int((tables.cells == 0).any(1).sum())
    warnings = list(climbed.warnings)
    if len(tables) < 10:
        warnings.append(f"{len(tables)} studies: the bivariate estimates are unstable; read the univariate ones beside them")
    return {"method": fit.method if fit else "none: pooling was refused", "estimator": estimator[settings.model],
            "nodes": settings.nodes if settings.model == "exact" else None,
            "correction": settings.correction if settings.model != "exact" else "none needed",
            "level": settings.level, "k": len(tables), "diseased": int(tables.totals[:, 0].sum()),
            "healthy": int(tables.totals[:, 1].sum()), "with_a_zero_cell": zero, "excluded": list(table.excluded),
            "ladder": list(climbed.ladder), "warnings": warnings, "seed": settings.seed,
            "version": importlib.metadata.version("osteon") if _installed() else "source tree"}


def _installed() -> bool:
    try:
        importlib.metadata.version("osteon")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def _body(table: PoolTable, settings: Settings, climbed: Climbed) -> dict[str, Any]:
    level, fit, tables = settings.level, climbed.fit, table.tables
    out: dict[str, Any] = {"studies": quantities.studies(tables, table.columns, level=level)}
    if fit is None:
        return out | _nothing() | {"converged": False, "boundary": []}
    if len(climbed.margins) == 1:
        return out | _one_margin(fit, climbed.margins[0], settings)
    draws, why = _draws(tables, settings, climbed)
    out |= quantities.summary(fit, tables.totals, level=level)
    out["auc"] = quantities.area(fit, tables, draws, level=level)
    out["bootstrap"] = quantities.bootstrapped(fit, draws, level=level) if draws else {"reason": why}
    out["regions"] = quantities.regions(fit, level=level)
    out["prevalence_source"] = "given" if settings.prevalence else "median of the studies: not the prevalence of any clinic"
    out["at_prevalence"] = [quantities.at_prevalence(fit, p, level=level) for p in _prevalences(tables, settings)]
    return out | _checks(tables, settings, climbed)


def _checks(tables: Tables, settings: Settings, climbed: Climbed) -> dict[str, Any]:
    """Agreement, univariate results, heterogeneity, small-study effects and influence."""
    fit, level, full = climbed.fit, settings.level, not climbed.free and settings.model != "fixed"
    model, nodes, correction = settings.model, settings.nodes, settings.correction
    assert fit is not None
    limit = f"left out: more than {quantities.MANY} studies"
    reduced = "left out: the fit is not the full bivariate model (see ladder)"
    few = len(tables) <= quantities.MANY
    steps: dict[str, tuple[str, Callable[[], Any]]] = {
        "univariate": ("", lambda: quantities.univariate(tables, nodes=nodes, level=level)),
        "ratios_pooled_directly": ("", lambda: quantities.pooled_ratios(tables, level=level)),
        "small_study_effects": ("", lambda: quantities.small_studies(tables)),
        "heterogeneity": ("", lambda: quantities.heterogeneity(tables, fit, exact=model == "exact" and full, nodes=nodes)),
        "profile": ("" if full and few else (reduced if not full else limit), lambda: quantities.profiles(
            tables, fit, model=model, nodes=nodes, correction=correction, level=level)),
        "influence": ("" if few else limit, lambda: quantities.influential(
            tables, fit, quantities.refitter(model, nodes, correction), correction=correction)),
        "gosh": ("" if few else limit, lambda: quantities.gosh_summary(tables, correction=correction, seed=settings.seed))}
    if model == "exact":
        steps["approximation"] = ("", lambda: quantities.approximation(tables, fit, correction=correction, level=level))
        steps["quadrature"] = ("" if full else reduced, lambda: quantities.quadrature(tables, fit, nodes=nodes))
    if model in ("reml", "ml"):
        steps["as_mada_prints"] = ("", lambda: quantities.as_mada(tables, fit, correction=correction))
    return {name: {"reason": why} if why else _guarded(make) for name, (why, make) in steps.items()}


def _guarded(make: Callable[[], Any]) -> Any:
    """A side analysis; one that its data cannot carry gives its reason and never costs the pooled result."""
    try:
        return make()
    except (ValueError, np.linalg.LinAlgError) as error:
        return {"reason": str(error)}


def _draws(tables: Tables, settings: Settings, climbed: Climbed) -> tuple[boot.Draws | None, str]:
    if not settings.bootstrap:
        return None, "no bootstrap was asked for"
    if climbed.free or settings.model in ("fixed", "ml"):
        return None, "no bootstrap for a reduced, ML or fixed-effect fit"
    if len(tables) > 10 * quantities.MANY:
        return None, f"no bootstrap for more than {10 * quantities.MANY} studies"
    assert climbed.fit is not None
    return boot.bootstrap(tables, climbed.fit, model="exact" if settings.model == "exact" else "normal", nodes=settings.nodes,
                          correction=settings.correction, count=settings.bootstrap, seed=settings.seed), ""


def _prevalences(tables: Tables, settings: Settings) -> tuple[float, ...]:
    """Those asked for, or the median of the studies."""
    total = tables.totals.sum(1)
    median = float(np.median(tables.totals[:, 0] / total))
    return settings.prevalence or ((median,) if 0 < median < 1 else ())


def _nothing() -> dict[str, Any]:
    empty = {"estimate": None, "lower": None, "upper": None, "reason": "not pooled"}
    keys = ("sensitivity", "specificity", *quantities.RATIOS, "auc")
    return {k: dict(empty) for k in keys} | {"mu": {f"logit_{m}": None for m in MARGINS}, "covariance_mu": None,
                                             "between_study": None, "hsroc": None, "i2": None, "log_likelihood": None}


def _one_margin(fit: Bivariate, margin: str, settings: Settings) -> dict[str, Any]:
    j = MARGINS.index(margin)
    m, half = float(fit.mu[j]), quantile(fit.k, level=settings.level) * float(np.sqrt(fit.covariance[j, j]))
    rate = 1 / (1 + np.exp(-np.array([m, m - half, m + half])))
    out = _nothing() | {margin: quantities.plain(Interval(*rate.tolist(), level=settings.level, method="Wald on the logit, univariate"))}
    out["mu"] = {f"logit_{name}": m if name == margin else None for name in MARGINS}
    out["between_study"] = {f"tau2_{margin}": quantities.number(float(fit.between[j, j]))}
    return out | {"log_likelihood": quantities.number(fit.log_likelihood), "converged": fit.optimum.converged, "boundary": []}


def methods_sentence(facts: Mapping[str, Any], settings: Settings) -> str:
    """Sentences for a methods section, with the sources of what was done."""
    if facts["method"].startswith("none"):
        return f"Results were not pooled ({facts['ladder'][-1]}); the studies are shown with Wilson intervals."
    core = {"exact": f"a bivariate binomial-normal model (Chu and Cole 2006) by maximum likelihood with adaptive Gauss-Hermite "
                     f"quadrature ({settings.nodes} nodes a dimension)",
            "reml": "the bivariate normal model of Reitsma et al. (2005) by restricted maximum likelihood",
            "ml": "the bivariate normal model of Reitsma et al. (2005) by maximum likelihood",
            "fixed": "a bivariate fixed-effect model on the logits"}[settings.model]
    text = (f"Sensitivity and specificity of {facts['k']} studies were pooled with {core}. Confidence limits use the t-distribution "
            f"with {max(facts['k'] - 2, 0)} degrees of freedom on the logit scale")
    text += "; regions use the F-distribution; the summary ROC curve follows Rutter and Gatsonis (2001) as derived by Harbord et al. (2007)."
    if settings.model != "exact":
        text += f" Continuity correction: {settings.correction}."
    if len(facts["ladder"]) > 1:
        text += f" Fitting steps: {'; '.join(facts['ladder'])}."
    return text + f" Software: osteon {facts['version']}, seed {settings.seed}."
