"""Several cut-offs a study: the linear mixed model of the transformed proportions, as plain data beside its table."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any

import numpy as np

from osteon.errors import DataError, message
from osteon.evidence.pool_quantities import number, plain
from osteon.evidence.pool_table import PoolTable
from osteon.stats import thresholds

BEST = "best"
REFERENCE = ("Steinhauser S, Schumacher M, Rücker G. Modelling multiple thresholds in meta-analysis of diagnostic test accuracy studies. "
             "BMC Med Res Methodol 2016; 16: 97.")


@dataclass(frozen=True)
class ThresholdSettings:
    """Structure of the random effects (``best``: smallest AIC of the eight), distribution, logarithm of the cut-off, level, weight of sensitivity."""

    structure: str = BEST
    distribution: str = "logistic"
    _: KW_ONLY
    log_cut: bool = False
    level: float = 0.95
    weight: float = 0.5

    def __post_init__(self) -> None:
        known = (BEST, *thresholds.STRUCTURES)
        if self.structure not in known or self.distribution not in thresholds.DISTRIBUTIONS:
            raise DataError(message("pool", f"structure {self.structure!r} and distribution {self.distribution!r}",
                                    expected=f"{', '.join(known)}; {', '.join(thresholds.DISTRIBUTIONS)}"))
        if not (0 < self.level < 1 and 0 < self.weight < 1):
            raise DataError(message("pool", "level and weight are numbers between 0 and 1", found=f"level {self.level}, weight {self.weight}"))


def rows_of(table: PoolTable, column: str) -> thresholds.Rows:
    """The rows of a table whose ``column`` holds the cut-offs; raises DataError for text, and for studies without both margins."""
    cuts = [_cut(text, where, column) for text, where in zip(table.column(column), table.where, strict=True)]
    counts = np.array(table.counts, float)
    empty = np.flatnonzero((counts[:, [0, 2]].sum(1) == 0) | (counts[:, [1, 3]].sum(1) == 0))
    if len(empty):
        raise DataError(message(table.where[empty[0]], "no diseased or no healthy subjects", expected="both, where cut-offs are pooled"))
    tp, fp, fn, tn = counts.T
    return thresholds.Rows(list(table.study), np.array(cuts), tp=tp, fp=fp, fn=fn, tn=tn)


def _cut(text: str, where: str, column: str) -> float:
    try:
        return float(text.replace(" ", "").replace(",", "."))
    except ValueError:
        raise DataError(message(f"{where}, column {column}", f"{text!r} is not a number", expected="a cut-off")) from None


def fit_rows(rows: thresholds.Rows, settings: ThresholdSettings) -> tuple[thresholds.ThresholdFit, list[thresholds.ThresholdFit]]:
    """The structure asked for (or the best), and all that were fitted, best first."""
    options: dict[str, Any] = {"distribution": settings.distribution, "log_cut": settings.log_cut}
    if len(set(rows.study)) < 3:
        raise DataError(message("pool", f"{len(set(rows.study))} studies", expected="3 or more for a model of cut-offs"))
    try:
        fits = thresholds.fit_all(rows, **options) if settings.structure == BEST else [thresholds.fit_thresholds(rows, settings.structure, **options)]
    except (ValueError, np.linalg.LinAlgError) as error:
        raise DataError(message("pool", "the model of cut-offs could not be fitted", found=str(error))) from error
    return fits[0], fits


def pool_thresholds(table: PoolTable, column: str, settings: ThresholdSettings | None = None) -> dict[str, Any]:
    """Rates at every cut-off, the optimal cut-off (weighted Youden index), the summary curve and its area, and the structures compared."""
    settings = ThresholdSettings() if settings is None else settings
    rows = rows_of(table, column)
    fit, fits = fit_rows(rows, settings)
    best = thresholds.optimal_cut(fit, weight=settings.weight)
    cuts = np.unique(rows.cut)
    shown = cuts if len(cuts) <= 25 else np.quantile(cuts, np.linspace(0, 1, 25))
    warnings = [] if np.isfinite(best) else ["the two curves do not separate: there is no optimal cut-off"]
    if np.isfinite(best) and not cuts[0] <= best <= cuts[-1]:
        warnings.append(f"the optimal cut-off lies outside of the cut-offs that were studied ({cuts[0]:g} to {cuts[-1]:g})")
    return {"method": "linear mixed model of several cut-offs a study", "structure": fit.structure, "distribution": settings.distribution,
            "log_cut": settings.log_cut, "column": column, "level": settings.level, "studies": len(set(table.study)), "rows": len(rows.cut),
            "excluded": list(table.excluded), "restricted_log_likelihood": number(-fit.criterion / 2), "fixed": [number(v) for v in fit.fixed],
            "covariance_fixed": [[number(v) for v in row] for row in fit.covariance], "between_study": [[number(v) for v in row] for row in fit.random],
            "structures": [{"structure": f.structure, "aic": number(f.aic), "restricted_log_likelihood": number(-f.criterion / 2)} for f in fits],
            "optimal": {"cut": number(best), "weight": settings.weight} | (_rates(fit, best, settings.level) if np.isfinite(best) else {}),
            "auc": plain(thresholds.auc(fit, level=settings.level)), "at": [{"cut": float(c)} | _rates(fit, float(c), settings.level) for c in shown],
            "warnings": warnings, "methods": _sentence(fit, table, settings), "references": [REFERENCE]}


def _rates(fit: thresholds.ThresholdFit, cut: float, level: float) -> dict[str, Any]:
    sensitivity, specificity = thresholds.rates_at(fit, cut, level=level)
    return {"sensitivity": plain(sensitivity), "specificity": plain(specificity)}


def _sentence(fit: thresholds.ThresholdFit, table: PoolTable, settings: ThresholdSettings) -> str:
    chosen = "the structure with the smallest AIC of the eight" if settings.structure == BEST else "a structure fixed beforehand"
    return (f"All {len(table.study)} cut-offs of {len(set(table.study))} studies entered a linear mixed model of the {settings.distribution} transformed proportions "
            f"below the {'logarithm of the ' if settings.log_cut else ''}cut-off, weighted by inverse sampling variance, with {fit.structure} random effects ({chosen}; "
            f"Steinhauser et al. 2016), by restricted maximum likelihood. The optimal cut-off maximises {settings.weight:g} x sensitivity + "
            f"{1 - settings.weight:g} x specificity.")
