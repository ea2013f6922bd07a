"""Detection of objects: matching, average precision, FROC.

Lin TY et al. ECCV 2014 (COCO: 101 recall points, IoU 0.50 to 0.95); Everingham M et al. Int J Comput Vis 2010; 88: 303
(area under the interpolated curve); Bunch PC et al. 1978 (FROC); Setio AAA et al. Med Image Anal 2017; 42: 1 (mean
sensitivity at 1/8 to 8 false positives an image).
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from osteon.stats.arguments import Bools, Floats, binary, numbers, refuse, same_length
from osteon.stats.arguments import weights as weights_of

COCO_IOU = tuple(np.arange(0.5, 1.0, 0.05).round(2).tolist())
FROC_RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


class ImageBoxes(NamedTuple):
    """One image: true boxes (t, 2d), found boxes (f, 2d) as lower then upper corner, and scores (f,)."""

    truth: ArrayLike
    found: ArrayLike
    scores: ArrayLike


class FrocPoints(NamedTuple):
    """Lesion sensitivity and false positives an image (k,) at each falling cut (k,)."""

    sensitivity: Floats
    false_positives: Floats
    cuts: Floats


def box_iou(first: ArrayLike, second: ArrayLike) -> Floats:
    """Intersection over union (n, m) of boxes (n, 2d) and (m, 2d): lower corner then upper, any dimension d."""
    a, b = _boxes(first, "first"), _boxes(second, "second")
    if not len(a) or not len(b):
        return np.zeros((len(a), len(b)))
    d = a.shape[1] // 2
    low = np.maximum(a[:, None, :d], b[None, :, :d])
    high = np.minimum(a[:, None, d:], b[None, :, d:])
    both = np.clip(high - low, 0, None).prod(-1)
    sizes = [(x[:, d:] - x[:, :d]).prod(-1) for x in (a, b)]
    whole = sizes[0][:, None] + sizes[1][None, :] - both
    return np.divide(both, whole, out=np.zeros_like(both), where=whole > 0)


def _boxes(values: ArrayLike, name: str) -> Floats:
    array = np.asarray(values, np.float64)
    if array.size == 0:
        return np.zeros((0, 4))
    corners = numbers(array, name, ndim=2)
    d = corners.shape[1] // 2
    if corners.shape[1] not in (4, 6):
        raise ValueError(f"{name}: {corners.shape[1]} columns (expected 4 or 6: lower corner, upper corner)")
    refuse(name, corners[:, d:], corners[:, d:] < corners[:, :d], "an upper corner at or above the lower")
    return corners


def match(overlap: ArrayLike, scores: ArrayLike, threshold: float) -> NDArray[np.intp]:
    """For each found object the true one it is matched to, or -1: greedy by falling score, as COCO.

    ``overlap`` (t, f) is IoU or any closeness that grows; each true object is matched once, to the best score first,
    which takes the free true object of largest overlap at or above ``threshold``.
    """
    closeness, ranked = np.asarray(overlap, np.float64), numbers(scores, "scores")
    if closeness.ndim != 2 or closeness.shape[1] != len(ranked):
        raise ValueError(f"overlap: shape {closeness.shape} (expected true objects by {len(ranked)} scores)")
    taken, matched = np.zeros(len(closeness), bool), np.full(len(ranked), -1, np.intp)
    if not len(closeness):
        return matched
    for found in np.argsort(-ranked, kind="stable"):
        free = np.where(taken, -np.inf, closeness[:, found])
        best = int(np.argmax(free))
        if free[best] >= threshold:
            taken[best], matched[found] = True, best
    return matched


def average_precision(hits: ArrayLike, scores: ArrayLike, truths: float, *, weights: ArrayLike | None = None,
                      convention: str = "coco") -> float:
    """Average precision of found objects (n,) over all images; nan where there is nothing to find.

    ``truths`` is the (weighted) number of true objects. ``convention`` is "coco" (101 recall points) or "area"
    (Pascal VOC 2010).
    """
    hit, ranked = binary(hits, "hits"), numbers(scores, "scores")
    same_length(hits=hit, scores=ranked)
    if truths <= 0:
        return math.nan
    if convention not in ("coco", "area"):
        raise ValueError(f"convention: {convention!r} (expected 'coco' or 'area')")
    order = np.argsort(-ranked, kind="stable")
    w = weights_of(weights, len(hit))[order]
    true, false = np.cumsum(w * hit[order]), np.cumsum(w * ~hit[order])
    recall, precision = true / truths, true / np.maximum(true + false, 1e-300)
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    if convention == "coco":
        return float(envelope[np.searchsorted(recall, np.linspace(0, 1, 101), side="left")].mean())
    return float((np.diff(recall, prepend=0.0) * envelope[:-1]).sum())


def mean_precisions(found_by: ArrayLike, scores: ArrayLike, true_weights: ArrayLike, found_weights: ArrayLike) -> Floats:
    """Average precision as COCO has it, averaged over thresholds, for each row of weights (r,); nan where a row has nothing to find.

    ``found_by`` (thresholds, t) is the score of the object that each true one was matched to at each threshold, -inf where it
    was missed; ``scores`` (f,) are those of all found objects, ``true_weights`` (r, t) and ``found_weights`` (r, f) what both count.
    """
    by, ranked = np.atleast_2d(np.asarray(found_by, np.float64)), numbers(scores, "scores")
    ours, theirs = np.asarray(true_weights, np.float64), np.asarray(found_weights, np.float64)
    if ours.shape[1:] != by.shape[1:] or theirs.shape != (len(ours), len(ranked)):
        raise ValueError(f"true_weights: shape {ours.shape} beside {theirs.shape} (expected rows of {by.shape[1]} and of {len(ranked)} weights)")
    order = np.argsort(-ranked, kind="stable")
    rising, every, truths = ranked[order][::-1], np.cumsum(theirs[:, order], axis=1), ours.sum(axis=1)
    out = np.zeros(len(ours))
    for row in by:
        hit = np.isfinite(row)
        true = np.zeros((len(ranked), len(ours)))
        np.add.at(true, len(ranked) - 1 - np.searchsorted(rising, row[hit]), ours[:, hit].T)
        out += _interpolated(np.cumsum(true.T, axis=1), every, truths)
    return np.where(truths > 0, out / len(by), np.nan)


def _interpolated(true: Floats, every: Floats, truths: Floats) -> Floats:
    """The mean of the falling envelope of precision at the 101 recall points, of counts (r, f) that rise with falling score."""
    if not true.shape[1]:
        return np.zeros(len(true))
    envelope = np.maximum.accumulate((true / np.maximum(every, 1e-300))[:, ::-1], axis=1)[:, ::-1]
    points = np.floor(100 * true / np.maximum(truths, 1e-300)[:, None] + 1e-9) + 1  # of the 101 that this recall reaches
    return np.asarray((np.diff(points, axis=1, prepend=0.0) * envelope).sum(axis=1) / 101)


def mask_iou(first: ArrayLike, second: ArrayLike) -> Floats:
    """Intersection over union (n, m) of outlines (n, ...) and (m, ...), yes or no at each point of one grid; 0 where both are empty."""
    one, other = np.asarray(first, bool), np.asarray(second, bool)
    if not len(one) or not len(other):
        return np.zeros((len(one), len(other)))
    if one.shape[1:] != other.shape[1:]:
        raise ValueError(f"second: a grid of {other.shape[1:]} (expected {one.shape[1:]}, as in first)")
    a, b = (masks.reshape(len(masks), -1).astype(np.float32) for masks in (one, other))
    both = (a @ b.T).astype(np.float64)
    whole = a.sum(1)[:, None] + b.sum(1)[None] - both
    return np.divide(both, whole, out=np.zeros_like(both), where=whole > 0)


def matched_hits(images: Sequence[ImageBoxes], threshold: float) -> tuple[Bools, Floats, int]:
    """Hit or false alarm (n,), score (n,) of every found box, and the number of true boxes."""
    hits, scores, truths = [np.zeros(0, bool)], [np.zeros(0)], 0
    for image in images:
        s = np.asarray(image.scores, np.float64).reshape(-1)
        true = len(_boxes(image.truth, "truth"))
        hits.append(match(box_iou(image.truth, image.found).reshape(true, len(s)), s, threshold) >= 0)
        scores.append(s)
        truths += true
    return np.concatenate(hits), np.concatenate(scores), truths


def mean_average_precision(images: Sequence[ImageBoxes], *, thresholds: Sequence[float] = COCO_IOU) -> float:
    """COCO mAP of one class over IoU thresholds; average over classes by the caller. nan without true objects."""
    return float(np.mean([average_precision(*matched_hits(images, t)) for t in thresholds]))


def froc(hits: ArrayLike, scores: ArrayLike, *, lesions: int, images: int) -> FrocPoints:
    """FROC corners, one a distinct score; ValueError without lesions or images."""
    hit, ranked = binary(hits, "hits"), numbers(scores, "scores")
    same_length(hits=hit, scores=ranked)
    for name, count in (("lesions", lesions), ("images", images)):
        if count < 1:
            raise ValueError(f"{name}: {count} (expected at least 1)")
    order = np.argsort(-ranked, kind="stable")
    sorted_scores = ranked[order]
    last = np.flatnonzero(np.append(sorted_scores[1:] != sorted_scores[:-1], len(ranked) > 0)[:len(ranked)])
    return FrocPoints(np.cumsum(hit[order])[last] / lesions, np.cumsum(~hit[order])[last] / images,
                      sorted_scores[last])


def froc_sensitivities(points: FrocPoints, rates: Sequence[float] = FROC_RATES) -> Floats:
    """Sensitivity (k,) at given false positives an image: the last corner that does not exceed each.

    Their mean at FROC_RATES is the LUNA16 score.
    """
    place = np.searchsorted(points.false_positives, np.asarray(rates) + 1e-12, side="right")
    return np.concatenate(([0.0], points.sensitivity))[place]
