"""Operations with vital signs: the recording is what the risk rests on, triage errs in both directions, files are what a reader expects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.errors import DataError
from osteon.readers.signal import read_signal
from osteon.simulate.perioperative import CHANNELS, LOW, OUTCOMES, best, operation, perioperative_courses
from osteon.stats.roc import auc


def test_the_same_call_gives_the_same_files_and_they_are_recordings(tmp_path: Path) -> None:
    first, again = (perioperative_courses(tmp_path / name, 6, 4, workers=1) for name in ("a", "b"))
    for a, b in zip(sorted((tmp_path / "a" / "vitals").iterdir()), sorted((tmp_path / "b" / "vitals").iterdir()), strict=True):
        assert a.read_bytes() == b.read_bytes()
    assert first.ids() == again.ids() and first.origin == "simulated"
    recording = read_signal(next((tmp_path / "a" / "vitals").iterdir()))
    assert recording.names == CHANNELS and np.allclose(np.diff(recording.times), 60.0) and 60 <= len(recording.times) <= 300
    with pytest.raises(DataError):
        perioperative_courses(tmp_path / "c", 3, 4, site="C")
    assert not (tmp_path / "c").exists()


def test_low_pressure_shows_in_the_recording(tmp_path: Path) -> None:
    perioperative_courses(tmp_path, 60, 1, workers=1, difficulty=0.0)
    table = pd.read_csv(tmp_path / "cases.csv")
    seen = []
    for path in table["vitals"]:
        vitals = read_signal(tmp_path / path).values
        with np.errstate(invalid="ignore"):
            seen.append(np.nansum((vitals[:, 1] + 2 * vitals[:, 2]) / 3 < LOW))
    assert np.corrcoef(np.log1p(seen), np.log1p(table["minutes_low"]))[0, 1] > 0.85
    hard = table[(table["destination"] == "ward") & (table["true_icu"] > 0.5)], table[(table["destination"] == "intensive care") & (table["true_icu"] < 0.1)]
    assert len(table) > len(hard[0]) + len(hard[1])


def test_risks_have_the_stated_shares_and_the_recording_raises_the_ceiling() -> None:
    for outcome, share in OUTCOMES.items():
        whole, before = best("A", 0.5, outcome)
        assert 0.75 < before < whole - 0.01 < 0.95
        assert best("A", 1.0, outcome)[0] < whole < best("A", 0.0, outcome)[0]
        assert 0 < share < 0.2
    rng = np.random.default_rng(5)
    here, there = ([operation(rng, site=site).columns["asa"] for _ in range(300)] for site in "AB")
    assert np.mean(there) > np.mean(here) + 0.1


def test_the_planted_shortcut_is_a_unit(tmp_path: Path) -> None:
    clean, planted = (perioperative_courses(tmp_path / str(c), 60, 2, workers=1, confounded=c) for c in (False, True))
    told = []
    for folder in ("False", "True"):
        table = pd.read_csv(tmp_path / folder / "cases.csv")
        warm = [np.nan_to_num(np.nanmedian(read_signal(tmp_path / folder / p).values[:, 3]), nan=36.0) if np.isfinite(read_signal(tmp_path / folder / p).values[:, 3]).any() else 36.0 for p in table["vitals"]]
        told.append(auc((table["icu"] == "yes").to_numpy(), np.array(warm)))
    assert told[1] > 0.85 > told[0] and len(clean) == len(planted)
