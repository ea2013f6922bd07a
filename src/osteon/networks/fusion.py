"""One network for pictures and the columns of a record: the backbone's embedding of each picture beside the columns, then a small head.

Early concatenation, as DeepSurv with an image branch does it (Kong 2022). Whole modalities are left out at random in training (Neverova N et al.
IEEE TPAMI 2016; 38: 1692), so that the head learns to answer without one.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

EMBEDDING = 16  # numbers by which the backbone tells what it saw
HIDDEN = 32
LEFT_OUT = 0.15  # share of the rows from which a modality is taken in training


class Fusion(nn.Module):
    """A backbone with `EMBEDDING` outputs, shared by `pictures` pictures, and `columns` numbers of a record: `outputs` values."""

    def __init__(self, backbone: nn.Module, *, pictures: int, columns: int, outputs: int) -> None:
        super().__init__()
        self.backbone, self.pictures, self.columns = backbone, pictures, columns
        self.norm = nn.LayerNorm(EMBEDDING)
        width = pictures * (EMBEDDING + 1) + columns + 1
        self.head = nn.Sequential(nn.Linear(width, HIDDEN), nn.SELU(), nn.Dropout(0.2), nn.Linear(HIDDEN, outputs))

    def forward(self, images: Tensor, told: Tensor | None = None) -> Tensor:
        """Values (B, outputs) of images (B, pictures x channels, rows, cols) and `told` (B, pictures + 1 + columns): what is there (0, 1), then the columns.

        Without `told` everything is there and every column at its mean.
        """
        told = self._average(images) if told is None else told.to(images.dtype)
        there, columns = told[:, :self.pictures + 1], told[:, self.pictures + 1:]
        there = left_out(there, LEFT_OUT) if self.training else there
        seen = self.norm(self.backbone(images.unflatten(1, (self.pictures, -1)).flatten(0, 1))).unflatten(0, (-1, self.pictures))
        seen = seen * there[:, :self.pictures, None]
        return self.head(torch.cat((seen.flatten(1), columns * there[:, self.pictures:], there), dim=1))

    def _average(self, images: Tensor) -> Tensor:
        there = images.new_ones(len(images), self.pictures + 1)
        there[:, -1] = float(self.columns > 0)
        return torch.cat((there, images.new_zeros(len(images), self.columns)), dim=1)


def left_out(there: Tensor, share: float) -> Tensor:
    """What is there (B, modalities) of 0 and 1 with some of it taken away, by chance and never all that a row has."""
    kept = there * (torch.rand_like(there) >= share)
    return torch.where(kept.any(dim=1, keepdim=True), kept, there)
