"""Faster R-CNN (Ren 2015, arXiv:1506.01497) on ResNet-50 with a feature pyramid: Mask R-CNN without its outlines."""
from __future__ import annotations

from osteon.networks.mask_rcnn import MaskRCNN


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> MaskRCNN:
    """Faster R-CNN for `outputs` classes; `width` 1 is as published."""
    return MaskRCNN(channels, outputs, width=width, image_size=image_size, outlines=False)
