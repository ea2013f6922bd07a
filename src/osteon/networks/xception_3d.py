"""Xception with every convolution in three dimensions (Guo 2023, doi:10.1186/s13018-023-03909-z): the twin of `xception` that sees the slices of a block together."""
from __future__ import annotations

from osteon.networks.xception import XceptionNet

TAKES = "block"  # of slices, as the channels of a picture


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> XceptionNet:
    """2048 features at `width` 1, as in the paper; what it does across slices (convolves over three, leaves none out) the paper does not say."""
    return XceptionNet(channels, outputs, width, dims=3)
