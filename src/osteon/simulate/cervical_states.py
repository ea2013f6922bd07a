"""From one continuous severity to what a neck shows: worn discs, osteophytes, a lost lordosis, slips, and a ligament that ossifies.

Every sign follows the severity with noise of its own, so that the classes lie at the cuts as often as elsewhere. Courses and shares are ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from osteon.geometry.cervical import INDICES

LIKELY = (0.12, 0.45, 0.72, 1.0, 0.92, 0.18)  # how much a disc from C2-3 to C7-T1 takes part
MASSES: Mapping[str, float] = {"segmental": 0.39, "continuous": 0.27, "mixed": 0.27, "localised": 0.07}  # kinds of an ossified ligament and their shares
SVA = (19.0, 7.5)  # mm in an adult of size 1: mean and spread
MOST_LOST = 0.68  # of a disc: thinner ones do not fit between endplates that stand at an angle


@dataclass(frozen=True)
class Findings:
    """What a neck is: alignment (lordosis and slope of T1 in degrees, sva in mm), part of each disc that is lost (C2-3 to C7-T1), slips (mm), osteophytes by level (mm at
    the four corners), uncinate overgrowth by level (0-1), and an ossified ligament (kind, upper and lower end in levels from C2, share of the canal) or none."""

    alignment: tuple[float, float, float] = (15.0, 25.0, 18.0)
    lost: tuple[float, ...] = (0.0,) * 6
    slips: tuple[float, ...] = (0.0,) * 6
    spurs: Mapping[str, tuple[float, float, float, float]] = field(default_factory=dict, hash=False)
    hooks: Mapping[str, float] = field(default_factory=dict, hash=False)
    mass: tuple[str, float, float, float] | None = None

    @property
    def indices(self) -> tuple[float, ...]:
        """Height of each disc over its depth."""
        return tuple(whole * (1 - lost) for whole, lost in zip(INDICES, self.lost, strict=True))


def degenerated(severity: float, size: float, anatomy: np.random.Generator, label: np.random.Generator, difficulty: float) -> Findings:
    """The findings of a severity (0-1); posture as a healthy person has it comes from the anatomy, what severity makes of it from the label."""
    loose, z, u = 0.55 + 0.9 * difficulty, label.normal(0, 1, 40), label.random(12)
    posture = anatomy.normal(0, 1, 3)
    likely = np.array(LIKELY) * np.exp(0.25 * z[:6])
    lost = np.clip(0.92 * likely / likely.max() * _course(severity, 0.30, 0.70, 1.1) + 0.045 * loose * z[6:12] + 0.03, 0, MOST_LOST)
    straightened = 24 * _course(severity, 0.28, 0.72, 1.0) * float(u[0] < 0.7) * u[1]
    lordosis = float(np.clip(17.5 + 6.0 * posture[0] - straightened + 1.5 * loose * z[12], -28, 45))
    slope = float(np.clip(17 + 0.5 * lordosis + 5 * posture[1], 6, 48))
    sva = float(np.clip(SVA[0] + SVA[1] * posture[2] + 5 * severity * z[13], 2, 46)) * size
    slips = np.where(label.random(6) < 0.10 * severity * np.array([0.1, 0.8, 1.0, 0.9, 0.5, 0.6]), label.uniform(1.0, 4.5, 6) * np.sign(label.normal(0.2, 1, 6)), 0.25 * z[14:20])
    spurs, hooks = _spurs(severity, lost, z[20:34], loose)
    return Findings((lordosis, slope, sva), tuple(map(float, lost)), tuple(map(float, slips)), spurs, hooks)


def _spurs(severity: float, lost: np.ndarray, z: np.ndarray, loose: float) -> tuple[dict[str, tuple[float, float, float, float]], dict[str, float]]:
    """Osteophytes beside worn discs, longer in front; small ones anywhere."""
    grown = 7.5 * np.clip(lost - 0.12, 0, None) * np.exp(0.4 * loose * z[:6]) + np.clip(0.5 * loose * z[6:12] + 1.1 * severity - 0.3, 0, None)
    grown = np.clip(grown, 0, 8.5)
    near = np.append(np.append(0, grown), 0)  # the disc above C2 is none
    spurs = {f"C{i + 2}": (0.85 * near[i], 0.3 * near[i], 1.0 * near[i + 1], 0.3 * near[i + 1]) for i in range(6)}
    hooks = {f"C{i + 2}": float(np.clip(1.6 * (lost[i - 1] if i else 0.0), 0, 1)) for i in range(6)}
    return {name: tuple(map(float, four)) for name, four in spurs.items()}, hooks  # type: ignore[misc]


def ossified(rng: np.random.Generator, share_of_cases: float) -> tuple[str, float, float, float] | None:
    """An ossified ligament, or none: kind, upper and lower end (0 = middle of C2), largest share of the canal."""
    u, z = rng.random(6), rng.normal(0, 1, 2)
    if u[0] >= share_of_cases:
        return None
    kind = str(np.array(list(MASSES))[np.searchsorted(np.cumsum(list(MASSES.values())), u[1])])
    length = {"segmental": 1.6 + 2.2 * u[2], "continuous": 1.6 + 3.0 * u[2], "mixed": 2.6 + 2.2 * u[2], "localised": 0.8 + 0.3 * u[2]}[kind]
    middle = float(np.clip(2.7 + 0.6 * z[0], 0.5 * length - 0.3, 5.4 - 0.5 * length))
    return kind, middle - 0.5 * length, middle + 0.5 * length, float(0.12 + 0.58 * u[3])


def _course(severity: float, begin: float, span: float, power: float) -> float:
    return float(np.clip((severity - begin) / span, 0, 1) ** power)
