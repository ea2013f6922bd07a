"""How a network learns and answers the time to an event: one log hazard by the Cox partial likelihood, over a baseline hazard of the train part.

Cox DR. J R Stat Soc B 1972; 34: 187; Katzman JL et al. BMC Med Res Methodol 2018; 18: 24; Breslow N. Biometrics 1974; 30: 89.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from osteon.models.augment import Recipe
from osteon.models.views import Seen
from osteon.networks import heads
from osteon.value import Risk, Value

RISK_SET = 32  # windows a step, so that an event is set against many who were still free of it
STEEPEST = 20.0  # of a log hazard: beyond it every survival is 0 or 1


@dataclass(frozen=True)
class EventsFamily:
    """The time to one event; the numbers of an image are time and event (0, 1). `times` and `hazard` are the cumulated baseline hazard of the train part."""

    name: str
    horizon: float
    times: tuple[float, ...] = field(default=(), kw_only=True)
    hazard: tuple[float, ...] = field(default=(), kw_only=True)
    planes: int = field(default=0, kw_only=True)
    rate: float = field(default=1e-3, kw_only=True)

    @property
    def names(self) -> tuple[str, ...]:
        """The one event."""
        return (self.name,)

    @property
    def outputs(self) -> int:
        """The log hazard."""
        return 1

    def recipe(self, crops: bool) -> Recipe:
        """Small turns, and little change of contrast and sharpness: the density of a bone and its texture may be what is asked."""
        return Recipe(5.0, 0.08, shift=0.04, gamma=0.1, contrast=0.1, noise=0.01, blur=0.2)

    def numbers(self, truth: Value, seen: Seen) -> list[np.ndarray] | None:
        """Time and event for every window; None where it is not known whether the event came."""
        assert isinstance(truth, Risk)
        return None if truth.event is None else [np.array([truth.times[0], truth.event], np.float32)] * len(seen.windows)

    def studied(self, numbers: np.ndarray) -> Self:
        """Itself; raises DataError where nobody of the train part has an event."""
        from osteon.models.hazards import eventful

        eventful(numbers[:, 1] > 0)
        return self

    def loss(self, network: nn.Module, images: Tensor, masks: Tensor, numbers: Tensor) -> Tensor:
        """The negative partial likelihood, its risk sets taken over the batch."""
        return heads.hazard_loss(network(images)[:, 0].float(), numbers[:, 0], numbers[:, 1] > 0)

    def outputs_of(self, network: nn.Module, images: Tensor) -> list[Any]:
        """The log hazard of each image."""
        return list(network(images)[:, 0].double().cpu().numpy())

    def dealt(self, numbers: Tensor, generator: torch.Generator) -> Tensor:
        """Row numbers in random order, those with an event spread evenly, so that every step has its share of them."""
        event, place = numbers[:, 1] > 0, torch.zeros(len(numbers), dtype=torch.double)
        for group in (event, ~event):
            size = int(group.sum())
            place[group] = (torch.randperm(size, generator=generator) + torch.rand(size, generator=generator)).double() / max(size, 1)
        return place.argsort()

    def settled(self, outputs: Sequence[Any], numbers: np.ndarray) -> Self:
        """With the baseline hazard of the train part, from its log hazards (n,) and numbers (n, 2)."""
        from osteon.models.hazards import baseline

        times, hazard = baseline(np.clip(np.asarray(outputs, float), -STEEPEST, STEEPEST), numbers[:, 0].astype(float), numbers[:, 1] > 0)
        return replace(self, times=tuple(times.tolist()), hazard=tuple(hazard.tolist()))

    def answer(self, outputs: Sequence[Any], seen: Seen) -> Value:
        """The chance to be free of the event at forty times of the train part and at the horizon, by the mean log hazard of the windows."""
        from osteon.models.hazards import free, moments

        known = np.array(self.times), np.array(self.hazard)
        at = moments(known[0], self.horizon)
        return Risk(at, free(np.clip(np.mean(outputs, keepdims=True), -STEEPEST, STEEPEST), known, at)[0])
