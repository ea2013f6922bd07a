"""Eweje 2021: three learners vote at the level of the decision, a missing sequence costs a vote and no answer, the crop follows the mask from one sequence to the other, the fifth institution stays apart."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon import engine
from osteon.budget import SMOKE
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.engine.path import within
from osteon.engine.reading import unreadable
from osteon.errors import DataError
from osteon.geometry.region import framed_on
from osteon.models import Blend, Chain, Desk, Formula, Net, Tabular
from osteon.simulate.bone_lesion import bone_lesion, bone_lesions
from osteon.simulate.bone_lesion_asking import Asking
from osteon.stats.roc import auc
from osteon.studies import study
from osteon.studies.eweje_2021 import lesion_on
from osteon.targets import Classes
from osteon.value import Grid, Label, Objects, Picture, Withheld

DECLARED = study("eweje_2021")
TARGETS = {"malignancy": Classes(("benign", "malignant"))}
LEARNERS = ("T1", "T2", "record")


def vote() -> Blend:
    found = DECLARED.models["vote"]
    assert isinstance(found, Blend)
    return found


def told(name: str) -> Formula:
    """A learner that is right in the main about its own input, and knows nothing of the others."""
    return Formula(lambda **read: Label("malignant" if read[name] > 0.5 else "benign", {"malignant": read[name], "benign": 1 - read[name]}), reads=(name,), writes=("malignancy",))


def lesions(n: int, seed: int, *, missing: float = 0.25) -> Cohort:
    """Cases whose three learners are each right in three of four; T1 or T2 may be missing."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.5
    sure = np.clip(0.5 + 0.17 * (2 * truth[:, None] - 1) + 0.24 * rng.standard_normal((n, 3)), 0.01, 0.99)
    absent = rng.random(n)
    there = [[absent[i] >= missing, not missing <= absent[i] < 2 * missing, True] for i in range(n)]
    return Cohort("lesions", "simulated", cases=[Case(f"{seed}-{i}", f"p{seed}-{i}", inputs={k: float(sure[i, j]) for j, k in enumerate(LEARNERS) if there[i][j]}, truth={"malignancy": Label("malignant" if truth[i] else "benign")}) for i in range(n)])


def chance(answers: list[dict[str, object]], name: str = "") -> np.ndarray:
    return np.array([np.nan if isinstance(v := a[f"malignancy{name}"], Withheld) else v.probabilities["malignant"] for a in answers])  # type: ignore[attr-defined]


def test_the_vote_of_three_is_worth_more_than_any_of_them_alone() -> None:
    """The declared blend with learners that are equally good: taken out (one learner alone, or its best), this fails."""
    fitted = replace(vote(), members={name: told(name) for name in LEARNERS}).fit(lesions(200, 1), lesions(120, 2), TARGETS, Desk(SMOKE, 3))
    test = lesions(500, 3)
    answers = list(fitted.predict(test))
    truth = np.array([case.truth["malignancy"].name == "malignant" for case in test])
    right = {}
    for name in ("", "@T1", "@T2", "@record"):
        p = chance(answers, name)
        called = np.array([None if isinstance(a[f"malignancy{name}"], Withheld) else a[f"malignancy{name}"].name == "malignant" for a in answers], object)  # type: ignore[union-attr]
        if name:  # a learner that withholds has no right call; it is at its own cut
            called = np.where(np.isnan(p), None, p >= fitted.fitted.cuts[name[1:]])  # type: ignore[union-attr]
        right[name] = float(np.mean([c is not None and bool(c) == t for c, t in zip(called, truth, strict=True)]))
    assert right[""] > max(right[n] for n in ("@T1", "@T2", "@record")) + 0.02, right
    assert auc(truth, chance(answers)) > auc(truth, chance(answers, "@record")) + 0.05


def test_a_missing_sequence_costs_a_vote_and_no_answer() -> None:
    """Every case is answered; the votes counted are those of the learners that could see. A model that needs all three inputs would withhold here."""
    fitted = replace(vote(), members={name: told(name) for name in LEARNERS}).fit(lesions(200, 1), lesions(120, 2), TARGETS, Desk(SMOKE, 3))
    test = lesions(400, 4)
    answers, cuts = list(fitted.predict(test)), fitted.fitted.cuts  # type: ignore[union-attr]
    assert not any(isinstance(a["malignancy"], Withheld) for a in answers)
    sizes = set()
    for case, answer in zip(test, answers, strict=True):
        given = {n: answer[f"malignancy@{n}"] for n in LEARNERS if not isinstance(answer[f"malignancy@{n}"], Withheld)}
        assert set(given) == set(case.inputs)
        votes = sum(v.probabilities["malignant"] >= cuts[n] for n, v in given.items())  # type: ignore[union-attr]
        sizes.add(len(given))
        if 2 * votes != len(given):
            assert (answer["malignancy"].name == "malignant") == (2 * votes > len(given))  # type: ignore[union-attr]
    assert sizes == {2, 3}


def test_the_table_has_the_vote_each_learner_alone_and_the_mean() -> None:
    blend = vote()
    assert blend.how == "vote" and tuple(blend.members) == LEARNERS and blend.beside == ("mean",)
    assert set(DECLARED.labels) == {"vote", "vote@T1", "vote@T2", "vote@record", "vote@mean"}
    for name in ("T1", "T2"):
        chain = blend.members[name]
        assert isinstance(chain, Chain) and [type(step) for step in chain.steps] == [Formula, Net] and chain.steps[1].reads == (name.lower(), f"{name.lower()} place")
        assert chain.steps[1].name == "efficientnet_b0_of_width" and set(chain.reads) == {name.lower(), "lesion"}
    assert isinstance(blend.members["record"], Tabular) and blend.members["record"].name == "logistic regression"
    assert DECLARED.inputs["t1"].optional and DECLARED.inputs["t2"].optional and not DECLARED.inputs["lesion"].optional
    assert within(DECLARED, SMOKE) is DECLARED, "all three are trained under any budget: the third costs next to nothing"


def test_the_networks_are_efficientnet_b0_and_follow_the_budget() -> None:
    import timm
    import torch

    from osteon.networks import build

    with torch.random.fork_rng():
        sizes = {width: sum(p.numel() for p in build("efficientnet_b0_of_width", channels=3, outputs=1000, width=width, image_size=(64, 64)).parameters()) for width in (0.125, 0.25, 1.0)}
        published = sum(p.numel() for p in timm.create_model("efficientnet_b0").parameters())
        answer = build("efficientnet_b0_of_width", channels=1, outputs=2, width=0.125, image_size=(64, 64)).eval()(torch.zeros(2, 1, 67, 90))
    assert sizes[1.0] == published > 3 * sizes[0.25] > 3 * sizes[0.125] and answer.shape == (2, 2)


# -- the crop, from a mask drawn on one sequence to the other


@pytest.fixture(scope="module")
def pair():  # type: ignore[no-untyped-def]
    return next(m for k in range(12) if len((m := bone_lesion((5, k), ask=Asking(bone="femur"))).sequences) == 2)


def outline_of(made) -> Picture:  # type: ignore[no-untyped-def]
    return Picture(made.outline.array[0].astype(np.uint8), made.outline.grid)


def picture_of(made, name: str) -> Picture:  # type: ignore[no-untyped-def]
    return Picture(made.sequences[name].stored, made.sequences[name].grid)


def in_mm(box: Objects) -> np.ndarray:
    assert box.grid is not None
    corners = box.boxes.reshape(2, 2)
    return np.array(box.grid.origin) + box.grid.in_mm(corners) @ np.reshape(box.grid.direction, (2, 3))  # type: ignore[arg-type]


def test_the_box_is_the_same_place_on_sequences_of_different_spacing(pair) -> None:  # type: ignore[no-untyped-def]
    boxes = {name: lesion_on(**{name: picture_of(pair, name), "lesion": outline_of(pair)}) for name in ("t1", "t2")}
    assert all(isinstance(b, Objects) and b.labels == ("lesion",) for b in boxes.values())
    first, second = (in_mm(b) for b in boxes.values())  # type: ignore[arg-type]
    assert first == pytest.approx(second, abs=0.05) and boxes["t1"].grid.spacing != boxes["t2"].grid.spacing  # type: ignore[union-attr]
    rows, cols = np.nonzero(pair.outline.array[0])
    assert boxes["t2"].boxes[0].tolist() == [rows.min(), cols.min(), rows.max(), cols.max()]  # type: ignore[union-attr]


def test_a_picture_whose_axes_run_otherwise_is_matched_and_another_plane_is_not(pair) -> None:  # type: ignore[no-untyped-def]
    """Turned and mirrored within its plane a picture shows the same; turned out of it, it does not."""
    grid, mask = pair.sequences["t1"].grid, outline_of(pair)
    axes, n = np.reshape(grid.direction, (2, 3)), grid.shape[0]
    turned = Grid(grid.shape, grid.spacing, tuple(np.array(grid.origin) + axes[0] * (n - 1) * grid.spacing[0]), tuple(np.concatenate([axes[1], -axes[0]])), "volume")
    plain, other = (framed_on(mask, g, label="lesion") for g in (grid, turned))
    low, high = plain.boxes[0].reshape(2, 2)  # type: ignore[union-attr]
    assert other.boxes[0] == pytest.approx([low[1], n - 1 - high[0], high[1], n - 1 - low[0]], abs=1e-6)  # type: ignore[union-attr]
    across = Grid(grid.shape, grid.spacing, grid.origin, tuple(np.concatenate([axes[0], np.cross(*axes)])), "volume")
    beside = Grid(grid.shape, grid.spacing, tuple(np.array(grid.origin) + 30 * np.cross(*axes)), grid.direction, "volume")
    for wrong in (across, beside):
        answer = framed_on(mask, wrong, label="lesion")
        assert isinstance(answer, Withheld) and "another plane" in answer.reason


def test_pictures_without_a_place_need_the_same_field_of_view() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[10:20, 30:40] = 1
    bare = Picture(mask, Grid((60, 60), (2.0, 2.0)))
    box = framed_on(bare, Grid((120, 120), (1.0, 1.0)), label="lesion")
    assert isinstance(box, Objects) and box.boxes[0].tolist() == [20.5, 60.5, 38.5, 78.5]
    for other in (Grid((120, 120), (2.0, 2.0)), Grid((60, 90))):
        answer = framed_on(bare, other, label="lesion")
        assert isinstance(answer, Withheld) and "field of view" in answer.reason
    assert isinstance(framed_on(Picture(0 * mask, bare.grid), bare.grid, label="lesion"), Withheld)


# -- bad input, from files


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("lesions") / "cohort"
    bone_lesions(home, 7, 2, workers=1)
    return home


def spoilt(folder: Path, to: Path, **cells: object) -> Cohort:
    """A copy of the cohort whose first case has other cells."""
    import shutil

    shutil.copytree(folder, to)
    table = pd.read_csv(to / "cases.csv", dtype=str)
    for name, cell in cells.items():
        table.loc[0, name] = cell
    table.to_csv(to / "cases.csv", index=False)
    return Cohort.from_folder(to)


def conformed(cohort: Cohort) -> Cohort:
    made = cohort.conform(DECLARED.inputs, DECLARED.targets, answered=("malignancy",))
    return made.leave_out(unreadable(made, DECLARED.inputs, DECLARED.targets))


def test_an_empty_mask_an_age_in_words_and_a_case_without_a_mask_are_listed(folder: Path, tmp_path: Path) -> None:
    from osteon.readers import read_nifti, write_nifti

    cohort = spoilt(folder, tmp_path / "empty")
    cell = cohort.cases.frame["lesion"][0]  # type: ignore[attr-defined]
    kept = read_nifti(tmp_path / "empty" / cell)
    write_nifti(tmp_path / "empty" / cell, 0 * kept.array, kept.grid)
    aged = spoilt(folder, tmp_path / "aged", age="about forty")
    bare = spoilt(folder, tmp_path / "bare", lesion=None)
    for made, step, reason in ((cohort, "reading", "lesion is empty: nothing is outlined"), (aged, "record", "age is not a number"), (bare, "inputs", "no lesion")):
        left = conformed(made)
        assert [(e.id, e.step, e.reason) for e in left.excluded] == [("f00001", step, reason)] and len(left) == 6


def test_a_cohort_whose_ages_are_all_words_is_refused(folder: Path, tmp_path: Path) -> None:
    cohort = spoilt(folder, tmp_path / "words")
    table = pd.read_csv(tmp_path / "words" / "cases.csv", dtype=str).assign(age="adult")
    table.to_csv(tmp_path / "words" / "cases.csv", index=False)
    with pytest.raises(DataError, match="no cell of column 'age' is a number"):
        conformed(Cohort.from_folder(tmp_path / "words"))
    assert len(cohort) == 7


def test_a_sequence_in_another_plane_costs_its_vote_and_says_why(folder: Path) -> None:
    cohort = conformed(Cohort.from_folder(folder))
    case = next(c for c in cohort if "t1" in c.inputs)
    picture = case.inputs["t1"]
    axes = np.reshape(picture.grid.direction, (2, 3))
    turned = Picture(picture.array, replace(picture.grid, direction=tuple(np.concatenate([axes[0], np.cross(*axes)]))), picture.notes)
    (answer,) = vote().members["T1"].steps[0].predict(replace(cohort, cases=[case.with_inputs(t1=turned)]))  # type: ignore[attr-defined]
    assert answer["t1 place"].reason == "the outline lies in another plane"


# -- the run


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    home = tmp_path_factory.mktemp("eweje")
    small = SMOKE.with_(cases=20, epochs=2)
    cohort = engine.simulate(DECLARED, home / "cohort", seed=4, budget=small)
    return engine.run(DECLARED, cohort, seed=4, budget=small, out=home / "run"), home


def test_a_run_judges_the_vote_beside_each_learner_and_the_experts_beside_their_committee(done) -> None:  # type: ignore[no-untyped-def]
    run, _ = done
    assert {r.source.model for r in run.rows} == set(DECLARED.labels) and run.primary.source.model == "vote"
    counts = {r.source.model: r.counts for r in run.rows}
    assert counts["vote"]["withheld"] == 0 and counts["vote"]["n"] == counts["vote@record"]["n"]
    assert all(r.metrics["ceiling_auc"]["estimate"] == pytest.approx(0.897, abs=0.01) for r in run.rows)
    found = run.table("results")
    assert set(found["analysis"]) == {"Committee"} and {"committee", "vote", "reader 1", "vote less committee"} <= set(found["group"])


def test_the_fifth_institution_is_never_learnt_from_and_is_asked_of_the_finished_run(done) -> None:  # type: ignore[no-untyped-def]
    run, home = done
    assert set(run.table("cases")["site"]) <= {"A1", "A2", "A3", "A4"}
    before = json.dumps(run.about["models"])
    elsewhere = bone_lesions(home / "fifth", 6, 5, site="B", workers=1)
    outside = engine.validate(run, elsewhere)
    sites = {row.source.site for row in outside if row.counts["n"]}
    assert sites == {"B"} and {row.source.model for row in outside} >= {"vote", "vote@T1"} and json.dumps(run.about["models"]) == before
