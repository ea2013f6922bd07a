"""The contact sheet of cartilage histology."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from osteon.simulate.cartilage_histology import CARD, Section, section
from osteon.simulate.cartilage_histology_paint import TISSUES
from osteon.simulate.contact import Panel, Sheet

# severity, site, stain, confounded
CASES = ((0.05, "A", "safranin O", False), (0.30, "A", "safranin O", False), (0.55, "A", "safranin O", False), (0.95, "A", "safranin O", False), (0.10, "A", "H&E", False), (0.75, "A", "H&E", False),
         (0.20, "B", "safranin O", False), (0.70, "A", "safranin O", True))


def sheet() -> Sheet:
    """Eight sections over the grades, both stains, two sites, the last confounded; the living cells outlined."""
    panels = tuple(_panel(section((5, k), severity=severity, site=site, stain=stain, confounded=shortcut, difficulty=0.4), shortcut) for k, (severity, site, stain, shortcut) in enumerate(CASES))
    named = section((5, 31), severity=0.33, stain="safranin O", difficulty=0.1)
    note = "Yellow: the border of every living cell; empty lacunae carry none. The surface is above; the field is 0.64 mm wide."
    return Sheet(CARD, panels, Panel(named.stored, "", points=_structures(named)), note)


def _panel(made: Section, shortcut: bool) -> Panel:
    from skimage.measure import find_contours

    lines = tuple(find_contours((made.instances > 0).astype(float), 0.5))
    room = "confounded: stain, light" if shortcut else f"site {made.attributes['site']}"
    return Panel(made.stored, f"{made.attributes['stain']}, {room}\ngrade {made.grade}, {made.count} cells, annotators {', '.join(str(int(a.max())) for a in made.annotated.values())}", lines=lines)


def _structures(made: Section) -> Mapping[str, np.ndarray]:
    """A place in each tissue, and cells of each zone."""
    points: dict[str, np.ndarray] = {}
    cells = [np.argwhere(made.instances == k).mean(axis=0) for k in range(1, made.count + 1)]
    for k, tissue in enumerate(TISSUES, 1):
        here = np.argwhere((made.tissue == k) & (made.instances == 0))
        if len(here):
            aim = here.mean(axis=0) + (0, 60 if k % 2 else -70)
            points[{"bone": "subchondral bone", "calcified": "calcified cartilage", "marrow": "marrow space"}.get(tissue, f"{tissue} zone")] = here[np.argmin(np.abs(here - aim).sum(axis=1))].astype(float)
    def tissue_of(at: np.ndarray) -> int:
        return int(made.tissue[int(at[0]), int(at[1])])

    for name, zone in (("flat chondrocyte", 1), ("round chondrocyte", 2), ("column of chondrocytes", 3)):
        inside = [c for c in cells if tissue_of(c) == zone and 60 < c[1] < 450]
        if inside:
            points[name] = inside[len(inside) // 2]
    middle = made.tissue.shape[1] // 3
    borders = {"articular surface": (made.tissue[:, middle] > 0), "tidemark": (made.tissue[:, middle] == 4), "cement line": (made.tissue[:, middle] >= 5)}
    return points | {name: np.array([float(np.argmax(found)), float(middle)]) for name, found in borders.items() if found.any()}
