"""What a hospital calls its columns and what a study calls them: proposals, and questions where nothing fits."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from osteon.errors import DataError, message, near
from osteon.targets import Classes, Events, Grades, Measures

# Our name -> what others call it, folded; English first, then the languages of registries that we have seen.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "case_id": ("case", "caseid", "exam", "exam_id", "examination_id", "study_id", "accession", "accession_number", "fall_id", "fallnummer"),
    "patient_id": ("patient", "patientid", "pid", "pat_id", "patient_number", "patient_no", "mrn", "subject", "subject_id", "patienten_id", "patientennummer"),
    "site": ("centre", "center", "hospital", "clinic", "institution"), "laterality": ("side", "seite", "lat"), "sex": ("gender", "geschlecht"),
    "age": ("age_years", "age_at_surgery", "alter"), "weight": ("case_weight",), "part": ("split", "subset"), "consent": ("informed_consent",),
    "bmi": ("body_mass_index",), "race": ("ethnic_group",), "payer": ("insurance",),
}
FILE_ALIASES = ("file", "file_name", "filename", "image", "image_id", "image_path", "path", "film", "dicom", "dicom_file")
_SIDES = {"R": ("right", "r"), "L": ("left", "l")}


@dataclass(frozen=True)
class Missing:
    """Something that an import has to be told: what, the flag of the command line that answers, and why it is asked."""

    what: str
    flag: str
    why: str

    def __str__(self) -> str:
        return f"{self.what} ({self.why}): {self.flag}"


def fold(name: object) -> str:
    """A name without case, blanks and punctuation: `Pat. ID` and `pat_id` are one."""
    return re.sub(r"[^0-9a-zà-ÿ]+", "_", str(name).strip().lower()).strip("_")


def wanted(study: Any) -> dict[str, tuple[str, ...]]:
    """Each column that a cohort of the study may hold, with its other names, folded."""
    out = {name: ALIASES[name] for name in ("case_id", "patient_id", "site", "laterality", "weight", "part", "consent", "age", "sex")}
    images = [name for name, spec in study.inputs.items() if spec.kind not in ("table", "text")]
    for name, spec in study.inputs.items():
        if spec.kind == "table":
            out |= {column: ALIASES.get(column, ()) for column in spec.columns}
        else:
            out[name] = FILE_ALIASES if images == [name] else ()
            out |= {f"{name}.spacing": ("spacing", "pixel_spacing") if images == [name] else ()} if name in images else {}
    for name, target in study.targets.items():
        out |= _target_columns(name, target)
    return out | {name: ALIASES.get(name, ()) for name in study.subgroups if name not in out}


def _target_columns(name: str, target: Any) -> dict[str, tuple[str, ...]]:
    if isinstance(target, (Classes, Grades)):
        return {name: ()}
    if isinstance(target, Events):
        return {f"{name}.time": ("time", f"time_to_{name}"), f"{name}.event": ("event", name)}
    if isinstance(target, Measures):
        return {f"{name}.{key}": _reading_names(key) for key in target.keys}
    return {name: ()}


def _reading_names(key: str) -> tuple[str, ...]:
    """`HKA.R` is also `hka_right` and `right_hka`."""
    reading, _, side = key.partition(".")
    sides = _SIDES.get(side, ())
    return (fold(key), *(fold(f"{reading}_{s}") for s in sides), *(fold(f"{s}_{reading}") for s in sides))


def mapped(columns: Iterable[str], study: Any, given: Mapping[str, str], *, needed: Iterable[str]) -> tuple[dict[str, str], list[Missing]]:
    """Their column -> ours, and a question for each needed column that only a near name may be.

    What is given goes first, then equal names, then known other names. Raises DataError where a given column is not there, or
    two columns are given one name.
    """
    columns, ours = [str(column) for column in columns], wanted(study)
    _check_given(columns, ours, given)
    out = dict(given)
    for names in ({name: (fold(name),) for name in ours}, ours):
        for name, others in names.items():
            hit = next((c for other in others for c in columns if fold(c) == other and c not in out), None)
            if hit is not None and name not in out.values():
                out[hit] = name
    questions = []
    free = {fold(column): column for column in columns if column not in out}
    for name in needed:
        close = get_close_matches(fold(name).split(".")[-1], free, n=1, cutoff=0.7) if name not in out.values() else []
        questions += [Missing(f"the column {name!r}", f'--map "{free[close[0]]}={name}"', f"is it your {free[close[0]]!r}?")] if close else []
    return out, questions


def _check_given(columns: list[str], ours: Mapping[str, Any], given: Mapping[str, str]) -> None:
    for theirs, name in given.items():
        if theirs not in columns:
            raise DataError(message("map", f"there is no column {theirs!r}", do=near(theirs, columns)))
        if name not in ours:
            raise DataError(message("map", f"the study has no column {name!r}", do=near(name, ours)))
    twice = [name for name in given.values() if list(given.values()).count(name) > 1]
    if twice:
        raise DataError(message("map", f"two columns are given the name {twice[0]!r}", do="Name one of them"))
