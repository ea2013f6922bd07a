"""The contact sheet of the shoulder."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.contact import Panel, Sheet, grey
from osteon.simulate.shoulder import CARD, PIXEL_MM, ShoulderExam, ShoulderFilm, shoulder_exam

FINE_MM = 0.45  # of the films whose structures are named
# view, severity, site, confounded, seed; the seeds were chosen so that humerus, clavicle and scapula, a dislocation and every view stand here
CASES = (("ap", 0.0, "A", False, 1), ("y", 0.0, "B", False, 2), ("grashey", 0.6, "A", False, 1), ("ap", 0.8, "A", False, 6), ("clavicle", 0.75, "A", False, 5), ("ap", 0.75, "B", False, 3),
         ("y", 0.8, "A", False, 6), ("internal", 0.7, "A", True, 4))


def sheet() -> Sheet:
    """Eight films at two sites, the last confounded, landmarks and spaces overlaid; true AP and AP view of a whole shoulder with its structures named."""
    exams = [(shoulder_exam((7, seed), severity=severity, site=site, views=(view,), confounded=shortcut), site, shortcut) for view, severity, site, shortcut, seed in CASES]
    named = shoulder_exam((7, 2), severity=0.0, side="L", neutral=True, pixel_mm=FINE_MM, difficulty=0.0, views=("grashey", "ap"))
    true, frontal = named.films
    wide = true.stored.shape[1]
    points = dict(_true(true)) | {name: at + (0, wide) for name, at in _frontal(frontal).items()}
    note = (f"Yellow: landmarks, and as lines the space below the acromion and between coracoid and clavicle, on the projection. One of two to seven films of each examination. "
            f"256 x 256 pixels of {PIXEL_MM} mm; the large films: {FINE_MM} mm.")
    return Sheet(CARD, tuple(_panel(*exam) for exam in exams), Panel(np.hstack([grey(true.stored), grey(frontal.stored)]), "", points=points), note)


def _panel(exam: ShoulderExam, site: str, shortcut: bool) -> Panel:
    film, found = exam.films[0], exam.findings
    room = "confounded" if shortcut else f"site {site}"
    codes = [found[bone] for bone in ("humerus", "clavicle", "scapula") if found[bone] != "none"]
    said = f"{film.view}: {', '.join(codes) or 'no fracture'}" + (f", parts: {found['parts']}" if found["parts"] != "none" else "") + (", dislocated" if found["dislocated"] == "yes" else "")
    at, pairs = film.landmarks, (("head_top", "acromion_under"), ("coracoid", "clavicle_under"))
    lines = tuple(np.array([at[a], at[b]]) for a, b in pairs if a in at and b in at and found["dislocated"] == "no")
    return Panel(grey(film.stored), f"{said}\n{room}: step {exam.values['displacement']:.1f} mm", points=at, lines=lines)


def _true(film: ShoulderFilm) -> Mapping[str, np.ndarray]:
    """Structures of a left shoulder on the true AP view, by mm from the centre of the head (laterally, upwards)."""
    at, mm = film.landmarks, film.spacing[0]

    def place(x: float, z: float) -> np.ndarray:
        return at["head"] + np.array([-z, x]) / mm

    return {"head of the humerus": at["head"], "glenohumeral joint space": place(-25.0, 0), "glenoid": place(-31.0, -4), "acromion": at["acromion_edge"] + np.array([2.0, -8]), "surgical neck": place(9, -34),
            "lateral border of the scapula": place(-58, -66), "medial border of the scapula": place(-110, -30), "inferior angle": place(-86, -116)}


def _frontal(film: ShoulderFilm) -> Mapping[str, np.ndarray]:
    at, mm = film.landmarks, film.spacing[0]

    def place(x: float, z: float) -> np.ndarray:
        return at["head"] + np.array([-z, x]) / mm

    return {"greater tuberosity": at["tuberosity"], "coracoid": at["coracoid"] + np.array([10, 0]), "clavicle": place(-66, 27), "acromioclavicular joint": at["clavicle_end"],
            "overlap of head and glenoid": place(-19, -2), "cortex of the shaft": place(30, -108), "medullary canal": place(24, -104), "rib": place(-70, -100)}
