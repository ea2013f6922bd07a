"""What a note says of a finding, by rule: the kinds of NegEx and ConText, their reach, and what it is worth on simulated notes."""

from __future__ import annotations

import re

import numpy as np
import pytest

from osteon.models.assertions import asserted, marked, mentions
from osteon.simulate.notes import notes
from osteon.stats.kappa import cohen_kappa

HIP = r"\bdisloc\w*"
SAID = {
    "present": ("The hip is dislocated.", "No fracture, but the hip has dislocated.", "Anterior dislocation reduced under sedation.", "There is no doubt of dislocation.", "Infection was ruled out; posterior dislocation."),
    "negated": ("No evidence of fracture or dislocation.", "She denies dislocation.", "Dislocation is not seen.", "The hip was tested without any dislocation.", "Dislocation has been ruled out.", "Negative for dislocation."),
    "uncertain": ("Possible dislocation.", "Dislocation cannot be excluded.", "Findings suspicious for dislocation.", "It is unclear whether there was a dislocation."),
    "historical": ("History of dislocation.", "Status post dislocation in 2009.", "Dislocation ten years ago, treated elsewhere.", "Prior dislocation, since resolved.", "s/p dislocation"),
    "hypothetical": ("Risks such as infection and dislocation were explained.", "Return if dislocation occurs.", "Dislocation precautions were given.", "Should dislocation occur, go to the hospital."),
    "family": ("Her mother had a dislocation.", "Family history of dislocation of the hip.")}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in SAID.items() for text in texts])
def test_each_kind_is_told(kind: str, text: str) -> None:
    assert [m.said for m in mentions(text, HIP)] == [kind]
    assert asserted(text, HIP) == (kind == "present")


def test_a_cue_reaches_no_further_than_its_clause_and_sentence() -> None:
    text = "No fracture. The hip is dislocated. History of infection."
    assert asserted(text, HIP) and [m.said for m in mentions(text, "infection")] == ["historical"] and [m.said for m in mentions(text, "fracture")] == ["negated"]
    assert [m.said for m in mentions("Dislocation in 2004, now again dislocated", HIP)] == ["historical", "present"]
    assert [m.said for m in mentions("Cup at 42.5 degrees without dislocation", HIP)] == ["negated"], "a decimal point ends no sentence"
    assert not list(mentions("The knee is fine.", HIP)) and not asserted("", HIP)


def test_what_was_copied_from_an_earlier_note_is_past() -> None:
    text = "Walks well.\n--- copied forward from the note of day 3 ---\nAcute dislocation.\n--- end of copy ---\nCall ended."
    assert [m.said for m in mentions(text, HIP)] == ["historical"]
    assert asserted(text.replace("copied forward from", "as in"), HIP)


def test_marks_tie_what_is_said_to_the_finding() -> None:
    assert marked("No dislocation; new dislocation.", HIP) == "No negated-dislocation; new dislocation."
    assert marked("Nothing here.", HIP) == "Nothing here."


def test_taking_negation_and_history_out_leaves_nothing() -> None:
    """The rule on simulated notes beside a search for the word: the piece of the study that is taken out."""
    table = notes(1200, 8)
    truth = (table["dislocation"] == "yes").to_numpy(int)
    rule, word = (np.array([int(told(text)) for text in table["note"]]) for told in (lambda t: asserted(t, HIP), lambda t: re.search(HIP, t, re.I) is not None))
    assert cohen_kappa(truth, rule, classes=2).estimate > 0.9
    assert abs(cohen_kappa(truth, word, classes=2).estimate) < 0.1
    for genre in table["genre"].unique():
        mine = (table["genre"] == genre).to_numpy()
        assert cohen_kappa(truth[mine], rule[mine], classes=2).estimate > 0.85, genre
