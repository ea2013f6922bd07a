"""How a network learns and answers an ordered grade: one output a step, "is it at least this one?"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor, nn, ones_like

from osteon.models.augment import Recipe
from osteon.models.views import Seen
from osteon.networks import heads
from osteon.value import Grade, Value


@dataclass(frozen=True)
class GradesFamily:
    """Steps of an ordered scale; the number of an image is its step from 0."""

    names: tuple[str, ...]
    planes: int = field(default=0, kw_only=True)
    rate: float = field(default=2e-3, kw_only=True)

    @property
    def outputs(self) -> int:
        """One a step above the lowest."""
        return heads.outputs("grades", len(self.names))

    def recipe(self, crops: bool) -> Recipe:
        """Small turns; a crop bears no marker and may be mirrored, for a grade has no side."""
        return Recipe(7.0, 0.1, shift=0.05, mirror=crops)

    def numbers(self, truth: Value, seen: Seen) -> list[np.ndarray] | None:
        """The step for every window."""
        assert isinstance(truth, Grade)
        return [np.array([truth.step], np.float32)] * len(seen.windows)

    def loss(self, network: nn.Module, images: Tensor, masks: Tensor, numbers: Tensor) -> Tensor:
        """Binary cross entropy of every step."""
        step = numbers[:, 0]
        return heads.loss("grades", network(images), step.long(), ones_like(step))

    def outputs_of(self, network: nn.Module, images: Tensor) -> list[Any]:
        """Probabilities (steps - 1,) of at least each step, an image."""
        return list(heads.decode("grades", network(images)).double().cpu().numpy())

    def answer(self, outputs: Sequence[Any], seen: Seen) -> Value:
        """The step with the highest mean probability over the windows."""
        least = np.concatenate([[1.0], np.mean(outputs, axis=0), [0.0]])
        each = np.clip(-np.diff(least), 0, 1)
        each = each / each.sum()
        return Grade(int(each.argmax()), tuple(each.tolist()))
