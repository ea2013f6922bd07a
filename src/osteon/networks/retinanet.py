"""RetinaNet (Lin 2017, arXiv:1708.02002): torchvision's head, focal loss, anchors and pyramid on a ResNet whose width follows the budget.

As published at `width` 1: ResNet-50, 256 channels. Below it a narrowed ResNet-18 and a pyramid of half that share of
channels, for its towers cost most. Towers have group normalisation, as weights begin at random.
Boxes are (row0, col0, row1, col1) in pixels outside; torchvision counts columns first.
"""
from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import ceil, sqrt

import torch
from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from torch import Tensor, nn
from torchvision.models.detection import _utils as matching
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.retinanet import RetinaNetHead
from torchvision.ops import FeaturePyramidNetwork, box_iou
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from osteon.networks.blocks import pad_to, scaled
from osteon.networks.yolov5 import Detections, suppressed

STRIDES = (8, 16, 32, 64, 128)
ASPECTS = (0.5, 1.0, 2.0)
OCTAVE = (1.0, 2 ** (1 / 3), 2 ** (2 / 3))
PUBLISHED_SIDE = 600.0  # pixels of the image for which anchors of four strides were published
SWAPPED = (1, 0, 3, 2)
GROUPS = 8


class Pyramid(nn.Module):
    """Images (B, channels, H, W) to features of one width at strides 8 to 128."""

    def __init__(self, channels: int, width: float) -> None:
        super().__init__()
        full = width >= 1
        features = tuple(scaled(64 * 2**k, min(width, 1.0)) for k in range(4))
        self.body = ResNet(Bottleneck if full else BasicBlock, (3, 4, 6, 3) if full else (2, 2, 2, 2), num_classes=0, in_chans=channels, stem_width=features[0], channels=features)  # type: ignore[arg-type]
        entering = [count * (4 if full else 1) for count in features[1:]]
        self.width = scaled(256, 1.0 if full else width / 2)
        self.fpn = FeaturePyramidNetwork(entering, self.width, extra_blocks=LastLevelP6P7(self.width, self.width))

    def forward(self, images: Tensor) -> list[Tensor]:
        """Features at strides 8, 16, 32, 64 and 128."""
        body = self.body
        features = body.layer1(body.maxpool(body.act1(body.bn1(body.conv1(images)))))  # type: ignore[operator]
        levels = {}
        for name in ("layer2", "layer3", "layer4"):
            levels[name] = features = getattr(body, name)(features)
        return list(self.fpn(levels).values())


class Retina(nn.Module):
    """RetinaNet for images of any number of channels and any size."""

    def __init__(self, channels: int, classes: int, *, width: float = 1.0, image_size: tuple[int, int] = (600, 600)) -> None:
        super().__init__()
        self.pyramid = Pyramid(channels, width)
        factor = 4 * sqrt(image_size[0] * image_size[1]) / PUBLISHED_SIDE
        sizes = tuple(tuple(factor * stride * step for step in OCTAVE) for stride in STRIDES)
        self.anchors = AnchorGenerator(sizes, (ASPECTS,) * len(STRIDES))  # type: ignore[arg-type]
        self.head = RetinaNetHead(self.pyramid.width, len(OCTAVE) * len(ASPECTS), classes, norm_layer=partial(nn.GroupNorm, GROUPS))
        self.matcher = matching.Matcher(0.5, 0.4, allow_low_quality_matches=True)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Images (B, C, H, W) to logits (B, anchors, classes) and offsets (B, anchors, 4) over all levels."""
        found = self.head(self.pyramid(pad_to(images, STRIDES[2])))
        return [found["cls_logits"], found["bbox_regression"]]

    def losses(self, batch: dict) -> dict[str, Tensor]:
        """Focal and smooth L1 loss of `image` (B, C, H, W) and `objects`, for each image its boxes (n, 4) in pixels and labels (n,)."""
        images, objects = batch["image"], batch["objects"]
        logits, offsets = (part.float() for part in self(images))
        anchors = self.anchors_of(images.shape[-2:], images.device)
        told = [{"boxes": boxes[:, SWAPPED], "labels": labels} for boxes, labels in objects]
        matched = [self._matched(boxes, anchors) for boxes in (one["boxes"] for one in told)]
        return self.head.compute_loss(told, {"cls_logits": logits, "bbox_regression": offsets}, [anchors] * len(told), matched)

    def _matched(self, boxes: Tensor, anchors: Tensor) -> Tensor:
        """For each anchor the number of its object, -1 for none, -2 between both."""
        if not len(boxes):
            return torch.full((len(anchors),), -1, dtype=torch.long, device=anchors.device)
        return self.matcher(box_iou(boxes, anchors))

    @torch.no_grad()
    def decode(self, raw: Sequence[Tensor], size: tuple[int, int], *, score: float = 0.05, overlap: float = 0.5, most: int = 100) -> list[Detections]:
        """Raw predictions of images of `size` (H, W) to (boxes (n, 4) in pixels, scores (n,), labels (n,)) an image, best first."""
        logits, offsets = (part.float() for part in raw)
        anchors = self.anchors_of(size, logits.device)
        limits = torch.tensor((*size, *size), device=logits.device)
        boxes = [torch.minimum(self.head.regression_head.box_coder.decode_single(one, anchors)[:, SWAPPED].clamp(min=0), limits) for one in offsets]
        return [suppressed(*image, score, overlap, most) for image in zip(boxes, logits.sigmoid(), strict=True)]

    def anchors_of(self, size: Sequence[int], device: torch.device) -> Tensor:
        """The anchors (n, 4: col0, row0, col1, row1) of images of a size, in the order of the predictions."""
        rows, cols = (STRIDES[2] * ceil(side / STRIDES[2]) for side in size)
        grids = [[ceil(rows / stride), ceil(cols / stride)] for stride in STRIDES]
        strides = [[torch.tensor(stride, device=device)] * 2 for stride in STRIDES]
        self.anchors.set_cell_anchors(torch.float32, device)
        return torch.cat(self.anchors.grid_anchors(grids, strides))


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> Retina:
    """RetinaNet for `outputs` classes."""
    return Retina(channels, outputs, width=width, image_size=image_size)
