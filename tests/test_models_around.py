"""Points learnt as boxes: the margin that a detector is shown, the middle that is its answer, the one window in which every margin is judged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest

from osteon.budget import SMOKE
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.errors import DataError, StudyError
from osteon.geometry.points import middles, nearest, squares
from osteon.models import Around, Desk, Model
from osteon.targets import Objects
from osteon.value import Grid, Value
from osteon.value import Objects as Boxes

GRID = Grid((100, 200))
TARGET = Objects(("tip",), window=0.1, most=2)


def tips(*at: tuple[float, float], side: float = 0.0, scores: list[float] | None = None) -> Boxes:
    """Boxes of one side about tips."""
    return Boxes(np.array([[r - side / 2, c - side / 2, r + side / 2, c + side / 2] for r, c in at]).reshape(-1, 4), ("tip",) * len(at), None if scores is None else np.array(scores), GRID)


@dataclass(frozen=True)
class Recorder:
    """A model that remembers the boxes that it was shown, and answers them."""

    reads: tuple[str, ...] = ("view",)
    writes: tuple[str, ...] = ("tip",)
    seen: tuple[Any, ...] = field(default=(), compare=False)

    def fit(self, train: Cohort, tune: Cohort, targets: Mapping[str, Any], desk: Desk) -> Self:
        return replace(self, seen=tuple(case.truth["tip"].boxes for part in (train, tune) for case in part if "tip" in case.truth))

    def predict(self, cohort: Cohort) -> Iterator[dict[str, Value]]:
        return ({"tip": Boxes(self.seen[0], ("tip",), grid=GRID)} for _ in range(len(cohort)))

    def save(self, folder: Path) -> None:
        (folder / "seen.npy").write_bytes(b"")

    def load(self, folder: Path, targets: Mapping[str, Any]) -> Self:
        return self


def cohort(*truths: Boxes | None) -> Cohort:
    return Cohort("made", "simulated", cases=[Case(str(k), str(k), truth={} if t is None else {"tip": t}) for k, t in enumerate(truths)])


@pytest.mark.parametrize("side", [0.05, 0.2])
def test_a_detector_is_shown_squares_of_its_margin_about_the_points(side: float) -> None:
    train, tune = cohort(tips((30, 40)), None), cohort(tips((50.5, 60.25), side=7))
    spec = Around(Recorder(), side)
    desk = Desk(SMOKE, 0)
    fitted = spec.fit(train, tune, {"tip": TARGET}, desk)
    first, second = fitted.model.seen  # type: ignore[attr-defined]
    assert first.tolist() == [[30 - 50 * side, 40 - 50 * side, 30 + 50 * side, 40 + 50 * side]] and np.allclose(middles(second), [[50.5, 60.25]]) and desk.notes["side"] == side
    assert spec.model.seen == () and train.cases[0].truth["tip"].boxes[0].tolist() == [30, 40, 30, 40], "spec and cases are unchanged"  # type: ignore[attr-defined]
    assert isinstance(spec, Model) and next(fitted.predict(train))["tip"].boxes.tolist() == first.tolist()  # type: ignore[union-attr]


def test_an_impossible_margin_is_refused() -> None:
    for side in (0.0, 1.5, -0.1):
        with pytest.raises(StudyError, match="the side is impossible"):
            Around(Recorder(), side)
    with pytest.raises(StudyError, match="window"):
        Objects(("tip",), window=2.0)


def test_every_margin_is_judged_in_one_window() -> None:
    """The same points, found with boxes of any size, give the same lines; judged as boxes, as without the window, they do not."""
    truth = tips((30, 40), (60, 150))
    lines = {side: [line.plain() for line in TARGET.compare(truth, tips((32, 41), (20, 20), side=side, scores=[0.9, 0.4]))] for side in (2, 10, 40)}
    assert lines[2] == lines[10] == lines[40]
    assert [(line["unit"], line["score"]) for line in lines[10]] == [("image", 0.9), ("lesion", 0.9), ("lesion", -np.inf), ("mark", 0.4)]
    bare = replace(TARGET, window=None)
    found = {side: bare.compare(squares(truth, 0.1), tips((32, 41), side=side))[1].score for side in (2, 10, 40)}
    assert found == {2: -np.inf, 10: 1.0, 40: -np.inf}, "without the fixed window the size of a box decides, not where its middle lies"


def test_distances_are_those_of_the_middles() -> None:
    lesion = TARGET.compare(tips((30, 40)), tips((33, 44), (90, 90), side=30))[1]
    assert lesion.numbers["distance"] == pytest.approx(5.0) and lesion.numbers["apart"] == pytest.approx(0.5)
    missed = TARGET.compare(tips((30, 40)), tips())[1]
    assert np.isnan(missed.numbers["distance"]) and missed.score == -np.inf
    assert nearest(np.zeros((0, 4)), np.ones((1, 4))).shape == (0,)


def test_the_truth_of_a_point_has_the_window_and_needs_a_grid() -> None:
    assert TARGET.value(tips((30, 40))).boxes.tolist() == [[25.0, 35.0, 35.0, 45.0]]  # type: ignore[union-attr]
    with pytest.raises(DataError, match="its size is not known"):
        TARGET.value(Boxes(np.array([[1, 1, 1, 1]]), ("tip",)))
    assert TARGET.value(Boxes(np.zeros((0, 4)), ())).labels == ()  # type: ignore[union-attr]
