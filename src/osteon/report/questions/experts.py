"""A model beside experts and the committee that is made of them, in words and a figure."""

from __future__ import annotations

from collections.abc import Mapping

from osteon.report.content import Block, Paragraph
from osteon.report.facts import Facts
from osteon.report.questions.told import Results, Told, forest_of, of, one, spoken
from osteon.report.words import listed, number
from osteon.validation.analyses import Committee
from osteon.validation.analyses.committee import FIGURES, NAME


def committee(facts: Facts, analysis: Committee, results: Results) -> tuple[Block, ...]:
    """Model and committee figure by figure, what lies between them, and what such a committee is not."""
    found = of(results, "accuracy")
    label = found[-1].group
    text = [f"The same {number(found[-1].n)} cases of the test part. The committee is the majority of {number(len(found) - 2)} readers; it never met, and nobody was persuaded by anybody."]
    for figure in FIGURES:
        own, other, gap = one(results, figure, label), one(results, figure, NAME), one(results, f"difference in {figure}", f"{label} less {NAME}")
        if own and other and gap and own.value.defined and other.value.defined:
            text.append(f"{figure[:1].upper()}{figure[1:]}: {label} {spoken(own)}, committee {spoken(other)}" + (f"; a difference of {spoken(gap)}." if gap.value.defined else "."))
    clear = [f for f in FIGURES if (gap := one(results, f"difference in {f}", f"{label} less {NAME}")) and gap.value.defined and (gap.value.lower > 0 or gap.value.upper < 0)]
    text.append(f"The interval of the difference leaves out 0 in {listed(clear)}." if clear else "No interval of a difference leaves out 0; that is no proof that they are alike.")
    return (Paragraph(tuple(text)), *forest_of(facts, found, "committee", "Accuracy of readers, their committee and the model", label="share of cases called rightly, %"))


EXPERTS: Mapping[type, Told] = {
    Committee: Told("Experts and their committee", committee, "calls of readers, of the majority of readers and of the first model on the same cases; paired differences with limits over patients, McNemar's mid-p")}
