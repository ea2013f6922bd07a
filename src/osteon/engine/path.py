"""The one path, from data to rows, for every study."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from osteon.budget import LAPTOP, Budget
from osteon.cohort import Cohort
from osteon.design import CrossValidation, Design, Nested
from osteon.engine import spread
from osteon.engine.fitting import fit_fold, learnable, strata
from osteon.engine.folder import close, open_folder
from osteon.engine.judging import rows
from osteon.engine.reading import unreadable
from osteon.errors import DataError, message
from osteon.models import affordable, factors
from osteon.models.blend import slimmed
from osteon.run import Run
from osteon.simulate.few import Few
from osteon.studies import study as find
from osteon.study import Study
from osteon.validation.results import analyse


def run(study: str | Study, cohort: Cohort | None = None, *, seed: int = 0, budget: Budget = LAPTOP, design: Design | None = None, out: Path | None = None, on: str = "") -> Run:
    """Train, validate and record one study; the same lines for all of them. A run that was cut short goes on where it stopped.

    `cohort` is the user's or public data; without one the study's simulator makes one. `on` is a Ray cluster that makes the fits. Raises DataError before any work where data do not fit.
    """
    if seed < 0:
        raise DataError(message("run", "the seed is below 0", expected="0 or more", found=f"Found {seed}"))
    spread.known(on)
    declared = find(study) if isinstance(study, str) else study
    whole = cohort if cohort is not None else simulate(declared, budget=budget, seed=seed, out=out)
    fit_for = whole.conform(declared.inputs, declared.targets, eligible=declared.eligible, answered=declared.answered)
    fit_for = fit_for.leave_out(unreadable(fit_for, declared.inputs, declared.targets))
    plan = capped(design or declared.design, budget)
    folds, last = fit_for.folds(plan, seed, keep=declared.together, strata=strata(fit_for, declared))
    learnable(fit_for, declared, (*folds, last))
    trained = within(declared, budget)
    desk = open_folder(trained, whole, fit_for, plan, folds, seed=seed, budget=budget, out=out)
    if on:
        spread.fits(desk, (*folds, last), on)
    for label, model in trained.models.items():
        for fold in dict.fromkeys((*folds, last)):
            fit_fold(desk, label, model, fold)
    found = rows(desk)
    analyse(desk.run, declared)
    return close(desk, found)


def simulate(study: str | Study, folder: Path | None = None, *, cases: int | None = None, seed: int = 0, site: str = "A", difficulty: float = 0.5,
             budget: Budget = LAPTOP, out: Path | None = None) -> Cohort:
    """A cohort folder of simulated cases (real files, exact truth), by default as many as the budget or the study's simulator allows; the same call goes on where it stopped."""
    declared = find(study) if isinstance(study, str) else study
    rows_only = all(spec.kind in ("table", "text") for spec in declared.inputs.values())
    most = budget.rows if rows_only else budget.cases
    n = cases if cases is not None else min(most, declared.simulate.most) if isinstance(declared.simulate, Few) else most
    if seed < 0:
        raise DataError(message("simulate", "the seed is below 0", expected="0 or more", found=f"Found {seed}"))
    if n < 1:
        raise DataError(message("simulate", "no case was asked for", expected="1 or more", found=f"Found {n}"))
    if not 0 <= difficulty <= 1:
        raise DataError(message("simulate", "the difficulty is out of range", expected="0 to 1", found=f"Found {difficulty}"))
    home = folder or (out.parent if out else Path("runs")) / "cohorts" / f"{declared.name}-simulated-{n}-seed{seed}-site{site}-difficulty{difficulty:g}"
    return declared.simulate(home, n, seed, site=site, difficulty=difficulty)


def within(study: Study, budget: Budget) -> Study:
    """The study with no more arms and members of a blend than the budget allows: of networks on one picture the cheapest are trained, and the rest are built to see that they can be."""
    kept = affordable(study.models, budget.limits.arms)
    if len(kept) < len(study.models):
        kept = affordable(study.models, budget.limits.arms, _multiplications(study, budget))
    slim = {label: slimmed(model, budget.limits.members) for label, model in kept.items()}
    if len(slim) == len(study.models) and all(slim[label] is model for label, model in study.models.items()):
        return study
    smaller = replace(study, models=slim)
    object.__setattr__(smaller, "file", study.file)  # replace leaves out what is no argument
    return smaller


def _multiplications(study: Study, budget: Budget) -> dict[str, float]:
    """The cost of every network of a study that reads pictures or recordings, all of which are built for it; of others none is known, and none counts in a grid of several factors, which keeps its span."""
    if any(spec.kind not in ("picture", "signal") for spec in study.inputs.values()):
        return {}
    from osteon.models.cost import costs

    channels = max(len(spec.record.numbers) for spec in study.inputs.values()) or 1
    known = {label: float(cost.macs) for label, cost in costs(study.models, study.targets, budget, channels=channels).items()}
    return known if len({factor for model in study.models.values() for factor in factors(model)}) < 2 else {}


def capped(design: Design, budget: Budget) -> Design:
    """The design with no more folds, repeats and fits than the budget allows."""
    limits = budget.limits
    if isinstance(design, CrossValidation):
        return replace(design, folds=min(design.folds, limits.folds), repeats=min(design.repeats, limits.repeats))
    if isinstance(design, Nested):
        return replace(design, outer=min(design.outer, limits.folds), inner=min(design.inner, max(2, limits.fits)))
    return design
