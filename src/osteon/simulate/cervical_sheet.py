"""The contact sheet of the lateral cervical spine."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.geometry.cervical import LEVELS
from osteon.simulate.cervical import CARD, PIXEL_MM, CervicalFilm, cervical_film
from osteon.simulate.cervical_states import Findings
from osteon.simulate.contact import Panel, Sheet, grey

FINE_MM = 0.4  # of the film whose structures are named
# severity, kind, site, confounded, seed
CASES = ((0.08, "degenerative", "A", False, 3), (0.45, "degenerative", "A", False, 1), (0.70, "degenerative", "A", False, 6), (0.97, "degenerative", "A", False, 2),
         (0.25, "ossified", "A", False, 7), (0.15, "degenerative", "B", False, 8), (0.90, "degenerative", "B", False, 9), (0.70, "degenerative", "A", True, 6))


def sheet() -> Sheet:
    """Eight necks of rising severity at two sites, one with an ossified ligament, the last confounded; corners, laminae and the plumb line overlaid."""
    films = [(cervical_film((11, seed), severity=severity, kind=kind, site=site, confounded=shortcut), site, shortcut) for severity, kind, site, shortcut, seed in CASES]
    named = cervical_film((11, 4), neutral=True, pixel_mm=FINE_MM, difficulty=0.0, findings=Findings())
    note = (f"Yellow: outlines through the corners of C2 to T1, the front of each lamina, the plumb line of C2, the back of an ossification. The front of the patient is to the right. Pixels of {PIXEL_MM} mm, "
            f"of the named film {FINE_MM} mm.")
    return Sheet(CARD, tuple(_panel(*film) for film in films), Panel(grey(named.stored), "", points=_structures(named)), note)


def _panel(film: CervicalFilm, site: str, shortcut: bool) -> Panel:
    p, at, called = film.projected, film.points, film.findings
    room = "confounded" if shortcut else f"site {site}"
    signs = [name for name in ("narrowing", "osteophytes", "straight") if called[name]]
    said = f"{film.attributes['ossification']} ossification {p['occupied']:.0f} %" if "mass" in at else ", ".join(signs) or "none of three signs"
    outlines = tuple(at[name][[0, 1, 3, 2, 0]] for name in LEVELS)
    centre = at["C2"][:4].mean(axis=0)
    plumb = np.array([centre, (at["C7"][1][0], centre[1]), at["C7"][1]])
    lines = (*outlines, plumb, *((at["mass"][:, 1],) if "mass" in at else ()))
    caption = f"{room}: {said}\nlordosis {p['lordosis']:.0f}\N{DEGREE SIGN}, T1 slope {p['slope']:.0f}\N{DEGREE SIGN}, cSVA {p['sva']:.0f} mm"
    return Panel(grey(film.stored), caption, lines=lines, points={name: at[name][4] for name in LEVELS})


def _structures(film: CervicalFilm) -> Mapping[str, np.ndarray]:
    """Seventeen structures; offsets in mm (downwards, forwards) from a point of a level."""
    at, mm = film.points, film.spacing[0]

    def by(point: np.ndarray, down: float = 0.0, ahead: float = 0.0) -> np.ndarray:
        return point + np.array([down, ahead]) / mm

    middle = {name: at[name][:4].mean(axis=0) for name in LEVELS}
    return {"dens": by(at["C1"][1], -2, -5), "anterior arch of C1": by(at["C1"][0], 0, 2.5), "posterior arch of C1": by(at["C1"][2], 0, -3), "body of C3": middle["C3"],
            "disc C4-5": 0.5 * (middle["C4"] + middle["C5"]), "facet joint C4-5": by(0.5 * (at["C4"][3] + at["C5"][1]), -1, -6.5),
            "spinolaminar line at C4": at["C4"][4], "spinous process of C2": by(at["C2"][4], 7, -10), "spinous process of C7": by(at["C7"][4], 11, -21),
            "occipital bone": by(at["C1"][2], -17, -30), "mastoid cells": by(at["C1"][1], -30, -12), "angle of the mandible": by(middle["C3"], -8, 30),
            "hyoid": by(middle["C3"], 12, 42), "epiglottis": by(middle["C3"], 3, 24), "prevertebral soft tissue at C6": by(at["C6"][0], 4, 5), "trachea": by(middle["C7"], 2, 25), "hard palate": by(at["C1"][0], -10, 40)}
