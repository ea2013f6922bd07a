"""The convolutional network of Hannink J et al. IEEE J Biomed Health Inform 2017; 21(1): 85-93 (arXiv:1609.03323), there for eight gait parameters of one stride.

Three convolutions with 32, 64 and 128 kernels, each with pooling by three, a dense layer of 1,024 and a linear readout; the lengths 30, 15 and 7 of the kernels belong to its
256 samples of a stride and are the same shares of it here.
"""
from __future__ import annotations

from torch import nn

from osteon.networks.blocks import scaled
from osteon.networks.standardised import OfRecordings

TAKES = "signal"
PUBLISHED = 256  # samples of a stride


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> nn.Module:
    """The untrained network for windows (B, channels, 1, samples); ValueError for fewer than 27 samples."""
    samples = image_size[1]
    if samples < 27:
        raise ValueError(f"hannink_cnn: the window is too short (27 samples or more). Found {samples}.")
    counts, lengths = [channels, *(scaled(n, width) for n in (32, 64, 128))], [max(3, 2 * (round(n * samples / PUBLISHED) // 2) + 1) for n in (30, 15, 7)]
    layers: list[nn.Module] = []
    for k, length in enumerate(lengths):
        layers += [nn.Conv1d(counts[k], counts[k + 1], length, padding=length // 2), nn.ReLU(), nn.MaxPool1d(3)]
    dense = scaled(1024, width)
    layers += [nn.Flatten(), nn.Linear(counts[3] * (samples // 3 // 3 // 3), dense), nn.ReLU(), nn.Dropout(0.5)]
    return OfRecordings(channels, nn.Sequential(*layers), dense, outputs)
