"""The contact sheet of the knee k-space."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.contact import Panel, Sheet
from osteon.simulate.knee_kspace import CARD, Scan, knee_scan
from osteon.simulate.knee_mri_asking import Asking

MATRIX = 256
# protocol, site, seed, what is shown
CASES = (("PD", "A", 3, "full"), ("PDFS", "A", 3, "full"), ("PD", "A", 5, "full"), ("PDFS", "A", 5, "coil"), ("PD", "B", 6, "full"), ("PDFS", "B", 6, "full"), ("PD", "A", 7, "fourth"), ("PDFS", "A", 7, "motion"))
NAMED_SEED = 12


def sheet() -> Sheet:
    """Eight examinations: full pictures at two sites, one coil, a fourth of the lines, and motion between the shots; the outline of the limb overlaid."""
    panels = tuple(_panel(*case) for case in CASES)
    asked = Asking(plane="coronal", protocol="PD", matrix=384, difficulty=0.0, neutral=True, state="healthy")
    named = knee_scan(NAMED_SEED, slices=3, ask=asked)
    note = (f"Yellow: the outline of the limb, within which reconstructions are judged. Root of the sum of squares of eight coils, {MATRIX} x {MATRIX} pixels. There is no finding to betray, so no case is "
            "confounded: the off-model case, whose signal is that of a patient who moved, stands in its place.")
    return Sheet(CARD, panels, Panel(_grey(named.reference[1]), "", points=_structures(named, asked)), note)


def _panel(protocol: str, site: str, seed: int, what: str) -> Panel:
    from skimage.measure import find_contours

    from osteon.simulate.knee_kspace import limb
    from osteon.simulate.mri_acquire import centre, decode

    asked = Asking(site, 0.35, plane="coronal", protocol=protocol, matrix=MATRIX)
    scan = knee_scan((12, seed), slices=2, motion=what == "motion", ask=asked)
    signal = scan.kspace[1].copy()
    if what == "fourth":
        lines = np.arange(signal.shape[-1])
        signal[..., (lines % 4 != 0) & (np.abs(lines - len(lines) // 2) > 0.04 * len(lines))] = 0
    coils = np.abs(centre(decode(signal), (MATRIX, MATRIX)))
    shown = coils[0] if what == "coil" else np.sqrt((coils**2).sum(axis=0))
    words = {"full": "every line", "coil": "one coil of eight", "fourth": "a fourth of the lines, zeros elsewhere", "motion": "off model: moved between shots"}[what]
    outline = tuple(line for line in find_contours(limb(scan, asked)[1].astype(float), 0.5) if len(line) > 40)
    return Panel(_grey(shown), f"{protocol}, site {site}, {scan.weighting.tesla:g} T\n{words}", lines=outline)


def _grey(picture: np.ndarray) -> np.ndarray:
    return np.clip(picture / np.quantile(picture, 0.995), 0, 1)


def _structures(scan: Scan, asked: Asking) -> Mapping[str, np.ndarray]:
    """Structures of a coronal slice through the middle of the joint, by points of the knee's own frames."""
    knee, w = scan.knee.scene.knee, scan.knee.scene.knee.shape.width
    lattice = scan.knee.lattice(asked.plane, scan.places[1], scan.reference.shape[1:], scan.spacing[1:], scan.spacing[0])
    named = {"medial femoral condyle": ("femur", (-23, -9, 12)), "lateral femoral condyle": ("femur", (23, -9, 12)), "medial cartilage": ("femur", (-21, -9, -0.8)), "medial meniscus": ("tibia", (-36 * w, -8, 4.2)),
             "lateral meniscus": ("tibia", (36 * w, -8, 4.5)), "posterior cruciate ligament": ("femur", (-4.5, -14, 15.5)), "anterior cruciate ligament": ("tibia", (2.0, -3.0, 12.5)),
             "intercondylar notch": ("femur", (0, -10, 22)), "medial plateau": ("tibia", (-22, -6, -6)), "lateral plateau": ("tibia", (22, -6, -6)), "tibial spines": ("tibia", (0, -4, 4)),
             "scar of the femoral growth plate": ("femur", (-14, -3, 33)), "medial collateral ligament": ("tibia", (-36.0 * w, 0, -26)),
             "marrow of the metaphysis": ("femur", (4, -4, 52)), "subcutaneous fat": ("tibia", (-46, -8, -34))}
    return {name: lattice.index(knee.bones[bone].world(np.asarray(at, float)))[1:] for name, (bone, at) in named.items()}
