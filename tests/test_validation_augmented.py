"""Views of a film: what moves is brought back to its place, what must not move does not, and the spread of the answers is theirs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from disc_films import NAMES, TARGETS, disc_case, disc_cohort
from osteon import targets
from osteon.geometry.lower_limb import LOWER_LIMB_UNITS, SIDES, measure_named
from osteon.models import Formula, Net
from osteon.validation.augmented import Change, changed, changes, spread, undone, views
from osteon.validation.uncertainty_spread import doubt, of_members, spreads_of
from osteon.value import Grade, Grid, Label, Mask, Objects, Picture, Readings, Risk, Withheld

HOW = Change(4.0, 1.05, shift=(0.03, -0.02), gamma=1.1)


def brightest(picture: Picture) -> np.ndarray:
    """The centre of a bright spot (row, col)."""
    weight = np.clip(picture.array.astype(float) - 100, 0, None)
    rows, cols = np.indices(weight.shape)
    return np.array([(rows * weight).sum(), (cols * weight).sum()]) / weight.sum()


def spot(row: float, col: float, shape: tuple[int, int] = (120, 80)) -> Picture:
    rows, cols = np.mgrid[:shape[0], :shape[1]]
    return Picture((250 * np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / 8)).astype(np.float32), Grid(shape, (0.5, 0.5)))


def test_a_point_comes_back_to_its_place() -> None:
    film = spot(40.0, 55.0)
    seen = changed(film, HOW)
    assert np.hypot(*(brightest(seen) - brightest(film))) > 1.5
    assert HOW.back(brightest(seen)[None], film.grid.shape)[0] == pytest.approx(brightest(film), abs=0.1)


def test_a_turn_is_clockwise_as_it_is_seen() -> None:
    above = spot(20.0, 39.5)
    assert brightest(changed(above, Change(10.0)))[1] > 45


def test_a_film_is_never_mirrored() -> None:
    assert all(np.linalg.det(how.matrix) > 0 for how in changes(TARGETS["side"], Net("x", ("film",), "side"), count=50))


def test_boxes_and_outlines_come_back() -> None:
    case = disc_case(3)
    film, truth = case.inputs["film"], case.truth
    moved = Mask(np.stack([changed(Picture(layer.astype(np.float32), film.grid), replace(HOW, gamma=1.0)).array > 0.5 for layer in truth["shapes"].array]), NAMES, film.grid)
    back = undone(moved, HOW, TARGETS["shapes"], {})
    assert isinstance(back, Mask)
    dice = 2 * (back.array & truth["shapes"].array).sum() / (back.array.sum() + truth["shapes"].array.sum())
    assert dice > 0.93
    boxes = np.array([[np.flatnonzero(layer.any(1))[0], np.flatnonzero(layer.any(0))[0], np.flatnonzero(layer.any(1))[-1], np.flatnonzero(layer.any(0))[-1]] for layer in moved.array], float)
    found = undone(Objects(boxes, NAMES, grid=film.grid), HOW, TARGETS["things"], {})
    assert isinstance(found, Objects)
    assert np.abs(found.boxes - truth["things"].boxes).max() < 1.5


def test_readings_follow_the_turn_or_are_taken_again_from_landmarks() -> None:
    plain = undone(Readings({"tilt": 12.0, "gap": 3.0}), HOW, targets.Measures({"tilt": "deg", "gap": "mm"}, "tilt"), {"tilt": 1.0})
    assert plain.values == pytest.approx({"tilt": 8.0, "gap": 3.0})
    target = targets.Measures(LOWER_LIMB_UNITS, "HKA", per=SIDES, read=measure_named)
    grid = Grid((900, 400), (1.0, 1.0))
    marks = {"R.hip": (100.0, 120.0), "R.knee": (450.0, 110.0), "R.ankle": (800.0, 118.0)}
    turned = {name: tuple(HOW.matrix @ (np.array(p) - (449.5, 199.5)) + (449.5 + 0.03 * 900, 199.5 - 0.02 * 400)) for name, p in marks.items()}
    back = undone(Readings({}, turned, grid), HOW, target, {})
    assert back.landmarks["R.knee"] == pytest.approx(marks["R.knee"], abs=1e-9)
    assert back.values == pytest.approx(measure_named(marks, (1.0, 1.0))[0], abs=1e-9, nan_ok=True)


def test_readings_that_declare_nothing_are_not_turned_and_lengths_not_scaled() -> None:
    for how in changes(TARGETS["reading"], Net("x", ("film",), "reading"), count=20):
        assert (how.degrees, how.scale) == (0.0, 1.0)
    angles = targets.Measures({"tilt": "deg"}, "tilt")
    assert any(how.degrees for how in changes(angles, Net("x", ("film",), "r", settings={"follows": {"tilt": 1.0}})))
    assert not any(how.degrees for how in changes(angles, Net("x", ("film",), "r")))


def tilted(film: Picture) -> dict[str, Readings]:
    """A rule that reads the angle of the line between the two discs, as a network that follows the turn would."""
    first = brightest(Picture(film.array[:48], Grid((48, 64))))
    second = brightest(Picture(film.array[48:], Grid((48, 64)))) + (48, 0)
    return {"reading": Readings({"height": float(first[0]), "tilt": float(np.degrees(np.arctan2(*(second - first)[::-1])))})}


def test_views_of_a_whole_model_are_answers_for_the_film_as_it_was() -> None:
    rule = Formula(tilted, reads=("film",), writes=("reading",))
    given = list(views(rule, disc_cohort(3), picture="film", asked=("reading", TARGETS["reading"]), count=4, seed=1))
    assert [len(v) for v in given] == [4, 4, 4]
    heights = [v.values["height"] for v in given[0]]
    assert np.ptp(heights) > 0.1
    again = list(views(rule, disc_cohort(3), picture="film", asked=("reading", TARGETS["reading"]), count=4, seed=1))
    assert heights == [v.values["height"] for v in again[0]]


def test_the_spread_is_that_of_the_answers_by_their_family() -> None:
    two = targets.Classes(("no", "yes"))
    assert spread(two, [Label("yes", {"no": 1 - p, "yes": p}) for p in (0.2, 0.4)], "yes") == pytest.approx(0.1)
    assert spread(targets.Measures({"HKA": "deg"}, "HKA", per=("R", "L")), [Readings({"HKA.R": v, "HKA.L": 0.0}) for v in (1.0, 3.0)], "HKA") == pytest.approx(0.5)
    masks = [Mask(np.eye(4, dtype=bool)[None] if k else np.ones((1, 4, 4), bool), ("a",), Grid((4, 4))) for k in range(2)]
    assert spread(targets.Masks(("a",)), masks, "a") == pytest.approx(1 - 2 * 4 / 20)
    boxes = [Objects(np.array([[0.0, 0, 10, 10 * (k + 1)]]), ("a",)) for k in range(2)]
    assert spread(targets.Objects(("a",)), boxes, "a") == pytest.approx(0.5)
    assert spread(targets.Objects(("a",)), [boxes[0], Objects(np.zeros((0, 4)), ())], "a") == 1
    assert spread(targets.Grades(("0", "1", "2"), 1), [Grade(0, (0.8, 0.1, 0.1)), Grade(0, (0.6, 0.2, 0.2))], ">= 1") == pytest.approx(0.1)
    assert spread(targets.Events("days", 1.0), [Risk(np.array([1.0]), np.array([s])) for s in (0.4, 0.8)], "") == pytest.approx(0.2)
    assert np.isnan(spread(two, [Label("yes", {"no": 0.2, "yes": 0.8}), Withheld("no film")], "yes"))


def test_a_spread_that_grows_with_errors_finds_them_and_noise_does_not() -> None:
    rng = np.random.default_rng(1)
    codes = [f"c{k}" for k in range(300)]
    wide = rng.gamma(2, 1, 300)
    error = np.abs(rng.normal(0, wide))
    errors = pd.DataFrame({"case": codes, "error": error, "wrong": error > 3})
    patients = dict(zip(codes, codes, strict=True))
    found = doubt("views", dict(zip(codes, wide, strict=True)), errors, answers=4, patients=patients)
    assert found is not None
    assert found.detection.lower > 0.7
    assert found.ratio == pytest.approx(1, abs=0.15)
    assert [p.spread for p in found.parts] == sorted(p.spread for p in found.parts)
    assert found.parts[0].error < found.parts[2].error
    noise = doubt("views", dict(zip(codes, rng.permutation(wide), strict=True)), errors, answers=4, patients=patients)
    assert noise is not None
    assert noise.detection.lower < 0.5 < noise.detection.upper
    assert doubt("views", {"c1": 1.0}, errors, answers=4, patients=patients) is None


def test_members_of_a_blend_have_a_spread_from_their_lines() -> None:
    def lines(scores: list[float]) -> pd.DataFrame:
        return pd.DataFrame({"case": ["a", "b"], "part": "test", "target": "t", "finding": "f", "withheld": "", "score": scores})

    assert of_members({"m@x": lines([0.2, 0.9]), "m@y": lines([0.4, 0.9])}, target="t", finding="f") == pytest.approx({"a": 0.1, "b": 0.0})
    assert of_members({"m@x": lines([0.2, 0.9])}, target="t", finding="f") == {}
    assert spreads_of(targets.Classes(("no", "f")), "f", {"a": [Label("f", {"no": 0.0, "f": 1.0}), Label("no", {"no": 1.0, "f": 0.0})], "b": []}) == {"a": 0.5}
