"""Convolution over words (Kim 2014, arXiv:1408.5882): filters of three, four and five words, the strongest response of each, one linear layer.

Word vectors begin at random (CNN-rand of the paper), for no corpus lies beside the notes. Filters have no offset here: padding then answers nothing, so that
an answer does not hang on how long the other notes of a batch are.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from osteon.networks.blocks import scaled

TAKES = "text"
VECTOR, FILTERS, REACHES = 300, 100, (3, 4, 5)  # as published
LEAST_VECTOR, LEAST_FILTERS = 64, 32
DROPOUT = 0.5


class TextCNN(nn.Module):
    """Numbers of words (B, words), 0 for padding, to outputs (B, outputs)."""

    def __init__(self, entries: int, outputs: int, *, width: float = 1.0) -> None:
        super().__init__()
        vector, filters = max(LEAST_VECTOR, scaled(VECTOR, width)), max(LEAST_FILTERS, scaled(FILTERS, width))
        self.vectors = nn.Embedding(entries, vector, padding_idx=0)
        nn.init.uniform_(self.vectors.weight[1:], -0.25, 0.25)
        self.filters = nn.ModuleList(nn.Conv1d(vector, filters, reach, padding=reach - 1, bias=False) for reach in REACHES)
        self.dropout, self.last = nn.Dropout(DROPOUT), nn.Linear(filters * len(REACHES), outputs)

    def forward(self, numbers: Tensor) -> Tensor:
        """Outputs of notes."""
        laid = self.vectors(numbers).transpose(1, 2)
        strongest = [functional.relu(each(laid)).amax(dim=2) for each in self.filters]
        return self.last(self.dropout(torch.cat(strongest, dim=1)))


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> TextCNN:
    """The network for `channels` different numbers of words and notes of any length."""
    return TextCNN(channels, outputs, width=width)
