"""What a network costs before it is trained: parameters, multiplications, memory. It is built without weights (on the meta device), which takes no time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor, nn

from osteon.budget import Budget
from osteon.errors import StudyError, message
from osteon.geometry.gait import AXES
from osteon.models.arms import bare
from osteon.models.families import family_of
from osteon.models.machine import Blueprint, counter
from osteon.models.net import Net
from osteon.models.protocol import Model
from osteon.models.signals import SAMPLES, STRIDES
from osteon.networks import build, takes
from osteon.targets import Target


@dataclass(frozen=True)
class Cost:
    """Parameters, multiplications with addition (MACs) of one image forward, and bytes that one image keeps for the way back (float32)."""

    parameters: int
    macs: int
    bytes_an_image: int


def costs(models: Mapping[str, Model], targets: Mapping[str, Target], budget: Budget, *, shape: tuple[int, int] | None = None, channels: int = 1) -> dict[str, Cost]:
    """What each network among the models costs (alone or as an arm) for grey square images of the budget, or of a shape, or for windows of a recording of so many `channels`; other models are left out.

    Every network is built: raises StudyError where one can not be, or can not see such an image.
    """
    side = shape or (budget.image_side,) * 2
    nets = {label: made for label, model in models.items() if isinstance(made := bare(model), Net) and len(made.reads) == 1}
    return {label: _of(label, net, targets[net.writes[0]], _frame(net, budget, side, channels)) for label, net in nets.items()}


def _frame(net: Net, budget: Budget, side: tuple[int, int], channels: int) -> Blueprint:
    """What enters a network, for one output."""
    if takes(net.name) != "signal":
        return Blueprint(net.name, channels, 1, budget.width, side)
    seen = len(AXES) * len(net.settings.get("sensors", ())) or channels
    return Blueprint(net.name, seen + 1, 1, budget.width, (1, min(SAMPLES[net.settings.get("cut", "")], budget.image_side)))


def _of(label: str, net: Net, target: Target, frame: Blueprint) -> Cost:
    try:
        outputs = family_of(target, follows=net.settings.get("follows"), sided=net.settings.get("cut") == STRIDES).outputs
        return cost_of(Blueprint(frame.name, frame.channels, outputs, frame.width, frame.shape))
    except (ValueError, RuntimeError) as fault:
        raise StudyError(message(f"Net {net.name!r}", "the network can not be built", expected=f"one for images of {frame.shape}", found=f"{label}: {fault}")) from fault


@lru_cache(maxsize=64)
def cost_of(blueprint: Blueprint) -> Cost:
    """The cost of a network for images of the blueprint's size, of which convolutions, linear layers and memories are counted; raises ValueError or RuntimeError for one that can not be built."""
    kept, macs = [0], [0]
    device = "cpu" if takes(blueprint.name) == "signal" else "meta"  # a memory runs through every sample in Python where it has no weights
    with torch.device(device), torch.random.fork_rng(devices=[]), torch.inference_mode():
        network = build(blueprint.name, channels=blueprint.channels, outputs=blueprint.outputs, width=blueprint.width, image_size=blueprint.shape).eval()
        for layer in network.modules():
            if isinstance(layer, (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)):
                layer.register_forward_hook(partial(_multiplied, macs))
            if isinstance(layer, nn.LSTM):
                layer.register_forward_hook(partial(_remembered, macs))
            if not list(layer.children()):
                layer.register_forward_hook(counter(kept))
        network(torch.zeros(1, blueprint.channels, *blueprint.shape))
    return Cost(sum(p.numel() for p in network.parameters()), macs[0], 4 * kept[0])


def _multiplied(macs: list[int], layer: nn.Module, given: Any, output: Tensor) -> None:
    """Each number that a layer puts out is a sum over one row of its weights."""
    weight = layer.weight
    macs[0] += output.numel() * int(weight[0].numel())  # type: ignore[index, operator, union-attr]


def _remembered(macs: list[int], layer: nn.LSTM, given: Any, output: Any) -> None:
    """Every weight of a memory is used once at every sample."""
    macs[0] += output[0].shape[0] * output[0].shape[1] * sum(weight.numel() for weight in layer.parameters() if weight.ndim > 1)
