"""From one continuous severity to joint space, osteophytes, sclerosis and lost bone, each with noise of its own.

The courses are ours: osteophytes come first, narrowing follows, sclerosis and bone loss come last, as the grades of Kellgren and Lawrence have them.
"""

from __future__ import annotations

import numpy as np

from osteon.geometry.knee_oa import COMPARTMENTS, EXPECTED_MM, OSTEOPHYTE_SITES
from osteon.simulate.knee_bones import Wear

LATERAL_SHARE = 0.2  # of worn knees, in which the lateral compartment leads


def wear_of(severity: float, width: float, rng: np.random.Generator, difficulty: float) -> Wear:
    """The wear of a knee of a severity (0-1) and size (1 = a plateau 80 mm wide); the harder, the looser the features follow."""
    loose = 0.55 + 0.9 * difficulty
    z, leads = rng.normal(0, 1, 16), "lateral" if rng.random() < LATERAL_SHARE else "medial"
    spared = float(rng.uniform(-0.12, 0.35))  # share of the narrowing that the other compartment has; below 0 it opens
    lost = np.clip(_course(severity, 0.30, 0.66, 1.15) + 0.10 * loose * z[0], 0, 0.97)
    space = [max(0.15, EXPECTED_MM[side] * width * (1 + 0.085 * z[1 + k]) * (1 - lost * (1.0 if side == leads else spared))) for k, side in enumerate(COMPARTMENTS)]
    spurs = {site: _osteophyte(severity, site.endswith(leads), width, z[3 + k], z[7 + k], loose) for k, site in enumerate(OSTEOPHYTE_SITES)}
    hard = float(np.clip(_course(severity, 0.42, 0.5, 1.0) + 0.12 * loose * z[11], 0, 1))
    gone = float(np.clip(5.0 * (severity - 0.74) / 0.26 + 0.8 * loose * z[12], 0, 4.5)) if severity > 0.7 else 0.0
    sclerosis, attrition = ((hard, 0.25 * hard), (gone, 0.0)) if leads == "medial" else ((0.25 * hard, hard), (0.0, gone))
    return Wear((float(space[0]), float(space[1])), spurs, sclerosis, attrition, float(np.clip(3.2 * severity + 0.6 * z[13], 0, 4)))


def _osteophyte(severity: float, leading: bool, width: float, size: float, onset: float, loose: float) -> float:
    """Millimetres of reach: from a chance beginning the lip grows with severity, more on the leading side."""
    begin = 0.30 + 0.11 * loose * onset
    grown = (9.5 if leading else 6.0) * max(0.0, severity - begin) * float(np.exp(0.28 * loose * size))
    return float(min(grown * width, 11.0))


def _course(severity: float, begin: float, span: float, power: float) -> float:
    return float(np.clip((severity - begin) / span, 0, 1) ** power)
