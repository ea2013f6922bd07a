"""Augmentation in batches on tensors: one affine resampling, then exposure, noise and blur; geometry is told to the truth.

What is never done: mirroring of a whole radiograph (the laterality marker and the side would be wrong) and inversion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Recipe:
    """How far a batch is changed: degrees, share of scale, share of the frame shifted, mirroring, and strengths of the picture's changes."""

    rotation: float = 0.0
    scale: float = 0.0
    shift: float = field(default=0.0, kw_only=True)
    mirror: bool = field(default=False, kw_only=True)
    gamma: float = field(default=0.25, kw_only=True)
    contrast: float = field(default=0.2, kw_only=True)
    noise: float = field(default=0.03, kw_only=True)
    blur: float = field(default=0.7, kw_only=True)


@dataclass(frozen=True)
class Worn:
    """How far recordings are changed: sensors with three forces and three turns each, degrees by which one sits otherwise on its segment (SD), and its gain and noise as shares."""

    sensors: int = 0
    degrees: float = 5.0
    gain: float = field(default=0.03, kw_only=True)
    noise: float = field(default=0.02, kw_only=True)


@dataclass(frozen=True, eq=False)
class Motion:
    """For each image (B): where a pixel of the new frame comes from, `matrix` (B, 2, 2) on (x, y) about the middles, then `shift` (B, 2) in pixels.

    `degrees` (B,) is the turn of the picture, clockwise as seen, before it is mirrored; `source` and `frame` are (rows, cols) before and after.
    """

    matrix: Tensor
    shift: Tensor
    degrees: Tensor = field(kw_only=True)
    source: tuple[int, int] = field(kw_only=True)
    frame: tuple[int, int] = field(kw_only=True)

    def grid(self) -> Tensor:
        """The sampling grid (B, rows, cols, 2) of `grid_sample` with `align_corners=False`."""
        old, new = (self.matrix.new_tensor(shape[::-1]) / 2 for shape in (self.source, self.frame))
        theta = torch.cat((self.matrix * new / old[:, None], (self.shift / old)[..., None]), dim=2)
        return functional.affine_grid(theta, [len(theta), 1, *self.frame], align_corners=False)

    def boxes(self, boxes: Tensor) -> Tensor:
        """Boxes (B, n, 4: row0, col0, row1, col1 as edges) in the new frame: the box of the turned ellipse, for joints are round."""
        old, new = (boxes.new_tensor(shape) / 2 for shape in (self.source, self.frame))
        inverse = torch.linalg.inv(self.matrix).flip(1).flip(2)  # acts on (row, col)
        middle, half = (boxes[..., :2] + boxes[..., 2:]) / 2 - old, (boxes[..., 2:] - boxes[..., :2]) / 2
        middle = torch.einsum("bij,bnj->bni", inverse, middle - self.shift.flip(1)[:, None]) + new
        half = torch.einsum("bij,bnj->bni", inverse.square(), half.square()).sqrt()
        return torch.cat((middle - half, middle + half), dim=-1)


def motion(count: int, recipe: Recipe, *, source: tuple[int, int], frame: tuple[int, int], generator: torch.Generator) -> Motion:
    """A random motion for each of `count` images."""
    device = generator.device

    def spread(size: float, *shape: int) -> Tensor:
        return size * (2 * torch.rand(count, *shape, generator=generator, device=device) - 1)

    degrees, scale = spread(recipe.rotation), torch.exp(spread(recipe.scale))
    shift = spread(recipe.shift, 2) * torch.tensor(frame[::-1], device=device)
    flip = torch.where(spread(1.0) > 0, 1.0, -1.0) if recipe.mirror else torch.ones(count, device=device)
    angle = torch.deg2rad(degrees)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    matrix = torch.stack((torch.stack((cos * flip, sin), 1), torch.stack((-sin * flip, cos), 1)), 1)
    return Motion(matrix, shift, degrees=degrees, source=source, frame=frame)


def moved(planes: Tensor, how: Motion) -> Tensor:
    """Planes (B, C, H, W) of uint8 resampled to the new frame as float 0-1; what lies beyond them is 0."""
    return functional.grid_sample(planes.float().div_(255), how.grid(), mode="bilinear", padding_mode="zeros", align_corners=False)


def exposed(images: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Images (B, C, H, W) of 0-1 with another gamma, contrast, brightness, sharpness and noise for each image."""
    def normal(size: float) -> Tensor:
        return size * torch.randn(len(images), 1, 1, 1, generator=generator, device=generator.device)

    images = images.clamp(1e-4, 1.0) ** torch.exp(normal(recipe.gamma))
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    images = (images - mean) * torch.exp(normal(recipe.contrast)) + mean + normal(recipe.contrast / 4)
    if recipe.blur:
        share = recipe.blur * (2 * torch.rand(len(images), 1, 1, 1, generator=generator, device=generator.device) - 1).clamp(min=-0.5)
        images = torch.lerp(images, smoothed(images), share)  # a negative share sharpens
    noise = torch.randn(images.shape, generator=generator, device=generator.device)
    return (images + noise * normal(recipe.noise).abs()).clamp(0, 1)


def smoothed(images: Tensor) -> Tensor:
    """Images (B, C, H, W) under a binomial filter of 3 x 3, edges repeated."""
    padded = functional.pad(images, (1, 1, 1, 1), mode="replicate")
    rows = (padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]) / 4
    return (rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]) / 4


def worn(windows: Tensor, recipe: Worn, generator: torch.Generator) -> Tensor:
    """Windows (B, channels + 1, 1, samples), the sensors first and last a duration that stays, as if every sensor had been put on anew: turned, with another gain and other noise."""
    def normal(*shape: int) -> Tensor:
        return torch.randn(len(windows), *shape, generator=generator, device=generator.device)

    channels = windows[:, :-1]
    spread = (channels.square().mean(dim=(0, 2, 3)) - channels.mean(dim=(0, 2, 3)).square()).clamp(min=0).sqrt()
    if recipe.sensors:
        triads = channels.reshape(len(windows), recipe.sensors, 2, 3, -1)
        turn = math.radians(recipe.degrees) * normal(recipe.sensors, 3)
        channels = torch.einsum("bsij,bskjt->bskit", turned(turn), triads).reshape(channels.shape)
    noise = normal(*channels.shape[1:]).mul_(recipe.noise * spread[:, None, None])
    return torch.cat((noise.addcmul_(channels, torch.exp(recipe.gain * normal(channels.shape[1], 1, 1))), windows[:, -1:]), dim=1)


def turned(vectors: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) of rotation vectors (..., 3) in radians."""
    x, y, z = vectors.unbind(-1)
    none = torch.zeros_like(x)
    return torch.linalg.matrix_exp(torch.stack((none, -z, y, z, none, -x, -y, x, none), dim=-1).unflatten(-1, (3, 3)))


def middle(planes: Tensor, frame: tuple[int, int]) -> Tensor:
    """The middle `frame` of planes (B, C, H, W) of uint8 as float 0-1, without resampling."""
    top, left = (planes.shape[-2] - frame[0]) // 2, (planes.shape[-1] - frame[1]) // 2
    return planes[..., top:top + frame[0], left:left + frame[1]].float().div_(255)


def centred(images: Tensor) -> Tensor:
    """Images of 0-1 as networks like them: about zero, of unit size."""
    return (images - 0.5) * 4.0
