"""What bounds these results: from the data, the design and the study's own list."""

from __future__ import annotations

from osteon.report.content import Block, Items, Paragraph, Section
from osteon.report.facts import Facts
from osteon.report.sections.external import cohorts
from osteon.report.sections.making import pairs
from osteon.report.sections.subgroups import too_few
from osteon.report.words import listed, many, number, spelled


def limits(facts: Facts) -> Section:
    """The limits that the run itself can see, then where the study left the paper."""
    blocks: list[Block] = [Items(tuple(seen(facts)))]
    if facts.study.differs:
        blocks += [Paragraph(("Where this study leaves the paper:",)), Items(tuple(facts.study.differs), "quoted")]
    return Section("limits", "Limits of this report", tuple(blocks))


def seen(facts: Facts) -> list[str]:
    """The limits that the run itself shows, one sentence each."""
    out, row = [], facts.primary
    if facts.simulated:
        out += ["The cases are made by a simulator. Whatever it does not model, no figure here can show; its card names what is absent.",
                "Intervals are Monte-Carlo intervals: they shrink as more cases are made and carry no uncertainty about patients."]
    elif not cohorts(facts):
        out.append("All cases come from one cohort. Other hospitals, devices, years and people may give other figures.")
    positive, negative = facts.states(row)
    if positive + negative and min(positive, negative) < 100:
        out.append(f"{number(positive)} {many(facts.words.counted)} with “{facts.spoken(row)}” and {number(negative)} without are few: about 100 of each is a common least number for a validation.")
    if len(facts.folds) > 1:
        out.append("Folds share most of their training cases. Their interval takes them as independent and may be too short (Bengio and Grandvalet 2004).")
    else:
        out.append("One division into parts: another seed would give other figures. Several folds show by how much.")
    if len(facts.about["models"]) > 1:
        out.append(f"{spelled(len(facts.about['models'])).capitalize()} models were run on the same cases; choosing the best of them afterwards flatters it.")
    few, total = too_few(facts)
    if few:
        out.append(f"{number(few)} of {number(total)} groups are too small for a figure. Equal performance in groups is not shown.")
    held = row.counts.get("withheld", 0)
    if held:
        out.append(f"{number(held)} answers were withheld. If they are the hard ones, the figures flatter the model.")
    out += _capped(facts)
    weak = facts.cohort["notes"].get("weak labels", "")
    if weak:
        return [*out, f"The labels are weak: {weak}. Figures tell of agreement with them and not of accuracy."]
    return out if facts.simulated else [*out, "The reference standard is taken as true; its own errors were not modelled."]


def _capped(facts: Facts) -> list[str]:
    cut = {name for note in facts.about["fits"].values() for name, pair in pairs(note) if pair["used"] < pair["named"]}
    if not cut:
        return []
    return [f"Smaller than the study names in {listed(sorted(cut))} (budget “{facts.about['budget']['name']}”; see How it was made): a full run may do better."]
