"""Things found in an image: boxes with a label and a confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, StudyError, message, near
from osteon.geometry.points import nearest, squares
from osteon.targets.lines import Cut, Line, Youden, answered, auc_of, mean_by_patient, state, within_folds
from osteon.value import Objects as Boxes
from osteon.value import Value, Withheld

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval

MISSED = float("-inf")
BLOCK = 4_000_000  # numbers held at once


@dataclass(frozen=True)
class Objects:
    """Labels of boxes; a found box counts at `iou` overlap, the most certain first; `most` bounds how many of a label an image holds; with `masks` each object has an outline.

    With `window` the things are points, the middles of boxes: truth and answer are judged as squares of this side (a share of the rows of the image) about them, whatever boxes they come in.
    """

    names: tuple[str, ...]
    iou: float = 0.5
    cut: Cut | None = Youden()
    most: int | None = field(default=None, kw_only=True)
    masks: bool = field(default=False, kw_only=True)
    window: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not self.names or not 0 < self.iou < 1 or (self.window is not None and not 0 < self.window <= 1):
            raise StudyError(message("Objects", "labels, overlap or window are impossible", found=f"Found {self.names}, {self.iou}, {self.window}"))

    @property
    def findings(self) -> tuple[str, ...]:
        """The labels, the main one first."""
        return self.names

    def value(self, raw: Any) -> Value:
        """Boxes; raises DataError for an unknown label, and where outlines are asked for and there is none."""
        if isinstance(raw, Withheld):
            return raw
        if not isinstance(raw, Boxes):
            raise DataError(message("objects", "no boxes can be made of this", expected="a JSON or COCO file of boxes", found=f"Found {type(raw).__name__}"))
        strangers = set(raw.labels) - set(self.names)
        if strangers:
            raise DataError(message("objects", f"{sorted(strangers)[0]!r} is no declared label", expected=", ".join(self.names), do=near(sorted(strangers)[0], self.names)))
        if self.masks and raw.labels and (raw.masks is None or raw.grid is None):
            raise DataError(message("objects", "these boxes have no outlines", expected="an outline (masks) of each box, on the grid of the image"))
        return self._seen(raw)

    def _seen(self, boxes: Boxes) -> Boxes:
        """The boxes as they are judged."""
        return boxes if self.window is None else squares(boxes, self.window)

    def score(self, value: Value, finding: str) -> float:
        """The highest confidence of a label in the image; 0 where none is found."""
        assert isinstance(value, Boxes)
        return max((float(s) for s, n in zip(value.scores, value.labels, strict=True) if n == finding), default=0.0)

    def is_positive(self, truth: Value, finding: str) -> bool | None:
        """Whether the image holds the label."""
        assert isinstance(truth, Boxes)
        return finding in truth.labels

    def compare(self, truth: Value, value: Value) -> Sequence[Line]:
        """One line an image and label, one a true box (score of the box that found it, -inf where missed; the same at every overlap of COCO, and of outlines), one a false mark."""
        assert isinstance(truth, Boxes)
        truth, value = self._seen(truth), self._seen(value) if isinstance(value, Boxes) else value
        out: list[Line] = []
        for name in self.names:
            known = state(self.is_positive(truth, name))
            if isinstance(value, Withheld):
                out.append(Line(name, "image", state=known, withheld=value.reason))
                continue
            assert isinstance(value, Boxes)
            out.append(Line(name, "image", state=known, score=self.score(value, name)))
            out += self._marks(truth, value, name)
        return out

    def _marks(self, truth: Boxes, value: Boxes, name: str) -> list[Line]:
        from osteon.stats.detection import box_iou, mask_iou

        true, given = truth.ranked(name), value.ranked(name)
        scores = value.scores[given]
        found = _found(box_iou(truth.boxes[true], value.boxes[given]).reshape(len(true), len(given)), scores, self.iou)
        numbers = [{"iou": found.overlap[t], **found.at(t)} for t in range(len(true))]
        if self.masks and truth.masks is not None and value.masks is not None:
            drawn = _found(mask_iou(truth.masks[true], value.masks[given]), scores, self.iou)
            numbers = [own | {"mask_iou": drawn.overlap[t], **drawn.at(t, "mask_")} for t, own in enumerate(numbers)]
        if self.window is not None:
            sides = truth.boxes[true][:, 2] - truth.boxes[true][:, 0]
            numbers = [own | {"distance": float(gap), "apart": float(gap / side)} for own, gap, side in zip(numbers, nearest(truth.boxes[true], value.boxes[given]), sides, strict=True)]
        lesions = [Line(name, "lesion", state="true", score=found.scores[_key(self.iou)][t], numbers=numbers[t]) for t in range(len(true))]
        return lesions + [Line(name, "mark", state="false", score=float(scores[i])) for i in found.false]

    def metrics(self, lines: pd.DataFrame) -> dict[str, Interval]:
        """Average precision at the overlap and as COCO has it (overlaps of 0.50 to 0.95; patient-level bootstrap), recall and mean overlap of found boxes, the same of outlines, of points the mean distance (pixels) of found ones, image-level AUC where images differ."""
        from osteon.stats.clusters import clustered_proportion
        from osteon.stats.detection import COCO_IOU
        from osteon.stats.intervals import undefined

        given = answered(lines)
        lesion, mark = given[given["unit"] == "lesion"], given[given["unit"] == "mark"]
        if not len(lesion):
            return {"ap": undefined("no true box")}
        found = (lesion["score"] > MISSED).to_numpy()
        out = {"ap": _average_precision(lesion, mark), "recall": clustered_proportion(found, lesion["patient"].to_numpy()),
               "iou": mean_by_patient(lesion["n.iou"].to_numpy(float), lesion["patient"].to_numpy()), "ap_coco": _mean_precision(lesion, mark, COCO_IOU)}
        if "n.mask_iou" in lesion and lesion["n.mask_iou"].notna().all():
            out |= {"mask_ap": _mean_precision(lesion, mark, (self.iou,), "mask_"), "mask_ap_coco": _mean_precision(lesion, mark, COCO_IOU, "mask_"),
                    "mask_iou": mean_by_patient(lesion["n.mask_iou"].to_numpy(float), lesion["patient"].to_numpy())}
        if self.window is not None and found.any():
            out["distance"] = mean_by_patient(lesion["n.distance"].to_numpy(float)[found], lesion["patient"].to_numpy()[found])
        image = given[given["unit"] == "image"]
        return out | ({"auc": within_folds(image, auc_of)} if image["state"].nunique() > 1 else {})

    def mean(self, values: Sequence[Value]) -> Value:
        """The boxes of all answers, confidence divided by their number, overlapping ones of a label kept once (weighted mean)."""
        given = [v for v in values if isinstance(v, Boxes)]
        if len(given) <= 1:
            return given[0] if given else values[0]
        return _fused(given, self.iou, len(values))


@dataclass(frozen=True)
class _Found:
    """Of one label in one image: overlap (t,) of each true object with the one that found it, its score (t,) by threshold, and the places of the false marks."""

    overlap: list[float]
    scores: dict[str, list[float]]
    false: list[int]

    def at(self, true: int, prefix: str = "") -> dict[str, float]:
        """The scores of one true object as numbers of its line."""
        return {f"{prefix}at_{key}": scores[true] for key, scores in self.scores.items()}


def _key(threshold: float) -> str:
    return f"{threshold:.2f}"


def _found(overlap: np.ndarray, scores: np.ndarray, iou: float) -> _Found:
    """Matches of true objects and found ones by their overlaps (t, f), at `iou` and at every threshold of COCO; found ones stand from the most certain on."""
    from osteon.stats.detection import COCO_IOU, match

    partners = {_key(t): match(overlap, scores, t) for t in dict.fromkeys((iou, *COCO_IOU))}
    by = {key: {int(t): i for i, t in enumerate(partner) if t >= 0} for key, partner in partners.items()}
    own, true = by[_key(iou)], range(len(overlap))
    return _Found([float(overlap[t, own[t]]) if t in own else 0.0 for t in true], {key: [float(scores[found[t]]) if t in found else MISSED for t in true] for key, found in by.items()},
                  [i for i, t in enumerate(partners[_key(iou)]) if t < 0])


def _fused(answers: Sequence[Boxes], iou: float, n: int) -> Boxes:
    """Weighted boxes fusion (Solovyev 2021): each box joins the first cluster of its label that it overlaps; the outline is that of the surest."""
    from osteon.stats.detection import box_iou

    drawn = all(a.masks is not None for a in answers)
    items = sorted(((float(s), n, box, a.masks[k] if a.masks is not None and drawn else None) for a in answers for k, (s, n, box) in enumerate(zip(a.scores, a.labels, a.boxes, strict=True))),
                   key=lambda t: -t[0])
    clusters: list[tuple[str, list[float], list[np.ndarray], np.ndarray | None]] = []
    for score, label, box, mask in items:
        home = next((c for c in clusters if c[0] == label and box_iou(np.mean(c[2], axis=0)[None], box[None])[0, 0] > iou), None)
        if home is None:
            home = (label, [], [], mask)
            clusters.append(home)
        home[1].append(score)
        home[2].append(box)
    boxes = np.array([np.average(b, axis=0, weights=np.array(s) + 1e-9) for _, s, b, _ in clusters]).reshape(len(clusters), -1)
    scores = np.array([min(1.0, sum(s) / n) for _, s, _, _ in clusters])
    grid = answers[0].grid
    masks = np.array([m for *_, m in clusters], bool).reshape(len(clusters), *(grid.shape if grid else ())) if drawn and grid else None
    return Boxes(boxes, tuple(label for label, *_ in clusters), scores, grid, masks)


def _average_precision(lesion: pd.DataFrame, mark: pd.DataFrame) -> Interval:
    """Average precision (COCO, at the overlap of the lines) with limits from resampling patients."""
    from osteon.stats.clusters import bootstrap
    from osteon.stats.detection import average_precision

    hits = np.concatenate([np.ones(len(lesion), bool), np.zeros(len(mark), bool)])
    scores = np.concatenate([lesion["score"].to_numpy(float), mark["score"].to_numpy(float)])
    found = scores > MISSED

    def at(weights: np.ndarray) -> float:
        return average_precision(hits[found], scores[found], float(weights[hits].sum()), weights=weights[found])

    return bootstrap(at, np.concatenate([lesion["patient"].to_numpy(), mark["patient"].to_numpy()]), resamples=500)


def _mean_precision(lesion: pd.DataFrame, mark: pd.DataFrame, thresholds: Sequence[float], prefix: str = "") -> Interval:
    """Average precision over thresholds, with limits from resampling patients, of true objects whose lines hold the scores at each threshold."""
    from osteon.stats.arguments import codes
    from osteon.stats.clusters import from_resamples, times_drawn
    from osteon.stats.detection import mean_precisions

    by = lesion[[f"n.{prefix}at_{_key(t)}" for t in thresholds]].to_numpy(float).T
    true = lesion["score"].to_numpy(float) > MISSED
    scores = np.concatenate([lesion["score"].to_numpy(float)[true], mark["score"].to_numpy(float)])
    of, groups = codes(np.concatenate([lesion["patient"].to_numpy(), mark["patient"].to_numpy()]), "patients")
    drawn = np.vstack([np.ones(groups), times_drawn(groups, resamples=500, seed=0)])
    ours, found = of[:len(lesion)], np.concatenate([of[:len(lesion)][true], of[len(lesion):]])
    blocks = np.array_split(drawn, max(1, len(drawn) * len(scores) // BLOCK))
    values = np.concatenate([mean_precisions(by, scores, rows[:, ours], rows[:, found]) for rows in blocks])
    return from_resamples(float(values[0]), values[1:])
