"""The contact sheet of the bone lesion MRI."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.bone_lesion import CARD, BoneLesion, Drawn, bone_lesion, drawn
from osteon.simulate.bone_lesion_asking import FIELD_MM, FINE, OVERSAMPLED, SCANNERS, streams
from osteon.simulate.bone_lesion_look import NOISES, look_of
from osteon.simulate.bone_lesion_patient import Patient
from osteon.simulate.bone_lesion_site import place_of
from osteon.simulate.contact import Panel, Sheet

MIDDLE_MM = 124.0  # what a panel shows of the field
# site, confounded, seed; the seeds were chosen so that every bone, every matrix and the range of looks stand here
CASES = (("A", False, 14), ("A", False, 8), ("A", False, 19), ("A", False, 0), ("A", False, 13), ("B", False, 22), ("B", False, 26), ("A", True, 5))
SHOWN = Patient(17.0, True, ("femur", "metaphysis"), "osteoid", 1.25, 1.25, 0.97, True)
NAMED_SEED = (11, 9)


def sheet() -> Sheet:
    """Eight lesions of every bone from quiet to aggressive, T1 beside T2, at both sites, the last confounded; outlines overlaid."""
    made = [(bone_lesion((2, seed), site=site, difficulty=0.3, confounded=shortcut), shortcut) for site, shortcut, seed in CASES]
    note = "T1 on the left, T2 with fat suppression on the right, cut to 124 mm; yellow: the mask of the lesion, drawn on the T2. The large plane is a T1 before the scanner."
    return Sheet(CARD, tuple(_panel(*each) for each in made), _pointed(), note)


def _panel(made: BoneLesion, shortcut: bool) -> Panel:
    from skimage.measure import find_contours

    side, lines = 192, []
    films = [np.zeros((side, side), np.float32), np.zeros((side, side), np.float32)]
    for k, name in enumerate(("t1", "t2")):
        if name in made.sequences:
            films[k] = _grey(made.sequences[name].stored, side)
    outline = _cut(made.outline.array[0].astype(np.float32), side)
    lines = [line + (0, side) for line in find_contours(outline, 0.5)] if "t2" in made.sequences else list(find_contours(outline, 0.5))
    patient, room = made.patient, "confounded: gain, shading, noise" if shortcut else f"institution {made.attributes['site']}"
    caption = f"{'malignant' if patient.malignant else 'benign'} ({patient.histology}), risk {patient.risk:.2f}\n{patient.bone}, {patient.age:.0f} years, {room}"
    return Panel(np.hstack(films), caption, lines=tuple(line for line in lines if len(line) > 12))


def _cut(film: np.ndarray, side: int) -> np.ndarray:
    """The middle of a picture with so many pixels a side."""
    from skimage.transform import resize

    keep = round(film.shape[0] * MIDDLE_MM / FIELD_MM / 2)
    half = film.shape[0] // 2
    return np.asarray(resize(film[half - keep: half + keep, half - keep: half + keep], (side, side), order=1), np.float32)


def _grey(stored: np.ndarray, side: int) -> np.ndarray:
    film = stored.astype(np.float32)
    return np.clip(_cut(film / np.quantile(film, 0.995), side), 0, 1)


def _pointed() -> Panel:
    """An aggressive lesion of the distal femur with what lies in and around it."""
    from osteon.simulate import mri_acquire, mri_paint
    from osteon.simulate.bone_lesion_layers import LESION_PALETTE

    rng, weighting = streams(NAMED_SEED), SCANNERS["A1"].t1
    look = look_of(SHOWN, np.zeros(NOISES))
    plane = drawn(look, place_of(SHOWN, look, rng.build), rng, SCANNERS["A1"].thickness)
    water, fat = mri_paint.paint(plane.layers, (FINE, FINE), weighting, plane.grain, LESION_PALETTE)
    ideal = mri_acquire.mixed(water, fat, weighting.fat_shift)
    edge = round(FINE * (1 - 1 / OVERSAMPLED) / 2)
    return Panel(np.clip(ideal / np.quantile(ideal, 0.99), 0, 1)[edge:-edge, edge:-edge], "", points={name: at - edge for name, at in _points(plane).items()})


def _points(plane: Drawn) -> Mapping[str, np.ndarray]:
    """Places (row, col) in the whole plane: of the lesion by its distances, of the rest the middle of what its layer covers."""
    from osteon.simulate.mri_paint import labelled

    lesion, here = plane.lesion, plane.lesion.here
    corner = np.array([here.window[0].start, here.window[1].start])
    away, rim = np.abs(here.along) < 12, lesion.cortex
    ways = {"body of the lesion": lesion.body, "breach of the cortex": np.abs(here.along) + np.abs(here.bone + 1.0) + 9 * (lesion.beyond < 0), "mass beyond the bone": lesion.mass,
            "oedema of the marrow": np.abs(lesion.whole - 5) + np.maximum(0, here.bone + rim) + 9 * (here.along < 0), "oedema of the muscle": np.abs(here.bone - 4) + np.abs(lesion.whole - 4) + 9 * (lesion.beyond < 0) + 9 * (here.along < 10),
            "cortex on the other side": np.abs(here.bone + 0.5 * rim) + 9 * (lesion.beyond > 0) + 9 * ~away, "marrow": 99 * (here.bone > -7) - np.minimum(lesion.whole, 30)}
    points = {name: corner + np.unravel_index(int(np.argmin(mm)), mm.shape) for name, mm in ways.items()}
    named = {"fat": "subcutaneous fat", "patella": "patella", "quadriceps tendon": "quadriceps tendon", "popliteal artery": "popliteal vessels", "semimembranosus": "hamstring muscle",
             "tibia": "tibia", "femoral cartilage": "cartilage", "periosteum": "spicules of new bone"}
    top = labelled(plane.layers, (FINE, FINE), tuple(named))
    for k, name in enumerate(named.values(), 1):
        inside = np.argwhere(top == k)
        inside = inside[(np.abs(inside - FINE / 2) < 0.42 * FINE).all(axis=1)]
        if len(inside):
            points[name] = inside[np.argmin(np.abs(inside - np.median(inside, axis=0)).sum(axis=1))]
    return {name: np.asarray(at, float) for name, at in points.items()}
