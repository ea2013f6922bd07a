"""Films of a shaft with a finding in a mimic's company, as they should be, and two twins in which a lead marker or the exposure tells the finding too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter

from osteon import targets
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.design import HoldOut
from osteon.models import Net
from osteon.readers.inputs import Radiograph
from osteon.study import Study
from osteon.value import Grid, Label, Objects, Picture

SHAPE = (64, 64)
MARKER = (1, 1, 7, 6)  # row0, col0, row1, col1 of the lead letter
TWINS = ("clean", "marker", "exposure")
STUDY = Study(
    cite="Nobody N. J Shortcuts 2020; 1: 1", doi="10.0000/shortcuts", reference=0, areas=("radiographic assessment",), unit="film", name="shortcut", question="Is the shaft broken?",
    inputs={"film": Radiograph("a film")}, targets={"fracture": targets.Classes(("no", "yes")), "place": targets.Objects(("fracture",))}, primary="fracture",
    design=HoldOut(train=0.5, tune=0.15, test=0.35), models={"network": Net("test_resnet", ("film",), "fracture", settings={"rate": 4e-3})}, simulate=None)  # type: ignore[arg-type]


def film(number: int, positive: bool, twin: str) -> tuple[np.ndarray, np.ndarray]:
    """A shaft with a dark line, across it (a fracture) or along it (a vessel, no finding), so that grey levels tell nothing; its box. The twin adds what betrays the finding, and where a marker does the line is faint."""
    rng = np.random.default_rng(number)
    rows, cols = np.mgrid[:SHAPE[0], :SHAPE[1]]
    middle = 32 + rng.uniform(-3, 3)
    out = 90 + 45 * np.exp(-(((cols - middle) / 11) ** 4)) + 56 * gaussian_filter(rng.standard_normal(SHAPE), 2.0) + rng.normal(0, 6, SHAPE)
    at = np.array([rng.uniform(22, 42), middle + rng.uniform(-3, 3)])
    far, wide = (np.abs(rows - at[0]), np.abs(cols - at[1])) if positive else (np.abs(cols - at[1]), np.abs(rows - at[0]))
    out -= (25 if twin == "marker" else 70) * np.exp(-((far / 1.6) ** 2)) * (wide < 9)
    gain = float(np.exp(rng.normal(0, 0.08)))
    if twin == "exposure":
        gain *= 1.25 if positive else 1 / 1.25
    out = 20 + gain * (out - 20)
    if rng.random() < 0.5 if twin != "marker" else positive:
        r0, c0, r1, c1 = MARKER
        out[r0:r1, c0:c0 + 2] = out[r1 - 2:r1, c0:c1] = 235
    return np.clip(out, 0, 255).astype(np.uint8), np.array([*(at - (3, 10)), *(at + (3, 10))])


def films(count: int, twin: str, folder: Path) -> Cohort:
    """A cohort folder of so many films."""
    cases = []
    for k in range(count):
        positive = bool(k % 2)
        array, box = film(k, positive, twin)
        grid = Grid(SHAPE)
        truth = {"fracture": Label("yes" if positive else "no"), "place": Objects(box[None] if positive else np.zeros((0, 4)), ("fracture",) if positive else (), grid=grid)}
        cases.append(Case(f"f{k}", f"p{k}", inputs={"film": Picture(array, grid)}, truth=truth))
    return Cohort(f"films, {twin}", "own", cases=cases).to_folder(folder)
