from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torchvision.ops import box_iou, complete_box_iou_loss

from osteon.networks import build
from osteon.networks.yolov5 import LARGEST_RATIO, YoloV5, anchors_from, complete_iou, match

# Parameters of the published models n, s, m and l (release 6.0 and later, 3 channels, 80 classes), as their model summaries print.
PUBLISHED = {0.25: 1_872_157, 0.5: 7_235_389, 0.75: 21_190_557, 1.0: 46_563_709}


def small(classes: int = 2, size: tuple[int, int] = (64, 96)) -> YoloV5:
    torch.manual_seed(0)
    return build("yolov5", channels=1, outputs=classes, width=0.125, image_size=size)


def films(count: int, generator: torch.Generator) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
    """Noise with one bright and one dark rectangle each, (count, 1, 64, 96)."""
    images, objects = 0.3 * torch.randn(count, 1, 64, 96, generator=generator), []
    for image in images[:, 0]:
        boxes = []
        for start, brightness in ((0, 1.0), (48, -1.0)):
            height, width = torch.randint(16, 31, (2,), generator=generator).tolist()
            row = int(torch.randint(0, 64 - height, (1,), generator=generator))
            column = start + int(torch.randint(0, 48 - width, (1,), generator=generator))
            image[row:row + height, column:column + width] += brightness
            boxes.append((row, column, row + height, column + width))
        objects.append((torch.tensor(boxes, dtype=torch.float32), torch.tensor([0, 1])))
    return images, objects


@pytest.mark.parametrize("width", PUBLISHED)
def test_parameters_are_those_of_the_published_models(width: float) -> None:
    with torch.device("meta"):
        model = build("yolov5", channels=3, outputs=80, width=width, image_size=(640, 640))
    assert sum(parameter.numel() for parameter in model.parameters()) == PUBLISHED[width]


def test_three_scales_of_a_long_film_whose_side_32_does_not_divide() -> None:
    model = build("yolov5", channels=1, outputs=6, width=0.125, image_size=(256, 112)).eval()
    shapes = [tuple(raw.shape) for raw in model(torch.zeros(2, 1, 256, 112))]
    assert shapes == [(2, 3, 32, 16, 11), (2, 3, 16, 8, 11), (2, 3, 8, 4, 11)]


def test_first_answers_are_quiet() -> None:
    raw = small().eval()(torch.randn(1, 1, 64, 96))
    assert raw[0][..., 4].sigmoid().mean() < 0.15


def test_complete_iou_is_that_of_torchvision() -> None:
    generator = torch.Generator().manual_seed(1)
    first, second = (torch.rand(50, 4, generator=generator) * 10 + 1 for _ in range(2))
    corners = [torch.cat((box[:, :2] - box[:, 2:] / 2, box[:, :2] + box[:, 2:] / 2), dim=1) for box in (first, second)]
    assert torch.allclose(complete_iou(first, second), 1 - complete_box_iou_loss(*corners), atol=1e-5)


def test_a_cell_and_its_two_nearest_neighbours_answer() -> None:
    target = torch.tensor([[3.0, 1.0, 4.2 * 8, 5.9 * 8, 20.0, 10.0]])
    anchors = torch.tensor([[20.0, 10.0], [20.0, 10.0 * LARGEST_RATIO + 1], [6.0, 12.0]])
    images, anchor, rows, columns = match(target, anchors, 8, (10, 10)).cells
    assert set(zip(anchor.tolist(), rows.tolist(), columns.tolist(), strict=True)) == {
        (index, row, column) for index in (0, 2) for row, column in ((4, 5), (3, 5), (4, 6))
    }
    assert images.tolist() == [3] * 6


def test_no_neighbour_beyond_the_edge() -> None:
    target = torch.tensor([[0.0, 0.0, 1.0, 79.0, 8.0, 8.0]])
    _, _, rows, columns = match(target, torch.tensor([[8.0, 8.0]]), 8, (10, 10)).cells
    assert (rows.tolist(), columns.tolist()) == ([0], [9])


def coded(model: YoloV5, shape: tuple[int, int], boxes: Tensor, labels: Tensor) -> list[Tensor]:
    """Raw predictions that say exactly these boxes, written by inverting the published coding."""
    raw = [torch.full((1, 3, shape[0] // stride, shape[1] // stride, 7), -12.0) for stride in (8, 16, 32)]
    for scale, (stride, anchors) in enumerate(zip((8, 16, 32), model.anchors, strict=True)):
        middle, sizes = (boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]
        targets = torch.cat((torch.zeros(len(boxes), 1), labels[:, None], middle, sizes), dim=1)
        (image, anchor, row, column), truth, kinds = match(targets, anchors, stride, raw[scale].shape[2:4])
        centre = (truth[:, :2] / stride - torch.stack((row, column), dim=1) + 0.5) / 2
        share = torch.cat((centre, (truth[:, 2:] / anchors[anchor]).sqrt() / 2), dim=1)
        raw[scale][image, anchor, row, column, :4] = share.logit()
        raw[scale][image, anchor, row, column, 4] = 12.0
        raw[scale][image, anchor, row, column, 5 + kinds] = 12.0
    return raw


def test_decoding_inverts_the_coding_and_keeps_one_box_an_object() -> None:
    model = small()
    boxes = torch.tensor([[4.0, 6.0, 30.0, 28.0], [20.0, 50.0, 52.0, 90.0]])
    model.set_anchors(anchors_from(boxes))
    raw = coded(model, (64, 96), boxes, torch.tensor([1, 0]))
    [(found, scores, labels)] = model.decode(raw)
    order = labels.argsort(descending=True)
    assert torch.allclose(found[order], boxes, atol=1e-3)
    assert labels[order].tolist() == [1, 0]
    assert bool((scores > 0.99).all())


def test_boxes_are_clipped_to_the_image_and_limited_in_number() -> None:
    model = small().eval()
    [(boxes, scores, _)] = model.decode(model(torch.randn(1, 1, 60, 90)), (60, 90), score=0.0, most=7)
    assert len(boxes) == 7
    assert bool((boxes >= 0).all())
    assert bool((boxes <= torch.tensor((60.0, 90.0, 60.0, 90.0))).all())
    assert torch.equal(scores, scores.sort(descending=True).values)


def test_images_without_objects_give_a_loss_and_a_gradient() -> None:
    model = small()
    losses = model.losses({"image": torch.randn(2, 1, 64, 96), "objects": [(torch.zeros(0, 4), torch.zeros(0).long())] * 2})
    assert losses["box"] == 0
    assert losses["class"] == 0
    assert losses["objectness"] > 0
    sum(losses.values()).backward()
    assert all(bool(parameter.grad.isfinite().all()) for parameter in model.parameters())


def test_a_missed_box_costs_more_than_a_found_one() -> None:
    model = small()
    boxes, labels = torch.tensor([[4.0, 6.0, 30.0, 28.0]]), torch.tensor([1])
    model.set_anchors(anchors_from(boxes))
    raw = coded(model, (64, 96), boxes, labels)
    found, missed = (model.judge(raw, [(truth, labels)]) for truth in (boxes, boxes + 8.0))
    assert float(sum(found.values())) < 1e-4
    assert missed["box"] > 0.01
    assert missed["objectness"] > found["objectness"]


def test_anchors_follow_the_boxes_of_the_films() -> None:
    sizes = torch.tensor([[10.0, 20.0], [40.0, 30.0], [100.0, 50.0]]).repeat(30, 1)
    anchors = anchors_from(torch.cat((torch.full_like(sizes, 5.0), sizes + 5.0), dim=1), seed=3)
    assert anchors.shape == (9, 2)
    nearest = (anchors[:, None] / sizes[None, :3]).log().abs().amax(dim=-1)
    assert nearest.amin(dim=0).max() < 0.02
    assert nearest.amin(dim=1).max() < 0.1
    assert torch.equal(anchors, anchors_from(torch.cat((torch.full_like(sizes, 5.0), sizes + 5.0), dim=1), seed=3))


@pytest.mark.parametrize("boxes", [torch.zeros(0, 4), torch.tensor([[4.0, 4.0, 4.0, 9.0]])])
def test_anchors_of_no_or_of_flat_boxes_are_refused(boxes: Tensor) -> None:
    with pytest.raises(ValueError, match="boxes: .*row1 > row0"):
        anchors_from(boxes)


def test_anchors_are_saved_with_the_weights() -> None:
    first, second = small(), small()
    first.set_anchors(torch.arange(1.0, 19.0).view(9, 2))
    second.load_state_dict(first.state_dict())
    assert torch.equal(second.anchors, first.anchors)


def test_learns_two_kinds_of_rectangles_from_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    images, objects = films(64, generator)
    model = small()
    model.set_anchors(anchors_from(torch.cat([boxes for boxes, _ in objects])))
    steps, rate = 120, 3e-3
    optimiser = torch.optim.AdamW(model.parameters(), rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
    for _ in range(steps):
        chosen = torch.randint(64, (8,), generator=generator)
        losses = model.losses({"image": images[chosen], "objects": [objects[index] for index in chosen]})
        optimiser.zero_grad()
        sum(losses.values()).backward()
        optimiser.step()
        schedule.step()
    images, objects = films(32, generator)
    right = 0
    with torch.inference_mode():
        answers = model.eval().decode(model(images))
    for (boxes, _, labels), (truth, kinds) in zip(answers, objects, strict=True):
        for box, kind in zip(truth, kinds, strict=True):
            best = boxes[labels == kind][:1]
            right += bool(len(best)) and float(box_iou(best, box[None])) > 0.5
    assert right >= 0.95 * 64
