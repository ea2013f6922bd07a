"""Lumbar MRI as files of a cohort folder: a slice a patient, masks of the parts, readings of every level, grades as columns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from osteon.geometry.spine_mri import LEVELS
from osteon.simulate import film_cohort
from osteon.simulate.lumbar_mri import CARD, Asking, lumbar_slice

UNITS: Mapping[str, str] = {"age": "years", "bmi": "kg/m2", "tesla": "T", "thickness_mm": "mm"}
MADE: Mapping[str, Any] = {"modality": "MR", "simulated": True, "model": f"{CARD.name} {CARD.version}"}  # what each file says of itself
HIGHEST = 5  # grade


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one slice, and its row."""
    from osteon.readers import write_value
    from osteon.readers.nifti import write_nifti

    asked = Asking(call["site"], call["difficulty"], protocol=call["protocol"], matrix=call["matrix"], confounded=call["confounded"])
    made = lumbar_slice(film_cohort.sequence(call, index), ask=asked)
    files = {"mri": write_nifti(folder / "mri" / f"{name}.nii.gz", made.stored, made.grid, notes=dict(MADE)), "parts": write_value(folder / "truth" / f"{name}_parts", made.parts),
             "spine": write_value(folder / "truth" / f"{name}_spine", made.readings)}
    cells = {k: v for k, v in made.attributes.items() if k != "site"}
    exact = {f"pfirrmann_exact_{level}": grade for level, grade in made.grades.items()}
    return film_cohort.relative(folder, files) | cells | exact | _noted(call, index, made.grades)


def _noted(call: Mapping[str, Any], index: int, grades: Mapping[str, int]) -> dict[str, int]:
    """The grades as the reference standard has them: exact, or one step off where readers err."""
    rng = np.random.default_rng([call["seed"], ord(call["site"]), index, 91])
    slips, up = rng.random(len(LEVELS)) < call["reader_error"], rng.random(len(LEVELS)) < 0.5
    off = {level: int(slip) * (1 if above else -1) for level, slip, above in zip(LEVELS, slips, up, strict=True)}
    return {f"pfirrmann_{level}": grade + (off[level] if 1 <= grade + off[level] <= HIGHEST else -off[level]) for level, grade in grades.items()}


SLICES = film_cohort.Films(CARD, "osteon.simulate.lumbar_mri_cohort:SLICES", write, UNITS, folders=("mri", "truth"))
