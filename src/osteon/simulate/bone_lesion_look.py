"""What a bone lesion looks like: margin, rim, cortex, mass, oedema, periosteum and what it is filled with, from how aggressive it shows itself.

Each feature follows the shown aggressiveness with a scatter of its own, so that no single one tells benign from malignant. The shapes of these relations are ours; which
features speak for aggressive growth is textbook knowledge (Lodwick GS et al. Radiology 1980; 134: 577, not re-read).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from osteon.simulate.bone_lesion_patient import Patient

PERIOSTEUM = ("none", "solid", "lamellated", "spicules")
HOLLOW = ("cystic", "fluid levels")
NOISES = 15
LEAST_MASS = 4.0  # mm: less beyond the bone is no mass


@dataclass(frozen=True)
class Border:
    """How the lesion ends in the bone: lobules and infiltration (0-1), zone of transition (mm), sclerotic rim (mm), erosion of the cortex (0-1)."""

    irregular: float
    blurred: float
    rim: float
    eroded: float


@dataclass(frozen=True)
class Growth:
    """What the lesion does to the bone and beyond it: swelling (mm), half height of the breach (mm), size of the mass (mm), reaction of the periosteum."""

    expanded: float
    breach: float
    mass: float
    periosteum: str


@dataclass(frozen=True)
class Signal:
    """What it is filled with, how uneven that is (0-1), oedema of marrow and of muscle (0-1)."""

    matrix: str
    uneven: float
    oedema: float
    around: float


@dataclass(frozen=True)
class Look:
    """Size across (a share of the half width of the bone) and along it (a factor on that), how far off the axis it lies (a share of the half width, towards the side to which it also breaks out), border, growth and signal."""

    across: float
    along: float
    eccentric: float
    border: Border
    growth: Growth
    signal: Signal


def sigmoid(x: float) -> float:
    """The logistic function."""
    return float(1 / (1 + np.exp(-x)))


def look_of(patient: Patient, noises: np.ndarray) -> Look:
    """The look of a patient's lesion, given its scatter (15 standard normals): the same scatter with another shown aggressiveness is the counterfactual."""
    g, n, spine = patient.shown, noises.tolist(), patient.bone == "lumbar spine"
    breach = sigmoid(2.0 * (g + 0.4 * n[7]) - 0.5)
    mass = float(np.clip(9 + 13 * (g + 0.45 * n[8]), 0, 42)) if breach > 0.5 else 0.0
    swells = patient.matrix in HOLLOW or (patient.matrix == "cellular" and patient.segment == "epiphysis")
    narrow = 1.15 if patient.bone == "fibula" else 0.85 if spine else 0.74
    border = Border(irregular=sigmoid(1.6 * (g + 0.4 * n[0])), blurred=0.8 + 6.0 * sigmoid(1.8 * (g + 0.5 * n[1]) - 0.7), rim=max(0.0, 2.6 * sigmoid(-2.0 * (g + 0.5 * n[2])) - 0.6),
                    eroded=float(np.clip(0.5 + 0.25 * g + 0.25 * n[5], 0, 1)))
    growth = Growth(expanded=max(0.0, 4.0 + 2.0 * n[6] - 2.0 * max(g, 0.0)) if swells else 0.0, breach=5.0 + 14.0 * (breach - 0.5) if breach > 0.5 else 0.0,
                    mass=(0.7 if spine else 1.0) * mass if mass > LEAST_MASS else 0.0, periosteum="none" if spine or n[12] > 0.9 or patient.segment == "epiphysis" else _periosteum(g + 0.5 * n[11]))
    signal = Signal(patient.matrix, uneven=sigmoid(1.6 * (g + 0.5 * n[13]) - 0.3), oedema=float(np.clip(0.36 + 0.2 * g + 0.26 * n[9], 0, 0.92)), around=float(np.clip(0.12 + 0.3 * (g + 0.4 * n[10]), 0, 0.85)))
    return Look(across=float(np.clip(narrow + 0.10 * g + 0.14 * n[3], 0.34, 1.2)), along=float(np.clip((1.0 if spine else 1.5) + 0.15 * g + 0.28 * n[4], 0.8, 2.4)),
                eccentric=float(np.clip(0.28 + 0.2 * n[14], 0.0, 0.6)), border=border, growth=growth, signal=signal)


def _periosteum(reaction: float) -> str:
    """None below, then solid, then in layers, then spicules."""
    return PERIOSTEUM[int(np.searchsorted([-0.5, 0.35, 1.1], reaction))]
