"""Whether a map means anything: does it change with the weights, does covering what it marks lower the answer, does it come back, does it find what is known.

Adebayo J et al. NeurIPS 2018 (weights shuffled from the output to the input: a map that stays tells of the picture, not of the model); Petsiuk V et al. BMVC 2018
(deletion and insertion); Zhang J et al. Int J Comput Vis 2018; 126: 1084 (pointing game); Wang H et al. CVPR Workshops 2020 (energy inside a box);
Arun N et al. Radiol Artif Intell 2021; 3: e200267 (repeatability, and beside baselines that know nothing of the model).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from osteon.stats.intervals import Interval
from osteon.validation.explanation_maps import blurred, saliency
from osteon.validation.explanation_scores import Asked

if TYPE_CHECKING:
    from torch import Tensor, nn

    from osteon.models.augment import Recipe

ALIKE = 0.5  # rank correlation from which two maps are taken as one
STAGES = 4  # of the cascade: the last quarter of the layers, the last half ...
ROUNDS = 3  # cascades with draws of their own
COVERED = 8  # steps in which a picture is covered
DEALS = 2  # orders by chance beside that of the map; of a quick look one
MOVES = 2  # small changes of a picture under which its map should stay


@dataclass(frozen=True)
class Sanity:
    """One check: what was shuffled, the mean rank correlation of the map with those after it (nan where a map is empty), and over how many; of a cascade each stage too.

    `ssim` is the mean structural similarity at the end.
    """

    shuffled: str
    likeness: float
    rounds: int
    stages: tuple[float, ...] = field(default=(), kw_only=True)
    ssim: float = field(default=float("nan"), kw_only=True)

    @property
    def holds(self) -> bool:
        """Whether the map changes with what was shuffled, as a map of the model must."""
        return self.likeness < ALIKE


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Rank correlation of a map with another of its shape, place by place; nan where it is flat itself, 0 where only the other is: nothing of it is left."""
    from scipy.stats import spearmanr

    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan") if np.ptp(first) == 0 else 0.0
    return float(spearmanr(first.ravel(), second.ravel()).statistic)


def mean(values: Sequence[float]) -> float:
    """The mean of the values that are known; nan where none is."""
    known = [v for v in values if v == v]
    return float(np.mean(known)) if known else float("nan")


def cascade(asked: Asked, image: Tensor, found: np.ndarray, *, method: str, layer: str, seed: int, rounds: int = ROUNDS, stages: int = STAGES) -> Sanity:
    """The map beside those after the weights were shuffled from the output to the input, layer after layer; judged at the end, where all are."""
    from osteon.stats.reconstruction import ssim

    likely, alike = np.full((rounds, stages), np.nan), []
    for k in range(rounds):
        for stage, network in enumerate(shuffled(asked.network, seed + k, stages)):
            other = saliency(asked, network, image, method=method, layer=layer)
            likely[k, stage] = likeness(found, other)
        alike.append(ssim(found, other, data_range=1.0) if min(found.shape) >= 7 else float("nan"))
    return Sanity("weights", mean(likely[:, -1].tolist()), rounds, stages=tuple(mean(column.tolist()) for column in likely.T), ssim=mean(alike))


def shuffled(network: nn.Module, seed: int, stages: int = STAGES) -> Iterator[nn.Module]:
    """Copies of a network with the weights of the last layers shuffled within each, of more layers at every stage, of all at the last."""
    import copy

    import torch

    random, other = torch.Generator().manual_seed(seed % 2**63), copy.deepcopy(network).eval()
    layers = [m for m in other.modules() if list(m.parameters(recurse=False))][::-1]
    edges = np.linspace(0, len(layers), stages + 1).round().astype(int)
    for begin, end in zip(edges, edges[1:], strict=False):
        with torch.no_grad():
            for weights in (w for layer in layers[begin:end] for w in layer.parameters(recurse=False)):
                order = torch.randperm(weights.numel(), generator=random)
                weights.copy_(weights.flatten()[order.to(weights.device)].view_as(weights))
        yield other


@dataclass(frozen=True, eq=False)
class Faithful:
    """The strength of the answer (k,) while shares (k,) of the picture are covered or shown, the most marked first; areas of both curves, and those of orders by chance."""

    shares: np.ndarray
    deletion: np.ndarray = field(kw_only=True)
    insertion: np.ndarray = field(kw_only=True)
    by_chance: tuple[float, float] = field(kw_only=True)

    @property
    def areas(self) -> tuple[float, float]:
        """Area of deletion (low is good) and of insertion (high is good)."""
        return float(np.trapezoid(self.deletion, self.shares)), float(np.trapezoid(self.insertion, self.shares))

    @property
    def holds(self) -> bool:
        """Whether the map leads to what the answer rests on sooner than chance, by both curves together."""
        (gone, come), (gone_by_chance, come_by_chance) = self.areas, self.by_chance
        return come - gone > come_by_chance - gone_by_chance


def faithful(asked: Asked, image: Tensor, found: np.ndarray, *, seed: int, deals: int = DEALS) -> Faithful | None:
    """Deletion (to the mean of the picture) and insertion (into the blurred picture), beside smooth maps by chance; None where the strength of the answer has no scale."""
    from scipy.ndimage import gaussian_filter

    if asked.strength is None:
        return None
    rng = np.random.default_rng(seed)
    ours = _curves(asked, image, found + 1e-6 * rng.random(found.shape))
    chance = [_curves(asked, image, gaussian_filter(rng.standard_normal(found.shape), max(1.0, min(found.shape) / 16))) for _ in range(deals)]
    areas = [Faithful(ours[0], deletion=d, insertion=i, by_chance=(0.0, 0.0)).areas for _, d, i in chance]
    return Faithful(ours[0], deletion=ours[1], insertion=ours[2], by_chance=(mean([a for a, _ in areas]), mean([b for _, b in areas])))


def _curves(asked: Asked, image: Tensor, order: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    import torch

    rank = torch.from_numpy(np.argsort(np.argsort(-order, axis=None)).reshape(order.shape) / order.size).to(image)
    shares = torch.linspace(0, 1, COVERED + 1).to(image)
    gone = rank[None, None] < shares[:, None, None, None]
    pictures = (torch.where(gone, image.mean((2, 3), keepdim=True), image), torch.where(gone, image, blurred(image)))
    assert asked.strength is not None
    with torch.no_grad():
        deletion, insertion = (asked.strength(asked.network, p).double().cpu().numpy() for p in pictures)
    return shares.cpu().numpy().astype(float), deletion, insertion


def repeatability(asked: Asked, image: Tensor, found: np.ndarray, *, method: str, layer: str, seed: int) -> float:
    """Mean rank correlation of the map with those of the same picture turned up to 4 degrees, shifted and exposed a little, brought back to their place."""
    import torch
    from torch.nn import functional

    from osteon.models.augment import Motion, motion

    out, size = [], (image.shape[2], image.shape[3])
    for k in range(MOVES):
        random = torch.Generator(device=image.device).manual_seed((seed + k) % 2**63)
        how = motion(1, _gentle(), source=size, frame=size, generator=random)
        moved = functional.grid_sample(image, how.grid(), mode="bilinear", padding_mode="border", align_corners=False) * (0.9 + 0.1 * k)
        other = saliency(asked, asked.network, moved, method=method, layer=layer)
        inverse = torch.linalg.inv(how.matrix)
        home = Motion(inverse, -torch.einsum("bij,bj->bi", inverse, how.shift), degrees=-how.degrees, source=size, frame=size)
        both = torch.from_numpy(np.stack([other, np.ones_like(other)]))[None].to(image)
        back, inside = functional.grid_sample(both, home.grid(), mode="bilinear", padding_mode="zeros", align_corners=False)[0].cpu().numpy()
        out.append(likeness(found[inside > 0.99], back[inside > 0.99]))
    return mean(out)


def _gentle() -> Recipe:
    from osteon.models.augment import Recipe

    return Recipe(4.0, 0.03, shift=0.03)


@dataclass(frozen=True)
class Located:
    """How well maps find known regions: share of maps whose peak lies inside (with interval), mean share of their mass inside, and the share that the regions cover."""

    method: str
    pointing: Interval
    energy: float
    covered: float = field(default=float("nan"), kw_only=True)


Box = tuple[float, float, float, float]


def located(maps: Sequence[np.ndarray], regions: Sequence[Box | np.ndarray], pictures: Sequence[np.ndarray], *, method: str = "Grad-CAM") -> tuple[Located, ...]:
    """A method beside two that know nothing of the model: a Gaussian at the centre and the edges of the picture. Regions: row0, col0, row1, col1 in pixels of the map, or a mask of its shape."""
    if not len(maps) == len(regions) == len(pictures) or not len(maps):
        raise ValueError(f"maps, boxes, pictures: {len(maps)}, {len(regions)} and {len(pictures)} (expected as many of each, at least one)")
    masks = [r if isinstance(r, np.ndarray) else inside(r, m.shape) for r, m in zip(regions, maps, strict=True)]
    kinds = {method: maps, "centre": [centre(m.shape) for m in maps], "edges": [edges(p) for p in pictures]}
    return tuple(_located(name, known, masks) for name, known in kinds.items())


def inside(box: Box, shape: tuple[int, ...]) -> np.ndarray:
    """The places (rows, cols) of a box."""
    rows, cols = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    return (rows >= box[0]) & (rows <= box[2]) & (cols >= box[1]) & (cols <= box[3])


def _located(name: str, maps: Sequence[np.ndarray], masks: Sequence[np.ndarray]) -> Located:
    from osteon.stats.intervals import wilson

    hits = [bool(mask.ravel()[int(m.argmax())]) and m.max() > 0 for m, mask in zip(maps, masks, strict=True)]
    energy = [float(m[mask].sum() / m.sum()) if m.sum() > 0 else 0.0 for m, mask in zip(maps, masks, strict=True)]
    return Located(name, wilson(int(sum(hits)), len(hits)), float(np.mean(energy)), covered=float(np.mean([mask.mean() for mask in masks])))


def centre(shape: tuple[int, ...]) -> np.ndarray:
    """A Gaussian at the middle, a quarter of each side wide."""
    rows, cols = (np.arange(n) - (n - 1) / 2 for n in shape)
    return np.exp(-0.5 * ((rows[:, None] / (shape[0] / 4)) ** 2 + (cols[None, :] / (shape[1] / 4)) ** 2))


def edges(picture: np.ndarray) -> np.ndarray:
    """The steepness of the picture by Sobel's filter, blurred a little."""
    from scipy.ndimage import gaussian_filter, sobel

    smooth = gaussian_filter(np.asarray(picture, float), 1.5)
    return np.hypot(sobel(smooth, axis=0), sobel(smooth, axis=1))
