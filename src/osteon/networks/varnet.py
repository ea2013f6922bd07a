"""End-to-end variational network (Sriram 2020, arXiv:2004.06688): unrolled steps of data consistency and of a learned regulariser.

The signal enters as rows by lines: the readout is sampled in full, so that only the transform along the lines is left. Regularisers begin at zero, so
that the untrained network answers the zero-filled picture.
"""
from __future__ import annotations

import torch
from monai.networks.nets import BasicUNet
from torch import Tensor, nn
from torch.nn import functional

TAKES = "kspace"
LEAST = 1e-6  # of a signal of unit size, below which nothing is divided by it
STRIDE = 16  # the U-Net halves a side four times
FOLD = 4  # rows that are one row of the images from which coils are told


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> nn.Module:
    """As published at `width` 1: twelve cascades of U-Nets with 18 channels, one of 8 channels for the coils. Any number of coils, rows and lines."""
    return VariationalNetwork(cascades=cascades_of(width), width=width)


def cascades_of(width: float) -> int:
    """Twelve at width 1, four at a quarter, two at an eighth."""
    return max(1, round(1 + 11 * width))


class VariationalNetwork(nn.Module):
    """Signals (B, 2 * coils, rows, lines), real parts before imaginary ones and zero in lines that are not taken, to pictures (B, 1, rows, lines).

    Without `consistency` nothing ties the answer to the lines that were measured.
    """

    def __init__(self, *, cascades: int, width: float, consistency: bool = True) -> None:
        super().__init__()
        self.coils = Coils(widened(8, width))
        self.cascades = nn.ModuleList(Cascade(widened(18, width), consistency=consistency) for _ in range(cascades))

    def forward(self, images: Tensor) -> Tensor:
        """The root of the sum of squares over the coils."""
        given = signals(images)
        taken = taken_of(given)
        maps, now = self.coils(given, taken), given
        for cascade in self.cascades:
            now = cascade(now, given, taken, maps)
        return rss(pictures(now))


class Cascade(nn.Module):
    """One step: towards the measured lines by a learned weight, and away from what the U-Net takes for aliasing."""

    def __init__(self, features: int, *, consistency: bool = True) -> None:
        super().__init__()
        self.refine = Refinement(features)
        self.weight = nn.Parameter(torch.ones(1)) if consistency else None

    def forward(self, now: Tensor, given: Tensor, taken: Tensor, maps: Tensor) -> Tensor:
        """The next signal (B, coils, rows, lines)."""
        combined = (pictures(now) * maps.conj()).sum(dim=1)
        after = now - signal(self.refine(combined)[:, None] * maps)
        return after if self.weight is None else after - torch.where(taken, now - given, 0) * self.weight


class Coils(nn.Module):
    """How each coil sees the patient, from the lines about the middle that are taken without a gap.

    Where the publication lets its U-Net see such images at full size, it sees them at the size that these lines resolve: they hold no more.
    """

    def __init__(self, features: int) -> None:
        super().__init__()
        self.refine = Refinement(features)

    def forward(self, given: Tensor, taken: Tensor) -> Tensor:
        """Sensitivities (B, coils, rows, lines), complex and of unit length over the coils."""
        lines, middle = given.shape[-1], centre_of(taken)
        kept = min(lines, STRIDE * max(2, -(-int(middle.sum(dim=-1).max()) // STRIDE)))
        first = lines // 2 - kept // 2
        small = shrunk(pictures((given * middle)[..., first:first + kept]))
        small = small + self.refine(small.flatten(0, 1)).view_as(small)
        whole = pictures(functional.pad(signal(small), (first, lines - kept - first)))
        maps = grown(whole, given.shape[-2])
        return maps / rss(maps).clamp(min=LEAST)


class Refinement(nn.Module):
    """A U-Net on complex pictures (B, rows, cols) brought to mean 0 and deviation 1, its answer brought back."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.unet = unet(2, features)

    def forward(self, images: Tensor) -> Tensor:
        """What is to be added or taken away, complex (B, rows, cols)."""
        answer = normalised(self.unet, torch.stack((images.real, images.imag), dim=1))
        return torch.complex(answer[:, 0].contiguous(), answer[:, 1].contiguous())


def unet(channels: int, features: int) -> nn.Module:
    """MONAI's U-Net with four halvings, from `channels` to as many, whose last layer begins at zero."""
    network = BasicUNet(2, channels, channels, features=(features, features, 2 * features, 4 * features, 8 * features, features), norm=("instance", {"affine": True}))
    nn.init.zeros_(network.final_conv.weight)
    if network.final_conv.bias is not None:
        nn.init.zeros_(network.final_conv.bias)
    return network


def normalised(network: nn.Module, images: Tensor) -> Tensor:
    """The answer (B, C, rows, cols) of a network to images of mean 0 and deviation 1 with sides it can halve, in the units of the images."""
    mean = images.mean(dim=(2, 3), keepdim=True)
    spread = images.std(dim=(2, 3), keepdim=True).clamp(min=LEAST)
    rows, cols = images.shape[-2:]
    padded = functional.pad((images - mean) / spread, (0, -cols % STRIDE, 0, -rows % STRIDE))
    answer: Tensor = network(padded)
    return answer[..., :rows, :cols].float() * spread


def shrunk(images: Tensor) -> Tensor:
    """Complex images with the mean of some rows in place of each of them."""
    count = min(FOLD, images.shape[-2])
    parts = [functional.avg_pool2d(part, (count, 1), ceil_mode=True) for part in (images.real, images.imag)]
    return torch.complex(*parts)


def grown(images: Tensor, rows: int) -> Tensor:
    """Complex images with so many rows, linearly in between."""
    size = (rows, images.shape[-1])
    return torch.complex(*(functional.interpolate(part, size=size, mode="bilinear", align_corners=False) for part in (images.real, images.imag)))


def signals(images: Tensor) -> Tensor:
    """Complex (B, coils, rows, lines) of real and imaginary parts (B, 2 * coils, rows, lines)."""
    real, imaginary = images.float().chunk(2, dim=1)
    return torch.complex(real.contiguous(), imaginary.contiguous())


def taken_of(given: Tensor) -> Tensor:
    """Which lines (B, 1, 1, lines) hold a signal."""
    return (given != 0).any(dim=1, keepdim=True).any(dim=2, keepdim=True)


def centre_of(taken: Tensor) -> Tensor:
    """Which lines (B, 1, 1, lines) lie about the middle without a gap."""
    half = taken.shape[-1] // 2
    above = taken[..., half:].long().cumprod(dim=-1)
    below = taken[..., :half + 1].long().flip(-1).cumprod(dim=-1).flip(-1)
    return torch.cat((below[..., :-1], above), dim=-1).bool()


def pictures(given: Tensor) -> Tensor:
    """The centred orthonormal inverse transform along the lines."""
    return torch.fft.fftshift(torch.fft.ifft(torch.fft.ifftshift(given, dim=-1), norm="ortho"), dim=-1)


def signal(images: Tensor) -> Tensor:
    """The inverse of `pictures`."""
    return torch.fft.fftshift(torch.fft.fft(torch.fft.ifftshift(images, dim=-1), norm="ortho"), dim=-1)


def rss(images: Tensor) -> Tensor:
    """Root of the sum of squares over the coils (B, 1, rows, cols); its slope is finite at zero."""
    return (images.real.square() + images.imag.square()).sum(dim=1, keepdim=True).clamp(min=LEAST**2).sqrt()


def widened(features: int, width: float) -> int:
    """Channels, which fall with the root of the width so that a narrow network still learns, in eights below the published width: others cost as much."""
    return features if width >= 1 else max(8, 8 * round(features * width**0.5 / 8))
