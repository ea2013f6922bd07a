"""VGG-11 with batch normalisation (Simonyan 2015, arXiv:1409.1556) whose width follows the budget; the mean over the picture stands for its two layers of 4,096."""
from __future__ import annotations

from torch import nn

from osteon.networks.blocks import ConvNorm, scaled

PLAN = (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0)  # channels of each convolution; 0 halves the sides


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> nn.Module:
    """As published at `width` 1; images of any size."""
    layers: list[nn.Module] = []
    for count in PLAN:
        layers.append(ConvNorm(channels, channels := scaled(count, width), kernel=3) if count else nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(channels, outputs))
