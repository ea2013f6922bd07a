"""Knot tying: movements of minimum jerk, skill that shows, raters whose agreement is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.errors import DataError
from osteon.readers import read_picture
from osteon.simulate import hand_motion as simulator
from osteon.simulate.hand_motion import CHANNELS, ITEMS, METRICS, RATE, SITES, Trial, agreement, knot_tying, latent_icc, marks, picture, positions, trial
from osteon.stats.agreement import icc
from osteon.targets import Measures


@pytest.fixture(scope="module")
def skills() -> np.ndarray:
    return np.random.default_rng(0).standard_normal(150)


@pytest.fixture(scope="module")
def trials(skills: np.ndarray) -> list[Trial]:
    return [trial((1, i), s) for i, s in enumerate(skills)]


def test_a_movement_has_minimum_jerk() -> None:
    times = np.arange(0, 1.0001, 1e-4)
    way = positions(np.array([0.2]), np.array([0.6]), np.array([[0.0, 0, 0], [30, 40, 0]]), times)
    speed = np.linalg.norm(np.diff(way, axis=0), axis=1) * 1e4
    assert speed.max() == pytest.approx(1.875 * 50 / 0.6, rel=1e-4)  # Flash and Hogan 1985
    assert times[speed.argmax()] == pytest.approx(0.5, abs=1e-3)
    jerk = np.linalg.norm(np.diff(way, 3, axis=0), axis=1) * 1e12
    assert (jerk**2).sum() * 1e-4 == pytest.approx(720 * 50**2 / 0.6**5, rel=2e-2)
    assert np.array_equal(way[0], [0, 0, 0]) and np.allclose(way[-1], [30, 40, 0])


def test_paths_are_continuous_and_their_length_is_that_of_the_places(trials: list[Trial]) -> None:
    for t in trials[:20]:
        step = np.abs(np.diff(t.path, axis=0)).max()
        assert step < 25, "at most 1.5 m/s between two positions"
        walked = sum(np.linalg.norm(np.diff(t.path[:, k:k + 3], axis=0), axis=1).sum() for k in (0, 3)) / 1000
        assert walked >= t.metrics["path_length"] * 0.97, "tremor adds to the way"
        assert t.metrics["duration"] == pytest.approx(t.times[-1], abs=2.1 / RATE)


def test_skill_shows_in_every_metric_and_in_the_marks(trials: list[Trial], skills: np.ndarray) -> None:
    for name in METRICS:
        found = np.corrcoef([t.metrics[name] for t in trials], skills)[0, 1]
        assert found < -0.3, name
    mean = np.array([t.marks.mean() for t in trials])
    assert 0.7 < np.corrcoef(mean, skills)[0, 1] < 0.97
    tremor = [simulator._tremor(s, np.arange(0, 5, 1 / RATE), np.random.default_rng(1)).std() for s in (-1, 0, 1)]
    assert tremor[0] > 1.5 * tremor[1] > 2.2 * tremor[2]
    assert {int(m) for t in trials for m in t.marks.ravel()} == {1, 2, 3, 4, 5}


def test_agreement_of_raters_is_what_is_said() -> None:
    rng = np.random.default_rng(5)
    latent = rng.standard_normal(20_000)
    for site in SITES:
        severity = np.reshape(SITES[site].severity, (3, 1))
        felt = latent - severity + SITES[site].error * rng.standard_normal((3, 20_000))
        exact = icc(felt.T)
        assert latent_icc(site, 0.5) == pytest.approx(exact["ICC(2,1)"].estimate, abs=0.01), "closed form"
        assert latent_icc(site, 0.5, 3) == pytest.approx(exact["ICC(2,k)"].estimate, abs=0.01)
        on_marks = icc(marks(latent, site, 0.5, rng).T.astype(float))
        told = agreement(site, 0.5)
        assert told["icc_one_rater"] == pytest.approx(on_marks["ICC(2,1)"].estimate, abs=0.015)
        assert told["icc_one_rater"] < latent_icc(site, 0.5), "five marks lose something"
        assert told["icc_one_rater"] < told["icc_three_raters"] < told["icc"] < 1
    assert agreement("B", 0.5)["icc"] < agreement("A", 0.5)["icc"]
    assert agreement("A", 0.0)["icc_three_raters"] > agreement("A", 1.0)["icc_three_raters"]


def test_no_reader_of_the_motion_passes_the_ceiling(trials: list[Trial]) -> None:
    from sklearn.linear_model import RidgeCV

    table = np.log1p(np.array([[t.metrics[m] for m in METRICS] for t in trials]))
    mean = np.array([t.marks.mean(axis=0)[1] for t in trials])
    fit = RidgeCV().fit(table[:90], mean[:90])
    error = np.abs(fit.predict(table[90:]) - mean[90:]).mean()
    assert agreement("A", 0.5)["mae"] < error < np.abs(mean[90:] - mean[:90].mean()).mean()


def test_severity_lowers_marks(trials: list[Trial]) -> None:
    given = np.array([t.marks for t in trials]).mean(axis=(0, 2))
    assert given[0] < given[1] < given[2]


def test_the_sensor_and_the_raters_change_nothing_else() -> None:
    easy, hard = trial((3, 1), 0.2, site="A"), trial((3, 1), 0.2, site="B")
    assert np.array_equal(easy.path, hard.path) and np.array_equal(easy.latent, hard.latent) and not np.array_equal(easy.seen, hard.seen)
    assert np.array_equal(trial((3, 1), 0.2, difficulty=0.0).seen, trial((3, 1), 0.2, difficulty=0.0).path)


def test_a_good_knot_is_even_and_brightness_does_not_tell() -> None:
    from osteon.stats.roc import auc

    rng = np.random.default_rng(1)
    products = rng.standard_normal(70)
    knots = [picture(q, np.random.default_rng(i)) for i, q in enumerate(products)]
    good = products > 0
    brightness = np.array([np.median(k) for k in knots], float)
    assert 0.3 < auc(good, brightness) < 0.68
    rows = np.array([(k[20:80, :, 0] < 75).sum(axis=1).std() for k in knots], float)
    assert abs(np.corrcoef(rows, products)[0, 1]) > 0.2
    betrayed = [np.median(picture(q, np.random.default_rng(i), bright=float(q > 0))) for i, q in enumerate(products)]
    assert auc(good, np.array(betrayed, float)) > 0.9


def test_a_cohort_of_trials(tmp_path: Path) -> None:
    made = knot_tying(tmp_path / "a", 10, 3, workers=1)
    knot_tying(tmp_path / "b", 10, 3, workers=1)
    for file in sorted(p for p in (tmp_path / "a").rglob("*") if p.is_file()):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()
    assert len(set(made.column("patient").tolist())) == 8
    assert len(made.readings) == 10 * 3 * len(ITEMS) and {r.reader for r in made.readings} == {"rater 1", "rater 2", "rater 3"}
    cohort = made.conform({}, {"osats": Measures(dict.fromkeys(ITEMS, "mark"), "flow")}, answered=("osats",))
    first = [float(r.value) for r in made.readings if r.case == "f00001" and r.target == "osats.flow"]
    assert cohort.cases[0].truth["osats"].values["flow"] == pytest.approx(np.mean(first), abs=1e-3)  # type: ignore[union-attr]
    hands = pd.read_csv(tmp_path / "a" / "hands" / "f00001.csv")
    assert list(hands.columns) == ["time", *CHANNELS] and hands["time"].diff().iloc[1] == pytest.approx(1 / RATE, abs=1e-3)
    assert read_picture(tmp_path / "a" / "knot" / "f00001.png").array.shape == (96, 96, 3)
    assert made.notes["ceilings"]["osats"]["flow"]["icc"] == agreement("A", 0.5)["icc"]
    assert simulator.CARD.absent


@pytest.mark.parametrize("wrong", [{"cases": 0}, {"site": "C"}, {"difficulty": 3.0}, {"workers": 0}])
def test_an_impossible_call_writes_nothing(wrong: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(DataError):
        knot_tying(tmp_path / "x", **{"cases": 2, "seed": 0, "workers": 1, **wrong})  # type: ignore[arg-type]
    assert not (tmp_path / "x").exists()
