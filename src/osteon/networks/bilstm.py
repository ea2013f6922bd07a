"""Long short-term memory that runs both ways over a recording (Graves A, Schmidhuber J. Neural Netw 2005; 18(5-6): 602-10): two layers of 128 each way, both last states read out."""
from __future__ import annotations

from torch import nn

from osteon.networks.blocks import scaled
from osteon.networks.standardised import OfRecordings, Recurrent

TAKES = "signal"


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> nn.Module:
    """The untrained network for windows (B, channels, 1, samples)."""
    body = Recurrent(channels, scaled(128, width), both=True)
    return OfRecordings(channels, body, body.features, outputs)
