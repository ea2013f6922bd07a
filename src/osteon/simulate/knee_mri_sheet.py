"""The contact sheet of the knee MRI."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.contact import Panel, Sheet
from osteon.simulate.knee_menisci import CLASSES
from osteon.simulate.knee_mri import CARD, KneeSlice, knee_slice
from osteon.simulate.knee_mri_asking import Asking, streams
from osteon.simulate.knee_mri_patient import examined
from osteon.simulate.knee_mri_scene import STRUCTURES

CROP = (slice(78, 206), slice(56, 184))  # of 256 x 256 pixels: the joint
# class, through the body or both horns of the worse meniscus, site, confounded, protocol, seed; the seeds were chosen so that several kinds of tears stand here
CASES = (("healthy", "body", "A", False, "PDFS", 1), ("healthy", "horns", "A", False, "PD", 2), ("degenerated", "horns", "A", False, "PDFS", 3), ("torn", "horns", "A", False, "PDFS", 4),
         ("torn", "horns", "A", False, "PD", 37), ("degenerated", "horns", "B", False, "PDFS", 6), ("torn", "body", "B", False, "PDFS", 8), ("torn", "horns", "A", True, "PDFS", 33))
PLACES: Mapping[tuple[str, str], int] = {("medial", "body"): 0, ("medial", "horns"): 1, ("lateral", "horns"): 2, ("lateral", "body"): 3}
NAMED_SEED, NAMED_AT = (11, 4), 1.0


def sheet() -> Sheet:
    """Eight slices through menisci of each class at two sites, the last confounded; outlines and boxes of the parts overlaid."""
    made = [(_slice(part, (11, seed), Asking(site, 0.35, state=state, confounded=shortcut, protocol=protocol)), site, shortcut) for state, part, site, shortcut, protocol, seed in CASES]
    named = knee_slice(NAMED_SEED, at=NAMED_AT, protocol="PD", matrix=384, difficulty=0.0, neutral=True, state="healthy")
    note = "Yellow: each part of a meniscus and its box; its class is what the slice shows. Pixels of 0.625 mm, cut to the joint; 0.42 mm in the large slice."
    return Sheet(CARD, tuple(_panel(*each) for each in made), Panel(_grey(named), "", points=_structures(named)), note)


def _slice(part: str, seed: tuple[int, int], asked: Asking) -> KneeSlice:
    """A slice through the worse meniscus."""
    lesions = examined(streams(seed, None)[0], asked).scene.lesions
    worse = max(lesions, key=lambda side: CLASSES.index(lesions[side].state))
    return knee_slice(seed, slot=PLACES[worse, part], ask=asked)


def _panel(made: KneeSlice, site: str, shortcut: bool) -> Panel:
    from skimage.measure import find_contours

    room = "confounded: gain, shading, noise" if shortcut else f"site {site}, {made.attributes['tesla']:g} T"
    shown = ", ".join(f"torn ({made.attributes['tear']})" if label == "torn" else label for label in made.menisci.labels) or "no meniscus"
    corner = np.array([CROP[0].start, CROP[1].start])
    lines = tuple(line - corner for line in find_contours((made.classes > 0).astype(float), 0.5) if len(line) > 8)
    boxes = tuple(box - np.tile(corner, 2) + [-2, -2, 2, 2] for box in made.menisci.boxes)
    return Panel(_grey(made)[CROP], f"{made.attributes['protocol']}, {room}\n{shown}", lines=lines, boxes=boxes)


def _grey(made: KneeSlice) -> np.ndarray:
    film = made.stored.astype(np.float32)
    return np.clip(film / np.quantile(film, 0.995), 0, 1)


def _structures(made: KneeSlice) -> Mapping[str, np.ndarray]:
    """Structures of a slice near the middle: the middle of what the label map names, and points of the knee's own frames."""
    points = {}
    for name in ("femur", "tibia", "patella", "anterior cruciate ligament", "posterior cruciate ligament", "patellar tendon", "quadriceps tendon", "femoral cartilage", "patellar cartilage", "effusion"):
        here = np.argwhere(made.structures == 1 + STRUCTURES.index(name))
        if len(here):
            points[{"effusion": "suprapatellar recess"}.get(name, name)] = here[np.argmin(np.abs(here - here.mean(axis=0)).sum(axis=1))].astype(float)
    knee = examined(streams(NAMED_SEED, None)[0], Asking(protocol="PD", neutral=True, state="healthy", difficulty=0.0))
    lattice = knee.lattice("sagittal", NAMED_AT, made.stored.shape, (made.grid.spacing or (1.0, 1.0)), 3.0)  # type: ignore[arg-type]
    bones = knee.scene.knee.bones
    more = {"Hoffa's fat pad": ("tibia", (2, 30, 2)), "popliteal artery": ("femur", (1, -41, 22)), "popliteus": ("tibia", (2, -29, -24)), "scar of the growth plate": ("femur", (0, 2, 33)),
            "subcutaneous fat": ("femur", (0, -62, 40))}
    return points | {name: lattice.index(bones[bone].world(np.asarray(at, float)))[1:] for name, (bone, at) in more.items()}
