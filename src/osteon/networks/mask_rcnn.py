"""Mask R-CNN (He 2017, arXiv:1703.06870) on ResNet-50 with a feature pyramid (Lin 2017, arXiv:1612.03144): torchvision's parts, of a width that follows the budget.

Proposals, then a class, a box and an outline for each: the class of an object is answered in the same pass that finds it. Boxes are (row0, col0, row1, col1) in
pixels throughout; torchvision's (x before y) stay inside.
"""
from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor, nn
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads, paste_masks_in_image
from torchvision.models.detection.rpn import RegionProposalNetwork, RPNHead
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from osteon.networks import resnet50_of_width
from osteon.networks.blocks import scaled

ANCHORS = (32, 64, 128, 256, 512)  # sides in pixels of an image of 800 x 800, one a level
SHAPES = (0.5, 1.0, 2.0)  # height over width
LEVELS = ("0", "1", "2", "3")  # of the pyramid, from which regions are cut
PROPOSALS = {"training": 1000, "testing": 300}  # before and after suppression; published 2000 and 1000, for photographs full of things
MOST = 20  # objects of an image; published 100
OWN_TO_TORCHVISION = [1, 0, 3, 2]

Detections = tuple[Tensor, ...]


class MaskRCNN(nn.Module):
    """Mask R-CNN for images of any number of channels; without `outlines` it is Faster R-CNN (Ren 2015, arXiv:1506.01497)."""

    def __init__(self, channels: int, classes: int, *, width: float = 1.0, image_size: tuple[int, int] = (800, 800), outlines: bool = True) -> None:
        super().__init__()
        depth, dense = scaled(256, width), scaled(1024, width)
        self.body = resnet50_of_width.build(channels=channels, outputs=0, width=width, image_size=image_size)
        self.pyramid = FeaturePyramidNetwork([4 * scaled(64 * 2**k, width) for k in range(4)], depth, LastLevelMaxPool())
        anchors = AnchorGenerator(tuple((side * sqrt(image_size[0] * image_size[1]) / 800,) for side in ANCHORS), (SHAPES,) * len(ANCHORS))  # type: ignore[arg-type]
        self.proposals = RegionProposalNetwork(anchors, RPNHead(depth, anchors.num_anchors_per_location()[0]), 0.7, 0.3, 256, 0.5, PROPOSALS, PROPOSALS, 0.7)
        self.regions = RoIHeads(MultiScaleRoIAlign(LEVELS, 7, 2), TwoMLPHead(depth * 7**2, dense), FastRCNNPredictor(dense, classes + 1), 0.5, 0.5, scaled(512, width), 0.25, None, 0.05, 0.5, MOST)
        if outlines:
            self.regions.mask_roi_pool = MultiScaleRoIAlign(LEVELS, 14, 2)
            self.regions.mask_head = MaskRCNNHeads(depth, (depth,) * 4, 1)
            self.regions.mask_predictor = MaskRCNNPredictor(depth, depth, classes + 1)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Images (B, C, H, W) to features (B, depth, h, w) at strides 4, 8, 16, 32 and 64."""
        features = self.body.maxpool(self.body.act1(self.body.bn1(self.body.conv1(images))))  # type: ignore[operator]
        found: dict[str, Tensor] = {}
        for level in LEVELS:
            found[level] = features = getattr(self.body, f"layer{int(level) + 1}")(features)
        return list(self.pyramid(found).values())

    def losses(self, batch: dict) -> dict[str, Tensor]:
        """The published losses of `image` (B, C, H, W) and `objects`: of proposals, classes, boxes and, where there are `masks`, outlines.

        `objects` holds for each image its boxes (n, 4) in pixels and labels (n,), `masks` an outline (n, H, W) of each, from 0 to 1.
        """
        outlines = batch.get("masks") or [None] * len(batch["objects"])
        truths = [{"boxes": boxes.float()[:, OWN_TO_TORCHVISION], "labels": labels + 1} | ({} if outline is None else {"masks": outline})
                  for (boxes, labels), outline in zip(batch["objects"], outlines, strict=True)]
        self.proposals.training = self.regions.training = True  # a loss is also asked of the tune part, where the norms stay as they are
        try:
            return self._judged(self(batch["image"]), tuple(batch["image"].shape[-2:]), truths)[1]
        finally:
            self.proposals.training = self.regions.training = self.training

    def _judged(self, raw: Sequence[Tensor], size: tuple[int, ...], truths: list[dict[str, Tensor]] | None) -> tuple[list[dict[str, Tensor]], dict[str, Tensor]]:
        """What is found and, with truths, what it loses; in single precision, which boxes need."""
        with torch.autocast(raw[0].device.type, enabled=False):
            named, images = _named(raw, size)
            boxes, first = self.proposals(images, named, truths)
            found, second = self.regions(named, boxes, images.image_sizes, truths)
        return found, {**first, **second}

    @torch.no_grad()
    def decode(self, raw: Sequence[Tensor], size: tuple[int, int], *, score: float = 0.05) -> list[Detections]:
        """Features to (boxes (n, 4) in pixels, scores (n,), labels (n,), and, where outlines are learnt, chances (n, H, W) of each pixel) an image, best first."""
        self.regions.score_thresh = score
        found, _ = self._judged(raw, size, None)
        return [self._told(image, size) for image in found]

    def strength(self, images: Tensor, label: int) -> Tensor:
        """The log chance (B,) of a label in the region of each image where it is highest, with a gradient; where the regions lie has none."""
        named, listed = _named(self(images), tuple(images.shape[-2:]))
        with torch.no_grad():
            boxes, _ = self.proposals(listed, named)
        pooled = self.regions.box_roi_pool.forward(named, boxes, listed.image_sizes)  # not called as a layer: its rows are regions, and no layer of an image that could be mapped
        chances = self.regions.box_predictor(self.regions.box_head(pooled))[0].log_softmax(1)[:, label + 1]
        return torch.stack([own.max() for own in chances.split([len(b) for b in boxes])])

    def _told(self, found: dict[str, Tensor], size: tuple[int, int]) -> Detections:
        told = found["boxes"][:, OWN_TO_TORCHVISION], found["scores"], found["labels"] - 1
        return (*told, paste_masks_in_image(found["masks"], found["boxes"], size)[:, 0]) if "masks" in found else told


def _named(raw: Sequence[Tensor], size: tuple[int, ...]) -> tuple[dict[str, Tensor], ImageList]:
    """Features by level in single precision, and the images as torchvision counts them."""
    named = {level: feature.float() for level, feature in zip((*LEVELS, "pool"), raw, strict=True)}
    return named, ImageList(named["0"].new_empty(1).expand(len(raw[0]), 1, *size), [(size[0], size[1])] * len(raw[0]))


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> MaskRCNN:
    """Mask R-CNN for `outputs` classes; `width` 1 is as published."""
    return MaskRCNN(channels, outputs, width=width, image_size=image_size)
