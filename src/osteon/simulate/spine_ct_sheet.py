"""The contact sheet of the spine CT."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.contact import Panel, Sheet
from osteon.simulate.spine_ct import CARD, SpineVolume, spine_volume
from osteon.simulate.spine_ct_scene import STRUCTURES

WINDOW = (-170.0, 640.0)  # HU shown
# cause, sagittal, site, confounded, seed
CASES = (("none", True, "A", False, 3), ("porotic", True, "A", False, 1), ("porotic", True, "A", False, 8), ("malignant", True, "A", False, 4),
         ("malignant", False, "A", False, 2), ("malignant", False, "A", False, 12), ("porotic", False, "B", False, 6), ("malignant", False, "A", True, 14))
NAMED = (21, 12)


def sheet() -> Sheet:
    """Eight volumes, of which one plane each: no fracture, weak bone and metastases at two sites, the last confounded; the broken vertebra, tumour and plaques outlined."""
    panels = tuple(_panel(spine_volume((3, seed), cause=cause, site=site, confounded=shortcut, difficulty=0.3), sagittal, shortcut) for cause, sagittal, site, shortcut, seed in CASES)
    named = spine_volume(NAMED, cause="none", level=13, difficulty=0.1, neutral=True)
    slice_ = round(float(named.box[[0, 3]].mean())) + 2
    note = "Yellow: the broken vertebra, tumour and plaques as the label map has them. Sagittal planes face left; on axial ones the left of the patient is on the right. 1 mm voxels."
    return Sheet(CARD, panels, Panel(_grey(named.stored[slice_]), "", points=_structures(named, slice_)), note)


def _panel(made: SpineVolume, sagittal: bool, shortcut: bool) -> Panel:
    from skimage.measure import find_contours

    at = made.box.reshape(2, 3).mean(axis=0).round().astype(int)
    labels, film = (a[::-1, :, at[2]] if sagittal else a[at[0] + 2] for a in (made.labels, made.stored))
    shown = [1 + STRUCTURES.index(n) for n in ("broken vertebra", "tumour", "calcification")]
    lines = tuple(line for k in shown for line in find_contours((labels == k).astype(float), 0.5) if len(line) > 10)
    room = "confounded" if shortcut else f"site {made.attributes['site']}"
    signs = ", ".join(name for name, there in made.broken.signs.items() if there) or "no sign"
    return Panel(_grey(film), f"{made.broken.cause}, {made.attributes['level']}, {made.bmd:.0f} mg/ml, {room}\n{signs}", lines=lines)


def _grey(hu: np.ndarray) -> np.ndarray:
    return np.clip((hu.astype(np.float32) - WINDOW[0]) / (WINDOW[1] - WINDOW[0]), 0, 1)


def _structures(made: SpineVolume, slice_: int) -> Mapping[str, np.ndarray]:
    """Structures of an axial slice: the middle of what the label map names, and places by the middle of the vertebra."""
    points = {}
    for name in ("aorta", "canal", "calcification"):
        here = np.argwhere(made.labels[slice_] == 1 + STRUCTURES.index(name))
        if len(here):
            points[{"canal": "dural sac"}.get(name, name)] = here[np.argmin(np.abs(here - here.mean(axis=0)).sum(axis=1))].astype(float)
    centre = made.box.reshape(2, 3).mean(axis=0)[1:]
    by = {"spongy bone": (-3, 3), "cortex": (-11, 2), "posterior wall": (16.5, 0), "pedicle": (14.5, -14.5), "articular processes": (32, -13.5), "spinous process": (48, 0), "psoas": (9.5, 28),
          "inferior vena cava": (-23, -15.5), "kidney": (12, -52), "erector spinae": (42, -31), "multifidus": (44, -9), "retroperitoneal fat": (-23, 38), "bowel": (-49, -40)}
    return points | {name: centre + np.array(at, float) for name, at in by.items()}
