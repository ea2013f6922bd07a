"""The spatio-temporal network that is not drawn to a group's path: what the geodesic regulariser adds is the difference."""

from __future__ import annotations

from osteon.networks.spatiotemporal import SpatioTemporal

TAKES = "course"


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> SpatioTemporal:
    """The network for `channels` features of a body and `outputs` bodies; there is no image."""
    return SpatioTemporal(channels, outputs, width=width, drawn=False)
