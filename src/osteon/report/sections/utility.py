"""Whether acting on the probabilities does more good than harm: decision curves."""

from __future__ import annotations

import numpy as np

from osteon.errors import OsteonError
from osteon.report.cells import bare
from osteon.report.cells import figure as figure_cell
from osteon.report.content import Block, Cell, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.families.family import drawing
from osteon.report.words import many, number
from osteon.seeds import derive
from osteon.stats.intervals import Interval
from osteon.stats.utility import DecisionCurve
from osteon.targets import Events
from osteon.validation.analyses.net_benefit import PROBABLE, NetBenefit, curve

POINTS, TOLD = 46, 5
MOST_MODELS = 9


def utility(facts: Facts) -> Section | None:
    """A curve and a table for the main finding of each target that is answered by probabilities; None where there is none."""
    blocks = [b for name in facts.targets if isinstance(facts.study.targets[name], PROBABLE) for b in _target(facts, name)]
    return Section("utility", "Net benefit", tuple(blocks)) if blocks else None


def _declared(facts: Facts, target: str) -> tuple[NetBenefit, bool]:
    """The range of thresholds that the study declares for a target, or that of ours, and whether it was declared."""
    known = [a for a in facts.study.analyses if isinstance(a, NetBenefit) and (a.target or facts.study.primary) == target]
    return (known[0], True) if known else (NetBenefit(target=target), False)


def _target(facts: Facts, name: str) -> tuple[Block, ...]:
    declared = facts.study.targets[name]
    asked, stated = _declared(facts, name)
    finding = asked.finding or declared.findings[0]
    seed = derive(int(facts.about["seed"]), "net benefit") % 2**32
    curves: dict[str, DecisionCurve] = {}
    for model in facts.models_of(name)[:MOST_MODELS]:
        try:
            curves[model] = curve(facts.test(model, name, finding), declared, asked.thresholds(POINTS), resamples=asked.resamples, seed=seed)
        except (OsteonError, ValueError):
            continue  # nothing judged of this model: the results say so
    if not curves:
        return ()
    from osteon.report.figures.benefit import benefit

    spoken = f"{name}: {finding}" if finding.lower() != name.lower() else name
    text = _words(facts, curves, asked, stated, spoken, declared)
    picture = drawing(facts, benefit(curves), f"net-benefit-{name}", f"Net benefit of acting on “{spoken}”", alt=" ".join(text),
                      caption=f"Blue: acting where the probability reaches the threshold, with its 95 % {facts.words.interval}; dashed grey: treating all; black: treating none.")
    return (Paragraph(text), picture, _table(facts, curves, asked, name))


def _words(facts: Facts, curves: dict[str, DecisionCurve], asked: NetBenefit, stated: bool, spoken: str, declared: object) -> tuple[str, ...]:
    first, found = next(iter(curves.items()))
    better = (found.lower > np.maximum(found.treat_all, 0)).mean()
    horizon = f" by {declared.horizon:g} (risk by Kaplan and Meier)" if isinstance(declared, Events) else ""
    source = "declared by the study" if stated else "a default of this software: the study declares none, and which thresholds make sense is for those who would act"
    out = [f"Net benefit counts true positives less false positives, these weighed by the odds of the threshold: the probability of “{spoken}”{horizon} from which one would act. The range of {100 * asked.low:g} to {100 * asked.high:g}\u00a0% is {source}.",
           f"{first} is clearly better than both treating all and treating none at {number(100 * better)}\u00a0% of these thresholds (its whole interval lies above both)."]
    worse = [f"{100 * t:.3g}\u00a0%" for t, m, a in zip(found.thresholds, found.model, found.treat_all, strict=True) if m < max(a, 0)]
    out += [f"At {len(worse)} of {len(found.thresholds)} thresholds ({worse[0]} to {worse[-1]}) one of the two simple rules did as well or better."] if worse else []
    return (*out, *(("On simulated cases a net benefit shows arithmetic, not use.",) if facts.simulated else ()))


def _table(facts: Facts, curves: dict[str, DecisionCurve], asked: NetBenefit, name: str) -> Table:
    first, told = next(iter(curves.values())), asked.thresholds(TOLD)
    at = [int(np.abs(first.thresholds - t).argmin()) for t in told]
    rows: tuple[tuple[Cell | str, ...], ...] = tuple((model, *(_cell(c, k) for k in at)) for model, c in curves.items())
    rows += (("All are treated", *(bare(100 * float(first.treat_all[k]), 1) for k in at)), ("None is treated", *(bare(0.0, 1) for _ in at)))
    return Table(f"net-benefit-{name}", "Net benefit per 100", columns=("Threshold", *(f"{100 * first.thresholds[k]:.3g}\u00a0%" for k in at)), rows=rows,
                 note=f"True positives per 100 {many(facts.words.counted)}, net of false positives. Below each figure stands its 95 % {facts.words.interval} from resampling {many(facts.words.person)}.")


def _cell(curve_: DecisionCurve, k: int) -> Cell:
    return figure_cell(Interval(*(100 * float(v[k]) for v in (curve_.model, curve_.lower, curve_.upper))), 1)

