"""Small films with two bright discs on a dark, noisy ground, in memory: enough for a network to learn in seconds."""

from __future__ import annotations

import numpy as np

from osteon import targets
from osteon.case import Case
from osteon.cohort import Cohort
from osteon.value import Grid, Label, Mask, Objects, Picture, Readings

NAMES = ("disc", "ring")
TARGETS = {"things": targets.Objects(NAMES, most=1), "shapes": targets.Masks(NAMES),
           "side": targets.Classes(("left", "right")), "reading": targets.Measures({"height": "mm", "tilt": "deg"}, main="height")}


def disc_case(number: int, *, shape: tuple[int, int] = (96, 64), truth: bool = True) -> Case:
    """A disc in the upper and a ring in the lower half; the class is the side of the disc, the reading its height."""
    rng = np.random.default_rng(number)
    rows, cols = np.mgrid[:shape[0], :shape[1]]
    centres = [(rng.uniform(22, 30), rng.choice([20.0, 44.0]) + rng.uniform(-3, 3)), (rng.uniform(62, 72), rng.uniform(22, 42))]
    radii = [rng.uniform(9, 12), rng.uniform(11, 14)]
    far = [np.hypot(rows - r, cols - c) for r, c in centres]
    layers = np.stack([far[0] <= radii[0], (far[1] <= radii[1]) & (far[1] >= 4)])
    film = 900 + 1500 * layers[0] + 900 * layers[1] + rng.normal(0, 120, shape)
    grid = Grid(shape, (0.5, 0.5))
    boxes = np.array([[r - q, c - q, r + q, c + q] for (r, c), q in zip(centres, radii, strict=True)])
    known = {"things": Objects(boxes, NAMES, grid=grid), "shapes": Mask(layers, NAMES, grid),
             "side": Label("left" if centres[0][1] < 32 else "right"), "reading": Readings({"height": centres[0][0], "tilt": np.nan})}
    return Case(f"c{number}", f"p{number}", inputs={"film": Picture(film.astype(np.uint16), grid)}, truth=known if truth else {})


def disc_cohort(count: int, *, first: int = 0, boxes: bool = False) -> Cohort:
    """So many cases; with `boxes` the true boxes are an input, as an earlier step would hand them on."""
    cases = [disc_case(first + number) for number in range(count)]
    if boxes:
        cases = [case.with_inputs(things=case.truth["things"]) for case in cases]
    return Cohort("discs", "simulated", cases=cases)
