from __future__ import annotations

import pytest
import torch
from torch import Tensor

from osteon.networks import build, heads
from osteon.networks.hardnet_mseg import HarDNet, HarDNetMSEG, HarmonicBlock, layer_width, links


def crops(count: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Noise with a bright ellipse and a darker one over it: (count, 1, 64, 64) and masks (count, 2, 64, 64)."""
    grid = torch.arange(64.0)
    masks = torch.zeros(count, 2, 64, 64)
    for mask in masks.flatten(0, 1):
        row, column = 20 + 24 * torch.rand(2, generator=generator)
        high, wide = 10 + 8 * torch.rand(2, generator=generator)
        mask[:] = ((grid[:, None] - row) / high) ** 2 + ((grid[None] - column) / wide) ** 2 < 1
    noise = 0.2 * torch.randn(count, 1, 64, 64, generator=generator)
    return noise + masks[:, :1] - 0.5 * masks[:, 1:], masks


def test_links_follow_the_powers_of_two() -> None:
    # Figure 1 of Chao 2019: layer 8 reads layers 7, 6, 4 and 0; odd layers read the one before.
    assert [links(layer) for layer in (1, 2, 4, 6, 7, 8)] == [[0], [1, 0], [3, 2, 0], [5, 4], [6], [7, 6, 4, 0]]


def test_widths_grow_with_the_power_of_two_that_divides_the_layer() -> None:
    # Growth 14 and multiplier 1.7 of the first block of HarDNet-68, rounded to even numbers.
    assert [layer_width(layer, 14, 1.7) for layer in range(1, 9)] == [14, 24, 14, 40, 14, 24, 14, 68]


def test_a_block_gives_its_odd_layers_and_its_last() -> None:
    block = HarmonicBlock(64, 14, multiplier=1.7, layers=8)
    assert block.kept == [1, 3, 5, 7, 8]
    assert block.leaving == 4 * 14 + 68
    assert block(torch.zeros(2, 64, 8, 8)).shape == (2, block.leaving, 8, 8)


def test_hardnet_68_has_the_size_of_the_publication() -> None:
    # Chao 2019, table 4: 17.6 million with the classifier of 1000 classes on 1024 features.
    with torch.device("meta"):
        backbone = HarDNet(3)
    count = sum(parameter.numel() for parameter in backbone.parameters()) + 1024 * 1000 + 1000
    assert backbone.leaving == [320, 640, 1024]
    assert count / 1e6 == pytest.approx(17.6, abs=0.05)


@pytest.mark.parametrize("depth", [39, 68])
def test_features_at_three_strides_and_logits_at_the_size_of_the_image(depth: int) -> None:
    model = HarDNetMSEG(2, 3, width=0.25, depth=depth).eval()
    with torch.inference_mode():
        shapes = [tuple(feature.shape[2:]) for feature in model.backbone(torch.zeros(1, 2, 64, 96))]
        logits = model(torch.zeros(1, 2, 70, 45))
    assert shapes == [(8, 12), (4, 6), (2, 3)]
    assert logits.shape == (1, 3, 70, 45)


def test_every_parameter_learns() -> None:
    model = HarDNetMSEG(1, 2, width=0.25)
    model(torch.randn(2, 1, 64, 64)).square().mean().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_below_full_width_the_shallow_backbone_is_built() -> None:
    blocks = [
        sum(isinstance(module, HarmonicBlock) for module in network.modules())
        for network in (build("hardnet_mseg", channels=1, outputs=1, width=width, image_size=(128, 128)) for width in (0.5, 1.0))
    ]
    assert blocks == [4, 5]


def test_learns_overlapping_ellipses_from_nothing() -> None:
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    images, masks = crops(96, generator)
    model = build("hardnet_mseg", channels=1, outputs=2, width=0.25, image_size=(64, 64))
    steps, rate = 140, 3e-3
    optimiser = torch.optim.AdamW(model.parameters(), rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.1)
    for _ in range(steps):
        chosen = torch.randint(96, (8,), generator=generator)
        loss = heads.loss("masks", model(images[chosen]), masks[chosen], torch.ones(8, 2))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    images, masks = crops(32, generator)
    with torch.inference_mode():
        answer = (heads.decode("masks", model.eval()(images)) > 0.5).float()
    dice = 2 * (answer * masks).sum(dim=(2, 3)) / (answer + masks).sum(dim=(2, 3))
    assert dice.mean(dim=0).min() > 0.85
