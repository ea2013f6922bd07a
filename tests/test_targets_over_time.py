"""Shapes and quantities over time: distances with their conventions, times that rise, answers between times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from osteon.errors import DataError
from osteon.geometry.rigid_chain import applied, exponential
from osteon.readers import read_value
from osteon.targets import Surfaces, Target, Trajectories
from osteon.value import Surface, Trajectory, Value, Withheld

RNG = np.random.default_rng(4)
BODIES = RNG.normal(0, 10, (3, 8, 3)) + np.array([0, 0, 40.0]) * np.arange(3)[::-1, None, None]
FACES = np.array([[0, 1, 2]])
TIMES = np.array([1.0, 5.0, 12.0])
CHAIN = Surfaces("column", parts=("A", "B", "C"), at="months")


def moving(points: np.ndarray, times: np.ndarray = TIMES) -> Surface:
    return Surface(np.broadcast_to(points, (len(times), *points.shape)).reshape(len(times), -1, 3), FACES, times)


def metrics(target: Target, truth: Value, answer: Value) -> dict[str, float]:
    frame = pd.DataFrame([{"patient": "p", "fold": "1", **line.plain()} for line in target.compare(truth, answer)])
    return {k: v.estimate for k, v in target.metrics(frame).items()}


def test_a_shift_of_the_whole_is_distance_but_neither_registered_distance_nor_turn() -> None:
    found = metrics(CHAIN, moving(BODIES), moving(BODIES + (3, 0, 4)))
    assert found == pytest.approx({"distance": 5.0, "registered": 0.0, "rotation": 0.0}, abs=1e-6)


def test_a_turn_of_the_whole_turns_every_body() -> None:
    found = metrics(CHAIN, moving(BODIES), moving(applied(exponential(np.array([0, 0.1, 0, 0, 0, 0])), BODIES.reshape(-1, 3)).reshape(BODIES.shape)))
    assert found["registered"] == pytest.approx(0, abs=1e-6) and found["rotation"] == pytest.approx(np.degrees(0.1)) and found["distance"] > 3


def test_a_body_turned_in_place_counts_its_third() -> None:
    other = BODIES.copy()
    other[1] = applied(exponential(np.array([0, 0, 0.3, 0, 0, 0])), BODIES[1] - BODIES[1].mean(axis=0)) + BODIES[1].mean(axis=0)
    assert metrics(CHAIN, moving(BODIES), moving(other))["rotation"] == pytest.approx(np.degrees(0.3) / 3, abs=1e-6)


def test_an_answer_is_compared_at_the_visits_straight_between_its_times() -> None:
    steady = Surface(np.stack([BODIES.reshape(-1, 3) + (0, 0, t) for t in (0.0, 10.0)]), FACES, np.array([0.0, 10.0]))
    lines = CHAIN.compare(moving(BODIES), steady)
    assert [line.unit for line in lines] == ["t=1", "t=5", "t=12"]
    assert [line.numbers["distance"] for line in lines] == pytest.approx([1, 5, 10]), "beyond its last time an answer stays"
    held = CHAIN.compare(moving(BODIES), Withheld("no film"))
    assert len(held) == 3 and {line.withheld for line in held} == {"no film"}


def test_vertices_of_another_number_are_no_answer_and_never_a_small_distance() -> None:
    lines = CHAIN.compare(moving(BODIES), moving(BODIES[:, :6]))
    assert all("18 vertices" in line.withheld for line in lines)


def test_without_parts_vertices_have_no_partners() -> None:
    shuffled = BODIES.reshape(-1, 3)[RNG.permutation(24)]
    found = metrics(Surfaces(), Surface(BODIES.reshape(-1, 3), FACES), Surface(shuffled, FACES))
    assert found == pytest.approx({"distance": 0, "hd95": 0})


@pytest.mark.parametrize(("pairs", "says"), [
    (((3.0, BODIES), (1.0, BODIES)), "out of order"), (((3.0, BODIES), (3.0, BODIES)), "3 again"), (((1.0, BODIES), (3.0, BODIES[:, :6])), "built differently"), ((), "no mesh")])
def test_visits_that_make_no_course_are_told(pairs: tuple[tuple[float, np.ndarray], ...], says: str) -> None:
    with pytest.raises(DataError, match=says):
        CHAIN.value(tuple((t, Surface(b.reshape(-1, 3), FACES)) for t, b in pairs))


def test_bodies_that_do_not_divide_are_told() -> None:
    with pytest.raises(DataError, match="do not make 3 bodies"):
        CHAIN.value(((0.0, Surface(BODIES.reshape(-1, 3)[:23], FACES)),))


def test_the_mean_of_forecasts_is_taken_point_by_point() -> None:
    mean = CHAIN.mean([moving(BODIES), moving(BODIES + 2), Withheld("no film")])
    assert isinstance(mean, Surface) and np.allclose(mean.vertices, moving(BODIES + 1).vertices) and np.array_equal(mean.moments, TIMES)


def test_quantities_over_time_beat_or_do_not_beat_their_mean() -> None:
    target, truth = Trajectories({"cobb": "deg"}), Trajectory(TIMES, np.array([[10.0], [20], [30]]), ("cobb",))
    found = metrics(target, truth, Trajectory(TIMES, np.array([[11.0], [21], [31]]), ("cobb",)))
    assert found == pytest.approx({"mae": 1, "mae_of_the_mean": 20 / 3, "bias": 1})
    assert all(line.withheld for line in target.compare(truth, Withheld("no model"))) and len(target.compare(truth, Withheld("no model"))) == 3
    with pytest.raises(DataError, match="do not rise"):
        target.value(Trajectory(np.array([1.0, 1.0, 2.0]), truth.values, ("cobb",)))


def test_a_course_is_read_from_a_spreadsheet_and_empty_cells_are_not_judged(tmp_path: Path) -> None:
    (tmp_path / "course.csv").write_text("time,cobb,height\n1,24.5,400\n6.5,,405\n12,18,410\n")
    target = Trajectories({"cobb": "deg", "height": "mm"})
    truth = target.value(read_value(tmp_path / "course.csv"))
    lines = target.compare(truth, Trajectory(np.array([0.0, 12.0]), np.array([[24.0, 398], [20, 410]]), ("cobb", "height")))
    assert [(line.finding, line.unit) for line in lines] == [("cobb", "t=1"), ("cobb", "t=12"), ("height", "t=1"), ("height", "t=6.5"), ("height", "t=12")]
    assert lines[1].numbers["error"] == pytest.approx(2)
    (tmp_path / "other.csv").write_text("month,cobb\n1,24.5\n")
    with pytest.raises(DataError, match="time"):
        read_value(tmp_path / "other.csv")


def test_a_surface_over_time_keeps_its_rules() -> None:
    with pytest.raises(DataError, match="times"):
        Surface(np.zeros((2, 4, 3)), FACES, np.array([1.0, 1.0]))
    with pytest.raises(DataError, match="times"):
        Surface(np.zeros((2, 4, 3)), FACES, np.array([1.0]))
