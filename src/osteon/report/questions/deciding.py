"""Triage, value of care, net benefit and options, in words and figures."""

from __future__ import annotations

import numpy as np

from osteon.report.content import Block, Paragraph
from osteon.report.facts import Facts
from osteon.report.families.family import drawing
from osteon.report.questions.told import Results, Told, forest_of, of, one, spoken
from osteon.report.words import listed, many, number
from osteon.run import slug
from osteon.validation.analyses import NetBenefit, Options, Triage, TriageValue
from osteon.validation.analyses.triage import OVER, UNDER

FEWEST = 20  # cases below which a class of triage is not spoken of


def triage(facts: Facts, analysis: Triage, results: Results) -> tuple[Block, ...]:
    """How many were sent elsewhere than their risk says, and what became of them."""
    shares = of(results, "share")
    text = [f"{listed(f'{r.group}: {spoken(r)}' for r in shares)}.".capitalize()]
    for name in (OVER, UNDER):
        own, other, gap = (one(results, what, name) for what in ("outcome", "outcome of controls", "difference"))
        if own and other and gap and gap.value.defined:
            text.append(f"After {name} the outcome came in {spoken(own)}, in controls of like risk in {spoken(other)}: a difference of {spoken(gap)} ({gap.note}).")
    text.append("Controls are like in risk as the model sees it; who sent a patient may have seen more.")
    gaps = tuple(r for r in of(results, "difference") if r.value.defined)
    return (Paragraph(tuple(text)), *forest_of(facts, gaps, f"triage-{analysis.place}", "Outcome less that of controls of like risk", label="difference of the outcome, percentage points", reference=0.0, said="no difference"))


def triage_value(facts: Facts, analysis: TriageValue, results: Results) -> tuple[Block, ...]:
    """Value of care by class of triage."""
    found = of(results, "value of care")
    text = [f"Value of care is expected over observed events, over the mean cost relative to that of all {many(facts.words.case)}: 1 is what was expected at the usual cost, more is better."]
    for name in (OVER, UNDER):
        own, other = one(results, "value of care", name), one(results, "value of care", f"controls of {name}")
        if own and other and own.value.defined and other.value.defined:
            text.append(f"After {name} it is {spoken(own)}, in its controls {spoken(other)}.")
    lost = [r.group for r in found if not r.value.defined]
    text += [f"It is not defined for {listed(lost)}: too few events."] if lost else []
    return (Paragraph(tuple(text)), *forest_of(facts, found, f"value-{analysis.cost}", "Value of care by class of triage", label="value of care", reference=1.0, said="as expected"))


def net_benefit(facts: Facts, analysis: NetBenefit, results: Results) -> tuple[Block, ...]:
    """The figures behind the curve of the section on net benefit."""
    return (Paragraph((f"The range of thresholds, {100 * analysis.low:g} to {100 * analysis.high:g}\u00a0%, was declared by the study; the curve stands in the section “Net benefit”.",)),)


def options(facts: Facts, analysis: Options, results: Results) -> tuple[Block, ...]:
    """The best combinations, how far they lie from the data, and which factors belong together."""
    from osteon.report.figures.options import options as draw

    answers, distance = of(results, "answer"), {r.group: r.value.estimate for r in of(results, "distance")}
    best, outside = answers[0], [r for r in answers if distance[r.group] > 1]
    inside = next((r for r in answers if distance[r.group] <= 1), None)
    text = [f"{number(len(answers))} combinations were asked of the model for new cases. The {'lowest' if analysis.smaller_is_better else 'highest'} answer is {spoken(best)}, for {best.group}."]
    text += [f"{number(len(outside))} of them lie outside of the training data (further than 95 of 100 training cases lie from their nearest neighbour): their answers are extrapolations."] if outside else []
    if inside is not None and inside.group != best.group:
        text.append(f"The best combination within the data is {inside.group}, with {spoken(inside)}.")
    pairs = of(results, "together beyond the sum")
    text += [f"Of two factors that are both present, {pairs[0].group} give the most beyond what each gives alone: {spoken(pairs[0])}."] if pairs else []
    text.append("These are answers of a model, not results of an experiment. The span of an answer is that of the fitted models of this run; no confidence interval.")
    figure = draw(np.array([distance[r.group] for r in answers]), np.array([r.value.estimate for r in answers]), unit=best.unit)
    shown = drawing(facts, figure, f"options-{slug('-'.join(analysis.levels))}", "Every feasible combination: answer and distance from the training data", alt=" ".join(text[:2]),
                    caption="A point is a combination. Right of the dashed line it lies outside of the training data; the diamond is the best within.")
    return (Paragraph(tuple(text)), shown)


DECIDING = {
    Triage: Told("Triage against risk", triage, "over- and undertriage by predicted risk against the place of care, with nearest-neighbour controls within a caliper (Rosenbaum and Rubin 1985; Loftus 2023)"),
    TriageValue: Told("Value of care", triage_value, "value of care as expected over observed events over relative cost, with patient-bootstrap intervals (Loftus 2023)"),
    NetBenefit: Told("Net benefit at declared thresholds", net_benefit, "net benefit over a declared range of thresholds (Vickers and Elkin 2006)"),
    Options: Told("Options", options, "every feasible combination of declared levels asked of the fitted model, with its distance from the training cases")}
