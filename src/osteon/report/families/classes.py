"""Named classes: ranking, calls at the cut, and whether the probabilities are right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.report.content import Block, Paragraph
from osteon.report.facts import Facts
from osteon.report.families.at_cut import at_cut, hundred_words
from osteon.report.families.calibrated import in_depth
from osteon.report.families.family import Family, count_cell, drawing, limits, metric_table
from osteon.report.families.several import several
from osteon.report.terms import inline
from osteon.report.words import finding_words, many, number
from osteon.row import EvidenceRow
from osteon.targets.lines import TRUE, judged

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

RESAMPLES, MOST_RESAMPLED = 400, 4000
PROBABILITY = ("brier", "calibration_slope", "calibration_intercept", "calibration_in_the_large", "observed_expected")


def found(facts: Facts) -> tuple[str, ...]:
    """The primary result: pairs ranked rightly, then a hundred cases at the cut."""
    row, unit = facts.primary, facts.words.counted
    spoken, auc = finding_words(row.question.target, row.question.finding), row.metrics.get("auc")
    if not auc or limits(row.metrics, "auc")[0] != limits(row.metrics, "auc")[0]:
        return (f"How well {row.source.model} ranks {many(unit)} is not defined: {auc['reason'] if auc else 'there is no judged line'}.",)
    top = facts.ceiling(row, "auc")
    of = f" of an attainable {number(top, 3)}" if top else ""
    pairs = (f"Of two {many(unit)}, one with “{spoken}” and one without, {row.source.model} gives the right one the higher score {number(100 * auc['estimate'])} times in 100; a coin 50 "
             f"(area under the ROC curve, AUC, {number(auc['estimate'], 3)}{of}).")
    return (pairs, hundred_words(facts, row, spoken)) if row.table is not None else (pairs,)


def scale(facts: Facts) -> Figure | None:
    """The AUC from chance to perfect, with the folds and the ceiling."""
    from osteon.report.figures.intervals import scale as draw

    row = facts.primary
    value = limits(row.metrics, "auc")
    if value[0] != value[0]:
        return None
    top = facts.ceiling(row, "auc")
    low = min(0.5, value[1] if value[1] == value[1] else value[0])
    return draw(value, (low, 1.0), names=(f"{number(low, 2)}{' chance' if low == 0.5 else ''}", "perfect 1"), marks=[(top, f"attainable {number(top, 3)}")] if top else [],
                folds=fold_aucs(facts) if len(facts.folds) > 1 else [])


def fold_aucs(facts: Facts) -> list[float]:
    """The AUC of each fold of the primary row, where it is defined."""
    from osteon.stats.roc import auc

    row, out = facts.primary, []
    for _, part in judged(facts.test(row.source.model, row.question.target, row.question.finding)).groupby("fold", sort=False):
        truth = (part["state"] == TRUE).to_numpy()
        if truth.any() and not truth.all():
            out.append(auc(truth, part["score"].to_numpy(float)))
    return out


def results(facts: Facts, target: str) -> tuple[Block, ...]:
    """Every finding of a target: AUC, ROC, cut, calibration; with more than two classes what was taken for what."""
    blocks: list[Block] = []
    for finding in facts.study.targets[target].findings:
        rows = [r for m in facts.models_of(target) if (r := facts.row(m, target, finding)) is not None and r.metrics]
        if rows:
            blocks += _finding(facts, target, finding, rows)
    return (*blocks, *several(facts, target))


def _finding(facts: Facts, target: str, finding: str, rows: list[EvidenceRow]) -> tuple[Block, ...]:
    spoken = finding_words(target, finding)
    heads = [((r.source.model, count_cell(r.counts.get("n", 0)), count_cell(facts.states(r)[0])), r) for r in rows]
    ranking = metric_table(facts, f"ranking-{target}-{finding}", f"How well “{spoken}” is ranked", heads, first=("Model", many(facts.words.unit).capitalize(), "With it"), keys=("auc", "brier"), note=_fold_note(facts))
    calibrated = metric_table(facts, f"calibration-{target}-{finding}", f"Are the probabilities of “{spoken}” right?", [((r.source.model,), r) for r in rows], first=("Model",),
                              keys=PROBABILITY[1:], note="Right is a slope of 1, an intercept of 0, 0 in the large and O:E of 1.")
    return (ranking, *_roc(facts, target, finding, rows, spoken), *at_cut(facts, target, finding, spoken), calibrated, *_calibration(facts, target, finding, rows, spoken), *in_depth(facts, target, finding, rows, spoken))


def _fold_note(facts: Facts) -> str:
    if len(facts.folds) < 2:
        return ""
    return f"The AUC is taken within each of the {len(facts.folds)} folds and averaged; its interval takes the folds as independent, which leaves out what their training parts share."


def _roc(facts: Facts, target: str, finding: str, rows: list[EvidenceRow], spoken: str) -> tuple[Block, ...]:
    from osteon.report.figures.ranking import Panel, roc
    from osteon.stats.curves import roc_points

    panels = []
    for row in rows:
        curves = []
        for _, part in judged(facts.test(row.source.model, target, finding)).groupby("fold", sort=False):
            truth = (part["state"] == TRUE).to_numpy()
            if truth.any() and not truth.all():
                curve = roc_points(truth, part["score"].to_numpy(float))
                curves.append((curve.false_positive_rate, curve.true_positive_rate))
        if curves:
            band = _band(facts, row, target, finding) if len(curves) == 1 and row is rows[0] else None
            panels.append(Panel(row.source.model, f"AUC {inline('auc', row.metrics['auc'])}", folds=tuple(curves), point=_point(row.metrics), band=band))
    if not panels:
        return (Paragraph(("No ROC curve: each fold of the test part holds one state only.",), "note"),)
    folds = "Thin lines are folds, the bold line is their mean. " if len(facts.folds) > 1 else ""
    shade = f"The band of the first model holds 95 of 100 curves with other {many(facts.words.person)}, point by point. " if panels[0].band else ""
    return (drawing(facts, roc(panels, flagged=f"“{spoken}”"), f"roc-{target}-{finding}", f"ROC curves of “{spoken}”", alt=f"ROC curves of {len(panels)} models; " + "; ".join(f"{p.title}: {p.under}" for p in panels),
                    caption=f"{folds}{shade}The diamond is the cut, chosen on other cases, with the 95 % limits of both rates; the dashed diagonal is chance."),)


def _band(facts: Facts, row: EvidenceRow, target: str, finding: str) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """False-positive rates with the limits of the sensitivity, patients resampled; None above a number of cases that takes seconds."""
    from osteon.stats.curves import roc_band

    known = judged(facts.test(row.source.model, target, finding))
    if len(known) > MOST_RESAMPLED:
        return None
    found = roc_band((known["state"] == TRUE).to_numpy(), known["score"].to_numpy(float), patients=known["patient"].to_numpy(str), resamples=RESAMPLES)
    return found.false_positive_rate, found.lower, found.upper


def _point(metrics: Any) -> tuple[tuple[float, float, float], tuple[float, float, float]] | None:
    sensitivity, specificity = limits(metrics, "sensitivity"), limits(metrics, "specificity")
    if sensitivity[0] != sensitivity[0] or specificity[0] != specificity[0]:
        return None
    return (1 - specificity[0], 1 - specificity[2], 1 - specificity[1]), sensitivity


def _calibration(facts: Facts, target: str, finding: str, rows: list[EvidenceRow], spoken: str) -> tuple[Block, ...]:
    from osteon.report.figures.probability import Calibration, calibration, grouped
    from osteon.stats.calibration import calibration_curve

    panels = []
    for row in rows:
        known = judged(facts.test(row.source.model, target, finding))
        truth, p = (known["state"] == TRUE).to_numpy(), np.clip(known["score"].to_numpy(float), 0, 1)
        if len(known) >= 10 and truth.any() and not truth.all() and len(np.unique(p)) > 2:  # yes and no are no probabilities
            found = row.metrics.get("calibration_slope", {"estimate": None})
            slope = inline("calibration_slope", found) if found["estimate"] is not None and found["estimate"] == found["estimate"] else "not defined"
            panels.append(Calibration(row.source.model, f"slope {slope}", predicted=p, truth=truth, curve=tuple(calibration_curve(truth, p, points=60)), groups=grouped(p, truth)))
    if not panels:
        return (Paragraph(("No calibration curve: too few cases, one state only, or no more than two probabilities.",), "note"),)
    return (drawing(facts, calibration(panels, finding=spoken), f"calibration-curves-{target}-{finding}", f"Calibration of “{spoken}”", alt=f"Calibration curves of {len(panels)} models; " + "; ".join(f"{p.title}: {p.under}" for p in panels),
                    caption="On the dashed diagonal a probability of 30 % comes true in 30 of 100. Points are tenths of the cases by probability, with 95 % limits; the line is a local regression with its band. "
                    "Below: how often each probability is given, upwards to cases with the finding, downwards to those without."),)


def errors(facts: Facts, model: str, target: str) -> pd.DataFrame:
    """How far the score of the main finding lies from the truth (0 to 1), and on which side of the cut."""
    import pandas as pd

    finding = facts.study.targets[target].findings[0]
    known, spoken = judged(facts.test(model, target, finding)), finding_words(target, finding)
    truth, score = (known["state"] == TRUE).to_numpy(), known["score"].to_numpy(float)
    wrong = truth != (score >= known["cut"].to_numpy(float))
    told = [f"{'with' if t else 'without'} “{spoken}”, probability {number(100 * s)} %{', wrong at the cut' if w else ''}" for t, s, w in zip(truth, score, wrong, strict=True)]
    return pd.DataFrame({"case": known["case"].to_numpy(), "error": np.abs(truth - score), "told": told, "wrong": wrong})


FAMILY = Family("auc", ("auc", "sensitivity", "specificity"), found=found, results=results, errors=errors, scale=scale)
