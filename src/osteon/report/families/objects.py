"""Things found in an image: how many of the true ones, and how many marks for nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.report.content import Block, Cell, Folded, Table
from osteon.report.facts import Facts
from osteon.report.families.family import Family, count_cell, drawing, limits, metric_cell
from osteon.report.families.marked import marked
from osteon.report.terms import header
from osteon.report.words import number, plural
from osteon.targets.lines import answered
from osteon.targets.objects import MISSED

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

KEYS = ("ap", "ap_coco", "mask_ap", "mask_ap_coco", "recall", "iou", "mask_iou", "distance", "auc")


def found(facts: Facts) -> tuple[str, ...]:
    """The primary result: the share found and the average precision."""
    row = facts.primary
    recall, precision = limits(row.metrics, "recall")[0], limits(row.metrics, "ap")[0]
    if recall != recall:
        return (f"How well {row.question.finding} is found is not defined: {row.metrics.get('ap', {}).get('reason', 'there is no box')}.",)
    return (f"Of 100 true boxes of {row.question.finding}, {row.source.model} finds {number(100 * recall)} at an overlap of {_iou(facts, row.question.target)} (recall); its average precision is {number(precision, 3)}.",)


def _iou(facts: Facts, target: str) -> str:
    return number(facts.study.targets[target].iou, 2)  # type: ignore[attr-defined]


def scale(facts: Facts) -> Figure | None:
    """Average precision from none to perfect."""
    from osteon.report.figures.intervals import scale as draw

    value = limits(facts.primary.metrics, "ap")
    return draw(value, (0, 1), names=("0", "perfect 1")) if value[0] == value[0] else None


def results(facts: Facts, target: str) -> tuple[Block, ...]:
    """A table of labels for each model, and the curves of the first."""
    model, *others = facts.models_of(target)
    folded = (Folded("The other models, every label", tuple(_labels(facts, target, m) for m in others)),) if others else ()
    return (_labels(facts, target, model), *_curves(facts, target, model), *marked(facts, target, model), *folded)


def _labels(facts: Facts, target: str, model: str) -> Table:
    shown = [k for k in KEYS if any(k in r.metrics for r in facts.rows if r.question.target == target)]
    body: list[tuple[Cell | str, ...]] = []
    for finding in facts.study.targets[target].findings:
        row = facts.row(model, target, finding)
        if row is not None:
            true, missed, marks, images = _counts(facts.test(model, target, finding))
            wrong = Cell(number(marks / images, 2), value=marks / images) if images else Cell("–")
            body.append((finding, count_cell(images), count_cell(true), count_cell(missed), wrong, *(metric_cell(facts, row, k) for k in shown)))
    return Table(f"found-{target}-{model}", f"Found by {model}: {target}", columns=("Label", "Images", "True", "Missed", "False marks an image", *map(header, shown)), rows=tuple(body),
                 note=f"A box counts as found at an overlap (IoU) of {_iou(facts, target)} or more, the most certain first. Below each figure stands its 95 % {facts.words.interval}.")


def _counts(lines: pd.DataFrame) -> tuple[int, int, int, int]:
    """True boxes, missed ones, false marks, images."""
    given = answered(lines)
    lesion = given[given["unit"] == "lesion"]
    return len(lesion), int((lesion["score"] == MISSED).sum()), int((given["unit"] == "mark").sum()), int((given["unit"] == "image").sum())


def _curves(facts: Facts, target: str, model: str) -> tuple[Block, ...]:
    from osteon.report.figures.ranking import precision_recall, precision_recall_points

    titles, curves, unders = [], [], []
    for finding in facts.study.targets[target].findings:
        given, row = answered(facts.test(model, target, finding)), facts.row(model, target, finding)
        lesion = given[given["unit"] == "lesion"]["score"].to_numpy(float)
        if len(lesion) and row is not None:
            titles.append(finding)
            curves.append(precision_recall_points(lesion[lesion > MISSED], given[given["unit"] == "mark"]["score"].to_numpy(float), len(lesion)))
            unders.append(f"AP {number(limits(row.metrics, 'ap')[0], 3)}, {plural(int((~np.isfinite(lesion)).sum()), 'miss')}")
    if not titles:
        return ()
    return (drawing(facts, precision_recall(titles, curves, unders), f"precision-recall-{target}", f"Precision and recall: {target}, {model}", alt="; ".join(f"{t}: {u}" for t, u in zip(titles, unders, strict=True)),
                    caption="From left to right the confidence that is asked of a mark falls."),)


def errors(facts: Facts, model: str, target: str) -> pd.DataFrame:
    """Misses and false marks of a case, then the overlap that is lacking."""
    import pandas as pd

    given = answered(facts.test(model, target))
    rows = []
    for case, part in given.groupby("case", sort=False):
        lesion = part[part["unit"] == "lesion"]
        missed, false = int((lesion["score"] == MISSED).sum()), int((part["unit"] == "mark").sum())
        lacking = 1 - float(lesion["n.iou"].mean()) if len(lesion) else 0.0
        rows.append({"case": case, "error": missed + false + min(lacking, 0.999), "told": f"{plural(missed, 'missed box')}, {plural(false, 'false mark')}, mean overlap {number(1 - lacking, 2)}", "wrong": missed > 0})
    return pd.DataFrame(rows, columns=["case", "error", "told", "wrong"])


FAMILY = Family("ap", ("recall", "ap"), found=found, results=results, errors=errors, scale=scale)
