"""Whose shoulder is examined, what is wrong with it, and how it lies in the scanner: one random stream each (`shoulder_mri_asking.streams`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from osteon.simulate.shoulder_mri_asking import Asking, Seed, streams
from osteon.simulate.shoulder_mri_scene import Anatomy, Wet, anatomy
from osteon.simulate.shoulder_mri_solids import Build
from osteon.simulate.shoulder_mri_tendon import SHARES, drawn
from osteon.simulate.voxels import Lattice
from osteon.value import Grid

SCAPULA_DEG = 35.0  # by which the plane of the scapula lies before the coronal plane of the body


@dataclass(frozen=True, eq=False)
class Examined:
    """One shoulder as it lies in the scanner: anatomy, side, tesla, the middle of the field (x, z; mm), the place of the first of four slices (mm forwards), and what is known of the patient."""

    scene: Anatomy
    side: str
    tesla: float = field(kw_only=True)
    middle: tuple[float, float] = field(kw_only=True)
    first: float = field(kw_only=True)
    attributes: Mapping[str, Any] = field(kw_only=True)

    def lattice(self, at: float, shape: tuple[int, int], pixel: tuple[float, float], thickness: float) -> Lattice:
        """The grid of one slice `at` mm forwards; columns run from the right of the patient to the left, pixel (n // 2, n // 2) lies in the middle of the field."""
        axes = np.array([[0.0, -1, 0], [0, 0, -1], [self.leftwards, 0, 0]])
        place = np.array([self.middle[0], at, self.middle[1]])
        return Lattice((1, *shape), (thickness, *pixel), place - axes[1] * (shape[0] // 2) * pixel[0] - axes[2] * (shape[1] // 2) * pixel[1], axes)

    @property
    def leftwards(self) -> float:
        """Whether lateral is to the left of the patient (1) or to the right (-1)."""
        return 1.0 if self.side == "L" else -1.0

    def grid(self, at: float, side: int, pixel: float, thickness: float) -> Grid:
        """Where a slice lies, in the patient axes of DICOM (left, back, head): the scapula stands before the coronal plane."""
        lattice = self.lattice(at, (side, side), (pixel, pixel), thickness)
        turn = np.radians(SCAPULA_DEG)
        lateral, forward = np.array([self.leftwards * np.cos(turn), -np.sin(turn), 0]), np.array([-self.leftwards * np.sin(turn), -np.cos(turn), 0])
        into = np.column_stack([lateral, forward, [0, 0, 1.0]])
        return Grid((side, side), (pixel, pixel), tuple(float(v) for v in into @ lattice.first), tuple(float(v) for v in (lattice.axes[1:] @ into.T).ravel()), "volume")


def examined(rngs: tuple[np.random.Generator, ...], asked: Asking) -> Examined:
    """One shoulder from its streams of anatomy, label and nuisance."""
    build, label, nuisance = rngs[:3]
    man, u, side = bool(build.random() < 0.5), build.normal(0, 1, 6), "R" if build.random() < 0.6 else "L"
    age, bmi = float(np.clip(56 + 11 * u[0], 25, 85)), float(np.clip(27 + 4 * u[1], 18, 40))
    body = Build(float(np.clip((1.02 if man else 0.90) + 0.035 * u[2], 0.8, 1.12)), float(np.clip((1.05 if man else 0.90) + 0.08 * u[3], 0.75, 1.25)), fat=float(np.clip((6 if man else 9) + 0.8 * (bmi - 27), 2, 20)),
                 room=float(np.clip(9.6 + 0.9 * u[4], 7.5, 12)), slope=float(np.clip(10 + 6 * u[5], 0, 24)))
    mix = SHARES["read"]
    degree, tear_rng = mix[int(label.random() * len(mix))], np.random.default_rng(label.integers(2**63))
    scene = anatomy(body, drawn(asked.degree or degree, tear_rng, asked.difficulty), _wet(nuisance, asked.neutral))
    v = nuisance.normal(0, 1, 4) * (0 if asked.neutral else 1)
    tesla = asked.tesla or (3.0 if nuisance.random() < (0.5 if asked.site == "A" else 0.2) else 1.5)
    attributes = {"age": round(age, 1), "sex": "male" if man else "female", "bmi": round(bmi, 1), "side": side, "tesla": tesla}
    return Examined(scene, side, tesla=tesla, middle=(-6.0 + 2.5 * float(v[0]), -4.0 + 2.5 * float(v[1])), first=9.0 + 1.2 * float(v[2]), attributes=attributes)


def _wet(rng: np.random.Generator, neutral: bool) -> Wet:
    """Fluid, a cyst, oedema and fat of the belly: they know nothing of the tear here, unlike in life."""
    u = rng.random(8)
    if neutral:
        return Wet()
    return Wet(0.4 + 3.0 * float(u[0]) ** 2, 0.05 + 3.2 * float(u[1]) ** 2, clavicular=3.0 * float(u[2]) ** 2, cyst=1.2 + 2.2 * float(u[4]) if u[3] < 0.35 else 0.0,
               oedema=5 + 5 * float(u[6]) if u[5] < 0.18 else 0.0, fatty=0.6 * float(u[7]) ** 2)


def with_degree(found: Examined, degree: str, seed: Seed, difficulty: float) -> Examined:
    """The counterfactual: the same shoulder with another degree of tear in the same place; `seed` is that of the examination."""
    label = streams(seed)[1]
    label.random()
    tear = drawn(degree, np.random.default_rng(label.integers(2**63)), difficulty)
    return replace(found, scene=replace(found.scene, tear=tear))
