"""Strides: swings are found where they are, pauses are none, and a left stride is a right one in the mirror."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from osteon.geometry.gait import SEGMENTS, as_right, channels, strides, swings
from osteon.simulate.gait import CHANNELS, GROUPS, RATE, felt, person, placed, recorded
from osteon.simulate.gait_chain import walk as motion_of


def pulses(at: list[float], seconds: float, rate: float, height: float = 6.0) -> np.ndarray:
    """A turn about y with a swing of 0.3 s at some times (s)."""
    t = np.arange(round(seconds * rate)) / rate
    return -height * sum(np.exp(-0.5 * ((t - one) / 0.08) ** 2) for one in at)


@pytest.mark.parametrize("rate", [40.0, 100.0, 256.0])
def test_a_swing_is_found_between_samples(rate: float) -> None:
    at = [0.613, 1.702, 2.851, 3.949]
    assert swings(pulses(at, 5, rate), rate) / rate == pytest.approx(at, abs=0.004)


def test_noise_a_pause_and_a_single_swing_make_no_stride() -> None:
    t, rng = np.arange(1000) / RATE, np.random.default_rng(1)
    still = 0.1 * rng.standard_normal((2, 1000))
    assert strides(t, list(still)) == []
    assert strides(t, [pulses([1.0, 5.0, 9.0], 10, RATE), still[1]]) == [], "four seconds are a pause and no stride"
    assert strides(t[:2], list(still[:, :2])) == []
    assert [s.side for s in strides(t, [still[0], pulses([1.0, 2.1], 10, RATE)])] == ["L"]


def test_a_small_bump_between_two_swings_is_none() -> None:
    turn = pulses([1.0, 2.1, 3.2], 4, RATE) + pulses([1.5, 2.65], 4, RATE, height=2.2)
    assert len(swings(turn, RATE)) == 3


@pytest.mark.parametrize(("site", "difficulty"), [("A", 0.5), ("B", 1.0)])
def test_the_strides_of_a_walk_last_as_long_as_the_true_ones(site: str, difficulty: float) -> None:
    for number, pace in enumerate(("slow", "chosen", "fast")):
        walk = recorded(person(2, number), number, seconds=15, pace=pace, site=site, difficulty=difficulty)
        found = strides(walk.times, [walk.signal[:, CHANNELS.index(f"foot_{side}_gy")] for side in "RL"])
        for code, side in enumerate("RL"):
            own, true = [s for s in found if s.side == side], walk.strides[walk.strides[:, 0] == code]
            assert abs(len(own) - len(true)) <= 1
            assert np.mean([s.stop - s.start for s in own]) == pytest.approx(true[:, 3].mean(), abs=0.015)
            strikes = [sum(s.start < t < s.stop for s in own) for t in true[1:-1, 1]]
            assert set(strikes) == {1}, "every heel strike lies in one stride"


def test_a_left_stride_is_the_right_one_of_the_mirror_image() -> None:
    who = person(1, 2)
    steps = placed(who, 6, "chosen", np.random.default_rng(1))
    mirrored = replace(steps, first=1 - steps.first, lateral=-steps.lateral)
    times = steps.times[3] + np.arange(500) / RATE
    one, other = (felt(motion_of(who.body, s, times)).reshape(42, -1) for s in (steps, mirrored))
    held, signs = as_right(CHANNELS, "L")
    assert np.allclose(one[[CHANNELS.index(name) for name in held]] * signs[:, None], other, atol=1e-8)
    same, plain = as_right(CHANNELS, "R")
    assert same == list(CHANNELS) and (plain == 1).all()


def test_channels_are_six_a_segment() -> None:
    assert channels() == CHANNELS and len(CHANNELS) == 6 * len(SEGMENTS) == 42
    assert channels(["foot_R"]) == ("foot_R_ax", "foot_R_ay", "foot_R_az", "foot_R_gx", "foot_R_gy", "foot_R_gz")
    assert len(GROUPS) == 2
