"""The contact sheet of the AP spine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.ap_spine import CARD, ap_film
from osteon.simulate.contact import Panel, Sheet, grey
from osteon.simulate.spine_film import SpineFilm

SHOWN_MM, FINE_MM = 1.4, 0.8
# site, difficulty, confounded, seed; from straight to severe
CASES = (("A", 0.2, False, 26), ("A", 0.5, False, 20), ("A", 0.5, False, 29), ("A", 0.9, False, 0), ("B", 0.5, False, 19), ("B", 0.5, False, 32), ("B", 0.9, False, 10), ("A", 0.5, True, 29))


def sheet() -> Sheet:
    """Eight films at two sites, the last the third one once more, confounded; outlines of the bodies and the end plates of the largest curve overlaid."""
    films = [(ap_film((4, seed), site=site, difficulty=difficulty, pixel_mm=SHOWN_MM, confounded=shortcut), site, shortcut) for site, difficulty, shortcut, seed in CASES]
    named = ap_film((4, 9), neutral=True, pixel_mm=FINE_MM, difficulty=0.0, plan=(("T5", "T11", 18.0), ("T11", "L4", -14.0)))
    note = (f"Yellow: corners of T1 to L5 as they lie on the projection, and the end plates between which the largest curve is measured. Pixels of {SHOWN_MM} mm, of the named film {FINE_MM} mm.")
    return Sheet(CARD, tuple(_panel(*film) for film in films), Panel(grey(named.stored), "", points=_structures(named)), note)


def _panel(film: SpineFilm, site: str, shortcut: bool) -> Panel:
    found = film.attributes
    curve = f"Cobb {film.projected['main']:.0f}\N{DEGREE SIGN} ({found['upper']} to {found['lower']})" if found["curves"] else "straight"
    room = "confounded: dose and print" if shortcut else f"site {site}"
    return Panel(grey(film.stored), f"{room}, {found['severity']}\n{curve}", lines=tuple(_plates(film)),
                 points={f"{level} {k}": at for level, four in film.points.items() for k, at in enumerate(four)})


def _plates(film: SpineFilm) -> list[np.ndarray]:
    """The upper plate of the upper end vertebra and the lower plate of the lower one, drawn out to both sides."""
    if not film.attributes["curves"]:
        return []
    out = []
    for level, plate in ((film.attributes["upper"], (0, 1)), (film.attributes["lower"], (2, 3))):
        ends = film.points[level][list(plate)]
        out.append(ends.mean(axis=0) + np.outer([-1.8, 1.8], ends[1] - ends[0]))
    return out


def _structures(film: SpineFilm) -> Mapping[str, np.ndarray]:
    """Sixteen structures; offsets in mm (downwards, to the right of the film) from the middle of a body."""
    mm = film.spacing[0]

    def by(level: str, down: float = 0.0, aside: float = 0.0) -> np.ndarray:
        return film.points[level].mean(axis=0) + np.array([down, aside]) / mm

    return {"clavicle": by("T3", -4, 80), "first rib": by("T2", -26, -41), "trachea": by("T3", 0, -3), "scapula": by("T5", -18, -108), "arch of the aorta": by("T4", 6, 22), "heart": by("T9", -8, 40),
            "body of T8": by("T8"), "dome of the diaphragm": by("T10", 6, -52), "ribs, lateral part": by("T9", 16, -118), "gas of the bowel": by("L3", -19, 80), "pedicle of T12": by("T12", -3, -9),
            "spinous process of L1": by("L1", 7, 0), "transverse process of L3": by("L3", -3, -36), "psoas": by("L4", -14, -26), "iliac crest": by("L4", 14, 88), "sacrum": by("L5", 40, 0)}
