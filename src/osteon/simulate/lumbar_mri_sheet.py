"""The contact sheet of the lumbar MRI."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.geometry.spine_mri import CORNERS, LEVELS
from osteon.simulate.contact import Panel, Sheet
from osteon.simulate.knee_mri_asking import streams
from osteon.simulate.lumbar_mri import CARD, Asking, LumbarSlice, lumbar_slice, pictured
from osteon.simulate.lumbar_mri_patient import Spine, spine_of

CROP = (slice(6, 250), slice(62, 226))  # of 256 x 256 pixels: the spine
# site, confounded, protocol, seed; the seeds were chosen so that every grade stands here
CASES = (("A", False, "T2", 2), ("A", False, "T2", 11), ("A", False, "T2", 17), ("A", False, "T2", 5), ("A", False, "T1", 5), ("B", False, "T2", 12), ("B", False, "T2", 21), ("A", True, "T2", 17))
NAMED_SEED = (61, 4)
GRADES = ("I", "II", "III", "IV", "V")


def sheet() -> Sheet:
    """Eight slices over the grades at two sites, one in T1, the last confounded; outlines of the parts and corners overlaid."""
    made = [(lumbar_slice((61, seed), ask=Asking(site, 0.35, protocol=protocol, confounded=shortcut)), site, shortcut) for site, shortcut, protocol, seed in CASES]
    named, spine = _named()
    note = "Yellow: outlines of vertebrae, S1, discs and sac, and the corners that readings rest on; grades of L1/2 to L5/S1 below the site. Pixels of 1.1 mm, cut to the spine; 0.73 mm in the large slice."
    return Sheet(CARD, tuple(_panel(*each) for each in made), Panel(_grey(named), "", points=_structures(named, spine)), note)


def _named() -> tuple[LumbarSlice, Spine]:
    asked = Asking(difficulty=0.0, matrix=384, neutral=True)
    shared, own = streams(NAMED_SEED, None)
    spine = spine_of(shared, 0.0, neutral=True, degenerated=dict(zip(LEVELS, (0.1, 0.25, 0.45, 0.7, 0.9), strict=True)))
    return pictured(spine, asked, *own), spine


def _panel(made: LumbarSlice, site: str, shortcut: bool) -> Panel:
    from skimage.measure import find_contours

    room = "confounded: gain, shading, noise" if shortcut else f"site {site}, {made.attributes['tesla']:g} T, {made.attributes['protocol']}"
    corner = np.array([CROP[0].start, CROP[1].start])
    lines = tuple(line - corner for part in made.parts.array for line in find_contours(part.astype(float), 0.5) if len(line) > 12)
    points = {name: np.array(at) - corner for name, at in made.readings.landmarks.items()}
    return Panel(_grey(made)[CROP], f"{room}, {made.attributes['age']:.0f} years\n{' '.join(GRADES[g - 1] for g in made.grades.values())}", lines=lines, points=points)


def _grey(made: LumbarSlice) -> np.ndarray:
    film = made.stored.astype(np.float32)
    return np.clip(film / np.quantile(film, 0.99), 0, 1)


def _structures(made: LumbarSlice, spine: Spine) -> Mapping[str, np.ndarray]:
    """Structures of a slice: corners and middles of what the label map names, and points of the column's own frames."""
    from osteon.simulate.lumbar_mri_scene import STRUCTURES

    points = {f"body of {level}": np.mean([made.readings.landmarks[f"{level}.{corner}"] for corner in CORNERS], axis=0) for level in ("L1", "L4")}
    for name, said in (("L2/L3", "nucleus of L2/3"), ("L5/S1", "degenerated disc L5/S1"), ("S1", "body of S1"), ("cord", "conus")):
        here = np.argwhere(made.structures == 1 + STRUCTURES.index(name))
        points[said] = here[np.argmin(np.abs(here - here.mean(axis=0)).sum(axis=1))].astype(float) if name != "cord" else here[np.argmax(here[:, 0])].astype(float)
    scale, column = made.grid.spacing or (1.0, 1.0), spine.column
    first = np.array(made.grid.origin) * (1, -1, 1)
    more = {"basivertebral vein": (14, (0, -11, 0)), "cauda equina": (15, (0, -27, 0)), "cerebrospinal fluid": (13, (0, -20.5, -4)), "posterior epidural fat": (14, (0, -33.5, -14)),
            "spinous process of L3": (14, (0, -48, -6)), "interspinous ligament": (14, (0, -46, -24)), "prevertebral fat": (15, (0, 24, 0)), "aorta": (13, (0, 28, 0)), "subcutaneous fat": (14, (0, -74, 0))}
    return points | {name: np.array([first[2] - at[2], first[1] - at[1]]) / scale for name, (level, local) in more.items() for at in (column[level].world(local),)}
