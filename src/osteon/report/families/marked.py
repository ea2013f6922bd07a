"""Marks on images in depth: what is found at how many false marks an image, and figures of merit that pay for both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from osteon.errors import OsteonError
from osteon.report.cells import bare
from osteon.report.content import Block, Cell, Table
from osteon.report.facts import Facts
from osteon.report.families.family import drawing
from osteon.report.words import listed, number
from osteon.targets.lines import answered
from osteon.targets.objects import MISSED
from osteon.value import Objects

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.detection import FrocPoints, ImageBoxes

MERITS = {"wafroc": "wAFROC", "afroc": "AFROC", "hr_auc": "Highest mark, AUC"}


def marked(facts: Facts, target: str, model: str) -> tuple[Block, ...]:
    """FROC curve, sensitivities at fixed rates of false marks, figures of merit, and mAP as COCO has it where the images are at hand; none without a true box."""
    from osteon.report.figures.ranking import froc_curves
    from osteon.stats.detection import FROC_RATES, froc, froc_sensitivities

    points: dict[str, FrocPoints] = {}
    rows: list[tuple[Cell | str, ...]] = []
    merits: list[tuple[Cell | str, ...]] = []
    coco = _coco(facts, target, model)
    for finding in facts.study.targets[target].findings:
        lesion, mark, images = _parts(facts.test(model, target, finding))
        found = lesion[lesion["score"] > MISSED]["score"].to_numpy(float)
        scores = np.concatenate([found, mark["score"].to_numpy(float)])
        if not len(lesion) or not images or not len(scores):
            continue
        points[finding] = froc(np.concatenate([np.ones(len(found)), np.zeros(len(mark))]), scores, lesions=len(lesion), images=len(images))
        at = froc_sensitivities(points[finding])
        rows.append((finding, *(Cell(f"{number(100 * v, 1)}\u00a0%", value=float(v)) for v in at), bare(float(at.mean()))))
        merits.append((finding, *_merits(lesion, mark, images), bare(coco.get(finding, float("nan")))))
    if not rows:
        return ()
    table = Table(f"froc-{target}-{model}", f"Found at so many false marks an image: {target}, {model}", columns=("Label", *(f"at {r:g}" for r in FROC_RATES), "Mean (LUNA16)"), rows=tuple(rows), tone="tight")
    worth = Table(f"merit-{target}-{model}", f"Figures of merit: {target}, {model}", columns=("Label", *MERITS.values(), "mAP 0.50 to 0.95"), rows=tuple(merits), tone="tight",
                  note="wAFROC compares each true box with the highest false mark of images without one, every such image counting once; it does not exist where every image holds a true box. mAP needs the images and is left out where they are elsewhere.")
    figure = froc_curves({name: (p.false_positives, p.sensitivity) for name, p in points.items()})
    return (drawing(facts, figure, f"froc-{target}", f"Free-response curves: {target}, {model}", alt=f"FROC curves of {listed(points)}", caption="Each corner is a confidence; the rate of false marks stands on a logarithmic scale."), table, worth)


def _parts(lines: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """True boxes, false marks, and the images (codes)."""
    given = answered(lines)
    return given[given["unit"] == "lesion"], given[given["unit"] == "mark"], list(dict.fromkeys(given[given["unit"] == "image"]["case"]))


def _merits(lesion: pd.DataFrame, mark: pd.DataFrame, images: list[str]) -> tuple[Cell, ...]:
    from osteon.stats.freeresponse import figure_of_merit, free_response

    place = {code: k for k, code in enumerate(images)}
    marks = free_response(len(images), lesion_cases=lesion["case"].map(place).to_numpy(int), lesion_ratings=lesion["score"].to_numpy(float), false_cases=mark["case"].map(place).to_numpy(int),
                          false_ratings=mark["score"].to_numpy(float))
    healthy = len(set(images) - set(lesion["case"]))
    return tuple(bare(figure_of_merit(marks, name)) if healthy or name == "afroc" else Cell("–") for name in MERITS)


def _coco(facts: Facts, target: str, model: str) -> dict[str, float]:
    """mAP of each label over overlaps of 0.50 to 0.95; empty where the cohort is not at hand."""
    from osteon.stats.detection import mean_average_precision

    try:
        pairs = _boxes(facts, target, model)
    except (OsteonError, OSError):
        return {}
    return {name: mean_average_precision(images) for name, images in pairs.items() if any(len(np.asarray(i.truth)) for i in images)}


def _boxes(facts: Facts, target: str, model: str) -> dict[str, list[ImageBoxes]]:
    from osteon.engine.folder import codes
    from osteon.readers.values import from_plain
    from osteon.report.sections.films import cohort_of, unconformed
    from osteon.stats.detection import ImageBoxes

    cohort = cohort_of(facts)
    if cohort is None:
        return {}
    known = codes(unconformed(facts)).cases
    truth = {known[case.id]: case.truth.get(target) for case in cohort}
    out: dict[str, list[ImageBoxes]] = {name: [] for name in facts.study.targets[target].findings}
    for kept in facts.run.values(model):
        there, given = truth.get(kept["case"]), from_plain(kept["values"][target]) if target in kept["values"] else None
        if kept.get("part", "test") == "test" and isinstance(there, Objects) and isinstance(given, Objects):
            for name, images in out.items():
                images.append(ImageBoxes(there.of(name), given.of(name), np.asarray(given.scores)[[n == name for n in given.labels]]))
    return out
