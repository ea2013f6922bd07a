"""How far the primary figure hangs on the division, the seed, the way an interval is made, and on several cases of one patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.report.cells import bare, figure, share
from osteon.report.content import Block, Cell, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.families import family_of
from osteon.report.families.family import count_cell, metric_cell
from osteon.report.terms import METRICS, cell, header, printed
from osteon.report.words import many, number, plural
from osteon.stats import intervals
from osteon.targets.lines import TRUE, judged
from osteon.validation.repeats import FILE, SEEDS

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval

METHODS = {"Wilson (used)": intervals.wilson, "Clopper-Pearson": intervals.clopper_pearson, "Jeffreys": intervals.jeffreys, "Agresti-Coull": intervals.agresti_coull, "logit": intervals.logit}
RESAMPLES, MOST = 2000, 50_000  # resamples of patients; cases above which they are not made


def sensitivity(facts: Facts) -> Section:
    """Folds, other seeds, other intervals, and what several cases of one patient do."""
    blocks = (*_folds(facts), *_seeds(facts), *_intervals(facts), *_patients(facts))
    return Section("sensitivity", "What it hangs on", blocks or (Paragraph(("One division, one seed: how far the figures hang on them is not known.",), "note"),))


def _key(facts: Facts) -> str:
    return family_of(facts.study.targets[facts.primary.question.target]).headline


def _folds(facts: Facts) -> tuple[Block, ...]:
    """The primary figure in each fold."""
    row, key = facts.primary, _key(facts)
    if len(facts.folds) < 2 or key not in row.metrics:
        return ()
    unit = facts.unit_of(row.question.target, row.question.finding) if METRICS[key].scale == "unit" else ""
    target = facts.study.targets[row.question.target]
    lines = facts.test(row.source.model, row.question.target, row.question.finding)
    found = {str(name): target.metrics(part).get(key) for name, part in lines.groupby("fold", sort=False)}
    rows = [(name, count_cell(int((lines["fold"] == name).sum())), cell(key, {"estimate": v.estimate, "lower": v.lower, "upper": v.upper, "reason": v.reason} if v else None, unit)) for name, v in found.items()]
    values = [v.estimate for v in found.values() if v is not None and v.estimate == v.estimate]
    text = f"Over {plural(len(facts.folds), 'fold')} the figure runs from {printed(METRICS[key], min(values), unit)} to {printed(METRICS[key], max(values), unit)}." if values else "No fold has a figure of its own."
    return (Paragraph((text,)), Table("by-fold", f"{facts.label}, fold by fold", columns=("Fold", "Lines", header(key)), rows=tuple(rows), tone="tight"))


def _seeds(facts: Facts) -> tuple[Block, ...]:
    """The same study on the same cases with other seeds, where such runs were given."""
    key = _key(facts)
    path = facts.run.folder / FILE
    if not path.exists():
        return (Paragraph((f"No run with another seed was set beside this one. {SEEDS} or more show what the draw of the parts and of the training does: “osteon run STUDY --seed 1 …”, then “osteon report RUN --repeat OTHER”.",), "note"),)
    table = facts.run.table("repeats")
    mine = table[table["metric"] == key].copy()
    own = facts.primary.metrics.get(key, {})
    unit = facts.unit_of(facts.primary.question.target, facts.primary.question.finding) if METRICS[key].scale == "unit" else ""
    rows: list[tuple[Cell | str, ...]] = [(f"{facts.about['seed']} (this run)", metric_cell(facts, facts.primary, key))]
    rows += [(str(r.seed), cell(key, {"estimate": r.estimate, "lower": r.lower, "upper": r.upper, "reason": ""}, unit)) for r in mine.itertuples()]
    values = np.array([own.get("estimate", np.nan), *mine["estimate"]], float)
    values = values[np.isfinite(values)]
    spread = f"standard deviation {number(float(values.std(ddof=1)), 4)}, from {printed(METRICS[key], float(values.min()), unit)} to {printed(METRICS[key], float(values.max()), unit)}" if len(values) > 1 else "no spread"
    few = "" if len(values) >= SEEDS else f" Fewer than {SEEDS} seeds tell little."
    return (Paragraph((f"With {plural(len(values), 'seed')}: {spread}.{few}",)), Table("by-seed", "The same study and cases, other seeds", columns=("Seed", header(key)), rows=tuple(rows), tone="tight"))


def _judged(facts: Facts) -> pd.DataFrame:
    row = facts.primary
    known = judged(facts.test(row.source.model, row.question.target, row.question.finding))
    return known[~known["unit"].isin(("lesion", "mark"))]


def _intervals(facts: Facts) -> tuple[Block, ...]:
    """The interval of AUC, sensitivity and specificity by other methods."""
    t, known = facts.primary.table, _judged(facts)
    rows: list[tuple[Cell | str, ...]] = []
    if len(facts.folds) == 1 and len(known) and known["state"].nunique() == 2 and len(known) <= MOST:
        rows += [("AUC",), *((f"– {name}", figure(v)) for name, v in _areas(known).items())]
    if t is not None and t.tn is not None:
        for name, hits, total in (("Sensitivity", t.tp, t.tp + t.fn), ("Specificity", t.tn, t.fp + t.tn)):
            rows += [(name,), *((f"– {method}", share(make(hits, total))) for method, make in METHODS.items() if total)]
    if not rows:
        return ()
    return (Table("intervals", "The same figures with other intervals", columns=("", "Estimate"), rows=tuple(rows), tone="tight",
                  note="How often each interval holds the truth is measured in docs/methods.md of the software. Intervals that differ much mean few cases, or patients that give several."),)


def _areas(known: pd.DataFrame) -> dict[str, Interval]:
    from osteon.stats.clusters import bootstrap_auc, clustered_auc_interval
    from osteon.stats.curves import partial_auc_interval
    from osteon.stats.roc import auc_interval

    truth, score, patient = (known["state"] == TRUE).to_numpy(), known["score"].to_numpy(float), known["patient"].to_numpy(str)
    boot = {f"patients resampled, {name}": bootstrap_auc(truth, score, patient, resamples=RESAMPLES, method=name) for name in ("percentile", "BCa")}
    part = {"up to a false-positive rate of 0.2 (McClish), patients not resampled": partial_auc_interval(truth, score, max_fpr=0.2, resamples=200)} if len(known) <= 5000 else {}
    return {"DeLong, logit": auc_interval(truth, score), "DeLong, linear (as pROC)": auc_interval(truth, score, scale="linear"), "Obuchowski, patients as units": clustered_auc_interval(truth, score, patient), **boot, **part}


def _patients(facts: Facts) -> tuple[Block, ...]:
    """How alike several cases of one patient are judged, and what that costs."""
    from osteon.stats.clusters import anova_icc, ratio_variance

    known = _judged(facts)
    if not len(known) or known["patient"].nunique() == len(known) or known["cut"].isna().any():
        return ()
    right = ((known["state"] == TRUE) == (known["score"] >= known["cut"])).to_numpy(float)
    patient = known["patient"].to_numpy(str)
    _, variance, plain = ratio_variance(right, patient)
    rows = (("Cases a patient, mean", bare(len(known) / known["patient"].nunique(), 2)), ("Likeness of right and wrong calls within a patient (ICC)", bare(anova_icc(right, patient))),
            ("Design effect: variance over that of as many patients", bare(variance / plain if plain > 0 else float("nan"), 2)))
    return (Table("within-patients", f"Several {many(facts.words.unit)} of one {facts.words.person}", columns=("", ""), rows=rows, tone="tight", note="The intervals of this report take patients, not cases, as the units wherever they repeat."),)
