"""Mask R-CNN: the published size, what it learns, and what it is without outlines."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision.models import detection
from torchvision.ops import box_iou

from osteon.networks import build
from osteon.networks.mask_rcnn import MOST, MaskRCNN

SIDE = 64
Shown = tuple[Tensor, list[tuple[Tensor, Tensor]], list[Tensor]]


def small(name: str = "mask_rcnn", seed: int = 0) -> MaskRCNN:
    torch.manual_seed(seed)
    return build(name, channels=1, outputs=2, width=0.125, image_size=(SIDE, SIDE))  # type: ignore[return-value]


def films(count: int, generator: torch.Generator) -> Shown:
    """Noise with one bright and one dark lens each."""
    images, objects, outlines = 0.2 * torch.randn(count, 1, SIDE, SIDE, generator=generator), [], []
    rows, cols = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
    for image in images[:, 0]:
        boxes, masks = [], []
        for start, brightness in ((0, 1.5), (32, -1.5)):
            height, width = torch.randint(14, 24, (2,), generator=generator).tolist()
            row, col = (int(torch.randint(0, room + 1, (1,), generator=generator)) for room in (SIDE - height, 32 - width))
            col += start
            lens = ((rows - row - height / 2) / (height / 2)) ** 2 + ((cols - col - width / 2) / (width / 2)) ** 2 <= 1
            image[lens] += brightness
            boxes.append((row, col, row + height, col + width))
            masks.append(lens.float())
        objects.append((torch.tensor(boxes, dtype=torch.float32), torch.tensor([0, 1])))
        outlines.append(torch.stack(masks))
    return images, objects, outlines


@pytest.fixture(scope="module")
def learnt() -> MaskRCNN:
    network, generator = small(), torch.Generator().manual_seed(3)
    optimiser = torch.optim.AdamW(network.parameters(), 2e-3)
    for _ in range(70):
        images, objects, outlines = films(4, generator)
        torch.stack(list(network.losses({"image": images, "objects": objects, "masks": outlines}).values())).sum().backward()
        optimiser.step()
        optimiser.zero_grad()
    return network.eval()


@pytest.mark.parametrize(("name", "published"), [("mask_rcnn", detection.maskrcnn_resnet50_fpn), ("faster_rcnn", detection.fasterrcnn_resnet50_fpn)])
def test_at_full_width_it_has_the_parameters_of_the_published_network(name: str, published: object) -> None:
    """torchvision's own network of 91 classes (one of them the ground), batch norms learnt as without pretrained weights."""
    with torch.device("meta"):
        ours = build(name, channels=3, outputs=90, width=1.0, image_size=(800, 800))
        theirs = published(weights=None, weights_backbone=None)  # type: ignore[operator]
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters())


def test_it_finds_names_and_outlines_what_it_was_shown(learnt: MaskRCNN) -> None:
    images, objects, outlines = films(6, torch.Generator().manual_seed(99))
    with torch.inference_mode():
        found = learnt.decode(learnt(images), (SIDE, SIDE), score=0.3)
    boxes, masks = [], []
    for (true, _), drawn, (given, scores, labels, chances) in zip(objects, outlines, found, strict=True):
        assert torch.equal(scores, scores.sort(descending=True).values) and chances.shape == (len(given), SIDE, SIDE) and len(given) <= MOST
        for label in (0, 1):
            best = int(torch.cat(((labels == label) * scores, scores.new_zeros(1))).argmax())
            if best < len(given):
                boxes.append(float(box_iou(true[label:label + 1], given[best:best + 1])))
                inside = chances[best] > 0.5
                masks.append(float((inside & (drawn[label] > 0)).sum() / (inside | (drawn[label] > 0)).sum()))
    assert len(boxes) >= 7 and sum(boxes) / len(boxes) > 0.5 and sum(masks) / len(masks) > 0.5
    corners = sum(float((c[best] > 0.5)[0, 0]) for *_, c in found for best in range(len(c)))
    assert corners <= 2, "an outline is no filled box"


def test_a_loss_asked_of_the_tune_part_leaves_the_norms_as_they_are(learnt: MaskRCNN) -> None:
    images, objects, outlines = films(2, torch.Generator().manual_seed(5))
    before = {n: b.clone() for n, b in learnt.named_buffers()}
    with torch.no_grad():
        losses = learnt.losses({"image": images, "objects": objects, "masks": outlines})
    assert set(losses) == {"loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg", "loss_mask"}
    assert all(torch.equal(b, before[n]) for n, b in learnt.named_buffers()) and not learnt.regions.training


def test_without_outlines_it_is_faster_r_cnn() -> None:
    network = small("faster_rcnn")
    images, objects, _ = films(2, torch.Generator().manual_seed(5))
    assert "loss_mask" not in network.losses({"image": images, "objects": objects})
    network.eval()
    assert all(len(part) == 3 for part in network.decode(network(images), (SIDE, SIDE), score=0.0))


def test_an_image_without_an_object_teaches_that_there_is_none() -> None:
    nothing = (torch.zeros(0, 4), torch.zeros(0, dtype=torch.long))
    losses = small().losses({"image": torch.randn(2, 1, SIDE, SIDE), "objects": [nothing, nothing], "masks": [torch.zeros(0, SIDE, SIDE)] * 2})
    assert all(bool(torch.isfinite(v)) for v in losses.values()) and losses["loss_classifier"].item() > 0 == losses["loss_mask"].item()


def test_the_chance_of_a_label_has_a_gradient_where_the_object_lies(learnt: MaskRCNN) -> None:
    images, objects, outlines = films(4, torch.Generator().manual_seed(8))
    images.requires_grad_(True)
    learnt.strength(images, 0).sum().backward()
    assert images.grad is not None
    slope = images.grad.abs()[:, 0]
    inside = torch.stack([drawn[0] for drawn in outlines])
    assert float((slope * inside).sum() / inside.sum()) > 2 * float((slope * (1 - inside)).sum() / (1 - inside).sum())
