"""A study's question, design and targets as sentences: the first screen and the methods share them."""

from __future__ import annotations

from typing import Any

from osteon.report.facts import Facts
from osteon.report.words import listed, number, spelled
from osteon.targets import Classes, Declared, Masks, Measures, Objects, Sensitivity, Surfaces, Trajectories


def answers_words(facts: Facts) -> str:
    """What the primary target asks: stay (short or long)."""
    name = facts.primary.question.target
    return f"{name} ({told(facts.study.targets[name])})"


def told(target: Any) -> str:
    """What a target may answer."""
    if isinstance(target, Classes):
        return " or ".join(target.names) if len(target.names) < 5 else f"one of {len(target.names)} classes"
    if isinstance(target, Measures):
        names = list(target.units)
        return f"{number(len(names))} readings, first {target.main}" if len(names) > 4 else listed(f"{n} in {u}" for n, u in target.units.items())
    if isinstance(target, Masks):
        return f"outlines of {listed(target.names)}" if len(target.names) < 6 else f"outlines of {len(target.names)} structures"
    if isinstance(target, Objects):
        return f"boxes of {listed(target.names)}" if len(target.names) < 6 else f"boxes of {len(target.names)} kinds"
    if isinstance(target, Trajectories):
        return f"{listed(f'{n} in {u}' for n, u in target.units.items())} over time"
    if isinstance(target, Surfaces):
        return f"the shape of the {target.name}{f' over {target.at}' if target.at else ''} in mm"
    return type(target).__name__.lower()


def design_words(facts: Facts) -> str:
    """How the cases were divided, in one sentence."""
    name, s = facts.design
    n = len(facts.folds)
    whole = f"no {facts.words.person} stands in two parts"
    if name == "HoldOut":
        shares = ", ".join(f"{100 * float(s[k]):.0f}\u00a0% to {verb}" for k, verb in (("train", "learn from"), ("tune", "choose by"), ("test", "test once")))
        return f"Divided once: {shares}; {whole}."
    if name == "CrossValidation":
        repeats = int(s.get("repeats", "1"))
        times = f" {spelled(repeats)} times" if repeats > 1 else ""
        return f"Cross-validation in {spelled(int(s['folds']))} folds{times}: every {facts.words.case} is tested by a model that has not seen it; {whole}."
    if name == "Nested":
        return f"Nested cross-validation, {s['outer']} outer folds of {s['inner']} fits each; {whole}."
    if name == "LeaveOut":
        return f"One {s['by'].strip(chr(39))} at a time is left out and tested ({n} folds); {whole}."
    if name == "Given":
        return f"The parts are those given with the data; {whole}."
    return f"{name}, {n} {'fold' if n == 1 else 'folds'}; {whole}."


def rule(target: Any) -> str:
    """The rule for a cut in words."""
    cut = target.cut
    if cut is None:
        return "none"
    if isinstance(cut, Declared):
        return f"declared: at or {'above' if cut.above is not None else 'below'} {cut.above if cut.above is not None else cut.below:g}; never tuned"
    return f"highest cut that keeps a sensitivity of {100 * cut.at:g} %, on the tune part" if isinstance(cut, Sensitivity) else "largest sum of sensitivity and specificity (Youden), on the tune part"
