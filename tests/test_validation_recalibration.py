"""Probabilities from elsewhere are judged as they stand and after a repair, on patients that the repair has not seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.budget import SMOKE
from osteon.cohort import Cohort
from osteon.cohort.rows import Rows
from osteon.engine import run as make
from osteon.engine import validate
from osteon.report import article
from osteon.report.content import Table, blocks_of
from osteon.simulate.registry import registry
from osteon.studies import study
from osteon.validation.recalibration import repaired


def lines(count: int, *, shift: float = 0.0, stretch: float = 1.0, seed: int = 0) -> pd.DataFrame:
    """Cases whose told log-odds are stretch * truth + shift."""
    rng = np.random.default_rng(seed)
    linear = rng.normal(-0.5, 1.2, count)
    state = rng.random(count) < 1 / (1 + np.exp(-linear))
    return pd.DataFrame({"state": np.where(state, "true", "false"), "score": 1 / (1 + np.exp(-(stretch * linear + shift))), "patient": [f"p{i // 2}" for i in range(count)], "withheld": ""})


def test_a_shift_is_repaired_in_the_large_and_a_stretch_by_a_line() -> None:
    shifted, stretched = ({r.method: r for r in repaired(lines(6000, **how))} for how in ({"shift": 1.0}, {"stretch": 2.0}))
    assert shifted["as given"].figures["calibration_in_the_large"].estimate == pytest.approx(-1, abs=0.15)
    assert shifted["in the large"].figures["calibration_in_the_large"].estimate == pytest.approx(0, abs=0.15)
    assert shifted["in the large"].line == (pytest.approx(-1, abs=0.15), 1.0)
    assert stretched["as given"].figures["calibration_slope"].estimate == pytest.approx(0.5, abs=0.06)
    assert stretched["logistic"].figures["calibration_slope"].estimate == pytest.approx(1, abs=0.12)
    assert stretched["logistic"].figures["brier"].estimate < stretched["as given"].figures["brier"].estimate


def test_what_is_right_is_hardly_changed() -> None:
    found = {r.method: r for r in repaired(lines(6000))}
    assert found["logistic"].line == (pytest.approx(0, abs=0.1), pytest.approx(1, abs=0.1))
    assert found["logistic"].figures["brier"].estimate == pytest.approx(found["as given"].figures["brier"].estimate, abs=0.002)


def test_too_few_cases_give_nothing_and_a_score_above_1_is_refused() -> None:
    assert repaired(lines(30)) == ()
    with pytest.raises(ValueError, match="expected a probability within 0 and 1"):
        repaired(lines(400).assign(score=1.5))


def test_the_report_of_a_validated_run_shows_it(tmp_path: Path) -> None:
    declared = replace(study("etzel_2022"), models={"logistic regression": study("etzel_2022").models["logistic regression"]})

    def cohort(name: str, seed: int) -> Cohort:
        ids = [f"{name}{i}" for i in range(500)]
        return Cohort(name, "own", cases=Rows(registry(500, seed).astype(object).assign(case_id=ids, patient_id=ids), None))

    done = make("etzel_2022", cohort("here", 1), budget=SMOKE, out=tmp_path / "run")
    assert "recalibration" not in {s.name for s in article(done, study=declared).sections}
    validate(done, cohort("there", 2))
    made = next(s for s in article(done).sections if s.name == "recalibration")
    table = next(b for b in blocks_of(made) if isinstance(b, Table))
    assert [row[0] for row in table.rows] == ["as given", "level repaired", "level and slope repaired"]
