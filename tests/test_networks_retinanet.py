"""RetinaNet on torchvision's parts: shapes, anchors that follow the image, focal loss that falls, boxes found where they are."""

from __future__ import annotations

import pytest
import torch

from osteon.networks.retinanet import ASPECTS, OCTAVE, STRIDES, Retina, build
from square_scenes import scenes


@pytest.fixture(scope="module")
def taught() -> tuple[Retina, list[float]]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Retina(3, 1, width=0.125, image_size=(96, 128))
        images, objects = scenes(4)
        optimiser, seen = torch.optim.AdamW(network.parameters(), lr=3e-3), []
        for _ in range(40):
            loss = torch.stack(list(network.losses({"image": images, "objects": objects}).values())).sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            seen.append(float(loss.detach()))
    return network.eval(), seen


def test_every_anchor_has_a_prediction_also_of_odd_images() -> None:
    network = build(channels=1, outputs=2, width=0.125, image_size=(100, 140)).eval()
    for size in ((100, 140), (64, 64), (33, 97)):
        with torch.inference_mode():
            logits, offsets = network(torch.zeros(1, 1, *size))
        anchors = network.anchors_of(size, logits.device)
        assert logits.shape == (1, len(anchors), 2) and offsets.shape == (1, len(anchors), 4)
        cells = [-(-(32 * -(-size[0] // 32)) // s) * -(-(32 * -(-size[1] // 32)) // s) for s in STRIDES]
        assert len(anchors) == len(ASPECTS) * len(OCTAVE) * sum(cells)


def test_anchors_grow_with_the_image() -> None:
    small, large = (build(channels=1, outputs=1, width=0.125, image_size=(side, side)).anchors_of((64, 64), torch.device("cpu")) for side in (512, 1024))
    ratio = (large[:, 2:] - large[:, :2]).prod(1).sqrt() / (small[:, 2:] - small[:, :2]).prod(1).sqrt()
    assert torch.allclose(ratio, torch.full_like(ratio, 2.0), rtol=0.04)


def test_it_starts_sure_of_nothing_and_learns(taught: tuple[Retina, list[float]]) -> None:
    fresh = Retina(3, 1, width=0.125, image_size=(96, 128)).eval()
    with torch.inference_mode():
        assert float(fresh(torch.zeros(1, 3, 96, 128))[0].sigmoid().max()) < 0.2, "the prior of the focal loss"
    _, seen = taught
    assert seen[-1] < 0.4 * seen[0]


def test_boxes_are_found_with_rows_first_and_an_empty_image_stays_empty(taught: tuple[Retina, list[float]]) -> None:
    from torchvision.ops import box_iou

    network, _ = taught
    images, objects = scenes(4)
    with torch.inference_mode():
        found = network.decode(network(images), (96, 128), score=0.3)
    for (truth, _), (boxes, scores, labels) in zip(objects[:3], found[:3], strict=True):
        assert len(boxes) and float(box_iou(truth, boxes[:1])) > 0.5 and labels[0] == 0 and (scores.diff() <= 0).all()
    assert not len(found[3][0])


def test_an_image_without_objects_has_a_loss_and_gradients() -> None:
    network = Retina(1, 1, width=0.125, image_size=(64, 64))
    losses = network.losses({"image": torch.zeros(2, 1, 64, 64), "objects": [(torch.zeros(0, 4), torch.zeros(0, dtype=torch.long))] * 2})
    torch.stack(list(losses.values())).sum().backward()
    assert all(torch.isfinite(value) for value in losses.values()) and set(losses) == {"classification", "bbox_regression"}


def test_the_published_network_has_a_resnet50_and_256_channels() -> None:
    with torch.device("meta"):
        network = build(channels=3, outputs=80, width=1.0, image_size=(600, 600))
    # torchvision's own retinanet_resnet50_fpn states 34,014,999 parameters, 0.23 million of them for 11 classes more, and no group normalisation.
    count = sum(p.numel() for p in network.parameters())
    assert network.pyramid.width == 256 and count == pytest.approx(34_014_999 - 11 * 9 * (256 * 9 + 1), rel=0.004)
