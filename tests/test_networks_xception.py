"""Xception: the network of the publication, its twin of a block, and what the twins share."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from osteon.networks import build, takes
from osteon.networks.xception import Depthwise3d, XceptionNet


def twins(width: float = 0.125) -> tuple[nn.Module, nn.Module]:
    """The flat network, and the block whose kernels are those of the flat one in the middle of three slices and nothing beside it."""
    torch.manual_seed(0)
    flat, block = (build(name, channels=channels, outputs=2, width=width, image_size=(96, 96)).eval() for name, channels in (("xception", 1), ("xception_3d", 4)))
    inflated = {}
    for name, weight in block.state_dict().items():
        given = flat.state_dict()[name]
        inflated[name] = torch.zeros_like(weight)
        (inflated[name][:, :, weight.shape[2] // 2] if weight.ndim == 5 else inflated[name]).copy_(given)
    block.load_state_dict(inflated)
    return flat, block


def test_at_full_width_it_is_the_published_network() -> None:
    """timm's `legacy_xception`, a port of the author's: 20,827,442 weights with ten outputs, and the same answers."""
    import timm

    torch.manual_seed(1)
    theirs = timm.create_model("legacy_xception", num_classes=10, pretrained=False).eval()
    ours = build("xception", channels=3, outputs=10, width=1.0, image_size=(96, 96)).eval()
    assert sum(p.numel() for p in ours.parameters()) == sum(p.numel() for p in theirs.parameters()) == 20_827_442
    parts = [theirs.conv1, theirs.bn1, theirs.conv2, theirs.bn2]
    for k in range(1, 13):
        block = getattr(theirs, f"block{k}")
        parts += [block.rep, *(() if block.skip is None else (block.skip, block.skipbn))]
    weights = [w for part in (*parts, theirs.conv3, theirs.bn3, theirs.conv4, theirs.bn4, theirs.fc) for w in part.state_dict().values()]
    ours.load_state_dict(dict(zip(ours.state_dict(), weights, strict=True)))
    images = torch.randn(1, 3, 96, 96)
    with torch.inference_mode():
        assert torch.allclose(ours(images), theirs(images), atol=1e-4)
    assert isinstance(ours, XceptionNet) and ours.head.in_features == 2048


def test_the_block_is_the_flat_network_with_kernels_across_slices() -> None:
    """With nothing beside the middle of its kernels, the block answers the mean of what the flat twin says of each slice."""
    flat, block = twins()
    images = torch.randn(2, 4, 96, 96)
    with torch.inference_mode():
        each = torch.stack([flat(images[:, k: k + 1]) for k in range(4)])
        assert torch.allclose(block(images), each.mean(dim=0), atol=1e-4)
    assert {k.replace("weight", "") for k in block.state_dict()} == {k.replace("weight", "") for k in flat.state_dict()}


def test_only_the_block_sees_which_slice_lies_beside_which() -> None:
    """What is taken out where slices are read one by one: their order."""
    torch.manual_seed(2)
    flat, block = (build(name, channels=channels, outputs=2, width=0.125, image_size=(96, 96)).eval() for name, channels in (("xception", 1), ("xception_3d", 4)))
    images = torch.randn(1, 4, 96, 96)
    mixed = images[:, [2, 0, 3, 1]]

    def one_by_one(slices: Tensor) -> Tensor:
        return torch.stack([flat(slices[:, k: k + 1]) for k in range(4)]).mean(dim=0)

    with torch.inference_mode():
        assert torch.allclose(one_by_one(images), one_by_one(mixed), atol=1e-6)
        assert not torch.allclose(block(images), block(mixed), atol=1e-6)
    assert takes("xception_3d") == "block" and takes("xception") == "picture"


@pytest.mark.parametrize("slices", [1, 4])
def test_three_flat_convolutions_are_the_convolution_in_space(slices: int) -> None:
    torch.manual_seed(3)
    layer, x = Depthwise3d(6), torch.randn(2, 6, slices, 9, 7, requires_grad=True)
    wanted = functional.conv3d(x, layer.weight, padding=1, groups=6)
    found = layer(x)
    assert torch.allclose(found, wanted, atol=1e-6)
    one, two = (torch.autograd.grad(out.square().sum(), (x, layer.weight), retain_graph=True) for out in (found, wanted))
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(one, two, strict=True))
