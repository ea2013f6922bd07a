"""Words covered one by one: the effects are those of a model whose words are known, and the checks tell a model from none."""

from __future__ import annotations

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from osteon.budget import SMOKE
from osteon.case import Case
from osteon.errors import DataError
from osteon.models import Desk, Formula, Net
from osteon.targets import Classes
from osteon.validation.explanation_words import MOST, Question, covered, faithful, pooled, weights_check, worded
from osteon.value import Label

notes = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("test_models_words.py"))))
ASKED = Question("note", "there", target=Classes(("no", "yes")), finding="yes")
WEIGHTS = {"dislocation": 0.4, "acute": 0.2, "no": -0.5}


def by_words(note: str) -> Label:
    """A sum of known weights over the words of a note."""
    p = float(np.clip(0.5 + sum(WEIGHTS.get(word.strip(".").lower(), 0.0) for word in note.split()), 0, 1))
    return Label("yes" if p > 0.5 else "no", {"yes": p, "no": 1 - p})


RULE = Formula(by_words, reads=("note",), writes=("there",))


def test_the_effect_of_a_word_is_what_covering_it_takes_away() -> None:
    note = "Acute pain. There is no dislocation."
    found = worded(RULE, Case("a", "a", inputs={"note": note}), ASKED, "simulated")
    effects = {word: effect for (word, _, _), effect in zip(found.words, found.effects, strict=True)}
    assert found.probability == pytest.approx(0.6) and effects["acute"] == pytest.approx(0.2) and effects["dislocation"] == pytest.approx(0.4)
    assert effects["no"] == pytest.approx(-0.4) and effects["pain"] == effects["there"] == 0.0, "a probability ends at 1"
    begin = note.index("There")
    assert found.inside(begin, len(note)) and not found.inside(0, begin)
    assert covered(note, found.words, [0, 5]) == "qqqq pain. There is no qqqq."


def test_a_long_note_is_covered_several_words_at_a_time() -> None:
    note = "acute " + "hip " * (2 * MOST)
    found = worded(RULE, Case("a", "a", inputs={"note": note}), ASKED, "own")
    assert len(found.effects) == 2 * MOST + 1 and found.effects.sum() == pytest.approx(0.2)
    with pytest.raises(DataError, match="no note with a word"):
        worded(RULE, Case("b", "b", inputs={"note": "12/3"}), ASKED, "own")


def test_covering_in_its_order_is_faithful_and_names_are_not_told() -> None:
    case = Case("a", "a", inputs={"note": "Acute dislocation of the hip in bed, seen by Mortimer and others on the ward at night."})
    found = worded(RULE, case, ASKED, "own")
    curve = faithful(RULE, case, found, ASKED, origin="own", seed=1)
    assert curve.holds and curve.areas[0] < curve.by_chance[0] and curve.deletion[0] == pytest.approx(1.0) == curve.insertion[-1]
    told = pooled([found, found, found], ["p1", "p1", "p2"], fewest=2)
    assert [row["word"] for row in told][:2] == ["dislocation", "acute"] and told[0]["notes"] == 3
    assert not pooled([found, found], ["p1", "p1"], fewest=2), "one patient's words are not told"


def test_effects_of_a_network_change_with_its_weights() -> None:
    net = Net("text_cnn", reads=("note",), writes=("there",)).fit(notes.cohort(160, 1), notes.cohort(40, 2), notes.TARGETS, Desk(SMOKE.with_(epochs=6), 5))
    case = notes.cohort(1, 9).cases[0]
    found = worded(net, case, ASKED, "simulated")
    strongest = found.words[int(np.abs(found.effects).argmax())][0]
    assert strongest in ("saw", "today", "not", "any", "dislocation", "fracture", "loosening", "infection", "and", "we")
    check = weights_check(net, case, found, ASKED, origin="simulated", seed=3)
    assert check.shuffled == "weights" and check.holds
    assert faithful(net, case, found, ASKED, origin="simulated", seed=3).holds
