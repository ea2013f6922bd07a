"""MTSamples: three notes in the published layout, weak labels from their own diagnosis lines, and the set itself where it is there."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from osteon import engine
from osteon.budget import SMOKE
from osteon.datasets.mtsamples_ortho import COLUMNS, OTHER, divided, mtsamples_ortho
from osteon.errors import DataError
from osteon.models import Desk, Tabular
from osteon.models.assertions import asserted
from osteon.report import report
from osteon.stats.roc import auc
from osteon.studies import study
from osteon.targets import Classes

DISLOCATED = "PREOPERATIVE DIAGNOSIS: Posterior dislocation, right hip.\nPROCEDURE: Closed reduction.\nThe hip was reduced.\nPOSTOPERATIVE DIAGNOSIS: Same dislocation.\nPLAN: Home."
CLEAN = "EXAM: Hip films.\nFINDINGS: No fracture or dislocation.\nIMPRESSION: No dislocation. Fracture of the femur."
BARE = "HISTORY: Seen for pain.\nPLAN: Physiotherapy."


def folder(root: Path, *rows: tuple[str, ...], columns: tuple[str, ...] = COLUMNS) -> Path:
    root.mkdir(parents=True)
    with open(root / "notes.csv", "w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([columns, *(rows or (("m1", "Orthopedic", "Hip", DISLOCATED), ("m2", "Radiology", "Hip", CLEAN), ("m3", "Orthopedic", "Pain", BARE)))])
    return root


def test_three_notes_with_their_weak_labels(tmp_path: Path) -> None:
    cohort = mtsamples_ortho(folder(tmp_path / "set"))
    declared = study("borjali_nlp_2021")
    bound = cohort.conform(declared.inputs, declared.targets, answered=declared.answered)
    assert (cohort.origin, bound.ids()) == ("public", ["m1", "m2"])
    assert [(e.id, e.reason) for e in cohort.excluded] == [("m3", "no heading of diagnosis to label the note by")]
    assert [c.truth["dislocation"].name for c in bound] == ["yes", "no"] and bound.column("fracture").tolist() == ["no", "yes"]
    assert bound.column("genre").tolist() == [OTHER, "radiology"]
    assert "not verified" in cohort.licence and "nobody has read the notes" in cohort.notes["weak labels"]


def test_what_labels_a_note_is_not_in_it() -> None:
    rest, diagnosis = divided(DISLOCATED)
    assert "Posterior dislocation" in diagnosis and "Same dislocation" in diagnosis
    assert "dislocation" not in rest and "Closed reduction" in rest and "Home" in rest
    assert divided(BARE) == (BARE, "")


@pytest.mark.parametrize(("rows", "columns", "words"), [
    ((), ("case_id", "specialty", "sample_name", "note"), "'text' is missing"), ((("m1", "Orthopedic", "a", CLEAN),) * 2, COLUMNS, "there twice"), ((("m1", "Orthopedic", "a", BARE),), COLUMNS, "no note can be used")])
def test_a_fault_of_the_whole_set_is_refused(tmp_path: Path, rows: tuple[tuple[str, ...], ...], columns: tuple[str, ...], words: str) -> None:
    with pytest.raises(DataError, match=words):
        mtsamples_ortho(folder(tmp_path / "set", *rows, columns=columns))


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"notes.csv"):
        mtsamples_ortho(tmp_path)


def test_a_report_says_that_the_labels_are_weak(tmp_path: Path) -> None:
    texts = [f"HISTORY: Fall {k} days ago.\nDIAGNOSIS: {'Dislocation of the hip' if k % 3 == 0 else 'Arthritis of the hip'}.\nPLAN: {'Reduction under sedation' if k % 3 == 0 else 'Physiotherapy at home'} of the hip." for k in range(40)]
    home = folder(tmp_path / "set", *((f"m{k}", "Orthopedic", "x", text) for k, text in enumerate(texts)))
    declared = study("borjali_nlp_2021")
    run = engine.run(replace(declared, models={"negation rule": declared.models["negation rule"]}), mtsamples_ortho(home), budget=SMOKE, out=tmp_path / "run")
    page = report(run).read_text(encoding="utf-8")
    assert "How right the answers are: the labels are weak" in page and "The labels are weak: a dislocation" in page and "agreement with them and not of accuracy" in page
    assert run.primary.source.origin == "public"


def test_the_set_as_published(shared_data: Callable[[str], Path]) -> None:
    cohort = mtsamples_ortho(shared_data("mtsamples_ortho"))
    assert len(cohort) == 443 and len(cohort.excluded) == 108
    declared = study("borjali_nlp_2021")
    bound = cohort.conform(declared.inputs, declared.targets, answered=declared.answered)
    assert [int((cohort.column(name) == "yes").sum()) for name in ("dislocation", "fracture")] == [8, 44]
    assert not any(declared.inputs["note"].misfit(case.inputs["note"]) for case in bound), "every note is English and of a usual length"


def test_estimators_and_rule_read_fractures_in_real_notes(shared_data: Callable[[str], Path]) -> None:
    """Dislocations are too few to learn from; of fractures the body of a note tells what its diagnosis lines said."""
    cohort = mtsamples_ortho(shared_data("mtsamples_ortho"))
    targets = {"fracture": Classes(("no", "yes"))}
    bound = cohort.conform({"note": study("borjali_nlp_2021").inputs["note"]}, targets, answered=("fracture",))
    order = np.random.default_rng(0).permutation(len(bound))
    train, test = bound.take(order[:260]), bound.take(order[260:])
    truth = np.array([case.truth["fracture"].name == "yes" for case in test])
    fitted = Tabular("logistic regression", reads=("note",), writes=("fracture",)).fit(train, train, targets, Desk(SMOKE, 1))
    learnt = np.array([a["fracture"].probabilities["yes"] for a in fitted.predict(test)])  # type: ignore[union-attr]
    ruled = np.array([asserted(case.inputs["note"], r"\bfractur\w*") for case in test])
    assert auc(truth, learnt) > 0.8 and auc(truth, ruled.astype(float)) > 0.75
