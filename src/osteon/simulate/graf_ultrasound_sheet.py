"""The contact sheet of the infant hip."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.contact import Panel, Sheet
from osteon.simulate.graf_ultrasound import CARD, HipScan, hip_scan

# alpha, weeks, plane, site, confounded, seed
CASES = ((66.0, 6.0, "standard", "A", False, 1), (56.0, 5.0, "standard", "A", False, 2), (54.0, 18.0, "standard", "A", False, 3), (46.0, 10.0, "standard", "A", False, 4),
         (38.0, 8.0, "standard", "A", False, 5), (63.0, 12.0, "no lower limb", "A", False, 6), (64.0, 24.0, "standard", "B", False, 3), (48.0, 14.0, "standard", "A", True, 8))


def sheet() -> Sheet:
    """Eight pictures over the types, a substandard plane, two sites, the last confounded; base line and both roof lines overlaid."""
    named = hip_scan((3, 21), alpha=64.0, weeks=24.0, difficulty=0.0, neutral=True)
    panels = tuple(_panel(hip_scan((3, seed), alpha=alpha, weeks=weeks, plane=plane, site=site, confounded=shortcut), shortcut) for alpha, weeks, plane, site, shortcut, seed in CASES)
    note = "Yellow: base line, bony roof line (alpha) and cartilage roof line (beta); the substandard plane lets no alpha be measured. The skin is above, the head of the infant to the left."
    return Sheet(CARD, panels, Panel(named.stored / np.float32(255), "", points=structures(named)), note)


def _panel(scan: HipScan, shortcut: bool) -> Panel:
    p = scan.points
    lines = [np.array([p["ilium_top"], p["ilium_low"] + 1.2 * (p["ilium_low"] - p["ilium_top"])])] if "ilium_top" in p else []
    lines += [np.array([p["rim"], p["rim"] + 1.25 * (p[name] - p["rim"])]) for name in ("lower_limb", "labrum") if name in p]
    measured = ", ".join(f"{name} {scan.measured[name]:.0f}" for name in ("alpha", "beta") if np.isfinite(scan.measured[name]))
    room = "confounded: gain, callipers" if shortcut else f"site {scan.attributes['site']}"
    called = f"type {scan.type}" if scan.type else scan.hip.plane
    return Panel(scan.stored / np.float32(255), f"{scan.attributes['weeks']:.0f} weeks, {room}\n{called}, {measured}", points=dict(p), lines=tuple(lines))


def structures(scan: HipScan) -> Mapping[str, np.ndarray]:
    """What a sonographer looks for, in Graf's order."""
    hip = scan.hip
    middle, radii = hip.metaphysis()
    at = {"chondro-osseous border": middle + radii * (-0.55, -0.83), "femoral head": hip.centre + hip.head * np.array([0.45, 0.45]), "joint capsule": hip.centre + (hip.head + 1.1) * np.array([0.35, -0.94]),
          "labrum": hip.labrum, "cartilage roof": 0.5 * (hip.ends[0] + hip.labrum), "bony rim": hip.ends[0], "bony roof": 0.5 * hip.ends.sum(axis=0), "lower limb of the ilium": hip.ends[1],
          "ilium": (-8.0, 0.0), "ossification nucleus": hip.centre, "perichondrium": 0.45 * (hip.ends[0] + (-4.2, -1.5)) + 0.55 * hip.labrum + (-0.8, -0.7),
          "floor of the socket": hip.centre + (hip.head + 1.1) * np.array([-0.15, 0.99]), "shadow": (-6.0, 10.0), "greater trochanter, cartilage": middle + radii * (-0.42, -1.06)}
    points = {name: hip.world(*p)[::-1] / scan.pixel for name, p in at.items()}
    return points | {"gluteal muscles": np.array([62.0, 40.0]), "subcutaneous fat": np.array([20.0, 200.0])}
