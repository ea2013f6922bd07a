"""The contact sheet of the shoulder MRI."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.contact import Panel, Sheet
from osteon.simulate.shoulder_mri import CARD, Examination, Slice, examination
from osteon.simulate.shoulder_mri_asking import Asking, streams
from osteon.simulate.shoulder_mri_patient import examined
from osteon.simulate.shoulder_mri_scene import STRUCTURES

CROP = (slice(18, 146), slice(48, 176))  # of 224 x 224 pixels: head and cuff
# degree, site, confounded, protocol, tesla, seed
CASES = (("normal", "A", False, "PDFS", 3.0, 1), ("tendinosis", "A", False, "PDFS", 3.0, 2), ("partial, articular side", "A", False, "PDFS", 3.0, 6), ("partial, bursal side", "A", False, "T2FS", 1.5, 8),
         ("full thickness", "A", False, "PDFS", 1.5, 13), ("partial, articular side", "B", False, "PDFS", 0.0, 10), ("full thickness", "B", False, "T2FS", 0.0, 7), ("full thickness", "A", True, "PDFS", 3.0, 12))
NAMED_SEED, NAMED_AT = (12, 11), 2.0


def sheet() -> Sheet:
    """Eight examinations over the degrees at two sites, the last confounded, each by its most torn slice; tear and tendon outlined."""
    made = [(examination((11, seed), ask=Asking(site, 0.35, degree=degree, confounded=shortcut, protocol=protocol, tesla=tesla)), shortcut) for degree, site, shortcut, protocol, tesla, seed in CASES]
    named = examination(NAMED_SEED, places=(NAMED_AT, NAMED_AT - 4), ask=Asking(matrix=384, difficulty=0.0, neutral=True, degree="normal", tesla=3.0, protocol="PD"))
    note = "Yellow: the tendon, and within it what is torn, in the slice of the four that shows most of it. Pixels of 0.625 mm, cut to the joint; 0.36 mm and no fat suppression in the large slice."
    return Sheet(CARD, tuple(_panel(*each) for each in made), Panel(_grey(named.slices[0]), "", points=_structures(named.slices[0])), note)


def _panel(made: Examination, shortcut: bool) -> Panel:
    from skimage.measure import find_contours

    shown = max(made.slices, key=lambda s: s.tear.sum())
    tendon = np.isin(shown.structures, [1 + STRUCTURES.index(name) for name in ("supraspinatus tendon", "tear")])
    lines = tuple(line for mask in (tendon, shown.tear) for line in find_contours(mask[CROP].astype(float), 0.5) if len(line) > 8)
    room = "confounded: gain, shading, noise" if shortcut else f"site {made.attributes['site']}, {made.attributes['tesla']:g} T, {made.attributes['protocol']}"
    depth = f", {made.depth_mm:.1f} mm deep" if made.torn and made.degree.startswith("partial") else ""
    return Panel(_grey(shown)[CROP], f"{made.degree}{depth}\n{room}", lines=lines)


def _grey(made: Slice) -> np.ndarray:
    film = made.stored.astype(np.float32)
    return np.clip(film / np.quantile(film, 0.997), 0, 1)


def _structures(made: Slice) -> Mapping[str, np.ndarray]:
    """Structures of a slice: the middle of what the label map names, and points of the shoulder's own frame."""
    points = {}
    for name in ("acromion", "clavicle", "supraspinatus tendon", "supraspinatus", "deltoid", "trapezius", "humeral cartilage", "labrum"):
        here = np.argwhere(made.structures == 1 + STRUCTURES.index(name))
        if len(here):
            points[name] = here[np.argmin(np.abs(here - here.mean(axis=0)).sum(axis=1))].astype(float)
    shoulder = examined(streams(NAMED_SEED), Asking(neutral=True, degree="normal", difficulty=0.0, tesla=3.0))
    lattice = shoulder.lattice(NAMED_AT, made.stored.shape, (made.grid.spacing or (1.0, 1.0)), 3.0)  # type: ignore[arg-type]
    r = shoulder.scene.build.head
    more = {"head of the humerus": (-2, 4), "greater tuberosity": (0.88 * r, 0.35 * r), "surgical neck": (6, -40), "glenoid": (-r - 8, -2), "acromioclavicular joint": (-14.2, r + shoulder.scene.build.room + 5.5),
            "axillary recess": (-0.52 * r, -r - 1.5), "subcutaneous fat": (r + 26, -20)}
    return points | {name: lattice.index(np.array([x, NAMED_AT, z]))[1:] for name, (x, z) in more.items()}
