"""YOLOv2 (Redmon 2017, arXiv:1612.08242) from its paper: Darknet-19, a passthrough from stride 16 to 32, five anchors by clusters of the training boxes, one grid.

A cell answers for an object whose centre it holds, by the anchor whose shape fits best: centre = (sigmoid(t) + cell) x 32, side = anchor x exp(t), confidence = overlap.
Boxes are (row0, col0, row1, col1) in pixels; inside, (row, column, height, width) in cells of the grid.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from osteon.networks.blocks import pad_to, scaled
from osteon.networks.yolov5 import Detections, suppressed

STRIDE = 32
ANCHORS = 5
# Height and width in cells, as published for COCO: only a start, the train part has its own.
COCO_ANCHORS = ((0.67728, 0.57273), (2.06253, 1.87446), (5.47434, 3.33843), (3.52778, 7.88282), (9.16828, 9.77052))
# Of Darknet-19 after the stem, kernel and channels of each stage; a stage halves the side first.
STAGES = (((3, 64),), ((3, 128), (1, 64), (3, 128)), ((3, 256), (1, 128), (3, 256)), ((3, 512), (1, 256), (3, 512), (1, 256), (3, 512)), ((3, 1024), (1, 512), (3, 1024), (1, 512), (3, 1024)))
GAINS = {"box": 1.0, "object": 5.0, "nothing": 1.0, "class": 1.0}  # of the published loss
CLEAR = 0.6  # a prediction that overlaps an object by more is not taught to be silent
LARGEST = 8.0  # of the logarithm of a side over its anchor


class Conv(nn.Sequential):
    """Convolution, batch normalisation and a leaky slope of 0.1."""

    def __init__(self, entering: int, leaving: int, kernel: int) -> None:
        super().__init__(nn.Conv2d(entering, leaving, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(leaving), nn.LeakyReLU(0.1, inplace=True))


class YoloV2(nn.Module):
    """YOLOv2 for images of any number of channels and any size."""

    anchors: Tensor

    def __init__(self, channels: int, classes: int, *, width: float = 1.0) -> None:
        super().__init__()
        self.stem = Conv(channels, last := scaled(32, width), 3)
        self.stages = nn.ModuleList()
        for stage in STAGES:
            layers: list[nn.Module] = [nn.MaxPool2d(2)]
            for kernel, count in stage:
                layers.append(Conv(last, scaled(count, width), kernel))
                last = scaled(count, width)
            self.stages.append(nn.Sequential(*layers))
        fine, thin = scaled(512, width), scaled(64, width)
        self.deep = nn.Sequential(Conv(last, last, 3), Conv(last, last, 3))
        self.passthrough = nn.Sequential(Conv(fine, thin, 1), nn.PixelUnshuffle(2))
        self.head = nn.Sequential(Conv(last + 4 * thin, last, 3), nn.Conv2d(last, ANCHORS * (5 + classes), 1))
        self.register_buffer("anchors", torch.tensor(COCO_ANCHORS))

    def learn_anchors(self, boxes: Tensor, *, seed: int = 0) -> None:
        """Take the anchors of the training boxes (n, 4) in pixels; they are saved with the weights."""
        self.anchors.copy_(anchors_from(boxes, seed=seed) / STRIDE)

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) to raw predictions (B, 5 anchors, H / 32, W / 32, 5 + classes)."""
        features = self.stem(pad_to(images, STRIDE))
        for stage in self.stages[:-1]:
            features = stage(features)
        coarse = self.deep(self.stages[-1](features))
        found = self.head(torch.cat((self.passthrough(features), coarse), dim=1))
        batch, _, rows, cols = found.shape
        return found.view(batch, ANCHORS, -1, rows, cols).permute(0, 1, 3, 4, 2)

    def losses(self, batch: dict) -> dict[str, Tensor]:
        """Squared errors of box and confidence, and cross entropy of the class, an image, of `image` (B, C, H, W) and `objects`, for each image its boxes (n, 4) in pixels and labels (n,)."""
        raw = self(batch["image"]).float()
        parts = [self._judged(one, *objects) for one, objects in zip(raw, batch["objects"], strict=True)]
        return {name: gain * torch.stack([part[name] for part in parts]).mean() for name, gain in GAINS.items()}

    def _judged(self, raw: Tensor, boxes: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """The losses of one image with raw predictions (anchors, rows, cols, 5 + classes)."""
        located, said = self._located(raw), raw[..., 4].sigmoid()
        if not len(boxes):
            return dict.fromkeys(GAINS, raw.sum() * 0.0) | {"nothing": said.square().sum()}
        low, high = boxes[:, :2].float() / STRIDE, boxes[:, 2:].float() / STRIDE
        truth = torch.cat(((low + high) / 2, high - low), dim=1)
        overlap = iou(located.detach()[..., None, :], truth)
        anchor = shape_iou(truth[:, None, 2:], self.anchors).argmax(dim=1)
        cell = torch.minimum(truth[:, :2].floor().long(), torch.tensor(raw.shape[1:3], device=raw.device) - 1).clamp(min=0)
        at = (anchor, cell[:, 0], cell[:, 1])
        silent = overlap.amax(dim=-1) <= CLEAR
        silent[at] = False
        chosen = raw[at]
        centre, side = chosen[:, :2].sigmoid() - (truth[:, :2] - cell), chosen[:, 2:4] - (truth[:, 2:] / self.anchors[anchor]).log()
        own = overlap[(*at, torch.arange(len(truth), device=raw.device))]
        return {"box": centre.square().sum() + side.square().sum(), "object": (said[at] - own).square().sum(), "nothing": (said[silent]).square().sum(),
                "class": functional.cross_entropy(chosen[:, 5:], labels, reduction="sum")}

    def _located(self, raw: Tensor) -> Tensor:
        """Raw predictions (..., anchors, rows, cols, n) to row, column, height and width in cells."""
        rows, cols = raw.shape[-3:-1]
        grid = torch.stack(torch.meshgrid(torch.arange(rows, device=raw.device), torch.arange(cols, device=raw.device), indexing="ij"), dim=-1)
        sides = self.anchors[:, None, None] * raw[..., 2:4].clamp(max=LARGEST).exp()
        return torch.cat((raw[..., :2].sigmoid() + grid, sides), dim=-1)

    @torch.no_grad()
    def decode(self, raw: Tensor, size: tuple[int, int] | None = None, *, score: float = 0.05, overlap: float = 0.5, most: int = 100) -> list[Detections]:
        """Raw predictions to (boxes (n, 4) in pixels, scores (n,), labels (n,)) an image, best first; `size` (H, W) clips the boxes to the image."""
        raw = raw.float()
        height, width = size or (raw.shape[2] * STRIDE, raw.shape[3] * STRIDE)
        located = STRIDE * self._located(raw)
        limits = torch.tensor((height, width, height, width), device=raw.device)
        corners = torch.cat((located[..., :2] - located[..., 2:] / 2, located[..., :2] + located[..., 2:] / 2), dim=-1)
        boxes = torch.minimum(corners.clamp(min=0), limits).flatten(1, 3)
        scores = (raw[..., 4:5].sigmoid() * raw[..., 5:].softmax(dim=-1)).flatten(1, 3)
        return [suppressed(*image, score, overlap, most) for image in zip(boxes, scores, strict=True)]


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> YoloV2:
    """YOLOv2 for `outputs` classes."""
    return YoloV2(channels, outputs, width=width)


def iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of boxes (..., 4) as row, column, height, width."""
    low = torch.maximum(first[..., :2] - first[..., 2:] / 2, second[..., :2] - second[..., 2:] / 2)
    high = torch.minimum(first[..., :2] + first[..., 2:] / 2, second[..., :2] + second[..., 2:] / 2)
    both = (high - low).clamp(min=0).prod(dim=-1)
    return both / (first[..., 2:].prod(dim=-1) + second[..., 2:].prod(dim=-1) - both).clamp(min=1e-9)


def shape_iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of boxes of sides (..., 2) about one centre."""
    both = torch.minimum(first, second).prod(dim=-1)
    return both / (first.prod(dim=-1) + second.prod(dim=-1) - both)


def anchors_from(boxes: Tensor, *, seed: int = 0) -> Tensor:
    """Five anchors (5, 2), height and width in pixels from small to large, by k-means of the training boxes (n, 4) with 1 - IoU as distance.

    Where all boxes are alike, as squares about points are, so are the anchors up to 5 %: each then answers for its own cells. Raises ValueError without a box of positive size.
    """
    sides = boxes[:, 2:].double() - boxes[:, :2].double()
    if not len(sides) or not bool((sides > 0).all()):
        raise ValueError(f"boxes: must hold boxes with row1 > row0 and col1 > col0 (at least one). Found {boxes.tolist()[:3]}.")
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randint(len(sides), (ANCHORS,), generator=generator)
    centres = sides[chosen] * torch.exp(0.05 * torch.randn(ANCHORS, 2, generator=generator, dtype=torch.double))
    for _ in range(30):
        nearest = shape_iou(sides[:, None], centres).argmax(dim=1)
        for index in nearest.unique():
            centres[index] = sides[nearest == index].mean(dim=0)
    return centres[centres.prod(dim=1).argsort()].float()
