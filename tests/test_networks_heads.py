from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from osteon.networks import heads


def test_head_widths() -> None:
    assert [heads.outputs(family, 5) for family in ("classes", "grades", "masks", "measures")] == [5, 4, 5, 5]


@pytest.mark.parametrize("call", [
    lambda: heads.loss("class", torch.zeros(1, 2), torch.zeros(1).long(), torch.ones(1)),
    lambda: heads.decode("class", torch.zeros(1, 2)), lambda: heads.outputs("class", 2),
])
def test_an_unknown_family_is_refused(call) -> None:
    with pytest.raises(ValueError, match="family: .*classes, grades, masks, measures.* Found 'class'"):
        call()


def test_exclusive_classes_are_cross_entropy_over_the_cases_with_a_truth() -> None:
    logits, truth = torch.randn(6, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 0, 1, 2])
    present = torch.tensor([True, True, False, True, False, True])
    expected = functional.cross_entropy(logits[present], truth[present])
    assert torch.isclose(heads.loss("classes", logits, truth, present), expected)
    assert torch.allclose(heads.decode("classes", logits).sum(dim=1), torch.ones(6))


def test_findings_on_their_own_may_be_absent_one_by_one() -> None:
    logits = torch.tensor([[2.0, -1.0], [0.5, 0.0]], requires_grad=True)
    truth, present = torch.tensor([[1.0, math.nan], [0.0, 1.0]]), torch.tensor([[1, 0], [1, 1]])
    loss = heads.loss("classes", logits, truth, present)
    expected = (math.log1p(math.exp(-2.0)) + math.log1p(math.exp(0.5)) + math.log(2.0)) / 3
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-6)
    loss.backward()
    assert logits.grad[0, 1] == 0
    assert bool(logits.grad.isfinite().all())
    assert torch.equal(heads.decode("classes", logits, exclusive=False), logits.sigmoid())


@pytest.mark.parametrize(("family", "output", "truth"), [
    ("classes", (2, 3), torch.zeros(2).long()), ("grades", (2, 4), torch.zeros(2).long()),
    ("masks", (2, 1, 16, 16), torch.full((2, 1, 16, 16), math.nan)), ("measures", (2, 3), torch.full((2, 3), math.nan)),
    ("measures", (2, 3, 8, 8), torch.full((2, 3, 2), math.nan)),
])
def test_no_truth_gives_no_loss_and_no_gradient(family: str, output: tuple[int, ...], truth: Tensor) -> None:
    values = torch.randn(output, requires_grad=True)
    loss = heads.loss(family, values, truth, torch.zeros(2))
    loss.backward()
    assert loss == 0
    assert bool((values.grad == 0).all())


def test_grades_ask_whether_the_grade_is_at_least_k() -> None:
    logits = torch.tensor([[9.0, 9.0, -9.0, -9.0]])
    losses = [float(heads.loss("grades", logits, torch.tensor([grade]), torch.ones(1))) for grade in range(5)]
    assert losses.index(min(losses)) == 2
    assert min(losses) < 1e-3
    # A miss by two costs about twice a miss by one: 2 and 1 of 4 questions wrong at 9 each.
    assert losses[3] == pytest.approx(9 / 4, rel=1e-3)
    assert losses[4] == pytest.approx(18 / 4, rel=1e-3)


def test_grade_probabilities_never_rise() -> None:
    answers = heads.decode("grades", torch.tensor([[1.0, -1.0, 2.0]]))
    assert torch.allclose(answers, torch.tensor([[1.0, -1.0, -1.0]]).sigmoid())


def test_structure_loss_is_that_of_a_direct_calculation() -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 3, 40, 44, generator=generator)
    truth = torch.zeros(2, 3, 40, 44)
    truth[:, :, 8:24, 10:30] = 1
    weight = 1 + 5 * (functional.avg_pool2d(truth, 5, stride=1, padding=2) - truth).abs()
    entropy = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    answer = logits.sigmoid()
    both, total = (answer * truth * weight).sum(dim=(2, 3)), ((answer + truth) * weight).sum(dim=(2, 3))
    expected = (weight * entropy).sum(dim=(2, 3)) / weight.sum(dim=(2, 3)) + 1 - (both + 1) / (total - both + 1)
    assert torch.isclose(heads.structure_loss(logits, truth, torch.ones(2), window=5 / 40), expected.mean())


def test_a_structure_without_truth_teaches_nothing() -> None:
    logits = torch.zeros(1, 2, 16, 16, requires_grad=True)
    heads.loss("masks", logits, torch.ones(1, 2, 16, 16, dtype=torch.uint8), torch.tensor([[1, 0]])).backward()
    assert bool((logits.grad[0, 0] < 0).all())
    assert bool((logits.grad[0, 1] == 0).all())


def test_measures_are_smooth_l1() -> None:
    loss = heads.loss("measures", torch.tensor([[0.5, 3.0]]), torch.zeros(1, 2), torch.ones(1))
    assert float(loss) == pytest.approx((0.5 * 0.25 + 2.5) / 2)


def test_heat_maps_give_their_points_back_to_a_part_of_a_pixel() -> None:
    truth = torch.tensor([[[10.25, 20.5], [30.0, 7.75]]])
    maps = heads.heatmaps(truth, (48, 40), sigma=1.5)
    assert torch.allclose(maps.sum(dim=(2, 3)), torch.ones(1, 2))
    assert torch.allclose(heads.decode("measures", maps.clamp(min=1e-30).log()), truth, atol=1e-3)


def test_a_heat_map_is_learnt() -> None:
    truth = torch.tensor([[[10.25, 20.5]]])
    logits = torch.zeros(1, 1, 32, 32, requires_grad=True)
    optimiser = torch.optim.Adam([logits], lr=0.3)
    for _ in range(100):
        optimiser.zero_grad()
        heads.loss("measures", logits, truth, torch.ones(1)).backward()
        optimiser.step()
    assert torch.allclose(heads.points(logits.detach()), truth, atol=0.5)


@pytest.mark.parametrize(("family", "shape"), [("masks", (2, 1, 32, 32)), ("measures", (2, 3))])
def test_half_precision_outputs_are_judged_in_full(family: str, shape: tuple[int, ...]) -> None:
    loss = heads.loss(family, torch.randn(shape, dtype=torch.bfloat16), torch.ones(shape), torch.ones(2))
    assert loss.dtype == torch.float32
