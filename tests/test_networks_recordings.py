"""The six networks of recordings: what they take and give, and that they are what their papers say."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from osteon.networks import build, own, takes

NAMES = ("zrenner_cnn", "hannink_cnn", "deepconvlstm", "lstm", "bilstm", "cnn_lstm")


def made(name: str, *, channels: int = 13, samples: int = 100, width: float = 0.125) -> nn.Module:
    torch.manual_seed(0)
    return build(name, channels=channels, outputs=12, width=width, image_size=(1, samples))


def test_they_are_found_by_name_and_take_recordings() -> None:
    assert set(NAMES) <= set(own()) and "standardised" not in own()
    assert {takes(name) for name in NAMES} == {"signal"} and takes("hrnet") == "picture"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("samples", [100, 512])
def test_every_network_gives_one_vector_a_window_and_learns(name: str, samples: int) -> None:
    network = made(name, samples=samples)
    windows = torch.randn(6, 13, 1, samples, generator=torch.Generator().manual_seed(1))
    out = network(windows)
    assert out.shape == (6, 12)
    out.square().mean().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in network.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_the_unit_of_a_channel_does_not_matter_once_its_scale_is_set(name: str) -> None:
    network = made(name).eval()
    windows = torch.randn(6, 13, 1, 100, generator=torch.Generator().manual_seed(1))
    before = network(windows)
    scale, shift = torch.linspace(1, 50, 13), torch.linspace(-9, 9, 13)
    network.set_scale(shift, scale)  # type: ignore[operator]
    assert torch.allclose(network(windows * scale[:, None, None] + shift[:, None, None]), before, atol=1e-4)
    assert {"entry.mean", "entry.spread"} <= set(network.state_dict()), "kept with the weights"
    network.set_scale(torch.zeros(13), torch.zeros(13))  # type: ignore[operator]
    assert torch.allclose(network(windows), before, atol=1e-4), "a channel that never changes is left in its unit"


@pytest.mark.parametrize(("name", "fewest"), [("zrenner_cnn", 16), ("hannink_cnn", 27), ("deepconvlstm", 17)])
def test_a_window_that_is_too_short_is_refused(name: str, fewest: int) -> None:
    assert made(name, samples=fewest)(torch.zeros(2, 13, 1, fewest)).shape == (2, 12)
    with pytest.raises(ValueError, match=f"{fewest} samples or more"):
        made(name, samples=fewest - 1)


def parameters(name: str, kind: type[nn.Module]) -> list[tuple[int, ...]]:
    """Shapes of the weights of one kind of layer at full width, for 256 samples of six channels and a duration."""
    network = build(name, channels=7, outputs=12, width=1.0, image_size=(1, 256))
    return [tuple(p.shape) for layer in network.modules() if isinstance(layer, kind) for p in layer.parameters() if p.ndim > 1]


def test_layers_are_those_of_the_papers() -> None:
    assert parameters("hannink_cnn", nn.Conv1d) == [(32, 7, 31), (64, 32, 15), (128, 64, 7)]  # Hannink 2017: 30, 15 and 7 of 256 samples, the even one odd here to keep the length
    assert parameters("hannink_cnn", nn.Linear)[0] == (1024, 128 * 9)
    assert parameters("deepconvlstm", nn.Conv2d) == [(64, 1, 1, 5), *[(64, 64, 1, 5)] * 3]  # Ordonez 2016, table 2
    assert parameters("deepconvlstm", nn.LSTM)[:2] == [(512, 64 * 7), (512, 128)]
    assert parameters("bilstm", nn.LSTM)[0] == (512, 7) and len(parameters("bilstm", nn.LSTM)) == 8 and len(parameters("lstm", nn.LSTM)) == 4
    assert parameters("cnn_lstm", nn.LSTM)[0] == (512, 64)


def test_deepconvlstm_convolves_each_channel_alone() -> None:
    network = made("deepconvlstm").eval()
    alone = network.body[0]  # type: ignore[index, union-attr]
    windows = torch.randn(1, 13, 100, generator=torch.Generator().manual_seed(1))
    changed = windows.clone()
    changed[:, 4] += 1
    kept = alone(windows).reshape(-1, 13, 84), alone(changed).reshape(-1, 13, 84)
    differs = (kept[0] != kept[1]).any(dim=(2)).any(dim=0)
    assert differs.nonzero().ravel().tolist() == [4]
