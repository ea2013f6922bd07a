"""EfficientNet-B0 (Tan and Le 2019, arXiv:1905.11946) whose width follows the budget, from the blocks of timm."""
from __future__ import annotations

from functools import partial

from timm.models._efficientnet_builder import decode_arch_def, round_channels
from timm.models.efficientnet import EfficientNet
from torch import nn

# expansion, kernel, stride, channels and repeats of the seven stages (table 1 of the paper); the first one is a depthwise separable convolution
STAGES = ("ds_r1_k3_s1_e1_c16_se0.25", "ir_r2_k3_s2_e6_c24_se0.25", "ir_r2_k5_s2_e6_c40_se0.25", "ir_r3_k3_s2_e6_c80_se0.25", "ir_r3_k5_s1_e6_c112_se0.25", "ir_r4_k5_s2_e6_c192_se0.25", "ir_r1_k3_s1_e6_c320_se0.25")
DROPOUT = 0.2


def build(*, channels: int, outputs: int, width: float, image_size: tuple[int, int]) -> nn.Module:
    """As published at `width` 1; images of any size."""
    rounded = partial(round_channels, multiplier=width, divisor=8)
    network = EfficientNet(block_args=decode_arch_def([[stage] for stage in STAGES]), num_features=rounded(1280), num_classes=outputs, in_chans=channels, stem_size=32, round_chs_fn=rounded,
                        act_layer=nn.SiLU, drop_rate=DROPOUT)
    nn.init.normal_(network.classifier.weight, std=0.01)  # type: ignore[arg-type]  # the weights of timm are meant for a thousand classes: with two, the first answers are far too sure
    return network
