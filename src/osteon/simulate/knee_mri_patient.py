"""Whose knee is examined, what is wrong with it, and how it lies in the scanner: one random stream each (`knee_mri_asking.streams`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import numpy as np

from osteon.geometry.knee_oa import COMPARTMENTS
from osteon.geometry.lower_limb import lateral_sign
from osteon.simulate import knee_menisci
from osteon.simulate.knee_bones import Wear
from osteon.simulate.knee_menisci import CLASSES, Lesion
from osteon.simulate.knee_mri_asking import Asking
from osteon.simulate.knee_mri_scene import Anatomy, Focus, anatomy
from osteon.simulate.knee_mri_soft import Body
from osteon.simulate.knee_pose import Posture, place_knee
from osteon.simulate.lower_limb_bones import LegAngles, LegShape
from osteon.simulate.voxels import Lattice

SHARES = (0.40, 0.28, 0.32)  # of knees whose worse meniscus is healthy, degenerated, torn
MEDIAL_SHARE = 0.68  # of lesions


@dataclass(frozen=True, eq=False)
class Examined:
    """One knee as it lies in the scanner: its anatomy, the middle of the field of view in the world, and what is known of the patient."""

    scene: Anatomy
    side: str
    middle: np.ndarray
    attributes: Mapping[str, Any]

    @property
    def worst(self) -> str:
        """The class of the worse meniscus."""
        return CLASSES[max(CLASSES.index(lesion.state) for lesion in self.scene.lesions.values())]

    def lattice(self, plane: str, at: float, shape: tuple[int, int], pixel: tuple[float, float], thickness: float) -> Lattice:
        """The grid of one slice `at` mm lateral (sagittal) or anterior (coronal) of the middle of the joint; pixel (n // 2, n // 2) lies in the middle of the field."""
        rows, cols = shape
        if plane == "sagittal":
            axes, place = np.array([[1.0, 0, 0], [0, 0, -1], [0, -1, 0]]), self.middle * (0, 1, 1) + (lateral_sign(self.side) * at, 0, 0)
        else:
            axes, place = np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]]), self.middle * (1, 0, 1) + (0, at, 0)
        return Lattice((1, rows, cols), (thickness, *pixel), place - axes[1] * (rows // 2) * pixel[0] - axes[2] * (cols // 2) * pixel[1], axes)


def examined(rngs: tuple[np.random.Generator, ...], asked: Asking) -> Examined:
    """One knee from its streams of anatomy, label and nuisance."""
    build, label, nuisance = rngs
    man = bool(build.random() < 0.52)
    age, u, side = float(np.clip(build.normal(42, 15), 16, 82)), build.normal(0, 1, 8), "R" if build.random() < 0.5 else "L"
    width = float(np.clip((1.04 if man else 0.93) + 0.035 * u[0], 0.84, 1.14))
    angles = LegAngles(float(np.clip(87.4 + 1.5 * u[1], 84, 91)), float(np.clip(87.2 + 1.5 * u[2], 84, 91)), 89.0, 127.0, 5.6, 12.0, 13.0, float(np.clip(6 + 2 * u[3], 1.5, 11)))
    shape = LegShape(angles, 430.0, 365.0, 23.5, width, 0.8 + 0.06 * float(u[4]))
    bmi = float(np.clip(26 + 4 * u[5], 18, 40))
    body = Body(float(np.clip((1.04 if man else 0.94) + 0.06 * u[6], 0.8, 1.2)), float(np.clip((2.5 if man else 5.0) + 0.55 * (bmi - 26), 0.5, 14)), *_fluids(nuisance))
    posture = Posture(0.0, 5.0, 2.5) if asked.neutral else Posture(float(np.clip(nuisance.normal(0, 4), -10, 10)), float(np.clip(nuisance.normal(6, 3.5), 0, 15)), float(nuisance.normal(2.5, 1.0)))
    space = float(np.clip(5.4 + 0.35 * u[7], 4.6, 6.3)) * width
    knee = place_knee(shape, Wear((space, space + 0.5 * width)), posture, side, np.zeros(3))
    lesions, focus, torn_acl = _wrong(label, nuisance, asked)
    scene = anatomy(knee, body, lesions, focus, torn_acl=torn_acl, cartilage=2.35 * width**0.5 * float(np.exp(0.06 * build.normal())))
    middle = np.array([0.0, -9.0, 4.0]) + (0.0 if asked.neutral else nuisance.normal(0, 3.0, 3))
    return Examined(scene, side, middle, _attributes(age, man, bmi, side, scene))


def _fluids(rng: np.random.Generator) -> tuple[float, float]:
    """Depth of the effusion and size of a popliteal cyst (mm): they know nothing of the lesions here, unlike in life."""
    u = rng.random(3)
    return float(1.0 + 6.5 * max(0.0, u[0] - 0.45) ** 1.3), float(10 + 8 * u[2]) if u[1] < 0.12 else 0.0


def _wrong(label: np.random.Generator, nuisance: np.random.Generator, asked: Asking) -> tuple[Mapping[str, Lesion], Focus, bool]:
    """Lesions of the menisci by class and place, and by chance a defect of cartilage or a torn anterior cruciate ligament."""
    u, worse = label.random(2), asked.state
    drawn = CLASSES[int(np.searchsorted(np.cumsum(SHARES)[:-1], u[0], side="right"))]
    worse = worse or drawn
    where, other = COMPARTMENTS if u[1] < MEDIAL_SHARE else COMPARTMENTS[::-1]
    main = knee_menisci.drawn(worse, np.random.default_rng(label.integers(2**63)), asked.difficulty)
    v, apart = nuisance.random(9), np.random.default_rng(nuisance.integers(2**63))
    beside = knee_menisci.drawn("degenerated" if worse != "healthy" and v[8] < 0.25 else "healthy", apart, asked.difficulty)
    focus = Focus("medial" if v[1] < 0.7 else "lateral", float(-25 + 40 * v[2]), float(17 + 9 * v[3]), float(3.5 + 4 * v[4]), float(0.35 + 0.65 * v[5]) if v[0] < 0.3 else 0.0,
                  float(9 + 9 * v[6]) if v[0] < 0.22 else 0.0)
    return MappingProxyType({where: main, other: beside}), focus, bool(v[7] < 0.12)


def _attributes(age: float, man: bool, bmi: float, side: str, scene: Anatomy) -> Mapping[str, Any]:
    focus = scene.focus
    return {"age": round(age, 1), "sex": "male" if man else "female", "bmi": round(bmi, 1), "side": side, "effusion_mm": round(scene.body.effusion, 1), "cyst": scene.body.cyst > 0,
            "acl_torn": scene.torn_acl, "defect": focus.side if focus.depth > 0 else "none", "defect_depth": round(focus.depth, 2), "defect_mm": round(2 * focus.radius if focus.depth > 0 else 0.0, 1),
            "oedema": focus.oedema > 0, **{f"{side_} meniscus": lesion.state for side_, lesion in sorted(scene.lesions.items())},
            "tear": next((lesion.kind for lesion in scene.lesions.values() if lesion.state == "torn"), "none")}


def with_state(found: Examined, state: str, rng: np.random.Generator, difficulty: float) -> Examined:
    """The counterfactual: the same knee whose worse meniscus has another class in the same place."""
    where = max(COMPARTMENTS, key=lambda side: CLASSES.index(found.scene.lesions[side].state))
    lesions = dict(found.scene.lesions) | {where: knee_menisci.as_state(found.scene.lesions[where], state, rng, difficulty)}
    scene = replace(found.scene, lesions=MappingProxyType(lesions))
    return replace(found, scene=scene, attributes={**found.attributes, f"{where} meniscus": state})
