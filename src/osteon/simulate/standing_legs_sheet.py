"""The contact sheet of the standing legs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.contact import Panel, Sheet, grey
from osteon.simulate.standing_legs import CARD, FIELD_MM, StandingFilm, standing_film

SHOWN_MM, FINE_MM = 2.0, 1.0
# site, difficulty, confounded, seed; chosen so that bowed and knock knees, metal and a cropped leg stand here
CASES = (("A", 0.5, False, 12), ("A", 0.5, False, 14), ("A", 0.5, False, 11), ("A", 0.5, False, 8), ("B", 0.5, False, 20), ("B", 0.5, False, 24), ("B", 0.5, False, 21), ("A", 0.5, True, 14))


def sheet() -> Sheet:
    """Eight films at two sites, the last the second one once more, confounded; mechanical axes and landmarks overlaid."""
    films = [(standing_film((3, seed), site=site, difficulty=difficulty, pixel_mm=SHOWN_MM, confounded=shortcut), site, shortcut) for site, difficulty, shortcut, seed in CASES]
    named = standing_film((3, 2), neutral=True, pixel_mm=FINE_MM, difficulty=0.0)
    note = (f"Yellow: hip, knee and ankle centres with the mechanical axes, and the joint lines, as they lie on the projection. Films of {FIELD_MM[0]:g} x {FIELD_MM[1]:g} mm, shown with pixels of "
            f"{SHOWN_MM:g} mm, the named one with {FINE_MM:g} mm.")
    return Sheet(CARD, tuple(_panel(*film) for film in films), Panel(grey(named.stored), "", points=_structures(named)), note)


def _panel(film: StandingFilm, site: str, shortcut: bool) -> Panel:
    angles = " / ".join(f"{film.projected[f'HKA.{side}']:.0f}\N{DEGREE SIGN}" if np.isfinite(film.projected[f"HKA.{side}"]) else "cut off" for side in "RL")
    room = "confounded: dose and print" if shortcut else f"site {site}"
    metal = "" if film.attributes["metal"] == "none" else f", {film.attributes['metal'].split('.')[0]}"
    return Panel(grey(film.stored), f"{room}{metal}\nHKA {angles}", lines=tuple(_lines(film)),
                 points={f"{side} {name}": at for side, seen in film.landmarks.items() for name, at in seen.items() if name in ("hip", "knee", "ankle")})


def _lines(film: StandingFilm) -> list[np.ndarray]:
    """Mechanical axes and the two joint lines of the knee of each leg, where all their points are on the film."""
    pairs = (("hip", "knee"), ("knee", "ankle"), ("condyle_medial", "condyle_lateral"), ("plateau_medial", "plateau_lateral"))
    return [np.array([seen[a], seen[b]]) for seen in film.landmarks.values() for a, b in pairs if a in seen and b in seen]


def _structures(film: StandingFilm) -> Mapping[str, np.ndarray]:
    """Sixteen structures, half on each leg; offsets in mm (downwards, to the side) from the landmarks."""
    right, left = film.landmarks["R"], film.landmarks["L"]
    mm = film.spacing[0]

    def by(seen: Mapping[str, np.ndarray], name: str, down: float, out: float) -> np.ndarray:
        """`out` mm away from the midline."""
        return seen[name] + np.array([down, out if seen is left else -out]) / mm

    return {"wing of the ilium": by(right, "hip", -62, 26), "sacrum": np.array([right["hip"][0] - 62 / mm, 0.5 * (right["hip"][1] + left["hip"][1])]), "femoral head": by(left, "hip", 0, 0),
            "greater trochanter": by(left, "hip", 16, 54), "obturator foramen": by(left, "hip", 46, -44), "lesser trochanter": by(right, "hip", 78, 21),
            "cortex of the femoral shaft": by(right, "hip", 210, 22), "marrow canal": by(left, "hip", 230, 16), "patella": by(right, "knee", -30, 0), "lateral condyle": by(left, "condyle_lateral", -14, 0),
            "tibial spines": by(left, "knee", 0, 0), "head of the fibula": by(right, "plateau_lateral", 20, -3), "tibial tuberosity and crest": by(left, "knee", 60, 4),
            "shaft of the fibula": by(left, "ankle", -130, 36), "medial malleolus": by(right, "plafond_medial", 8, -8), "dome of the talus": by(left, "ankle", 6, 0),
            "calibration ball": np.array(film.ball[:2])}
