"""Leakage, uncertainty and shift as a report tells them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.budget import SMOKE
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.cohort.rows import Rows
from osteon.design import HoldOut
from osteon.engine import run as make
from osteon.engine import simulate, validate
from osteon.models import Formula
from osteon.report import article, report
from osteon.report.content import Article, Cell, Drawing, Section, Table, blocks_of
from osteon.report.facts import gather
from osteon.report.sections.external import external
from osteon.run import Run
from osteon.simulate.registry import registry
from osteon.studies import study
from osteon.study import Study
from osteon.value import Grid, Label, Picture
from planted_leaks import LEAKY, film

STAYS: Study = replace(study("etzel_2022"), models={"logistic regression": study("etzel_2022").models["logistic regression"]})
FILMS: Study = replace(LEAKY, inputs={"film": LEAKY.inputs["film"]}, design=HoldOut(train=0.5, tune=0.2, test=0.3),
                       models={"rule": Formula(lambda film: {"finding": Label("no", {"no": 0.6, "yes": 0.4})}, reads=("film",), writes=("finding",))})


def section(made: Article, name: str) -> Section:
    return next(s for s in made.sections if s.name == name)


def spoken(part: Section) -> str:
    return " ".join(text for b in blocks_of(part) for text in getattr(b, "sentences", ()))


def table(part: Section) -> Table:
    return next(b for b in blocks_of(part) if isinstance(b, Table))


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Article:
    root = tmp_path_factory.mktemp("sections")
    return article(make(STAYS, simulate(STAYS, root / "a", cases=2400), budget=SMOKE, out=root / "run"), study=STAYS)


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Films of a user's own, eight of which stand there twice under another name."""
    root = tmp_path_factory.mktemp("copied")
    cases = []
    for k in range(80):
        array = film(k if k < 72 else k - 72, bool(k % 2))
        cases.append(Case(f"Smith-{k}", f"Smith {k}", inputs={"film": Picture(array, Grid(array.shape))}, truth={"finding": Label("yes" if k % 2 else "no")}))
    return make(FILMS, Cohort("films", "own", cases=cases).to_folder(root / "cohort"), budget=SMOKE, out=root / "run")


def test_coverage_stands_for_all_and_for_groups(simulated: Article) -> None:
    made = section(simulated, "uncertainty")
    rows = {row[0]: row for row in table(made).rows if len(row) > 1}
    whole = rows["All"][2]
    assert isinstance(whole, Cell)
    assert whole.lower is not None and whole.upper is not None
    assert whole.lower - 0.03 <= 0.9 <= whole.upper + 0.03
    assert {"– female", "– male"} <= set(rows)
    assert "confidence interval" not in table(made).note


def test_the_surest_answers_are_wrong_less_often(simulated: Article) -> None:
    drawn = next(b for b in blocks_of(section(simulated, "uncertainty")) if isinstance(b, Drawing))
    assert drawn.name == "abstention"
    assert drawn.alt.startswith("Simulated")


def test_who_is_left_without_an_answer_stands_beside_the_error(simulated: Article) -> None:
    made = next(b for b in blocks_of(section(simulated, "uncertainty")) if isinstance(b, Table) and b.name == "abstention-shares")
    rows = {row[0]: [c.value for c in row[1:]] for row in made.rows if len(row) > 1}  # type: ignore[union-attr]
    assert {"Wrong among the answered", "– sex: female", "– sex: male"} <= set(rows)
    assert rows["– sex: female"][1] == rows["– sex: male"][1] == 1.0
    assert rows["– sex: female"][0] + rows["– sex: male"][0] == rows["Wrong among the answered"][0]  # type: ignore[operator]
    share = (rows["– sex: female"][4] * rows["– sex: female"][0] + rows["– sex: male"][4] * rows["– sex: male"][0]) / rows["Wrong among the answered"][0]  # type: ignore[operator]
    assert share == pytest.approx(0.5, abs=0.02)


def test_all_columns_together_stand_for_every_part(simulated: Article) -> None:
    made = next(b for b in blocks_of(section(simulated, "shift")) if isinstance(b, Table) and b.name == "shift-whole")
    assert [(row[0], row[1], row[2]) for row in made.rows] == [("test", "learnt from", "cases"), ("tune", "train", "cases")]  # type: ignore[misc]
    assert all(0.4 < row[4].value < 0.62 and row[6].value > 0.001 for row in made.rows)  # type: ignore[union-attr, operator, misc]


def test_what_differs_elsewhere_is_told_column_by_column(tmp_path: Path) -> None:
    done = make("etzel_2022", simulate("etzel_2022", tmp_path / "here", cases=400), budget=SMOKE, out=tmp_path / "run")
    validate(done, simulate("etzel_2022", tmp_path / "there", cases=300, seed=3, site="B"))
    made = external(gather(done))
    assert "What differs there from the 400 simulated operations here." in spoken(made)
    assert "maximum mean discrepancy, by permutation" in spoken(made)
    columns = next(b for b in blocks_of(made) if isinstance(b, Table) and b.name.startswith("shift-"))
    found = {row[0]: row for row in columns.rows}
    assert found["bmi"][5].value < 0.001  # type: ignore[union-attr, operator]
    assert found["bmi"][2].value > 0.3  # type: ignore[union-attr, operator]
    assert "site" not in found
    assert not {"case_id", "patient_id"} & set(pd.read_csv(next((done.folder / "external").rglob("cases.csv"))).columns)


def test_parts_of_one_registry_are_hardly_told_apart(simulated: Article) -> None:
    made = section(simulated, "shift")
    assert "a classifier tells them apart with AUC 0." in spoken(made)
    assert all(abs(row[2].value) < 0.35 for row in table(made).rows)  # type: ignore[union-attr, operator]


def test_a_small_tune_part_is_said_to_be_too_small(tmp_path: Path) -> None:
    ids = [f"r{i}" for i in range(120)]
    rows = registry(120, 3).astype(object).assign(case_id=ids, patient_id=ids)
    done = make(STAYS, Cohort("few", "own", cases=Rows(rows, None)), budget=SMOKE, out=tmp_path / "run")
    assert "too few to calibrate" in spoken(section(article(done, study=STAYS), "uncertainty"))


def test_copies_are_told_by_code_with_their_pictures_and_without_names(copied: Run) -> None:
    made = section(article(copied, study=FILMS), "leakage")
    assert "flatter the model" in spoken(made)
    assert ("same pixels", "error") in {(row[0], row[1]) for row in table(made).rows}
    drawn = [b for b in blocks_of(made) if isinstance(b, Drawing)]
    assert drawn
    assert all(isinstance(b.data, bytes) and b.data[:2] == b"\xff\xd8" for b in drawn)
    page = report(copied, study=FILMS).read_text(encoding="utf-8")
    assert "Smith" not in page
    assert "Smith" not in (copied.folder / "leakage.json").read_text(encoding="utf-8")


def test_without_films_no_picture_of_a_leak_is_shown(copied: Run) -> None:
    made = section(article(copied, study=FILMS, films=False), "leakage")
    assert not [b for b in blocks_of(made) if isinstance(b, Drawing)]


def test_the_arrays_of_a_pair_stand_side_by_side() -> None:
    import io

    from PIL import Image

    from osteon.report.sections.leakage import HEIGHT, beside

    sheet = Image.open(io.BytesIO(beside([np.tile(np.arange(50), (100, 1)), np.tile(np.arange(100), (50, 1))])))
    assert sheet.size == (130 + 8 + 520, HEIGHT)


def test_a_planted_shortcut_is_flagged_before_any_figure(tmp_path: Path) -> None:
    """A model that reads nothing but a mark in the corner looks perfect: the report says that the margin tells the label."""
    cases = []
    for k in range(160):
        array = film(k, bool(k % 2)).copy()
        array[6:14, 8:11] = 255 if k % 2 else array[6:14, 8:11]
        cases.append(Case(f"f{k}", f"f{k}", inputs={"film": Picture(array, Grid(array.shape))}, truth={"finding": Label("yes" if k % 2 else "no")}))

    def marked(film: Picture) -> dict[str, Label]:
        p = 0.98 if np.asarray(film.array)[6:14, 8:11].min() == 255 else 0.02
        return {"finding": Label("yes" if p > 0.5 else "no", {"no": 1 - p, "yes": p})}

    cheat = replace(FILMS, models={"cheat": Formula(marked, reads=("film",), writes=("finding",))})
    done = make(cheat, Cohort("marked films", "own", cases=cases).to_folder(tmp_path / "cohort"), budget=SMOKE, out=tmp_path / "run")
    assert done.primary.metrics["auc"]["estimate"] == 1
    made = article(done, study=cheat)
    assert [s.name for s in made.sections].index("leakage") < [s.name for s in made.sections].index("results")
    assert "label told by the margin of the picture" in spoken(section(made, "leakage"))
    assert "flatter the model" in spoken(section(made, "leakage"))
