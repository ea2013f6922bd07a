"""The error of a forecast by its horizon, in words and a figure."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from osteon.report.content import Block, Paragraph
from osteon.report.facts import Facts
from osteon.report.families.family import drawing
from osteon.report.questions.told import Results, Told, of, one, spoken
from osteon.report.words import listed, unit_name
from osteon.validation.analyses import Horizon
from osteon.validation.analyses.horizon import WHOLE
from osteon.validation.results import Result


def horizon(facts: Facts, analysis: Horizon, results: Results) -> tuple[Block, ...]:
    """How the error of the first model grows, and on which models it gains over all visits."""
    first, target = results[0].what, analysis.target or facts.study.primary
    spans = [s for s in analysis.spans() if s != WHOLE and one(results, first, s)]
    labels = [r.what for r in results if r.group == WHOLE]
    asked = analysis.finding or facts.study.targets[target].findings[0]
    text = [f"{asked.capitalize()}: the error of {first} is {listed(f'{spoken(r)} {s}' for s in spans for r in of(results, first) if r.group == s)}."]
    paired = [r for r in results if r.group == f"{first}, {WHOLE}" and r.value.defined]
    for sign, word in ((-1, "nearer than"), (1, "further off than")):
        clear = [r for r in paired if (r.value.upper < 0 if sign < 0 else r.value.lower > 0)]
        text += [f"Over all visits of both it is {word} {listed(f'{r.what[5:]} by {spoken(_sized(r, sign))}' for r in clear)}."] if clear else []
    open_ = [r.what[5:] for r in paired if r.value.lower <= 0 <= r.value.upper]
    text += [f"No difference is shown from {listed(open_)}."] if open_ else []
    values = {label: np.array([_ends(one(results, label, s)) for s in spans]) for label in labels}
    from osteon.report.figures.horizon import horizon as draw

    unit = unit_name(results[0].unit)
    figure = draw(spans, values, label=f"error, {unit}")
    return (Paragraph(tuple(text)), drawing(facts, figure, f"horizon-{target}-{asked}", f"{asked.capitalize()}: error by time of the visit", alt="; ".join(f"{r.what}, {r.group}: {spoken(r)}" for r in results if r.group in spans),
                                            caption=f"Mean error with 95 % {facts.words.interval} by resampling {facts.words.person}s; logarithmic axis. Spans hold different visits, so that a span is compared between models rather than along a line."))


def _sized(result: Result, sign: int) -> Result:
    """A difference as a size: of what is nearer the other way round."""
    v = result.value
    return replace(result, value=replace(v, estimate=-v.estimate, lower=-v.upper, upper=-v.lower)) if sign < 0 else result


def _ends(result: object) -> tuple[float, float, float]:
    value = getattr(result, "value", None)
    return (np.nan,) * 3 if value is None else (value.estimate, value.lower, value.upper)


FORECASTING: dict[type, Told] = {Horizon: Told("Error by time of the forecast", horizon, "mean errors by span of time with intervals from resampling patients, and paired differences on the visits of both models")}
