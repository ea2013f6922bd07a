"""Long short-term memory over a recording (Hochreiter S, Schmidhuber J. Neural Comput 1997; 9(8): 1735-80): two layers of 128, of which the last state is read out."""
from __future__ import annotations

from torch import nn

from osteon.networks.blocks import scaled
from osteon.networks.standardised import OfRecordings, Recurrent

TAKES = "signal"


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> nn.Module:
    """The untrained network for windows (B, channels, 1, samples)."""
    body = Recurrent(channels, scaled(128, width))
    return OfRecordings(channels, body, body.features, outputs)
