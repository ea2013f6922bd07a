from __future__ import annotations

import pytest
import torch

from osteon.networks import build, own


def test_our_networks_are_the_files_of_the_folder() -> None:
    assert {"hardnet_mseg", "yolov5"} <= set(own())
    assert not {"blocks", "heads"} & set(own())


@pytest.mark.parametrize("name", ["resnet18", "timm:resnet18"])
def test_a_name_of_timm(name: str) -> None:
    network = build(name, channels=1, outputs=4, width=1.0, image_size=(64, 48)).eval()
    assert network(torch.zeros(1, 1, 64, 48)).shape == (1, 4)


def test_a_network_with_a_position_code_learns_the_image_size() -> None:
    network = build("vit_tiny_patch16_224", channels=1, outputs=2, width=1.0, image_size=(64, 48)).eval()
    assert network(torch.zeros(1, 1, 64, 48)).shape == (1, 2)


@pytest.mark.parametrize(("name", "near"), [("yolo5", "yolov5"), ("resnet_18", "resnet18"), ("hardnet-mseg", "hardnet_mseg")])
def test_an_unknown_name_is_refused_with_near_ones(name: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"network: unknown name .*Found '{name}'.*{near}"):
        build(name, channels=1, outputs=1, width=1.0, image_size=(64, 64))
