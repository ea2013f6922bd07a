"""Readings in units: how far from the reference, in which direction, and within which limits."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.report.content import Block, Cell, Folded
from osteon.report.facts import Facts
from osteon.report.families.at_cut import at_cut
from osteon.report.families.family import Family, count_cell, drawing, limits, metric_table
from osteon.report.words import unit_name, with_unit
from osteon.row import EvidenceRow
from osteon.targets.lines import answered

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from osteon.report.figures.agreement import Pairs

KEYS = ("mae", "mae_of_the_mean", "bias", "loa_lower", "loa_upper", "icc", "ccc", "r", "distance")


def found(facts: Facts) -> tuple[str, ...]:
    """The primary result: the mean error beside that of a constant answer, then the limits of agreement."""
    row = facts.primary
    unit, name = facts.unit_of(row.question.target, row.question.finding), row.question.finding
    mae, mean = limits(row.metrics, "mae")[0], limits(row.metrics, "mae_of_the_mean")[0]
    if mae != mae:
        return (f"How far {name} lies from the {facts.words.truth} is not defined: {row.metrics.get('mae', {}).get('reason', 'there is no reading')}.",)
    low, high = limits(row.metrics, "loa_lower")[0], limits(row.metrics, "loa_upper")[0]
    out = [f"{name} by {row.source.model} lies {with_unit(mae, unit, 2)} from the {facts.words.truth} on average (mean absolute error); always answering the mean would lie {with_unit(mean, unit, 2)} off."]
    if low == low:
        bias = limits(row.metrics, "bias")[0]
        out.append(f"The differences average {with_unit(bias, unit, 2)} (bias), and about 95 of 100 lie between {with_unit(low, unit, 1)} and {with_unit(high, unit, 1)} (limits of agreement).")
    return tuple(out)


def scale(facts: Facts) -> Figure | None:
    """The mean absolute error from 0 to that of the constant answer."""
    from osteon.report.figures.intervals import scale as draw

    row = facts.primary
    value, mean = limits(row.metrics, "mae"), limits(row.metrics, "mae_of_the_mean")[0]
    if value[0] != value[0] or not mean > 0:
        return None
    unit = facts.unit_of(row.question.target, row.question.finding)
    end = max(mean, value[2] if value[2] == value[2] else value[0]) * 1.02
    return draw(value, (0, end), names=("0 no error", ""), marks=[(mean, f"always the mean {with_unit(mean, unit, 2)}")], folds=fold_errors(facts) if len(facts.folds) > 1 else [])


def fold_errors(facts: Facts) -> list[float]:
    """The mean absolute error of each fold of the primary row."""
    row = facts.primary
    known = answered(facts.test(row.source.model, row.question.target, row.question.finding))
    return [float(part["n.error"].abs().mean()) for _, part in known.groupby("fold", sort=False)]


def results(facts: Facts, target: str) -> tuple[Block, ...]:
    """Readings by side, agreement of the main one and of the others, how errors are spread, and calls at the cut."""
    declared: Any = facts.study.targets[target]
    model, main = facts.models_of(target)[0], declared.findings[0]
    if not len(facts.test(model, target)):
        return ()
    blocks: list[Block] = [*_readings(facts, target, model), *_figures(facts, target, model)]
    others = facts.models_of(target)[1:]
    if others:
        rows = [((m, count_cell(r.counts.get("n", 0))), r) for m in facts.models_of(target) if (r := facts.row(m, target, main)) is not None]
        blocks.append(metric_table(facts, f"models-{target}", f"{main} by every model", rows, first=("Model", "n"), keys=KEYS, note=paired(facts, target, main)))
        blocks.append(Folded("The other models, every reading", tuple(block for m in others for block in _readings(facts, target, m))))
    if declared.cut is not None:
        spoken = facts.spoken(next(r for r in facts.rows if (r.question.target, r.question.finding) == (target, main)))
        blocks += at_cut(facts, target, main, spoken)
    return tuple(blocks)


def paired(facts: Facts, target: str, finding: str) -> str:
    """How much nearer the first model reads than each other on the cases that both answer: the mean difference of absolute errors with its interval."""
    from osteon.stats.clusters import clustered_mean

    first, *others = facts.models_of(target)
    mine, out = _errors_of(facts, first, target, finding), []
    for other in others:
        both = mine.join(_errors_of(facts, other, target, finding)[["error"]], rsuffix="_other", how="inner")
        found = clustered_mean(both["error"] - both["error_other"], both["patient"]) if len(both) > 1 else None
        if found is not None and found.defined:
            unit = facts.unit_of(target, finding)
            low, high, mean = (with_unit(v, unit, 2) for v in (found.lower, found.upper, found.estimate))
            out.append(f"On the {len(both)} readings of both, the absolute error of {first} less that of {other} is {mean} on average ({low} to {high}; below 0 {first} is nearer).")
    return " ".join(out)


def _errors_of(facts: Facts, model: str, target: str, finding: str) -> pd.DataFrame:
    """Patient and absolute error of the answered readings of a model, by case, fold and side."""
    known = answered(facts.test(model, target, finding)).set_index(["case", "fold", "unit"])
    return known[["patient"]].assign(error=known["n.error"].abs())


def _readings(facts: Facts, target: str, model: str) -> tuple[Block, ...]:
    """A row for each reading, and folded away one for each side of each."""
    rows = [((finding.replace("_", " "), count_cell(r.counts.get("n", 0))), r) for finding in facts.study.targets[target].findings if (r := facts.row(model, target, finding)) is not None]
    note = f"Answer minus {facts.words.truth}. “Always the mean” is the error of one constant answer: what a reading must beat. Limits of agreement hold about 95 of 100 differences."
    table = metric_table(facts, f"readings-{target}-{model}", f"Readings by {model}", rows, first=("Reading", "n"), keys=KEYS, note=note)
    sides = [part for _, row in rows for part in _sides(facts, row)]
    if not sides:
        return (table,)
    return (table, Folded("Each side by itself", (metric_table(facts, f"sides-{target}-{model}", f"Readings by {model}, each side", sides, first=("Reading", "Side", "n"), keys=KEYS),)))


def _sides(facts: Facts, row: EvidenceRow) -> list[tuple[tuple[str | Cell, ...], EvidenceRow]]:
    target, finding = row.question.target, row.question.finding
    lines = facts.test(row.source.model, target, finding)
    parts = {side: lines[lines["unit"] == side] for side in sorted(set(lines["unit"]))}
    if len(parts) < 2:
        return []
    judged = {side: {k: asdict(v) for k, v in facts.study.targets[target].metrics(mine).items()} for side, mine in parts.items()}
    return [((finding.replace("_", " "), side, count_cell(len(answered(mine)))), replace(row, metrics=judged[side])) for side, mine in parts.items()]


def pairs_of(facts: Facts, target: str, model: str, finding: str) -> Pairs | None:
    """Reference and answer of a reading with its limits; None for fewer than 3."""
    from osteon.report.figures.agreement import Pairs

    known, row = answered(facts.test(model, target, finding)), facts.row(model, target, finding)
    if len(known) < 3 or row is None or known["n.truth"].isna().all():
        return None
    bounds = {k: limits(row.metrics, k) for k in ("bias", "loa_lower", "loa_upper")}
    return Pairs(finding.replace("_", " "), unit_name(facts.unit_of(target, finding)), truth=known["n.truth"].to_numpy(float), answer=known["n.answer"].to_numpy(float), sides=known["unit"].to_numpy(str), limits=bounds)


def _figures(facts: Facts, target: str, model: str) -> list[Block]:
    from osteon.report.figures.agreement import agreement, differences

    pairs = [p for f in facts.study.targets[target].findings if (p := pairs_of(facts, target, model, f)) is not None]
    if not pairs:
        return []
    caption = "Orange: bias (full) and limits of agreement (dashed), their 95 % interval as a band."
    out: list[Block] = [drawing(facts, agreement(pairs[0]), f"agreement-{target}", f"{pairs[0].name}: answer and {facts.words.truth}, {model}", caption=caption,
                                alt=f"Scatter and Bland-Altman plot of {len(pairs[0].truth)} readings of {pairs[0].name}")]
    if len(pairs) > 1:
        out.append(drawing(facts, differences(pairs[1:]), f"differences-{target}", f"The other readings: difference on mean, {model}", caption=caption, alt=f"Bland-Altman plots of {len(pairs) - 1} readings"))
    return out + _spread(facts, target, model, pairs)


def _spread(facts: Facts, target: str, model: str, pairs: list[Pairs]) -> list[Block]:
    from osteon.report.figures.agreement import spread

    out: list[Block] = []
    for unit in dict.fromkeys(p.unit for p in pairs):
        mine = [p for p in pairs if p.unit == unit]
        means = [float(np.abs(p.truth - p.truth.mean()).mean()) for p in mine]
        figure = spread([p.name for p in mine], [np.abs(p.answer - p.truth) for p in mine], label=f"absolute error, {unit}", marks=means)
        out.append(drawing(facts, figure, f"errors-{target}-{unit if unit.isalpha() else 'percent'}", f"How errors are spread, in {unit}", alt=f"Absolute errors of {len(mine)} readings in {unit}",
                           caption="Bar: the middle half; line: 5 to 95 of 100; white gap: the median; dots: the rest; open diamond: the mean error of always answering the mean."))
    return out


def errors(facts: Facts, model: str, target: str) -> pd.DataFrame:
    """The largest absolute error of the main reading over the sides of a case."""
    import pandas as pd

    main = facts.study.targets[target].findings[0]
    unit, known = facts.unit_of(target, main), answered(facts.test(model, target, main))
    size = known["n.error"].abs().to_numpy(float)
    told = [f"{main}{'' if u == 'case' else f' {u}'} read {with_unit(a, unit, 1)}, {facts.words.truth} {with_unit(t, unit, 1)}: {with_unit(a - t, unit, 1)} off"
            for u, a, t in zip(known["unit"], known["n.answer"], known["n.truth"], strict=True)]
    frame = pd.DataFrame({"case": known["case"].to_numpy(), "error": size, "told": told, "wrong": False})
    return frame.sort_values("error", ascending=False, kind="stable").drop_duplicates("case")


FAMILY = Family("mae", ("mae", "bias"), found=found, results=results, errors=errors, scale=scale)
