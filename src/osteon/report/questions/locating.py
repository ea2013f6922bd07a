"""Points located in one fixed window by margin, and how fast a stream of video is answered."""

from __future__ import annotations

from collections.abc import Mapping

from osteon.report.content import Block, Paragraph
from osteon.report.facts import Facts
from osteon.report.questions.told import Results, Told, forest_of, of, one, spoken
from osteon.report.words import listed, number
from osteon.validation.analyses import Located, Streamed
from osteon.validation.analyses.located import F1, FIXED, OFF, OWN, PRECISION, RECALL
from osteon.validation.analyses.streamed import LATENCY, RATE


def located(facts: Facts, analysis: Located, results: Results) -> tuple[Block, ...]:
    """The study's own model in words, the best F1, and what judging each model in its own margin would have claimed."""
    own, scores = facts.label, [r for r in of(results, F1) if r.value.estimate == r.value.estimate]
    rates = [r for what in (RECALL, PRECISION, F1) if (r := one(results, what, own))]
    off = one(results, OFF, own)
    text = [f"{own}: {listed(f'{r.what} {spoken(r)}' for r in rates)}" + (f"; the points that it finds lie {spoken(off)} off." if off and off.n else ".")] if rates else []
    best = max(scores, key=lambda r: r.value.estimate, default=None)
    text += [f"The largest F1 of {number(len(scores))} models is that of {best.group}: {spoken(best)}. The best of several looks better than it is: it was chosen by these cases."] if best and len(scores) > 1 and best.value.estimate > 0 else []
    gains = [(a.group, b.value.estimate - a.value.estimate) for a in of(results, FIXED) if (b := one(results, OWN, a.group))]
    most = max(gains, key=lambda g: g[1], default=None)
    text += [f"Judged in squares of its own margin and not in the fixed window, {most[0]} would find {number(100 * most[1], 1)} percentage points more of the points: margins are compared in one window for that reason."] if most and most[1] > 0 else []
    return (Paragraph(tuple(text)), *forest_of(facts, tuple(scores), "located", "F1 in the fixed window", label="F1 of located points, %"))


def streamed(facts: Facts, analysis: Streamed, results: Results) -> tuple[Block, ...]:
    """Frames a second and latency of each model, and on what they depend."""
    each = [f"{r.group} {number(r.value.estimate, 1)} frames a second" + (f" (median {number(late.value.estimate, 0)} ms from frame to answer)" if (late := one(results, LATENCY, r.group)) else "") for r in of(results, RATE)]
    return (Paragraph((f"One frame after another, from the file to the answer: {listed(each)}.", "These speeds belong to the machine that made the run, and to what else it did at that time.")),)


LOCATING: Mapping[type, Told] = {
    Located: Told("Points in one fixed window", located, "squares of one side about true and found points, matched by intersection over union; the cut is that of the largest F1 on the tune part (after Cho 2021)"),
    Streamed: Told("Speed on a stream of video", streamed)}
