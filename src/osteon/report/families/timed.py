"""Time to an event: who is free of it for how long, whether the risk is right, and how well it ranks, with those who were not followed to the end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.report.cells import bare, figure, share, tested
from osteon.report.content import Block, Cell, Table
from osteon.report.facts import Facts
from osteon.report.families import anything
from osteon.report.families.family import Family, count_cell, drawing
from osteon.report.words import number
from osteon.targets.lines import answered
from osteon.value import Risk

if TYPE_CHECKING:
    import pandas as pd

THIRDS = ("low risk", "middle risk", "high risk")
LEAST, MOST_TICKS = 30, 5
GROUPS = 5


def results(facts: Facts, target: str) -> tuple[Block, ...]:
    """The figures of every model, then courses by risk, figures at the horizon and calibration there."""
    shared = anything.results(facts, target)
    model = facts.models_of(target)[0]
    known = _known(facts, model, target)
    if not shared or len(known) < LEAST or known["n.event"].sum() < 2:
        return shared
    return (shared[0], *_courses(facts, target, known), _at_horizon(facts, target), *_calibrated(facts, target, known), *shared[1:])


def _known(facts: Facts, model: str, target: str) -> pd.DataFrame:
    lines = answered(facts.test(model, target))
    return lines[lines["n.time"].notna() & lines["n.event"].notna()]


def _arrays(known: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time, event and risk at the horizon (n,)."""
    return known["n.time"].to_numpy(float), known["n.event"].to_numpy(int), np.clip(known["score"].to_numpy(float), 0, 1)


def _courses(facts: Facts, target: str, known: pd.DataFrame) -> tuple[Block, ...]:
    """Kaplan-Meier by thirds of the predicted risk, the log-rank test, the mean time free of the event, and Cox's hazard ratio of the risk."""
    from osteon.report.figures.survival import courses
    from osteon.stats.survival import fit_cox, log_rank, restricted_mean

    declared: Any = facts.study.targets[target]
    time, event, risk = _arrays(known)
    third = np.searchsorted(np.quantile(risk, (1 / 3, 2 / 3)), risk, side="left")
    groups = [k for k in range(3) if (third == k).sum() >= 5]
    if len(groups) < 2:
        return ()
    figure_ = courses([_course(THIRDS[k], time[third == k], event[third == k]) for k in groups], event=declared.name, horizon=declared.horizon)
    rows = tuple((THIRDS[k], count_cell(int((third == k).sum())), count_cell(int(event[third == k].sum())), figure(restricted_mean(time[third == k], event[third == k], horizon=declared.horizon), 2)) for k in groups)
    spread = risk.std()
    cox = fit_cox(((risk - risk.mean()) / spread)[:, None], time, event).interval(0) if spread > 0 else None
    ratio = f" One standard deviation more of predicted risk multiplies the hazard by {number(float(np.exp(cox.estimate)), 2)} ({number(float(np.exp(cox.lower)), 2)} to {number(float(np.exp(cox.upper)), 2)}; Cox)." if cox and cox.defined else ""
    test = log_rank(time, event, third)
    note = f"Log-rank test of equal hazards: p {tested(test).text}.{ratio} Mean time free of {declared.name} is taken up to {number(declared.horizon, 1)}."
    return (drawing(facts, figure_, f"courses-{target}", f"Still free of {declared.name}, by predicted risk: {facts.models_of(target)[0]}", alt=f"Kaplan-Meier curves of {len(groups)} thirds of predicted risk", caption="Bands: 95 % limits. Dashed: the horizon."),
            Table(f"thirds-{target}", "Thirds of predicted risk", columns=("", "n", "Events", "Mean time free"), rows=rows, note=note, tone="tight"))


def _course(name: str, time: np.ndarray, event: np.ndarray) -> Any:
    from osteon.report.figures.survival import Course
    from osteon.stats.survival import kaplan_meier

    curve = kaplan_meier(time, event)
    limits = [curve.interval(t) for t in curve.times]
    free = np.concatenate([[1.0], curve.survival])
    low, high = (np.concatenate([[1.0], np.nan_to_num([getattr(i, side) for i in limits], nan=0.0 if side == "lower" else 1.0)]) for side in ("lower", "upper"))
    return Course(name, times=np.concatenate([[0.0], curve.times]), free=free, lower=low, upper=high)


def _at_horizon(facts: Facts, target: str) -> Table:
    columns = ("Model", "n", "Events", "Uno's C", "AUC at the horizon", "Brier score at the horizon", "Explained (IPA)", "Integrated Brier", "O:E", "D-calibration p")
    rows: tuple[tuple[Cell | str, ...], ...] = tuple((m, *_figures(facts, m, target)) for m in facts.models_of(target))
    return Table(f"horizon-{target}", f"At {number(facts.study.targets[target].horizon, 1)}, censoring allowed for", columns=columns, rows=rows, tone="tight",  # type: ignore[attr-defined]
                 note="Weights by the inverse chance of not being censored. IPA: 1 less the Brier score over that of the Kaplan-Meier curve. Integrated Brier and D-calibration need the survival at several times.")


def _figures(facts: Facts, model: str, target: str) -> tuple[Cell, ...]:
    from osteon.stats import survival_prediction as s

    known, at = _known(facts, model, target), float(facts.study.targets[target].horizon)  # type: ignore[attr-defined]
    if len(known) < LEAST or known["n.event"].sum() < 2:
        return (count_cell(len(known)), *(Cell("too few") for _ in range(8)))
    time, event, risk = _arrays(known)
    brier, null = s.brier_at(time, event, 1 - risk, at=at), s.null_brier_at(time, event, at=at)
    ipa = 1 - brier.estimate / null if null and null == null else float("nan")
    return (count_cell(len(known)), count_cell(int(event.sum())), figure(s.uno_c(time, event, risk, horizon=at)), figure(s.time_auc(time, event, risk, at=at)), figure(brier), bare(ipa),
            *_curves(facts, model, target, known)[:1], figure(s.observed_expected_at(time, event, risk, at=at), 2), *_curves(facts, model, target, known)[1:])


def _curves(facts: Facts, model: str, target: str, known: pd.DataFrame) -> tuple[Cell, Cell]:
    """Integrated Brier score and D-calibration, from the survival at each time that the model answered."""
    from osteon.readers.values import from_plain
    from osteon.stats import survival_prediction as s

    given = {(k["fold"], k["case"]): from_plain(k["values"][target]) for k in facts.run.values(model) if k.get("part", "test") == "test" and target in k["values"]}
    answers = [given.get(key) for key in zip(known["fold"], known["case"], strict=True)]
    times = answers[0].times if isinstance(answers[0], Risk) else np.zeros(0)
    if len(times) < 2 or not all(isinstance(a, Risk) and np.array_equal(a.times, times) for a in answers):
        return Cell("–"), Cell("–")
    time, event, _ = _arrays(known)
    free = np.clip(np.array([a.survival for a in answers if isinstance(a, Risk)]), 0, 1)
    horizon = float(facts.study.targets[target].horizon)  # type: ignore[attr-defined]
    inside = [k for k, t in enumerate(times) if 0 < t <= horizon]
    scores = [s.brier_at(time, event, free[:, k], at=float(times[k])).estimate for k in inside]
    whole = s.integrated_brier([float(times[k]) for k in inside], scores) if len(inside) > 1 and np.isfinite(scores).all() else float("nan")
    own = np.array([np.interp(t, [0.0, *times], [1.0, *row]) for t, row in zip(time, free, strict=True)])
    return bare(whole), tested(s.d_calibration(event, own))


def _calibrated(facts: Facts, target: str, known: pd.DataFrame) -> tuple[Block, ...]:
    """Predicted against observed risk at the horizon, in groups of equal size."""
    from osteon.stats import survival_prediction as s

    time, event, risk = _arrays(known)
    at = float(facts.study.targets[target].horizon)  # type: ignore[attr-defined]
    if np.ptp(risk) == 0:
        return ()
    rows = tuple((f"group {k}", count_cell(g.size), Cell(f"{number(100 * g.predicted, 1)}\u00a0%", value=g.predicted), share(g.observed)) for k, g in enumerate(s.risk_groups(time, event, risk, at=at, groups=GROUPS), 1))
    gaps = s.calibration_errors_at(time, event, risk, at=at)
    note = f"Observed: 1 less Kaplan-Meier. Gap between the smooth curve and the diagonal: mean {number(gaps['ici'], 3)}, median {number(gaps['e50'], 3)}, 90th percentile {number(gaps['e90'], 3)}, largest {number(gaps['emax'], 3)} (Austin 2020)."
    return (Table(f"risk-groups-{target}", f"Is the risk at {number(at, 1)} right? {facts.models_of(target)[0]}", columns=("By predicted risk", "n", "Predicted", "Observed"), rows=rows, note=note, tone="tight"),)


def errors(facts: Facts, model: str, target: str) -> pd.DataFrame:
    """How far the risk at the horizon lies from what happened, where that is known."""
    import pandas as pd

    known = _known(facts, model, target)
    known = known[known["state"].isin(("true", "false"))]
    truth, score = (known["state"] == "true").to_numpy(), known["score"].to_numpy(float)
    wrong = truth != (score >= known["cut"].to_numpy(float))
    told = [f"{'event' if t else 'no event'} by the horizon, risk {number(100 * s)} %{', wrong at the cut' if w else ''}" for t, s, w in zip(truth, score, wrong, strict=True)]
    return pd.DataFrame({"case": known["case"].to_numpy(), "error": np.abs(truth - score), "told": told, "wrong": wrong})


FAMILY: Family = replace(anything.family("c_index", "auc"), results=results, errors=errors)
