"""The small convolutional network of Zrenner M et al. Sensors 2018; 18(12): 4194, there for stride length and speed of running: two convolutions, each with pooling, then dense layers.

Numbers and lengths of the kernels are ours: 32 and 64, 11 and 7 hundredths of a stride; dropout before the readout.
"""
from __future__ import annotations

from torch import nn

from osteon.networks.blocks import scaled
from osteon.networks.standardised import OfRecordings

TAKES = "signal"


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> nn.Module:
    """The untrained network for windows (B, channels, 1, samples); ValueError for fewer than 16 samples."""
    samples = image_size[1]
    if samples < 16:
        raise ValueError(f"zrenner_cnn: the window is too short (16 samples or more). Found {samples}.")
    first, second, dense = (scaled(n, width) for n in (32, 64, 128))
    layers = (nn.Conv1d(channels, first, 11, padding=5), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(first, second, 7, padding=3), nn.ReLU(), nn.MaxPool1d(4), nn.Flatten(),
              nn.Linear(second * (samples // 2 // 4), dense), nn.ReLU(), nn.Dropout(0.2))
    return OfRecordings(channels, nn.Sequential(*layers), dense, outputs)
