"""YOLOv5 one-stage detector (Jocher 2020, doi:10.5281/zenodo.3908559, architecture 6.0), from its published description.

A convolutional stem, a backbone of cross-stage partial blocks (Wang 2020, arXiv:1911.11929), fast spatial pyramid pooling,
a path aggregation neck (Liu 2018, arXiv:1803.01534) and one 1x1 head on each of three scales, three anchors a scale.
Boxes are (row0, col0, row1, col1) in pixels throughout; inside, (row, column, height, width) about the centre.
"""
from __future__ import annotations

from collections.abc import Sequence
from math import log, pi, sqrt
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from osteon.networks.blocks import ConvNorm, pad_to, scaled

STRIDES = (8, 16, 32)
ANCHORS_A_SCALE = 3
# Height and width in pixels of a 640 x 640 image, as published for COCO: only a start, films have their own (`anchors_from`).
COCO_ANCHORS = ((13, 10), (30, 16), (23, 33), (61, 30), (45, 62), (119, 59), (90, 116), (198, 156), (326, 373))
SCALE_BALANCE = (4.0, 1.0, 0.4)
# Published for 640 x 640 pixels and 80 classes; objectness goes with the area, class with the number of classes.
GAINS = {"box": 0.05, "objectness": 1.0 / 640**2, "class": 0.5 / 80}
LARGEST_RATIO = 4.0

Objects = tuple[Tensor, Tensor]
Detections = tuple[Tensor, Tensor, Tensor]


class Matches(NamedTuple):
    """Objects given to cells of one scale: index tensors (image, anchor, row, column), boxes (m, 4) in pixels, labels (m,)."""

    cells: tuple[Tensor, Tensor, Tensor, Tensor]
    boxes: Tensor
    labels: Tensor


def conv(entering: int, leaving: int, *, kernel: int = 1, stride: int = 1) -> ConvNorm:
    """Convolution, batch normalisation and SiLU."""
    return ConvNorm(entering, leaving, kernel=kernel, stride=stride, activation=nn.SiLU)


class Bottleneck(nn.Module):
    """1x1 and 3x3 convolution of the same width, added to the input where `shortcut`."""

    def __init__(self, width: int, shortcut: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(width, width), conv(width, width, kernel=3))
        self.shortcut = shortcut

    def forward(self, features: Tensor) -> Tensor:
        """(B, width, H, W) to the same shape."""
        return features + self.body(features) if self.shortcut else self.body(features)


class C3(nn.Module):
    """Cross-stage partial block: half of the channels pass `depth` bottlenecks, half pass by."""

    def __init__(self, entering: int, leaving: int, *, depth: int, shortcut: bool = True) -> None:
        super().__init__()
        half = leaving // 2
        # The two entering 1x1 convolutions are one of double width: the same function, half of the calls.
        self.enter = conv(entering, 2 * half)
        self.body = nn.Sequential(*(Bottleneck(half, shortcut) for _ in range(depth)))
        self.leave = conv(2 * half, leaving)

    def forward(self, features: Tensor) -> Tensor:
        """(B, entering, H, W) to (B, leaving, H, W)."""
        through, past = self.enter(features).chunk(2, dim=1)
        return self.leave(torch.cat((self.body(through), past), dim=1))


class SPPF(nn.Module):
    """Fast spatial pyramid pooling: three 5x5 maximum poolings in a row, all kept."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = conv(width, width // 2)
        self.leave = conv(width // 2 * 4, width)

    def forward(self, features: Tensor) -> Tensor:
        """(B, width, H, W) to the same shape."""
        pooled = [self.enter(features)]
        for _ in range(3):
            pooled.append(functional.max_pool2d(pooled[-1], 5, stride=1, padding=2))
        return self.leave(torch.cat(pooled, dim=1))


class Backbone(nn.Module):
    """CSP backbone: images (B, channels, H, W) to features at strides 8, 16 and 32."""

    def __init__(self, channels: int, widths: Sequence[int], depth: float) -> None:
        super().__init__()
        stem = nn.Conv2d(channels, widths[0], 6, stride=2, padding=2, bias=False)
        self.stem = nn.Sequential(stem, nn.BatchNorm2d(widths[0]), nn.SiLU(inplace=True))
        self.stages = nn.ModuleList(
            nn.Sequential(conv(entering, leaving, kernel=3, stride=2), C3(leaving, leaving, depth=times(repeats, depth)))
            for entering, leaving, repeats in zip(widths[:-1], widths[1:], (3, 6, 9, 3), strict=True)
        )
        self.stages[-1].append(SPPF(widths[-1]))  # type: ignore[operator]

    def forward(self, images: Tensor) -> list[Tensor]:
        """Features at strides 8, 16 and 32."""
        features = [self.stem(images)]
        for stage in self.stages:
            features.append(stage(features[-1]))
        return features[2:]


class PathAggregation(nn.Module):
    """Neck: context goes up from coarse to fine, position comes back down from fine to coarse."""

    def __init__(self, widths: Sequence[int], depth: float) -> None:
        super().__init__()
        fine, middle, coarse = widths

        def merge(entering: int, leaving: int) -> C3:
            return C3(entering, leaving, depth=times(3, depth), shortcut=False)

        self.narrow = nn.ModuleList((conv(coarse, middle), conv(middle, fine)))
        self.up = nn.ModuleList((merge(2 * middle, middle), merge(2 * fine, fine)))
        self.shrink = nn.ModuleList((conv(fine, fine, kernel=3, stride=2), conv(middle, middle, kernel=3, stride=2)))
        self.down = nn.ModuleList((merge(2 * fine, middle), merge(2 * middle, coarse)))

    def forward(self, features: Sequence[Tensor]) -> list[Tensor]:
        """Features at strides 8, 16, 32 to features of the same shapes."""
        fine, middle, coarse = features
        top = self.narrow[0](coarse)
        middle = self.narrow[1](self.up[0](torch.cat((_doubled(top), middle), dim=1)))
        leaving = [self.up[1](torch.cat((_doubled(middle), fine), dim=1))]
        for shrink, down, lateral in zip(self.shrink, self.down, (middle, top), strict=True):
            leaving.append(down(torch.cat((shrink(leaving[-1]), lateral), dim=1)))
        return leaving


class YoloV5(nn.Module):
    """YOLOv5 for images of any number of channels and any size; width 0.25 and depth 0.33 give the nano model."""

    anchors: Tensor

    def __init__(
        self, channels: int, classes: int, *, width: float = 0.25, depth: float = 0.33, image_size: tuple[int, int] = (640, 640)
    ) -> None:
        super().__init__()
        widths = [scaled(count, width) for count in (64, 128, 256, 512, 1024)]
        self.backbone = Backbone(channels, widths, depth)
        self.neck = PathAggregation(widths[2:], depth)
        self.heads = nn.ModuleList(nn.Conv2d(count, ANCHORS_A_SCALE * (5 + classes), 1) for count in widths[2:])
        factor = sqrt(image_size[0] * image_size[1]) / 640
        self.register_buffer("anchors", torch.tensor(COCO_ANCHORS).mul(factor).view(len(STRIDES), ANCHORS_A_SCALE, 2))
        self._set_priors(image_size)

    def _set_priors(self, image_size: tuple[int, int], objects: float = 8.0) -> None:
        """Start the objectness at `objects` an image and the classes at chance: else the first epochs only learn silence."""
        with torch.no_grad():
            for head, stride in zip(self.heads, STRIDES, strict=True):
                bias = head.bias.view(ANCHORS_A_SCALE, -1)  # type: ignore[operator,union-attr]
                cells = max(image_size[0] * image_size[1] / stride**2, 2 * objects)
                bias[:, :4] = 0.0
                bias[:, 4] = log(objects / cells)
                bias[:, 5:] = -log(max(bias.shape[1] - 6, 1))

    def set_anchors(self, anchors: Tensor) -> None:
        """Take anchors (9, 2) as height and width in pixels, from small to large; they are saved with the weights."""
        self.anchors.copy_(anchors.view_as(self.anchors))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Images (B, C, H, W) to raw predictions (B, 3, H / stride, W / stride, 5 + classes) at strides 8, 16 and 32."""
        features = self.neck(self.backbone(pad_to(images, STRIDES[-1])))
        return [_split(head(feature)) for head, feature in zip(self.heads, features, strict=True)]

    def losses(self, batch: dict) -> dict[str, Tensor]:
        """Box, objectness and class loss, already weighed, of `image` (B, C, H, W) and `objects`.

        `objects` holds for each image its boxes (n, 4) in pixels and labels (n,).
        """
        return self.judge(self(batch["image"]), batch["objects"])

    def judge(self, raw: Sequence[Tensor], objects: Sequence[Objects]) -> dict[str, Tensor]:
        """The same losses of raw predictions that are already there."""
        targets = _targets(objects, raw[0].device)
        parts = [
            _scale_losses(predicted.float(), match(targets, anchors, stride, predicted.shape[2:4]), anchors, stride)
            for predicted, anchors, stride in zip(raw, self.anchors, STRIDES, strict=True)
        ]
        box, objectness, label = (torch.stack(part) for part in zip(*parts, strict=True))
        balance = torch.tensor(SCALE_BALANCE, device=box.device)
        area, classes = raw[0][0, 0, ..., 0].numel() * STRIDES[0] ** 2, raw[0].shape[-1] - 5
        sums = {"box": box.sum(), "objectness": area * (objectness * balance).sum(), "class": classes * label.sum()}
        return {name: GAINS[name] * value for name, value in sums.items()}

    @torch.no_grad()
    def decode(
        self, raw: Sequence[Tensor], size: tuple[int, int] | None = None, *,
        score: float = 0.01, overlap: float = 0.5, most: int = 100,
    ) -> list[Detections]:
        """Raw predictions to (boxes (n, 4) in pixels, scores (n,), labels (n,)) an image, best first.

        `size` (H, W) clips the boxes to the image, `score` is the least objectness times class probability kept, and `overlap`
        the intersection over union above which the weaker of two boxes of one class goes.
        """
        boxes, scores = zip(*(_read(*scale) for scale in zip(raw, self.anchors, STRIDES, strict=True)), strict=True)
        height, width = size or (raw[-1].shape[2] * STRIDES[-1], raw[-1].shape[3] * STRIDES[-1])
        limits = torch.tensor((height, width, height, width), device=raw[0].device)
        all_boxes = torch.minimum(torch.cat(boxes, dim=1).clamp(min=0), limits)
        return [suppressed(*image, score, overlap, most) for image in zip(all_boxes, torch.cat(scores, dim=1), strict=True)]


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> YoloV5:
    """YOLOv5 for `outputs` classes; the depth follows the width as in the published n, s, m, l and x models."""
    return YoloV5(channels, outputs, width=width, depth=max(1 / 3, (width - 0.25) * 4 / 3), image_size=image_size)


def anchors_from(boxes: Tensor, *, seed: int = 0) -> Tensor:
    """Nine anchors (9, 2), height and width in pixels, from the training boxes (n, 4) by k-means, from small to large.

    Distances are taken between logarithms, because a match is judged by ratios. Raises ValueError without a box of positive size.
    """
    sizes = boxes[:, 2:].double() - boxes[:, :2].double()
    if not len(sizes) or not bool((sizes > 0).all()):
        raise ValueError(f"boxes: must hold boxes with row1 > row0 and col1 > col0 (at least one). Found {boxes.tolist()[:3]}.")
    points = sizes.log()
    # Jitter of 1 % keeps centres apart where many boxes have one size.
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randint(len(points), (len(STRIDES) * ANCHORS_A_SCALE,), generator=generator)
    centres = points[chosen] + 0.01 * torch.randn(len(chosen), 2, generator=generator, dtype=torch.double)
    for _ in range(30):
        nearest = torch.cdist(points, centres).argmin(dim=1)
        for index in nearest.unique():
            centres[index] = points[nearest == index].mean(dim=0)
    return centres[centres.sum(dim=1).argsort()].exp().float()


def match(targets: Tensor, anchors: Tensor, stride: int, shape: Sequence[int]) -> Matches:
    """Give each target (n, 6: image, label, row, column, height, width) to cells of a scale of `shape` (rows, columns).

    An anchor (height, width) takes an object when both side ratios are under 4; with the cell that holds the centre,
    the two nearest neighbours, one in each direction, answer for it too.
    """
    ratio = targets[None, :, 4:6] / anchors[:, None]
    anchor, which = (torch.maximum(ratio, 1 / ratio).amax(dim=-1) < LARGEST_RATIO).nonzero(as_tuple=True)
    centre = targets[which, 2:4] / stride
    limits = torch.tensor(shape, device=targets.device)
    cell = torch.minimum(centre.floor().long(), limits - 1)
    nearer = torch.where(centre - cell < 0.5, -1, 1)
    steps = torch.stack((nearer * 0, nearer * nearer.new_tensor((1, 0)), nearer * nearer.new_tensor((0, 1))))
    cells = cell + steps
    turn, inside = ((cells >= 0) & (cells < limits)).all(dim=-1).nonzero(as_tuple=True)
    chosen, (rows, columns) = targets[which[inside]], cells[turn, inside].unbind(dim=-1)
    return Matches((chosen[:, 0].long(), anchor[inside], rows, columns), chosen[:, 2:6], chosen[:, 1].long())


def complete_iou(first: Tensor, second: Tensor) -> Tensor:
    """Complete intersection over union (Zheng 2020, arXiv:1911.08287) of boxes (m, 4) as row, column, height, width."""
    smallest = torch.finfo(first.dtype).eps
    low = torch.maximum(first[:, :2] - first[:, 2:] / 2, second[:, :2] - second[:, 2:] / 2)
    high = torch.minimum(first[:, :2] + first[:, 2:] / 2, second[:, :2] + second[:, 2:] / 2)
    both = (high - low).clamp(min=0).prod(dim=1)
    iou = both / (first[:, 2:].prod(dim=1) + second[:, 2:].prod(dim=1) - both + smallest)
    hull_low = torch.minimum(first[:, :2] - first[:, 2:] / 2, second[:, :2] - second[:, 2:] / 2)
    hull_high = torch.maximum(first[:, :2] + first[:, 2:] / 2, second[:, :2] + second[:, 2:] / 2)
    apart = (first[:, :2] - second[:, :2]).square().sum(dim=1) / ((hull_high - hull_low).square().sum(dim=1) + smallest)
    shape = (4 / pi**2) * (torch.atan2(first[:, 2], first[:, 3]) - torch.atan2(second[:, 2], second[:, 3])).square()
    with torch.no_grad():
        share = shape / (1 - iou + shape + smallest)
    return iou - apart - share * shape


def times(repeats: int, depth: float) -> int:
    """Number of repeats of a block at a depth multiplier, at least one."""
    return max(round(repeats * depth), 1)


def _doubled(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="nearest")


def _split(predicted: Tensor) -> Tensor:
    """(B, 3 * n, h, w) to (B, 3, h, w, n)."""
    batch, _, rows, columns = predicted.shape
    return predicted.view(batch, ANCHORS_A_SCALE, -1, rows, columns).permute(0, 1, 3, 4, 2)


def _targets(objects: Sequence[Objects], device: torch.device) -> Tensor:
    """Rows (image, label, row, column, height, width) of all objects of a batch."""
    rows = [torch.zeros(0, 6)]
    for index, (boxes, labels) in enumerate(objects):
        low, high = boxes[:, :2].cpu().float(), boxes[:, 2:].cpu().float()
        image = torch.full((len(boxes), 1), float(index))
        rows.append(torch.cat((image, labels.cpu().float()[:, None], (low + high) / 2, high - low), dim=1))
    return torch.cat(rows).to(device)


def _located(raw: Tensor, cells: Tensor, anchors: Tensor, stride: int) -> Tensor:
    """Box logits (..., 4) of cells (..., 2) to row, column, height and width in pixels."""
    share = raw.sigmoid()
    centre = (2 * share[..., :2] - 0.5 + cells) * stride
    return torch.cat((centre, (2 * share[..., 2:]).square() * anchors), dim=-1)


def _scale_losses(raw: Tensor, matches: Matches, anchors: Tensor, stride: int) -> tuple[Tensor, Tensor, Tensor]:
    """Mean box, objectness and class loss of one scale; without a match only objectness is learnt."""
    truth = raw.new_zeros(raw.shape[:-1])
    box = label = raw.sum() * 0.0
    if len(matches.labels):
        chosen, anchor = raw[matches.cells], matches.cells[1]
        cells = torch.stack(matches.cells[2:], dim=-1)
        overlap = complete_iou(_located(chosen[:, :4], cells, anchors[anchor], stride), matches.boxes)
        box = (1.0 - overlap).mean()
        one_hot = functional.one_hot(matches.labels, chosen.shape[1] - 5).to(chosen.dtype)
        label = functional.binary_cross_entropy_with_logits(chosen[:, 5:], one_hot)
        # Where two objects share a cell the better overlap stands, whatever the order of writing.
        place = _flat(matches.cells, truth.shape)
        truth.view(-1).scatter_reduce_(0, place, overlap.detach().clamp(min=0), reduce="amax")
    return box, functional.binary_cross_entropy_with_logits(raw[..., 4], truth), label


def _flat(cells: tuple[Tensor, ...], shape: Sequence[int]) -> Tensor:
    place = torch.zeros_like(cells[0])
    for index, size in zip(cells, shape, strict=True):
        place = place * size + index
    return place


def _read(raw: Tensor, anchors: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """Raw predictions of one scale to boxes (B, n, 4) in pixels and scores (B, n, classes)."""
    _, _, rows, columns, _ = raw.shape
    grid = torch.meshgrid(torch.arange(rows, device=raw.device), torch.arange(columns, device=raw.device), indexing="ij")
    located = _located(raw[..., :4].float(), torch.stack(grid, dim=-1), anchors[:, None, None], stride)
    centre, half = located[..., :2], located[..., 2:] / 2
    scores = raw[..., 4:5].float().sigmoid() * raw[..., 5:].float().sigmoid()
    return torch.cat((centre - half, centre + half), dim=-1).flatten(1, 3), scores.flatten(1, 3)


def suppressed(boxes: Tensor, scores: Tensor, score: float, overlap: float, most: int) -> Detections:
    """Non-maximum suppression within classes, of the best class of each box (n, 4) with scores (n, classes), best first."""
    from torchvision.ops import batched_nms

    best, labels = scores.max(dim=1)
    # Suppression compares all pairs, and an untrained network answers everywhere.
    kept = best.topk(min(len(best), 10 * most)).indices
    kept = kept[best[kept] >= score]
    kept = kept[batched_nms(boxes[kept], best[kept], labels[kept], overlap)][:most]
    return boxes[kept], best[kept], labels[kept]
