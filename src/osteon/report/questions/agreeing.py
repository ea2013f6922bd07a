"""Kappa of every model in each group, and where calls go wrong."""

from __future__ import annotations

from collections.abc import Mapping

from osteon.report.content import Block, Paragraph
from osteon.report.facts import Facts
from osteon.report.questions.told import Results, Told, forest_of, of, spoken
from osteon.report.words import listed, number
from osteon.validation.analyses import Kappas, Mistakes
from osteon.validation.results import Result


def kappas(facts: Facts, analysis: Kappas, results: Results) -> tuple[Block, ...]:
    """The first model and the best one in each group, and the differences that are shown."""
    whats = list(dict.fromkeys(r.what for r in results if r.what.startswith("kappa, ")))
    text, first = [], results[0].group
    for what in whats:
        found = [r for r in of(results, what) if r.value.estimate == r.value.estimate]
        own, best = next((r for r in found if r.group == first), None), max(found, key=lambda r: r.value.estimate, default=None)
        other = f"; the highest is that of {best.group}, {spoken(best)}" if best is not None and best.group != first else ""
        text += [f"Cohen's kappa of {first}, {_among(analysis, what)} (n = {number(own.n)}): {spoken(own)}{other}."] if own is not None else []
    shown = [r for r in of(results, "difference, all") if r.value.defined]
    for sign, word in ((1, "agrees more than"), (-1, "agrees less than")):
        clear = [r.group.partition(" less ")[2] for r in shown if (r.value.lower if sign > 0 else -r.value.upper) > 0]
        text += [f"Over all, {first} {word} {listed(clear)}; the interval of the difference leaves out 0."] if clear else []
    return (Paragraph(tuple(text)), *(d for what in whats for d in forest_of(facts, of(results, what), f"kappa-{what}", f"Cohen's kappa, {_among(analysis, what)}", label="kappa (0: chance, 1: perfect)", reference=0.0, said="chance")))


def _among(analysis: Kappas, what: str) -> str:
    part = what.removeprefix("kappa, ")
    return "over all" if part == "all" else f"{analysis.by} “{part}”"


def mistakes(facts: Facts, analysis: Mistakes, results: Results) -> tuple[Block, ...]:
    """Where each model goes wrong most."""
    text = [f"Share of wrong calls by {analysis.by.replace('_', ' ')}."]
    for label in list(dict.fromkeys(r.group for r in results)):
        found = [r for r in results if r.group == label and not r.what.endswith(", all") and r.value.estimate == r.value.estimate]
        worst: Result | None = max(found, key=lambda r: r.value.estimate, default=None)
        text += [f"{label[:1].upper()}{label[1:]}: most often where it is “{worst.what.removeprefix('wrong, ')}”, {spoken(worst)}."] if worst is not None and worst.value.estimate > 0 else []
    return (Paragraph(tuple(text)),)


AGREEING: Mapping[type, Told] = {
    Kappas: Told("Agreement beyond chance", kappas, "Cohen's kappa of calls at the cut with the truth and its differences between models, intervals from resampling patients (Cohen 1960)"),
    Mistakes: Told("Where calls are wrong", mistakes)}
