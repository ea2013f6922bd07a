"""High-resolution networks: shapes, and what the transformer adds."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from osteon.networks import build
from osteon.networks.hrnet import HighResolution
from osteon.networks.hrnet_transformer import places


def made(name: str, *, width: float = 0.25, size: tuple[int, int] = (64, 64)) -> nn.Module:
    torch.manual_seed(0)
    return build(name, channels=1, outputs=5, width=width, image_size=size).eval()


@pytest.mark.parametrize("name", ["hrnet", "hrnet_transformer"])
@pytest.mark.parametrize("size", [(64, 96), (50, 70)])
def test_a_map_an_output_at_a_quarter_of_the_side(name: str, size: tuple[int, int]) -> None:
    filled = tuple(-(-side // 32) * 8 for side in size)
    assert made(name)(torch.zeros(2, 1, *size)).shape == (2, 5, *filled)


def test_four_resolutions_side_by_side_from_fine_to_coarse() -> None:
    network = HighResolution(1, width=1.0).eval()
    with torch.inference_mode():
        features = network(torch.zeros(1, 1, 64, 64))
    assert [tuple(f.shape) for f in features] == [(1, 32, 16, 16), (1, 64, 8, 8), (1, 128, 4, 4), (1, 256, 2, 2)]
    assert [len(stage) for stage in network.stages] == [1, 4, 3]  # exchanges of HRNet-W32, Sun 2019


def reach(network: nn.Module) -> Tensor:
    """How much the uppermost row of the maps of a long film depends on each of its rows."""
    film = torch.randn(1, 1, 2048, 32, generator=torch.Generator().manual_seed(1)).requires_grad_()
    network(film)[:, :, 0].square().sum().backward()
    return film.grad.abs().sum(dim=(0, 1, 3))  # type: ignore[union-attr]


def test_without_the_transformer_the_top_does_not_see_the_bottom() -> None:
    """What tells a vertebra from its neighbours is its number from above or below: the piece that makes this network that of the paper."""
    alone = reach(made("hrnet"))
    assert float(alone[:64].min()) > 0 and float(alone[1600:].max()) == 0
    assert float(reach(made("hrnet_transformer"))[1600:].max()) > 0


def test_tokens_know_their_place() -> None:
    code = places((6, 4), 64, torch.zeros(1))
    assert code.shape == (1, 24, 64)
    apart = torch.cdist(code[0], code[0]) + torch.eye(24) * 9
    assert float(apart.min()) > 0.5


@pytest.mark.parametrize("name", ["hrnet", "hrnet_transformer"])
def test_every_weight_learns(name: str) -> None:
    network = made(name).train()
    network(torch.randn(2, 1, 64, 64)).square().mean().backward()
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters())
    assert sum(float(p.grad.abs().sum()) == 0 for p in network.parameters()) == 0  # type: ignore[union-attr]
