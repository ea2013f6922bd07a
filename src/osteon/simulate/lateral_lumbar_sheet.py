"""The contact sheet of the lateral lumbar spine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.geometry.spine_sagittal import LUMBAR
from osteon.simulate.contact import Panel, Sheet, grey
from osteon.simulate.lateral_lumbar import CARD, Findings, lateral_film
from osteon.simulate.spine_film import SpineFilm

SHOWN_MM, FINE_MM = 1.2, 0.7
# site, difficulty, confounded, seed; with slips, losses of height and low and high incidence
CASES = (("A", 0.2, False, 9), ("A", 0.5, False, 1), ("A", 0.5, False, 17), ("A", 0.9, False, 31), ("B", 0.5, False, 11), ("B", 0.5, False, 8), ("B", 0.9, False, 35), ("A", 0.5, True, 17))


def sheet() -> Sheet:
    """Eight films at two sites, the last the third one once more, confounded; bodies, endplate of S1 and hip axis overlaid."""
    films = [(lateral_film((5, seed), site=site, difficulty=difficulty, pixel_mm=SHOWN_MM, confounded=shortcut), site, shortcut) for site, difficulty, shortcut, seed in CASES]
    named = lateral_film((5, 9), neutral=True, pixel_mm=FINE_MM, difficulty=0.0, findings=Findings())
    note = (f"Yellow: six points a body, the endplate of S1 and the line from its middle to the hip axis. The front of the patient is to the right. Pixels of {SHOWN_MM} mm, of the named film {FINE_MM} mm.")
    return Sheet(CARD, tuple(_panel(*film) for film in films), Panel(grey(named.stored), "", points=_structures(named)), note)


def _panel(film: SpineFilm, site: str, shortcut: bool) -> Panel:
    p = film.projected
    slip, loss = max(p[f"slip.{level}"] for level in LUMBAR), max(p[f"loss.{level}"] for level in LUMBAR)
    room = "confounded" if shortcut else f"site {site}"
    hips, plate = film.points["hips"].mean(axis=0), film.points["S1"]
    lines = (plate, np.array([plate.mean(axis=0), hips]), *(film.points[level][[0, 2, 5, 3, 0]] for level in LUMBAR))
    return Panel(grey(film.stored), f"{room}, slip {max(slip, 0.0):.0f} %, loss {loss:.0f} %\nPI {p['PI']:.0f}\N{DEGREE SIGN} = PT {p['PT']:.0f} + SS {p['SS']:.0f}, LL {p['LL']:.0f}", lines=lines,
                 points={"hip axis": hips})


def _structures(film: SpineFilm) -> Mapping[str, np.ndarray]:
    """Sixteen structures; offsets in mm (downwards, forwards) from the middle of a body, of S1 or of the hip axis."""
    mm = film.spacing[0]

    def by(name: str, down: float = 0.0, ahead: float = 0.0) -> np.ndarray:
        return film.points[name].mean(axis=0) + np.array([down, ahead]) / mm

    return {"body of L2": by("L2"), "endplate of L3": film.points["L3"][1], "disc L3/4": 0.5 * (film.points["L3"][4] + film.points["L4"][1]), "anterior wall of L4": 0.5 * (film.points["L4"][0] + film.points["L4"][3]),
            "posterior wall of L4": 0.5 * (film.points["L4"][2] + film.points["L4"][5]), "pedicle of L3": by("L3", -6, -26), "foramen L2/3": by("L2", 13, -20), "articular process of L2": by("L2", 17, -36),
            "spinous process of L3": by("L3", 1, -52), "lowest ribs": by("T12", 6, 59), "dome of the diaphragm": by("T12", -61, 26), "gas of the bowel": by("L3", 0, 61), "promontory": film.points["S1"][0],
            "sacrum": by("S1", 34, -26), "iliac crest": by("S1", -18, 58), "femoral heads": by("hips")}
