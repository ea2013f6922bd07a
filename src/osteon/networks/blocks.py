"""Building blocks that several architectures share."""
from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class ConvNorm(nn.Sequential):
    """Convolution without bias, batch normalisation and an activation (None: linear), padded to keep the size."""

    def __init__(
        self, entering: int, leaving: int, *, kernel: int | tuple[int, int] = 1, stride: int = 1,
        dilation: int = 1, activation: type[nn.Module] | None = nn.ReLU,
    ) -> None:
        rows, columns = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (dilation * (rows - 1) // 2, dilation * (columns - 1) // 2)
        convolution = nn.Conv2d(entering, leaving, (rows, columns), stride, padding, dilation, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(leaving))
        if activation is not None:
            self.append(activation(inplace=True))


def scaled(count: int, width: float, *, multiple: int = 8) -> int:
    """`count` channels times `width`, rounded to a multiple (at least one)."""
    return max(multiple, multiple * round(count * width / multiple))


def pad_to(images: Tensor, multiple: int) -> Tensor:
    """Images (B, C, H, W) with the lower and right edge repeated until `multiple` divides H and W.

    The upper left corner stays, so pixel coordinates keep their meaning.
    """
    below, right = -images.shape[-2] % multiple, -images.shape[-1] % multiple
    return functional.pad(images, (0, right, 0, below), mode="replicate") if below or right else images
