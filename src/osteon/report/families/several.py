"""Three classes or more at once: what was taken for what, and the figures that look at all classes together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.report.cells import bare, share
from osteon.report.content import Block, Cell, Folded, Table
from osteon.report.facts import Facts
from osteon.report.families.family import count_cell
from osteon.report.words import number

if TYPE_CHECKING:
    import pandas as pd

    from osteon.validation.class_sets import Classed

KEY = ["fold", "case", "unit"]
PANEL = {"sensitivity": "Sensitivity", "specificity": "Specificity", "ppv": "PPV", "npv": "NPV", "f1": "F1"}


def several(facts: Facts, target: str) -> tuple[Block, ...]:
    """Confusion, the panel of each class, and figures over all classes for every model; none for two classes."""
    names = facts.study.targets[target].names  # type: ignore[attr-defined]
    if len(names) < 3:
        return ()
    model = facts.models_of(target)[0]
    truth, called = _calls(facts.test(model, target, facts.study.targets[target].findings[0]))
    if not len(truth):
        return ()
    body = tuple((true, *(count_cell(int(((truth == i) & (called == k)).sum())) for k in range(len(names)))) for i, true in enumerate(names))
    confusion = Table(f"confusion-{target}", f"What was taken for what: {target}, {model}", columns=("True class", *(f"called {n}" for n in names)), rows=body, tone="tight")
    return (confusion, _panels(facts, target, (truth, called)), _together(facts, target))


def _calls(lines: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """True and named class (n,) by number."""
    known = lines[(lines["withheld"] == "") & lines["n.truth"].notna() & lines["n.answer"].notna()]
    return known["n.truth"].to_numpy(int), known["n.answer"].to_numpy(int)


def _panels(facts: Facts, target: str, pair: tuple[np.ndarray, np.ndarray]) -> Block:
    from osteon.stats.multiclass import class_panels

    names = facts.study.targets[target].names  # type: ignore[attr-defined]
    rows = tuple((name, *(share(panel[k]) for k in PANEL)) for name, panel in zip(names, class_panels(*pair, classes=len(names)), strict=True))
    return Folded("Each class against all others", (Table(f"classes-{target}", f"Each class against all others, {facts.models_of(target)[0]}", columns=("Class", *PANEL.values()), rows=rows, tone="tight"),))


def _together(facts: Facts, target: str) -> Block:
    rows: list[tuple[Cell | str, ...]] = [(m, *cells) for m in facts.models_of(target) if (cells := _figures(facts, m, target)) is not None]
    columns = ("Model", "n", "Hand-Till M", "Mean one-against-rest AUC", "Balanced accuracy", "Macro F1", "MCC", "Among the two likeliest", "Brier (0 to 2)", "Log loss")
    return Table(f"all-classes-{target}", f"All classes together: {target}", columns=columns, rows=tuple(rows), tone="tight",
                 note="Hand-Till M is the mean AUC over pairs of classes, whatever their sizes (Hand and Till 2001). Figures that need a probability of every class are left out where a model does not give them.")


def _figures(facts: Facts, model: str, target: str) -> tuple[Cell, ...] | None:
    from osteon.stats import multiclass as m
    from osteon.stats.intervals import wilson

    declared = facts.study.targets[target]
    truth, called = _calls(facts.test(model, target, declared.findings[0]))
    if not len(truth):
        return None
    over = m.macro(truth, called, classes=len(declared.names))  # type: ignore[attr-defined]
    shared = (bare(over["balanced_accuracy"]), bare(over["macro_f1"]), bare(over["mcc"]))
    known = classed(facts, model, target)
    if known is None:
        return (count_cell(len(truth)), Cell("–"), Cell("–"), *shared, Cell("–"), Cell("–"), Cell("–"))
    y, p = known.truth, known.predicted
    areas = m.one_vs_rest_aucs(y, p)
    mean = float(np.nanmean(areas)) if np.isfinite(areas).any() else float("nan")
    second = wilson(int(m.top_k(y, p, 2).sum()), len(y))
    return (count_cell(len(truth)), bare(m.hand_till(y, p)), bare(mean), *shared, Cell(f"{number(100 * second.estimate, 1)}\u00a0%", f"{number(100 * second.lower, 1)} to {number(100 * second.upper, 1)}", value=second.estimate),
            bare(m.multiclass_brier(y, p)), bare(m.multiclass_log_loss(y, p)))


def classed(facts: Facts, model: str, target: str, part: str = "test") -> Classed | None:
    """Classes with their probabilities on one part, where the target judges every class and the rows sum to 1; None elsewhere."""
    from osteon.validation.class_sets import Classed

    names = facts.study.targets[target].names  # type: ignore[attr-defined]
    lines = facts.lines[model]
    known = lines[(lines["part"] == part) & (lines["target"] == target) & (lines["withheld"] == "") & lines["n.truth"].notna()]
    wide = known.pivot_table(index=KEY, columns="finding", values="score", aggfunc="first").reindex(columns=list(names))
    truth = known.drop_duplicates(KEY).set_index(KEY)["n.truth"].reindex(wide.index).to_numpy(int)
    p = wide.to_numpy(float)
    if not len(p) or not np.isfinite(p).all() or np.abs(p.sum(1) - 1).max() > 1e-4:
        return None
    return Classed(truth, p / p.sum(1, keepdims=True), wide.index.get_level_values("fold").to_numpy(str))
