"""What each piece of Zhao 2023 is for, on columns with a known truth: the end vertebrae that are named, and the reading from them."""

from __future__ import annotations

import numpy as np
import pytest

from osteon.geometry.spine import ENDS, LEVELS, POINTS, construct_spine, mark_ends, measure_named, tilts_of_curves
from osteon.report.overlay import drawn
from osteon.studies import study
from osteon.value import Grid, Picture, Readings, Withheld

PLAN = [("T1", "T5", -18.0), ("T5", "T11", 42.0), ("T11", "L4", -30.0)]
Points = dict[str, tuple[float, ...]]


def column(noise: float = 0.0, seed: int = 0) -> Points:
    """Corners of the planned column, each missed by so many pixels of 1 mm."""
    at = construct_spine(*tilts_of_curves(PLAN)).reshape(-1, 2)
    return named(at + np.random.default_rng(seed).normal(0, noise, at.shape))


def named(at: np.ndarray) -> Points:
    return {name: tuple(point) for name, point in zip(POINTS, at.tolist(), strict=True)}


def marks(points: Points) -> Points:
    """The marks that a network would set for the true column."""
    return {f"{mark}.{k}": at for mark, places in mark_ends(points).items() for k, at in enumerate(places, 1)}


def test_named_end_vertebrae_read_the_planned_curves() -> None:
    values, reasons = measure_named(column() | marks(column()), (1.0, 1.0))
    assert [values[k] for k in ("main", "PT", "MT", "TL")] == pytest.approx([42, 18, 42, 30], abs=0.01)
    assert not reasons


def test_without_the_end_vertebrae_the_angle_is_read_too_large() -> None:
    """The largest tilt of noisy endplates lies above the truth; between named end vertebrae noise has no favourite. The head of end vertebrae is the piece."""
    with_, without = ([measure_named(column(2.0, seed) | extra, (1.0, 1.0))[0]["main"] - 42.0 for seed in range(60)] for extra in (marks(column()), {}))
    assert abs(np.mean(with_)) < 1
    assert np.mean(without) > np.mean(with_) + 3
    assert np.abs(without).mean() > np.abs(with_).mean() + 0.5


def test_the_reading_by_largest_tilt_stands_beside_and_does_not_hear_the_marks() -> None:
    noisy = column(1.0, 3)
    with_, without = measure_named(noisy | marks(column()), (1.0, 1.0))[0], measure_named(noisy, (1.0, 1.0))[0]
    assert with_["largest_tilt"] == without["largest_tilt"] == without["main"] != with_["main"]


def test_wrong_end_vertebrae_give_another_angle() -> None:
    true = marks(column())
    wrong = true | {name: (at[0] + 60.0, at[1]) for name, at in true.items()}
    assert abs(measure_named(column() | wrong, (1.0, 1.0))[0]["main"] - 42.0) > 5


def test_of_neighbours_that_lie_low_on_one_side_the_most_tilted_is_the_end() -> None:
    points = column()
    middle = np.array([points[f"T6.{c}"] for c in ("superior_right", "inferior_left")]).mean(axis=0)
    extra = marks(points) | {"left_low.9": tuple(middle.tolist())}
    assert measure_named(points | extra, (1.0, 1.0))[0]["main"] == pytest.approx(42.0, abs=0.01)


def test_end_vertebrae_turn_with_the_film() -> None:
    at, turn = construct_spine(*tilts_of_curves(PLAN)).reshape(-1, 2), np.radians(7.0)
    turned = at @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    for mark in ENDS:
        assert len(mark_ends(named(turned))[mark]) == len(mark_ends(named(at))[mark]) == 2
    assert measure_named(named(turned) | marks(named(turned)), (1.0, 1.0))[0]["main"] == pytest.approx(42.0, abs=0.01)


@pytest.mark.parametrize(("gone", "reason"), [(LEVELS[-2:], "corners of 2 vertebrae are missing, L4 among them"), (("T7",), "corners of T7 are missing")])
def test_a_column_that_is_not_whole_is_not_measured(gone: tuple[str, ...], reason: str) -> None:
    points = {name: at for name, at in column().items() if name.split(".")[0] not in gone}
    values, reasons = measure_named(points, (1.0, 1.0))
    assert all(np.isnan(v) for v in values.values()) and set(reasons.values()) == {reason}
    assert mark_ends(points) == {mark: [] for mark in ENDS}


def test_vertebrae_out_of_order_are_not_measured() -> None:
    points = column()
    swapped = points | {f"{a}.{c}": points[f"{b}.{c}"] for a, b in (("T8", "T9"), ("T9", "T8")) for c in ("superior_right", "superior_left", "inferior_right", "inferior_left")}
    assert measure_named(swapped, (1.0, 1.0))[1]["main"] == "T9 does not lie below T8"


def test_without_spacing_angles_are_read_and_lengths_are_not() -> None:
    values, reasons = measure_named(column(), None)
    assert values["main"] == pytest.approx(42.0, abs=0.01) and reasons == {"shift": "no pixel spacing"}


def test_what_a_truth_lacks_is_read_off_its_points_and_what_it_gives_stands() -> None:
    target = study("zhao_2023").targets["cobb"]
    truth = target.value(Readings({"midline": 40.0}, column(), Grid((700, 400), (1.0, 1.0))))
    assert truth.values["midline"] == 40.0 and truth.values["main"] == pytest.approx(42.0, abs=0.01)  # type: ignore[union-attr]


def test_the_distance_of_points_is_told_in_pixels_of_the_film() -> None:
    target, grid = study("zhao_2023").targets["cobb"], Grid((700, 400))
    truth = target.value(Readings({}, column(), grid))
    moved = {name: ((row + 3.0 + 0.5) / 2 - 0.5, (col - 4.0 + 0.5) / 2 - 0.5) for name, (row, col) in column().items() if name != "L5.inferior_left"}
    line = target.compare(truth, Readings({}, moved, Grid((350, 200))))[-1]
    assert line.finding == target.findings[-1] == "landmarks"
    assert dict(line.numbers) == pytest.approx({"distance": 5.0, "found": 67 / 68})
    assert target.compare(truth, Readings({}, {}, grid))[-1].withheld == "no point was found"


def test_the_film_shows_the_vertebrae_and_the_angle_between_end_vertebrae() -> None:
    film, targets = Picture(np.full((700, 400), 90, np.uint8), Grid((700, 400))), study("zhao_2023").targets
    points = named(np.array(list(column().values())) + (80.0, 0.0))
    whole = targets["cobb"].value(Readings({}, points | marks(points), film.grid))
    without = {name: at for name, at in points.items() if not name.startswith("T7")}
    shown = [blue(drawn(film, {"cobb": v}, targets, height=700)) for v in (whole, Readings({}, without, film.grid), Withheld("no film"))]
    assert shown[0] > shown[1] + 300 > 300 + shown[2]  # outlines and lines of angles, outlines alone, neither


def blue(picture: np.ndarray) -> int:
    """Pixels in the colour of answers."""
    red, _, last = (picture[..., k].astype(int) for k in range(3))
    return int((last - red > 60).sum())


def test_the_paper_s_model_stands_first_and_the_ablation_beside_it() -> None:
    declared = study("zhao_2023")
    assert [model.name for model in declared.models.values()] == ["hrnet_transformer", "hrnet"]  # type: ignore[attr-defined]
    assert declared.targets["cobb"].findings[0] == "main"
