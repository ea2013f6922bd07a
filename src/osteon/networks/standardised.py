"""What the networks of recordings share: channels standardised by the train part, and the head of a recurrent one."""
from __future__ import annotations

import torch
from torch import Tensor, nn


class Standardised(nn.Module):
    """Windows (B, channels, 1, samples) as (B, channels, samples), each channel less its mean and over its spread in the train part, which are kept with the weights."""

    mean: Tensor
    spread: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("spread", torch.ones(channels))

    def set_scale(self, mean: Tensor, spread: Tensor) -> None:
        """Take mean and spread (channels,) of the train part; a channel that never changes there is left in its unit."""
        self.mean.copy_(mean)
        self.spread.copy_(torch.where(spread > 1e-6, spread, torch.ones_like(spread)))

    def forward(self, windows: Tensor) -> Tensor:
        """The standardised channels."""
        return (windows.squeeze(2) - self.mean[:, None]) / self.spread[:, None]


class OfRecordings(nn.Module):
    """A network of recordings: standardised channels through a `body` that gives one vector a window, and a linear readout."""

    def __init__(self, channels: int, body: nn.Module, features: int, outputs: int) -> None:
        super().__init__()
        self.entry, self.body, self.readout = Standardised(channels), body, nn.Linear(features, outputs)

    def set_scale(self, mean: Tensor, spread: Tensor) -> None:
        """The scale of the channels in the train part."""
        self.entry.set_scale(mean, spread)

    def forward(self, windows: Tensor) -> Tensor:
        """Outputs (B, outputs) of windows (B, channels, 1, samples)."""
        return self.readout(self.body(self.entry(windows)))


class Recurrent(nn.Module):
    """Layers of long short-term memory over (B, channels, samples); what they hold at the end, of both directions where they run both ways."""

    def __init__(self, channels: int, units: int, *, layers: int = 2, both: bool = False, dropout: float = 0.2) -> None:
        super().__init__()
        self.memory = nn.LSTM(channels, units, layers, batch_first=True, bidirectional=both, dropout=dropout if layers > 1 else 0.0)
        self.features = units * (2 if both else 1)

    def forward(self, windows: Tensor) -> Tensor:
        """(B, units), or (B, 2 units): the state after the last sample, and of the way back after the first."""
        _, (state, _) = self.memory(windows.transpose(1, 2))
        return torch.cat((state[-2], state[-1]), dim=1) if self.memory.bidirectional else state[-1]
