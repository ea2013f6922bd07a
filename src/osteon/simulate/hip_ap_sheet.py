"""The contact sheet of the AP hip."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.contact import Panel, Sheet, grey
from osteon.simulate.hip_ap import CARD, PIXEL_MM, HipFilm, hip_film

FINE_MM = 0.5  # of the film whose structures are named
# kind, view, severity, site, confounded, seed; the seeds were chosen so that both sides, cemented and uncemented implants and both fractures stand here
CASES = (("native", "hip", 0.15, "A", False, 4), ("native", "hip", 0.85, "A", False, 3), ("fracture", "hip", 0.62, "A", False, 1), ("fracture", "hip", 0.9, "B", False, 7),
         ("implant", "pelvis", 0.2, "A", False, 5), ("implant", "hip", 0.3, "A", False, 4), ("implant", "hip", 0.8, "B", False, 1), ("implant", "hip", 0.85, "A", True, 9))


def sheet() -> Sheet:
    """Eight hips at two sites, the last confounded; outlines of implants, landmarks, joint space and the line of the teardrops overlaid."""
    films = [(hip_film((7, seed), kind=kind, view=view, severity=severity, site=site, confounded=shortcut), site, shortcut) for kind, view, severity, site, shortcut, seed in CASES]
    named = hip_film((7, 2), kind="native", severity=0.12, side="R", neutral=True, pixel_mm=FINE_MM, difficulty=0.0)
    note = ("Yellow: landmarks, outlines of stem and cup, least joint space, as measured on the projection. Lines: widest of stem and cup. "
            f"256 x 256 pixels of {PIXEL_MM['hip']} mm (pelvis {PIXEL_MM['pelvis']}); the large film: {FINE_MM} mm.")
    return Sheet(CARD, tuple(_panel(*film) for film in films), Panel(grey(named.stored), "", points=_structures(named)), note)


def _panel(film: HipFilm, site: str, shortcut: bool) -> Panel:
    truth = film.truth
    room = "confounded" if shortcut else f"site {site}"
    lines = [_outline(film.masks[k]) for k in (2, 3) if film.masks[k].any()]
    lines = [*lines, truth.gap] if len(truth.gap) else lines
    return Panel(grey(film.stored), f"{_said(film)}, {room}\n{_measured(film)}", points=truth.landmarks, lines=tuple(lines))


def _said(film: HipFilm) -> str:
    found = film.truth.findings
    if "loosening" in found:
        return f"{film.attributes['stem']}: stem {found['stem']}, cup {found['cup']}"
    if found["fracture"] != "none":
        return f"{found['fracture']} fracture" + (f", Garden {found['garden']}" if "garden" in found else "")
    return f"Tonnis {found['arthritis']}"


def _measured(film: HipFilm) -> str:
    values, lines = film.truth.values, film.truth.lines
    if lines:
        return (f"lines {max(lines[z] for z in '1234567'):.1f} / {max(lines[z] for z in ('I', 'II', 'III')):.1f} mm, inclination {values['cup_inclination']:.0f}, "
                f"R - L {values['leg_length_difference']:.0f} mm")
    if "displacement" in values:
        return f"displaced {values['displacement']:.0f} mm, head {values['valgus']:.0f} degrees valgus"
    return f"space {values['joint_space']:.1f} mm, neck-shaft {values['neck_shaft']:.0f}, centre-edge {values['centre_edge']:.0f}"


def _outline(mask: np.ndarray) -> np.ndarray:
    from skimage.measure import find_contours

    return max(find_contours(np.pad(mask, 1).astype(float), 0.5), key=len) - 1


def _structures(film: HipFilm) -> Mapping[str, np.ndarray]:
    """Sixteen structures of a right hip that lies straight: places on the film in mm from the middle of the head (laterally, upwards), or landmarks."""
    seen, mm = film.truth.landmarks, film.spacing[0]
    lateral = float(np.sign(seen["greater_trochanter"][1] - seen["head"][1]))

    def at(x: float, z: float) -> np.ndarray:
        return seen["head"] + np.array([-z, lateral * x]) / mm

    return {"head of the femur": at(2, 4), "sourcil": at(5, 29), "joint space": at(-4, 24.5), "teardrop": seen["teardrop"] + np.array([-4, 0.0]) / mm, "ilioischial line": at(-35.5, 22),
            "pelvic brim (iliopectineal line)": at(-40, 4), "posterior wall": at(14, 0), "anterior wall": at(-8, -4), "greater trochanter": seen["greater_trochanter"] + np.array([9, 0]) / mm,
            "lesser trochanter": seen["lesser_trochanter"], "obturator foramen": at(-50, -38), "ischial tuberosity": seen["ischium"] + np.array([-10, 0]) / mm,
            "symphysis": at(-93, -26), "compressive trabeculae": at(2, -12), "tensile trabeculae": at(27, -21), "cortex of the shaft": at(36, -95), "medullary canal": at(26.5, -95)}
