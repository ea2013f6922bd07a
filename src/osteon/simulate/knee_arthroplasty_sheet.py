"""The contact sheet of the AP knee with an implant."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.contact import Panel, Sheet, grey
from osteon.simulate.knee_arthroplasty import CARD, PIXEL_MM, ImplantFilm, implant_film
from osteon.simulate.knee_arthroplasty_pose import Status
from osteon.simulate.knee_implants import DESIGNS, Hold, Parts

FINE_MM = 0.4  # of the film whose structures are named
# design, severity, site, confounded, seed
CASES = (("K1", 0.05, "A", False, 1), ("K5", 0.62, "A", False, 2), ("K7", 0.75, "A", False, 3), ("U1", 0.10, "A", False, 4), ("U4", 0.80, "A", False, 5), ("K3", 0.15, "B", False, 6),
         ("K2", 0.95, "B", False, 7), ("K7", 0.75, "A", True, 3))


def sheet() -> Sheet:
    """Eight knees with implants at two sites, firm and loose, the last confounded; outlines of the parts and the axes overlaid."""
    films = [(implant_film((13, seed), kind=DESIGNS[design].kind, design=design, severity=severity, site=site, confounded=shortcut), site, shortcut) for design, severity, site, shortcut, seed in CASES]
    worn = Hold({"1": 2.4, "2": 1.9, "3": 1.4, "4": 1.2, "5": 1.6, "6": 1.5, "7": 1.3})
    named = implant_film((13, 9), neutral=True, pixel_mm=FINE_MM, difficulty=0.0, status=Status(parts=Parts("K2"), hold=worn))
    note = (f"Yellow: outlines of both parts, the line of condyles and tray, and the axes of the shafts; lines: lucent lines summed over the seven zones. Films of 256 x 256 pixels of {PIXEL_MM} mm; the named one has pixels of "
            f"{FINE_MM} mm.")
    return Sheet(CARD, tuple(_panel(*film) for film in films), Panel(grey(named.stored), "", points=_structures(named)), note)


def _panel(film: ImplantFilm, site: str, shortcut: bool) -> Panel:
    from skimage.measure import find_contours

    t, at = film.truth, film.truth.landmarks
    room = "confounded" if shortcut else f"site {site}"
    hold = t.status.hold
    moved = f", sunk {hold.sunk:.0f} mm, tilted {hold.tilted:.0f}\N{DEGREE SIGN}" if hold.sunk > 0.5 or abs(hold.tilted) > 0.5 else ""
    outlines = [contour for mask in film.masks[2:] for contour in find_contours(np.pad(mask, 1).astype(float), 0.5)]
    lines = [np.clip([at[a], at[b]], 0, film.stored.shape[0] - 1) for a, b in (("femoral_medial", "femoral_lateral"), ("femur_low", "femur_high"), ("tray_medial", "tray_lateral"), ("tibia_high", "tibia_low"))]
    caption = f"{t.findings['design']} ({t.findings['type']}), {t.findings['loosening']}, {room}\nlines {t.values['score']:.1f} mm{moved}"
    return Panel(grey(film.stored), caption, lines=(*(c - 1 for c in outlines), *lines))


def _structures(film: ImplantFilm) -> Mapping[str, np.ndarray]:
    """Thirteen structures of a knee that stands straight; offsets in mm (downwards, laterally) from the middle of the tray or of the condyles."""
    at, mm = film.truth.landmarks, film.spacing[0]
    lateral = float(np.sign(at["tray_lateral"][1] - at["tray_medial"][1]))
    tray, condyles = (0.5 * (at[f"{name}_medial"] + at[f"{name}_lateral"]) for name in ("tray", "femoral"))

    def by(point: np.ndarray, down: float, aside: float) -> np.ndarray:
        return point + np.array([down, aside * lateral]) / mm

    return {"medial condyle of the femoral part": by(condyles, -10, -24), "notch": by(condyles, -10, 0), "flange": by(condyles, -30, 8), "polyethylene (a gap)": by(tray, -8, 16), "tray": by(tray, -1.5, 22),
            "stem": by(tray, 22, 0), "wing of the stem": by(tray, 6, 9.5), "cement": by(tray, 1.2, -22), "lucent line": by(tray, 3.4, -27), "dense line about it": by(tray, 30, 10.4), "fibula": by(tray, 30, 38),
            "patella": by(condyles, -44, 3), "adductor tubercle": by(condyles, -46, -38), "cortex of the tibia": by(tray, 62, 17)}
