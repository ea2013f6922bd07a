"""DeepConvLSTM (Ordóñez FJ, Roggen D. Sensors 2016; 16(1): 115): four convolutions along time, of 64 kernels of length 5, on each channel alone, then two layers of memory of 128 over all of them."""
from __future__ import annotations

from torch import Tensor, nn

from osteon.networks.blocks import scaled
from osteon.networks.standardised import OfRecordings, Recurrent

TAKES = "signal"
LENGTH, LAYERS = 5, 4


class _Alone(nn.Module):
    """Channels (B, channels, samples) through the same convolutions, each alone, as (B, kernels * channels, samples - 16)."""

    def __init__(self, kernels: int) -> None:
        super().__init__()
        counts = [1, *[kernels] * LAYERS]
        self.layers = nn.Sequential(*(layer for k in range(LAYERS) for layer in (nn.Conv2d(counts[k], counts[k + 1], (1, LENGTH)), nn.ReLU())))

    def forward(self, channels: Tensor) -> Tensor:
        return self.layers(channels[:, None]).flatten(1, 2)


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> nn.Module:
    """The untrained network for windows (B, channels, 1, samples); ValueError for fewer than 17 samples."""
    if image_size[1] <= LAYERS * (LENGTH - 1):
        raise ValueError(f"deepconvlstm: the window is too short (17 samples or more). Found {image_size[1]}.")
    kernels = scaled(64, width)
    memory = Recurrent(kernels * channels, scaled(128, width))
    return OfRecordings(channels, nn.Sequential(_Alone(kernels), memory), memory.features, outputs)
