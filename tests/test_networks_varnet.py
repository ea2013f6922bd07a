"""The variational network and its kin: what they answer before they have learnt, and what data consistency, coils and lines are to them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from osteon.networks import build, own, takes
from osteon.networks import varnet as parts
from osteon.networks.varnet import Cascade, VariationalNetwork, cascades_of
from osteon.readers import coils
from osteon.readers.coils import Sampling, given
from raw_signal import COILS, LINES, SIDE, phantom

KNOWN = given(phantom(1), Sampling(4.0, 0.12))
NAMES = ("varnet", "varnet_without_consistency", "zero_filled_unet")


def images() -> torch.Tensor:
    return torch.from_numpy(np.concatenate((KNOWN.signal.real, KNOWN.signal.imag), axis=1))


def built(name: str, width: float = 0.125) -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build(name, channels=2 * COILS, outputs=1, width=width, image_size=(SIDE, LINES)).eval()


def shaken(network: torch.nn.Module, size: float = 0.05) -> torch.nn.Module:
    """As after some training: nothing is zero any more."""
    with torch.no_grad():
        for k, parameter in enumerate(network.parameters()):
            parameter += size * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(k))
    return network


@pytest.mark.parametrize("name", NAMES)
def test_untrained_it_answers_the_zero_filled_picture(name: str) -> None:
    assert name in own() and takes(name) == "kspace"
    with torch.inference_mode():
        answer = built(name)(images())[:, 0].numpy()
    assert answer.shape == (len(KNOWN.signal), SIDE, LINES)
    assert np.allclose(coils.middle(answer, SIDE, SIDE), KNOWN.zero_filled(), atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_learns(name: str) -> None:
    network = shaken(built(name)).train()
    network(images()[:1]).square().mean().backward()
    idle = [n for n, p in network.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all() or not p.grad.abs().sum() > 0]
    assert {n for n in idle if "conv.bias" not in n} <= {"cascades.0.weight"}, "a bias before a normalisation is idle, and the first step is consistent already"


def test_data_consistency_draws_the_answer_to_the_measured_lines_and_nothing_else_does() -> None:
    signal = torch.from_numpy(KNOWN.signal)
    taken, maps = parts.taken_of(signal), parts.rss(signal * 0 + 1)
    maps = torch.ones_like(signal) / maps
    off = signal + 0.3 * torch.randn(signal.shape, generator=torch.Generator().manual_seed(1))
    for consistency in (True, False):
        with torch.no_grad():
            after = Cascade(8, consistency=consistency)(off, signal, taken, maps)
        gap = ((after - signal).abs() * taken).max()
        assert gap < 1e-5 if consistency else gap > 0.1
        assert torch.equal(after * ~taken, off * ~taken), "lines that were not measured are the regulariser's"


def test_the_published_network_has_twelve_cascades_and_small_budgets_fewer() -> None:
    assert [cascades_of(width) for width in (1.0, 0.25, 0.125)] == [12, 4, 2]
    whole = build("varnet", channels=2 * COILS, outputs=1, width=1.0, image_size=(SIDE, LINES))
    assert isinstance(whole, VariationalNetwork) and len(whole.cascades) == 12
    free = build("varnet_without_consistency", channels=2 * COILS, outputs=1, width=1.0, image_size=(SIDE, LINES))
    assert sum(p.numel() for p in whole.parameters()) - sum(p.numel() for p in free.parameters()) == 12, "one weight a cascade is all that is left out"


def test_coils_are_told_from_the_middle_lines_alone_and_have_unit_length() -> None:
    signal = torch.from_numpy(KNOWN.signal)
    taken = parts.taken_of(signal)
    assert (taken[0, 0, 0].numpy() == KNOWN.taken).all()
    lines = parts.centre_of(taken)[0, 0, 0].numpy()
    assert np.flatnonzero(lines).tolist() == list(range(*coils.centre(KNOWN.taken).indices(LINES)))
    network = built("varnet")
    assert isinstance(network, VariationalNetwork)
    with torch.no_grad():
        maps = network.coils(signal, taken)
        changed = network.coils(torch.where(parts.centre_of(taken), signal, signal * 5), taken)
    assert torch.allclose(parts.rss(maps), torch.ones(1), atol=1e-3)
    assert torch.equal(maps, changed)


@pytest.mark.parametrize("count", [1, 3])
def test_any_number_of_coils_and_a_dead_one_are_borne(count: int) -> None:
    network = shaken(built("varnet"))
    some = torch.from_numpy(np.concatenate((KNOWN.signal.real[:, :count], KNOWN.signal.imag[:, :count]), axis=1)).clone()
    if count > 1:
        some[:, [0, count]] = 0
    with torch.inference_mode():
        assert torch.isfinite(network(some)).all()


def test_a_mask_without_gaps_is_borne() -> None:
    with torch.inference_mode():
        assert built("varnet")(torch.randn(1, 2 * COILS, 40, 50)).shape == (1, 1, 40, 50)


def test_the_u_net_sees_magnitudes_only() -> None:
    """Another phase of the whole changes nothing."""
    network = shaken(built("zero_filled_unet"))
    turned = KNOWN.signal * np.exp(0.7j)
    with torch.inference_mode():
        first, second = (network(torch.from_numpy(np.concatenate((s.real, s.imag), axis=1).astype(np.float32))) for s in (KNOWN.signal, turned))
    assert torch.allclose(first, second, atol=1e-4)
