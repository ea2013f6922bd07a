"""ResNet-50 (He 2016, arXiv:1512.03385) whose width follows the budget; timm's block and stem."""
from __future__ import annotations

from timm.models.resnet import Bottleneck, ResNet
from torch import nn

from osteon.networks.blocks import scaled


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> nn.Module:
    """As published at `width` 1 (256 to 2048 channels); images of any size."""
    features = tuple(scaled(64 * 2**k, width) for k in range(4))
    return ResNet(Bottleneck, (3, 4, 6, 3), num_classes=outputs, in_chans=channels, stem_width=features[0], channels=features)  # type: ignore[arg-type]  # timm names an instance where it takes the class
