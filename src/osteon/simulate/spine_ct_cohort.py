"""Spine CT as files of a cohort folder: NIfTI, masks of the structures, the box of the vertebra, density, signs, and what three readers called it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from osteon.simulate import film_cohort
from osteon.simulate.spine_ct import CARD, Asking, SpineVolume, spine_volume
from osteon.simulate.spine_ct_scene import STRUCTURES
from osteon.value import Mask, Objects

FRACTURES: Mapping[str, str] = {"none": "none", "porotic": "benign", "malignant": "malignant"}
READERS: Mapping[str, float] = {"radiologist 1 (simulated)": 0.03, "radiologist 2 (simulated)": 0.06, "resident (simulated)": 0.10}  # share called the other kind
UNITS: Mapping[str, str] = {"age": "years", "bmi": "kg/m2", "bmd": "mg/cm3", "kv": "kV", "loss": "fraction"}


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one CT, and its row."""
    from osteon.readers import write_value
    from osteon.readers.nifti import write_nifti

    made = spine_volume(film_cohort.sequence(call, index), ask=Asking(call["site"], call["difficulty"], points=call["points"], cause=call["cause"], confounded=call["confounded"]))
    masks = Mask(np.stack([made.labels == k + 1 for k in range(len(STRUCTURES))]), STRUCTURES, made.grid)
    files = {"ct": write_nifti(folder / "ct" / f"{name}.nii.gz", made.stored, made.grid, notes={"modality": "CT", "simulated": True, "model": f"{CARD.name} {CARD.version}"}),
             "structures": write_value(folder / "truth" / f"{name}_structures", masks),
             "vertebra": write_value(folder / "truth" / f"{name}_vertebra", Objects(made.box[None], ("vertebra",), grid=made.grid))}
    rng = np.random.default_rng([call["seed"], ord(call["site"]), index, 87])
    called = FRACTURES[made.broken.cause]
    read = [{"reader": reader, "target": "fracture", "value": _slipped(called, share, rng), "aided": "no"} for reader, share in READERS.items()]
    noted = _slipped(called, call["reader_error"], np.random.default_rng([call["seed"], ord(call["site"]), index, 86]))
    return film_cohort.relative(folder, files) | {"fracture": noted, "fracture_exact": called} | _cells(made) | {"readings": read}


def _slipped(called: str, share: float, rng: np.random.Generator) -> str:
    """The other kind of fracture with a chance of `share`; no fracture stays none."""
    slips = rng.random() < share
    return {"benign": "malignant", "malignant": "benign"}.get(called, called) if slips else called


def _cells(made: SpineVolume) -> film_cohort.Row:
    wrong = made.broken
    words = {k: ("yes" if v else "no") if isinstance(v, bool) else v for k, v in made.attributes.items() if k != "site"}
    return words | {"bmd": round(made.bmd, 1), "loss": round(float(max(wrong.loss)), 3)} | {f"sign_{k}": "yes" if v else "no" for k, v in wrong.signs.items()}


def ceilings(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """The share of exact answers that a reader who sees everything reaches against a reference standard that errs."""
    return {"fracture": {"malignant": {"exact": round(1 - call["reader_error"], 5)}}}


VOLUMES = film_cohort.Films(CARD, "osteon.simulate.spine_ct_cohort:VOLUMES", write, UNITS, folders=("ct", "truth"), ceilings=ceilings)
