"""Tan 2023: what is left when the intersection, the nesting or the second series is taken away."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon import engine
from osteon.budget import SMOKE
from osteon.cohort import Cohort
from osteon.datasets.arachidonic_acid import GENES, HUBS
from osteon.datasets.own import import_folder
from osteon.errors import DataError
from osteon.run import Run
from osteon.simulate.omics import biology, disc_expression, expression, gene_names
from osteon.studies import study
from osteon.studies.tan_2023 import SAMPLES, SETS, STUDY
from osteon.validation.analyses.optimism import APPARENT, OUTSIDE, TESTED
from osteon.validation.analyses.stability import KEPT, PLANTED, STABLE
from osteon.validation.results import results_of
from osteon.validation.shift import shifts


@dataclass(frozen=True)
class Done:
    """A run on easy samples, and a second series from another platform in a folder."""

    run: Run
    other: Path


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    folder = tmp_path_factory.mktemp("tan")
    cohort = disc_expression(folder / "A", 160, 3, difficulty=0.0)
    disc_expression(folder / "B", 60, 4, site="B", difficulty=0.0)
    return Done(engine.run("tan_2023", cohort, seed=3, budget=SMOKE, out=folder / "run"), folder / "B")


def auc_of(rows: tuple[object, ...], model: str) -> float:
    return next(r.metrics["auc"]["estimate"] for r in rows if r.source.model == model)  # type: ignore[attr-defined]


def changed(source: Path, out: Path, change: Callable[[pd.DataFrame], pd.DataFrame], *, mapping: dict[str, str] | None = None) -> Cohort:
    """The cohort of a folder with other columns."""
    out.mkdir()
    change(pd.read_csv(source / "cases.csv", dtype=str)).to_csv(out / "cases.csv", index=False)
    (out / "cohort.yaml").write_text(json.dumps({"name": out.name, "origin": "own", "map": mapping or {}}), encoding="utf-8")
    return Cohort.from_folder(out)


def test_every_selector_has_an_arm_and_the_study_is_there_without_selection() -> None:
    declared = study("tan_2023")
    assert list(declared.models) == ["all three", "LASSO", "random forest", "SVM-RFE", "no selection"]
    assert {m.factors["genes"] for m in declared.models.values()} == set(SETS)  # type: ignore[attr-defined]
    assert set(HUBS) < set(GENES) <= set(declared.inputs["genes"].columns) and set(gene_names()) <= set(declared.inputs["genes"].columns)


def test_without_the_intersection_the_network_drowns_in_genes(done: Done) -> None:
    """On easy samples: what all three chose is mostly planted and tells the groups apart; all 300 genes do so less well."""
    kept = next(found for found in done.run.notes("all three") if found["fold"] == "final")["fit 1"]["selection"]
    markers = {gene_names()[i] for i in biology().markers}
    assert len(set(kept["chosen"]) & markers) >= 4 and len(kept["chosen"]) < 20 < len(set(sum(kept["sets"].values(), [])))
    assert auc_of(done.run.rows, "all three") > auc_of(done.run.rows, "no selection") + 0.03
    assert {r.source.factors["genes"] for r in done.run.rows} == {"all three", "no selection"}


def test_without_the_nesting_the_result_is_too_good(done: Done) -> None:
    """Judged on what was learnt from it looks better than where the choice is made inside, and only that is a row of the run (what a choice on all cases does to noise is told where selection is tested)."""
    found = {(r.what, r.group): r.value.estimate for r in results_of(done.run)}
    assert found[APPARENT, "no selection"] == 1.0 > found[TESTED, "no selection"] + 0.05
    assert found[APPARENT, "all three"] > found[TESTED, "all three"] + 0.02
    assert (OUTSIDE, "all three") in found and (OUTSIDE, "no selection") not in found
    assert found[TESTED, "all three"] == pytest.approx(auc_of(done.run.rows, "all three"), abs=1e-6)
    assert len(done.run.rows) == 2 and -1 < found[STABLE, KEPT] <= 1 and found[PLANTED, "the model for new cases"] >= 4


def test_the_second_series_is_answered_without_retraining_and_its_shift_is_seen(done: Done) -> None:
    """Another platform moves most genes; the network of the first series still tells more than chance there, and less than at home."""
    other = Cohort.from_folder(done.other)
    rows = engine.validate(done.run, other)
    row = next(r for r in rows if r.source.model == "all three")
    assert row.counts["n"] == 60 and row.source.part == "external validation"
    assert 0.7 < row.metrics["auc"]["estimate"] < done.run.primary.metrics["ceiling_auc"]["estimate"]
    here, there = (pd.read_csv(p / "cases.csv") for p in (done.run.cohort_folder or Path(), done.other))
    moved = [s.column for s in shifts(here[list(gene_names())], there[list(gene_names())]) if s.adjusted < 0.05]
    assert len(moved) > 200


def test_other_names_are_mapped_or_refused_and_lost_genes_withheld(done: Done, tmp_path: Path) -> None:
    names = {name: f"ENSG{k:05d}" for k, name in enumerate(gene_names())}
    other = engine.validate(done.run, Cohort.from_folder(done.other))
    mapped = changed(done.other, tmp_path / "mapped", lambda t: t.rename(columns=names), mapping={theirs: ours for ours, theirs in names.items()})
    assert auc_of(engine.validate(done.run, mapped), "all three") == auc_of(other, "all three")
    with pytest.raises(DataError, match="no column of the record 'genes' is there"):
        engine.validate(done.run, changed(done.other, tmp_path / "strange", lambda t: t.rename(columns=names)))
    kept = next(n for n in done.run.notes("all three") if n["fold"] == "final")["fit 1"]["selection"]["chosen"]
    lost = engine.validate(done.run, changed(done.other, tmp_path / "lost", lambda t: t.drop(columns=kept[0])))
    row = next(r for r in lost if r.source.model == "all three")
    assert (row.counts["n"], row.counts["withheld"]) == (0, 60)
    lines = pd.read_csv(done.run.folder / "external" / "lost" / "lines" / "all-three.csv")
    assert set(lines["withheld"]) == {f"no column {kept[0]}"}


def test_a_matrix_with_a_sheet_becomes_a_cohort_of_the_study(tmp_path: Path) -> None:
    rows = expression(12, 1).assign(sample_id=[f"S{k}" for k in range(12)])
    matrix, sheet = tmp_path / "matrix.csv", tmp_path / "sheet.csv"
    rows.set_index("sample_id")[list(gene_names())].T.rename_axis("gene").to_csv(matrix)
    rows[["sample_id", "disc"]].to_csv(sheet, index=False)
    made = import_folder(matrix, tmp_path / "cohort", study=STUDY, spreadsheet=sheet, map={"sample_id": "patient_id"})
    fit_for = made.conform(STUDY.inputs, STUDY.targets, answered=("disc",))
    assert len(fit_for) == 12 and fit_for.column("disc").tolist() == rows["disc"].tolist()
    assert np.allclose(fit_for.table("genes")["G017"], rows["G017"])


def test_a_study_of_few_samples_stays_small_unless_more_are_asked_for(tmp_path: Path) -> None:
    assert len(engine.simulate("tan_2023", tmp_path / "few")) == SAMPLES
    assert len(engine.simulate("tan_2023", tmp_path / "more", cases=SAMPLES + 20)) == SAMPLES + 20
