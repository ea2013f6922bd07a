"""What of a network's answer is explained, as one number an image: by the family that it answers, never by the study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from osteon.errors import NotFitted, Refused, message, near
from osteon.models import Net

if TYPE_CHECKING:
    from torch import Tensor, nn

Score = Callable[["nn.Module", "Tensor"], "Tensor"]
BY_COVERING = ("occlusion",)  # the one method that needs no gradient of the score


@dataclass(frozen=True, eq=False)
class Asked:
    """One finding of a fitted network: `score` is explained (any scale), `strength` is followed while the picture is covered (0-1, None where there is no such scale).

    Both take a network of the same shape (weights may be shuffled) and images (B, channels, rows, cols) and give (B,). `methods` are those that have a meaning.
    """

    network: nn.Module
    finding: str
    score: Score = field(kw_only=True)
    strength: Score | None = field(kw_only=True)
    methods: tuple[str, ...] = field(kw_only=True)


def asked(net: Net, finding: str) -> Asked:
    """The score of a finding: a class, a grade or more, a label of boxes, a structure, a reading or an event. Raises NotFitted, and Refused for a finding that the network does not answer."""
    from osteon.models.families import inner
    from osteon.validation.explanation_maps import METHODS

    if net.fitted is None:
        raise NotFitted(message(f"Net {net.name!r}", "it was asked before it learned"))
    family: Any = inner(net.fitted.family)
    makers = _makers()
    if type(family) not in makers:
        raise Refused(message(f"Net {net.name!r}", f"answers of {type(family).__name__} are not explained", expected="classes, grades, boxes, outlines, readings or times to an event"))
    names = _findings(family)
    at = names.index(finding) if finding in names else next((i for i, name in enumerate(names) if name.split(".")[0] == finding), -1)
    if at < 0:
        raise Refused(message(f"Net {net.name!r}", f"there is no class {finding!r} to explain", expected=", ".join(names), do=near(finding, names)))
    score, strength, methods = makers[type(family)](net, at)
    return Asked(net.fitted.network.eval(), finding, score=score, strength=strength, methods=methods or tuple(METHODS))


def _findings(family: Any) -> list[str]:
    """What of the outputs of a family can be asked, in their order."""
    from osteon.models.families import GradesFamily, LandmarksFamily

    if isinstance(family, GradesFamily):
        return [f"{name} or more" for name in family.names[1:]]
    return list(family.target.findings if isinstance(family, LandmarksFamily) else family.names)


def _makers() -> dict[type, Callable[[Net, int], tuple[Score, Score | None, tuple[str, ...]]]]:
    from osteon.models.families import ClassesFamily, EventsFamily, GradesFamily, LandmarksFamily, MasksFamily, MeasuresFamily, ObjectsFamily

    return {ClassesFamily: _class, EventsFamily: _reading, GradesFamily: _step, MasksFamily: _structure, MeasuresFamily: _reading, LandmarksFamily: _places, ObjectsFamily: _box}


def _class(net: Net, at: int) -> tuple[Score, Score | None, tuple[str, ...]]:
    """The logit of a class; its probability."""
    return lambda network, images: network(images)[:, at], lambda network, images: network(images).softmax(1)[:, at], ()


def _step(net: Net, at: int) -> tuple[Score, Score | None, tuple[str, ...]]:
    """The logit of "at least this step"; its probability."""
    return lambda network, images: network(images)[:, at], lambda network, images: network(images)[:, at].sigmoid(), ()


def _reading(net: Net, at: int) -> tuple[Score, Score | None, tuple[str, ...]]:
    """The standardised reading, or the log hazard (of a fusion with every column at its mean); how strong it is has no meaning."""
    return lambda network, images: network(images)[:, at], None, ()


def _places(net: Net, at: int) -> tuple[Score, Score | None, tuple[str, ...]]:
    """How surely the points are placed of which a reading is drawn (the drawing has no gradient): the mean log share of each heat-map at its peak; the mean share about it."""
    from osteon.networks import heads

    assert net.fitted is not None
    count = len(net.fitted.family.points)  # type: ignore[attr-defined]

    def score(network: nn.Module, images: Tensor) -> Tensor:
        return network(images)[:, :count].flatten(2).log_softmax(2).amax(2).mean(1)

    return score, lambda network, images: heads.peaks(network(images)[:, :count])[..., 2].mean(1), ("integrated gradients", *BY_COVERING)


def _structure(net: Net, at: int) -> tuple[Score, Score | None, tuple[str, ...]]:
    """The mean logit over what the network itself outlines on the picture as it is; the share of it that is still outlined (Vinogradova K et al. AAAI 2020)."""
    def within(network: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
        logits = network(images)[:, at]
        inside = (logits.detach() > 0).float()
        return logits, inside / inside.sum((1, 2), keepdim=True).clamp(min=1)

    def score(network: nn.Module, images: Tensor) -> Tensor:
        logits, weight = within(network, images)
        return (logits * weight).sum((1, 2))

    return score, None, ("integrated gradients", *BY_COVERING)


def _box(net: Net, at: int) -> tuple[Score, Score | None, tuple[str, ...]]:
    """The surest box of a label; of a detector that gives its strength, or the outputs of YOLO (objectness, then classes), as a function with a gradient, of another as it is answered."""
    import torch

    def answered(network: nn.Module, images: Tensor) -> Tensor:
        found = network.decode(network(images), tuple(images.shape[-2:]), score=0.0)  # type: ignore[operator]
        return torch.stack([torch.cat((scores[labels == at], scores.new_zeros(1))).max() for _, scores, labels, *_ in found])

    def log_strength(network: nn.Module, images: Tensor) -> Tensor:
        sigmoid = torch.nn.functional.logsigmoid
        cells = [sigmoid(raw[..., 4]) + sigmoid(raw[..., 5 + at]) for raw in network(images)]
        return torch.cat([c.flatten(1) for c in cells], 1).max(1).values

    assert net.fitted is not None
    if hasattr(net.fitted.network, "strength"):
        return lambda network, images: network.strength(images, at), lambda network, images: network.strength(images, at).exp(), ("Grad-CAM", "integrated gradients", *BY_COVERING)  # type: ignore[operator]
    if _like_yolo(net.fitted.network, net.fitted.view.shape, net.fitted.view.channels):
        return log_strength, lambda network, images: log_strength(network, images).exp(), ("Grad-CAM", "integrated gradients", *BY_COVERING)
    return answered, answered, BY_COVERING


def _like_yolo(network: nn.Module, shape: tuple[int, int], channels: int) -> bool:
    import torch

    with torch.no_grad():
        raw = network.eval()(torch.zeros(1, channels, *shape, device=next(network.parameters()).device))
    return isinstance(raw, (list, tuple)) and all(isinstance(r, torch.Tensor) and r.ndim == 5 for r in raw)
