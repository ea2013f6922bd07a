"""Where a network looked for its answer, and whether that map means anything: never one without the other.

Selvaraju RR et al. Int J Comput Vis 2020; 128: 336 (Grad-CAM); Adebayo J et al. NeurIPS 2018 (a map that stays when the weights, or the labels learnt
from, are shuffled tells of the picture, not of the model); Zhang J et al. Int J Comput Vis 2018; 126: 1084 (pointing game); Wang H et al. CVPR
Workshops 2020 (energy inside a box). Attribution by Captum.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.case import Case
from osteon.cohort import Cohort
from osteon.errors import DataError, NotFitted, Refused, message, near
from osteon.models import Desk, Net
from osteon.stats.intervals import Interval
from osteon.targets import Classes, Target
from osteon.value import Withheld

if TYPE_CHECKING:
    from torch import Tensor, nn

ALIKE = 0.5  # rank correlation from which two maps are taken as one
SHUFFLES = 5


@dataclass(frozen=True)
class Sanity:
    """One check: what was shuffled, the mean rank correlation of the map with those after it (nan where a map is empty), and over how many."""

    shuffled: str
    likeness: float
    rounds: int

    @property
    def holds(self) -> bool:
        """Whether the map changes with what was shuffled, as a map of the model must."""
        return self.likeness < ALIKE


@dataclass(frozen=True, eq=False)
class Explained:
    """A map (rows, cols) of 0-1 on the picture as the network saw it (rows, cols of 0-1), for one class with its probability, and its checks."""

    method: str
    map: np.ndarray
    picture: np.ndarray = field(kw_only=True)
    finding: str = field(kw_only=True)
    probability: float = field(kw_only=True)
    checks: tuple[Sanity, ...] = field(default=(), kw_only=True)


def grad_cam(net: Net, case: Case, finding: str, *, seed: int = 0) -> Explained:
    """Grad-CAM of one class for one case, beside the same method on shuffled weights.

    Raises NotFitted; Refused for a network that answers no classes or has no layer of places; DataError for a case that can not be read.
    """
    import torch

    from osteon.models.families import ClassesFamily

    if net.fitted is None:
        raise NotFitted(message(f"Net {net.name!r}", "it was asked before it learned"))
    names = net.fitted.family.names if isinstance(net.fitted.family, ClassesFamily) else ()
    if finding not in names:
        raise Refused(message(f"Net {net.name!r}", f"there is no class {finding!r} to explain", expected="a network that answers classes", do=near(finding, names)))
    image, network, at = _image(net, case), net.fitted.network.eval(), names.index(finding)
    found = _cam(network, image, at)
    with torch.no_grad():
        probability = float(torch.softmax(network(image), 1)[0, at])
    check = Sanity("weights", _mean([likeness(found, _cam(other, image, at)) for other in shuffled(network, seed)]), SHUFFLES)
    picture = (image[0].mean(0) / 4 + 0.5).detach().cpu().numpy()
    return Explained("Grad-CAM", found, picture=picture, finding=finding, probability=probability, checks=(check,))


def _image(net: Net, case: Case) -> Tensor:
    """The first window of the case's film as the network sees it (1, channels, rows, cols)."""
    import torch

    from osteon.models.augment import centred
    from osteon.models.views import see

    assert net.fitted is not None
    view = net.fitted.view
    seen = see(view, case.inputs)
    if isinstance(seen, Withheld):
        raise DataError(message(f"case {case.id}", "it can not be explained", found=seen.reason))
    return centred(torch.from_numpy(seen.pieces(view.shape)[:1]).float().div_(255))


def _cam(network: nn.Module, image: Tensor, at: int) -> np.ndarray:
    """Grad-CAM (rows, cols) scaled to a maximum of 1; zeros where no place speaks for the class."""
    from captum.attr import LayerAttribution, LayerGradCam

    layer = last_places(network, image)
    found = LayerGradCam(network, layer).attribute(image, target=at, relu_attributions=True)
    large = LayerAttribution.interpolate(found, tuple(image.shape[2:]), interpolate_mode="bilinear")[0, 0].detach().cpu().numpy()
    return large / large.max() if large.max() > 0 else np.zeros_like(large)


def last_places(network: nn.Module, image: Tensor) -> nn.Module:
    """The last layer whose output (1, channels, rows, cols) still has places; raises Refused where there is none."""
    import torch

    seen: list[nn.Module] = []

    def note(module: nn.Module, _: Any, out: Any) -> None:
        if isinstance(out, torch.Tensor) and out.ndim == 4 and min(out.shape[2:]) > 1 and not list(module.children()):
            seen.append(module)

    hooks = [m.register_forward_hook(note) for m in network.modules()]
    try:
        with torch.no_grad():
            network(image)
    finally:
        for hook in hooks:
            hook.remove()
    if not seen:
        raise Refused(message(type(network).__name__, "no layer has places, so that Grad-CAM has nothing to show", do="Use a convolutional network"))
    return seen[-1]


def shuffled(network: nn.Module, seed: int) -> Iterator[nn.Module]:
    """Copies of a network with the weights of every layer shuffled within it, all layers at once (the end of the cascade)."""
    import copy

    import torch

    for k in range(SHUFFLES):
        random = torch.Generator().manual_seed(seed + k)
        other = copy.deepcopy(network)
        with torch.no_grad():
            for weights in other.parameters():
                order = torch.randperm(weights.numel(), generator=random)
                weights.copy_(weights.flatten()[order.to(weights.device)].view_as(weights))
        yield other.eval()


def likeness(first: np.ndarray, second: np.ndarray) -> float:
    """Rank correlation of a map with another of its shape, place by place; nan where it is flat itself, 0 where only the other is: nothing of it is left."""
    from scipy.stats import spearmanr

    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan") if np.ptp(first) == 0 else 0.0
    return float(spearmanr(first.ravel(), second.ravel()).statistic)


def _mean(values: Sequence[float]) -> float:
    known = [v for v in values if v == v]
    return float(np.mean(known)) if known else float("nan")


def with_labels_shuffled(cohort: Cohort, target: str, seed: int) -> Cohort:
    """The cohort with the truths of one target dealt out anew among the cases that have one."""
    cases = list(cohort)
    have = [i for i, case in enumerate(cases) if target in case.truth]
    for i, j in zip(have, np.random.default_rng(seed).permutation(have).tolist(), strict=True):
        cases[i] = replace(cases[i], truth=dict(cases[i].truth) | {target: cohort.cases[j].truth[target]})
    return replace(cohort, cases=cases)


def label_check(net: Net, parts: tuple[Cohort, Cohort], targets: Mapping[str, Target], desk: Desk, *, cases: Sequence[Case], finding: str) -> Sanity:
    """The same spec fitted on shuffled labels of (train, tune): the mean likeness of its maps with those of `net` over some cases."""
    name = net.writes[0]
    if not isinstance(targets[name], Classes):
        raise Refused(message(f"Net {net.name!r}", f"{name!r} has no classes to shuffle", expected="a target of classes"))
    train, tune = (with_labels_shuffled(part, name, desk.seed + k) for k, part in enumerate(parts))
    other = replace(net, fitted=None).fit(train, tune, targets, desk)
    assert net.fitted is not None and other.fitted is not None
    at = net.fitted.family.names.index(finding)  # type: ignore[attr-defined]
    maps = [tuple(_cam(n.fitted.network.eval(), _image(n, case), at) for n in (net, other)) for case in cases]  # type: ignore[union-attr]
    return Sanity("labels", _mean([likeness(a, b) for a, b in maps]), len(maps))


@dataclass(frozen=True)
class Located:
    """How well maps find known boxes: share of maps whose peak lies inside (with interval), and mean share of their mass inside."""

    method: str
    pointing: Interval
    energy: float


def located(maps: Sequence[np.ndarray], boxes: Sequence[tuple[float, float, float, float]], pictures: Sequence[np.ndarray], *, method: str = "Grad-CAM") -> tuple[Located, ...]:
    """A method beside two that know nothing of the model: a Gaussian at the centre and the edges of the picture. Boxes: row0, col0, row1, col1 in pixels of the map."""
    if not len(maps) == len(boxes) == len(pictures) or not len(maps):
        raise ValueError(f"maps, boxes, pictures: {len(maps)}, {len(boxes)} and {len(pictures)} (expected as many of each, at least one)")
    kinds = {method: maps, "centre": [centre(m.shape) for m in maps], "edges": [edges(p) for p in pictures]}
    return tuple(_located(name, known, boxes) for name, known in kinds.items())


def _located(name: str, maps: Sequence[np.ndarray], boxes: Sequence[tuple[float, float, float, float]]) -> Located:
    from osteon.stats.intervals import wilson

    peaks = [np.unravel_index(int(m.argmax()), m.shape) for m in maps]
    hits = [r0 <= r <= r1 and c0 <= c <= c1 for (r, c), (r0, c0, r1, c1) in zip(peaks, boxes, strict=True)]
    inside = [float(m[int(np.ceil(r0)):int(r1) + 1, int(np.ceil(c0)):int(c1) + 1].sum() / m.sum()) if m.sum() > 0 else 0.0 for m, (r0, c0, r1, c1) in zip(maps, boxes, strict=True)]
    return Located(name, wilson(int(sum(hits)), len(hits)), float(np.mean(inside)))


def centre(shape: tuple[int, ...]) -> np.ndarray:
    """A Gaussian at the middle, a quarter of each side wide."""
    rows, cols = (np.arange(n) - (n - 1) / 2 for n in shape)
    return np.exp(-0.5 * ((rows[:, None] / (shape[0] / 4)) ** 2 + (cols[None, :] / (shape[1] / 4)) ** 2))


def edges(picture: np.ndarray) -> np.ndarray:
    """The steepness of the picture, blurred a little."""
    from scipy.ndimage import gaussian_gradient_magnitude

    return np.asarray(gaussian_gradient_magnitude(np.asarray(picture, float), 1.5))
