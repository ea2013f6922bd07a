"""Ways to map what an answer rests on: three of the Grad-CAM family, integrated gradients and occlusion.

Grad-CAM (Selvaraju RR et al. Int J Comput Vis 2020; 128: 336) is what papers show. Grad-CAM++ (Chattopadhay A et al. WACV 2018) weighs places and so keeps a
finding that is seen twice. HiResCAM (Draelos RL, Carin L. arXiv:2011.08891) does not average the gradient and so never marks a place that the answer did not
use; where a network ends in an average and one linear layer it is the same as Grad-CAM. Integrated gradients (Sundararajan M et al. ICML 2017) go down to the
pixel and sum to the answer. Occlusion (Zeiler MD, Fergus R. ECCV 2014) needs no gradient at all. All but Grad-CAM++ by Captum.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import Refused, message, near
from osteon.validation.explanation_scores import Asked

if TYPE_CHECKING:
    from torch import Tensor, nn

STEPS = 12  # of integrated gradients
WINDOWS = 8  # windows of occlusion along a side, each half covered by the next


def saliency(asked: Asked, network: nn.Module, image: Tensor, *, method: str, layer: str = "") -> np.ndarray:
    """The map (rows, cols) of one image (1, channels, rows, cols), scaled to a maximum of 1; zeros where nothing speaks for the finding.

    `network` is that of `asked` or one of its shape; `layer` the name of the layer of a CAM. Raises Refused for a method that has no meaning here.
    """
    if method not in asked.methods:
        raise Refused(message("explain", f"{method!r} has no meaning for this answer", expected=", ".join(asked.methods), do=near(method, asked.methods)))
    found = METHODS[method](asked, network, image, layer).detach().float().clamp(min=0).cpu().numpy()
    return found / found.max() if found.max() > 0 else np.zeros_like(found)


def layer_of(asked: Asked, image: Tensor) -> str:
    """The name of the last layer with places that the score depends on, the outputs themselves apart; raises Refused where there is none."""
    import torch

    names = {module: name for name, module in asked.network.named_modules() if not list(module.children())}
    seen: list[tuple[str, Tensor]] = []
    outputs: list[int] = []

    def note(module: nn.Module, _: Any, out: Any) -> None:
        if module in names and isinstance(out, torch.Tensor) and out.ndim == 4 and min(out.shape[2:]) > 1 and out.requires_grad:
            seen.append((names[module], out))
        if module is asked.network:
            outputs.extend(o.untyped_storage().data_ptr() for o in (out if isinstance(out, (list, tuple)) else (out,)))

    hooks = [m.register_forward_hook(note) for m in asked.network.modules()]
    try:
        with torch.enable_grad():
            score = asked.score(asked.network, image.detach().requires_grad_(True)).sum()
            slopes = torch.autograd.grad(score, [out for _, out in seen], allow_unused=True) if seen and score.requires_grad else []
    finally:
        for hook in hooks:
            hook.remove()
    used = [name for (name, out), slope in zip(seen, slopes, strict=False) if slope is not None and bool(slope.any()) and out.untyped_storage().data_ptr() not in outputs]
    if not used:
        raise Refused(message(type(asked.network).__name__, "no layer has places, so that Grad-CAM has nothing to show", do="Use a convolutional network, or --method occlusion"))
    return used[-1]


def _large(small: Tensor, image: Tensor) -> Tensor:
    from torch.nn import functional

    return functional.interpolate(small, tuple(image.shape[2:]), mode="bilinear", align_corners=False)[0, 0]


def _grad_cam(asked: Asked, network: nn.Module, image: Tensor, layer: str) -> Tensor:
    from captum.attr import LayerGradCam

    return _large(LayerGradCam(lambda x: asked.score(network, x), network.get_submodule(layer)).attribute(image), image)


def _hires_cam(asked: Asked, network: nn.Module, image: Tensor, layer: str) -> Tensor:
    from captum.attr import LayerGradientXActivation

    found = LayerGradientXActivation(lambda x: asked.score(network, x), network.get_submodule(layer)).attribute(image)
    return _large(found.sum(1, keepdim=True), image)


def _grad_cam_plus(asked: Asked, network: nn.Module, image: Tensor, layer: str) -> Tensor:
    """Equation 19 of the paper, with the derivatives of the exponential of the score."""
    import torch

    kept: list[Tensor] = []
    hook = network.get_submodule(layer).register_forward_hook(lambda _m, _i, out: kept.append(out))
    try:
        with torch.enable_grad():
            score = asked.score(network, image.detach().requires_grad_(True)).sum()
            (slope,) = torch.autograd.grad(score, kept[-1:])
    finally:
        hook.remove()
    active = kept[-1].detach()
    weight = slope**2 / (2 * slope**2 + active.sum((2, 3), keepdim=True) * slope**3 + 1e-12 * slope.abs().max().clamp(min=1e-6))
    return _large(((weight * slope.clamp(min=0)).sum((2, 3), keepdim=True) * active).sum(1, keepdim=True), image)


def _integrated(asked: Asked, network: nn.Module, image: Tensor, layer: str) -> Tensor:
    from captum.attr import IntegratedGradients

    found = IntegratedGradients(lambda x: asked.score(network, x)).attribute(image, baselines=blurred(image), n_steps=STEPS, internal_batch_size=STEPS)
    return blurred(found.sum(1, keepdim=True), share=1 / 64)[0, 0]


def _occlusion(asked: Asked, network: nn.Module, image: Tensor, layer: str) -> Tensor:
    import torch
    from captum.attr import Occlusion

    sides = tuple(max(4, side // WINDOWS) for side in image.shape[2:])
    with torch.no_grad():
        found = Occlusion(lambda x: asked.score(network, x)).attribute(
            image, sliding_window_shapes=(image.shape[1], *sides), strides=(image.shape[1], *(max(1, s // 2) for s in sides)), baselines=blurred(image), perturbations_per_eval=32)
    return found.mean(1)[0]


METHODS: Mapping[str, Callable[[Asked, nn.Module, Tensor, str], Tensor]] = MappingProxyType({
    "Grad-CAM": _grad_cam, "Grad-CAM++": _grad_cam_plus, "HiResCAM": _hires_cam, "integrated gradients": _integrated, "occlusion": _occlusion})
OF_A_LAYER = ("Grad-CAM", "Grad-CAM++", "HiResCAM")


def blurred(image: Tensor, *, share: float = 1 / 12) -> Tensor:
    """Images (B, channels, rows, cols) under a Gaussian whose width is a share of the shorter side: what is left where something is taken away."""
    import torch
    from torch.nn import functional

    sigma = max(0.5, share * min(image.shape[2:]))
    reach = min(int(3 * sigma), min(image.shape[2:]) - 1)
    at = torch.arange(-reach, reach + 1, device=image.device, dtype=image.dtype)
    weight = (-0.5 * (at / sigma) ** 2).softmax(0).expand(image.shape[1], 1, 1, -1)
    for axis in (2, 3):
        pad = (0, 0, reach, reach) if axis == 2 else (reach, reach, 0, 0)
        image = functional.conv2d(functional.pad(image, pad, mode="replicate"), weight.transpose(2, 3) if axis == 2 else weight, groups=image.shape[1])
    return image
