"""What a model says of patients by a rule over their images: level by level, beside one image each."""

from __future__ import annotations

from collections.abc import Mapping

from osteon.report.content import Block, Paragraph
from osteon.report.facts import Facts
from osteon.report.questions.told import Results, Told, forest_of, of, spoken
from osteon.report.words import listed
from osteon.validation.analyses import ByPatient
from osteon.validation.analyses.by_patient import ALONE, BY_RULE


def by_patient(facts: Facts, analysis: ByPatient, results: Results) -> tuple[Block, ...]:
    """The rule in words, the share of patients that it gets right on each level, and what one image each gives."""
    mild, *worse = analysis.order
    rule = f"The rule: a patient is {listed(f'{name} where the highest score of it over the images reaches its cut' for name in reversed(worse[-1:]))}, else the next milder class of which that holds, and {mild} where none does. Cuts are chosen on the patients of the tune part."
    whole, alone = of(results, BY_RULE), {r.group: r for r in of(results, ALONE)}
    text = [rule] + ([f"{whole[0].group}: {spoken(whole[0])} of patients right; by the first image of each alone {spoken(alone[whole[0].group])}."] if whole and whole[0].group in alone else [])
    return (Paragraph(tuple(text)), *forest_of(facts, whole, "patients-right", "Patients given their own class", label="patients right, %"))


BY_PATIENT: Mapping[type, Told] = {ByPatient: Told("By patient", by_patient, "the worst class whose highest score over a patient's images reaches the cut chosen on the tune part (Youden 1950), Wilson's interval; images: clustered by patient (Rao and Scott 1992)")}
