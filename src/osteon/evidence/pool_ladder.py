"""The ladder of fits: from the exact model to simpler ones where the data cannot carry it, each step written down."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass

import numpy as np

from osteon.stats.accuracy_glmm import RESTARTS, climb, first_guess, fit_exact, fit_margin, free_positions, summarise
from osteon.stats.accuracy_model import MARGINS, Bivariate, simple
from osteon.stats.accuracy_reitsma import fit_normal
from osteon.stats.accuracy_table import Tables

SMALLEST = 4


@dataclass(frozen=True, eq=False)
class Climbed:
    """The fit that was used (None where pooling was refused), the steps that led to it, and what to warn of."""

    fit: Bivariate | None
    ladder: tuple[str, ...]
    _: KW_ONLY
    warnings: tuple[str, ...] = ()
    free: tuple[int, ...] = ()
    margins: tuple[str, ...] = MARGINS


def climb_ladder(tables: Tables, *, model: str = "exact", nodes: int = 15, correction: str = "single",
                 smallest: int = SMALLEST) -> Climbed:
    """Fit the model (exact; or reml, ml, fixed) and step down where it fails; refuses below ``smallest`` studies a margin."""
    enough = [m for m, n in zip(MARGINS, (tables.totals > 0).sum(0), strict=True) if n >= smallest]
    if not enough:
        return Climbed(None, (f"refused: {len(tables)} studies, fewer than {smallest} with diseased or healthy subjects",),
                       warnings=("too few studies to pool: the studies are shown, no summary is given",), margins=())
    if len(enough) == 1:
        return _one_margin(tables, enough[0], nodes=nodes, smallest=smallest)
    if model != "exact":
        return _approximate(tables, model, correction)
    empty = _without_errors(tables)
    if empty:
        return _penalised(tables, empty, nodes=nodes)
    return _exact(tables, nodes=nodes)


def _approximate(tables: Tables, model: str, correction: str) -> Climbed:
    fit = fit_normal(tables, estimator=model, correction=correction)
    warnings = [] if fit.optimum.converged else ["the normal approximation did not converge"]
    notes = [f"normal approximation, {model}, correction {correction}"]
    notes += [f"boundary: {b}" for b in fit.optimum.boundary]
    return Climbed(fit, tuple(notes), warnings=tuple(warnings), free=())


def _without_errors(tables: Tables) -> list[str]:
    """Margins without a single error, or without a single success, in any study: their logit mean has no maximum."""
    events, totals = tables.events.sum(0), tables.totals.sum(0)
    return [m for m, x, n in zip(MARGINS, events, totals, strict=True) if x in (0, n)]


def _sound(fit: Bivariate) -> bool:
    variances = np.diag(fit.covariance)
    return bool(fit.optimum.converged and np.isfinite(fit.log_likelihood) and np.isfinite(variances).all() and (variances > 0).all()
                and (variances < 1e4).all() and np.abs(fit.mu).max() < 25)


def _exact(tables: Tables, *, nodes: int) -> Climbed:
    """Moment start, restarts, boundary, independent margins, no between-study variance, penalised."""
    steps, design = [f"exact model, {nodes} nodes, moment start"], simple(len(tables))
    fit = fit_exact(tables, nodes=nodes)
    if fit.optimum.boundary or not _sound(fit):
        steps.append("restarts from five points")
        fit = _restart(tables, fit, nodes)
    if _sound(fit):
        return _named(tables, fit, steps, nodes)
    for name, options in (("correlation set to 0 (two univariate exact models)", {"independent": True}),
                          ("no between-study variance (fixed effect)", {"fixed": MARGINS})):
        steps.append(name)
        free = free_positions(design, **options)
        fit = summarise(tables, design, climb(tables, design, nodes=nodes, free=free), nodes=nodes, free=free)
        if _sound(fit):
            return Climbed(fit, tuple(steps), warnings=(f"the full model could not be fitted: {name}",), free=tuple(free))
    return _penalised(tables, list(MARGINS), nodes=nodes, steps=steps)


def _restart(tables: Tables, fit: Bivariate, nodes: int) -> Bivariate:
    design, best = simple(len(tables)), fit
    for chol in RESTARTS:
        found = climb(tables, design, nodes=nodes, start=first_guess(tables, design, chol))
        if -found.value > best.log_likelihood + 1e-7 or (found.converged and not _sound(best)):
            best = summarise(tables, design, found, nodes=nodes)
    return best


def _named(tables: Tables, fit: Bivariate, steps: list[str], nodes: int) -> Climbed:
    """A sound fit; margins without variance are refitted without it, so that the standard errors are those of that model."""
    boundary, warnings = fit.optimum.boundary, []
    fixed = [m for m in MARGINS if f"tau_{m} = 0" in boundary]
    free: list[int] = []
    if fixed:
        design = simple(len(tables))
        free = free_positions(design, fixed=fixed)
        steps.append(f"between-study variance of {' and '.join(fixed)} held at 0")
        start = np.where(np.isin(np.arange(5), free), fit.optimum.theta, 0.0)
        fit = summarise(tables, design, climb(tables, design, nodes=nodes, start=start, free=free), nodes=nodes, free=free)
    for name in boundary:
        steps.append(f"boundary: {name}")
        warnings.append(f"the estimate lies on the boundary ({name}): intervals of the between-study parameters are unreliable")
    return Climbed(fit, tuple(steps), warnings=tuple(warnings), free=tuple(free))


def _penalised(tables: Tables, margins: list[str], *, nodes: int, steps: list[str] | None = None) -> Climbed:
    """A margin without errors: half a success and half a failure of weight on its mean, and no between-study variance there."""
    design = simple(len(tables))
    free = free_positions(design, fixed=margins)
    name = f"penalised likelihood: no variation to estimate in {' and '.join(margins)}, between-study variance held at 0 there"
    best = climb(tables, design, nodes=nodes, free=free, penalty=True)
    fit = summarise(tables, design, best, nodes=nodes, free=free, penalty=True)
    note = "the penalty (half a success, half a failure a margin) decides the estimate of a margin without errors"
    ladder = (*(steps or [f"exact model, {nodes} nodes"]), name)
    return Climbed(fit if _sound(fit) else None, ladder if _sound(fit) else (*ladder, "refused: no model could be fitted"),
                   warnings=(note,), free=tuple(free))


def _one_margin(tables: Tables, margin: str, *, nodes: int, smallest: int) -> Climbed:
    column = MARGINS.index(margin)
    missing = MARGINS[1 - column]
    steps = (f"univariate exact model of {margin}: fewer than {smallest} studies speak for {missing}",)
    total, events = tables.totals[:, column], tables.events[:, column]
    if events.sum() in (0, total.sum()):
        return Climbed(None, (*steps, f"refused: {margin} has no variation"), warnings=("nothing to pool",), margins=())
    fit = fit_margin(tables, margin, nodes=nodes)
    return Climbed(fit, steps, warnings=(f"{missing} cannot be pooled: fewer than {smallest} studies",),
                   free=(column, 2 if column == 0 else 4), margins=(margin,))
