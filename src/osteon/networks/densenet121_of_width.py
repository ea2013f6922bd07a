"""DenseNet-121 (Huang 2017, arXiv:1608.06993) whose width follows the budget, as timm has it."""
from __future__ import annotations

from timm.models.densenet import DenseNet
from torch import nn

from osteon.networks.blocks import scaled


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> nn.Module:
    """As published at `width` 1 (growth 32); images of any size."""
    return DenseNet(growth_rate=scaled(32, width, multiple=2), block_config=(6, 12, 24, 16), num_classes=outputs, in_chans=channels)
