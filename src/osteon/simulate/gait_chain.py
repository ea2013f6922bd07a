"""A walking body in the sagittal plane: feet that stand where they were put, a pelvis between them, and the legs that reach from one to the other.

Axes: x forward, y to the left, z upwards, in metres; pitch is in radians, positive with the front end up. The feet are placed first, so
that step lengths and times are exact; thigh and shank follow by two-link inverse kinematics. Every curve has a continuous
second derivative.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

LEAD = 1.5  # the larger, the slower the foot turns at strike and toe-off
STRAIGHT = 0.997  # of the length of the leg: a knee is never quite straight
SLACK = 0.004  # m


class Body(NamedTuple):
    """Lengths (m) of thigh, shank and the foot from heel to toe; ankle forward of the heel and above the sole; half the distance of the hips."""

    thigh: float = 0.42
    shank: float = 0.41
    toe: float = 0.20
    ankle: tuple[float, float] = (0.05, 0.08)
    hip: float = 0.085


@dataclass(frozen=True, eq=False)
class Steps:
    """Heel strikes in turn of the two sides, the first of side `first` (0 right, 1 left).

    times (n,) and heels (n,) s and m; stance (n,) the part of the stride from each strike to the next of that foot; lateral (n,) m to the
    left; toe_out (n,) radians; lifts: pitch of the foot at strike and at toe-off, radians.
    """

    first: int
    times: np.ndarray
    heels: np.ndarray
    stance: np.ndarray
    lateral: np.ndarray
    toe_out: np.ndarray
    lifts: tuple[float, float] = (0.38, 0.95)

    def of(self, side: int) -> np.ndarray:
        """Places of the strikes of one side."""
        return np.arange((side - self.first) % 2, len(self.times), 2)

    def toe_off(self) -> np.ndarray:
        """When the foot of each strike leaves the ground (n - 2,)."""
        return self.times[:-2] + self.stance[:-2] * (self.times[2:] - self.times[:-2])


class Motion(NamedTuple):
    """Positions (segments, n, 3), pitch (segments, n) and yaw (segments, n) of the seven segments (`geometry.gait.SEGMENTS`) at the proximal joint, the foot at the ankle."""

    at: np.ndarray
    pitch: np.ndarray
    yaw: np.ndarray


def walk(body: Body, steps: Steps, times: np.ndarray, *, sway: float = 0.025, turn: float = 0.07) -> Motion:
    """The motion at some times (n,), all between the third heel strike and the third before the last; sway (m) and turn (radians) of the pelvis.

    The hip is as high as the legs allow and as is smooth: it falls in double support and rises over the standing leg by itself.
    """
    feet = [_foot(body, steps, side, times) for side in (0, 1)]
    phase, forward = _phase(steps, times), _forward(steps, times)
    height = _height(body, steps, times)
    height = height + min(0.0, float((_reached(body, feet, forward) - height).min()))
    swing = np.sin(np.pi * phase) * (1 if steps.first else -1)
    middle = np.column_stack([forward, sway * swing, height])
    at, pitch = np.empty((7, len(times), 3)), np.zeros((7, len(times)))
    yaw = np.zeros((7, len(times)))
    at[0], pitch[0], yaw[0] = middle, 0.04 + 0.02 * np.cos(2 * np.pi * phase), turn * np.cos(np.pi * phase) * (1 if steps.first else -1)
    for side, (ankle, foot_pitch, toe_out) in enumerate(feet):
        hip = middle + (0, body.hip * (1 if side else -1), 0)
        thigh, shank = _legs(body, ankle[:, 0] - hip[:, 0], ankle[:, 2] - hip[:, 2])
        knee = hip + body.thigh * np.column_stack([np.sin(thigh), np.zeros(len(times)), -np.cos(thigh)])
        at[1 + side], at[3 + side], at[5 + side] = hip, knee, ankle
        pitch[1 + side], pitch[3 + side], pitch[5 + side] = thigh, shank, foot_pitch
        yaw[5 + side] = toe_out * (1 if side else -1)
    return Motion(at, pitch, yaw)


def _forward(steps: Steps, times: np.ndarray) -> np.ndarray:
    """The hip is halfway between the heels at each strike, and a little ahead."""
    return _smooth(steps.times[1:], 0.5 * (steps.heels[1:] + steps.heels[:-1]), times) + 0.05


def _reached(body: Body, feet: list[tuple[np.ndarray, np.ndarray, np.ndarray]], forward: np.ndarray) -> np.ndarray:
    """The greatest height of the hip (n,) at which both legs reach their ankles, nearly straight."""
    reach = STRAIGHT * (body.thigh + body.shank)
    return np.min([ankle[:, 2] + np.sqrt(reach**2 - (ankle[:, 0] - forward) ** 2) for ankle, _, _ in feet], axis=0)


def _height(body: Body, steps: Steps, times: np.ndarray) -> np.ndarray:
    """A smooth line (n,) under what the legs reach, from four places a step and the lesser of both sides of each."""
    places = np.arange(1, len(steps.times) - 3)[:, None] + np.array([0.11, 0.36, 0.61, 0.86])
    around = _smooth(np.arange(len(steps.times), dtype=float), steps.times, (places[..., None] + np.array([-0.08, 0.08])).ravel())
    reached = _reached(body, [_foot(body, steps, side, around) for side in (0, 1)], _forward(steps, around))
    return _smooth(around.reshape(-1, 2).mean(axis=1), reached.reshape(-1, 2).min(axis=1) - SLACK, times)


def _phase(steps: Steps, times: np.ndarray) -> np.ndarray:
    """Steps since the first strike, smooth in time."""
    return _smooth(steps.times, np.arange(len(steps.times), dtype=float), times)


def _smooth(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    from scipy.interpolate import CubicSpline

    return np.asarray(CubicSpline(x, y)(at))


def _legs(body: Body, forward: np.ndarray, up: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pitch (n,) of thigh and shank, 0 hanging down, for ankles seen from the hip; the knee bends forwards."""
    far = np.hypot(forward, up)
    line = np.arctan2(forward, -up)
    inner = (body.thigh**2 + far**2 - body.shank**2) / (2 * body.thigh * far)
    thigh = line + np.arccos(np.clip(inner, -1, 1))
    knee = np.column_stack([body.thigh * np.sin(thigh), -body.thigh * np.cos(thigh)])
    return thigh, np.arctan2(forward - knee[:, 0], knee[:, 1] - up)


def _foot(body: Body, steps: Steps, side: int, times: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ankle (n, 3), pitch (n,) and toe-out (n,) of one foot: it rolls over the heel, stands, rolls over the toe and swings to its next place."""
    own = steps.of(side)
    start, heel, y, out = steps.times[own], steps.heels[own], steps.lateral[own], steps.toe_out[own]
    strike, push = steps.lifts
    k = np.clip(np.searchsorted(start, times, side="right") - 1, 0, len(own) - 2)
    length = np.diff(start)[k] * steps.stance[own][k]
    load, late, swing = 0.22 * length, 0.50 * length, np.diff(start)[k] - length
    t = times - start[k]
    low, high, u = np.clip(1 - t / load, 0, 1), np.clip((t - late) / (length - late), 0, 1), np.clip((t - length) / swing, 0, 1)
    stance = t < length
    standing = strike * _roll(low) - push * _roll(high)
    turn = np.cos(standing), np.sin(standing)
    at_heel, at_toe = _turned(body.ankle, *turn), _turned((body.ankle[0] - body.toe, body.ankle[1]), *turn)
    grounded = np.where((t < late)[:, None], at_heel, at_toe + (body.toe, 0)) + np.column_stack([heel[k], np.zeros_like(t)])
    turning, *placing = (_along(curve[:, k], u) for curve in _swings(body, steps, own))
    pitch = np.where(stance, standing, turning)
    flying = np.column_stack(placing)
    arch = u * (1 - u)
    flying[:, 1] += 0.025 * 64 * arch * arch * arch
    ankle = np.where(stance[:, None], grounded, flying)
    ease = u * u * u * (10 - 15 * u + 6 * u * u)
    return np.column_stack([ankle[:, 0], y[k] + (y[k + 1] - y[k]) * ease, ankle[:, 1]]), pitch, out[k] + (out[k + 1] - out[k]) * ease


def _swings(body: Body, steps: Steps, own: np.ndarray) -> list[np.ndarray]:
    """Of each swing of a foot, from toe-off to its next strike, the curves (6, n - 1) of pitch and of the ankle's x and z: coefficients of the part of the swing that has passed."""
    start, heel = steps.times[own], steps.heels[own]
    strike, push = steps.lifts
    step = np.diff(start)
    length = step * steps.stance[own][:-1]
    next_load = 0.22 * (steps.stance[own] * np.append(step, step[-1]))[1:]
    off, on = _edge(-push, 0.50 * length, -1), _edge(strike, next_load, 1)
    begin, end = _carried((body.ankle[0] - body.toe, body.ankle[1]), off), _carried(body.ankle, on)
    begin[0] += np.column_stack([heel[:-1] + body.toe, np.zeros_like(step)])
    end[0] += np.column_stack([heel[1:], np.zeros_like(step)])
    return [_quintic(step - length, off, on), *(_quintic(step - length, [b[:, i] for b in begin], [e[:, i] for e in end]) for i in (0, 1))]


def _roll(w: np.ndarray) -> np.ndarray:
    """From 0 to 1, flat to the second order at 0; how it arrives at 1 is what `_edge` says."""
    return w * w * w * (1 + LEAD * (1 - w))


def _turned(vector: tuple[float, float], cos: np.ndarray, sin: np.ndarray) -> np.ndarray:
    """A vector (x, z) of the foot, turned (n, 2) by angles whose cosine and sine are given."""
    return np.column_stack([vector[0] * cos - vector[1] * sin, vector[0] * sin + vector[1] * cos])


def _edge(pitch: float, span: np.ndarray, sign: int) -> list[np.ndarray]:
    """Pitch, its speed and its acceleration (n,) at the end (-1) or the beginning (1) of the ground contact, where the foot rolls over a span of time."""
    return [np.full_like(span, pitch), -sign * (3 - LEAD) * pitch / span, (6 - 6 * LEAD) * pitch / span**2]


def _carried(vector: tuple[float, float], edge: list[np.ndarray]) -> list[np.ndarray]:
    """Place, speed and acceleration (n, 2) of a point at `vector` from the pivot, for pitch, speed and acceleration."""
    pitch, speed, change = edge
    here = _turned(vector, np.cos(pitch), np.sin(pitch))
    across = np.column_stack([-here[:, 1], here[:, 0]])
    return [here, speed[:, None] * across, change[:, None] * across - (speed**2)[:, None] * here]


def _along(curve: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Polynomials (6, n), the constant first, at u (n,)."""
    c0, c1, c2, c3, c4, c5 = curve
    return np.asarray(c0 + u * (c1 + u * (c2 + u * (c3 + u * (c4 + u * c5)))))


def _quintic(span: np.ndarray, begin: list[np.ndarray], end: list[np.ndarray]) -> np.ndarray:
    """The polynomial (6, n) of degree five with value, speed and acceleration at 0 and at 1, each (n,), over a span of time (n,)."""
    p0, v0, a0 = begin[0], begin[1] * span, begin[2] * span**2
    p1, v1, a1 = end[0], end[1] * span, end[2] * span**2
    d = p1 - p0
    c3 = 10 * d - 6 * v0 - 4 * v1 - 1.5 * a0 + 0.5 * a1
    c4 = -15 * d + 8 * v0 + 7 * v1 + 1.5 * a0 - a1
    c5 = 6 * d - 3 * v0 - 3 * v1 - 0.5 * a0 + 0.5 * a1
    return np.stack([p0, v0, 0.5 * a0, c3, c4, c5])
