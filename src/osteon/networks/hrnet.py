"""HRNet (Sun 2019, arXiv:1902.09212; Wang 2020, arXiv:1908.07919): branches of four resolutions side by side, exchanged again and again.

The finest branch keeps a quarter of the image side from the first layers to the last; every stage adds one of half the side and
twice the width. Heat-maps come from all four branches joined at the finest.
"""
from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from osteon.networks.blocks import ConvNorm, pad_to, scaled

COARSEST = 32
WIDTH, LEAST = 32, 16  # of the finest branch, of HRNet-W32 and at least
PUBLISHED = (4, (1, 4, 3))  # residual blocks a branch, and exchanges of the stages with 2, 3 and 4 branches
NARROW = (2, (1, 1, 1))


class Residual(nn.Module):
    """Two 3x3 convolutions of the same width, added to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(ConvNorm(width, width, kernel=3), ConvNorm(width, width, kernel=3, activation=None))

    def forward(self, features: Tensor) -> Tensor:
        """(B, width, H, W) to the same shape."""
        return functional.relu(features + self.body(features))


class Exchange(nn.Module):
    """Residual blocks on every branch, then each branch becomes the sum of all, brought to its resolution."""

    def __init__(self, widths: Sequence[int], blocks: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(*(Residual(width) for _ in range(blocks))) for width in widths)
        self.paths = nn.ModuleList(nn.ModuleList(_path(widths, source, goal) for source in range(len(widths))) for goal in range(len(widths)))

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Features from fine to coarse to features of the same shapes."""
        seen = [branch(feature) for branch, feature in zip(self.branches, features, strict=True)]
        return [self._joined(goal, seen) for goal in range(len(seen))]

    def _joined(self, goal: int, seen: Sequence[Tensor]) -> Tensor:
        paths: nn.ModuleList = self.paths[goal]  # type: ignore[assignment]
        return functional.relu(torch.stack([sized(path(s), seen[goal]) for path, s in zip(paths, seen, strict=True)]).sum(dim=0))


class HighResolution(nn.Module):
    """The backbone: images (B, channels, H, W) to features of widths `leaving` at strides 4, 8, 16 and 32; sides are multiples of 32."""

    def __init__(self, channels: int, *, width: float = 1.0) -> None:
        super().__init__()
        finest = max(LEAST, scaled(WIDTH, width))
        self.leaving = [finest * 2**level for level in range(4)]
        blocks, exchanges = PUBLISHED if width >= 1 else NARROW
        stem = max(LEAST, scaled(64, width))
        self.stem = nn.Sequential(ConvNorm(channels, stem, kernel=3, stride=2), ConvNorm(stem, stem, kernel=3, stride=2),
                                  *(Residual(stem) for _ in range(blocks)), ConvNorm(stem, finest, kernel=3))
        self.halvings = nn.ModuleList(ConvNorm(wide, 2 * wide, kernel=3, stride=2) for wide in self.leaving[:-1])
        self.stages = nn.ModuleList(nn.ModuleList(Exchange(self.leaving[:count], blocks) for _ in range(times)) for count, times in zip((2, 3, 4), exchanges, strict=True))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Features at strides 4, 8, 16 and 32."""
        features = [self.stem(images)]
        for halve, stage in zip(self.halvings, self.stages, strict=True):
            features.append(halve(features[-1]))
            for exchange in stage:  # type: ignore[attr-defined]
                features = exchange(features)
        return features


class HeatMaps(nn.Module):
    """The head: features of several resolutions joined at the finest, then one map an output."""

    def __init__(self, widths: Sequence[int], outputs: int) -> None:
        super().__init__()
        joined = max(widths[0], 32)
        self.join = nn.ModuleList(nn.Conv2d(width, joined, 1, bias=False) for width in widths)
        self.mix = nn.Sequential(nn.BatchNorm2d(joined), nn.ReLU(inplace=True), ConvNorm(joined, joined, kernel=3))
        self.maps = nn.Conv2d(joined, outputs, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Features, the finest first, to logits (B, outputs, h, w) at its resolution."""
        parts = [sized(join(feature), features[0]) for join, feature in zip(self.join, features, strict=True)]
        return self.maps(self.mix(torch.stack(parts).sum(dim=0)))


class HRNetHeatMaps(nn.Module):
    """HRNet with a heat-map head: images (B, channels, H, W) to logits (B, outputs, H / 4, W / 4)."""

    def __init__(self, channels: int, outputs: int, *, width: float = 1.0) -> None:
        super().__init__()
        self.backbone = HighResolution(channels, width=width)
        self.head = HeatMaps(self.backbone.leaving, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of the heat-maps; a side that is no multiple of 32 is filled up below and on the right."""
        return self.head(self.backbone(pad_to(images, COARSEST)))


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> HRNetHeatMaps:
    """HRNet-W32 for `outputs` heat-maps; below full width with fewer blocks and exchanges."""
    return HRNetHeatMaps(channels, outputs, width=width)


def sized(features: Tensor, like: Tensor) -> Tensor:
    """Features enlarged to the resolution of others, bilinearly."""
    return features if features.shape[-2:] == like.shape[-2:] else functional.interpolate(features, size=like.shape[-2:], mode="bilinear")


def _path(widths: Sequence[int], source: int, goal: int) -> nn.Module:
    """From one branch to another: a 1x1 convolution upwards (enlarged later), a 3x3 convolution of stride 2 for each step downwards."""
    if source == goal:
        return nn.Identity()
    if source > goal:
        return ConvNorm(widths[source], widths[goal], activation=None)
    steps = [ConvNorm(widths[source], widths[source], kernel=3, stride=2) for _ in range(goal - source - 1)]
    return nn.Sequential(*steps, ConvNorm(widths[source], widths[goal], kernel=3, stride=2, activation=None))
