"""Learning curves and the overlap of reviews, in words and figures."""

from __future__ import annotations

import numpy as np

from osteon.report.content import Block, Paragraph
from osteon.report.facts import Facts
from osteon.report.families.family import drawing
from osteon.report.questions.told import Results, Told, of, one, spoken
from osteon.report.words import listed, number
from osteon.stats.learning import fit_power_law
from osteon.validation.analyses import Curve, Overlap
from osteon.validation.analyses.curve import LARGEST, LIMITS, SAID, SHOWN
from osteon.validation.results import Result

MOST_STUDIES = 60  # rows of a citation matrix that are drawn


def curve(facts: Facts, analysis: Curve, results: Results) -> tuple[Block, ...]:
    """What more training cases gave, and where that ended."""
    from osteon.report.figures.growth import growth

    points = tuple(r for r in results if r.group.endswith("training cases") and not r.what.startswith("gain"))
    last, flat = points[-1], one(results, "training cases", SHOWN)
    text = [f"{last.what} with {last.group}: {spoken(last)}."]
    if flat is not None:
        text.append(_flat(results, flat))
    law = next((r for r in results if r.group == "power law"), None)
    if law is not None and law.value.estimate == law.value.estimate:
        near = next((r for r in results if r.group.startswith("within")), None)
        there = f"; {spoken(near)} would come {near.group}" if near is not None and near.value.estimate == near.value.estimate else ""
        text.append(f"An inverse power law puts the ceiling at {spoken(law)}{there}. It describes this model on these cases; beyond the sizes that were tried it is a guess.")
    sizes = np.array([_size(r) for r in points])
    values = np.array([[r.value.estimate, r.value.lower, r.value.upper] for r in points])
    fitted = fit_power_law(sizes, values[:, 0], weights=_weights(values), within=next(LIMITS[f] for f, said in SAID.items() if said == last.what)) if len(np.unique(sizes)) >= 4 else None
    figure = growth(sizes, values, label=last.what, flat=None if flat is None or np.isnan(flat.value.estimate) else flat.value.estimate, law=None if fitted is None else fitted.at)
    return (Paragraph(tuple(text)), drawing(facts, figure, "learning-curve", f"{last.what} by number of training cases", alt="; ".join(f"{r.group}: {spoken(r)}" for r in points),
                                            caption=f"Points: all on the same test cases, with 95 % {facts.words.interval}; line: inverse power law where four sizes or more are known; dashed: from here on no further gain is shown."))


def _flat(results: Results, flat: Result) -> str:
    if flat.value.estimate != flat.value.estimate:
        return "It is still rising at the largest size: more cases of this kind would help."
    gain = next((r for r in results if r.what == LARGEST and _size(r) == flat.value.estimate), None)
    more = f": the largest size gains {spoken(gain)} over it; the interval says how large a gain may have been missed" if gain else ""
    return f"From {spoken(flat)} on no further gain is shown{more}."


def _size(result: Result) -> float:
    return float(result.group.split(" ")[0].replace(",", ""))


def _weights(values: np.ndarray) -> np.ndarray | None:
    """1 / variance from the widths of the intervals; None where one is missing."""
    width = values[:, 2] - values[:, 1]
    return 1 / np.maximum(width, width.max() * 0.03) ** 2 if np.isfinite(width).all() and width.max() > 0 else None


def overlap(facts: Facts, analysis: Overlap, results: Results) -> tuple[Block, ...]:
    """How far the reviews count the same studies."""
    from osteon.report.figures.growth import citations

    whole = one(results, "corrected covered area", "all reviews")
    counts = {r.group: r.value.estimate for r in of(results, "count")}
    text = [f"{number(counts.get('reviews', 0))} reviews hold {number(counts.get('primary studies', 0))} primary studies, {number(counts.get('primary studies in more than one review', 0))} of them in more than one."]
    text += [f"The corrected covered area is {spoken(whole)}: {whole.note} (0 none, 100 % complete; up to 5 % slight, 10 % moderate, 15 % high). Studies that stand in several reviews would count several times in a sum over reviews."] if whole else []
    pairs = sorted((r for r in of(results, "corrected covered area") if " and " in r.group), key=lambda r: -r.value.estimate)
    text += [f"The most alike are {listed(f'{r.group} ({spoken(r)})' for r in pairs[:2])}."] if pairs else []
    table = analysis.citations(facts.run)
    order = table.sum(axis=1).sort_values(ascending=False, kind="stable").index[:MOST_STUDIES]
    shown = table.loc[order]
    figure = citations(shown.to_numpy(), list(map(str, shown.columns)))
    note = f" The {MOST_STUDIES} most shared of {number(len(table))} studies." if len(table) > MOST_STUDIES else ""
    return (Paragraph(tuple(text)), drawing(facts, figure, "citation-matrix", "Which study stands in which review", alt=" ".join(text[:2]), caption=f"A column is a primary study, a row a review; dark: it is included.{note}"))


GROWING = {
    Curve: Told("Learning curve", curve, "a learning curve over nested shares of the train part, on the same test cases, with an inverse power law (Figueroa 2012)"),
    Overlap: Told("Overlap of reviews", overlap, "overlap of reviews by the corrected covered area (Pieper 2014)")}
