"""Objects with outlines: lines, average precision at every overlap, what a model without outlines gets, averaging, files."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from osteon.errors import DataError
from osteon.readers import from_plain, to_plain
from osteon.stats.detection import average_precision, mask_iou, mean_precisions
from osteon.targets import Objects
from osteon.value import Grid
from osteon.value import Objects as Found

GRID = Grid((100, 100))


def lines(target: Objects, pairs: list[tuple[Found, Found]]) -> pd.DataFrame:
    rows = [{"case": f"c{k}", "patient": f"p{k}", "fold": "1"} | line.plain() for k, pair in enumerate(pairs) for line in target.compare(*pair)]
    return pd.DataFrame(rows)


def filled(boxes: list[list[float]], grid: Grid = GRID) -> np.ndarray:
    """Outlines that fill their boxes (in whole pixels)."""
    out = np.zeros((len(boxes), *grid.shape), bool)
    for layer, (r0, c0, r1, c1) in zip(out, np.floor(np.array(boxes) + 0.5).astype(int).reshape(-1, 4), strict=True):
        layer[r0:r1, c0:c1] = True
    return out


def found(boxes: list[list[float]], scores: list[float] | None = None, *, masks: bool = True, label: str = "torn") -> Found:
    return Found(np.array(boxes, float).reshape(-1, 4), (label,) * len(boxes), None if scores is None else np.array(scores), GRID, filled(boxes) if masks else None)  # type: ignore[arg-type]


PAIRS = [(found([[10, 10, 30, 30], [50, 50, 70, 70]]), found([[11, 11, 31, 31], [52, 48, 72, 68], [80, 80, 90, 90]], [0.9, 0.6, 0.5])),
         (found([[20, 20, 40, 40]]), found([[25, 25, 45, 45], [60, 60, 70, 70]], [0.8, 0.3])), (found([]), found([[5, 5, 15, 15]], [0.4]))]


def test_average_precision_is_that_of_pycocotools() -> None:
    """The images and answers of tests/test_stats_reference.py (pycocotools 2.0.11): 0.3228 over the overlaps; boxes of whole pixels have the outlines' overlap too."""
    metrics = Objects(("torn",), masks=True).metrics(lines(Objects(("torn",), masks=True), PAIRS))
    assert metrics["ap_coco"].estimate == pytest.approx(0.3227722772277228, abs=1e-9)
    assert metrics["mask_ap_coco"].estimate == pytest.approx(0.3227722772277228, abs=1e-9)
    assert metrics["ap"].estimate == pytest.approx(metrics["mask_ap"].estimate, abs=1e-9)
    assert metrics["iou"].estimate == pytest.approx(metrics["mask_iou"].estimate)
    assert metrics["ap_coco"].lower <= metrics["ap_coco"].estimate <= metrics["ap_coco"].upper


def test_resampled_precisions_are_those_of_one_weight_at_a_time() -> None:
    rng = np.random.default_rng(0)
    hits, scores = rng.random(40) < 0.6, rng.random(40)
    missed = 7
    by = np.concatenate([scores[hits], np.full(missed, -np.inf)])
    true_weights, false_weights = rng.integers(0, 4, (5, len(by))).astype(float), rng.integers(0, 4, (5, int((~hits).sum()))).astype(float)
    order = np.concatenate([np.flatnonzero(hits), np.flatnonzero(~hits)])
    together = np.concatenate([true_weights[:, :-missed], false_weights], axis=1)
    many = mean_precisions(by, scores[order], true_weights, together)
    one = [average_precision(hits[order], scores[order], float(t.sum()), weights=w) for t, w in zip(true_weights, together, strict=True)]
    assert many == pytest.approx(one, abs=1e-12)
    assert np.isnan(mean_precisions(by, scores[order], np.zeros((1, len(by))), together[:1])).all()
    assert mean_precisions(by[-missed:], [], np.ones((1, missed)), np.ones((1, 0))) == pytest.approx([0.0])
    with pytest.raises(ValueError, match="true_weights"):
        mean_precisions(by, scores, true_weights[:, :3], together)


def test_a_filled_box_is_no_outline() -> None:
    """The box is perfect, the outline is not: only the outline's figures tell."""
    rows, cols = np.mgrid[:100, :100]
    crescent = ((rows - 30) ** 2 + (cols - 30) ** 2 < 400) & ((rows - 40) ** 2 + (cols - 30) ** 2 > 300)
    where = np.argwhere(crescent)
    box = np.array([[*(where.min(axis=0) - 0.5), *(where.max(axis=0) + 0.5)]])
    truth = Found(box, ("torn",), grid=GRID, masks=crescent[None])
    target = Objects(("torn",), masks=True)
    filled_in, drawn = (target.metrics(lines(target, [(truth, answer)] * 3)) for answer in (Found(box, ("torn",), np.array([0.9]), GRID, filled(box.tolist())), Found(box, ("torn",), np.array([0.9]), GRID, crescent[None])))
    assert filled_in["ap_coco"].estimate == drawn["ap_coco"].estimate == drawn["mask_ap_coco"].estimate == 1
    assert filled_in["mask_ap_coco"].estimate < 0.5 and filled_in["mask_iou"].estimate < 0.6


def test_a_model_that_draws_nothing_has_no_figure_of_outlines() -> None:
    target = Objects(("torn",), masks=True)
    metrics = target.metrics(lines(target, [(truth, Found(given.boxes, given.labels, given.scores, GRID)) for truth, given in PAIRS]))
    assert "ap_coco" in metrics and not [name for name in metrics if name.startswith("mask")]


def test_a_truth_without_outlines_is_refused_where_they_are_asked_for() -> None:
    bare = found([[10, 10, 30, 30]], masks=False)
    assert Objects(("torn",)).value(bare) is bare
    with pytest.raises(DataError, match="no outlines"):
        Objects(("torn",), masks=True).value(bare)
    assert Objects(("torn",), masks=True).value(found([], masks=False)).labels == ()
    with pytest.raises(DataError, match="outlines do not fit"):
        Found(np.array([[1, 1, 2, 2.0]]), ("torn",), grid=GRID, masks=np.zeros((1, 50, 50), bool))


def test_the_mean_of_answers_keeps_the_outline_of_the_surest() -> None:
    target = Objects(("torn",), masks=True)
    mean = target.mean([found([[10, 10, 30, 30]], [0.6]), found([[12, 10, 32, 30]], [0.8])])
    assert isinstance(mean, Found) and mean.masks is not None and len(mean.labels) == 1
    assert np.array_equal(mean.masks[0], filled([[12, 10, 32, 30]])[0]) and mean.scores[0] == pytest.approx(0.7)
    assert target.mean([found([[10, 10, 30, 30]], [0.6]), found([[12, 10, 32, 30]], [0.8], masks=False)]).masks is None  # type: ignore[union-attr]


def test_outlines_survive_a_file() -> None:
    back = from_plain(to_plain(PAIRS[0][1]))
    assert isinstance(back, Found) and back.masks is not None and np.array_equal(back.masks, PAIRS[0][1].masks)  # type: ignore[arg-type]


def test_overlap_of_outlines() -> None:
    a, b = np.zeros((1, 4, 4), bool), np.zeros((2, 4, 4), bool)
    a[0, :2], b[0, 1:3], b[1, 3] = True, True, True
    assert mask_iou(a, b).tolist() == [[4 / 12, 0.0]] and mask_iou(a[:0], b).shape == (0, 2)
    with pytest.raises(ValueError, match="second"):
        mask_iou(a, np.zeros((1, 5, 4), bool))
