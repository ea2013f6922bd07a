"""Micro-CT of bone as files of a cohort folder: slices as PNG with masks of bone and cracks, or pairs of volumes as NIfTI with displacement and strain."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from osteon.simulate import film_cohort
from osteon.simulate.bone_microct import CARD, Asking, bone_slice, strained_pair
from osteon.value import Grid, Mask, Picture

STRUCTURES = ("bone", "crack")
NOTES: Mapping[str, Any] = {"modality": "micro-CT", "simulated": True, "model": f"{CARD.name} {CARD.version}"}


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one slice, and its row; neighbours are slices of one specimen, evenly spaced."""
    from osteon.readers import write_value

    first = index - index % call["slices"]
    ask = Asking(call["site"], call["difficulty"], tissue=call["tissue"], points=call["points"], confounded=call["confounded"])
    place = 2 * (index % call["slices"] + 0.5) / call["slices"] - 1
    made = bone_slice(film_cohort.sequence(call, index), of=film_cohort.sequence(call, first), at=place, ask=ask)
    grid = Grid(made.stored.shape, (made.voxel_um / 1000,) * 2, spacing_kind="volume")
    files = {"microct": write_value(folder / "microct" / name, Picture(made.stored, grid, NOTES)),
             "structures": write_value(folder / "truth" / f"{name}_structures", Mask(np.stack([made.bone, made.crack]), STRUCTURES, grid))}
    cells = {k: ("yes" if v else "no") if isinstance(v, bool) else v for k, v in made.attributes.items() if k != "site"}
    return {"patient_id": film_cohort.pseudonym(call, first)} | film_cohort.relative(folder, files) | {"state": made.state} | cells | {"crush_um": round(made.load.crush, 2), "strain": round(made.load.even, 5)}


def write_pair(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of a bone before and under load, and its row."""
    from osteon.readers import write_value
    from osteon.readers.nifti import write_nifti

    made = strained_pair(film_cohort.sequence(call, index), ask=Asking(call["site"], call["difficulty"], tissue=call["tissue"], points=call["points"]))
    grid = Grid(made.before.shape, (made.voxel_um / 1000,) * 3, (0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0), "volume")
    files = {part: write_nifti(folder / "microct" / f"{name}_{part}.nii.gz", getattr(made, part), grid, notes=dict(NOTES)) for part in ("before", "under")}
    files |= {part: write_value(folder / "truth" / f"{name}_{part}", Picture(np.moveaxis(getattr(made, part), 0, -1), grid, NOTES)) for part in ("displacement", "strain")}
    return film_cohort.relative(folder, files) | {"tissue": call["tissue"], "strain_zz": round(100 * float(made.strain[2].mean()), 5)}


SLICES = film_cohort.Films(CARD, "osteon.simulate.bone_microct_cohort:SLICES", write, {"at_um": "um", "crush_um": "um"}, folders=("microct", "truth"))
PAIRS = film_cohort.Films(CARD, "osteon.simulate.bone_microct_cohort:PAIRS", write_pair, {"strain_zz": "%"}, folders=("microct", "truth"))
