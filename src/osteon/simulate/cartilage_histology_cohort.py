"""Cartilage sections as files of a cohort folder: PNG in colour, masks and numbered cells of the truth and of two annotators, counts of observers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from osteon.simulate import film_cohort
from osteon.simulate.cartilage_histology import CARD, Asking, Section, section
from osteon.simulate.cartilage_histology_annotators import OBSERVERS, counted
from osteon.simulate.cartilage_histology_paint import TISSUES
from osteon.value import Grid, Mask, Objects, Picture, Value

CELL = ("chondrocyte",)
PER_SPECIMEN = 2  # sections cut from one


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one section, and its row; neighbours come from one specimen."""
    from osteon.readers import write_value

    made = section(film_cohort.sequence(call, index), ask=Asking(call["site"], call["difficulty"], **{k: call[k] for k in ("side", "pixel_um", "stain", "confounded")}))
    grid = Grid(made.tissue.shape, (made.pixel_um / 1000,) * 2, spacing_kind="calibrated")
    notes = {"modality": "histology", "simulated": True, "model": f"{CARD.name} {CARD.version}"}
    values: dict[str, Value] = {"section": Picture(made.stored, grid, notes), "cells": Mask(made.instances[None] > 0, CELL, grid), "boxes": boxes(made, grid), "instances": Picture(made.instances, grid, notes),
              "tissue": Mask(np.stack([made.tissue == k + 1 for k in range(len(TISSUES))]), TISSUES, grid)}
    values |= {f"cells_{who.replace(' ', '')}": Mask(mask[None] > 0, CELL, grid) for who, mask in made.annotated.items()}
    files = {column: write_value(folder / ("section" if column == "section" else "truth") / (name if column == "section" else f"{name}_{column}"), value) for column, value in values.items()}
    rng = np.random.default_rng([call["seed"], ord(call["site"]), index, 95])
    read = [{"reader": f"{who} (simulated)", "target": "count", "value": int(mask.max()), "aided": "no"} for who, mask in made.annotated.items()]
    read += [{"reader": who, "target": "count", "value": counted(made.count, share, rng), "aided": "no"} for who, share in OBSERVERS.items()]
    return ({"patient_id": film_cohort.pseudonym(call, index - index % PER_SPECIMEN)} | film_cohort.relative(folder, files) | {"count": made.count, "fibrillation": made.grade}
            | {k: v for k, v in made.attributes.items() if k != "site"} | {"readings": read})


def boxes(made: Section, grid: Grid) -> Objects:
    """A box about each living cell."""
    from scipy.ndimage import find_objects

    found = [where for where in find_objects(made.instances.astype(np.int32)) if where]
    return Objects(np.array([[s[0].start - 0.5, s[1].start - 0.5, s[0].stop - 0.5, s[1].stop - 0.5] for s in found]).reshape(len(found), 4), CELL * len(found), grid=grid)


SECTIONS = film_cohort.Films(CARD, "osteon.simulate.cartilage_histology_cohort:SECTIONS", write, {"count": "cells", "rough_um": "um"}, folders=("section", "truth"))
