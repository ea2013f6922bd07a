"""HRNet and transformer encoder with heat-map heads, after the description of SpineHRformer (Zhao 2023, doi:10.3390/bioengineering10111333).

The four branches of HRNet are brought together on the tokens of stride 16; an encoder (Vaswani 2017, arXiv:1706.03762) lets every
token see the whole film, so that a vertebra is told from its neighbours by counting; the heads read the branches and the tokens.
"""
from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from osteon.networks.blocks import pad_to, scaled
from osteon.networks.hrnet import COARSEST, HeatMaps, HighResolution, sized

TOKEN_LEVEL = 2  # of the branches at strides 4, 8, 16 and 32


class Encoder(nn.Module):
    """Features of four resolutions to the same number of tokens as the third, after `layers` of self-attention (pre-normalised)."""

    def __init__(self, widths: Sequence[int], *, dimension: int, layers: int = 4) -> None:
        super().__init__()
        self.enter = nn.Conv2d(sum(widths), dimension, 1)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(dimension, dimension // 16, 2 * dimension, dropout=0.0, activation="gelu", batch_first=True, norm_first=True) for _ in range(layers))
        self.norm = nn.LayerNorm(dimension)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Features at strides 4, 8, 16 and 32 to (B, dimension, H / 16, W / 16)."""
        shape = features[TOKEN_LEVEL].shape[-2], features[TOKEN_LEVEL].shape[-1]
        grid = self.enter(torch.cat([functional.adaptive_avg_pool2d(f, shape) if f.shape[-1] > shape[1] else sized(f, features[TOKEN_LEVEL]) for f in features], dim=1))
        tokens = grid.flatten(2).transpose(1, 2) + places(shape, grid.shape[1], grid)
        for layer in self.layers:
            tokens = layer(tokens)
        return self.norm(tokens).transpose(1, 2).unflatten(2, shape)


class HRNetTransformer(nn.Module):
    """HRNet, transformer encoder and heat-map head: images (B, channels, H, W) to logits (B, outputs, H / 4, W / 4)."""

    def __init__(self, channels: int, outputs: int, *, width: float = 1.0) -> None:
        super().__init__()
        self.backbone = HighResolution(channels, width=width)
        dimension = scaled(256, width, multiple=64)
        self.encoder = Encoder(self.backbone.leaving, dimension=dimension)
        self.head = HeatMaps([*self.backbone.leaving, dimension], outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of the heat-maps; a side that is no multiple of 32 is filled up below and on the right."""
        features = self.backbone(pad_to(images, COARSEST))
        return self.head([*features, self.encoder(features)])


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> HRNetTransformer:
    """The network for `outputs` heat-maps."""
    return HRNetTransformer(channels, outputs, width=width)


def places(shape: Sequence[int], dimension: int, like: Tensor) -> Tensor:
    """Sinusoidal code (1, rows * cols, dimension) of the row and the column of a token, half of the dimensions each, in shares of the film."""
    waves = torch.exp(torch.arange(dimension // 4, device=like.device) * (math.log(64.0) / max(dimension // 4 - 1, 1))) * math.pi / 2
    axes = [(torch.arange(side, device=like.device) + 0.5)[:, None] / side * waves for side in shape]
    rows, cols = (torch.cat((axis.sin(), axis.cos()), dim=1) for axis in axes)
    grid = torch.cat((rows[:, None].expand(-1, shape[1], -1), cols[None].expand(shape[0], -1, -1)), dim=-1)
    return grid.reshape(1, -1, dimension).to(like.dtype)
