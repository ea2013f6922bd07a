"""The contact sheet of the AP knee."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.contact import Panel, Sheet, grey
from osteon.simulate.knee_ap import CARD, PIXEL_MM, KneeFilm, knee_film

FINE_MM = 0.45  # of the film whose structures are named
# severity, site, confounded; the seeds were chosen so that both sides and every grade stand here
CASES = ((0.06, "A", False, 2), (0.22, "A", False, 8), (0.46, "A", False, 4), (0.68, "A", False, 0), (0.97, "A", False, 3), (0.42, "B", False, 3), (0.90, "B", False, 1), (0.70, "A", True, 5))


def sheet() -> Sheet:
    """Eight knees of rising severity at two sites, the last confounded; joint space and landmarks overlaid."""
    films = [(knee_film((7, seed), severity=severity, site=site, confounded=shortcut), site, shortcut) for severity, site, shortcut, seed in CASES]
    named = knee_film((7, 5), severity=0.5, sides=("R",), neutral=True, pixel_mm=FINE_MM, difficulty=0.0)
    note = ("Yellow: the least joint space of each compartment, as measured on the projection, and the landmarks. JSW: joint space width, medial and lateral, in mm. "
            f"Films of 256 x 256 pixels of {PIXEL_MM} mm; the large one has pixels of {FINE_MM} mm.")
    return Sheet(CARD, tuple(_panel(*film) for film in films), Panel(grey(named.stored), "", points=_structures(named)), note)


def _panel(film: KneeFilm, site: str, shortcut: bool) -> Panel:
    truth = film.truth
    spaces = " / ".join(f"{mm:.1f}" for mm in truth.space.values())
    reach = max(mm for mm, _ in truth.osteophytes.values())
    room = "confounded: dose, print and letter" if shortcut else f"site {site}"
    caption = f"KL {film.grade}, {room}\nJSW {spaces} mm, osteophyte {reach:.1f} mm"
    return Panel(grey(film.stored), caption, points=truth.landmarks, lines=tuple(truth.ends.values()))


def _structures(film: KneeFilm) -> Mapping[str, np.ndarray]:
    """Fourteen structures of a right knee that stands straight: points of the film in mm from the middle of the joint (to the right, upwards)."""
    middle, mm = (np.array(film.stored.shape) - 1) / 2, film.spacing[0]
    seen = film.truth.landmarks
    medial = float(np.sign(seen["condyle_medial"][1] - seen["condyle_lateral"][1]))

    def at(x: float, z: float) -> np.ndarray:
        return middle + np.array([-z, medial * x]) / mm

    return {"medial femoral condyle": seen["condyle_medial"] - np.array([12, 0]) / mm, "lateral femoral condyle": seen["condyle_lateral"] - np.array([12, 0]) / mm,
            "intercondylar notch": seen["notch"] + np.array([8, 0]) / mm, "tibial spines": 0.5 * (seen["spine_medial"] + seen["spine_lateral"]) + np.array([3, 0]) / mm,
            "medial plateau": seen["plateau_medial"] + np.array([1.0, -14 * medial]) / mm, "lateral plateau": seen["plateau_lateral"] + np.array([1.0, 14 * medial]) / mm,
            "head of the fibula": seen["fibular_head"] + np.array([8, 0]) / mm, "shadow of the patella": seen["patella"] + np.array([-12, 6 * medial]) / mm,
            "adductor tubercle": at(37, 48), "scar of the growth plate": at(14, -22), "cortex of the tibial shaft": at(18, -68), "trabeculae of the metaphysis": at(-4, -38),
            "muscle and fat": at(47, 62), "lateral epicondyle": at(-38, 36)}

