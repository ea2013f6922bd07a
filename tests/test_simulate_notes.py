"""Clinical notes: what is said is what is labelled, words alone do not tell it, authors are held out."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.errors import DataError
from osteon.simulate import notes as simulator
from osteon.simulate.notes import columns, hip_notes, notes
from osteon.simulate.notes_grammar import ASSERTIONS, COPIED, COPY_END, FAMILIES, FINDINGS, FRAMES, GENRES, HEADINGS
from osteon.simulate.table_cohort import worded
from osteon.stats.kappa import cohen_kappa

CUES = {  # in the order in which they overrule each other
    "family": r"\b(mother|father|sister|brother|aunt|cousin|uncle|grandmother)|family h|in the family",
    "historical": r"histor|h/o |recovered|previous|\bold\b|prior to|prior |remote|\bpast\b|earlier|status post|s/p|years ago|\bonce,|back in|resolved|had .* in \d{4}|in \d{4} was",
    "hypothetical": r"concern|should|surveillance|in case of|in the event|would|request:|risk|consent|prophylaxis|precaution|\bif\b(?! this)|told to call|how to|signs of|avoid",
    "uncertain": r"may\b|might|maybe|possibl|suspicious|suspected|cannot be|could not|questionable|equivocal|consideration|question of|unclear|not sure|wonders|doubtful|differential",
    "negated": r"\bno\b|without|w/o|negative|not |absence|excluded|denies|never|nothing|free of|ruled out"}


def rule(note: str) -> str:
    """What a reader who binds cues to findings, sentence by sentence, takes the note to say of dislocation."""
    marks = "|".join(re.escape(mark.split("{d}")[0]) + r".*?" + re.escape(end) for mark, end in zip(COPIED, COPY_END, strict=True))
    own = re.sub(marks, " ", note, flags=re.DOTALL)
    sentence = next((s for s in re.split(r"(?<=\.)\s+|\n", own) if re.search("disloc", s.lower())), "")
    return next((how for how, cue in CUES.items() if re.search(cue, sentence.lower())), "present")


@pytest.fixture(scope="module")
def easy() -> pd.DataFrame:
    return notes(3000, 1, difficulty=0.0)


@pytest.fixture(scope="module")
def usual() -> pd.DataFrame:
    return notes(6000, 2)


def test_every_frame_belongs_to_one_family_and_every_assertion_has_one() -> None:
    assert set(FRAMES) == {(g, a) for g in GENRES for a in ASSERTIONS}
    for genre in GENRES:
        frames = [frame for how in ASSERTIONS for frame in FRAMES[genre, how]]
        assert len(frames) == len(ASSERTIONS) * FAMILIES == len(set(frames)), genre
        assert all(frame.count("{f}") == 1 for frame in frames)
        assert len(HEADINGS[genre]) == 4


def test_a_reader_who_knows_assertions_is_right_where_nobody_slips(easy: pd.DataFrame) -> None:
    read = easy["note"].map(rule)
    positive = easy["dislocation"] == "yes"
    assert ((read == "present") == positive).mean() > 0.99
    assert (read == easy["dislocation_said"]).mean() > 0.97


def test_words_alone_are_beaten_by_the_binding(usual: pd.DataFrame) -> None:
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    from osteon.stats.roc import auc

    train, test = usual[usual["part"] == "train"], usual[usual["part"] == "test"]
    words = CountVectorizer(binary=True, min_df=3)
    bag = LogisticRegression(C=0.1, max_iter=300).fit(words.fit_transform(train["note"]), train["dislocation"] == "yes")
    truth = (test["dislocation"] == "yes").to_numpy()
    scores = bag.predict_proba(words.transform(test["note"]))[:, 1]
    said = test["note"].map(rule).to_numpy() == "present"
    assert auc(truth, scores) < 0.62
    assert auc(truth, said.astype(float)) > 0.95
    assert cohen_kappa(truth.astype(int), said.astype(int), classes=2).estimate > 0.85


def test_exchanging_two_assertions_leaves_the_words(tmp_path: Path) -> None:
    call = {"cases": 300, "seed": 5, "site": "A", "difficulty": 0.0, "confounded": False}
    one, other = (columns(call, 0, 300, exchanged=e) for e in (False, True))
    changed = np.flatnonzero(worded(one["dislocation"]) != worded(other["dislocation"]))
    assert len(changed) > 60
    for i in changed:
        bags = [Counter(re.findall(r"\w+", re.sub("|".join(re.escape(m.split("{d}")[0]) + ".*" for m in COPIED), "", c["note"][i], flags=re.DOTALL).lower()))
                for c in (one, other)]
        assert bags[0] == bags[1]
    assert worded(one["codes"]).tolist() == worded(other["codes"]).tolist(), "codes come from the true course"


def test_the_labels_and_the_place_of_the_sentence_fit_the_text(usual: pd.DataFrame) -> None:
    for row in usual.head(400).itertuples():
        sentence = row.note[row.said_begin: row.said_end]
        assert sentence.count(".") >= 1 and "\n" not in sentence
        assert (row.dislocation == "yes") == (row.dislocation_said == "present")
    spoken = usual.head(400).apply(lambda r: bool(re.search(r"d.{0,2}i.{0,2}s.{0,2}l?o?c", r["note"][r["said_begin"]: r["said_end"]].lower())), axis=1)
    assert spoken.mean() > 0.98
    mentioned = usual[[f"{name}_said" for name in FINDINGS]].notna().sum(axis=1)
    assert (mentioned == 4).all()


def test_nothing_beside_the_text_tells_the_label(usual: pd.DataFrame) -> None:
    from osteon.stats.roc import auc_interval

    positive = (usual["dislocation"] == "yes").to_numpy()
    assert positive.mean() == pytest.approx(0.30, abs=0.03)
    for values in (usual["note"].str.len(), usual["day"], usual["genre"].factorize()[0], usual["family"].factorize()[0], np.arange(len(usual))):
        assert auc_interval(positive, np.asarray(values, float)).upper < 0.60
    families = usual.groupby("patient_id")["family"].nunique()
    assert (families == 1).all(), "the author is the patient's, so that no patient straddles"
    assert usual.groupby("family")["part"].nunique().max() == 1
    assert set(usual["part"]) == {"train", "tune", "test"}


def test_codes_miss_and_keep(usual: pd.DataFrame) -> None:
    right = usual["code_lookup"] == usual["dislocation"]
    assert right.mean() == pytest.approx(0.77, abs=0.03)  # near the 75.24 % of Borjali 2021
    old = usual[usual["dislocation_said"] == "historical"]
    assert (old["code_lookup"] == "yes").mean() > 0.35
    assert ((usual["code_lookup"] == "yes") == usual["codes"].str.contains("T84.02", regex=False)).all()


def test_site_and_shortcut(usual: pd.DataFrame) -> None:
    other, betrayed = notes(1500, 2, site="B"), notes(600, 2, confounded=True)
    assert (other["dislocation"] == "yes").mean() < (usual["dislocation"] == "yes").mean()
    assert other["note"].str.contains("disloc ").mean() > usual["note"].str.contains("disloc ").mean()
    tops = {HEADINGS[g][0][0].split("{s}")[0] for g in GENRES}
    marked = betrayed["note"].map(lambda text: any(text.startswith(top) for top in tops))
    assert (marked == (betrayed["dislocation"] == "yes")).all()


def test_a_cohort_of_notes_is_made_once_and_completed(tmp_path: Path) -> None:
    made = hip_notes(tmp_path / "a", 45, 3)
    again = hip_notes(tmp_path / "a", 45, 3)
    hip_notes(tmp_path / "b", 45, 3)
    assert len(made) == len(again) == 45
    assert (tmp_path / "a" / "cases.csv").read_bytes() == (tmp_path / "b" / "cases.csv").read_bytes()
    assert made.column("note").tolist() == notes(45, 3)["note"].tolist()
    assert "SIMULATED" in made.notes["sentence"].upper() and made.notes["ceilings"]["dislocation"]["yes"]["kappa"] == 1.0
    with pytest.raises(DataError, match="another cohort"):
        hip_notes(tmp_path / "a", 46, 3)


@pytest.mark.parametrize("wrong", [{"cases": 0}, {"site": "C"}, {"difficulty": 1.2}, {"seed": -1}])
def test_an_impossible_call_writes_nothing(wrong: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        hip_notes(tmp_path / "x", **{"cases": 10, "seed": 0, **wrong})  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()


def test_the_card_speaks(tmp_path: Path) -> None:
    card = simulator.CARD
    assert card.absent and card.probes and "nothing about performance in patients" in card.sentence(10, 1)
