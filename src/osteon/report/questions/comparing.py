"""Matched odds, arms of a trial, interchangeability and ranks, in words and figures."""

from __future__ import annotations

from dataclasses import replace

from osteon.report.content import Block, Paragraph
from osteon.report.facts import Facts
from osteon.report.questions.percent import field_of
from osteon.report.questions.told import Results, Told, forest_of, of, one, spoken
from osteon.report.words import listed, many, number, plural, spelled
from osteon.validation.analyses import Groups, Interchangeability, MatchedOdds, Paired, Ranked
from osteon.validation.analyses.asked import factors_of
from osteon.validation.analyses.ranked import STOPPED
from osteon.validation.results import Result

PLAIN = 0.05


def matched_odds(facts: Facts, analysis: MatchedOdds, results: Results) -> tuple[Block, ...]:
    """What a higher score means within a matched set."""
    found = of(results, "odds ratio per SD of the score")
    first = found[0]
    text = [f"Within sets that share {analysis.stratum}, a score of {first.group} that is one standard deviation higher goes with {spoken(first)} times the odds of being the case of the set."] if first.value.defined else \
        [f"The odds ratio of {first.group} within matched sets is not defined: {first.value.reason}."]
    flat = [r.group for r in found if r.value.defined and r.value.lower <= 1 <= r.value.upper]
    text += [f"For {listed(flat)} the interval includes 1: no association is shown."] if flat else []
    text.append("What the sets were matched on can not explain it; what they were not matched on can.")
    return (Paragraph(tuple(text)), *forest_of(facts, found, "matched-odds", "Odds of the outcome within matched sets", label="odds ratio per standard deviation of the score", reference=1.0, said="no association", log=True))


def groups(facts: Facts, analysis: Groups, results: Results) -> tuple[Block, ...]:
    """Which outcomes differ between the arms after correction."""
    holm = {r.group: r.p for r in of(results, "p, Holm")}
    differences = of(results, "difference")
    clear = [r for r in differences if holm.get(r.group, 1) < PLAIN]
    other = next((r.what.removeprefix("arm ") for r in results if r.what.startswith("arm ") and r.what != f"arm {analysis.control}"), "the other arm")
    text = [f"{other.capitalize()} against {analysis.control}, {plural(len(differences), 'outcome')}."]
    text += [f"After Holm's correction {spelled(len(clear))} {'differs' if len(clear) == 1 else 'differ'}: {listed(f'{r.group} by {spoken(r)}' for r in clear)}."] if clear else ["After Holm's correction none is shown to differ; the intervals say how large a difference may have been missed."]
    text.append("A difference is a cause only where chance alone decided who came into which arm.")
    means = tuple(r for r in of(results, "effect size") if r.note != "odds ratio")
    return (Paragraph(tuple(text)), *forest_of(facts, means, f"groups-{analysis.arm}", f"Effect sizes, {other} less {analysis.control}", label="Hedges' g (difference in standard deviations)", reference=0.0, said="no difference"))


def interchangeability(facts: Facts, analysis: Interchangeability, results: Results) -> tuple[Block, ...]:
    """Whether the new can stand in for the old at the margin."""
    found = of(results, "excess disagreement")
    return (Paragraph(tuple(_equivalence(results, r, analysis.margin) for r in found if " and " not in r.group)),
            *forest_of(facts, found, "interchangeability", "Disagreement beyond that among readers", label="excess disagreement, percentage points", reference=analysis.margin, said=f"margin {100 * analysis.margin:g}"))


def _equivalence(results: Results, excess: Result, margin: float) -> str:
    if not excess.value.defined:
        return f"{excess.group[:1].upper()}{excess.group[1:]}: not defined ({excess.value.reason})."
    old, new = (one(results, what, excess.group) for what in ("disagreement, old with old", "disagreement, old with new"))
    shares = f"two old readings disagree in {spoken(old)}, an old and a new one in {spoken(new)}: " if old and new else ""
    verdict = "the upper limit is below" if excess.value.upper < margin else "the upper limit is not below"
    end = "so that the new is interchangeable with the old" if excess.value.upper < margin else "so that interchangeability is not shown"
    return f"{excess.group[:1].upper()}{excess.group[1:]}: {shares}an excess of {spoken(excess)}, and {verdict} the margin of {100 * margin:g} points, {end}."


def ranked(facts: Facts, analysis: Ranked, results: Results) -> tuple[Block, ...]:
    """The order of the arms, and how sure it is."""
    found, said = of(results, "mean rank"), {}
    if analysis.along:  # arms that differ in one factor are called by its level alone
        said = {r.group: factors_of(facts.study, r.group).get(analysis.along, r.group) for r in found}
    best, won = found[0], one(results, "first of all", found[0].group)
    near = [r.group for r in found[1:] if r.value.defined and best.value.defined and r.value.lower <= best.value.upper]
    text = [f"{best.group[:1].upper()}{best.group[1:]} has the best mean rank of {number(len(found))} arms, {spoken(best)}, and is first in {spoken(won)} of resamples of {many(facts.words.person)}." if won else ""]
    text += [f"The order is not sure: the intervals of {spelled(len(near))} other{'s' if len(near) > 1 else ''} overlap its own."] if near else ["No interval of another overlaps its own."]
    stopped = [r for r in found if STOPPED in r.note]
    text += [f"The clock stopped {spelled(len(stopped))} of the arms before they had learnt all they were to: their places say how far they came, not how far they could."] if stopped else []
    levels = of(results, "mean rank of a level")
    text += [f"Of the factors, these levels rank best: {listed(dict(reversed([(r.group.split(':')[0], r.group) for r in levels])).values())}."] if levels else []
    named = tuple(replace(r, group=said.get(r.group, r.group)) for r in found[:30])
    place = f"ranked-{analysis.along}" if analysis.along else "ranked"
    return (Paragraph(tuple(text)), *forest_of(facts, named, place, "Mean rank of each arm", label="mean rank (1 is best)"), *field_of(facts, results, f"{place}-field", said))


def paired(facts: Facts, analysis: Paired, results: Results) -> tuple[Block, ...]:
    """Which models differ from the first by more than chance, and how."""
    clear = [r for r in results if r.value.defined and (r.value.lower > 0 or r.value.upper < 0)]
    name = results[0].what.removeprefix("difference in ")
    text = [f"{plural(len(results), 'model')} on the very cases of {facts.label}, by {name}; {results[0].note}."]
    text += [f"The interval leaves out 0 for {listed(f'{r.group} ({spoken(r)})' for r in clear)}."] if clear else ["No interval leaves out 0."]
    return (Paragraph(tuple(text)), *forest_of(facts, results, "paired", f"Difference in {name} on the same cases", label=f"difference in {name}", reference=0.0, said="no difference"))


COMPARING = {
    MatchedOdds: Told("Odds in matched sets", matched_odds, "odds ratios within matched sets by conditional logistic regression (Breslow and Day 1980)"),
    Groups: Told("Arms compared", groups, "arms of a trial by Welch's t test with Hedges' g or Fisher's exact test with Newcombe's interval, p corrected by Holm's method (Holm 1979)"),
    Interchangeability: Told("Interchangeability", interchangeability, "interchangeability by the excess disagreement of an old and a new reading over two old ones (Obuchowski 2014)"),
    Paired: Told("Models against the first, case by case", paired, "mean paired differences with intervals from resampling patients"),
    Ranked: Told("Ranks", ranked, "mean ranks over findings with intervals from resampling patients (Demsar 2006; Wiesenfarth 2021)")}
