"""Which words the answers rest on, and whether that means anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from osteon.errors import OsteonError
from osteon.report.content import Block, Cell, Drawing, Paragraph, Section, Table
from osteon.report.facts import Facts
from osteon.report.families import family_of
from osteon.report.families.family import drawing
from osteon.report.sections.films import chosen
from osteon.report.words import discreet, finding_words, listed, many, number, plural


def wording(facts: Facts) -> Section | None:
    """Words for and against with their effect, the checks, and three notes; None where the first model reads no note."""
    from osteon.engine.wording import note_of, read_by

    if not note_of(facts.study, facts.label):
        return None
    title = "Which words the answers rest on"
    if not facts.films or facts.run.cohort_folder is None:
        return Section("wording", title, (Paragraph(("The notes are elsewhere: the folder they came from is not at hand, or was not asked for. No word was covered.",), "note"),))
    try:
        shown = chosen(family_of(facts.study.targets[facts.study.primary]).errors(facts, facts.label, facts.study.primary))
        found = read_by(facts.run, facts.study, shown)
    except (OsteonError, OSError) as error:
        return Section("wording", title, (Paragraph((f"No word was covered: {discreet(str(error))}",), "note"),))
    return Section("wording", title, (Paragraph((_how(facts, found),)), Paragraph((verdict(facts, found),), "lead"), _table(facts, found), *_notes(facts, found)))


def _how(facts: Facts, found: Mapping[str, Any]) -> str:
    return (f"Each word of {plural(found['notes'], facts.words.case)} of the test part (best, median, worst, and others by chance) was covered in turn; the effect of a word is what the probability of "
            f"“{finding_words(found['target'], found['finding'])}” of {found['model']} loses by it. Words that fewer than three {many(facts.words.person)} share are not told.")


def verdict(facts: Facts, found: Mapping[str, Any]) -> str:
    """Whether the effects mean anything, in plain sentences."""
    weights, (held, of), (inside, known) = found["weights"], found["better_than_chance"], found["inside"]
    out = []
    if weights is not None:
        told = f"rank correlation {number(weights, 2)} with the effects after the weights were shuffled"
        out.append(f"The effects change with the weights, as effects of the model must ({told})." if weights < found["alike"] else
                   f"The effects hardly change when what was learnt is destroyed ({told}): they tell of the note and not of the model.")
    if of:
        out.append(f"In {number(held)} of {number(of)} notes the words that they put first carry the answer more than words by chance "
                   f"(deletion {number(found['deletion'], 2)}, by chance {number(found['deletion_by_chance'], 2)}; insertion {number(found['insertion'], 2)}, by chance {number(found['insertion_by_chance'], 2)}).")
    if known:
        out.append(f"The strongest word stands in the sentence that speaks of the finding in {number(inside)} of {number(known)} notes; that sentence is {number(100 * found['covered'])}\u00a0% of a note.")
    return " ".join(out)


def _table(facts: Facts, found: Mapping[str, Any]) -> Table:
    sides = [found["for"], found["against"]]
    rows = tuple(tuple(cell for side in sides for cell in _cells(side, k)) for k in range(max(map(len, sides))))
    return Table("wording", "Words by their mean effect", columns=("Speaks for it", "Notes", "Effect", "Speaks against it", "Notes ", "Effect "), rows=rows or (("no word has an effect",),), tone="tight",
                 note=f"Effect: mean change of the probability in points of a hundred over the {many(facts.words.case)} that hold the word. A word tells of this model and not of the finding.")


def _cells(side: list[Mapping[str, Any]], k: int) -> tuple[Cell | str, ...]:
    if k >= len(side):
        return "", "", ""
    one = side[k]
    return str(one["word"]), Cell(number(one["notes"]), value=float(one["notes"])), Cell(number(100 * one["effect"], 1), value=float(one["effect"]))


def _notes(facts: Facts, found: Mapping[str, Any]) -> Iterator[Block]:
    from osteon.report.figures.notes import note

    if facts.cohort["origin"] == "own":
        yield Paragraph(("The notes themselves are not shown, for they may name people.",), "note")
    for place, one in found["shown"].items():
        words = [(str(word), int(begin), int(end)) for word, begin, end in one["words"]]
        strongest = sorted(zip(words, one["effects"], strict=True), key=lambda pair: -abs(pair[1]))[:3]
        alt = f"{one['code']}, probability {number(one['probability'], 2)}; strongest words: {listed(f'{word[0]} {number(100 * effect, 1)}' for word, effect in strongest)}"
        made: Drawing = drawing(facts, note(one["note"], words, one["effects"]), f"note-{place}", f"{place.capitalize()}: {one['code']}, probability {number(one['probability'], 2)}", alt=alt,
                                caption="Orange, underlined: covering the word lowers the probability; blue: it raises it; the stronger, the darker.")
        yield made
