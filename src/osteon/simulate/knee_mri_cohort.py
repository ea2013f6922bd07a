"""Knee MRI as files of a cohort folder: a slice or a series a case, boxes and masks of the menisci by class, masks of the structures, what three readers said."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from osteon.simulate import film_cohort
from osteon.simulate.knee_menisci import CLASSES
from osteon.simulate.knee_mri import CARD, SLOTS, KneeSlice, knee_slice
from osteon.simulate.knee_mri_asking import Asking
from osteon.simulate.knee_mri_scene import STRUCTURES
from osteon.value import Grid, Mask

PER_KNEE = len(SLOTS)
READERS: Mapping[str, float] = {"radiologist 1 (simulated)": 0.08, "radiologist 2 (simulated)": 0.11, "trainee (simulated)": 0.22}  # share off by one class
UNITS: Mapping[str, str] = {"age": "years", "bmi": "kg/m2", "effusion_mm": "mm", "defect_mm": "mm", "tesla": "T", "at_mm": "mm", "thickness_mm": "mm"}
MADE: Mapping[str, Any] = {"modality": "MR", "simulated": True, "model": f"{CARD.name} {CARD.version}"}  # what each file says of itself
SERIES_MM = 38.0  # from the middle of the joint to the outermost slice


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one slice, and its row; four neighbours are slices of one knee."""
    from osteon.readers import write_value
    from osteon.readers.nifti import write_nifti

    knee = index - index % PER_KNEE
    made = knee_slice(film_cohort.sequence(call, index), patient=film_cohort.sequence(call, knee), slot=index % PER_KNEE, ask=_asked(call))
    mri = write_nifti(folder / "mri" / f"{name}.nii.gz", made.stored, made.grid, notes=dict(MADE))
    menisci = write_value(folder / "truth" / f"{name}_menisci", made.menisci)
    masks = _masks(folder, name, made.classes, made.structures, made.grid)
    read = [{"reader": reader, "target": "meniscus", "value": state, "aided": "no"} for reader, state in _read(call, index, made.state).items()]
    return ({"patient_id": film_cohort.pseudonym(call, knee)} | film_cohort.relative(folder, {"mri": mri, "menisci": menisci} | masks)
            | {"meniscus": _noted(call, index, made.state), "meniscus_exact": made.state} | _cells(made) | {"readings": read})


def write_series(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of a whole series, and its row."""
    from osteon.readers.nifti import write_nifti

    root, asked = film_cohort.sequence(call, index), _asked(call)
    places = np.linspace(-SERIES_MM, SERIES_MM, call["slices"])
    made = [knee_slice(seed, patient=root, at=float(at), ask=asked) for at, seed in zip(places, root.spawn(6)[5].spawn(call["slices"]), strict=True)]
    made = made if made[0].grid.origin[0] <= made[-1].grid.origin[0] else made[::-1]  # type: ignore[index]
    grid = _volume(made)
    stored, classes, structures = (np.stack([getattr(each, part) for each in made]) for part in ("stored", "classes", "structures"))
    mri = write_nifti(folder / "mri" / f"{name}.nii.gz", stored, grid, notes=dict(MADE))
    worst = CLASSES[max(CLASSES.index(each.state) for each in made)]
    cells = {k: v for k, v in _cells(made[0]).items() if k != "at_mm"}
    return {"patient_id": film_cohort.pseudonym(call, index)} | film_cohort.relative(folder, {"mri": mri} | _masks(folder, name, classes, structures, grid)) | {"meniscus": worst} | cells


def _asked(call: Mapping[str, Any]) -> Asking:
    return Asking(call["site"], call["difficulty"], protocol=call["protocol"], matrix=call["matrix"], confounded=call.get("confounded", False))


def _masks(folder: Path, name: str, classes: np.ndarray, structures: np.ndarray, grid: Grid) -> dict[str, Path]:
    from osteon.readers import write_value

    made = {"meniscus_mask": Mask(np.stack([classes == k + 1 for k in range(len(CLASSES))]), CLASSES, grid),
            "structures": Mask(np.stack([structures == k + 1 for k in range(len(STRUCTURES))]), STRUCTURES, grid)}
    return {column: write_value(folder / "truth" / f"{name}_{column}", mask) for column, mask in made.items()}


def _volume(slices: list[KneeSlice]) -> Grid:
    """The grid of slices side by side, from the right of the patient to the left."""
    first, last = (np.array(slices[k].grid.origin) for k in (0, -1))
    step = float(np.linalg.norm(last - first)) / (len(slices) - 1)
    (rows, cols), spacing, direction = slices[0].grid.shape, slices[0].grid.spacing, slices[0].grid.direction
    assert spacing is not None and direction is not None
    across = tuple(float(v) for v in (last - first) / (step * (len(slices) - 1)))
    return Grid((len(slices), rows, cols), (step, *spacing), tuple(float(v) for v in first), (*across, *direction), "volume")


def _noted(call: Mapping[str, Any], index: int, state: str) -> str:
    """The class as the reference standard has it: exact, or one step off where readers err."""
    return _slipped(state, call["reader_error"], np.random.default_rng([call["seed"], ord(call["site"]), index, 82]))


def _read(call: Mapping[str, Any], index: int, state: str) -> dict[str, str]:
    rng = np.random.default_rng([call["seed"], ord(call["site"]), index, 83])
    return {reader: _slipped(state, share, rng) for reader, share in READERS.items()}


def _slipped(state: str, share: float, rng: np.random.Generator) -> str:
    """A class, or with a chance of `share` its neighbour."""
    slips, up = rng.random() < share, rng.random() < 0.5
    at = CLASSES.index(state)
    return state if not slips else CLASSES[1] if at != 1 else CLASSES[2 if up else 0]


def _cells(made: KneeSlice) -> film_cohort.Row:
    return {k.replace(" ", "_"): ("yes" if v else "no") if isinstance(v, bool) else v for k, v in made.attributes.items() if k != "site"}


def ceilings(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """The share of exact classes that a reader who sees everything reaches against a reference standard that errs."""
    return {"meniscus": {CLASSES[-1]: {"exact": round(1 - call["reader_error"], 5)}}}


SLICES = film_cohort.Films(CARD, "osteon.simulate.knee_mri_cohort:SLICES", write, UNITS, folders=("mri", "truth"), ceilings=ceilings)
SERIES = film_cohort.Films(CARD, "osteon.simulate.knee_mri_cohort:SERIES", write_series, UNITS, folders=("mri", "truth"))
