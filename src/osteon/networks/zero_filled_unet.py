"""A U-Net on the zero-filled picture, the baseline of fastMRI (Zbontar 2018, arXiv:1811.08839): it sees magnitudes only, neither coils nor phase."""
from __future__ import annotations

from torch import Tensor, nn

from osteon.networks.varnet import normalised, pictures, rss, signals, unet, widened

TAKES = "kspace"


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> nn.Module:
    """32 channels at `width` 1."""
    return ZeroFilledUNet(widened(32, width))


class ZeroFilledUNet(nn.Module):
    """Signals (B, 2 * coils, rows, lines) to pictures (B, 1, rows, lines): what the U-Net adds to the zero-filled picture, nothing before it has learnt."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.unet = unet(1, features)

    def forward(self, images: Tensor) -> Tensor:
        """The zero-filled picture and what was added to it."""
        picture = rss(pictures(signals(images)))
        return picture + normalised(self.unet, picture)
