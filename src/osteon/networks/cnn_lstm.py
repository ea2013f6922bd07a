"""Convolutions that shorten a recording before long short-term memory reads it (after Mutegeki R, Han DS. ICAIIC 2020: 362-6): two of 64 kernels with pooling by two, one memory of 128."""
from __future__ import annotations

from torch import nn

from osteon.networks.blocks import scaled
from osteon.networks.standardised import OfRecordings, Recurrent

TAKES = "signal"


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> nn.Module:
    """The untrained network for windows (B, channels, 1, samples)."""
    maps = scaled(64, width)
    memory = Recurrent(maps, scaled(128, width), layers=1)
    body = nn.Sequential(nn.Conv1d(channels, maps, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(maps, maps, 5, padding=2), nn.ReLU(), nn.MaxPool1d(2), memory)
    return OfRecordings(channels, body, memory.features, outputs)
