"""Xception (Chollet 2017, arXiv:1610.02357) in two or three dimensions, whose width follows the budget; the twin of a block of slices stands in `xception_3d`."""
from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from osteon.networks.blocks import scaled

CONVOLUTION, NORM, POOL = {2: nn.Conv2d, 3: nn.Conv3d}, {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}, {2: nn.MaxPool2d, 3: nn.MaxPool3d}
MIDDLE, FLOW = 8, 728  # blocks of the middle flow, and their channels
FEATURES = 2048


def _plane(dims: int, step: int) -> int | tuple[int, ...]:
    """A step within the plane of the slices: across them nothing is left out, for there are few."""
    return step if dims == 2 else (1, step, step)


def _joined(entering: int, leaving: int, dims: int, *, kernel: int = 3, step: int = 1, padding: int | tuple[int, ...] = 0) -> nn.Sequential:
    """Convolution without bias and batch normalisation."""
    return nn.Sequential(CONVOLUTION[dims](entering, leaving, kernel, _plane(dims, step), padding, bias=False), NORM[dims](leaving))  # type: ignore[arg-type]


class Depthwise3d(nn.Conv3d):
    """Each channel convolved by itself, 3 x 3 x 3; on a CPU, where that takes half the time, as three flat convolutions whose results are added across slices."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, channels, 3, padding=1, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, slices, rows, cols) of the same size."""
        if x.device.type != "cpu":
            return super().forward(x)
        b, c, d, rows, cols = x.shape
        flat = x.transpose(1, 2).reshape(b * d, c, rows, cols)
        before, here, after = functional.conv2d(flat, self.weight.reshape(3 * c, 1, 3, 3), padding=1, groups=c).reshape(b, d, c, 3, rows, cols).unbind(3)
        out = here + functional.pad(before[:, :-1], (0, 0, 0, 0, 0, 0, 1, 0)) + functional.pad(after[:, 1:], (0, 0, 0, 0, 0, 0, 0, 1))
        return out.transpose(1, 2)


class Separable(nn.Sequential):
    """A convolution of each channel by itself, then across channels, and batch normalisation."""

    def __init__(self, entering: int, leaving: int, dims: int) -> None:
        alone = nn.Conv2d(entering, entering, 3, padding=1, groups=entering, bias=False) if dims == 2 else Depthwise3d(entering)
        super().__init__(alone, CONVOLUTION[dims](entering, leaving, 1, bias=False), NORM[dims](leaving))


class Block(nn.Module):
    """Separable convolutions with a way past them; `widths` are the channels behind each, the sides are halved where `step` is 2."""

    def __init__(self, entering: int, widths: tuple[int, ...], dims: int, *, step: int = 1, first: bool = True) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for count, (a, b) in enumerate(zip((entering, *widths), widths, strict=False)):
            layers += [nn.ReLU()] * (first or count > 0) + [Separable(a, b, dims)]
        if step > 1:
            layers.append(POOL[dims](_plane(dims, 3), _plane(dims, step), _flat(dims)))
        self.way = nn.Sequential(*layers)
        self.past = _joined(entering, widths[-1], dims, kernel=1, step=step) if step > 1 or entering != widths[-1] else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Features of the same dimensions, half as large where the block halves them."""
        out: Tensor = self.way(x) + self.past(x)
        return out


def _flat(dims: int) -> int | tuple[int, ...]:
    """Padding of one within the plane of the slices."""
    return 1 if dims == 2 else (0, 1, 1)


class XceptionNet(nn.Module):
    """Entry, middle and exit flow of `dims` dimensions; pictures (B, channels, rows, cols), or with `dims` 3 the slices of a block as channels (B, slices, rows, cols)."""

    def __init__(self, channels: int, outputs: int, width: float = 1.0, *, dims: int = 2) -> None:
        super().__init__()
        c = {count: scaled(count, width) for count in (32, 64, 128, 256, FLOW, 1024, 1536, FEATURES)}
        flow, self.dims, across = c[FLOW], dims, 0 if dims == 2 else (1, 0, 0)
        self.entry = nn.Sequential(
            _joined(channels if dims == 2 else 1, c[32], dims, step=2, padding=across), nn.ReLU(), _joined(c[32], c[64], dims, padding=across), nn.ReLU(),
            Block(c[64], (c[128], c[128]), dims, step=2, first=False), Block(c[128], (c[256], c[256]), dims, step=2), Block(c[256], (flow, flow), dims, step=2))
        self.middle = nn.Sequential(*(Block(flow, (flow,) * 3, dims) for _ in range(MIDDLE)))
        self.exit = nn.Sequential(Block(flow, (flow, c[1024]), dims, step=2), Separable(c[1024], c[1536], dims), nn.ReLU(), Separable(c[1536], c[FEATURES], dims), nn.ReLU())
        self.head = nn.Linear(c[FEATURES], outputs)

    def features(self, images: Tensor) -> Tensor:
        """The mean of the last features over all places (B, 2048 at width 1)."""
        x = self.exit(self.middle(self.entry(images if self.dims == 2 else images[:, None])))
        return x.flatten(2).mean(dim=2)

    def forward(self, images: Tensor) -> Tensor:
        """Outputs (B, outputs)."""
        out: Tensor = self.head(self.features(images))
        return out


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> XceptionNet:
    """As published at `width` 1; images of 64 x 64 or more."""
    return XceptionNet(channels, outputs, width)
