"""NASNet-A (4 @ 1056), called NASNetMobile (Zoph 2018, arXiv:1707.07012), from the cells of timm, which has the large one only."""
from __future__ import annotations

from functools import partial

from timm.layers import ConvNormAct
from timm.models.nasnet import CellStem0, CellStem1, FirstCell, NormalCell, ReductionCell0, ReductionCell1
from torch import Tensor, nn

from osteon.networks.blocks import scaled

REPEATS = 3  # normal cells after the first one of a stack: four a stack
FILTERS, STEM = 44, 32  # 1056 / 24, and the channels of the first convolution
AS_PUBLISHED = 0.25  # narrower is a toy that tries the path


class NASNet(nn.Module):
    """Two stem cells and three stacks of four cells, a reduction between stacks; each cell sees the two before it."""

    def __init__(self, channels: int, outputs: int, width: float = 1.0) -> None:
        super().__init__()
        f, stem = scaled(FILTERS, width, multiple=4), scaled(STEM, width)
        self.conv = ConvNormAct(channels, stem, kernel_size=3, stride=2, padding=0, norm_layer=partial(nn.BatchNorm2d, eps=1e-3), apply_act=False)
        self.stem_0, self.stem_1 = CellStem0(stem, num_channels=f // 4, pad_type="same"), CellStem1(stem, num_channels=f // 2, pad_type="same")
        self.stacks = nn.ModuleList(_stack(f, k) for k in range(3))
        self.reductions = nn.ModuleList(kind(in_chs_left=6 * n, out_chs_left=2 * n, in_chs_right=6 * n, out_chs_right=2 * n, pad_type="same")
                                        for kind, n in ((ReductionCell0, f), (ReductionCell1, 2 * f)))
        self.head = nn.Linear(24 * f, outputs)

    def forward(self, images: Tensor) -> Tensor:
        """Outputs (B, outputs) of images (B, C, H, W)."""
        first = self.conv(images)
        before = self.stem_0(first)
        now = self.stem_1(first, before)
        for k, stack in enumerate(self.stacks):
            if k:
                now = self.reductions[k - 1](now, before)
            for cell in stack:  # type: ignore[attr-defined]
                before, now = now, cell(now, before)
        return self.head(now.relu().mean(dim=(2, 3)))


def _stack(f: int, number: int) -> nn.ModuleList:
    """Cells of one stack, `f` filters times 1, 2 and 4; the first joins two sizes of image, the second two numbers of channels."""
    n = f * 2**number
    entering, skipped = (2 * f, f) if number == 0 else (4 * n, 3 * n)
    first = FirstCell(in_chs_left=skipped, out_chs_left=n // 2, in_chs_right=entering, out_chs_right=n, pad_type="same")
    second = NormalCell(in_chs_left=entering, out_chs_left=n, in_chs_right=6 * n, out_chs_right=n, pad_type="same")
    rest = [NormalCell(in_chs_left=6 * n, out_chs_left=n, in_chs_right=6 * n, out_chs_right=n, pad_type="same") for _ in range(REPEATS - 1)]
    return nn.ModuleList([first, second, *rest])


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> NASNet:
    """The network for images of any size, as published from a quarter of its width up: beside networks that have one size only, it is compared as it is named."""
    return NASNet(channels, outputs, width if width < AS_PUBLISHED else 1.0)
