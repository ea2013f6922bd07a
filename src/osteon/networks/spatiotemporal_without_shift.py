"""The spatio-temporal network without the shift of a patient's time on the clock of growth: what the shift adds is the difference."""

from __future__ import annotations

from osteon.networks.spatiotemporal import SpatioTemporal

TAKES = "course"


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> SpatioTemporal:
    """The network for `channels` features of a body and `outputs` bodies; there is no image."""
    return SpatioTemporal(channels, outputs, width=width, shifted=False)
