"""The variational network without data consistency: what holding to the measured lines adds is the difference."""
from __future__ import annotations

from torch import nn

from osteon.networks.varnet import VariationalNetwork, cascades_of

TAKES = "kspace"


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> nn.Module:
    """The same cascades of U-Nets and sensitivities as in `varnet`, nothing drawn back to the measured lines."""
    return VariationalNetwork(cascades=cascades_of(width), width=width, consistency=False)
