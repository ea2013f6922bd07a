"""Borjali 2021: networks, estimators on words, rules and codes on the same notes; the pieces that make it this study, and what bad notes get."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from osteon import engine
from osteon.budget import SMOKE
from osteon.cohort import Cohort
from osteon.engine.explaining import explain
from osteon.engine.reading import unreadable
from osteon.errors import DataError
from osteon.models import Chain, Desk, Net, bare
from osteon.report import report
from osteon.run import Run
from osteon.simulate.notes import hip_notes
from osteon.studies import study
from osteon.studies.borjali_nlp_2021 import STUDY, by_code, by_rule, by_word, with_marks
from osteon.study import Study
from osteon.validation.results import results_of
from osteon.value import Label, Withheld

GENRES = ("radiology", "telephone", "operative")


def read(folder: Path) -> Cohort:
    """The cohort of a folder as the study reads it, cases that can not be read left out."""
    cohort = Cohort.from_folder(folder).conform(STUDY.inputs, STUDY.targets, answered=STUDY.answered)
    return cohort.leave_out(unreadable(cohort, STUDY.inputs, STUDY.targets))


def of(*labels: str) -> Study:
    """The study with some of its models."""
    return replace(STUDY, models={label: STUDY.models[label] for label in labels})


def folder(root: Path, *notes: str, extra: str = "") -> Path:
    """A cohort folder of a hospital: an id, a patient, a note and its label; no codes, no genre, no family."""
    root.mkdir(parents=True)
    rows = "".join(f'c{k},p{k},"{note}",{"yes" if k % 2 else "no"}\n' for k, note in enumerate(notes))
    (root / "cases.csv").write_text(f"case_id,patient_id,note,dislocation\n{rows}{extra}", encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    root = tmp_path_factory.mktemp("borjali")
    return engine.run("borjali_nlp_2021", hip_notes(root / "cohort", 400, 3), seed=3, budget=SMOKE.with_(epochs=1, limits=replace(SMOKE.limits, arms=16)), out=root / "run")


def test_every_way_of_reading_stands_beside_every_other_on_the_same_notes(done: Run) -> None:
    rows = {r.source.model: r for r in done.rows}
    assert set(rows) == {"text CNN", "recurrent network", "logistic regression", "support vectors", "naive Bayes", "random forest", "code look-up", "negation rule", "word search",
                         "text CNN, negation marked", "logistic regression, negation marked"}
    assert len({(r.counts["n"], r.counts["patients"], r.counts["withheld"]) for r in rows.values()}) == 1
    assert done.primary.source.model == "text CNN"
    kappa = {label: r.metrics["kappa"]["estimate"] for label, r in rows.items()}
    assert kappa["negation rule"] > 0.85 and kappa["word search"] < 0.15, "negation and history taken out"
    assert 0.3 < kappa["code look-up"] < 0.8 and all(k <= 1.0 == r.metrics["ceiling_kappa"]["estimate"] for k, r in zip(kappa.values(), rows.values(), strict=True))
    assert rows["logistic regression, negation marked"].metrics["auc"]["estimate"] > rows["logistic regression"].metrics["auc"]["estimate"] + 0.1


def test_kappa_is_told_for_each_genre_with_its_differences_and_mistakes_by_what_was_said(done: Run) -> None:
    found = {(r.analysis, r.what, r.group): r for r in results_of(done)}
    for genre in (*GENRES, "all"):
        assert found["Kappas", f"kappa, {genre}", "negation rule"].value.estimate > 0.8
        difference = found["Kappas", f"difference, {genre}", "text CNN less code look-up"].value
        one, other = (found["Kappas", f"kappa, {genre}", label].value.estimate for label in ("text CNN", "code look-up"))
        assert difference.estimate == pytest.approx(one - other) and difference.lower <= difference.estimate <= difference.upper
    total = found["Kappas", "kappa, all", "code look-up"]
    assert total.n == sum(found["Kappas", f"kappa, {g}", "code look-up"].n for g in GENRES)
    said = {what: found["Mistakes", f"wrong, {what}", "word search"].value.estimate for what in ("present", "negated", "historical")}
    assert said["present"] < 0.1 and said["negated"] > 0.9 and said["historical"] > 0.7
    assert found["Mistakes", "wrong, negated", "negation rule"].value.estimate < 0.1


def test_the_report_tells_genres_words_and_codes(done: Run) -> None:
    page = report(done).read_text(encoding="utf-8")
    for words in ("Agreement beyond chance", "Kappa, radiology", "Kappa, telephone", "Where calls are wrong", "Wrong, hypothetical", "Which words the answers rest on", "Speaks for it", "code look-up: "):
        assert words in page, words
    assert "No map was made" not in page


def test_authors_never_straddle_parts(tmp_path: Path) -> None:
    cohort = hip_notes(tmp_path / "c", 300, 5).conform(STUDY.inputs, STUDY.targets)
    (fold,), _ = cohort.folds(STUDY.design, 5, keep=STUDY.together)
    families = cohort.column("family")
    parts = [set(families[rows].tolist()) for rows in (*fold.fits[0], fold.test)]
    assert all(parts) and not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])


def test_the_network_reads_the_order_of_words(tmp_path: Path) -> None:
    """The CNN on notes with marks beside the same on their words in alphabetical order: the sentences are what it needs, where a mark is one of many words."""
    cohort = hip_notes(tmp_path / "c", 420, 2, difficulty=0.0).conform(STUDY.inputs, STUDY.targets)
    train, tune, test = (cohort.take(np.arange(a, b)) for a, b in ((0, 240), (240, 300), (300, 420)))
    model = bare(STUDY.models["text CNN, negation marked"])
    assert isinstance(model, Chain)
    fitted = model.fit(train, tune, STUDY.targets, Desk(SMOKE.with_(epochs=6), 1))
    right = [a["dislocation"].name == c.truth["dislocation"].name for a, c in zip(fitted.predict(test), test, strict=True)]
    assert np.mean(right) > 0.85
    nets = [bare(STUDY.models[label]) for label in ("text CNN", "recurrent network")]
    assert [net.name for net in nets if isinstance(net, Net)] == ["text_cnn", "text_recurrent"]


@pytest.mark.parametrize(("codes", "answer"), [("Z96.64; T84.02", "yes"), ("Z96.641; T84.020A", "yes"), ("T84.022A", "no"), ("996.42", "yes"), ("27266", "yes"), ("127266", "no"), ("T84.03", "no"), ("", "no")])
def test_a_code_of_the_hip_and_no_other_is_looked_up(codes: str, answer: str) -> None:
    assert by_code(codes) == Label(answer)


def test_the_rules_of_the_study() -> None:
    note = "History of dislocation in 2009. Today no dislocation."
    assert (by_rule(note).name, by_word(note).name) == ("no", "yes") and "historical-dislocation" in with_marks(note)
    assert by_rule("The prosthesis is dislocated.").name == "yes" == by_rule("Subluxation of the head.").name


def test_notes_that_can_not_be_used_are_listed(tmp_path: Path) -> None:
    good = "There is no dislocation of the hip."
    home = folder(tmp_path / "own", good, "Kein Nachweis einer Luxation. Die Prothese ist nicht gelockert und der Schaft steht im Lot.", "", "   ", "hip " * 25_000, "letter.txt", "coded.txt", "Вывиха протеза нет.", good)
    (home / "letter.txt").write_bytes("Cliché de la hanche: pas de luxation. La prothèse est en place avec une tige dans le fémur.".encode("cp1252"))
    (home / "coded.txt").write_bytes(b"\x00\x01dislocation\x02" * 30)
    cohort = read(home)
    assert cohort.ids() == ["c0", "c8"]
    reasons = {e.id: (e.step, e.reason) for e in cohort.excluded}
    assert reasons["c1"] == ("reading", "note is written in German and not in English")
    assert reasons["c2"] == ("inputs", "no note") and reasons["c3"] == ("reading", "note is without a word")
    assert reasons["c4"] == ("reading", "note is longer than the 50,000 characters that one note may hold")
    assert reasons["c5"] == ("reading", "note is written in French and not in English"), "Windows-1252 is read"
    assert reasons["c6"] == ("reading", "note can not be read") and reasons["c7"][1] == "note is written in Cyrillic letters and not in English"


def test_a_table_in_another_encoding_and_a_folder_without_english_are_refused(tmp_path: Path, cli: Callable[..., tuple[int, str, str]]) -> None:
    home = folder(tmp_path / "own", *["The prothèse is not dislocated."] * 6)
    (home / "cases.csv").write_bytes((home / "cases.csv").read_text(encoding="utf-8").encode("cp1252"))
    code, _, error = cli("run", "borjali_nlp_2021", "--cohort", home, "--budget", "smoke", "--out", tmp_path / "run")
    assert code == 2 and "UTF-8" in error and "Traceback" not in error
    german = folder(tmp_path / "german", *["Die Hüfte ist nicht luxiert und der Schaft ist fest."] * 6)
    with pytest.raises(DataError, match="no case can be read.*written in German"):
        read(german)


def test_a_cohort_without_codes_genres_and_authors_runs(tmp_path: Path) -> None:
    texts = [f"{'Acute' if k % 2 else 'No'} dislocation of the {'left' if k % 3 else 'right'} hip. Seen in the clinic for the {k % 5} time." for k in range(60)]
    run = engine.run(of("logistic regression", "code look-up"), Cohort.from_folder(folder(tmp_path / "own", *texts)), budget=SMOKE, out=tmp_path / "run")
    rows = {r.source.model: r for r in run.rows}
    assert rows["code look-up"].counts["withheld"] == rows["logistic regression"].counts["n"] == 12
    found = results_of(run)
    assert {r.analysis for r in found if r.what == "not made"} == {"Kappas", "Mistakes"}
    page = report(run).read_text(encoding="utf-8")
    assert "may name people" in page and "Seen in the clinic" not in page
    answer = next(iter(engine.predict(run, [_file(tmp_path)])))
    assert isinstance(answer.values["dislocation"], Label)
    held = next(iter(STUDY.models["code look-up"].predict(read(tmp_path / "own"))))
    assert held["dislocation"] == Withheld("no codes")


def _file(root: Path) -> Path:
    path = root / "note.txt"
    path.write_text("No dislocation of the hip today.", encoding="utf-8")
    return path


def test_one_note_is_explained(done: Run) -> None:
    told = explain(done, done.table("split").query("part == 'test'")["case"].iloc[0], model="negation rule")
    assert told.method == "words covered in turn" and told.more["better_than_chance"] in (True, False) and told.parts
    assert re.search(r"\d\.\d{3}", told.sentences()[0]) and study("borjali_nlp_2021").name == "borjali_nlp_2021"
