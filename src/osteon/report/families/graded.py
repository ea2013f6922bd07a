"""Steps of an ordered scale: what was taken for what, how many steps off, and whether the probabilities of all steps are right."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from osteon.report.cells import bare, figure, share
from osteon.report.content import Block, Cell, Table
from osteon.report.facts import Facts
from osteon.report.families import anything
from osteon.report.families.family import Family, count_cell
from osteon.report.words import number, plural
from osteon.targets.lines import answered

if TYPE_CHECKING:
    import pandas as pd


def results(facts: Facts, target: str) -> tuple[Block, ...]:
    """The figures of every model, confusion of the first, and the scale as a whole."""
    shared = anything.results(facts, target)
    model = facts.models_of(target)[0]
    known = _known(facts, model, target)
    if not shared or not len(known):
        return shared
    names = facts.study.targets[target].names  # type: ignore[attr-defined]
    truth, called = known["n.truth"].to_numpy(int), known["n.answer"].to_numpy(int)
    body = tuple((true, *(count_cell(int(((truth == i) & (called == k)).sum())) for k in range(len(names)))) for i, true in enumerate(names))
    confusion = Table(f"confusion-{target}", f"What was taken for what: {target}, {model}", columns=("True step", *(f"called {n}" for n in names)), rows=body, tone="tight")
    return (shared[0], confusion, _scale(facts, target), *shared[1:])


def _known(facts: Facts, model: str, target: str) -> pd.DataFrame:
    lines = answered(facts.test(model, target))
    return lines[lines["n.truth"].notna() & lines["n.answer"].notna()]


def _scale(facts: Facts, target: str) -> Table:
    rows: tuple[tuple[Cell | str, ...], ...] = tuple((m, *cells) for m in facts.models_of(target) if (cells := _figures(facts, m, target)) is not None)
    columns = ("Model", "n", "Exact", "Within one step", "Steps off, mean", "Ranked probability score", "Pairs in order")
    return Table(f"scale-{target}", f"The scale as a whole: {target}", columns=columns, rows=rows, tone="tight",
                 note="Ranked probability score: squared error of the cumulated probabilities, 0 is perfect; it needs a probability of each step. Pairs in order: of two cases of unequal step, the share whose score is in order.")


def _figures(facts: Facts, model: str, target: str) -> tuple[Cell, ...] | None:
    from osteon.stats.ordinal import grade_errors, ordinal_concordance

    known, names = _known(facts, model, target), facts.study.targets[target].names  # type: ignore[attr-defined]
    if not len(known):
        return None
    truth, called, score = known["n.truth"].to_numpy(int), known["n.answer"].to_numpy(int), known["score"].to_numpy(float)
    found = grade_errors(truth, called, classes=len(names), patients=known["patient"].to_numpy(str))
    return (count_cell(len(known)), share(found["accuracy"]), share(found["within_one_grade"]), figure(found["mean_absolute_error"], 2), _ranked(facts, model, target, known),
            bare(ordinal_concordance(truth, score)))


def _ranked(facts: Facts, model: str, target: str, known: pd.DataFrame) -> Cell:
    """The mean ranked probability score over the cases whose answer gives a probability of each step."""
    from osteon.stats.ordinal import ranked_probability_scores

    given = {(kept["fold"], kept["case"]): kept["values"].get(target, {}).get("probabilities") for kept in facts.run.values(model) if kept.get("part", "test") == "test"}
    pairs = [(int(t), p) for fold, case, t in zip(known["fold"], known["case"], known["n.truth"], strict=True) if (p := given.get((fold, case)))]
    if not pairs:
        return Cell("–")
    p = np.array([p for _, p in pairs], float)
    return bare(float(ranked_probability_scores([t for t, _ in pairs], p / p.sum(1, keepdims=True)).mean()))


def errors(facts: Facts, model: str, target: str) -> pd.DataFrame:
    """Steps off, then how far the score of the finding lies from the truth."""
    import pandas as pd

    known, names = _known(facts, model, target), facts.study.targets[target].names  # type: ignore[attr-defined]
    steps = (known["n.answer"] - known["n.truth"]).abs().to_numpy(float)
    told = [f"called {names[int(a)]}, {facts.words.truth} {names[int(t)]}: {plural(abs(a - t), 'step')} off" for a, t in zip(known["n.answer"], known["n.truth"], strict=True)]
    positive = (known["state"] == "true").to_numpy(float)
    return pd.DataFrame({"case": known["case"].to_numpy(), "error": steps + 0.5 * np.abs(positive - known["score"].to_numpy(float)), "told": told, "wrong": steps > 0})


def found(facts: Facts) -> tuple[str, ...]:
    """The headline, and how many steps off in words."""
    known = _known(facts, facts.label, facts.primary.question.target)
    first = anything.found(facts)
    if not len(known):
        return first
    steps = (known["n.answer"] - known["n.truth"]).abs()
    return (*first, f"Of 100 answers {number(100 * float((steps == 0).mean()))} name the very step, and {number(100 * float((steps <= 1).mean()))} are at most one step off.")


FAMILY: Family = replace(anything.family("kappa_quadratic", "mae"), found=found, results=results, errors=errors)
