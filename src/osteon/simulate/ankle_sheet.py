"""The contact sheet of the ankle."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.ankle import CARD, PIXEL_MM, AnkleExam, AnkleFilm, ankle_exam
from osteon.simulate.contact import Panel, Sheet, grey

FINE_MM = 0.36  # of the films whose structures are named
# view, severity, site, confounded, seed; the seeds were chosen so that every class and an occult fracture stand here
CASES = (("mortise", 0.0, "A", False, 1), ("lateral", 0.0, "B", False, 2), ("mortise", 0.5, "A", False, 3), ("lateral", 0.75, "A", False, 3), ("mortise", 0.9, "A", False, 8), ("ap", 0.9, "B", False, 4),
         ("lateral", 0.1, "A", False, 4), ("mortise", 0.7, "A", True, 5))


def sheet() -> Sheet:
    """Eight films at two sites, the last confounded, landmarks and clear spaces overlaid; mortise and lateral view of a whole ankle with its structures named."""
    exams = [(ankle_exam((7, seed), severity=severity, site=site, confounded=shortcut), view, site, shortcut) for view, severity, site, shortcut, seed in CASES]
    named = ankle_exam((7, 2), severity=0.0, side="L", neutral=True, pixel_mm=FINE_MM, difficulty=0.0)
    frontal, lateral = named.films["mortise"], named.films["lateral"]
    both = np.hstack([grey(frontal.stored)[:, 80:432], grey(lateral.stored)])
    points = {name: at - (0, 80) for name, at in _frontal(frontal).items()} | {name: at + (0, 352) for name, at in _lateral(lateral).items()}
    note = ("Yellow: landmarks and, as lines, both clear spaces (medial / of the syndesmosis) and Boehler's angle on the projection. One of three films of each examination. "
            f"256 x 256 pixels of {PIXEL_MM} mm; the large films: {FINE_MM} mm.")
    return Sheet(CARD, tuple(_panel(*exam) for exam in exams), Panel(both, "", points=points), note)


def _panel(exam: AnkleExam, view: str, site: str, shortcut: bool) -> Panel:
    film, found = exam.films[view], exam.findings
    room = "confounded" if shortcut else f"site {site}"
    broken = f"Weber {found['weber']}" if found["weber"] != "none" else "whole" if not exam.broken else "fibula whole"
    said = f"{view}, {broken}" + (f", {found['pattern']}" if exam.broken else "") + (", occult" if found["occult"] == "yes" else "")
    values = exam.values
    measured = f"{room}: step {values['displacement']:.1f}, spaces {values['medial_clear_space']:.1f} / {values['clear_space']:.1f} mm"
    at = film.landmarks
    pairs = [("notch", "fibula_medial"), ("gutter_tibia", "gutter_talus"), ("tuberosity", "facet"), ("facet", "anterior_process")]
    return Panel(grey(film.stored), f"{said}\n{measured}", points=at, lines=tuple(np.array([at[a], at[b]]) for a, b in pairs if a in at and b in at))


def _frontal(film: AnkleFilm) -> Mapping[str, np.ndarray]:
    """Structures of a left ankle on the mortise view, by mm lateral and above the middle of the plafond."""
    at, mm = film.landmarks, film.spacing[0]
    middle = 0.5 * (at["plafond_medial"] + at["plafond_lateral"])

    def place(x: float, z: float) -> np.ndarray:
        return middle + np.array([-z, x]) / mm

    return {"medial malleolus": place(-22.5, -4), "plafond": place(3, 0.4), "dome of the talus": place(-6, -3.6), "lateral malleolus": place(27, -8), "notch of the fibula": at["notch"],
            "anterior tubercle": at["tubercle"] + np.array([-8, -3]), "medial clear space": 0.5 * (at["gutter_tibia"] + at["gutter_talus"]), "cortex of the tibia": place(8.6, 82)}


def _lateral(film: AnkleFilm) -> Mapping[str, np.ndarray]:
    at, mm = film.landmarks, film.spacing[0]
    middle = at["plafond"]

    def place(y: float, z: float) -> np.ndarray:
        return middle + np.array([-z, y]) / mm

    return {"posterior malleolus": place(-15, 0), "neck of the talus": place(24, -19), "Kager's triangle": place(-31, 12),
            "tuberosity of the calcaneus": at["tuberosity"] + np.array([10, 6]), "posterior facet": at["facet"], "navicular": place(51, -28), "cuboid": place(48, -47),
            "poor triangle of the calcaneus": place(2, -53)}
