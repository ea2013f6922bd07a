"""The state of a fit after an epoch in one safetensors file, renamed into place: a killed fit goes on from its last epoch.

Random states need no place in it: every epoch draws from generators that are seeded by the fit's seed and the epoch's number.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from osteon.readers.files import replacing

State = dict[str, Tensor]


@dataclass(frozen=True)
class Progress:
    """How far a fit has come: steps and seconds, losses an epoch, the best epoch, the steps planned, and whether it is done."""

    step: int = 0
    epoch: int = 0
    seconds: float = field(default=0.0, kw_only=True)
    planned: int = field(default=0, kw_only=True)
    best: int = field(default=0, kw_only=True)
    losses: tuple[dict[str, float], ...] = field(default=(), kw_only=True)
    busy: float = field(default=0.0, kw_only=True)
    ended: str = field(default="", kw_only=True)


def write(path: Path, key: str, progress: Progress, *, now: State, best: State, optimiser: torch.optim.Optimizer) -> None:
    """Keep weights, best weights, moments of the optimiser and counters; no reader ever sees half a file."""
    tensors = {f"now.{n}": t for n, t in now.items()} | {f"best.{n}": t for n, t in best.items()} | _moments(optimiser)
    tensors = {n: t.detach().cpu().contiguous().clone() for n, t in tensors.items()}
    with replacing(path) as temporary:
        save_file(tensors, str(temporary), {"key": key, "progress": json.dumps(asdict(progress))})


def progress_of(path: Path | None, key: str) -> Progress | None:
    """How far the fit of this key had come; None where there is no such checkpoint."""
    if path is None or not path.exists():
        return None
    with safe_open(str(path), framework="pt") as file:
        noted = file.metadata() or {}
    if noted.get("key") != key:
        return None
    plain = json.loads(noted["progress"])
    return Progress(**plain | {"losses": tuple(plain["losses"])})


def restore(path: Path, network: nn.Module, optimiser: torch.optim.Optimizer | None = None) -> State:
    """Put the weights and moments of a checkpoint back, and return the best weights."""
    groups: dict[str, State] = {"now": {}, "best": {}, "optimiser": {}}
    with safe_open(str(path), framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 - a safetensors file is no mapping and can not be iterated
            group, rest = name.split(".", 1)
            groups[group][rest] = file.get_tensor(name)
    network.load_state_dict(groups["now"])
    if optimiser is not None:
        _load_moments(optimiser, groups["optimiser"])
    return groups["best"]


def _moments(optimiser: torch.optim.Optimizer) -> State:
    state: dict[int, dict[str, Any]] = optimiser.state_dict()["state"]
    return {f"optimiser.{number}.{name}": value for number, values in state.items() for name, value in values.items()}


def _load_moments(optimiser: torch.optim.Optimizer, moments: State) -> None:
    whole = optimiser.state_dict()
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in moments.items():
        number, kind = name.split(".", 1)
        state.setdefault(int(number), {})[kind] = value
    optimiser.load_state_dict(whole | {"state": state})
    for parameter, values in optimiser.state.items():  # fused steps walk through memory: moments must lie as their weights do
        optimiser.state[parameter] = {n: torch.empty_like(parameter).copy_(v) if v.shape == parameter.shape else v for n, v in values.items()}
