"""Notes as words: what a model may know of them, networks and estimators that read them, padding, unknown words, and that no name gets in."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from osteon.budget import SMOKE
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.errors import DataError
from osteon.models import Chain, Desk, Formula, Net, Tabular
from osteon.models.texts import FIRST, PADDING, UNKNOWN, TextView, hidden, shown, text_view
from osteon.models.words import END, known_words, notes_of, places, runs, tokens
from osteon.networks import build, takes
from osteon.stats.roc import auc
from osteon.targets import Classes
from osteon.value import Label, Withheld

TARGETS = {"there": Classes(("no", "yes"))}
FINDINGS = ("dislocation", "fracture", "loosening", "infection")
ON_WORDS = ("logistic regression", "support vectors", "naive Bayes", "random forest")


def sentence(rng: np.random.Generator, positive: bool) -> str:
    """Two findings, one seen and one denied: which is which is told by the order of the same words."""
    other = str(rng.choice(FINDINGS[1:]))
    seen, denied = ("dislocation", other) if positive else (other, "dislocation")
    filler = " ".join(rng.choice(["Hip in place.", "Walks with a cane.", "Films of 2011.", "Cup at 45 degrees."], 2).tolist())
    return f"{filler} We saw {seen} today and not any {denied} at all."


def cohort(n: int, seed: int, *, change: object = None) -> Cohort:
    rng = np.random.default_rng(seed)
    cases = []
    for k in range(n):
        positive = bool(rng.random() < 0.5)
        note = sentence(rng, positive)
        cases.append(Case(f"{seed}-{k}", f"p{seed}-{k}", inputs={"note": change(note) if callable(change) else note}, truth={"there": Label("yes" if positive else "no")}))
    return Cohort("sentences", "simulated", cases=cases)


def score(model: object, test: Cohort) -> float:
    truth = np.array([case.truth["there"].name == "yes" for case in test])
    return float(auc(truth, np.array([a["there"].probabilities["yes"] for a in model.predict(test)])))  # type: ignore[attr-defined]


def in_order(note: str) -> str:
    """The same words without their order."""
    return " ".join(sorted(note.split()))


# --- words -------------------------------------------------------------------------------------------------------------------


def test_tokens_mask_what_tells_of_a_person() -> None:
    assert tokens("S/P THR in 2011; DOB 12.3.1950 -- pt's X-ray: o.k.\n\nNo follow-up!") == [
        "s/p", "thr", "in", "<year>", END, "dob", "<number>", "pt's", "x-ray", END, "o", END, "k", END, "no", "follow-up", END]
    note = "No evidence of dislocation."
    assert [note[b:e] for _, b, e in places(note)] == ["No", "evidence", "of", "dislocation"]
    assert list(runs(["no", "fracture", END, "denies"], 2)) == ["no", "fracture", END, "denies", "no fracture"]


def test_a_word_is_known_when_three_patients_share_it() -> None:
    notes = [["hip", "smith"], ["hip", "smith"], ["hip", "smith"], ["hip", "pain"], ["hip", "pain"], ["pain"]]
    patients = ["a", "a", "a", "b", "c", "d"]
    assert known_words(notes, patients) == ("hip", "pain"), "three notes of one patient hold his name"
    assert known_words(notes, patients, most=1) == ("hip",)
    assert known_words(notes, patients, longest=2, fewest=2) == ("hip", "pain", "hip pain")


def test_a_view_learns_its_words_from_the_train_part_alone() -> None:
    view = text_view(cohort(40, 1), "note", 16)
    assert "dislocation" in view.words and view.length == 64 and "zebra" not in view.words
    numbers = view.numbers("Zebra dislocation")
    assert numbers.tolist() == [UNKNOWN, FIRST + view.words.index("dislocation")]
    assert len(view.numbers("hip " * 500)) == 64
    assert view.see({}) == Withheld("no note") and view.see({"note": " . "}) == Withheld("note is without a word") and view.see({"note": 3}) == Withheld("note is no text")
    assert view.cut(np.concatenate([view.see({"note": "hip " * n}).pieces(view.shape) for n in (3, 64, 90)])) == 2
    with pytest.raises(DataError, match="no case has the note"):
        text_view(Cohort("bare", "own", cases=[Case("a", "a")]), "note", 16)


def test_padding_is_trimmed_and_words_are_hidden_but_never_padding() -> None:
    view = TextView("note", ("hip", "pain"), length=8)
    pieces = torch.from_numpy(np.concatenate([view.see({"note": text}).pieces(view.shape) for text in ("hip", "hip pain hip")]))
    assert shown(pieces).tolist() == [[2, 0, 0], [2, 3, 2]]
    many = shown(pieces).repeat(400, 1)
    drawn = hidden(many, torch.Generator().manual_seed(0), 0.25)
    assert (drawn[many == PADDING] == PADDING).all() and set(drawn[drawn != many].tolist()) == {UNKNOWN}
    assert float((drawn != many).float()[many != PADDING].mean()) == pytest.approx(0.25, abs=0.04)


# --- networks ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["text_cnn", "text_recurrent"])
def test_an_answer_does_not_hang_on_the_padding(name: str) -> None:
    assert takes(name) == "text" and takes("resnet18") == takes("hrnet") == "picture"
    torch.manual_seed(0)
    network = build(name, channels=50, outputs=3, width=0.25, image_size=(1, 40)).eval()
    note = torch.randint(2, 50, (2, 12))
    alone, beside = network(note), network(torch.cat((note, torch.zeros(2, 30, dtype=torch.long)), dim=1))
    assert alone.shape == (2, 3) and torch.allclose(alone, beside, atol=1e-6)
    assert not torch.allclose(alone, network(note.flip(1)), atol=1e-4), "the order of words is read"
    assert network(torch.tensor([[5]])).shape == (1, 3)


@pytest.mark.parametrize("name", ["text_cnn", "text_recurrent"])
def test_a_network_learns_what_only_the_order_tells_saves_and_answers_the_same(name: str, tmp_path: Path) -> None:
    spec, test = Net(name, reads=("note",), writes=("there",)), cohort(80, 3)
    desk = Desk(SMOKE.with_(epochs=6), 5)
    fitted = spec.fit(cohort(160, 1), cohort(60, 2), TARGETS, desk)
    assert score(fitted, test) > 0.95
    assert desk.notes["words"] > 20 and desk.notes["cut"] == 0 and desk.notes["losses"][-1]["train"] < desk.notes["losses"][0]["train"]
    fitted.save(tmp_path)
    assert {p.name for p in tmp_path.iterdir()} == {"weights.safetensors", "spec.json"}
    assert "dislocation" in json.loads((tmp_path / "spec.json").read_text(encoding="utf-8"))["view"]["words"]
    given = [a["there"] for a in fitted.predict(test)]
    assert [a["there"] for a in spec.load(tmp_path, TARGETS).predict(test)] == given and spec.fitted is None
    mixed = Cohort("mixed", "own", cases=[test.cases[0], Case("none", "none"), test.cases[0].with_inputs(note="12/3"), test.cases[0]])
    answers = [a["there"] for a in fitted.predict(mixed)]
    assert [getattr(a, "reason", "") for a in answers] == ["", "no note", "note is without a word", ""] and answers[0] == answers[3] == given[0]


def test_without_the_order_there_is_nothing_to_learn() -> None:
    fitted = Net("text_cnn", reads=("note",), writes=("there",)).fit(cohort(160, 1, change=in_order), cohort(60, 2, change=in_order), TARGETS, Desk(SMOKE.with_(epochs=6), 5))
    assert 0.3 < score(fitted, cohort(120, 3, change=in_order)) < 0.7


# --- estimators --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ON_WORDS)
def test_an_estimator_on_words_saves_and_answers_the_same(name: str, tmp_path: Path) -> None:
    spec, test = Tabular(name, reads=("note",), writes=("there",)), cohort(60, 3)
    desk = Desk(SMOKE, 3)
    fitted = spec.fit(cohort(160, 1), cohort(20, 2), TARGETS, desk)
    assert score(fitted, test) > 0.9, "pairs of words tell"
    assert desk.notes["cases"] == 160 and desk.notes["words"] > 40
    fitted.save(tmp_path)
    assert {p.suffix for p in tmp_path.iterdir()} == {".skops"}
    given = [a["there"] for a in fitted.predict(test)]
    assert [a["there"] for a in spec.load(tmp_path, TARGETS).predict(test)] == given
    mixed = Cohort("mixed", "own", cases=[Case("none", "none"), test.cases[0], test.cases[1].with_inputs(note="")])
    assert [a["there"] for a in fitted.predict(mixed)] == [Withheld("no note"), given[0], Withheld("no note")]


def test_no_name_enters_an_estimator(tmp_path: Path) -> None:
    train = cohort(40, 1)
    train = Cohort("named", "own", cases=[case.with_inputs(note=case.inputs["note"] + (" Seen by Mortimer." if k < 2 else "")) for k, case in enumerate(train)])
    assert any("Mortimer" in (note or "") for note in notes_of(train, "note"))
    for spec in (Tabular("logistic regression", reads=("note",), writes=("there",)), Net("text_cnn", reads=("note",), writes=("there",))):
        home = tmp_path / spec.name
        home.mkdir()
        spec.fit(train, cohort(20, 2), TARGETS, Desk(SMOKE.with_(epochs=1), 3)).save(home)
        assert not any(b"mortimer" in path.read_bytes().lower() for path in home.iterdir())


def test_a_chain_hands_a_text_on() -> None:
    model = Chain(Formula(in_order, reads=("note",), writes=("sorted",)), Tabular("naive Bayes", reads=("sorted",), writes=("there",)))
    fitted = model.fit(cohort(80, 1), cohort(20, 2), TARGETS, Desk(SMOKE, 3))
    answers = [a["there"] for a in fitted.predict(Cohort("two", "own", cases=[cohort(1, 3).cases[0], Case("none", "none")]))]
    assert isinstance(answers[0], Label) and answers[1] == Withheld("no note") or isinstance(answers[1], Withheld)
