"""Slices of the knees of nine hospitals as files of a cohort folder: the picture, and the menisci as the reference has them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from osteon.geometry.knee_oa import COMPARTMENTS
from osteon.simulate import film_cohort
from osteon.simulate.knee_menisci import CLASSES
from osteon.simulate.knee_mri import CARD, knee_slice
from osteon.simulate.knee_mri_asking import Asking
from osteon.simulate.knee_mri_cohort import MADE, PER_KNEE, UNITS
from osteon.simulate.knee_mri_hospitals import ARTHROSCOPY, HOSPITALS, as_read, pictured_at, place, read_as, worst


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one slice, and its row; four neighbours are slices of one knee, two through each meniscus."""
    from osteon.readers import write_value
    from osteon.readers.nifti import write_nifti

    knee, slot = divmod(index, PER_KNEE)
    there = place(call["site"], knee)
    hospital = HOSPITALS[there.hospital]
    asked = Asking(hospital.like, call["difficulty"], protocol="PDFS", matrix=call["matrix"], state=there.state)
    made = pictured_at(knee_slice(film_cohort.sequence(call, index), patient=film_cohort.sequence(call, index - slot), slot=slot, ask=asked), hospital)
    rng = np.random.default_rng([call["seed"], ord(call["site"]), knee, 84])
    true = {side: made.attributes[f"{side} meniscus"] for side in COMPARTMENTS}
    read = {side: read_as(state, call["read_error"], rng) for side, state in true.items()}
    side = "medial" if slot < PER_KNEE // 2 else "lateral"
    proved = there.part == ARTHROSCOPY
    menisci = made.menisci if proved else as_read(made.menisci, true[side], read[side])
    files = {"mri": write_nifti(folder / "mri" / f"{name}.nii.gz", made.stored, made.grid, notes=dict(MADE)), "menisci": write_value(folder / "truth" / f"{name}_menisci", menisci)}
    words = {"meniscus": worst(menisci.labels), "meniscus_exact": made.state} | {name: CLASSES.index(worst(known.values())) if proved else "" for name, known in (("knee_read", read), ("knee_proved", true))}
    cells = {k.replace(" ", "_"): ("yes" if v else "no") if isinstance(v, bool) else v for k, v in made.attributes.items() if k != "site"}
    return {"patient_id": film_cohort.pseudonym(call, knee), "site": there.hospital, "part": there.part} | film_cohort.relative(folder, files) | words | cells


LEVELS = film_cohort.Films(CARD, "osteon.simulate.knee_mri_levels:LEVELS", write, UNITS, folders=("mri", "truth"))
