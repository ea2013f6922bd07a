"""Landmarks as a network learns them: a heat-map for each point, and one for each kind of mark, from which readings are taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from osteon.models.augment import Motion, Recipe
from osteon.models.shapes import Shapes, shapes_of
from osteon.models.views import Seen, placed_points
from osteon.models.windows import Window
from osteon.networks import heads
from osteon.targets import Measures
from osteon.value import Readings, Value

MOST = 4  # marks of one kind on a film
NOISE = 0.5  # of a pixel of the frame, by which a point is missed at best
LEAST_SHARE = 0.2  # of a heat-map within the surroundings of its maximum, below which a point was not found


@dataclass(frozen=True)
class LandmarksFamily:
    """Points and marks of a target, and the shapes that its points take in the train part; the numbers of an image are (points + MOST * kinds of marks, 2): row and col as edges of the stored frame, NaN where absent."""

    target: Measures
    shapes: Shapes | None = field(default=None, kw_only=True)
    planes: int = field(default=0, kw_only=True)
    rate: float = field(default=1e-2, kw_only=True)

    @property
    def points(self) -> tuple[str, ...]:
        """Names of the points."""
        return self.target.landmarks.points  # type: ignore[union-attr]

    @property
    def marks(self) -> tuple[str, ...]:
        """Kinds of marks."""
        return self.target.landmarks.marks  # type: ignore[union-attr]

    @property
    def outputs(self) -> int:
        """A map a point and a map a kind of mark."""
        return len(self.points) + len(self.marks)

    def recipe(self, crops: bool) -> Recipe:
        """Turned and scaled with its points; never mirrored, for they have sides."""
        return Recipe(6.0, 0.12, shift=0.06)

    def numbers(self, truth: Value, seen: Seen) -> list[np.ndarray] | None:
        """Points, and the marks that they imply, in the frame of each window; None where no point is known."""
        assert isinstance(truth, Readings)
        landmarks, declared = truth.landmarks, self.target.landmarks
        rows = [landmarks.get(name, (np.nan, np.nan)) for name in self.points]
        marked = declared.marked(landmarks) if declared and declared.marked else {}
        for mark in self.marks:
            spots = list(marked.get(mark, ()))[:MOST]
            rows += [*spots, *[(np.nan, np.nan)] * (MOST - len(spots))]
        at = placed_points(np.array(rows, float), truth.grid, seen.grid.shape)
        return None if np.isnan(at).all() else [_into(w, at).astype(np.float32) for w in seen.windows]

    def studied(self, numbers: np.ndarray) -> Self:
        """With the shapes of the points."""
        return replace(self, shapes=shapes_of(numbers[:, :len(self.points)].astype(float), NOISE))

    def moved(self, numbers: Tensor, how: Motion) -> Tensor:
        """Points in the new frame; absent where they left it."""
        at = how.boxes(torch.cat((numbers, numbers), dim=-1))[..., :2]
        inside = ((at >= 0) & (at <= at.new_tensor(how.frame))).all(dim=-1, keepdim=True)
        return torch.where(inside, at, torch.nan)

    def loss(self, network: nn.Module, images: Tensor, masks: Tensor, numbers: Tensor) -> Tensor:
        """The heat-map loss of the points and that of the marks."""
        maps, count = network(images), len(self.points)
        at = numbers * (maps.shape[-1] / images.shape[-1]) - 0.5
        known = ~at.isnan().any(dim=-1)
        loss = heads.loss("measures", maps[:, :count], at[:, :count], known[:, :count])
        if not self.marks:
            return loss
        kinds = (len(self.marks), MOST)
        return loss + heads.marks_loss(maps[:, count:], at[:, count:].unflatten(1, kinds), known[:, count:].unflatten(1, kinds))

    def outputs_of(self, network: nn.Module, images: Tensor) -> list[Any]:
        """Points (n, 3: row, col as edges of the window, share of the map) and, of each kind, marks (m, 3) an image."""
        maps, count = network(images).float(), len(self.points)
        stride = images.shape[-1] / maps.shape[-1]
        scale = maps.new_tensor([stride, stride, 1.0])
        found = (heads.peaks(maps[:, :count]) + maps.new_tensor([0.5, 0.5, 0.0])) * scale
        marks = heads.marks(maps[:, count:], most=MOST) if self.marks else [[] for _ in images]
        return [(p.double().cpu().numpy(), [((m + m.new_tensor([0.5, 0.5, 0.0])) * scale).double().cpu().numpy() for m in image]) for p, image in zip(found, marks, strict=True)]

    def answer(self, outputs: Sequence[Any], seen: Seen) -> Value:
        """Points and marks on the film, and the readings that are taken from them."""
        (points, marks), window = outputs[0], seen.windows[0]
        there = points[:, 2] >= LEAST_SHARE
        at = self.shapes.drawn(points[:, :2]) if self.shapes is not None and there.all() else points[:, :2]
        found = {name: place for name, place, known in zip(self.points, _back(window, at), there, strict=True) if known}
        for name, spots in zip(self.marks, marks, strict=True):
            ordered = _back(window, spots[np.argsort(spots[:, 0]), :2])
            found |= {f"{name}.{k}": place for k, place in enumerate(ordered, 1)}
        landmarks: Mapping[str, tuple[float, ...]] = {name: tuple(place.tolist()) for name, place in found.items()}
        values, reasons = self.target.read(landmarks, seen.grid.spacing)  # type: ignore[misc]
        return Readings(values, landmarks, seen.grid, reasons)


def _into(window: Window, points: np.ndarray) -> np.ndarray:
    """Points (n, 2) of the film, in pixel centres, as edges in the window."""
    return window.into(np.tile(points, 2))[:, :2]


def _back(window: Window, points: np.ndarray) -> np.ndarray:
    """Points (n, 2) given as edges in the window, in pixel centres of the film."""
    return window.back(np.tile(points, 2))[:, :2]
