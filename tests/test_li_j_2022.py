"""Li J 2022: one pass that finds, outlines and grades; what is lost without each piece; the levels of test data."""

from __future__ import annotations

import numpy as np
import pytest

from osteon.design import Given, Units
from osteon.models import Chain, Net
from osteon.simulate.knee_mri import knee_slice
from osteon.simulate.knee_mri_hospitals import place
from osteon.studies.li_j_2022 import GRADES, STUDY, worst_shown
from osteon.targets import Objects
from osteon.value import Label
from osteon.value import Objects as Found

SLICES = [knee_slice((31, k), slot=k % 4, matrix=160, state=GRADES[k % 3]) for k in range(12)]


def given(labels: tuple[str, ...], scores: list[float]) -> Label:
    return worst_shown(Found(np.tile([1.0, 1, 5, 5], (len(labels), 1)), labels, np.array(scores)))


def test_a_slice_is_torn_by_its_surest_tear_and_healthy_where_nothing_is_found() -> None:
    assert given(("healthy", "torn"), [0.95, 0.6]).name == "torn" and given(("healthy", "degenerated"), [0.9, 0.7]).name == "degenerated"
    assert given((), []).name == "healthy" and given((), []).probabilities["torn"] == 0
    both = given(("torn", "torn", "degenerated"), [0.2, 0.4, 0.5])
    assert both.probabilities == pytest.approx({"torn": 0.4, "degenerated": 0.3, "healthy": 0.3})


def test_perfect_detections_give_the_class_of_the_slice() -> None:
    assert [worst_shown(made.menisci).name for made in SLICES] == [made.state for made in SLICES]
    assert {made.state for made in SLICES} == set(GRADES)


def test_without_grades_as_classes_a_detector_can_not_tell_a_slice() -> None:
    """The same boxes and outlines, every one called a meniscus: what they show is lost."""
    from dataclasses import replace

    blind = [worst_shown(replace(made.menisci, labels=("healthy",) * len(made.menisci.labels))).name for made in SLICES]
    assert np.mean([name == made.state for name, made in zip(blind, SLICES, strict=True)]) < 0.7


def test_without_outlines_a_meniscus_is_a_filled_box() -> None:
    """Of perfect boxes: a bow-tie or a wedge fills little of its box, and only outlines pay for that."""
    target = STUDY.targets["menisci"]
    assert isinstance(target, Objects) and target.masks
    overlaps = []
    for made in SLICES:
        boxes = np.zeros(made.menisci.masks.shape, bool)  # type: ignore[union-attr]
        for layer, (r0, c0, r1, c1) in zip(boxes, np.floor(made.menisci.boxes + 0.5).astype(int), strict=True):
            layer[r0:r1, c0:c1] = True
        lines = target.compare(made.menisci, Found(made.menisci.boxes, made.menisci.labels, np.full(len(boxes), 0.9), made.grid, boxes))
        overlaps += [(line.numbers["iou"], line.numbers["mask_iou"]) for line in lines if line.unit == "lesion"]
    box, outline = np.mean(overlaps, axis=0)
    assert box == 1 and outline < 0.75


def test_the_arms_are_with_and_without_outlines_and_without_places() -> None:
    first, second, third = STUDY.models.values()
    assert isinstance(first, Chain) and isinstance(second, Chain) and isinstance(third, Net)
    assert [step.name for step in (first.steps[0], second.steps[0])] == ["mask_rcnn", "faster_rcnn"]  # type: ignore[union-attr]
    assert first.writes == second.writes == ("menisci", "meniscus") and third.writes == ("meniscus",)


def test_three_levels_are_tested_and_none_of_their_knees_is_learnt_from() -> None:
    """Hospitals and arthroscopy are further parts of the design: answered, never trained, tuned or mixed into the internal test."""
    parts = np.array([place("A", knee).part for knee in range(40) for _ in range(4)])
    (fold,) = Given("part").divide(Units(np.repeat(np.arange(40), 4), np.zeros(160, int), {"part": parts}), 0)
    (train, tune), = fold.fits
    assert set(fold.others) == {"hospitals", "arthroscopy"} and len(fold.test) == 24
    assert not set(np.concatenate([train, tune]).tolist()) & set(np.concatenate([fold.test, *fold.others.values()]).tolist())
