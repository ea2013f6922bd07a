"""Points learnt as boxes: a detector is shown a square of a chosen margin about each point, and the middle of what it finds is the point (after Cho 2021)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Self

from osteon.case import Case, Deferred
from osteon.cohort import Cohort
from osteon.errors import StudyError, message
from osteon.geometry.points import squares
from osteon.models.protocol import Desk, Model
from osteon.targets import Target
from osteon.value import Objects, Value


@dataclass(frozen=True)
class Around:
    """A detector that learns squares of `side` (a share of the rows of the image) about the middles of the true boxes, which may be points.

    Its answers stay as they are found: a target with a `window` judges their middles, so that models of different sides are judged alike.
    """

    model: Model
    side: float

    def __post_init__(self) -> None:
        if not 0 < self.side <= 1:
            raise StudyError(message("Around", "the side is impossible", expected="a share of the rows of the image, above 0 and at most 1", found=f"Found {self.side}"))

    @property
    def reads(self) -> tuple[str, ...]:
        """What its model reads."""
        return self.model.reads

    @property
    def writes(self) -> tuple[str, ...]:
        """What its model answers."""
        return self.model.writes

    @property
    def steps(self) -> tuple[Model, ...]:
        """Its model, as a chain of one."""
        return (self.model,)

    def fit(self, train: Cohort, tune: Cohort, targets: Mapping[str, Target], desk: Desk) -> Self:
        """Fit the model on the squares."""
        desk.notes["side"] = self.side
        return replace(self, model=self.model.fit(train.map(self._squared), tune.map(self._squared), targets, desk))

    def _squared(self, case: Case) -> Case:
        known = {name: Deferred(partial(_square, case, name, self.side)) for name in self.writes if name in case.truth}
        return replace(case, truth=case.truth.plus(**known))  # type: ignore[attr-defined]

    def predict(self, cohort: Cohort) -> Iterator[dict[str, Value]]:
        """The answers of its model."""
        return self.model.predict(cohort)

    def save(self, folder: Path) -> None:
        """Save its model."""
        self.model.save(folder)

    def load(self, folder: Path, targets: Mapping[str, Target]) -> Self:
        """With its model loaded."""
        return replace(self, model=self.model.load(folder, targets))


def _square(case: Case, name: str, side: float) -> Value:
    truth = case.truth[name]
    return squares(truth, side) if isinstance(truth, Objects) else truth
