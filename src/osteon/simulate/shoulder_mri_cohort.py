"""Shoulder MRI as files of a cohort folder: an examination a case, what the reference standard of its set says of the tendon, the mask of the tear, and what eight readers said.

A set is train, internal (both by the reading of the MRI, which errs) or test (by surgery, which does not). Degrees come in blocks of ten in random order, so that small sets
hold every kind. No reader looks at a picture: a reader sees how torn the tendon is, moved by what the case shows to everyone, by habit, by this case and by chance
(components and sizes of `reader_panel`); for juniors chance is larger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from osteon.simulate import film_cohort
from osteon.simulate.reader_panel import CASE, CHANCE, HABIT, PAIR
from osteon.simulate.shoulder_mri import CARD, Examination, examination
from osteon.simulate.shoulder_mri_asking import Asking
from osteon.simulate.shoulder_mri_scene import STRUCTURES
from osteon.simulate.shoulder_mri_tendon import SHARES
from osteon.value import Mask

PARTS = ("train", "test", "train", "internal", "train", "train", "test", "train", "internal", "train", "test", "train")  # twelve cases after one another
OPERATED = "test"
TEAR = ("normal", "tear")
SEEN: Mapping[str, float] = {"normal": 0.0, "tendinosis": 0.95, "full thickness": 3.0}  # how torn a tendon looks, in steps; a partial tear from 1.35 up, by its depth
FROM, DEEPER = 1.35, 1.5  # steps of a partial tear of no depth, and added by one of full depth
CALLED = 1.5  # steps from which a reader calls a tear
READERS: Mapping[str, float] = {f"{who} {k + 1}, {rank} (simulated)": extra for who in ("radiologist", "surgeon") for k, (rank, extra) in enumerate((("senior", 0.0), ("senior", 0.0), ("junior", 0.7), ("junior", 0.7)))}
REPORT = 8  # the place of the reader whose report is the reference standard where nobody operated: a senior beside the eight
UNITS: Mapping[str, str] = {"age": "years", "bmi": "kg/m2", "tesla": "T", "depth_mm": "mm", "thickness_mm": "mm", "retraction_mm": "mm"}
MADE: Mapping[str, Any] = {"modality": "MR", "simulated": True, "model": f"{CARD.name} {CARD.version}"}
SERIES_MM = (26.0, -30.0)  # of a whole series, from front to back


def write(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of one examination of four slices, and its row."""
    part = PARTS[index % len(PARTS)]
    made = examination(film_cohort.sequence(call, index), ask=replace(_asked(call), degree=_degree(call, index, part)))
    reported, calls = read(made, call, index)
    truth = made.torn if part == OPERATED else reported
    row = {"part": part, "reference": "surgery" if part == OPERATED else "reading of the MRI", "tear": TEAR[truth], "tear_read": TEAR[reported], "tear_planted": TEAR[made.torn]}
    said = [{"reader": who, "target": "tear", "value": TEAR[call_], "aided": "no"} for who, call_ in calls.items()]
    return film_cohort.relative(folder, _files(folder, name, made)) | row | _cells(made) | {"readings": said}


def write_series(folder: Path, call: Mapping[str, Any], index: int, name: str) -> film_cohort.Row:
    """The files of a whole series, and its row: the truth alone."""
    places = tuple(float(v) for v in np.linspace(*SERIES_MM, call["slices"]))
    made = examination(film_cohort.sequence(call, index), places=places, ask=replace(_asked(call), degree=_degree(call, index, "train")))
    return film_cohort.relative(folder, _files(folder, name, made)) | {"tear": TEAR[made.torn]} | _cells(made)


def read(made: Examination, call: Mapping[str, Any], index: int) -> tuple[bool, dict[str, bool]]:
    """Whether the report of the MRI, and each of eight readers, calls a tear."""
    looks = SEEN.get(made.degree, FROM + DEEPER * made.depth_mm / 6.0) if made.torn or made.degree == "tendinosis" else 0.0
    rng = np.random.default_rng([call["seed"], ord(call["site"]), index, 84])
    habits = HABIT * np.random.default_rng([call["seed"], ord(call["site"]), 85]).normal(size=REPORT + 1)
    own = CASE * rng.normal() + np.hypot(PAIR, np.hypot(CHANCE, [*READERS.values(), 0.0])) * rng.normal(size=REPORT + 1)
    called = looks + habits + own >= CALLED
    return bool(called[REPORT]), dict(zip(READERS, called[:REPORT].tolist(), strict=True))


def _degree(call: Mapping[str, Any], index: int, part: str) -> str:
    """The degree of a case: those of its set come in blocks of ten in random order."""
    before, at = divmod(index, len(PARTS))
    place = before * PARTS.count(part) + PARTS[:at].count(part)
    mix = SHARES["operated" if part == OPERATED else "read"]
    block, within = divmod(place, len(mix))
    return mix[int(np.random.default_rng([call["seed"], ord(call["site"]), block, len(part), 86]).permutation(len(mix))[within])]


def _asked(call: Mapping[str, Any]) -> Asking:
    return Asking(call["site"], call["difficulty"], protocol=call["protocol"], matrix=call["matrix"], confounded=call.get("confounded", False))


def _files(folder: Path, name: str, made: Examination) -> dict[str, Path]:
    from osteon.readers import write_value
    from osteon.readers.nifti import write_nifti

    mask = write_value(folder / "truth" / f"{name}_tear_mask", Mask(made.stacked("tear")[None], ("tear",), made.grid))
    structures = made.stacked("structures")
    parts = write_value(folder / "truth" / f"{name}_structures", Mask(np.stack([structures == k + 1 for k in range(len(STRUCTURES))]), STRUCTURES, made.grid))
    return {"mri": write_nifti(folder / "mri" / f"{name}.nii.gz", made.stacked("stored"), made.grid, notes=dict(MADE)), "tear_mask": mask, "structures": parts}


def _cells(made: Examination) -> film_cohort.Row:
    return {"degree": made.degree, "depth_mm": made.depth_mm, "ellman": made.ellman, "slices_torn": sum(s.shown for s in made.slices)} | {k: v for k, v in made.attributes.items() if k != "site"}


EXAMINATIONS = film_cohort.Films(CARD, "osteon.simulate.shoulder_mri_cohort:EXAMINATIONS", write, UNITS, folders=("mri", "truth"))
SERIES = film_cohort.Films(CARD, "osteon.simulate.shoulder_mri_cohort:SERIES", write_series, UNITS, folders=("mri", "truth"))

