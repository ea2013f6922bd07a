"""Head width, loss and decoding by target family, on tensors alone.

An absent truth gives no loss: `present` is (B,) or, where each output can be absent by itself, (B, outputs).
"""
from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

REACH = 3  # pixels of a heat-map about its maximum that belong to one place
LEAST_SHARE = 0.4  # of the strongest mark of a map


def outputs(family: str, count: int) -> int:
    """Number of outputs for `count` classes, grades, structures or measures."""
    _known(family)
    return count - 1 if family == "grades" else count


def loss(family: str, output: Tensor, truth: Tensor, present: Tensor) -> Tensor:
    """Mean loss of the truths that are present, a scalar; zero with a gradient of zero where none is.

    classes: logits (B, K) and truth (B,) of integers (exclusive) or (B, K) of 0 and 1 (each on its own);
    grades: logits (B, K - 1) and truth (B,) of integers from 0 to K - 1;
    masks: logits (B, S, H, W) and truth of the same shape, 0 and 1;
    measures: standardised values (B, M) and truth of the same shape, or, by heat-maps, logits (B, M, H, W) and
    truth (B, M, 2), row and column in pixels. Raises ValueError for an unknown family.
    """
    return _known(family)(output.float(), truth, present)


def decode(family: str, output: Tensor, *, exclusive: bool = True) -> Tensor:
    """Answers of the outputs of a head.

    classes: probabilities (B, K), by softmax where classes are `exclusive`; grades: P(grade >= k), k = 1 to K - 1, never rising;
    masks: probabilities (B, S, H, W); measures: standardised values as they are, or points (B, M, 2) of heat-maps.
    Raises ValueError for an unknown family.
    """
    _known(family)
    output = output.float()
    if family == "measures":
        return points(output) if output.ndim == 4 else output
    if family == "classes" and exclusive:
        return output.softmax(dim=1)
    return output.sigmoid().cummin(dim=1).values if family == "grades" else output.sigmoid()


def classes_loss(logits: Tensor, truth: Tensor, present: Tensor) -> Tensor:
    """Cross entropy of exclusive classes (integer truth), binary cross entropy of findings that stand on their own."""
    if truth.is_floating_point():
        return _mean(functional.binary_cross_entropy_with_logits(*_held(logits, truth, present), reduction="none"), present)
    held, known = _held(logits, truth, present)
    return _mean(functional.cross_entropy(held, known.long(), reduction="none"), present)


def grades_loss(logits: Tensor, truth: Tensor, present: Tensor) -> Tensor:
    """Binary cross entropy of the questions "is the grade at least k?" (Cheng 2008, arXiv:0704.1028)."""
    steps = torch.arange(1, logits.shape[1] + 1, device=logits.device)
    return classes_loss(logits, (truth[:, None] >= steps).to(logits.dtype), present)


def structure_loss(logits: Tensor, truth: Tensor, present: Tensor, *, window: float = 31 / 352) -> Tensor:
    """Weighted binary cross entropy plus weighted intersection over union of masks (B, S, H, W), as HarDNet-MSEG is trained.

    The weight of a pixel is 1 + 5 |mean of the mask around it - mask| (Wei 2020, arXiv:1911.11445); the window is 31 pixels of
    352 in the publication and here the same share of the shorter side.
    """
    logits, truth = _held(logits, truth.to(logits.dtype), present)
    side = 2 * round(window * min(logits.shape[-2:]) / 2) + 1
    weight = 1 + 5 * (_blurred(truth, side) - truth).abs()
    entropy = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    entropy = (weight * entropy).sum(dim=(2, 3)) / weight.sum(dim=(2, 3))
    answer = logits.sigmoid()
    both = (answer * truth * weight).sum(dim=(2, 3))
    either = ((answer + truth) * weight).sum(dim=(2, 3)) - both
    return _mean(entropy + 1 - (both + 1) / (either + 1), present)


def measures_loss(output: Tensor, truth: Tensor, present: Tensor) -> Tensor:
    """Smooth L1 of standardised values (B, M), or the heat-map loss where the output has four dimensions."""
    output, truth = _held(output, truth.to(output.dtype), present)
    if output.ndim == 4:
        return _mean(_heatmap_loss(output, truth), present)
    return _mean(functional.smooth_l1_loss(output, truth, reduction="none"), present)


def marks_loss(logits: Tensor, truth: Tensor, present: Tensor) -> Tensor:
    """Cross entropy of heat-maps (B, K, H, W) to Gaussians of equal weight about marks (B, K, n, 2) (row, column), of which `present` (B, K, n) are there.

    Mean over the maps with a mark; zero with a gradient of zero where none has one.
    """
    logits, keep = logits.float(), present.bool()
    shape = (logits.shape[2], logits.shape[3])
    known = torch.where(keep[..., None], truth, torch.zeros_like(truth)).to(logits.dtype).flatten(1, 2)
    spots = heatmaps(known, shape, sigma=_sigma(shape)).unflatten(1, keep.shape[1:]) * keep[..., None, None]
    target = (spots.sum(dim=2) / keep.sum(dim=2).clamp(min=1)[..., None, None]).flatten(2)
    entropy = -(target * logits.flatten(2).log_softmax(dim=2)).sum(dim=2)
    return _mean(entropy, keep.any(dim=2))


def peaks(logits: Tensor, *, reach: int = REACH) -> Tensor:
    """Row, column and share (B, M, 3) of the strongest place of heat-maps (B, M, H, W).

    The share of the softmax within `reach` pixels of the maximum, and the expected point of that part: a second place does not draw it away.
    """
    share = logits.float().flatten(2).softmax(dim=2).view_as(logits)
    best = share.flatten(2).argmax(dim=2)
    centres = torch.div(best, logits.shape[3], rounding_mode="floor"), best % logits.shape[3]
    places = [torch.arange(side, device=logits.device, dtype=share.dtype) for side in logits.shape[2:]]
    near_rows, near_cols = ((place - centre[..., None]).abs() <= reach for place, centre in zip(places, centres, strict=True))
    part = share * near_rows[..., :, None] * near_cols[..., None, :]
    mass = part.sum(dim=(2, 3)).clamp(min=1e-12)
    row, col = ((part.sum(dim=3) * places[0]).sum(dim=2) / mass, (part.sum(dim=2) * places[1]).sum(dim=2) / mass)
    return torch.stack((row, col, mass), dim=-1)


def marks(logits: Tensor, *, most: int, least: float = LEAST_SHARE) -> list[list[Tensor]]:
    """For each image and heat-map of (B, K, H, W) its marks (n, 3: row, column, share), 1 <= n <= `most`, the strongest first.

    Marks are taken one after another, each with its surroundings; one with less than the part `least` of the first one's share is none.
    """
    rest, found = logits.float(), []
    for _ in range(most):
        found.append(peaks(rest))
        rest = rest.masked_fill(_near(found[-1], rest.shape), float("-inf"))
    total = torch.stack(found, dim=2)
    weight = torch.cumprod(torch.cat((torch.ones_like(total[:, :, :1, 2]), 1 - total[:, :, :-1, 2]), dim=2), dim=2) * total[..., 2]
    total = torch.cat((total[..., :2], weight[..., None]), dim=-1)
    return [[spots[spots[:, 2] >= least * spots[0, 2]] for spots in image] for image in total]


def points(logits: Tensor) -> Tensor:
    """Expected row and column (B, M, 2), in pixels, of the softmax of heat-maps (B, M, H, W) (Nibali 2018, arXiv:1801.07372)."""
    share = logits.flatten(2).softmax(dim=2).view_as(logits)
    rows, columns = (torch.arange(side, device=logits.device, dtype=logits.dtype) for side in logits.shape[2:])
    return torch.stack(((share.sum(dim=3) * rows).sum(dim=2), (share.sum(dim=2) * columns).sum(dim=2)), dim=-1)


def heatmaps(points: Tensor, shape: tuple[int, int], *, sigma: float) -> Tensor:
    """Gaussian heat-maps (B, M, H, W) that sum to one about points (B, M, 2) (row, column), `sigma` in pixels."""
    parts = []
    for axis, side in enumerate(shape):
        position = torch.arange(side, device=points.device, dtype=points.dtype)
        parts.append((-(position - points[..., axis, None]).square() / (2 * sigma**2)).softmax(dim=-1))
    return parts[0][..., :, None] * parts[1][..., None, :]


FAMILIES: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "classes": classes_loss, "grades": grades_loss, "masks": structure_loss, "measures": measures_loss,
}


def hazard_loss(log_hazard: Tensor, time: Tensor, event: Tensor) -> Tensor:
    """Negative Cox partial log likelihood with Efron's ties of log hazards (n,), times (n,) and events (n,), mean over the events.

    Those at risk are all whose time is not shorter; the l-th of d tied events leaves l / d of their hazards out (Efron 1977). Zero with a gradient of zero where
    nobody has an event. Katzman 2018.
    """
    order = torch.argsort(time, descending=True, stable=True)
    h, seen = log_hazard[order].double(), event[order].bool()
    _, group, sizes = torch.unique_consecutive(time[order], return_inverse=True, return_counts=True)
    risk = (h - h.max().detach()).exp()
    at_risk = risk.cumsum(dim=0)[sizes.cumsum(dim=0) - 1]
    tied, events = risk.new_zeros(len(sizes)), risk.new_zeros(len(sizes))
    tied, events = tied.index_add(0, group, risk * seen), events.index_add(0, group, seen.to(risk.dtype))
    before = seen.cumsum(dim=0) - 1 - (events.cumsum(dim=0) - events)[group]  # tied events that stand before this one
    left = at_risk[group] - before.clamp(min=0) / events[group].clamp(min=1) * tied[group]
    return -_mean(h - h.max().detach() - left.clamp(min=1e-300).log(), seen).to(log_hazard.dtype)


def _known(family: str) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    if family not in FAMILIES:
        raise ValueError(f"family: has no head (one of {', '.join(FAMILIES)}). Found {family!r}.")
    return FAMILIES[family]


def _heatmap_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross entropy to a Gaussian plus the distance of the expected point, in widths of that Gaussian: (B, M)."""
    shape = (logits.shape[2], logits.shape[3])
    target = heatmaps(truth, shape, sigma=_sigma(shape)).flatten(2)
    entropy = -(target * logits.flatten(2).log_softmax(dim=2)).sum(dim=2)
    return entropy + (points(logits) - truth).norm(dim=-1) / _sigma(shape)


def _sigma(shape: tuple[int, int]) -> float:
    """The width of a Gaussian in pixels of its map."""
    return max(shape) / 64


def _near(spots: Tensor, shape: torch.Size) -> Tensor:
    """The surroundings (B, K, H, W) of a mark (B, K, 3) of each map."""
    rows, cols = ((torch.arange(side, device=spots.device) - spots[..., k, None]).abs() <= REACH for k, side in enumerate(shape[2:]))
    return rows[..., :, None] & cols[..., None, :]


def _held(output: Tensor, truth: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
    """Output and truth with zeros where the truth is absent, so that a missing number cannot reach a gradient."""
    keep = present.bool()
    out, true = (torch.where(_spread(keep, values), values, torch.zeros_like(values)) for values in (output, truth))
    return out, true


def _spread(present: Tensor, values: Tensor) -> Tensor:
    return present.view(present.shape + (1,) * (values.ndim - present.ndim))


def _mean(losses: Tensor, present: Tensor) -> Tensor:
    """Mean of the losses (B,) or (B, outputs) whose truth is present."""
    keep = _spread(present.bool(), losses).expand_as(losses).to(losses.dtype)
    return (losses * keep).sum() / keep.sum().clamp(min=1.0)


def _blurred(masks: Tensor, side: int) -> Tensor:
    """Mean over a square window, by rows and then by columns: a square in one pass costs `side` times more."""
    rows = functional.avg_pool2d(masks, (side, 1), stride=1, padding=(side // 2, 0))
    return functional.avg_pool2d(rows, (1, side), stride=1, padding=(0, side // 2))
