"""What a cut does: the two-by-two, its shares, and the same as a hundred cases. Classes, and readings with a declared cut, share it."""

from __future__ import annotations

from typing import Any

from osteon.report.content import Beside, Block, Cell, Paragraph, Table
from osteon.report.facts import Facts
from osteon.report.families.family import count_cell, drawing, metric_table
from osteon.report.terms import inline
from osteon.report.words import many, number, plural, with_unit
from osteon.row import EvidenceRow, TwoByTwo
from osteon.targets import Declared, Sensitivity

KEYS = ("sensitivity", "specificity", "ppv", "npv", "lr_positive", "lr_negative", "accuracy", "kappa")


def at_cut(facts: Facts, target: str, finding: str, spoken: str) -> tuple[Block, ...]:
    """Table of all models at their cut, then the two-by-two of the first one with its hundred cases; a sentence where there is no cut."""
    rows = [r for m in facts.models_of(target) if (r := facts.row(m, target, finding)) is not None and r.table is not None]
    if not rows:
        return (Paragraph((f"No cut could be chosen for “{spoken}” (the tune part holds one state only, or none), so nothing is said of flagged and unflagged {many(facts.words.unit)}.",), "note"),)
    facts_rows = [((r.source.model, _cut_cell(facts, r)), r) for r in rows]
    table = metric_table(facts, f"at-cut-{target}-{finding}", f"At the cut, “{spoken}”", facts_rows, first=("Model", "Cut"), keys=KEYS, note=cut_words(facts, target))
    first = rows[0]
    assert first.table is not None
    assert first.table.tn is not None
    counts = per_hundred((first.table.tp, first.table.fp, first.table.fn, first.table.tn))
    unit = many(facts.words.unit)
    names = (f"flagged, with\n“{spoken}”", "flagged, without it\n(false alarm)", "not flagged, with it\n(missed)", "not flagged,\nwithout it")
    from osteon.report.figures.ranking import hundred

    icons = drawing(facts, hundred(counts, names=names), f"hundred-{target}-{finding}", f"A hundred {unit} like these, {first.source.model}", alt=hundred_words(facts, first, spoken))
    return (table, Beside((two_by_two(facts, first, spoken), icons)), Paragraph((hundred_words(facts, first, spoken), _ratios(first)), "lead"))


def _cut_cell(facts: Facts, row: EvidenceRow) -> Cell:
    assert row.table is not None
    if row.table.cut is None:
        return Cell("–")
    unit = facts.unit_of(row.question.target, row.question.finding)
    below = "median of the folds" if len(facts.folds) > 1 and row.table.cut_chosen_on == "tune" else ""
    return Cell(with_unit(row.table.cut, unit, 1) if unit else number(row.table.cut, 3), below, value=row.table.cut)


def cut_words(facts: Facts, target: str) -> str:
    """How the cut of a target was come by."""
    cut: Any = facts.study.targets[target].cut
    if isinstance(cut, Declared):
        spoken = facts.spoken(next(r for r in facts.rows if r.question.target == target))
        return f"The cut ({spoken}) was declared before the run and not tuned."
    rule = f"the highest cut that keeps a sensitivity of {number(100 * cut.at)} %" if isinstance(cut, Sensitivity) else "the cut with the largest sum of sensitivity and specificity (Youden)"
    return f"The cut was chosen on the tune part, {rule}, and applied unchanged to the test part{', fold by fold' if len(facts.folds) > 1 else ''}."


def two_by_two(facts: Facts, row: EvidenceRow, spoken: str) -> Table:
    """The two-by-two of a row with its totals."""
    t: TwoByTwo | None = row.table
    assert t is not None
    assert t.tn is not None
    lines = (("Flagged", t.tp, t.fp), ("Not flagged", t.fn, t.tn), ("Together", t.tp + t.fn, t.fp + t.tn))
    body = tuple((name, count_cell(a), count_cell(b), count_cell(a + b)) for name, a, b in lines)
    return Table(f"two-by-two-{row.question.target}-{row.question.finding}", f"Two-by-two, {row.source.model}", columns=("", f"With “{spoken}”", "Without", "Together"), rows=body,
                 note=f"Counts of {many(facts.words.counted)} of the test part. {plural(row.counts.get('withheld', 0), 'answer')} withheld and {plural(row.counts.get('indeterminate', 0), 'open reference')} are not in it.", tone="tight")


def per_hundred(counts: tuple[int, int, int, int]) -> tuple[int, int, int, int]:
    """Four counts as whole numbers that sum to 100 (largest remainders); zeros where there is no case."""
    total = sum(counts)
    if not total:
        return (0, 0, 0, 0)
    exact = [100 * c / total for c in counts]
    out = [int(e) for e in exact]
    for k in sorted(range(4), key=lambda i: out[i] - exact[i])[: 100 - sum(out)]:
        out[k] += 1
    return tuple(out)  # type: ignore[return-value]


def hundred_words(facts: Facts, row: EvidenceRow, spoken: str) -> str:
    """The two-by-two as natural frequencies."""
    t = row.table
    assert t is not None
    assert t.tn is not None
    tp, fp, fn, tn = per_hundred((t.tp, t.fp, t.fn, t.tn))
    return (f"Of 100 {many(facts.words.counted)} like these, {tp + fn} {'has' if tp + fn == 1 else 'have'} “{spoken}”. The model flags {tp + fp}: {tp} rightly and {fp} falsely. "
            f"Of the {fn + tn} that it does not flag, {fn} {'has' if fn == 1 else 'have'} it all the same.")


def _ratios(row: EvidenceRow) -> str:
    known = {k: inline(k, row.metrics[k]) for k in ("lr_positive", "lr_negative") if k in row.metrics}
    if len(known) < 2:
        return ""
    return f"A flag multiplies the odds of the finding by {known['lr_positive']}, no flag by {known['lr_negative']} (likelihood ratios)."
