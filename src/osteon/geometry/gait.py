"""Strides of a walk seen by inertial sensors: where each foot swings, what lies between two swings, and a left stride as a right one in the mirror.

Axes of every sensor as on a standing person: x forward, y to the left, z upwards; m/s2 and rad/s. A foot that swings turns its toe up, which is negative about y.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

SIDES = ("R", "L")
SEGMENTS = ("pelvis", "thigh_R", "thigh_L", "shank_R", "shank_L", "foot_R", "foot_L")
AXES = ("ax", "ay", "az", "gx", "gy", "gz")
MIRRORED = ("ay", "gx", "gz")  # a mirror in the plane of progression turns the sideways force and the turns about the two axes of that plane
SWING = 2.0  # rad/s, which even a shuffling foot exceeds while it swings
SHORTEST, LONGEST = 0.6, 2.5  # s, of a stride
SMOOTHED = 0.05  # s, over which the turn is averaged before its peaks are sought: a strike shakes the sensor


class Stride(NamedTuple):
    """A stride of one foot ("R", "L"), from the middle of a swing to the middle of the next: start and stop in s."""

    side: str
    start: float
    stop: float


def channels(segments: Sequence[str] = SEGMENTS) -> tuple[str, ...]:
    """The names of the channels of sensors on some segments, six each: `foot_R_ax` to `foot_R_gz`."""
    return tuple(f"{segment}_{axis}" for segment in segments for axis in AXES)


def swings(turn: np.ndarray, rate: float) -> np.ndarray:
    """Where a foot swings fastest, in samples and parts of one (k,), of its turn about y (n,) in rad/s at `rate` samples a second.

    Peaks of the smoothed turn, of 2 rad/s and of 40 % of the high ones at least, not nearer than the shortest stride; a parabola through three samples gives the part of a sample.
    """
    from scipy.ndimage import uniform_filter1d
    from scipy.signal import find_peaks

    up = uniform_filter1d(-np.asarray(turn, float), 2 * int(SMOOTHED * rate / 2) + 1)
    least = max(SWING, 0.4 * float(np.quantile(up, 0.98))) if len(up) else SWING
    at = find_peaks(up, height=least, distance=max(1, round(SHORTEST * rate)))[0]
    before, here, after = up[at - 1], up[at], up[at + 1]
    bend = before - 2 * here + after
    return np.asarray(at + np.where(bend < 0, 0.5 * (before - after) / np.minimum(bend, -1e-12), 0.0))


def strides(times: np.ndarray, turns: Sequence[np.ndarray]) -> list[Stride]:
    """The strides of both feet, by their start, from times (n,) in s and the turn of the right and the left foot about y (n,), without a gap, in rad/s.

    Two swings that are less than 0.6 or more than 2.5 s apart make no stride.
    """
    rate = (len(times) - 1) / float(times[-1] - times[0]) if len(times) > 2 else 0.0
    found = []
    for side, turn in zip(SIDES, turns if rate else (), strict=False):
        at = np.interp(swings(turn, rate), np.arange(len(times)), times)
        found += [Stride(side, float(a), float(b)) for a, b in zip(at[:-1], at[1:], strict=True) if SHORTEST <= b - a <= LONGEST]
    return sorted(found, key=lambda stride: stride.start)


def as_right(names: Sequence[str], side: str) -> tuple[list[str], np.ndarray]:
    """For each channel of a right stride the channel that holds it where the stride is one of `side`, and its sign (n,): of a left one those of the mirror image."""
    if side == SIDES[0]:
        return list(names), np.ones(len(names))
    held = [name.replace("_R_", "_?_").replace("_L_", "_R_").replace("_?_", "_L_") for name in names]
    return held, np.array([-1.0 if name.rsplit("_", 1)[-1] in MIRRORED else 1.0 for name in names])
