"""A recurrent network that reads a note in both directions: LSTM (Hochreiter 1997, doi:10.1162/neco.1997.9.8.1735) forwards and backwards (Graves 2005, doi:10.1016/j.neunet.2005.06.042).

What each holds after every word is reduced to the strongest response over the note, then one linear layer. Each note is turned round within its own length, so
that padding stays at the end for both: packed sequences, which do the same, take five times as long on a processor.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

from osteon.networks.blocks import scaled

TAKES = "text"
VECTOR, STATE = 300, 128
LEAST_VECTOR, LEAST_STATE = 64, 48
DROPOUT = 0.5


class TextRecurrent(nn.Module):
    """Numbers of words (B, words), 0 for padding at the end, to outputs (B, outputs)."""

    def __init__(self, entries: int, outputs: int, *, width: float = 1.0) -> None:
        super().__init__()
        vector, state = max(LEAST_VECTOR, scaled(VECTOR, width)), max(LEAST_STATE, scaled(STATE, width))
        self.vectors = nn.Embedding(entries, vector, padding_idx=0)
        nn.init.uniform_(self.vectors.weight[1:], -0.25, 0.25)
        self.forwards, self.backwards = nn.LSTM(vector, state, batch_first=True), nn.LSTM(vector, state, batch_first=True)
        self.dropout, self.last = nn.Dropout(DROPOUT), nn.Linear(2 * state, outputs)

    def forward(self, numbers: Tensor) -> Tensor:
        """Outputs of notes; what is held at padding is not looked at."""
        lengths, places = (numbers != 0).sum(dim=1, keepdim=True), torch.arange(numbers.shape[1], device=numbers.device)
        turned = numbers.gather(1, (lengths - 1 - places).clamp(min=0)).masked_fill(places >= lengths, 0)
        held = [self._held(network, given, places >= lengths.clamp(min=1)) for network, given in ((self.forwards, numbers), (self.backwards, turned))]
        return self.last(self.dropout(torch.cat(held, dim=1)))

    def _held(self, network: nn.LSTM, numbers: Tensor, padding: Tensor) -> Tensor:
        """The strongest of what one direction holds (B, state)."""
        states, _ = network(self.dropout(self.vectors(numbers)))
        return states.masked_fill(padding.unsqueeze(2), float("-inf")).amax(dim=1)


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> TextRecurrent:
    """The network for `channels` different numbers of words and notes of any length."""
    return TextRecurrent(channels, outputs, width=width)
