"""Selection inside of a fit: what each selector finds, what is done where nothing is shared, what new cases lack, and what flatters."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from osteon.budget import SMOKE
from osteon.cohort import Cohort
from osteon.cohort.rows import Rows
from osteon.errors import StudyError
from osteon.models import Desk, Selection, Tabular
from osteon.models.selection import SELECTORS, Chosen, eliminated, standardised
from osteon.readers.inputs import Record
from osteon.stats.roc import auc
from osteon.targets import Classes, Measures
from osteon.value import Label, Withheld

NAMES = tuple(f"x{k}" for k in range(30))
RECORD = Record("columns", numbers=NAMES)
TARGET = Classes(("no", "yes"))
THREE = Selection(tuple(SELECTORS))


@cache
def drawn(n: int = 80, seed: int = 0, effect: float = 1.6) -> pd.DataFrame:
    """Thirty columns, of which x3 and x7 tell the classes apart."""
    rng = np.random.default_rng(seed)
    sick = np.arange(n) % 2 == 0
    x = rng.normal(size=(n, len(NAMES)))
    x[:, [3, 7]] += effect * sick[:, None]
    ids = [f"c{seed}x{i}" for i in range(n)]
    return pd.DataFrame(x, columns=list(NAMES)).assign(answer=np.where(sick, "yes", "no"), case_id=ids, patient_id=ids)


def cohort(frame: pd.DataFrame) -> Cohort:
    return Cohort("drawn", "own", cases=Rows(frame.astype(object), None)).conform({"r": RECORD}, {"answer": TARGET})


def fitted(select: Selection, frame: pd.DataFrame, name: str = "logistic regression") -> tuple[Tabular, dict[str, Any]]:
    desk = Desk(SMOKE, 1)
    return Tabular(name, reads=("r",), writes=("answer",), select=select).fit(cohort(frame), cohort(frame), {"answer": TARGET}, desk), desk.notes


@pytest.mark.parametrize("name", SELECTORS)
def test_each_selector_finds_what_was_planted_and_its_order_of_columns_changes_nothing(name: str) -> None:
    frame = drawn()
    found = Selection((name,), most=8).choose(frame[list(NAMES)], frame["answer"].to_numpy(), 0)
    assert {"x3", "x7"} <= set(found.columns) and len(found.columns) <= (8 if name != "LASSO" else 30) and found.of == 30
    turned = Selection((name,), most=8).choose(frame[list(NAMES[::-1])], frame["answer"].to_numpy(), 0)
    assert {"x3", "x7"} <= set(turned.columns)


def test_the_elimination_drops_the_weakest_and_ends_with_one() -> None:
    frame = drawn()
    sizes, kept = eliminated(standardised(frame[list(NAMES)].to_numpy(float)), (frame["answer"] == "yes").to_numpy().astype(int))
    assert sizes[0] == 30 and sizes[-1] == 1 and all(set(b) < set(a) for a, b in zip(kept, kept[1:], strict=False))
    assert set(kept[-2]) == {3, 7}


def test_the_intersection_is_what_all_chose_and_the_union_what_any_did() -> None:
    frame = drawn()
    both = THREE.choose(frame[list(NAMES)], frame["answer"].to_numpy(), 0)
    assert set(both.columns) == set.intersection(*(set(s) for s in both.sets.values())) >= {"x3", "x7"}
    wide = Selection(THREE.by, rule="union").choose(frame[list(NAMES)], frame["answer"].to_numpy(), 0)
    assert set(wide.columns) == set.union(*(set(s) for s in wide.sets.values())) > set(both.columns)


def test_an_empty_intersection_withholds_with_its_reason_or_takes_the_union_by_name(tmp_path: Path) -> None:
    two = Selection(("LASSO", "SVM-RFE"))
    sets = {"LASSO": ("a", "b"), "random forest": ("c",)}
    held = Selection(("LASSO", "random forest"))._joined(sets, (), 3)
    assert held.columns == () and held.reason == "no column was chosen by all of LASSO, random forest"
    union = Selection(("LASSO", "random forest"), empty="union")._joined(sets, (), 3)
    assert union.columns == ("a", "b", "c") and union.instead == "union"
    assert Selection(("LASSO",), empty="union")._joined({"LASSO": ()}, (), 3) == Chosen({"LASSO": ()}, (), of=3, reason="no column was chosen by LASSO")
    noise = drawn(40, 4, 0.0).assign(**dict.fromkeys(NAMES, 0.0))  # nothing varies, so that nothing can be chosen
    model, notes = fitted(two, noise)
    assert notes["selection"]["chosen"] == [] and "flattered" not in notes
    model.save(tmp_path)
    for one in (model, Tabular("logistic regression", reads=("r",), writes=("answer",), select=two).load(tmp_path, {"answer": TARGET})):
        values = [v["answer"] for v in one.predict(cohort(drawn()))]
        assert all(isinstance(v, Withheld) and "no column was chosen by" in v.reason for v in values)


def test_only_survivors_are_read_of_new_cases_and_a_lost_one_is_named(tmp_path: Path) -> None:
    model, notes = fitted(Selection(("random forest",), most=4), drawn())
    kept = notes["selection"]["chosen"]
    assert {"x3", "x7"} <= set(kept) and len(kept) <= 4
    new = drawn(60, 9)
    few = cohort(new[[*kept, "answer", "case_id", "patient_id"]])
    assert [v["answer"] for v in model.predict(few)] == [v["answer"] for v in model.predict(cohort(new))]
    lost = cohort(new.drop(columns="x3"))
    assert {v["answer"] for v in model.predict(lost)} == {Withheld("no column x3")}
    filled, _ = fitted(Selection(("random forest",), most=4, absent="median"), drawn())
    filled.save(tmp_path)
    again = Tabular("logistic regression", reads=("r",), writes=("answer",), select=Selection(("random forest",), most=4, absent="median")).load(tmp_path, {"answer": TARGET})
    for one in (filled, again):
        values = [v["answer"] for v in one.predict(lost)]
        truth = (new["answer"] == "yes").to_numpy()
        assert all(isinstance(v, Label) for v in values)
        assert 0.6 < auc(truth, [TARGET.score(v, "yes") for v in values]) < auc(truth, [TARGET.score(v["answer"], "yes") for v in model.predict(cohort(new))])


def test_a_fill_is_told_and_nothing_at_all_is_not_filled(caplog: pytest.LogCaptureFixture) -> None:
    model, notes = fitted(Selection(("random forest",), most=4, absent="median"), drawn())
    with caplog.at_level("WARNING", logger="osteon"):
        list(model.predict(cohort(drawn(20, 9).drop(columns="x3"))))
    assert any("1 of" in r.getMessage() and "x3" in r.getMessage() and "median" in r.getMessage() for r in caplog.records)
    bare = [v["answer"] for v in model.predict(cohort(drawn(20, 9).drop(columns=notes["selection"]["chosen"])))]
    assert all(isinstance(v, Withheld) for v in bare)


def test_a_case_outside_of_the_train_part_has_no_say() -> None:
    """A column that tells the classes apart in the tune part alone is never chosen, and other truths there change nothing."""
    train, tune = drawn(60, 2), drawn(40, 3)
    betrayed = tune.assign(x20=np.where(tune["answer"] == "yes", 9.0, -9.0))
    kept = []
    for other in (tune, betrayed.assign(answer=tune["answer"].to_numpy()[::-1])):
        desk = Desk(SMOKE, 1)
        Tabular("logistic regression", reads=("r",), writes=("answer",), select=THREE).fit(cohort(train), cohort(other), {"answer": TARGET}, desk)
        kept.append(desk.notes["selection"]["sets"])
    assert kept[0] == kept[1]


def test_noise_looks_like_a_finding_where_it_was_chosen_outside_of_the_folds() -> None:
    """Thirty columns of noise: honest folds give chance, folds behind a choice on all cases and the cases themselves do not (Ambroise and McLachlan 2002)."""
    found = []
    for seed in range(4):
        _, notes = fitted(Selection(("SVM-RFE",), most=4), drawn(60, 20 + seed, 0.0))
        told = {k: np.array(v) for k, v in notes["flattered"].items()}
        truth, fold = told["truth"] == 1, told["fold"]
        found.append((auc(truth, told["apparent"]), np.mean([auc(truth[fold == k], told["outside"][fold == k]) for k in np.unique(fold)])))
    apparent, outside = np.array(found).mean(axis=0)
    assert apparent > 0.72 and outside > 0.62
    model, _ = fitted(Selection(("SVM-RFE",), most=4), drawn(60, 20, 0.0))
    new = drawn(800, 50, 0.0)
    honest = auc((new["answer"] == "yes").to_numpy(), [TARGET.score(v["answer"], "yes") for v in model.predict(cohort(new))])
    assert abs(honest - 0.5) < 0.06


def test_without_a_selector_every_column_is_kept() -> None:
    model, notes = fitted(Selection(()), drawn())
    assert notes["selection"]["chosen"] == list(NAMES) and notes["selection"]["sets"] == {} and len(notes["flattered"]["truth"]) == 80
    assert model.fitted is not None and model.fitted.columns == NAMES


def test_few_cases_of_a_class_are_not_flattered() -> None:
    frame = drawn().iloc[[0, 2, 4, *range(1, 40, 2)]].reset_index(drop=True)
    _, notes = fitted(Selection(()), frame)
    assert set(notes["flattered"]) == {"rows"}


@pytest.mark.parametrize("wrong", [{"by": ("lasso",)}, {"by": (), "rule": "both"}, {"by": (), "empty": "none"}, {"by": (), "most": 0}, {"by": (), "absent": "zero"}])
def test_an_impossible_selection_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(StudyError, match="Selection"):
        Selection(**wrong)


def test_three_classes_and_readings_are_refused() -> None:
    frame = drawn()
    with pytest.raises(StudyError, match="3 classes"):
        THREE.choose(frame[list(NAMES)], np.resize(["a", "b", "c"], len(frame)), 0)
    lengths = cohort(drawn())
    model = Tabular("linear regression", reads=("r",), writes=("x",), select=THREE)
    with pytest.raises(StudyError, match="nothing can be selected for Measures"):
        model.fit(lengths, lengths, {"x": Measures({"x": "mm"}, "x")}, Desk(SMOKE, 1))


def test_words_are_kept_and_empty_cells_filled() -> None:
    frame = drawn()[list(NAMES)].assign(sex=np.resize(["f", "m"], 80))
    frame.loc[:5, "x3"] = np.nan
    found = THREE.choose(frame, drawn()["answer"].to_numpy(), 0)
    assert found.columns[-1] == "sex" and {"x3", "x7"} <= set(found.columns)
    assert np.isfinite(standardised(np.array([[1.0, np.nan], [np.nan, np.nan], [3.0, np.nan]]))).all()
