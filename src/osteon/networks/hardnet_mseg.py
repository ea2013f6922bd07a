"""HarDNet-MSEG (Huang 2021, arXiv:2101.07172): HarDNet backbone, receptive field blocks and a cascaded partial decoder.

HarDNet is Chao 2019 (arXiv:1909.00948), the receptive field block Liu 2018 (arXiv:1711.07767) as changed by the cascaded partial
decoder of Wu 2019 (arXiv:1904.08739), whose dense aggregation multiplies the features of three scales.
"""
from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from osteon.networks.blocks import ConvNorm, pad_to, scaled

COARSEST = 32


@dataclass(frozen=True)
class Plan:
    """A published HarDNet: stem channels, then one entry a block; `halve` says which blocks a pooling follows."""

    stem: tuple[int, int]
    leaving: tuple[int, ...]
    growth: tuple[int, ...]
    layers: tuple[int, ...]
    halve: tuple[bool, ...]
    multiplier: float


PLANS = {
    39: Plan((24, 48), (96, 320, 640, 1024), (16, 20, 64, 160), (4, 16, 8, 4), (True, True, True, False), 1.6),
    68: Plan(
        (32, 64), (128, 256, 320, 640, 1024), (14, 16, 20, 40, 160), (8, 16, 16, 16, 4), (True, False, True, True, False), 1.7
    ),
}


def links(layer: int) -> list[int]:
    """Earlier layers that `layer` reads: layer - 2**n for every n with 2**n dividing it; layer 0 is the input of the block."""
    reach = [2**n for n in range(layer.bit_length()) if layer % 2**n == 0]
    return [layer - step for step in reach]


def layer_width(layer: int, growth: int, multiplier: float) -> int:
    """Channels of a layer: growth times multiplier**n, n the highest power of two dividing the layer, rounded to an even number."""
    power = (layer & -layer).bit_length() - 1
    return 2 * int((growth * multiplier**power + 1) / 2)


class HarmonicBlock(nn.Module):
    """Harmonic dense block of 3x3 convolutions; the odd layers and the last one leave it."""

    def __init__(self, entering: int, growth: int, *, multiplier: float, layers: int) -> None:
        super().__init__()
        widths = [entering, *(layer_width(layer, growth, multiplier) for layer in range(1, layers + 1))]
        self.layers = nn.ModuleList(
            ConvNorm(sum(widths[link] for link in links(layer)), widths[layer], kernel=3) for layer in range(1, layers + 1)
        )
        self.kept = [layer for layer in range(1, layers + 1) if layer % 2 or layer == layers]
        self.leaving = sum(widths[layer] for layer in self.kept)

    def forward(self, features: Tensor) -> Tensor:
        """(B, entering, H, W) to (B, leaving, H, W)."""
        answers = [features]
        for index, layer in enumerate(self.layers, start=1):
            read = [answers[link] for link in links(index)]
            answers.append(layer(torch.cat(read, dim=1) if len(read) > 1 else read[0]))
        return torch.cat([answers[layer] for layer in self.kept], dim=1)


class HarDNet(nn.Module):
    """HarDNet backbone: images (B, channels, H, W) to features at strides 8, 16 and 32, of widths `leaving`."""

    def __init__(self, channels: int, *, depth: int = 68, width: float = 1.0) -> None:
        super().__init__()
        plan = PLANS[depth]
        first, second = (scaled(count, width) for count in plan.stem)
        self.stem = nn.Sequential(
            ConvNorm(channels, first, kernel=3, stride=2), ConvNorm(first, second, kernel=3), nn.MaxPool2d(3, stride=2, padding=1)
        )
        stages, stage, entering, self.leaving = [], [], second, []
        for count, growth, layers, halve in zip(plan.leaving, plan.growth, plan.layers, plan.halve, strict=True):
            block = HarmonicBlock(entering, scaled(growth, width, multiple=2), multiplier=plan.multiplier, layers=layers)
            entering = scaled(count, width)
            stage += [block, ConvNorm(block.leaving, entering)]
            if halve:
                stages.append(nn.Sequential(*stage))
                self.leaving.append(entering)
                stage = [nn.MaxPool2d(2)]
        self.stages = nn.ModuleList([*stages, nn.Sequential(*stage)])
        self.leaving = [*self.leaving[1:], entering]

    def forward(self, images: Tensor) -> list[Tensor]:
        """Features at strides 8, 16 and 32."""
        features = [self.stem(images)]
        for stage in self.stages:
            features.append(stage(features[-1]))
        return features[2:]


class ReceptiveField(nn.Module):
    """Receptive field block: branches of growing kernel and dilation (1, 3, 5, 7), merged and added to the input."""

    def __init__(self, entering: int, leaving: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList([linear(entering, leaving)])
        for size in (3, 5, 7):
            self.branches.append(nn.Sequential(
                linear(entering, leaving), linear(leaving, leaving, kernel=(1, size)), linear(leaving, leaving, kernel=(size, 1)),
                linear(leaving, leaving, kernel=3, dilation=size),
            ))
        self.merge = linear(4 * leaving, leaving, kernel=3)
        self.shortcut = linear(entering, leaving)

    def forward(self, features: Tensor) -> Tensor:
        """(B, entering, H, W) to (B, leaving, H, W)."""
        seen = torch.cat([branch(features) for branch in self.branches], dim=1)
        return functional.relu(self.merge(seen) + self.shortcut(features))


class Aggregation(nn.Module):
    """Cascaded partial decoder: coarse features gate finer ones by products, then all are joined at stride 8."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.gates = nn.ModuleList(linear(width, width, kernel=3) for _ in range(3))
        self.carry = nn.ModuleList(linear(count, count, kernel=3) for count in (width, 2 * width))
        self.join = nn.ModuleList(linear(count, count, kernel=3) for count in (2 * width, 3 * width))
        self.head = nn.Sequential(linear(3 * width, 3 * width, kernel=3), nn.Conv2d(3 * width, outputs, 1))

    def forward(self, fine: Tensor, middle: Tensor, coarse: Tensor) -> Tensor:
        """Features (B, width, h, w) at strides 8, 16 and 32 to logits (B, outputs, h, w) at stride 8."""
        up = _doubled(coarse)
        gated_middle = self.gates[0](up) * middle
        gated_fine = self.gates[1](_doubled(up)) * self.gates[2](_doubled(middle)) * fine
        joined = self.join[0](torch.cat((gated_middle, self.carry[0](up)), dim=1))
        joined = self.join[1](torch.cat((gated_fine, self.carry[1](_doubled(joined))), dim=1))
        return self.head(joined)


class HarDNetMSEG(nn.Module):
    """HarDNet-MSEG: images (B, channels, H, W) to one logit a structure and pixel; structures may overlap."""

    def __init__(self, channels: int, structures: int, *, width: float = 1.0, depth: int = 68) -> None:
        super().__init__()
        self.backbone = HarDNet(channels, depth=depth, width=width)
        narrow = max(16, scaled(32, width))
        self.fields = nn.ModuleList(ReceptiveField(count, narrow) for count in self.backbone.leaving)
        self.decoder = Aggregation(narrow, structures)

    def forward(self, images: Tensor) -> Tensor:
        """(B, channels, H, W) to logits (B, structures, H, W); sides need not be multiples of 32."""
        height, width = images.shape[-2:]
        features = self.backbone(pad_to(images, COARSEST))
        logits = self.decoder(*(field(feature) for field, feature in zip(self.fields, features, strict=True)))
        return functional.interpolate(logits, scale_factor=8.0, mode="bilinear")[..., :height, :width]


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> HarDNetMSEG:
    """HarDNet-MSEG for `outputs` structures: on HarDNet-68 at full width, on the shallower HarDNet-39 below it."""
    return HarDNetMSEG(channels, outputs, width=width, depth=68 if width >= 1.0 else 39)


def linear(entering: int, leaving: int, *, kernel: int | tuple[int, int] = 1, dilation: int = 1) -> ConvNorm:
    """Convolution and batch normalisation without activation, as in the published decoder."""
    return ConvNorm(entering, leaving, kernel=kernel, dilation=dilation, activation=None)


def _doubled(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="bilinear")
