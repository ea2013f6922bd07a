"""Optimism and stability on runs written by hand, and their figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hand_made import hand_made, lines
from osteon.report.figures.data import described
from osteon.report.figures.selecting import estimates, parts, venn
from osteon.run import Run
from osteon.stats.roc import auc
from osteon.stats.selection import stability
from osteon.studies import study
from osteon.validation.analyses import Optimism, Stability
from osteon.validation.analyses.optimism import APPARENT, OUTSIDE, TESTED
from osteon.validation.analyses.stability import KEPT, OFTEN, PLANTED, STABLE
from osteon.validation.results import Result, analyse

TAN = study("tan_2023")
N, LABEL = 40, "all three"
CODES = [f"c{i:05d}" for i in range(1, 2 * N + 1)]
SETS = {"LASSO": ["a", "b", "c"], "random forest": ["a", "b", "d"], "SVM-RFE": ["b", "a", "e"]}


def noted(rows: int, *, gap: float, seed: int = 0) -> dict[str, Any]:
    """What a fit notes: an apparent score that tells all apart, one that was chosen outside with a given gap, in two inner folds."""
    truth = np.arange(rows) % 2
    rng = np.random.default_rng(seed)
    return {"rows": list(range(rows)), "truth": truth.tolist(), "apparent": (truth + rng.uniform(0, 0.5, rows)).tolist(), "outside": (gap * truth + rng.normal(size=rows)).tolist(), "fold": (np.arange(rows) // (rows // 2)).tolist()}


def written(folder: Path, *, fits: dict[str, Any] | None = None, markers: list[str] | None = None) -> Run:
    """A run of one fold: forty cases to learn from, forty to test, and what the fit noted."""
    state, score = np.arange(N) % 2 == 1, np.random.default_rng(7).normal(size=N) + 0.5 * (np.arange(N) % 2)
    split = pd.DataFrame({"case": CODES, "patient": [f"p{c}" for c in CODES], "fold": "1", "part": ["train"] * N + ["test"] * N})
    note = {"fold": "1", "fit 1": {"selection": {"of": 20, "sets": SETS, "chosen": ["a", "b"]}, "flattered": noted(N, gap=1.5)} if fits is None else fits}
    run = hand_made(folder, {LABEL: (("disc",), lines("disc", "degenerated", case=CODES[N:], state=state, score=score))}, {"case": CODES}, notes={LABEL: note}, split=split, origin="simulated" if markers else "own")
    if markers:
        about = run.about
        about["cohort"]["notes"] = {"markers": markers}
        run.write("run.json", about)
    return run


def found(results: list[Result], what: str, group: str = LABEL) -> Result:
    return next(r for r in results if (r.what, r.group) == (what, group))


def test_optimism_is_the_two_flattering_estimates_less_the_tested_one(tmp_path: Path) -> None:
    run = written(tmp_path)
    results = list(Optimism(resamples=200)(run, TAN))
    told, tested = noted(N, gap=1.5), run.lines(LABEL)
    truth, outside, fold = (np.array(told[k]) for k in ("truth", "outside", "fold"))
    by_hand = np.mean([auc(truth[fold == k] == 1, outside[fold == k]) for k in (0, 1)])
    honest = auc(tested["state"] == "true", tested["score"])
    assert found(results, APPARENT).value.estimate == 1.0
    assert found(results, OUTSIDE).value.estimate == pytest.approx(by_hand)
    assert found(results, TESTED).value.estimate == pytest.approx(honest) and found(results, TESTED).n == N
    gain = found(results, "optimism of choosing outside").value
    assert gain.estimate == pytest.approx(by_hand - honest) and gain.lower < gain.estimate < gain.upper
    assert found(results, "optimism of the apparent AUC").value.estimate == pytest.approx(1 - honest)


def test_the_interval_of_the_tested_estimate_is_that_of_resampled_patients(tmp_path: Path) -> None:
    """Patients of the train part are drawn with those of the test part and change nothing here: as wide as a bootstrap of the test cases alone."""
    from osteon.stats.clusters import bootstrap_auc

    run = written(tmp_path)
    value = found(list(Optimism(resamples=2000)(run, TAN)), TESTED).value
    tested = run.lines(LABEL)
    alone = bootstrap_auc((tested["state"] == "true").to_numpy(), tested["score"].to_numpy(), np.arange(N), resamples=2000)
    assert (value.lower, value.upper) == pytest.approx((alone.lower, alone.upper), abs=0.03)


def test_a_model_that_keeps_every_column_chose_nothing_outside(tmp_path: Path) -> None:
    run = written(tmp_path, fits={"selection": {"of": 20, "sets": {}, "chosen": ["a"]}, "flattered": noted(N, gap=1.5)})
    assert [r.what for r in Optimism(resamples=50)(run, TAN)] == [APPARENT, TESTED, "optimism of the apparent AUC"]


def test_where_nothing_was_noted_the_analysis_says_so_and_loses_no_other(tmp_path: Path) -> None:
    run = written(tmp_path, fits={"cases": 40})
    made = analyse(run, replace(TAN, analyses=(Optimism(), Stability())))
    assert [r.what for r in made] == ["not made", "not made"]
    assert "no model noted what would flatter it" in made[0].value.reason and "no model selects its columns" in made[1].value.reason


def test_columns_are_counted_over_folds_and_planted_ones_found(tmp_path: Path) -> None:
    run = written(tmp_path, markers=["a", "q"])
    second = {"fold": "2", "fit 1": {"selection": {"of": 20, "sets": {**SETS, "LASSO": ["a"]}, "chosen": ["a"]}}}
    run.write("notes/all-three/2.json", second)
    run.write("notes/all-three/final.json", {"fold": "final", "fit 1": {"selection": {"of": 20, "sets": SETS, "chosen": ["a", "b"]}}})
    results = list(Stability()(run, TAN))
    assert found(results, OFTEN, "a").value.estimate == 1 and found(results, OFTEN, "b").value.estimate == 0.5 and found(results, "random forest", "d").value.estimate == 1
    table = np.zeros((2, 20))
    table[:, 0], table[0, 1] = 1, 1
    assert found(results, STABLE, KEPT).value == stability(table)
    planted = found(results, PLANTED, "the model for new cases")
    assert planted.value.estimate == 1 and planted.note == "1 of 2 planted; 1 kept that are none"
    assert [r.group for r in results if r.what == OFTEN][:2] == ["a", "b"], "the most kept first"


def test_the_circles_hold_every_column_once() -> None:
    assert parts(SETS) == (1, 1, 1, 0, 0, 0, 2)
    figure = venn(SETS)
    said = [s["says"] for panel in described(figure)["panels"] for s in panel["series"] if s["kind"] == "text"]
    assert {"2", "Chosen by all three", "a", "b", "LASSO, 3"} <= set(said)
    assert sum(parts(SETS)) == len({c for s in SETS.values() for c in s})
    with pytest.raises(ValueError, match="sets: 2"):
        venn({"one": ["a"], "two": ["b"]})


def test_estimates_stand_in_a_row_a_model() -> None:
    figure = estimates({"first": {"kind 1": (0.9, 0.8, 0.95), "kind 2": (0.6, 0.5, 0.7)}, "second": {"kind 1": (0.8, 0.7, 0.9)}}, label="AUC")
    (panel,) = described(figure)["panels"]
    assert panel["legend"] == ["kind 1", "kind 2"] and [t["says"] for t in panel["y"]["ticks"]] == ["first", "second"]
