"""Kappa by group with its differences, and mistakes by category; checked against counts by hand."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from osteon.errors import DataError, StudyError
from osteon.run import Run
from osteon.stats.kappa import clustered_kappa, clustered_kappa_difference, cohen_kappa
from osteon.targets import Classes, Measures
from osteon.validation.analyses import Kappas, Mistakes

RNG = np.random.default_rng(5)
TRUTH, FIRST, SECOND = (RNG.integers(0, 2, 300) for _ in range(3))
FIRST = np.where(RNG.random(300) < 0.8, TRUTH, FIRST)


def test_the_difference_is_that_of_the_two_kappas_and_its_limits_are_paired() -> None:
    patients = np.arange(300) // 3
    found = clustered_kappa_difference(TRUTH, FIRST, SECOND, patients, classes=2)
    one, other = (clustered_kappa(TRUTH, called, patients, classes=2) for called in (FIRST, SECOND))
    assert found.estimate == pytest.approx(one.estimate - other.estimate)
    assert one.estimate == pytest.approx(cohen_kappa(TRUTH, FIRST, classes=2).estimate)
    same = clustered_kappa_difference(TRUTH, FIRST, FIRST, patients, classes=2)
    assert (same.estimate, same.lower, same.upper) == (0.0, 0.0, 0.0), "the same calls differ in no resample"
    assert found.lower < found.estimate < found.upper and found.upper - found.lower < (one.upper - one.lower) + (other.upper - other.lower)
    with pytest.raises(ValueError, match="second"):
        clustered_kappa_difference(TRUTH, FIRST, SECOND[:5], patients, classes=2)


def run_of(root: Path, **calls: np.ndarray) -> Any:
    """A run with the lines of models on 300 cases of 100 patients; genre a or b, and none for ten."""
    genres = [("a" if k % 3 else "b") if k >= 10 else "" for k in range(300)]
    cases = pd.DataFrame({"case": [f"c{k}" for k in range(300)], "genre": genres}).replace("", None)
    lines = {label: pd.DataFrame({"case": cases["case"], "patient": [f"p{k // 3}" for k in range(300)], "fold": "1", "part": "test", "target": "there", "finding": "yes", "unit": "case",
                                  "state": np.where(TRUTH == 1, "true", "false"), "score": called.astype(float), "cut": 0.5, "withheld": ""}) for label, called in calls.items()}
    return SimpleNamespace(folder=root, about={"models": {label: ["there"] for label in calls}}, lines=lambda label: lines[label], table=lambda name: cases)


STUDY: Any = SimpleNamespace(name="s", primary="there", targets={"there": Classes(("no", "yes"))})


def test_each_group_has_its_kappa_and_its_share_of_mistakes(tmp_path: Path) -> None:
    run: Run = run_of(tmp_path, one=FIRST, two=SECOND)
    found = {(r.what, r.group): r for r in Kappas("genre")(run, STUDY)}
    mine = np.array([k >= 10 and k % 3 == 0 for k in range(300)])
    assert found["kappa, b", "one"].value.estimate == pytest.approx(cohen_kappa(TRUTH[mine], FIRST[mine], classes=2).estimate)
    assert found["kappa, b", "one"].n == mine.sum() and found["kappa, all", "two"].n == 300
    assert found["accuracy", "one"].value.estimate == pytest.approx((TRUTH == FIRST).mean())
    assert found["difference, b", "one less two"].value.estimate == pytest.approx(found["kappa, b", "one"].value.estimate - found["kappa, b", "two"].value.estimate)
    wrong = {(r.what, r.group): r.value.estimate for r in Mistakes("genre")(run, STUDY)}
    assert wrong["wrong, b", "one"] == pytest.approx((TRUTH != FIRST)[mine].mean())
    assert Kappas("genre").columns == Mistakes("genre").columns == ("genre",) and Kappas().columns == ()


def test_a_model_without_answers_is_left_out_and_faults_are_said(tmp_path: Path) -> None:
    run: Any = run_of(tmp_path, one=FIRST, two=SECOND)
    run.lines("two")["withheld"] = "no codes"
    assert {r.group for r in Kappas("genre")(run, STUDY)} == {"one"}
    with pytest.raises(DataError, match="no case of the run has 'place'"):
        list(Mistakes("place")(run, STUDY))
    run.lines("one")["cut"] = np.nan
    with pytest.raises(DataError, match="no model has calls"):
        list(Kappas()(run, STUDY))
    with pytest.raises(StudyError, match="has no classes"):
        list(Kappas()(run, SimpleNamespace(name="s", primary="a", targets={"a": Measures({"x": "mm"}, "x")})))  # type: ignore[arg-type]
