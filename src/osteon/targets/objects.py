"""Things found in an image: boxes with a label and a confidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from osteon.errors import DataError, StudyError, message, near
from osteon.targets.lines import Cut, Line, Youden, answered, auc_of, mean_by_patient, state, within_folds
from osteon.value import Objects as Boxes
from osteon.value import Value, Withheld

if TYPE_CHECKING:
    import pandas as pd

    from osteon.stats.intervals import Interval

MISSED = float("-inf")


@dataclass(frozen=True)
class Objects:
    """Labels of boxes; a found box counts at `iou` overlap, the most certain first; `most` bounds how many of a label an image holds."""

    names: tuple[str, ...]
    iou: float = 0.5
    cut: Cut | None = Youden()
    most: int | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not self.names or not 0 < self.iou < 1:
            raise StudyError(message("Objects", "labels or overlap are impossible", found=f"Found {self.names}, {self.iou}"))

    @property
    def findings(self) -> tuple[str, ...]:
        """The labels, the main one first."""
        return self.names

    def value(self, raw: Any) -> Value:
        """Boxes; raises DataError for an unknown label."""
        if isinstance(raw, Withheld):
            return raw
        if not isinstance(raw, Boxes):
            raise DataError(message("objects", "no boxes can be made of this", expected="a JSON or COCO file of boxes", found=f"Found {type(raw).__name__}"))
        strangers = set(raw.labels) - set(self.names)
        if strangers:
            raise DataError(message("objects", f"{sorted(strangers)[0]!r} is no declared label", expected=", ".join(self.names), do=near(sorted(strangers)[0], self.names)))
        return raw

    def score(self, value: Value, finding: str) -> float:
        """The highest confidence of a label in the image; 0 where none is found."""
        assert isinstance(value, Boxes)
        return max((float(s) for s, n in zip(value.scores, value.labels, strict=True) if n == finding), default=0.0)

    def is_positive(self, truth: Value, finding: str) -> bool | None:
        """Whether the image holds the label."""
        assert isinstance(truth, Boxes)
        return finding in truth.labels

    def compare(self, truth: Value, value: Value) -> Sequence[Line]:
        """One line an image and label, one a true box (score of the box that found it, -inf where missed), one a false mark."""
        assert isinstance(truth, Boxes)
        out: list[Line] = []
        for name in self.names:
            known = state(self.is_positive(truth, name))
            if isinstance(value, Withheld):
                out.append(Line(name, "image", state=known, withheld=value.reason))
                continue
            assert isinstance(value, Boxes)
            out.append(Line(name, "image", state=known, score=self.score(value, name)))
            out += self._marks(truth.of(name), value.of(name), np.sort(value.scores[[n == name for n in value.labels]])[::-1], name)
        return out

    def _marks(self, truth: np.ndarray, boxes: np.ndarray, scores: np.ndarray, name: str) -> list[Line]:
        from osteon.stats.detection import box_iou, match

        overlap = box_iou(truth, boxes).reshape(len(truth), len(boxes))
        partner = match(overlap, scores, self.iou)
        found = {int(t): i for i, t in enumerate(partner) if t >= 0}
        lesions = [Line(name, "lesion", state="true", score=float(scores[found[t]]) if t in found else MISSED,
                        numbers={"iou": float(overlap[t, found[t]]) if t in found else 0.0}) for t in range(len(truth))]
        return lesions + [Line(name, "mark", state="false", score=float(scores[i])) for i, t in enumerate(partner) if t < 0]

    def metrics(self, lines: pd.DataFrame) -> dict[str, Interval]:
        """Average precision at the overlap (patient-level bootstrap), recall and mean overlap of found boxes, image-level AUC where images differ."""
        from osteon.stats.clusters import clustered_proportion
        from osteon.stats.intervals import undefined

        given = answered(lines)
        lesion, mark = given[given["unit"] == "lesion"], given[given["unit"] == "mark"]
        if not len(lesion):
            return {"ap": undefined("no true box")}
        found = (lesion["score"] > MISSED).to_numpy()
        out = {"ap": _average_precision(lesion, mark), "recall": clustered_proportion(found, lesion["patient"].to_numpy()),
               "iou": mean_by_patient(lesion["n.iou"].to_numpy(float), lesion["patient"].to_numpy())}
        image = given[given["unit"] == "image"]
        return out | ({"auc": within_folds(image, auc_of)} if image["state"].nunique() > 1 else {})

    def mean(self, values: Sequence[Value]) -> Value:
        """The boxes of all answers, confidence divided by their number, overlapping ones of a label kept once (weighted mean)."""
        given = [v for v in values if isinstance(v, Boxes)]
        if len(given) <= 1:
            return given[0] if given else values[0]
        return _fused(given, self.iou, len(values))


def _fused(answers: Sequence[Boxes], iou: float, n: int) -> Boxes:
    """Weighted boxes fusion (Solovyev 2021): each box joins the first cluster of its label that it overlaps."""
    from osteon.stats.detection import box_iou

    items = sorted(((float(s), n, box) for a in answers for s, n, box in zip(a.scores, a.labels, a.boxes, strict=True)), key=lambda t: -t[0])
    clusters: list[tuple[str, list[float], list[np.ndarray]]] = []
    for score, label, box in items:
        home = next((c for c in clusters if c[0] == label and box_iou(np.mean(c[2], axis=0)[None], box[None])[0, 0] > iou), None)
        if home is None:
            home = (label, [], [])
            clusters.append(home)
        home[1].append(score)
        home[2].append(box)
    boxes = np.array([np.average(b, axis=0, weights=np.array(s) + 1e-9) for _, s, b in clusters]).reshape(len(clusters), -1)
    scores = np.array([min(1.0, sum(s) / n) for _, s, _ in clusters])
    return Boxes(boxes, tuple(label for label, _, _ in clusters), scores, answers[0].grid)


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
