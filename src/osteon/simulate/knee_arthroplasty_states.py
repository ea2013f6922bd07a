"""Which implant a knee carries, and from one continuous severity how its tray holds: lucent lines by zone, subsidence, tilt, each with noise of its own. Shares and courses are ours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from osteon.geometry.knee_implant import ZONES
from osteon.simulate.knee_implants import DESIGNS, PARTIAL, TOTAL, Hold, Parts


def parts_of(width: float, designs: Sequence[str], rng: np.random.Generator) -> Parts:
    """What was implanted, one design as likely as another; nothing of it knows how it holds."""
    u, z = rng.random(3), rng.normal(0, 1, 4)
    design = designs[int(u[0] * len(designs))]
    poly = float((8, 9, 10, 12, 14)[int(np.searchsorted((0.3, 0.55, 0.78, 0.93), u[1]))])
    return Parts(design, width * float(np.clip(1 + 0.02 * z[0], 0.95, 1.05)), poly, (float(1.6 * z[1]), float(1.5 * z[2])))


def of_kind(kind: str) -> tuple[str, ...]:
    """The designs of a kind (total, partial)."""
    return tuple(name for name, made in DESIGNS.items() if made.kind == (PARTIAL if kind == "partial" else TOTAL))


def held(severity: float, parts: Parts, rng: np.random.Generator, difficulty: float) -> Hold:
    """How a tray of a severity (0-1) sits; a thin line in one or two zones is a mimic in trays that hold."""
    loose, z, u = 0.55 + 0.9 * difficulty, rng.normal(0, 1, 16), rng.random(12)
    leads = 1.0 if u[0] < 0.72 else -1.0  # the medial half leads
    share = 1.0 + 0.22 * leads * np.array([1, 0.6, -0.6, -1, 0.3, 0.0, -0.3])
    there = np.array([1, 1, 1, 1, *([int(parts.stemmed)] * 3)])
    widths = np.clip(3.0 * share * _course(severity, 0.22, 0.78, 1.15) + 0.34 * loose * z[:7] - 0.15, 0, 4.5) * there
    for k, zone in enumerate((0, 3)):
        widths[zone] = max(widths[zone], 0.4 + 0.9 * u[4 + k] if u[2 + k] < 0.3 else 0.0)
    sinks, tilts = u[6] < 0.5, u[7] < 0.55
    sunk = float(np.clip(7 * _course(severity, 0.5, 0.5, 1.2) * np.exp(0.3 * loose * z[8]) if sinks else 0.0, 0, 9))
    tilted = float(np.clip(leads * 9 * _course(severity, 0.5, 0.5, 1.2) * (1 + 0.3 * z[9]) if tilts else 0.0, -8, 12))
    return Hold({zone: round(float(mm), 3) for zone, mm in zip(ZONES, widths, strict=True)}, sunk, tilted)


def _course(severity: float, begin: float, span: float, power: float) -> float:
    return float(np.clip((severity - begin) / span, 0, 1) ** power)
