"""Bone lesions as files of a cohort folder: T1, T2, the outline of the lesion, one row a case, and what three experts said of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from osteon.simulate import film_cohort
from osteon.simulate.bone_lesion import CARD, BoneLesion, bone_lesion
from osteon.simulate.bone_lesion_asking import Asking
from osteon.simulate.bone_lesion_patient import WEIGHT, areas, known_of

LABELS = ("benign", "malignant")
EXPERTS: Mapping[str, float] = {"expert 1 (simulated)": 0.55, "expert 2 (simulated)": 0.75, "expert 3 (simulated)": 0.95}  # scatter of what each sees of the aggressiveness
CAUTION = 0.45  # log odds by which experts rather call a lesion malignant than miss it
UNITS: Mapping[str, str] = {"age": "years", "tesla": "T", "t1_mm": "mm", "t2_mm": "mm", "lesion_mm2": "mm2", "design_mass_mm": "mm", "design_rim_mm": "mm", "design_breach_mm": "mm"}
MADE: Mapping[str, Any] = {"modality": "MR", "simulated": True, "model": f"{CARD.name} {CARD.version}"}  # what each file says of itself


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one case, and its row."""
    from osteon.readers.nifti import write_nifti

    made = bone_lesion(film_cohort.sequence(call, index), ask=Asking(call["site"], call["difficulty"], confounded=call["confounded"]))
    files = {key: write_nifti(folder / "mri" / f"{name}_{key}.nii.gz", sequence.stored, sequence.grid, notes=dict(MADE) | {"sequence": key.upper()}) for key, sequence in made.sequences.items()}
    files["lesion"] = write_nifti(folder / "mri" / f"{name}_lesion.nii.gz", made.outline.array[0].astype(np.uint8), made.outline.grid, notes=dict(MADE))
    read = [{"reader": reader, "target": "malignancy", "value": LABELS[call_], "aided": "no"} for reader, call_ in _read(call, index, made).items()]
    return film_cohort.relative(folder, files) | cells(made) | {"readings": read}


def cells(made: BoneLesion) -> film_cohort.Row:
    """The cells of a case."""
    patient, look = made.patient, made.look
    design = {"aggressive": round(patient.aggressive, 4), "shown": round(patient.shown, 4), "mass_mm": round(look.growth.mass, 1), "rim_mm": round(look.border.rim, 2), "breach_mm": round(look.growth.breach, 1), "periosteum": look.growth.periosteum,
              "matrix": patient.matrix, "uneven": round(look.signal.uneven, 3), "irregular": round(look.border.irregular, 3)}
    return {"malignancy": LABELS[int(patient.malignant)], "histology": patient.histology} | dict(made.attributes) | {"lesion_mm2": round(made.area, 1), "true_risk": round(patient.risk, 5)} | {
        f"design_{key}": value for key, value in design.items()}


def _read(call: Mapping[str, Any], index: int, made: BoneLesion) -> dict[str, bool]:
    """Each expert sees what the pictures show with a scatter of their own, knows the patient, and calls what is likelier, with some caution."""
    rng = np.random.default_rng([call["seed"], ord(call["site"]), index, 84])
    clinical = known_of(made.patient)
    return {reader: bool(WEIGHT * (made.patient.shown + scatter * rng.standard_normal()) + clinical + CAUTION > 0) for reader, scatter in EXPERTS.items()}


@lru_cache(maxsize=8)
def _areas(site: str, difficulty: float) -> dict[str, float]:
    return areas(Asking(site, difficulty))


def ceilings(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """The AUC of who reads the pictures perfectly and knows the patient."""
    return {"malignancy": {"malignant": {"auc": round(_areas(call["site"], call["difficulty"])["picture and record"], 5)}}}


LESIONS = film_cohort.Films(CARD, "osteon.simulate.bone_lesion_cohort:LESIONS", write, UNITS, folders=("mri",), ceilings=ceilings)
