"""YOLOv2 from its paper: Darknet-19 with the passthrough, anchors by clusters, one cell and anchor answering for an object, the grid loss."""

from __future__ import annotations

import pytest
import torch

from osteon.networks.yolov2 import ANCHORS, STRIDE, YoloV2, anchors_from, build, iou, shape_iou
from square_scenes import scenes


@pytest.fixture(scope="module")
def taught() -> tuple[YoloV2, list[float]]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = YoloV2(3, 1, width=0.125)
        images, objects = scenes(4)
        network.learn_anchors(torch.cat([boxes for boxes, _ in objects]))
        optimiser, seen = torch.optim.AdamW(network.parameters(), lr=3e-3), []
        for _ in range(45):
            loss = torch.stack(list(network.losses({"image": images, "objects": objects}).values())).sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            seen.append(float(loss.detach()))
    return network.eval(), seen


def test_one_grid_of_stride_32_with_five_anchors_a_cell() -> None:
    network = build(channels=1, outputs=3, width=0.125, image_size=(96, 128)).eval()
    with torch.inference_mode():
        assert network(torch.zeros(2, 1, 90, 128)).shape == (2, ANCHORS, 3, 4, 8)


def test_the_published_network_has_the_published_size() -> None:
    """50.7 million parameters for VOC's 20 classes, by the layers of the paper's configuration (yolov2-voc.cfg: weights of 202 MB in float32)."""
    with torch.device("meta"):
        network = build(channels=3, outputs=20, width=1.0, image_size=(416, 416))
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(50.7, abs=0.2)


def test_fine_features_pass_through() -> None:
    """Without the passthrough a change of features at stride 16 could not reach the head past the last pool."""
    network = YoloV2(1, 1, width=0.125).eval()
    before = network(torch.zeros(1, 1, 64, 64))
    with torch.no_grad():
        network.passthrough[0][0].weight.add_(1.0)
        network.passthrough[0][1].bias.add_(1.0)
    assert not torch.allclose(before, network(torch.zeros(1, 1, 64, 64)))


def test_it_learns_and_finds_boxes_with_rows_first(taught: tuple[YoloV2, list[float]]) -> None:
    from torchvision.ops import box_iou

    network, seen = taught
    assert seen[-1] < 0.2 * seen[0]
    images, objects = scenes(4)
    with torch.inference_mode():
        found = network.decode(network.train()(images), (96, 128), score=0.3)
    network.eval()
    for (truth, _), (boxes, _, labels) in zip(objects[:3], found[:3], strict=True):
        assert len(boxes) and float(box_iou(truth, boxes[:1])) > 0.5 and labels[0] == 0
    assert not len(found[3][0])


def test_the_cell_of_the_middle_and_the_best_anchor_answer() -> None:
    network = YoloV2(1, 1, width=0.125)
    network.anchors.copy_(torch.tensor([[1.0, 1.0], [2.0, 2.0], [4.0, 4.0], [1.0, 4.0], [4.0, 1.0]]))
    box = torch.tensor([[10.0, 70.0, 70.0, 130.0]])  # middle (40, 100): cell (1, 3); sides of 60 pixels, the second anchor
    raw = torch.zeros(1, ANCHORS, 3, 5, 6)
    raw[..., 4] = -20.0
    raw[0, 1, 1, 3, :5] = torch.tensor([torch.logit(torch.tensor(40 / STRIDE - 1)), torch.logit(torch.tensor(100 / STRIDE - 3)), *[torch.log(torch.tensor(60 / STRIDE / 2))] * 2, 20.0])
    right = network._judged(raw[0], box, torch.tensor([0]))
    assert float(torch.stack(list(right.values())).sum()) < 1e-4, "the very answer has no loss"
    assert torch.allclose(network.decode(raw, score=0.5)[0][0], box, atol=1e-3)
    raw[0, 2, 1, 3, 4] = 20.0
    wrong = network._judged(raw[0], box, torch.tensor([0]))
    assert float(wrong["nothing"]) > 0.5, "another anchor of the same cell is to be silent"


def test_a_prediction_that_overlaps_well_is_not_taught_to_be_silent() -> None:
    network = YoloV2(1, 1, width=0.125)
    network.anchors.fill_(2.0)
    box = torch.tensor([[0.0, 0.0, 64.0, 64.0]])
    raw = torch.full((ANCHORS, 2, 2, 6), 0.0)
    raw[..., 4] = 20.0
    raw[..., :2] = 20.0  # middles at the far corner of the cell: those of the first cell lie where the box has its own
    assert float(network._judged(raw, box, torch.tensor([0]))["nothing"]) <= 4 * ANCHORS - 4, "the other anchors of that place go free"


def test_anchors_are_the_clusters_of_the_boxes() -> None:
    generator = torch.Generator().manual_seed(2)
    wanted = torch.tensor([[10.0, 10.0], [20.0, 60.0], [60.0, 20.0], [90.0, 90.0], [30.0, 30.0]])
    sides = wanted.repeat(30, 1) * torch.exp(0.03 * torch.randn(150, 2, generator=generator))
    best = min((anchors_from(torch.cat((torch.zeros_like(sides), sides), 1), seed=seed) for seed in range(6)), key=lambda a: float((1 - shape_iou(sides[:, None].double(), a.double()).amax(1)).mean()))
    assert all(float(shape_iou(one, best).max()) > 0.9 for one in wanted)
    alike = anchors_from(torch.tensor([[0.0, 0.0, 25.0, 25.0]] * 6), seed=1)
    assert alike.shape == (ANCHORS, 2) and (alike / 25 - 1).abs().max() < 0.25
    with pytest.raises(ValueError, match="at least one"):
        anchors_from(torch.zeros(0, 4))


def test_overlaps() -> None:
    assert float(iou(torch.tensor([1.0, 1.0, 2.0, 2.0]), torch.tensor([1.0, 2.0, 2.0, 2.0]))) == pytest.approx(1 / 3)
    assert float(shape_iou(torch.tensor([2.0, 2.0]), torch.tensor([1.0, 4.0]))) == pytest.approx(2 / 6)
