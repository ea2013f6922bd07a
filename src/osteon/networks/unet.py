"""U-Net (Ronneberger 2015, doi:10.1007/978-3-319-24574-4_28) with padded convolutions and batch normalisation, as MONAI has it."""
from __future__ import annotations

from monai.networks.nets import BasicUNet
from torch import Tensor, nn

from osteon.networks.blocks import pad_to, scaled

STRIDE = 16  # a side is halved four times


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> nn.Module:
    """64 to 1024 channels at `width` 1; images of any size."""
    return UNet(channels, outputs, tuple(scaled(64 * 2**k, width) for k in range(5)))


class UNet(nn.Module):
    """Images (B, channels, H, W) to logits (B, outputs, H, W)."""

    def __init__(self, channels: int, outputs: int, features: tuple[int, ...]) -> None:
        super().__init__()
        self.body = BasicUNet(2, channels, outputs, features=(*features, features[0]), norm="batch", act="relu")

    def forward(self, images: Tensor) -> Tensor:
        """The logits, cut back to the size of the images."""
        rows, cols = images.shape[-2:]
        logits: Tensor = self.body(pad_to(images, STRIDE))
        return logits[..., :rows, :cols]
