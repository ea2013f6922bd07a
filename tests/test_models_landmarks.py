"""Landmarks as heat-maps: from a truth to maps and back to the film, and the shapes that points are drawn to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from osteon.budget import SMOKE
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.errors import StudyError
from osteon.geometry.spine import ENDS, POINTS, SPINE_UNITS, construct_spine, mark_ends, measure_named, tilts_of_curves
from osteon.models import Desk, Net
from osteon.models.augment import Motion
from osteon.models.landmarks import MOST, LandmarksFamily
from osteon.models.shapes import shapes_from, shapes_of
from osteon.models.views import Seen
from osteon.models.windows import whole
from osteon.networks import heads
from osteon.targets import Landmarks, Measures
from osteon.value import Grid, Picture, Readings

SPINE = Measures(SPINE_UNITS, "main", read=measure_named, landmarks=Landmarks(POINTS, ENDS, marked=mark_ends))
FRAME, FILM = (256, 192), Grid((560, 380), (1.0, 1.0))
PLAN = [("T1", "T5", -20.0), ("T5", "T11", 45.0), ("T11", "L4", -30.0)]


def truth(plan: list[tuple[str, str, float]] = PLAN) -> Readings:
    corners = construct_spine(*tilts_of_curves(plan), bottom=(520.0, 190.0)).reshape(-1, 2)
    return SPINE.value(Readings({}, {name: tuple(at) for name, at in zip(POINTS, corners.tolist(), strict=True)}, FILM))  # type: ignore[return-value]


def seen() -> Seen:
    return Seen(np.zeros((1, *FILM.shape), np.uint8), FILM, [whole(FILM.shape, FRAME)])


def perfect(numbers: np.ndarray) -> nn.Module:
    """A network whose maps are those of a truth."""
    at = torch.from_numpy(numbers)[None] / 4 - 0.5
    points = heads.heatmaps(at[:, :68], (64, 48), sigma=1.0)
    spots = at[:, 68:].unflatten(1, (2, MOST))
    known = ~spots.isnan().any(dim=-1)
    marks = (heads.heatmaps(spots.nan_to_num().flatten(1, 2), (64, 48), sigma=1.0).unflatten(1, (2, MOST)) * known[..., None, None]).sum(dim=2)
    return Fixed((torch.cat((points, marks), dim=1) + 1e-12).log())


class Fixed(nn.Module):
    """A network that always answers the same."""

    def __init__(self, maps: Tensor) -> None:
        super().__init__()
        self.maps = maps

    def forward(self, images: Tensor) -> Tensor:
        return self.maps


def test_perfect_maps_give_the_truth_back() -> None:
    family, true = LandmarksFamily(SPINE), truth()
    (numbers,) = family.numbers(true, seen())  # type: ignore[misc]
    assert numbers.shape == (68 + 2 * MOST, 2)
    (output,) = family.outputs_of(perfect(numbers), torch.zeros(1, 1, *FRAME))
    answer = family.answer([output], seen())
    assert isinstance(answer, Readings)
    assert max(np.hypot(*np.subtract(answer.landmarks[name], true.landmarks[name])) for name in POINTS) < 0.05
    assert sorted(name for name in answer.landmarks if name.split(".")[0] in ENDS) == ["left_low.1", "left_low.2", "right_low.1", "right_low.2"]
    assert answer.values["main"] == pytest.approx(45.0, abs=0.1) and answer.values["shift"] == pytest.approx(true.values["shift"], abs=0.1)


def test_the_loss_is_least_at_the_truth_and_blind_to_what_is_absent() -> None:
    family = LandmarksFamily(SPINE)
    (numbers,) = family.numbers(truth(), seen())  # type: ignore[misc]
    images, rows = torch.zeros(1, 1, *FRAME), torch.from_numpy(numbers)[None]
    right = float(family.loss(perfect(numbers), images, images, rows))
    assert float(family.loss(perfect(numbers + 8.0), images, images, rows)) > right + 1
    only_points = rows.clone()
    only_points[:, 68:] = torch.nan
    assert 0 < float(family.loss(perfect(numbers), images, images, only_points)) < right
    maps = torch.zeros(1, 70, 64, 48, requires_grad=True)
    family.loss(Fixed(maps), images, images, torch.full_like(rows, torch.nan)).backward()
    assert maps.grad is not None and float(maps.grad.abs().max()) == 0


def test_points_follow_the_picture_and_are_absent_beyond_it() -> None:
    still, right = torch.eye(2)[None], torch.tensor([[-30.0, 0.0]])
    how = Motion(still, right, degrees=torch.zeros(1), source=FRAME, frame=FRAME)
    moved = LandmarksFamily(SPINE).moved(torch.tensor([[[100.0, 50.0], [100.0, 180.0], [torch.nan, torch.nan]]]), how)
    assert moved[0, 0].tolist() == [100.0, 80.0]
    assert bool(moved[0, 1:].isnan().all())


def test_a_point_that_is_nowhere_is_not_found_and_nothing_is_read() -> None:
    family = LandmarksFamily(SPINE)
    (numbers,) = family.numbers(truth(), seen())  # type: ignore[misc]
    maps = perfect(numbers)
    maps.maps[:, POINTS.index("T4.superior_left")] = 0.0
    answer = family.answer(family.outputs_of(maps, torch.zeros(1, 1, *FRAME)), seen())
    assert isinstance(answer, Readings) and "T4.superior_left" not in answer.landmarks
    assert np.isnan(answer.values["main"]) and answer.reasons["main"] == "corners of T4 are missing"


def test_marks_of_one_map_are_taken_one_after_another() -> None:
    two = heads.heatmaps(torch.tensor([[[10.2, 12.0], [40.0, 30.7]]]), (64, 48), sigma=1.0).sum(dim=1, keepdim=True)
    ((found,),) = heads.marks((two + 1e-12).log(), most=4)
    assert found[:, :2].sort(dim=0).values.flatten().tolist() == pytest.approx([10.2, 12.0, 40.0, 30.7], abs=0.05)
    assert found[:, 2].tolist() == pytest.approx([0.5, 0.5], abs=0.01)


def test_a_second_place_does_not_draw_a_point_away() -> None:
    map_ = 0.7 * heads.heatmaps(torch.tensor([[[10.25, 12.0]]]), (64, 48), sigma=1.0) + 0.3 * heads.heatmaps(torch.tensor([[[50.0, 12.0]]]), (64, 48), sigma=1.0)
    row, col, share = heads.peaks((map_ + 1e-12).log())[0, 0].tolist()
    assert (row, col) == pytest.approx((10.25, 12.0), abs=0.02) and share == pytest.approx(0.7, abs=0.01)


def columns(count: int, seed: int = 0) -> np.ndarray:
    """Columns (count, 68, 2) with curves, of different size and place."""
    rng = np.random.default_rng(seed)
    plans = [[("T1", "T5", -0.4 * a), ("T5", "T11", a), ("T11", "L4", -0.7 * a)] for a in rng.uniform(-60, 60, count)]
    made = [construct_spine(*tilts_of_curves(p), bottom=(500.0, 190.0)) for p in plans]
    return np.stack([m.reshape(-1, 2) * rng.uniform(0.8, 1.1) + rng.normal(0, 20, 2) for m in made])


def test_points_drawn_to_shapes_lose_noise_and_not_their_place() -> None:
    shapes = shapes_of(columns(60), noise=1.0)
    assert shapes is not None and len(shapes.modes) < 20
    true, rng = columns(10, seed=1), np.random.default_rng(2)
    found = true + rng.normal(0, 1.0, true.shape)
    drawn = np.stack([shapes.drawn(f) for f in found])
    assert np.abs(drawn - true).mean() < 0.5 * np.abs(found - true).mean()
    wild = found[0].copy()
    wild[20] += (40.0, -25.0)  # one corner on another vertebra
    assert np.abs(shapes.drawn(wild) - true[0]).max() < 4
    far = shapes.drawn(2.0 * found[0] + [300.0, -100.0])
    assert np.allclose(far, 2.0 * drawn[0] + [300.0, -100.0])
    again = shapes_from(shapes.plain())
    assert np.allclose(again.drawn(found[0]), drawn[0], atol=1e-3)
    assert shapes_of(columns(5), noise=1.0) is None


def films(count: int) -> Cohort:
    """Pictures in which two bright spots are the points."""
    rng, cases = np.random.default_rng(3), []
    rows, cols = np.mgrid[:64, :64]
    for k in range(count):
        at = np.array([[16, 16], [44, 44]]) + rng.uniform(-8, 8, (2, 2))
        film = sum(np.exp(-((rows - r) ** 2 + (cols - c) ** 2) / (2 * s * s)) for (r, c), s in zip(at, (2.0, 4.0), strict=True))
        landmarks = {name: tuple(p) for name, p in zip(("first", "second"), at.tolist(), strict=True)}
        grid = Grid((64, 64))
        cases.append(Case(f"c{k}", f"p{k}", inputs={"film": Picture((film * 200).astype(np.uint8), grid)}, truth={"length": SPOTS.value(Readings({}, landmarks, grid))}))
    return Cohort("spots", "simulated", cases=cases)


def length(landmarks: dict[str, tuple[float, float]], spacing: object) -> tuple[dict[str, float], dict[str, str]]:
    if len(landmarks) < 2:
        return {"length": float("nan")}, {"length": "a point is missing"}
    return {"length": float(np.hypot(*np.subtract(landmarks["second"], landmarks["first"])))}, {}


SPOTS = Measures({"length": "px"}, "length", read=length, landmarks=Landmarks(("first", "second")))


def test_a_network_learns_landmarks_and_is_the_same_when_loaded(tmp_path: Path) -> None:
    cohort = films(24)
    desk = Desk(SMOKE.with_(image_side=64, epochs=2), seed=0)
    net = Net("hrnet", reads=("film",), writes=("length",)).fit(cohort.take(np.arange(16)), cohort.take(np.arange(16, 20)), {"length": SPOTS}, desk)
    test = cohort.take(np.arange(20, 24))
    answers = [a["length"] for a in net.predict(test)]
    gaps = [np.hypot(*np.subtract(a.landmarks["first"], c.truth["length"].landmarks["first"])) for a, c in zip(answers, test, strict=True)]  # type: ignore[union-attr]
    assert np.mean(gaps) < 3
    net.save(tmp_path)
    again = Net("hrnet", reads=("film",), writes=("length",)).load(tmp_path, {"length": SPOTS})
    assert [dict(a["length"].values) for a in again.predict(test)] == [dict(a.values) for a in answers]  # type: ignore[union-attr]


def test_a_network_without_heat_maps_is_refused() -> None:
    cohort = films(12)
    with pytest.raises(StudyError, match="resnet18.*no heat-maps"):
        Net("resnet18", reads=("film",), writes=("length",)).fit(cohort.take(np.arange(8)), cohort.take(np.arange(8, 12)), {"length": SPOTS}, Desk(SMOKE, seed=0))


@pytest.mark.parametrize("bad", [lambda: Landmarks(()), lambda: Landmarks(("a",), ("mark",)), lambda: Measures({"a": "px"}, "a", landmarks=Landmarks(("a",)))])
def test_a_declaration_without_sense_is_refused(bad) -> None:
    with pytest.raises(StudyError):
        bad()
