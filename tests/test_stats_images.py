"""Masks, boxes, landmarks and reconstructed pictures."""
from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import ndimage

from osteon.stats import detection, landmarks, reconstruction, segmentation

RNG = np.random.default_rng(2)
BALL = ((np.mgrid[:24, :20, :18] - np.array([12, 10, 9])[:, None, None, None]) ** 2).sum(0) < 49


def by_distance_transform(a: np.ndarray, b: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    edge = [m & ~ndimage.binary_erosion(m, border_value=0) for m in (a, b)]
    return np.sort(ndimage.distance_transform_edt(~edge[1], sampling=spacing)[edge[0]])


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 0.5, 0.8)])
def test_surface_distances_equal_the_distance_transform(spacing: tuple[float, ...]) -> None:
    other = np.roll(BALL, (2, -1, 1), (0, 1, 2)) & (RNG.random(BALL.shape) > 0.02)
    forth, back = segmentation.surface_distances(BALL, other, spacing=spacing)
    np.testing.assert_allclose(np.sort(forth), by_distance_transform(BALL, other, spacing), atol=1e-12)
    np.testing.assert_allclose(np.sort(back), by_distance_transform(other, BALL, spacing), atol=1e-12)


def test_equal_masks_are_perfect_even_at_the_edge_of_the_image() -> None:
    whole = np.ones((5, 6), bool)
    found = segmentation.mask_scores(whole, whole, spacing=(1, 1))
    assert (found.dice, found.iou, found.hd95, found.assd, found.nsd) == (1, 1, 0, 0, 1)
    assert found.volumes == (30, 30)


def test_empty_masks_are_told_apart() -> None:
    nothing = np.zeros((4, 4), bool)
    something = nothing.copy()
    something[1, 1] = True
    both = segmentation.mask_scores(nothing, nothing, spacing=(1, 1))
    assert math.isnan(both.dice)
    assert both.reason == "both masks are empty"
    missed = segmentation.mask_scores(something, nothing, spacing=(1, 1))
    assert missed.dice == 0
    assert math.isnan(missed.hd95)
    assert "predicted mask is empty" in missed.reason
    assert math.isnan(segmentation.dice(nothing, nothing))
    with pytest.raises(ValueError, match="predicted: the mask is empty"):
        segmentation.surface_distances(something, nothing, spacing=(1, 1))


@pytest.mark.parametrize(("truth", "predicted", "spacing", "message"), [
    (np.ones((3, 3)), np.ones((3, 4)), (1, 1), "predicted: shape"),
    (np.ones((3, 3)), np.full((3, 3), 2), (1, 1), "predicted: holds other values than 0 and 1"),
    (np.ones((3, 3)), np.ones((3, 3)), (1, 0), "spacing: "), (np.ones((3, 3)), np.ones((3, 3)), (1,), "spacing: ")])
def test_masks_that_do_not_fit_are_refused(truth: np.ndarray, predicted: np.ndarray, spacing: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        segmentation.mask_scores(truth, predicted, spacing=spacing)


def test_a_box_is_matched_once_and_to_the_best_score_first() -> None:
    overlap = np.array([[0.9, 0.8, 0.0], [0.0, 0.6, 0.0]])
    assert detection.match(overlap, [0.5, 0.9, 0.8], 0.5).tolist() == [-1, 0, -1]
    assert detection.match(overlap, [0.9, 0.5, 0.8], 0.5).tolist() == [0, 1, -1]
    assert detection.match(np.zeros((0, 2)), [0.5, 0.4], 0.5).tolist() == [-1, -1]


def test_iou_in_two_and_three_dimensions() -> None:
    assert detection.box_iou([[0, 0, 2, 2]], [[1, 0, 3, 2], [5, 5, 6, 6]]).tolist() == [[pytest.approx(1 / 3), 0]]
    assert detection.box_iou([[0, 0, 0, 2, 2, 2]], [[0, 0, 1, 2, 2, 3]])[0, 0] == pytest.approx(1 / 3)
    assert detection.box_iou([], [[0, 0, 1, 1]]).shape == (0, 1)
    with pytest.raises(ValueError, match="first: position .* an upper corner"):
        detection.box_iou([[2, 0, 1, 1]], [[0, 0, 1, 1]])


def test_perfect_and_absent_detections() -> None:
    assert detection.average_precision([1, 1], [0.9, 0.8], 2) == pytest.approx(1)
    assert detection.average_precision([], [], 2) == 0
    assert math.isnan(detection.average_precision([], [], 0))
    hits = RNG.random(40) < 0.5
    scores = RNG.random(40)
    weighted = detection.average_precision(hits, scores, 60, weights=np.full(40, 2.0))
    assert weighted == pytest.approx(detection.average_precision(hits, scores, 30))


def test_froc_at_given_rates() -> None:
    points = detection.froc([1, 0, 1, 0], [0.9, 0.8, 0.8, 0.1], lesions=4, images=2)
    assert points.sensitivity.tolist() == [0.25, 0.5, 0.5]
    assert points.false_positives.tolist() == [0, 0.5, 1]
    assert detection.froc_sensitivities(points, (0.25, 0.5, 4)).tolist() == [0.25, 0.5, 0.5]
    assert detection.froc_sensitivities(detection.froc([], [], lesions=1, images=1)).tolist() == [0] * 7
    with pytest.raises(ValueError, match="images: 0"):
        detection.froc([1], [0.5], lesions=1, images=0)


def test_radial_errors_in_mm_leave_out_absent_landmarks() -> None:
    truth = np.zeros((3, 2, 2))
    found = np.array([[[3, 4], [0, 1]], [[0, 2], [math.nan, 0]], [[0, 0], [1, 0]]], float)
    errors = landmarks.radial_errors(truth, found, spacing=(0.5, 0.25))
    assert errors[0].tolist() == [pytest.approx(math.hypot(1.5, 1)), 0.25]
    assert math.isnan(errors[1, 1])
    assert landmarks.mean_radial_error(errors).estimate == pytest.approx(np.nanmean(errors))
    rates = landmarks.success_rates(errors, thresholds=(0.4, 2), patients=["a", "b", "b"])
    assert rates[0.4].estimate == pytest.approx(2 / 5)
    assert rates[2].estimate == 1
    assert not landmarks.success_rates(np.full((2, 1), math.nan))[2.0].defined
    with pytest.raises(ValueError, match="found: shape"):
        landmarks.radial_errors(truth, found[:2], spacing=(1, 1))


def test_angles_differ_the_short_way_round() -> None:
    assert landmarks.angle_differences([359, 1, 90], [1, 359, 90]).tolist() == [2, -2, 0]
    assert landmarks.angle_differences([179], [1], period=180).tolist() == [2]


def test_pictures_by_the_conventions_of_scikit_image() -> None:
    from skimage.metrics import peak_signal_noise_ratio, structural_similarity
    target = ndimage.gaussian_filter(RNG.random((3, 20, 24)), 2)
    found = target + RNG.normal(0, 0.01, target.shape)
    top = target.max()
    slices = [structural_similarity(a, b, data_range=top) for a, b in zip(target, found, strict=True)]
    assert reconstruction.ssim(target, found) == pytest.approx(np.mean(slices))
    assert reconstruction.psnr(target, found) == pytest.approx(peak_signal_noise_ratio(target, found, data_range=top))


def test_pictures_without_signal_or_error() -> None:
    empty, one = np.zeros((8, 8)), np.ones((8, 8))
    assert math.isnan(reconstruction.nmse(empty, one))
    assert math.isnan(reconstruction.ssim(empty, one))
    assert math.isnan(reconstruction.psnr(empty, one))
    assert reconstruction.psnr(one, one) == math.inf
    assert reconstruction.ssim(one, one) == pytest.approx(1)
    with pytest.raises(ValueError, match="at least 7 by 7"):
        reconstruction.ssim(one[:5], one[:5])
    with pytest.raises(ValueError, match="reconstructed: shape"):
        reconstruction.nmse(one, one[:5])
